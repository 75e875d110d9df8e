"""The questions of the audit about money: the books against themselves, then against what they tell of.

Each query gives a row (subject, detail) per disagreement, none when all agrees, and says which cents differ.
"""

ACCOUNT = "concat_ws(':', a.kind, a.programme_id, a.operator_id)"


def _apart(told: str, found: str) -> str:
    return f"format('told %s c, derived %s c: %s c apart', {told}, {found}, {told} - {found})"


# Per programme: what its booklets still hold in circulation, from the records alone.
CIRCULATING = """
SELECT engaged.programme_id, engaged.cents AS engaged_cents, engaged.cents - coalesce(
           (SELECT sum(p.total_cents) FROM remittance_parts p
            WHERE p.programme_id = engaged.programme_id), 0) AS cents
FROM (SELECT t.programme_id,
             sum(b.face_value_cents::bigint
                 * CASE WHEN b.released_at IS NULL THEN b.pass_count
                        ELSE coalesce(live.count, 0) END) AS cents
      FROM booklets b JOIN batches t ON t.id = b.batch_id
      LEFT JOIN (SELECT booklet, count(*) FROM acceptances WHERE undone_at IS NULL GROUP BY booklet) AS live
        ON live.booklet = b.number
      WHERE b.activated_at IS NOT NULL GROUP BY t.programme_id) AS engaged"""
# What was decided and has reached the books: netted, or taken from a disputed line.
CORRECTED = """
SELECT operator_id, programme_id, sum(amount_cents) AS cents FROM corrections
WHERE remittance_number IS NOT NULL OR is_of_dispute GROUP BY operator_id, programme_id"""
POSTED = """
SELECT a.kind, a.programme_id, a.operator_id, e.kind AS entry_kind, sum(p.amount_cents) AS cents
FROM book_postings p JOIN book_entries e ON e.number = p.entry JOIN book_accounts a ON a.id = p.account_id
GROUP BY a.kind, a.programme_id, a.operator_id, e.kind"""

