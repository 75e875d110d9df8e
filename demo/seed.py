"""Fills a new instance with a believable programme. Each step is safe to run again after a kill."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from importlib.resources import files

import msgspec

from demo.clock import record_at
from demo.console_account import APPROVER, PREPARER, seed_account, seed_other_accounts
from demo.folder import DemoFolder
from demo.history import History
from demo.prescribers import seed_prescribers
from demo.story import Story, today_in_paris
from keys.keyring import KeyPurpose, KeyState
from keys.sealed import MissingSeal
from ledger.accounts import existing_account
from ledger.booklets import list_batches
from ledger.connect import Connection
from ledger.devices import enrol_device
from ledger.facts import load_facts
from ledger.month_figures import month_of
from ledger.order_rows import OrderState
from ledger.orders import list_orders, note_production
from ledger.parties import find_operator, known_names
from ledger.rows import Batch
from ledger.signing_keys import add_key, change_key, list_keys
from programmes.codes import batch_codes
from programmes.practice import note_practice, print_practice
from programmes.printing import appearing_whole, print_batch
from programmes.setup import Instance, RulesText, SetUp, read_instance, set_up

ACTOR = "demo"
DEVICES_KEPT = "devices"
BOOKLETS_KEPT = "booklets"
PRACTICE_BOOKLETS = 1
HISTORY = timedelta(days=325)  # how long the programme has been at work
VALID_DAYS_MIN = 75  # from the day the demo is made to the last one of use, which ends a month
GRACE_DAYS = 31


@dataclass(frozen=True)
class DemoDevice:
    """What the ready file tells of a device."""

    token: str
    operator: str
    mediator: str
    site: str
    services: list[str]


@dataclass(frozen=True)
class Seeded:
    devices: list[DemoDevice]
    console: dict[str, str]  # email and password
    other_accounts: list[dict[str, str]]  # role, email and password


async def seed(
    connection: Connection, folder: DemoFolder, *, booklet_count: int, now: datetime | None = None
) -> Seeded:
    now = now or datetime.now(UTC)
    await seed_keys(connection, folder, at=now - HISTORY)
    instance = demo_instance(today_in_paris(now))
    begun = now - HISTORY
    if is_new := not await list_batches(connection):
        await record_at(connection, begun)
    done = await set_up(connection, instance, actor=ACTOR, today=begun.date(), at=begun)
    devices = await seed_devices(connection, folder, instance, done)
    console = await seed_account(connection, folder)
    others = await seed_others(connection, folder, instance, done.programme_id, at=begun)
    batch = await seed_booklets(connection, folder, done.programme_id, booklet_count, now=now)
    if is_new:
        await record_at(connection, None)
    await write_files(connection, folder, batch)
    await note_printed_file(connection, folder, batch, at=now)
    await write_practice(connection, folder)
    return Seeded(devices, console, others)


def demo_instance(today: date) -> Instance:
    """What instance.toml says, with a convention that is in its eleventh month today."""
    instance = read_instance((files("demo") / "instance.toml").read_text(encoding="utf-8"))
    began = today - HISTORY
    last_day_of_use = month_of(today + timedelta(days=VALID_DAYS_MIN)).last
    rules = RulesText(
        convention=f"CV-{began:%Y}-014",
        mandate_starts_on=began,
        mandate_ends_on=last_day_of_use + timedelta(days=180),
        grace_days=GRACE_DAYS,
        claim_window_days=30,
        stock_cap_passes=1_200,
        first_grant_passes=400,
        top_up_passes=200,
        grant_deadline=last_day_of_use - timedelta(days=30),
        publics=["pic", "qpv"],
    )
    programme = msgspec.structs.replace(
        instance.programme,
        last_day=last_day_of_use + timedelta(days=GRACE_DAYS),
        qualified_from=began,
        rules=rules,
    )
    return msgspec.structs.replace(instance, programme=programme)


async def seed_others(
    connection: Connection, folder: DemoFolder, instance: Instance, programme_id: int, *, at: datetime
) -> list[dict[str, str]]:
    territories = (await known_names(connection)).territories
    prescriber = (await seed_prescribers(connection, territories, at=at))[0]
    first_operator = await find_operator(connection, instance.operators[0].siret)
    assert first_operator is not None
    return await seed_other_accounts(
        connection, folder, programme_id=programme_id, operator_id=first_operator, prescriber=prescriber
    )


async def seed_keys(connection: Connection, folder: DemoFolder, *, at: datetime) -> None:
    keys = folder.key_folder
    try:
        keys.master_secret()
    except MissingSeal:
        keys.create_master_secret()
    active = {key.purpose for key in (await list_keys(connection)).values() if key.state is KeyState.ACTIVE}
    for purpose in set(KeyPurpose) - active:
        key = keys.create_pair(purpose, at)
        await add_key(connection, kid=key.kid, purpose=key.purpose, raw=key.raw, actor=ACTOR)
        await change_key(connection, key.kid, KeyState.ACTIVE, at=at, actor=ACTOR, reason="first key")


async def seed_booklets(
    connection: Connection, folder: DemoFolder, programme_id: int, booklet_count: int, *, now: datetime
) -> Batch:
    """The fresh booklets, after eleven months of history with booklets of its own: all or nothing."""
    # Facts are read as of one instant, which no transaction that writes can do: so before it.
    facts = await load_facts(connection)
    programme = facts.programmes[programme_id]
    territories = (await known_names(connection)).territories
    prescribers = await seed_prescribers(connection, territories, at=now - HISTORY)
    async with connection.transaction():
        if batches := await list_batches(connection):
            fresh = folder.kept(BOOKLETS_KEPT)  # not there: an older demo, which had no others
            return next((one for one in batches if one.id == fresh), batches[0])
        story = Story(
            connection,
            folder,
            facts,
            programme,
            territories,
            prescribers,
            preparer=await existing_account(connection, PREPARER.email),
            approver=await existing_account(connection, APPROVER.email),
            today=today_in_paris(now),
        )
        batch = await History(story).tell(booklet_count=booklet_count)
        folder.keep(BOOKLETS_KEPT, batch.id)
    return batch


async def write_files(connection: Connection, folder: DemoFolder, batch: Batch) -> None:
    if not folder.codes.exists():
        with appearing_whole(folder.codes) as target:
            for booklet in batch_codes(batch, folder.key_folder):
                for one in booklet.passes:
                    line = {"qr": one.qr, "short": one.short, "booklet": booklet.number, "number": one.number}
                    target.write(json.dumps(line).encode() + b"\n")
    if not folder.booklets_pdf.exists():
        programme = (await load_facts(connection)).programmes[batch.programme_id]
        print_batch(batch, programme, folder.key_folder, pdf=folder.booklets_pdf, csv=folder.booklets_csv)


async def note_printed_file(
    connection: Connection, folder: DemoFolder, batch: Batch, *, at: datetime
) -> None:
    """What was written for the printer is the production file of the order that the booklets are of."""
    orders = await list_orders(connection, programme_id=batch.programme_id)
    order = next((one for one in orders if one.batch_id == batch.id), None)
    if order is not None and order.state is OrderState.ISSUED and folder.booklets_csv.exists():
        file_sha256 = sha256(folder.booklets_csv.read_bytes()).digest()
        await note_production(connection, order.id, file_sha256=file_sha256, actor=ACTOR, at=at)


async def write_practice(connection: Connection, folder: DemoFolder) -> None:
    if not folder.practice_pdf.exists():
        kid = await note_practice(connection, PRACTICE_BOOKLETS, actor=ACTOR)
        print_practice(PRACTICE_BOOKLETS, kid, folder.key_folder, pdf=folder.practice_pdf)


async def seed_devices(
    connection: Connection, folder: DemoFolder, instance: Instance, done: SetUp
) -> list[DemoDevice]:
    kept = folder.kept(DEVICES_KEPT)
    if kept is not None:
        return [DemoDevice(**one) for one in kept]
    devices = []
    facts = await load_facts(connection)
    site_ids = {(facts.operators[s.operator_id].name, s.name): s.id for s in facts.sites.values()}
    person_ids = {name: person_id for person_id, name in facts.persons.items()}
    for operator in instance.operators:
        services = [code for code in operator.services if code in instance.programme.services]
        for site in operator.sites:
            for mediator in site.mediators:
                _, token = await enrol_device(
                    connection,
                    site_id=site_ids[operator.name, site.name],
                    mediator_id=person_ids[mediator],
                    label=f"Téléphone de {mediator}",
                    actor=ACTOR,
                )
                devices.append(DemoDevice(token, operator.name, mediator, site.name, services))
    folder.keep(DEVICES_KEPT, [asdict(device) for device in devices])
    return devices
