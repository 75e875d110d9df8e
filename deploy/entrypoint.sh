#!/bin/sh
# Runs `poincon`, after reading into each setting NAME what the file NAME_FILE holds: a secret that
# comes as a file appears neither in compose.yaml nor in what `docker inspect` shows.
set -eu

for name in DATABASE_URL MIGRATION_DATABASE_URL VALKEY_URL; do
  eval "file=\${${name}_FILE:-}"
  [ -n "$file" ] || continue
  if [ ! -r "$file" ] || [ ! -s "$file" ]; then
    echo "${name}_FILE is $file, which is missing, empty or unreadable: run deploy/make-secrets.sh" >&2
    exit 2
  fi
  export "$name=$(cat "$file")"
done

exec poincon "$@"
