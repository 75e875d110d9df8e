-- Programmes as their conventions have them: rules by version, orders up to deliveries, and what territories are
-- granted. What holds of them, the cap common to all territories above all, is in 0019_grants_hold.sql.

CREATE FUNCTION paris_day(at timestamptz) RETURNS date LANGUAGE sql IMMUTABLE
    RETURN (at AT TIME ZONE 'Europe/Paris')::date;

-- A row whose named columns are said once each, in their time, and whose others never change.
CREATE FUNCTION guard_said_once() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    field text;
BEGIN
    IF (to_jsonb(NEW) - TG_ARGV) IS DISTINCT FROM (to_jsonb(OLD) - TG_ARGV) THEN
        RAISE EXCEPTION 'what % tells never changes; add another row', TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    FOREACH field IN ARRAY TG_ARGV LOOP
        IF to_jsonb(OLD)->>field IS NOT NULL AND to_jsonb(NEW)->>field IS DISTINCT FROM to_jsonb(OLD)->>field THEN
            RAISE EXCEPTION '% of % is said once', field, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
        END IF;
    END LOOP;
    RETURN NEW;
END $$;

-- Rules ------------------------------------------------------------------------------------------------

CREATE TABLE programme_rules (  -- an amendment is another version; the newest one's validity is the programme's
    programme_id           integer NOT NULL REFERENCES programmes,
    version                integer NOT NULL CHECK (version > 0),
    decided_at             timestamptz NOT NULL,
    decided_by             text NOT NULL CHECK (decided_by <> ''),  -- an actor, as in events
    in_force_from          date NOT NULL,  -- and not before it was decided
    reason                 text NOT NULL CHECK (reason <> ''),
    convention             text NOT NULL,  -- its reference
    mandate_starts_on      date,
    mandate_ends_on        date CHECK (mandate_ends_on >= mandate_starts_on),
    last_day_of_use        date NOT NULL,  -- the last legal day, without the grace
    grace_days             smallint NOT NULL CHECK (grace_days BETWEEN 0 AND 365),
    claim_window_days      smallint NOT NULL CHECK (claim_window_days BETWEEN 0 AND 365),  -- after the grace
    payment_delay_days     smallint NOT NULL CHECK (payment_delay_days BETWEEN 0 AND 365),
    closing_calendar       text NOT NULL CHECK (closing_calendar IN ('none', 'monthly', 'twice_a_month', 'weekly')),
    stock_cap_passes       integer CHECK (stock_cap_passes > 0),  -- of all territories together; null: none
    first_grant_passes     integer NOT NULL CHECK (first_grant_passes > 0),
    top_up_passes          integer NOT NULL CHECK (top_up_passes > 0),
    threshold_percent      smallint NOT NULL CHECK (threshold_percent BETWEEN 1 AND 100),
    grant_deadline         date,  -- the last day on which a grant is approved; null: none
    delivery_working_days  smallint NOT NULL CHECK (delivery_working_days BETWEEN 1 AND 250),
    pic_share_percent      smallint NOT NULL CHECK (pic_share_percent BETWEEN 0 AND 100),
    publics                text[] NOT NULL,  -- codes of those whom the convention targets
    service_ids            smallint[] NOT NULL,
    territory_ids          integer[] NOT NULL,
    PRIMARY KEY (programme_id, version)
);

CREATE FUNCTION guard_rules() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last programme_rules;
BEGIN
    SELECT * INTO last FROM programme_rules r WHERE r.programme_id = NEW.programme_id
    ORDER BY r.version DESC LIMIT 1;
    IF NEW.version <> coalesce(last.version, 0) + 1 OR NEW.in_force_from < last.in_force_from THEN
        RAISE EXCEPTION 'version % of programme % would rewrite version %',
            NEW.version, NEW.programme_id, last.version USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER programme_rules_follow BEFORE INSERT ON programme_rules
    FOR EACH ROW EXECUTE FUNCTION guard_rules();

