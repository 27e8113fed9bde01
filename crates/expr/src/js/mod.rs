//! JavaScript expressions over an event: webhook filters, `${…}` URL parts, submission labels.
//!
//! ```
//! use expr::js::{Bindings, Filter, Template};
//! let event = Bindings::new(serde_json::json!({
//!     "space": {"slug": "acme", "attributes": {"Task Source Name": ["Kinetic Request CE"]}},
//!     "values": {"Status": "Open"}, "valuesPrevious": {"Status": "Draft"},
//! }));
//! let filter = Filter::compile("values('Status') == 'Open' && changed('Status')").unwrap();
//! assert!(filter.evaluate(&event).unwrap().fires);
//! let url = Template::compile("/run-tree/${space('attribute:Task Source Name')}/Users").unwrap();
//! assert_eq!(url.render_url(&event).unwrap(), "/run-tree/Kinetic%20Request%20CE/Users");
//! ```
//!
//! An expression sees the binding functions of [`bindings`] and the language itself, nothing else:
//! no I/O, no modules, no state of an earlier evaluation (the realm is frozen). Endless loops,
//! memory and recursion bombs end in an [`Error`] of kind [`Kind::Limit`].

pub mod bindings;
mod engine;
pub mod outputs;
mod shaper;
mod template;

pub use bindings::Bindings;
pub use shaper::{Shaped, Shaper};
pub use template::{Template, encode};

use std::fmt;
use std::sync::Arc;

use crate::limits;

/// What went wrong in an expression, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (line {line}, column {column})")]
pub struct Error {
    /// The class of the mistake.
    pub kind: Kind,
    /// One sentence; a thrown JavaScript error as `TypeError: …`.
    pub message: String,
    /// Line in the text as it was written, from 1; 1 when unknown.
    pub line: u32,
    /// Column in characters, from 1; 1 when unknown.
    pub column: u32,
}

/// Classes of mistakes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The text is not JavaScript (or a template's `${` has no end); found by `compile`.
    Syntax,
    /// The expression threw while it ran.
    Thrown,
    /// The expression was stopped by a limit of time, memory, stack or size.
    Limit,
    /// A URL part gave nothing to insert, or a template nothing to send.
    Empty,
}

impl Error {
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Error {
        Error { kind, message: message.into(), line: 1, column: 1 }
    }
}

/// How the text of a program is turned into a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Shape {
    /// One expression: compiled once on each thread.
    Expression,
    /// Statements whose last value counts: parsed anew in each evaluation.
    Script,
    /// One expression over an answer, whose parts are its arguments.
    Mapping,
    /// The body of a function of `inputs`: compiled once on each thread.
    Body,
}

/// A text that was found to be JavaScript.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Program {
    pub(crate) text: Arc<str>,
    pub(crate) shape: Shape,
}

impl Program {
    pub(crate) fn compile(text: &str) -> Result<Program, Error> {
        refuse_unreadable(text)?;
        let shape = engine::check(text)?;
        Ok(Program { text: text.into(), shape })
    }

    /// Checks an expression over an answer.
    pub(crate) fn compile_mapping(text: &str) -> Result<Program, Error> {
        refuse_unreadable(text)?;
        let program = Program { text: text.into(), shape: Shape::Mapping };
        engine::check_mapping(&program)?;
        Ok(program)
    }
}

/// The body of a function of `inputs`, as nodes of workflows run it.
///
/// ```
/// use expr::js::Code;
/// let code = Code::compile("return { sum: inputs.a + inputs.b };").unwrap();
/// let sum = code.run(&serde_json::json!({ "a": 1, "b": 2 })).unwrap();
/// assert_eq!(sum, Some(serde_json::json!({ "sum": 3 })));
/// ```
#[derive(Debug, Clone)]
pub struct Code {
    program: Program,
}

impl Code {
    /// Checks a function's body.
    ///
    /// # Errors
    /// [`Kind::Syntax`] with the place when the text is not JavaScript.
    pub fn compile(text: &str) -> Result<Code, Error> {
        refuse_unreadable(text)?;
        engine::check_body(text)?;
        Ok(Code { program: Program { text: text.into(), shape: Shape::Body } })
    }

    /// Calls the function and returns its value as JSON; `None` for what JSON has no word for, as
    /// when nothing is returned. Takes at most [`model::limits::JS_EVALUATION_MS`].
    ///
    /// # Errors
    /// What the code throws, and [`Kind::Limit`].
    pub fn run(&self, inputs: &serde_json::Value) -> Result<Option<serde_json::Value>, Error> {
        let json = engine::call(&self.program, inputs)?;
        let read = json.map(|json| serde_json::from_str(&json)).transpose();
        read.map_err(|error| Error::new(Kind::Limit, format!("the value is unreadable: {error}")))
    }
}

fn refuse_unreadable(text: &str) -> Result<(), Error> {
    if text.len() > limits::JS_SOURCE_BYTES_MAX {
        let message = format!("the expression is over {} bytes", limits::JS_SOURCE_BYTES_MAX);
        return Err(Error::new(Kind::Limit, message));
    }
    if text.contains('\0') {
        return Err(Error::new(Kind::Syntax, "the expression holds a NUL character"));
    }
    Ok(())
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Program").field(&self.text).finish()
    }
}

/// A webhook's filter: a JavaScript expression whose truth decides whether the webhook fires.
#[derive(Debug, Clone)]
pub struct Filter {
    /// `None` for a blank text, which holds for every event.
    program: Option<Program>,
}

/// The answer of a filter.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// Whether the value counts as true in JavaScript.
    pub fires: bool,
    /// The value itself as JSON, for the test button; null where JSON has no word for it.
    pub value: serde_json::Value,
}

impl Filter {
    /// Checks a filter. A blank text is a filter that always holds.
    ///
    /// # Errors
    /// [`Kind::Syntax`] with the place when the text is not JavaScript.
    pub fn compile(text: &str) -> Result<Filter, Error> {
        if text.trim().is_empty() {
            return Ok(Filter { program: None });
        }
        Ok(Filter { program: Some(Program::compile(text)?) })
    }

    /// Tells whether the filter is blank and so holds for every event.
    pub fn is_blank(&self) -> bool {
        self.program.is_none()
    }

    /// Evaluates the filter for one event. Takes microseconds, at most
    /// [`model::limits::JS_EVALUATION_MS`]; safe to call from any thread.
    ///
    /// # Errors
    /// What the expression throws, and [`Kind::Limit`]; never a silent false.
    pub fn evaluate(&self, bindings: &Bindings) -> Result<Verdict, Error> {
        match &self.program {
            None => Ok(Verdict { fires: true, value: serde_json::Value::Bool(true) }),
            Some(program) => engine::evaluate(program, bindings),
        }
    }
}
