//! `mops docs`: the whole reference as a static site; and the reference of this program, which `mops explain` shows.

use std::{fs, path::Path};

use clap::CommandFactory;
use mops_docs::{Command, CommandArgument, Reference, World};
use mops_plugin::Registry;

use crate::{
    args::Arguments,
    failure::Failure,
    line::catalog,
    plugins::Plugins,
    project::Project,
    show::{count, diagnostic::say},
};

/// Writes the reference into the folder `out`, with the plugins that `mops.toml` and `script` name.
pub(crate) fn docs(project: &Project, out: &Path, script: Option<&Path>) -> Result<(), Failure> {
    let plugins = plugins_of(project, script)?.or_told(say)?;
    let files = mops_docs::site(&whole_reference(&plugins.registry));
    fs::create_dir_all(out).map_err(|err| Failure::io("make", out, &err))?;
    for (path, bytes) in &files {
        let path = out.join(path);
        fs::write(&path, bytes).map_err(|err| Failure::io("write", &path, &err))?;
    }
    anstream::println!("{} in {}; begin with index.html", count(files.len(), "file"), out.display());
    Ok(())
}

/// The plugins that `mops.toml` and `script` name, which is in the folder of `project`.
pub(crate) fn plugins_of(project: &Project, script: Option<&Path>) -> Result<Plugins, Failure> {
    let Some(script) = script else { return Ok(Plugins::of_project(project)) };
    let name = script.file_name().unwrap_or(script.as_os_str());
    let text =
        fs::read_to_string(project.root.join(name)).map_err(|err| Failure::io("read", script, &err))?;
    Ok(Plugins::of_text(project, &script.display().to_string(), &text))
}

/// Everything that can be looked up, with the plugins of `registry`.
pub(crate) fn whole_reference(registry: &Registry) -> Reference {
    mops_docs::reference(&World {
        manifests: registry.manifests().collect(),
        catalog: &catalog(),
        library: mops_eval::library().collect(),
        commands: commands(),
    })
}

/// The program and the commands that a person calls, as the command line declares them.
fn commands() -> Vec<Command> {
    let mut program = Arguments::command();
    program.build();
    let mut all = vec![command(&mut program)];
    let shown = program.get_subcommands_mut().filter(|it| !it.is_hide_set() && it.get_name() != "help");
    all.extend(shown.map(command));
    all
}

fn command(command: &mut clap::Command) -> Command {
    let usage = command.render_usage().to_string();
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let (notes, examples) = match after.split_once("Examples:\n").or_else(|| after.split_once("Example:\n")) {
        Some((notes, examples)) => (notes.trim().to_owned(), examples.to_owned()),
        None => (after, String::new()),
    };
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let doc = match notes.is_empty() {
        true => format!("{about}."),
        false => format!("{about}.\n\n{notes}"),
    };
    // What every command takes is said once, of the program.
    let is_program = command.get_name() == "mops";
    let is_shown =
        |it: &&clap::Arg| !it.is_hide_set() && it.get_id() != "help" && (is_program || !it.is_global_set());
    Command {
        name: if is_program { String::new() } else { command.get_name().to_owned() },
        doc,
        usage: usage.trim_start_matches("Usage: ").to_owned(),
        arguments: command.get_arguments().filter(is_shown).map(argument).collect(),
        examples: examples.lines().map(str::trim_start).collect::<Vec<_>>().join("\n"),
    }
}

fn argument(argument: &clap::Arg) -> CommandArgument {
    let values = argument.get_value_names().unwrap_or_default();
    let takes_value = argument.get_action().takes_values();
    let value = values.first().filter(|_| takes_value).map(|it| format!("<{it}>"));
    let names =
        [argument.get_short().map(|it| format!("-{it}")), argument.get_long().map(|it| format!("--{it}"))];
    let names: Vec<String> = names.into_iter().flatten().collect();
    let name = [names.join(", "), value.unwrap_or_default()].into_iter().filter(|it| !it.is_empty());
    let defaults: Vec<String> =
        argument.get_default_values().iter().map(|it| it.to_string_lossy().into_owned()).collect();
    CommandArgument {
        name: name.collect::<Vec<_>>().join(" "),
        doc: argument.get_help().map(ToString::to_string).unwrap_or_default(),
        default: if takes_value { defaults.join(", ") } else { String::new() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugins;

    #[test]
    fn everything_has_documentation_and_what_is_written_has_an_example() {
        assert_eq!(whole_reference(&plugins::registry()).lint(), [] as [String; 0]);
    }
}