-- Verdicts read programmes; conventions are read here. Asked at commit: they say the same.
CREATE FUNCTION check_rules_agree() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wanted integer := CASE TG_TABLE_NAME WHEN 'programmes' THEN (to_jsonb(NEW)->>'id')::integer
                                         ELSE (to_jsonb(NEW)->>'programme_id')::integer END;
    told programme_rules;
BEGIN
    SELECT * INTO told FROM programme_rules r WHERE r.programme_id = wanted ORDER BY r.version DESC LIMIT 1;
    IF told.version IS NOT NULL AND NOT EXISTS (
        SELECT FROM programmes p WHERE p.id = wanted
          AND (p.last_day, p.payment_delay_days, p.closing_calendar)
              = (told.last_day_of_use + told.grace_days, told.payment_delay_days, told.closing_calendar)) THEN
        RAISE EXCEPTION 'programme % and version % of its rules differ; amend the rules', wanted, told.version
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER programme_rules_agree AFTER INSERT ON programme_rules DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION check_rules_agree();
CREATE CONSTRAINT TRIGGER programmes_agree AFTER UPDATE ON programmes DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION check_rules_agree();

-- What was in force on a day, by what had been decided by then. Before the first version: the first.
CREATE FUNCTION rules_on(programme integer, day date) RETURNS programme_rules LANGUAGE sql AS $$
    SELECT r FROM programme_rules r WHERE r.programme_id = programme
    ORDER BY (r.in_force_from <= day AND paris_day(r.decided_at) <= day) DESC,
             CASE WHEN r.in_force_from <= day AND paris_day(r.decided_at) <= day THEN -r.version ELSE r.version END
    LIMIT 1
$$;

INSERT INTO programme_rules
SELECT p.id, 1, now(), 'migration:0014', paris_day(now()), 'as it was before rules were recorded', '', NULL, NULL,
       p.last_day, 0, 0, p.payment_delay_days, p.closing_calendar, NULL, 5000, 2500, 50, NULL, 20, 50, '{}',
       ARRAY(SELECT s.service_id FROM programme_services s WHERE s.programme_id = p.id ORDER BY 1),
       ARRAY(SELECT t.territory_id FROM programme_territories t WHERE t.programme_id = p.id ORDER BY 1)
FROM programmes p;
SET CONSTRAINTS ALL IMMEDIATE;
GRANT DELETE ON programme_territories, programme_services TO poincon_app;  -- by an amendment

-- Territories: conditions and measures -------------------------------------------------------------------

CREATE TABLE territory_conditions (  -- checked off by somebody; withdrawn when that was wrong
    id               integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    programme_id     integer NOT NULL REFERENCES programmes,
    territory_id     integer NOT NULL REFERENCES territories,
    condition        text NOT NULL CHECK (condition IN ('convention_signed', 'project_lead', 'network_opinion',
                                                        'training_opinion')),
    met_on           date NOT NULL,
    note             text NOT NULL,  -- the convention's reference, who leads, whose opinion
    noted_at         timestamptz NOT NULL,
    noted_by         text NOT NULL CHECK (noted_by <> ''),
    withdrawn_at     timestamptz,
    withdrawn_by     text CHECK ((withdrawn_by IS NULL) = (withdrawn_at IS NULL)),
    withdraw_reason  text CHECK ((withdraw_reason IS NULL) = (withdrawn_at IS NULL))
);
CREATE UNIQUE INDEX territory_conditions_one ON territory_conditions (programme_id, territory_id, condition)
    WHERE withdrawn_at IS NULL;
CREATE TRIGGER territory_conditions_guard BEFORE UPDATE ON territory_conditions FOR EACH ROW
    EXECUTE FUNCTION guard_said_once('withdrawn_at', 'withdrawn_by', 'withdraw_reason');

