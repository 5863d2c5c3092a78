//! PHP's limits per request, and the longest of its times, which every hop outside waits.
//!
//! **Invariant:** where one request sets a key of PHP, every request does: PHP-FPM keeps what `PHP_VALUE` set for the next
//! request of the same process (`fpm_php_apply_defines_ex` alters the entry for good).

use mops_plugin::{
    Context, Slots, Template,
    model::{Diagnostic, Duration, Encoding, Selector, Size, Text, Value},
    slot::{PhpIni, PhpLimit},
};
use serde::Serialize;

use crate::rules::{self, Rule};

const LIMITS: Template = Template {
    name: "app-nginx/limits.conf",
    text: include_str!("../templates/limits.conf"),
    encoding: Encoding::Nginx,
};

/// How long PHP may take where nothing says otherwise: the default of `php::fpm`, and Magento's sample
/// (`fastcgi_read_timeout 600s`).
const TIME: Duration = Duration::seconds(600);
/// How much memory PHP may take where nothing says otherwise: the default of `php::fpm`, and Magento's sample
/// (`memory_limit=756M`).
const MEMORY: Size = Size::mebibytes(756);

/// One key of PHP's configuration and the limits that say it.
#[derive(Serialize)]
struct Key {
    name: &'static str,
    /// As `php.ini` has it.
    php: &'static str,
    /// What holds for requests that no limit means.
    usual: String,
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
pub(crate) fn longest(context: &Context, slots: &Slots) -> Result<Duration, Vec<Diagnostic>> {
    let limits = slots.get::<PhpLimit>()?;
    let usual = option(context, "max_execution_time").and_then(|it| it.parse().ok());
    Ok(limits.iter().filter_map(|(it, _)| it.time).chain(usual).fold(TIME, Duration::max))
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
    let ini = |key: &str| -> Result<Option<String>, Vec<Diagnostic>> {
        let said = slots.get::<PhpIni>()?.into_iter().rfind(|(it, _)| it.key == key);
        Ok(said.and_then(|(it, _)| it.value.as_literal().map(str::to_owned)))
    };
    let usual_memory =
        || php_size(option(context, "memory_limit").and_then(|it| it.parse().ok()).unwrap_or(MEMORY));
    let usual_time = || {
        option(context, "max_execution_time")
            .and_then(|it| it.parse().ok())
            .unwrap_or(TIME)
            .as_seconds()
            .to_string()
    };
    let usual = ini("memory_limit")?.unwrap_or_else(usual_memory);
    let mut memory = Key { name: "memory", php: "memory_limit", usual, limits: Vec::new() };
    let usual = ini("max_execution_time")?.unwrap_or_else(usual_time);
    let mut time = Key { name: "time", php: "max_execution_time", usual, limits: Vec::new() };
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

/// What the script says of an option of `php::fpm`, which has been checked when plugins are asked.
fn option<'a>(context: &'a Context, name: &str) -> Option<&'a str> {
    context.site.calls("php", "fpm").find_map(|it| it.options.get(name)).and_then(Value::as_text)
}

/// A size as php.ini writes it: PHP knows `K`, `M` and `G`.
fn php_size(size: Size) -> String {
    let whole = Size::mebibytes(size.as_mebibytes()) == size;
    match whole {
        true => format!("{}M", size.as_mebibytes()),
        false => size.as_bytes().to_string(),
    }
}
