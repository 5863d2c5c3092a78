//! Rules across files: what one daemon promises and another needs.
//!
//! Each rule reads settings that plugins said; a rule whose settings are not said does not apply.

use std::collections::BTreeMap;

use mops_model::{Diagnostic, Duration, Site, Size, Value};

type Settings = BTreeMap<String, Value>;

/// Applies every rule.
pub(crate) fn lint(site: &Site, settings: &Settings) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
    let found = [timeouts_grow_outwards(settings), headers_fit(settings)].into_iter().flatten();
    let (errors, warnings): (Vec<_>, Vec<_>) =
        found.map(|it| it.at(site.declared.span, "in this site")).partition(Diagnostic::is_error);
    match errors.is_empty() {
        true => Ok(warnings),
        false => Err(errors),
    }
}

/// Each hop must wait at least as long as the one behind it, or a slow answer is lost on its way out.
fn timeouts_grow_outwards(settings: &Settings) -> Vec<Diagnostic> {
    const HOPS: [&str; 3] =
        ["nginx.app.fastcgi_read_timeout", "varnish.first_byte_timeout", "nginx.edge.proxy_read_timeout"];
    let said: Vec<(&str, Duration)> =
        HOPS.iter().filter_map(|hop| Some((*hop, read::<Duration>(settings, hop)?))).collect();
    said.windows(2)
        .filter(|pair| pair[1].1 < pair[0].1)
        .map(|pair| {
            let [(inner, longer), (outer, shorter)] = [pair[0], pair[1]];
            Diagnostic::warning(
                "lint::timeouts",
                format!("`{outer}` ({shorter}) is shorter than `{inner}` ({longer})"),
            )
            .help(format!(
                "answers that take longer than {shorter} are lost there; make it at least {longer}"
            ))
        })
        .collect()
}

/// Varnish needs room for a whole header beside what it keeps in its workspace.
fn headers_fit(settings: &Settings) -> Vec<Diagnostic> {
    let sizes = (
        read::<Size>(settings, "varnish.http_resp_hdr_len"),
        read::<Size>(settings, "nginx.app.header_buffer"),
    );
    let (Some(varnish), Some(nginx)) = sizes else { return Vec::new() };
    match nginx < varnish {
        true => vec![
            Diagnostic::warning(
                "lint::headers",
                format!("nginx takes headers of {nginx} from PHP, Varnish of {varnish}"),
            )
            .help("a page with many cache tags answers 502; raise nginx's buffer"),
        ],
        false => Vec::new(),
    }
}

fn read<T: serde::de::DeserializeOwned>(settings: &Settings, name: &str) -> Option<T> {
    settings.get(name)?.parse().ok()
}
