-- What holds of grants and deliveries, whoever writes them: the cap on the stock, which is common to all territories,
-- deadlines, suspensions, and that nothing is sent beyond what was granted. One lock per programme.

-- One lock per programme: each statement after it sees what was committed before it was had. What was taken off or
-- came back is there for all territories again.
CREATE FUNCTION granted_of(programme integer) RETURNS bigint LANGUAGE sql AS $$
    SELECT coalesce((SELECT sum(g.passes) FROM grants g WHERE g.programme_id = programme AND g.state = 'approved'), 0)
         - coalesce((SELECT sum(m.passes) FROM territory_measures m WHERE m.programme_id = programme
                     AND m.kind = 'reduction'), 0)
         - coalesce((SELECT sum(r.passes) FROM restitutions r WHERE r.programme_id = programme), 0)
$$;

CREATE FUNCTION guard_grant() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    ends text[] := ARRAY['state', 'decided_at', 'decided_by', 'reason', 'deliver_by'];
    rules programme_rules;
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'proposed' THEN
            RAISE EXCEPTION 'a grant begins as proposed' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF OLD.state <> 'proposed' OR (to_jsonb(NEW) - ends) IS DISTINCT FROM (to_jsonb(OLD) - ends) THEN
        RAISE EXCEPTION 'a grant never changes, but for being decided once' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.state <> 'approved' THEN
        RETURN NEW;
    END IF;
    PERFORM FROM programmes p WHERE p.id = NEW.programme_id FOR NO KEY UPDATE;
    SELECT * INTO rules FROM rules_on(NEW.programme_id, paris_day(NEW.decided_at));
    IF paris_day(NEW.decided_at) > rules.grant_deadline THEN
        RAISE EXCEPTION 'no grant after %', rules.grant_deadline USING ERRCODE = 'restrict_violation';
    END IF;
    IF granted_of(NEW.programme_id) + NEW.passes > rules.stock_cap_passes THEN
        RAISE EXCEPTION 'the stock of programme % is capped at % passes', NEW.programme_id, rules.stock_cap_passes
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF is_suspended(NEW.programme_id, NEW.territory_id) THEN
        RAISE EXCEPTION 'territory % is suspended', NEW.territory_id USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.kind = 'first' AND (SELECT count(*) FROM territory_conditions c
            WHERE (c.programme_id, c.territory_id) = (NEW.programme_id, NEW.territory_id)
              AND c.withdrawn_at IS NULL AND c.met_on <= paris_day(NEW.decided_at)) < 4 THEN
        RAISE EXCEPTION 'conditions are missing for territory %', NEW.territory_id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER grants_guard BEFORE INSERT OR UPDATE ON grants FOR EACH ROW EXECUTE FUNCTION guard_grant();

CREATE FUNCTION guard_delivery() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    granted grants;
    sent bigint;
BEGIN
    PERFORM FROM programmes p WHERE p.id = NEW.programme_id FOR NO KEY UPDATE;
    SELECT * INTO granted FROM grants g WHERE g.id = NEW.grant_id;
    SELECT coalesce(sum(d.passes), 0) INTO sent FROM deliveries d WHERE d.grant_id = NEW.grant_id;
    IF granted.state <> 'approved' OR sent + NEW.passes > granted.passes
       OR NEW.passes > undispatched_of(NEW.programme_id, NEW.territory_id) THEN
        RAISE EXCEPTION 'grant % is % for % passes, and % were dispatched',
            NEW.grant_id, granted.state, granted.passes, sent USING ERRCODE = 'restrict_violation';
    END IF;
    IF is_suspended(NEW.programme_id, NEW.territory_id) THEN
        RAISE EXCEPTION 'territory % is suspended', NEW.territory_id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER deliveries_within_grant BEFORE INSERT ON deliveries
    FOR EACH ROW EXECUTE FUNCTION guard_delivery();

