-- Operators and their places: applications judged by published criteria, holds on what a suspended operator is owed,
-- and what the public is told of each place.

CREATE TABLE application_criteria (  -- as published; a decision is judged by the version that was applied under
    version       integer PRIMARY KEY CHECK (version > 0),
    published_at  timestamptz NOT NULL,
    published_by  text NOT NULL CHECK (published_by <> ''),
    items         text[] NOT NULL CHECK (cardinality(items) BETWEEN 1 AND 30)
);

CREATE TABLE applications (
    id                 integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    criteria_version   integer NOT NULL REFERENCES application_criteria,
    programme_id       integer NOT NULL REFERENCES programmes,
    siret              siret NOT NULL,
    organisation       text NOT NULL CHECK (organisation <> ''),
    contact_name       text NOT NULL CHECK (contact_name <> ''),
    contact_address    text NOT NULL CHECK (contact_address ~ '^[!-?A-~]{1,64}@[!-?A-~]{1,189}$'),
    service_ids        smallint[] NOT NULL CHECK (cardinality(service_ids) > 0),
    sites              jsonb NOT NULL CHECK (jsonb_array_length(sites) BETWEEN 1 AND 20),
    answers            text[] NOT NULL,  -- how each criterion is met, in their order
    received_at        timestamptz NOT NULL,
    decision           text CHECK (decision IN ('accepted', 'refused')),
    decided_at         timestamptz CHECK ((decided_at IS NULL) = (decision IS NULL)),
    decided_by         integer REFERENCES persons CHECK ((decided_by IS NULL) = (decision IS NULL)),
    reason             text CHECK (reason <> '') CHECK ((reason IS NULL) = (decision IS NULL)),
    appealed_at        timestamptz CHECK (appealed_at IS NULL OR decision = 'refused'),
    appeal_text        text CHECK ((appeal_text IS NULL) = (appealed_at IS NULL)),
    appeal_decision    text CHECK (appeal_decision IN ('accepted', 'refused'))
                       CHECK (appeal_decision IS NULL OR appealed_at IS NOT NULL),
    appeal_decided_at  timestamptz CHECK ((appeal_decided_at IS NULL) = (appeal_decision IS NULL)),
    -- Another person judges the appeal: persons, not logins.
    appeal_decided_by  integer REFERENCES persons CHECK (appeal_decided_by <> decided_by)
                       CHECK ((appeal_decided_by IS NULL) = (appeal_decision IS NULL)),
    appeal_reason      text CHECK ((appeal_reason IS NULL) = (appeal_decision IS NULL)),
    operator_id        integer REFERENCES operators
                       CHECK ((operator_id IS NOT NULL)
                              = (coalesce(decision = 'accepted' OR appeal_decision = 'accepted', false)))
);
CREATE UNIQUE INDEX applications_one_open ON applications (siret, programme_id)
    WHERE decision IS NULL OR (appealed_at IS NOT NULL AND appeal_decision IS NULL);

CREATE FUNCTION guard_application() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    later text[] := ARRAY['decision', 'decided_at', 'decided_by', 'reason', 'appealed_at', 'appeal_text',
                          'appeal_decision', 'appeal_decided_at', 'appeal_decided_by', 'appeal_reason',
                          'operator_id'];
    field text;
BEGIN
    IF (to_jsonb(NEW) - later) IS DISTINCT FROM (to_jsonb(OLD) - later) THEN
        RAISE EXCEPTION 'an application never changes; another one can be sent'
            USING ERRCODE = 'restrict_violation';
    END IF;
    FOREACH field IN ARRAY later LOOP
        IF to_jsonb(OLD)->>field IS NOT NULL AND to_jsonb(NEW)->>field IS DISTINCT FROM to_jsonb(OLD)->>field THEN
            RAISE EXCEPTION '% of an application is said once', field USING ERRCODE = 'restrict_violation';
        END IF;
    END LOOP;
    RETURN NEW;
END $$;
CREATE TRIGGER applications_guard BEFORE UPDATE ON applications
    FOR EACH ROW EXECUTE FUNCTION guard_application();

-- Suspension: what is owed stays owed, and waits -----------------------------------------------------------

CREATE TABLE operator_holds (
    id              integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    operator_id     integer NOT NULL REFERENCES operators,
    held_at         timestamptz NOT NULL,
    held_by         text NOT NULL CHECK (held_by <> ''),
    reason          text NOT NULL CHECK (reason <> ''),
    released_at     timestamptz,
    released_by     text CHECK ((released_by IS NULL) = (released_at IS NULL)),
    release_reason  text CHECK ((release_reason IS NULL) = (released_at IS NULL))
);
CREATE UNIQUE INDEX operator_holds_one_live ON operator_holds (operator_id) WHERE released_at IS NULL;

