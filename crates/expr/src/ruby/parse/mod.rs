//! From text to tree: Prism parses, this module converts and finds what the engine cannot do.
//!
//! All problems of a text are collected, so that a person can mend them in one go.

mod calls;
mod control;
mod nodes;
mod scopes;

use model::limits::RUBY_SOURCE_BYTES_MAX;
use ruby_prism::{ConstantId, Location, Node};

use super::ast::{Expr, Program};
use super::place::Places;
use super::{Problem, Problems};
use crate::limits::{RUBY_CODE_BYTES_MAX, RUBY_NESTING_MAX};

/// Problems that are listed of one text; a person mends the first ones and tries again.
const PROBLEMS_MAX: usize = 25;

/// Native stack of the thread that compiles. Prism descends up to ten thousand levels before it
/// gives up; a compile thread is short-lived and its stack is only reserved, not used.
const COMPILE_STACK_BYTES: usize = 64 * 1024 * 1024;

/// Parses and converts Ruby source.
///
/// # Errors
/// All syntax errors, or else all unsupported constructs, with their places in the text.
pub(crate) fn compile(source: &str, places: Places, texts: &[String]) -> Result<Program, Problems> {
    check_source(source)?;
    std::thread::scope(|scope| {
        let worker = std::thread::Builder::new()
            .name("ruby-compile".to_owned())
            .stack_size(COMPILE_STACK_BYTES)
            .spawn_scoped(scope, || convert(source, places, texts));
        let failed = |message: &str| Err(refused(message.to_owned()));
        match worker.map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => failed("the text could not be read"),
            Err(_) => failed("no thread was left to read the text"),
        }
    })
}

/// Refuses a text that is too long.
pub(crate) fn check_size(text: &str) -> Result<(), Problems> {
    if text.len() <= RUBY_SOURCE_BYTES_MAX {
        return Ok(());
    }
    Err(refused(format!("the text is over {RUBY_SOURCE_BYTES_MAX} bytes")))
}

/// Refuses source that would keep Prism busy: it needs quadratic time for long rows of prefix
/// operators (20,000 exclamation marks take it seconds), and cannot be stopped once it runs.
fn check_source(source: &str) -> Result<(), Problems> {
    /// More prefix operators in a row than anyone writes; rulers of dashes in strings are shorter.
    const PREFIXES_MAX: usize = 500;
    if source.len() > RUBY_CODE_BYTES_MAX {
        return Err(refused(format!("the Ruby code is over {RUBY_CODE_BYTES_MAX} bytes")));
    }
    let mut row = 0;
    let mut bytes = source.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'!' | b'~' | b'+' | b'-' | b'&' | b'*' => row += 1,
            b'n' if source.get(at..at + 3) == Some("not") => {
                row += 1;
                bytes.nth(1);
            }
            b' ' | b'\t' | b'\r' | b'\n' | b'(' => {}
            _ => row = 0,
        }
        if row > PREFIXES_MAX {
            return Err(refused("the expression is nested too deeply".to_owned()));
        }
    }
    Ok(())
}

fn refused(message: String) -> Problems {
    Problems(vec![Problem { message, line: 1, column: 1 }])
}

fn convert(source: &str, places: Places, texts: &[String]) -> Result<Program, Problems> {
    let parsed = ruby_prism::parse(source.as_bytes());
    let mut problems = Vec::new();
    for error in parsed.errors().take(PROBLEMS_MAX) {
        let message = String::from_utf8_lossy(error.message()).into_owned();
        let (line, column) = places.find(error.location().start());
        problems.push(Problem { message: format!("syntax error: {message}"), line, column });
    }
    if !problems.is_empty() {
        return Err(ordered(problems));
    }
    let mut converter = Converter {
        places: &places,
        texts,
        problems,
        scopes: Vec::new(),
        defs: scopes::definitions(source.as_bytes(), &parsed.node()),
        constants: Vec::new(),
        loops: Vec::new(),
        nesting: 0,
        too_deep: false,
    };
    let (body, slots) = converter.program(&parsed.node());
    let problems = converter.problems;
    if problems.is_empty() { Ok(Program { body, slots, places }) } else { Err(ordered(problems)) }
}

fn ordered(mut problems: Vec<Problem>) -> Problems {
    problems.sort_by_key(|problem| (problem.line, problem.column));
    problems.dedup();
    Problems(problems)
}

/// The state of one conversion.
struct Converter<'a> {
    places: &'a Places,
    /// The literal texts of a template, which its source names by number.
    texts: &'a [String],
    problems: Vec<Problem>,
    /// Names of the local variables of the scopes around, innermost last.
    scopes: Vec<Vec<String>>,
    /// Names that the text defines with `def`.
    defs: Vec<String>,
    /// Constants that the text assigns.
    constants: Vec<String>,
    /// Whether the nearest enclosing thing that `break` leaves is a loop.
    loops: Vec<bool>,
    nesting: usize,
    too_deep: bool,
}

impl Converter<'_> {
    fn program(&mut self, node: &Node<'_>) -> (Expr, usize) {
        let Some(program) = node.as_program_node() else {
            return (self.unsupported("program", &node.location()), 0);
        };
        self.scopes.push(names(&program.locals()));
        let body = self.statements(Some(&program.statements()), 0);
        let slots = self.scopes.pop().map_or(0, |scope| scope.len());
        (body, slots)
    }

    fn problem(&mut self, message: impl Into<String>, location: &Location<'_>) {
        if self.problems.len() < PROBLEMS_MAX {
            let (line, column) = self.places.find(location.start());
            self.problems.push(Problem { message: message.into(), line, column });
        }
    }

    /// Notes an unsupported construct and stands in for it.
    fn unsupported(&mut self, construct: &str, location: &Location<'_>) -> Expr {
        self.problem(format!("{construct} is not supported"), location);
        Expr::nil(location.start())
    }

    /// Converts a node, one level deeper.
    fn expr(&mut self, node: &Node<'_>) -> Expr {
        if self.nesting >= RUBY_NESTING_MAX {
            let location = node.location();
            if !std::mem::replace(&mut self.too_deep, true) {
                self.problem("the expression is nested too deeply", &location);
            }
            return Expr::nil(location.start());
        }
        self.nesting += 1;
        let expr = self.node(node);
        self.nesting -= 1;
        expr
    }

    fn boxed(&mut self, node: &Node<'_>) -> Box<Expr> {
        Box::new(self.expr(node))
    }
}

/// Reads a name.
fn name(id: &ConstantId<'_>) -> String {
    String::from_utf8_lossy(id.as_slice()).into_owned()
}

fn names(list: &ruby_prism::ConstantList<'_>) -> Vec<String> {
    list.iter().map(|id| name(&id)).collect()
}
