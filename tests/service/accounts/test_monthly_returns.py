"""Monthly returns and the declaration: frozen once, the same bytes for ever, corrections in the next one."""

import asyncio
import csv
import io
import re
import sys
import zipfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from keys.keyring import Keyring
from ledger.audit import audit
from ledger.book_rows import EntryKind, circulation_of, funds_of, transfer
from ledger.books import post
from ledger.calendar_rows import midnight
from ledger.declarations import DeclaredOtherwise, declare
from ledger.month_figures import month_of
from ledger.monthly_returns import due_returns, find_return, list_returns, return_csv, return_pdf
from loadtests.simulated_years import Years
from payouts.archive import ArchiveReader
from payouts.declaration import DeclarationRefused, declaration_to_file
from payouts.month_freezing import ReturnRefused, freeze_due, freeze_month
from programmes.cofunding import Plan
from programmes.returns import sum_of, tables_of
from validator.period_clerks import freeze_returns

DOCS = Path(__file__).parents[3] / "docs" / "declaration.md"
HOUR = timedelta(hours=1)
# Before it, what the seed did at the clock of the day.
FIRST = date(2090, 12, 1)


@pytest.fixture(scope="module")
async def lived(fresh):
    """A drill with what the seed did told in one return; months of 2091 are the tests' own."""
    async with fresh() as drill:
        account = await drill.connection.fetchval(
            "INSERT INTO accounts (email, person_id, password_hash)"
            " VALUES ('m@example.org', 1, '$argon2id$x') RETURNING id"
        )
        years = Years(drill, account)
        await freeze(years, FIRST)
        yield years


def over(month: date) -> datetime:
    return month_of(month).until.astimezone(UTC) + HOUR


async def freeze(years, month, **how):
    at = how.pop("at", over(month))
    return await freeze_month(
        years.drill.connection, years.drill.programme_id, month_of(month), at=at, actor="tests", **how
    )


async def test_a_month_is_told_once_and_keeps_its_bytes(lived):
    drill, month = lived.drill, date(2091, 1, 1)
    drill.now = datetime(2091, 1, 31, 22, 59, 59, tzinfo=UTC)  # 23:59:59 in Paris
    operator = drill.operators[0]
    await lived.accept(operator, 7)
    await lived.close(operator)
    drill.now = datetime(2091, 1, 31, 23, 0, 0, tzinfo=UTC)  # midnight: the next month
    await lived.accept(operator, 3)
    await lived.close(operator)
    with pytest.raises(ReturnRefused, match="not over"):
        await freeze(lived, month, at=midnight(date(2091, 2, 1)).astimezone(UTC))
    frozen = await freeze(lived, month)
    assert frozen.facts["sums"]["consumed_passes"] == 7
    papers = [await read(drill.connection, drill.programme_id, month) for read in (return_csv, return_pdf)]
    assert papers[1].startswith(b"%PDF")
    assert papers[0] in papers[1] or b"etat-mensuel.csv" in papers[1]
    again = await freeze(lived, month, at=over(date(2091, 6, 1)))
    assert again == frozen
    assert papers == [
        await read(drill.connection, drill.programme_id, month) for read in (return_csv, return_pdf)
    ]
    for statement in ("UPDATE monthly_returns SET month = month", "DELETE FROM monthly_returns"):
        with pytest.raises(asyncpg.PostgresError):
            await drill.connection.execute(statement)


async def test_what_is_dated_back_is_told_by_the_next_return_and_only_there(lived):
    drill, programme_id = lived.drill, lived.drill.programme_id
    backdated = datetime(2091, 1, 15, tzinfo=UTC)
    await post(
        drill.connection, kind=EntryKind.RELEASE, actor="tests", subject="programme:1", at=backdated,
        postings=transfer(1_000, debit=circulation_of(programme_id), credit=funds_of(programme_id)),
    )  # fmt: skip
    frozen = await freeze(lived, date(2091, 2, 1))
    sums = frozen.facts["sums"]
    assert (sums["consumed_passes"], sums["released_cents"]) == (3, 1_000)
    before = await find_return(drill.connection, programme_id, date(2091, 1, 1))
    assert before.facts["sums"]["released_cents"] == 0
    following = await freeze(lived, date(2091, 3, 1))
    assert following.facts["sums"]["released_cents"] == 0


async def test_no_month_is_left_out_and_many_clerks_freeze_each_once(lived):
    drill = lived.drill
    with pytest.raises(ReturnRefused, match="in between"):
        await freeze(lived, date(2091, 8, 1))
    now = over(date(2091, 12, 1))
    due = [
        period.first
        for owner, period in await due_returns(drill.connection, at=now)
        if owner == drill.programme_id
    ]
    assert due == [date(2091, month, 1) for month in range(4, 13)]
    before = await drill.connection.fetchval("SELECT count(*) FROM monthly_returns")
    assert await freeze_returns(drill.connection, now) == len(due)
    assert await freeze_due(drill.connection, at=now, actor="tests") == []
    assert await drill.connection.fetchval("SELECT count(*) FROM monthly_returns") == before + len(due)


