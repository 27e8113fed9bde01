//! The methods of the values: which type has which, and which names are known at all.

mod array;
mod classes;
mod digest;
mod enumerable;
mod enumerator;
mod exception;
mod format;
mod functions;
mod hash;
mod json;
mod names;
mod number;
mod object;
mod regexp;
mod string;
mod text;
pub(crate) mod time;
mod time_make;
mod url;

pub(crate) use functions::{function, is_function};
pub(crate) use names::is_known;

use std::rc::Rc;

use super::interp::{Args, Flow, Found, Interp};
use super::value::{Enumerator, Value};

/// Calls a method of a value; `None` when it has none of that name.
pub(crate) fn dispatch<'a>(
    interp: &mut Interp<'a>,
    receiver: &Value<'a>,
    name: &str,
    args: &Args<'a>,
) -> Found<'a> {
    let found = match receiver {
        Value::Str(text) => string::call(interp, receiver, text, name, args)?,
        Value::Sym(symbol) => string::call_symbol(interp, symbol, name, args)?,
        Value::Int(_) | Value::Float(_) | Value::Rational(..) => {
            number::call(interp, receiver, name, args)?
        }
        Value::Array(items) => array::call(interp, receiver, items, name, args)?,
        Value::Hash(hash) => hash::call(interp, receiver, hash, name, args)?,
        Value::Range(range) => array::call_range(interp, receiver, range, name, args)?,
        Value::Enumerator(it) => enumerator::call(interp, it, name, args)?,
        Value::Regex(regex) => regexp::call(interp, regex, name, args)?,
        Value::Match(found) => regexp::call_match(interp, found, name, args)?,
        Value::Proc(block) => enumerator::call_proc(interp, receiver, block, name, args)?,
        Value::Time(time) => time::call(interp, receiver, time, name, args)?,
        Value::Date(date) => time::call_date(interp, *date, name, args)?,
        Value::Exception(exception) => exception::call(interp, exception, name, args)?,
        Value::Class(class) => classes::call(interp, class, name, args)?,
        Value::Zone(zone) => time_make::call_zone(interp, zone, name, args)?,
        Value::Main if is_function(name) => return function(interp, name, args),
        Value::Nil | Value::Bool(_) | Value::Main => None,
    };
    match found {
        Some(value) => Ok(Some(value)),
        None => object::call(interp, receiver, name, args),
    }
}

/// Returns a lazy stand-in for a call that has no block.
fn without_block<'a>(receiver: &Value<'a>, name: &str, args: &Args<'a>) -> Value<'a> {
    Value::Enumerator(Rc::new(Enumerator {
        receiver: receiver.clone(),
        method: name.into(),
        args: args.list.clone(),
        position: std::cell::Cell::new(0),
    }))
}

/// Reads an argument as integer.
fn int<'a>(interp: &Interp<'a>, args: &Args<'a>, index: usize) -> Result<i64, Flow<'a>> {
    to_int(interp, interp.arg(args, index)?)
}

fn to_int<'a>(interp: &Interp<'a>, value: &Value<'a>) -> Result<i64, Flow<'a>> {
    match value {
        Value::Int(value) => Ok(*value),
        Value::Float(value) if value.is_finite() && value.abs() < 9.2e18 => Ok(*value as i64),
        Value::Rational(top, bottom) => Ok(top / bottom),
        Value::Nil => Err(interp.type_error("no implicit conversion from nil to integer")),
        other => {
            let message = format!("no implicit conversion of {} into Integer", other.class());
            Err(interp.type_error(message))
        }
    }
}

/// Reads an argument as string.
fn text<'a>(interp: &Interp<'a>, args: &Args<'a>, index: usize) -> Result<String, Flow<'a>> {
    to_text(interp, interp.arg(args, index)?)
}

fn to_text<'a>(interp: &Interp<'a>, value: &Value<'a>) -> Result<String, Flow<'a>> {
    match value {
        Value::Str(text) => Ok(text.borrow().clone()),
        other => {
            let class = match other {
                Value::Nil => "nil",
                Value::Bool(true) => "true",
                Value::Bool(false) => "false",
                other => other.class(),
            };
            Err(interp.type_error(format!("no implicit conversion of {class} into String")))
        }
    }
}

/// Refuses a string or list that would be too large before it is made.
fn check_size<'a>(interp: &mut Interp<'a>, bytes: usize) -> Result<(), Flow<'a>> {
    interp.allocate(bytes)
}
