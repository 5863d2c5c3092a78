# Crawlers that ignore robots.txt get a page of ours, not one of PHP's.
if (req.http.User-Agent ~ "(?i)(AhrefsBot|MJ12bot|DotBot)") {
    return (synth(403, "Not for this crawler"));
}
