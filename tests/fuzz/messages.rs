//! Messages of the plugin door, in both directions: what a plugin is asked, and what it answers.

use std::sync::{Arc, LazyLock, Mutex};

use mops_model::{Call, Diagnostic};
use mops_plugin::{
    Context, Contribution, Linked, Lowered, Manifest, Plugin, Registry, Slots, Transport,
    door::{self, Response},
};

use crate::{
    bounded::{Fuzzer, LONG, SHORT},
    corpus::{Corpus, PLUGINS},
    mutate::{Material, inputs},
};

/// Parts that `MessagePack` gives a meaning to: lengths that lie, numbers at their ends, what is reserved.
const RARE: [&[u8]; 14] = [
    b"\xc1",
    b"\xc0",
    b"\xdf\xff\xff\xff\xff",
    b"\xdd\xff\xff\xff\xff",
    b"\xdb\xff\xff\xff\xff",
    b"\xc6\xff\xff\xff\xff",
    b"\xde\xff\xff",
    b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\xd3\x80\0\0\0\0\0\0\0",
    b"\xcb\x7f\xf8\0\0\0\0\0\0",
    b"\x80",
    b"\x90",
    b"\xa0",
    b"\xc9\xff\xff\xff\xff\x01",
];
const OPENERS: [&[u8]; 4] = [b"\x91", b"\x81", b"\x81\xa1a", b"\xdc\0\x01"];

/// What mops and its plugins say to each other about the largest example.
struct Talk {
    corpus: Corpus,
    requests: Vec<Vec<u8>>,
    answers: Vec<Vec<u8>>,
}

static TALK: LazyLock<Talk> = LazyLock::new(Talk::overheard);

#[test]
fn no_request_makes_a_plugin_panic() {
    requests(SHORT);
}

#[test]
#[ignore = "soak: an hour"]
fn no_request_makes_a_plugin_panic_in_an_hour() {
    requests(LONG);
}

#[test]
fn no_answer_of_a_plugin_makes_mops_panic() {
    answers(SHORT);
}

#[test]
#[ignore = "soak: an hour"]
fn no_answer_of_a_plugin_makes_mops_panic_in_an_hour() {
    answers(LONG);
}

fn requests(time: std::time::Duration) {
    let material = material(&TALK.requests);
    Fuzzer { name: "requests", shown: "messages::try_request", check: &try_request }
        .run(&inputs(&material), time);
}

fn answers(time: std::time::Duration) {
    let material = material(&TALK.answers);
    Fuzzer { name: "answers", shown: "messages::try_answer", check: &try_answer }
        .run(&inputs(&material), time);
}

fn material(messages: &[Vec<u8>]) -> Material<u8> {
    let words = RARE.iter().map(|it| it.to_vec()).collect();
    Material { inputs: messages.to_vec(), words, openers: OPENERS.iter().map(|it| it.to_vec()).collect() }
}

/// What the other side of the door makes of `request`.
pub(crate) fn try_request(request: &[u8]) -> String {
    match door::decode(&door::serve(&Quiet, request)).expect("what a plugin answers can be read") {
        Response::Manifest(_) => "asks for the manifest".to_owned(),
        Response::Contribute(_) => "asks to contribute".to_owned(),
        Response::Lower(_) => "asks to lower".to_owned(),
        Response::Panicked(why) => {
            assert!(why.starts_with("the request cannot be read: "), "{why}");
            "cannot be read".to_owned()
        }
    }
}

