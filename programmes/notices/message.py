"""A letter as a mail message: plain text that phones wrap (RFC 3676), marked as sent by a machine. Pure."""

import hashlib
import textwrap
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from ledger.notice_rows import Notice
from programmes.notices.letters import letter_of

LINE_CHARS_MAX = 72
SUBJECT_CHARS_MAX = 150
STUFFED = (" ", ">", "From ")


def message_of(
    notice: Notice, *, mail_from: str, sender_name: str, public_url: str | None, now: datetime
) -> EmailMessage:
    """The same notice has the same Message-ID at each attempt: a repeat can be told by it."""
    assert notice.address is not None
    letter = letter_of(notice.kind, notice.payload, notice.audience)
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(sender_name, addr_spec=mail_from)
    message["To"] = Address(addr_spec=notice.address)
    message["Subject"] = " ".join(letter.subject.split(" "))[:SUBJECT_CHARS_MAX]
    message["Date"] = format_datetime(now)
    message["Message-ID"] = _message_id(notice, mail_from)
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday answer to it
    message["Content-Language"] = "fr"
    message.set_content(
        flowed(letter.text(public_url)), charset="utf-8", cte="quoted-printable", params={"format": "flowed"}
    )
    return message


def flowed(text: str) -> str:
    """format=flowed: a line that goes on ends with a space; what looks like a quote begins with one."""
    lines = []
    for paragraph in text.rstrip("\n").split("\n"):
        wrapped = textwrap.wrap(
            paragraph, LINE_CHARS_MAX - 2, break_long_words=False, break_on_hyphens=False
        ) or [""]
        lines += [_stuffed(line) + " " for line in wrapped[:-1]] + [_stuffed(wrapped[-1])]
    return "\n".join(lines) + "\n"


def _stuffed(line: str) -> str:
    return f" {line}" if line.startswith(STUFFED) else line


def _message_id(notice: Notice, mail_from: str) -> str:
    digest = hashlib.sha256(f"{notice.fact}\0{notice.audience}\0{notice.address}".encode()).hexdigest()[:24]
    return f"<avis.{notice.id}.{digest}@{mail_from.rpartition('@')[2]}>"
