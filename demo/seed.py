"""Fills a new instance with a believable programme. Each step is safe to run again after a kill."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files

from demo.console_account import APPROVER, PREPARER, seed_account, seed_other_accounts
from demo.folder import DemoFolder
from demo.history import History
from demo.story import Story, today_in_paris
from keys.keyring import KeyPurpose, KeyState
from keys.sealed import MissingSeal
from ledger.accounts import existing_account
from ledger.booklets import activate_batch, issue_batch, list_batches
from ledger.connect import Connection
from ledger.devices import enrol_device
from ledger.facts import load_facts
from ledger.parties import find_operator
from ledger.rows import Batch
from ledger.signing_keys import add_key, change_key, list_keys
from programmes.codes import batch_codes
from programmes.practice import note_practice, print_practice
from programmes.printing import appearing_whole, print_batch
from programmes.setup import Instance, SetUp, read_instance, set_up

ACTOR = "demo"
DEVICES_KEPT = "devices"
BOOKLETS_KEPT = "booklets"
PRACTICE_BOOKLETS = 1
HISTORY = timedelta(days=80)  # how long the programme has been at work


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
    instance = read_instance((files("demo") / "instance.toml").read_text(encoding="utf-8"))
    done = await set_up(connection, instance, actor=ACTOR, today=(now - HISTORY).date())
    devices = await seed_devices(connection, folder, instance, done)
    console = await seed_account(connection, folder)
    first_operator = await find_operator(connection, instance.operators[0].siret)
    assert first_operator is not None
    others = await seed_other_accounts(
        connection, folder, programme_id=done.programme_id, operator_id=first_operator
    )
    batch = await seed_booklets(connection, folder, done.programme_id, booklet_count, now=now)
    await write_files(connection, folder, batch)
    await write_practice(connection, folder)
    return Seeded(devices, console, others)


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
    """The fresh booklets, after two months of history with booklets of their own: all at once, or nothing."""
    # Facts are read as of one instant, which no transaction that writes can do: so before it.
    facts = await load_facts(connection)
    programme = facts.programmes[programme_id]
    async with connection.transaction():
        if batches := await list_batches(connection):
            fresh = folder.kept(BOOKLETS_KEPT)  # not there: an older demo, which had no others
            return next((one for one in batches if one.id == fresh), batches[0])
        story = Story(
            connection,
            folder,
            facts,
            programme,
            preparer=await existing_account(connection, PREPARER.email),
            approver=await existing_account(connection, APPROVER.email),
            today=today_in_paris(now),
        )
        face_value_cents = booklet_count * programme.booklet_size * programme.face_value_cents
        await History(story).tell(next_face_value_cents=face_value_cents)
        batch = await issue_batch(connection, programme_id, booklet_count, actor=ACTOR)
        reason = "virement reçu (démonstration)"
        await activate_batch(connection, batch.id, at=now, actor=ACTOR, reason=reason)
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
