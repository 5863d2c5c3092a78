//! What a call is given, as far as its text says it, and where each part of that stands.

use mops_model::{SourceId, Span, Value};
use rhai::{Expr, FnCallExpr};

use crate::{
    given::{Given, Places},
    table::Callee,
    texts::SourceTexts,
};

/// Reads the arguments of calls in one text.
pub(crate) struct Literals<'a> {
    pub(crate) texts: &'a SourceTexts,
    pub(crate) source: SourceId,
}

impl Literals<'_> {
    /// What `call` gives to `callee`, and where.
    pub(crate) fn given(&self, callee: &Callee, call: &FnCallExpr, span: Span) -> (Given, Places) {
        let mut given = Given::default();
        let mut places = Places { call: span, ..Places::default() };
        let mut arguments = call.args.as_slice();
        if callee.ends_in_options(arguments.len())
            && let Some((options, rest)) = arguments.split_last()
        {
            arguments = rest;
            match options {
                Expr::Map(map, _) => {
                    for (key, it) in &map.0 {
                        let value = self.at(
                            key.name.as_str(),
                            self.texts.token(self.source, key.pos),
                            it,
                            &mut given,
                            &mut places,
                        );
                        given.options.insert(key.name.to_string(), value);
                    }
                }
                other => {
                    given.is_open = true;
                    places.values.insert(String::new(), self.span(other));
                }
            }
        }
        for (field, it) in callee.function.arguments.iter().zip(arguments) {
            let value = self.at(&field.name, self.span(it), it, &mut given, &mut places);
            given.arguments.insert(field.name.clone(), value);
        }
        (given, places)
    }

    fn at(&self, path: &str, key: Span, it: &Expr, given: &mut Given, places: &mut Places) -> Value {
        places.keys.insert(path.to_owned(), key);
        places.values.insert(path.to_owned(), self.span(it));
        match it {
            Expr::BoolConstant(it, _) => Value::Bool(*it),
            Expr::IntegerConstant(it, _) => Value::Int(*it),
            Expr::StringConstant(it, _) => Value::text(it.as_str()),
            Expr::CharConstant(it, _) => Value::text(it.to_string()),
            Expr::Array(elements, _) => {
                let element = |(i, it): (usize, &Expr)| {
                    self.at(&format!("{path}[{i}]"), self.span(it), it, given, places)
                };
                Value::List(elements.iter().enumerate().map(element).collect())
            }
            Expr::Map(map, _) => {
                let mut record = std::collections::BTreeMap::new();
                for (key, it) in &map.0 {
                    let place = self.texts.token(self.source, key.pos);
                    record.insert(
                        key.name.to_string(),
                        self.at(&format!("{path}.{}", key.name), place, it, given, places),
                    );
                }
                Value::Record(record)
            }
            _ => given.unknown(path),
        }
    }

    fn span(&self, it: &Expr) -> Span {
        self.texts.token(self.source, it.start_position())
    }
}
