//! Regular expressions: matching, substitution, splitting; methods of Regexp and MatchData.

use std::rc::Rc;
use std::sync::Arc;

use super::super::interp::{Args, Eval, Flow, Found, Interp};
use super::super::regex::{self, Regex};
use super::super::value::{Match, Pattern, Value, string_of};
use super::super::{compare, inspect};
use super::{int, string, text, to_int, to_text};

/// Reads an argument as pattern: a regular expression, or a string to be taken literally.
pub(super) fn pattern<'a>(interp: &Interp<'a>, value: &Value<'a>) -> Result<Rc<Pattern>, Flow<'a>> {
    match value {
        Value::Regex(regex) => Ok(Rc::clone(regex)),
        Value::Str(source) => compile(interp, &source.borrow(), ""),
        other => {
            let message = format!("wrong argument type {} (expected Regexp)", other.class());
            Err(interp.type_error(message))
        }
    }
}

pub(super) fn compile<'a>(
    interp: &Interp<'a>,
    source: &str,
    flags: &'static str,
) -> Result<Rc<Pattern>, Flow<'a>> {
    let compiled = Regex::new(source, flags);
    let regex = compiled.map_err(|error| interp.raise("RegexpError", error))?;
    Ok(Rc::new(Arc::new(regex)))
}

/// The byte ranges of the groups of one match.
type Groups = Vec<Option<(usize, usize)>>;

fn search<'a>(
    interp: &mut Interp<'a>,
    regex: &Pattern,
    text: &str,
    from: usize,
) -> Result<Option<Groups>, Flow<'a>> {
    interp.charge(1 + text.len().saturating_sub(from) / 64)?;
    match regex.compiled.captures_from_pos(text, from) {
        Ok(Some(found)) => {
            let group = |number| found.get(number).map(|found| (found.start(), found.end()));
            Ok(Some((0..found.len()).map(group).collect()))
        }
        Ok(None) => Ok(None),
        Err(error) => Err(interp.stop(format!("the regular expression gave up: {error}"))),
    }
}

fn made(regex: &Pattern, text: &Rc<str>, groups: Groups) -> Match {
    let names = regex
        .compiled
        .capture_names()
        .enumerate()
        .filter_map(|(number, name)| Some((name?.to_owned(), number)))
        .collect();
    Match { text: Rc::clone(text), groups, names }
}

/// Finds the first match from a byte offset, and remembers it as `$~`.
pub(super) fn find<'a>(
    interp: &mut Interp<'a>,
    regex: &Rc<Pattern>,
    text: &str,
    from: usize,
) -> Eval<'a> {
    let found = match search(interp, regex, text, from)? {
        Some(groups) => {
            interp.allocate(text.len())?;
            Value::Match(Rc::new(made(regex, &text.into(), groups)))
        }
        None => Value::Nil,
    };
    interp.last_match = found.clone();
    Ok(found)
}

pub(super) fn is_match<'a>(
    interp: &mut Interp<'a>,
    regex: &Rc<Pattern>,
    text: &str,
) -> Result<bool, Flow<'a>> {
    Ok(search(interp, regex, text, 0)?.is_some())
}

/// Returns the position of the first match in characters, or nil.
pub(super) fn position<'a>(interp: &mut Interp<'a>, regex: &Rc<Pattern>, text: &str) -> Eval<'a> {
    Ok(match find(interp, regex, text, 0)? {
        Value::Match(found) => {
            let start = found.groups.first().copied().flatten().map(|(start, _)| start);
            string::char_position(text, start)
        }
        _ => Value::Nil,
    })
}

/// Finds all matches that do not overlap.
fn all_matches<'a>(
    interp: &mut Interp<'a>,
    regex: &Pattern,
    text: &str,
) -> Result<Vec<Groups>, Flow<'a>> {
    let mut list = Vec::new();
    let mut from = 0;
    while from <= text.len() {
        let Some(groups) = search(interp, regex, text, from)? else {
            break;
        };
        let Some((start, end)) = groups.first().copied().flatten() else {
            break;
        };
        interp.allocate(groups.len() * 32)?;
        // After an empty match the search goes on one character later.
        from = if end > start {
            end
        } else {
            end + text.get(end..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8)
        };
        list.push(groups);
    }
    Ok(list)
}

/// Lists matches of a pattern that may be a plain string.
fn occurrences<'a>(
    interp: &mut Interp<'a>,
    pattern: &Value<'a>,
    text: &str,
) -> Result<(Vec<Groups>, Option<Rc<Pattern>>), Flow<'a>> {
    match pattern {
        Value::Regex(regex) => Ok((all_matches(interp, regex, text)?, Some(Rc::clone(regex)))),
        other => {
            let needle = to_text(interp, other)?;
            interp.charge(text.len() / 64)?;
            let groups = text.match_indices(&needle);
            let list = groups.map(|(at, found)| vec![Some((at, at + found.len()))]).collect();
            Ok((list, None))
        }
    }
}

