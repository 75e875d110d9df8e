"""Fills a new instance with a believable programme. Each step is safe to run again after a kill."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.resources import files

from demo.console_account import seed_account
from demo.folder import DemoFolder
from keys.keyring import KeyPurpose, KeyState
from keys.sealed import MissingSeal
from ledger.booklets import activate_batch, issue_batch, list_batches
from ledger.connect import Connection
from ledger.devices import enrol_device
from ledger.facts import load_facts
from ledger.rows import Batch
from ledger.signing_keys import add_key, change_key, list_keys
from programmes.codes import batch_codes
from programmes.practice import note_practice, print_practice
from programmes.printing import appearing_whole, print_batch
from programmes.setup import Instance, SetUp, read_instance, set_up

ACTOR = "demo"
DEVICES_KEPT = "devices"
PRACTICE_BOOKLETS = 1


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


async def seed(connection: Connection, folder: DemoFolder, *, booklet_count: int) -> Seeded:
    await seed_keys(connection, folder)
    instance = read_instance((files("demo") / "instance.toml").read_text(encoding="utf-8"))
    done = await set_up(connection, instance, actor=ACTOR, today=datetime.now(UTC).date())
    batch = await seed_booklets(connection, done.programme_id, booklet_count)
    await write_files(connection, folder, batch)
    await write_practice(connection, folder)
    devices = await seed_devices(connection, folder, instance, done)
    return Seeded(devices, await seed_account(connection, folder))


async def seed_keys(connection: Connection, folder: DemoFolder) -> None:
    keys = folder.key_folder
    try:
        keys.master_secret()
    except MissingSeal:
        keys.create_master_secret()
    active = {key.purpose for key in (await list_keys(connection)).values() if key.state is KeyState.ACTIVE}
    for purpose in set(KeyPurpose) - active:
        key = keys.create_pair(purpose, datetime.now(UTC))
        await add_key(connection, kid=key.kid, purpose=key.purpose, raw=key.raw, actor=ACTOR)
        await change_key(
            connection, key.kid, KeyState.ACTIVE, at=datetime.now(UTC), actor=ACTOR, reason="first key"
        )


async def seed_booklets(connection: Connection, programme_id: int, booklet_count: int) -> Batch:
    async with connection.transaction():
        batches = await list_batches(connection)
        if batches:
            return batches[0]
        batch = await issue_batch(connection, programme_id, booklet_count, actor=ACTOR)
        await activate_batch(
            connection, batch.id, at=datetime.now(UTC), actor=ACTOR, reason="virement reçu (démonstration)"
        )
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
