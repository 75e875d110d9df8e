-- What attackers found of programmes: a hand-out and a scan of the same person at once, booklets that come back twice,
-- and rules that could be rewritten without a trace.

-- Booklets that several persons handed out are few: scans of the others need not look for them.
ALTER TABLE booklets ADD COLUMN co_prescribed boolean NOT NULL DEFAULT false;
UPDATE booklets SET co_prescribed = true WHERE number IN (SELECT booklet FROM co_prescriptions);
GRANT UPDATE (co_prescribed) ON booklets TO poincon_app;
CREATE FUNCTION mark_co_prescribed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE booklets b SET co_prescribed = true
    WHERE b.number IN (SELECT booklet FROM added) AND NOT b.co_prescribed;
    RETURN NULL;
END $$;
CREATE TRIGGER co_prescriptions_mark AFTER INSERT ON co_prescriptions REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION mark_co_prescribed();

-- claim_passes() of 0015, but for one lock, and for how it looks up who handed a booklet out.
CREATE OR REPLACE FUNCTION claim_passes(
    booklets bigint[], pass_numbers smallint[], attempt_ids uuid[], device_ids integer[], site_ids integer[],
    operator_ids integer[], service_ids smallint[], amounts_cents integer[], scanned_ats timestamptz[],
    judged_ats timestamptz[], may_take boolean[], logged_as text[], seals bigint[],
    flush_at timestamptz, signing_key_id smallint
) RETURNS TABLE (
    ordinal bigint, outcome text, attempt_id uuid, accepted_at timestamptz, site_id integer,
    operator_id integer, amount_cents integer, receipt_key_id smallint, undone_at timestamptz, ever_undone boolean
)
LANGUAGE plpgsql VOLATILE
-- The tables may have been empty when the plan was made: only index look-ups stay right as they grow.
SET enable_seqscan TO off
SET plan_cache_mode TO force_generic_plan
AS $$
#variable_conflict use_column
BEGIN
    -- One attempt id names one physical scan. Its lock is held to the end, so that two requests which reuse an
    -- id for two passes see each other below. Sorted, and taken before any row: no cycle with other flushes.
    PERFORM pg_advisory_xact_lock(locks.key) FROM (
        SELECT DISTINCT uuid_hash_extended(a, 0) AS key FROM unnest(attempt_ids) AS a ORDER BY 1
    ) AS locks;
    -- Who is handing a booklet out holds this lock alone: nobody both takes a pass and hands it out at once, each
    -- seeing nothing of the other. After every attempt's, and sorted: no cycle either.
    PERFORM pg_advisory_xact_lock_shared(21, locks.key) FROM (
        SELECT DISTINCT hashint8(b) AS key FROM unnest(booklets) AS b ORDER BY 1
    ) AS locks;

    -- LATERAL … LIMIT 1 keeps each look-up an index probe. The one live row per pass is the partial
    -- unique index's to decide; sorted by key against deadlocks.
    WITH taken AS (
        INSERT INTO acceptances AS new (booklet, pass_number, attempt_id, accepted_at, device_id, site_id,
                                        operator_id, amount_cents, receipt_key_id, service_id, seal, scanned_at)
        SELECT c.booklet, c.pass_number, c.attempt_id, flush_at, c.device_id, c.site_id,
               c.operator_id, c.amount_cents, signing_key_id, c.service_id, c.seal, c.scanned_at
        FROM unnest(booklets, pass_numbers, attempt_ids, device_ids, site_ids, operator_ids, service_ids,
                    amounts_cents, seals, scanned_ats, judged_ats, may_take)
             AS c (booklet, pass_number, attempt_id, device_id, site_id, operator_id, service_id,
                   amount_cents, seal, scanned_at, judged_at, may_take)
        -- The record decides, not the validator's snapshot of it.
        CROSS JOIN LATERAL (
            SELECT FROM booklets AS b
            LEFT JOIN devices AS d ON d.id = c.device_id AND b.prescribed_by IS NOT NULL
            WHERE b.number = c.booklet AND b.activated_at <= c.judged_at
              AND (b.cancelled_at IS NULL OR b.cancelled_at > c.judged_at)
              AND b.released_at IS NULL AND b.replaced_at IS NULL
              AND (b.prescribed_by IS NULL OR (b.prescribed_by <> d.mediator_id AND (
                  NOT b.co_prescribed OR NOT EXISTS (
                      SELECT FROM co_prescriptions AS o
                      WHERE o.booklet = b.number AND o.person_id = d.mediator_id))))
              AND c.pass_number <= b.pass_count AND b.face_value_cents = c.amount_cents LIMIT 1
        ) AS acceptable
        WHERE c.may_take
          AND NOT EXISTS (SELECT FROM acceptances AS own WHERE own.attempt_id = c.attempt_id)
        ORDER BY c.booklet, c.pass_number
        ON CONFLICT (booklet, pass_number) WHERE undone_at IS NULL DO NOTHING
        RETURNING new.seal
    )
    INSERT INTO flushes (at, seals)
    SELECT flush_at, array_agg(taken.seal) FROM taken HAVING count(*) > 0;

    -- A second statement on purpose: the first reads with the snapshot it started with, and would find no row
    -- when a rival commits while its insert waits. READ COMMITTED gives this one a new snapshot.
    RETURN QUERY
    WITH judged AS (
        SELECT c.*, own.row AS own, live.row AS live,
               CASE
                   WHEN own.is_new THEN 'taken'
                   WHEN (own.row).booklet = c.booklet AND (own.row).pass_number = c.pass_number
                        AND (own.row).device_id = c.device_id THEN 'repeated'
                   WHEN own.is_new IS NOT NULL THEN 'conflict'
                   WHEN (live.row).attempt_id IS NOT NULL THEN 'rival'
                   ELSE 'untaken'
               END AS outcome
        FROM unnest(booklets, pass_numbers, attempt_ids, device_ids, scanned_ats, may_take, logged_as)
             WITH ORDINALITY
             AS c (booklet, pass_number, attempt_id, device_id, scanned_at, may_take, logged_as, ordinal)
        LEFT JOIN LATERAL (
            SELECT a AS row, a.xmin IS NOT DISTINCT FROM pg_current_xact_id_if_assigned()::xid AS is_new
            FROM acceptances AS a WHERE a.attempt_id = c.attempt_id LIMIT 1
        ) AS own ON true
        LEFT JOIN LATERAL (
            SELECT a AS row FROM acceptances AS a
            WHERE a.booklet = c.booklet AND a.pass_number = c.pass_number AND a.undone_at IS NULL
            LIMIT 1
        ) AS live ON own.is_new IS NULL
    ), logged AS (
        -- No "accepted" without a commit of our own after the read: a repeat writes too.
        INSERT INTO attempts (booklet, attempt_id, at, scanned_at, device_id, pass_number, outcome)
        SELECT j.booklet, j.attempt_id, flush_at, j.scanned_at, j.device_id, j.pass_number,
               CASE j.outcome WHEN 'rival' THEN 'already_accepted' WHEN 'untaken' THEN 'too_late' ELSE j.outcome END
        FROM judged AS j
        WHERE j.outcome = 'repeated' OR (j.outcome = 'rival' AND j.may_take)
           OR (j.outcome = 'untaken' AND j.logged_as = 'too_late')
    )
    SELECT j.ordinal, j.outcome, coalesce((j.own).attempt_id, (j.live).attempt_id),
           coalesce((j.own).accepted_at, (j.live).accepted_at), coalesce((j.own).site_id, (j.live).site_id),
           coalesce((j.own).operator_id, (j.live).operator_id),
           coalesce((j.own).amount_cents, (j.live).amount_cents),
           coalesce((j.own).receipt_key_id, (j.live).receipt_key_id), (j.own).undone_at,
           EXISTS (SELECT FROM acceptances AS u WHERE u.booklet = j.booklet AND u.pass_number = j.pass_number
                   AND u.undone_at IS NOT NULL)
    FROM judged AS j;
