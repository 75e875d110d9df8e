#!/bin/sh
# Runs once, when the database's volume is new: the roles and the database. Tables are the migrations' work.
set -eu

for role in owner app auditor; do
  file=/run/secrets/postgres_${role}_password
  [ -s "$file" ] || { echo "$file is missing or empty: run deploy/make-secrets.sh" >&2; exit 1; }
done

# psql itself reads the files: no password in the arguments that `ps` shows.
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres <<'SQL'
SET log_min_error_statement = panic; -- a statement that fails must not leave a password in the log
\set owner_password `cat /run/secrets/postgres_owner_password`
\set app_password `cat /run/secrets/postgres_app_password`
\set auditor_password `cat /run/secrets/postgres_auditor_password`

CREATE ROLE poincon_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE poincon_app LOGIN PASSWORD :'app_password';
CREATE ROLE poincon_auditor LOGIN PASSWORD :'auditor_password';
-- A habit, not a lock: what the auditor may read is granted by the migrations.
ALTER ROLE poincon_auditor SET default_transaction_read_only = on;

CREATE DATABASE poincon OWNER poincon_owner;
REVOKE ALL ON DATABASE poincon FROM PUBLIC;
GRANT CONNECT ON DATABASE poincon TO poincon_app, poincon_auditor;
SQL
