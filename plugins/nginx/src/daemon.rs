//! nginx as a daemon: the same for the edge and the application.

use std::collections::BTreeMap;

use mops_plugin::model::{
    Daemon, Duration, Listen, Loses, Name, Protocol, Ready, ReadyCheck, Reload, Stop, StopSignal, Text,
};

/// Header lines of an answer that a hop takes, in KiB: tags of Magento and security policies come to 64 KB, and a whole
/// buffer must hold all of a header.
pub(crate) const HEADER_BUFFER_KIB: u64 = 128;

/// A place where nginx listens.
pub(crate) const fn listen(protocol: Protocol, port: u16, public: bool) -> Listen {
    Listen { protocol, port, public }
}

/// The nginx called `name`, ready when `http` answers `/mops-ready`.
pub(crate) fn daemon(name: &str, listens: BTreeMap<Name, Listen>, after: Vec<Name>) -> Daemon {
    let words = |folder: &str, more: &[&str]| -> Vec<Text> {
        let config = Text::here(folder.to_owned()).then(folder_of(folder)).then(format!("{name}/nginx.conf"));
        let prefix = Text::here("tmp").then("/");
        let own = [
            Text::literal("-p"),
            prefix,
            Text::literal("-c"),
            config,
            Text::literal("-e"),
            Text::literal("stderr"),
        ];
        std::iter::once(Text::literal("nginx"))
            .chain(more.iter().map(|it| Text::literal(*it)))
            .chain(own)
            .collect()
    };
    Daemon {
        command: words("current", &[]),
        environment: BTreeMap::new(),
        listens,
        after,
        check: Some(words("files", &["-t", "-q"])),
        ready: Ready {
            check: ReadyCheck::Http { listen: Name::literal("http"), path: "/mops-ready".to_owned() },
            within: Duration::seconds(10),
        },
        reload: Reload::Signal("HUP".to_owned()),
        restart_loses: Loses::Requests,
        stop: Stop { signal: StopSignal::Quit, within: Duration::seconds(20) },
        memory: None,
    }
}

/// What lies between a fact's folder and the rendered files.
fn folder_of(fact: &str) -> &'static str {
    match fact {
        "current" => "/files/",
        _ => "/",
    }
}
