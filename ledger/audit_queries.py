"""The questions of the audit: each query gives a row (subject, detail) per disagreement, none when all agrees.

Two ways to disagree are a UNION ALL, never an OR of two EXISTS: that would look through a table for each row.
"""

from keys.passes import PRACTICE_FIRST

DISAGREEMENTS_MAX = 100  # told per check; all are counted

PASS = "format('booklet %s pass %s', a.booklet, a.pass_number)"

CHECKS: dict[str, str] = {
    "one_live_acceptance_per_pass": f"""
        SELECT {PASS}, format('%s live acceptances, %s c too many', count(*), sum(a.amount_cents) - min(a.amount_cents))
        FROM acceptances a WHERE a.undone_at IS NULL GROUP BY a.booklet, a.pass_number HAVING count(*) > 1""",
    "one_pass_per_attempt": """
        SELECT format('attempt %s', a.attempt_id), format('accepted for %s passes', count(*))
        FROM acceptances a GROUP BY a.attempt_id HAVING count(*) > 1""",
    "passes_were_issued": f"""
        SELECT {PASS}, 'never issued'
        FROM acceptances a LEFT JOIN booklets b ON b.number = a.booklet
        WHERE b.number IS NULL OR a.pass_number > b.pass_count""",
    "practice_is_never_money": f"""
        SELECT {PASS}, format('accepted for %s c, and its number is for practice', a.amount_cents)
        FROM acceptances a WHERE a.booklet >= {PRACTICE_FIRST}
        UNION ALL
        SELECT format('booklet %s', b.number), 'on record, and its number is for practice'
        FROM booklets b WHERE b.number >= {PRACTICE_FIRST}""",
    "amounts_are_face_values": f"""
        SELECT {PASS}, format('accepted for %s c, face value %s c', a.amount_cents, b.face_value_cents)
        FROM acceptances a JOIN booklets b ON b.number = a.booklet WHERE a.amount_cents <> b.face_value_cents""",
    # accepted_at is cut to its second: a booklet activated within that second was active. A cancellation says
    # when it began, and what was on its way to the record before it committed was rightly accepted.
    "booklets_were_active": f"""
        SELECT {PASS}, format('accepted at %s, active from %s to %s', t.at, b.activated_at, b.cancelled_at)
        FROM acceptances a JOIN booklets b ON b.number = a.booklet,
             LATERAL (SELECT coalesce(a.scanned_at, a.accepted_at) AS at) t
        WHERE b.activated_at IS NULL OR t.at + interval '1 second' <= b.activated_at
            OR t.at > b.cancelled_at + interval '1 minute'""",
    "devices_own_their_scans": f"""
        SELECT {PASS}, format('device %s, site %s, operator %s do not belong together',
                              a.device_id, a.site_id, a.operator_id)
        FROM acceptances a LEFT JOIN devices d ON d.id = a.device_id
        WHERE d.id IS NULL OR (d.site_id, d.operator_id) <> (a.site_id, a.operator_id)""",
    # Each group commit noted the seals of what it took: one more is a row deleted or changed, one less a row added.
    "nothing_removed_or_added": """
        SELECT format('seal %s', s.seal),
               CASE WHEN sum(s.n) < 0 THEN format('accepted at %s, its row is gone or changed', max(s.at))
                    ELSE format('the row of attempt %s was never taken by a scan', max(s.attempt)) END
        FROM (SELECT unnest(f.seals) AS seal, -1 AS n, f.at, NULL AS attempt FROM flushes f
              UNION ALL
              SELECT a.seal, 1, a.accepted_at, a.attempt_id::text FROM acceptances a) AS s
        GROUP BY s.seal HAVING sum(s.n) <> 0""",
    "undos_agree": """
        SELECT format('attempt %s', coalesce(a.attempt_id, u.attempt_id)),
               format('acceptance undone at %s, undo recorded at %s', a.undone_at, u.undone_at)
        FROM (SELECT * FROM acceptances WHERE undone_at IS NOT NULL) AS a
        FULL JOIN undos u ON (u.booklet, u.pass_number, u.attempt_id) = (a.booklet, a.pass_number, a.attempt_id)
        WHERE a.undone_at IS DISTINCT FROM u.undone_at""",
    "attempts_agree": """
        SELECT format('attempt %s', t.attempt_id), format('recorded as %s, without the acceptance it tells of', t.outcome)
        FROM attempts t
        WHERE t.outcome = 'repeated' AND NOT EXISTS (
            SELECT FROM acceptances a WHERE a.attempt_id = t.attempt_id AND a.device_id = t.device_id
              AND (a.booklet, a.pass_number) = (t.booklet, t.pass_number))
        UNION ALL
        SELECT format('attempt %s', t.attempt_id), format('recorded as %s, without the acceptance it tells of', t.outcome)
        FROM attempts t
        WHERE t.outcome = 'already_accepted' AND NOT EXISTS (
            SELECT FROM acceptances a WHERE (a.booklet, a.pass_number) = (t.booklet, t.pass_number)
              AND a.attempt_id <> t.attempt_id)""",
    "batches_are_whole": """
        SELECT format('batch %s', t.id), format('%s booklets of %s, or face value, size or number differ',
                                                count(b.number), t.booklet_count)
        FROM batches t JOIN programmes p ON p.id = t.programme_id LEFT JOIN booklets b ON b.batch_id = t.id
        LEFT JOIN replacements r ON r.new_booklet = t.first_booklet
        GROUP BY t.id, p.id, r.old_booklet
        HAVING count(b.number) <> t.booklet_count OR min(b.number) <> t.first_booklet
            OR max(b.number) <> t.first_booklet + t.booklet_count - 1
            OR bool_or(b.face_value_cents <> p.face_value_cents OR b.pass_count <> coalesce(r.passes, p.booklet_size))""",
    "booklet_changes_have_events": """
        SELECT format('booklet %s', b.number), format('%s, without the event that says who and why', b.state)
        FROM booklets b
        WHERE b.activated_at IS NOT NULL AND NOT EXISTS (
            SELECT FROM events e WHERE e.action = 'batch.activate' AND e.subject = 'batch:' || b.batch_id)
        UNION ALL
        SELECT format('booklet %s', b.number), format('%s, without the event that says who and why', b.state)
        FROM booklets b
        WHERE b.cancelled_at IS NOT NULL AND NOT EXISTS (
            SELECT FROM events e WHERE e.action = 'booklet.cancel' AND e.subject = 'booklet:' || b.number)
        UNION ALL
        SELECT e.subject, 'an event cancelled it, and its row says otherwise'
        FROM events e LEFT JOIN booklets b ON e.subject = 'booklet:' || b.number
        WHERE e.action = 'booklet.cancel' AND b.cancelled_at IS NULL
        UNION ALL
        SELECT format('batch %s', t.id), format('%s booklets activated, events tell of %s', t.activated, coalesce(e.told, 0))
        FROM (SELECT b.batch_id AS id, count(b.activated_at) AS activated FROM booklets b GROUP BY b.batch_id) AS t
        LEFT JOIN (SELECT e.subject, sum((e.detail->>'booklets')::bigint) AS told FROM events e
                   WHERE e.action = 'batch.activate' GROUP BY e.subject) AS e ON e.subject = 'batch:' || t.id
        WHERE t.activated <> coalesce(e.told, 0)""",
    "validity_follows_amendments": """
        SELECT format('programme %s', p.id), format('valid to %s, last amended to %s', p.last_day, m.last_day_new)
        FROM programmes p JOIN LATERAL (
            SELECT last_day_new FROM programme_amendments WHERE programme_id = p.id ORDER BY id DESC LIMIT 1
        ) m ON m.last_day_new <> p.last_day
        UNION ALL
        SELECT format('programme %s', m.programme_id), format('amended from %s, to which it had not been valid', m.last_day_old)
        FROM (SELECT *, lag(last_day_new) OVER (PARTITION BY programme_id ORDER BY id) AS day FROM programme_amendments) AS m
        WHERE m.day <> m.last_day_old
        UNION ALL
        SELECT format('programme %s', p.id), format('valid to %s, batch %s was printed otherwise', p.last_day, t.id)
        FROM programmes p JOIN batches t ON t.programme_id = p.id
        WHERE t.expires_at <> p.expires_at AND NOT EXISTS (
            SELECT FROM programme_amendments m WHERE m.programme_id = p.id)""",
    "remittances_sum": """
        SELECT format('operator %s remittance %s', r.operator_id, r.number),
               format('%s lines, %s c; told %s lines, %s c: %s c apart', count(l.line), coalesce(sum(l.amount_cents), 0),
                      r.line_count, r.total_cents, r.total_cents - coalesce(sum(l.amount_cents), 0))
        FROM remittances r LEFT JOIN remittance_lines l ON (l.operator_id, l.number) = (r.operator_id, r.number)
        GROUP BY r.operator_id, r.number
        HAVING count(l.line) <> r.line_count OR coalesce(sum(l.amount_cents), 0) <> r.total_cents
            OR max(l.line) <> r.line_count""",
    "remittance_parts_sum": """
        SELECT format('operator %s remittance %s programme %s', operator_id, number, programme_id),
               format('%s lines, %s c; told %s lines, %s c: %s c apart', coalesce(l.count, 0), coalesce(l.cents, 0),
                      coalesce(p.line_count, 0), coalesce(p.total_cents, 0), coalesce(p.total_cents, 0) - coalesce(l.cents, 0))
        FROM remittance_parts p FULL JOIN (
            SELECT l.operator_id, l.number, t.programme_id, count(*) AS count, sum(l.amount_cents) AS cents
            FROM remittance_lines l JOIN booklets b ON b.number = l.booklet JOIN batches t ON t.id = b.batch_id
            GROUP BY l.operator_id, l.number, t.programme_id
        ) AS l USING (operator_id, number, programme_id)
        WHERE (p.line_count, p.total_cents) IS DISTINCT FROM (l.count, l.cents)""",
    "remittances_closed_by_their_operator": """
        SELECT format('operator %s remittance %s', r.operator_id, r.number),
               format('closed by %s and certified by person %s, who are not its own', r.closed_by, r.certified_by)
        FROM remittances r WHERE r.closed_by LIKE 'device:%' AND NOT EXISTS (
            SELECT FROM devices d WHERE 'device:' || d.id = r.closed_by
            AND (d.operator_id, d.mediator_id) = (r.operator_id, r.certified_by))""",
    "remitted_passes_were_accepted": """
        SELECT format('operator %s remittance %s line %s', l.operator_id, l.number, l.line),
               format('%s c, without a live acceptance of that amount', l.amount_cents)
        FROM remittance_lines l
        LEFT JOIN acceptances a ON (a.booklet, a.pass_number, a.attempt_id) = (l.booklet, l.pass_number, l.attempt_id)
        WHERE a.attempt_id IS NULL OR a.undone_at IS NOT NULL
           OR (a.operator_id, a.amount_cents) <> (l.operator_id, l.amount_cents)""",
    "remittance_numbers_have_no_gap": """
        SELECT format('operator %s', r.operator_id), format('%s remittances, numbered to %s', count(*), max(r.number))
        FROM remittances r GROUP BY r.operator_id HAVING count(*) <> max(r.number)""",
    "guard_never_ahead": """
        SELECT 'guard generation', format('%s, which no event raised', g.generation) FROM guard_generation g
        WHERE g.generation > g.first_generation + (SELECT count(*) FROM events WHERE action = 'guard.raise')""",
}

OPERATOR_TOTALS = """
SELECT o.siret, o.name, count(a.attempt_id), coalesce(sum(a.amount_cents), 0)::bigint,
       count(l.line), coalesce(sum(l.amount_cents), 0)::bigint
FROM operators o
LEFT JOIN acceptances a ON a.operator_id = o.id AND a.undone_at IS NULL
LEFT JOIN remittance_lines l ON (l.booklet, l.pass_number, l.attempt_id) = (a.booklet, a.pass_number, a.attempt_id)
GROUP BY o.id ORDER BY o.id"""
