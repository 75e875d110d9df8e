-- Run by the owner at each start of a demo, and nowhere else: what the record stamps by itself goes by the demo's
-- clock, or by the instant that its story is at.
CREATE TABLE IF NOT EXISTS demo_clock (ahead interval NOT NULL);
INSERT INTO demo_clock SELECT interval '0' WHERE NOT EXISTS (SELECT FROM demo_clock);
GRANT SELECT, UPDATE ON demo_clock TO poincon_app;

CREATE OR REPLACE FUNCTION demo_now() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$
    SELECT coalesce(nullif(current_setting('poincon.now', true), '')::timestamptz,
                    clock_timestamp() + (SELECT ahead FROM demo_clock))
$$;
CREATE OR REPLACE FUNCTION demo_go(wanted interval) RETURNS void LANGUAGE sql AS $$
    UPDATE demo_clock SET ahead = wanted
$$;

ALTER TABLE events ALTER COLUMN at SET DEFAULT demo_now();
ALTER TABLE batches ALTER COLUMN issued_at SET DEFAULT demo_now();
ALTER TABLE devices ALTER COLUMN enrolled_at SET DEFAULT demo_now();
ALTER TABLE book_entries ALTER COLUMN recorded_at SET DEFAULT demo_now();
ALTER TABLE programme_amendments ALTER COLUMN amended_at SET DEFAULT demo_now();
