//! The subset of Ruby that trees use: ERB templates in node parameters, conditions on connectors.
//!
//! ```
//! use expr::ruby::{Condition, Context, Erb};
//! let variables = serde_json::json!({"results": {"Look Up": {"Status": "Open"}}});
//! let context = Context::new(&variables, model::time::Micros(0));
//! let erb = Erb::compile("Now: <%= @results['Look Up']['Status'].downcase %>").unwrap();
//! assert_eq!(erb.render(&context).unwrap(), "Now: open");
//! let condition = Condition::compile("@results['Look Up']['Status'] == 'Open'").unwrap();
//! assert!(condition.evaluate(&context).unwrap().fires);
//! ```
//!
//! Prism, Ruby's own parser, reads the text; it is converted to a tree of our own and walked by a
//! small interpreter that has no I/O and ends within limits. What the interpreter does not support
//! is found by `compile`, which names the construct and its place, never by a half-done run.

mod ast;
mod compare;
mod constants;
mod erb;
mod hash;
mod inspect;
mod interp;
mod lookups;
mod methods;
mod parse;
mod place;
mod regex;
mod value;

use std::fmt;
use std::sync::Arc;

use model::time::Micros;

use ast::Program;
use interp::Interp;
pub use lookups::Lookup;
use place::Places;

/// A mistake in a text, found when it is compiled.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Problem {
    /// One sentence that names the construct.
    pub message: String,
    /// Line in the text as it was written (for a template: the whole template), from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (line {}, column {})", self.message, self.line, self.column)
    }
}

/// All mistakes of a text, in the order of their places; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, problem) in self.0.iter().enumerate() {
            write!(f, "{}{problem}", if number > 0 { "; " } else { "" })?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// An exception that ended an evaluation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{class}: {message} (line {line}, column {column})")]
pub struct Error {
    /// The class, as Ruby names it: `IndexError`, `NoMethodError`, `JSON::ParserError`; a limit
    /// is a `LimitError`.
    pub class: String,
    /// The message, as Ruby words it where it has one.
    pub message: String,
    /// Line in the text as it was written, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// Where an evaluation finds its `@`-variables.
pub trait Variables {
    /// Returns the variable without its `@`; `None` reads as nil.
    fn get(&self, name: &str) -> Option<&serde_json::Value>;
}

impl Variables for serde_json::Value {
    fn get(&self, name: &str) -> Option<&serde_json::Value> {
        serde_json::Value::get(self, name)
    }
}

impl Variables for serde_json::Map<String, serde_json::Value> {
    fn get(&self, name: &str) -> Option<&serde_json::Value> {
        serde_json::Map::get(self, name)
    }
}

/// All that an evaluation knows. Variables are borrowed: looking one up copies nothing else.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The `@`-variables. An object among them (and inside them) is a hash that raises
    /// `IndexError` when `[]` misses a key.
    pub variables: &'a dyn Variables,
    /// The time that `Time.now` and its kin answer.
    pub now: Micros,
    /// The IANA name of the local time zone, such as `Europe/Berlin`; UTC when it is unknown.
    pub timezone: &'a str,
    /// Where `SecureRandom` and `rand` start: the same seed draws the same values, so that a step
    /// that is evaluated again after a crash gives what it gave before.
    pub seed: u64,
}

impl<'a> Context<'a> {
    /// Returns a context in UTC.
    pub fn new(variables: &'a dyn Variables, now: Micros) -> Context<'a> {
        Context { variables, now, timezone: "UTC", seed: now.0.unsigned_abs() }
    }

    /// Returns the context with a seed made of texts, for example a task's token and a
    /// parameter's id, so that every parameter draws values of its own.
    #[must_use]
    pub fn with_seed(mut self, parts: &[&str]) -> Context<'a> {
        use sha2::{Digest as _, Sha256};
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        self.seed =
            hasher.finalize().iter().take(8).fold(0, |seed, byte| (seed << 8) | u64::from(*byte));
        self
    }
}

