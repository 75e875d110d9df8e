"""Devices and their enrolment. A token or a code is stored as its SHA-256 only, and shown once."""

import hashlib
import secrets
from datetime import datetime

import asyncpg

from ledger.connect import Connection
from ledger.events import record_event

TOKEN_BYTES = 32

ADD = """
INSERT INTO devices (token_sha256, operator_id, site_id, mediator_id, label, public_key)
SELECT $1, operator_id, id, $3, $4, $5 FROM sites WHERE id = $2 RETURNING id"""
REVOKE = "UPDATE devices SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL"
EXISTS = "SELECT EXISTS (SELECT FROM devices WHERE id = $1)"
INVITE = """
INSERT INTO enrolments (code_sha256, site_id, mediator_id, label, expires_at) VALUES ($1, $2, $3, $4, $5)"""
LOCK_INVITATION = """
SELECT site_id, mediator_id, label FROM enrolments
WHERE code_sha256 = $1 AND device_id IS NULL AND expires_at > $2 FOR UPDATE"""
USE_INVITATION = "UPDATE enrolments SET device_id = $2 WHERE code_sha256 = $1"


class UnknownDevice(Exception):
    """No device, or no site, has this number."""


def token_sha256(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


async def enrol_device(
    connection: Connection,
    *,
    site_id: int,
    mediator_id: int,
    label: str,
    actor: str,
    public_key: bytes | None = None,
) -> tuple[int, str]:
    """Make a device of a site's operator; return its number and its token, which can't be read again.

    public_key: what it will sign its requests with, for its whole life.
    """
    token = secrets.token_urlsafe(TOKEN_BYTES)
    async with connection.transaction():
        device_id = await connection.fetchval(
            ADD, token_sha256(token), site_id, mediator_id, label, public_key
        )
        if device_id is None:
            raise UnknownDevice(f"no site {site_id}")
        await record_event(connection, actor=actor, action="device.enrol", subject=f"device:{device_id}")
    return device_id, token


async def revoke_device(
    connection: Connection, device_id: int, *, at: datetime, actor: str, reason: str
) -> None:
    """Refuse the device's token from now on. Safe to repeat."""
    async with connection.transaction():
        if not await connection.fetchval(EXISTS, device_id):
            raise UnknownDevice(f"no device {device_id}; `poincon devices list` shows those known")
        if await connection.execute(REVOKE, device_id, at) == "UPDATE 1":
            subject = f"device:{device_id}"
            await record_event(
                connection, actor=actor, action="device.revoke", subject=subject, reason=reason
            )


async def invite_device(
    connection: Connection, *, site_id: int, mediator_id: int, label: str, expires_at: datetime, actor: str
) -> str:
    """Return a code that enrols one device, once, until expires_at."""
    code = secrets.token_urlsafe(TOKEN_BYTES)
    async with connection.transaction():
        try:
            await connection.execute(INVITE, token_sha256(code), site_id, mediator_id, label, expires_at)
        except asyncpg.ForeignKeyViolationError:
            raise UnknownDevice(f"no site {site_id}") from None
        await record_event(connection, actor=actor, action="device.invite", subject=f"site:{site_id}")
    return code


async def accept_invitation(
    connection: Connection, code: str, *, now: datetime, public_key: bytes | None = None
) -> tuple[int, str] | None:
    """Enrol the device that shows this code; None when it is unknown, used or too old."""
    async with connection.transaction():
        row = await connection.fetchrow(LOCK_INVITATION, token_sha256(code), now)
        if row is None:
            return None
        device_id, token = await enrol_device(
            connection,
            site_id=row["site_id"],
            mediator_id=row["mediator_id"],
            label=row["label"],
            actor="enrolment",
            public_key=public_key,
        )
        await connection.execute(USE_INVITATION, token_sha256(code), device_id)
    return device_id, token
