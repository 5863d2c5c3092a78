#!/bin/sh
# Makes limits.conf take effect in the running {{ daemon|raw }}, all at once: either every value changes or none.
# Argument: the folder of the new files.
set -eu
new="$1/{{ daemon|raw }}"
REDISCLI_AUTH=$(cat "$new/password")
export REDISCLI_AUTH
set --
while read -r key value; do
  case "$key" in
    '' | '#'*) ;;
    *) set -- "$@" "$key" "$value" ;;
  esac
done <"$new/limits.conf"
answer=$(redis-cli -e -h '{{ here("address") }}' -p '{{ here("port." ~ daemon ~ ".redis") }}' CONFIG SET "$@")
[ "$answer" = OK ]