BOOK_CHECKS: dict[str, str] = {
    "entries_sum_to_zero": """
        SELECT format('entry %s', e.number), format('%s postings that sum to %s c', count(p.entry),
                                                    coalesce(sum(p.amount_cents), 0))
        FROM book_entries e LEFT JOIN book_postings p ON p.entry = e.number
        GROUP BY e.number HAVING count(p.entry) < 2 OR coalesce(sum(p.amount_cents), 0) <> 0""",
    "entries_have_no_gap": """
        SELECT 'entries', format('%s, numbered to %s, the next is told to be %s',
                                 e.count, e.last, c.next_entry)
        FROM (SELECT count(*), coalesce(max(number), 0) AS last FROM book_entries) AS e, book_counter c
        WHERE (e.count, e.last + 1) <> (e.last, c.next_entry)""",
    "balances_are_their_postings": f"""
        SELECT {ACCOUNT}, {_apart("coalesce(b.balance_cents, 0)", "coalesce(p.cents, 0)")}
        FROM book_accounts a LEFT JOIN book_balances b ON b.account_id = a.id
        LEFT JOIN (SELECT account_id, sum(amount_cents) AS cents FROM book_postings GROUP BY account_id) AS p
          ON p.account_id = a.id
        WHERE b.account_id IS NULL OR b.balance_cents <> coalesce(p.cents, 0)""",
    "bank_covers_what_it_holds": f"""
        SELECT 'bank', {_apart("told.bank", "told.held")}
        FROM (SELECT coalesce(sum(p.amount_cents) FILTER (WHERE a.kind = 'bank'), 0) AS bank,
                     -coalesce(sum(p.amount_cents) FILTER (WHERE a.kind <> 'bank'), 0) AS held
              FROM book_postings p JOIN book_accounts a ON a.id = p.account_id) AS told
        WHERE told.bank <> told.held
        UNION ALL
        SELECT 'bank', format('%s c: less than nothing', sum(p.amount_cents))
        FROM book_postings p JOIN book_accounts a ON a.id = p.account_id WHERE a.kind = 'bank'
        HAVING sum(p.amount_cents) < 0""",
    "bank_lines_are_booked": f"""
        SELECT format('bank line %s', l.reference), {_apart("l.amount_cents", "coalesce(p.cents, 0)")}
        FROM bank_lines l LEFT JOIN (
            SELECT p.entry, sum(p.amount_cents) AS cents FROM book_postings p
            JOIN book_accounts a ON a.id = p.account_id JOIN book_entries e ON e.number = p.entry
            WHERE a.kind = 'bank' AND e.kind = 'bank_line' GROUP BY p.entry) AS p ON p.entry = l.entry
        WHERE l.amount_cents <> coalesce(p.cents, 0)
        UNION ALL
        SELECT format('entry %s', e.number), 'a bank line in the books, and nowhere else'
        FROM book_entries e LEFT JOIN bank_lines l ON l.entry = e.number
        WHERE e.kind = 'bank_line' AND l.id IS NULL""",
    "fundings_are_booked": f"""
        SELECT format('bank line %s', l.reference), {_apart("l.amount_cents", "coalesce(-p.cents, 0)")}
        FROM fundings f JOIN bank_lines l ON l.id = f.bank_line_id LEFT JOIN (
            SELECT p.entry, a.programme_id, sum(p.amount_cents) AS cents FROM book_postings p
            JOIN book_accounts a ON a.id = p.account_id WHERE a.kind = 'funds'
            GROUP BY p.entry, a.programme_id
        ) AS p ON (p.entry, p.programme_id) = (f.entry, f.programme_id)
        WHERE l.amount_cents <> coalesce(-p.cents, 0)
        UNION ALL
        SELECT format('entry %s', e.number), 'a funding in the books that nobody confirmed'
        FROM book_entries e LEFT JOIN fundings f ON f.entry = e.number
        WHERE e.kind = 'funding' AND f.entry IS NULL""",
    "circulation_is_what_passes_are_worth": f"""
        SELECT format('programme %s', programme_id), {_apart("coalesce(b.cents, 0)", "coalesce(c.cents, 0)")}
        FROM (SELECT a.programme_id, -b.balance_cents AS cents
              FROM book_accounts a JOIN book_balances b ON b.account_id = a.id
              WHERE a.kind = 'circulation') AS b
        FULL JOIN ({CIRCULATING}) AS c USING (programme_id)
        WHERE coalesce(b.cents, 0) <> coalesce(c.cents, 0)""",
    "operators_are_owed_what_they_remitted": f"""
        WITH posted AS ({POSTED})
        SELECT format('programme %s operator %s', programme_id, operator_id),
               {_apart("coalesce(p.cents, 0)", "(coalesce(r.cents, 0) + coalesce(c.cents, 0))")}
        FROM (SELECT programme_id, operator_id, -sum(cents) AS cents FROM posted
              WHERE kind = 'operator' AND entry_kind IN ('opening', 'remittance', 'correction')
              GROUP BY 1, 2) AS p
        FULL JOIN (SELECT programme_id, operator_id, sum(total_cents) AS cents
                   FROM remittance_parts GROUP BY 1, 2) AS r USING (programme_id, operator_id)
        FULL JOIN ({CORRECTED}) AS c USING (programme_id, operator_id)
        WHERE coalesce(p.cents, 0) <> coalesce(r.cents, 0) + coalesce(c.cents, 0)""",
    "funds_are_what_came_and_is_not_engaged": f"""
        WITH posted AS ({POSTED}),
             received AS (SELECT f.programme_id, sum(l.amount_cents) AS cents
                          FROM fundings f JOIN bank_lines l ON l.id = f.bank_line_id GROUP BY 1),
             opened AS (SELECT programme_id, -sum(cents) AS cents FROM posted
                        WHERE entry_kind = 'opening' AND kind IN ('circulation', 'operator') GROUP BY 1),
             corrected AS (SELECT programme_id, sum(cents) AS cents FROM ({CORRECTED}) AS c GROUP BY 1),
             given_back AS (SELECT programme_id, sum(cents) AS cents FROM posted
                            WHERE kind = 'funds' AND entry_kind IN ('refund', 'reversal', 'fee') GROUP BY 1),
             held AS (SELECT programme_id, -sum(cents) AS cents FROM posted WHERE kind = 'funds' GROUP BY 1)
        SELECT format('programme %s', t.programme_id), {_apart("t.told", "t.found")}
        FROM (SELECT p.id AS programme_id, coalesce(held.cents, 0) AS told,
                     coalesce(received.cents, 0) + coalesce(opened.cents, 0) - coalesce(engaged_cents, 0)
                     - coalesce(corrected.cents, 0) - coalesce(given_back.cents, 0) AS found
              FROM programmes p LEFT JOIN received ON received.programme_id = p.id
              LEFT JOIN opened ON opened.programme_id = p.id
              LEFT JOIN ({CIRCULATING}) AS c ON c.programme_id = p.id
              LEFT JOIN corrected ON corrected.programme_id = p.id
              LEFT JOIN given_back ON given_back.programme_id = p.id
              LEFT JOIN held ON held.programme_id = p.id) AS t
        WHERE t.told <> t.found""",
    # Rule 7: money received ≥ paid out + still owed + outstanding face value, per programme.
    "no_pass_without_its_money": f"""
        WITH posted AS ({POSTED})
        SELECT format('programme %s', p.id),
               format('received %s c; paid %s c, owed %s c, outstanding %s c: %s c are missing',
                      received, paid, owed, outstanding, paid + owed + outstanding - received)
        FROM programmes p CROSS JOIN LATERAL (
            SELECT coalesce((SELECT sum(l.amount_cents)
                             FROM fundings f JOIN bank_lines l ON l.id = f.bank_line_id
                             WHERE f.programme_id = p.id), 0)
                   - coalesce(sum(o.cents) FILTER (WHERE o.entry_kind = 'opening'), 0)
                   - coalesce(sum(o.cents) FILTER (WHERE o.kind = 'funds'
                              AND o.entry_kind IN ('refund', 'reversal', 'fee')), 0) AS received,
                   coalesce(sum(o.cents) FILTER (WHERE o.kind = 'operator'
                            AND o.entry_kind IN ('payout', 'return', 'reversal')), 0) AS paid,
                   -coalesce(sum(o.cents) FILTER (WHERE o.kind = 'operator'), 0) AS owed
            FROM posted o WHERE o.programme_id = p.id) AS told
        CROSS JOIN LATERAL (
            SELECT coalesce((SELECT c.cents FROM ({CIRCULATING}) AS c WHERE c.programme_id = p.id), 0)
                   AS outstanding) AS held
        WHERE received < paid + owed + outstanding""",
    "corrections_are_booked": f"""
        SELECT format('correction %s', c.id), {_apart("c.amount_cents", "coalesce(-p.cents, 0)")}
        FROM corrections c LEFT JOIN (
            SELECT p.entry, a.operator_id, a.programme_id, sum(p.amount_cents) AS cents
            FROM book_postings p JOIN book_accounts a ON a.id = p.account_id
            JOIN book_entries e ON e.number = p.entry
            WHERE a.kind = 'operator' AND e.kind = 'correction'
            GROUP BY p.entry, a.operator_id, a.programme_id
        ) AS p ON (p.entry, p.operator_id, p.programme_id) = (c.entry, c.operator_id, c.programme_id)
        WHERE c.entry IS NOT NULL AND c.amount_cents <> coalesce(-p.cents, 0)
        UNION ALL
        SELECT format('entry %s', e.number), 'a correction in the books that nobody decided'
        FROM book_entries e LEFT JOIN corrections c ON c.entry = e.number
        WHERE e.kind = 'correction' AND c.id IS NULL""",
    "corrections_have_events": """
        SELECT format('correction %s', c.id), 'without the event that says who decided it and why'
        FROM corrections c WHERE NOT EXISTS (
            SELECT FROM events e WHERE e.action = 'correction.decide' AND e.subject = 'correction:' || c.id
              AND (e.detail->>'amount_cents')::bigint = c.amount_cents AND e.reason = c.reason)""",
    "disputes_hold_their_lines": """
        SELECT format('dispute %s', d.id),
               format('holds %s c of a line of %s c', d.amount_cents, coalesce(l.amount_cents, 0))
        FROM disputes d LEFT JOIN remittance_lines l
          ON (l.operator_id, l.number, l.line) = (d.operator_id, d.number, d.line)
        WHERE d.amount_cents IS DISTINCT FROM l.amount_cents
        UNION ALL
        SELECT format('dispute %s', d.id),
               format('holds %s c, corrected by %s c', d.amount_cents, c.amount_cents)
        FROM disputes d JOIN corrections c ON c.id = d.correction_id
        WHERE (c.operator_id, c.programme_id, -c.amount_cents, c.is_of_dispute)
              <> (d.operator_id, d.programme_id, d.amount_cents, true)
        UNION ALL
        SELECT format('correction %s', c.id), 'of a dispute that is not there'
        FROM corrections c WHERE c.is_of_dispute
          AND NOT EXISTS (SELECT FROM disputes d WHERE d.correction_id = c.id)""",
}
