-- Corrections and disputes: what the trustee decides about closed remittances, which themselves never change.
-- Cents are the operator's: a positive correction gives it more.

CREATE TABLE corrections (
    id                 integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    operator_id        integer NOT NULL REFERENCES operators,
    programme_id       integer NOT NULL REFERENCES programmes,  -- whose money it is
    amount_cents       bigint NOT NULL CHECK (amount_cents <> 0),
    cause              text NOT NULL CHECK (cause IN ('overpaid', 'fraud', 'error', 'goodwill')),
    reason             text NOT NULL CHECK (reason <> ''),  -- the operator reads it
    attempt_id         uuid,  -- the acceptance it is about, if it is about one
    decided_by         integer NOT NULL REFERENCES accounts,
    decided_at         timestamptz NOT NULL,
    -- One end at most: in a later remittance, in a letter that claims it, or on the disputed line itself.
    remittance_number  integer,
    claimed_at         timestamptz CHECK (claimed_at IS NULL OR amount_cents < 0),
    claimed_by         integer REFERENCES accounts CHECK ((claimed_by IS NULL) = (claimed_at IS NULL)),
    is_of_dispute      boolean NOT NULL DEFAULT false CHECK (NOT is_of_dispute OR amount_cents < 0),
    entry              bigint UNIQUE REFERENCES book_entries,
    CHECK ((remittance_number IS NOT NULL)::integer + (claimed_at IS NOT NULL)::integer
           + is_of_dispute::integer <= 1),
    CHECK ((entry IS NOT NULL) = (remittance_number IS NOT NULL OR is_of_dispute)),
    FOREIGN KEY (operator_id, remittance_number) REFERENCES remittances
);
CREATE INDEX corrections_waiting ON corrections (operator_id, id)
    WHERE remittance_number IS NULL AND claimed_at IS NULL AND NOT is_of_dispute;
CREATE INDEX corrections_netted ON corrections (operator_id, remittance_number)
    WHERE remittance_number IS NOT NULL;

CREATE FUNCTION guard_correction() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    ends text[] := ARRAY['remittance_number', 'claimed_at', 'claimed_by', 'entry'];
BEGIN
    IF OLD.remittance_number IS NOT NULL OR OLD.claimed_at IS NOT NULL OR OLD.is_of_dispute
       OR (to_jsonb(NEW) - ends) IS DISTINCT FROM (to_jsonb(OLD) - ends) THEN
        RAISE EXCEPTION 'a correction never changes, but for its one end; decide another'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER corrections_guard BEFORE UPDATE ON corrections FOR EACH ROW EXECUTE FUNCTION guard_correction();

-- Netted while its remittance is being closed, and never into one that others have seen closed.
CREATE FUNCTION guard_netting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM book_entries e
                   WHERE e.subject = 'remittance:' || NEW.operator_id || '/' || NEW.remittance_number
                     AND e.kind = 'remittance' AND e.written_by = pg_current_xact_id()) THEN
        RAISE EXCEPTION 'a closed remittance never changes; correct it in a later one'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER corrections_netted_at_closing AFTER INSERT OR UPDATE ON corrections
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.remittance_number IS NOT NULL)
    EXECUTE FUNCTION guard_netting();

-- Disputes: the rest of a remittance is paid ---------------------------------------------------------------

CREATE TABLE disputes (
    id             integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    operator_id    integer NOT NULL,
    number         integer NOT NULL,
    line           integer NOT NULL,
    programme_id   integer NOT NULL REFERENCES programmes,
    amount_cents   bigint NOT NULL CHECK (amount_cents > 0),
    reason         text NOT NULL CHECK (reason <> ''),  -- the operator reads it
    opened_by      integer NOT NULL REFERENCES accounts,
    opened_at      timestamptz NOT NULL,
    -- released: the line is paid after all, by a transfer of its own; corrected: it never is
    outcome        text CHECK (outcome IN ('released', 'corrected')),
    resolved_at    timestamptz CHECK ((resolved_at IS NULL) = (outcome IS NULL)),
    resolved_by    integer REFERENCES accounts CHECK ((resolved_by IS NULL) = (outcome IS NULL)),
    resolution     text CHECK (resolution <> '') CHECK ((resolution IS NULL) = (outcome IS NULL)),
    correction_id  integer UNIQUE REFERENCES corrections
                   CHECK ((correction_id IS NOT NULL) = (outcome IS NOT DISTINCT FROM 'corrected')),
    UNIQUE (operator_id, number, line),  -- a line is disputed once
    FOREIGN KEY (operator_id, number, line) REFERENCES remittance_lines (operator_id, number, line)
);

