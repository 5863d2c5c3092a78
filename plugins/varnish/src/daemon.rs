//! The daemon `varnish`: its command, how it takes new files, who may talk to it.

use std::collections::BTreeMap;

use mops_plugin::{
    Context, Lowered, Slots, Template,
    model::{
        Daemon, Diagnostic, Duration, Encoding, FlowEnd, Listen, Loses, Name, OnChange, Protocol, Ready,
        ReadyCheck, Reload, Size, Stop, StopSignal, Text,
    },
};

use crate::{
    options::CacheOptions,
    sizes::{self, Parameters},
    vcl,
};

/// The daemon.
pub(crate) const NAME: &str = "varnish";

/// The role that it belongs to.
pub(crate) const ROLE: &str = "edge";

/// The role whose nodes answer behind it.
const APP: &str = "app";

/// Run-time parameters, as commands of Varnish's own command line.
const PARAMETERS: Template = Template {
    name: "varnish/params.cli",
    text: include_str!("../templates/params.cli"),
    encoding: Encoding::Raw,
};

/// What takes new files into the running daemon.
const RELOAD: Template = Template {
    name: "varnish/reload.sh",
    text: include_str!("../templates/reload.sh"),
    encoding: Encoding::Shell,
};

/// What the call comes to.
///
/// # Errors
/// What is wrong with its options or with contributions.
pub(crate) fn lower(
    cache: &CacheOptions,
    context: &Context,
    slots: &Slots,
) -> Result<Lowered, Vec<Diagnostic>> {
    let (parameters, rendered) = match (Parameters::new(cache), vcl::render(cache, context, slots)) {
        (Ok(parameters), Ok(rendered)) => (parameters, rendered),
        (parameters, rendered) => {
            return Err([parameters.err(), rendered.err()].into_iter().flatten().flatten().collect());
        }
    };
    let memory = sizes::storage(cache, context);
    let first_byte_timeout = vcl::first_byte_timeout(cache, context, slots)?;
    let mut lowered = Lowered::default();

    lowered.file(ROLE, "varnish/default.vcl", rendered.main, NAME, OnChange::Reload);
    for (path, text) in rendered.custom {
        lowered.file(ROLE, &format!("varnish/{path}"), Text::literal(text), NAME, OnChange::Reload);
    }
    let text = PARAMETERS.render(&parameters).map_err(|it| vec![it])?;
    lowered.file(ROLE, "varnish/params.cli", text, NAME, OnChange::Reload);
    let text = RELOAD.render(BTreeMap::from([("work", work())])).map_err(|it| vec![it])?;
    lowered.program(ROLE, "varnish/reload.sh", text, NAME);

    lowered.daemon(ROLE, NAME, daemon(memory));
    // Not to be missed for want of a vmod: the one program stands for both packages.
    lowered.package(ROLE, "varnishd", "varnish varnish-modules");
    lowered.flow(FlowEnd::Role(Name::literal(APP)), ROLE, NAME, "purge");
    lowered.flow(FlowEnd::Role(Name::literal(ROLE)), APP, "app-nginx", "http");

    lowered.setting("varnish.memory", memory.to_string());
    lowered.setting("varnish.http_resp_hdr_len", parameters.tags.to_string());
    lowered.setting("varnish.http_resp_size", parameters.response.to_string());
    lowered.setting("varnish.workspace_backend", parameters.workspace.to_string());
    lowered.setting("varnish.first_byte_timeout", first_byte_timeout.to_string());
    Ok(lowered)
}

/// Where Varnish keeps compiled VCL, its log in shared memory, and the secret of its command line, which it makes up
/// itself and only its own user may read.
fn work() -> Text {
    Text::here("tmp").then("/varnish")
}

fn daemon(memory: Size) -> Daemon {
    let listen = |name: &str| {
        let endpoint = Text::literal(format!("{name}=")).then(Text::here("address"));
        endpoint.then(":").then(Text::here(format!("port.{NAME}.{name}")))
    };
    let file = |name: &str| Text::here("current").then(format!("/files/varnish/{name}"));
    let storage = Text::literal(format!("malloc,{memory}"));
    // The command line listens on a free port of the loopback, which `varnishadm -n` finds in the work directory.
    let command = vec![
        "varnishd".into(),
        "-F".into(),
        "-j".into(),
        "none".into(),
        "-n".into(),
        work(),
        "-a".into(),
        listen("http"),
        "-a".into(),
        listen("purge"),
        "-s".into(),
        storage,
        "-I".into(),
        file("params.cli"),
        "-f".into(),
        file("default.vcl"),
    ];
    let reload = |step: &str| {
        let script = Text::here("files").then("/varnish/reload.sh");
        vec!["sh".into(), script, step.into()]
    };
    let http = |port| Listen { protocol: Protocol::Http, port, public: false };
    Daemon {
        command,
        environment: BTreeMap::new(),
        listens: BTreeMap::from([(Name::literal("http"), http(6081)), (Name::literal("purge"), http(6082))]),
        after: Vec::new(),
        // A first start compiles the VCL and says what is wrong with it; checking it before would only double that.
        check: None,
        ready: Ready {
            check: ReadyCheck::Http { listen: Name::literal("http"), path: "/mops-ready".to_owned() },
            within: Duration::seconds(20),
        },
        reload: Reload::Commands { prepare: Some(reload("prepare")), commit: reload("commit") },
        restart_loses: Loses::Cache,
        stop: Stop { signal: StopSignal::Term, within: Duration::seconds(10) },
        memory: Some(memory),
    }
}
