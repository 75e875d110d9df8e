-- Remittances: closed once, numbered without gap per operator, never changed. One remittance may hold passes of
-- several programmes; its parts say how much each of them owes, because each funder's money is kept apart.

-- What is published and promised: days from the closing to the payment.
ALTER TABLE programmes ADD COLUMN payment_delay_days smallint NOT NULL DEFAULT 30
    CHECK (payment_delay_days BETWEEN 0 AND 365);
GRANT UPDATE (payment_delay_days) ON programmes TO poincon_app;

-- The code of a service is hashed into the lines of remittances, and stands as a cell in their CSV, where a
-- leading hyphen would begin a formula.
ALTER TABLE services ADD CHECK (code !~ '^-');
CREATE FUNCTION refuse_service_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the code of a service is hashed into remittances and never changes; add a service'
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER services_keep_code BEFORE UPDATE ON services
    FOR EACH ROW WHEN ((NEW.id, NEW.code) IS DISTINCT FROM (OLD.id, OLD.code))
    EXECUTE FUNCTION refuse_service_change();

ALTER TABLE remittances
    ADD COLUMN lines_sha256   bytea NOT NULL CHECK (octet_length(lines_sha256) = 32),
    ADD COLUMN closed_by      text NOT NULL CHECK (closed_by <> ''),  -- an actor, as in events: `device:12`
    ADD COLUMN certified_by   integer REFERENCES persons,  -- null: closed by a calendar
    ADD COLUMN certification  text NOT NULL CHECK (certification <> ''),  -- word for word
    ADD COLUMN request_id     uuid,  -- named by whom asked, so that a repeat is told the same remittance
    -- How parties were called when it was closed: a bordereau printed again reads the same.
    ADD COLUMN names          jsonb NOT NULL,
    ADD CONSTRAINT remittances_one_per_request UNIQUE (operator_id, request_id);

CREATE TABLE remittance_parts (  -- what one programme's funds owe of a remittance
    operator_id         integer NOT NULL,
    number              integer NOT NULL,
    programme_id        integer NOT NULL REFERENCES programmes,
    line_count          integer NOT NULL CHECK (line_count > 0),
    total_cents         bigint NOT NULL CHECK (total_cents > 0),
    payment_delay_days  smallint NOT NULL CHECK (payment_delay_days >= 0),  -- as published when it was closed
    PRIMARY KEY (operator_id, number, programme_id),
    FOREIGN KEY (operator_id, number) REFERENCES remittances
);

-- Numbers have no gap ------------------------------------------------------------------------------------

CREATE FUNCTION refuse_gap() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last integer := (SELECT coalesce(max(number), 0) FROM remittances WHERE operator_id = NEW.operator_id);
BEGIN
    IF NEW.number <> last + 1 THEN
        RAISE EXCEPTION 'remittance % of operator % would leave a gap after %', NEW.number, NEW.operator_id, last
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER remittances_have_no_gap BEFORE INSERT ON remittances
    FOR EACH ROW EXECUTE FUNCTION refuse_gap();

-- Lines are live acceptances, and no line joins a remittance that is complete ---------------------------

CREATE FUNCTION guard_remittance_lines() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM added AS l WHERE NOT EXISTS (
            SELECT FROM acceptances AS a
            WHERE (a.booklet, a.pass_number, a.attempt_id, a.operator_id, a.amount_cents)
                  = (l.booklet, l.pass_number, l.attempt_id, l.operator_id, l.amount_cents)
              AND a.undone_at IS NULL)
    ) THEN
        RAISE EXCEPTION 'a line of a remittance must be a live acceptance of its operator'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF EXISTS (
        SELECT FROM (SELECT DISTINCT operator_id, number FROM added) AS touched
        JOIN remittances AS r USING (operator_id, number)
        WHERE r.line_count < (SELECT count(*) FROM remittance_lines AS l
                              WHERE (l.operator_id, l.number) = (r.operator_id, r.number))
    ) THEN
        RAISE EXCEPTION 'a closed remittance never changes; correct it in a later one'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER remittance_lines_guard AFTER INSERT ON remittance_lines REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION guard_remittance_lines();

CREATE FUNCTION guard_remittance_parts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT sum(p.line_count) FROM remittance_parts AS p
        WHERE (p.operator_id, p.number) = (NEW.operator_id, NEW.number))
       > (SELECT r.line_count FROM remittances AS r
          WHERE (r.operator_id, r.number) = (NEW.operator_id, NEW.number)) THEN
        RAISE EXCEPTION 'a closed remittance never changes; correct it in a later one'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER remittance_parts_guard AFTER INSERT ON remittance_parts
    FOR EACH ROW EXECUTE FUNCTION guard_remittance_parts();

-- Asked at commit, when lines and parts are all there.
CREATE FUNCTION check_remittance_sums() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    lines record;
    parts record;
BEGIN
    SELECT count(*) AS count, coalesce(sum(amount_cents), 0) AS cents, max(line) AS last INTO lines
    FROM remittance_lines WHERE (operator_id, number) = (NEW.operator_id, NEW.number);
    SELECT coalesce(sum(line_count), 0) AS count, coalesce(sum(total_cents), 0) AS cents INTO parts
    FROM remittance_parts WHERE (operator_id, number) = (NEW.operator_id, NEW.number);
    IF (lines.count, lines.cents, lines.last) IS DISTINCT FROM
       (NEW.line_count::bigint, NEW.total_cents, NEW.line_count)
       OR (parts.count, parts.cents) IS DISTINCT FROM (NEW.line_count::bigint, NEW.total_cents::numeric) THEN
        RAISE EXCEPTION 'remittance % of operator % tells % lines and % c; its lines are % and % c, its parts % and % c',
            NEW.number, NEW.operator_id, NEW.line_count, NEW.total_cents,
            lines.count, lines.cents, parts.count, parts.cents
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER remittances_sum AFTER INSERT ON remittances DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION check_remittance_sums();

-- What is in a remittance is consumed. ledger/ keeps undo and closing apart by a lock per operator; this tells
-- whoever forgets it.
CREATE FUNCTION refuse_undo_of_remitted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM remittance_lines AS l WHERE (l.booklet, l.pass_number, l.attempt_id)
                                                       = (NEW.booklet, NEW.pass_number, NEW.attempt_id)) THEN
        RAISE EXCEPTION 'this acceptance is in a remittance; correct it in a later one'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER acceptances_remitted_stay BEFORE UPDATE OF undone_at ON acceptances
    FOR EACH ROW EXECUTE FUNCTION refuse_undo_of_remitted();

-- Append-only, by trigger and by grants ------------------------------------------------------------------

CREATE TRIGGER remittance_parts_append_only BEFORE UPDATE OR DELETE ON remittance_parts
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER remittance_parts_not_emptied BEFORE TRUNCATE ON remittance_parts
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
REVOKE ALL ON remittance_parts FROM PUBLIC;
GRANT SELECT ON remittance_parts TO poincon_app, poincon_auditor;
GRANT INSERT ON remittance_parts TO poincon_app;
