//! A plugin that does what no plugin may: `zoo::animal("…")` says what.

#![allow(clippy::disallowed_methods, clippy::infinite_loop, reason = "that is what it is for")]

use std::{fs, hint::black_box, net::TcpListener, process::Command, thread, time::Duration};

use mops_plugin::{
    Calls, Context, Contribution, Function, Lowered, Manifest, Plugin, Slots,
    model::{Call, Diagnostic, OnChange, Text},
};
use schemars::JsonSchema;
use serde::Deserialize;

/// The plugin `zoo`.
pub struct Zoo;

mops_plugin::export_plugin!(Zoo);

/// Misbehaves when it is lowered.
#[derive(Deserialize, JsonSchema)]
struct Animal {
    /// How.
    how: How,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum How {
    /// Behaves.
    Tame,
    /// Panics.
    Panics,
    /// Never answers.
    Loops,
    /// Wants 8 GiB.
    Hogs,
    /// Uses its stack up.
    Recurses,
    /// Ends its process.
    Exits,
    /// Prints into what could be the pipe.
    Prints,
    /// Reads a file.
    Reads,
    /// Writes a file.
    Writes,
    /// Listens on a port.
    Listens,
    /// Runs a program.
    Executes,
    /// Starts a thread.
    Forks,
    /// Tells an environment variable.
    Peeks,
    /// Answers with a file outside its closure.
    Escapes,
    /// Answers with more than 64 MiB.
    Babbles,
}

impl Plugin for Zoo {
    fn manifest(&self) -> Manifest {
        Manifest::new("zoo", "Does what no plugin may").function(
            Function::new::<Animal>("animal", Calls::Any, "zoo::animal(\"tame\");").arguments(&["how"]),
        )
    }

    fn contribute(&self, _: &Call, _: &Context) -> Result<Vec<Contribution>, Vec<Diagnostic>> {
        Ok(Vec::new())
    }

    fn lower(&self, call: &Call, _: &Context, _: &Slots) -> Result<Lowered, Vec<Diagnostic>> {
        let animal: Animal = call.parse().expect("it was checked");
        let mut lowered = Lowered::default();
        match animal.how {
            How::Tame => (),
            How::Panics => panic!("the tiger is loose"),
            How::Loops => loop {
                black_box(0);
            },
            How::Hogs => drop(black_box(vec![1_u8; 8 << 30])),
            How::Recurses => drop(black_box(deeper(0))),
            How::Exits => std::process::abort(),
            How::Prints => print(),
            How::Reads => told(fs::read("/etc/passwd").map(|_| ()))?,
            How::Writes => told(fs::write("/tmp/zoo", "escaped"))?,
            How::Listens => told(TcpListener::bind("127.0.0.1:0").map(|_| ()))?,
            How::Executes => told(Command::new("/bin/true").status().map(|_| ()))?,
            How::Forks => {
                let sleep = || thread::sleep(Duration::from_mins(1));
                told(thread::Builder::new().spawn(sleep).map(|_| ()))?;
            }
            How::Peeks => {
                let known = std::env::vars().map(|(name, _)| name).collect::<Vec<_>>().join(" ");
                lowered.setting("zoo.environment", known.as_str());
            }
            How::Escapes => {
                lowered.file("app", "../../escaped", Text::literal("out"), "php", OnChange::None);
            }
            How::Babbles => lowered.setting("zoo.babble", "bla ".repeat(17 << 20).as_str()),
        }
        Ok(lowered)
    }
}

/// What the system said, as an error of the script.
fn told(result: std::io::Result<()>) -> Result<(), Vec<Diagnostic>> {
    result.map_err(|err| vec![Diagnostic::error("zoo::refused", err.to_string())])
}

#[expect(clippy::print_stdout, reason = "that is what it is for")]
fn print() {
    println!("not a frame");
}

#[expect(unconditional_recursion, reason = "that is what it is for")]
fn deeper(depth: u64) -> u64 {
    let room = black_box([depth; 512]);
    deeper(depth + 1) + room[0]
}
