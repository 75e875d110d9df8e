"""`poincon keys`: draw, publish, activate, retire and revoke keys; watch that live passes stay verifiable."""

from datetime import UTC, datetime
from pathlib import Path

import click

from command.surroundings import TEXT, Surroundings, data_option, print_json, run
from keys.key_watch import unverifiable_soon
from keys.keyring import KeyPurpose, KeyState
from keys.sealed import MissingSeal


@click.group()
def keys() -> None:
    """Signing keys: planned → active → retired → revoked. Private halves stay in sealed files."""


@keys.command("generate")
@click.argument("purpose", type=click.Choice([purpose.value for purpose in KeyPurpose]))
@data_option
def generate(purpose: str, data: Path | None) -> None:
    """Draw a pair, seal its private key in POINCON_KEYS, publish its public key as planned.

    The first time, also draws the master secret of the short codes.
    """
    from ledger.signing_keys import add_key

    around = Surroundings(data)
    folder = around.key_folder

    async def work() -> None:
        async with around.database() as connection:
            try:
                folder.master_secret()
            except MissingSeal:
                folder.create_master_secret()
            key = folder.create_pair(KeyPurpose(purpose), datetime.now(UTC))
            await add_key(connection, kid=key.kid, purpose=key.purpose, raw=key.raw, actor=around.actor)
        click.echo(f"planned {purpose} key {key.kid.hex()}; then: poincon keys activate {key.kid.hex()}")

    run(work())


def _change(kid: str, state: KeyState, reason: str | None, data: Path | None) -> None:
    from ledger.signing_keys import change_key

    around = Surroundings(data)
    raw_kid = _kid(kid)

    async def work() -> None:
        async with around.database() as connection:
            await change_key(
                connection, raw_kid, state, at=datetime.now(UTC), actor=around.actor, reason=reason
            )
        click.echo(f"key {kid} is {state.value}")

    run(work())


def _kid(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise click.BadParameter(f"a key id is 8 hexadecimal digits, not {text!r}") from None


@keys.command("activate")
@click.argument("kid")
@data_option
def activate(kid: str, data: Path | None) -> None:
    """Sign with this key from now on; the active key of the same purpose is retired."""
    _change(kid, KeyState.ACTIVE, None, data)


@keys.command("retire")
@click.argument("kid")
@data_option
def retire(kid: str, data: Path | None) -> None:
    """Sign no more with this key; what it signed stays good."""
    _change(kid, KeyState.RETIRED, None, data)


@keys.command("revoke")
@click.argument("kid")
@click.option("--reason", required=True, type=TEXT, help="Why: it is kept with the event.")
@data_option
def revoke(kid: str, reason: str, data: Path | None) -> None:
    """Refuse everything this key signed, from now on and for ever."""
    _change(kid, KeyState.REVOKED, reason, data)


@keys.command("list")
@click.option("--json", "as_json", is_flag=True)
@data_option
def list_keys(as_json: bool, data: Path | None) -> None:
    """List the keys; exit 1 when passes in circulation may soon be unverifiable."""
    from ledger.signing_keys import list_keys as all_keys
    from ledger.signing_keys import passes_live_until

    async def work() -> bool:
        async with Surroundings(data).database() as connection:
            known = (await all_keys(connection)).values()
            live_until = await passes_live_until(connection)
        warnings = unverifiable_soon(list(known), live_until, datetime.now(UTC))
        if as_json:
            rows = [
                {
                    "kid": key.kid.hex(),
                    "purpose": key.purpose,
                    "state": key.state,
                    "created_at": key.created_at,
                }
                for key in known
            ]
            print_json({"keys": rows, "warnings": [str(warning) for warning in warnings]})
        else:
            for key in known:
                click.echo(f"{key.kid.hex()}  {key.purpose:10}{key.state:8}  since {key.created_at:%Y-%m-%d}")
            for warning in warnings:
                click.echo(f"warning: {warning}", err=True)
        return not warnings

    raise SystemExit(0 if run(work()) else 1)
