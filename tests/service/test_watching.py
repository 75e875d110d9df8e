"""What an operator of the service sees: which part fails, and figures of the record that go up and down."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from keys.keyring import KeyPurpose, KeyState, PublicKey, kid_of
from keys.short_code import short_code
from ledger.funding import record_bank_line
from ledger.watch import read_watched
from validator.watch import signs_seconds
from validator.wiring import POOL, WATCH

NOON = datetime(2026, 6, 15, 10, 0, tzinfo=UTC)


@pytest.fixture
def figures(house):
    """What /metrics says of a series, once the record was looked at."""

    async def read(client=None) -> dict[str, float]:
        app = (client or house.client).app
        await app[WATCH].look_at_record(app[POOL])
        await app[WATCH].look_around(app[POOL])
        text = (await house.call("GET", "/metrics", client=client)).body
        return {name: float(value) for name, value in re.findall(r"^(poincon_\S+) (\S+)$", text, re.M)}

    return read


async def test_without_valkey_a_validator_is_ready_and_tells_that_the_guard_is_missing(house, blind):
    answer = await house.call("GET", "/readyz", client=blind)
    assert (answer.status, answer.body["status"], answer.body["failing"]) == (200, "ok", [])
    assert "scans go on" in answer.body["parts"]["guard"]
    assert answer.body["parts"]["record"] == "ok"


async def test_a_part_that_does_not_answer_is_zero(house, figures, blind):
    assert (await figures(blind))['poincon_part_ready{part="guard"}'] == 0
    seen = await figures()
    assert {part: seen[f'poincon_part_ready{{part="{part}"}}'] for part in ("guard", "record", "facts")} == {
        "guard": 1,
        "record": 1,
        "facts": 1,
    }


async def test_a_line_of_the_bank_that_nobody_explained_is_told_in_cents_without_sign(connection):
    """In a record of its own: what is unexplained here must not be found by the house's tests."""
    before = await read_watched(connection, today=NOON.date())
    for cents, days in ((12_345, 0), (-345, 4)):
        await record_bank_line(
            connection,
            reference=f"watched {cents}",
            booked_on=NOON.date() - timedelta(days=days),
            amount_cents=cents,
            label="inconnu",
            actor="tests",
            at=NOON,
        )
    after = await read_watched(connection, today=NOON.date())
    assert after.unexplained_cents - before.unexplained_cents == 12_690
    assert after.unexplained_lines - before.unexplained_lines == 2
    assert after.unexplained_days == 4
    assert (after.owed_cents, after.draft_batches, after.late_remittances) == (0, 0, 0)


async def test_figures_of_the_record_are_told_with_the_instant_at_which_they_were_read(figures):
    before, after = await figures(), await figures()
    assert after["poincon_figures_read_timestamp_seconds"] >= before["poincon_figures_read_timestamp_seconds"]
    for name in (
        "unreconciled_lines",
        "unreconciled_cents",
        "owed_cents",
        "late_remittances",
        "key_warnings",
    ):
        assert after[f"poincon_{name}"] >= 0


async def test_guesses_and_verdicts_are_counted_by_what_they_were(house, figures):
    [one] = await house.passes(1)
    before = await figures()
    await house.scan(one.qr)
    await house.scan(one.qr)
    await house.scan(short_code(one.pass_id, bytes(32)), device=await house.operator())
    after = await figures()
    for verdict in ("accepted", "already_accepted"):
        name = f'poincon_verdicts_total{{verdict="{verdict}"}}'
        assert after[name] - before.get(name, 0) == 1
    name = "poincon_wrong_short_codes_total"
    assert after[name] - before.get(name, 0) == 1


def test_a_key_signs_for_two_years_and_then_should_be_replaced():
    def a_key(state: KeyState, activated_at: datetime | None) -> PublicKey:
        return PublicKey(
            kid=kid_of(bytes(32)),
            purpose=KeyPurpose.RECEIPT,
            state=state,
            raw=bytes(32),
            created_at=NOON,
            activated_at=activated_at,
            retired_at=None,
            revoked_at=None,
        )

    def left(*keys: PublicKey, days: int = 0) -> timedelta:
        return timedelta(seconds=signs_seconds(list(keys), KeyPurpose.RECEIPT, NOON + timedelta(days=days)))

    active = a_key(KeyState.ACTIVE, NOON)
    assert left(active).days == 730
    assert left(active, days=700).days == 30
    assert left(active, days=731) == timedelta(0)
    assert left(a_key(KeyState.PLANNED, None)) == timedelta(0)
    assert left() == timedelta(0)
