"""How a command fails: one plain line on stderr and the exit status. Tracebacks are for our own mistakes."""

import contextlib
import sys
from collections.abc import Iterator

import click


@contextlib.contextmanager
def told() -> Iterator[None]:
    try:
        yield
    except click.ClickException:
        raise
    except Exception as error:
        if not _is_expected(error):
            raise
        click.echo(f"poincon: {_what_happened(error)}", err=True)
        sys.exit(2 if _is_wrong_usage(error) else 1)


def _what_happened(error: Exception) -> str:
    from asyncpg import UndefinedTableError

    if isinstance(error, UndefinedTableError):
        return "the database has no schema of ours, or an old one: run `poincon migrate`"
    return " ".join(str(error).split()) or type(error).__name__


def _is_wrong_usage(error: Exception) -> bool:
    from validator.settings import SettingsError

    return isinstance(error, SettingsError)


def _is_expected(error: Exception) -> bool:
    from asyncpg import UndefinedTableError

    from embedded.failure import EmbeddedError
    from keys.sealed import SealError
    from ledger.application_rows import ApplicationRefused
    from ledger.audit import RecordUnusable
    from ledger.booklets import IssueRefused
    from ledger.connect import UNREACHABLE
    from ledger.corrections import CorrectionRefused
    from ledger.devices import UnknownDevice
    from ledger.disputes import DisputeRefused
    from ledger.funding import FundingRefused
    from ledger.handouts import HandoutRefused
    from ledger.migrate import MigrationError
    from ledger.notice_rows import NoticeRefused
    from ledger.payout_rows import PayoutRefused
    from ledger.prescribers import PrescriberRefused
    from ledger.programmes import UnknownProgramme
    from ledger.replacements import ReplacementRefused, ReplacementWaits
    from ledger.signing_keys import KeyChangeRefused
    from payouts.accounts import AccountRefused as BankAccountRefused
    from programmes.setup import SetupError
    from validator.settings import SettingsError

    return isinstance(
        error,
        (
            EmbeddedError,
            SealError,
            IssueRefused,
            PrescriberRefused,
            HandoutRefused,
            ReplacementRefused,
            ReplacementWaits,
            FundingRefused,
            CorrectionRefused,
            DisputeRefused,
            *_refusals_of_programmes(),
            PayoutRefused,
            NoticeRefused,
            ApplicationRefused,
            BankAccountRefused,
            RecordUnusable,
            UnknownDevice,
            MigrationError,
            UnknownProgramme,
            KeyChangeRefused,
            SetupError,
            SettingsError,
            UndefinedTableError,
            *UNREACHABLE,
        ),
    )


def _refusals_of_programmes() -> tuple[type[Exception], ...]:
    from ledger.amendments import AmendmentRefused
    from ledger.grant_rows import GrantRefused
    from ledger.order_rows import OrderRefused
    from ledger.programme_rules import UnknownRules

    return AmendmentRefused, GrantRefused, OrderRefused, UnknownRules
