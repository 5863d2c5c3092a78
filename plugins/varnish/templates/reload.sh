#!/bin/sh
# Takes new VCL and parameters into the Varnish that runs, in two steps:
#   reload.sh prepare   loads the VCL beside the one in use and waits until its backends are healthy; or refuses
#   reload.sh commit    sets the parameters, uses that VCL and drops the others
# MOPS_FILES is the folder of the new files. A VCL is named after what stands in it, so that each step may run again.
set -euf

cd "$MOPS_FILES/varnish"
name=vcl_$(find . -name '*.vcl' | LC_ALL=C sort | xargs cat | sha256sum | cut -c 1-32)

cli() {
    varnishadm -n '{{ work }}' -t 30 "$@"
}

# The second column of `vcl.list` is the state, the last the name; a discarded one goes when its last request does.
loaded() {
    cli vcl.list | awk '$1 != "discarded" { print $NF }'
}

load() {
    if ! loaded | grep -qxF "$name"; then
        # On success it says that the VCL compiled; what the compiler says goes to whoever asked.
        cli vcl.load "$name" "$MOPS_FILES/varnish/default.vcl" warm >&2
    else
        cli vcl.state "$name" warm > /dev/null
    fi
}

in_use() {
    [ "$(cli vcl.list | awk '$1 == "active" { print $NF }')" = "$name" ]
}

# Backends of the new VCL that are not healthy, those excepted that are not healthy in the one in use either: a dead
# node must not stand in the way of whoever is putting things right.
sick() {
    used=$(cli vcl.list | awk '$1 == "active" { print $NF }')
    cli backend.list '*.app_*' | awk -v used="$used." -v new="$name." '
        $4 != "healthy" && index($1, used) == 1 { already[substr($1, length(used) + 1)] }
        $4 != "healthy" && index($1, new) == 1 { sick[substr($1, length(new) + 1)] }
        END { for (it in sick) if (!(it in already)) print it }'
}

prepare() {
    if in_use; then
        return
    fi
    load
    # The first probe is sent at once, the second after 5 s: 8 s are enough for both.
    for _ in $(seq 80); do
        if [ -z "$(sick)" ]; then
            return
        fi
        sleep 0.1
    done
    echo "not healthy within 8 s:" $(sick) >&2
    cli vcl.state "$name" cold > /dev/null
    cli vcl.discard "$name" > /dev/null
    exit 1
}

commit() {
    while read -r line; do
        cli $line > /dev/null
    done < params.cli
    if ! in_use; then
        load
        cli vcl.use "$name" > /dev/null
    fi
    for old in $(loaded); do
        if [ "$old" != "$name" ]; then
            cli vcl.discard "$old" > /dev/null
        fi
    done
}

case $1 in
    prepare) prepare ;;
    commit) commit ;;
esac
