-- The books: double entry, append-only. A debit is positive and a credit is negative, everywhere. One bank account
-- per instance; within it each funder's money is kept apart, from its receipt to what operators are owed of it.

CREATE TABLE book_accounts (
    id            integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- bank: what the bank holds for us (debit); funds: received for a programme and not engaged; circulation: the
    -- face value of passes that may still be taken, or were and are not remitted; operator: what a programme owes
    -- an operator for closed remittances; suspense: bank lines that nobody has explained yet; fees: the bank's
    kind          text NOT NULL CHECK (kind IN ('bank', 'funds', 'circulation', 'operator', 'suspense', 'fees')),
    programme_id  integer REFERENCES programmes,
    operator_id   integer REFERENCES operators,
    CHECK ((programme_id IS NOT NULL) = (kind IN ('funds', 'circulation', 'operator'))),
    CHECK ((operator_id IS NOT NULL) = (kind = 'operator')),
    UNIQUE (id, kind)
);
CREATE UNIQUE INDEX book_accounts_one
    ON book_accounts (kind, coalesce(programme_id, 0), coalesce(operator_id, 0));

-- Its row lock makes posting sequential: entries are numbered without gap in the order of their commits, and
-- whoever holds it reads balances that nobody else can move. It is the last lock that a transaction takes.
CREATE TABLE book_counter (
    only_row    boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    next_entry  bigint NOT NULL DEFAULT 1 CHECK (next_entry > 0)
);
INSERT INTO book_counter DEFAULT VALUES;

CREATE TABLE book_entries (
    number       bigint PRIMARY KEY CHECK (number > 0),
    at           timestamptz NOT NULL,  -- of what it tells
    recorded_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    kind         text NOT NULL CHECK (kind IN ('opening', 'bank_line', 'funding', 'activation', 'release',
                                               'remittance', 'correction', 'payout', 'return', 'refund', 'fee',
                                               'reversal')),
    actor        text NOT NULL CHECK (actor <> ''),
    subject      text NOT NULL CHECK (subject <> ''),
    reason       text CHECK (reason <> ''),
    written_by   xid8 NOT NULL DEFAULT pg_current_xact_id()  -- only this transaction adds postings to it
);
CREATE INDEX book_entries_at ON book_entries (at);
CREATE INDEX book_entries_subject ON book_entries (subject);

CREATE TABLE book_postings (
    entry         bigint NOT NULL REFERENCES book_entries,
    account_id    integer NOT NULL REFERENCES book_accounts,
    amount_cents  bigint NOT NULL CHECK (amount_cents <> 0),
    PRIMARY KEY (entry, account_id)
);
CREATE INDEX book_postings_account ON book_postings (account_id, entry);

CREATE TABLE book_balances (  -- kept by the triggers below and by nobody else
    account_id     integer PRIMARY KEY,
    kind           text NOT NULL,
    balance_cents  bigint NOT NULL DEFAULT 0,
    FOREIGN KEY (account_id, kind) REFERENCES book_accounts (id, kind),
    -- No pass without its money, no operator paid more than it is owed. What the bank says is a fact and is never
    -- refused, in whatever order statements come: the audit tells of a bank account below zero.
    CONSTRAINT book_balances_never_below_nothing
        CHECK (kind NOT IN ('funds', 'circulation', 'operator') OR balance_cents <= 0)
);

-- Money that came, and for which programme ---------------------------------------------------------------

CREATE TABLE bank_lines (  -- a line of the bank's own statement; positive: the bank credited us
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reference     text NOT NULL UNIQUE CHECK (reference <> ''),  -- the bank's own: one line is booked once
    booked_on     date NOT NULL,
    amount_cents  bigint NOT NULL CHECK (amount_cents <> 0),
    label         text NOT NULL DEFAULT '',
    entry         bigint NOT NULL UNIQUE REFERENCES book_entries
);