CREATE TABLE territory_measures (  -- what is decided against a territory, after it was heard
    id              integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    programme_id    integer NOT NULL REFERENCES programmes,
    territory_id    integer NOT NULL REFERENCES territories,
    -- suspension: nothing granted nor delivered until lifted; reduction: fewer passes than it was granted
    kind            text NOT NULL CHECK (kind IN ('suspension', 'reduction')),
    passes          integer CHECK (passes > 0) CHECK ((passes IS NOT NULL) = (kind = 'reduction')),
    heard_on        date NOT NULL CHECK (heard_on <= paris_day(decided_at)),
    hearing         text NOT NULL CHECK (hearing <> ''),  -- the record: who was heard, and what was said
    hearing_sha256  bytea CHECK (octet_length(hearing_sha256) = 32),  -- of its signed minutes, kept elsewhere
    reason          text NOT NULL CHECK (reason <> ''),
    decided_at      timestamptz NOT NULL,
    decided_by      integer NOT NULL REFERENCES persons,
    lifted_at       timestamptz CHECK (lifted_at IS NULL OR kind = 'suspension'),
    lifted_by       integer REFERENCES persons CHECK ((lifted_by IS NULL) = (lifted_at IS NULL)),
    lift_reason     text CHECK (lift_reason <> '') CHECK ((lift_reason IS NULL) = (lifted_at IS NULL))
);
CREATE UNIQUE INDEX territory_measures_one_suspension ON territory_measures (programme_id, territory_id)
    WHERE kind = 'suspension' AND lifted_at IS NULL;
CREATE TRIGGER territory_measures_guard BEFORE UPDATE ON territory_measures FOR EACH ROW
    EXECUTE FUNCTION guard_said_once('lifted_at', 'lifted_by', 'lift_reason');

CREATE FUNCTION is_suspended(programme integer, territory integer) RETURNS boolean LANGUAGE sql AS $$
    SELECT EXISTS (SELECT FROM territory_measures m
                   WHERE m.programme_id = programme AND m.territory_id = territory
                     AND m.kind = 'suspension' AND m.lifted_at IS NULL)
$$;

-- Grants -------------------------------------------------------------------------------------------------

CREATE TABLE grants (
    id                integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    programme_id      integer NOT NULL,
    territory_id      integer NOT NULL REFERENCES territories,
    kind              text NOT NULL CHECK (kind IN ('first', 'top_up')),
    -- 0: the first grant; n: the threshold that was reached while the territory had been granted n times
    threshold_number  integer NOT NULL CHECK (threshold_number >= 0)
                      CHECK ((threshold_number = 0) = (kind = 'first')),
    passes            integer NOT NULL CHECK (passes > 0),
    rules_version     integer NOT NULL,
    held_passes       integer NOT NULL CHECK (held_passes >= 0),      -- at the proposal
    consumed_passes   integer NOT NULL CHECK (consumed_passes >= 0),  -- at the proposal
    proposed_at       timestamptz NOT NULL,
    proposed_by       text NOT NULL CHECK (proposed_by <> ''),
    state             text NOT NULL DEFAULT 'proposed' CHECK (state IN ('proposed', 'approved', 'refused')),
    decided_at        timestamptz CHECK ((decided_at IS NULL) = (state = 'proposed')),
    decided_by        integer REFERENCES persons CHECK ((decided_by IS NULL) = (decided_at IS NULL)),
    reason            text CHECK (reason <> '') CHECK (state <> 'refused' OR reason IS NOT NULL),
    deliver_by        date CHECK ((deliver_by IS NOT NULL) = (state = 'approved')),  -- by working days
    FOREIGN KEY (programme_id, rules_version) REFERENCES programme_rules,
    UNIQUE (id, programme_id, territory_id)
);
CREATE UNIQUE INDEX grants_once_per_threshold ON grants (programme_id, territory_id, threshold_number)
    WHERE state <> 'refused';

-- Orders: quote, proof, production -------------------------------------------------------------------------

