//! The QuickJS realms: one for each thread that evaluates, built on first use.
//!
//! A realm is prepared once (binding functions defined, everything frozen) and then reused: an
//! evaluation calls a compiled function and leaves nothing behind. When an evaluation is stopped
//! by a limit, or leaves promise jobs behind, its realm is thrown away and built anew.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use model::limits::{
    JS_EVALUATION_MS, JS_MEMORY_BYTES_MAX, JS_STACK_BYTES_MAX, OPERATION_ITEMS_MAX,
    RESULTS_BYTES_MAX,
};
use rquickjs::context::EvalOptions;
use rquickjs::{
    CaughtError, Coerced, Context, Ctx, Exception, Function, Object, Persistent, Runtime,
    Value as Js,
};
use serde_json::{Map, Value, json};

use super::outputs::{self, Answer, Output};
use super::{Bindings, Error, Kind, Program, Shape, Shaped, Verdict, bindings};
use crate::limits;

const PRELUDE: &str = include_str!("prelude.js");
/// The file name under which QuickJS reports places in an expression.
const FILE: &str = "expression";

thread_local! {
    static REALM: RefCell<Option<Realm>> = const { RefCell::new(None) };
}

/// A runtime with its one frozen context. Fields drop in this order: functions before the runtime.
struct Realm {
    programs: HashMap<Program, Persistent<Function<'static>>>,
    text: Persistent<Function<'static>>,
    context: Context,
    runtime: Runtime,
    bindings: Rc<RefCell<Bindings>>,
    watch: Rc<Watch>,
    /// Whether an evaluation ran here before; then memory may be used up by its garbage.
    used: bool,
}

/// The deadline of the evaluation under way.
#[derive(Default)]
struct Watch {
    deadline: Cell<Option<Instant>>,
    /// How often the engine asked since the evaluation began.
    asked: Cell<u32>,
    /// Whether the evaluation was stopped.
    stopped: Cell<bool>,
}

impl Watch {
    fn start(&self) {
        self.deadline.set(Some(now() + Duration::from_millis(JS_EVALUATION_MS)));
        self.asked.set(0);
        self.stopped.set(false);
    }

    /// Answers the engine, which asks every few thousand instructions. A script is only stopped
    /// when it had some turns: on a busy machine the clock alone would blame it for waiting.
    fn stop(&self) -> bool {
        self.asked.set(self.asked.get().saturating_add(1));
        let late = self.deadline.get().is_some_and(|deadline| now() >= deadline);
        self.stopped.set(late && self.asked.get() > limits::JS_TURNS_MIN);
        self.stopped.get()
    }
}

/// Finds out whether a text is JavaScript, and of which shape.
pub(super) fn check(text: &str) -> Result<Shape, Error> {
    with_realm(|realm| {
        let expression = Program { text: text.into(), shape: Shape::Expression };
        let Err(error) = realm.balanced(text).and_then(|()| realm.parse(&expression)) else {
            return Ok(Shape::Expression);
        };
        if error.kind == Kind::Limit {
            return Err(error);
        }
        realm.parse_body(text).map(|()| Shape::Script).map_err(|error| within(error, text))
    })
}

/// Checks an expression over an answer.
pub(super) fn check_mapping(program: &Program) -> Result<(), Error> {
    with_realm(|realm| {
        realm.balanced(&program.text)?;
        let parsed = realm.parse(program).map(|_| ());
        parsed.map_err(|error| within(error, &program.text))
    })
}

/// Evaluates the outputs of an operation.
pub(super) fn outputs(outputs: &[Output], answer: &Answer) -> Result<Map<String, Value>, Error> {
    with_realm(|realm| realm.outputs(outputs, answer))
}

/// Finds out whether a text is the body of a function.
pub(super) fn check_body(text: &str) -> Result<(), Error> {
    with_realm(|realm| {
        let parsed = realm.parse_body(text).and_then(|()| {
            // A text that closes the function's bracket itself does not fit into this one as well.
            realm.compile(format!("[function (inputs) {{\n{text}\n}}][0]")).map(|_| ())
        });
        parsed.map_err(|error| within(error, text))
    })
}

/// Calls the function that a program is the body of; the value as JSON.
pub(super) fn call(program: &Program, inputs: &Value) -> Result<Option<String>, Error> {
    let inputs = inputs.to_string();
    with_realm(|realm| realm.call(program, &inputs))
}

