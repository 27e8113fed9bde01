//! Functions that are called without a receiver.

use std::rc::Rc;

use super::super::inspect;
use super::super::interp::{Args, Eval, Flow, Found, Interp};
use super::super::value::{Proc, Value};
use super::{enumerator, exception, format, int, json, number, string, text, to_int};

/// The names of all functions.
const FUNCTIONS: &[&str] = &[
    "raise",
    "fail",
    "Integer",
    "Float",
    "String",
    "Array",
    "Hash",
    "Rational",
    "format",
    "sprintf",
    "require",
    "require_relative",
    "lambda",
    "proc",
    "loop",
    "catch",
    "throw",
    "puts",
    "print",
    "p",
    "pp",
    "rand",
    "srand",
    "sleep",
    "block_given?",
    "method",
    "j",
    "binding",
    "freeze",
    "nil?",
    "is_a?",
    "respond_to?",
    "tap",
    "then",
    "to_s",
    "inspect",
    "class",
    "send",
    "public_send",
    "instance_variable_get",
    "instance_variable_defined?",
    "instance_variables",
    "url_encode",
    "u",
    "html_escape",
    "h",
    "warn",
    "exit",
    "abort",
    "include",
    "extend",
    "private",
    "public",
    "itself",
];

/// Tells whether a name is a function.
pub(crate) fn is_function(name: &str) -> bool {
    FUNCTIONS.contains(&name)
}

/// Calls a function; `None` when there is none of that name.
pub(crate) fn function<'a>(interp: &mut Interp<'a>, name: &str, args: &Args<'a>) -> Found<'a> {
    let value = match name {
        "raise" | "fail" => return Err(exception::raise(interp, args)),
        "Integer" => {
            let value = interp.arg(args, 0)?.clone();
            integer(interp, &value, args)?
        }
        "Float" => {
            let value = interp.arg(args, 0)?.clone();
            match float(interp, &value) {
                Err(Flow::Raise(_)) if lenient(args) => Value::Nil,
                other => other?,
            }
        }
        "String" => {
            let text = inspect::to_s(interp, &interp.arg(args, 0)?.clone())?;
            interp.text(text)?
        }
        "Array" => match interp.arg(args, 0)?.clone() {
            value @ Value::Array(_) => value,
            value => {
                let items = interp.splat(&value)?;
                interp.array(items)?
            }
        },
        "Hash" => match interp.arg(args, 0)? {
            value @ Value::Hash(_) => value.clone(),
            _ => interp.hash(Vec::new())?,
        },
        "Rational" if matches!(args.get(0), Some(Value::Str(_))) => {
            interp.ask(&interp.arg(args, 0)?.clone(), "to_r")?
        }
        "Rational" => {
            let top = int(interp, args, 0)?;
            let bottom = if args.len() > 1 { int(interp, args, 1)? } else { 1 };
            number::reduced(interp, i128::from(top), i128::from(bottom))?
        }
        "format" | "sprintf" => {
            let template = text(interp, args, 0)?;
            let rest = args.list.get(1..).unwrap_or_default();
            let text = format::format(interp, &template, rest)?;
            interp.text(text)?
        }
        // Libraries are built in; so is what these would change.
        "require" | "require_relative" => Value::Bool(false),
        "srand" | "include" | "extend" | "private" | "public" => Value::Nil,
        // There is no output but the template's, and no waiting.
        "puts" | "print" | "pp" | "warn" => Value::Nil,
        "p" => args.get(0).cloned().unwrap_or(Value::Nil),
        "sleep" => Value::Int(0),
        "lambda" | "proc" => match &args.block {
            Some(block) => Value::Proc(as_lambda(block, name == "lambda")),
            None => {
                return Err(interp.argument_error("tried to create Proc object without a block"));
            }
        },
        "loop" => return repeat(interp, args).map(Some),
        "catch" => return catch(interp, args).map(Some),
        "throw" => {
            let tag = interp.arg(args, 0)?.clone();
            let value = args.get(1).cloned().unwrap_or(Value::Nil);
            return Err(Flow::Throw(tag, value));
        }
        "rand" => super::digest::random_number(interp, args)?,
        "method" => {
            let method = super::super::value::string_of(interp.arg(args, 0)?).unwrap_or_default();
            enumerator::method_object(interp, &Value::Main, &method)
        }
        "url_encode" | "u" | "html_escape" | "h" => {
            return super::url::module(interp, "ERB::Util", name, args);
        }
        "j" => {
            let text = json::generate(interp, &interp.arg(args, 0)?.clone(), None)?;
            interp.text(text)?
        }
        "exit" | "abort" => return Err(interp.raise("SystemExit", "exit")),
        _ => return super::object::call(interp, &Value::Main, name, args),
    };
    Ok(Some(value))
}

