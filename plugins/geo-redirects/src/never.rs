//! What is never redirected.

use mops_plugin::Context;
use mops_plugin::model::Value;

/// What programs fetch, and what belongs to one host: first parts of a path.
const PARTS: [&str; 14] = [
    r"\.well-known",
    "static",
    "media",
    "errors",
    "rest",
    "soap",
    "oauth",
    "graphql",
    "customer/section",
    "page_cache/block",
    "elasticsuite/tracker",
    "checkout",
    "multishipping",
    "paypal",
];

/// Files at the top.
const FILES: [&str; 7] = [
    r"health_check\.php",
    r"get\.php",
    r"static\.php",
    r"cron\.php",
    r"robots\.txt",
    r"favicon\.ico",
    r"sitemap[^/]*\.xml(?:\.gz)?",
];

/// Magento's own front name of the administration, where the script names none.
const ADMIN: &str = "admin";

/// A regular expression (PCRE) of the paths that are never redirected: those of programs, with or without the prefix of
/// a website, and `more`.
pub(crate) fn pattern(context: &Context, more: &[&str]) -> String {
    let prefixes: Vec<String> = context
        .site
        .websites
        .iter()
        .filter(|it| !it.path.is_empty())
        .map(|it| regex::escape(&it.path))
        .collect();
    let prefix = match prefixes.is_empty() {
        true => String::new(),
        false => format!("(?:{})?", prefixes.join("|")),
    };
    let admin = regex::escape(admin_path(context).trim_matches('/'));
    let parts = PARTS.map(str::to_owned).into_iter().chain([admin]).collect::<Vec<_>>().join("|");
    let own =
        format!("^{prefix}/(?:(?:index\\.php/|pub/)?(?:{parts})(?:/|$)|(?:pub/)?(?:{})$)", FILES.join("|"));
    let more = more.iter().map(|it| format!("|(?:{it})"));
    std::iter::once(own).chain(more).collect()
}

fn admin_path(context: &Context) -> &str {
    let magento = context.site.options.get("magento").and_then(Value::as_record);
    magento.and_then(|it| it.get("admin_path")).and_then(Value::as_text).unwrap_or(ADMIN)
}
