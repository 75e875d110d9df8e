-- Notices: what the people concerned are told of a fact, by mail and by signed calls to their systems. Both are queued
-- in the transaction of the fact. A mail is sent at most once; a call at least once, under one event id.

CREATE TABLE contact_addresses (  -- of an operator, of a programme's funder, or of the trustee, which is neither
    id            integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    operator_id   integer REFERENCES operators,
    programme_id  integer REFERENCES programmes CHECK (operator_id IS NULL OR programme_id IS NULL),
    address       text NOT NULL CHECK (address ~ '^[!-?A-~]{1,64}@[!-?A-~]{1,189}$'),
    added_at      timestamptz NOT NULL,
    added_by      text NOT NULL CHECK (added_by <> ''),
    removed_at    timestamptz
);
CREATE UNIQUE INDEX contact_addresses_once
    ON contact_addresses (coalesce(operator_id, 0), coalesce(programme_id, 0), lower(address))
    WHERE removed_at IS NULL;

-- Where nobody gave an address, who may sign in for the operator or the funder is told. 0 stands for nobody's.
CREATE VIEW notice_addresses AS
SELECT coalesce(c.operator_id, 0) AS operator_id, coalesce(c.programme_id, 0) AS programme_id,
       c.address, c.removed_at
FROM contact_addresses c
UNION ALL
SELECT coalesce(a.operator_id, 0), coalesce(a.programme_id, 0), a.email, NULL
FROM accounts a
WHERE a.disabled_at IS NULL AND a.role IN ('operator', 'funder')
  AND NOT EXISTS (SELECT FROM contact_addresses c
                  WHERE c.removed_at IS NULL
                    AND (coalesce(c.operator_id, 0), coalesce(c.programme_id, 0))
                        = (coalesce(a.operator_id, 0), coalesce(a.programme_id, 0)));

CREATE TABLE notices (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    fact          text NOT NULL CHECK (fact <> ''),
    kind          text NOT NULL CHECK (kind ~ '^[a-z_]+$'),
    audience      text NOT NULL CHECK (audience IN ('operator', 'funder', 'trustee', 'applicant')),
    operator_id   integer REFERENCES operators,
    programme_id  integer REFERENCES programmes,
    address       text CHECK (address <> ''),
    payload       jsonb NOT NULL,
    -- waiting: for its turn; sending: its text may be with the mail server; sent: the server took it;
    -- unclear: nobody knows whether it did, a person decides; refused: for good; given_up: tried long enough;
    -- no_address: nobody said where to send it; dropped: a person wants it no more
    state         text NOT NULL CHECK (state IN ('waiting', 'sending', 'sent', 'unclear', 'refused', 'given_up',
                                                 'no_address', 'dropped')),
    attempts      integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    told_at       timestamptz NOT NULL,
    next_at       timestamptz NOT NULL,
    changed_at    timestamptz NOT NULL,
    sent_at       timestamptz CHECK ((sent_at IS NULL) = (state <> 'sent')),
    error         text,
    CHECK (address IS NOT NULL OR state IN ('no_address', 'dropped'))
);
COMMENT ON TABLE notices IS 'Nobody is told a fact twice: one notice per fact and address.';
CREATE UNIQUE INDEX notices_never_twice ON notices (fact, audience, coalesce(lower(address), ''));
CREATE INDEX notices_due ON notices (next_at, id) WHERE state = 'waiting';
CREATE INDEX notices_open ON notices (state) WHERE state NOT IN ('sent', 'dropped');

CREATE FUNCTION guard_notice() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    moving text[] := ARRAY['state', 'attempts', 'next_at', 'changed_at', 'sent_at', 'error'];
BEGIN
    IF (to_jsonb(NEW) - moving) IS DISTINCT FROM (to_jsonb(OLD) - moving) OR NEW.attempts < OLD.attempts THEN
        RAISE EXCEPTION 'what a notice tells never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NOT (CASE OLD.state
        WHEN 'waiting' THEN NEW.state IN ('waiting', 'sending', 'refused', 'given_up', 'dropped')
        WHEN 'sending' THEN NEW.state IN ('sent', 'waiting', 'unclear', 'refused', 'given_up')
        WHEN 'unclear' THEN NEW.state IN ('waiting', 'sent', 'dropped')
        WHEN 'refused' THEN NEW.state IN ('waiting', 'dropped')
        WHEN 'given_up' THEN NEW.state IN ('waiting', 'dropped')
        WHEN 'no_address' THEN NEW.state = 'dropped'
        ELSE false END) THEN
        RAISE EXCEPTION 'notice % is %: it can''t become %', OLD.id, OLD.state, NEW.state
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER notices_guard BEFORE UPDATE ON notices FOR EACH ROW EXECUTE FUNCTION guard_notice();

