-- Prescribers and their stock, hand-outs, replacements. No beneficiary is here: answers are codes of a questionnaire,
-- and there is no column for anything that a person could have written.

CREATE TABLE prescribers (  -- organisations of a territory that hand booklets out
    id            integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    territory_id  integer NOT NULL REFERENCES territories,
    name          text NOT NULL CHECK (name <> ''),
    operator_id   integer REFERENCES operators,  -- when the same organisation accepts passes as well
    added_at      timestamptz NOT NULL,
    UNIQUE (territory_id, name)
);

CREATE TABLE prescriber_persons (  -- who hands out for it; who left stays known
    prescriber_id  integer NOT NULL REFERENCES prescribers,
    person_id      integer NOT NULL REFERENCES persons,
    joined_at      timestamptz NOT NULL,
    left_at        timestamptz,
    PRIMARY KEY (prescriber_id, person_id)
);

ALTER TABLE accounts DROP CONSTRAINT accounts_role_check;
ALTER TABLE accounts
    ADD CONSTRAINT accounts_role_check
        CHECK (role IN ('preparer', 'approver', 'funder', 'operator', 'auditor', 'prescriber')),
    ADD COLUMN prescriber_id integer REFERENCES prescribers,
    ADD CONSTRAINT accounts_hand_out_for_one CHECK ((role = 'prescriber') = (prescriber_id IS NOT NULL));
GRANT UPDATE (prescriber_id) ON accounts TO poincon_app;

-- Who holds which booklet ----------------------------------------------------------------------------------

CREATE TABLE transfers (  -- null: the territory's own stock
    id             integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    territory_id   integer NOT NULL REFERENCES territories,
    from_id        integer REFERENCES prescribers,
    to_id          integer REFERENCES prescribers CHECK (to_id IS DISTINCT FROM from_id),
    booklet_count  integer NOT NULL CHECK (booklet_count > 0),
    moved_at       timestamptz NOT NULL,
    moved_by       text NOT NULL CHECK (moved_by <> ''),
    reason         text NOT NULL CHECK (reason <> '')
);

CREATE TABLE transferred_booklets (
    transfer_id  integer NOT NULL REFERENCES transfers,
    booklet      bigint NOT NULL REFERENCES booklets,
    PRIMARY KEY (transfer_id, booklet)
);
CREATE INDEX transferred_booklets_booklet ON transferred_booklets (booklet);

CREATE TABLE booklet_custody (  -- where the last transfer took it
    booklet        bigint PRIMARY KEY,
    prescriber_id  integer REFERENCES prescribers,
    since          timestamptz NOT NULL,
    transfer_id    integer NOT NULL,
    FOREIGN KEY (transfer_id, booklet) REFERENCES transferred_booklets
);
CREATE INDEX booklet_custody_prescriber ON booklet_custody (prescriber_id) WHERE prescriber_id IS NOT NULL;

CREATE TABLE stock_counts (  -- somebody opened the safe and counted
    id             integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    prescriber_id  integer NOT NULL REFERENCES prescribers,
    counted_at     timestamptz NOT NULL,
    counted_by     text NOT NULL CHECK (counted_by <> ''),
    counted        integer NOT NULL CHECK (counted >= 0),
    expected       integer NOT NULL CHECK (expected >= 0)  -- by the record, at that instant
);

-- Questionnaires and hand-outs -----------------------------------------------------------------------------

CREATE TABLE questionnaires (  -- questions whose answers are codes; another wording is another version
    id            integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    programme_id  integer NOT NULL REFERENCES programmes,
    version       integer NOT NULL CHECK (version > 0),
    content       jsonb NOT NULL CHECK (jsonb_typeof(content->'questions') = 'array'),
    loaded_at     timestamptz NOT NULL,
    loaded_by     text NOT NULL CHECK (loaded_by <> ''),
    UNIQUE (programme_id, version)
);

CREATE TABLE handouts (
    id                integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    request_id        uuid NOT NULL UNIQUE,  -- of the form: a second tap is the same hand-out
    booklet           bigint NOT NULL REFERENCES booklets,
    first_pass        smallint NOT NULL CHECK (first_pass >= 1),
    last_pass         smallint NOT NULL CHECK (last_pass BETWEEN first_pass AND 255),
    prescriber_id     integer NOT NULL REFERENCES prescribers,
    person_id         integer NOT NULL REFERENCES persons,
    handed_at         timestamptz NOT NULL,
    -- A booklet that replaces one which its beneficiary had: nobody is asked or counted a second time.
    is_replacement    boolean NOT NULL DEFAULT false,
    questionnaire_id  integer REFERENCES questionnaires CHECK ((questionnaire_id IS NULL) = is_replacement),
    answers           jsonb CHECK ((answers IS NULL) = is_replacement),  -- question's code → code, or codes
    publics           text[] NOT NULL,  -- of the convention's categories, as the answers say
    undone_at         timestamptz,
    undone_by         text CHECK ((undone_by IS NULL) = (undone_at IS NULL)),
    undo_cause        text CHECK (undo_cause IN ('wrong_booklet', 'wrong_answers', 'not_taken'))
                      CHECK ((undo_cause IS NULL) = (undone_at IS NULL)),
    -- A pass is handed out once: booklet and pass in one number.
    CONSTRAINT handouts_once EXCLUDE USING gist
        (int8range(booklet * 256 + first_pass, booklet * 256 + last_pass, '[]') WITH &&) WHERE (undone_at IS NULL)
);
CREATE INDEX handouts_booklet ON handouts (booklet);
CREATE INDEX handouts_prescriber ON handouts (prescriber_id, handed_at);
CREATE TRIGGER handouts_guard BEFORE UPDATE ON handouts FOR EACH ROW
    EXECUTE FUNCTION guard_said_once('undone_at', 'undone_by', 'undo_cause');