/// Evaluates a filter.
pub(super) fn evaluate(program: &Program, bindings: &Bindings) -> Result<Verdict, Error> {
    with_realm(|realm| realm.run(program, bindings, read_verdict))
}

/// Evaluates a template part; `None` for null, undefined and an empty array.
pub(super) fn text(program: &Program, bindings: &Bindings) -> Result<Option<String>, Error> {
    with_realm(|realm| realm.run(program, bindings, read_text))
}

/// Evaluates a payload template; `None` for a value that JSON has no word for.
pub(super) fn shape(program: &Program, bindings: &Bindings) -> Result<Option<Shaped>, Error> {
    with_realm(|realm| realm.run(program, bindings, read_shape))
}

/// Runs `work` in this thread's realm, once more in a fresh one when a used realm ran out of
/// memory, and drops a realm that a limit interrupted.
fn with_realm<T>(work: impl Fn(&mut Realm) -> Result<T, Error>) -> Result<T, Error> {
    REALM.with_borrow_mut(|slot| {
        loop {
            let mut realm = match slot.take() {
                Some(realm) => realm,
                None => Realm::new()?,
            };
            let used = std::mem::replace(&mut realm.used, true);
            realm.watch.start();
            let result = work(&mut realm);
            let late = realm.watch.stopped.get();
            let exhausted = matches!(&result, Err(error) if error.kind == Kind::Limit);
            if exhausted && used && !late {
                continue;
            }
            if !exhausted && !late && !realm.runtime.is_job_pending() {
                *slot = Some(realm);
            }
            return result;
        }
    })
}

#[expect(clippy::disallowed_methods, reason = "a deadline on scripts, not business time")]
fn now() -> Instant {
    Instant::now()
}

impl Realm {
    fn new() -> Result<Realm, Error> {
        let broken = |error: rquickjs::Error| {
            Error::new(Kind::Limit, format!("the script engine did not start: {error}"))
        };
        let runtime = Runtime::new().map_err(broken)?;
        runtime.set_memory_limit(JS_MEMORY_BYTES_MAX);
        runtime.set_max_stack_size(JS_STACK_BYTES_MAX);
        let watch = Rc::new(Watch::default());
        let watched = Rc::clone(&watch);
        runtime.set_interrupt_handler(Some(Box::new(move || watched.stop())));
        let context = Context::full(&runtime).map_err(broken)?;
        let bindings = Rc::new(RefCell::new(Bindings::new(Value::Null)));
        let text = context
            .with(|ctx| {
                let text = prepare(&ctx, &bindings)?;
                Ok(Persistent::save(&ctx, text))
            })
            .map_err(broken)?;
        let programs = HashMap::new();
        Ok(Realm { programs, text, context, runtime, bindings, watch, used: false })
    }

    /// Refuses a text that closes a bracket it did not open and would so leave its wrapper.
    fn balanced(&self, text: &str) -> Result<(), Error> {
        let wrapped = format!("(function () {{ return [\n{text}\n]; }})");
        self.compile(wrapped).map(|_| ())
    }

