//! What stands at the prompt: inputs for the session, and commands that begin with a colon.
//!
//! **Invariant:** nothing is applied: commands read what is recorded, and write nothing.

pub(crate) mod line_editor;
mod table;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use mops_eval::{Answer, Failed, Fed, Folder, Offers, Session, Sources, libraries};
use mops_lower::{Lowering, World};
use mops_model::{Catalog, Digest, Name, Site};
use mops_plan::Intent;
use mops_plugin::Registry;

use crate::{
    command::{
        repl::get,
        script::{versions, wanted},
        why::why,
    },
    failure::Failure,
    line::Line,
    outside::Outside,
    plugins::Plugins,
    project::Project,
    show::{DIM, diagnostic::say, styled},
};

/// A session, and where it is.
pub(crate) struct Repl<'a> {
    pub(crate) project: &'a Project,
    pub(crate) outside: &'a Outside,
    pub(crate) folder: Arc<Folder>,
    pub(crate) catalog: Catalog,
    pub(crate) parameters: BTreeMap<String, String>,
    /// The plugins that the session may use.
    pub(crate) registry: Mutex<Arc<Registry>>,
    pub(crate) session: Arc<Mutex<Session>>,
}

/// What came of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// More lines belong to it.
    More,
    /// It was right.
    Done,
    /// It was wrong, and that was said.
    Wrong,
    /// The person leaves.
    Leave,
}

/// The commands, with what they take and what they do.
pub(crate) const COMMANDS: [(&str, &str, &str); 13] = [
    (":help", "", "this list"),
    (":doc", "NAME", "what is known of it, such as `varnish::cache.memory`"),
    (":type", "EXPRESSION", "what kind of value it has; it is not kept"),
    (":time", "EXPRESSION", "how long it takes; it is not kept"),
    (":site", "", "what has been declared"),
    (":graph", "", "the resources it comes to, each with what it needs"),
    (":plan", "", "what an apply would change; nothing is applied"),
    (":why", "OPTION", "where its value comes from, such as `varnish.cache.memory`"),
    (":load", "SCRIPT", "begin anew with a script"),
    (":reload", "", "read the script again; inputs stay"),
    (":undo", "", "take the last input back"),
    (":quit", "", "leave, as Ctrl-D does"),
    (":q", "", "the same"),
];

