"""Applications: received, decided by one person, appealed against, decided again by another.

An accepted one makes the operator, its sites and its qualification in the same transaction.
"""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

import asyncpg
import msgspec

from ledger.application_rows import (
    PARIS,
    Application,
    ApplicationRefused,
    AppliedSite,
    Criteria,
    Decision,
    NewApplication,
    Stage,
    last_appeal_day,
)
from ledger.connect import Connection, Record
from ledger.contacts import add_address
from ledger.events import record_event
from ledger.four_eyes import is_another_person
from ledger.notice_facts import application_decided, application_received
from ledger.notice_rows import NoticeRefused
from ledger.notices import tell
from ledger.parties import add_operator, add_site, find_operator, qualify
from ledger.site_details import SiteDetails, save_details
from ledger.structures import is_qualified_within

LIST_MAX = 500

CRITERIA = """
SELECT version, published_at, items FROM application_criteria
WHERE $1::integer IS NULL OR version = $1 ORDER BY version DESC LIMIT 1"""
PUBLISH = """
INSERT INTO application_criteria (version, published_at, published_by, items)
SELECT coalesce(max(version), 0) + 1, $1, $2, $3 FROM application_criteria RETURNING version"""
ADD = """
INSERT INTO applications (criteria_version, programme_id, siret, organisation, contact_name, contact_address,
                          service_ids, sites, answers, received_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id"""
COLUMNS = """
SELECT a.*, p.name AS programme FROM applications a JOIN programmes p ON p.id = a.programme_id"""
ONE = f"{COLUMNS} WHERE a.id = $1"
LOCKED = f"{ONE} FOR UPDATE OF a"
LIST = f"""{COLUMNS}
ORDER BY (a.decision IS NULL OR (a.appealed_at IS NOT NULL AND a.appeal_decision IS NULL)) DESC, a.id DESC
LIMIT $1"""
DECIDE = """
UPDATE applications SET decision = $2, decided_at = $3, decided_by = $4, reason = $5, operator_id = $6
WHERE id = $1"""
APPEAL = "UPDATE applications SET appealed_at = $2, appeal_text = $3 WHERE id = $1"
DECIDE_APPEAL = """
UPDATE applications SET appeal_decision = $2, appeal_decided_at = $3, appeal_decided_by = $4,
       appeal_reason = $5, operator_id = $6
WHERE id = $1"""
OWN_SITES = "SELECT name FROM sites WHERE operator_id = $1"


async def current_criteria(connection: Connection, version: int | None = None) -> Criteria | None:
    row = await connection.fetchrow(CRITERIA, version)
    return Criteria(row["version"], row["published_at"], tuple(row["items"])) if row else None


async def publish_criteria(connection: Connection, items: Sequence[str], *, actor: str, at: datetime) -> int:
    """A new version: applications that were received are still judged by theirs."""
    async with connection.transaction():
        version: int = await connection.fetchval(PUBLISH, at, actor, list(items))
        subject = f"criteria:{version}"
        await record_event(connection, actor=actor, action="criteria.publish", subject=subject)
    return version


async def receive_application(connection: Connection, told: NewApplication, *, at: datetime) -> int:
    """Its number. The applicant is written to in the same transaction."""
    async with connection.transaction():
        try:
            async with connection.transaction():
                number: int = await connection.fetchval(
                    ADD,
                    told.criteria_version,
                    told.programme_id,
                    told.siret,
                    told.organisation,
                    told.contact_name,
                    told.contact_address,
                    list(told.service_ids),
                    [asdict(site) for site in told.sites],
                    list(told.answers),
                    at,
                )
        except asyncpg.UniqueViolationError:
            raise ApplicationRefused("this SIRET has an application that waits for its decision") from None
        await record_event(
            connection, actor="applicant", action="application.receive", subject=f"application:{number}"
        )
        fact = application_received(
            application_id=number,
            organisation=told.organisation,
            siret=told.siret,
            address=told.contact_address,
        )
        await tell(connection, fact, at=at)
    return number


async def list_applications(connection: Connection) -> list[Application]:
    """Those that wait first, then the newest."""
    return [_application(row) for row in await connection.fetch(LIST, LIST_MAX)]


async def find_application(connection: Connection, number: int) -> Application | None:
    row = await connection.fetchrow(ONE, number)
    return _application(row) if row else None


