//! How values print: `to_s` and `inspect`, worded as Ruby 3.1 does.

use std::fmt::Write as _;

use super::interp::{Flow, Interp};
use super::methods::time;
use super::value::Value;

/// Nesting at which printing gives up on a structure.
const DEPTH_MAX: usize = 64;

/// Returns what `to_s` gives.
pub(crate) fn to_s<'a>(interp: &mut Interp<'a>, value: &Value<'a>) -> Result<String, Flow<'a>> {
    Ok(match value {
        Value::Nil => String::new(),
        Value::Str(text) => text.borrow().clone(),
        Value::Sym(name) => name.to_string(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Float(value) => float(*value),
        Value::Rational(top, bottom) => format!("{top}/{bottom}"),
        Value::Range(range) => {
            let (from, to) = (to_s(interp, &range.from)?, to_s(interp, &range.to)?);
            format!("{from}{}{to}", if range.exclusive { "..." } else { ".." })
        }
        Value::Regex(regex) => regex.embedded(),
        Value::Match(found) => found.group(0).unwrap_or_default().to_owned(),
        Value::Exception(exception) => exception.message.clone(),
        Value::Class(name) => (*name).to_owned(),
        Value::Time(time) => time::to_s(time),
        Value::Date(date) => date.to_string(),
        Value::Main => "main".to_owned(),
        other => inspect(interp, other)?,
    })
}

/// Returns what `inspect` gives.
pub(crate) fn inspect<'a>(interp: &mut Interp<'a>, value: &Value<'a>) -> Result<String, Flow<'a>> {
    let mut out = String::new();
    write_inspect(interp, value, &mut out, 0)?;
    interp.allocate(out.len())?;
    Ok(out)
}

fn write_inspect<'a>(
    interp: &mut Interp<'a>,
    value: &Value<'a>,
    out: &mut String,
    depth: usize,
) -> Result<(), Flow<'a>> {
    interp.charge(1)?;
    if depth > DEPTH_MAX {
        out.push_str("...");
        return Ok(());
    }
    match value {
        Value::Nil => out.push_str("nil"),
        Value::Str(text) => quote(&text.borrow(), out),
        Value::Sym(name) => symbol(name, out),
        Value::Array(items) => {
            out.push('[');
            let items = items.borrow().clone();
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                write_inspect(interp, item, out, depth + 1)?;
            }
            out.push(']');
        }
        Value::Hash(hash) => {
            out.push('{');
            for (index, (key, value)) in hash.pairs().iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                write_inspect(interp, key, out, depth + 1)?;
                out.push_str("=>");
                write_inspect(interp, value, out, depth + 1)?;
            }
            out.push('}');
        }
        Value::Range(range) => {
            if !range.from.is_nil() {
                write_inspect(interp, &range.from, out, depth + 1)?;
            }
            out.push_str(if range.exclusive { "..." } else { ".." });
            if !range.to.is_nil() {
                write_inspect(interp, &range.to, out, depth + 1)?;
            }
        }
        other => out.push_str(&inspect_simple(interp, other)?),
    }
    Ok(())
}