-- Only what was granted and not dispatched yet can be taken off; what was dispatched comes back by restitution.
CREATE FUNCTION undispatched_of(programme integer, territory integer) RETURNS bigint LANGUAGE sql AS $$
    SELECT coalesce((SELECT sum(g.passes) FROM grants g WHERE g.programme_id = programme
                     AND g.territory_id = territory AND g.state = 'approved'), 0)
         - coalesce((SELECT sum(m.passes) FROM territory_measures m WHERE m.programme_id = programme
                     AND m.territory_id = territory AND m.kind = 'reduction'), 0)
         - coalesce((SELECT sum(d.passes) FROM deliveries d WHERE d.programme_id = programme
                     AND d.territory_id = territory), 0)
$$;

CREATE FUNCTION guard_reduction() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM programmes p WHERE p.id = NEW.programme_id FOR NO KEY UPDATE;
    IF NEW.passes > undispatched_of(NEW.programme_id, NEW.territory_id) THEN
        RAISE EXCEPTION 'a reduction takes off what was granted and not dispatched: at most % passes',
            undispatched_of(NEW.programme_id, NEW.territory_id) USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER territory_measures_within BEFORE INSERT ON territory_measures FOR EACH ROW
    WHEN (NEW.kind = 'reduction') EXECUTE FUNCTION guard_reduction();

-- Asked at commit, when the booklets are there.
CREATE FUNCTION check_delivery() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    told record;
BEGIN
    SELECT count(*) AS booklets, coalesce(sum(b.pass_count), 0) AS passes,
           count(*) FILTER (WHERE t.programme_id <> NEW.programme_id) AS strange INTO told
    FROM delivered_booklets d JOIN booklets b ON b.number = d.booklet JOIN batches t ON t.id = b.batch_id
    WHERE d.delivery_id = NEW.id;
    IF (told.booklets, told.passes, told.strange)
       IS DISTINCT FROM (NEW.booklet_count::bigint, NEW.passes::bigint, 0::bigint) THEN
        RAISE EXCEPTION 'delivery % tells % booklets and % passes; they are % and %, % of another programme',
            NEW.id, NEW.booklet_count, NEW.passes, told.booklets, told.passes, told.strange
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER deliveries_whole AFTER INSERT ON deliveries DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION check_delivery();

-- What came back was there, and nobody had taken a pass of it.
CREATE FUNCTION check_restitution() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    told record;
BEGIN
    SELECT count(*) AS booklets, coalesce(sum(b.pass_count), 0) AS passes,
           count(*) FILTER (WHERE (d.programme_id, d.territory_id) <> (NEW.programme_id, NEW.territory_id)
                            OR b.prescribed_by IS NOT NULL
                            OR EXISTS (SELECT FROM acceptances a WHERE a.booklet = b.number
                                       AND a.undone_at IS NULL)) AS strange INTO told
    FROM delivered_booklets l JOIN booklets b ON b.number = l.booklet JOIN deliveries d ON d.id = l.delivery_id
    WHERE l.restitution_id = NEW.id;
    IF (told.booklets, told.passes, told.strange)
       IS DISTINCT FROM (NEW.booklet_count::bigint, NEW.passes::bigint, 0::bigint) THEN
        RAISE EXCEPTION 'restitution % tells % booklets and % passes; they are % and %, % can''t come back',
            NEW.id, NEW.booklet_count, NEW.passes, told.booklets, told.passes, told.strange
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER restitutions_whole AFTER INSERT ON restitutions DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION check_restitution();

CREATE FUNCTION refuse_late_booklets() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM (SELECT DISTINCT delivery_id FROM added) AS touched
               JOIN deliveries d ON d.id = touched.delivery_id
               WHERE d.booklet_count < (SELECT count(*) FROM delivered_booklets b WHERE b.delivery_id = d.id)) THEN
        RAISE EXCEPTION 'a delivery never changes; make another one' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER delivered_booklets_added AFTER INSERT ON delivered_booklets REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_late_booklets();
