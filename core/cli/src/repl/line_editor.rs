//! The line at the prompt: history, completion, hints, colours, several lines.

use std::{
    borrow::Cow,
    fs,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use mops_eval::{Session, TokenKind, tokens};
use mops_model::SourceId;
use reedline::{
    Color, ColumnarMenu, Completer, CompletionResult, DefaultHinter, EditCommand, Emacs, FileBackedHistory,
    Highlighter, Hinter, History, KeyCode, KeyModifiers, MenuBuilder, Prompt, PromptEditMode,
    PromptHistorySearch, Reedline, ReedlineEvent, ReedlineMenu, Signal, Span, StyledText, Suggestion,
    ValidationResult, Validator, default_emacs_keybindings,
};

use super::COMMANDS;
use crate::command::repl::get;

/// Inputs that are remembered.
const REMEMBERED: usize = 5_000;
/// The name of the menu.
const MENU: &str = "completion";

/// Reads one input after the other from a terminal.
pub(crate) struct LineEditor {
    editor: Reedline,
}

/// What was read.
pub(crate) enum Read {
    /// An input, whole.
    Input(String),
    /// Ctrl-C: what was begun is forgotten.
    Cancelled,
    /// Ctrl-D.
    Over,
}

impl LineEditor {
    /// An editor that completes from `session` and remembers inputs in the file `history`.
    pub(crate) fn new(session: &Arc<Mutex<Session>>, history: Option<PathBuf>) -> Self {
        let mut keys = default_emacs_keybindings();
        let complete =
            ReedlineEvent::UntilFound(vec![ReedlineEvent::Menu(MENU.to_owned()), ReedlineEvent::MenuNext]);
        keys.add_binding(KeyModifiers::NONE, KeyCode::Tab, complete);
        let new_line = ReedlineEvent::Edit(vec![EditCommand::InsertNewline]);
        keys.add_binding(KeyModifiers::ALT, KeyCode::Enter, new_line);
        let menu = ColumnarMenu::default().with_name(MENU).with_columns(1).with_marker("");
        let colours = anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never;
        let editor = Reedline::create()
            .with_ansi_colors(colours)
            .with_edit_mode(Box::new(Emacs::new(keys)))
            .with_menu(ReedlineMenu::EngineCompleter(Box::new(menu)))
            .with_quick_completions(true)
            .with_partial_completions(true)
            .use_bracketed_paste(true)
            .with_completer(Box::new(Completions(Arc::clone(session))))
            .with_hinter(Box::new(Hints { session: Arc::clone(session), past: DefaultHinter::default() }))
            .with_validator(Box::new(Whole))
            .with_highlighter(Box::new(Colours));
        let editor = match history {
            Some(history) => with_history(editor, &history),
            None => editor,
        };
        Self { editor }
    }

    /// Reads the next input.
    pub(crate) fn read(&mut self) -> Result<Read, reedline::ReedlineError> {
        Ok(match self.editor.read_line(&AtPrompt)? {
            Signal::Success(input) => Read::Input(input),
            Signal::CtrlD => Read::Over,
            _ => Read::Cancelled,
        })
    }
}

/// An editor without history is of use as well: what is wrong with it is a note.
fn with_history(editor: Reedline, path: &Path) -> Reedline {
    let made = private(path).map_err(|err| err.to_string()).and_then(|()| {
        FileBackedHistory::with_file(REMEMBERED, path.to_owned()).map_err(|err| err.to_string())
    });
    match made {
        Ok(history) => editor.with_history(Box::new(history)),
        Err(err) => {
            anstream::eprintln!("note: inputs are not remembered in {}: {err}", path.display());
            editor
        }
    }
}

/// Makes the file, for the eyes of its owner only.
fn private(path: &Path) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o755).create(folder)?;
    }
    fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path).map(drop)
}

struct AtPrompt;

impl Prompt for AtPrompt {
    fn render_prompt_left(&self) -> Cow<'_, str> {
        "mops".into()
    }

    fn render_prompt_right(&self) -> Cow<'_, str> {
        "".into()
    }

    fn render_prompt_indicator(&self, _: PromptEditMode) -> Cow<'_, str> {
        "> ".into()
    }

    fn render_prompt_multiline_indicator(&self) -> Cow<'_, str> {
        "    | ".into()
    }

    fn render_prompt_history_search_indicator(&self, search: PromptHistorySearch) -> Cow<'_, str> {
        format!(" (history: {}) ", search.term).into()
    }
}

/// Waits for more lines while something is open.
struct Whole;

impl Validator for Whole {
    fn validate(&self, line: &str) -> ValidationResult {
        match !line.trim_start().starts_with(':') && mops_eval::is_incomplete(line) {
            true => ValidationResult::Incomplete,
            false => ValidationResult::Complete,
        }
    }
}

struct Completions(Arc<Mutex<Session>>);

impl Completer for Completions {
    fn complete(&mut self, line: &str, cursor: usize) -> CompletionResult {
        let suggestion = |value: String, description: String, start: usize| Suggestion {
            value,
            description: (!description.is_empty()).then_some(description),
            span: Span::new(start, cursor),
            ..Suggestion::default()
        };
        if line.starts_with(':') && !line[..cursor].contains(' ') {
            let fitting = COMMANDS.iter().filter(|it| it.0.starts_with(&line[..cursor]));
            let commands = fitting.map(|it| suggestion(it.0.to_owned(), it.2.to_owned(), 0));
            return CompletionResult::fresh(commands.collect::<Vec<_>>());
        }
        let completion = get(&self.0).complete(line, cursor);
        let start = completion.start;
        let candidates = completion.candidates.into_iter().map(|it| {
            let line = it.line();
            suggestion(it.text, line, start)
        });
        CompletionResult::fresh(candidates.collect::<Vec<_>>())
    }
}

/// The rest of an input of the past; where there is none, what the call around the cursor takes.
struct Hints {
    session: Arc<Mutex<Session>>,
    past: DefaultHinter,
}

impl Hinter for Hints {
    fn handle(
        &mut self,
        line: &str,
        cursor: usize,
        history: &dyn History,
        use_ansi_coloring: bool,
        folder: &str,
    ) -> String {
        let past = self.past.handle(line, cursor, history, use_ansi_coloring, folder);
        if !past.is_empty() || cursor < line.len() {
            return past;
        }
        match get(&self.session).hint(line, cursor) {
            Some(hint) if use_ansi_coloring => format!("  \x1b[2m{hint}\x1b[0m"),
            Some(hint) => format!("  {hint}"),
            None => past,
        }
    }

    fn complete_hint(&self) -> String {
        self.past.complete_hint()
    }

    fn next_hint_token(&self) -> String {
        self.past.next_hint_token()
    }
}

struct Colours;

impl Highlighter for Colours {
    fn highlight(&self, line: &str, _: usize) -> StyledText {
        let mut styled = StyledText::new();
        for token in tokens(SourceId(0), line) {
            let colour = match token.kind {
                TokenKind::Keyword => Color::Purple,
                TokenKind::Number => Color::Cyan,
                TokenKind::Text
                | TokenKind::OpenText
                | TokenKind::TextStart
                | TokenKind::TextMiddle
                | TokenKind::TextEnd => Color::Green,
                TokenKind::LineComment | TokenKind::BlockComment | TokenKind::OpenComment => Color::DarkGray,
                TokenKind::Unknown => Color::Red,
                TokenKind::Space | TokenKind::Name | TokenKind::Operator => Color::Default,
            };
            styled.push((colour.normal(), token.text(line).to_owned()));
        }
        styled
    }
}