fn inspect_simple<'a>(interp: &mut Interp<'a>, value: &Value<'a>) -> Result<String, Flow<'a>> {
    Ok(match value {
        Value::Rational(top, bottom) => format!("({top}/{bottom})"),
        Value::Regex(regex) => format!("/{}/{}", regex.source, regex.flags),
        Value::Match(found) => {
            let mut text = String::from("#<MatchData ");
            quote(found.group(0).unwrap_or_default(), &mut text);
            for number in 1..found.groups.len() {
                let name = found.names.iter().find(|(_, known)| *known == number);
                match name {
                    Some((name, _)) => write!(text, " {name}:").ok(),
                    None => write!(text, " {number}:").ok(),
                };
                match found.group(number) {
                    Some(group) => quote(group, &mut text),
                    None => text.push_str("nil"),
                }
            }
            text.push('>');
            text
        }
        Value::Exception(exception) if exception.message.is_empty() => exception.class.to_owned(),
        Value::Exception(exception) => format!("#<{}: {}>", exception.class, exception.message),
        Value::Time(time) => time::inspect(time),
        Value::Date(date) => time::inspect_date(*date),
        Value::Proc(made) if made.lambda => "#<Proc (lambda)>".to_owned(),
        Value::Proc(_) => "#<Proc>".to_owned(),
        Value::Enumerator(it) => {
            format!("#<Enumerator: {}:{}>", inspect(interp, &it.receiver)?, it.method)
        }
        Value::Zone(zone) => {
            format!("#<TZInfo::DataTimezone: {}>", zone.iana_name().unwrap_or("UTC"))
        }
        other => to_s(interp, other)?,
    })
}

/// Describes a receiver for "undefined method `x' for …".
pub(crate) fn for_error<'a>(
    interp: &mut Interp<'a>,
    value: &Value<'a>,
) -> Result<String, Flow<'a>> {
    /// Beyond this many characters Ruby names the class only.
    const SHOWN_CHARS_MAX: usize = 65;
    Ok(match value {
        Value::Nil => "nil:NilClass".to_owned(),
        Value::Bool(true) => "true:TrueClass".to_owned(),
        Value::Bool(false) => "false:FalseClass".to_owned(),
        Value::Main => "main:Object".to_owned(),
        Value::Class(name) => format!("{name}:{}", value.class()),
        Value::Proc(_) | Value::Exception(_) => format!("#<{}>", value.class()),
        other => {
            let shown = inspect(interp, other)?;
            if shown.chars().count() <= SHOWN_CHARS_MAX {
                format!("{shown}:{}", other.class())
            } else {
                format!("#<{}>", other.class())
            }
        }
    })
}

/// Prints a float as Ruby does.
pub(crate) fn float(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let size = value.abs();
    if size == 0.0 || (1e-4..1e15).contains(&size) {
        let text = format!("{value}");
        return if text.contains('.') { text } else { text + ".0" };
    }
    let text = format!("{value:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let point = if mantissa.contains('.') { "" } else { ".0" };
    let (sign, digits) = match exponent.strip_prefix('-') {
        Some(digits) => ('-', digits),
        None => ('+', exponent),
    };
    format!("{mantissa}{point}e{sign}{digits:0>2}")
}

/// Writes a string literal.
pub(crate) fn quote(text: &str, out: &mut String) {
    out.push('"');
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '\u{1b}' => out.push_str("\\e"),
            '\u{8}' => out.push_str("\\b"),
            '\u{7}' => out.push_str("\\a"),
            '\u{b}' => out.push_str("\\v"),
            '\u{c}' => out.push_str("\\f"),
            '#' if matches!(chars.peek(), Some('{' | '$' | '@')) => out.push_str("\\#"),
            '\u{7f}' => out.push_str("\\x7F"),
            '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' | '\u{80}'..='\u{9f}' => {
                let _ = write!(out, "\\u{:04X}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

fn symbol(name: &str, out: &mut String) {
    const OPERATORS: &[&str] = &[
        "+", "-", "*", "/", "%", "**", "==", "!=", "<", ">", "<=", ">=", "<=>", "===", "[]", "[]=",
        "<<", ">>", "!", "=~", "!~", "&", "|", "^", "~", "+@", "-@",
    ];
    let stem = name.trim_end_matches(['?', '!', '=']);
    let stem = stem.trim_start_matches('@');
    let plain = !stem.is_empty()
        && name.len() <= stem.len() + 3
        && !stem.starts_with(|c: char| c.is_ascii_digit())
        && stem.chars().all(|c| c == '_' || c.is_alphanumeric());
    out.push(':');
    if plain || OPERATORS.contains(&name) {
        out.push_str(name);
    } else {
        quote(name, out);
    }
}