impl Repl<'_> {
    /// Takes an input that may go on in the next line.
    pub(crate) async fn take(&self, input: &str) -> Reply {
        match input.trim_start().starts_with(':') {
            true => self.command(input.trim()).await,
            false => self.feed(input, Session::feed),
        }
    }

    /// Takes an input that does not go on.
    pub(crate) async fn take_last(&self, input: &str) -> Reply {
        match input.trim_start().starts_with(':') {
            true => self.command(input.trim()).await,
            false => self.feed(input, Session::feed_last),
        }
    }

    /// Begins anew with the script at `path`, and with the plugins that it names.
    pub(crate) fn load(&self, path: &str) -> Reply {
        let plugins = Plugins::of_script(self.project, path, &self.folder);
        self.with(plugins, |session| without_value(session.load(path)))
    }

    /// Reads the script again, and the plugins that it names now.
    fn reload(&self) -> Reply {
        self.with(self.plugins(""), |session| without_value(session.reload()))
    }

    /// The plugins that the script, all inputs, and this one name.
    fn plugins(&self, input: &str) -> Plugins {
        let session = get(&self.session);
        let path = session.script().unwrap_or_default();
        // Why it cannot be read is said when it is read again.
        let script = self.folder.read(path);
        let texts: Vec<&str> =
            script.iter().map(String::as_str).chain(session.inputs()).chain([input]).collect();
        Plugins::of_text(self.project, path, &texts.join("\n"))
    }

    fn feed(&self, input: &str, feed: fn(&mut Session, &str) -> Fed) -> Reply {
        if libraries("", input).named.is_empty() {
            let came = feed(&mut get(&self.session), input);
            return show_fed(came);
        }
        // What is wrong with those of this input is drawn in this input; then all of the session are there.
        if Plugins::of_text(self.project, "this input", input).or_told(say).is_err() {
            return Reply::Wrong;
        }
        self.with(self.plugins(input), |session| feed(session, input))
    }

    /// Goes on with `plugins`, if what is `fed` with them is right.
    fn with(&self, plugins: Plugins, feed: impl FnOnce(&mut Session) -> Fed) -> Reply {
        let Ok(Plugins { registry, .. }) = plugins.or_told(say) else { return Reply::Wrong };
        let mut session = get(&self.session);
        let before = session.offer(Arc::new(Offers::new(&self.world(&registry))));
        let came = feed(&mut session);
        match &came {
            Fed::Right(_) => *self.registry() = Arc::new(registry),
            Fed::Incomplete | Fed::Wrong(_) | Fed::Interrupted => drop(session.offer(before)),
        }
        drop(session);
        show_fed(came)
    }

    /// What a session evaluates in.
    pub(crate) fn world<'b>(&'b self, registry: &'b Registry) -> mops_eval::World<'b> {
        mops_eval::World {
            manifests: registry.manifests().collect(),
            catalog: &self.catalog,
            parameters: self.parameters.clone(),
            environment: self.project.environment.name.clone(),
        }
    }

    fn registry(&self) -> MutexGuard<'_, Arc<Registry>> {
        // A panic while it was held is a bug that ends the program.
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn command(&self, input: &str) -> Reply {
        let (command, rest) = input.split_once(char::is_whitespace).unwrap_or((input, ""));
        let rest = rest.trim();
        let outcome = match command {
            ":help" => Ok(help()),
            ":quit" | ":q" => return Reply::Leave,
            ":doc" | ":type" | ":time" | ":why" | ":load" if rest.is_empty() => Err(unfinished(command)),
            ":doc" => self.doc(rest),
            ":type" => return self.kind(rest),
            ":time" => return self.time(rest),
            ":site" => self.site().map(|site| table::site(&site)),
            ":graph" => self.graph(),
            ":plan" => self.plan().await,
            ":why" => return self.why(rest),
            ":load" => return self.load(rest),
            ":reload" => return self.reload(),
            ":undo" => self.undo(),
            unknown => {
                let known = COMMANDS.iter().map(|it| it.0);
                let help = match mops_model::nearest(unknown, known) {
                    Some(near) => format!("did you mean {near}?"),
                    None => ":help lists the commands".to_owned(),
                };
                Err(Failure::new(format!("there is no command {unknown}")).help(help))
            }
        };
        match outcome {
            Ok(text) => {
                anstream::println!("{text}");
                Reply::Done
            }
            Err(failure) => refused(&failure),
        }
    }

    fn doc(&self, name: &str) -> Result<String, Failure> {
        let session = get(&self.session);
        session.describe(name).ok_or_else(|| {
            Failure::new(format!("nothing is called `{name}`")).help(
                "name a module, a function, an option or a type of resource, such as `:doc varnish::cache`",
            )
        })
    }

    fn kind(&self, expression: &str) -> Reply {
        if let Some(signature) = get(&self.session).signature(expression) {
            anstream::println!("{signature}");
            return Reply::Done;
        }
        let fed = get(&self.session).ask(expression);
        match fed {
            Fed::Right(answer) => {
                anstream::println!("{}", answer.kind);
                Reply::Done
            }
            other => show_fed(other),
        }
    }

    fn time(&self, expression: &str) -> Reply {
        let fed = get(&self.session).ask(expression);
        let took = match &fed {
            Fed::Right(answer) => Some(answer.took),
            Fed::Wrong(_) | Fed::Incomplete | Fed::Interrupted => None,
        };
        let reply = show_fed(fed);
        if let Some(took) = took {
            anstream::println!("{}", styled(DIM, format!("took {}", shown_time(took))));
        }
        reply
    }

    fn why(&self, option: &str) -> Reply {
        let outcome = self.site().and_then(|site| why(option, &site, &self.registry().clone()));
        match outcome {
            Ok(()) => Reply::Done,
            Err(failure) => refused(&failure),
        }
    }

    fn undo(&self) -> Result<String, Failure> {
        match get(&self.session).undo() {
            Some(input) => Ok(styled(DIM, format!("taken back: {input}"))),
            None => Err(Failure::new("there is no input to take back")),
        }
    }

    fn site(&self) -> Result<Site, Failure> {
        let session = get(&self.session);
        let site = session.site().cloned().map_err(|failed| told(&failed))?;
        self.project.refuse_other("this session", &site.name)?;
        Ok(site)
    }

    fn graph(&self) -> Result<String, Failure> {
        let site = self.site()?;
        // A secret's value is not needed to see what there is: any version stands for it.
        let versions = site.secrets.keys().map(|it| (it.clone(), Digest::of(b""))).collect();
        Ok(table::graph(&self.lowered(&site, &versions)?.graph))
    }

    async fn plan(&self) -> Result<String, Failure> {
        let site = self.site()?;
        let line = Line::open(self.project, self.project.site(&site.name), self.outside)?;
        let versions = versions(&site, &line).map_err(|wrong| told(&get(&self.session).placed(wrong)))?;
        let lowering = self.lowered(&site, &versions)?;
        let wanted = wanted(&lowering, &site);
        let planned = line.plan(&wanted, Intent::Apply).await?;
        Ok(line.show(&planned, &wanted))
    }

    fn lowered(&self, site: &Site, secrets: &BTreeMap<Name, Digest>) -> Result<Lowering, Failure> {
        let world = World { environment: &self.project.environment, catalog: &self.catalog, secrets };
        let registry = self.registry().clone();
        let session = get(&self.session);
        let lowering =
            mops_lower::lower(site, &registry, &world).map_err(|wrong| told(&session.placed(wrong)))?;
        let worth_saying = session.placed(lowering.warnings.clone());
        say(&worth_saying.diagnostics, &worth_saying.texts);
        Ok(lowering)
    }
}

