"""The demo's accounts of the console, made once; their passwords are shown again at each start."""

import asyncio
from dataclasses import dataclass

from console.passwords import hash_password, new_password
from demo.folder import DemoFolder
from demo.prescribers import KnownPrescriber
from ledger.account_rows import Role
from ledger.accounts import add_account, find_account
from ledger.connect import Connection

KEPT = "console"
KEPT_OTHERS = "console_others"
ACTOR = "demo"


@dataclass(frozen=True)
class DemoAccount:
    """Whom the demo lets in, and as what."""

    role: Role
    email: str
    name: str


PREPARER = DemoAccount(Role.PREPARER, "mandataire@demo.example", "Camille Perrin")
APPROVER = DemoAccount(Role.APPROVER, "approbation@demo.example", "Dominique Lefort")
OTHERS = (
    APPROVER,
    DemoAccount(Role.OPERATOR, "structure@demo.example", "Amina Benali"),
    DemoAccount(Role.FUNDER, "commanditaire@demo.example", "Claude Rivière"),
    DemoAccount(Role.PRESCRIBER, "prescripteur@demo.example", "Sacha Lambert"),
    DemoAccount(Role.AUDITOR, "controle@demo.example", "Alix Garnier"),
    DemoAccount(Role.TERRITORY, "territoire@demo.example", "Maud Vidal"),
)


async def seed_account(connection: Connection, folder: DemoFolder) -> dict[str, str]:
    """Return `{"email", "password"}` of the preparer: what the ready file tells.

    It is kept before the account is made: a kill locks nobody out.
    """
    kept: dict[str, str] | None = folder.kept(KEPT)
    if kept is None:
        kept = {"email": PREPARER.email, "password": new_password()}
        folder.keep(KEPT, kept)
    await _add_missing(connection, PREPARER, kept)
    return kept


async def seed_other_accounts(
    connection: Connection,
    folder: DemoFolder,
    *,
    programme_id: int,
    operator_id: int,
    prescriber: KnownPrescriber,
) -> list[dict[str, str]]:
    """Return `{"role", "email", "password"}` of each: who approves, an operator's manager, a funder…

    prescriber: whose first person has an account, and somebody of whose territory.
    """
    kept: list[dict[str, str]] = folder.kept(KEPT_OTHERS) or []
    if missing := OTHERS[len(kept) :]:  # all, or those that an older demo had not
        kept += [{"role": one.role.value, "email": one.email, "password": new_password()} for one in missing]
        folder.keep(KEPT_OTHERS, kept)
    for account, known in zip(OTHERS, kept, strict=True):
        await _add_missing(
            connection,
            account,
            known,
            programme_id=programme_id if account.role is Role.FUNDER else None,
            operator_id=operator_id if account.role is Role.OPERATOR else None,
            prescriber=prescriber if account.role is Role.PRESCRIBER else None,
            territory_id=prescriber.territory_id if account.role is Role.TERRITORY else None,
        )
    return kept


async def _add_missing(
    connection: Connection,
    account: DemoAccount,
    kept: dict[str, str],
    *,
    programme_id: int | None = None,
    operator_id: int | None = None,
    prescriber: KnownPrescriber | None = None,
    territory_id: int | None = None,
) -> None:
    if await find_account(connection, kept["email"]) is None:
        password_hash = await asyncio.to_thread(hash_password, kept["password"])
        await add_account(
            connection,
            email=kept["email"],
            name=account.name,
            password_hash=password_hash,
            actor=ACTOR,
            role=account.role,
            programme_id=programme_id,
            operator_id=operator_id,
            prescriber_id=prescriber.id if prescriber else None,
            territory_id=territory_id,
            person_id=prescriber.person_ids[0] if prescriber else None,
        )
