//! The functions that every script may call, described like those of a plugin.

use mops_model::{Field, InputKind, Kind, Name, Need, Value};
use mops_plugin::{Calls, Function};

/// The functions that every script may call, in the order in which a script uses them.
pub fn functions() -> Vec<Function> {
    vec![
        site(),
        website(),
        role(),
        daemon(),
        allow(),
        path(),
        csv(),
        json(),
        secret(),
        param(),
        environment(),
        resource(),
        output(),
        overriding(),
        moved(),
        plugin(),
    ]
}

fn site() -> Function {
    let magento = Kind::Record(vec![
        required("version", Kind::Text, "The version of Magento, such as `2.4.6`."),
        required("release", Kind::Path(Some(InputKind::Folder)), "The application's files."),
        default(
            "admin_path",
            Kind::Text,
            "admin",
            "The path of the administration, without a slash before it.",
        ),
    ]);
    function("site", Calls::Once, "Names the site and says what all of it shares.")
        .takes(required("name", Kind::Name, "Its name."))
        .option(optional("magento", magento, "The shop itself."))
        .example("site(\"acme\", #{ magento: #{ version: \"2.4.6\", release: path(\"release\") } });")
}

fn website() -> Function {
    function(
        "website",
        once_per_name(),
        "Adds a website to the one table that feeds edge, cache, application and redirects.",
    )
    .takes(required("name", Kind::Name, "Its name; also the run code, unless `run_code` says otherwise."))
    .option(required("hosts", Kind::List(Box::new(Kind::Host)), "Its hosts; the first is the canonical one."))
    .option(default(
        "path",
        Kind::Text,
        "",
        "The path prefix that sets it apart from others of the same host, such as `/b2b`.",
    ))
    .option(default(
        "run_type",
        words(&["website", "store"]),
        "website",
        "What the run code names (`MAGE_RUN_TYPE`).",
    ))
    .option(optional(
        "run_code",
        Kind::Text,
        "Magento's code of the website or store view (`MAGE_RUN_CODE`); its name without one.",
    ))
    .option(optional("locale", Kind::Text, "Such as `pl_PL`."))
    .option(optional("language", Kind::Text, "Such as `pl` (ISO 639-1)."))
    .option(optional("currency", Kind::Text, "Such as `PLN` (ISO 4217)."))
    .option(optional(
        "countries",
        Kind::List(Box::new(Kind::Text)),
        "The countries it is for, as two lowercase letters (ISO 3166-1).",
    ))
    .option(optional(
        "geo",
        Kind::Text,
        "How visitors of other countries are sent here or away; `never` keeps them.",
    ))
    .option(default(
        "fallback",
        Kind::Bool,
        false,
        "Whether it answers for unknown hosts; at most one website does.",
    ))
    .example("website(\"pl\", #{ hosts: [\"acme.pl\", \"www.acme.pl\"], countries: [\"pl\"] });")
}

fn role() -> Function {
    let nodes = Kind::Int { min: Some(1), max: Some(1000) };
    function(
        "role",
        once_per_name(),
        "Declares what nodes are for, or adjusts `edge`, `app` or `persistent`.",
    )
    .takes(required("name", Kind::Name, "Its name."))
    .option(optional(
        "min",
        nodes.clone(),
        "The least number of nodes, and the number on this machine; 1 without it.",
    ))
    .option(optional("max", nodes, "The greatest number of nodes; `min` without it."))
    .option(optional(
        "target_cpu",
        Kind::Int { min: Some(1), max: Some(100) },
        "The mean use of processors, in percent, that autoscaling aims at.",
    ))
    .option(optional(
        "memory",
        Kind::Size { min: None, max: None },
        "The memory of a node; 1G without it, 2G for `app`.",
    ))
    .option(optional(
        "cpus",
        Kind::Int { min: Some(1), max: Some(1024) },
        "The processors of a node; 1 without it.",
    ))
    .option(optional(
        "shares",
        Kind::Role,
        "The role whose nodes it shares instead of having nodes of its own.",
    ))
    .option(optional(
        "tier",
        words(&["data", "app", "edge"]),
        "When its nodes are activated: data first, edge last; `app` without it.",
    ))
    .example("role(\"app\", #{ min: 2, max: 8, target_cpu: 60 });")
}