-- What is owed of a remittance, in portions that are paid apart: what nobody ever contested, then each dispute
-- that was released.
CREATE OR REPLACE VIEW remittance_portions AS
SELECT operator_id, number, 0 AS portion, programme_id, sum(amount_cents)::bigint AS amount_cents
FROM (
    SELECT operator_id, number, programme_id, total_cents AS amount_cents FROM remittance_parts
    UNION ALL
    SELECT operator_id, remittance_number, programme_id, amount_cents FROM corrections
    WHERE remittance_number IS NOT NULL
    UNION ALL
    SELECT operator_id, number, programme_id, -amount_cents FROM disputes
) AS uncontested
GROUP BY operator_id, number, programme_id HAVING sum(amount_cents) > 0
UNION ALL
SELECT operator_id, number, id, programme_id, amount_cents FROM disputes WHERE outcome = 'released';

-- Run as its owner, for the lock: a transfer of this remittance that is being prepared is waited for, and one that
-- comes later waits, and is then held against what is left.
CREATE FUNCTION guard_new_dispute() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM FROM remittances AS r WHERE (r.operator_id, r.number) = (NEW.operator_id, NEW.number) FOR UPDATE;
    IF NOT EXISTS (
        SELECT FROM remittance_lines l JOIN booklets b ON b.number = l.booklet JOIN batches t ON t.id = b.batch_id
        WHERE (l.operator_id, l.number, l.line, l.amount_cents, t.programme_id)
              = (NEW.operator_id, NEW.number, NEW.line, NEW.amount_cents, NEW.programme_id)) THEN
        RAISE EXCEPTION 'a dispute holds exactly its line' USING ERRCODE = 'restrict_violation';
    END IF;
    IF EXISTS (
        SELECT FROM payout_attempts a WHERE (a.operator_id, a.number, a.portion) = (NEW.operator_id, NEW.number, 0)
          AND a.state IN ('prepared', 'sent', 'booked')) THEN
        RAISE EXCEPTION 'what is being paid can''t be held; decide a correction'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER disputes_added BEFORE INSERT ON disputes FOR EACH ROW EXECUTE FUNCTION guard_new_dispute();

CREATE FUNCTION guard_dispute() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    ends text[] := ARRAY['outcome', 'resolved_at', 'resolved_by', 'resolution', 'correction_id'];
BEGIN
    IF OLD.outcome IS NOT NULL OR (to_jsonb(NEW) - ends) IS DISTINCT FROM (to_jsonb(OLD) - ends) THEN
        RAISE EXCEPTION 'a dispute never changes, but for being resolved once' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER disputes_guard BEFORE UPDATE ON disputes FOR EACH ROW EXECUTE FUNCTION guard_dispute();

-- Never changed unseen, by trigger and by grants ------------------------------------------------------------

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['corrections', 'disputes'] LOOP
        EXECUTE format('CREATE TRIGGER %1$s_kept BEFORE DELETE ON %1$s
                        FOR EACH ROW EXECUTE FUNCTION refuse_change()', name);
        EXECUTE format('CREATE TRIGGER %1$s_not_emptied BEFORE TRUNCATE ON %1$s
                        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
    END LOOP;
END $$;
REVOKE ALL ON corrections, disputes FROM PUBLIC;
GRANT SELECT ON corrections, disputes, remittance_portions TO poincon_app, poincon_auditor;
GRANT INSERT ON corrections, disputes TO poincon_app;
GRANT UPDATE (remittance_number, claimed_at, claimed_by, entry) ON corrections TO poincon_app;
GRANT UPDATE (outcome, resolved_at, resolved_by, resolution, correction_id) ON disputes TO poincon_app;
