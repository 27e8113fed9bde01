//! Methods of strings and symbols. Positions count characters, as in Ruby.

use std::cell::RefCell;
use std::rc::Rc;

use super::super::interp::{Args, Flow, Found, Interp};
use super::super::value::{Range, Value};
use super::super::{compare, inspect};
use super::{format, int, regexp, text, to_int, to_text, without_block};

type Text = Rc<RefCell<String>>;

pub(super) fn call<'a>(
    interp: &mut Interp<'a>,
    receiver: &Value<'a>,
    this: &Text,
    name: &str,
    args: &Args<'a>,
) -> Found<'a> {
    let content = this.borrow().clone();
    interp.charge(1 + content.len() / 64)?;
    if let Some(value) = query(interp, &content, name, args)? {
        return Ok(Some(value));
    }
    if let Some(changed) = transform(interp, &content, name, args)? {
        return interp.text(changed).map(Some);
    }
    if let Some(value) = pieces(interp, receiver, &content, name, args)? {
        return Ok(Some(value));
    }
    if let Some(value) = super::text::call(interp, receiver, &content, name, args)? {
        return Ok(Some(value));
    }
    mutate(interp, receiver, this, name, args)
}

/// Methods that ask something.
fn query<'a>(interp: &mut Interp<'a>, this: &str, name: &str, args: &Args<'a>) -> Found<'a> {
    let value = match name {
        "empty?" => Value::Bool(this.is_empty()),
        "length" | "size" => Value::Int(this.chars().count() as i64),
        "bytesize" => Value::Int(this.len() as i64),
        "to_i" => to_i(interp, this, args)?,
        "to_f" => Value::Float(parse_float_prefix(this)),
        "to_r" => {
            let (top, bottom) = this.split_once('/').unwrap_or((this, "1"));
            let bottom = parse_int_prefix(bottom, 10).filter(|bottom| *bottom > 0).unwrap_or(1);
            let top = parse_int_prefix(top, 10).unwrap_or(0);
            super::number::reduced(interp, top.into(), bottom.into())?
        }
        "to_sym" | "intern" => Value::symbol(this),
        "include?" => Value::Bool(this.contains(&text(interp, args, 0)?)),
        "start_with?" => any_affix(interp, this, args, true)?,
        "end_with?" => any_affix(interp, this, args, false)?,
        "index" => index(interp, this, args)?,
        "rindex" => {
            let needle = text(interp, args, 0)?;
            char_position(this, this.rfind(&needle))
        }
        "count" => {
            let set = char_sets(interp, args)?;
            Value::Int(this.chars().filter(|c| set.contains(*c)).count() as i64)
        }
        "ord" => match this.chars().next() {
            Some(c) => Value::Int(i64::from(u32::from(c))),
            None => return Err(interp.argument_error("empty string")),
        },
        "hex" => Value::Int(parse_int_prefix(this.trim_start_matches("0x"), 16).unwrap_or(0)),
        "oct" => Value::Int(parse_int_prefix(this, 8).unwrap_or(0)),
        "casecmp" => match interp.arg(args, 0)? {
            Value::Str(other) => {
                let order = this.to_lowercase().cmp(&other.borrow().to_lowercase());
                Value::Int(order as i64)
            }
            _ => Value::Nil,
        },
        "casecmp?" => match interp.arg(args, 0)? {
            Value::Str(other) => Value::Bool(this.to_lowercase() == other.borrow().to_lowercase()),
            _ => Value::Nil,
        },
        "<" | ">" | "<=" | ">=" => {
            let order = compare::order_or_raise(interp, &Value::text(this), interp.arg(args, 0)?)?;
            Value::Bool(super::number::holds(name, order))
        }
        "between?" => {
            let (low, high) = (text(interp, args, 0)?, text(interp, args, 1)?);
            Value::Bool(low.as_str() <= this && this <= high.as_str())
        }
        "valid_encoding?" | "ascii_only?" => {
            Value::Bool(name == "valid_encoding?" || this.is_ascii())
        }
        "=~" => match interp.arg(args, 0)? {
            Value::Regex(regex) => {
                let regex = Rc::clone(regex);
                regexp::position(interp, &regex, this)?
            }
            Value::Nil => Value::Nil,
            _ => return Err(interp.type_error("type mismatch: String given")),
        },
        "match" => {
            let regex = regexp::pattern(interp, interp.arg(args, 0)?)?;
            let found = regexp::find(interp, &regex, this, 0)?;
            match (&args.block, found.is_nil()) {
                (Some(block), false) => interp.call_proc(block, vec![found])?,
                _ => found,
            }
        }
        "match?" => {
            let regex = regexp::pattern(interp, interp.arg(args, 0)?)?;
            Value::Bool(regexp::is_match(interp, &regex, this)?)
        }
        "encoding" => Value::text("UTF-8"),
        _ => return Ok(None),
    };
    Ok(Some(value))
}

