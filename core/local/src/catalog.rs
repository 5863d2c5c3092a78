//! The resource types of this machine, as data.

use mops_model::{Attribute, Catalog, Field, Kind, Need, Schema};

/// The resource types of this machine.
pub fn catalog() -> Catalog {
    Catalog::new([address(), port(), password(), certificate(), directory(), node()])
}

fn address() -> Schema {
    schema(
        "local.address",
        "A loopback address of a node's own.",
        vec![replacing("node", Kind::Text, "The node.")],
        &[("address", "The address: 127.0.1.2 or above.")],
    )
}

fn port() -> Schema {
    let public = "Whether it is free on 127.0.0.1 too, where browsers find `<host>.localhost`.";
    schema(
        "local.port",
        "A free port, 20000 or above, that stays the same.",
        vec![
            replacing("address", Kind::Text, "The address of the node."),
            replacing("node", Kind::Text, "The node."),
            replacing("daemon", Kind::Text, "The daemon that listens."),
            replacing("listen", Kind::Text, "What the daemon calls it."),
            replacing("public", Kind::Bool, public),
        ],
        &[("port", "The port, in digits.")],
    )
}

fn password() -> Schema {
    let length = Kind::Int { min: Some(8), max: Some(1024) };
    schema(
        "local.password",
        "A password that is made up once and kept: the secret of its name.",
        vec![replacing("length", length, "How many letters and digits.")],
        &[("version", "Changes with the password and says nothing about it.")],
    )
}

fn certificate() -> Schema {
    let hosts = Kind::List(Box::new(Kind::Text));
    let directory = "The directory in which somebody else renews it; ours stands there until theirs does.";
    schema(
        "local.certificate",
        "A certificate, signed by an authority that is made once for whoever runs mops on this machine.",
        vec![changing("hosts", hosts, "The hosts it is for."), optional("directory", Kind::Text, directory)],
        &[
            ("certificate", "The path of the certificate (PEM)."),
            ("key", "The path of its private key (PEM)."),
            ("ca", "The path of the authority's certificate (PEM)."),
        ],
    )
}

fn directory() -> Schema {
    let directory = schema(
        "local.directory",
        "A writable directory that outlives closures.",
        vec![
            replacing("name", Kind::Text, "Its name."),
            changing("shared", Kind::Bool, "Whether all nodes see the same one."),
        ],
        &[("path", "Its path.")],
    );
    Schema { holds_data: true, ..directory }
}

fn node() -> Schema {
    schema(
        "local.node",
        "A node: the daemons of a node group, supervised on this machine.",
        vec![
            replacing("name", Kind::Text, "Its name, such as `edge-1`."),
            changing("group", Kind::Text, "Its node group."),
            changing("roles", Kind::List(Box::new(Kind::Text)), "The roles it plays."),
            changing("closure", Kind::Text, "The digest of its closure."),
            changing("bindings", Kind::Any, "What fills the holes of its closure."),
            changing("running", Kind::Bool, "Whether its daemons run."),
        ],
        &[("name", "Its name.")],
    )
}

fn schema(kind: &str, doc: &str, inputs: Vec<Attribute>, outputs: &[(&str, &str)]) -> Schema {
    Schema {
        kind: kind.to_owned(),
        doc: doc.to_owned(),
        inputs,
        outputs: outputs.iter().map(|(name, doc)| ((*name).to_owned(), (*doc).to_owned())).collect(),
        holds_data: false,
    }
}

fn changing(name: &str, kind: Kind, doc: &str) -> Attribute {
    let field = Field { name: name.to_owned(), kind, need: Need::Required, doc: doc.to_owned() };
    Attribute { field, replaces: false, sensitive: false }
}

fn optional(name: &str, kind: Kind, doc: &str) -> Attribute {
    let field = Field { name: name.to_owned(), kind, need: Need::Optional, doc: doc.to_owned() };
    Attribute { field, replaces: false, sensitive: false }
}

fn replacing(name: &str, kind: Kind, doc: &str) -> Attribute {
    Attribute { replaces: true, ..changing(name, kind, doc) }
}
