//! `JSON.parse`, `JSON.generate` and `to_json`.

use std::rc::Rc;

use serde_json::Value as Json;

use super::super::hash::Hash;
use super::super::inspect;
use super::super::interp::{Args, Eval, Flow, Found, Interp};
use super::super::value::Value;
use super::text;

/// Nesting beyond which JSON is refused, as Ruby's generator does.
const DEPTH_MAX: usize = 100;

pub(super) fn module<'a>(interp: &mut Interp<'a>, name: &str, args: &Args<'a>) -> Found<'a> {
    let value = match name {
        "parse" | "parse!" | "load" => {
            if name == "load" && interp.arg(args, 0)?.is_nil() {
                return Ok(Some(Value::Nil));
            }
            let source = text(interp, args, 0)?;
            let symbols = args.keyword("symbolize_names").is_some_and(|value| value.truthy());
            parse(interp, &source, symbols)?
        }
        "generate" | "dump" | "fast_generate" => {
            let value = interp.arg(args, 0)?.clone();
            let text = generate(interp, &value, None)?;
            interp.text(text)?
        }
        "pretty_generate" => {
            let value = interp.arg(args, 0)?.clone();
            let text = generate(interp, &value, Some(0))?;
            interp.text(text)?
        }
        _ => return Ok(None),
    };
    Ok(Some(value))
}

fn parse<'a>(interp: &mut Interp<'a>, source: &str, symbols: bool) -> Eval<'a> {
    interp.charge(1 + source.len() / 16)?;
    interp.allocate(source.len())?;
    if source.trim().is_empty() {
        return Err(interp.raise("JSON::ParserError", "unexpected end of input"));
    }
    match serde_json::from_str::<Json>(source) {
        Ok(json) => owned(interp, json, symbols),
        Err(error) => {
            // Ruby shows the text from the unexpected token on.
            let rest: String = source
                .lines()
                .nth(error.line().saturating_sub(1))
                .unwrap_or_default()
                .chars()
                .skip(error.column().saturating_sub(1))
                .take(40)
                .collect();
            let message = format!("unexpected token at '{rest}' ({error})");
            Err(interp.raise("JSON::ParserError", message))
        }
    }
}

fn owned<'a>(interp: &mut Interp<'a>, json: Json, symbols: bool) -> Eval<'a> {
    match json {
        Json::Null => Ok(Value::Nil),
        Json::Bool(value) => Ok(Value::Bool(value)),
        Json::Number(number) => Ok(match number.as_i64() {
            Some(value) => Value::Int(value),
            None => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        }),
        Json::String(text) => interp.text(text),
        Json::Array(items) => {
            let mut list = Vec::with_capacity(items.len());
            for item in items {
                list.push(owned(interp, item, symbols)?);
            }
            interp.array(list)
        }
        Json::Object(map) => {
            interp.allocate(map.len() * 128 + 96)?;
            interp.charge(map.len())?;
            let hash = Hash::new();
            for (key, value) in map {
                let value = owned(interp, value, symbols)?;
                let key = if symbols { Value::symbol(&key) } else { Value::text(key) };
                hash.insert(key, value);
            }
            Ok(Value::Hash(Rc::new(hash)))
        }
    }
}

/// Writes JSON; with an indent for the pretty form.
pub(super) fn generate<'a>(
    interp: &mut Interp<'a>,
    value: &Value<'a>,
    pretty: Option<usize>,
) -> Result<String, Flow<'a>> {
    let mut out = String::new();
    write(interp, value, pretty, 0, &mut out)?;
    Ok(out)
}

fn write<'a>(
    interp: &mut Interp<'a>,
    value: &Value<'a>,
    pretty: Option<usize>,
    depth: usize,
    out: &mut String,
) -> Result<(), Flow<'a>> {
    if depth > DEPTH_MAX {
        let message = format!("nesting of {depth} is too deep");
        return Err(interp.raise("JSON::GeneratorError", message));
    }
    interp.charge(1)?;
    let start = out.len();
    match value {
        Value::Nil => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Int(value) => out.push_str(&value.to_string()),
        Value::Float(value) if !value.is_finite() => {
            let message = format!("{} not allowed in JSON", inspect::float(*value));
            return Err(interp.raise("JSON::GeneratorError", message));
        }
        Value::Float(value) => out.push_str(&inspect::float(*value)),
        Value::Array(items) => {
            let items = items.borrow().clone();
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                separate(index, pretty, depth + 1, out);
                write(interp, item, pretty, depth + 1, out)?;
            }
            close(items.is_empty(), pretty, depth, out);
            out.push(']');
        }
        Value::Hash(hash) => {
            let pairs = hash.pairs();
            out.push('{');
            for (index, (key, value)) in pairs.iter().enumerate() {
                separate(index, pretty, depth + 1, out);
                let key = inspect::to_s(interp, key)?;
                quote(&key, out);
                out.push_str(if pretty.is_some() { ": " } else { ":" });
                write(interp, value, pretty, depth + 1, out)?;
            }
            close(false, pretty, depth, out);
            out.push('}');
        }
        other => {
            let shown = inspect::to_s(interp, other)?;
            quote(&shown, out);
        }
    }
    // What a container's items took was counted with them.
    let counted = if value.holds_values() { 2 } else { out.len() - start };
    interp.allocate(counted)
}

fn separate(index: usize, pretty: Option<usize>, depth: usize, out: &mut String) {
    if index > 0 {
        out.push(',');
    }
    if pretty.is_some() {
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
    }
}

/// Ends a list or an object; in the pretty form an empty list holds an empty line.
fn close(blank: bool, pretty: Option<usize>, depth: usize, out: &mut String) {
    if pretty.is_some() {
        out.push_str(if blank { "\n\n" } else { "\n" });
        out.push_str(&"  ".repeat(depth));
    }
}

fn quote(text: &str, out: &mut String) {
    out.push_str(&Json::from(text).to_string());
}
