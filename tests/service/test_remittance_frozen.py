"""A closed remittance: the record refuses to change it, and the command reads it back as the service does."""

import json
from dataclasses import replace

import asyncpg
import pytest

from ledger.remittances import read_remittance
from payouts.drawing import DrawingDesk, DrawingFailed


@pytest.fixture
async def device(house):
    """A device of an operator of its own."""
    return await house.operator()


async def _closed(house, device, count):
    for one in await house.passes(count):
        assert (await house.scan(one.qr, device=device)).verdict == "accepted"
    answer = await house.call("POST", "/v1/remittances", json={}, device=device)
    assert answer.status == 201
    return answer.body


CHANGES = {
    "a total": "UPDATE remittances SET total_cents = 1 WHERE operator_id = $1",
    "a certification": "UPDATE remittances SET certification = 'x' WHERE operator_id = $1",
    "a line's amount": "UPDATE remittance_lines SET amount_cents = 1 WHERE operator_id = $1",
    "a line removed": "DELETE FROM remittance_lines WHERE operator_id = $1",
    "a part": "UPDATE remittance_parts SET total_cents = 1 WHERE operator_id = $1",
    "a part removed": "DELETE FROM remittance_parts WHERE operator_id = $1",
    "a line added": """INSERT INTO remittance_lines
        SELECT booklet, pass_number, attempt_id, operator_id, 1, 3, amount_cents FROM acceptances a
        WHERE operator_id = $1 AND NOT EXISTS (
            SELECT FROM remittance_lines l WHERE l.attempt_id = a.attempt_id)""",
    "a part added": """INSERT INTO remittance_parts
        SELECT $1, 1, p.id, 1, 1000, 30 FROM programmes p
        WHERE p.id NOT IN (SELECT programme_id FROM remittance_parts WHERE operator_id = $1) LIMIT 1""",
    "a number left out": """INSERT INTO remittances
        SELECT operator_id, 3, closed_at, line_count, total_cents, lines_sha256, closed_by, certified_by,
               certification, NULL, names FROM remittances WHERE operator_id = $1""",
    "a remittance without lines": """INSERT INTO remittances
        SELECT operator_id, 2, closed_at, line_count, total_cents, lines_sha256, closed_by, certified_by,
               certification, NULL, names FROM remittances WHERE operator_id = $1""",
    "an undo behind the back": """UPDATE acceptances a SET undone_at = now() FROM remittance_lines l
        WHERE l.attempt_id = a.attempt_id AND a.operator_id = $1""",
}


@pytest.mark.parametrize("what", CHANGES)
async def test_the_record_refuses_any_change_of_what_is_closed_even_to_its_owner(house, device, what):
    await house.programme()
    await _closed(house, device, 2)
    [another] = await house.passes(1)
    assert (await house.scan(another.qr, device=device)).verdict == "accepted"
    async with house.as_owner() as connection:
        with pytest.raises((asyncpg.RestrictViolationError, asyncpg.CheckViolationError)):
            await connection.execute(CHANGES[what], device.operator_id)


async def test_the_code_of_a_service_never_changes(house):
    async with house.as_owner() as connection:
        with pytest.raises(asyncpg.RestrictViolationError, match="never changes"):
            await connection.execute("UPDATE services SET code = 'autre' WHERE code = 'emploi'")
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute("INSERT INTO services VALUES (99, '-formule', 'x')")


async def test_the_command_lists_shows_writes_and_verifies(house, device, poincon, environment_of, tmp_path):
    closed = await _closed(house, device, 3)
    env = environment_of(house.settings)
    listed = await poincon("remittances", "list", closed["siret"], "--json", env=env)
    [told] = json.loads(listed.stdout)
    assert (told["number"], told["total_cents"], told["lines_sha256"]) == (1, 3_000, closed["lines_sha256"])
    files = ("--pdf", str(tmp_path / "b.pdf"), "--csv", str(tmp_path / "b.csv"))
    shown = await poincon("remittances", "show", closed["siret"], "1", *files, env=env)
    assert shown.returncode == 0, shown
    assert "3 passes, 30.00 €" in shown.stdout
    async with house.client.get("/v1/remittances/1.pdf", headers=device.headers) as response:
        assert (tmp_path / "b.pdf").read_bytes() == await response.read()
    verify = ("remittances", "verify", str(tmp_path / "b.csv"), "--sha256")
    assert (await poincon(*verify, closed["lines_sha256"])).returncode == 0
    assert (await poincon(*verify, "0" * 64)).returncode == 1
    assert (await poincon("remittances", "show", closed["siret"], "2", env=env)).returncode == 2
    assert (await poincon("remittances", "list", "00000000000000", env=env)).returncode == 2


async def test_a_bordereau_beyond_those_being_drawn_is_put_off(house, device, monkeypatch):
    await _closed(house, device, 1)
    monkeypatch.setattr("payouts.drawing.WAITING_MAX", 0)
    answer = await house.call("GET", "/v1/remittances/1.pdf", device=device)
    assert (answer.status, answer.headers["Retry-After"]) == (429, "3")


async def test_a_drawing_that_fails_or_takes_too_long_is_ended_and_said(house, device, monkeypatch):
    await _closed(house, device, 1)
    async with house.database() as connection:
        closed = await read_remittance(connection, device.operator_id, 1)
    desk = DrawingDesk()
    nameless = closed._replace(
        remittance=replace(closed.remittance, names=replace(closed.remittance.names, sites={}))
    )
    with pytest.raises(DrawingFailed, match="KeyError"):
        await desk.draw(nameless)
    monkeypatch.setattr("payouts.drawing.SECONDS_MAX", 0.01)
    with pytest.raises(DrawingFailed, match="not drawn within"):
        await desk.draw(closed)
