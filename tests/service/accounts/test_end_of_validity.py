"""The end of a programme: blocked, released, stated, signed by both, given back; the audit finds it whole."""

import hashlib
from datetime import UTC, date, timedelta

import asyncpg
import pytest

from keys.keyring import Keyring
from ledger.audit import audit
from ledger.book_rows import circulation_of, funds_of
from ledger.booklets import cancel_booklets
from ledger.books import balance_of
from ledger.calendar_rows import midnight
from ledger.funding import record_bank_line
from ledger.joint_statements import (
    Become,
    Side,
    StatementRefused,
    confirm_refund,
    decide_unused,
    decisions_of,
    draw_statement,
    find_statement,
    refund_lines,
    sign_statement,
    signatures_of,
)
from ledger.matches import open_lines
from ledger.payout_register import programme_funds
from ledger.programmes import add_programme, amend_last_day
from ledger.reserve import read_reserve
from ledger.rows import CancelCause
from ledger.statement_papers import find_papers, statement_csv, statement_pdf
from ledger.validity_ends import (
    StageRefused,
    approve_block,
    booklets_not_handed_out,
    done_stages,
    ending_programmes,
    propose_block,
    record_stage,
    release_all,
)
from payouts.joint_statement import draw_statement as draw_paper
from payouts.statement_freezing import freeze_statement
from programmes.end_of_validity import Validity
from validator.period_clerks import freeze_statements

WHO = {"actor": "tests"}


@pytest.fixture(scope="module")
async def ending(fresh):
    """A drill whose programme is about to end: a booklet that was started, the others in the safe."""
    async with fresh() as drill:
        operator = drill.operators[0]
        await drill.take(operator, 13)
        await drill.close(operator, 2)
        await drill.take(operator, 1)  # and not remitted
        [programme] = await ending_programmes(drill.connection, drill.programme_id)
        yield drill, programme


def day(programme, days):
    return midnight(programme.last_day + timedelta(days=days)).astimezone(UTC) + timedelta(hours=9)


async def test_a_block_is_proposed_by_the_trustee_and_approved_by_the_funder(ending):
    drill, programme = ending
    connection, at = drill.connection, day(programme, -15)
    with pytest.raises(StageRefused, match="no block"):
        await approve_block(connection, programme, at=at, person_id=drill.approver, **WHO)
    safe = await booklets_not_handed_out(connection, programme.id)
    assert len(safe) > 5
    assert await propose_block(connection, programme, at=at, person_id=drill.preparer, **WHO) == len(safe)
    with pytest.raises(StageRefused, match="proposed the block"):
        await approve_block(connection, programme, at=at, person_id=drill.preparer, **WHO)
    # Until then somebody hands two of them out, as their prescriber would.
    await connection.execute("UPDATE booklets SET prescribed_by = 1 WHERE number = ANY($1)", safe[:2])
    blocked = await approve_block(connection, programme, at=at, person_id=drill.approver, **WHO)
    assert blocked == len(safe) - 2
    with pytest.raises(StageRefused, match="already"):
        await approve_block(connection, programme, at=at, person_id=drill.approver, **WHO)
    await record_stage(connection, programme, "acknowledged", at=at, person_id=drill.approver, **WHO)
    states = await connection.fetch("SELECT state FROM booklets WHERE number = ANY($1) ORDER BY 1", safe)
    assert [row[0] for row in states] == ["active"] * 2 + ["cancelled"] * blocked


async def test_nothing_is_stated_before_what_expired_is_released(ending):
    drill, programme = ending
    with pytest.raises(StatementRefused, match="not released"):
        await draw_statement(drill.connection, programme, at=day(programme, 37), **WHO)