/// What mops makes of `answer`, wherever a plugin may give it.
pub(crate) fn try_answer(answer: &[u8]) -> String {
    let Ok(response) = door::decode(answer) else { return "cannot be read".to_owned() };
    let kind = Kind::of_response(&response);
    let Some(kind) = kind else { return "says that it panicked".to_owned() };
    // A manifest under its own name is looked at the longest; what else is answered, each may say in its turn.
    let is_called =
        |it: &Linked| matches!(&response, Response::Manifest(said) if said.plugin == it.0.manifest().plugin);
    let liar = PLUGINS.iter().position(is_called).unwrap_or(answer.len() % PLUGINS.len());
    let mut registry = Registry::new([]);
    for (i, plugin) in PLUGINS.into_iter().enumerate() {
        let lie = (i == liar).then(|| (kind, answer.to_vec()));
        if let Err(refused) = registry.add(Box::new(Liar { plugin, lie })) {
            return format!("{kind:?}: {}", refused.code);
        }
    }
    let outcome = TALK.corpus.outcome(TALK.corpus.script("full.rhai"), &registry);
    match (outcome.lowering, outcome.diagnostics.first()) {
        (Some(_), _) => format!("{kind:?}: nothing wrong"),
        (None, Some(first)) => format!("{kind:?}: {}", first.code),
        (None, None) => panic!("nothing says what is wrong"),
    }
}

impl Talk {
    fn overheard() -> Self {
        let corpus = Corpus::read();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let mut registry = Registry::new([]);
        for plugin in PLUGINS {
            registry.add(Box::new(Overheard { plugin, heard: Arc::clone(&heard) })).unwrap();
        }
        assert!(corpus.outcome(corpus.script("full.rhai"), &registry).lowering.is_some());
        let heard = heard.lock().unwrap().clone();
        let (requests, answers) = heard.into_iter().unzip();
        Self { corpus, requests, answers }
    }
}

/// What kind of question is asked, or answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Manifest,
    Contribute,
    Lower,
}

impl Kind {
    fn of_response(response: &Response) -> Option<Self> {
        match response {
            Response::Manifest(_) => Some(Self::Manifest),
            Response::Contribute(_) => Some(Self::Contribute),
            Response::Lower(_) => Some(Self::Lower),
            Response::Panicked(_) => None,
        }
    }

    /// What `request`, which mops wrote itself, asks.
    fn of_request(request: &[u8]) -> Self {
        match door::decode(&door::serve(&Quiet, request)) {
            Ok(response) => Self::of_response(&response).unwrap(),
            Err(err) => panic!("{err}"),
        }
    }
}

/// A plugin that has nothing to say: what it is asked is read, and that is all.
struct Quiet;

impl Plugin for Quiet {
    fn manifest(&self) -> Manifest {
        Manifest::new("quiet", "Says nothing.")
    }

    fn contribute(&self, _: &Call, _: &Context) -> Result<Vec<Contribution>, Vec<Diagnostic>> {
        Ok(Vec::new())
    }

    fn lower(&self, _: &Call, _: &Context, _: &Slots) -> Result<Lowered, Vec<Diagnostic>> {
        Ok(Lowered::default())
    }
}

/// Each request with its answer.
type Heard = Arc<Mutex<Vec<(Vec<u8>, Vec<u8>)>>>;

/// A plugin that somebody listens to.
struct Overheard {
    plugin: Linked,
    heard: Heard,
}

impl Transport for Overheard {
    fn origin(&self) -> String {
        self.plugin.origin()
    }

    fn ask(&self, request: &[u8]) -> Result<Vec<u8>, Diagnostic> {
        let answer = self.plugin.ask(request)?;
        self.heard.lock().unwrap().push((request.to_vec(), answer.clone()));
        Ok(answer)
    }
}

/// A plugin that may answer one kind of question in its own way.
struct Liar {
    plugin: Linked,
    lie: Option<(Kind, Vec<u8>)>,
}

impl Transport for Liar {
    fn origin(&self) -> String {
        self.plugin.origin()
    }

    fn ask(&self, request: &[u8]) -> Result<Vec<u8>, Diagnostic> {
        match &self.lie {
            Some((kind, lie)) if Kind::of_request(request) == *kind => Ok(lie.clone()),
            Some(_) | None => self.plugin.ask(request),
        }
    }
}
