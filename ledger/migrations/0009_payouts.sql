-- Payouts and the bank's answers: whom to pay on which account, batches of transfers, statements, and what
-- explains each line of them. Money leaves once: the record, not the program, refuses the second time.

-- Accounts that are paid, and the one that pays. Two persons, compared as persons and not as logins ---------

CREATE TABLE operator_bank_accounts (
    id            integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    operator_id   integer NOT NULL REFERENCES operators,
    holder        text NOT NULL CHECK (holder <> ''),  -- exactly as the bank knows it
    iban          text NOT NULL CHECK (iban ~ '^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$'),
    bic           text CHECK (bic ~ '^[A-Z0-9]{8}([A-Z0-9]{3})?$'),
    proof         text NOT NULL CHECK (proof <> ''),  -- what was seen: « RIB reçu le… »
    proof_sha256  bytea CHECK (octet_length(proof_sha256) = 32),
    proposed_at   timestamptz NOT NULL,
    proposed_by   integer NOT NULL REFERENCES persons,
    approved_at   timestamptz CHECK ((approved_at IS NULL) = (approved_by IS NULL)),
    approved_by   integer REFERENCES persons CHECK (approved_by <> proposed_by),
    usable_from   timestamptz CHECK (usable_from >= approved_at)
                  CHECK ((usable_from IS NULL) = (approved_at IS NULL)),
    refused_at    timestamptz CHECK (refused_at IS NULL OR approved_at IS NULL),
    blocked_at    timestamptz CHECK (blocked_at IS NULL OR approved_at IS NOT NULL),
    blocked_why   text CHECK ((blocked_why IS NULL) = (blocked_at IS NULL)),
    vop_result    jsonb  -- what a Verification of Payee answered, once a bank is asked
);
CREATE INDEX operator_bank_accounts_operator ON operator_bank_accounts (operator_id, approved_at);
CREATE UNIQUE INDEX operator_bank_accounts_one_proposal ON operator_bank_accounts (operator_id)
    WHERE approved_at IS NULL AND refused_at IS NULL;

CREATE TABLE trustee_accounts (
    id              integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    holder          text NOT NULL CHECK (holder <> ''),
    iban            text NOT NULL CHECK (iban ~ '^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$'),
    bic             text CHECK (bic ~ '^[A-Z0-9]{8}([A-Z0-9]{3})?$'),
    proposed_at     timestamptz NOT NULL,
    proposed_by     integer NOT NULL REFERENCES persons,
    approved_at     timestamptz CHECK ((approved_at IS NULL) = (approved_by IS NULL)),
    approved_by     integer REFERENCES persons CHECK (approved_by <> proposed_by),
    -- Which statements are booked; set by the first. The bank tells the same movement in several formats, and
    -- the others give detail only.
    booking_format  text CHECK (booking_format IN ('camt.053', 'cfonb120'))
);

CREATE FUNCTION guard_bank_account() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    field text;
BEGIN
    IF (to_jsonb(NEW) - ARRAY['approved_at', 'approved_by', 'usable_from', 'refused_at', 'blocked_at',
                              'blocked_why', 'vop_result', 'booking_format'])
       IS DISTINCT FROM
       (to_jsonb(OLD) - ARRAY['approved_at', 'approved_by', 'usable_from', 'refused_at', 'blocked_at',
                              'blocked_why', 'vop_result', 'booking_format']) THEN
        RAISE EXCEPTION 'a bank account never changes; propose another one' USING ERRCODE = 'restrict_violation';
    END IF;
    FOREACH field IN ARRAY ARRAY['approved_at', 'approved_by', 'usable_from', 'refused_at', 'blocked_at',
                                 'blocked_why', 'booking_format'] LOOP
        IF to_jsonb(OLD)->>field IS NOT NULL AND to_jsonb(NEW)->>field IS DISTINCT FROM to_jsonb(OLD)->>field THEN
            RAISE EXCEPTION '% of a bank account is said once; propose another account', field
                USING ERRCODE = 'restrict_violation';
        END IF;
    END LOOP;
    RETURN NEW;
