//! A site as a picture: SVG that can stand in a document, and a page around it in which roles can be clicked.

use minijinja::{AutoEscape, Environment, UndefinedBehavior, value::Serde};
use serde::Serialize;

use crate::{
    Diagram, Group,
    layout::{Block, Line, Placed, WIDTH, blocks, merged},
};

#[derive(Serialize)]
struct View<'a> {
    title: &'a str,
    environment: &'a str,
    resources: String,
    width: i32,
    height: i32,
    block_width: i32,
    blocks: Vec<Block>,
    lines: Vec<Line>,
}

#[derive(Serialize)]
struct Page<'a> {
    title: &'a str,
    environment: &'a str,
    svg: String,
    groups: Vec<GroupView<'a>>,
    things: Vec<ThingView<'a>>,
}

#[derive(Serialize)]
struct GroupView<'a> {
    name: &'a str,
    roles: String,
    size: &'a str,
    daemons: Vec<DaemonView<'a>>,
}

#[derive(Serialize)]
struct DaemonView<'a> {
    name: &'a str,
    listens: String,
    command: &'a str,
    place: &'a str,
    files: Vec<FileView>,
}

#[derive(Serialize)]
struct FileView {
    path: String,
    text: String,
    place: String,
}

#[derive(Serialize)]
struct ThingView<'a> {
    address: &'a str,
    needs: String,
    place: &'a str,
}

impl Diagram {
    /// The picture, as an SVG of its own: it names no font that must be there, and fetches nothing.
    ///
    /// # Panics
    /// When the template is wrong: a bug, found by this crate's tests.
    pub fn svg(&self) -> String {
        let blocks = blocks(self);
        let placed = Placed::new(blocks);
        let lines = placed.lines(&merged(&self.conversations));
        let resources: Vec<String> =
            self.counts().into_iter().map(|(kind, count)| format!("{count} × {kind}")).collect();
        let view = View {
            title: &self.site,
            environment: &self.environment,
            resources: resources.join(" · "),
            width: placed.width,
            height: placed.height,
            block_width: WIDTH,
            blocks: placed.blocks,
            lines,
        };
        render("diagram.svg", &view)
    }

    /// The picture in a page of its own, in which a click on a group shows its daemons and files.
    ///
    /// # Panics
    /// When the template is wrong: a bug, found by this crate's tests.
    pub fn html(&self) -> String {
        let things = self.things.iter().map(|it| ThingView {
            address: &it.address,
            needs: it.needs.join(", "),
            place: &it.place,
        });
        let page = Page {
            title: &self.site,
            environment: &self.environment,
            svg: self.svg(),
            groups: self.groups.iter().map(group_view).collect(),
            things: things.collect(),
        };
        render("diagram.html", &page)
    }
}

fn render(name: &'static str, view: &impl Serialize) -> String {
    let mut templates = Environment::new();
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    templates.set_auto_escape_callback(|_| AutoEscape::Html);
    for (name, text) in [
        ("diagram.svg", include_str!("../templates/diagram.svg")),
        ("diagram.html", include_str!("../templates/diagram.html")),
    ] {
        templates.add_template(name, text).expect("the template is right");
    }
    let template = templates.get_template(name).expect("the template is there");
    template.render(Serde(view)).expect("the template fits its values")
}

fn group_view(group: &Group) -> GroupView<'_> {
    let file = |it: &'_ crate::File| FileView {
        path: it.path.clone(),
        text: it.text.clone(),
        place: it.place.clone(),
    };
    let daemons = group.daemons.iter().map(|it| DaemonView {
        name: &it.name,
        listens: it.listens.join(", "),
        command: &it.command,
        place: &it.place,
        files: group.files.iter().filter(|file| file.daemon == it.name).map(file).collect(),
    });
    GroupView {
        name: &group.name,
        roles: group.roles.join(", "),
        size: &group.size,
        daemons: daemons.collect(),
    }
}

#[cfg(test)]
mod tests {
    use mops_model::Tier;

    use super::*;
    use crate::{Conversation, Daemon, End, File};

    fn group(name: &str, tier: Tier, daemon: &str) -> Group {
        let listens = vec!["http 80".to_owned()];
        let text = "listen ‹port› <here>".to_owned();
        Group {
            name: name.to_owned(),
            roles: vec![name.to_owned()],
            tier,
            size: "1 node".to_owned(),
            daemons: vec![Daemon {
                name: daemon.to_owned(),
                listens,
                command: String::new(),
                place: String::new(),
            }],
            files: vec![File {
                path: "a.conf".to_owned(),
                daemon: daemon.to_owned(),
                text,
                place: String::new(),
            }],
        }
    }

    fn talks(from: End, group: &str, daemon: &str) -> Conversation {
        let to = End::Daemon { group: group.to_owned(), daemon: daemon.to_owned() };
        Conversation { from, to, label: "http 80".to_owned() }
    }

    fn diagram() -> Diagram {
        Diagram {
            site: "acme".to_owned(),
            groups: vec![
                group("edge", Tier::Edge, "nginx"),
                group("app", Tier::App, "php"),
                group("data", Tier::Data, "redis"),
            ],
            conversations: vec![
                talks(End::World, "edge", "nginx"),
                talks(End::Group("edge".to_owned()), "app", "php"),
                talks(End::Group("edge".to_owned()), "data", "redis"),
                talks(End::Group("app".to_owned()), "app", "php"),
            ],
            ..Diagram::default()
        }
    }

    #[test]
    fn columns_go_from_the_internet_to_data() {
        let placed = Placed::new(blocks(&diagram()));
        let columns: Vec<(&str, usize)> =
            placed.blocks.iter().map(|it| (it.title.as_str(), it.column)).collect();
        assert_eq!(columns, [("Internet", 0), ("edge", 1), ("app", 2), ("data", 3)]);
    }

    #[test]
    fn every_conversation_is_one_line_with_its_name() {
        let svg = diagram().svg();
        assert_eq!(svg.matches("class=\"flow\"").count(), 4);
        assert_eq!(svg.matches("class=\"label\"").count(), 4);
    }

    #[test]
    fn boxes_of_a_column_do_not_touch() {
        let placed = Placed::new(blocks(&Diagram {
            groups: vec![group("a", Tier::App, "x"), group("b", Tier::App, "y")],
            ..Diagram::default()
        }));
        let [_, a, b] = placed.blocks.as_slice() else { panic!("{:?}", placed.blocks) };
        assert!(a.y + a.height < b.y);
    }

    #[test]
    fn the_page_holds_the_files_of_each_group_as_text() {
        assert!(diagram().html().contains("<pre>listen ‹port› &lt;here&gt;</pre>"));
    }

    #[test]
    fn other_programs_get_every_conversation() {
        assert!(
            diagram().dot().contains("\"internet\" -> \"edge-nginx\" [label=\"http 80\"];"),
            "{}",
            diagram().dot()
        );
        assert!(
            diagram().mermaid().contains("group-edge -->|\"http 80\"| app-php"),
            "{}",
            diagram().mermaid()
        );
    }
}
