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
            database_url=_required(given, "DATABASE_URL"),
            valkey_url=given.get("VALKEY_URL") or None,
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
    path = Path(_required(given, "POINCON_PASSPHRASE_FILE"))
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(f"POINCON_PASSPHRASE_FILE: {path} can't be read ({error.strerror})") from error


def _mail_server(given: Mapping[str, str]) -> MailServer | None:
    url = given.get("POINCON_SMTP_URL")
    if not url:
        return None
    password_file = given.get("POINCON_SMTP_PASSWORD_FILE")
    try:
        password = Path(password_file).read_text(encoding="utf-8").strip() if password_file else None
        return MailServer.from_url(url, mail_from=_required(given, "POINCON_MAIL_FROM"), password=password)
    except OSError as error:
        raise SettingsError(f"POINCON_SMTP_PASSWORD_FILE can't be read ({error.strerror})") from error
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
