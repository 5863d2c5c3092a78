//! What only the whole script shows: references, and rules between declarations.

use std::collections::{BTreeMap, BTreeSet};

use mops_model::{
    Declared, Diagnostic, FlowDeclaration, FlowEnd, Name, Options, Role, Site, Sound, SourceId, Span, nearest,
};

use crate::{
    declare::{Declarations, RoleDeclaration, apply_overrides, default_roles},
    findings::Findings,
    run::{Run, State},
};

/// The site; what is wrong with it is among the findings.
pub(crate) fn finish(run: &Run, state: &mut State) -> Sound {
    apply_overrides(run, state);
    let mut declared = std::mem::take(&mut state.declared);
    let findings = &mut state.findings;
    let whole = Whole { names: &declared.names };
    if !declared.has_site {
        let start = Span { source: SourceId(0), start: 0, end: 0 };
        let found = Diagnostic::error("eval::site-missing", "the script names no site")
            .at(start, "nowhere in this script");
        findings.push(found.help(
            "begin with site(\"acme\", #{ magento: #{ version: \"2.4.6\", release: path(\"release\") } });",
        ));
    }
    whole.references(&declared, findings);
    whole.parameters(run, findings);
    whole.clashes(findings);
    websites(&declared, findings);
    let roles = roles(std::mem::take(&mut declared.roles), findings);
    let flows = whole.flows(&declared, findings);
    sound(declared, roles, flows, findings)
}

/// What was declared until the script ended early. Rules between declarations say nothing about half of them.
pub(crate) fn unfinished(state: &mut State) -> Sound {
    let mut declared = std::mem::take(&mut state.declared);
    declared.missing.anything = true;
    let mut roles = default_roles();
    for it in std::mem::take(&mut declared.roles) {
        it.apply(&mut roles);
    }
    sound(declared, roles, Vec::new(), &state.findings)
}

/// What of `declared` has no mistake, and the names of what has.
fn sound(
    mut declared: Declarations,
    mut roles: Vec<Role>,
    flows: Vec<FlowDeclaration>,
    findings: &Findings,
) -> Sound {
    let is_sound = |it: &Declared| !findings.is_wrong_within(it.keys.values().chain([&it.span]));
    let mut missing = std::mem::take(&mut declared.missing);
    for call in declared.calls.extract_if(.., |it| !is_sound(&it.declared)) {
        missing.calls.insert((call.plugin, call.function));
    }
    declared.websites.retain(|it| is_sound(&it.declared));
    roles.retain(|it| is_sound(&it.declared));
    declared.daemons.retain(|it| is_sound(&it.declared));
    let is_missing = |what: &str, is_there: &dyn Fn(&Name) -> bool| {
        let names = declared.names.keys().filter(|(it, _)| *it == what).filter_map(|(_, it)| it.parse().ok());
        names.filter(|it| !is_there(it)).collect()
    };
    missing.websites = is_missing("website", &|name| declared.websites.iter().any(|it| it.name == *name));
    missing.roles = is_missing("role", &|name| roles.iter().any(|it| it.name == *name && is_declared(it)));
    let (name, options, site) = declared.site.unwrap_or_else(|| {
        missing.site = true;
        (Name::literal("unnamed"), Options::new(), Declared::default())
    });
    let site = Site {
        name,
        options,
        declared: site,
        websites: declared.websites,
        roles,
        calls: declared.calls,
        daemons: declared.daemons,
        flows,
        resources: declared.resources,
        outputs: declared.outputs,
        moves: declared.moves,
        secrets: declared.secrets,
        inputs: declared.inputs.into_values().collect(),
        listings: declared.listings,
    };
    Sound { site, missing }
}

/// Roles that every site has are declared nowhere, unless the script adjusts them.
fn is_declared(role: &Role) -> bool {
    role.declared != Declared::default()
}

struct Whole<'a> {
    names: &'a BTreeMap<(&'static str, String), Span>,
}