/// `gsub` and `sub`, with a string, a hash or a block.
pub(super) fn substitute<'a>(
    interp: &mut Interp<'a>,
    this: &str,
    args: &Args<'a>,
    all: bool,
) -> Result<String, Flow<'a>> {
    let (mut found, regex) = occurrences(interp, interp.arg(args, 0)?, this)?;
    if !all {
        found.truncate(1);
    }
    let shared: Rc<str> = this.into();
    let mut out = String::with_capacity(this.len());
    let mut done = 0;
    for groups in found {
        let Some((start, end)) = groups.first().copied().flatten() else {
            continue;
        };
        out.push_str(this.get(done..start).unwrap_or_default());
        let matched = this.get(start..end).unwrap_or_default();
        let names = match &regex {
            Some(regex) => made(regex, &shared, groups),
            None => Match { text: Rc::clone(&shared), groups, names: Vec::new() },
        };
        let replacement = match (args.get(1), &args.block) {
            (Some(Value::Hash(hash)), _) => {
                let value = Value::or_nil(hash.get(&Value::text(matched)));
                inspect::to_s(interp, &value)?
            }
            (Some(value), _) => expand(&to_text(interp, value)?, &names),
            (None, Some(block)) => {
                interp.last_match = Value::Match(Rc::new(names));
                let value = interp.call_proc(block, vec![Value::text(matched)])?;
                inspect::to_s(interp, &value)?
            }
            (None, None) => return Err(interp.wrong_arguments(args.len(), 1, 2, false)),
        };
        interp.allocate(replacement.len())?;
        out.push_str(&replacement);
        done = end;
    }
    out.push_str(this.get(done..).unwrap_or_default());
    Ok(out)
}

/// Fills in `\1`, `\0`, `\k<name>` and `\\` of a replacement.
fn expand(template: &str, found: &Match) -> String {
    let mut out = String::new();
    let mut chars = template.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('&' | '0') => out.push_str(found.group(0).unwrap_or_default()),
            Some(digit @ '1'..='9') => {
                let number = digit.to_digit(10).unwrap_or(0) as usize;
                out.push_str(found.group(number).unwrap_or_default());
            }
            Some('k') if chars.peek() == Some(&'<') => {
                chars.next();
                let name: String = chars.by_ref().take_while(|c| *c != '>').collect();
                let number = found.names.iter().find(|(known, _)| *known == name);
                out.push_str(number.and_then(|(_, n)| found.group(*n)).unwrap_or_default());
            }
            Some('\\') => out.push('\\'),
            Some(other) => {
                out.push('\\');
                out.push(other);
            }
            None => out.push('\\'),
        }
    }
    out
}

/// `split`.
pub(super) fn split<'a>(interp: &mut Interp<'a>, this: &str, args: &Args<'a>) -> Eval<'a> {
    let limit = match args.get(1) {
        Some(value) => to_int(interp, value)?,
        None => 0,
    };
    let blank = match args.get(0) {
        None | Some(Value::Nil) => true,
        Some(Value::Str(separator)) => *separator.borrow() == " ",
        Some(_) => false,
    };
    let mut parts: Vec<String> = if this.is_empty() {
        Vec::new()
    } else if blank {
        split_blank(this, limit)
    } else {
        split_at(interp, this, interp.arg(args, 0)?, limit)?
    };
    if limit == 0 {
        while parts.last().is_some_and(String::is_empty) {
            parts.pop();
        }
    }
    interp.allocate(this.len())?;
    let parts = parts.into_iter().map(Value::text).collect();
    interp.array(parts)
}

fn split_blank(this: &str, limit: i64) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = this.trim_start();
    while !rest.is_empty() {
        if limit > 0 && parts.len() as i64 == limit - 1 {
            parts.push(rest.to_owned());
            return parts;
        }
        match rest.find(char::is_whitespace) {
            Some(end) => {
                parts.push(rest[..end].to_owned());
                rest = rest[end..].trim_start();
                if rest.is_empty() && limit != 0 {
                    parts.push(String::new());
                }
            }
            None => {
                parts.push(rest.to_owned());
                break;
            }
        }
    }
    parts
}