/// Methods that return a changed copy; each has a twin with `!` that changes the string itself.
pub(super) fn transform<'a>(
    interp: &mut Interp<'a>,
    this: &str,
    name: &str,
    args: &Args<'a>,
) -> Result<Option<String>, Flow<'a>> {
    Ok(Some(match name {
        "downcase" => this.to_lowercase(),
        "upcase" => this.to_uppercase(),
        "capitalize" => capitalize(this),
        "swapcase" => this
            .chars()
            .flat_map(|c| -> Vec<char> {
                if c.is_uppercase() {
                    c.to_lowercase().collect()
                } else {
                    c.to_uppercase().collect()
                }
            })
            .collect(),
        "strip" => this.trim_matches(is_blank).to_owned(),
        "lstrip" => this.trim_start_matches(is_blank).to_owned(),
        "rstrip" => this.trim_end_matches(is_blank).to_owned(),
        "chomp" => match args.get(0) {
            Some(Value::Str(suffix)) => {
                this.strip_suffix(suffix.borrow().as_str()).unwrap_or(this).to_owned()
            }
            _ => {
                let cut = this.strip_suffix('\n').unwrap_or(this);
                let cut = if cut.len() < this.len() || this.ends_with('\r') {
                    cut.strip_suffix('\r').unwrap_or(cut)
                } else {
                    cut
                };
                cut.to_owned()
            }
        },
        "chop" => {
            let mut chars = this.chars();
            chars.next_back();
            chars.as_str().to_owned()
        }
        "reverse" => this.chars().rev().collect(),
        "squeeze" => {
            let set = match args.get(0) {
                Some(_) => Some(char_sets(interp, args)?),
                None => None,
            };
            let mut last = None;
            this.chars()
                .filter(|c| {
                    let repeated = last == Some(*c);
                    last = Some(*c);
                    !(repeated && set.as_ref().is_none_or(|set| set.contains(*c)))
                })
                .collect()
        }
        "delete" => {
            let set = char_sets(interp, args)?;
            this.chars().filter(|c| !set.contains(*c)).collect()
        }
        "delete_prefix" => {
            let prefix = text(interp, args, 0)?;
            this.strip_prefix(prefix.as_str()).unwrap_or(this).to_owned()
        }
        "delete_suffix" => {
            let suffix = text(interp, args, 0)?;
            this.strip_suffix(suffix.as_str()).unwrap_or(this).to_owned()
        }
        "tr" => format::translate(this, &text(interp, args, 0)?, &text(interp, args, 1)?),
        "succ" | "next" => format::successor(this),
        "gsub" => regexp::substitute(interp, this, args, true)?,
        "sub" => regexp::substitute(interp, this, args, false)?,
        "scrub" | "encode" | "force_encoding" => this.to_owned(),
        _ => return Ok(None),
    }))
}