/// Says why a command did not do what it was asked.
fn refused(failure: &Failure) -> Reply {
    if let Some(said) = failure.to_say() {
        anstream::eprintln!("{said}");
    }
    Reply::Wrong
}

/// Says what is wrong at its place.
fn told(failed: &Failed) -> Failure {
    say(&failed.diagnostics, &failed.texts);
    Failure::told()
}

/// A script is loaded for what it declares, not for what its last line gives.
fn without_value(fed: Fed) -> Fed {
    match fed {
        Fed::Right(answer) => Fed::Right(Answer { value: None, ..answer }),
        Fed::Incomplete | Fed::Wrong(_) | Fed::Interrupted => fed,
    }
}

fn show_fed(fed: Fed) -> Reply {
    match fed {
        Fed::Incomplete => Reply::More,
        Fed::Right(answer) => {
            say(&answer.warnings, &answer.texts);
            answer.printed.iter().for_each(|it| anstream::println!("{it}"));
            answer.value.iter().for_each(|it| anstream::println!("{it}"));
            Reply::Done
        }
        Fed::Wrong(failed) => {
            told(&failed);
            Reply::Wrong
        }
        Fed::Interrupted => {
            anstream::eprintln!("cancelled; nothing was changed");
            Reply::Wrong
        }
    }
}

/// A command without what it takes.
fn unfinished(command: &str) -> Failure {
    let takes = COMMANDS.iter().find(|it| it.0 == command).map_or("", |it| it.1);
    Failure::new(format!("{command} is not complete")).help(format!("write {command} {takes}"))
}

fn help() -> String {
    let row = |(name, takes, does): &(&str, &str, &str)| format!("{:<18}{does}", format!("{name} {takes}"));
    let commands: Vec<String> = COMMANDS.iter().map(row).collect();
    let keys = "Everything else is a script: what is right is kept, mistakes change nothing.\n\
                Tab completes, Ctrl-R searches the history, Alt-Enter begins a new line,\n\
                Ctrl-C cancels, Ctrl-D leaves.";
    format!("{}\n\n{keys}", commands.join("\n"))
}

/// A time as people say it: `830 µs`, `1.2 ms`, `3.4 s`.
fn shown_time(it: Duration) -> String {
    match it.as_micros() {
        micros @ ..1000 => format!("{micros} µs"),
        micros @ ..1_000_000 => format!("{}.{} ms", micros / 1000, micros / 100 % 10),
        micros => format!("{}.{} s", micros / 1_000_000, micros / 100_000 % 10),
    }
}