CREATE TABLE fundings (  -- somebody said that this line is a programme's money
    bank_line_id  bigint PRIMARY KEY REFERENCES bank_lines,
    programme_id  integer NOT NULL REFERENCES programmes,
    confirmed_at  timestamptz NOT NULL,
    confirmed_by  text NOT NULL CHECK (confirmed_by <> ''),
    entry         bigint NOT NULL UNIQUE REFERENCES book_entries
);

-- Entries sum to zero, balances follow postings -----------------------------------------------------------

CREATE FUNCTION check_book_entry() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    entry_number bigint := CASE TG_TABLE_NAME WHEN 'book_entries' THEN (to_jsonb(NEW)->>'number')::bigint
                                              ELSE (to_jsonb(NEW)->>'entry')::bigint END;
    told record;
BEGIN
    SELECT count(*) AS postings, coalesce(sum(amount_cents), 0) AS cents INTO told
    FROM book_postings WHERE entry = entry_number;
    IF told.postings < 2 OR told.cents <> 0 THEN
        RAISE EXCEPTION 'entry % has % postings that sum to % c, not to zero',
            entry_number, told.postings, told.cents USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER book_entries_balance AFTER INSERT ON book_entries DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION check_book_entry();
CREATE CONSTRAINT TRIGGER book_postings_balance AFTER INSERT ON book_postings DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION check_book_entry();

CREATE FUNCTION refuse_entry_gap() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last bigint := (SELECT coalesce(max(number), 0) FROM book_entries);
BEGIN
    IF NEW.number <> last + 1 THEN
        RAISE EXCEPTION 'entry % would leave a gap after %', NEW.number, last
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER book_entries_have_no_gap BEFORE INSERT ON book_entries
    FOR EACH ROW EXECUTE FUNCTION refuse_entry_gap();

-- Run as their owner, because the application may not write balances.
CREATE FUNCTION open_book_balance() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO book_balances (account_id, kind) VALUES (NEW.id, NEW.kind);
    RETURN NULL;
END $$;
CREATE TRIGGER book_accounts_have_balances AFTER INSERT ON book_accounts
    FOR EACH ROW EXECUTE FUNCTION open_book_balance();

CREATE FUNCTION move_book_balances() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM added JOIN book_entries AS e ON e.number = added.entry
               WHERE e.written_by <> pg_current_xact_id()) THEN
        RAISE EXCEPTION 'an entry never changes; reverse it by another one' USING ERRCODE = 'restrict_violation';
    END IF;
    UPDATE book_balances AS b SET balance_cents = b.balance_cents + moved.cents
    FROM (SELECT account_id, sum(amount_cents)::bigint AS cents FROM added GROUP BY account_id) AS moved
    WHERE b.account_id = moved.account_id;
    RETURN NULL;
END $$;
CREATE TRIGGER book_postings_move_balances AFTER INSERT ON book_postings REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION move_book_balances();

-- An instance that was at work before it had books --------------------------------------------------------

-- What was activated then is in circulation or owed; the money for it stands in suspense until the bank's lines
-- explain it. Whoever activates, cancels or closes waits meanwhile; scans go on.
LOCK TABLE booklets, remittances IN SHARE MODE;
DO $$
DECLARE
    one record;
    new_entry bigint;