/// Methods that take a string apart or build on it.
fn pieces<'a>(
    interp: &mut Interp<'a>,
    receiver: &Value<'a>,
    this: &str,
    name: &str,
    args: &Args<'a>,
) -> Found<'a> {
    let value = match name {
        "to_s" | "to_str" => receiver.clone(),
        "dup" | "clone" | "+@" | "-@" => interp.text(this)?,
        "+" => {
            let other = text(interp, args, 0)?;
            interp.text(format!("{this}{other}"))?
        }
        "*" => {
            let times = int(interp, args, 0)?;
            let Ok(times) = usize::try_from(times) else {
                return Err(interp.argument_error("argument must be non-negative"));
            };
            super::check_size(interp, this.len().saturating_mul(times))?;
            interp.text(this.repeat(times))?
        }
        "%" => {
            let list = match interp.arg(args, 0)? {
                Value::Array(items) => items.borrow().clone(),
                other => vec![other.clone()],
            };
            let text = format::format(interp, this, &list)?;
            interp.text(text)?
        }
        "[]" | "slice" => slice(interp, this, args)?,
        "chars" => {
            let list = this.chars().map(|c| Value::text(c.to_string())).collect();
            interp.array(list)?
        }
        "bytes" => {
            let list = this.bytes().map(|b| Value::Int(i64::from(b))).collect();
            interp.array(list)?
        }
        "lines" => {
            let list = this.split_inclusive('\n').map(Value::text).collect();
            interp.array(list)?
        }
        "codepoints" => {
            let list = this.chars().map(|c| Value::Int(i64::from(u32::from(c)))).collect();
            interp.array(list)?
        }
        "split" => regexp::split(interp, this, args)?,
        "scan" => regexp::scan(interp, this, args)?,
        "partition" | "rpartition" => {
            let parts = regexp::partition(interp, this, args, name == "rpartition")?;
            let parts = parts.into_iter().map(Value::text).collect();
            interp.array(parts)?
        }
        "each_char" => match &args.block {
            Some(block) => {
                for c in this.chars() {
                    interp.call_proc(block, vec![Value::text(c.to_string())])?;
                }
                receiver.clone()
            }
            None => without_block(receiver, name, args),
        },
        "each_line" => match &args.block {
            Some(block) => {
                for line in this.split_inclusive('\n') {
                    interp.call_proc(block, vec![Value::text(line)])?;
                }
                receiver.clone()
            }
            None => without_block(receiver, name, args),
        },
        _ => return Ok(None),
    };
    Ok(Some(value))
}

/// Methods that change the string itself.
fn mutate<'a>(
    interp: &mut Interp<'a>,
    receiver: &Value<'a>,
    this: &Text,
    name: &str,
    args: &Args<'a>,
) -> Found<'a> {
    if let Some(stem) = name.strip_suffix('!') {
        let content = this.borrow().clone();
        let Some(changed) = transform(interp, &content, stem, args)? else {
            return if stem == "slice" { cut(interp, this, args).map(Some) } else { Ok(None) };
        };
        interp.allocate(changed.len())?;
        let same = changed == content;
        *this.borrow_mut() = changed;
        // These two return the string even when nothing changed.
        let always = matches!(stem, "reverse" | "succ" | "next" | "scrub" | "encode");
        return Ok(Some(if same && !always { Value::Nil } else { receiver.clone() }));
    }
    match name {
        "<<" | "concat" => {
            for arg in &args.list {
                let added = match arg {
                    Value::Int(code) => u32::try_from(*code)
                        .ok()
                        .and_then(char::from_u32)
                        .map(String::from)
                        .unwrap_or_default(),
                    other => to_text(interp, other)?,
                };
                let length = this.borrow().len() + added.len();
                interp.allocate(added.len() + if added.is_empty() { 0 } else { length / 16 })?;
                this.borrow_mut().push_str(&added);
            }
        }
        "prepend" => {
            let added = text(interp, args, 0)?;
            interp.allocate(added.len())?;
            this.borrow_mut().insert_str(0, &added);
        }
        "insert" => {
            let added = text(interp, args, 1)?;
            let length = this.borrow().chars().count() as i64;
            let at = int(interp, args, 0)?;
            let at = if at < 0 { at + length + 1 } else { at };
            if at < 0 || at > length {
                let message = format!("index {} out of string", int(interp, args, 0)?);
                return Err(interp.raise("IndexError", message));
            }
            interp.allocate(added.len())?;
            let offset = byte_offset(&this.borrow(), at as usize);
            this.borrow_mut().insert_str(offset, &added);
        }
        "replace" => {
            let content = text(interp, args, 0)?;
            *this.borrow_mut() = content;
        }
        "clear" => this.borrow_mut().clear(),
        "[]=" => {
            let content = this.borrow().clone();
            let value = to_text(interp, interp.arg(args, args.len().saturating_sub(1))?)?;
            let changed = replace_slice(interp, &content, args, &value)?;
            interp.allocate(changed.len())?;
            *this.borrow_mut() = changed;
        }
        _ => return Ok(None),
    }
    Ok(Some(receiver.clone()))
}

