-- Periods: months and years as they were told, which stay as told, and how the validity of a programme ends.

CREATE TABLE monthly_returns (  -- états mensuels: one per programme and month of Paris, frozen with its papers
    id            integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    programme_id  integer NOT NULL REFERENCES programmes,
    month         date NOT NULL CHECK (extract(day FROM month) = 1),
    -- Of the books when it was frozen. What is recorded later of this month, or of one before, is told by the next.
    last_entry    bigint NOT NULL CHECK (last_entry >= 0),
    facts         jsonb NOT NULL,  -- small cells are withheld in it already
    csv           bytea NOT NULL,
    csv_sha256    bytea NOT NULL CHECK (csv_sha256 = sha256(csv)),
    pdf           bytea NOT NULL,
    pdf_sha256    bytea NOT NULL CHECK (pdf_sha256 = sha256(pdf)),
    frozen_at     timestamptz NOT NULL,
    frozen_by     text NOT NULL CHECK (frozen_by <> ''),
    UNIQUE (programme_id, month),
    CHECK (frozen_at >= (month + interval '1 month') AT TIME ZONE 'Europe/Paris')
);

CREATE FUNCTION refuse_return_gap() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last record;
BEGIN
    SELECT month, last_entry INTO last FROM monthly_returns
    WHERE programme_id = NEW.programme_id ORDER BY month DESC LIMIT 1;
    IF FOUND AND (NEW.month <> (last.month + interval '1 month')::date OR NEW.last_entry < last.last_entry) THEN
        RAISE EXCEPTION 'the return of % would not follow that of %', NEW.month, last.month
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER monthly_returns_follow_each_other BEFORE INSERT ON monthly_returns
    FOR EACH ROW EXECUTE FUNCTION refuse_return_gap();

CREATE TABLE declarations (  -- to the State, per programme and year; its archive is made again from the record
    id              integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    programme_id    integer NOT NULL REFERENCES programmes,
    year            smallint NOT NULL CHECK (year BETWEEN 2000 AND 9999),
    passes          bigint NOT NULL CHECK (passes >= 0),
    face_cents      bigint NOT NULL CHECK (face_cents >= 0),
    state_cents     bigint NOT NULL CHECK (state_cents BETWEEN 0 AND face_cents),
    archive_sha256  bytea NOT NULL CHECK (length(archive_sha256) = 32),  -- of the whole, as its manifest tells it
    frozen_at       timestamptz NOT NULL,
    frozen_by       text NOT NULL CHECK (frozen_by <> ''),
    UNIQUE (programme_id, year)
);

-- The end of validity ------------------------------------------------------------------------------------

-- What was done at each stage, and by whom. An amendment of the last day begins the stages anew: they are of the
-- day that they prepare.
CREATE TABLE validity_stages (
    id            integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    programme_id  integer NOT NULL REFERENCES programmes,
    last_day      date NOT NULL,  -- of use, without grace
    stage         text NOT NULL CHECK (stage IN ('alert', 'block_proposed', 'block_approved', 'acknowledged',
                                                 'released')),
    at            timestamptz NOT NULL,
    by_person     integer REFERENCES persons CHECK (by_person IS NOT NULL OR stage IN ('alert', 'released')),
    actor         text NOT NULL CHECK (actor <> ''),
    booklets      bigint[] NOT NULL DEFAULT '{}',  -- that a block is about
    UNIQUE (programme_id, last_day, stage)
);

CREATE TABLE joint_statements (  -- états contradictoires: what is unused, told once and signed by both sides
    id               integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    programme_id     integer NOT NULL REFERENCES programmes,
    last_day         date NOT NULL,
    facts            jsonb NOT NULL,
    facts_sha256     bytea NOT NULL CHECK (length(facts_sha256) = 32),  -- what both signed, bit for bit
    unused_cents     bigint NOT NULL CHECK (unused_cents >= 0),
    drawn_at         timestamptz NOT NULL,
    drawn_by         text NOT NULL CHECK (drawn_by <> ''),
    UNIQUE (programme_id, last_day)
);

CREATE TABLE joint_signatures (
    statement_id  integer NOT NULL REFERENCES joint_statements,
    side          text NOT NULL CHECK (side IN ('trustee', 'funder')),
    person_id     integer NOT NULL REFERENCES persons,
    facts_sha256  bytea NOT NULL,  -- of what was on the screen
    signed_at     timestamptz NOT NULL,
    actor         text NOT NULL CHECK (actor <> ''),
    PRIMARY KEY (statement_id, side),
    UNIQUE (statement_id, person_id)  -- two sides, two persons
);

CREATE TABLE unused_decisions (  -- what becomes of the unused value: decided by the funder, once it is agreed
    id            integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    statement_id  integer NOT NULL REFERENCES joint_statements,
    kind          text NOT NULL CHECK (kind IN ('refund', 'swap', 'reissue')),
    amount_cents  bigint NOT NULL CHECK (amount_cents > 0),
    to_programme  integer REFERENCES programmes CHECK ((to_programme IS NULL) = (kind = 'refund')),
    reason        text NOT NULL CHECK (reason <> ''),
    decided_by    integer NOT NULL REFERENCES persons,
    decided_at    timestamptz NOT NULL,
    -- What left for another programme of the same funder; a refund's entry comes with the bank's line.
    entry         bigint UNIQUE REFERENCES book_entries CHECK ((entry IS NULL) = (kind = 'refund')),
    batch_id      integer UNIQUE REFERENCES batches CHECK ((batch_id IS NOT NULL) = (kind = 'reissue'))
);