CREATE FUNCTION guard_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.released_at IS NOT NULL
       OR (to_jsonb(NEW) - ARRAY['released_at', 'released_by', 'release_reason'])
          IS DISTINCT FROM (to_jsonb(OLD) - ARRAY['released_at', 'released_by', 'release_reason']) THEN
        RAISE EXCEPTION 'a hold never changes, but for its release, said once' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER operator_holds_guard BEFORE UPDATE ON operator_holds FOR EACH ROW EXECUTE FUNCTION guard_hold();

-- Whoever writes: nothing is prepared for, or released to, an operator that is held.
CREATE FUNCTION refuse_held_attempts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM added a JOIN operator_holds h ON h.operator_id = a.operator_id
               WHERE h.released_at IS NULL) THEN
        RAISE EXCEPTION 'an operator that is held is not paid; release the hold first'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER payout_attempts_not_held AFTER INSERT ON payout_attempts REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_held_attempts();

CREATE FUNCTION refuse_held_batch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM payout_attempts a JOIN operator_holds h ON h.operator_id = a.operator_id
               WHERE a.batch_id = NEW.id AND h.released_at IS NULL) THEN
        RAISE EXCEPTION 'batch % pays an operator that is held: cancel the draft and prepare again', NEW.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payout_batches_not_held BEFORE UPDATE OF state ON payout_batches
    FOR EACH ROW WHEN (OLD.state = 'draft' AND NEW.state = 'approved') EXECUTE FUNCTION refuse_held_batch();

-- Places, as the public is told ----------------------------------------------------------------------------

-- In the words of the national schema of places (LaMednum/standard-mediation-num, schema.json); null: not said.
ALTER TABLE services ADD COLUMN mednum text CHECK (mednum IN (
    'Aide aux démarches administratives', 'Maîtrise des outils numériques du quotidien',
    'Insertion professionnelle via le numérique', 'Utilisation sécurisée du numérique',
    'Parentalité et éducation avec le numérique', 'Loisirs et créations numériques',
    'Compréhension du monde numérique', 'Accès internet et matériel informatique',
    'Acquisition de matériel informatique à prix solidaire'));
GRANT UPDATE (mednum) ON services TO poincon_app;

CREATE TABLE site_details (  -- what changes is an event; the row tells today's
    site_id        integer PRIMARY KEY REFERENCES sites,
    address        text NOT NULL CHECK (address <> ''),
    complement     text CHECK (complement <> ''),
    postcode       text NOT NULL CHECK (postcode ~ '^[0-9]{5}$'),
    commune        text NOT NULL CHECK (commune <> ''),
    insee          text CHECK (insee ~ '^([013-9][0-9]|2[AB1-9])[0-9]{3}$'),
    latitude       double precision CHECK (latitude BETWEEN -90 AND 90)
                   CHECK ((latitude IS NULL) = (longitude IS NULL)),
    longitude      double precision CHECK (longitude BETWEEN -180 AND 180),
    phone          text CHECK (phone ~ '^\+[0-9]{8,14}$'),
    email          text CHECK (email LIKE '%@%'),
    website        text CHECK (website ~ '^https?://'),
    opening_hours  text CHECK (opening_hours <> ''),  -- as OpenStreetMap writes them
    summary        text CHECK (length(summary) BETWEEN 1 AND 280),
    access_sheet   text CHECK (access_sheet ~ '^https://'),  -- the place's page on acceslibre.beta.gouv.fr
    booking        text CHECK (booking ~ '^https://'),
    updated_at     timestamptz NOT NULL,
    updated_by     text NOT NULL CHECK (updated_by <> '')
);

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['applications', 'operator_holds', 'site_details', 'application_criteria'] LOOP
        EXECUTE format('CREATE TRIGGER %1$s_kept BEFORE DELETE ON %1$s
                        FOR EACH ROW EXECUTE FUNCTION refuse_change()', name);
        EXECUTE format('CREATE TRIGGER %1$s_not_emptied BEFORE TRUNCATE ON %1$s
                        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
    END LOOP;
END $$;
CREATE TRIGGER application_criteria_append_only BEFORE UPDATE ON application_criteria
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
REVOKE ALL ON application_criteria, applications, operator_holds, site_details FROM PUBLIC;
GRANT SELECT ON application_criteria, applications, operator_holds, site_details TO poincon_app, poincon_auditor;
GRANT INSERT ON application_criteria, applications, operator_holds, site_details TO poincon_app;
GRANT UPDATE (decision, decided_at, decided_by, reason, appealed_at, appeal_text, appeal_decision, appeal_decided_at,
              appeal_decided_by, appeal_reason, operator_id) ON applications TO poincon_app;
GRANT UPDATE (released_at, released_by, release_reason) ON operator_holds TO poincon_app;
GRANT UPDATE (address, complement, postcode, commune, insee, latitude, longitude, phone, email, website,
              opening_hours, summary, access_sheet, booking, updated_at, updated_by) ON site_details TO poincon_app;