CREATE TABLE orders (
    id                 integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    programme_id       integer NOT NULL REFERENCES programmes,
    booklet_count      integer NOT NULL CHECK (booklet_count BETWEEN 1 AND 100000),
    ordered_at         timestamptz NOT NULL,
    ordered_by         text NOT NULL CHECK (ordered_by <> ''),
    reference          text NOT NULL,  -- the funder's own
    quoted_at          timestamptz,
    quoted_by          text CHECK ((quoted_by IS NULL) = (quoted_at IS NULL)),
    quote_reference    text CHECK (quote_reference <> '') CHECK ((quote_reference IS NULL) = (quoted_at IS NULL)),
    quote_cents        bigint CHECK (quote_cents >= 0) CHECK ((quote_cents IS NULL) = (quoted_at IS NULL)),
    batch_id           integer UNIQUE REFERENCES batches,
    production_sha256  bytea CHECK (octet_length(production_sha256) = 32)  -- once the printer's file is written
                       CHECK (production_sha256 IS NULL OR batch_id IS NOT NULL),
    produced_at        timestamptz CHECK ((produced_at IS NULL) = (production_sha256 IS NULL)),
    produced_by        text CHECK ((produced_by IS NULL) = (produced_at IS NULL)),
    cancelled_at       timestamptz CHECK (cancelled_at IS NULL OR batch_id IS NULL),
    cancelled_by       text CHECK ((cancelled_by IS NULL) = (cancelled_at IS NULL)),
    cancel_reason      text CHECK (cancel_reason <> '') CHECK ((cancel_reason IS NULL) = (cancelled_at IS NULL))
);

CREATE TABLE order_proofs (  -- one real booklet, void for ever: its codes are seen by whoever looks at the proof
    id             integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id       integer NOT NULL REFERENCES orders,
    batch_id       integer NOT NULL UNIQUE REFERENCES batches,
    pdf            bytea NOT NULL CHECK (octet_length(pdf) BETWEEN 1 AND 8000000),
    pdf_sha256     bytea NOT NULL CHECK (pdf_sha256 = sha256(pdf)),
    drawn_at       timestamptz NOT NULL,
    drawn_by       text NOT NULL CHECK (drawn_by <> ''),
    decision       text CHECK (decision IN ('approved', 'refused')),
    decided_at     timestamptz CHECK ((decided_at IS NULL) = (decision IS NULL)),
    decided_by     integer REFERENCES persons CHECK ((decided_by IS NULL) = (decision IS NULL)),
    reason         text CHECK (reason <> '') CHECK (decision <> 'refused' OR reason IS NOT NULL)
);
CREATE UNIQUE INDEX order_proofs_one_approved ON order_proofs (order_id) WHERE decision = 'approved';
CREATE TRIGGER order_proofs_guard BEFORE UPDATE ON order_proofs FOR EACH ROW
    EXECUTE FUNCTION guard_said_once('decision', 'decided_at', 'decided_by', 'reason');

CREATE TRIGGER orders_guard BEFORE UPDATE ON orders FOR EACH ROW
    EXECUTE FUNCTION guard_said_once('quoted_at', 'quoted_by', 'quote_reference', 'quote_cents', 'batch_id',
                                     'production_sha256', 'produced_at', 'produced_by', 'cancelled_at',
                                     'cancelled_by', 'cancel_reason');
CREATE FUNCTION guard_production() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.quoted_at IS NULL OR NEW.cancelled_at IS NOT NULL OR NOT EXISTS (
        SELECT FROM order_proofs p WHERE p.order_id = NEW.id AND p.decision = 'approved') THEN
        RAISE EXCEPTION 'order % is produced once it was quoted and its proof approved', NEW.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NOT EXISTS (SELECT FROM batches t WHERE (t.id, t.programme_id, t.booklet_count)
                                               = (NEW.batch_id, NEW.programme_id, NEW.booklet_count)) THEN
        RAISE EXCEPTION 'batch % is not what order % asks for', NEW.batch_id, NEW.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER orders_production BEFORE UPDATE ON orders FOR EACH ROW
    WHEN (OLD.batch_id IS NULL AND NEW.batch_id IS NOT NULL) EXECUTE FUNCTION guard_production();

