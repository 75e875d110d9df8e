"""The audit's questions about programmes: rules, grants, deliveries, hand-outs' stocks, what activation stood on,
notices and what is held back. Each query gives a row (subject, detail) per disagreement, none when all agrees."""

# ruff: noqa: E501 - as in audit_queries.py, a query reads better on its own lines

# Clocks of two requests that crossed: what was decided within it may be told in the other order.
CROSSING = "interval '1 minute'"

GRANT_CHECKS: dict[str, str] = {
    "rules_are_as_they_were_written": """
        SELECT format('programme %s version %s', r.programme_id, r.version), 'its figures are not those that were decided'
        FROM programme_rules r WHERE r.sha256 <> hash_of_rules(r)
        UNION ALL
        SELECT format('programme %s', p.id), format('%s versions of its rules, numbered to %s', count(r.version), max(r.version))
        FROM programmes p LEFT JOIN programme_rules r ON r.programme_id = p.id
        GROUP BY p.id HAVING count(r.version) IS DISTINCT FROM max(r.version)::bigint""",
    "grants_follow_their_rules": """
        SELECT format('grant %s', g.id),
               format('%s of %s passes at %s of %s consumed, by rules of %s, %s and %s %%', g.kind, g.passes, g.consumed_passes,
                      g.held_passes, r.first_grant_passes, r.top_up_passes, r.threshold_percent)
        FROM grants g JOIN programme_rules r ON (r.programme_id, r.version) = (g.programme_id, g.rules_version)
        WHERE g.passes <> CASE g.kind WHEN 'first' THEN r.first_grant_passes ELSE r.top_up_passes END
           OR (g.kind = 'top_up' AND (g.held_passes = 0
               OR g.consumed_passes::bigint * 100 < r.threshold_percent::bigint * g.held_passes))
        UNION ALL
        SELECT format('grant %s', g.id), format('tells %s consumed passes, the programme had %s', g.consumed_passes, t.passes)
        FROM grants g CROSS JOIN LATERAL (
            SELECT coalesce(sum(p.line_count), 0) AS passes FROM remittance_parts p JOIN remittances r USING (operator_id, number)
            WHERE p.programme_id = g.programme_id AND r.closed_at <= g.proposed_at + interval '1 minute') AS t
        WHERE g.consumed_passes > t.passes
        UNION ALL
        SELECT format('grant %s', g.id), format('approved on %s, the last day was %s', paris_day(g.decided_at), r.grant_deadline)
        FROM grants g CROSS JOIN LATERAL rules_on(g.programme_id, paris_day(g.decided_at)) AS r
        WHERE g.state = 'approved' AND paris_day(g.decided_at) > r.grant_deadline""",
    "stock_caps_hold": f"""
        SELECT format('programme %s', g.programme_id),
               format('grant %s made %s passes of a stock of %s', g.id, t.passes, r.stock_cap_passes)
        FROM grants g CROSS JOIN LATERAL rules_on(g.programme_id, paris_day(g.decided_at)) AS r
        CROSS JOIN LATERAL (
            SELECT (SELECT sum(o.passes) FROM grants o WHERE o.programme_id = g.programme_id AND o.state = 'approved'
                      AND o.decided_at <= g.decided_at)
                   - coalesce((SELECT sum(m.passes) FROM territory_measures m WHERE m.programme_id = g.programme_id
                      AND m.kind = 'reduction' AND m.decided_at <= g.decided_at + {CROSSING}), 0)
                   - coalesce((SELECT sum(b.passes) FROM restitutions b WHERE b.programme_id = g.programme_id
                      AND b.at <= g.decided_at + {CROSSING}), 0) AS passes) AS t
        WHERE g.state = 'approved' AND t.passes > r.stock_cap_passes""",
    "thresholds_have_one_grant": """
        SELECT format('programme %s territory %s', programme_id, territory_id),
               format('threshold %s has %s grants', threshold_number, count(*))
        FROM grants WHERE state <> 'refused' GROUP BY programme_id, territory_id, threshold_number HAVING count(*) > 1
        UNION ALL
        SELECT format('programme %s territory %s', programme_id, territory_id),
               format('%s grants, of thresholds 0 to %s', count(*), max(threshold_number))
        FROM grants WHERE state = 'approved' GROUP BY programme_id, territory_id
        HAVING max(threshold_number) + 1 <> count(*)""",
    "grants_have_events": """
        SELECT format('grant %s', g.id), format('%s, without the event that says who', w.action)
        FROM grants g CROSS JOIN LATERAL (
            VALUES ('grant.propose'), (CASE g.state WHEN 'approved' THEN 'grant.approve' WHEN 'refused' THEN 'grant.refuse' END)
        ) AS w (action)
        WHERE w.action IS NOT NULL AND NOT EXISTS (
            SELECT FROM events e WHERE e.subject = 'grant:' || g.id AND e.action = w.action
              AND (e.detail->>'passes')::integer = g.passes)""",
    "deliveries_are_within_their_grants": """
        SELECT format('grant %s', g.id), format('%s for %s passes, %s were dispatched', g.state, g.passes, sum(d.passes))
        FROM deliveries d JOIN grants g ON g.id = d.grant_id
        GROUP BY g.id HAVING sum(d.passes) > g.passes OR g.state <> 'approved'
        UNION ALL
        SELECT format('delivery %s', d.id),
               format('tells %s booklets and %s passes; they are %s and %s, %s of another programme',
                      d.booklet_count, d.passes, l.booklets, l.passes, l.strange)
        FROM deliveries d CROSS JOIN LATERAL (
            SELECT count(*) AS booklets, coalesce(sum(b.pass_count), 0) AS passes,
                   count(*) FILTER (WHERE t.programme_id <> d.programme_id) AS strange
            FROM delivered_booklets x JOIN booklets b ON b.number = x.booklet JOIN batches t ON t.id = b.batch_id
            WHERE x.delivery_id = d.id) AS l
        WHERE (l.booklets, l.passes, l.strange) <> (d.booklet_count, d.passes, 0)
        UNION ALL
        SELECT format('booklet %s', booklet), format('at %s territories at once', count(*))
        FROM delivered_booklets WHERE restitution_id IS NULL GROUP BY booklet HAVING count(*) > 1""",
    "restitutions_are_whole": f"""
        SELECT format('restitution %s', r.id),
               format('tells %s booklets and %s passes; they are %s and %s, %s of which can''t come back',
                      r.booklet_count, r.passes, l.booklets, l.passes, l.strange)
        FROM restitutions r CROSS JOIN LATERAL (
            SELECT count(*) AS booklets, coalesce(sum(b.pass_count), 0) AS passes, count(*) FILTER (
                       WHERE (d.programme_id, d.territory_id) <> (r.programme_id, r.territory_id)
                          OR b.replaced_at < r.at - {CROSSING}) AS strange
            FROM delivered_booklets x JOIN booklets b ON b.number = x.booklet JOIN deliveries d ON d.id = x.delivery_id
            WHERE x.restitution_id = r.id) AS l
        WHERE (l.booklets, l.passes, l.strange) <> (r.booklet_count, r.passes, 0)""",
}