/// `slice!`
fn cut<'a>(interp: &mut Interp<'a>, this: &Text, args: &Args<'a>) -> Result<Value<'a>, Flow<'a>> {
    let content = this.borrow().clone();
    let part = slice(interp, &content, args)?;
    if !part.is_nil() {
        let mut with = args.list.clone();
        with.push(Value::text(""));
        *this.borrow_mut() = replace_slice(interp, &content, &Args::of(with), "")?;
    }
    Ok(part)
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\u{b}' | '\u{c}' | '\r' | '\0')
}

pub(super) fn capitalize(this: &str) -> String {
    let mut chars = this.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars.as_str().to_lowercase().chars()).collect(),
        None => String::new(),
    }
}

fn any_affix<'a>(
    interp: &mut Interp<'a>,
    this: &str,
    args: &Args<'a>,
    start: bool,
) -> Result<Value<'a>, Flow<'a>> {
    for arg in &args.list {
        let holds = match arg {
            Value::Regex(regex) if start => {
                matches!(regexp::position(interp, regex, this)?, Value::Int(0))
            }
            other => {
                let affix = to_text(interp, other)?;
                if start { this.starts_with(&affix) } else { this.ends_with(&affix) }
            }
        };
        if holds {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

fn index<'a>(interp: &mut Interp<'a>, this: &str, args: &Args<'a>) -> Result<Value<'a>, Flow<'a>> {
    let from = match args.get(1) {
        Some(value) => to_int(interp, value)?,
        None => 0,
    };
    let length = this.chars().count() as i64;
    let from = if from < 0 { from + length } else { from };
    if from < 0 || from > length {
        return Ok(Value::Nil);
    }
    let start = byte_offset(this, from as usize);
    match interp.arg(args, 0)? {
        Value::Regex(regex) => {
            let found = regexp::find(interp, regex, this, start)?;
            match &found {
                Value::Match(found) => {
                    let at = found.groups.first().copied().flatten().map(|(start, _)| start);
                    Ok(char_position(this, at))
                }
                _ => Ok(Value::Nil),
            }
        }
        other => {
            let needle = to_text(interp, other)?;
            let found = this.get(start..).and_then(|rest| rest.find(&needle));
            Ok(char_position(this, found.map(|at| at + start)))
        }
    }
}

pub(super) fn char_position<'a>(this: &str, byte: Option<usize>) -> Value<'a> {
    match byte.and_then(|byte| this.get(..byte)) {
        Some(before) => Value::Int(before.chars().count() as i64),
        None => Value::Nil,
    }
}

pub(super) fn byte_offset(this: &str, chars: usize) -> usize {
    this.char_indices().nth(chars).map_or(this.len(), |(offset, _)| offset)
}

fn to_i<'a>(interp: &Interp<'a>, this: &str, args: &Args<'a>) -> Result<Value<'a>, Flow<'a>> {
    let radix = match args.get(0) {
        Some(value) => to_int(interp, value)?,
        None => 10,
    };
    let Some(radix) = u32::try_from(radix).ok().filter(|radix| (2..=36).contains(radix)) else {
        return Err(interp.argument_error(format!("invalid radix {radix}")));
    };
    match parse_int_prefix(this, radix) {
        Some(value) => Ok(Value::Int(value)),
        None => Err(interp.raise("RangeError", "the integer is beyond 64 bits")),
    }
}

/// Reads the integer that a text starts with; 0 when there is none, `None` beyond 64 bits.
pub(super) fn parse_int_prefix(this: &str, radix: u32) -> Option<i64> {
    let rest = this.trim_start();
    let (negative, rest) = match rest.as_bytes().first() {
        Some(b'-') => (true, &rest[1..]),
        Some(b'+') => (false, &rest[1..]),
        _ => (false, rest),
    };
    let rest = match radix {
        16 => rest.strip_prefix("0x").unwrap_or(rest),
        2 => rest.strip_prefix("0b").unwrap_or(rest),
        _ => rest,
    };
    let mut total: i64 = 0;
    let mut after_digit = false;
    for c in rest.chars() {
        match c.to_digit(radix) {
            Some(digit) => {
                total = total.checked_mul(i64::from(radix))?.checked_add(i64::from(digit))?;
                after_digit = true;
            }
            None if c == '_' && after_digit => after_digit = false,
            None => break,
        }
    }
    Some(if negative { -total } else { total })
}

/// Reads the float that a text starts with; 0.0 when there is none.
pub(super) fn parse_float_prefix(this: &str) -> f64 {
    let text: String = this.trim_start().chars().filter(|c| *c != '_').collect();
    let bytes = text.as_bytes();
    let digits = |mut at: usize| {
        while bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        at
    };
    let sign = usize::from(matches!(bytes.first(), Some(b'-' | b'+')));
    let mut end = digits(sign);
    if bytes.get(end) == Some(&b'.') && digits(end + 1) > end + 1 {
        end = digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) && end > sign {
        let from = end + 1 + usize::from(matches!(bytes.get(end + 1), Some(b'-' | b'+')));
        if digits(from) > from {
            end = digits(from);
        }
    }
    text.get(..end).and_then(|number| number.parse().ok()).unwrap_or(0.0)
}

/// Sets of characters as `count`, `delete` and `squeeze` take them: ranges, and `^` negates; a
/// character must be in all of them.
struct CharSets(Vec<(bool, Vec<char>)>);

impl CharSets {
    fn contains(&self, c: char) -> bool {
        self.0.iter().all(|(negated, chars)| chars.contains(&c) != *negated)
    }
}

fn char_sets<'a>(interp: &Interp<'a>, args: &Args<'a>) -> Result<CharSets, Flow<'a>> {
    interp.arg(args, 0)?;
    let mut sets = Vec::new();
    for value in &args.list {
        let text = to_text(interp, value)?;
        sets.push(match text.strip_prefix('^').filter(|rest| !rest.is_empty()) {
            Some(rest) => (true, format::expand(rest)),
            None => (false, format::expand(&text)),
        });
    }
    Ok(CharSets(sets))
}

/// Resolves a range of positions against a length; `None` when it starts outside.
pub(super) fn range_bounds<'a>(
    interp: &Interp<'a>,
    range: &Range<'a>,
    length: usize,
) -> Result<Option<(usize, usize)>, Flow<'a>> {
    let length = length as i64;
    let from = match &range.from {
        Value::Nil => 0,
        value => to_int(interp, value)?,
    };
    let to = match &range.to {
        Value::Nil => length,
        value => {
            let to = to_int(interp, value)?;
            let to = if to < 0 { to + length } else { to };
            to.saturating_add(i64::from(!range.exclusive))
        }
    };
    let from = if from < 0 { from + length } else { from };
    if from < 0 || from > length {
        return Ok(None);
    }
    Ok(Some((from as usize, to.clamp(from, length) as usize)))
}