fn as_lambda<'a>(block: &Rc<Proc<'a>>, lambda: bool) -> Rc<Proc<'a>> {
    use super::super::value::Code;
    match &block.code {
        Code::Block { block: code, env } if lambda => {
            let code = Code::Block { block: code, env: Rc::clone(env) };
            Rc::new(Proc { code, lambda: true, tag: block.tag })
        }
        _ => Rc::clone(block),
    }
}

/// Whether the keyword `exception: false` was given.
fn lenient(args: &Args<'_>) -> bool {
    args.keyword("exception").is_some_and(|value| !value.truthy())
}

/// `Integer(value)`
pub(super) fn integer<'a>(interp: &mut Interp<'a>, value: &Value<'a>, args: &Args<'a>) -> Eval<'a> {
    let bad = |message: String| if lenient(args) { None } else { Some(message) };
    let failure = match value {
        Value::Str(source) => {
            let source = source.borrow().clone();
            let radix = match args.get(1) {
                Some(value @ Value::Int(_)) => to_int(interp, value)?,
                _ => 10,
            };
            match whole(&source, radix) {
                Some(value) => return Ok(Value::Int(value)),
                None => {
                    let shown = string::shown(&source);
                    let message = format!("invalid value for Integer(): {shown}");
                    bad(message).map(|message| interp.argument_error(message))
                }
            }
        }
        Value::Nil => bad("can't convert nil into Integer".to_owned())
            .map(|message| interp.type_error(message)),
        Value::Int(_) => return Ok(value.clone()),
        Value::Float(float) => return number::to_integer(interp, float.trunc()),
        Value::Rational(top, bottom) => return Ok(Value::Int(top / bottom)),
        Value::Time(_) => return interp.ask(value, "to_i"),
        other => bad(format!("can't convert {} into Integer", other.class()))
            .map(|message| interp.type_error(message)),
    };
    failure.map_or(Ok(Value::Nil), Err)
}

/// Reads a text that is an integer as a whole.
fn whole(source: &str, radix: i64) -> Option<i64> {
    let text = source.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (radix, digits) = match digits.get(..2).unwrap_or_default() {
        "0x" | "0X" => (16, &digits[2..]),
        "0b" | "0B" => (2, &digits[2..]),
        "0o" | "0O" => (8, &digits[2..]),
        _ if radix == 10 && digits.len() > 1 && digits.starts_with('0') => (8, &digits[1..]),
        _ => (u32::try_from(radix).ok()?, digits),
    };
    let tidy = !digits.starts_with('_') && !digits.ends_with('_') && !digits.contains("__");
    let digits: String = digits.chars().filter(|c| *c != '_').collect();
    let plain = tidy && !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
    let value = i64::from_str_radix(&digits, radix).ok().filter(|_| plain)?;
    Some(if negative { -value } else { value })
}

/// `Float(value)`
pub(super) fn float<'a>(interp: &mut Interp<'a>, value: &Value<'a>) -> Eval<'a> {
    Ok(Value::Float(match value {
        Value::Int(value) => *value as f64,
        Value::Float(value) => *value,
        Value::Rational(top, bottom) => *top as f64 / *bottom as f64,
        Value::Str(source) => {
            let source = source.borrow();
            let text = source.trim().replace('_', "");
            let plain = text.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '+')
                && text.ends_with(|c: char| c.is_ascii_digit());
            match text.parse() {
                Ok(value) if plain => value,
                _ => {
                    let shown = string::shown(&source);
                    let message = format!("invalid value for Float(): {shown}");
                    return Err(interp.argument_error(message));
                }
            }
        }
        Value::Nil => return Err(interp.type_error("can't convert nil into Float")),
        other => {
            let message = format!("can't convert {} into Float", other.class());
            return Err(interp.type_error(message));
        }
    }))
}

fn repeat<'a>(interp: &mut Interp<'a>, args: &Args<'a>) -> Eval<'a> {
    let Some(block) = &args.block else {
        return Err(interp.raise("LocalJumpError", "no block given"));
    };
    let block = Rc::clone(block);
    loop {
        match interp.call_proc(&block, Vec::new()) {
            Ok(_) => {}
            Err(Flow::Raise(exception)) if exception.class == "StopIteration" => {
                return Ok(Value::Nil);
            }
            Err(other) => return Err(other),
        }
    }
}

fn catch<'a>(interp: &mut Interp<'a>, args: &Args<'a>) -> Eval<'a> {
    let tag = args.get(0).cloned().unwrap_or(Value::Main);
    let Some(block) = &args.block else {
        return Err(interp.raise("LocalJumpError", "no block given"));
    };
    let block = Rc::clone(block);
    match interp.call_proc(&block, vec![tag.clone()]) {
        Err(Flow::Throw(thrown, value)) if thrown.same(&tag) => Ok(value),
        other => other,
    }
}
