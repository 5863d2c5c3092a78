//! nginx as a daemon: the same for the edge and the application.

use std::collections::BTreeMap;

use mops_plugin::model::{
    Daemon, Duration, Listen, Loses, Name, Ready, ReadyCheck, Reload, Stop, StopSignal, Text,
};

/// Header lines of an answer that a hop takes, in KiB: tags of Magento and security policies come to 64 KB, and a whole
/// buffer must hold all of a header.
pub(crate) const HEADER_BUFFER_KIB: u64 = 128;

/// The nginx called `name`, ready when `http` answers `/mops-ready`.
pub(crate) fn daemon(name: &str, listens: BTreeMap<Name, Listen>, after: Vec<Name>) -> Daemon {
    let words = |files: Text, more: &[&str]| -> Vec<Text> {
        let config = files.then(format!("/{name}/nginx.conf"));
        let own =
            ["-p".into(), Text::here("tmp").then("/"), "-c".into(), config, "-e".into(), "stderr".into()];
        let program = ["nginx"].iter().chain(more).map(|it| Text::literal(*it));
        program.chain(own).collect()
    };
    Daemon {
        command: words(Text::here("current").then("/files"), &[]),
        environment: BTreeMap::new(),
        listens,
        after,
        check: Some(words(Text::here("files"), &["-t", "-q"])),
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