END $$;
CREATE TRIGGER operator_bank_accounts_guard BEFORE UPDATE ON operator_bank_accounts
    FOR EACH ROW EXECUTE FUNCTION guard_bank_account();
CREATE TRIGGER trustee_accounts_guard BEFORE UPDATE ON trustee_accounts
    FOR EACH ROW EXECUTE FUNCTION guard_bank_account();

-- Batches of transfers ------------------------------------------------------------------------------------

CREATE TABLE payout_batches (
    id                  integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- draft: may be cancelled; approved: its file exists and never changes; sent: given to the bank;
    -- accepted, partial, rejected: the bank's answer; reconciled: every transfer of it has come to its end
    state               text NOT NULL DEFAULT 'draft' CHECK (state IN (
                            'draft', 'cancelled', 'approved', 'sent', 'accepted', 'partial', 'rejected',
                            'reconciled')),
    transfer_count      integer NOT NULL CHECK (transfer_count > 0),
    total_cents         bigint NOT NULL CHECK (total_cents > 0),
    prepared_at         timestamptz NOT NULL,
    prepared_by         integer NOT NULL REFERENCES persons,
    approved_at         timestamptz CHECK ((approved_at IS NULL) = (state IN ('draft', 'cancelled'))),
    approved_by         integer REFERENCES persons CHECK (approved_by <> prepared_by)
                        CHECK ((approved_by IS NULL) = (approved_at IS NULL)),
    trustee_account_id  integer REFERENCES trustee_accounts
                        CHECK ((trustee_account_id IS NULL) = (approved_at IS NULL)),
    message_id          text UNIQUE CHECK (length(message_id) <= 35)
                        CHECK ((message_id IS NULL) = (approved_at IS NULL)),
    requested_on        date CHECK ((requested_on IS NULL) = (approved_at IS NULL)),
    file                bytea CHECK ((file IS NULL) = (approved_at IS NULL)),
    file_sha256         bytea CHECK (file_sha256 = sha256(file)) CHECK ((file_sha256 IS NULL) = (file IS NULL)),
    sent_at             timestamptz
);

CREATE TABLE payout_attempts (
    id             integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    batch_id       integer NOT NULL REFERENCES payout_batches,
    operator_id    integer NOT NULL,
    number         integer NOT NULL,
    portion        integer NOT NULL DEFAULT 0 CHECK (portion >= 0),  -- 0: uncontested; else a released dispute
    attempt        integer NOT NULL CHECK (attempt > 0),
    end_to_end_id  text NOT NULL UNIQUE GENERATED ALWAYS AS
                   ('BR-' || operator_id || '-' || number || '-' || attempt) STORED,
    amount_cents   bigint NOT NULL CHECK (amount_cents > 0),
    -- prepared: in a draft, or in a file nobody took yet; sent: at the bank; booked: on a statement; returned:
    -- it came back; rejected: the bank refused it, nothing left; cancelled: its draft was
    state          text NOT NULL DEFAULT 'prepared' CHECK (state IN (
                       'prepared', 'sent', 'booked', 'returned', 'rejected', 'cancelled')),
    account_id     integer REFERENCES operator_bank_accounts,  -- frozen at approval, with what it says
    holder         text CHECK ((holder IS NULL) = (account_id IS NULL)),
    iban           text CHECK ((iban IS NULL) = (account_id IS NULL)),
    bic            text,
    changed_at     timestamptz NOT NULL,
    reason         text,  -- why it was returned or rejected, as the bank says
    UNIQUE (operator_id, number, attempt),
    FOREIGN KEY (operator_id, number) REFERENCES remittances
);
COMMENT ON TABLE payout_attempts IS 'A remittance is paid at most once: one live attempt per portion of it.';
CREATE UNIQUE INDEX payout_attempts_one_live ON payout_attempts (operator_id, number, portion)
    WHERE state IN ('prepared', 'sent', 'booked');
CREATE INDEX payout_attempts_batch ON payout_attempts (batch_id);

CREATE TABLE payout_attempt_parts (  -- which programme's money an attempt is made of
    attempt_id    integer NOT NULL REFERENCES payout_attempts,
    programme_id  integer NOT NULL REFERENCES programmes,
    amount_cents  bigint NOT NULL CHECK (amount_cents > 0),
    PRIMARY KEY (attempt_id, programme_id)
);