async def test_expired_value_goes_back_to_the_funds_once_the_last_offline_scan_can_have_come(ending):
    drill, programme = ending
    connection = drill.connection
    validity = Validity(programme.last_day, programme.grace_days)
    circulating = -await balance_of(connection, circulation_of(programme.id))
    free = -await balance_of(connection, funds_of(programme.id))
    at = validity.released_from.astimezone(UTC)
    before = set(await done_stages(connection, programme))
    released = await release_all(connection, programme, at=at, **WHO)
    assert released == circulating - 1_000  # the pass that was taken and not remitted stays
    assert -await balance_of(connection, funds_of(programme.id)) == free + released
    with pytest.raises(StageRefused, match="already"):
        await release_all(connection, programme, at=at, **WHO)
    with pytest.raises(asyncpg.RestrictViolationError, match="issue new booklets"):
        await amend_last_day(connection, programme.id, date(2099, 1, 1), reason="essai", **WHO)
    assert set(await done_stages(connection, programme)) == before | {"released"}


async def test_both_sides_sign_what_was_on_their_screen_and_two_persons_do(ending):
    drill, programme = ending
    connection, at = drill.connection, day(programme, 38)
    statement = await draw_statement(connection, programme, at=at, **WHO)
    assert await draw_statement(connection, programme, at=at, actor="others") == statement
    facts = statement.facts
    assert facts["consumed_passes"] == 15
    assert (facts["waiting_passes"], facts["waiting_cents"]) == (1, 1_000)
    parts = ("consumed_passes", "waiting_passes", "expired_passes", "cancelled_passes")
    assert facts["activated_passes"] == sum(facts[part] for part in parts)
    [funds] = await programme_funds(connection, programme_id=programme.id)
    assert statement.unused_cents == funds.free_cents
    how = {"seen": statement.facts_sha256, "at": at, **WHO}
    with pytest.raises(StatementRefused, match="not signed"):
        await decide_unused(
            connection,
            statement,
            Become.REFUND,
            1_000,
            reason="essai",
            person_id=drill.approver,
            at=at,
            **WHO,
        )
    await sign_statement(connection, statement, Side.TRUSTEE, person_id=drill.preparer, **how)
    with pytest.raises(StatementRefused, match="same person"):
        await sign_statement(connection, statement, Side.FUNDER, person_id=drill.preparer, **how)
    with pytest.raises(StatementRefused, match="on the screen"):
        await sign_statement(
            connection, statement, Side.FUNDER, person_id=drill.approver, **(how | {"seen": bytes(32)})
        )
    await sign_statement(connection, statement, Side.FUNDER, person_id=drill.approver, **how)
    assert set(await signatures_of(connection, statement)) == set(Side)


async def test_papers_that_nobody_froze_are_frozen_by_the_clerk_once_and_stay_the_same(ending, tamper):
    drill, programme = ending
    connection = drill.connection
    statement = await find_statement(connection, programme)
    assert await freeze_statements(connection, day(programme, 39)) == 1
    assert await freeze_statements(connection, day(programme, 41)) == 0
    papers = await find_papers(connection, statement)
    kept = await statement_pdf(connection, statement), await statement_csv(connection, statement)
    assert [hashlib.sha256(one).digest() for one in kept] == [papers.pdf_sha256, papers.csv_sha256]
    at = day(programme, 50)
    assert await freeze_statement(connection, statement, at=at, **WHO) == papers
    drawn = draw_paper(statement, await signatures_of(connection, statement), kept[1], at=papers.frozen_at)
    assert drawn == kept[0]
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("UPDATE joint_statement_papers SET frozen_by = 'other'")
    await tamper(drill, "UPDATE joint_statements SET facts_sha256 = sha256('autre')")
    found = await audit(connection, keyring=Keyring.from_keys([]), opened_keys=None)
    assert "papers_of_statements_are_whole" in {one.check for one in found.disagreements}
    hexed = statement.facts_sha256.hex()
    await tamper(drill, f"UPDATE joint_statements SET facts_sha256 = '\\x{hexed}'")


