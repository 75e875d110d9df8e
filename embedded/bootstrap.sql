-- Roles and database of an embedded cluster; the tables are the ledger's. Run by psql at every start, with the
-- passwords as variables: what a killed start has not made yet is made now, and nothing else is touched.
SET log_min_error_statement = panic; -- a statement that fails must not leave a password in the log

SELECT format('CREATE ROLE %I LOGIN PASSWORD %L', role, password)
  FROM (VALUES ('poincon_owner', :'poincon_owner'),
               ('poincon_app', :'poincon_app'),
               ('poincon_auditor', :'poincon_auditor')) AS wanted (role, password)
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role)
\gexec

SELECT 'CREATE DATABASE poincon OWNER poincon_owner'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'poincon')
\gexec