    fn parse(&mut self, program: &Program) -> Result<Persistent<Function<'static>>, Error> {
        if let Some(function) = self.programs.get(program) {
            return Ok(function.clone());
        }
        let wrapped = match program.shape {
            Shape::Expression => format!("(function () {{ return (\n{}\n); }})", program.text),
            Shape::Script => {
                let literal = Value::from(&*program.text).to_string();
                format!("(function () {{ return eval({literal}); }})")
            }
            Shape::Mapping => format!(
                "(function (body, headers, statusCode, current) {{ return (\n{}\n); }})",
                program.text
            ),
            Shape::Body => format!("(function (inputs) {{\n{}\n}})", program.text),
        };
        let function = self.compile(wrapped)?;
        if self.programs.len() >= limits::JS_PROGRAMS_MAX {
            self.programs.clear();
        }
        self.programs.insert(program.clone(), function.clone());
        Ok(function)
    }

    /// Parses statements without running them.
    fn parse_body(&self, text: &str) -> Result<(), Error> {
        self.compile(format!("(function () {{\n{text}\n}})")).map(|_| ())
    }

    /// Compiles a wrapper whose second line is the first line of the user's text.
    fn compile(&self, wrapped: String) -> Result<Persistent<Function<'static>>, Error> {
        self.context.with(|ctx| {
            let mut options = EvalOptions::default();
            options.filename = Some(FILE.to_owned());
            match ctx.eval_with_options::<Function, _>(wrapped, options) {
                Ok(function) => Ok(Persistent::save(&ctx, function)),
                Err(error) => Err(self.explain(&ctx, error, Kind::Syntax, 1)),
            }
        })
    }

    fn run<T>(
        &mut self,
        program: &Program,
        bindings: &Bindings,
        read: Read<T>,
    ) -> Result<T, Error> {
        let function = self.parse(program)?;
        self.bindings.replace(bindings.clone());
        let shift = u32::from(program.shape != Shape::Script);
        let result = self.context.with(|ctx| {
            let call = || {
                let function = function.clone().restore(&ctx)?;
                let value: Js = function.call(())?;
                read(&ctx, value, &self.text.clone().restore(&ctx)?)
            };
            call().map_err(|error| self.explain(&ctx, error, Kind::Thrown, shift))
        });
        self.bindings.replace(Bindings::new(Value::Null));
        result
    }

    fn outputs(
        &mut self,
        outputs: &[Output],
        answer: &Answer,
    ) -> Result<Map<String, Value>, Error> {
        let mut functions = HashMap::new();
        for output in outputs {
            let children = output.children.iter().map(|(_, program)| program);
            for program in children.chain([&output.program]).flatten() {
                functions.insert(program.clone(), self.parse(program)?);
            }
        }
        let text = json!({ "body": answer.body, "headers": answer.headers }).to_string();
        self.context.with(|ctx| {
            let parsed = ctx.json_parse(text);
            let parsed = parsed.and_then(|value| value.get::<Object>());
            let parts = parsed.and_then(|parts| Ok((parts.get("body")?, parts.get("headers")?)));
            let (body, headers): (Js, Js) =
                parts.map_err(|error| self.explain(&ctx, error, Kind::Limit, 0))?;
            let status = i32::from(answer.status);
            let taking =
                Taking { realm: self, ctx: &ctx, functions: &functions, body, headers, status };
            let named = outputs.iter().map(|output| {
                let value =
                    taking.output(output).map_err(|error| outputs::named(error, &output.name))?;
                Ok((output.name.clone(), value))
            });
            named.collect()
        })
    }

    /// A value as JSON; null for what JSON has no word for.
    fn json<'js>(&self, ctx: &Ctx<'js>, value: Js<'js>) -> Result<Value, Error> {
        let written = ctx.json_stringify(value).and_then(|text| {
            let text = text.map(|text| text.to_string()).transpose()?.unwrap_or_default();
            if text.len() > RESULTS_BYTES_MAX {
                return Err(Exception::throw_range(ctx, &outputs::too_large()));
            }
            Ok(text)
        });
        let text = written.map_err(|error| self.explain(ctx, error, Kind::Thrown, 1))?;
        Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// Calls a function with inputs that are JSON.
    fn call(&mut self, program: &Program, inputs: &str) -> Result<Option<String>, Error> {
        let function = self.parse(program)?;
        self.context.with(|ctx| {
            let call = || {
                let inputs = ctx.json_parse(inputs)?;
                let value: Js = function.clone().restore(&ctx)?.call((inputs,))?;
                let json = ctx.json_stringify(value)?.map(|text| text.to_string()).transpose()?;
                match json {
                    Some(json) if json.len() > limits::JS_OUTPUT_BYTES_MAX => {
                        let most = limits::JS_OUTPUT_BYTES_MAX;
                        let message = format!("the value is over {most} bytes");
                        Err(Exception::throw_range(&ctx, &message))
                    }
                    json => Ok(json),
                }
            };
            call().map_err(|error| self.explain(&ctx, error, Kind::Thrown, 1))
        })
    }

    /// Turns an engine error into ours; `shift` is the number of lines before the user's text.
    fn explain(&self, ctx: &Ctx<'_>, error: rquickjs::Error, kind: Kind, shift: u32) -> Error {
        if self.watch.stopped.get() {
            let message = format!("the expression ran over {JS_EVALUATION_MS} ms");
            return Error::new(Kind::Limit, message);
        }
        let (message, stack) = match CaughtError::from_error(ctx, error) {
            CaughtError::Exception(exception) => {
                (describe(&exception), exception.stack().unwrap_or_default())
            }
            CaughtError::Value(value) => {
                let text = value.get::<Coerced<String>>().map(|text| text.0);
                (text.unwrap_or_else(|_| "the expression threw".to_owned()), String::new())
            }
            CaughtError::Error(error) => (error.to_string(), String::new()),
        };
        let memory = message.contains("out of memory");
        let stopped =
            memory || message.contains("stack overflow") || message.contains("call stack");
        let (line, column) = place(&stack).unwrap_or((1 + shift, 1));
        Error {
            kind: if stopped { Kind::Limit } else { kind },
            message: clip(message),
            line: line.saturating_sub(shift).max(1),
            column: column.max(1),
        }
    }
}

