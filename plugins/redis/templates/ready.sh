#!/bin/sh
# Whether {{ daemon|raw }} answers; while it loads what it kept, it does not.
REDISCLI_AUTH=$(cat '{{ here("current") }}/files/{{ daemon|raw }}/password') || exit 1
export REDISCLI_AUTH
answer=$(redis-cli -e -h '{{ here("address") }}' -p '{{ here("port." ~ daemon ~ ".redis") }}' ping) || exit 1
[ "$answer" = PONG ]
