"""Accounts rendered for a period: the same bytes from the same facts, totals that anybody can recompute, and
a funder's archive that holds its own money alone."""

import asyncio
import collections
import csv
import io
import json
import zipfile
from datetime import UTC, date, datetime, timedelta

import pytest

from ledger.correction_rows import CorrectionCause
from ledger.corrections import decide_correction
from ledger.disputes import open_dispute
from ledger.payout_rows import BatchState
from ledger.rendering_rows import Period
from loadtests.funding import add_funded
from loadtests.model_bank import Style
from payouts.remittance_csv import read_remittance_csv
from payouts.rendering import UnknownFunder, archive_name, render_accounts, render_to_file
from payouts.rendering_verify import verify_accounts

YEAR = Period(date(2026, 11, 1), date(2027, 12, 31))


@pytest.fixture(scope="module")
async def drill(fresh):
    """Two remittances closed and paid, one of them come back; a third waits, with a line in dispute."""
    async with fresh() as drill:
        account = await drill.connection.fetchval(
            "INSERT INTO accounts (email, person_id, password_hash)"
            " VALUES ('m@example.org', 1, '$argon2id$x') RETURNING id"
        )
        first, second, *_ = drill.operators
        drill.now = datetime(2026, 12, 31, 22, 59, tzinfo=UTC)  # 23:59 in Paris
        await drill.close(first, 5)
        await drill.close(second, 3)
        who = {"actor": "tests", "at": drill.now, "reason": "compté deux fois;\n=1+1"}
        await decide_correction(
            drill.connection, operator_id=first, programme_id=drill.programme_id, amount_cents=-1_000,
            cause=CorrectionCause.ERROR, decided_by=account, **who,
        )  # fmt: skip
        drill.now = datetime(2027, 1, 10, 9, tzinfo=UTC)
        await pay(drill)
        drill.now = datetime(2027, 2, 1, 9, tzinfo=UTC)
        returned = next(one for one in drill.bank.every() if one.transfer.amount_cents == 3_000)
        drill.bank.give_back([returned], Style.EACH)
        await drill.deliver(drill.bank.close_day())
        drill.now = datetime(2027, 3, 28, 1, tzinfo=UTC)  # as clocks go forward
        await drill.close(first, 4)
        await open_dispute(
            drill.connection, operator_id=first, number=2, line=1, opened_by=account,
            **(who | {"at": drill.now}),
        )  # fmt: skip
        yield drill


async def pay(drill):
    await drill.prepare()
    [batch] = await drill.batches(BatchState.DRAFT)
    await drill.approve(batch)
    [batch] = await drill.batches(BatchState.APPROVED)
    await drill.give_file(batch)
    await drill.mark_sent(batch)
    drill.bank.debit(batch.message_id, Style.EACH)
    await drill.deliver(drill.bank.close_day())


async def _rendered(drill, period, **how):
    target = io.BytesIO()
    rendered = await render_accounts(drill.connection, target, period, **how)
    return rendered, target.getvalue()


