-- Accounts that were rendered and frozen: what they said, so that the audit tells when the record no longer says it.

CREATE TABLE renderings (
    id              integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    first_day       date NOT NULL,  -- legal days in Europe/Paris, both included
    last_day        date NOT NULL CHECK (last_day >= first_day),
    funder          text CHECK (funder <> ''),  -- null: of everybody
    programme_ids   integer[] CHECK ((programme_ids IS NULL) = (funder IS NULL)),
    entries         bigint NOT NULL CHECK (entries >= 0),
    entries_sha256  bytea NOT NULL CHECK (length(entries_sha256) = 32),  -- EntrySeal of ledger/rendering_rows.py
    archive_sha256  bytea NOT NULL CHECK (length(archive_sha256) = 32),  -- of the whole, as its manifest tells it
    held_cents      bigint NOT NULL,
    unpaid_cents    bigint NOT NULL,
    frozen_at       timestamptz NOT NULL,
    frozen_by       text NOT NULL CHECK (frozen_by <> '')
);
CREATE UNIQUE INDEX renderings_one
    ON renderings (first_day, last_day, coalesce(funder, ''), coalesce(programme_ids, '{}'));

CREATE TABLE rendered_balances (
    rendering_id   integer NOT NULL REFERENCES renderings,
    account_id     integer NOT NULL REFERENCES book_accounts,
    opening_cents  bigint NOT NULL,
    debit_cents    bigint NOT NULL CHECK (debit_cents >= 0),
    credit_cents   bigint NOT NULL CHECK (credit_cents >= 0),
    PRIMARY KEY (rendering_id, account_id)
);

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['renderings', 'rendered_balances'] LOOP
        EXECUTE format('CREATE TRIGGER %1$s_append_only BEFORE UPDATE OR DELETE ON %1$s
                        FOR EACH ROW EXECUTE FUNCTION refuse_change()', name);
        EXECUTE format('CREATE TRIGGER %1$s_not_emptied BEFORE TRUNCATE ON %1$s
                        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
    END LOOP;
END $$;
REVOKE ALL ON renderings, rendered_balances FROM PUBLIC;
GRANT SELECT ON renderings, rendered_balances TO poincon_app, poincon_auditor;
GRANT INSERT ON renderings, rendered_balances TO poincon_app;