-- Deliveries and restitutions ----------------------------------------------------------------------------

CREATE TABLE deliveries (
    id             integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    grant_id       integer NOT NULL,
    programme_id   integer NOT NULL,
    territory_id   integer NOT NULL,
    booklet_count  integer NOT NULL CHECK (booklet_count > 0),
    passes         integer NOT NULL CHECK (passes >= booklet_count),
    dispatched_at  timestamptz NOT NULL,
    dispatched_by  text NOT NULL CHECK (dispatched_by <> ''),
    delivered_at   timestamptz CHECK (delivered_at >= dispatched_at),
    received_by    text CHECK (received_by <> '') CHECK ((received_by IS NULL) = (delivered_at IS NULL)),
    note_sha256    bytea CHECK (octet_length(note_sha256) = 32),  -- of the note, once printed
    FOREIGN KEY (grant_id, programme_id, territory_id) REFERENCES grants (id, programme_id, territory_id)
);
CREATE INDEX deliveries_grant ON deliveries (grant_id);
CREATE INDEX deliveries_territory ON deliveries (programme_id, territory_id);
CREATE TRIGGER deliveries_guard BEFORE UPDATE ON deliveries FOR EACH ROW
    EXECUTE FUNCTION guard_said_once('delivered_at', 'received_by', 'note_sha256');

CREATE TABLE restitutions (  -- booklets that were not handed out come back; they may be delivered again
    id             integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    programme_id   integer NOT NULL REFERENCES programmes,
    territory_id   integer NOT NULL REFERENCES territories,
    booklet_count  integer NOT NULL CHECK (booklet_count > 0),
    passes         integer NOT NULL CHECK (passes >= booklet_count),
    at             timestamptz NOT NULL,
    by             text NOT NULL CHECK (by <> ''),
    reason         text NOT NULL CHECK (reason <> '')
);

CREATE TABLE delivered_booklets (
    booklet         bigint NOT NULL REFERENCES booklets,
    delivery_id     integer NOT NULL REFERENCES deliveries,
    restitution_id  integer REFERENCES restitutions,  -- null: it is there
    PRIMARY KEY (booklet, delivery_id)
);
CREATE UNIQUE INDEX delivered_booklets_once ON delivered_booklets (booklet) WHERE restitution_id IS NULL;
CREATE INDEX delivered_booklets_delivery ON delivered_booklets (delivery_id);
CREATE TRIGGER delivered_booklets_guard BEFORE UPDATE ON delivered_booklets FOR EACH ROW
    EXECUTE FUNCTION guard_said_once('restitution_id');

-- Where a booklet is: at most one row each.
CREATE VIEW booklet_territories AS
SELECT b.booklet, d.programme_id, d.territory_id, d.id AS delivery_id, d.grant_id, d.dispatched_at, d.delivered_at
FROM delivered_booklets b JOIN deliveries d ON d.id = b.delivery_id WHERE b.restitution_id IS NULL;

-- Consumed: scanned, and in a closed remittance. What a correction takes back later stays consumed.
CREATE VIEW consumed_passes AS
SELECT l.booklet, l.pass_number, l.operator_id, l.number, r.closed_at, l.amount_cents
FROM remittance_lines l JOIN remittances r USING (operator_id, number);

-- What a territory has: granted less what was taken off or came back, and what of it is consumed.
CREATE VIEW territory_holdings AS
SELECT of.programme_id, of.territory_id, granted.grants AS grant_count, granted.passes AS granted_passes,
       reduced.passes AS reduced_passes, back.passes AS restituted_passes,
       greatest(granted.passes - reduced.passes - back.passes, 0) AS held_passes,
       sent.dispatched AS dispatched_passes, sent.delivered AS delivered_passes, used.passes AS consumed_passes