-- Every question has its answer, every answer is among those that were offered: nothing else can be kept.
CREATE FUNCTION guard_answers() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    asked jsonb := (SELECT content->'questions' FROM questionnaires WHERE id = NEW.questionnaire_id);
    size smallint := (SELECT pass_count FROM booklets WHERE number = NEW.booklet);
BEGIN
    IF NEW.last_pass > size THEN
        RAISE EXCEPTION 'booklet % has % passes', NEW.booklet, size USING ERRCODE = 'check_violation';
    END IF;
    IF NOT NEW.is_replacement AND (
        jsonb_typeof(NEW.answers) <> 'object'
        OR (SELECT count(*) FROM jsonb_object_keys(NEW.answers)) <> jsonb_array_length(asked)
        OR EXISTS (
            SELECT FROM jsonb_array_elements(asked) AS q
            WHERE jsonb_typeof(NEW.answers->(q->>'code')) IS DISTINCT FROM
                  CASE q->>'kind' WHEN 'several' THEN 'array' ELSE 'string' END
               OR NOT (SELECT jsonb_agg(o->'code') FROM jsonb_array_elements(q->'options') AS o)
                      @> CASE q->>'kind' WHEN 'several' THEN NEW.answers->(q->>'code')
                                         ELSE jsonb_build_array(NEW.answers->(q->>'code')) END)) THEN
        RAISE EXCEPTION 'an answer is not among those of its questionnaire' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER handouts_answers BEFORE INSERT ON handouts FOR EACH ROW EXECUTE FUNCTION guard_answers();

-- Persons beside booklets.prescribed_by who handed a part of it, or its replacement, out: none accepts its passes.
CREATE TABLE co_prescriptions (
    booklet    bigint NOT NULL REFERENCES booklets,
    person_id  integer NOT NULL REFERENCES persons,
    PRIMARY KEY (booklet, person_id)
);
CREATE TRIGGER co_prescriptions_tell AFTER INSERT ON co_prescriptions
    FOR EACH STATEMENT EXECUTE FUNCTION tell_facts_changed();

-- Replacements ---------------------------------------------------------------------------------------------

-- Set once, with the cancellation: from then on no pass of it is taken, whatever an offline phone brings, because
-- what is left of it goes out again under another number.
ALTER TABLE booklets ADD COLUMN replaced_at timestamptz CHECK (replaced_at IS NULL OR cancelled_at IS NOT NULL);
GRANT UPDATE (replaced_at) ON booklets TO poincon_app;

CREATE FUNCTION guard_prescription() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'who prescribed booklet %, and that it was replaced, stays so', OLD.number
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER booklets_keep_prescription BEFORE UPDATE OF prescribed_by, replaced_at ON booklets FOR EACH ROW
    WHEN ((OLD.prescribed_by IS NOT NULL AND NEW.prescribed_by IS DISTINCT FROM OLD.prescribed_by)
          OR (OLD.replaced_at IS NOT NULL AND NEW.replaced_at IS DISTINCT FROM OLD.replaced_at))
    EXECUTE FUNCTION guard_prescription();

CREATE TABLE replacements (
    old_booklet   bigint PRIMARY KEY REFERENCES booklets,  -- once
    root_booklet  bigint NOT NULL REFERENCES booklets,     -- the first of the line
    decided_at    timestamptz NOT NULL,
    decided_by    text NOT NULL CHECK (decided_by <> ''),
    reason        text NOT NULL CHECK (reason <> ''),
    was_handed_out  boolean NOT NULL,
    -- Said in a second stage, when no scan that still saw the old one active can be on its way.
    done_at       timestamptz,
    passes        smallint CHECK (passes >= 0) CHECK ((passes IS NULL) = (done_at IS NULL)),
    new_booklet   bigint UNIQUE REFERENCES booklets CHECK ((new_booklet IS NOT NULL) = coalesce(passes > 0, false))
);
CREATE INDEX replacements_root ON replacements (root_booklet);
CREATE TRIGGER replacements_guard BEFORE UPDATE ON replacements FOR EACH ROW
    EXECUTE FUNCTION guard_said_once('done_at', 'passes', 'new_booklet');

