//! PHP-FPM and its limits.
//!
//! **Invariant:** a reload kills no request: workers finish, and new ones begin with the new files.
//! **Invariant:** no request is ended before the longest time that any rule allows.

mod fpm;
mod options;

use mops_plugin::{
    Calls, Context, Contribution, Function, Lowered, Manifest, Plugin, Slots,
    model::{Call, Diagnostic},
    slot::Slot,
};

use options::{Fpm, Ini, Limit};

/// The plugin `php`.
#[derive(Clone, Copy, Debug)]
pub struct Php;

mops_plugin::export_plugin!(Php);

impl Plugin for Php {
    fn manifest(&self) -> Manifest {
        let fpm = Function::new::<Fpm>(
            "fpm",
            Calls::Implied,
            "php::fpm(#{ processes: 24, memory_limit: \"1G\" });",
        );
        let ini = "php::ini(\"date.timezone\", \"Europe/Warsaw\");";
        let ini =
            Function::new::<Ini>("ini", Calls::OncePer("key".to_owned()), ini).arguments(&["key", "value"]);
        let limit = "php::limit(#{ path: `^/quickorder/upload`, memory: \"2G\", time: \"300s\" });";
        let limit = Function::new::<Limit>("limit", Calls::Any, limit);
        Manifest::new("php", "PHP-FPM and its limits")
            .function(fpm)
            .function(ini)
            .function(limit)
            .slot(
                "php.ini",
                "A key of `php.ini`. Two calls may not give one key two values; any may replace a default.",
            )
            .slot("php.limit", "PHP's limits for some requests. The first that means a request holds for it.")
            .slot(
                "php.version",
                "The version of PHP that the application needs. `php::fpm` may name another.",
            )
    }

    fn contribute(&self, call: &Call, _: &Context) -> Result<Vec<Contribution>, Vec<Diagnostic>> {
        match call.function.as_str() {
            "fpm" => Ok(Vec::new()),
            "ini" => parse::<Ini>(call).contribute().map(|it| vec![it.contribution()]),
            "limit" => parse::<Limit>(call).contribute().map(|it| vec![it.contribution()]),
            other => unreachable!("the manifest has no function `{other}`"),
        }
    }

    fn lower(&self, call: &Call, context: &Context, slots: &Slots) -> Result<Lowered, Vec<Diagnostic>> {
        match call.function.as_str() {
            "fpm" => fpm::lower(&parse::<Fpm>(call), context, slots),
            // They are what they contribute.
            "ini" | "limit" => Ok(Lowered::default()),
            other => unreachable!("the manifest has no function `{other}`"),
        }
    }
}

fn parse<T: serde::de::DeserializeOwned>(call: &Call) -> T {
    call.parse().expect("options were checked against the manifest")
}
