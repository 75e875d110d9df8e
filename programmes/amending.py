"""An amendment from a file: only the rules that it changes are said."""

from dataclasses import replace
from datetime import date
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from ledger.parties import KnownNames
from ledger.rule_rows import Figures
from programmes.setup import Passes, SetupError

Days = Annotated[int, Meta(ge=0, le=365)]
Percent = Annotated[int, Meta(ge=0, le=100)]
Optional = Literal["mandate_starts_on", "mandate_ends_on", "stock_cap_passes", "grant_deadline"]


class AmendmentText(Struct, forbid_unknown_fields=True):
    """Names are those of ledger/rule_rows.py."""

    last_day_of_use: date | UnsetType = UNSET
    grace_days: Days | UnsetType = UNSET
    claim_window_days: Days | UnsetType = UNSET
    convention: Annotated[str, Meta(max_length=100)] | UnsetType = UNSET
    mandate_starts_on: date | UnsetType = UNSET
    mandate_ends_on: date | UnsetType = UNSET
    payment_delay_days: Days | UnsetType = UNSET
    stock_cap_passes: Passes | UnsetType = UNSET
    first_grant_passes: Passes | UnsetType = UNSET
    top_up_passes: Passes | UnsetType = UNSET
    threshold_percent: Annotated[int, Meta(ge=1, le=100)] | UnsetType = UNSET
    grant_deadline: date | UnsetType = UNSET
    delivery_working_days: Annotated[int, Meta(ge=1, le=250)] | UnsetType = UNSET
    pic_share_percent: Percent | UnsetType = UNSET
    publics: list[Annotated[str, Meta(pattern="^[a-z0-9_]+$", max_length=32)]] | UnsetType = UNSET
    territories: list[str] | UnsetType = UNSET  # all that are covered from now on, by name
    services: list[str] | UnsetType = UNSET  # likewise, by code
    remove: list[Optional] = []  # limits that are there no more


def read_amendment(text: str, before: Figures, known: KnownNames) -> Figures:
    """Raises SetupError; text is TOML."""
    try:
        said = msgspec.toml.decode(text, type=AmendmentText)
    except (msgspec.DecodeError, ValueError) as error:
        raise SetupError(f"the file can't be used: {error}") from None
    changes = {name: value for name, value in msgspec.structs.asdict(said).items() if value is not UNSET}
    changes |= dict.fromkeys(changes.pop("remove"))
    if "publics" in changes:
        changes["publics"] = tuple(changes["publics"])
    for name, figure, ids in (
        ("territories", "territory_ids", known.territories),
        ("services", "service_ids", known.services),
    ):
        if name in changes:
            changes[figure] = _ids_of(name, changes.pop(name), ids)
    return replace(before, **changes)


def _ids_of(what: str, names: list[str], ids: dict[str, int]) -> tuple[int, ...]:
    if unknown := sorted(set(names) - ids.keys()):
        raise SetupError(f"{what} that nobody knows: {', '.join(unknown)}")
    return tuple(sorted({ids[name] for name in names}))
