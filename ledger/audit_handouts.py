"""The audit's questions about hand-outs and replacements. Each query gives a row (subject, detail) per
disagreement, none when all agrees."""

HANDOUT_CHECKS: dict[str, str] = {
    "nobody_takes_what_they_handed_out": """
        SELECT format('booklet %s pass %s', a.booklet, a.pass_number),
               format('taken by person %s, who handed the booklet out', d.mediator_id)
        FROM acceptances a JOIN devices d ON d.id = a.device_id JOIN booklets b ON b.number = a.booklet
        WHERE a.undone_at IS NULL AND (b.prescribed_by = d.mediator_id OR EXISTS (
            SELECT FROM co_prescriptions c WHERE (c.booklet, c.person_id) = (a.booklet, d.mediator_id)))""",
    "handouts_bar_their_person": """
        SELECT format('booklet %s', h.booklet),
               format('handed out by person %s, whom nothing bars from its passes', h.person_id)
        FROM handouts h JOIN booklets b ON b.number = h.booklet
        WHERE b.prescribed_by IS DISTINCT FROM h.person_id AND NOT EXISTS (
            SELECT FROM co_prescriptions c WHERE (c.booklet, c.person_id) = (h.booklet, h.person_id))
        UNION ALL
        SELECT format('booklet %s', c.booklet),
               format('person %s handed a part of it out, and scans do not look', c.person_id)
        FROM co_prescriptions c JOIN booklets b ON b.number = c.booklet WHERE NOT b.co_prescribed""",
    "handouts_have_events": """
        SELECT format('booklet %s', h.booklet), format('%s hand-outs, events tell of %s', h.count, e.count)
        FROM (SELECT booklet, count(*) FROM handouts GROUP BY booklet) AS h,
        LATERAL (SELECT count(*) FROM events e WHERE e.action = 'booklet.hand_out'
                   AND e.subject = 'booklet:' || h.booklet) AS e
        WHERE h.count <> e.count""",
    "replacements_agree": """
        SELECT format('booklet %s', r.old_booklet),
               format('%s passes left, %s issued again as booklet %s of %s',
                      o.pass_count - live.count, r.passes, r.new_booklet, n.pass_count)
        FROM replacements r JOIN booklets o ON o.number = r.old_booklet
        LEFT JOIN booklets n ON n.number = r.new_booklet,
        LATERAL (SELECT count(*) FROM acceptances a
                 WHERE a.booklet = r.old_booklet AND a.undone_at IS NULL) AS live
        WHERE o.replaced_at IS NULL OR (r.done_at IS NOT NULL AND (
            r.passes > o.pass_count - live.count OR coalesce(n.pass_count, 0) <> r.passes
            OR o.released_at IS NULL))
        UNION ALL
        SELECT format('booklet %s', b.number), 'told to be replaced, by no decision'
        FROM booklets b LEFT JOIN replacements r ON r.old_booklet = b.number
        WHERE b.replaced_at IS NOT NULL AND r.old_booklet IS NULL""",
    "custody_follows_transfers": """
        SELECT format('booklet %s', c.booklet), format('with prescriber %s, its last transfer says %s',
                                                       c.prescriber_id, t.to_id)
        FROM booklet_custody c JOIN LATERAL (
            SELECT t.to_id FROM transferred_booklets m JOIN transfers t ON t.id = m.transfer_id
            WHERE m.booklet = c.booklet ORDER BY t.id DESC LIMIT 1) AS t ON true
        WHERE c.prescriber_id IS DISTINCT FROM t.to_id""",
}
