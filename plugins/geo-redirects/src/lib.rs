//! Visitors are sent to the website for their country or language.
//!
//! Which website that is comes from the table of websites alone. What is contributed is one value for the edge, however
//! many functions were called, so that country and language never disagree about a visitor.
//!
//! **Invariant:** a website marked `geo: "never"` is no target, and the edge sends nobody away from it.
//! **Invariant:** a country leads to one website; a claim by two is refused.
//! **Invariant:** what is never redirected covers what programs fetch: static files, media, administration, APIs,
//! fragments, health checks, files of crawlers, and the checkout, whose cart belongs to its host.

mod never;
mod options;
mod table;

use std::collections::BTreeMap;

use mops_plugin::model::{Call, Diagnostic, Name, Value};
use mops_plugin::slot::{GeoRedirect, Slot};
use mops_plugin::{Calls, Context, Contribution, Function, Lowered, Manifest, Plugin, Slots};

use crate::options::{ByCountry, ByLanguage, Wanted};

/// Redirects by country and language.
pub struct GeoRedirects;

mops_plugin::export_plugin!(GeoRedirects);

const PLUGIN: &str = "geo-redirects";
const BY_COUNTRY: &str = "by_country";
const BY_LANGUAGE: &str = "by_language";

impl Plugin for GeoRedirects {
    fn manifest(&self) -> Manifest {
        Manifest::new(PLUGIN, "Visitors are sent to the website for their country or language")
            .function(Function::new::<ByCountry>(
                BY_COUNTRY,
                Calls::Once,
                "geo_redirects::by_country(#{ mode: \"home\" });",
            ))
            .function(Function::new::<ByLanguage>(
                BY_LANGUAGE,
                Calls::Once,
                "geo_redirects::by_language(#{ mode: \"home\" });",
            ))
    }

    fn contribute(&self, call: &Call, context: &Context) -> Result<Vec<Contribution>, Vec<Diagnostic>> {
        let wanted = Wanted::of(context, call);
        // The first of the calls speaks for both, of mistakes too.
        match wanted.speaks(call) {
            true => Ok(vec![redirect(&wanted, context)?.contribution()]),
            false => Ok(Vec::new()),
        }
    }

    fn lower(&self, call: &Call, context: &Context, _: &Slots) -> Result<Lowered, Vec<Diagnostic>> {
        let wanted = Wanted::of(context, call);
        let mut lowered = Lowered::default();
        if !wanted.speaks(call) {
            return Ok(lowered);
        }
        let redirect = redirect(&wanted, context)?;
        let map = |map: &BTreeMap<String, Name>| Value::of(map).expect("names are plain data");
        lowered.setting("geo-redirects.countries", map(&redirect.countries));
        lowered.setting("geo-redirects.languages", map(&redirect.languages));
        lowered.setting("geo-redirects.mode", redirect.mode);
        lowered.setting("geo-redirects.never", redirect.never);
        Ok(lowered)
    }
}

/// What the edge does for what the script wants.
fn redirect(wanted: &Wanted, context: &Context) -> Result<GeoRedirect, Vec<Diagnostic>> {
    let mut wrong = wanted.mistakes();
    let table = table::Table::of(&context.site.websites, wanted, &mut wrong);
    match wrong.is_empty() {
        true => Ok(GeoRedirect {
            mode: wanted.first().mode.word().to_owned(),
            countries: table.countries,
            languages: table.languages,
            database: wanted.database(),
            never: never::pattern(context, &wanted.never_paths()),
            cookie: wanted.first().cookie.clone(),
        }),
        false => Err(wrong),
    }
}
