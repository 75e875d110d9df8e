-- The record: who may accept what, and what was accepted. Every invariant that a constraint can hold is one.
-- Booklet number comes first in every unique key of the hot path, which has no sequence and no foreign key,
-- so that these tables can be partitioned or distributed by booklet (design.md, section 6).

CREATE DOMAIN siret AS text CHECK (VALUE ~ '^[0-9]{14}$');
CREATE DOMAIN cents_positive AS integer CHECK (VALUE > 0);

-- Guards -----------------------------------------------------------------------------------------------

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % is refused; add a correcting row instead', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE FUNCTION tell_facts_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('poincon_facts', TG_TABLE_NAME);
    RETURN NULL;
END $$;

-- Who did what, when, why ------------------------------------------------------------------------------

CREATE TABLE events (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor    text NOT NULL CHECK (actor <> ''),
    action   text NOT NULL CHECK (action ~ '^[a-z]+\.[a-z_]+$'),
    subject  text NOT NULL CHECK (subject <> ''),
    reason   text,
    detail   jsonb NOT NULL DEFAULT '{}'
);

-- Parties ----------------------------------------------------------------------------------------------

CREATE TABLE persons (  -- staff of operators, prescribers and the trustee; never a beneficiary
    id    integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name  text NOT NULL CHECK (name <> '')
);

CREATE TABLE territories (
    id    integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name  text NOT NULL UNIQUE CHECK (name <> '')
);

CREATE TABLE operators (
    id     integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    siret  siret NOT NULL UNIQUE,
    name   text NOT NULL CHECK (name <> '')
);

CREATE TABLE sites (
    id            integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    operator_id   integer NOT NULL REFERENCES operators,
    territory_id  integer NOT NULL REFERENCES territories,
    name          text NOT NULL CHECK (name <> ''),
    UNIQUE (operator_id, name),
    UNIQUE (id, operator_id)
);

CREATE TABLE services (  -- what a workshop renders; id 0 stands for "not said"
    id     smallint PRIMARY KEY,
    code   text NOT NULL UNIQUE CHECK (code ~ '^[a-z0-9_-]*$'),
    label  text NOT NULL
);
INSERT INTO services (id, code, label) VALUES (0, '', 'Service non précisé');

-- Receipts sign the SIRET, the site and the code of what they name, for ever.
CREATE FUNCTION refuse_identity_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'operators' AND NEW.siret IS DISTINCT FROM OLD.siret THEN
        RAISE EXCEPTION 'the SIRET of an operator is signed in its receipts and never changes; add an operator'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER operators_keep_identity BEFORE UPDATE ON operators
    FOR EACH ROW EXECUTE FUNCTION refuse_identity_change();

-- Keys: public halves and their life; private halves are sealed files elsewhere ------------------------

CREATE TABLE signing_keys (
    id            smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kid           bytea NOT NULL UNIQUE CHECK (octet_length(kid) = 4),
    purpose       text NOT NULL CHECK (purpose IN ('pass', 'receipt')),
    public_key    bytea NOT NULL UNIQUE CHECK (octet_length(public_key) = 32),
    -- planned: published, signs nothing yet; active: signs; retired: verifies only; revoked: refuses
    state         text NOT NULL DEFAULT 'planned' CHECK (state IN ('planned', 'active', 'retired', 'revoked')),
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    activated_at  timestamptz CHECK (state <> 'active' OR activated_at IS NOT NULL),
    retired_at    timestamptz CHECK (state <> 'retired' OR retired_at IS NOT NULL),
    revoked_at    timestamptz CHECK ((state = 'revoked') = (revoked_at IS NOT NULL))
);
CREATE UNIQUE INDEX signing_keys_one_active ON signing_keys (purpose) WHERE state = 'active';

-- Programmes and their booklets ------------------------------------------------------------------------

CREATE TABLE programmes (
    id                integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name              text NOT NULL UNIQUE CHECK (name <> ''),
    funder            text NOT NULL CHECK (funder <> ''),
    contact           text NOT NULL DEFAULT '',
    face_value_cents  cents_positive NOT NULL,
    booklet_size      smallint NOT NULL CHECK (booklet_size BETWEEN 1 AND 255),
    last_day          date NOT NULL,          -- last legal day of use, grace included, Europe/Paris
    expires_at        timestamptz NOT NULL,   -- the instant from which passes are refused: the end of last_day
    CHECK (expires_at = ((last_day + 1)::timestamp AT TIME ZONE 'Europe/Paris'))
);

