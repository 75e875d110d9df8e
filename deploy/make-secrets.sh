#!/bin/sh
# Makes what compose.yaml reads from deploy/secrets/: passwords, connection addresses, the passphrase of
# the sealed keys and a self-signed certificate to try the service with. Never overwrites a file.
set -eu
cd "$(dirname "$0")"

command -v openssl >/dev/null || { echo "openssl is missing: on Debian, apt-get install openssl" >&2; exit 2; }

# Compose mounts a secret with the owner and mode it has here, and each service reads it as its own
# unprivileged user: the files are readable, and the closed folder keeps this machine's other users out.
mkdir -p secrets
chmod 0700 secrets
umask 0222

write() { # NAME: keeps an existing file, else stores standard input
  [ -e "secrets/$1" ] && { cat >/dev/null; return; }
  # Written beside and renamed, so that an interrupted run leaves no half secret.
  rm -f "secrets/.new"
  cat >"secrets/.new"
  mv "secrets/.new" "secrets/$1"
  echo "made deploy/secrets/$1"
}
password() { openssl rand -hex 32 | tr -d '\n'; }

for role in superuser owner app auditor; do
  password | write "postgres_${role}_password"
done
password | write valkey_password
password | write keys_passphrase

database() { # ROLE: hexadecimal passwords need no escaping in a URL
  printf 'postgresql://poincon_%s:%s@database:5432/poincon' "$1" "$(cat "secrets/postgres_$1_password")"
}
database app | write database_url
database owner | write migration_database_url
printf 'redis://poincon:%s@guard:6379/0' "$(cat secrets/valkey_password)" | write valkey_url

# Marks, counters and their expiry, and nothing that administers the server.
{
  echo "user default off"
  printf 'user poincon on #%s ~* &* +@all -@admin\n' \
    "$(openssl dgst -sha256 -r secrets/valkey_password | cut -d ' ' -f 1)"
} | write valkey_users.acl

# One file, as HAProxy wants it: the certificate chain, then its private key. Phones open their camera
# for a certificate they trust only: replace this one by the real one before anybody scans.
openssl_log=$(mktemp)
trap 'rm -f "$openssl_log"' EXIT
[ -e secrets/tls.pem ] || {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 30 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout - -out - 2>"$openssl_log" \
    || { cat "$openssl_log" >&2; exit 1; }
} | write tls.pem
