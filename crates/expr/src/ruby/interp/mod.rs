//! The interpreter: walks the tree of one program for one context, within a budget.
//!
//! Steps, bytes, call depth and native stack are counted; whoever exceeds them is stopped by an
//! error that no `rescue` catches. All work inside a method that grows with its data is charged
//! too (see [`Interp::charge`]).

mod assign;
mod calls;
mod control;
mod eval;

use std::collections::HashMap;
use std::rc::Rc;

use model::limits::{RUBY_BYTES_MAX, RUBY_DEPTH_MAX, RUBY_STEPS_MAX};

pub(crate) use calls::Args;

use super::ast::{Def, Program};
use super::inspect;
use super::value::{Env, Exception, Frame, Proc, Value};
use super::{Context, Error};
use crate::limits::{RUBY_OUTPUT_BYTES_MAX, RUBY_STACK_BYTES_MAX};

/// The result of evaluating something.
pub(crate) type Eval<'a> = Result<Value<'a>, Flow<'a>>;

/// The result of looking for a method: `None` when the receiver has none of that name.
pub(crate) type Found<'a> = Result<Option<Value<'a>>, Flow<'a>>;

/// Why an evaluation left the straight path.
pub(crate) enum Flow<'a> {
    Raise(Rc<Exception>),
    /// A limit was reached; nothing catches it.
    Stop(Rc<Exception>),
    /// Leaves the call that got the block with this tag.
    Break(u64, Value<'a>),
    /// Leaves the block.
    Next(Value<'a>),
    /// Leaves the method or lambda with this tag.
    Return(u64, Value<'a>),
    LoopBreak(Value<'a>),
    LoopNext,
    Retry,
    Throw(Value<'a>, Value<'a>),
}

/// One evaluation.
pub(crate) struct Interp<'a> {
    pub(crate) context: &'a Context<'a>,
    program: &'a Program,
    /// `@`-variables that were read or assigned.
    variables: HashMap<&'a str, Value<'a>>,
    constants: HashMap<&'a str, Value<'a>>,
    methods: HashMap<&'a str, &'a Def>,
    /// The value of `$~`.
    pub(crate) last_match: Value<'a>,
    /// What the template has rendered so far.
    output: String,
    /// Offset of the call under way, for error messages.
    pub(crate) at: u32,
    /// The exception that a `rescue` clause is handling, for a bare `raise`.
    handling: Option<Rc<Exception>>,
    steps: u64,
    bytes: usize,
    depth: usize,
    stack_start: usize,
    tags: u64,
    /// Containers that may be part of a cycle, emptied at the end so that nothing leaks.
    cycles: Vec<Value<'a>>,
    envs: Vec<Rc<Env<'a>>>,
    /// Counts draws of `SecureRandom`.
    pub(crate) draws: u64,
}

impl<'a> Interp<'a> {
    pub(crate) fn new(program: &'a Program, context: &'a Context<'a>) -> Interp<'a> {
        let marker = 0_u8;
        Interp {
            context,
            program,
            variables: HashMap::new(),
            constants: HashMap::new(),
            methods: HashMap::new(),
            last_match: Value::Nil,
            output: String::new(),
            at: 0,
            handling: None,
            steps: 0,
            bytes: 0,
            depth: 0,
            stack_start: std::ptr::from_ref(&marker).addr(),
            tags: 0,
            cycles: Vec::new(),
            envs: Vec::new(),
            draws: 0,
        }
    }

    /// Runs the program and returns its value and what it rendered, through `read`.
    pub(crate) fn run<T>(
        mut self,
        read: impl FnOnce(&mut Interp<'a>, Value<'a>) -> Result<T, Flow<'a>>,
    ) -> Result<(T, String), Error> {
        let env = Rc::new(Env {
            slots: vec![Value::Nil; self.program.slots].into(),
            parent: None,
            method: Rc::new(Frame { tag: 0, block: None }),
            tag: 0,
            lambda: false,
        });
        let program = self.program;
        let value = match self.eval(&program.body, &env) {
            Err(Flow::Return(0, value)) => Ok(value),
            other => other,
        };
        let result = value.and_then(|value| read(&mut self, value));
        let result = result.map_err(|flow| self.error(flow));
        env.slots.borrow_mut().clear();
        for env in self.envs.drain(..) {
            env.slots.borrow_mut().clear();
        }
        for value in self.cycles.drain(..) {
            match value {
                Value::Array(items) => items.borrow_mut().clear(),
                Value::Hash(hash) => hash.clear(),
                _ => {}
            }
        }
        result.map(|value| (value, self.output))
    }

    /// Turns what escaped the program into an error with its place.
    fn error(&mut self, flow: Flow<'a>) -> Error {
        let exception = match flow {
            Flow::Raise(exception) | Flow::Stop(exception) => (*exception).clone(),
            Flow::Throw(tag, _) => {
                let shown = inspect::inspect(self, &tag).unwrap_or_default();
                self.exception("UncaughtThrowError", format!("uncaught throw {shown}"))
            }
            Flow::Break(..) | Flow::Next(_) | Flow::LoopBreak(_) | Flow::LoopNext => {
                self.exception("LocalJumpError", "break or next outside of a block")
            }
            Flow::Return(..) => self.exception("LocalJumpError", "unexpected return"),
            Flow::Retry => self.exception("SyntaxError", "retry outside of a rescue clause"),
        };
        let (line, column) = self.program.places.find(exception.at);
        let class = exception.class.to_owned();
        Error { class, message: exception.message, line, column }
    }

    fn exception(&self, class: &'static str, message: impl Into<String>) -> Exception {
        Exception { class, message: message.into(), at: self.at }
    }

    /// Returns an exception to raise, placed at the call under way.
    pub(crate) fn raise(&self, class: &'static str, message: impl Into<String>) -> Flow<'a> {
        Flow::Raise(Rc::new(self.exception(class, message)))
    }

    pub(crate) fn argument_error(&self, message: impl Into<String>) -> Flow<'a> {
        self.raise("ArgumentError", message)
    }

    pub(crate) fn type_error(&self, message: impl Into<String>) -> Flow<'a> {
        self.raise("TypeError", message)
    }

    pub(crate) fn stop(&self, message: impl Into<String>) -> Flow<'a> {
        Flow::Stop(Rc::new(self.exception("LimitError", message)))
    }

    /// Counts steps.
    pub(crate) fn charge(&mut self, steps: usize) -> Result<(), Flow<'a>> {
        self.steps = self.steps.saturating_add(steps as u64);
        if self.steps > RUBY_STEPS_MAX {
            return Err(self.stop(format!("the expression took over {RUBY_STEPS_MAX} steps")));
        }
        Ok(())
    }

    /// Counts allocated bytes.
    pub(crate) fn allocate(&mut self, bytes: usize) -> Result<(), Flow<'a>> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > RUBY_BYTES_MAX {
            return Err(self.stop(format!("the expression used over {RUBY_BYTES_MAX} bytes")));
        }
        Ok(())
    }

    /// Makes a string, within the budget.
    pub(crate) fn text(&mut self, text: impl Into<String>) -> Eval<'a> {
        let text = text.into();
        self.allocate(text.len() + 32)?;
        Ok(Value::text(text))
    }

    /// Makes an array, within the budget.
    pub(crate) fn array(&mut self, items: Vec<Value<'a>>) -> Eval<'a> {
        self.allocate(items.len() * size_of::<Value<'_>>() + 48)?;
        self.charge(items.len())?;
        Ok(Value::array(items))
    }

    /// Makes a hash, within the budget.
    pub(crate) fn hash(&mut self, pairs: Vec<(Value<'a>, Value<'a>)>) -> Eval<'a> {
        self.allocate(pairs.len() * 128 + 96)?;
        self.charge(pairs.len())?;
        Ok(Value::Hash(Rc::new(super::hash::Hash::of(pairs))))
    }

    /// Remembers a container that another value was put into.
    pub(crate) fn holds(&mut self, container: &Value<'a>, value: &Value<'a>) {
        if value.holds_values() {
            self.cycles.push(container.clone());
        }
    }

    pub(crate) fn next_tag(&mut self) -> u64 {
        self.tags += 1;
        self.tags
    }

    /// Appends to what the template renders.
    pub(crate) fn emit(&mut self, text: &str) -> Result<(), Flow<'a>> {
        if self.output.len() + text.len() > RUBY_OUTPUT_BYTES_MAX {
            let message = format!("the text is over {RUBY_OUTPUT_BYTES_MAX} bytes");
            return Err(self.stop(message));
        }
        self.output.push_str(text);
        Ok(())
    }

    /// Runs `work` one call deeper.
    fn deeper<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, Flow<'a>>,
    ) -> Result<T, Flow<'a>> {
        if self.depth >= RUBY_DEPTH_MAX {
            return Err(self.raise("SystemStackError", "stack level too deep"));
        }
        self.depth += 1;
        let result = work(self);
        self.depth -= 1;
        result
    }

    /// Refuses to descend when the native stack is nearly used up.
    fn check_stack(&self) -> Result<(), Flow<'a>> {
        let marker = 0_u8;
        let here = std::ptr::from_ref(&marker).addr();
        if self.stack_start.abs_diff(here) > RUBY_STACK_BYTES_MAX {
            return Err(self.raise("SystemStackError", "stack level too deep"));
        }
        Ok(())
    }

    /// Returns the value of an `@`-variable.
    fn variable(&mut self, name: &'a str) -> Value<'a> {
        if let Some(value) = self.variables.get(name) {
            return value.clone();
        }
        let value =
            self.context.variables.get(name).map_or(Value::Nil, |json| Value::json(json, true));
        self.variables.insert(name, value.clone());
        value
    }

    /// Makes a block out of a function in Rust.
    pub(crate) fn native(
        &mut self,
        function: impl Fn(&mut Interp<'a>, Vec<Value<'a>>) -> Eval<'a> + 'a,
    ) -> Rc<Proc<'a>> {
        let tag = self.next_tag();
        let code = super::value::Code::Native(Box::new(function));
        Rc::new(Proc { code, lambda: false, tag })
    }
}