CREATE TABLE programme_amendments (  -- an amendment by convention moves the validity; the past stays readable
    id            integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    programme_id  integer NOT NULL REFERENCES programmes,
    amended_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_day_old  date NOT NULL,
    last_day_new  date NOT NULL CHECK (last_day_new <> last_day_old),
    reason        text NOT NULL CHECK (reason <> '')
);

CREATE TABLE programme_territories (
    programme_id  integer NOT NULL REFERENCES programmes,
    territory_id  integer NOT NULL REFERENCES territories,
    PRIMARY KEY (programme_id, territory_id)
);

CREATE TABLE programme_services (
    programme_id  integer NOT NULL REFERENCES programmes,
    service_id    smallint NOT NULL REFERENCES services CHECK (service_id > 0),
    PRIMARY KEY (programme_id, service_id)
);

CREATE TABLE qualifications (  -- the period in which an operator may accept a programme's passes
    id            integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    operator_id   integer NOT NULL REFERENCES operators,
    programme_id  integer NOT NULL REFERENCES programmes,
    starts_on     date NOT NULL,
    ends_on       date CHECK (ends_on >= starts_on),  -- last day included; null: open-ended
    service_ids   smallint[] NOT NULL CHECK (cardinality(service_ids) > 0)
);
CREATE INDEX qualifications_operator ON qualifications (operator_id);

-- Amounts are signed in receipts and printed on paper.
CREATE FUNCTION refuse_face_value_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.face_value_cents, NEW.booklet_size) IS DISTINCT FROM (OLD.face_value_cents, OLD.booklet_size) THEN
        RAISE EXCEPTION 'face value and booklet size are printed; open another programme'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER programmes_keep_face_value BEFORE UPDATE ON programmes
    FOR EACH ROW EXECUTE FUNCTION refuse_face_value_change();

CREATE TABLE booklet_counter (  -- sequential and without gaps: neighbours are printed and spent together
    only_row      boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    next_booklet  bigint NOT NULL DEFAULT 1 CHECK (next_booklet BETWEEN 1 AND 1099511627776)
);
INSERT INTO booklet_counter DEFAULT VALUES;