-- What is owed of a remittance, in portions that are paid apart, by programme.
CREATE VIEW remittance_portions AS
SELECT operator_id, number, 0 AS portion, programme_id, total_cents AS amount_cents FROM remittance_parts;

-- Asked at commit, when the batch is whole.
CREATE FUNCTION check_batch_totals() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    told record;
BEGIN
    SELECT count(*) AS transfers, coalesce(sum(a.amount_cents), 0) AS cents,
           count(*) FILTER (WHERE a.amount_cents IS DISTINCT FROM (
               SELECT sum(p.amount_cents) FROM payout_attempt_parts p WHERE p.attempt_id = a.id)) AS apart
    INTO told FROM payout_attempts a WHERE a.batch_id = NEW.id;
    IF (told.transfers, told.cents, told.apart)
       IS DISTINCT FROM (NEW.transfer_count::bigint, NEW.total_cents::numeric, 0::bigint) THEN
        RAISE EXCEPTION 'batch % tells % transfers and % c; they are % and % c, % differ from their parts',
            NEW.id, NEW.transfer_count, NEW.total_cents, told.transfers, told.cents, told.apart
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER payout_batches_sum AFTER INSERT ON payout_batches DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION check_batch_totals();

CREATE FUNCTION refuse_late_parts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM (SELECT DISTINCT attempt_id FROM added) AS touched
               JOIN payout_attempts a ON a.id = touched.attempt_id
               WHERE a.amount_cents < (SELECT sum(p.amount_cents) FROM payout_attempt_parts p
                                       WHERE p.attempt_id = a.id)) THEN
        RAISE EXCEPTION 'a batch of transfers never changes; prepare another one'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER payout_attempt_parts_added AFTER INSERT ON payout_attempt_parts REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_late_parts();

-- The sum of what lives of a remittance never exceeds what is owed of it, whatever the portions say.
CREATE FUNCTION refuse_overpayment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM (SELECT DISTINCT operator_id, number FROM added) AS touched
        WHERE (SELECT sum(a.amount_cents) FROM payout_attempts a
               WHERE (a.operator_id, a.number) = (touched.operator_id, touched.number)
                 AND a.state IN ('prepared', 'sent', 'booked'))
            > (SELECT coalesce(sum(p.amount_cents), 0) FROM remittance_portions p
               WHERE (p.operator_id, p.number) = (touched.operator_id, touched.number))
    ) THEN
        RAISE EXCEPTION 'a remittance is never paid more than is owed of it' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER payout_attempts_never_overpay AFTER INSERT ON payout_attempts REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_overpayment();

CREATE FUNCTION refuse_late_attempts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM (SELECT DISTINCT batch_id FROM added) AS touched JOIN payout_batches b ON b.id = touched.batch_id
        WHERE b.state <> 'draft' OR b.transfer_count < (SELECT count(*) FROM payout_attempts a
                                                        WHERE a.batch_id = b.id)
    ) THEN
        RAISE EXCEPTION 'a batch of transfers never changes; prepare another one'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF EXISTS (SELECT FROM added a WHERE a.state <> 'prepared' OR a.account_id IS NOT NULL) THEN
        RAISE EXCEPTION 'a transfer begins as prepared' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER payout_attempts_added AFTER INSERT ON payout_attempts REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_late_attempts();