async def decide(
    connection: Connection,
    number: int,
    decision: Decision,
    *,
    reason: str,
    person_id: int,
    actor: str,
    at: datetime,
    territory_of: Mapping[str, int] | None = None,
    ends_on: date | None = None,
) -> Application:
    """The first decision, or the one on the appeal, which is another person's.

    territory_of: of an accepted one, each site's, by its name. ends_on: of the qualification, which begins
    today.
    """
    async with connection.transaction():
        application = await _locked(connection, number)
        if not application.waits:
            raise ApplicationRefused(
                f"application {number} is {application.stage}: there is nothing to decide"
            )
        is_appeal = application.stage is Stage.APPEALED
        if is_appeal and not is_another_person(person_id, prepared_by=[application.decided_by]):
            raise ApplicationRefused("an appeal is decided by another person than the first decision")
        operator_id = None
        if decision is Decision.ACCEPTED:
            operator_id = await _admit(
                connection, application, territory_of or {}, ends_on=ends_on, actor=actor, at=at
            )
        statement = DECIDE_APPEAL if is_appeal else DECIDE
        await connection.execute(statement, number, decision.value, at, person_id, reason, operator_id)
        await _tell_decision(connection, application, decision, reason=reason, is_appeal=is_appeal, at=at)
        await record_event(
            connection,
            actor=actor,
            action="application.decide_appeal" if is_appeal else "application.decide",
            subject=f"application:{number}",
            reason=reason,
            decision=decision.value,
        )
        return await _locked(connection, number)


async def appeal(connection: Connection, number: int, text: str, *, actor: str, at: datetime) -> None:
    """text: what the applicant wrote to the trustee, who enters it."""
    async with connection.transaction():
        application = await _locked(connection, number)
        until = application.appeal_until
        if until is None:
            raise ApplicationRefused(f"application {number} is {application.stage}: no appeal can be made")
        if at.astimezone(PARIS).date() > until:
            raise ApplicationRefused(f"the last day of an appeal was {until}")
        await connection.execute(APPEAL, number, at, text)
        subject = f"application:{number}"
        await record_event(connection, actor=actor, action="application.appeal", subject=subject)


async def _admit(
    connection: Connection,
    application: Application,
    territory_of: Mapping[str, int],
    *,
    ends_on: date | None,
    actor: str,
    at: datetime,
) -> int:
    told = application.told
    operator_id = await find_operator(connection, told.siret)
    if operator_id is None:
        operator_id = await add_operator(connection, siret=told.siret, name=told.organisation, actor=actor)
    known = {row["name"] for row in await connection.fetch(OWN_SITES, operator_id)}
    for site in told.sites:
        if site.name in known:
            continue
        if site.name not in territory_of:
            raise ApplicationRefused(f"choose the territory of {site.name}")
        site_id = await add_site(
            connection, operator_id=operator_id, territory_id=territory_of[site.name], name=site.name
        )
        details = SiteDetails(site.address, site.postcode, site.commune)
        await save_details(connection, site_id, details, actor=actor, at=at)
    with contextlib.suppress(NoticeRefused):  # it is there already, or as many as may be
        await add_address(connection, told.contact_address, operator_id=operator_id, actor=actor, at=at)
    today = at.astimezone(PARIS).date()
    if await is_qualified_within(
        connection, operator_id, told.programme_id, starts_on=today, ends_on=ends_on
    ):
        raise ApplicationRefused("this organisation is qualified already in that period: end that first")
    await qualify(
        connection,
        operator_id=operator_id,
        programme_id=told.programme_id,
        starts_on=today,
        ends_on=ends_on,
        service_ids=told.service_ids,
        actor=actor,
    )
    return operator_id


async def _tell_decision(
    connection: Connection,
    application: Application,
    decision: Decision,
    *,
    reason: str,
    is_appeal: bool,
    at: datetime,
) -> None:
    refused_first = decision is Decision.REFUSED and not is_appeal
    fact = application_decided(
        application_id=application.id,
        organisation=application.told.organisation,
        address=application.told.contact_address,
        step="appeal" if is_appeal else "decision",
        is_accepted=decision is Decision.ACCEPTED,
        reason=reason,
        appeal_until=last_appeal_day(at) if refused_first else None,
    )
    await tell(connection, fact, at=at)


async def _locked(connection: Connection, number: int) -> Application:
    row = await connection.fetchrow(LOCKED, number)
    if row is None:
        raise ApplicationRefused(f"no application {number}")
    return _application(row)


def _application(row: Record) -> Application:
    facts: dict[str, Any] = dict(row)
    told = NewApplication(
        **{name: facts[name] for name in ("criteria_version", "programme_id", "siret", "organisation")},
        contact_name=facts["contact_name"],
        contact_address=facts["contact_address"],
        service_ids=tuple(facts["service_ids"]),
        sites=tuple(msgspec.convert(facts["sites"], list[AppliedSite])),
        answers=tuple(facts["answers"]),
    )
    return Application(
        facts["id"],
        told,
        facts["programme"],
        facts["received_at"],
        Decision(facts["decision"]) if facts["decision"] else None,
        facts["decided_at"],
        facts["decided_by"],
        facts["reason"],
        facts["appealed_at"],
        facts["appeal_text"],
        Decision(facts["appeal_decision"]) if facts["appeal_decision"] else None,
        facts["appeal_decided_at"],
        facts["appeal_reason"],
        facts["operator_id"],
    )