CREATE TABLE batches (  -- booklets issued together, all or none
    id             integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    programme_id   integer NOT NULL REFERENCES programmes,
    key_id         smallint NOT NULL REFERENCES signing_keys,
    first_booklet  bigint NOT NULL UNIQUE CHECK (first_booklet > 0),
    booklet_count  integer NOT NULL CHECK (booklet_count BETWEEN 1 AND 100000),
    expires_at     timestamptz NOT NULL,  -- as printed and signed; programmes.expires_at decides
    issued_at      timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE booklets (
    number            bigint PRIMARY KEY CHECK (number BETWEEN 1 AND 1099511627775),
    batch_id          integer NOT NULL REFERENCES batches,
    -- issued: printed, money not yet received; active: passes may be accepted; cancelled: never again
    state             text NOT NULL DEFAULT 'issued' CHECK (state IN ('issued', 'active', 'cancelled')),
    face_value_cents  cents_positive NOT NULL,
    pass_count        smallint NOT NULL CHECK (pass_count BETWEEN 1 AND 255),
    activated_at      timestamptz CHECK (state <> 'active' OR activated_at IS NOT NULL),
    cancelled_at      timestamptz CHECK ((state = 'cancelled') = (cancelled_at IS NOT NULL)),
    cancel_cause      text CHECK (cancel_cause IN ('lost', 'stolen', 'recalled', 'replaced', 'void'))
                           CHECK ((cancel_cause IS NULL) = (cancelled_at IS NULL)),
    prescribed_by     integer REFERENCES persons,  -- the person who handed it out may not accept its passes
    changed_by        xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX booklets_batch ON booklets (batch_id);
-- Validators ask for what changed since their last look, by transaction: no commit is ever missed.
CREATE INDEX booklets_changed_by ON booklets (changed_by);

CREATE FUNCTION stamp_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed_by := pg_current_xact_id();
    RETURN NEW;
END $$;
CREATE TRIGGER booklets_stamp BEFORE UPDATE ON booklets FOR EACH ROW EXECUTE FUNCTION stamp_change();

-- Devices ----------------------------------------------------------------------------------------------

CREATE TABLE devices (  -- one phone of one mediator at one site; the token itself is never stored
    id            integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    token_sha256  bytea NOT NULL UNIQUE CHECK (octet_length(token_sha256) = 32),
    operator_id   integer NOT NULL,
    site_id       integer NOT NULL,
    mediator_id   integer NOT NULL REFERENCES persons,
    label         text NOT NULL,
    enrolled_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    revoked_at    timestamptz,
    FOREIGN KEY (site_id, operator_id) REFERENCES sites (id, operator_id)
);

CREATE TABLE enrolments (  -- a link that makes one device, once, within minutes
    code_sha256  bytea PRIMARY KEY CHECK (octet_length(code_sha256) = 32),
    site_id      integer NOT NULL REFERENCES sites,
    mediator_id  integer NOT NULL REFERENCES persons,
    label        text NOT NULL,
    expires_at   timestamptz NOT NULL,
    device_id    integer UNIQUE REFERENCES devices  -- null until used
);

-- Acceptances ------------------------------------------------------------------------------------------

CREATE TABLE acceptances (  -- accepted_at is a whole second: a receipt signs it as its iat
    booklet         bigint NOT NULL,
    attempt_id      uuid NOT NULL,
    accepted_at     timestamptz NOT NULL CHECK (accepted_at = date_trunc('second', accepted_at)),
    seal            bigint NOT NULL,  -- MAC over what the receipt signs: a row edited by hand shows
    device_id       integer NOT NULL,
    site_id         integer NOT NULL,
    operator_id     integer NOT NULL,
    amount_cents    integer NOT NULL CHECK (amount_cents > 0),
    receipt_key_id  smallint NOT NULL,
    service_id      smallint NOT NULL,
    pass_number     smallint NOT NULL CHECK (pass_number BETWEEN 1 AND 255),
    scanned_at      timestamptz,      -- only for scans that waited offline
    undone_at       timestamptz
) WITH (fillfactor = 95);
COMMENT ON TABLE acceptances IS 'A pass is taken once: one live acceptance per pass.';
CREATE UNIQUE INDEX acceptances_one_live ON acceptances (booklet, pass_number) WHERE undone_at IS NULL;
CREATE INDEX acceptances_undone ON acceptances (booklet, pass_number) WHERE undone_at IS NOT NULL;
-- Attempt ids of our page are UUIDv7, which keeps this index's new entries together.
CREATE INDEX acceptances_attempt ON acceptances (attempt_id);
CREATE INDEX acceptances_operator ON acceptances (operator_id, accepted_at);

CREATE FUNCTION guard_acceptance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.undone_at IS NOT NULL OR NEW.undone_at IS NULL
       OR (to_jsonb(NEW) - 'undone_at') IS DISTINCT FROM (to_jsonb(OLD) - 'undone_at') THEN
        RAISE EXCEPTION 'an acceptance never changes, but for being undone once'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER acceptances_guard BEFORE UPDATE ON acceptances FOR EACH ROW EXECUTE FUNCTION guard_acceptance();

CREATE TABLE flushes (  -- what each group commit took: the seals of its rows, so that a missing one shows
    at     timestamptz NOT NULL,
    seals  bigint[] NOT NULL CHECK (cardinality(seals) > 0)
);

CREATE TABLE attempts (  -- what reached the record and took nothing new; the first acceptance is its own record
    booklet      bigint NOT NULL,
    attempt_id   uuid NOT NULL,
    at           timestamptz NOT NULL,
    scanned_at   timestamptz,
    device_id    integer NOT NULL,
    pass_number  smallint NOT NULL,
    outcome      text NOT NULL CHECK (outcome IN ('repeated', 'already_accepted', 'too_late'))
);
CREATE INDEX attempts_pass ON attempts (booklet, pass_number);

CREATE TABLE undos (
    booklet      bigint NOT NULL,
    pass_number  smallint NOT NULL,
    attempt_id   uuid NOT NULL,
    device_id    integer NOT NULL,
    undone_at    timestamptz NOT NULL,
    reason       text NOT NULL CHECK (reason <> ''),
    PRIMARY KEY (booklet, pass_number, attempt_id)
);

-- Remittances: what an undo may no longer touch --------------------------------------------------------

CREATE TABLE remittances (
    operator_id  integer NOT NULL REFERENCES operators,
    number       integer NOT NULL CHECK (number > 0),  -- gap-free per operator
    closed_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    line_count   integer NOT NULL CHECK (line_count > 0),
    total_cents  bigint NOT NULL CHECK (total_cents > 0),
    PRIMARY KEY (operator_id, number)
);

CREATE TABLE remittance_lines (
    booklet       bigint NOT NULL,
    pass_number   smallint NOT NULL,
    attempt_id    uuid NOT NULL,
    operator_id   integer NOT NULL,
    number        integer NOT NULL,
    line          integer NOT NULL CHECK (line > 0),
    amount_cents  integer NOT NULL CHECK (amount_cents > 0),
    PRIMARY KEY (booklet, pass_number, attempt_id),  -- an accepted pass is in at most one remittance
    UNIQUE (operator_id, number, line),
    FOREIGN KEY (operator_id, number) REFERENCES remittances
);

-- The guard's generation: raising it makes every mark in Valkey vanish at once -------------------------

CREATE TABLE guard_generation (
    only_row           boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    -- Drawn at random: a database made anew beside a Valkey that survived must not believe its marks.
    first_generation   bigint NOT NULL,
    generation         bigint NOT NULL CHECK (generation >= first_generation),
    system_identifier  bigint NOT NULL,
    timeline           integer NOT NULL
);
INSERT INTO guard_generation (first_generation, generation, system_identifier, timeline)
    SELECT drawn.number, drawn.number, (SELECT system_identifier FROM pg_control_system()),
           (SELECT timeline_id FROM pg_control_checkpoint())
    FROM (SELECT floor(random() * 1000000000)::bigint AS number) AS drawn;

-- The console ------------------------------------------------------------------------------------------

CREATE TABLE accounts (
    id             integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email          text NOT NULL UNIQUE CHECK (email = lower(email) AND email LIKE '%@%'),
    person_id      integer NOT NULL REFERENCES persons,
    password_hash  text NOT NULL CHECK (password_hash LIKE '$argon2id$%'),
    disabled_at    timestamptz
);

CREATE TABLE sessions (
    token_sha256  bytea PRIMARY KEY CHECK (octet_length(token_sha256) = 32),
    account_id    integer NOT NULL REFERENCES accounts,
    expires_at    timestamptz NOT NULL
);

-- Append-only by trigger -------------------------------------------------------------------------------

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['events', 'flushes', 'attempts', 'undos', 'remittances', 'remittance_lines',
                                'batches', 'programme_amendments'] LOOP
        EXECUTE format('CREATE TRIGGER %1$s_append_only BEFORE UPDATE OR DELETE ON %1$s
                        FOR EACH ROW EXECUTE FUNCTION refuse_change()', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['acceptances', 'booklets', 'signing_keys', 'operators', 'programmes'] LOOP
        EXECUTE format('CREATE TRIGGER %1$s_kept BEFORE DELETE ON %1$s
                        FOR EACH ROW EXECUTE FUNCTION refuse_change()', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['events', 'flushes', 'attempts', 'undos', 'remittances', 'remittance_lines',
                                'batches', 'programme_amendments', 'acceptances', 'booklets', 'signing_keys',
                                'operators', 'programmes'] LOOP
        EXECUTE format('CREATE TRIGGER %1$s_not_emptied BEFORE TRUNCATE ON %1$s
                        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['persons', 'territories', 'operators', 'sites', 'services', 'signing_keys',
                                'programmes', 'programme_territories', 'programme_services', 'qualifications',
                                'batches', 'booklets', 'devices', 'guard_generation'] LOOP
        EXECUTE format('CREATE TRIGGER %1$s_tell AFTER INSERT OR UPDATE OR DELETE ON %1$s
                        FOR EACH STATEMENT EXECUTE FUNCTION tell_facts_changed()', name);
    END LOOP;
END $$;

-- Append-only by grants: the application is not the owner ----------------------------------------------

REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO poincon_app, poincon_auditor;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO poincon_app, poincon_auditor;
REVOKE SELECT ON accounts, sessions, enrolments FROM poincon_auditor;
GRANT INSERT ON events, flushes, attempts, undos, remittances, remittance_lines, acceptances, batches, booklets,
    persons, territories, operators, sites, services, signing_keys, programmes, programme_amendments,
    programme_territories, programme_services, qualifications, devices, enrolments, accounts, sessions
    TO poincon_app;
GRANT UPDATE (undone_at) ON acceptances TO poincon_app;
GRANT UPDATE (state, activated_at, cancelled_at, cancel_cause, prescribed_by) ON booklets TO poincon_app;
GRANT UPDATE (state, activated_at, retired_at, revoked_at) ON signing_keys TO poincon_app;
GRANT UPDATE (last_day, expires_at) ON programmes TO poincon_app;
GRANT UPDATE (ends_on) ON qualifications TO poincon_app;
GRANT UPDATE (revoked_at) ON devices TO poincon_app;
GRANT UPDATE (device_id) ON enrolments TO poincon_app;
GRANT UPDATE (next_booklet) ON booklet_counter TO poincon_app;
GRANT UPDATE (generation, system_identifier, timeline) ON guard_generation TO poincon_app;
GRANT UPDATE (password_hash, disabled_at) ON accounts TO poincon_app;
GRANT DELETE ON sessions TO poincon_app;
