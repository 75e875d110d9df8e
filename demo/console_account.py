"""The demo's account of the console, made once; its password is shown again at each start."""

import asyncio

from console.passwords import hash_password, new_password
from demo.folder import DemoFolder
from ledger.accounts import add_account, find_account
from ledger.connect import Connection

KEPT = "console"
EMAIL = "mandataire@demo.example"
NAME = "Camille Perrin"
ACTOR = "demo"


async def seed_account(connection: Connection, folder: DemoFolder) -> dict[str, str]:
    """Return `{"email", "password"}`. It is kept before the account is made: a kill locks nobody out."""
    kept: dict[str, str] | None = folder.kept(KEPT)
    if kept is None:
        kept = {"email": EMAIL, "password": new_password()}
        folder.keep(KEPT, kept)
    if await find_account(connection, kept["email"]) is None:
        password_hash = await asyncio.to_thread(hash_password, kept["password"])
        await add_account(
            connection, email=kept["email"], name=NAME, password_hash=password_hash, actor=ACTOR
        )
    return kept
