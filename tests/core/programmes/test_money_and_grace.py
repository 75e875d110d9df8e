"""No pass is acceptable before its money nor after its grace, by any carrier, at any second of a year:
hypothesis is sent to midnight in Paris and to both changes of the clocks."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from keys.passes import PassId, SignedPass
from ledger.calendar_rows import midnight
from ledger.remittance_rows import PARIS
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
from ledger.rule_rows import Figures
from validator.scan import Attempt, refuse_at
from validator.snapshot import build_snapshot
from validator.verdict import OFFLINE_AGE_MAX, Refusal, scan_time

SECOND = timedelta(seconds=1)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
ATTEMPT = UUID("01890000-0000-7000-8000-000000000001")
DEVICE = Device(5, 2, 3, 4, "essai", LONG_AGO, None)
# The last Sundays of March and October, the last day of a year, and any other.
TURNS = [date(2027, 3, 28), date(2027, 10, 31), date(2026, 12, 31), date(2028, 2, 29)]
LAST_DAYS = st.one_of(
    st.sampled_from(TURNS).flatmap(lambda day: st.integers(-1, 1).map(lambda n: day + timedelta(days=n))),
    st.dates(date(2026, 1, 1), date(2030, 12, 31)),
)
GRACES = st.one_of(st.just(0), st.just(31), st.integers(0, 365))
CARRIERS = st.sampled_from(["qr", "short"])  # Code 128 holds the short code
# From the edges that are looked at: to the microsecond, or by hours.
STEPS = st.one_of(
    st.sampled_from([-SECOND, timedelta(microseconds=-1), timedelta(), SECOND]),
    st.integers(-30, 30).map(lambda hours: timedelta(hours=hours)),
)
AGES = st.one_of(st.none(), st.integers(0, 80 * 3600).map(lambda seconds: timedelta(seconds=seconds)))


def a_snapshot(*, expires_at, activated_at):
    programme = Programme(
        id=1, name="Pass", funder="Métropole", contact="", face_value_cents=1_000, booklet_size=10,
        last_day=date(2026, 12, 31), expires_at=expires_at, territory_ids=frozenset({6}),
        service_ids=frozenset({1}), payment_delay_days=30,
    )  # fmt: skip
    state = BookletState.ACTIVE if activated_at else BookletState.ISSUED
    booklet = Booklet(7, 1, state, 10, activated_at, None, None)
    facts = Facts(
        keys={}, operators={}, sites={3: Site(3, 2, 6, "Médiathèque")}, devices={},
        services={"demarches": Service(1, "demarches", "")}, programmes={1: programme}, batches=(),
        amendments=(), qualifications=(Qualification(2, 1, LONG_AGO.date(), None, frozenset({1})),),
        persons={}, guard_generation=1, booklets_changed=[booklet], watermark="0",
    )  # fmt: skip
    return build_snapshot(facts, {})


def refused(snapshot, carrier, *, now, age, is_clock_told):
    """As the service judges it: online, or brought later by a phone that says its own time, or none."""
    scanned_at = None if age is None else now - age
    time = scan_time(scanned_at=scanned_at, sent_at=now if is_clock_told else None, now=now)
    code = SignedPass(pass_id=PassId(7, 3), printed_expires_at=1, carrier=carrier, key_revoked=False)
    told = refuse_at(code, Attempt(ATTEMPT, "", "demarches", time), DEVICE, snapshot, now)
    return told, time.at if time.is_clock_known else now


@settings(max_examples=200)
@given(LAST_DAYS, GRACES, STEPS, CARRIERS, AGES, st.booleans())
def test_from_the_midnight_after_its_grace_a_pass_is_refused_and_not_a_microsecond_before(
    last_day_of_use, grace_days, step, carrier, age, is_clock_told
):
    ends = midnight(Figures(last_day_of_use, grace_days=grace_days).last_day + timedelta(days=1)).astimezone(
        UTC
    )
    assert ends.astimezone(PARIS).time().isoformat() == "00:00:00"
    snapshot = a_snapshot(expires_at=ends, activated_at=LONG_AGO)
    now = ends + step + (age or timedelta())  # so that it is scanned at the edge, whenever it comes
    told, judged_at = refused(snapshot, carrier, now=now, age=age, is_clock_told=is_clock_told)
    if judged_at >= ends:
        assert told in {Refusal.EXPIRED, Refusal.TOO_LATE}
    else:
        is_late = age is not None and age > OFFLINE_AGE_MAX
        assert told is (Refusal.TOO_LATE if is_late and is_clock_told else None)


@settings(max_examples=200)
@given(LAST_DAYS, STEPS, CARRIERS, AGES, st.booleans())
def test_before_its_money_a_pass_is_not_active_however_late_a_phone_brings_it(
    day, step, carrier, age, is_clock_told
):
    paid_at = midnight(day).astimezone(UTC)
    snapshot = a_snapshot(expires_at=datetime(2040, 1, 1, tzinfo=UTC), activated_at=paid_at)
    now = paid_at + step + (age or timedelta())
    told, judged_at = refused(snapshot, carrier, now=now, age=age, is_clock_told=is_clock_told)
    if judged_at < paid_at:
        assert told in {Refusal.NOT_ACTIVE, Refusal.TOO_LATE}
    else:
        assert told in {None, Refusal.TOO_LATE}
    never = a_snapshot(expires_at=datetime(2040, 1, 1, tzinfo=UTC), activated_at=None)
    told, _ = refused(never, carrier, now=now, age=age, is_clock_told=is_clock_told)
    assert told is Refusal.NOT_ACTIVE