/// Outputs being taken from an answer.
struct Taking<'a, 'js> {
    realm: &'a Realm,
    ctx: &'a Ctx<'js>,
    functions: &'a HashMap<Program, Persistent<Function<'static>>>,
    body: Js<'js>,
    headers: Js<'js>,
    status: i32,
}

impl<'js> Taking<'_, 'js> {
    /// The value of an output: with children, an object for each item of a list.
    fn output(&self, output: &Output) -> Result<Value, Error> {
        let value = self.call(output.program.as_ref(), Js::new_undefined(self.ctx.clone()))?;
        if output.children.is_empty() || value.is_null() || value.is_undefined() {
            return self.realm.json(self.ctx, value);
        }
        let Some(items) = value.as_array() else { return self.children(output, &value) };
        if items.len() > OPERATION_ITEMS_MAX {
            return Err(outputs::too_long(items.len()));
        }
        let items = items
            .iter::<Js>()
            .map(|item| self.children(output, &item.map_err(|error| self.thrown(error))?));
        items.collect::<Result<Vec<_>, Error>>().map(Value::Array)
    }

    fn children(&self, output: &Output, current: &Js<'js>) -> Result<Value, Error> {
        let pairs = output.children.iter().map(|(name, program)| {
            let value = self.call(program.as_ref(), current.clone());
            let value = value.and_then(|value| self.realm.json(self.ctx, value));
            Ok((name.clone(), value.map_err(|error| outputs::named(error, name))?))
        });
        pairs.collect::<Result<Map<_, _>, Error>>().map(Value::Object)
    }

    fn call(&self, program: Option<&Program>, current: Js<'js>) -> Result<Js<'js>, Error> {
        let Some(function) = program.and_then(|program| self.functions.get(program)) else {
            return Ok(Js::new_null(self.ctx.clone()));
        };
        let arguments = (self.body.clone(), self.headers.clone(), self.status, current);
        let called = function.clone().restore(self.ctx);
        let called = called.and_then(|function| function.call(arguments));
        called.map_err(|error| self.thrown(error))
    }

    fn thrown(&self, error: rquickjs::Error) -> Error {
        self.realm.explain(self.ctx, error, Kind::Thrown, 1)
    }
}

/// What an evaluation wants of the value.
type Read<T> = for<'js> fn(&Ctx<'js>, Js<'js>, &Function<'js>) -> rquickjs::Result<T>;

fn read_verdict<'js>(
    ctx: &Ctx<'js>,
    value: Js<'js>,
    _: &Function<'js>,
) -> rquickjs::Result<Verdict> {
    let fires = value.get::<Coerced<bool>>()?.0;
    let json = match ctx.json_stringify(value) {
        Ok(text) => text.map(|text| text.to_string()).transpose()?.unwrap_or_default(),
        // A cycle or a BigInt: it has a truth value, but no JSON.
        Err(_) => {
            ctx.catch();
            String::new()
        }
    };
    let value = match serde_json::from_str(&json) {
        Ok(_) if json.len() > limits::JS_OUTPUT_BYTES_MAX => Value::Null,
        Ok(value) => value,
        Err(_) => Value::Null,
    };
    Ok(Verdict { fires, value })
}

fn read_text<'js>(
    ctx: &Ctx<'js>,
    value: Js<'js>,
    text: &Function<'js>,
) -> rquickjs::Result<Option<String>> {
    let text: Option<String> = text.call((value,))?;
    match text {
        Some(text) if text.len() > limits::JS_OUTPUT_BYTES_MAX => {
            let message = format!("the text is over {} bytes", limits::JS_OUTPUT_BYTES_MAX);
            Err(Exception::throw_range(ctx, &message))
        }
        text => Ok(text),
    }
}

