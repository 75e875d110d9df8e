"""/v1/remittances and /v1/money: what was accepted is closed once, numbered, and never changes."""

import asyncio
import csv
import hashlib
import io
import subprocess
import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from ledger.amendments import amend_rules
from ledger.programme_rules import newest_rules
from ledger.remittance_rows import ClosedRemittance
from ledger.remittances import close_remittance

PARIS = ZoneInfo("Europe/Paris")


async def _taken(house, device, count=5, **how):
    """Attempt ids of fresh passes that the device has just taken."""
    passes = await house.passes(count)
    attempts = [str(uuid.uuid4()) for _ in passes]
    scans = [
        {"attempt_id": attempt_id, "code": one.qr, "service": "demarches"}
        for attempt_id, one in zip(attempts, passes, strict=True)
    ]
    answer = await house.batch(scans, device=device, **how)
    assert {verdict["verdict"] for verdict in answer.body["verdicts"]} == {"accepted"}
    return attempts


async def _close(house, device, client=None, **body):
    return await house.call("POST", "/v1/remittances", json=body, device=device, client=client)


async def _get(house, device, path):
    return await house.call("GET", path, device=device)


async def _bytes(house, device, path):
    async with house.client.get(path, headers=device.headers) as response:
        assert response.status == 200
        return await response.read(), response.headers


def _problem(answer):
    assert answer.status == 409, answer
    return answer.body["type"].removeprefix("urn:poincon:problem:")


@pytest.fixture
async def device(house):
    """A device of an operator of its own."""
    return await house.operator()


async def test_closing_freezes_all_that_was_accepted_in_numbered_lines(house, device):
    attempts = await _taken(house, device)
    answer = await _close(house, device)
    assert answer.status == 201
    closed = answer.body
    assert (closed["number"], closed["count"], closed["total_cents"]) == (1, 5, 5_000)
    assert closed["state"] == "closed"
    assert [line["line"] for line in closed["lines"]] == [1, 2, 3, 4, 5]
    assert {line["attempt_id"] for line in closed["lines"]} == set(attempts)
    keys = [(line["accepted_at"], line["booklet"], line["number"]) for line in closed["lines"]]
    assert keys == sorted(keys)
    assert {(line["site"], line["service"]) for line in closed["lines"]} == {(device.site, "demarches")}
    assert "Médiatrice des essais" in closed["certification"]
    assert closed["certified_by"] == "Médiatrice des essais"
    assert (await _get(house, device, "/v1/remittances/1")).body == closed


async def test_numbers_have_no_gap_and_are_each_operators_own(house, device):
    for number in (1, 2, 3):
        await _taken(house, device, 1)
        assert (await _close(house, device)).body["number"] == number
        assert _problem(await _close(house, device)) == "nothing-to-remit"
    other = await house.operator()
    await _taken(house, other, 1)
    assert (await _close(house, other)).body["number"] == 1


async def test_nothing_to_remit_is_said_and_makes_nothing(house, device):
    assert _problem(await _close(house, device)) == "nothing-to-remit"
    assert (await _get(house, device, "/v1/remittances")).body == {
        "remittances": [], "count": 0, "next_offset": None
    }  # fmt: skip


async def test_eight_closings_at_once_make_one(house, twin, device):
    await _taken(house, device, 20)
    services = [house.client, twin]
    answers = await asyncio.gather(*(_close(house, device, services[n % 2]) for n in range(8)))
    assert sorted(answer.status for answer in answers) == [201] + [409] * 7
    assert {_problem(answer) for answer in answers if answer.status == 409} == {"nothing-to-remit"}
    async with house.database() as connection:
        told = await connection.fetch(
            "SELECT line_count, total_cents FROM remittances WHERE operator_id = $1", device.operator_id
        )
        lines = await connection.fetchval(
            "SELECT count(*) FROM remittance_lines WHERE operator_id = $1", device.operator_id
        )
    assert [tuple(row) for row in told] == [(20, 20_000)]
    assert lines == 20


