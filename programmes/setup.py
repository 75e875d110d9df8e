"""Sets an instance up from one file: territories, services, a programme, operators with sites and mediators.

Safe to run again: what is there already, by its name or SIRET, is kept as it is.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from stdnum.fr import siret as siret_number

from ledger.calendar_rows import Calendar
from ledger.calendars import set_calendar
from ledger.connect import Connection
from ledger.parties import (
    add_operator,
    add_person,
    add_service,
    add_site,
    add_territory,
    find_operator,
    known_names,
    qualify,
)
from ledger.programmes import add_programme
from ledger.rule_rows import Figures

LIST_MAX = 10_000

Text = Annotated[str, Meta(min_length=1, max_length=100)]
Passes = Annotated[int, Meta(ge=1, le=10_000_000)]


class SetupError(Exception):
    """The file does not say what is needed; the text names the place."""


class ServiceText(Struct, forbid_unknown_fields=True):
    code: Annotated[str, Meta(pattern="^[a-z0-9_-]+$", max_length=64)]
    label: Text


class SiteText(Struct, forbid_unknown_fields=True):
    name: Text
    territory: Text
    mediators: list[Text] = []


class OperatorText(Struct, forbid_unknown_fields=True):
    siret: str
    name: Text
    services: list[str]
    sites: Annotated[list[SiteText], Meta(min_length=1, max_length=LIST_MAX)]


class RulesText(Struct, forbid_unknown_fields=True):
    """What the convention says; see ledger/rule_rows.py. The programme's last_day includes the grace."""

    convention: Annotated[str, Meta(max_length=100)] = ""
    mandate_starts_on: date | None = None
    mandate_ends_on: date | None = None
    grace_days: Annotated[int, Meta(ge=0, le=365)] = 0
    claim_window_days: Annotated[int, Meta(ge=0, le=365)] = 0
    stock_cap_passes: Passes | None = None
    first_grant_passes: Passes = 5_000
    top_up_passes: Passes = 2_500
    threshold_percent: Annotated[int, Meta(ge=1, le=100)] = 50
    grant_deadline: date | None = None
    delivery_working_days: Annotated[int, Meta(ge=1, le=250)] = 20
    pic_share_percent: Annotated[int, Meta(ge=0, le=100)] = 50
    publics: list[Annotated[str, Meta(pattern="^[a-z0-9_]+$", max_length=32)]] = []

    def figures(self, last_day: date) -> Figures:
        said = msgspec.structs.asdict(self) | {"publics": tuple(self.publics)}
        return Figures(last_day_of_use=last_day - timedelta(days=self.grace_days), **said)


class ProgrammeText(Struct, forbid_unknown_fields=True):
    name: Text
    funder: Text
    contact: Text
    last_day: date
    territories: list[Text]
    services: list[str]
    face_value_cents: Annotated[int, Meta(gt=0)] = 1_000
    booklet_size: Annotated[int, Meta(ge=1, le=255)] = 10
    qualified_from: date | None = None
    closings: Calendar = Calendar.NONE  # when remittances close by themselves
    rules: RulesText = msgspec.field(default_factory=RulesText)


class Instance(Struct, forbid_unknown_fields=True):
    programme: ProgrammeText
    services: Annotated[list[ServiceText], Meta(max_length=1_000)]
    operators: Annotated[list[OperatorText], Meta(max_length=LIST_MAX)]


@dataclass
class SetUp:
    """What the file made or found, by name."""

    programme_id: int
    is_new: bool
    sites: dict[tuple[str, str], int] = field(default_factory=dict)  # (operator, site) → id
    mediators: dict[tuple[str, str, str], int] = field(
        default_factory=dict
    )  # (operator, site, mediator) → id


def read_instance(text: str) -> Instance:
    """Raises SetupError; text is TOML, as demo/instance.toml shows."""
    try:
        instance = msgspec.toml.decode(text, type=Instance)
    except (msgspec.DecodeError, ValueError) as error:
        raise SetupError(f"the file can't be used: {error}") from None
    codes = {service.code for service in instance.services}
    for name, services in [
        ("programme", instance.programme.services),
        *((o.name, o.services) for o in instance.operators),
    ]:
        if unknown := sorted(set(services) - codes):
            raise SetupError(f"{name}: services not declared under [[services]]: {', '.join(unknown)}")
    for operator in instance.operators:
        if not siret_number.is_valid(operator.siret):
            raise SetupError(f"{operator.name}: {operator.siret} is not a valid SIRET")
    return instance


async def set_up(
    connection: Connection, instance: Instance, *, actor: str, today: date, at: datetime | None = None
) -> SetUp:
    """All of it or nothing, in one transaction. at: when the convention was decided; None: now."""
    async with connection.transaction():
        known = await known_names(connection)
        wanted = instance.programme
        territories = {*wanted.territories, *(s.territory for o in instance.operators for s in o.sites)}
        for name in sorted(territories - known.territories.keys()):
            known.territories[name] = await add_territory(connection, name)
        for service in instance.services:
            if service.code not in known.services:
                known.services[service.code] = await add_service(
                    connection, code=service.code, label=service.label
                )
        is_new = wanted.name not in known.programmes
        if is_new:
            known.programmes[wanted.name] = await add_programme(
                connection,
                name=wanted.name,
                funder=wanted.funder,
                contact=wanted.contact,
                face_value_cents=wanted.face_value_cents,
                booklet_size=wanted.booklet_size,
                last_day=wanted.last_day,
                territory_ids=[known.territories[name] for name in wanted.territories],
                service_ids=[known.services[code] for code in wanted.services],
                actor=actor,
                figures=wanted.rules.figures(wanted.last_day),
                at=at,
            )
            if wanted.closings is not Calendar.NONE:
                programme_id = known.programmes[wanted.name]
                await set_calendar(connection, programme_id, wanted.closings, reason=None, actor=actor)
        done = SetUp(known.programmes[wanted.name], is_new)
        for operator in instance.operators:
            if await find_operator(connection, operator.siret) is None:
                await _add_operator(connection, operator, instance, known.territories, done, actor, today)
    return done


async def _add_operator(
    connection: Connection,
    operator: OperatorText,
    instance: Instance,
    territories: dict[str, int],
    done: SetUp,
    actor: str,
    today: date,
) -> None:
    operator_id = await add_operator(connection, siret=operator.siret, name=operator.name, actor=actor)
    services = (await known_names(connection)).services
    await qualify(
        connection,
        operator_id=operator_id,
        programme_id=done.programme_id,
        starts_on=instance.programme.qualified_from or today,
        ends_on=None,
        service_ids=[services[code] for code in operator.services],
        actor=actor,
    )
    for site in operator.sites:
        site_id = await add_site(
            connection,
            operator_id=operator_id,
            territory_id=territories[site.territory],
            name=site.name,
        )
        done.sites[operator.name, site.name] = site_id
        for mediator in site.mediators:
            person_id = await add_person(connection, mediator)
            done.mediators[operator.name, site.name, mediator] = person_id
