"""What anybody may read: keyset, revocations, programmes; cacheable, for offline pages."""

from datetime import UTC, date, datetime

import pytest

from keys.keyring import KeyState, keyring_from_jwks
from ledger.booklets import cancel_booklets
from ledger.connect import takes_writes
from ledger.programmes import amend_last_day
from ledger.rows import CancelCause

DOCUMENTS = ["/v1/keyset", "/v1/revocations", "/v1/programmes"]


@pytest.mark.parametrize("path", DOCUMENTS)
async def test_a_document_is_cacheable_by_anybody_and_304_when_known(house, path):
    first = await house.call("GET", path)
    tag = first.headers["ETag"]
    assert "public" in first.headers["Cache-Control"]
    assert "max-age=" in first.headers["Cache-Control"]
    assert first.headers["Access-Control-Allow-Origin"] == "*"
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = await house.call("GET", path, headers={"If-None-Match": known})
        assert (again.status, again.body, again.headers["ETag"]) == (304, "", tag), known
    changed = await house.call("GET", path, headers={"If-None-Match": '"something else"'})
    assert changed.status == 200


@pytest.mark.parametrize("path", DOCUMENTS)
async def test_two_validators_give_the_same_document_and_tag(house, twin, path):
    ours, theirs = await house.call("GET", path), await house.call("GET", path, client=twin)
    assert ours.body == theirs.body
    assert ours.headers["ETag"] == theirs.headers["ETag"]


async def test_the_keyset_verifies_what_was_printed_and_tells_states(house):
    keyring = keyring_from_jwks((await house.call("GET", "/v1/keyset")).body)
    assert house.pass_signer.kid in {key.kid for key in keyring.keys if key.state is KeyState.ACTIVE}
    assert all(key.raw != bytes(32) for key in keyring.keys)


async def test_a_cancelled_booklet_is_in_the_revocations_at_once(house):
    [one] = await house.passes(1)
    before = await house.call("GET", "/v1/revocations")
    async with house.database() as connection:
        await cancel_booklets(
            connection,
            [one.pass_id.booklet],
            cause=CancelCause.RECALLED,
            at=datetime.now(UTC),
            actor="tests",
            reason="rappel",
        )
    after = await house.call("GET", "/v1/revocations")
    [told] = [r for r in after.body["revocations"] if r["booklet"] == one.pass_id.booklet]
    assert told["cause"] == "recalled"
    assert before.headers["ETag"] != after.headers["ETag"]


async def test_programmes_tell_value_validity_and_every_amendment(house):
    programme_id = await house.programme(last_day=date(2027, 3, 27))
    async with house.database() as connection:
        await amend_last_day(connection, programme_id, date(2027, 3, 28), reason="avenant 1", actor="tests")
        await amend_last_day(connection, programme_id, date(2027, 1, 31), reason="avenant 2", actor="tests")
    await house.refreshed()
    programmes = (await house.call("GET", "/v1/programmes")).body["programmes"]
    [told] = [programme for programme in programmes if programme["id"] == programme_id]
    assert (told["face_value_cents"], told["booklet_size"]) == (1_000, 10)
    assert told["last_day"] == "2027-01-31"
    assert datetime.fromisoformat(told["expires_at"]) == datetime(2027, 1, 31, 23, 0, tzinfo=UTC)
    days = [(one["last_day_old"], one["last_day_new"], one["reason"]) for one in told["amendments"]]
    assert days == [
        ("2027-03-27", "2027-03-28", "avenant 1"),
        ("2027-03-28", "2027-01-31", "avenant 2"),
    ]


async def test_the_service_says_that_it_is_alive_ready_and_what_it_counts(house):
    assert (await house.call("GET", "/healthz")).body == {"status": "ok", "failing": []}
    parts = dict.fromkeys(("facts", "receipt_keys", "record", "guard"), "ok")
    assert (await house.call("GET", "/readyz")).body == {"status": "ok", "failing": [], "parts": parts}
    metrics = (await house.call("GET", "/metrics")).body
    for name in ("poincon_verdicts_total", "poincon_request_seconds", "poincon_flush_candidates"):
        assert name in metrics


async def test_a_record_whose_commits_do_not_wait_for_the_disk_takes_no_writes(house):
    async with house.as_superuser() as owner:
        database = await owner.fetchval("SELECT quote_ident(current_database())")
        await owner.execute(f"ALTER DATABASE {database} SET synchronous_commit = off")
        try:
            async with house.database() as hurried:
                assert not await takes_writes(hurried)
        finally:
            await owner.execute(f"ALTER DATABASE {database} RESET synchronous_commit")
    async with house.database() as durable:
        assert await takes_writes(durable)


async def test_the_document_served_is_the_one_generated(house):
    served = (await house.call("GET", "/openapi.json")).body
    routes = {
        (route.method, route.resource.canonical)
        for route in house.apps[0].router.routes()
        if route.resource and route.resource.canonical.startswith("/v1/") and route.method != "HEAD"
    }
    told = {
        (method.upper(), path)
        for path, methods in served["paths"].items()
        for method in methods
        if path.startswith("/v1/")
    }
    assert routes == told


async def test_programmes_tell_which_booklets_are_theirs_in_order(house):
    mine, other = await house.programme(), await house.programme()
    batches = [
        await house.issue(programme_id=programme_id, booklets=booklets)
        for programme_id, booklets in ((mine, 3), (other, 2), (mine, 1), (mine, 4))
    ]
    programmes = (await house.call("GET", "/v1/programmes")).body["programmes"]
    told = {one["id"]: one["batches"] for one in programmes}
    for programme_id in (mine, other):
        assert told[programme_id] == [
            {"first_booklet": batch.first_booklet, "booklet_count": batch.booklet_count}
            for batch in batches
            if batch.programme_id == programme_id
        ]
    assert all(one == sorted(one, key=lambda batch: batch["first_booklet"]) for one in told.values())


async def test_every_key_in_the_keyset_tells_its_purpose(house):
    keys = (await house.call("GET", "/v1/keyset")).body["keys"]
    assert {key["purpose"] for key in keys if key["state"] == "active"} == {"pass", "receipt", "practice"}