impl Whole<'_> {
    /// Every name of `what`, those of every site included.
    fn names(&self, what: &str) -> BTreeSet<&str> {
        let declared = self.names.keys().filter(|(it, _)| *it == what).map(|(_, name)| name.as_str());
        let always: &[&str] = match what {
            "role" => &["edge", "app", "persistent"],
            _ => &[],
        };
        declared.chain(always.iter().copied()).collect()
    }

    fn references(&self, declared: &Declarations, findings: &mut Findings) {
        for it in &declared.references {
            let known: BTreeSet<&str> = it.among.iter().flat_map(|what| self.names(what)).collect();
            if known.contains(it.name.as_str()) || findings.is_wrong_at(it.span) {
                continue;
            }
            let among = it.among.join(" or ");
            let code = format!("eval::unknown-{}", it.among.first().unwrap_or(&"name"));
            let found = Diagnostic::error(code, format!("`{}`: there is no {among} {:?}", it.shown, it.name));
            findings.push(found.at(it.span, "not declared").help(suggestion(&it.name, &known)));
        }
    }

    fn parameters(&self, run: &Run, findings: &mut Findings) {
        let known = self.names("param");
        for name in run.parameters.keys().filter(|it| !known.contains(it.as_str())) {
            let found =
                Diagnostic::error("eval::unknown-parameter", format!("the script has no parameter `{name}`"));
            findings.push(found.help(match known.is_empty() {
                true => "it declares none; declare one with param(\"name\", #{ … })".to_owned(),
                false => suggestion(name, &known),
            }));
        }
    }

    /// `on: "app"` must mean one thing.
    fn clashes(&self, findings: &mut Findings) {
        let roles = self.names("role");
        for ((_, name), span) in
            self.names.iter().filter(|((what, name), _)| *what == "website" && roles.contains(name.as_str()))
        {
            let found = Diagnostic::error(
                "eval::duplicate",
                format!("a website and a role are both called `{name}`"),
            )
            .at(*span, "the website");
            let found = match self.names.get(&("role", name.clone())) {
                Some(role) => found.at(*role, "the role"),
                None => found,
            };
            findings.push(found.help("give the website another name, and its code as `run_code`"));
        }
    }

    fn flows(&self, declared: &Declarations, findings: &mut Findings) -> Vec<FlowDeclaration> {
        let mut flows = Vec::new();
        for it in &declared.flows {
            let from = self.end(&it.from, declared, it.declared.of("from"), findings);
            let to = self.end(&it.to, declared, it.declared.of("to"), findings);
            if let (Some(from), Some(to)) = (from, to) {
                flows.push(FlowDeclaration { from, to, port: it.port, declared: it.declared.clone() });
            }
        }
        flows
    }

    /// A network, a role, or the role that runs a daemon.
    fn end(
        &self,
        text: &str,
        declared: &Declarations,
        span: Span,
        findings: &mut Findings,
    ) -> Option<FlowEnd> {
        if let Ok(network) = text.parse() {
            return Some(FlowEnd::Network(network));
        }
        let (roles, daemons) = (self.names("role"), self.names("daemon"));
        if roles.contains(text) {
            return text.parse::<Name>().ok().map(FlowEnd::Role);
        }
        if daemons.contains(text) {
            let daemon = declared.daemons.iter().find(|it| it.name.as_str() == text)?;
            return Some(FlowEnd::Role(daemon.on.clone()));
        }
        let known = roles.union(&daemons).copied().collect();
        let found = Diagnostic::error(
            "eval::unknown-role",
            format!("`allow`: {text:?} is no role, no daemon and no network"),
        );
        findings.push(found.at(span, "not declared").help(suggestion(text, &known)));
        None
    }
}

fn suggestion(name: &str, known: &BTreeSet<&str>) -> String {
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean {near:?}?"),
        None if known.is_empty() => "none is declared".to_owned(),
        None => format!("declared: {}", known.iter().copied().collect::<Vec<_>>().join(", ")),
    }
}

fn websites(declared: &Declarations, findings: &mut Findings) {
    let mut taken: BTreeMap<(&str, &str), (&Name, Span)> = BTreeMap::new();
    let mut fallback: Option<(&Name, Span)> = None;
    for website in &declared.websites {
        for (i, host) in website.hosts.iter().enumerate() {
            let span = website.declared.of(&format!("hosts[{i}]"));
            if let Some((other, first)) =
                taken.insert((host.as_str(), website.path.as_str()), (&website.name, span))
            {
                let shown = format!("{host}{}", website.path);
                let (message, help) = match *other == website.name {
                    true => (format!("the website `{other}` names `{shown}` twice"), "keep one of them"),
                    false => (
                        format!("`{shown}` belongs to two websites: `{other}` and `{}`", website.name),
                        "give one of them another host, or a `path` of its own",
                    ),
                };
                let found = Diagnostic::error("eval::duplicate", message);
                findings.push(found.at(span, "here again").at(first, "first here").help(help));
            }
        }
        if !website.fallback {
            continue;
        }
        let span = website.declared.of("fallback");
        if let Some((other, first)) = fallback.replace((&website.name, span)) {
            let message = format!("two websites are the fallback: `{other}` and `{}`", website.name);
            let found =
                Diagnostic::error("eval::duplicate", message).at(span, "here again").at(first, "first here");
            findings.push(found.help("only one website can answer for unknown hosts"));
        }
    }
}

fn roles(declarations: Vec<RoleDeclaration>, findings: &mut Findings) -> Vec<Role> {
    let mut roles = default_roles();
    let hosts: Vec<(Name, Option<Name>, Span)> =
        declarations.iter().map(|it| (it.name.clone(), it.shares.clone(), it.place("shares"))).collect();
    for it in declarations {
        it.apply(&mut roles);
    }
    for (name, host, span) in hosts {
        let Some(host) = host else { continue };
        let next = roles.iter().find(|it| it.name == host).and_then(|it| it.shares.clone());
        let (message, help) = match next {
            _ if host == name => (
                format!("`role`: `{name}` cannot share nodes with itself"),
                "name another role, or leave `shares` out".to_owned(),
            ),
            Some(next) => (
                format!("`role`: `{name}` shares the nodes of `{host}`, which shares those of `{next}`"),
                format!("name a role that has nodes of its own, such as \"{next}\""),
            ),
            None => continue,
        };
        findings.push(Diagnostic::error("eval::wrong-value", message).at(span, "here").help(help));
    }
    roles
}