LIFE_CHECKS: dict[str, str] = {
    # In the order of the books, which is that of their commits: nothing was engaged before its money was there.
    "activations_follow_their_money": """
        SELECT format('programme %s', programme_id), format('entry %s engages %s c more than was received by then', entry, over)
        FROM (SELECT a.programme_id, e.number AS entry, e.kind,
                     sum(p.amount_cents) OVER (PARTITION BY a.programme_id ORDER BY e.number) AS over
              FROM book_postings p JOIN book_accounts a ON a.id = p.account_id JOIN book_entries e ON e.number = p.entry
              WHERE a.kind = 'funds') AS running
        WHERE kind = 'activation' AND over > 0
        UNION ALL
        (WITH engaged AS (SELECT subject, min(at) AS at FROM book_entries WHERE kind = 'activation' GROUP BY subject),
              sent AS (SELECT d.booklet, min(e.at) AS at FROM delivered_booklets d
                       JOIN engaged e ON e.subject = 'delivery:' || d.delivery_id GROUP BY d.booklet)
         SELECT format('booklet %s', b.number), format('active from %s, its money is engaged from %s', b.activated_at,
                                                       least(whole.at, own.at, sent.at))
         FROM booklets b JOIN batches t ON t.id = b.batch_id
         LEFT JOIN engaged AS whole ON whole.subject = 'batch:' || b.batch_id
         LEFT JOIN engaged AS own ON own.subject = 'booklet:' || b.number
         LEFT JOIN sent ON sent.booklet = b.number
         WHERE b.activated_at IS NOT NULL AND coalesce(least(whole.at, own.at, sent.at) > b.activated_at, true)
           AND NOT EXISTS (SELECT FROM book_entries o WHERE o.kind = 'opening' AND o.subject = 'programme:' || t.programme_id))""",
    # Of a booklet and all that replaced it: what is taken, and what may still be.
    "replaced_and_new_are_never_both_live": f"""
        SELECT format('booklet %s', line.root),
               format('%s passes; of it and its replacements %s are taken and %s may still be', o.pass_count, line.taken, line.free)
        FROM (SELECT c.root, sum(live.count) AS taken,
                     sum(CASE WHEN c.state = 'active' THEN c.pass_count - live.count ELSE 0 END) AS free
              FROM counted_booklets c,
                   LATERAL (SELECT count(*) FROM acceptances a WHERE a.booklet = c.number AND a.undone_at IS NULL) AS live
              WHERE c.root IN (SELECT root_booklet FROM replacements) GROUP BY c.root) AS line
        JOIN booklets o ON o.number = line.root WHERE line.taken + line.free > o.pass_count
        UNION ALL
        SELECT format('booklet %s pass %s', a.booklet, a.pass_number), format('taken at %s, replaced at %s', a.accepted_at, b.replaced_at)
        FROM booklets b JOIN acceptances a ON a.booklet = b.number
        WHERE a.accepted_at > b.replaced_at + {CROSSING}""",
    "handouts_came_from_their_stock": f"""
        SELECT format('booklet %s', h.booklet), format('handed out by prescriber %s, with prescriber %s then', h.prescriber_id, t.to_id)
        FROM handouts h LEFT JOIN LATERAL (
            SELECT t.to_id FROM transferred_booklets m JOIN transfers t ON t.id = m.transfer_id
            WHERE m.booklet = h.booklet AND t.moved_at <= h.handed_at + {CROSSING} ORDER BY t.id DESC LIMIT 1) AS t ON true
        WHERE t.to_id IS DISTINCT FROM h.prescriber_id
        UNION ALL
        SELECT format('booklet %s', h.booklet), format('handed out by person %s, who is not of prescriber %s', h.person_id, h.prescriber_id)
        FROM handouts h WHERE NOT EXISTS (
            SELECT FROM prescriber_persons p WHERE (p.prescriber_id, p.person_id) = (h.prescriber_id, h.person_id))""",
    "stocks_are_in_their_territory": """
        SELECT format('booklet %s', c.booklet), format('in the safe of prescriber %s of territory %s, delivered to %s',
                                                       p.id, p.territory_id, e.territory_id)
        FROM booklet_custody c JOIN prescribers p ON p.id = c.prescriber_id JOIN booklets b ON b.number = c.booklet
        LEFT JOIN booklet_territories e ON e.booklet = c.booklet
        WHERE b.state <> 'cancelled' AND e.territory_id IS DISTINCT FROM p.territory_id""",
}

