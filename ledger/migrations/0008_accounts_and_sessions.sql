-- Who may do what in the console, second factors, and sessions that can be listed and ended.

-- What an account that was there before may do: prepare. Approving takes a second person, named as such.
ALTER TABLE accounts
    ADD COLUMN role text NOT NULL DEFAULT 'preparer'
        CHECK (role IN ('preparer', 'approver', 'funder', 'operator', 'auditor')),
    ADD COLUMN programme_id integer REFERENCES programmes,
    ADD COLUMN operator_id integer REFERENCES operators,
    ADD CONSTRAINT accounts_funder_of_one_programme CHECK ((role = 'funder') = (programme_id IS NOT NULL)),
    ADD CONSTRAINT accounts_manager_of_one_operator CHECK ((role = 'operator') = (operator_id IS NOT NULL));
GRANT UPDATE (role, programme_id, operator_id) ON accounts TO poincon_app;

ALTER TABLE sessions
    ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY UNIQUE,  -- what a person ends it by; opens nothing
    ADD COLUMN opened_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ADD COLUMN last_seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ADD COLUMN user_agent text NOT NULL DEFAULT '' CHECK (length(user_agent) <= 300),
    -- When the person last proved who it is; null: the password was right and the second factor is awaited.
    ADD COLUMN proved_at timestamptz DEFAULT clock_timestamp();
CREATE INDEX sessions_account ON sessions (account_id);
GRANT UPDATE (last_seen_at, proved_at) ON sessions TO poincon_app;

CREATE TABLE second_factors (
    account_id     integer PRIMARY KEY REFERENCES accounts,
    -- The secret of RFC 6238 under a key that is derived from the key folder's master secret.
    sealed_secret  bytea NOT NULL CHECK (octet_length(sealed_secret) BETWEEN 40 AND 100),
    last_step      bigint NOT NULL CHECK (last_step > 0),  -- a code serves once: later steps only
    enrolled_at    timestamptz NOT NULL
);

CREATE TABLE recovery_codes (
    account_id  integer NOT NULL REFERENCES accounts,
    mac         bytea NOT NULL CHECK (octet_length(mac) = 32),
    used_at     timestamptz,
    PRIMARY KEY (account_id, mac)
);

CREATE FUNCTION refuse_step_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.account_id, NEW.sealed_secret) = (OLD.account_id, OLD.sealed_secret)
       AND NEW.last_step <= OLD.last_step THEN
        RAISE EXCEPTION 'a code of a second factor serves once' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER second_factors_go_forward BEFORE UPDATE ON second_factors
    FOR EACH ROW EXECUTE FUNCTION refuse_step_back();

CREATE FUNCTION refuse_second_use() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a recovery code serves once' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER recovery_codes_serve_once BEFORE UPDATE ON recovery_codes
    FOR EACH ROW WHEN (OLD.used_at IS NOT NULL) EXECUTE FUNCTION refuse_second_use();

REVOKE ALL ON second_factors, recovery_codes FROM PUBLIC;
GRANT SELECT, INSERT, DELETE ON second_factors, recovery_codes TO poincon_app;
GRANT UPDATE (last_step) ON second_factors TO poincon_app;
GRANT UPDATE (used_at) ON recovery_codes TO poincon_app;