-- Asked at commit: what goes out again is what was left, no more, and the old one is shut for good.
CREATE FUNCTION check_replacement() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    shut booklets;
    told replacements;
    new_size smallint;
BEGIN
    SELECT * INTO told FROM replacements r WHERE r.old_booklet = NEW.old_booklet;
    SELECT * INTO shut FROM booklets b WHERE b.number = told.old_booklet;
    SELECT b.pass_count INTO new_size FROM booklets b WHERE b.number = told.new_booklet;
    IF shut.replaced_at IS NULL OR (told.done_at IS NOT NULL AND (
           shut.released_at IS NULL OR coalesce(new_size, 0) <> told.passes
           OR told.passes > shut.pass_count - (SELECT count(*) FROM acceptances a
                                               WHERE a.booklet = shut.number AND a.undone_at IS NULL))) THEN
        RAISE EXCEPTION 'booklet % is replaced by more than was left of it', NEW.old_booklet
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER replacements_agree AFTER INSERT OR UPDATE ON replacements DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION check_replacement();

-- A replacement is where the booklet was that it stands for.
CREATE OR REPLACE VIEW booklet_territories AS
SELECT b.booklet, d.programme_id, d.territory_id, d.id AS delivery_id, d.grant_id, d.dispatched_at, d.delivered_at
FROM delivered_booklets b JOIN deliveries d ON d.id = b.delivery_id WHERE b.restitution_id IS NULL
UNION ALL
SELECT r.new_booklet, d.programme_id, d.territory_id, d.id, d.grant_id, d.dispatched_at, d.delivered_at
FROM replacements r JOIN delivered_booklets b ON b.booklet = r.root_booklet JOIN deliveries d ON d.id = b.delivery_id
WHERE r.new_booklet IS NOT NULL AND b.restitution_id IS NULL;

CREATE INDEX events_subject ON events (subject);  -- a booklet's own history

-- What every counter is counted from: each booklet with its programme, its territory and its line.
CREATE VIEW counted_booklets AS
SELECT b.number, coalesce(r.root_booklet, b.number) AS root, r.new_booklet IS NOT NULL AS is_replacement,
       t.programme_id, e.territory_id, b.state, b.pass_count, b.face_value_cents,
       b.activated_at IS NOT NULL AS was_active, p.expires_at, coalesce(away.passes, 0) AS reissued_passes
FROM booklets b JOIN batches t ON t.id = b.batch_id JOIN programmes p ON p.id = t.programme_id
LEFT JOIN replacements r ON r.new_booklet = b.number
LEFT JOIN replacements away ON away.old_booklet = b.number
LEFT JOIN booklet_territories e ON e.booklet = b.number;

-- claim_passes() of 0007, but for two conditions: a replaced booklet takes no more pass, and nobody takes what they
-- handed out: the record looks itself, whatever a validator has heard of.
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
            WHERE b.number = c.booklet AND b.activated_at <= c.judged_at
              AND (b.cancelled_at IS NULL OR b.cancelled_at > c.judged_at)
              AND b.released_at IS NULL AND b.replaced_at IS NULL
              AND (b.prescribed_by IS NULL OR NOT EXISTS (
                  SELECT FROM devices AS d WHERE d.id = c.device_id
                    AND (d.mediator_id = b.prescribed_by OR EXISTS (
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

-- Append-only, by trigger and by grants --------------------------------------------------------------------

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['transfers', 'transferred_booklets', 'stock_counts', 'questionnaires',
                                'co_prescriptions'] LOOP
        EXECUTE format('CREATE TRIGGER %1$s_append_only BEFORE UPDATE OR DELETE ON %1$s
                        FOR EACH ROW EXECUTE FUNCTION refuse_change()', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['prescribers', 'prescriber_persons', 'booklet_custody', 'handouts',
                                'replacements'] LOOP
        EXECUTE format('CREATE TRIGGER %1$s_kept BEFORE DELETE ON %1$s
                        FOR EACH ROW EXECUTE FUNCTION refuse_change()', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['prescribers', 'prescriber_persons', 'transfers', 'transferred_booklets',
                                'booklet_custody', 'stock_counts', 'questionnaires', 'handouts',
                                'co_prescriptions', 'replacements'] LOOP
        EXECUTE format('CREATE TRIGGER %1$s_not_emptied BEFORE TRUNCATE ON %1$s
                        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
        EXECUTE format('REVOKE ALL ON %1$s FROM PUBLIC', name);
        EXECUTE format('GRANT SELECT ON %1$s TO poincon_app, poincon_auditor', name);
        EXECUTE format('GRANT INSERT ON %1$s TO poincon_app', name);
    END LOOP;
END $$;
GRANT SELECT ON counted_booklets TO poincon_app, poincon_auditor;
GRANT UPDATE (left_at) ON prescriber_persons TO poincon_app;
GRANT UPDATE (prescriber_id, since, transfer_id) ON booklet_custody TO poincon_app;
GRANT UPDATE (undone_at, undone_by, undo_cause) ON handouts TO poincon_app;
GRANT UPDATE (done_at, passes, new_booklet) ON replacements TO poincon_app;