async def test_without_the_lock_the_record_itself_still_takes_each_pass_once(house, device, monkeypatch):
    await _taken(house, device, 20)
    monkeypatch.setattr("ledger.remittances.LOCK_OPERATOR", "SELECT $1::integer")
    how = {"at": datetime.now(UTC), "actor": "tests", "certified_by": None, "certification": "essai"}

    async def close():
        async with house.database() as connection:
            return await close_remittance(connection, device.operator_id, **how)

    closed = await asyncio.gather(*(close() for _ in range(4)), return_exceptions=True)
    async with house.database() as connection:
        lines, passes = await connection.fetchrow(
            "SELECT count(*), count(DISTINCT (booklet, pass_number)) FROM remittance_lines"
            " WHERE operator_id = $1",
            device.operator_id,
        )
    assert sum(isinstance(one, ClosedRemittance) for one in closed) == 1
    assert lines == passes == 20


@pytest.mark.parametrize("round_", range(4))
async def test_an_undo_and_a_closing_at_once_exclude_each_other(house, twin, device, round_):
    attempts = await _taken(house, device, 10)
    undos = [house.undo(attempt_id, device=device, client=twin) for attempt_id in attempts[:5]]
    calls = [*undos[:2], _close(house, device), *undos[2:]]
    answers = await asyncio.gather(*calls)
    closed = answers.pop(2)
    undone = {a for a, answer in zip(attempts[:5], answers, strict=True) if answer.status == 200}
    kept = {a for a, answer in zip(attempts[:5], answers, strict=True) if answer.status == 409}
    assert undone | kept == set(attempts[:5])
    assert {line["attempt_id"] for line in closed.body["lines"]} == set(attempts) - undone
    assert closed.body["total_cents"] == 1_000 * (10 - len(undone))


async def test_what_is_remitted_can_no_more_be_undone(house, device):
    attempts = await _taken(house, device, 2)
    await _close(house, device, attempt_ids=attempts[:1])
    refused = await house.undo(attempts[0], device=device)
    assert _problem(refused) == "remitted"
    assert (await house.undo(attempts[1], device=device)).status == 200
    assert _problem(await _close(house, device)) == "nothing-to-remit"


async def test_scans_during_a_closing_are_all_in_it_or_in_the_next(house, twin, device):
    before = await _taken(house, device, 10)
    passes = await house.passes(20)
    during = [str(uuid.uuid4()) for _ in passes]
    first, *verdicts = await asyncio.gather(
        _close(house, device, twin),
        *(
            house.scan(one.qr, attempt_id=attempt_id, device=device)
            for one, attempt_id in zip(passes, during, strict=True)
        ),
    )
    assert {verdict.verdict for verdict in verdicts} == {"accepted"}
    found = [line["attempt_id"] for line in first.body["lines"]]
    second = await _close(house, device)
    if second.status == 201:
        found += [line["attempt_id"] for line in second.body["lines"]]
    assert sorted(found) == sorted(before + during)


async def test_attempts_may_be_chosen_and_the_others_wait(house, device):
    attempts = await _taken(house, device, 5)
    chosen = await _close(house, device, attempt_ids=[attempts[3], attempts[1], attempts[1]])
    assert {line["attempt_id"] for line in chosen.body["lines"]} == {attempts[1], attempts[3]}
    rest = await _close(house, device)
    assert (rest.body["number"], rest.body["count"]) == (2, 3)


async def test_one_attempt_that_cannot_be_remitted_refuses_all_and_each_is_told(house, device):
    attempts = await _taken(house, device, 4)
    stranger = await house.operator()
    [foreign] = await _taken(house, stranger, 1)
    unknown = str(uuid.uuid4())
    await _close(house, device, attempt_ids=attempts[:1])
    await house.undo(attempts[1], device=device)
    refused = await _close(house, device, attempt_ids=[*attempts, foreign, unknown])
    assert _problem(refused) == "not-remittable"
    assert refused.body["attempts"] == {
        attempts[0]: "remitted", attempts[1]: "undone", foreign: "unknown", unknown: "unknown"
    }  # fmt: skip
    assert (await _get(house, device, "/v1/money")).body["accepted"] == {"count": 2, "total_cents": 2_000}
    assert (await _close(house, device)).body["count"] == 2