/// The answer of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Whether the value is neither `false` nor `nil`.
    pub fires: bool,
    /// The value as Ruby's `inspect` shows it, cut to a few hundred characters.
    pub value: String,
}

/// A connector's condition: bare Ruby, without ERB tags. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Condition {
    /// `None` for a blank text.
    program: Option<Arc<Program>>,
}

impl Condition {
    /// Checks a condition. A blank text is a condition that always holds.
    ///
    /// # Errors
    /// Every syntax error, or else every unsupported construct, method and constant, with its
    /// place.
    pub fn compile(text: &str) -> Result<Condition, Problems> {
        if text.trim().is_empty() {
            return Ok(Condition { program: None });
        }
        let program = parse::compile(text, Places::same(text), &[])?;
        Ok(Condition { program: Some(Arc::new(program)) })
    }

    /// Tells whether the condition is blank and so always holds.
    pub fn is_blank(&self) -> bool {
        self.program.is_none()
    }

    /// Look-ups by literal keys that it is sure to try, in the order of the text.
    pub fn lookups(&self) -> Vec<Lookup> {
        self.program.as_deref().map(lookups::of).unwrap_or_default()
    }

    /// Evaluates the condition.
    ///
    /// # Errors
    /// The exception that ended it; a limit that was reached is a `LimitError`.
    pub fn evaluate(&self, context: &Context<'_>) -> Result<Outcome, Error> {
        /// More of a value than anyone reads in a list.
        const SHOWN_CHARS_MAX: usize = 300;
        let Some(program) = &self.program else {
            return Ok(Outcome { fires: true, value: "true".to_owned() });
        };
        let (outcome, _) = Interp::new(program, context).run(|interp, value| {
            let fires = value.truthy();
            let shown = inspect::inspect(interp, &value)?;
            let cut = shown.char_indices().nth(SHOWN_CHARS_MAX).map(|(at, _)| at);
            let value = match cut.and_then(|at| shown.get(..at)) {
                Some(start) => format!("{start}…"),
                None => shown,
            };
            Ok(Outcome { fires, value })
        })?;
        Ok(outcome)
    }
}

/// A node parameter: text with ERB tags. `<%= %>`, `<% %>`, `<%# %>`, `<%%`, `-%>` and `<%-`.
/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct Erb {
    content: Content,
}

#[derive(Debug, Clone)]
enum Content {
    Literal(Arc<str>),
    Program(Arc<Program>),
}

impl Erb {
    /// Checks a template; statements may span tags.
    ///
    /// # Errors
    /// Every syntax error, or else every unsupported construct, method and constant, with its
    /// place in the template.
    pub fn compile(text: &str) -> Result<Erb, Problems> {
        if !text.contains("<%") {
            return Ok(Erb { content: Content::Literal(text.into()) });
        }
        parse::check_size(text)?;
        let translated = erb::translate(text)?;
        let program = parse::compile(&translated.source, translated.places, &translated.texts)?;
        Ok(Erb { content: Content::Program(Arc::new(program)) })
    }

    /// Tells whether the text has no tags and renders as it stands.
    pub fn is_literal(&self) -> bool {
        matches!(self.content, Content::Literal(_))
    }

    /// The text that it always renders to, when it has no tags.
    pub fn literal(&self) -> Option<&str> {
        match &self.content {
            Content::Literal(text) => Some(text),
            Content::Program(_) => None,
        }
    }

    /// Look-ups by literal keys that it is sure to try, in the order of the text.
    pub fn lookups(&self) -> Vec<Lookup> {
        match &self.content {
            Content::Literal(_) => Vec::new(),
            Content::Program(program) => lookups::of(program),
        }
    }

    /// Renders the template.
    ///
    /// # Errors
    /// The exception that ended it; a limit that was reached is a `LimitError`.
    pub fn render(&self, context: &Context<'_>) -> Result<String, Error> {
        match &self.content {
            Content::Literal(text) => Ok(text.to_string()),
            Content::Program(program) => {
                let ((), text) = Interp::new(program, context).run(|_, _| Ok(()))?;
                Ok(text)
            }
        }
    }
}