CREATE FUNCTION guard_payout_batch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.transfer_count, NEW.total_cents, NEW.prepared_at, NEW.prepared_by)
       IS DISTINCT FROM (OLD.id, OLD.transfer_count, OLD.total_cents, OLD.prepared_at, OLD.prepared_by)
       OR (OLD.state <> 'draft' AND
           (NEW.approved_at, NEW.approved_by, NEW.trustee_account_id, NEW.message_id, NEW.requested_on,
            NEW.file, NEW.file_sha256)
           IS DISTINCT FROM
           (OLD.approved_at, OLD.approved_by, OLD.trustee_account_id, OLD.message_id, OLD.requested_on,
            OLD.file, OLD.file_sha256))
       OR (OLD.sent_at IS NOT NULL AND NEW.sent_at IS DISTINCT FROM OLD.sent_at) THEN
        RAISE EXCEPTION 'batch % never changes but for its state', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    IF (OLD.state, NEW.state) IN (
        ('draft', 'cancelled'), ('draft', 'approved'), ('approved', 'sent'),
        ('sent', 'accepted'), ('sent', 'partial'), ('sent', 'rejected'), ('sent', 'reconciled'),
        ('accepted', 'partial'), ('accepted', 'rejected'), ('accepted', 'reconciled'),
        ('partial', 'rejected'), ('partial', 'reconciled'), ('rejected', 'reconciled')) THEN
        RETURN NEW;
    END IF;
    -- Only the undoing of a match re-opens what was reconciled.
    IF (OLD.state, NEW.state) = ('reconciled', 'sent')
       AND EXISTS (SELECT FROM payout_attempts a WHERE a.batch_id = OLD.id AND a.state = 'sent') THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'batch % is %: it can''t become %', OLD.id, OLD.state, NEW.state
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER payout_batches_guard BEFORE UPDATE ON payout_batches
    FOR EACH ROW EXECUTE FUNCTION guard_payout_batch();

-- Statements, as the bank wrote them, and what explains each line ------------------------------------------

CREATE TABLE bank_files (
    id           integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sha256       bytea NOT NULL UNIQUE CHECK (sha256 = sha256(content)),
    content      bytea NOT NULL,
    name         text NOT NULL,
    format       text NOT NULL,
    imported_at  timestamptz NOT NULL,
    imported_by  text NOT NULL CHECK (imported_by <> '')
);

CREATE TABLE statements (
    id              integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    file_id         integer NOT NULL REFERENCES bank_files,
    account         text NOT NULL,
    currency        text,
    format          text NOT NULL,
    identification  text,
    sequence        text,
    opening_cents   bigint,
    closing_cents   bigint,
    opening_on      date,
    closing_on      date,
    remarks         jsonb NOT NULL DEFAULT '[]',
    is_booked       boolean NOT NULL  -- false: a notice, or another account's: no line of ours comes of it
);

CREATE TABLE statement_lines (  -- a line as one statement tells it; several statements may tell the same one
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    statement_id  integer NOT NULL REFERENCES statements,
    position      integer NOT NULL,
    amount_cents  bigint NOT NULL,
    booked_on     date,
    reference     text,
    label         text NOT NULL DEFAULT '',
    transactions  jsonb NOT NULL,
    batches       jsonb NOT NULL,
    bank_line_id  bigint REFERENCES bank_lines,  -- null: told by a notice before it was booked
    UNIQUE (statement_id, position)
);
CREATE INDEX statement_lines_bank_line ON statement_lines (bank_line_id);
CREATE INDEX statement_lines_unlinked ON statement_lines (amount_cents) WHERE bank_line_id IS NULL;

CREATE TABLE bank_reports (  -- what the bank says of a file we sent: a row for it, and one per transfer named
    id                   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    file_id              integer NOT NULL REFERENCES bank_files,
    original_message_id  text NOT NULL,
    end_to_end_id        text,
    status               text NOT NULL,
    reason               text NOT NULL DEFAULT ''
);
CREATE INDEX bank_reports_message ON bank_reports (original_message_id);

