"""An account of the console, its role and its sessions, frozen and without I/O. What a role may do is the
console's."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    PREPARER = "preparer"  # of the trustee: prepares, follows, corrects
    APPROVER = "approver"  # of the trustee: releases what another person prepared
    FUNDER = "funder"  # reads one programme
    OPERATOR = "operator"  # runs one operator
    AUDITOR = "auditor"  # reads
    PRESCRIBER = "prescriber"  # hands booklets out for one prescriber
    TERRITORY = "territory"  # reads what one territory was granted, holds and consumed


@dataclass(frozen=True, slots=True)
class Account:
    id: int
    email: str
    person_id: int
    name: str
    password_hash: str
    disabled_at: datetime | None
    role: Role
    programme_id: int | None  # of a funder, and of nobody else
    operator_id: int | None  # of an operator's manager, and of nobody else
    prescriber_id: int | None  # of who hands out, and of nobody else
    territory_id: int | None  # of a territory's reader, and of nobody else
    has_second_factor: bool

    @property
    def actor(self) -> str:
        """How events name this account."""
        return f"account:{self.email}"


@dataclass(frozen=True, slots=True)
class Session:
    id: int
    account: Account
    opened_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    user_agent: str
    proved_at: datetime | None  # None: the password was right, and the second factor is awaited