async def test_a_repeated_request_is_told_the_remittance_that_it_closed(house, twin, device):
    await _taken(house, device, 3)
    request_id = str(uuid.uuid4())
    first, again = await asyncio.gather(
        _close(house, device, request_id=request_id), _close(house, device, twin, request_id=request_id)
    )
    await _taken(house, device, 2)
    later = await _close(house, device, request_id=request_id)
    assert (first.status, again.status, later.status) == (201, 201, 201)
    assert first.body == again.body == later.body
    assert (await _close(house, device, request_id=str(uuid.uuid4()))).body["number"] == 2


async def test_a_request_id_reused_for_other_passes_is_refused(house, device):
    attempts = await _taken(house, device, 3)
    request_id = str(uuid.uuid4())
    closed = await _close(house, device, request_id=request_id, attempt_ids=attempts[:2])
    same = await _close(house, device, request_id=request_id, attempt_ids=attempts[1::-1])
    assert same.body == closed.body
    other = await _close(house, device, request_id=request_id, attempt_ids=attempts[2:])
    assert _problem(other) == "request-reused"


async def test_another_operators_request_id_is_nobodys_business(house, device):
    other = await house.operator()
    request_id = str(uuid.uuid4())
    for one in (device, other):
        await _taken(house, one, 1)
        assert (await _close(house, one, request_id=request_id)).body["number"] == 1


@pytest.mark.parametrize(
    "body", [{"attempt_ids": []}, {"attempt_ids": ["x"]}, {"attempt_ids": "all"}, {"request_id": 1}, []]
)
async def test_a_malformed_closing_is_refused(house, device, body):
    answer = await house.call("POST", "/v1/remittances", json=body, device=device)
    assert answer.status == 400


async def test_a_closing_without_a_device_is_not_known(house):
    assert (await house.call("POST", "/v1/remittances", json={})).status == 401
    for path in ("/v1/remittances", "/v1/remittances/1", "/v1/remittances/1.csv", "/v1/money"):
        assert (await house.call("GET", path)).status == 401


async def test_remittances_are_listed_newest_first_page_by_page(house, device):
    for _ in range(5):
        await _taken(house, device, 1)
        await _close(house, device)
    found, offset = [], 0
    while offset is not None:
        page = (await _get(house, device, f"/v1/remittances?limit=2&offset={offset}")).body
        assert page["count"] == 5
        found += page["remittances"]
        offset = page["next_offset"]
    assert [one["number"] for one in found] == [5, 4, 3, 2, 1]
    assert {(one["count"], one["total_cents"]) for one in found} == {(1, 1_000)}
    assert (await _get(house, device, "/v1/remittances?offset=9")).body["remittances"] == []
    assert (await _get(house, device, "/v1/remittances?limit=0")).status == 400


async def test_another_operators_remittance_is_as_good_as_none(house, device):
    await _taken(house, device, 1)
    await _close(house, device)
    stranger = await house.operator()
    for path in ("1", "1.csv", "1.pdf", "7"):
        assert (await _get(house, stranger, f"/v1/remittances/{path}")).status == 404
    for path in ("one", "-1", "99999999999999", "1.xml"):
        assert (await _get(house, device, f"/v1/remittances/{path}")).status in {400, 404}


async def test_money_is_in_one_sum_at_a_time(house, device):
    async def sums():
        body = (await _get(house, device, "/v1/money")).body
        return [(body[name]["count"], body[name]["total_cents"]) for name in ("accepted", "remitted", "paid")]

    assert await sums() == [(0, 0), (0, 0), (0, 0)]
    attempts = await _taken(house, device, 4)
    assert await sums() == [(4, 4_000), (0, 0), (0, 0)]
    await _close(house, device, attempt_ids=attempts[:3])
    assert await sums() == [(1, 1_000), (3, 3_000), (0, 0)]
    await house.undo(attempts[3], device=device)
    assert await sums() == [(0, 0), (3, 3_000), (0, 0)]


async def test_the_certification_shown_before_is_the_one_kept(house, device):
    shown = (await _get(house, device, "/v1/money")).body["certification"]
    await _taken(house, device, 1)
    assert (await _close(house, device)).body["certification"] == shown


async def _publish_delay(connection, programme_id, days):
    rules, now = await newest_rules(connection, programme_id), datetime.now(UTC)
    await amend_rules(
        connection,
        programme_id,
        replace(rules.figures, payment_delay_days=days),
        of_version=rules.version,
        in_force_from=now.astimezone(PARIS).date(),
        reason="avenant",
        actor="tests",
        at=now,
    )