CREATE TABLE matches (  -- what explains (a part of) a bank line
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    bank_line_id  bigint NOT NULL REFERENCES bank_lines,
    -- payout: an attempt left; return: it came back; offset: two lines that undo each other (a rejected
    -- transfer debited with its batch, one executed twice) and wait for each other; fee: the bank's own
    kind          text NOT NULL CHECK (kind IN ('payout', 'return', 'offset', 'fee')),
    attempt_id    integer REFERENCES payout_attempts CHECK ((attempt_id IS NULL) = (kind = 'fee')),
    amount_cents  bigint NOT NULL CHECK (amount_cents <> 0)  -- signed as the line
                  CHECK ((kind <> 'payout' OR amount_cents < 0) AND (kind <> 'return' OR amount_cents > 0)),
    how           text NOT NULL CHECK (how IN ('end_to_end_id', 'batch', 'confirmed')),
    matched_at    timestamptz NOT NULL,
    matched_by    text NOT NULL CHECK (matched_by <> ''),
    entry         bigint REFERENCES book_entries CHECK ((entry IS NULL) = (kind = 'offset')),
    undone_at     timestamptz,
    undone_by     text CHECK ((undone_by IS NULL) = (undone_at IS NULL)),
    undo_reason   text CHECK ((undo_reason IS NULL) = (undone_at IS NULL)),
    undo_entry    bigint REFERENCES book_entries,
    undone_in     xid8
);
CREATE UNIQUE INDEX matches_one_live ON matches (attempt_id, kind)
    WHERE undone_at IS NULL AND kind IN ('payout', 'return');
CREATE INDEX matches_line ON matches (bank_line_id);
CREATE INDEX matches_attempt ON matches (attempt_id);

CREATE FUNCTION guard_match() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.undone_at IS NOT NULL OR NEW.undone_at IS NULL
       OR (to_jsonb(NEW) - ARRAY['undone_at', 'undone_by', 'undo_reason', 'undo_entry', 'undone_in'])
          IS DISTINCT FROM
          (to_jsonb(OLD) - ARRAY['undone_at', 'undone_by', 'undo_reason', 'undo_entry', 'undone_in']) THEN
        RAISE EXCEPTION 'a match never changes, but for being undone once' USING ERRCODE = 'restrict_violation';
    END IF;
    NEW.undone_in := pg_current_xact_id();
    RETURN NEW;
END $$;
CREATE TRIGGER matches_guard BEFORE UPDATE ON matches FOR EACH ROW EXECUTE FUNCTION guard_match();

-- Append-only, by trigger and by grants -------------------------------------------------------------------

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['payout_attempt_parts', 'bank_files', 'statements', 'bank_reports'] LOOP
        EXECUTE format('CREATE TRIGGER %1$s_append_only BEFORE UPDATE OR DELETE ON %1$s
                        FOR EACH ROW EXECUTE FUNCTION refuse_change()', name);
    END LOOP;
    GRANT SELECT ON remittance_portions TO poincon_app, poincon_auditor;
    FOREACH name IN ARRAY ARRAY['operator_bank_accounts', 'trustee_accounts', 'payout_batches',
                                'payout_attempts', 'statement_lines', 'matches'] LOOP
        EXECUTE format('CREATE TRIGGER %1$s_kept BEFORE DELETE ON %1$s
                        FOR EACH ROW EXECUTE FUNCTION refuse_change()', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['payout_attempt_parts', 'bank_files', 'statements', 'bank_reports',
                                'operator_bank_accounts', 'trustee_accounts', 'payout_batches',
                                'payout_attempts', 'statement_lines', 'matches'] LOOP
        EXECUTE format('CREATE TRIGGER %1$s_not_emptied BEFORE TRUNCATE ON %1$s
                        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
        EXECUTE format('REVOKE ALL ON %1$s FROM PUBLIC', name);
        EXECUTE format('GRANT SELECT ON %1$s TO poincon_app, poincon_auditor', name);
        EXECUTE format('GRANT INSERT ON %1$s TO poincon_app', name);
    END LOOP;
END $$;
GRANT UPDATE (approved_at, approved_by, usable_from, refused_at, blocked_at, blocked_why, vop_result)
    ON operator_bank_accounts TO poincon_app;
GRANT UPDATE (approved_at, approved_by, booking_format) ON trustee_accounts TO poincon_app;
GRANT UPDATE (state, approved_at, approved_by, trustee_account_id, message_id, requested_on, file, file_sha256,
              sent_at) ON payout_batches TO poincon_app;
GRANT UPDATE (state, account_id, holder, iban, bic, changed_at, reason) ON payout_attempts TO poincon_app;
GRANT UPDATE (bank_line_id) ON statement_lines TO poincon_app;
GRANT UPDATE (undone_at, undone_by, undo_reason, undo_entry, undone_in) ON matches TO poincon_app;
