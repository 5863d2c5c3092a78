//! Limits on how often requests may come.
//!
//! `throttling::limit` says which requests one client may send how often; the TLS edge counts them, in front of the
//! cache. Nothing runs for it: a limit is a contribution to the slot `edge.throttle` and a few settings.
//!
//! **Invariant:** a rate that nginx cannot express exactly is refused, never rounded in silence.

mod rate;

use mops_plugin::{
    Calls, Context, Contribution, Function, Lowered, Manifest, Plugin, Slots,
    model::{Call, Cidr, Diagnostic, Name, Rate, Selector, Value},
    slot::{Slot, Throttle},
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::rate::NginxRate;

/// The plugin `throttling`.
pub struct Throttling;

mops_plugin::export_plugin!(Throttling);

/// Limits how often one client may send the requests that the selector means; others get 429 with `Retry-After`.
///
/// Clients are told apart by their address. Of the limits that mean a request, only the first counts it, in the order
/// of the script, and then those with `always`. `path` is relative to the path prefix of the website; a leading
/// `/index.php`, which Magento ignores, is not part of it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
struct Limit {
    /// Its name. Renaming a limit forgets what it has counted.
    #[schemars(with = "String", extend("format" = "name"))]
    name: Name,
    /// Which requests it means; without any key, all.
    #[serde(flatten)]
    selector: Selector,
    /// How often, for all edge nodes together: a whole number a second or a minute, which is what nginx can express. It
    /// counts in thousandths a second and rounds down, so that below three a minute it is up to 4 % stricter.
    rate: Rate,
    /// How many may come at once beyond the first, before the rate holds; left out, the count of the rate less one, so
    /// that `"10/1m"` lets ten through at once and then one every six seconds.
    #[schemars(range(min = 0, max = 1_000_000))]
    burst: Option<u64>,
    /// Networks that it does not count. A request from there still counts as meant by this limit: no later one sees it.
    #[serde(default)]
    exempt: Vec<Cidr>,
    /// Whether it counts a request that an earlier limit has counted.
    #[serde(default)]
    always: bool,
}

/// What one edge node does for a limit.
struct Share {
    throttle: Throttle,
    warnings: Vec<Diagnostic>,
}

impl Plugin for Throttling {
    fn manifest(&self) -> Manifest {
        let example = "throttling::limit(\"login\", #{ path: `^/customer/account/loginPost`, method: \"POST\", rate: \"10/1m\" });";
        Manifest::new("throttling", "Limits how often one client may send requests.").function(
            Function::new::<Limit>("limit", Calls::OncePer("name".to_owned()), example).arguments(&["name"]),
        )
    }

    fn contribute(&self, call: &Call, context: &Context) -> Result<Vec<Contribution>, Vec<Diagnostic>> {
        Ok(vec![share(call, context)?.throttle.contribution()])
    }

    fn lower(&self, call: &Call, context: &Context, _: &Slots) -> Result<Lowered, Vec<Diagnostic>> {
        let Share { throttle, warnings } = share(call, context)?;
        let mut lowered = Lowered { warnings, ..Lowered::default() };
        let name = &throttle.name;
        lowered.setting(&format!("throttling.{name}.rate_per_node"), throttle.rate.to_string());
        lowered.setting(&format!("throttling.{name}.burst_per_node"), count(throttle.burst));
        Ok(lowered)
    }
}

/// The part of a limit that each edge node enforces.
fn share(call: &Call, context: &Context) -> Result<Share, Vec<Diagnostic>> {
    let limit: Limit = call.parse().map_err(|err| {
        vec![Diagnostic::error("throttling::options", format!("the options do not fit the manifest: {err}"))]
    })?;
    let mut wrong = wrong_selector(&limit.selector);
    let Some(edge) = context.group("edge") else {
        wrong.push(
            Diagnostic::error(
                "throttling::edge",
                "no nodes play the role `edge`, where requests are counted",
            )
            .help("declare role(\"edge\", #{})"),
        );
        return Err(wrong);
    };
    let nodes = u64::from(edge.count.max(1));
    match NginxRate::of(limit.rate) {
        Ok(asked) if wrong.is_empty() => Ok(divided(&limit, asked, nodes)),
        Ok(_) => Err(wrong),
        Err(nearest) => {
            let message = format!("`rate`: nginx cannot express {} exactly", limit.rate);
            wrong.push(Diagnostic::error("throttling::rate", message).at_option("rate").help(nearest.help()));
            Err(wrong)
        }
    }
}

fn divided(limit: &Limit, asked: NginxRate, nodes: u64) -> Share {
    let rate = asked.share(nodes);
    let at_once = limit.burst.unwrap_or(limit.rate.count - 1) + 1;
    let mut warnings = Vec::new();
    if rate.times(nodes) != asked {
        let (given, total) = (rate.rate(), rate.times(nodes).rate());
        let message = format!(
            "`rate`: {} does not divide by {nodes} edge nodes; each allows {given}, together {total}",
            limit.rate
        );
        let help = format!("write \"{total}\" if that is meant");
        warnings.push(Diagnostic::warning("throttling::division", message).at_option("rate").help(help));
    }
    let throttle = Throttle {
        name: limit.name.clone(),
        selector: limit.selector.clone(),
        rate: rate.rate(),
        burst: at_once.div_ceil(nodes) - 1,
        exempt: limit.exempt.clone(),
        always: limit.always,
    };
    Share { throttle, warnings }
}

fn wrong_selector(selector: &Selector) -> Vec<Diagnostic> {
    let mut wrong = Vec::new();
    let is_method = |it: &&String| !it.is_empty() && it.bytes().all(|b| b.is_ascii_uppercase());
    for method in selector.method.iter().filter(|it| !is_method(it)) {
        wrong.push(
            Diagnostic::error(
                "throttling::method",
                format!("`method`: {method:?} is not a method in capitals"),
            )
            .at_option("method")
            .help("write it as \"POST\""),
        );
    }
    let is_country = |it: &&String| it.len() == 2 && it.bytes().all(|b| b.is_ascii_lowercase());
    for country in selector.country.iter().filter(|it| !is_country(it)) {
        wrong.push(
            Diagnostic::error("throttling::country", format!("`country`: {country:?} is not a country"))
                .at_option("country")
                .help("write two lowercase letters, such as \"pl\""),
        );
    }
    wrong
}

fn count(burst: u64) -> Value {
    Value::Int(i64::try_from(burst).expect("a burst is at most a million"))
}
