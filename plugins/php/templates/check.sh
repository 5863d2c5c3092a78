#!/bin/sh
# Judges the new files of PHP-FPM; does not touch the running one.
# Argument: the folder of the new files.
set -eu
new="$1/php"

# A mistake in the syntax of php.ini is a word on standard error, with 0 as the status.
said=$({{ program|raw }} -i -c "$new/php.ini" 2>&1 >/dev/null) || true
if [ -n "$said" ]; then
  echo "$said" >&2
  exit 1
fi
described=$({{ program|raw }} -i -c "$new/php.ini")
for extension in {{ extensions|raw }}; do
  if ! echo "$described" | grep -qx "$extension"; then
    echo "PHP lacks the extension $extension: apt install php{{ version|raw }}-$extension" >&2
    exit 1
  fi
done
exec {{ program|raw }} -t -y "$new/php-fpm.conf" -c "$new/php.ini"
