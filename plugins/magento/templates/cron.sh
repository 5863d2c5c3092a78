#!/bin/sh
# Runs Magento's cron once a minute, on the first node only: two nodes would do everything twice.
# A run that is under way when the daemon is stopped is waited for.
set -u
stop=
trap 'stop=1' TERM

if [ '{{ here("index") }}' != 1 ]; then
  echo 'cron runs on node 1; this one waits for its turn'
fi
while [ -z "$stop" ]; do
  if [ '{{ here("index") }}' = 1 ]; then
    setsid {{ php|raw }} -d memory_limit=2G '{{ here("current") }}/trees/release/bin/magento' cron:run &
    run=$!
    # `wait` returns at a signal; the run itself goes on.
    while kill -0 "$run" 2>/dev/null; do wait "$run"; done
  fi
  [ -z "$stop" ] || break
  sleep 60 &
  pause=$!
  wait "$pause"
  kill "$pause" 2>/dev/null
done