async def test_the_expected_day_is_that_of_the_slowest_programme_as_published_at_the_closing(house, device):
    slow = await house.programme()
    await house.qualify(slow, device)
    async with house.as_owner() as connection:
        await _publish_delay(connection, slow, 45)
    await _taken(house, device, 2)
    [one] = await house.passes(1, programme_id=slow)
    assert (await house.scan(one.qr, device=device)).verdict == "accepted"
    today = datetime.now(UTC).astimezone(PARIS).date()
    money = (await _get(house, device, "/v1/money")).body
    closed = (await _close(house, device)).body
    async with house.as_owner() as connection:
        await _publish_delay(connection, slow, 5)
    kept = (await _get(house, device, "/v1/remittances/1")).body
    told = date.fromisoformat(closed["expected_payment_on"])
    assert told in {today + timedelta(days=45), today + timedelta(days=46)}
    assert money["expected_payment_on"] == closed["expected_payment_on"] == kept["expected_payment_on"]
    parts = {
        (p["programme_id"], p["count"], p["total_cents"], p["payment_delay_days"]) for p in closed["parts"]
    }
    assert parts == {(house.programme_id, 2, 2_000, 30), (slow, 1, 1_000, 45)}
    programmes = (await house.call("GET", "/v1/programmes")).body["programmes"]
    assert {p["payment_delay_days"] for p in programmes if p["id"] == house.programme_id} == {30}


async def test_the_csv_gives_the_hash_to_anybody_with_a_shell(house, device, tmp_path):
    await _taken(house, device, 12)
    closed = (await _close(house, device)).body
    content, headers = await _bytes(house, device, "/v1/remittances/1.csv")
    assert headers["Content-Type"] == "text/csv; charset=utf-8"
    (tmp_path / "b.csv").write_bytes(content)
    recipe = "tail -n +2 b.csv | tr -d '\\r' | cut -d';' -f1-11 | sha256sum"
    how = {"cwd": tmp_path, "capture_output": True, "text": True, "check": True}
    run = await asyncio.to_thread(subprocess.run, ["bash", "-c", recipe], **how)
    assert run.stdout.split()[0] == closed["lines_sha256"]
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig")), delimiter=";"))
    assert [row["tentative"] for row in rows] == [line["attempt_id"] for line in closed["lines"]]
    assert sum(int(row["montant_centimes"]) for row in rows) == closed["total_cents"]


async def test_the_pdf_holds_the_csv_and_is_the_same_every_time(house, twin, device):
    await _taken(house, device, 3)
    closed = (await _close(house, device)).body
    pdf, headers = await _bytes(house, device, "/v1/remittances/1.pdf")
    assert headers["Content-Type"] == "application/pdf"
    assert pdf.startswith(b"%PDF-1.7")
    again, _ = await _bytes(house, device, "/v1/remittances/1.pdf")
    assert hashlib.sha256(again).digest() == hashlib.sha256(pdf).digest()
    assert closed["siret"] in headers["Content-Disposition"]


async def test_a_name_changed_afterwards_changes_nothing_closed(house, device):
    await _taken(house, device, 2)
    before = (await _close(house, device)).body
    pdf, _ = await _bytes(house, device, "/v1/remittances/1.pdf")
    async with house.as_owner() as connection:
        await connection.execute("UPDATE operators SET name = 'Autre' WHERE id = $1", device.operator_id)
        await connection.execute("UPDATE sites SET name = 'Ailleurs' WHERE id = $1", device.site_id)
    await house.refreshed()
    assert (await _get(house, device, "/v1/remittances/1")).body == before
    assert (await _bytes(house, device, "/v1/remittances/1.pdf"))[0] == pdf


async def test_more_than_a_remittance_holds_is_closed_oldest_first_and_the_rest_waits(
    house, device, monkeypatch
):
    monkeypatch.setattr("ledger.remittances.LINES_MAX", 4)
    attempts = await _taken(house, device, 6)
    first = (await _close(house, device)).body
    second = (await _close(house, device)).body
    assert (first["count"], second["count"]) == (4, 2)
    found = [line["attempt_id"] for closed in (first, second) for line in closed["lines"]]
    assert sorted(found) == sorted(attempts)
