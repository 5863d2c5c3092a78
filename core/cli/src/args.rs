//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use mops_model::{Address, Name};

/// Hosts Magento shops: provisions, previews, deploys and changes them from one script
#[derive(Debug, Parser)]
#[command(
    name = "mops",
    version,
    after_help = "Examples:\n  mops script shop.rhai          show what would change, ask, do it\n  mops plan shop.rhai            only show what would change\n  mops status                    what runs, and how it is\n  mops rollback                  back to the generation before"
)]
pub(crate) struct Arguments {
    /// Act as if started in DIR
    #[arg(short = 'C', long = "directory", value_name = "DIR", global = true)]
    pub(crate) directory: Option<PathBuf>,
    /// The environment in mops.toml
    #[arg(short, long, value_name = "NAME", default_value = "local", global = true)]
    pub(crate) env: Name,
    /// The site, where a folder has several
    #[arg(long, value_name = "NAME", global = true)]
    pub(crate) site: Option<Name>,
    /// When to use colour: auto (on a terminal, unless `NO_COLOR` is set), always, never
    #[arg(long, value_name = "WHEN", default_value = "auto", global = true, hide_possible_values = true)]
    pub(crate) color: Color,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// What a site is drawn as.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Picture {
    /// For Graphviz
    Dot,
    /// For documents that draw Mermaid
    Mermaid,
    /// A picture
    Svg,
    /// A page with the picture, in which boxes can be clicked
    Html,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make the world as a script says: evaluate, plan, ask, apply
    #[command(
        after_help = "Without a terminal and without --yes it only plans; it then ends with 1 when something would change.\n\nExamples:\n  mops script shop.rhai\n  mops script shop.rhai --yes\n  mops script shop.rhai -e staging --set release=release-42"
    )]
    Script {
        #[command(flatten)]
        script: Script,
        /// Apply without asking
        #[arg(short, long)]
        yes: bool,
        /// Delete or replace this resource although it holds data or is protected
        #[arg(long, value_name = "ADDRESS")]
        allow_delete: Vec<Address>,
    },
    /// Find every mistake in a script; change nothing and ask nobody
    #[command(after_help = "Example:\n  mops check shop.rhai")]
    Check {
        #[command(flatten)]
        script: Script,
    },
    /// Show what a script would change
    #[command(
        after_help = "Examples:\n  mops plan shop.rhai\n  mops plan shop.rhai --json\n  mops plan shop.rhai --detailed-exitcode    2 when something would change"
    )]
    Plan {
        #[command(flatten)]
        script: Script,
        /// Print the plan as JSON
        #[arg(long)]
        json: bool,
        /// End with 2 when something would change, 0 when nothing would
        #[arg(long)]
        detailed_exitcode: bool,
    },
    /// Declare a site line by line, and ask what would come of it; never applies anything
    #[command(
        after_help = "On a pipe it reads inputs, prints their values, and ends with 1 when one of them was wrong.\n\nExamples:\n  mops repl\n  mops repl shop.rhai    begin with a script; :help says what can be asked"
    )]
    Repl {
        /// The script to begin with
        #[arg(value_name = "SCRIPT")]
        path: Option<PathBuf>,
        /// Set a parameter that the script declares with `param()`
        #[arg(long = "set", value_name = "KEY=VALUE", value_parser = parameter)]
        parameters: Vec<(String, String)>,
    },
    /// Show what runs and how it is, on one screen; ends with 0 when all is well
    #[command(after_help = "Examples:\n  mops status\n  mops status --json")]
    Status {
        /// Print the status as JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what daemons said
    #[command(
        after_help = "Examples:\n  mops logs                 the last lines of every daemon\n  mops logs varnish -f      follow one daemon\n  mops logs app             the daemons of one role"
    )]
    Logs {
        /// A daemon, a role or a node; without one, all
        name: Option<String>,
        /// Go on showing what is said, until Ctrl-C
        #[arg(short, long)]
        follow: bool,
        /// How many lines of each log to begin with
        #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 10)]
        lines: usize,
    },
    /// List the generations of a site, newest first
    #[command(after_help = "Example:\n  mops generations")]
    Generations,
    /// Go back to an earlier generation; needs no script and never moves data
    #[command(
        after_help = "Examples:\n  mops rollback          to the one before the newest\n  mops rollback 3 --yes"
    )]
    Rollback {
        /// The generation; without it, the one before the newest
        number: Option<u64>,
        /// Apply without asking
        #[arg(short, long)]
        yes: bool,
    },
    /// Remove everything a site made: nodes, daemons, files and their data; its history stays
    #[command(after_help = "Examples:\n  mops destroy\n  mops destroy --yes --purge")]
    Destroy {
        /// Remove without asking
        #[arg(short, long)]
        yes: bool,
        /// Remove the history, too
        #[arg(long)]
        purge: bool,
    },
    /// Draw a site: who runs where, who talks to whom
    #[command(
        after_help = "Examples:\n  mops graph shop.rhai --format svg --out shop.svg     for a document\n  mops graph shop.rhai --format html --out shop.html   click a box, see its files\n  mops graph shop.rhai --format mermaid"
    )]
    Graph {
        #[command(flatten)]
        script: Script,
        /// What to draw it as: dot (for Graphviz), mermaid, svg, html (boxes can be clicked)
        #[arg(long, value_name = "FORMAT", default_value = "mermaid", hide_possible_values = true)]
        format: Picture,
        /// The file to write; without it, it is printed
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Explain a function, option, slot, resource type, command or code
    #[command(
        after_help = "Examples:\n  mops explain                        what there is\n  mops explain varnish                a plugin\n  mops explain varnish::cache.grace   an option\n  mops explain slot edge.throttle\n  mops explain std/profiles           the standard library\n  mops explain eval::unknown-option   a mistake: cause, cure, example\n  mops explain varnish shop.rhai      with the plugins that a script names\n  mops explain --why varnish.memory shop.rhai    where a value comes from"
    )]
    Explain {
        /// What to explain, and behind it a script whose plugins are known, too
        #[arg(value_name = "NAME")]
        words: Vec<String>,
        /// Show where the values of OPTION come from in the script NAME, and what they replaced
        #[arg(long, value_name = "OPTION")]
        why: Option<String>,
        /// Set a parameter of that script
        #[arg(long = "set", value_name = "KEY=VALUE", value_parser = parameter, requires = "why")]
        parameters: Vec<(String, String)>,
    },
    /// Write the whole reference as a static site
    #[command(
        after_help = "Plugins that mops.toml names are part of it, and those of a script that is named.\n\nExamples:\n  mops docs --out reference\n  mops docs --out reference shop.rhai"
    )]
    Docs {
        /// The script whose plugins are part of it
        #[arg(value_name = "SCRIPT")]
        path: Option<PathBuf>,
        /// The folder to write into
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Make, pin and list plugins of third parties
    #[command(
        after_help = "Examples:\n  mops plugin new acme-banner    a crate to begin with\n  mops plugin lock               pin the libraries that scripts here name\n  mops plugin list               the plugins, and how each is guarded"
    )]
    Plugin {
        #[command(subcommand)]
        command: Plugin,
    },
    /// Lay scripts out in one style; what they mean never changes
    #[command(
        after_help = "Examples:\n  mops fmt shop.rhai\n  mops fmt --check shop.rhai    end with 1 when it is not in the style\n  mops fmt -                    from stdin to stdout"
    )]
    Fmt {
        /// The scripts; - is stdin
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
        /// Name the scripts that are not in the style, and change none
        #[arg(long)]
        check: bool,
    },
    /// Serve an editor on stdin and stdout: mistakes as one types, completion, hover, definitions
    #[command(
        after_help = "An editor starts it for files named *.rhai, in their folder.\n\nExample:\n  mops lsp"
    )]
    Lsp,
    /// Print a completion script for a shell
    #[command(after_help = "Example:\n  mops completions bash > /etc/bash_completion.d/mops")]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Run a site's daemons (mops starts this itself)
    #[command(name = "__supervise", hide = true)]
    Supervise,
    /// Become a daemon (the supervisor starts this itself)
    #[command(name = "__daemon", hide = true)]
    Daemon,
    /// Keep certificates good (the supervisor starts this itself)
    #[command(name = "__acme", hide = true)]
    Acme { config: PathBuf, folder: PathBuf },
    /// Open a plugin library (mops starts this itself)
    #[command(name = "__plugin", hide = true)]
    PluginProcess,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Plugin {
    /// Write a crate that becomes a plugin: options, a template, tests, a README
    New {
        /// The plugin's name, such as acme-banner
        name: Name,
        /// The crate mops-plugin; without it, the one this program was built with
        #[arg(long, value_name = "DIR")]
        sdk: Option<PathBuf>,
    },
    /// List the plugins that scripts in this folder can use, and how each library is guarded
    List,
    /// Pin the libraries that scripts in this folder and mops.toml name, by SHA-256 in mops.lock
    Lock,
}

/// Which script, and with which parameters.
#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct Script {
    /// The script
    #[arg(value_name = "SCRIPT")]
    pub(crate) path: PathBuf,
    /// Set a parameter that the script declares with `param()`
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = parameter)]
    pub(crate) parameters: Vec<(String, String)>,
}

fn parameter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write KEY=VALUE".to_owned()),
    }
}