def _files(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _table(content, name):
    text = io.StringIO(_files(content)[name].decode("utf-8-sig"), newline="")
    return list(csv.DictReader(text, delimiter=";", strict=True))


async def test_the_same_facts_give_the_same_bytes_whatever_comes_later(drill, fresh):
    january = Period(date(2027, 1, 1), date(2027, 1, 31))
    rendered, content = await _rendered(drill, january)
    assert (await _rendered(drill, january))[1] == content
    facts = {"contact": "", "face_value_cents": 1_000, "booklet_size": 10, "last_day": date(2027, 12, 31)}
    await add_funded(
        drill.connection, name="Un programme venu après", funder="Autre commanditaire", funds_cents=0,
        territory_ids=[], service_ids=[], actor="tests", **facts,
    )  # fmt: skip
    assert (await _rendered(drill, january))[1] == content
    manifest = json.loads(_files(content)["manifest.json"])
    assert (manifest["sha256"], manifest["first_day"]) == (rendered.sha256, "2027-01-01")


async def test_the_archive_recomputes_and_its_months_chain(drill, tmp_path):
    closing = None
    months = [(2026, 12, 31), (2027, 1, 31), (2027, 2, 28), (2027, 3, 31)]
    for year, month, last in months:
        path = tmp_path / f"{month}.zip"
        period = Period(date(year, month, 1), date(year, month, last))
        rendered = await render_to_file(drill.connection, path, period)
        verified = verify_accounts(path)
        assert verified.differences == []
        assert (verified.sha256, verified.entries) == (rendered.sha256, rendered.facts.entries)
        manifest = json.loads(zipfile.ZipFile(path).read("manifest.json"))
        assert closing in (None, manifest["opening_cents"])
        closing = manifest["closing_cents"]
    assert [path.name for path in tmp_path.iterdir() if "partial" in path.name] == []


async def test_every_part_that_the_law_asks_for_is_there(drill):
    rendered, content = await _rendered(drill, YEAR)
    files = _files(content)
    assert {name for name in files if "/" not in name} == {
        "LISEZMOI.txt", "ecritures.csv", "ecritures-fec.txt", "ecritures.journal", "balance.csv",
        "structures.csv", "tresorerie.csv", "restes-a-payer.csv", "corrections.csv", "litiges.csv",
        "virements.csv", "bordereaux.csv", "pieces.csv", "attente.csv",
        "SHA256SUMS", "reddition.pdf", "manifest.json",
    }  # fmt: skip
    assert files["reddition.pdf"].startswith(b"%PDF-")
    remittances = _table(content, "bordereaux.csv")
    assert [int(one["total_centimes"]) for one in remittances] == [5_000, 4_000, 3_000]
    for one in remittances:
        assert read_remittance_csv(files[one["fichier"]].decode("utf-8-sig")).line_count == int(one["pass"])
        assert files[one["fichier"].replace(".csv", ".pdf")].startswith(b"%PDF-")
    owed = _table(content, "restes-a-payer.csv")
    assert [(one["bordereau"], one["reste_centimes"], one["dont_en_litige_centimes"]) for one in owed] == [
        ("2", "3000", "1000"),
        ("1", "3000", "0"),
    ]
    assert rendered.facts.unpaid_cents == 6_000
    assert [one["nature"] for one in _table(content, "virements.csv")] == ["virement", "virement", "retour"]
    [correction] = _table(content, "corrections.csv")
    assert correction["suite"] == "imputée au bordereau 2"
    kept = _table(content, "pieces.csv")
    assert {one["nature"] for one in kept} == {"reçu de la banque", "fichier de virements"}
    assert all(one["fichier"] in files for one in kept)


async def test_midnight_in_paris_parts_the_years(drill):
    _, content = await _rendered(drill, Period(date(2026, 12, 1), date(2026, 12, 31)))
    assert len(_table(content, "bordereaux.csv")) == 2
    assert {one["a_payer_avant_le"] for one in _table(content, "restes-a-payer.csv")} == {"2027-01-30"}
    _, content = await _rendered(drill, Period(date(2027, 1, 1), date(2027, 1, 1)))
    assert _table(content, "bordereaux.csv") == []
    assert len(_table(content, "restes-a-payer.csv")) == 2


async def test_unpaid_paid_and_held_come_out_of_the_tables_alone_by_ten_lines_of_python(drill):
    _, content = await _rendered(drill, YEAR)
    moved = collections.Counter()
    for row in _table(content, "ecritures.csv"):
        moved[row["compte"]] += int(row["debit_centimes"]) - int(row["credit_centimes"])
    opening = collections.Counter()
    for row in _table(content, "balance.csv"):
        opening[row["compte"]] += int(row["ouverture_centimes"])
    held, owed = (opening[one] + moved[one] for one in ("512000", "467300"))
    assert held == int(_table(content, "tresorerie.csv")[-1]["solde_centimes"])
    assert -owed == sum(int(row["reste_centimes"]) for row in _table(content, "restes-a-payer.csv")) == 6_000
    assert sum(int(row["montant_centimes"]) for row in _table(content, "virements.csv")) == 5_000
    assert sum(moved.values()) == 0


async def test_what_nobody_explained_is_listed_line_by_line_as_it_stood_then(drill, tmp_path):
    drill.now = datetime(2027, 4, 5, 9, tzinfo=UTC)
    drill.bank.credit(1_234, "Quelqu’un")
    await drill.deliver(drill.bank.close_day())
    [line] = [one for one, *_ in await drill.open() if one.amount_cents == 1_234]
    drill.now = datetime(2027, 5, 3, 9, tzinfo=UTC)
    await drill.confirm_funding(line)
    for month, last, listed in ((4, 30, ["1234"]), (5, 31, [])):
        period = Period(date(2027, month, 1), date(2027, month, last))
        path = tmp_path / "mois.zip"
        await render_to_file(drill.connection, path, period)
        assert [one["inexplique_centimes"] for one in _table(path.read_bytes(), "attente.csv")] == listed
        assert verify_accounts(path).differences == []


async def test_a_programmes_archive_is_its_own_and_an_unknown_one_is_refused(drill, tmp_path):
    path = tmp_path / "programme.zip"
    rendered = await render_to_file(drill.connection, path, YEAR, programme_id=drill.programme_id)
    assert rendered.facts.programme_ids == [drill.programme_id]
    assert verify_accounts(path).differences == []
    with pytest.raises(UnknownFunder, match="no programme 99"):
        await render_to_file(drill.connection, path, YEAR, programme_id=99)


def test_an_archives_name_tells_its_period_and_scope():
    whole, of_funder, of_programme = (
        archive_name(YEAR, *scope) for scope in ((None,), ("Métropole d’Été",), (None, 3))
    )
    assert whole == "reddition-2026-11-01-2027-12-31.zip"
    assert of_funder == "reddition-2026-11-01-2027-12-31-metropole-dete.zip"
    assert of_programme == "reddition-2026-11-01-2027-12-31-programme-3.zip"


async def test_a_funders_archive_tells_its_own_money_and_names_the_banks_files(drill, tmp_path):
    other = await add_funded(
        drill.connection, name="Programme voisin", funder="Commanditaire voisin", contact="",
        face_value_cents=1_000, booklet_size=10, last_day=date(2027, 12, 31), territory_ids=[],
        service_ids=[], funds_cents=7_700, actor="tests",
    )  # fmt: skip
    path = tmp_path / "voisin.zip"
    today = datetime.now(UTC).date()
    period = Period(today - timedelta(days=1), today + timedelta(days=1))
    rendered = await render_to_file(drill.connection, path, period, funder="Commanditaire voisin")
    assert (rendered.facts.held_cents, rendered.facts.unpaid_cents) == (7_700, 0)
    assert verify_accounts(path).differences == []
    [row] = _table(path.read_bytes(), "balance.csv")
    assert (row["programme"], row["cloture_centimes"]) == ("Programme voisin", "-7700")
    assert other
    first = await render_to_file(drill.connection, path, YEAR, funder="Métropole des Trois-Rivières")
    assert first.facts.unpaid_cents == 6_000
    assert verify_accounts(path).differences == []
    files = _files(path.read_bytes())
    assert not [name for name in files if name.startswith("banque/")]
    assert {len(one["sha256"]) for one in _table(path.read_bytes(), "pieces.csv")} == {64}
    with pytest.raises(UnknownFunder, match="Métropole"):
        await render_to_file(drill.connection, path, YEAR, funder="Personne")
    assert verify_accounts(path).sha256 == first.sha256


async def test_plain_tools_open_it_check_each_file_and_tell_the_hash_of_the_whole(drill, tmp_path):
    rendered, content = await _rendered(drill, YEAR)
    (tmp_path / "reddition.zip").write_bytes(content)
    pipe = asyncio.subprocess.PIPE
    script = (
        "python3 -m zipfile -e reddition.zip out && cd out && sha256sum --quiet -c SHA256SUMS"
        " && sha256sum < SHA256SUMS"
    )
    run = await asyncio.create_subprocess_shell(script, cwd=tmp_path, stdout=pipe, stderr=pipe)
    told, why = await run.communicate()
    assert (run.returncode, told.decode().split()[0]) == (0, rendered.sha256), why


async def test_hledger_takes_the_journal(drill, tmp_path):
    _, content = await _rendered(drill, YEAR)
    journal = tmp_path / "ecritures.journal"
    journal.write_bytes(_files(content)["ecritures.journal"])
    pipe = asyncio.subprocess.PIPE
    run = await asyncio.create_subprocess_exec(
        "hledger", "-f", str(journal), "check", "--strict", stdout=pipe, stderr=pipe
    )
    _, told = await run.communicate()
    assert (run.returncode, told) == (0, b"")


@pytest.mark.parametrize(
    ("name", "old", "new", "told"),
    [
        ("ecritures.csv", b";5000;0;", b";5001;0;", "1"),
        ("balance.csv", b";3000;6000;-3000", b";3000;6010;-3000", "recomputed"),
        ("restes-a-payer.csv", b";3000;1000\r\n", b";2000;1000\r\n", "restes à payer"),
        ("tresorerie.csv", b"Virement", b"Virement", None),
    ],
)
async def test_a_cent_that_somebody_moved_is_told(drill, tmp_path, name, old, new, told):
    """With hashes made anew, as a forger would."""
    from payouts.archive import ArchiveWriter

    _, content = await _rendered(drill, YEAR)
    files = _files(content)
    manifest = json.loads(files.pop("manifest.json"))
    del files["SHA256SUMS"]
    assert told is None or old in files[name]
    files[name] = files[name].replace(old, new, 1)
    path = tmp_path / "forged.zip"
    with path.open("wb") as target:
        archive = ArchiveWriter(target)
        for one, held in files.items():
            archive.add(one, held)
        archive.close({key: manifest[key] for key in manifest if key not in {"format", "files", "sha256"}})
    differences = verify_accounts(path).differences
    assert differences == [] if told is None else any(told in one for one in differences)


async def test_the_command_renders_verifies_and_refuses_a_period_that_is_not_over(
    instance, environment_of, poincon, tmp_path
):
    env = environment_of(instance.settings)
    out = tmp_path / "reddition.zip"
    how = ("--since", "2026-01-01", "--until", "2026-11-01", "--out", str(out))
    run = await poincon("accounts", "render", *how, "--json", env=env)
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    run = await poincon("accounts", "verify", str(out), "--sha256", told["sha256"])
    assert (run.returncode, "all totals agree" in run.stdout) == (0, True), run.stdout
    run = await poincon("accounts", "verify", str(out), "--sha256", "0" * 64, "--json")
    assert run.returncode == 1
    assert len(json.loads(run.stdout)["differences"]) == 1
    for _ in range(2):
        run = await poincon("accounts", "render", *how, "--freeze", env=env)
        assert (run.returncode, "; frozen" in run.stdout) == (0, True), run.stderr
    run = await poincon("accounts", "frozen", "--json", env=env)
    [frozen] = json.loads(run.stdout)
    assert (frozen["sha256"], frozen["last_day"]) == (told["sha256"], "2026-11-01")
    out.write_bytes(out.read_bytes()[:-100])
    run = await poincon("accounts", "verify", str(out))
    assert (run.returncode, "not a whole ZIP" in run.stderr) == (1, True)
    for wrong, why in (
        (("--since", "2026-01-01", "--until", "2999-01-01"), "not over"),
        (("--since", "2026-02-01", "--until", "2026-01-01"), "before"),
        (("--since", "2026-01-01", "--until", "2026-01-31", "--funder", "Personne"), "no programme"),
        (("--since", "2026-01-01", "--until", "2026-01-31", "--programme", "99"), "no programme 99"),
    ):
        run = await poincon("accounts", "render", *wrong, "--out", str(out), env=env)
        assert (run.returncode, why in run.stderr) == (2, True), run.stderr
    nowhere = tmp_path / "absent" / "reddition.zip"
    run = await poincon("accounts", "render", *how[:4], "--out", str(nowhere), env=env)
    assert (run.returncode, f"there is no folder {nowhere.parent}" in run.stderr.replace("\n", "")) == (
        2,
        True,
    )
