"""Why a pass is refused, and which reason is told when several hold, decided from small facts."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from keys.keyring import Keyring
from keys.passes import PRACTICE_FIRST, CodeFault, PassId, SignedPass
from ledger.rows import (
    Booklet,
    BookletState,
    Device,
    Facts,
    Programme,
    Qualification,
    Service,
    Site,
)
from validator.scan import Attempt, refuse_at
from validator.snapshot import Snapshot, build_snapshot
from validator.verdict import (
    OFFLINE_AGE_MAX,
    PARIS,
    Refusal,
    ScanTime,
    refuse_early,
)

NOON = datetime(2026, 6, 15, 10, 0, tzinfo=UTC)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
PASS = PassId(7, 3)
ATTEMPT = UUID("01890000-0000-7000-8000-000000000001")

# design.md, section 4: fixed, and in this order.
ORDER = [
    "unreadable",
    "unknown_format",
    "unknown_key",
    "forged",
    "revoked_key",
    "unknown_pass",
    "not_active",
    "expired",
    "cancelled",
    "operator_not_qualified",
    "service_not_covered",
    "territory_not_covered",
    "own_prescription",
    "already_accepted",
    "too_late",
]


def end_of(day: date) -> datetime:
    """The instant from which a pass that is good to that day is refused."""
    following = day + timedelta(days=1)
    return datetime(following.year, following.month, following.day, tzinfo=PARIS).astimezone(UTC)


def a_code(**changed) -> SignedPass:
    return SignedPass(
        **({"pass_id": PASS, "printed_expires_at": 1, "carrier": "qr", "key_revoked": False} | changed)
    )


def a_booklet(**changed) -> Booklet:
    booklet = Booklet(
        number=7,
        programme_id=1,
        state=BookletState.ACTIVE,
        pass_count=10,
        activated_at=NOON - 30 * DAY,
        cancelled_at=None,
        prescribed_by=None,
    )
    return booklet._replace(**changed)


def a_cancelled_booklet(at: datetime, **changed) -> Booklet:
    return a_booklet(state=BookletState.CANCELLED, cancelled_at=at, **changed)


def a_device(**changed) -> Device:
    return replace(Device(5, 2, 3, 4, "essai", NOON - 90 * DAY, None), **changed)


def a_programme(**changed) -> Programme:
    programme = Programme(
        id=1,
        name="Pass",
        funder="Métropole",
        contact="",
        face_value_cents=1_000,
        booklet_size=10,
        last_day=date(2026, 12, 31),
        expires_at=end_of(date(2026, 12, 31)),
        territory_ids=frozenset({6}),
        service_ids=frozenset({1, 2}),
        payment_delay_days=30,
    )
    return replace(programme, **changed)


def a_qualification(**changed) -> Qualification:
    return replace(Qualification(2, 1, date(2026, 1, 1), None, frozenset({1})), **changed)


def a_site(**changed) -> Site:
    return replace(Site(3, 2, 6, "Médiathèque"), **changed)


def some_facts(
    *,
    booklet: Booklet | None = None,
    programme: Programme | None = None,
    qualifications: tuple[Qualification, ...] | None = None,
    site: Site | None = None,
) -> Snapshot:
    services = [Service(1, "premiers-pas", ""), Service(2, "demarches", ""), Service(3, "emploi", "")]
    facts = Facts(
        keys={},
        operators={},
        sites={3: site or a_site()},
        devices={},
        services={service.code: service for service in services},
        programmes={1: programme or a_programme()},
        batches=(),
        amendments=(),
        qualifications=(a_qualification(),) if qualifications is None else qualifications,
        persons={},
        guard_generation=1,
        booklets_changed=[booklet or a_booklet()],
        watermark="0",
    )
    snapshot = build_snapshot(facts, {})
    assert isinstance(snapshot.keyring, Keyring)
    return snapshot


def refused(
    at: datetime = NOON, *, code=None, device=None, service="premiers-pas", **facts
) -> Refusal | None:
    return refuse_early(code or a_code(), device or a_device(), service, some_facts(**facts), at)


def test_the_refusals_are_those_of_the_design_in_its_order():
    assert [refusal.value for refusal in Refusal] == ORDER


def test_what_opening_a_code_can_tell_is_a_refusal_of_the_same_name():
    assert [Refusal(fault.value) for fault in CodeFault] == list(Refusal)[: len(CodeFault)]


def test_nothing_speaks_against_a_good_pass():
    assert refused() is None


def test_a_practice_number_is_never_issued_whatever_the_record_says():
    practice = {"pass_id": PassId(PRACTICE_FIRST, 1)}
    for carrier in ("qr", "short"):
        code = a_code(**practice, carrier=carrier)
        assert refused(code=code, booklet=a_booklet(number=PRACTICE_FIRST)) is Refusal.UNKNOWN_PASS
    last_real = a_code(pass_id=PassId(PRACTICE_FIRST - 1, 1))
    assert refused(code=last_real, booklet=a_booklet(number=PRACTICE_FIRST - 1)) is None


def test_a_service_need_not_be_said():
    assert refused(service=None) is None
    assert refused(service="") is None


@pytest.mark.parametrize(
    ("case", "refusal"),
    [
        ({"code": a_code(key_revoked=True)}, Refusal.REVOKED_KEY),
        ({"code": a_code(pass_id=PassId(8, 3))}, Refusal.UNKNOWN_PASS),
        ({"code": a_code(pass_id=PassId(7, 11))}, Refusal.UNKNOWN_PASS),
        ({"booklet": a_booklet(state=BookletState.ISSUED, activated_at=None)}, Refusal.NOT_ACTIVE),
        ({"booklet": a_booklet(activated_at=NOON + SECOND)}, Refusal.NOT_ACTIVE),
        ({"programme": a_programme(expires_at=NOON)}, Refusal.EXPIRED),
        ({"booklet": a_cancelled_booklet(NOON)}, Refusal.CANCELLED),
        ({"booklet": a_cancelled_booklet(NOON - DAY)}, Refusal.CANCELLED),
        ({"qualifications": ()}, Refusal.OPERATOR_NOT_QUALIFIED),
        ({"qualifications": (a_qualification(operator_id=9),)}, Refusal.OPERATOR_NOT_QUALIFIED),
        ({"qualifications": (a_qualification(programme_id=9),)}, Refusal.OPERATOR_NOT_QUALIFIED),
        ({"qualifications": (a_qualification(starts_on=date(2026, 6, 16)),)}, Refusal.OPERATOR_NOT_QUALIFIED),
        ({"qualifications": (a_qualification(ends_on=date(2026, 6, 14)),)}, Refusal.OPERATOR_NOT_QUALIFIED),
        ({"service": "demarches"}, Refusal.SERVICE_NOT_COVERED),  # covered, but not rendered by this operator
        ({"service": "inconnu"}, Refusal.SERVICE_NOT_COVERED),
        ({"service": "emploi", "qualifications": (a_qualification(service_ids=frozenset({3})),)},
         Refusal.SERVICE_NOT_COVERED),  # rendered by this operator, but not covered
        ({"site": a_site(territory_id=8)}, Refusal.TERRITORY_NOT_COVERED),
        ({"booklet": a_booklet(prescribed_by=4)}, Refusal.OWN_PRESCRIPTION),
    ],
)  # fmt: skip
def test_one_thing_wrong_is_told(case, refusal):
    assert refused(**case) is refusal


@pytest.mark.parametrize(
    "case",
    [
        {"booklet": a_booklet(activated_at=NOON)},
        {"booklet": a_cancelled_booklet(NOON + SECOND)},
        {"programme": a_programme(expires_at=NOON + SECOND)},
        {"qualifications": (a_qualification(starts_on=date(2026, 6, 15), ends_on=date(2026, 6, 15)),)},
        {"booklet": a_booklet(prescribed_by=99)},
        {"code": a_code(pass_id=PassId(7, 10))},
        {"code": a_code(carrier="short", printed_expires_at=None)},
        {"code": a_code(printed_expires_at=1)},  # printed long past: the record decides
    ],
)
def test_the_last_moment_on_the_good_side_is_good(case):
    assert refused(**case) is None


def test_two_qualifications_cover_what_either_covers():
    both = (a_qualification(), a_qualification(service_ids=frozenset({2})))
    assert refused(service="demarches", qualifications=both) is None
    assert refused(service="premiers-pas", qualifications=both) is None


def test_a_booklet_cancelled_before_it_was_activated_is_told_by_the_first_reason():
    assert refused(booklet=a_cancelled_booklet(NOON - DAY, activated_at=None)) is Refusal.NOT_ACTIVE
    assert refused(booklet=a_cancelled_booklet(NOON + DAY, activated_at=None)) is Refusal.NOT_ACTIVE


# Each change makes one reason hold, and leaves the others as they are.
REASONS = {
    Refusal.REVOKED_KEY: lambda facts: facts | {"code": structs.replace(facts["code"], key_revoked=True)},
    Refusal.UNKNOWN_PASS: lambda facts: (
        facts | {"code": structs.replace(facts["code"], pass_id=PassId(7, 11))}
    ),
    Refusal.NOT_ACTIVE: lambda facts: facts | {"booklet": facts["booklet"]._replace(activated_at=NOON + DAY)},
    Refusal.EXPIRED: lambda facts: facts | {"programme": a_programme(expires_at=NOON)},
    Refusal.CANCELLED: lambda facts: (
        facts | {"booklet": facts["booklet"]._replace(state=BookletState.CANCELLED, cancelled_at=NOON - DAY)}
    ),
    Refusal.OPERATOR_NOT_QUALIFIED: lambda facts: facts | {"qualifications": ()},
    Refusal.SERVICE_NOT_COVERED: lambda facts: facts | {"service": "inconnu"},
    Refusal.TERRITORY_NOT_COVERED: lambda facts: facts | {"site": a_site(territory_id=8)},
    Refusal.OWN_PRESCRIPTION: lambda facts: facts | {"booklet": facts["booklet"]._replace(prescribed_by=4)},
}


def when_hold(reasons) -> Refusal | None:
    facts = {"code": a_code(), "booklet": a_booklet()}
    for reason in reasons:
        facts = REASONS[reason](facts)
    return refused(**facts)


def _rank(refusal: Refusal) -> int:
    return ORDER.index(refusal.value)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pair
        for pair in combinations(sorted(REASONS, key=_rank), 2)
        if pair != (Refusal.NOT_ACTIVE, Refusal.CANCELLED)  # has its own test above
    ],
    ids=lambda refusal: refusal.value,
)
def test_of_two_reasons_the_first_in_order_is_told(first, second):
    assert when_hold([first, second]) is first
    assert when_hold([second, first]) is first


@given(st.lists(st.sampled_from(list(REASONS)), unique=True).filter(
    lambda reasons: not {Refusal.NOT_ACTIVE, Refusal.CANCELLED} <= set(reasons)))  # fmt: skip
def test_of_any_reasons_in_any_order_the_first_of_the_design_is_told(reasons):
    assert when_hold(reasons) is min(reasons, key=_rank, default=None)


# Legal days are those of Paris ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("last_day", "last_second", "why"),
    [
        (date(2026, 1, 31), "2026-01-31T22:59:59Z", "winter: midnight is 23:00 UTC"),
        (date(2026, 6, 30), "2026-06-30T21:59:59Z", "summer: midnight is 22:00 UTC"),
        (date(2026, 3, 28), "2026-03-28T22:59:59Z", "the eve of the change to summer time"),
        (date(2026, 3, 29), "2026-03-29T21:59:59Z", "the day of 23 hours"),
        (date(2026, 10, 24), "2026-10-24T21:59:59Z", "the eve of the change to winter time"),
        (date(2026, 10, 25), "2026-10-25T22:59:59Z", "the day of 25 hours"),
        (date(2026, 12, 31), "2026-12-31T22:59:59Z", "the end of the year"),
        (date(2028, 2, 29), "2028-02-29T22:59:59Z", "a leap day"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_pass_is_good_to_the_last_second_of_its_last_day_in_paris(last_day, last_second, why):
    at = datetime.fromisoformat(last_second)
    facts = {
        "booklet": a_booklet(activated_at=datetime(2025, 1, 1, tzinfo=UTC)),
        "programme": a_programme(last_day=last_day, expires_at=end_of(last_day)),
    }
    assert refused(at, **facts) is None, why
    assert refused(at + timedelta(microseconds=999_999), **facts) is None, why
    assert refused(at + SECOND, **facts) is Refusal.EXPIRED, why


@pytest.mark.parametrize(
    ("day", "from_utc", "to_utc"),
    [
        (date(2026, 1, 15), "2026-01-14T23:00:00Z", "2026-01-15T23:00:00Z"),
        (date(2026, 3, 29), "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
        (date(2026, 7, 1), "2026-06-30T22:00:00Z", "2026-07-01T22:00:00Z"),
        (date(2026, 10, 25), "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
    ],
    ids=str,
)
def test_a_qualification_of_one_day_lasts_that_day_in_paris(day, from_utc, to_utc):
    facts = {
        "booklet": a_booklet(activated_at=datetime(2025, 1, 1, tzinfo=UTC)),
        "qualifications": (a_qualification(starts_on=day, ends_on=day),),
    }
    first, after = datetime.fromisoformat(from_utc), datetime.fromisoformat(to_utc)
    not_yet = refused(first - SECOND, **facts)
    assert not_yet is Refusal.OPERATOR_NOT_QUALIFIED
    assert refused(first, **facts) is None
    assert refused(after - SECOND, **facts) is None
    assert refused(after, **facts) is Refusal.OPERATOR_NOT_QUALIFIED


# Scans that come late: judged by their own time where it is known ---------------------------------------


def late(at: datetime, *, is_clock_known: bool = True, **facts) -> Refusal | None:
    time = ScanTime(at, at, NOON - at > OFFLINE_AGE_MAX, is_clock_known)
    attempt = Attempt(ATTEMPT, "", "premiers-pas", time)
    return refuse_at(a_code(), attempt, a_device(), some_facts(**facts), NOON)


SINCE = {
    "expired since": {"programme": a_programme(expires_at=NOON - timedelta(hours=1))},
    "cancelled since": {"booklet": a_cancelled_booklet(NOON - timedelta(hours=1))},
    "disqualified since": {"qualifications": (a_qualification(ends_on=date(2026, 6, 14)),)},
}


@pytest.mark.parametrize("facts", SINCE.values(), ids=SINCE)
def test_a_late_scan_is_judged_by_its_own_time(facts):
    assert late(NOON - DAY, **facts) is None
    assert late(NOON, **facts) is not None


def test_a_late_scan_of_a_booklet_activated_since_was_too_early():
    facts = {"booklet": a_booklet(activated_at=NOON - timedelta(hours=1))}
    assert late(NOON - DAY, **facts) is Refusal.NOT_ACTIVE
    assert late(NOON, **facts) is None


@pytest.mark.parametrize("facts", SINCE.values(), ids=SINCE)
def test_when_only_an_unknown_clock_speaks_for_it_the_scan_is_too_late(facts):
    assert late(NOON - DAY, is_clock_known=False, **facts) is Refusal.TOO_LATE


def test_an_unknown_clock_can_neither_save_nor_spoil_a_pass_that_is_good_now():
    just_activated = {"booklet": a_booklet(activated_at=NOON - timedelta(hours=1))}
    assert late(NOON - DAY, is_clock_known=False, **just_activated) is None
    never_good = {"booklet": a_cancelled_booklet(NOON - 30 * DAY, activated_at=NOON - 31 * DAY)}
    assert late(NOON - DAY, is_clock_known=False, **never_good) is Refusal.CANCELLED


@pytest.mark.parametrize("is_clock_known", [True, False])
def test_a_scan_over_72_hours_old_is_too_late_however_good_the_pass(is_clock_known):
    assert late(NOON - 4 * DAY, is_clock_known=is_clock_known) is Refusal.TOO_LATE


def test_any_other_reason_is_told_before_too_late():
    assert late(NOON - 4 * DAY, booklet=a_booklet(prescribed_by=4)) is Refusal.OWN_PRESCRIPTION