fn daemon() -> Function {
    let ready = Kind::Record(vec![required("http", Kind::Text, "A path that answers 200 when it is ready.")]);
    function("daemon", once_per_name(), "Runs a process of your own under supervision.")
        .takes(required("name", Kind::Name, "Its name."))
        .option(required("on", Kind::Role, "The role whose nodes run it."))
        .option(required("run", Kind::List(Box::new(Kind::Text)), "Program and arguments; a program that begins with `./` is among its files."))
        .option(optional("files", Kind::Path(None), "Its files."))
        .option(optional("environment", Kind::Map(Box::new(Kind::Text)), "Its environment."))
        .option(optional("memory", Kind::Size { min: None, max: None }, "The memory it is meant to use."))
        .option(optional("port", Kind::Int { min: Some(1), max: Some(65535) }, "The port it listens on, handed to it as `PORT`."))
        .option(optional("ready", ready, "When it is ready; without it, when it runs."))
        .example("daemon(\"price-feed\", #{ on: \"app\", run: [\"./feed\"], files: path(\"feed\"), memory: \"256M\" });")
}

fn allow() -> Function {
    function("allow", Calls::Any, "Permits a conversation that no service declares.")
        .takes(required(
            "from",
            Kind::Text,
            "Who begins it: a role, a daemon, or a network such as `10.0.0.0/8`.",
        ))
        .takes(required("to", Kind::Text, "Whom it reaches, and the port: `10.20.0.0/16:443` or `app:8080`."))
        .example("allow(\"app\", \"10.20.0.0/16:443\");")
}

fn path() -> Function {
    function("path", Calls::Any, "A file or a folder beside the script, taken by its content.")
        .takes(required("path", Kind::Text, "Where it is, relative to the script's folder."))
        .example("path(\"release\")")
}

fn csv() -> Function {
    function(
        "csv",
        Calls::Any,
        "Reads a table: a list of maps, one for each line, by the columns that the first line names.",
    )
    .takes(required(
        "file",
        Kind::Path(Some(InputKind::File)),
        "Comma-separated values in UTF-8, at most 1 MiB.",
    ))
    .example("for row in csv(path(\"websites.csv\")) { website(row.name, #{ hosts: [row.host] }); }")
}

fn json() -> Function {
    function(
        "json",
        Calls::Any,
        "Reads a JSON file: lists, maps, text, whole numbers, true and false; `null` is left out.",
    )
    .takes(required("file", Kind::Path(Some(InputKind::File)), "JSON in UTF-8, at most 1 MiB."))
    .example("for row in json(path(\"websites.json\")) { website(row.name, #{ hosts: row.hosts }); }")
}

fn secret() -> Function {
    function("secret", Calls::Any, "A value that is fetched where it is used, and never stored or shown.")
        .takes(required("name", Kind::Name, "Its name."))
        .example("secret(\"database-password\")")
}

fn param() -> Function {
    function("param", once_per_name(), "A value that an environment or `--set` may change.")
        .takes(required("name", Kind::Name, "Its name."))
        .option(optional("otherwise", Kind::Any, "Its value when nothing sets it."))
        .option(optional("doc", Kind::Text, "What it is for."))
        .option(optional(
            "kind",
            words(&["text", "number", "bool", "size", "duration"]),
            "What it may be; that of its default without it.",
        ))
        .example("param(\"consumers\", #{ otherwise: 2, doc: \"How many consumers run.\" })")
}

