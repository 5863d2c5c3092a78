//! What may stand at the prompt's cursor, and what the call around it takes.

use mops_model::{Kind, SourceId};

use super::Session;
use crate::{
    Candidate, CandidateKind, Completion, Cursor, Declared, Named, Wanted,
    lexer::tokens,
    offers::{complete, summary},
};

impl Session {
    /// What may stand at byte `cursor` of `text`: what goes on with the word that is begun there.
    pub fn complete(&self, text: &str, cursor: usize) -> Completion {
        let Some(before) = text.get(..cursor) else { return Completion::default() };
        let tokens = tokens(SourceId(0), before);
        let cursor = Cursor::new(before, &tokens, before.len());
        let mut completion = complete(&cursor, &self.offers, &self.declared());
        let begun = &before[completion.start..];
        let fits = |it: &Candidate| it.text.starts_with(begun) && (!begun.is_empty() || it.text != begun);
        completion.candidates.retain(fits);
        if begun.is_empty() && cursor.wanted(&self.offers) == Wanted::Anything {
            // Words of the language and its own functions are for those who begin to write them.
            completion.candidates.retain(|it| !it.line().is_empty());
        }
        completion
    }

    /// What the call around byte `cursor` of `text` takes there, in one line.
    pub fn hint(&self, text: &str, cursor: usize) -> Option<String> {
        let before = text.get(..cursor)?;
        let cursor = Cursor::new(before, &tokens(SourceId(0), before), before.len());
        match cursor.wanted(&self.offers) {
            Wanted::Value(kind) if !matches!(kind, Kind::Record(_)) => Some(kind.to_string()),
            Wanted::Nothing => None,
            Wanted::Value(_)
            | Wanted::Key { .. }
            | Wanted::Anything
            | Wanted::Import
            | Wanted::Function(_)
            | Wanted::Property(_) => {
                let callee = self.offers.callee(cursor.call()?)?;
                Some(format!("{}  {}", callee.signature(), summary(&callee.function.doc)))
            }
        }
    }

    fn declared(&self) -> Declared {
        let named = |name: &str, kind, detail, doc: &str| Named {
            name: name.to_owned(),
            kind,
            detail,
            doc: doc.to_owned(),
        };
        let variables = self.seen.variables.iter();
        let variables = variables.map(|(name, it)| named(name, CandidateKind::Variable, it.kind.clone(), ""));
        let functions = self.seen.functions.iter().map(|it| {
            let detail = format!("{}({})", it.name, it.parameters.join(", "));
            named(&it.name, CandidateKind::Function, detail, &it.doc)
        });
        let properties = self.seen.variables.iter().map(|(name, it)| (name.clone(), it.properties.clone()));
        Declared {
            named: variables.chain(functions).collect(),
            properties: properties.collect(),
            websites: self.names("website"),
            roles: self.names("role"),
            natives: self.seen.natives.clone(),
        }
    }
}
