vcl 4.1;

# The cache in front of {{ site }}, rendered by mops: changes made here are lost.
# Where a part comes from an option of varnish::cache, the comment above it names the option.
# `X-Edge-*` are headers of this file's own, from one step to the next.

import cookie;
import directors;
import header;
import std;
{% if purge == "xkey" %}
import xkey;
{% endif %}

# --- Who is who ------------------------------------------------------------------------------------------------------

# This node: its TLS edge, and the check whether this daemon is ready.
acl own_node {
    "127.0.0.1";
    "{{ here('address') }}";
}

# Who may purge: the application's nodes, and this one.
acl purgers {
    "{{ here('address') }}";
{% if local %}
    "127.0.0.1";
{% endif %}
{{ each('app') }}    "{{ there('address') }}";
{{ end() }}}
{% if trusted %}

# Option `trusted`: who sees X-Magento-Cache-Debug and may force a refresh.
acl trusted {
{% for network in trusted %}
    "{{ network.address }}"/{{ network.prefix }};
{% endfor %}
}
{% endif %}

# --- The application -------------------------------------------------------------------------------------------------

# Option `probe`: {{ probe.name }}. A node counts as healthy from its first good answer on.
probe app_health {
    .request =
        "GET {{ probe.path }} HTTP/1.1"
        "Host: {{ probe.host }}"
        "X-Forwarded-Proto: https"
        "User-Agent: varnish-probe"
        "Connection: close";
    .timeout = 2s;
    .interval = 5s;
    .window = 10;
    .threshold = 5;
    .initial = 4;
}

# Option `first_byte_timeout`: at least as long as the longest that PHP may take.
{{ each('app') }}backend app_{{ there('index') }} {
    .host = "{{ there('address') }}";
    .port = "{{ there('port.app-nginx.http') }}";
    .probe = app_health;
    .connect_timeout = 5s;
    .first_byte_timeout = {{ first_byte_timeout }};
    .between_bytes_timeout = 60s;
}
{{ end() }}
sub vcl_init {
    new app = directors.round_robin();
{{ each('app') }}    app.add_backend(app_{{ there('index') }});
{{ end() }}}
{% for file in places['top'] %}
include "./{{ file }}";
{% endfor %}

# --- A request comes in ----------------------------------------------------------------------------------------------

sub vcl_recv {
    set req.backend_hint = app.backend();
    if (req.restarts == 0) {
        unset req.http.X-Edge-Stale;
        unset req.http.X-Edge-Keys;
        unset req.http.X-Edge-Purged;
    }

    # Whether this daemon is ready, for whoever supervises it: the TLS edge names a visitor, a check does not.
    if (req.url == "/mops-ready" && client.ip ~ own_node && !req.http.X-Real-IP) {
        return (synth(200, "Ready"));
    }

    # Nothing but PURGE on the port for it, and PURGE nowhere else.
    if (local.socket == "purge" || req.method == "PURGE") {
        call purge_by_tags;
    }
    if (!req.http.Host && req.esi_level == 0) {
        return (synth(400, "Bad Request"));
    }
{% for file in places['recv.first'] %}
    include "./{{ file }}";
{% endfor %}

    call normalise;
{% for file in places['recv.after_normalise'] %}
    include "./{{ file }}";
{% endfor %}

    # Option `healthy_grace`: how stale an answer may be while the application is well. Without a healthy node, and
    # after an answer that failed, the whole `grace` counts.
    if (req.http.X-Edge-Stale) {
        set req.grace = {{ grace }};
    } elsif (std.healthy(req.backend_hint)) {
        set req.grace = {{ healthy_grace }};
    }

    if (req.method !~ "^(GET|HEAD|PUT|POST|PATCH|TRACE|OPTIONS|DELETE)$") {
        return (synth(405, "Method Not Allowed"));
    }
    if (req.method != "GET" && req.method != "HEAD") {
        return (pass);
    }

    # What is a person's own, by path: even if a module says that it is public. Website prefixes, `index.php` and store
    # codes may stand before it; the admin path is that of the site.
    if (req.url ~ "{{ paths.own }}" || req.url ~ "{{ paths.scripts }}") {
        return (pass);
    }
{% for path in paths.extra %}
    # Option `pass_paths`.
    if (regsub(req.url, "\?.*$", "") ~ "{{ path }}") {
        return (pass);
    }
{% endfor %}
{% if pass_cookies %}
    # Option `pass_cookies`.
    cookie.parse(req.http.Cookie);
{% for name in pass_cookies %}
    if (cookie.isset("{{ name }}")) {
        return (pass);
    }
{% endfor %}
{% endif %}

    # GraphQL of a customer is cached only under the id that Magento gave it.
    if (req.url ~ "{{ paths.graphql }}" && req.http.Authorization ~ "(?i)^Bearer " && !req.http.X-Magento-Cache-Id) {
        return (pass);
    }

    # Option `assets`: {{ assets }}.
    if (req.url ~ "{{ paths.assets }}") {
{% if assets == "pass" %}
        return (pass);
{% else %}
        unset req.http.Cookie;
{% endif %}
    }
    if (req.url ~ "{{ paths.robots }}") {
        unset req.http.Cookie;
    }
{% if trusted %}

    # A forced reload by somebody trusted fetches anew.
    if (req.http.Cache-Control ~ "(?i)no-cache" && std.ip(req.http.X-Real-IP, "0.0.0.0") ~ trusted) {
        set req.hash_always_miss = true;
    }
{% endif %}
{% for file in places['recv.last'] %}
    include "./{{ file }}";
{% endfor %}
    return (hash);
}

