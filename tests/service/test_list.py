"""GET /v1/scans: the caller's operator's live acceptances, with totals over all pages."""

import pytest


@pytest.fixture
async def seller(house):
    """A device of an operator of its own, which has taken 25 passes, and their attempt ids, oldest first."""
    device = await house.operator()
    passes = await house.passes(25)
    attempts = [f"01890000-0000-7000-8000-{device.id:06d}{place:06d}" for place in range(25)]
    scans = [
        {"attempt_id": attempt_id, "code": one.qr, "service": "demarches"}
        for attempt_id, one in zip(attempts, passes, strict=True)
    ]
    answer = await house.batch(scans, device=device)
    assert {verdict["verdict"] for verdict in answer.body["verdicts"]} == {"accepted"}
    return device, attempts, {v["attempt_id"]: v["receipt"] for v in answer.body["verdicts"]}


async def _list(house, device, query=""):
    return (await house.call("GET", f"/v1/scans{query}", device=device)).body


async def test_pages_cover_everything_once_and_each_tells_the_same_totals(house, seller):
    device, attempts, receipts = seller
    found, offset = [], 0
    while offset is not None:
        page = await _list(house, device, f"?limit=10&offset={offset}")
        assert (page["count"], page["total_cents"]) == (25, 25_000)
        assert len(page["scans"]) <= 10
        found += page["scans"]
        offset = page["next_offset"]
    assert sorted(scan["attempt_id"] for scan in found) == sorted(attempts)
    for scan in found:
        assert scan["receipt"] == receipts[scan["attempt_id"]]
        assert (scan["site"], scan["service"], scan["remittance"]) == (device.site, "demarches", None)


async def test_the_newest_come_first(house, seller):
    device, _, _ = seller
    instants = [scan["accepted_at"] for scan in (await _list(house, device))["scans"]]
    assert instants == sorted(instants, reverse=True)


async def test_a_page_past_the_end_is_empty_and_still_tells_the_totals(house, seller):
    device, _, _ = seller
    page = await _list(house, device, "?offset=1000")
    assert page == {"scans": [], "count": 25, "total_cents": 25_000, "next_offset": None}


async def test_what_was_undone_is_not_listed_nor_counted(house, seller):
    device, attempts, _ = seller
    for attempt_id in attempts[:5]:
        await house.undo(attempt_id, device=device)
    page = await _list(house, device, "?limit=1000")
    assert (page["count"], page["total_cents"]) == (20, 20_000)
    assert {scan["attempt_id"] for scan in page["scans"]} == set(attempts[5:])


async def test_remitted_and_not_remitted_are_told_apart_and_add_up(house, seller):
    device, attempts, _ = seller
    closed = await house.call("POST", "/v1/remittances", json={"attempt_ids": attempts[:10]}, device=device)
    assert closed.status == 201
    remitted = await _list(house, device, "?remitted=true")
    waiting = await _list(house, device, "?remitted=false")
    assert (remitted["count"], remitted["total_cents"]) == (10, 10_000)
    assert (waiting["count"], waiting["total_cents"]) == (15, 15_000)
    assert {scan["remittance"] for scan in remitted["scans"]} == {1}
    assert {scan["remittance"] for scan in waiting["scans"]} == {None}
    assert (await _list(house, device))["count"] == 25


async def test_an_operator_sees_its_own_scans_from_every_device_and_nobody_elses(house, seller):
    device, _, _ = seller
    colleague = await house.enrol(device.site_id, operator_id=device.operator_id, site=device.site)
    newcomer = await house.operator()
    assert (await _list(house, colleague))["count"] == 25
    assert (await _list(house, newcomer)) == {
        "scans": [], "count": 0, "total_cents": 0, "next_offset": None
    }  # fmt: skip


async def test_remitted_is_true_or_false_or_not_said(house):
    for wrong in ("yes", "1", "", "TRUE"):
        answer = await house.call("GET", f"/v1/scans?remitted={wrong}", device=house.devices[0])
        assert answer.status == 400