fn split_at<'a>(
    interp: &mut Interp<'a>,
    this: &str,
    separator: &Value<'a>,
    limit: i64,
) -> Result<Vec<String>, Flow<'a>> {
    if let Value::Str(separator) = separator
        && separator.borrow().is_empty()
    {
        let count = this.chars().count();
        interp.charge(count)?;
        let single = if limit > 0 { (limit as usize - 1).min(count) } else { count };
        let mut parts: Vec<String> = this.chars().take(single).map(String::from).collect();
        if single < count || limit < 0 {
            parts.push(this.chars().skip(single).collect());
        }
        return Ok(parts);
    }
    let (found, _) = occurrences(interp, separator, this)?;
    let mut parts = Vec::new();
    let mut done = 0;
    for groups in found {
        if limit > 0 && parts.len() as i64 >= limit - 1 {
            break;
        }
        let Some((start, end)) = groups.first().copied().flatten() else {
            continue;
        };
        if end == start && (start == 0 || start >= this.len()) {
            continue;
        }
        parts.push(this.get(done..start).unwrap_or_default().to_owned());
        for group in groups.iter().skip(1).flatten() {
            parts.push(this.get(group.0..group.1).unwrap_or_default().to_owned());
        }
        done = end;
    }
    parts.push(this.get(done..).unwrap_or_default().to_owned());
    Ok(parts)
}

/// `scan`.
pub(super) fn scan<'a>(interp: &mut Interp<'a>, this: &str, args: &Args<'a>) -> Eval<'a> {
    let (found, regex) = occurrences(interp, interp.arg(args, 0)?, this)?;
    let shared: Rc<str> = this.into();
    let mut list = Vec::new();
    for groups in found {
        let part = |group: &Option<(usize, usize)>| match group {
            Some((start, end)) => Value::text(this.get(*start..*end).unwrap_or_default()),
            None => Value::Nil,
        };
        let item = match groups.as_slice() {
            [whole] => part(whole),
            many => Value::array(many.iter().skip(1).map(part).collect()),
        };
        interp.allocate(64)?;
        match &args.block {
            Some(block) => {
                if let Some(regex) = &regex {
                    interp.last_match = Value::Match(Rc::new(made(regex, &shared, groups)));
                }
                interp.call_proc(block, vec![item])?;
            }
            None => list.push(item),
        }
    }
    match &args.block {
        Some(_) => interp.text(this),
        None => interp.array(list),
    }
}

/// `partition` and `rpartition`.
pub(super) fn partition<'a>(
    interp: &mut Interp<'a>,
    this: &str,
    args: &Args<'a>,
    last: bool,
) -> Result<Vec<String>, Flow<'a>> {
    let (found, _) = occurrences(interp, interp.arg(args, 0)?, this)?;
    let groups = if last { found.last() } else { found.first() };
    let part = |from: usize, to: usize| this.get(from..to).unwrap_or_default().to_owned();
    Ok(match groups.and_then(|groups| groups.first().copied().flatten()) {
        Some((start, end)) => vec![part(0, start), part(start, end), part(end, this.len())],
        None if last => vec![String::new(), String::new(), this.to_owned()],
        None => vec![this.to_owned(), String::new(), String::new()],
    })
}

/// Methods of Regexp.
pub(super) fn call<'a>(
    interp: &mut Interp<'a>,
    this: &Rc<Pattern>,
    name: &str,
    args: &Args<'a>,
) -> Found<'a> {
    let value = match name {
        "match" | "=~" | "match?" | "===" => {
            let subject = match interp.arg(args, 0)? {
                value @ (Value::Str(_) | Value::Sym(_)) => string_of(value).unwrap_or_default(),
                Value::Nil if name != "===" => {
                    interp.last_match = Value::Nil;
                    let none = if name == "match?" { Value::Bool(false) } else { Value::Nil };
                    return Ok(Some(none));
                }
                _ if name == "===" => return Ok(Some(Value::Bool(false))),
                other => return to_text(interp, other).map(|_| None),
            };
            match name {
                "match" => find(interp, this, &subject, 0)?,
                "=~" => position(interp, this, &subject)?,
                "===" => Value::Bool(!find(interp, this, &subject, 0)?.is_nil()),
                _ => Value::Bool(is_match(interp, this, &subject)?),
            }
        }
        "source" => interp.text(this.source.as_str())?,
        "options" => {
            let bit = |flag, bit| if this.flags.contains(flag) { bit } else { 0 };
            Value::Int(bit('i', 1) | bit('x', 2) | bit('m', 4))
        }
        "names" => {
            let names = this.compiled.capture_names().flatten().map(Value::text).collect();
            interp.array(names)?
        }
        _ => return Ok(None),
    };
    Ok(Some(value))
}