END $$;

-- What was replaced is in circulation under its new number: it does not come back, and frees nothing of the stock.
CREATE OR REPLACE FUNCTION check_restitution() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    told record;
BEGIN
    SELECT count(*) AS booklets, coalesce(sum(b.pass_count), 0) AS passes,
           count(*) FILTER (WHERE (d.programme_id, d.territory_id) <> (NEW.programme_id, NEW.territory_id)
                            OR b.prescribed_by IS NOT NULL OR b.replaced_at IS NOT NULL
                            OR EXISTS (SELECT FROM acceptances a WHERE a.booklet = b.number
                                       AND a.undone_at IS NULL)) AS strange INTO told
    FROM delivered_booklets l JOIN booklets b ON b.number = l.booklet JOIN deliveries d ON d.id = l.delivery_id
    WHERE l.restitution_id = NEW.id;
    IF (told.booklets, told.passes, told.strange)
       IS DISTINCT FROM (NEW.booklet_count::bigint, NEW.passes::bigint, 0::bigint) THEN
        RAISE EXCEPTION 'restitution % tells % booklets and % passes; they are % and %, % can''t come back',
            NEW.id, NEW.booklet_count, NEW.passes, told.booklets, told.passes, told.strange
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;

-- Of each version as it was written: who rewrites one has two places to change, and the audit names it.
ALTER TABLE programme_rules ADD COLUMN sha256 bytea CHECK (octet_length(sha256) = 32);
CREATE FUNCTION hash_of_rules(told programme_rules) RETURNS bytea LANGUAGE sql STABLE
    -- The instant apart: as JSON it would be told in the time zone of whoever asks.
    RETURN sha256(convert_to((to_jsonb(told) - ARRAY['sha256', 'decided_at'])::text
                             || extract(epoch FROM told.decided_at)::text, 'UTF8'));
CREATE FUNCTION seal_rules() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.sha256 := hash_of_rules(NEW);
    RETURN NEW;
END $$;
CREATE TRIGGER programme_rules_sealed BEFORE INSERT ON programme_rules FOR EACH ROW EXECUTE FUNCTION seal_rules();
ALTER TABLE programme_rules DISABLE TRIGGER programme_rules_append_only;
UPDATE programme_rules r SET sha256 = hash_of_rules(r);
ALTER TABLE programme_rules ENABLE TRIGGER programme_rules_append_only;
ALTER TABLE programme_rules ALTER COLUMN sha256 SET NOT NULL;
-- Days are counted before and after it: past the ends of a calendar no clerk and no page could tell them.
ALTER TABLE programme_rules ADD CONSTRAINT programme_rules_last_day
    CHECK (last_day_of_use BETWEEN '2000-01-01' AND '2999-12-31') NOT VALID;
