"""What the environment says, read once. Secrets come from files, so that no list of processes shows them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from programmes.notices.mail_server import MailServer, MailSettingsError


class SettingsError(Exception):
    """A setting is missing or wrong; the text names it."""


@dataclass(frozen=True)
class Settings:
    database_url: str
    valkey_url: str | None
    keys: Path
    passphrase: str
    host: str = "127.0.0.1"
    port: int = 8080
    processes: int = 1
    public_url: str | None = None
    photo_workers: int = 1
    photos_on_demand: bool = False
    require_totp: bool = False  # of those who approve; of others for what they sign or decide
    closes_on_calendars: bool = False
    sends_notices: bool = False
    mail: MailServer | None = None  # None: notices wait in their queue
    allows_private_webhooks: bool = False
    traces_url: str | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        given = os.environ if environment is None else environment
        return cls(
            database_url=required_secret(given, "DATABASE_URL"),
            valkey_url=secret(given, "VALKEY_URL"),
            keys=Path(_required(given, "POINCON_KEYS")),
            passphrase=read_passphrase(given),
            host=given.get("POINCON_HOST", cls.host),
            port=_whole(given, "POINCON_PORT", cls.port),
            processes=_whole(given, "POINCON_PROCESSES", cls.processes),
            public_url=given.get("POINCON_PUBLIC_URL") or None,
            photo_workers=_whole(given, "POINCON_PHOTO_WORKERS", cls.photo_workers),
            photos_on_demand=_yes(given, "POINCON_PHOTOS_ON_DEMAND", default=False),
            require_totp=_yes(given, "POINCON_REQUIRE_TOTP", default=True),
            closes_on_calendars=_yes(given, "POINCON_CLOSINGS", default=True),
            sends_notices=_yes(given, "POINCON_NOTICES", default=True),
            mail=_mail_server(given),
            allows_private_webhooks=_yes(given, "POINCON_WEBHOOKS_PRIVATE", default=False),
            traces_url=given.get("POINCON_TRACES") or None,
        )


def read_passphrase(given: Mapping[str, str]) -> str:
    _required(given, "POINCON_PASSPHRASE_FILE")
    return _content(given, "POINCON_PASSPHRASE_FILE")


def secret(given: Mapping[str, str], name: str) -> str | None:
    """What is set as `name`, or what the file holds that `name`_FILE says, which no dump of an environment
    shows. None: neither is set."""
    file_name = f"{name}_FILE"
    if given.get(name) and given.get(file_name):
        raise SettingsError(f"{name} and {file_name} are both set; keep one")
    return _content(given, file_name) if given.get(file_name) else given.get(name) or None


def required_secret(given: Mapping[str, str], name: str) -> str:
    value = secret(given, name)
    if value is None:
        raise SettingsError(f"{name}, or {name}_FILE, is not set; see the README, or give --data of a demo")
    return value


def _content(given: Mapping[str, str], file_name: str) -> str:
    path = Path(given[file_name])
    try:
        content = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SettingsError(f"{file_name}: {path} can't be read ({reason})") from error
    if not content:
        raise SettingsError(f"{file_name}: {path} is empty")
    return content


def _mail_server(given: Mapping[str, str]) -> MailServer | None:
    url = given.get("POINCON_SMTP_URL")
    if not url:
        return None
    file_name = "POINCON_SMTP_PASSWORD_FILE"
    password = _content(given, file_name) if given.get(file_name) else None
    try:
        return MailServer.from_url(url, mail_from=_required(given, "POINCON_MAIL_FROM"), password=password)
    except MailSettingsError as error:
        raise SettingsError(f"POINCON_SMTP_URL, POINCON_MAIL_FROM: {error}") from None


def _required(given: Mapping[str, str], name: str) -> str:
    value = given.get(name)
    if not value:
        raise SettingsError(f"{name} is not set; see the README, or run `poincon demo`")
    return value


def _whole(given: Mapping[str, str], name: str, default: int) -> int:
    try:
        return int(given.get(name, default))
    except ValueError:
        raise SettingsError(f"{name} must be a whole number, not {given[name]!r}") from None


def _yes(given: Mapping[str, str], name: str, *, default: bool) -> bool:
    said = given.get(name) or ("yes" if default else "no")
    if said not in {"yes", "no"}:
        raise SettingsError(f"{name} is yes or no, not {said!r}")
    return said == "yes"
