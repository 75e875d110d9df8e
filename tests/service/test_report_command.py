"""`poincon report` and the clerks: months frozen by whoever comes first, papers as frozen, refusals."""

import asyncio
import hashlib
import json
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import pytest

from ledger.month_figures import month_of
from ledger.monthly_returns import return_pdf
from ledger.remittance_rows import PARIS
from ledger.validity_ends import done_stages, ending_programmes
from payouts.month_freezing import freeze_month
from programmes.end_of_validity import Stage, Validity
from validator.period_clerks import freeze_returns, keep_endings


@pytest.fixture
async def frozen(house):
    """A programme of its own with its first month told, by four processes at once."""
    programme_id = await house.programme()
    period = month_of(datetime.now(UTC).astimezone(PARIS).date())
    at = period.until + timedelta(hours=1)
    async with AsyncExitStack() as stack:
        connections = [await stack.enter_async_context(house.database()) for _ in range(4)]
        return await asyncio.gather(
            *(freeze_month(one, programme_id, period, at=at, actor="tests") for one in connections)
        )


async def test_processes_that_freeze_a_month_at_once_are_all_told_the_same_return(house, frozen):
    assert len({one.id for one in frozen}) == 1
    assert len({one.pdf_sha256 for one in frozen}) == 1


async def test_the_command_gives_the_papers_as_they_were_frozen(house, poincon, frozen, tmp_path):
    one = frozen[0]
    env = {"DATABASE_URL": house.settings.database_url, "PATH": "/usr/bin:/bin"}
    asked = ("--programme", str(one.programme_id), "--month", f"{one.month:%Y-%m}", "--json")
    run = await poincon("report", "month", *asked, "--out", str(tmp_path), env=env)
    assert run.returncode == 0, run.stderr
    [told] = json.loads(run.stdout)
    assert told["pdf_sha256"] == one.pdf_sha256.hex()
    [pdf] = tmp_path.glob("*.pdf")
    assert hashlib.sha256(pdf.read_bytes()).digest() == one.pdf_sha256
    async with house.database() as connection:
        assert await return_pdf(connection, one.programme_id, one.month) == pdf.read_bytes()


async def test_what_can_not_be_told_yet_is_refused_in_one_line(house, poincon, frozen, tmp_path):
    env = {"DATABASE_URL": house.settings.database_url, "PATH": "/usr/bin:/bin"}
    programme = ("--programme", str(frozen[0].programme_id))
    for arguments in (
        ("report", "month", *programme, "--month", "2094-05"),
        ("report", "declaration", *programme, "--year", "2094", "--out", str(tmp_path / "no.zip")),
    ):
        run = await poincon(*arguments, env=env)
        assert run.returncode == 1, run.stderr
        assert "Traceback" not in run.stderr
        assert run.stderr.count("\n") == 1
    budget = ("--own", "100000", "--state", "90000")
    run = await poincon("report", "declaration", *programme, "--year", "2094", *budget, env=env)
    assert run.returncode == 2
    assert "its share is what the project brings" in run.stderr


async def test_clerks_alert_and_release_by_themselves_and_once(house):
    programme_id = await house.programme()
    async with house.database() as connection:
        [ending] = await ending_programmes(connection, programme_id)
        validity = Validity(ending.last_day, ending.grace_days)
        alert = datetime.combine(validity.alert_on, datetime.min.time(), PARIS)
        await keep_endings(connection, alert - timedelta(seconds=1), programme_id=programme_id)
        assert await done_stages(connection, ending) == {}
        for _ in range(2):
            await keep_endings(connection, alert, programme_id=programme_id)
        assert set(await done_stages(connection, ending)) == {Stage.ALERT}


async def test_a_look_before_the_month_is_over_freezes_nothing(house):
    programme_id = await house.programme()
    async with house.database() as connection:
        month = datetime.now(UTC).astimezone(PARIS).date().replace(day=1)
        await freeze_returns(connection, month_of(month).since)
        of_month = "SELECT count(*) FROM monthly_returns WHERE programme_id = $1 AND month = $2"
        assert await connection.fetchval(of_month, programme_id, month) == 0


async def test_usage_is_told_as_partners_report_it(house, poincon, frozen):
    env = {"DATABASE_URL": house.settings.database_url, "PATH": "/usr/bin:/bin"}
    programme = ("--programme", str(frozen[0].programme_id))
    run = await poincon("report", "usage", *programme, "--json", env=env)
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    assert (told["distributed_passes"], told["consumed_passes"], told["usage_rate_per_thousand"]) == (
        0,
        0,
        None,
    )
    assert told["publics"] == {"cells": {}, "withheld": 0}
    run = await poincon("report", "usage", *programme, "--territory", "Nulle part", env=env)
    assert run.returncode == 2
