//! Methods that every value has, and those of nil, true and false.

use super::super::hash::Key;
use super::super::interp::{Args, Found, Interp};
use super::super::value::Value;
use super::super::{compare, constants, inspect};
use super::{json, names};

pub(super) fn call<'a>(
    interp: &mut Interp<'a>,
    receiver: &Value<'a>,
    name: &str,
    args: &Args<'a>,
) -> Found<'a> {
    let value = match name {
        "nil?" => Value::Bool(receiver.is_nil()),
        "==" => Value::Bool(compare::equal(receiver, interp.arg(args, 0)?)),
        "eql?" => Value::Bool(Key::of(receiver) == Key::of(interp.arg(args, 0)?)),
        "===" => Value::Bool(compare::equal(receiver, interp.arg(args, 0)?)),
        "equal?" => Value::Bool(receiver.same(interp.arg(args, 0)?)),
        "!=" => {
            let same = interp.send(receiver, "==", Args::of(args.list.clone()))?;
            Value::Bool(!same.truthy())
        }
        "!" => Value::Bool(!receiver.truthy()),
        "<=>" => match compare::order(receiver, interp.arg(args, 0)?) {
            Some(order) => Value::Int(order as i64),
            None => Value::Nil,
        },
        "=~" => Value::Nil,
        "!~" => {
            let found = interp.send(receiver, "=~", Args::of(args.list.clone()))?;
            Value::Bool(!found.truthy())
        }
        "to_s" => {
            let text = inspect::to_s(interp, receiver)?;
            interp.text(text)?
        }
        "inspect" => {
            let text = inspect::inspect(interp, receiver)?;
            interp.text(text)?
        }
        "to_json" => {
            let text = json::generate(interp, receiver, None)?;
            interp.text(text)?
        }
        "is_a?" | "kind_of?" => match interp.arg(args, 0)? {
            Value::Class(class) => Value::Bool(is_a(receiver, class)),
            _ => return Err(interp.type_error("class or module required")),
        },
        "instance_of?" => match interp.arg(args, 0)? {
            Value::Class(class) => Value::Bool(receiver.class() == *class),
            _ => return Err(interp.type_error("class or module required")),
        },
        "class" => Value::Class(receiver.class()),
        "frozen?" => Value::Bool(!receiver.holds_values() && !matches!(receiver, Value::Str(_))),
        "freeze" | "itself" | "dup" | "clone" => receiver.clone(),
        "hash" => identity(receiver),
        "object_id" | "__id__" => match receiver {
            Value::Str(text) => Value::Int(std::rc::Rc::as_ptr(text).addr() as i64),
            Value::Array(items) => Value::Int(std::rc::Rc::as_ptr(items).addr() as i64),
            Value::Hash(hash) => Value::Int(std::rc::Rc::as_ptr(hash).addr() as i64),
            Value::Int(value) => Value::Int(value.saturating_mul(2).saturating_add(1)),
            other => identity(other),
        },
        _ => return call_block(interp, receiver, name, args),
    };
    Ok(Some(value))
}

fn call_block<'a>(
    interp: &mut Interp<'a>,
    receiver: &Value<'a>,
    name: &str,
    args: &Args<'a>,
) -> Found<'a> {
    let value = match name {
        "tap" => {
            if let Some(block) = &args.block {
                interp.call_proc(block, vec![receiver.clone()])?;
            }
            receiver.clone()
        }
        "then" | "yield_self" => match &args.block {
            Some(block) => interp.call_proc(block, vec![receiver.clone()])?,
            None => receiver.clone(),
        },
        "respond_to?" => {
            let method = super::super::value::string_of(interp.arg(args, 0)?).unwrap_or_default();
            Value::Bool(names::responds(receiver, &method))
        }
        "send" | "public_send" | "__send__" => {
            let method = super::super::value::string_of(interp.arg(args, 0)?).unwrap_or_default();
            let list = args.list.get(1..).unwrap_or_default().to_vec();
            let rest = Args { list, keywords: args.keywords, block: args.block.clone() };
            interp.send(receiver, &method, rest)?
        }
        "method" => {
            let method = super::super::value::string_of(interp.arg(args, 0)?).unwrap_or_default();
            super::enumerator::method_object(interp, receiver, &method)
        }
        "display" => Value::Nil,
        "enum_for" | "to_enum" => super::without_block(receiver, "each", &Args::none()),
        _ => return call_plain(interp, receiver, name, args),
    };
    Ok(Some(value))
}

/// Methods of nil, true and false.
fn call_plain<'a>(
    interp: &mut Interp<'a>,
    receiver: &Value<'a>,
    name: &str,
    args: &Args<'a>,
) -> Found<'a> {
    let value = match (receiver, name) {
        (Value::Nil, "to_a") => interp.array(Vec::new())?,
        (Value::Nil, "to_h") => interp.hash(Vec::new())?,
        (Value::Nil, "to_i") => Value::Int(0),
        (Value::Nil, "to_f") => Value::Float(0.0),
        (Value::Nil, "to_r") => Value::Rational(0, 1),
        (Value::Bool(value), "&") => Value::Bool(*value && interp.arg(args, 0)?.truthy()),
        (Value::Bool(value), "|") => Value::Bool(*value || interp.arg(args, 0)?.truthy()),
        (Value::Bool(value), "^") => Value::Bool(*value != interp.arg(args, 0)?.truthy()),
        (Value::Nil, "&") => Value::Bool(false),
        (Value::Nil, "|") => Value::Bool(interp.arg(args, 0)?.truthy()),
        _ => return Ok(None),
    };
    Ok(Some(value))
}

/// Tells whether a value is of a class or module.
pub(crate) fn is_a(value: &Value<'_>, class: &str) -> bool {
    constants::descends(value.class(), class)
}

fn identity<'a>(value: &Value<'a>) -> Value<'a> {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    Key::of(value).hash(&mut hasher);
    Value::Int((hasher.finish() >> 2) as i64)
}