fn slice<'a>(interp: &mut Interp<'a>, this: &str, args: &Args<'a>) -> Result<Value<'a>, Flow<'a>> {
    let length = || this.chars().count();
    let bounds = match (interp.arg(args, 0)?, args.get(1)) {
        (Value::Regex(regex), group) => {
            let found = regexp::find(interp, regex, this, 0)?;
            let group = group.cloned().unwrap_or(Value::Int(0));
            return match found {
                Value::Nil => Ok(Value::Nil),
                found => interp.send(&found, "[]", Args::of(vec![group])),
            };
        }
        (Value::Str(part), _) => {
            let part = part.borrow().clone();
            return if this.contains(&part) { interp.text(part) } else { Ok(Value::Nil) };
        }
        (Value::Range(range), _) => range_bounds(interp, range, length())?,
        (first, Some(count)) => {
            let (from, count) = (to_int(interp, first)?, to_int(interp, count)?);
            let length = length() as i64;
            let from = if from < 0 { from + length } else { from };
            let inside = (0..=length).contains(&from) && count >= 0;
            inside.then(|| (from as usize, from.saturating_add(count).min(length) as usize))
        }
        (first, None) => {
            let at = to_int(interp, first)?;
            let length = length() as i64;
            let at = if at < 0 { at + length } else { at };
            (0..length).contains(&at).then(|| (at as usize, at as usize + 1))
        }
    };
    match bounds {
        Some((from, to)) => {
            let part: String = this.chars().skip(from).take(to - from).collect();
            interp.text(part)
        }
        None => Ok(Value::Nil),
    }
}

