# Bots need no session.
if (req.http.User-Agent ~ "(?i)bot") {
    unset req.http.Cookie;
}
