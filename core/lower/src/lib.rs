//! [`Site`] in, [`Graph`] out: asks each service's plugin what it comes to, joins the answers into one closure for each
//! node group, and says which resources the provider must make for them.
//!
//! **Invariant:** pure; the same site, plugins and versions of secrets give the same bytes.
//! **Invariant:** every mistake of a run is reported at once, in the order of the script.

mod closure;
mod daemon;
mod doubt;
mod join;
mod lint;
mod local;
mod stand_in;

use std::collections::BTreeMap;

use mops_model::{
    Call, Catalog, Closure, Diagnostic, Digest, Environment, Graph, Missing, Name, ProviderName, Site, Sound,
    Value,
};
use mops_plugin::{Calls, Context, Encoded, Flow, Registry, Slots};

pub use doubt::mistakes;

use join::Joined;

/// What lowering may know besides the site.
pub struct World<'a> {
    /// Where the site goes.
    pub environment: &'a Environment,
    /// Every resource type that is known.
    pub catalog: &'a Catalog,
    /// The version of each secret that the site names, from whoever keeps them.
    pub secrets: &'a BTreeMap<Name, Digest>,
}

/// What a site comes to.
#[derive(Debug)]
pub struct Lowering {
    /// The resources that should exist.
    pub graph: Graph,
    /// The closures that the graph names.
    pub closures: BTreeMap<Digest, Closure>,
    /// The objects that those closures name, trees excepted: their bytes stand beside the script.
    pub objects: BTreeMap<Digest, Vec<u8>>,
    /// What is shown after an apply, by name: `url.pl`; texts may hold outputs.
    pub outputs: BTreeMap<String, Value>,
    /// Who may talk to whom, from the plugins; those of the script stand in the site.
    pub flows: Vec<Flow>,
    /// Where each file and daemon was asked for, by path or name: `shop.rhai:14`.
    pub origins: BTreeMap<String, String>,
    /// Values that plugins said, by name.
    pub settings: BTreeMap<String, Value>,
    /// What is worth saying though nothing is wrong.
    pub warnings: Vec<Diagnostic>,
}

/// Lowers `site` with the plugins of `registry`.
///
/// # Errors
/// Everything that plugins, lints and the graph have against it.
pub fn lower(site: &Site, registry: &Registry, world: &World<'_>) -> Result<Lowering, Vec<Diagnostic>> {
    straight(site, registry, world).map_err(|wrong| {
        // The first stage that finds something ends the line; later ones may find more that does not follow from it.
        let sound = Sound { site: site.clone(), missing: Missing::default() };
        let told = mistakes(&sound, registry, world);
        if told.is_empty() { wrong } else { told }
    })
}

fn straight(site: &Site, registry: &Registry, world: &World<'_>) -> Result<Lowering, Vec<Diagnostic>> {
    let context =
        Context { site: site.clone(), groups: site.groups(), environment: world.environment.clone() };
    let told = Encoded::of(&context);
    let calls = all_calls(site, registry);
    let slots = contributions(&calls, &told, registry)?;
    let mut joined = lowered(&calls, &context, &told, &slots, registry)?;
    daemon::declare(site, &mut joined)?;
    let built = closure::build(&context, &joined);
    let mut warnings = std::mem::take(&mut joined.warnings);
    warnings.extend(lint::lint(site, &joined.settings)?);
    let (graph, outputs) = match world.environment.provider {
        ProviderName::Local => local::target(&context, &joined, &built, world)?,
    };
    let objects = built.values().flat_map(|it| it.objects.clone()).collect();
    let closures = built.into_values().map(|it| (it.digest, it.closure)).collect();
    let Joined { settings, origins, flows, .. } = joined;
    Ok(Lowering { graph, closures, objects, outputs, flows, origins, settings, warnings })
}

/// The calls of the script, and one for each function that is called by itself.
fn all_calls(site: &Site, registry: &Registry) -> Vec<Call> {
    let mut calls = site.calls.clone();
    for manifest in registry.manifests() {
        for function in manifest.functions.iter().filter(|it| it.calls == Calls::Implied) {
            if site.calls(manifest.plugin.as_str(), function.name.as_str()).next().is_none() {
                calls.push(manifest.implied_call(function));
            }
        }
    }
    calls
}

fn contributions(
    calls: &[Call],
    told: &Encoded<'_, Context>,
    registry: &Registry,
) -> Result<Slots, Vec<Diagnostic>> {
    let mut slots = Slots::default();
    let mut wrong = Vec::new();
    for call in calls {
        match registry.contribute(call, told) {
            Ok(given) => slots.add(given, &call.declared),
            Err(diagnostics) => wrong.extend(diagnostics.into_iter().map(|it| placed(it, call))),
        }
    }
    let known = |slot: &str| registry.manifests().flat_map(|it| &it.slots).any(|it| it.name == slot);
    for (slot, given) in slots.0.iter().filter(|(slot, _)| !known(slot)) {
        let wrong_slot = Diagnostic::error("lower::unknown-slot", format!("no plugin has the slot `{slot}`"));
        wrong.extend(given.first().map(|it| wrong_slot.at(it.declared.span, "this contributes to it")));
    }
    none_wrong(wrong)?;
    Ok(slots)
}

fn lowered(
    calls: &[Call],
    context: &Context,
    told: &Encoded<'_, Context>,
    slots: &Slots,
    registry: &Registry,
) -> Result<Joined, Vec<Diagnostic>> {
    let slots = Encoded::of(slots);
    let mut joined = Joined::default();
    let mut wrong = Vec::new();
    for call in calls {
        match registry.lower(call, told, &slots) {
            Ok(mut lowered) => {
                lowered.warnings = lowered.warnings.into_iter().map(|it| placed(it, call)).collect();
                wrong.extend(joined.add(call, lowered, context));
            }
            Err(diagnostics) => wrong.extend(diagnostics.into_iter().map(|it| placed(it, call))),
        }
    }
    none_wrong(wrong)?;
    Ok(joined)
}

/// A plugin sees no spans: what it says of an option is put where the script wrote it.
fn placed(mut diagnostic: Diagnostic, call: &Call) -> Diagnostic {
    let function = join::script_name(call);
    if let Some(option) = diagnostic.option.take() {
        return diagnostic.at(call.declared.of(&option), format!("in `{function}`"));
    }
    match diagnostic.labels.is_empty() {
        true => diagnostic.at(call.declared.span, format!("`{function}`")),
        false => diagnostic,
    }
}

fn none_wrong(mut wrong: Vec<Diagnostic>) -> Result<(), Vec<Diagnostic>> {
    wrong.sort_by_key(|it| it.labels.first().map(|label| label.span));
    wrong.dedup();
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(wrong),
    }
}
