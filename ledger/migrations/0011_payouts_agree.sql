-- What a transfer says of itself and what the bank's lines say of it agree, whoever writes: moves that are allowed,
-- checked again at commit; and how far the payment of a remittance is, read from both.

-- A line explains no more than it moved, whether by transfers or as a programme's money.
CREATE FUNCTION check_line_explained() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM (SELECT DISTINCT bank_line_id FROM added) AS touched
        JOIN bank_lines l ON l.id = touched.bank_line_id
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(m.amount_cents), 0) AS cents, coalesce(bool_or(sign(m.amount_cents)
                   <> sign(l.amount_cents)), false) AS contrary, count(*) AS matches
            FROM matches m WHERE m.bank_line_id = l.id AND m.undone_at IS NULL) AS told
        WHERE told.contrary OR abs(told.cents) > abs(l.amount_cents)
           OR (told.matches > 0 AND EXISTS (SELECT FROM fundings f WHERE f.bank_line_id = l.id))
    ) THEN
        RAISE EXCEPTION 'a bank line can''t explain more than it moved' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER matches_fit_their_line AFTER INSERT ON matches REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION check_line_explained();
CREATE TRIGGER fundings_fit_their_line AFTER INSERT ON fundings REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION check_line_explained();

CREATE FUNCTION guard_payout_attempt() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    batch_state text := (SELECT state FROM payout_batches WHERE id = OLD.batch_id);
BEGIN
    -- A generated column is not there yet.
    IF (to_jsonb(NEW) - ARRAY['end_to_end_id', 'state', 'account_id', 'holder', 'iban', 'bic',
                                 'changed_at', 'reason'])
       IS DISTINCT FROM
       (to_jsonb(OLD) - ARRAY['end_to_end_id', 'state', 'account_id', 'holder', 'iban', 'bic',
                                 'changed_at', 'reason'])
       OR (OLD.account_id IS NOT NULL AND (NEW.account_id, NEW.holder, NEW.iban, NEW.bic)
           IS DISTINCT FROM (OLD.account_id, OLD.holder, OLD.iban, OLD.bic)) THEN
        RAISE EXCEPTION 'transfer % never changes but for its state', OLD.end_to_end_id
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.state = OLD.state OR (OLD.state, NEW.state) IN (('sent', 'booked'), ('sent', 'rejected'),
                                                           ('booked', 'returned'))
       OR ((OLD.state, NEW.state) = ('prepared', 'sent') AND NEW.account_id IS NOT NULL
           AND batch_state NOT IN ('draft', 'approved', 'cancelled'))
       OR ((OLD.state, NEW.state) = ('prepared', 'cancelled') AND batch_state = 'cancelled')
       -- Back, only together with the undoing of the match that had brought it here.
       OR ((OLD.state, NEW.state) IN (('booked', 'sent'), ('returned', 'booked'))
           AND EXISTS (SELECT FROM matches m WHERE m.attempt_id = OLD.id
                       AND m.kind = CASE OLD.state WHEN 'booked' THEN 'payout' ELSE 'return' END
                       AND m.undone_in = pg_current_xact_id())) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'transfer % is %: it can''t become %', OLD.end_to_end_id, OLD.state, NEW.state
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER payout_attempts_guard BEFORE UPDATE ON payout_attempts
    FOR EACH ROW EXECUTE FUNCTION guard_payout_attempt();

-- Asked at commit: what an attempt says of itself and what the lines say of it are the same.
CREATE FUNCTION check_attempt_matches() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wanted integer := (to_jsonb(NEW)->>CASE TG_TABLE_NAME WHEN 'matches' THEN 'attempt_id' ELSE 'id' END)::integer;
    attempt payout_attempts;
    told record;
BEGIN
    IF wanted IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT * INTO attempt FROM payout_attempts WHERE id = wanted;
    SELECT coalesce(-sum(amount_cents) FILTER (WHERE kind = 'payout'), 0) AS left_cents,
           count(*) FILTER (WHERE kind = 'return') AS returns
    INTO told FROM matches WHERE attempt_id = wanted AND undone_at IS NULL;
    IF (told.left_cents, told.returns) IS DISTINCT FROM
       (CASE WHEN attempt.state IN ('booked', 'returned') THEN attempt.amount_cents ELSE 0 END::numeric,
        CASE attempt.state WHEN 'returned' THEN 1 ELSE 0 END::bigint) THEN
        RAISE EXCEPTION 'transfer % is %, and the bank''s lines say otherwise', attempt.end_to_end_id, attempt.state
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER payout_attempts_agree AFTER UPDATE OF state ON payout_attempts
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_attempt_matches();
CREATE CONSTRAINT TRIGGER matches_agree AFTER INSERT OR UPDATE ON matches
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_attempt_matches();

CREATE FUNCTION guard_statement_line() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.bank_line_id IS NOT NULL
       OR (to_jsonb(NEW) - 'bank_line_id') IS DISTINCT FROM (to_jsonb(OLD) - 'bank_line_id') THEN
        RAISE EXCEPTION 'what the bank wrote never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER statement_lines_guard BEFORE UPDATE ON statement_lines
    FOR EACH ROW EXECUTE FUNCTION guard_statement_line();

-- How far the payment of a remittance is; what it means is in ledger/remittance_rows.py.
CREATE VIEW remittance_payments AS
SELECT r.operator_id, r.number,
       (SELECT coalesce(sum(p.amount_cents), 0)::bigint FROM remittance_portions p
        WHERE (p.operator_id, p.number) = (r.operator_id, r.number)) AS owed_cents,
       coalesce(a.moving_cents, 0)::bigint AS moving_cents, coalesce(a.paid_cents, 0)::bigint AS paid_cents,
       a.paid_at, coalesce(a.came_back, false) AS came_back, a.bank_reference
FROM remittances r LEFT JOIN LATERAL (
    SELECT sum(a.amount_cents) FILTER (WHERE a.state = 'sent' OR (a.state = 'prepared' AND b.state <> 'draft'))
               AS moving_cents,
           sum(a.amount_cents) FILTER (WHERE a.state = 'booked') AS paid_cents,
           max(l.booked_on::timestamp AT TIME ZONE 'Europe/Paris') FILTER (WHERE a.state = 'booked') AS paid_at,
           bool_or(a.state IN ('returned', 'rejected')) AS came_back,
           string_agg(a.end_to_end_id, ', ' ORDER BY a.attempt) FILTER (WHERE a.state = 'booked')
               AS bank_reference
    FROM payout_attempts a JOIN payout_batches b ON b.id = a.batch_id
    LEFT JOIN matches m ON m.attempt_id = a.id AND m.kind = 'payout' AND m.undone_at IS NULL
    LEFT JOIN bank_lines l ON l.id = m.bank_line_id
    WHERE (a.operator_id, a.number) = (r.operator_id, r.number)) AS a ON true;
GRANT SELECT ON remittance_payments TO poincon_app, poincon_auditor;
