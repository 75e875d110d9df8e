"""`poincon devices`: invite, enrol, list, revoke."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from command.surroundings import TEXT, Surroundings, data_option, print_json, run

INVITATION_MINUTES_MAX = 10


@click.group()
def devices() -> None:
    """Phones that may take passes, each of one mediator at one site."""


@devices.command("enrol")
@click.option("--site", required=True, type=int, help="Number of the site (`poincon programmes list`).")
@click.option("--mediator", required=True, type=TEXT, help="Name of the mediator.")
@click.option("--label", default="", help="What tells this phone from another.")
@click.option("--json", "as_json", is_flag=True)
@data_option
def enrol(site: int, mediator: str, label: str, as_json: bool, data: Path | None) -> None:
    """Make a device and print its token, which can't be read again."""
    from ledger.devices import enrol_device
    from ledger.parties import add_person

    around = Surroundings(data)

    async def work() -> tuple[int, str]:
        async with around.database() as connection, connection.transaction():
            person_id = await add_person(connection, mediator)
            return await enrol_device(
                connection, site_id=site, mediator_id=person_id, label=label, actor=around.actor
            )

    device_id, token = run(work())
    if as_json:
        print_json({"device": device_id, "token": token})
    else:
        click.echo(f"device {device_id}, token (shown once): {token}")


@devices.command("invite")
@click.option("--site", required=True, type=int, help="Number of the site.")
@click.option("--mediator", required=True, type=TEXT, help="Name of the mediator.")
@click.option("--label", default="", help="What tells this phone from another.")
@click.option("--url", required=True, help="Where the page is reached, such as https://scan.example.")
@data_option
def invite(site: int, mediator: str, label: str, url: str, data: Path | None) -> None:
    """Print a link and its QR that enrol one phone, once, within ten minutes."""
    import segno

    from ledger.devices import invite_device
    from ledger.parties import add_person

    around = Surroundings(data)

    async def work() -> str:
        async with around.database() as connection, connection.transaction():
            person_id = await add_person(connection, mediator)
            expires_at = datetime.now(UTC) + timedelta(minutes=INVITATION_MINUTES_MAX)
            return await invite_device(
                connection,
                site_id=site,
                mediator_id=person_id,
                label=label,
                expires_at=expires_at,
                actor=around.actor,
            )

    link = f"{url.rstrip('/')}/#enrol={run(work())}"
    segno.make(link, error="m").terminal(compact=True)
    click.echo(link)


@devices.command("list")
@click.option("--json", "as_json", is_flag=True)
@data_option
def list_devices(as_json: bool, data: Path | None) -> None:
    """List the devices."""
    from ledger.facts import load_facts
    from ledger.rows import Facts

    async def work() -> Facts:
        async with Surroundings(data).database() as connection:
            return await load_facts(connection)

    facts = run(work())
    for device in sorted(facts.devices.values(), key=lambda one: one.id):
        row = {
            "device": device.id,
            "operator": facts.operators[device.operator_id].name,
            "site": facts.sites[device.site_id].name,
            "mediator": facts.persons[device.mediator_id],
            "revoked_at": device.revoked_at,
        }
        if as_json:
            print_json(row)
        else:
            revoked = f", revoked {device.revoked_at:%Y-%m-%d}" if device.revoked_at else ""
            click.echo(f"{device.id}  {row['operator']}, {row['site']}, {row['mediator']}{revoked}")


@devices.command("revoke")
@click.argument("device", type=int)
@click.option("--reason", required=True, type=TEXT, help="Why: kept with the event.")
@data_option
def revoke(device: int, reason: str, data: Path | None) -> None:
    """Refuse a device's token from now on, everywhere."""
    from ledger.devices import revoke_device

    around = Surroundings(data)

    async def work() -> None:
        async with around.database() as connection:
            await revoke_device(connection, device, at=datetime.now(UTC), actor=around.actor, reason=reason)

    run(work())
    click.echo(f"device {device} is revoked")
