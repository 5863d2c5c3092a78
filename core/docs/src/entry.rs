//! The reference as data: pages of entries. The terminal and the site show the same.

/// The whole reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Its pages, in the order in which they are listed.
    pub pages: Vec<Page>,
}

/// What belongs together: a plugin, the resource types of a provider, the codes of an area.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// What it is about.
    pub kind: PageKind,
    /// Its name among pages of its kind: `varnish`.
    pub name: String,
    /// What it is: one line.
    pub doc: String,
    /// What else is to be known: what it has on other pages.
    pub facts: Vec<Fact>,
    /// What it lists.
    pub entries: Vec<Entry>,
}

/// What a page is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PageKind {
    /// The functions that every script may call.
    Language,
    /// A plugin's functions.
    Plugin,
    /// The slots of all plugins.
    Slots,
    /// A file of the standard library.
    Library,
    /// The resource types of a provider.
    Resources,
    /// The command line.
    Commands,
    /// The codes of an area.
    Codes,
}

/// One thing that has a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub kind: EntryKind,
    /// Its whole name: `varnish::cache`, `local.node`, `edge.throttle`.
    pub name: String,
    /// How it is written: a call, a command line; empty where there is nothing to write.
    pub signature: String,
    /// What it is for, in Markdown; the first line is its summary.
    pub doc: String,
    /// What is to be said in a word or two.
    pub facts: Vec<Fact>,
    /// Its options, inputs, outputs.
    pub groups: Vec<ItemGroup>,
    /// How it is used.
    pub examples: Vec<Example>,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryKind {
    /// Something that a script calls.
    #[default]
    Function,
    /// A place for contributions.
    Slot,
    /// A resource type.
    Resource,
    /// A command of the program.
    Command,
    /// A code of a diagnostic.
    Code,
}

/// Something about an entry in a word or two: `May be called`, `once`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// What about it.
    pub about: String,
    /// What is so, in Markdown.
    pub is: String,
}

/// Items under one heading: `Options`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemGroup {
    /// The heading.
    pub title: String,
    /// The items, in their order.
    pub items: Vec<Item>,
}

/// An option, input, output or argument.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Item {
    /// Its name, as a path of keys from the entry: `images.webp`.
    pub path: String,
    /// What it may be, as a person says it; empty where that goes without saying.
    pub takes: String,
    /// Whether it may be left out, and what it is then; and what changing it brings about.
    pub notes: Vec<String>,
    /// What it is for, in Markdown.
    pub doc: String,
}

/// Something to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// What it shows: `Example`, `Wrong`, `Right`.
    pub title: String,
    /// The text.
    pub text: String,
    /// What it is written in, for whoever highlights it: `rhai` or `sh`.
    pub language: &'static str,
}

impl PageKind {
    /// The heading over pages of this kind.
    pub fn title(self) -> &'static str {
        match self {
            Self::Language => "The language",
            Self::Plugin => "Plugins",
            Self::Slots => "Slots",
            Self::Library => "Standard library",
            Self::Resources => "Resource types",
            Self::Commands => "Commands",
            Self::Codes => "Mistakes",
        }
    }
}

impl EntryKind {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Function => "function",
            Self::Slot => "slot",
            Self::Resource => "resource",
            Self::Command => "command",
            Self::Code => "code",
        }
    }
}

impl Reference {
    /// Every entry, with its page.
    pub fn entries(&self) -> impl Iterator<Item = (&Page, &Entry)> {
        self.pages.iter().flat_map(|page| page.entries.iter().map(move |it| (page, it)))
    }
}

impl Fact {
    /// What `about` an entry or page `is` so.
    pub fn new(about: &str, is: impl Into<String>) -> Self {
        Self { about: about.to_owned(), is: is.into() }
    }
}

impl Page {
    /// Its heading: what a script writes before its functions, or what it lists.
    pub fn title(&self) -> String {
        match self.kind {
            PageKind::Language => "Functions of every script".to_owned(),
            PageKind::Slots => "Slots".to_owned(),
            PageKind::Commands => "Commands".to_owned(),
            PageKind::Plugin | PageKind::Library => self.name.clone(),
            PageKind::Resources => format!("{}.…", self.name),
            PageKind::Codes => format!("{}::…", self.name),
        }
    }
}

impl Entry {
    /// The first paragraph of its documentation, on one line.
    pub fn summary(&self) -> String {
        first_paragraph(&self.doc)
    }

    /// Its items, whatever they stand under.
    pub fn items(&self) -> impl Iterator<Item = &Item> {
        self.groups.iter().flat_map(|it| &it.items)
    }
}

impl Item {
    /// The first paragraph of its documentation, on one line.
    pub fn summary(&self) -> String {
        first_paragraph(&self.doc)
    }
}

fn first_paragraph(doc: &str) -> String {
    doc.lines().take_while(|it| !it.trim().is_empty()).collect::<Vec<_>>().join(" ")
}