# One form for what means the same, and nothing that a visitor must not say.
sub normalise {
    # The real address, scheme and country come from this node's TLS edge, or not at all.
    if (client.ip !~ own_node || !req.http.X-Real-IP) {
        set req.http.X-Real-IP = client.ip;
    }
    set req.http.X-Forwarded-For = req.http.X-Real-IP;
    if (client.ip !~ own_node) {
        unset req.http.X-Forwarded-Proto;
        unset req.http.X-Country;
    }
    # These change which URL or host PHP believes in, or are Magento's own.
    unset req.http.X-Original-URL;
    unset req.http.X-Rewrite-URL;
    unset req.http.X-Forwarded-Host;
    unset req.http.X-Forwarded-Server;
    unset req.http.Proxy;
    unset req.http.X-Magento-Debug;
    unset req.http.X-Magento-Tags-Pattern;
    unset req.http.X-Pool;

    set req.http.Host = std.tolower(regsub(req.http.Host, ":\d+$", ""));
    set req.url = regsub(req.url, "(?i)^https?://[^/?]+", "");
    # Magento takes several slashes at the beginning for one.
    set req.url = regsub(req.url, "^/*", "/");

    # Option `strip_params`: parameters that only the browser reads. Whole names, whatever their value.
    if (req.url ~ "\?") {
        set req.url = regsuball(req.url, "{{ paths.tracking }}", "");
        set req.url = regsuball(req.url, "&&+", "&");
        set req.url = regsub(req.url, "\?&", "?");
        set req.url = regsub(req.url, "[?&]+$", "");
        set req.url = std.querysort(req.url);
    }

    # Several Cookie headers are one, joined as cookies are (RFC 6265, 5.4), not as other headers are.
    if (req.http.Cookie) {
        std.collect(req.http.Cookie, ";");
    }
}