fn read_shape<'js>(
    ctx: &Ctx<'js>,
    value: Js<'js>,
    _: &Function<'js>,
) -> rquickjs::Result<Option<Shaped>> {
    let shaped = match value.as_string() {
        Some(text) => Some(Shaped::Text(text.to_string()?)),
        None => {
            let json = ctx.json_stringify(value)?.map(|text| text.to_string()).transpose()?;
            json.map(Shaped::Json)
        }
    };
    if let Some(Shaped::Text(text) | Shaped::Json(text)) = &shaped
        && text.len() > limits::JS_OUTPUT_BYTES_MAX
    {
        let message = format!("the body is over {} bytes", limits::JS_OUTPUT_BYTES_MAX);
        return Err(Exception::throw_range(ctx, &message));
    }
    Ok(shaped)
}

/// Defines the binding functions and freezes the realm; returns the function that turns a value
/// into a template's text.
fn prepare<'js>(
    ctx: &Ctx<'js>,
    current: &Rc<RefCell<Bindings>>,
) -> rquickjs::Result<Function<'js>> {
    let bindings = Rc::clone(current);
    let lookup = move |ctx: Ctx<'js>, function: String, property: String| {
        let found = bindings.borrow().lookup(&function, &property);
        to_js(&ctx, found)
    };
    let bindings = Rc::clone(current);
    let keys = move |function: String| bindings.borrow().keys(&function);
    let bindings = Rc::clone(current);
    let previous = move |ctx: Ctx<'js>, function: String, property: String| {
        let found = bindings.borrow().previous(&function, &property);
        to_js(&ctx, found)
    };
    let bindings = Rc::clone(current);
    let changed = move |ctx: Ctx<'js>, function: String, property: String| {
        let found = bindings.borrow().changed(&function, &property);
        found.map_err(|message| Exception::throw_message(&ctx, &message))
    };
    let mut options = EvalOptions::default();
    options.filename = Some("kapok".to_owned());
    let prelude: Function = ctx.eval_with_options(PRELUDE, options)?;
    prelude.call((
        Function::new(ctx.clone(), lookup)?,
        Function::new(ctx.clone(), keys)?,
        Function::new(ctx.clone(), previous)?,
        Function::new(ctx.clone(), changed)?,
        bindings::FUNCTIONS.to_vec(),
    ))
}

fn to_js<'js>(ctx: &Ctx<'js>, found: Result<Value, String>) -> rquickjs::Result<Js<'js>> {
    match found {
        Err(message) => Err(Exception::throw_message(ctx, &message)),
        Ok(Value::Null) => Ok(Js::new_null(ctx.clone())),
        Ok(Value::Bool(value)) => Ok(Js::new_bool(ctx.clone(), value)),
        Ok(Value::String(text)) => {
            rquickjs::String::from_str(ctx.clone(), &text).map(rquickjs::String::into_value)
        }
        Ok(other) => ctx.json_parse(other.to_string()),
    }
}

fn describe(exception: &Exception<'_>) -> String {
    let message = exception.message().unwrap_or_default();
    let name = exception.as_object().get::<_, Option<Coerced<String>>>("name").ok().flatten();
    match name {
        Some(name) if name.0 != "Error" => format!("{}: {message}", name.0),
        _ => message,
    }
}

/// Finds the innermost frame of the user's text in a stack, as line and column.
fn place(stack: &str) -> Option<(u32, u32)> {
    stack.lines().find_map(|frame| {
        let at = [FILE, "<input>", "<evalScript>"].iter().find_map(|file| {
            frame.rfind(&format!("{file}:")).map(|start| start + file.len() + 1)
        })?;
        let mut numbers = frame.get(at..)?.split(|c: char| !c.is_ascii_digit());
        Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().unwrap_or(1)))
    })
}

/// Moves a place behind the text (the wrapper's end, where an open bracket is noticed) to its end.
fn within(mut error: Error, text: &str) -> Error {
    let lines = text.split('\n').count() as u32;
    if error.line > lines {
        let last = text.rsplit('\n').next().unwrap_or_default();
        error.line = lines;
        error.column = last.chars().count() as u32 + 1;
    }
    error
}

fn clip(mut message: String) -> String {
    const MESSAGE_CHARS_MAX: usize = 1000;
    if let Some((cut, _)) = message.char_indices().nth(MESSAGE_CHARS_MAX) {
        message.truncate(cut);
        message.push('…');
    }
    message
}
