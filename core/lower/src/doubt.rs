//! What plugins have against a site of which a part is wrong already: by the script, or because a plugin refuses it.
//!
//! Plugins are asked twice: about the sound part alone, and about the sound part amid stand-ins for what is missing.
//! What they say both times does not hang on what is missing, and is told. What they say once may be a consequence of a
//! mistake that was told already (*a consumer needs a broker*, when the call that asks for one was wrong), and is not.
//! Plugins are pure, so that asking twice costs time only, and only where something is wrong. Were each complaint to say
//! what it hangs on, every author of a plugin would have to get that right.
//!
//! **Invariant:** what is said of a stand-in is never told: nobody says it of the sound part alone.

use mops_model::{Call, Diagnostic, Missing, Name, Options, Role, Site, Sound};
use mops_plugin::{Context, Encoded, Registry, Slots};

use crate::{World, all_calls, daemon, join::Joined, placed, stand_in};

/// Whether something stands where a plugin refuses a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refused {
    /// Nothing: the others get nothing from it.
    Nothing,
    /// The same call without the options that are wrong.
    StandIn,
}

/// Everything that plugins have against the sound part of a site; in the order of the script, nothing that may follow
/// from what it lacks.
pub fn mistakes(sound: &Sound, registry: &Registry, world: &World<'_>) -> Vec<Diagnostic> {
    let alone = complaints(&sound.site, registry, world, Refused::Nothing);
    let amid = complaints(&amid(sound, registry), registry, world, Refused::StandIn);
    let is_told = |it: &Diagnostic| it.is_error() && amid.contains(it) && is_about_what_is_there(it, sound);
    let mut told: Vec<Diagnostic> = alone.into_iter().filter(is_told).collect();
    told.sort_by_key(|it| it.labels.first().map(|label| label.span));
    told.dedup();
    told
}

/// Without a sound call to `site` nothing is known of the application: then only what is wrong with an option counts.
fn is_about_what_is_there(complaint: &Diagnostic, sound: &Sound) -> bool {
    let is_option = || {
        let first = complaint.labels.first().map(|it| it.span);
        sound.site.calls.iter().flat_map(|it| it.declared.keys.values()).any(|it| Some(*it) == first)
    };
    !sound.missing.site || is_option()
}

/// The sound part, and a stand-in for each thing that is missing.
fn amid(sound: &Sound, registry: &Registry) -> Site {
    let (mut site, missing) = (sound.site.clone(), &sound.missing);
    let unnamed = missing.anything.then(|| Name::literal("stand-in"));
    let websites =
        missing.websites.iter().chain(&unnamed).filter(|it| sound.site.website(it.as_str()).is_none());
    site.websites.extend(websites.map(|it| stand_in::website(it.clone())));
    amid_roles(&mut site, missing);
    let stand_ins = registry.manifests().flat_map(|manifest| {
        let is_missing = |function: &Name| {
            let is_called = site.calls(manifest.plugin.as_str(), function.as_str()).next().is_some();
            let is_wrong = missing.calls.contains(&(manifest.plugin.clone(), function.clone()));
            !is_called && (missing.anything || is_wrong)
        };
        let functions = manifest.functions.iter().filter(move |it| is_missing(&it.name));
        functions.map(|it| stand_in::call(manifest, it)).collect::<Vec<_>>()
    });
    let stand_ins: Vec<Call> = stand_ins.collect();
    site.calls.extend(stand_ins);
    if missing.site {
        site.options = Options::new();
    }
    site
}

fn amid_roles(site: &mut Site, missing: &Missing) {
    site.roles.retain(|it| !missing.roles.contains(&it.name));
    site.roles.extend(missing.roles.iter().map(|it| stand_in::role(it.clone())));
    let is_said = |it: &Role| !it.declared.place.is_empty();
    for role in site.roles.iter_mut().filter(|it| missing.anything && !is_said(it)) {
        stand_in::make_roomy(role);
    }
}

/// Everything that plugins, and the rules between them, have against `site`.
fn complaints(site: &Site, registry: &Registry, world: &World<'_>, refused: Refused) -> Vec<Diagnostic> {
    let context =
        Context { site: site.clone(), groups: site.groups(), environment: world.environment.clone() };
    let told = Encoded::of(&context);
    let mut wrong = Vec::new();
    let mut slots = Slots::default();
    let mut taken = Vec::new();
    for call in all_calls(site, registry) {
        match registry.contribute(&call, &told) {
            Ok(given) => {
                slots.add(given, &call.declared);
                taken.push(call);
            }
            Err(diagnostics) => {
                if refused == Refused::StandIn {
                    let given = without(&call, &diagnostics, registry)
                        .and_then(|it| registry.contribute(&it, &told).ok());
                    slots.add(given.into_iter().flatten(), &call.declared);
                }
                wrong.extend(diagnostics.into_iter().map(|it| placed(it, &call)));
            }
        }
    }
    let slots = Encoded::of(&slots);
    let mut joined = Joined::default();
    for call in taken {
        match registry.lower(&call, &told, &slots) {
            Ok(lowered) => wrong.extend(joined.add(&call, lowered, &context)),
            Err(diagnostics) => wrong.extend(diagnostics.into_iter().map(|it| placed(it, &call))),
        }
    }
    wrong.extend(daemon::declare(site, &mut joined).err().into_iter().flatten());
    wrong
}

/// `call` without the options that `complaints` are about.
fn without(call: &Call, complaints: &[Diagnostic], registry: &Registry) -> Option<Call> {
    let function = registry.manifest(call.plugin.as_str())?.get(call.function.as_str())?;
    let mut options = call.options.clone();
    for path in complaints.iter().map(|it| it.option.as_deref()) {
        options.remove(path?.split(['.', '[']).next()?);
    }
    Some(stand_in::with_options(call, function, options))
}
