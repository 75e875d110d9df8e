#!/usr/bin/env bash
# Debian packages beyond the wheels: installed where we may (root, apt-get), asked for plainly elsewhere.
#   demo: libzbar0 (pyzbar's wheel carries no libzbar; without it the other decoders serve)
#   test: also chromium and firefox-esr (the page's tests), poppler-utils (pdftoppm renders the printed booklets),
#   hledger (checks the journal that we export), strace and faketime (the drills' failing disks and jumping clocks)
# In CI (CI=true) a missing one is an error; elsewhere `demo` goes on and says what it lacks.
set -u
purpose=${1:?demo or test}
packages=()
has_library() { /sbin/ldconfig -p 2>/dev/null | grep -q "$1" || ls /usr/lib/*/"$1"* >/dev/null 2>&1; }
has_library libzbar.so.0 || packages+=(libzbar0)
if [ "$purpose" = test ]; then
  command -v chromium >/dev/null || packages+=(chromium)
  command -v firefox-esr >/dev/null || packages+=(firefox-esr)
  command -v pdftoppm >/dev/null || packages+=(poppler-utils)
  command -v hledger >/dev/null || packages+=(hledger)
  command -v strace >/dev/null || packages+=(strace)
  command -v faketime >/dev/null || packages+=(faketime)
fi
[ ${#packages[@]} -eq 0 ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing ${packages[*]} with apt-get…"
  export DEBIAN_FRONTEND=noninteractive
  log=$(mktemp)
  { apt-get update && apt-get install -y --no-install-recommends "${packages[@]}"; } >"$log" 2>&1 \
    && { rm -f "$log"; exit 0; }
  tail -n 5 "$log"
fi
echo "Not installed: ${packages[*]}. As root: apt-get install ${packages[*]}"
[ "$purpose" = demo ] && [ "${CI:-}" != true ] && exit 0
exit 1
