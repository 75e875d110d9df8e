"""Who and where in a return: the territory of the delivery, the publics of the hand-out, once per pass."""

from datetime import UTC, date, timedelta

from ledger.follow_up import follow_up
from ledger.month_figures import month_figures, month_of
from payouts.month_freezing import freeze_month
from programmes.returns import UNKNOWN, passes_by_territory, return_facts, tables_of
from programmes.suppression import by_name

MONTH = month_of(date(2091, 5, 1))
# By a hand that writes rows as deliveries and hand-outs leave them.
DELIVER = """
INSERT INTO deliveries (id, grant_id, programme_id, territory_id, booklet_count, passes, dispatched_at,
                        dispatched_by)
OVERRIDING SYSTEM VALUE VALUES ({territory}, 1, {programme}, {territory}, 1, 10, now(), 'tests')"""
PUT = "INSERT INTO delivered_booklets (booklet, delivery_id) VALUES ({booklet}, {territory})"
HAND_OUT = """
INSERT INTO handouts (request_id, booklet, first_pass, last_pass, prescriber_id, person_id, handed_at,
                      questionnaire_id, answers, publics)
VALUES (gen_random_uuid(), {booklet}, {first}, {last}, 1, 1, now(), 1, '{{}}', '{publics}')"""


async def test_passes_count_in_the_territory_and_for_the_publics_of_their_booklet(fresh, tamper):
    async with fresh() as drill:
        booklets = sorted({one.booklet for one in drill.passes})
        programme = drill.programme_id
        statements = [DELIVER.format(territory=place, programme=programme) for place in (1, 2)]
        # Twelve booklets in one territory, of which six are for both publics and the last is shared by two
        # people; two in the other; and what was delivered nowhere.
        for place, booklet in enumerate(booklets[:14]):
            statements.append(PUT.format(booklet=booklet, territory=1 if place < 12 else 2))
        for place, booklet in enumerate(booklets[:11]):
            publics = "{qpv,pic}" if place < 6 else "{pic}"
            statements.append(HAND_OUT.format(booklet=booklet, first=1, last=10, publics=publics))
        statements.append(HAND_OUT.format(booklet=booklets[11], first=1, last=4, publics="{pic}"))
        statements.append(HAND_OUT.format(booklet=booklets[11], first=5, last=10, publics="{}"))
        await tamper(drill, *statements)
        drill.now = MONTH.since.astimezone(UTC) + timedelta(days=3)
        operator = drill.operators[0]
        drill.passes.sort()
        await drill.take(operator, 160)
        await drill.close(operator, 0)
        figures = await month_figures(drill.connection, programme, MONTH, told_before=None)
        facts = return_facts(figures)
        assert passes_by_territory([facts])[UNKNOWN] == 20 + figures.consumed_passes - 160
        names = [name for name in passes_by_territory([facts]) if name != UNKNOWN]
        counts = sorted(passes_by_territory([facts])[name] for name in names)
        assert counts == [20, 120]
        [large] = [name for name in names if passes_by_territory([facts])[name] == 120]
        publics = {
            one.name: (one.passes, one.booklets)
            for one in figures.slices
            if one.dimension == "public" and one.territory == large
        }
        assert publics == {"pic + qpv": (60, 6), "pic": (54, 6), "autre": (6, 1)}
        # One person behind `autre`: withheld, and another with it.
        told = by_name(tables_of([facts], territory=large)["public"])
        assert told["autre"] is None
        assert sum(count is None for count in told.values()) == 2
        at = MONTH.until + timedelta(hours=1)
        frozen = await freeze_month(drill.connection, programme, MONTH, at=at, actor="tests")
        assert frozen.facts == facts
        dashboard = await follow_up(drill.connection, programme, now=drill.now, weeks=4)
        assert sorted(one.consumed_passes for one in dashboard.territories) == [20, 120]
        assert sum(one.weeks[-1] for one in dashboard.territories) == 140
        assert dashboard.whole.weeks[-1] == 160
        assert dashboard.handed_out() == (13, 120)