TOLD_CHECKS: dict[str, str] = {
    "nobody_is_told_twice": """
        SELECT format('fact %s', fact), format('%s notices to the %s at %s', count(*), audience, coalesce(lower(address), 'nobody'))
        FROM notices GROUP BY fact, audience, lower(address) HAVING count(*) > 1
        UNION ALL
        SELECT format('fact %s', fact), format('%s calls to webhook %s', count(*), webhook_id)
        FROM webhook_calls GROUP BY fact, webhook_id HAVING count(*) > 1
        UNION ALL
        SELECT format('notice %s', id), 'sent, without an attempt' FROM notices WHERE state = 'sent' AND attempts = 0""",
    "held_operators_are_not_paid": """
        SELECT format('transfer %s', a.end_to_end_id),
               format('released at %s, its operator %s is held from %s', b.approved_at, a.operator_id, h.held_at)
        FROM payout_attempts a JOIN payout_batches b ON b.id = a.batch_id
        JOIN operator_holds h ON h.operator_id = a.operator_id
        WHERE b.approved_at > h.held_at AND (h.released_at IS NULL OR b.approved_at < h.released_at)
        UNION ALL
        SELECT format('operator %s', h.operator_id), format('%s, without the event that says who and why', w.action)
        FROM operator_holds h CROSS JOIN LATERAL (
            VALUES ('operator.hold', h.held_by), ('operator.release', h.released_by)) AS w (action, actor)
        WHERE w.actor IS NOT NULL AND NOT EXISTS (
            SELECT FROM events e WHERE e.subject = 'operator:' || h.operator_id AND (e.action, e.actor) = (w.action, w.actor))""",
    "returns_were_told_so": """
        SELECT format('return of %s, programme %s', to_char(m.month, 'YYYY-MM'), m.programme_id),
               'its PDF is not the one that was frozen'
        FROM monthly_returns m WHERE NOT EXISTS (
            SELECT FROM events e WHERE e.action = 'return.freeze' AND e.subject = 'programme:' || m.programme_id
              AND (e.detail->>'month', e.detail->>'sha256') = (to_char(m.month, 'YYYY-MM'), encode(m.pdf_sha256, 'hex')))
        UNION ALL
        SELECT format('return of %s, programme %s', to_char(m.month, 'YYYY-MM'), m.programme_id),
               format('%s passes consumed, its territories and their tables tell %s', m.facts->'sums'->>'consumed_passes', t.told)
        FROM monthly_returns m CROSS JOIN LATERAL (
            SELECT coalesce(sum((place->>'passes')::bigint), 0) AS passes, jsonb_agg(place->'passes') AS told,
                   coalesce(bool_or((place->'tables'->dimension->>'total')::bigint <> (place->>'passes')::bigint), false) AS is_apart
            FROM jsonb_array_elements(m.facts->'territories') AS place,
                 (VALUES ('operator'), ('service'), ('public')) AS d (dimension)) AS t
        WHERE t.is_apart OR t.passes <> 3 * (m.facts->'sums'->>'consumed_passes')::bigint
        UNION ALL
        SELECT format('programme %s', programme_id), format('%s returns from %s to %s', count(*), min(month), max(month))
        FROM monthly_returns GROUP BY programme_id
        HAVING count(*) <> 1 + 12 * (extract(year FROM max(month)) - extract(year FROM min(month)))
                             + extract(month FROM max(month)) - extract(month FROM min(month))""",
    "declarations_were_told_so": """
        SELECT format('declaration of %s, programme %s', d.year, d.programme_id), 'its archive is not the one that was declared'
        FROM declarations d WHERE NOT EXISTS (
            SELECT FROM events e WHERE e.action = 'declaration.freeze' AND e.subject = 'programme:' || d.programme_id
              AND (e.detail->>'year', e.detail->>'sha256') = (d.year::text, encode(d.archive_sha256, 'hex')))
        UNION ALL
        SELECT format('declaration of %s, programme %s', d.year, d.programme_id),
               format('a State share of %s c on %s c', d.state_cents, d.face_cents)
        FROM declarations d WHERE d.state_cents <> d.face_cents / 2""",
}

PROGRAMME_CHECKS: dict[str, str] = GRANT_CHECKS | LIFE_CHECKS | TOLD_CHECKS