fn environment() -> Function {
    function("environment", Calls::Any, "The name of the environment this goes to, `local` without one.")
        .example("environment() == \"production\"")
}

fn resource() -> Function {
    function(
        "resource",
        Calls::Any,
        "Declares one resource of the provider; its outputs are properties of what this returns.",
    )
    .takes(required("type", Kind::Text, "Its type, such as `local.port`."))
    .takes(required("name", Kind::Name, "Its name."))
    .takes(default(
        "inputs",
        Kind::Map(Box::new(Kind::Any)),
        Value::record(),
        "Its inputs, and `needs` (resources that come before it) and `protect` (deleting it is refused).",
    ))
    .example("let spare = resource(\"local.address\", \"spare\", #{ node: \"spare\" });")
}

fn output() -> Function {
    function("output", once_per_name(), "Shows a value after an apply.")
        .takes(required("name", Kind::Name, "Its name."))
        .takes(required("value", Kind::Any, "Its value."))
        .example("output(\"shop\", \"https://acme.pl/\");")
}

fn overriding() -> Function {
    let calls = Kind::Map(Box::new(Kind::Any));
    function(
        "override",
        Calls::Any,
        "Changes options of services wherever they were called, such as by a profile; applied last, in order.",
    )
    .takes(required(
        "changes",
        Kind::Map(Box::new(calls)),
        "Options by plugin, function and, where a function is called once per name, that name; `false` for a call does without it.",
    ))
    .example("redis::cache(#{ memory: \"1G\" }); override(#{ redis: #{ cache: #{ memory: \"4G\" } } });")
}

fn moved() -> Function {
    function("moved", Calls::Any, "Says that a resource has a new address, so that it is kept.")
        .takes(required("from", Kind::Text, "Its address on record."))
        .takes(required("to", Kind::Text, "Its address now."))
        .example("moved(\"local.port.spare\", \"local.port.extra\");")
}

fn plugin() -> Function {
    function(
        "plugin",
        Calls::Any,
        "Opens the plugin library of a third party, pinned in mops.lock, so that its functions can be called. It stands in the script itself, with a plain text.",
    )
    .takes(required("path", Kind::Text, "Where the library is, relative to the script's folder; or the plugin's name, if its library lies in `~/.local/share/mops/plugins`."))
    .example("plugin(\"./plugins/libacme.so\");")
}

fn once_per_name() -> Calls {
    Calls::OncePer("name".to_owned())
}

fn words(words: &[&str]) -> Kind {
    Kind::OneOf(words.iter().map(|it| (*it).to_owned()).collect())
}

fn field(name: &str, kind: Kind, need: Need, doc: &str) -> Field {
    Field { name: name.to_owned(), kind, need, doc: doc.to_owned() }
}

fn required(name: &str, kind: Kind, doc: &str) -> Field {
    field(name, kind, Need::Required, doc)
}

fn optional(name: &str, kind: Kind, doc: &str) -> Field {
    field(name, kind, Need::Optional, doc)
}

fn default(name: &str, kind: Kind, value: impl Into<Value>, doc: &str) -> Field {
    field(name, kind, Need::Default(value.into()), doc)
}

fn function(name: &str, calls: Calls, doc: &str) -> Function {
    let (name, doc) = (Name::literal(name), doc.to_owned());
    Function { name, doc, arguments: Vec::new(), options: Vec::new(), calls, example: String::new() }
}

/// Said step by step, so that a function reads like its documentation.
trait Described {
    fn takes(self, argument: Field) -> Self;
    fn option(self, option: Field) -> Self;
    fn example(self, example: &str) -> Self;
}

impl Described for Function {
    fn takes(mut self, argument: Field) -> Self {
        self.arguments.push(argument);
        self
    }

    fn option(mut self, option: Field) -> Self {
        self.options.push(option);
        self
    }

    fn example(mut self, example: &str) -> Self {
        example.clone_into(&mut self.example);
        self
    }
}
