//! PHP's limits per request, and the longest of its times, which every hop outside waits.

use mops_plugin::{
    Context, Slots, Template,
    model::{Diagnostic, Duration, Encoding, Selector, Size, Text},
    slot::PhpLimit,
};
use serde::Serialize;

use crate::rules::{self, Rule};

const LIMITS: Template = Template {
    name: "app-nginx/limits.conf",
    text: include_str!("../templates/limits.conf"),
    encoding: Encoding::Nginx,
};

/// How long PHP may take where nothing says otherwise: Magento's sample (`fastcgi_read_timeout 600s`).
const TIME: Duration = Duration::seconds(600);

/// One key of PHP's configuration and the limits that say it.
#[derive(Serialize)]
struct Key {
    name: &'static str,
    key: &'static str,
    limits: Vec<Said>,
}

#[derive(Serialize)]
struct Said {
    variable: String,
    value: String,
}

/// How long a hop waits for PHP: the longest time of any request, at least 600 s.
///
/// # Errors
/// Contributions of another form.
pub(crate) fn longest(slots: &Slots) -> Result<Duration, Vec<Diagnostic>> {
    let limits = slots.get::<PhpLimit>()?;
    Ok(limits.iter().filter_map(|(it, _)| it.time).chain([TIME]).max().unwrap_or(TIME))
}

/// The file that tells `$php_value`. Of the limits that mean a request, the first that says a key decides it; those that
/// mean every request come last.
///
/// # Errors
/// Everything that is wrong with a contribution.
pub(crate) fn render(context: &Context, slots: &Slots) -> Result<Text, Vec<Diagnostic>> {
    #[derive(Serialize)]
    struct Values {
        values: [Key; 2],
    }
    let mut given = slots.get::<PhpLimit>()?;
    given.sort_by_key(|(it, _)| it.selector == Selector::default());
    let (mut rules, mut wrong) = (Vec::new(), Vec::new());
    let mut memory = Key { name: "memory", key: "memory_limit", limits: Vec::new() };
    let mut time = Key { name: "time", key: "max_execution_time", limits: Vec::new() };
    for (i, (limit, declared)) in given.into_iter().enumerate() {
        let variable = format!("limit_{}", i + 1);
        let title = format!("limit {}", i + 1);
        match Rule::new(variable.clone(), &title, &limit.selector, declared, context) {
            Ok(rule) => rules.push(rule),
            Err(err) => wrong.push(err),
        }
        let said = |value| Said { variable: variable.clone(), value };
        memory.limits.extend(limit.memory.map(php_size).map(said));
        time.limits.extend(limit.time.map(|it| it.as_seconds().to_string()).map(said));
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let limits = LIMITS.render(Values { values: [memory, time] }).map_err(|it| vec![it])?;
    Ok(rules::render(&rules).map_err(|it| vec![it])?.then("\n").then(limits))
}

/// A size as php.ini writes it: PHP knows `K`, `M` and `G`.
fn php_size(size: Size) -> String {
    let whole = Size::mebibytes(size.as_mebibytes()) == size;
    match whole {
        true => format!("{}M", size.as_mebibytes()),
        false => size.as_bytes().to_string(),
    }
}
