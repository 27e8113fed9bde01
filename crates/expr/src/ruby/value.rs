//! The values of the language.
//!
//! Containers are shared and mutable, as in Ruby. What comes from the context stays JSON until it
//! is touched: looking a key up converts that value, not its neighbours.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use serde_json::Value as Json;

use super::ast;
use super::hash::Hash;
use super::interp::{Flow, Interp};
use super::regex::Regex;

/// A value; cloning shares containers.
#[derive(Clone)]
pub(crate) enum Value<'a> {
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    /// A reduced fraction with a positive denominator; what date differences are.
    Rational(i64, i64),
    Str(Rc<RefCell<String>>),
    Sym(Rc<str>),
    Array(Rc<RefCell<Vec<Value<'a>>>>),
    Hash(Rc<Hash<'a>>),
    Range(Rc<Range<'a>>),
    Regex(Rc<Pattern>),
    Match(Rc<Match>),
    Proc(Rc<Proc<'a>>),
    Enumerator(Rc<Enumerator<'a>>),
    Time(Rc<Time>),
    Date(jiff::civil::Date),
    Exception(Rc<Exception>),
    /// A class or module.
    Class(&'static str),
    /// A time zone, as `TZInfo::Timezone.get` returns it.
    Zone(Rc<jiff::tz::TimeZone>),
    /// The object of the program itself.
    Main,
}

pub(crate) struct Range<'a> {
    pub(crate) from: Value<'a>,
    pub(crate) to: Value<'a>,
    pub(crate) exclusive: bool,
}

/// A regular expression, compiled with the text or while it ran.
pub(crate) type Pattern = std::sync::Arc<Regex>;

/// A match: the text and the byte ranges of the groups.
pub(crate) struct Match {
    pub(crate) text: Rc<str>,
    pub(crate) groups: Vec<Option<(usize, usize)>>,
    pub(crate) names: Vec<(String, usize)>,
}

impl Match {
    /// Returns a group's text.
    pub(crate) fn group(&self, number: usize) -> Option<&str> {
        let (start, end) = (*self.groups.get(number)?)?;
        self.text.get(start..end)
    }
}

/// Time and DateTime: an instant with a zone.
pub(crate) struct Time {
    pub(crate) zoned: jiff::Zoned,
    /// Whether it is a DateTime, which prints, adds and subtracts in another way.
    pub(crate) datetime: bool,
    /// Whether it was made as UTC, which prints as `UTC`.
    pub(crate) utc: bool,
}

/// A block, proc or lambda.
pub(crate) struct Proc<'a> {
    pub(crate) code: Code<'a>,
    pub(crate) lambda: bool,
    /// Identifies the call that `break` in this block leaves.
    pub(crate) tag: u64,
}

/// A function in Rust that stands where a block may.
pub(crate) type Native<'a> =
    Box<dyn Fn(&mut Interp<'a>, Vec<Value<'a>>) -> Result<Value<'a>, Flow<'a>> + 'a>;

pub(crate) enum Code<'a> {
    Block {
        block: &'a ast::Block,
        env: Rc<Env<'a>>,
    },
    /// `&:name`
    Symbol(Rc<str>),
    /// `method(:name)` of a method that the text defines.
    Method(&'a ast::Def),
    /// `receiver.method(:name)`
    Bound(Value<'a>, Rc<str>),
    Native(Native<'a>),
}

/// A scope of local variables.
pub(crate) struct Env<'a> {
    pub(crate) slots: RefCell<Vec<Value<'a>>>,
    pub(crate) parent: Option<Rc<Env<'a>>>,
    pub(crate) method: Rc<Frame<'a>>,
    /// The tag of the block whose scope this is.
    pub(crate) tag: u64,
    /// Whether this is the scope of a lambda, which `return` leaves.
    pub(crate) lambda: bool,
}

/// A call of a method that the text defines, or the program itself.
pub(crate) struct Frame<'a> {
    pub(crate) tag: u64,
    pub(crate) block: Option<Rc<Proc<'a>>>,
}

/// The answer of `each`, `map` and their kin without a block.
pub(crate) struct Enumerator<'a> {
    pub(crate) receiver: Value<'a>,
    pub(crate) method: Rc<str>,
    pub(crate) args: Vec<Value<'a>>,
    /// How many values `next` has given.
    pub(crate) position: Cell<usize>,
}

/// An exception.
#[derive(Debug, Clone)]
pub(crate) struct Exception {
    pub(crate) class: &'static str,
    pub(crate) message: String,
    /// Offset in the parsed source of the call that raised it.
    pub(crate) at: u32,
}

impl<'a> Value<'a> {
    pub(crate) fn text(text: impl Into<String>) -> Value<'a> {
        Value::Str(Rc::new(RefCell::new(text.into())))
    }

    pub(crate) fn symbol(name: &str) -> Value<'a> {
        Value::Sym(name.into())
    }

    pub(crate) fn array(items: Vec<Value<'a>>) -> Value<'a> {
        Value::Array(Rc::new(RefCell::new(items)))
    }

    pub(crate) fn pair(first: Value<'a>, second: Value<'a>) -> Value<'a> {
        Value::array(vec![first, second])
    }

    /// Returns the value, or nil for none.
    pub(crate) fn or_nil(value: Option<Value<'a>>) -> Value<'a> {
        value.unwrap_or(Value::Nil)
    }

    /// Wraps JSON. Objects stay JSON until touched; `strict` ones raise on missing keys.
    pub(crate) fn json(json: &'a Json, strict: bool) -> Value<'a> {
        match json {
            Json::Null => Value::Nil,
            Json::Bool(value) => Value::Bool(*value),
            Json::Number(number) => match number.as_i64() {
                Some(value) => Value::Int(value),
                None => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            Json::String(text) => Value::text(text.as_str()),
            Json::Array(items) => {
                Value::array(items.iter().map(|item| Value::json(item, strict)).collect())
            }
            Json::Object(map) => Value::Hash(Rc::new(Hash::lazy(map, strict))),
        }
    }

    /// Everything but nil and false counts as true.
    pub(crate) fn truthy(&self) -> bool {
        !matches!(self, Value::Nil | Value::Bool(false))
    }

    pub(crate) fn is_nil(&self) -> bool {
        matches!(self, Value::Nil)
    }

    /// Names the class.
    pub(crate) fn class(&self) -> &'static str {
        match self {
            Value::Nil => "NilClass",
            Value::Bool(true) => "TrueClass",
            Value::Bool(false) => "FalseClass",
            Value::Int(_) => "Integer",
            Value::Float(_) => "Float",
            Value::Rational(..) => "Rational",
            Value::Str(_) => "String",
            Value::Sym(_) => "Symbol",
            Value::Array(_) => "Array",
            Value::Hash(_) => "Hash",
            Value::Range(_) => "Range",
            Value::Regex(_) => "Regexp",
            Value::Match(_) => "MatchData",
            Value::Proc(_) => "Proc",
            Value::Enumerator(_) => "Enumerator",
            Value::Time(time) if time.datetime => "DateTime",
            Value::Time(_) => "Time",
            Value::Date(_) => "Date",
            Value::Exception(exception) => exception.class,
            Value::Class(name) if super::constants::is_module(name) => "Module",
            Value::Class(_) => "Class",
            Value::Zone(_) => "TZInfo::Timezone",
            Value::Main => "Object",
        }
    }

    /// Tells whether two values are one object.
    pub(crate) fn same(&self, other: &Value<'a>) -> bool {
        match (self, other) {
            (Value::Str(a), Value::Str(b)) => Rc::ptr_eq(a, b),
            (Value::Array(a), Value::Array(b)) => Rc::ptr_eq(a, b),
            (Value::Hash(a), Value::Hash(b)) => Rc::ptr_eq(a, b),
            (Value::Proc(a), Value::Proc(b)) => Rc::ptr_eq(a, b),
            (Value::Exception(a), Value::Exception(b)) => Rc::ptr_eq(a, b),
            (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
            (Value::Time(a), Value::Time(b)) => Rc::ptr_eq(a, b),
            (Value::Nil, Value::Nil) | (Value::Main, Value::Main) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Int(a), Value::Int(b)) => a == b,
            (Value::Sym(a), Value::Sym(b)) => a == b,
            (Value::Class(a), Value::Class(b)) => a == b,
            _ => false,
        }
    }

    /// Tells whether the value can hold others, and so be part of a cycle.
    pub(crate) fn holds_values(&self) -> bool {
        matches!(self, Value::Array(_) | Value::Hash(_) | Value::Proc(_) | Value::Enumerator(_))
    }
}

/// Returns the text of a string or symbol.
pub(crate) fn string_of(value: &Value<'_>) -> Option<String> {
    match value {
        Value::Str(text) => Some(text.borrow().clone()),
        Value::Sym(name) => Some(name.to_string()),
        _ => None,
    }
}