BEGIN
    FOR one IN
        SELECT t.programme_id, sum(b.face_value_cents::bigint * b.pass_count) AS cents
        FROM booklets b JOIN batches t ON t.id = b.batch_id WHERE b.activated_at IS NOT NULL
        GROUP BY t.programme_id ORDER BY t.programme_id
    LOOP
        UPDATE book_counter SET next_entry = next_entry + 1 RETURNING next_entry - 1 INTO new_entry;
        INSERT INTO book_entries (number, at, kind, actor, subject, reason)
        VALUES (new_entry, clock_timestamp(), 'opening', 'migration:0006', 'programme:' || one.programme_id,
                'activated before there were books');
        INSERT INTO book_accounts (kind, programme_id, operator_id)
        SELECT 'suspense', NULL::integer, NULL::integer
        UNION ALL SELECT 'circulation', one.programme_id, NULL
        UNION ALL SELECT DISTINCT 'operator', p.programme_id, p.operator_id
        FROM remittance_parts p WHERE p.programme_id = one.programme_id
        ON CONFLICT DO NOTHING;
        INSERT INTO book_postings (entry, account_id, amount_cents)
        SELECT new_entry, a.id, moved.cents
        FROM (SELECT 'suspense' AS kind, NULL::integer AS programme_id, NULL::integer AS operator_id, one.cents
              UNION ALL
              SELECT 'operator', p.programme_id, p.operator_id, -sum(p.total_cents)
              FROM remittance_parts p WHERE p.programme_id = one.programme_id
              GROUP BY p.programme_id, p.operator_id
              UNION ALL
              SELECT 'circulation', one.programme_id, NULL, -one.cents + coalesce(sum(p.total_cents), 0)
              FROM remittance_parts p WHERE p.programme_id = one.programme_id) AS moved
        JOIN book_accounts a ON (a.kind, coalesce(a.programme_id, 0), coalesce(a.operator_id, 0))
            = (moved.kind, coalesce(moved.programme_id, 0), coalesce(moved.operator_id, 0))
        WHERE moved.cents <> 0;
    END LOOP;
END $$;
SET CONSTRAINTS ALL IMMEDIATE;  -- or the ALTER TABLE below would find events that are still waiting

-- A booklet's money leaves circulation --------------------------------------------------------------------

-- Set once, when the face value of its passes that nobody took went back to the programme's funds. From then on
-- no pass of it is taken, whatever an offline phone brings (claim_passes).
ALTER TABLE booklets ADD COLUMN released_at timestamptz CHECK (released_at IS NULL OR activated_at IS NOT NULL);
GRANT UPDATE (released_at) ON booklets TO poincon_app;
CREATE INDEX booklets_to_release ON booklets (cancelled_at)
    WHERE cancelled_at IS NOT NULL AND activated_at IS NOT NULL AND released_at IS NULL;

CREATE FUNCTION guard_release() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'booklet % was released: its state and its release never change', OLD.number
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER booklets_stay_released BEFORE UPDATE ON booklets FOR EACH ROW
    WHEN (OLD.released_at IS NOT NULL AND (NEW.released_at, NEW.state, NEW.activated_at, NEW.face_value_cents,
          NEW.pass_count) IS DISTINCT FROM (OLD.released_at, OLD.state, OLD.activated_at, OLD.face_value_cents,
          OLD.pass_count))
    EXECUTE FUNCTION guard_release();

-- Append-only, by trigger and by grants -------------------------------------------------------------------

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['book_accounts', 'book_entries', 'book_postings', 'bank_lines', 'fundings'] LOOP
        EXECUTE format('CREATE TRIGGER %1$s_append_only BEFORE UPDATE OR DELETE ON %1$s
                        FOR EACH ROW EXECUTE FUNCTION refuse_change()', name);
        EXECUTE format('CREATE TRIGGER %1$s_not_emptied BEFORE TRUNCATE ON %1$s
                        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
    END LOOP;
END $$;
REVOKE ALL ON book_accounts, book_counter, book_entries, book_postings, book_balances, bank_lines, fundings
    FROM PUBLIC;
GRANT SELECT ON book_accounts, book_counter, book_entries, book_postings, book_balances, bank_lines, fundings
    TO poincon_app, poincon_auditor;
GRANT INSERT ON book_accounts, book_postings, bank_lines, fundings TO poincon_app;
GRANT INSERT (number, at, kind, actor, subject, reason) ON book_entries TO poincon_app;
GRANT UPDATE (next_entry) ON book_counter TO poincon_app;