-- Webhooks -------------------------------------------------------------------------------------------------

CREATE TABLE webhooks (
    id             integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    operator_id    integer REFERENCES operators,
    programme_id   integer REFERENCES programmes CHECK (operator_id IS NULL OR programme_id IS NULL),
    url            text NOT NULL CHECK (url ~ '^https?://' AND length(url) <= 500),
    seal_name      bytea NOT NULL CHECK (octet_length(seal_name) = 16),
    -- The signing secret under a key that is derived from the key folder's master secret.
    sealed_secret  bytea NOT NULL CHECK (octet_length(sealed_secret) BETWEEN 40 AND 100),
    kinds          text[] NOT NULL CHECK (cardinality(kinds) > 0),
    added_at       timestamptz NOT NULL,
    added_by       text NOT NULL CHECK (added_by <> ''),
    ended_at       timestamptz
);

CREATE TABLE webhook_calls (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    webhook_id   integer NOT NULL REFERENCES webhooks,
    fact         text NOT NULL CHECK (fact <> ''),
    kind         text NOT NULL,
    event_id     uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
    payload      jsonb NOT NULL,
    occurred_at  timestamptz NOT NULL,
    -- waiting: for its turn or the next one; taken: answered with a 2xx; given_up: tried long enough
    state        text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'taken', 'given_up')),
    attempts     integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    next_at      timestamptz NOT NULL,
    changed_at   timestamptz NOT NULL,
    last_status  integer CHECK (last_status BETWEEN 100 AND 999),
    error        text,
    UNIQUE (webhook_id, fact)
);
CREATE INDEX webhook_calls_due ON webhook_calls (next_at, id) WHERE state = 'waiting';

CREATE FUNCTION guard_one_end() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    ends text := TG_ARGV[0];
BEGIN
    IF to_jsonb(OLD)->>ends IS NOT NULL
       OR (to_jsonb(NEW) - ends) IS DISTINCT FROM (to_jsonb(OLD) - ends) THEN
        RAISE EXCEPTION '% never changes, but for its end, said once; add another row', TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER contact_addresses_guard BEFORE UPDATE ON contact_addresses
    FOR EACH ROW EXECUTE FUNCTION guard_one_end('removed_at');
CREATE TRIGGER webhooks_guard BEFORE UPDATE ON webhooks
    FOR EACH ROW EXECUTE FUNCTION guard_one_end('ended_at');

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['contact_addresses', 'notices', 'webhooks', 'webhook_calls'] LOOP
        EXECUTE format('CREATE TRIGGER %1$s_kept BEFORE DELETE ON %1$s
                        FOR EACH ROW EXECUTE FUNCTION refuse_change()', name);
        EXECUTE format('CREATE TRIGGER %1$s_not_emptied BEFORE TRUNCATE ON %1$s
                        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
    END LOOP;
END $$;
REVOKE ALL ON contact_addresses, notice_addresses, notices, webhooks, webhook_calls FROM PUBLIC;
GRANT SELECT ON contact_addresses, notice_addresses, notices, webhook_calls TO poincon_app, poincon_auditor;
GRANT SELECT ON webhooks TO poincon_app;
GRANT INSERT ON contact_addresses, notices, webhooks, webhook_calls TO poincon_app;
GRANT UPDATE (removed_at) ON contact_addresses TO poincon_app;
GRANT UPDATE (state, attempts, next_at, changed_at, sent_at, error) ON notices TO poincon_app;
GRANT UPDATE (ended_at) ON webhooks TO poincon_app;
GRANT UPDATE (state, attempts, next_at, changed_at, last_status, error) ON webhook_calls TO poincon_app;
