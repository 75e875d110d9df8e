"""The mail server that notices leave by: how it is named, and one message given to it, step by step.

What becomes of the notice is mailing.py's to say.
"""

import contextlib
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import parseaddr
from urllib.parse import unquote, urlsplit

from aiosmtplib import (
    SMTP,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPTimeoutError,
)

from ledger.contacts import is_address

STEP_SECONDS_MAX = 30.0
DATA_SECONDS_MAX = 120.0  # a server that scans what it takes answers late
QUIT_SECONDS_MAX = 5.0
PORTS = {"smtp": 587, "smtps": 465}
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
SENDER_NAME = "Pass numériques"


class MailSettingsError(Exception):
    """The mail server is not named as it has to be; the text says how."""


class NotTaken(Exception):
    """Nothing of the message's text was taken."""

    def __init__(self, told: str, *, is_final: bool = False, is_of_server: bool = False) -> None:
        super().__init__(told)
        self.is_final = is_final  # the address will never be taken
        self.is_of_server = is_of_server  # another message would fare the same now


class MayBeTaken(Exception):
    """The text left, and no answer came."""


@dataclass(frozen=True)
class MailServer:
    host: str
    port: int
    mail_from: str
    sender_name: str = SENDER_NAME
    use_tls: bool = False
    start_tls: bool = True
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    step_seconds: float = STEP_SECONDS_MAX
    data_seconds: float = DATA_SECONDS_MAX

    @classmethod
    def from_url(cls, url: str, *, mail_from: str, password: str | None = None) -> "MailServer":
        """smtps://user@host (TLS from the start), smtp://user@host (STARTTLS, without which nothing is sent);
        plain text to this very machine only. mail_from: an address, or « Name <address> »."""
        try:
            parts = urlsplit(url)
            port = parts.port or PORTS.get(parts.scheme, 0)
        except ValueError as error:
            raise MailSettingsError(f"the mail server's URL can't be read: {error}") from None
        if parts.scheme not in PORTS or not parts.hostname or parts.path.strip("/") or parts.query:
            raise MailSettingsError("the mail server is smtp://user@host:port or smtps://user@host:port")
        if parts.password is not None:
            raise MailSettingsError("give the mail server's password in a file, not in its URL")
        name, address = parseaddr(mail_from)
        if not is_address(address):
            raise MailSettingsError(f"{mail_from!r} can't be what notices are sent from: give an address")
        return cls(
            parts.hostname,
            port,
            address,
            name or SENDER_NAME,
            use_tls=parts.scheme == "smtps",
            start_tls=parts.scheme == "smtp" and parts.hostname not in LOOPBACK,
            username=unquote(parts.username) if parts.username else None,
            password=password,
        )

    async def open_for(self, address: str) -> "Handover":
        """Go as far as one can without giving any of the text. Raises NotTaken."""
        smtp = SMTP(
            hostname=self.host,
            port=self.port,
            timeout=self.step_seconds,
            use_tls=self.use_tls,
            start_tls=self.start_tls,
            username=self.username,
            password=self.password,
        )
        try:
            await smtp.connect()
            await smtp.mail(self.mail_from)
            await smtp.rcpt(address)
        except SMTPRecipientRefused as error:
            await _leave(smtp)
            raise NotTaken(_told(error), is_final=error.code >= 500) from None
        except (SMTPException, OSError) as error:
            await _leave(smtp)
            raise NotTaken(_told(error), is_of_server=True) from None
        except BaseException:
            smtp.close()
            raise
        return Handover(smtp, self.data_seconds)


class Handover:
    """A server that waits for the text of one message."""

    def __init__(self, smtp: SMTP, data_seconds: float) -> None:
        self._smtp = smtp
        self._data_seconds = data_seconds

    async def give(self, message: EmailMessage) -> None:
        """Raises NotTaken where the server says so, and MayBeTaken where it says nothing."""
        try:
            await self._smtp.data(message.as_bytes(), timeout=self._data_seconds)
        except SMTPResponseException as error:
            raise NotTaken(_told(error), is_final=error.code >= 500) from None
        except (SMTPException, OSError) as error:
            raise MayBeTaken(_told(error)) from None

    async def close(self) -> None:
        await _leave(self._smtp)


async def _leave(smtp: SMTP) -> None:
    with contextlib.suppress(SMTPException, OSError):
        if smtp.is_connected:
            await smtp.quit(timeout=QUIT_SECONDS_MAX)
    smtp.close()


def _told(error: Exception) -> str:
    if isinstance(error, SMTPResponseException):
        return f"{error.code} {error.message}"
    if isinstance(error, SMTPTimeoutError):
        return f"pas de réponse à temps ({error})"
    return str(error) or type(error).__name__
