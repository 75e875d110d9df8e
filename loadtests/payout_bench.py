"""`poincon bench payouts`: many transfers in one batch, from its draft to their last line, then an audit.

Servers of its own, and the model bank. What may go wrong with transfers is tried elsewhere.
"""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from stdnum import luhn

from embedded.servers import Servers
from ledger.connect import Connection, connected
from ledger.devices import enrol_device
from ledger.migrate import migrate
from ledger.payout_rows import BatchState
from loadtests.bench_failure import BenchFailed
from loadtests.bench_stack import make_keys
from loadtests.funding import fund
from loadtests.model_bank import Style
from loadtests.payout_drill import Drill, open_drill
from programmes.setup import Instance, OperatorText, ProgrammeText, ServiceText, SiteText, set_up

ACTOR = "bench"
OPERATORS_MAX = 100
PASSES_PER_BOOKLET = 10
FACE_VALUE_CENTS = 1_000
SERVICE = "premiers-pas"
TERRITORY = "Banc"

Result = TypeVar("Result")


@dataclass(frozen=True)
class Stage:
    name: str
    seconds: float
    peak_mib: float  # of this process, which holds the model bank as well


def run_payout_bench(remittances: int, *, say: Callable[[str], None]) -> dict[str, Any]:
    return asyncio.run(_run(remittances, say=say))


async def _run(remittances: int, *, say: Callable[[str], None]) -> dict[str, Any]:
    async with AsyncExitStack() as opened:
        folder = _open_folder(opened)
        servers = await asyncio.to_thread(Servers.start, folder / "servers")
        opened.callback(servers.discard)
        async with connected(servers.postgres.dsn("poincon_owner"), purpose=ACTOR) as owner:
            await migrate(owner)
        connection = await opened.enter_async_context(
            connected(servers.postgres.dsn("poincon_app"), purpose=ACTOR)
        )
        await make_keys(connection, folder / "keys")
        say(f"{remittances} remittances are being closed")
        drill = await _closed(connection, remittances)
        return await _measured(drill, remittances)


async def _closed(connection: Connection, remittances: int) -> Drill:
    operators = min(OPERATORS_MAX, remittances)
    booklets = -(-remittances // PASSES_PER_BOOKLET)
    today = datetime.now(UTC).date()
    programme = ProgrammeText(
        name="Banc d’essai",
        funder="Banc d’essai",
        contact="aucun",
        last_day=today + timedelta(days=365),
        territories=[TERRITORY],
        services=[SERVICE],
        qualified_from=today - timedelta(days=1),
    )
    instance = Instance(
        programme, [ServiceText(SERVICE, "Premiers pas")], [*map(_operator, range(operators))]
    )
    done = await set_up(connection, instance, actor=ACTOR, today=today)
    for (operator, site, mediator), mediator_id in done.mediators.items():
        await enrol_device(
            connection,
            site_id=done.sites[operator, site],
            mediator_id=mediator_id,
            label=mediator,
            actor=ACTOR,
        )
    cents = booklets * PASSES_PER_BOOKLET * FACE_VALUE_CENTS
    await fund(connection, done.programme_id, cents, actor=ACTOR)
    drill = await open_drill(connection, done.programme_id, booklets=booklets)
    everybody = drill.operators
    for number in range(remittances):
        await drill.close(everybody[number % operators], 1)
    return drill


async def _measured(drill: Drill, remittances: int) -> dict[str, Any]:
    stages: list[Stage] = []
    await _stage(stages, "a draft is prepared", drill.prepare)
    [draft] = await drill.batches(BatchState.DRAFT)
    await _stage(stages, "it is approved: file written, checked, read back", lambda: drill.approve(draft))
    [batch] = await drill.batches(BatchState.APPROVED)
    assert batch.message_id is not None
    await drill.give_file(batch)
    drill.bank.debit(batch.message_id, Style.LUMP)
    await drill.mark_sent(batch)
    [report, lump] = [*drill.undelivered, drill.bank.close_day()]
    await _stage(stages, "the bank's answer is imported", lambda: drill.deliver(report))
    await _stage(stages, "one lump debit is imported and matched", lambda: drill.deliver(lump))
    drill.bank.give_back(list(drill.bank.every()), Style.EACH)
    returned = drill.bank.close_day()
    await _stage(stages, "a return of each is imported and matched", lambda: drill.deliver(returned))
    if await drill.open():
        raise BenchFailed("something is left in suspense")
    if batch.transfer_count != remittances:
        raise BenchFailed(f"{batch.transfer_count} transfers for {remittances} remittances")
    await _stage(stages, "the audit finds all to the cent", drill.hold)
    return {
        "remittances": remittances,
        "operators": len(drill.operators),
        "file_bytes": len(await drill.file_of(drill.connection, batch.id)),
        "statement_bytes": len(returned),
        "stages": [vars(stage) for stage in stages],
    }


async def _stage(stages: list[Stage], name: str, work: Callable[[], Awaitable[Result]]) -> Result:
    _forget_peak()
    began = time.perf_counter()
    done = await work()
    stages.append(Stage(name, round(time.perf_counter() - began, 2), _peak_mib()))
    return done


def _open_folder(opened: AsyncExitStack) -> Path:
    folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="poincon-bench-")))
    folder.chmod(0o711)  # where root runs this, the servers' own account goes through it
    return folder


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def _peak_mib() -> float:
    status = Path("/proc/self/status").read_text().splitlines()
    [kib] = [line.split()[1] for line in status if line.startswith("VmHWM")]
    return round(int(kib) / 1024, 1)


def _operator(number: int) -> OperatorText:
    siren = f"9990{number:04d}"
    siren += luhn.calc_check_digit(siren)
    siret = f"{siren}0001"
    siret += luhn.calc_check_digit(siret)
    site = SiteText(f"Lieu {number}", TERRITORY, [f"Médiateur {number}"])
    return OperatorText(siret, f"Structure {number}", [SERVICE], [site])