CREATE TABLE refunds (  -- the line of the bank by which a funder got its money back
    bank_line_id  bigint PRIMARY KEY REFERENCES bank_lines,
    decision_id   integer NOT NULL UNIQUE REFERENCES unused_decisions,
    confirmed_at  timestamptz NOT NULL,
    confirmed_by  text NOT NULL CHECK (confirmed_by <> ''),
    entry         bigint NOT NULL UNIQUE REFERENCES book_entries
);

CREATE FUNCTION check_signature() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.facts_sha256 <> (SELECT facts_sha256 FROM joint_statements WHERE id = NEW.statement_id) THEN
        RAISE EXCEPTION 'what was signed is not what the statement says' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER joint_signatures_are_of_the_facts BEFORE INSERT ON joint_signatures
    FOR EACH ROW EXECUTE FUNCTION check_signature();

CREATE FUNCTION check_unused_decision() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    told record;
BEGIN
    PERFORM pg_advisory_xact_lock(18, NEW.statement_id);
    SELECT s.unused_cents, s.programme_id,
           (SELECT count(*) FROM joint_signatures g WHERE g.statement_id = s.id) AS signatures,
           (SELECT coalesce(sum(d.amount_cents), 0) FROM unused_decisions d WHERE d.statement_id = s.id) AS decided
    INTO told FROM joint_statements s WHERE s.id = NEW.statement_id;
    IF told.signatures < 2 THEN
        RAISE EXCEPTION 'the statement is not signed by both sides' USING ERRCODE = 'check_violation';
    END IF;
    IF told.decided + NEW.amount_cents > told.unused_cents THEN
        RAISE EXCEPTION 'decisions of % c exceed the unused % c', told.decided + NEW.amount_cents, told.unused_cents
            USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.to_programme IS NOT NULL
       AND (SELECT (count(*), count(DISTINCT funder)) FROM programmes
            WHERE id IN (NEW.to_programme, told.programme_id)) <> (2::bigint, 1::bigint) THEN
        RAISE EXCEPTION 'what is swapped or issued again goes to another programme of the same funder'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER unused_decisions_fit BEFORE INSERT ON unused_decisions
    FOR EACH ROW EXECUTE FUNCTION check_unused_decision();

CREATE FUNCTION check_refund() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM unused_decisions d JOIN bank_lines l ON l.amount_cents = -d.amount_cents
                   WHERE d.id = NEW.decision_id AND d.kind = 'refund' AND l.id = NEW.bank_line_id)
       OR EXISTS (SELECT FROM matches m WHERE m.bank_line_id = NEW.bank_line_id AND m.undone_at IS NULL) THEN
        RAISE EXCEPTION 'the line is not this refund, or transfers explain it' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refunds_are_their_lines BEFORE INSERT ON refunds FOR EACH ROW EXECUTE FUNCTION check_refund();
CREATE FUNCTION refuse_match_of_refund() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM refunds r WHERE r.bank_line_id = NEW.bank_line_id) THEN
        RAISE EXCEPTION 'the line gave a funder its money back' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER matches_are_no_refunds BEFORE INSERT ON matches FOR EACH ROW EXECUTE FUNCTION refuse_match_of_refund();

-- Once the money of expired passes left circulation, they can't be accepted: an amendment could only promise it.
CREATE FUNCTION refuse_amendment_after_release() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.last_day > OLD.last_day AND EXISTS (
        SELECT FROM booklets b JOIN batches t ON t.id = b.batch_id
        WHERE t.programme_id = NEW.id AND b.state = 'active' AND b.released_at IS NOT NULL) THEN
        RAISE EXCEPTION 'the money of this programme''s unused passes went back to its funds: issue new booklets'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER programmes_end_once BEFORE UPDATE OF last_day ON programmes
    FOR EACH ROW EXECUTE FUNCTION refuse_amendment_after_release();

-- Append-only, by trigger and by grants -------------------------------------------------------------------

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['monthly_returns', 'declarations', 'validity_stages', 'joint_statements',
                                'joint_signatures', 'unused_decisions', 'refunds'] LOOP
        EXECUTE format('CREATE TRIGGER %1$s_append_only BEFORE UPDATE OR DELETE ON %1$s
                        FOR EACH ROW EXECUTE FUNCTION refuse_change()', name);
        EXECUTE format('CREATE TRIGGER %1$s_not_emptied BEFORE TRUNCATE ON %1$s
                        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
        EXECUTE format('REVOKE ALL ON %s FROM PUBLIC', name);
        EXECUTE format('GRANT SELECT ON %s TO poincon_app, poincon_auditor', name);
        EXECUTE format('GRANT INSERT ON %s TO poincon_app', name);
    END LOOP;
END $$;