FROM (SELECT programme_id, territory_id FROM programme_territories
      UNION SELECT programme_id, territory_id FROM grants) AS of,
LATERAL (SELECT count(*) AS grants, coalesce(sum(g.passes), 0) AS passes FROM grants g
         WHERE (g.programme_id, g.territory_id) = (of.programme_id, of.territory_id)
           AND g.state = 'approved') AS granted,
LATERAL (SELECT coalesce(sum(m.passes), 0) AS passes FROM territory_measures m
         WHERE (m.programme_id, m.territory_id) = (of.programme_id, of.territory_id)
           AND m.kind = 'reduction') AS reduced,
LATERAL (SELECT coalesce(sum(r.passes), 0) AS passes FROM restitutions r
         WHERE (r.programme_id, r.territory_id) = (of.programme_id, of.territory_id)) AS back,
LATERAL (SELECT coalesce(sum(d.passes), 0) AS dispatched,
                coalesce(sum(d.passes) FILTER (WHERE d.delivered_at IS NOT NULL), 0) AS delivered
         FROM deliveries d
         WHERE (d.programme_id, d.territory_id) = (of.programme_id, of.territory_id)) AS sent,
LATERAL (SELECT count(*) AS passes FROM booklet_territories b JOIN remittance_lines l ON l.booklet = b.booklet
         WHERE (b.programme_id, b.territory_id) = (of.programme_id, of.territory_id)) AS used;

-- Append-only, by trigger and by grants ------------------------------------------------------------------

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['programme_rules', 'restitutions'] LOOP
        EXECUTE format('CREATE TRIGGER %1$s_append_only BEFORE UPDATE OR DELETE ON %1$s
                        FOR EACH ROW EXECUTE FUNCTION refuse_change()', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['territory_conditions', 'territory_measures', 'grants', 'orders', 'order_proofs',
                                'deliveries', 'delivered_booklets'] LOOP
        EXECUTE format('CREATE TRIGGER %1$s_kept BEFORE DELETE ON %1$s
                        FOR EACH ROW EXECUTE FUNCTION refuse_change()', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['programme_rules', 'restitutions', 'territory_conditions', 'territory_measures',
                                'grants', 'orders', 'order_proofs', 'deliveries', 'delivered_booklets'] LOOP
        EXECUTE format('CREATE TRIGGER %1$s_not_emptied BEFORE TRUNCATE ON %1$s
                        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
        EXECUTE format('REVOKE ALL ON %1$s FROM PUBLIC', name);
        EXECUTE format('GRANT SELECT ON %1$s TO poincon_app, poincon_auditor', name);
        EXECUTE format('GRANT INSERT ON %1$s TO poincon_app', name);
    END LOOP;
END $$;
REVOKE SELECT ON order_proofs FROM poincon_auditor;  -- a proof shows codes
GRANT SELECT ON booklet_territories, consumed_passes, territory_holdings TO poincon_app, poincon_auditor;
GRANT UPDATE (withdrawn_at, withdrawn_by, withdraw_reason) ON territory_conditions TO poincon_app;
GRANT UPDATE (lifted_at, lifted_by, lift_reason) ON territory_measures TO poincon_app;
GRANT UPDATE (state, decided_at, decided_by, reason, deliver_by) ON grants TO poincon_app;
GRANT UPDATE (quoted_at, quoted_by, quote_reference, quote_cents, batch_id, production_sha256, produced_at,
              produced_by, cancelled_at, cancelled_by, cancel_reason) ON orders TO poincon_app;
GRANT UPDATE (decision, decided_at, decided_by, reason) ON order_proofs TO poincon_app;
GRANT UPDATE (delivered_at, received_by, note_sha256) ON deliveries TO poincon_app;
GRANT UPDATE (restitution_id) ON delivered_booklets TO poincon_app;