# Magento asks to forget pages, by tags: `((^|,)cat_p_1(,|$))|((^|,)cat_c_3(,|$))`; `.*` means everything.
sub purge_by_tags {
    if (req.method != "PURGE" || local.socket != "purge" || client.ip !~ purgers) {
        return (synth(405, "Method Not Allowed"));
    }
    if (!req.http.X-Magento-Tags-Pattern && !req.http.X-Pool) {
        return (synth(400, "X-Magento-Tags-Pattern or X-Pool is missing"));
    }
    set req.http.X-Edge-Purged = "0";
    # Pages of one release: by ban, because the release is no tag.
    if (req.http.X-Pool) {
        if (req.http.X-Magento-Tags-Pattern) {
            set req.http.X-Edge-Keys = " && obj.http.{{ tags_header }} ~ " + req.http.X-Magento-Tags-Pattern;
        }
        if (!std.ban("obj.http.X-Pool ~ " + req.http.X-Pool + req.http.X-Edge-Keys)) {
            return (synth(400, std.ban_error()));
        }
        return (synth(200, "OK"));
    }
    # Option `purge`: {{ purge }}. Everything goes at once and for good.
{% if purge == "xkey" %}
    if (req.http.X-Magento-Tags-Pattern == ".*") {
        set req.http.X-Edge-Purged = xkey.purge("all");
        return (synth(200, "OK"));
    }
    # Tags are of letters, digits, `_` and `-`: whatever lies between is the pattern's.
    set req.http.X-Edge-Keys = regsuball(req.http.X-Magento-Tags-Pattern, "[^A-Za-z0-9_-]+", ",");
    set req.http.X-Edge-Keys = regsuball(req.http.X-Edge-Keys, "^,|,$", "");
    # Option `soft_purge`: {{ soft_purge }}. A page purged softly is served once more while it is fetched anew.
{% if soft_purge == "asked" %}
    if (req.http.X-Magento-Purge-Soft == "1") {
{% elif soft_purge == "always" %}
    if (req.http.X-Magento-Purge-Soft != "0") {
{% else %}
    if (false) {
{% endif %}
        set req.http.X-Edge-Purged = xkey.softpurge(req.http.X-Edge-Keys);
    } else {
        set req.http.X-Edge-Purged = xkey.purge(req.http.X-Edge-Keys);
    }
{% else %}
    if (req.http.X-Magento-Tags-Pattern == ".*") {
        if (!std.ban("obj.status != 0")) {
            return (synth(400, std.ban_error()));
        }
    } elsif (!std.ban("obj.http.{{ tags_header }} ~ " + req.http.X-Magento-Tags-Pattern)) {
        return (synth(400, std.ban_error()));
    }
{% endif %}
    return (synth(200, "OK"));
}

# --- What one page is kept under -------------------------------------------------------------------------------------

sub vcl_hash {
    # Option `trailing_slash`: {{ trailing_slash }}.
{% if trailing_slash == "ignore" %}
    hash_data(regsub(req.url, "(?<=[^/?])/(\?|$)", "\1"));
{% else %}
    hash_data(req.url);
{% endif %}
    hash_data(req.http.Host);
    if (req.url !~ "{{ paths.assets }}") {
        hash_data("proto=" + req.http.X-Forwarded-Proto);
        if (req.url ~ "{{ paths.graphql }}") {
            hash_data("store=" + req.http.Store);
            hash_data("currency=" + req.http.Content-Currency);
        }
        # The id of a GraphQL context says what X-Magento-Vary says, and whether somebody is logged in.
        if (req.url ~ "{{ paths.graphql }}" && req.http.X-Magento-Cache-Id) {
            hash_data("id=" + req.http.X-Magento-Cache-Id);
            if (req.http.Authorization ~ "(?i)^Bearer ") {
                hash_data("Authorized");
            }
        } else {
            cookie.parse(req.http.Cookie);
            hash_data("vary=" + cookie.get("X-Magento-Vary"));
        }
{% if design_exceptions %}
        # Option `design_exceptions`: the first pattern that matches decides.
{% endif %}
{% for theme in design_exceptions %}
        {{ "elsif" if not loop.first else "if" }} (req.http.User-Agent ~ "{{ theme.pattern }}") {
            hash_data("theme={{ theme.theme }}");
        }
{% endfor %}
    }
{% for file in places['hash'] %}
    include "./{{ file }}";
{% endfor %}
    return (lookup);
}

# --- The application is asked ----------------------------------------------------------------------------------------

sub vcl_backend_fetch {
    if (bereq.retries > 0) {
        call ask_another_node;
    }
{% if assets == "cache" %}
    # Compressed on its way, a file has no Content-Length that would tell whether it is whole.
    if (bereq.url ~ "{{ paths.assets }}") {
        set bereq.http.Accept-Encoding = "identity";
    }
{% endif %}
{% for file in places['backend_fetch'] %}
    include "./{{ file }}";
{% endfor %}
}

# A second try is for any other healthy node; without one, for the same.
sub ask_another_node {
    unset bereq.http.X-Edge-Other;
{{ each('app') }}    if (bereq.http.X-Edge-Tried != "app_{{ there('index') }}" && std.healthy(app_{{ there('index') }})
        && (!bereq.http.X-Edge-Other || std.random(0, {{ there('index') }}) < 1)) {
        set bereq.backend = app_{{ there('index') }};
        set bereq.http.X-Edge-Other = "1";
    }
{{ end() }}    unset bereq.http.X-Edge-Other;
    unset bereq.http.X-Edge-Tried;
}

# Not stored, and for two minutes nobody waits for somebody else's answer to the same URL (hit for miss).
sub not_stored {
    set beresp.uncacheable = true;
    set beresp.ttl = 120s;
    set beresp.grace = 0s;
    set beresp.keep = 0s;
}

sub vcl_backend_response {
{% for file in places['backend_response.first'] %}
    include "./{{ file }}";
{% endfor %}

    # nginx has no PHP behind it: another node may have.
    if (beresp.status == 502) {
        call try_again;
    }

    # A failed answer never replaces a good one. What was stored is served instead, at the second try (see vcl_synth);
    # only when there is nothing, the failure itself is delivered, with its Retry-After.
    if (beresp.status >= 500) {
        if (bereq.is_bgfetch) {
            return (abandon);
        }
        if (!bereq.uncacheable && !bereq.http.X-Edge-Stale && bereq.method ~ "^(GET|HEAD)$") {
            return (abandon);
        }
        call not_stored;
        set beresp.ttl = 1s;
        return (deliver);
    }

    if (beresp.http.Content-Type ~ "(?i)^text/" && bereq.url !~ "{{ paths.assets }}") {
        set beresp.do_esi = true;
    }
    if (beresp.http.Content-Type ~ "(?i)^(text/|application/(javascript|x-javascript|json|ld\+json|xml|manifest\+json)|image/svg)") {
        set beresp.do_gzip = true;
    }

    cookie.parse(bereq.http.Cookie);
    if (bereq.uncacheable) {
        # A pass: nothing is stored, nothing is changed.
    } elsif (beresp.status == 302 || beresp.status == 303 || beresp.status == 307) {
        call not_stored;
    } elsif (beresp.status >= 400 && beresp.status != 404) {
        call not_stored;
    } elsif ((beresp.status == 301 || beresp.status == 308) && beresp.http.Cache-Control !~ "(?i)s-maxage=0*[1-9]") {
        call not_stored;
    } elsif (beresp.http.Cache-Control ~ "(?i)private|no-cache|no-store" || beresp.http.Surrogate-Control ~ "(?i)no-store"
        || beresp.http.Vary ~ "\*" || beresp.ttl <= 0s) {
        call not_stored;
    } elsif (!beresp.http.Cache-Control && !beresp.http.Expires && bereq.url !~ "{{ paths.assets }}"
        && bereq.url !~ "{{ paths.robots }}") {
        # Nobody said that it may be kept.
        call not_stored;
    } elsif (bereq.url ~ "{{ paths.assets }}" && !beresp.http.Content-Length) {
        # A file that may have been cut off on its way.
        call not_stored;
    } elsif (bereq.url ~ "{{ paths.graphql }}" && bereq.http.X-Magento-Cache-Id
        && bereq.http.X-Magento-Cache-Id != beresp.http.X-Magento-Cache-Id) {
        # The answer is for another context than the one that was asked for.
        call not_stored;
        set beresp.ttl = 0s;
    } elsif (header.get(beresp.http.Set-Cookie, "^X-Magento-Vary=")
        && regsub(header.get(beresp.http.Set-Cookie, "^X-Magento-Vary="), "^X-Magento-Vary=([^;]*).*$", "\1")
            != cookie.get("X-Magento-Vary")) {
        # The visitor's context changes with this answer: it belongs to another key than the request's. The cookie stays.
        call not_stored;
        set beresp.ttl = 0s;
    } else {
        call stored;
    }
{% for file in places['backend_response.last'] %}
    include "./{{ file }}";
{% endfor %}
    return (deliver);
}

# What everybody with the same key may see.
sub stored {
    unset beresp.http.Set-Cookie;
    # Option `grace`: how long it is kept beyond its time, for when it cannot be fetched anew.
    set beresp.grace = {{ grace }};
    # Options `not_found_ttl` and `redirect_ttl`; robots.txt and sitemaps change without a purge.
    if (beresp.status == 404 && beresp.ttl > {{ not_found_ttl }}) {
        set beresp.ttl = {{ not_found_ttl }};
    }
    if ((beresp.status == 301 || beresp.status == 308) && beresp.ttl > {{ redirect_ttl }}) {
        set beresp.ttl = {{ redirect_ttl }};
    }
    if (bereq.url ~ "{{ paths.robots }}" && beresp.ttl > 10m) {
        set beresp.ttl = 10m;
    }
{% if purge == "xkey" %}
    # Under each of Magento's tags, and under `all`.
    if (beresp.http.X-Magento-Tags) {
        set beresp.http.xkey = beresp.http.X-Magento-Tags;
        unset beresp.http.X-Magento-Tags;
    }
    header.append(beresp.http.xkey, "all");
{% endif %}
}

# One more try of what may be asked twice; not after a timeout, which would only come again.
sub try_again {
    if (bereq.retries < 1 && bereq.method ~ "^(GET|HEAD)$" && now - bereq.time < 6s && !bereq.http.Content-Length
        && !bereq.http.Transfer-Encoding) {
        set bereq.http.X-Edge-Tried = beresp.backend;
        return (retry);
    }
}

# The connection failed: a node that goes away closes connections that have just been chosen.
sub vcl_backend_error {
    call try_again;
    if (bereq.method ~ "^(GET|HEAD)$" && now - bereq.time < 6s) {
        if (!bereq.is_bgfetch && !bereq.uncacheable && !bereq.http.X-Edge-Stale) {
            return (abandon);
        }
    }
    if (bereq.is_bgfetch) {
        return (abandon);
    }
    set beresp.http.Content-Type = "text/html; charset=utf-8";
    set beresp.http.Cache-Control = "no-store";
    set beresp.http.Retry-After = "5";
    synthetic("<!DOCTYPE html><html><head><title>Service Unavailable</title></head>"
        + "<body><h1>Service Unavailable</h1><p>Please try again in a few seconds.</p></body></html>");
    call not_stored;
    set beresp.ttl = 1s;
    return (deliver);
}

# --- The answer goes out ---------------------------------------------------------------------------------------------

sub vcl_deliver {
{% for file in places['deliver.first'] %}
    include "./{{ file }}";
{% endfor %}

    # Option `debug`: {{ debug }}.
    unset resp.http.X-Magento-Cache-Debug;
{% if debug == "always" or (debug == "trusted" and trusted) %}
{% if debug == "trusted" %}
    if (std.ip(req.http.X-Real-IP, "0.0.0.0") ~ trusted) {
{% else %}
    if (true) {
{% endif %}
        if (obj.uncacheable) {
            set resp.http.X-Magento-Cache-Debug = "UNCACHEABLE";
        } elsif (req.hash_always_miss) {
            set resp.http.X-Magento-Cache-Debug = "MISS-FORCED";
        } elsif (obj.hits == 0) {
            set resp.http.X-Magento-Cache-Debug = "MISS";
        } elsif (obj.ttl > 0s) {
            set resp.http.X-Magento-Cache-Debug = "HIT";
        } else {
            set resp.http.X-Magento-Cache-Debug = "HIT-GRACE";
        }
    }
{% endif %}

    # Option `browser_cache`: {{ browser_cache }}. The browser asks again, because nobody can purge it. What it is told is
    # not what was stored, so that the age of what was stored says nothing.
    if (req.url !~ "{{ paths.assets }}") {
        if (resp.http.Cache-Control !~ "(?i)private") {
{% if browser_cache == "bfcache" %}
            if (!obj.uncacheable && resp.status < 400 && resp.http.Content-Type ~ "(?i)^text/html"
                && resp.http.Cache-Control !~ "(?i)no-store|no-cache|(max-age|s-maxage)=0+(,|\s|$)") {
                set resp.http.Cache-Control = "must-revalidate, max-age=60";
            } else {
                set resp.http.Cache-Control = "no-store, no-cache, must-revalidate, max-age=0";
            }
{% else %}
            set resp.http.Cache-Control = "no-store, no-cache, must-revalidate, max-age=0";
{% endif %}
            unset resp.http.Age;
        }
        if (resp.http.Content-Type ~ "(?i)^text/html" && resp.http.Vary) {
            set resp.http.Vary = "Accept-Encoding";
        }
        unset resp.http.Expires;
        unset resp.http.Pragma;
    }

    # What is between the shop and its cache.
    unset resp.http.xkey;
    unset resp.http.X-Magento-Tags;
    unset resp.http.X-Magento-Debug;
    unset resp.http.X-Pool;
    unset resp.http.X-Powered-By;
    unset resp.http.Server;
    unset resp.http.X-Varnish;
    unset resp.http.Via;
    unset resp.http.Link;
{% for file in places['deliver.last'] %}
    include "./{{ file }}";
{% endfor %}
    return (deliver);
}

# --- Answers of our own ----------------------------------------------------------------------------------------------

sub vcl_synth {
    # A fetch was abandoned: once more, now content with anything that is still kept.
    if (resp.status == 503 && req.method ~ "^(GET|HEAD)$" && !req.http.X-Edge-Stale) {
        set req.http.X-Edge-Stale = "1";
        return (restart);
    }
    unset resp.http.Server;
    unset resp.http.X-Varnish;
    set resp.http.Cache-Control = "no-store";
    if (req.method == "PURGE" && resp.status == 200) {
        set resp.http.Content-Type = "application/json";
        synthetic({"{ "invalidated": "} + req.http.X-Edge-Purged + {" }"});
        return (deliver);
    }
{% for file in places['synth'] %}
    include "./{{ file }}";
{% endfor %}
    set resp.http.Content-Type = "text/plain; charset=utf-8";
    synthetic(resp.reason + {"
"});
    return (deliver);
}
