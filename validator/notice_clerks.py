"""The clerks who tell people what happened: one sends mail, one calls webhooks, one warns of what ends soon.

Every process has them; of each kind one works at a time, by a lock of the record.
"""

from datetime import UTC, datetime

from keys.webhook_secret import WebhookKeys
from ledger.connect import Connection
from programmes.notices.calling import Calling
from programmes.notices.endings import warn_of_endings
from programmes.notices.mailing import Mailing
from programmes.notices.renewals import warn_of_renewals
from validator.clerk import Clerk
from validator.settings import Settings

MAIL_LOOK_SECONDS = 10.0
CALL_LOOK_SECONDS = 5.0
WARN_LOOK_SECONDS = 3_600.0  # of days to come: an hour is early enough


def notice_clerks(settings: Settings, master_secret: bytes) -> list[Clerk]:
    dsn = settings.database_url
    calling = Calling(WebhookKeys(master_secret), _now, settings.allows_private_webhooks)
    clerks = [
        Clerk("webhooks", dsn, calling.look, seconds=CALL_LOOK_SECONDS),
        Clerk("warnings", dsn, _warn, seconds=WARN_LOOK_SECONDS),
    ]
    if settings.mail is not None:
        mailing = Mailing(settings.mail, settings.public_url, _now)
        clerks.append(Clerk("mail", dsn, mailing.look, seconds=MAIL_LOOK_SECONDS))
    return clerks


async def _warn(connection: Connection) -> int:
    return await warn_of_renewals(connection, now=_now()) + await warn_of_endings(connection, now=_now())


def _now() -> datetime:
    return datetime.now(UTC)
