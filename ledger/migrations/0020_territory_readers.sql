-- A role for a territory's own people, who read of their territory and change nothing; the papers of joint statements.

ALTER TABLE accounts DROP CONSTRAINT accounts_role_check;
ALTER TABLE accounts
    ADD CONSTRAINT accounts_role_check
        CHECK (role IN ('preparer', 'approver', 'funder', 'operator', 'auditor', 'prescriber', 'territory')),
    ADD COLUMN territory_id integer REFERENCES territories,
    ADD CONSTRAINT accounts_read_of_one_territory CHECK ((role = 'territory') = (territory_id IS NOT NULL));
GRANT UPDATE (territory_id) ON accounts TO poincon_app;

-- Made once both sides have signed, from what they signed; kept as they are, whatever a later version would draw.
CREATE TABLE joint_statement_papers (
    statement_id  integer PRIMARY KEY REFERENCES joint_statements,
    csv           bytea NOT NULL,
    csv_sha256    bytea NOT NULL CHECK (csv_sha256 = sha256(csv)),
    pdf           bytea NOT NULL,
    pdf_sha256    bytea NOT NULL CHECK (pdf_sha256 = sha256(pdf)),
    frozen_at     timestamptz NOT NULL,
    frozen_by     text NOT NULL CHECK (frozen_by <> '')
);

CREATE FUNCTION check_statement_papers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT count(*) FROM joint_signatures g WHERE g.statement_id = NEW.statement_id) < 2 THEN
        RAISE EXCEPTION 'statement % is not signed by both sides', NEW.statement_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER joint_statement_papers_are_signed BEFORE INSERT ON joint_statement_papers
    FOR EACH ROW EXECUTE FUNCTION check_statement_papers();
CREATE TRIGGER joint_statement_papers_append_only BEFORE UPDATE OR DELETE ON joint_statement_papers
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER joint_statement_papers_not_emptied BEFORE TRUNCATE ON joint_statement_papers
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
REVOKE ALL ON joint_statement_papers FROM PUBLIC;
GRANT SELECT ON joint_statement_papers TO poincon_app, poincon_auditor;
GRANT INSERT ON joint_statement_papers TO poincon_app;
