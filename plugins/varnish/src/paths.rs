//! Regular expressions over URLs, from the table of websites.
//!
//! **Invariant:** each is anchored, and allows for the path prefix of any website.

use mops_plugin::{
    Context,
    model::{Diagnostic, Value},
};
use serde::Serialize;

use crate::{options::CacheOptions, tracking};

/// First parts of paths behind which a page is a person's own (Magento's front names; the pixel of `ElasticSuite`, whose
/// cookies must pass).
const OWN: [&str; 15] = [
    "checkout",
    "customer",
    "wishlist",
    "sales",
    "multishipping",
    "paypal",
    "braintree",
    "vault",
    "newsletter/manage",
    "review/customer",
    "downloadable/customer",
    "rest",
    "soap",
    "oauth",
    "elasticsuite/tracker",
];

/// The regular expressions that the VCL names.
#[derive(Debug, Serialize)]
pub(crate) struct Paths {
    /// What is a person's own.
    own: String,
    /// Scripts that stand beside `index.php`.
    scripts: String,
    /// What the option `pass_paths` says.
    extra: Vec<String>,
    /// GraphQL.
    graphql: String,
    /// Static files and media.
    assets: String,
    /// What only robots read.
    robots: String,
    /// Parameters of the query to take out.
    tracking: String,
}

impl Paths {
    /// The regular expressions for this site.
    ///
    /// # Errors
    /// What is wrong with the parameters to take out.
    pub(crate) fn new(cache: &CacheOptions, context: &Context) -> Result<Self, Vec<Diagnostic>> {
        let website = prefix(context);
        // Store views may have their code in the URL: `/de/`, `/de_at/`.
        // Magento takes several slashes at the beginning of what it routes for one.
        let shop = format!(r"{website}(?:/+index\.php)?(?:/+[a-z]{{2}}(?:_[a-z]{{2}})?)?/*");
        let admin = escape(admin_path(context));
        Ok(Self {
            own: format!(r"{shop}/(?:{}|{admin})(?:/|\?|$)", OWN.join("|")),
            scripts: format!(r"{website}/(?:pub/)?(?:health_check|cron)\.php(?:/|\?|$)"),
            extra: cache.pass_paths.iter().map(|it| within(&website, &it.0)).collect(),
            graphql: format!(r"{shop}/graphql(?:/|\?|$)"),
            assets: format!(r"{website}/(?:pub/)?(?:static|media)/"),
            robots: format!(r"{website}/(?:robots\.txt|sitemap[^/?]*\.xml)(?:\?|$)"),
            tracking: tracking::pattern(&cache.strip_params)?,
        })
    }
}

/// The path of Magento's back office, without slashes; Magento's own default is `admin`.
fn admin_path(context: &Context) -> &str {
    let magento = context.site.options.get("magento").and_then(Value::as_record);
    magento.and_then(|it| it.get("admin_path")).and_then(Value::as_text).unwrap_or("admin").trim_matches('/')
}

/// The beginning of a URL: the path prefix of one of the websites, or none.
fn prefix(context: &Context) -> String {
    let mut paths: Vec<String> =
        context.site.websites.iter().filter(|it| !it.path.is_empty()).map(|it| escape(&it.path)).collect();
    paths.sort();
    paths.dedup();
    match paths.is_empty() {
        true => "^".to_owned(),
        false => format!("^(?:{})?", paths.join("|")),
    }
}

/// `pattern` of a path within a website, as one of the whole path.
fn within(website: &str, pattern: &str) -> String {
    match pattern.strip_prefix('^') {
        Some(rest) => format!("{website}(?:{rest})"),
        None => pattern.to_owned(),
    }
}

/// `text` as a regular expression that matches nothing else.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-' | '/') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
