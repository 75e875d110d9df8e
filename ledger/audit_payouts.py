"""The audit's questions about payouts and the bank: attempts, batches, statements and matches against remittances
and the books, to the cent. Each query gives a row (subject, detail) per disagreement, none when all agrees."""

# ruff: noqa: E501 - as in audit_queries.py, a query reads better on its own lines

PAYOUT_CHECKS: dict[str, str] = {
    "passes_are_remitted_once": """
        SELECT format('booklet %s pass %s', booklet, pass_number), format('in %s remittances, %s c too many', count(*), sum(amount_cents) - min(amount_cents))
        FROM remittance_lines GROUP BY booklet, pass_number, attempt_id HAVING count(*) > 1""",
    "remittances_are_paid_once": """
        SELECT format('operator %s remittance %s', a.operator_id, a.number),
               format('%s c are being paid or paid, %s c are owed: %s c too many', a.cents, coalesce(p.cents, 0), a.cents - coalesce(p.cents, 0))
        FROM (SELECT operator_id, number, sum(amount_cents) AS cents FROM payout_attempts
              WHERE state IN ('prepared', 'sent', 'booked') GROUP BY operator_id, number) AS a
        LEFT JOIN (SELECT operator_id, number, sum(amount_cents) AS cents FROM remittance_portions
                   GROUP BY operator_id, number) AS p USING (operator_id, number)
        WHERE a.cents > coalesce(p.cents, 0)
        UNION ALL
        SELECT format('operator %s remittance %s portion %s', operator_id, number, portion), format('%s live attempts', count(*))
        FROM payout_attempts WHERE state IN ('prepared', 'sent', 'booked')
        GROUP BY operator_id, number, portion HAVING count(*) > 1""",
    "payout_batches_sum": """
        SELECT format('payout batch %s', b.id),
               format('%s transfers, %s c; told %s, %s c: %s c apart', count(a.id), coalesce(sum(a.amount_cents), 0),
                      b.transfer_count, b.total_cents, b.total_cents - coalesce(sum(a.amount_cents), 0))
        FROM payout_batches b LEFT JOIN payout_attempts a ON a.batch_id = b.id GROUP BY b.id
        HAVING count(a.id) <> b.transfer_count OR coalesce(sum(a.amount_cents), 0) <> b.total_cents
        UNION ALL
        SELECT format('transfer %s', a.end_to_end_id), format('%s c, and its parts make %s c', a.amount_cents, coalesce(sum(p.amount_cents), 0))
        FROM payout_attempts a LEFT JOIN payout_attempt_parts p ON p.attempt_id = a.id GROUP BY a.id
        HAVING coalesce(sum(p.amount_cents), 0) <> a.amount_cents""",
    "payout_files_are_what_was_approved": """
        SELECT format('payout batch %s', id), 'its file is not the one whose SHA-256 was kept' FROM payout_batches
        WHERE file IS NOT NULL AND file_sha256 IS DISTINCT FROM sha256(file)
        UNION ALL
        SELECT format('payout batch %s', id), format('approved by person %s, who prepared it', approved_by)
        FROM payout_batches WHERE approved_by = prepared_by
        UNION ALL
        SELECT format('transfer %s', a.end_to_end_id), 'pays another account than its batch''s file, or none'
        FROM payout_attempts a JOIN payout_batches b ON b.id = a.batch_id
        WHERE b.file IS NOT NULL AND (a.iban IS NULL OR position(convert_to(a.iban, 'UTF8') IN b.file) = 0
              OR position(convert_to('<EndToEndId>' || a.end_to_end_id || '<', 'UTF8') IN b.file) = 0)""",
    "payout_states_agree": """
        SELECT format('transfer %s', a.end_to_end_id), format('%s, in a batch that is %s', a.state, b.state)
        FROM payout_attempts a JOIN payout_batches b ON b.id = a.batch_id
        WHERE CASE b.state WHEN 'draft' THEN a.state <> 'prepared' WHEN 'approved' THEN a.state <> 'prepared'
                           WHEN 'cancelled' THEN a.state <> 'cancelled' WHEN 'reconciled' THEN a.state IN ('prepared', 'sent', 'cancelled')
                           ELSE a.state IN ('prepared', 'cancelled') END
        UNION ALL
        SELECT format('transfer %s', a.end_to_end_id),
               format('%s, and the bank''s lines tell of %s c that left and %s returns', a.state, m.left_cents, m.returns)
        FROM payout_attempts a CROSS JOIN LATERAL (
            SELECT coalesce(-sum(amount_cents) FILTER (WHERE kind = 'payout'), 0) AS left_cents, count(*) FILTER (WHERE kind = 'return') AS returns
            FROM matches WHERE attempt_id = a.id AND undone_at IS NULL) AS m
        WHERE (m.left_cents, m.returns) <> (CASE WHEN a.state IN ('booked', 'returned') THEN a.amount_cents ELSE 0 END, CASE a.state WHEN 'returned' THEN 1 ELSE 0 END)""",
    "payouts_are_booked": """
        SELECT format('operator %s', coalesce(m.operator_id, e.operator_id)),
               format('lines of the bank say %s c were paid, the books %s c: %s c apart', coalesce(m.cents, 0), coalesce(e.cents, 0), coalesce(m.cents, 0) - coalesce(e.cents, 0))
        FROM (SELECT a.operator_id, sum(a.amount_cents * CASE m.kind WHEN 'payout' THEN 1 ELSE -1 END) AS cents
              FROM matches m JOIN payout_attempts a ON a.id = m.attempt_id
              WHERE m.undone_at IS NULL AND m.kind IN ('payout', 'return') GROUP BY a.operator_id) AS m
        FULL JOIN (SELECT c.operator_id, sum(p.amount_cents) AS cents
              FROM book_entries e JOIN book_postings p ON p.entry = e.number JOIN book_accounts c ON c.id = p.account_id
              WHERE c.kind = 'operator' AND (e.kind IN ('payout', 'return') OR (e.kind = 'reversal' AND e.subject LIKE 'payout_attempt:%'))
              GROUP BY c.operator_id) AS e USING (operator_id)
        WHERE coalesce(m.cents, 0) <> coalesce(e.cents, 0)""",
    "bank_lines_are_explained_once": """
        SELECT format('bank line %s', l.reference), format('%s c, and %s c of it are explained', l.amount_cents, m.cents)
        FROM bank_lines l JOIN LATERAL (
            SELECT sum(amount_cents) AS cents, bool_or(sign(amount_cents) <> sign(l.amount_cents)) AS contrary
            FROM matches WHERE bank_line_id = l.id AND undone_at IS NULL) AS m ON abs(m.cents) > abs(l.amount_cents) OR m.contrary
        UNION ALL
        SELECT format('bank line %s', l.reference), 'is a programme''s money, and explained by transfers too'
        FROM bank_lines l JOIN fundings f ON f.bank_line_id = l.id
        WHERE EXISTS (SELECT FROM matches m WHERE m.bank_line_id = l.id AND m.undone_at IS NULL)""",
    # Whatever the order of the files: each line that a booked statement tells is one line of ours, of that amount.
    "statements_are_booked": """
        SELECT format('statement %s line %s', s.id, l.position),
               format('%s c, booked as %s c', l.amount_cents, coalesce(b.amount_cents, 0))
        FROM statements s JOIN statement_lines l ON l.statement_id = s.id LEFT JOIN bank_lines b ON b.id = l.bank_line_id
        WHERE s.is_booked AND b.amount_cents IS DISTINCT FROM l.amount_cents
        UNION ALL
        SELECT format('statement %s', s.id), format('two of its lines are booked as the one line %s', min(b.reference))
        FROM statements s JOIN statement_lines l ON l.statement_id = s.id JOIN bank_lines b ON b.id = l.bank_line_id
        WHERE s.is_booked GROUP BY s.id, b.id HAVING count(*) > 1
        UNION ALL
        SELECT format('bank file %s', id), 'its bytes are not those whose SHA-256 was kept' FROM bank_files WHERE sha256 <> sha256(content)""",
    "bank_accounts_had_four_eyes": """
        SELECT format('account %s of operator %s', id, operator_id), format('approved by person %s, who proposed it', approved_by)
        FROM operator_bank_accounts WHERE approved_by = proposed_by
        UNION ALL
        SELECT format('account %s of operator %s', c.id, c.operator_id), 'a transfer was frozen to it and says another IBAN or operator'
        FROM payout_attempts a JOIN operator_bank_accounts c ON c.id = a.account_id
        WHERE (a.iban, a.holder, a.operator_id) IS DISTINCT FROM (c.iban, c.holder, c.operator_id)""",
}