fn replace_slice<'a>(
    interp: &mut Interp<'a>,
    this: &str,
    args: &Args<'a>,
    value: &str,
) -> Result<String, Flow<'a>> {
    let length = this.chars().count();
    let bounds = match (interp.arg(args, 0)?, args.len()) {
        (Value::Regex(regex), _) => {
            let regex = Rc::clone(regex);
            match regexp::find(interp, &regex, this, 0)? {
                Value::Match(found) => {
                    let (from, to) = found.groups.first().copied().flatten().unwrap_or((0, 0));
                    return Ok(format!("{}{value}{}", &this[..from], &this[to..]));
                }
                _ => return Err(interp.raise("IndexError", "regexp not matched")),
            }
        }
        (Value::Str(part), _) => {
            if !this.contains(part.borrow().as_str()) {
                return Err(interp.raise("IndexError", "string not matched"));
            }
            return Ok(this.replacen(part.borrow().as_str(), value, 1));
        }
        (Value::Range(range), _) => range_bounds(interp, range, length)?,
        (first, count) => {
            let from = to_int(interp, first)?;
            let from = if from < 0 { from + length as i64 } else { from };
            let count = if count > 2 { int(interp, args, 1)? } else { 1 };
            usize::try_from(from)
                .ok()
                .filter(|from| *from <= length)
                .map(|from| (from, (from + count.max(0) as usize).min(length)))
        }
    };
    let Some((from, to)) = bounds else {
        return Err(interp.raise("IndexError", "index out of string"));
    };
    let (from, to) = (byte_offset(this, from), byte_offset(this, to));
    Ok(format!("{}{value}{}", &this[..from], &this[to..]))
}

/// Methods of symbols; many answer as the string would.
pub(super) fn call_symbol<'a>(
    interp: &mut Interp<'a>,
    this: &Rc<str>,
    name: &str,
    args: &Args<'a>,
) -> Found<'a> {
    let value = match name {
        "to_sym" => Value::Sym(Rc::clone(this)),
        "to_proc" => super::enumerator::symbol_proc(interp, this),
        "id2name" | "name" => interp.text(&**this)?,
        "length" | "size" | "empty?" | "start_with?" | "end_with?" | "[]" => {
            return query(interp, this, name, args).and_then(|found| match found {
                Some(value) => Ok(Some(value)),
                None => slice(interp, this, args).map(Some),
            });
        }
        "upcase" | "downcase" | "capitalize" | "swapcase" | "succ" => {
            let changed = transform(interp, this, name, args)?.unwrap_or_default();
            Value::symbol(&changed)
        }
        _ => return Ok(None),
    };
    Ok(Some(value))
}

/// Returns what a string shows in an error message.
pub(super) fn shown(this: &str) -> String {
    let mut out = String::new();
    inspect::quote(this, &mut out);
    out
}