async def test_unused_value_is_refunded_swapped_or_issued_again_and_never_more_than_there_is(ending):
    drill, programme = ending
    connection, at = drill.connection, day(programme, 40)
    statement = await draw_statement(connection, programme, at=at, **WHO)
    other = await add_programme(
        connection, name="Suite", funder=programme.funder, contact="", face_value_cents=1_000,
        booklet_size=10, last_day=date(2095, 1, 31), territory_ids=[], service_ids=[1], **WHO,
    )  # fmt: skip
    stranger = await add_programme(
        connection, name="Ailleurs", funder="Un autre", contact="", face_value_cents=1_000,
        booklet_size=10, last_day=date(2095, 1, 31), territory_ids=[], service_ids=[1], **WHO,
    )  # fmt: skip
    how = {"reason": "essai", "person_id": drill.approver, "at": at, **WHO}
    before = statement.unused_cents
    with pytest.raises(StatementRefused, match="same funder"):
        await decide_unused(connection, statement, Become.SWAP, 5_000, to_programme=stranger, **how)
    with pytest.raises(StatementRefused, match="no whole booklets"):
        await decide_unused(connection, statement, Become.REISSUE, 15_000, to_programme=other, **how)
    await decide_unused(connection, statement, Become.SWAP, 5_000, to_programme=other, **how)
    await decide_unused(connection, statement, Become.REISSUE, 20_000, to_programme=other, **how)
    rest = before - 25_000
    asked = [
        decide_unused(connection, statement, Become.REFUND, rest + 1, **how),
        decide_unused(connection, statement, Become.REFUND, rest, **how),
    ]
    with pytest.raises(StatementRefused, match="exceed"):
        await asked[0]
    refund = await asked[1]
    assert -await balance_of(connection, funds_of(other)) == 25_000
    decisions = await decisions_of(connection, statement)
    assert [one.is_done for one in decisions] == [True, True, False]
    assert decisions[1].batch_id is not None
    # The bank tells of the transfer to the funder; until then the money stands in the programme's funds.
    line = await record_bank_line(
        connection, reference="RBT-1", booked_on=date(2091, 1, 5), amount_cents=-rest,
        label="Restitution", at=at, **WHO,
    )  # fmt: skip
    assert [row["id"] for row in await refund_lines(connection, rest)] == [line.id]
    await confirm_refund(connection, refund, line.id, at=at, **WHO)
    with pytest.raises(StatementRefused):
        await confirm_refund(connection, refund, line.id, at=at, **WHO)
    assert line.id not in {one.id for one in await open_lines(connection)}
    assert await balance_of(connection, funds_of(programme.id)) == 0


async def test_the_books_the_reserve_and_the_audit_agree_after_the_end(ending):
    drill, programme = ending
    reserve = await read_reserve(drill.connection, now=day(programme, 60))
    assert all(one.is_covered for one in reserve.programmes)
    [own] = [one for one in reserve.programmes if one.funds.id == programme.id]
    assert (own.live_passes, own.live_cents, own.waiting_cents) == (0, 0, 1_000)
    found = await audit(drill.connection, keyring=Keyring.from_keys([]), opened_keys=None)
    assert found.is_clean, found.disagreements


async def test_what_was_lost_between_proposal_and_approval_stays_lost(fresh):
    async with fresh() as drill:
        [programme] = await ending_programmes(drill.connection, drill.programme_id)
        at = day(programme, -15)
        await propose_block(drill.connection, programme, at=at, person_id=drill.preparer, **WHO)
        [one, *_] = await booklets_not_handed_out(drill.connection, programme.id)
        await cancel_booklets(drill.connection, [one], cause=CancelCause.LOST, at=at, reason="essai", **WHO)
        await approve_block(drill.connection, programme, at=at, person_id=drill.approver, **WHO)
        cause = await drill.connection.fetchval("SELECT cancel_cause FROM booklets WHERE number = $1", one)
        assert cause == "lost"