/// Methods of MatchData.
pub(super) fn call_match<'a>(
    interp: &mut Interp<'a>,
    this: &Rc<Match>,
    name: &str,
    args: &Args<'a>,
) -> Found<'a> {
    let group = |number: usize| match this.group(number) {
        Some(text) => Value::text(text),
        None => Value::Nil,
    };
    let numbered = || (1..this.groups.len()).map(group).collect::<Vec<_>>();
    let value = match name {
        "[]" => match interp.arg(args, 0)? {
            Value::Int(number) => {
                let count = this.groups.len() as i64;
                let number = if *number < 0 { number + count } else { *number };
                usize::try_from(number).map_or(Value::Nil, group)
            }
            other => {
                let wanted = string_of(other).unwrap_or_default();
                match this.names.iter().find(|(known, _)| *known == wanted) {
                    Some((_, number)) => group(*number),
                    None => {
                        let message = format!("undefined group name reference: {wanted}");
                        return Err(interp.raise("IndexError", message));
                    }
                }
            }
        },
        "captures" => interp.array(numbered())?,
        "to_a" => {
            let list = (0..this.groups.len()).map(group).collect();
            interp.array(list)?
        }
        "named_captures" => {
            let pairs = this.names.iter().map(|(name, n)| (Value::text(name.as_str()), group(*n)));
            interp.hash(pairs.collect())?
        }
        "names" => {
            let names = this.names.iter().map(|(name, _)| Value::text(name.as_str())).collect();
            interp.array(names)?
        }
        "pre_match" | "post_match" => {
            let (start, end) = this.groups.first().copied().flatten().unwrap_or((0, 0));
            let range = if name == "pre_match" { 0..start } else { end..this.text.len() };
            interp.text(this.text.get(range).unwrap_or_default())?
        }
        "begin" | "end" => {
            let number = usize::try_from(int(interp, args, 0)?).unwrap_or(0);
            let range = this.groups.get(number).copied().flatten();
            let offset = range.map(|(start, end)| if name == "begin" { start } else { end });
            string::char_position(&this.text, offset)
        }
        "size" | "length" => Value::Int(this.groups.len() as i64),
        "string" => interp.text(&*this.text)?,
        "values_at" => {
            let mut list = Vec::new();
            for value in &args.list {
                list.push(usize::try_from(to_int(interp, value)?).map_or(Value::Nil, group));
            }
            interp.array(list)?
        }
        _ => return Ok(None),
    };
    Ok(Some(value))
}

/// Methods of the class Regexp.
pub(super) fn class<'a>(interp: &mut Interp<'a>, name: &str, args: &Args<'a>) -> Found<'a> {
    let value = match name {
        "new" | "compile" => match interp.arg(args, 0)? {
            Value::Regex(regex) => Value::Regex(Rc::clone(regex)),
            other => {
                let source = to_text(interp, other)?;
                let flags = match args.get(1) {
                    Some(Value::Int(bits)) => {
                        regex::flags(bits & 1 != 0, bits & 2 != 0, bits & 4 != 0)
                    }
                    Some(value) if value.truthy() => "i",
                    _ => "",
                };
                Value::Regex(compile(interp, &source, flags)?)
            }
        },
        "escape" | "quote" => {
            let escaped = regex::escape(&text(interp, args, 0)?);
            interp.text(escaped)?
        }
        "union" => {
            let list = match args.list.as_slice() {
                [Value::Array(items)] => items.borrow().clone(),
                many => many.to_vec(),
            };
            let mut parts = Vec::new();
            for item in &list {
                parts.push(match item {
                    Value::Regex(regex) if list.len() == 1 => regex.source.clone(),
                    Value::Regex(regex) => regex.embedded(),
                    other => regex::escape(&to_text(interp, other)?),
                });
            }
            Value::Regex(compile(interp, &parts.join("|"), "")?)
        }
        "last_match" => match args.get(0) {
            Some(_) if interp.last_match.is_nil() => Value::Nil,
            Some(number) => {
                let found = interp.last_match.clone();
                interp.send(&found, "[]", Args::of(vec![number.clone()]))?
            }
            None => interp.last_match.clone(),
        },
        _ => return Ok(None),
    };
    Ok(Some(value))
}

/// Tells whether a pattern in the sense of `===` holds, as `grep`, `any?` and `all?` use it.
pub(super) fn case_equal<'a>(
    interp: &mut Interp<'a>,
    pattern: &Value<'a>,
    value: &Value<'a>,
) -> Result<bool, Flow<'a>> {
    match pattern {
        Value::Regex(_) | Value::Class(_) | Value::Range(_) | Value::Proc(_) => {
            let args = Args::of(vec![value.clone()]);
            Ok(interp.send(pattern, "===", args)?.truthy())
        }
        other => Ok(compare::equal(other, value)),
    }
}
