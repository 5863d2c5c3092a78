//! Limits on how often requests may come, as `limit_req` counts them.
//!
//! **Invariant:** zones and variables are named after limits, not after their place: a reload keeps what was counted.

use mops_plugin::{
    Context, Slots, Template,
    model::{Cidr, Declared, Diagnostic, Duration, Encoding, Rate, Text},
    slot::Throttle,
};
use serde::Serialize;

use crate::rules::{self, Rule};

const THROTTLE: Template = Template {
    name: "edge-nginx/throttle.conf",
    text: include_str!("../templates/throttle.conf"),
    encoding: Encoding::Nginx,
};

/// The memory of one limit's counters: room for 80,000 clients, 128 bytes each; the least recent give way
/// (<https://nginx.org/en/docs/http/ngx_http_limit_req_module.html#limit_req_zone>). nginx refuses to reload with another
/// size, so it is no option.
const ZONE: &str = "10m";

/// One limit, as the templates take it.
#[derive(Clone, Serialize)]
pub(crate) struct Limit {
    name: String,
    /// What its variables begin with.
    variable: String,
    /// As nginx writes it.
    rate: String,
    burst: u64,
    exempt: Vec<Cidr>,
    always: bool,
    /// Seconds between two requests at its rate.
    interval: u64,
}

/// All limits of the edge.
pub(crate) struct Throttling {
    /// The file that counts.
    pub(crate) text: Text,
    /// What each website's location asks.
    pub(crate) limits: Vec<Limit>,
}

/// What was contributed to `edge.throttle`.
///
/// # Errors
/// Everything that is wrong with a contribution.
pub(crate) fn throttling(context: &Context, slots: &Slots) -> Result<Throttling, Vec<Diagnostic>> {
    #[derive(Serialize)]
    struct Values<'a> {
        limits: &'a [Limit],
        first_match: Vec<&'a Limit>,
        slowest_first: Vec<&'a Limit>,
        zone: &'static str,
    }
    let mut wrong = Vec::new();
    let (mut limits, mut rules) = (Vec::new(), Vec::new());
    for (throttle, declared) in slots.get::<Throttle>()? {
        match limit(&throttle, declared, context) {
            Ok((limit, rule)) => {
                limits.push(limit);
                rules.push(rule);
            }
            Err(err) => wrong.push(err),
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let mut slowest_first: Vec<&Limit> = limits.iter().collect();
    slowest_first.sort_by_key(|it| std::cmp::Reverse(it.interval));
    let first_match = limits.iter().filter(|it| !it.always).collect();
    let counts = THROTTLE.render(Values { limits: &limits, first_match, slowest_first, zone: ZONE });
    let text = rules::render(&rules).map_err(|it| vec![it])?.then("\n").then(counts.map_err(|it| vec![it])?);
    Ok(Throttling { text, limits })
}

fn limit(throttle: &Throttle, declared: &Declared, context: &Context) -> Result<(Limit, Rule), Diagnostic> {
    let per_minute = |declared: &Declared| {
        Diagnostic::error("nginx::rate", format!("nginx cannot express the rate {}", throttle.rate))
            .at(declared.of("rate"), "here")
            .help("write whole requests a second or a minute")
    };
    let variable = format!("limit_{}", variable(throttle.name.as_str()));
    let rule = Rule::new(variable.clone(), throttle.name.as_str(), &throttle.selector, declared, context)?;
    let (rate, thousandths) = nginx_rate(throttle.rate).ok_or_else(|| per_minute(declared))?;
    let limit = Limit {
        name: throttle.name.to_string(),
        variable,
        rate,
        burst: throttle.burst,
        exempt: throttle.exempt.clone(),
        always: throttle.always,
        interval: 1000_u64.div_ceil(thousandths),
    };
    Ok((limit, rule))
}

/// The rate as nginx writes it, and what nginx makes of it: thousandths of requests a second, rounded down.
fn nginx_rate(rate: Rate) -> Option<(String, u64)> {
    match rate.per {
        per if per == Duration::seconds(1) => Some((format!("{}r/s", rate.count), rate.count * 1000)),
        per if per == Duration::seconds(60) => Some((format!("{}r/m", rate.count), rate.count * 1000 / 60)),
        _ => None,
    }
}

/// A name as part of a variable: no two names, and no name with something behind it, come to the same.
fn variable(name: &str) -> String {
    name.replace('_', "_u").replace('-', "_d")
}
