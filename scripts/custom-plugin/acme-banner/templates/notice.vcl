# A notice for every page, in a header that the theme shows.
if (resp.http.Content-Type ~ "^text/html" && req.url ~ "{{ path }}") {
    set resp.http.X-Notice = "{{ text }}";
}
