-- Booklets in which a pass was ever undone. No mark of the guard is believed about them: a Valkey that comes back
-- from its own disk, or from a replica that was behind, may tell an acceptance that was undone since.
-- While validators of the version before still run, two operators' undos in one booklet at the same instant may
-- end in a deadlock, which PostgreSQL breaks: one of them is told 500 and undoes again.

ALTER TABLE booklets ADD COLUMN ever_undone boolean NOT NULL DEFAULT false;
UPDATE booklets SET ever_undone = true WHERE number IN (SELECT booklet FROM undos);
GRANT UPDATE (ever_undone) ON booklets TO poincon_app;

CREATE FUNCTION mark_ever_undone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE booklets b SET ever_undone = true
    WHERE b.number IN (SELECT booklet FROM added) AND NOT b.ever_undone;
    RETURN NULL;
END $$;
CREATE TRIGGER undos_mark_booklets AFTER INSERT ON undos REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION mark_ever_undone();

CREATE TRIGGER booklets_stay_undone BEFORE UPDATE OF ever_undone ON booklets FOR EACH ROW
    WHEN (OLD.ever_undone AND NOT NEW.ever_undone) EXECUTE FUNCTION refuse_change();
