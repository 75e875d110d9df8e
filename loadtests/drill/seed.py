"""The programme that is drilled: keys, qualified operators, devices, active booklets. All of it made up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from stdnum import luhn

from keys.keyring import KeyPurpose, KeyState
from keys.passes import PassId
from keys.sealed import KeyFolder
from ledger.booklets import activate_batch, issue_batch
from ledger.connect import Connection
from ledger.devices import enrol_device
from ledger.signing_keys import add_key, change_key
from loadtests.drill.plan import Pass
from loadtests.funding import fund
from programmes.codes import batch_codes
from programmes.setup import Instance, OperatorText, ProgrammeText, ServiceText, SiteText, set_up

ACTOR = "drill"
OPERATORS = 4
SITES_PER_OPERATOR = 2
MEDIATORS_PER_SITE = 2
SERVICE = "premiers-pas"
TERRITORY = "Val-Exercice"
FUNDS_CENTS = 10_000_000_000  # more than any drill issues
DOOMED_BOOKLETS = 3  # their key is revoked in the middle of the drill
AGE_DAYS = 3  # of all that is seeded: clocks that go back by less change nothing


@dataclass(frozen=True)
class Seeded:
    passes: Sequence[Pass]
    tokens: Sequence[str]  # one per device
    device_sites: tuple[int, ...]
    doomed_kid: bytes
    doomed_booklets: frozenset[int]
    spared: frozenset[PassId]  # of a doomed booklet: nobody sends them before their key is revoked


async def seed(connection: Connection, folder: KeyFolder, *, booklet_count: int) -> Seeded:
    now = datetime.now(UTC) - timedelta(days=AGE_DAYS)
    folder.create_master_secret()
    kids = {purpose: await new_key(connection, folder, purpose, at=now) for purpose in KeyPurpose}
    done = await set_up(connection, _instance(now.date()), actor=ACTOR, today=now.date())
    await fund(connection, done.programme_id, FUNDS_CENTS, actor=ACTOR)
    doomed = await _issue(connection, done.programme_id, DOOMED_BOOKLETS, folder, at=now)
    await new_key(connection, folder, KeyPurpose.PASS_CODE, at=now)
    sound = await _issue(connection, done.programme_id, booklet_count, folder, at=now)
    tokens, device_sites = [], []
    for (operator, site, mediator), mediator_id in done.mediators.items():
        site_id = done.sites[operator, site]
        _, token = await enrol_device(
            connection, site_id=site_id, mediator_id=mediator_id, label=mediator, actor=ACTOR
        )
        tokens.append(token)
        device_sites.append(site_id)
    # Spread among the others, so that the storm is at some of them whenever their key is revoked. Their short
    # codes are left out: those are not signed by it.
    passes = list(sound)
    for place, one in enumerate(doomed):
        passes.insert(place * len(passes) // len(doomed), Pass(one.pass_id, one.qr))
    return Seeded(
        passes,
        tokens,
        tuple(device_sites),
        kids[KeyPurpose.PASS_CODE],
        frozenset(one.pass_id.booklet for one in doomed),
        frozenset(one.pass_id for one in doomed if one.pass_id.booklet == doomed[-1].pass_id.booklet),
    )


async def new_key(connection: Connection, folder: KeyFolder, purpose: KeyPurpose, *, at: datetime) -> bytes:
    key = folder.create_pair(purpose, at)
    await add_key(connection, kid=key.kid, purpose=key.purpose, raw=key.raw, actor=ACTOR)
    await change_key(connection, key.kid, KeyState.ACTIVE, at=at, actor=ACTOR, reason=None)
    return key.kid


async def _issue(
    connection: Connection, programme_id: int, booklet_count: int, folder: KeyFolder, *, at: datetime
) -> list[Pass]:
    batch = await issue_batch(connection, programme_id, booklet_count, actor=ACTOR)
    await activate_batch(connection, batch.id, at=at, actor=ACTOR, reason="exercice")
    return [
        Pass(PassId(booklet.number, one.number), one.qr, one.short)
        for booklet in batch_codes(batch, folder)
        for one in booklet.passes
    ]


def _instance(today: date) -> Instance:
    programme = ProgrammeText(
        name="Programme d’exercice",
        funder="Métropole d’exercice",
        contact="exercice",
        last_day=today + timedelta(days=365),
        territories=[TERRITORY],
        services=[SERVICE],
        qualified_from=today - timedelta(days=1),
    )
    return Instance(
        programme, [ServiceText(SERVICE, "Premiers pas")], [_operator(n) for n in range(OPERATORS)]
    )


def _operator(number: int) -> OperatorText:
    sites = [
        SiteText(
            f"Lieu {number}-{site}",
            TERRITORY,
            [f"Médiateur {number}-{site}-{mediator}" for mediator in range(MEDIATORS_PER_SITE)],
        )
        for site in range(SITES_PER_OPERATOR)
    ]
    return OperatorText(_made_up_siret(number), f"Structure {number}", [SERVICE], sites)


def _made_up_siret(number: int) -> str:
    siren = f"9990{number:04d}"
    siren += luhn.calc_check_digit(siren)
    body = f"{siren}0001"
    return body + str(luhn.calc_check_digit(body))
