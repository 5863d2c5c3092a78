//! Every code of a diagnostic: why it is said, what to do, and a script that brings it about beside one that does not.
//!
//! One file an area lies in `codes/`. An example that names no site stands in a script that begins with [`PRELUDE`].

use std::collections::BTreeMap;

use serde::Deserialize;

/// What an example without a site of its own stands in.
const PRELUDE: &str = r#"site("acme", #{ magento: #{ version: "2.4.6", release: path("release") } });
website("pl", #{ hosts: ["acme.pl"], countries: ["pl"], language: "pl" });
"#;

/// The files of the table, by area: the first part of their codes.
const AREAS: [(&str, &str); 18] = [
    ("baler", include_str!("../codes/baler.toml")),
    ("cdn", include_str!("../codes/cdn.toml")),
    ("certificates", include_str!("../codes/certificates.toml")),
    ("elasticsuite", include_str!("../codes/elasticsuite.toml")),
    ("eval", include_str!("../codes/eval.toml")),
    ("geo-redirects", include_str!("../codes/geo-redirects.toml")),
    ("lint", include_str!("../codes/lint.toml")),
    ("lower", include_str!("../codes/lower.toml")),
    ("magento", include_str!("../codes/magento.toml")),
    ("nginx", include_str!("../codes/nginx.toml")),
    ("php", include_str!("../codes/php.toml")),
    ("plugin", include_str!("../codes/plugin.toml")),
    ("rabbitmq", include_str!("../codes/rabbitmq.toml")),
    ("redis", include_str!("../codes/redis.toml")),
    ("secret", include_str!("../codes/secret.toml")),
    ("slot", include_str!("../codes/slot.toml")),
    ("throttling", include_str!("../codes/throttling.toml")),
    ("varnish", include_str!("../codes/varnish.toml")),
];

/// A code of a diagnostic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// The code, such as `eval::unknown-option`.
    pub code: String,
    /// Why it is said.
    pub cause: String,
    /// What to do about it.
    pub cure: String,
    /// A script that brings it about and one that does not, or why there is none.
    pub shown: Shown,
}

/// How a code is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// By two scripts.
    Scripts {
        /// Part of a script that brings it about.
        wrong: String,
        /// The same part, mended.
        right: String,
    },
    /// A script cannot bring it about; this says why.
    Never(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    cause: String,
    cure: String,
    wrong: Option<String>,
    right: Option<String>,
    unshown: Option<String>,
}

/// Every code, by area and name.
///
/// # Panics
/// When the table cannot be read: a bug, found by this crate's tests.
pub fn codes() -> Vec<Code> {
    AREAS.iter().flat_map(|(area, text)| area_codes(area, text)).collect()
}

fn area_codes(area: &str, text: &str) -> Vec<Code> {
    let written: BTreeMap<String, Written> =
        toml::from_str(text).unwrap_or_else(|err| panic!("codes/{area}.toml: {err}"));
    let code = |(name, it): (String, Written)| {
        let shown = match (it.wrong, it.right, it.unshown) {
            (Some(wrong), Some(right), None) => {
                Shown::Scripts { wrong: wrong.trim().to_owned(), right: right.trim().to_owned() }
            }
            (None, None, Some(why)) => Shown::Never(why),
            _ => panic!("codes/{area}.toml: `{name}` has both `wrong` and `right`, or `unshown`"),
        };
        Code { code: format!("{area}::{name}"), cause: it.cause, cure: it.cure, shown }
    };
    written.into_iter().map(code).collect()
}

impl Code {
    /// An example as a whole script.
    pub fn script(example: &str) -> String {
        let is_whole = example.lines().any(|it| it.starts_with("site(") || it.starts_with("//"));
        match is_whole {
            true => format!("{example}\n"),
            false => format!("{PRELUDE}{example}\n"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_stands_in_the_table_once_with_cause_and_cure() {
        let codes = codes();
        let silent: Vec<_> =
            codes.iter().filter(|it| it.cause.is_empty() || it.cure.is_empty()).map(|it| &it.code).collect();
        assert_eq!(silent, [] as [&String; 0]);
        assert!(codes.is_sorted_by(|a, b| a.code < b.code));
    }

    #[test]
    fn an_example_without_a_site_stands_in_a_script_that_has_one() {
        assert_eq!(Code::script("varnish::cache(#{});"), format!("{PRELUDE}varnish::cache(#{{}});\n"));
        assert_eq!(Code::script("site(\"acme\", #{});"), "site(\"acme\", #{});\n");
    }
}
