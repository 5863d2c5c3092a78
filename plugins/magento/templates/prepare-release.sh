#!/bin/sh
# Makes a release ready, once, before it is used: runs each step in the release and sees that it made its files.
# Argument: the folder of the release.
set -eu
cd "$1"

# Whether a pattern of the shell names a file.
made() {
  # A pattern with blanks is one pattern: split at nothing.
  IFS=
  for file in $1; do
    [ -e "$file" ] && return 0
  done
  return 1
}

{% for step in steps %}
echo '{{ step.name }}'
{% for word in step.run %}'{{ word }}' {% endfor %}

{% for pattern in step.makes %}
if ! (made '{{ pattern }}'); then
  echo '{{ step.name }} did not make {{ pattern }}' >&2
  exit 1
fi
{% endfor %}

{% endfor %}
