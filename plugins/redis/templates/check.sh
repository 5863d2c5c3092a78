#!/bin/sh
# Starts a throwaway server with the new files of {{ daemon|raw }}, because Redis has no other way to check a
# configuration. It listens on a socket in a folder of its own and keeps nothing.
# Argument: the folder of the new files.
set -u
new="$1/{{ daemon|raw }}"
scratch=$(mktemp -d '{{ here("tmp") }}/check.XXXXXX') || exit 1
cd "$scratch" || exit 1

# A socket's path has 107 bytes at most: it is named relative to `dir`, which the server makes its own.
redis-server "$new/redis.conf" --include "$new/limits.conf" --port 0 --unixsocket check.sock --dir "$scratch" \
  --save '' --appendonly no >log 2>&1 &
server=$!
# It keeps nothing, so that it need not be asked to end.
trap 'kill -KILL "$server" 2>/dev/null; wait "$server" 2>/dev/null; rm -rf "$scratch"' EXIT

left=100
while [ "$left" -gt 0 ]; do
  [ -S check.sock ] && exit 0
  if ! kill -0 "$server" 2>/dev/null; then
    cat log >&2
    exit 1
  fi
  sleep 0.05
  left=$((left - 1))
done
cat log >&2
echo "redis-server did not open its socket within 5 s" >&2
exit 1