async def test_the_declaration_is_the_months_and_its_script_in_the_docs_finds_its_totals(lived, tmp_path):
    """Runs exactly the program that docs/declaration.md prints, on the archive's CSV alone."""
    drill = lived.drill
    plan = Plan(10_000_00, 0, 10_000_00, engineering_cents=2_000_00)
    paths = [tmp_path / name for name in ("one.zip", "two.zip")]
    declared, again = [
        await declaration_to_file(drill.connection, path, drill.programme_id, 2091, plan=plan)
        for path in paths
    ]
    assert declared == again
    assert paths[0].read_bytes() == paths[1].read_bytes()
    facts = [
        one.facts for one in await list_returns(drill.connection, drill.programme_id, first=date(2091, 1, 1))
    ]
    assert declared.facts.passes == sum_of(facts, "consumed_passes") == 10
    assert declared.facts.face_cents == sum_of(facts, "consumed_cents") == lived.total("remitted") == 10_000
    assert declared.facts.state_cents == 5_000
    archive = ArchiveReader(paths[0])
    assert archive.manifest["kind"] == "declaration"
    assert sum(file.name.startswith("etats-mensuels/") for file in archive.files) == 24
    told = await run_script_of_docs(paths[0], tmp_path)
    assert told == [
        "pass utilisés : 10",
        "valeur faciale : 10000 centimes",
        "part de l’État : 5000 centimes",
        "années : ['2091']",
    ]
    with zipfile.ZipFile(paths[0]) as opened:
        text = io.StringIO(opened.read("declaration.csv").decode("utf-8-sig"), newline="")
    assert list(csv.DictReader(text, delimiter=";")) == [
        {"annee": "2091", "pass": "10", "centimes": "10000", "part_etat_centimes": "5000"}
    ]


async def run_script_of_docs(archive, folder):
    [script] = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert len([line for line in script.splitlines() if line.strip()]) == 10
    with zipfile.ZipFile(archive) as opened:
        (folder / "pass-utilises.csv").write_bytes(opened.read("pass-utilises.csv"))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, str(folder / "pass-utilises.csv"), stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    assert process.returncode == 0
    return said.decode().splitlines()


async def test_a_year_is_declared_once_and_never_otherwise(lived):
    drill = lived.drill
    told = {
        "passes": 10, "face_cents": 10_000, "state_cents": 5_000, "archive_sha256": b"a" * 32,
        "at": over(date(2091, 12, 1)), "actor": "tests",
    }  # fmt: skip
    first = await declare(drill.connection, drill.programme_id, 2091, **told)
    assert await declare(drill.connection, drill.programme_id, 2091, **told) == first
    with pytest.raises(DeclaredOtherwise):
        await declare(drill.connection, drill.programme_id, 2091, **(told | {"passes": 11}))


async def test_a_year_whose_returns_are_not_frozen_is_not_declared(lived, tmp_path):
    with pytest.raises(DeclarationRefused, match="December 2092"):
        await declaration_to_file(lived.drill.connection, tmp_path / "no.zip", lived.drill.programme_id, 2092)
    assert not list(tmp_path.iterdir())


async def test_passes_of_few_booklets_are_withheld_and_territories_add_up(lived):
    facts = [one.facts for one in await list_returns(lived.drill.connection, lived.drill.programme_id)]
    tables = tables_of(facts)
    assert {table.total for table in tables.values()} == {sum_of(facts, "consumed_passes")}
    assert any(cell.count is None for cell in tables["operator"].cells)


async def test_the_audit_tells_a_return_and_a_declaration_that_the_record_no_longer_says(lived, tamper):
    drill = lived.drill
    before = await audit(drill.connection, keyring=Keyring.from_keys([]), opened_keys=None)
    # The declaration of the test above has no archive behind it, but its figures are the returns'.
    assert before.checked["monthly_returns_still_hold"] == 0
    assert before.checked["declarations_are_their_returns"] == 0
    await tamper(
        drill,
        "UPDATE monthly_returns SET facts = jsonb_set(facts, '{sums,consumed_passes}', '8')"
        " WHERE month = '2091-01-01'",
    )
    found = await audit(drill.connection, keyring=Keyring.from_keys([]), opened_keys=None)
    assert found.checked["monthly_returns_still_hold"] == 1
    assert found.checked["declarations_are_their_returns"] == 1
    details = [one.detail for one in found.disagreements]
    assert "consumed_passes told 8, derived 7: 1 apart" in details
