//! Methods of arrays and ranges beyond those of every enumerable.

use std::cell::RefCell;
use std::rc::Rc;

use super::super::hash::Key;
use super::super::interp::{Args, Eval, Flow, Found, Interp};
use super::super::value::{Range, Value};
use super::super::{compare, inspect};
use super::{enumerable, int, number, string, text, to_int, without_block};

type Items<'a> = Rc<RefCell<Vec<Value<'a>>>>;

pub(super) fn call<'a>(
    interp: &mut Interp<'a>,
    receiver: &Value<'a>,
    this: &Items<'a>,
    name: &str,
    args: &Args<'a>,
) -> Found<'a> {
    if let Some(value) = access(interp, this, name, args)? {
        return Ok(Some(value));
    }
    if let Some(value) = derive(interp, this, name, args)? {
        return Ok(Some(value));
    }
    if let Some(value) = mutate(interp, receiver, this, name, args)? {
        return Ok(Some(value));
    }
    if let Some(value) = mutate_by_block(interp, receiver, this, name, args)? {
        return Ok(Some(value));
    }
    let items = this.borrow().clone();
    enumerable::call(interp, receiver, items, name, args)
}

/// Methods that read elements.
fn access<'a>(interp: &mut Interp<'a>, this: &Items<'a>, name: &str, args: &Args<'a>) -> Found<'a> {
    let value = match name {
        "[]" | "slice" => slice(interp, &this.borrow().clone(), args)?,
        "at" => element(&this.borrow(), int(interp, args, 0)?),
        "dig" => dig(interp, &Value::Array(Rc::clone(this)), &args.list)?,
        "fetch" => {
            let at = int(interp, args, 0)?;
            let length = this.borrow().len() as i64;
            let inside = if at < 0 { at + length >= 0 } else { at < length };
            match (inside, &args.block, args.get(1)) {
                (true, _, _) => element(&this.borrow(), at),
                (false, Some(block), _) => interp.call_proc(block, vec![Value::Int(at)])?,
                (false, None, Some(default)) => default.clone(),
                _ => {
                    let message =
                        format!("index {at} outside of array bounds: {}...{length}", -length);
                    return Err(interp.raise("IndexError", message));
                }
            }
        }
        "values_at" => {
            let mut list = Vec::new();
            for index in &args.list {
                list.push(element(&this.borrow(), to_int(interp, index)?));
            }
            interp.array(list)?
        }
        "length" | "size" => Value::Int(this.borrow().len() as i64),
        "empty?" => Value::Bool(this.borrow().is_empty()),
        "first" if args.len() == 0 => Value::or_nil(this.borrow().first().cloned()),
        "last" => match args.get(0) {
            None => Value::or_nil(this.borrow().last().cloned()),
            Some(count) => {
                let count = usize::try_from(to_int(interp, count)?).unwrap_or(0);
                let items = this.borrow();
                let tail = items.get(items.len().saturating_sub(count)..).unwrap_or_default();
                let tail = tail.to_vec();
                drop(items);
                interp.array(tail)?
            }
        },
        "index" | "find_index" | "rindex" if args.len() == 1 => {
            let wanted = interp.arg(args, 0)?;
            let items = this.borrow();
            interp.charge(items.len())?;
            let holds = |item: &Value<'a>| compare::equal(item, wanted);
            let at = match name {
                "rindex" => items.iter().rposition(holds),
                _ => items.iter().position(holds),
            };
            at.map_or(Value::Nil, |at| Value::Int(at as i64))
        }
        "sample" => Value::or_nil(this.borrow().first().cloned()),
        "assoc" => {
            let wanted = interp.arg(args, 0)?;
            let items = this.borrow();
            let found = items.iter().find(|item| match item {
                Value::Array(pair) => {
                    pair.borrow().first().is_some_and(|key| compare::equal(key, wanted))
                }
                _ => false,
            });
            Value::or_nil(found.cloned())
        }
        _ => return Ok(None),
    };
    Ok(Some(value))
}

fn element<'a>(items: &[Value<'a>], at: i64) -> Value<'a> {
    let at = if at < 0 { at + items.len() as i64 } else { at };
    let found = usize::try_from(at).ok().and_then(|at| items.get(at));
    Value::or_nil(found.cloned())
}

fn bounds<'a>(
    interp: &mut Interp<'a>,
    length: usize,
    args: &Args<'a>,
) -> Result<Option<(usize, usize)>, Flow<'a>> {
    match (interp.arg(args, 0)?, args.get(1)) {
        (Value::Range(range), _) => string::range_bounds(interp, range, length),
        (first, count) => {
            let from = to_int(interp, first)?;
            let count = match count {
                Some(count) => to_int(interp, count)?,
                None => 1,
            };
            let length = length as i64;
            let from = if from < 0 { from + length } else { from };
            let inside = (0..=length).contains(&from) && count >= 0;
            let to = from.saturating_add(count).min(length);
            Ok(inside.then_some((from as usize, to as usize)))
        }
    }
}

fn slice<'a>(interp: &mut Interp<'a>, items: &[Value<'a>], args: &Args<'a>) -> Eval<'a> {
    if args.len() == 1 && !matches!(args.get(0), Some(Value::Range(_))) {
        let at = int(interp, args, 0)?;
        return Ok(element(items, at));
    }
    match bounds(interp, items.len(), args)? {
        Some((from, to)) => interp.array(items.get(from..to).unwrap_or_default().to_vec()),
        None => Ok(Value::Nil),
    }
}

/// Follows a path of keys and indexes; nil ends it.
pub(super) fn dig<'a>(interp: &mut Interp<'a>, start: &Value<'a>, path: &[Value<'a>]) -> Eval<'a> {
    let mut current = start.clone();
    for key in path {
        current = match &current {
            Value::Nil => return Ok(Value::Nil),
            Value::Hash(hash) => Value::or_nil(hash.get(key)),
            Value::Array(items) => element(&items.borrow(), to_int(interp, key)?),
            other => {
                let message = format!("{} does not have #dig method", other.class());
                return Err(interp.type_error(message));
            }
        };
    }
    Ok(current)
}

/// Reads an argument as list.
fn list<'a>(
    interp: &mut Interp<'a>,
    args: &Args<'a>,
    index: usize,
) -> Result<Vec<Value<'a>>, Flow<'a>> {
    match interp.arg(args, index)? {
        Value::Array(items) => Ok(items.borrow().clone()),
        value @ (Value::Range(_) | Value::Enumerator(_)) => interp.items(&value.clone()),
        other => {
            let class = if other.is_nil() { "nil" } else { other.class() };
            Err(interp.type_error(format!("no implicit conversion of {class} into Array")))
        }
    }
}

/// Methods that combine the array with others, or make a text of it.
fn derive<'a>(interp: &mut Interp<'a>, this: &Items<'a>, name: &str, args: &Args<'a>) -> Found<'a> {
    let items = || this.borrow().clone();
    let value = match name {
        "+" => {
            let mut joined = items();
            joined.extend(list(interp, args, 0)?);
            interp.array(joined)?
        }
        "-" | "difference" => {
            let mut left = items();
            for index in 0..args.len() {
                let gone: std::collections::HashSet<Key> =
                    list(interp, args, index)?.iter().map(Key::of).collect();
                interp.charge(left.len() + gone.len())?;
                left.retain(|item| !gone.contains(&Key::of(item)));
            }
            interp.array(left)?
        }
        "&" | "intersection" | "intersect?" => {
            let kept: std::collections::HashSet<Key> =
                list(interp, args, 0)?.iter().map(Key::of).collect();
            let both = items().into_iter().filter(|item| kept.contains(&Key::of(item))).collect();
            let both = enumerable::unique(interp, both)?;
            match name {
                "intersect?" => Value::Bool(!both.is_empty()),
                _ => interp.array(both)?,
            }
        }
        "|" | "union" => {
            let mut joined = items();
            for index in 0..args.len() {
                joined.extend(list(interp, args, index)?);
            }
            let joined = enumerable::unique(interp, joined)?;
            interp.array(joined)?
        }
        "*" => match interp.arg(args, 0)? {
            Value::Str(separator) => {
                let separator = separator.borrow().clone();
                let joined = join(interp, &items(), &separator, 0)?;
                interp.text(joined)?
            }
            times => {
                let times = usize::try_from(to_int(interp, times)?);
                let Ok(times) = times else {
                    return Err(interp.argument_error("argument must be non-negative"));
                };
                let size = size_of::<Value<'_>>();
                super::check_size(
                    interp,
                    items().len().saturating_mul(times).saturating_mul(size),
                )?;
                interp.array(std::iter::repeat_n(items(), times).flatten().collect())?
            }
        },
        "join" => {
            let separator = match args.get(0) {
                None | Some(Value::Nil) => String::new(),
                Some(_) => text(interp, args, 0)?,
            };
            let joined = join(interp, &items(), &separator, 0)?;
            interp.text(joined)?
        }
        _ => return reshape(interp, this, name, args),
    };
    Ok(Some(value))
}

/// Methods that give the same elements in another order or shape.
fn reshape<'a>(
    interp: &mut Interp<'a>,
    this: &Items<'a>,
    name: &str,
    args: &Args<'a>,
) -> Found<'a> {
    let items = || this.borrow().clone();
    let value = match name {
        "to_a" | "entries" | "to_ary" => Value::Array(Rc::clone(this)),
        "dup" | "clone" => interp.array(items())?,
        "reverse" => interp.array(items().into_iter().rev().collect())?,
        "rotate" => {
            let mut list = items();
            let by = if args.len() > 0 { int(interp, args, 0)? } else { 1 };
            if !list.is_empty() {
                let by = by.rem_euclid(list.len() as i64) as usize;
                list.rotate_left(by);
            }
            interp.array(list)?
        }
        "compact" => {
            let kept = items().into_iter().filter(|item| !item.is_nil()).collect();
            interp.array(kept)?
        }
        "flatten" => {
            let depth = match args.get(0) {
                None | Some(Value::Nil) => usize::MAX,
                Some(value) => usize::try_from(to_int(interp, value)?).unwrap_or(usize::MAX),
            };
            let mut flat = Vec::new();
            flatten(interp, &items(), depth.min(64), &mut flat)?;
            interp.array(flat)?
        }
        "transpose" => {
            let rows = rows(interp, &items())?;
            let width = rows.first().map_or(0, Vec::len);
            if rows.iter().any(|row| row.len() != width) {
                let message = "element size differs";
                return Err(interp.raise("IndexError", message));
            }
            let mut columns = Vec::new();
            for at in 0..width {
                let column = rows.iter().filter_map(|row| row.get(at).cloned()).collect();
                columns.push(interp.array(column)?);
            }
            interp.array(columns)?
        }
        "product" => {
            let other = list(interp, args, 0)?;
            let mut pairs = Vec::new();
            for a in items() {
                for b in &other {
                    interp.charge(1)?;
                    pairs.push(interp.array(vec![a.clone(), b.clone()])?);
                }
            }
            interp.array(pairs)?
        }
        "permutation" => {
            let count = match args.get(0) {
                Some(count) => usize::try_from(to_int(interp, count)?).unwrap_or(0),
                None => this.borrow().len(),
            };
            let mut lists = Vec::new();
            permutations(interp, &items(), count, &mut Vec::new(), &mut lists)?;
            let lists = interp.array(lists)?;
            match &args.block {
                Some(_) => return interp.send(&lists, "each", clone(args, 0)).map(Some),
                None => without_block(&lists, "each", &Args::none()),
            }
        }
        "combination" => {
            let count = usize::try_from(int(interp, args, 0)?).unwrap_or(0);
            let mut lists = Vec::new();
            combinations(interp, &items(), count, &mut Vec::new(), &mut lists)?;
            let lists = interp.array(lists)?;
            match &args.block {
                Some(_) => return interp.send(&lists, "each", clone(args, 0)).map(Some),
                None => without_block(&lists, "each", &Args::none()),
            }
        }
        _ => return Ok(None),
    };
    Ok(Some(value))
}

fn clone<'a>(args: &Args<'a>, from: usize) -> Args<'a> {
    let list = args.list.get(from + 1..).unwrap_or_default().to_vec();
    Args { list, keywords: false, block: args.block.clone() }
}

fn rows<'a>(interp: &Interp<'a>, items: &[Value<'a>]) -> Result<Vec<Vec<Value<'a>>>, Flow<'a>> {
    let mut rows = Vec::new();
    for item in items {
        match item {
            Value::Array(row) => rows.push(row.borrow().clone()),
            other => {
                let message = format!("no implicit conversion of {} into Array", other.class());
                return Err(interp.type_error(message));
            }
        }
    }
    Ok(rows)
}

fn combinations<'a>(
    interp: &mut Interp<'a>,
    items: &[Value<'a>],
    count: usize,
    chosen: &mut Vec<Value<'a>>,
    lists: &mut Vec<Value<'a>>,
) -> Result<(), Flow<'a>> {
    if chosen.len() == count {
        lists.push(interp.array(chosen.clone())?);
        return Ok(());
    }
    if count > 64 {
        return Ok(());
    }
    for (at, item) in items.iter().enumerate() {
        chosen.push(item.clone());
        combinations(interp, items.get(at + 1..).unwrap_or_default(), count, chosen, lists)?;
        chosen.pop();
    }
    Ok(())
}

fn permutations<'a>(
    interp: &mut Interp<'a>,
    items: &[Value<'a>],
    count: usize,
    chosen: &mut Vec<usize>,
    lists: &mut Vec<Value<'a>>,
) -> Result<(), Flow<'a>> {
    if chosen.len() == count {
        let list = chosen.iter().filter_map(|at| items.get(*at).cloned()).collect();
        lists.push(interp.array(list)?);
        return Ok(());
    }
    for at in 0..items.len() {
        if !chosen.contains(&at) {
            interp.charge(1)?;
            chosen.push(at);
            permutations(interp, items, count, chosen, lists)?;
            chosen.pop();
        }
    }
    Ok(())
}

fn flatten<'a>(
    interp: &mut Interp<'a>,
    items: &[Value<'a>],
    depth: usize,
    flat: &mut Vec<Value<'a>>,
) -> Result<(), Flow<'a>> {
    for item in items {
        interp.charge(1)?;
        match item {
            Value::Array(inner) if depth > 0 => {
                let inner = inner.borrow().clone();
                flatten(interp, &inner, depth - 1, flat)?;
            }
            other => flat.push(other.clone()),
        }
    }
    interp.allocate(items.len() * 16)
}

/// Joins as text; nested arrays are joined with the same separator.
pub(super) fn join<'a>(
    interp: &mut Interp<'a>,
    items: &[Value<'a>],
    separator: &str,
    depth: usize,
) -> Result<String, Flow<'a>> {
    if depth > 64 {
        return Err(interp.argument_error("recursive array join"));
    }
    let mut joined = String::new();
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            joined.push_str(separator);
        }
        let shown = match item {
            Value::Array(inner) => {
                let inner = inner.borrow().clone();
                join(interp, &inner, separator, depth + 1)?
            }
            other => inspect::to_s(interp, other)?,
        };
        interp.charge(1)?;
        interp.allocate(shown.len() + separator.len())?;
        joined.push_str(&shown);
    }
    Ok(joined)
}

/// Methods that change the array itself.
fn mutate<'a>(
    interp: &mut Interp<'a>,
    receiver: &Value<'a>,
    this: &Items<'a>,
    name: &str,
    args: &Args<'a>,
) -> Found<'a> {
    match name {
        "<<" | "push" | "append" => {
            for value in &args.list {
                interp.allocate(size_of::<Value<'_>>())?;
                interp.holds(receiver, value);
                this.borrow_mut().push(value.clone());
            }
        }
        "unshift" | "prepend" => {
            interp.charge(this.borrow().len())?;
            for value in args.list.iter().rev() {
                interp.allocate(size_of::<Value<'_>>())?;
                interp.holds(receiver, value);
                this.borrow_mut().insert(0, value.clone());
            }
        }
        "insert" => {
            let at = int(interp, args, 0)?;
            let length = this.borrow().len() as i64;
            let at = usize::try_from(if at < 0 { at + length + 1 } else { at }).unwrap_or(0);
            fill(interp, this, at)?;
            for (offset, value) in args.list.iter().skip(1).enumerate() {
                interp.allocate(size_of::<Value<'_>>())?;
                interp.holds(receiver, value);
                this.borrow_mut().insert(at + offset, value.clone());
            }
        }
        "concat" => {
            for index in 0..args.len() {
                let items = list(interp, args, index)?;
                interp.allocate(items.len() * size_of::<Value<'_>>())?;
                for item in &items {
                    interp.holds(receiver, item);
                }
                this.borrow_mut().extend(items);
            }
        }
        "[]=" => return assign(interp, receiver, this, args).map(Some),
        "pop" | "shift" => {
            let mut items = this.borrow_mut();
            let first = name == "shift";
            let Some(count) = args.get(0) else {
                let taken = match first {
                    true if items.is_empty() => None,
                    true => Some(items.remove(0)),
                    false => items.pop(),
                };
                return Ok(Some(Value::or_nil(taken)));
            };
            let count = usize::try_from(to_int(interp, count)?).unwrap_or(0).min(items.len());
            let rest = items.len() - count;
            let taken = if first { items.drain(..count) } else { items.drain(rest..) };
            let taken = taken.collect();
            return interp.array(taken).map(Some);
        }
        "delete" => {
            let wanted = interp.arg(args, 0)?;
            let before = this.borrow().len();
            this.borrow_mut().retain(|item| !compare::equal(item, wanted));
            let found = this.borrow().len() < before;
            return Ok(Some(if found { wanted.clone() } else { Value::Nil }));
        }
        "delete_at" => {
            let at = int(interp, args, 0)?;
            let at = if at < 0 { at + this.borrow().len() as i64 } else { at };
            let inside = usize::try_from(at).ok().filter(|at| *at < this.borrow().len());
            return Ok(Some(match inside {
                Some(at) => this.borrow_mut().remove(at),
                None => Value::Nil,
            }));
        }
        "slice!" => {
            let items = this.borrow().clone();
            let taken = slice(interp, &items, args)?;
            if let Some((from, to)) = bounds(interp, items.len(), args)? {
                this.borrow_mut().drain(from..to);
            }
            return Ok(Some(taken));
        }
        "clear" => this.borrow_mut().clear(),
        "replace" => {
            let items = list(interp, args, 0)?;
            *this.borrow_mut() = items;
        }
        "fill" => {
            let value = interp.arg(args, 0)?.clone();
            this.borrow_mut().iter_mut().for_each(|item| *item = value.clone());
        }
        _ => return Ok(None),
    }
    Ok(Some(receiver.clone()))
}

/// Fills an array up with nil to a length.
fn fill<'a>(interp: &mut Interp<'a>, this: &Items<'a>, length: usize) -> Result<(), Flow<'a>> {
    let missing = length.saturating_sub(this.borrow().len());
    interp.allocate(missing.saturating_mul(size_of::<Value<'_>>()))?;
    let length = this.borrow().len() + missing;
    this.borrow_mut().resize(length, Value::Nil);
    Ok(())
}

fn assign<'a>(
    interp: &mut Interp<'a>,
    receiver: &Value<'a>,
    this: &Items<'a>,
    args: &Args<'a>,
) -> Eval<'a> {
    let value = interp.arg(args, args.len().saturating_sub(1))?.clone();
    interp.holds(receiver, &value);
    let length = this.borrow().len();
    if args.len() == 2 && !matches!(args.get(0), Some(Value::Range(_))) {
        let at = int(interp, args, 0)?;
        let resolved = if at < 0 { at + length as i64 } else { at };
        let Ok(index) = usize::try_from(resolved) else {
            let message = format!("index {at} too small for array; minimum: -{length}");
            return Err(interp.raise("IndexError", message));
        };
        fill(interp, this, index + 1)?;
        if let Some(place) = this.borrow_mut().get_mut(index) {
            *place = value.clone();
        }
        return Ok(value);
    }
    let index = Args::of(args.list.get(..args.len() - 1).unwrap_or_default().to_vec());
    let Some((from, to)) = bounds(interp, length, &index)? else {
        return Err(interp.raise("RangeError", "index out of range"));
    };
    let items = interp.splat(&value)?;
    this.borrow_mut().splice(from..to, items);
    Ok(value)
}

/// Twins with `!` of methods that make another array, and removal by block.
fn mutate_by_block<'a>(
    interp: &mut Interp<'a>,
    receiver: &Value<'a>,
    this: &Items<'a>,
    name: &str,
    args: &Args<'a>,
) -> Found<'a> {
    let (stem, nil_when_same) = match name {
        "map!" | "collect!" => ("map", false),
        "sort!" => ("sort", false),
        "sort_by!" => ("sort_by", false),
        "reverse!" => ("reverse", false),
        "rotate!" => ("rotate", false),
        "shuffle!" => ("shuffle", false),
        "select!" | "filter!" => ("select", true),
        "keep_if" => ("select", false),
        "reject!" => ("reject", true),
        "delete_if" => ("reject", false),
        "uniq!" => ("uniq", true),
        "compact!" => ("compact", true),
        "flatten!" => ("flatten", true),
        _ => return Ok(None),
    };
    let again = Args { list: args.list.clone(), keywords: false, block: args.block.clone() };
    let Value::Array(changed) = interp.send(receiver, stem, again)? else {
        return Ok(None);
    };
    let same = changed.borrow().len() == this.borrow().len();
    let items = changed.borrow().clone();
    *this.borrow_mut() = items;
    Ok(Some(if nil_when_same && same { Value::Nil } else { receiver.clone() }))
}

/// Methods of ranges.
pub(super) fn call_range<'a>(
    interp: &mut Interp<'a>,
    receiver: &Value<'a>,
    this: &Rc<Range<'a>>,
    name: &str,
    args: &Args<'a>,
) -> Found<'a> {
    if matches!(this.to, Value::Float(to) if to == f64::INFINITY) && name != "end" {
        let endless = Range { from: this.from.clone(), to: Value::Nil, exclusive: this.exclusive };
        return call_range(interp, receiver, &Rc::new(endless), name, args);
    }
    let value = match name {
        "first" | "begin" if args.len() == 0 => this.from.clone(),
        "last" | "end" if args.len() == 0 => this.to.clone(),
        "min" if args.block.is_none() && args.len() == 0 => {
            if is_empty(interp, this)? {
                Value::Nil
            } else {
                this.from.clone()
            }
        }
        "max" if args.block.is_none() && args.len() == 0 => match (&this.to, this.exclusive) {
            _ if is_empty(interp, this)? => Value::Nil,
            (Value::Int(to), true) => Value::Int(to.saturating_sub(1)),
            (to, _) => to.clone(),
        },
        "exclude_end?" => Value::Bool(this.exclusive),
        "cover?" | "include?" | "member?" | "===" => {
            Value::Bool(covers(this, interp.arg(args, 0)?))
        }
        "size" | "count" | "length" if args.block.is_none() && args.len() == 0 => {
            match (&this.from, &this.to) {
                (Value::Int(from), Value::Int(to)) => {
                    let count = to.saturating_sub(*from);
                    Value::Int(count.saturating_add(i64::from(!this.exclusive)).max(0))
                }
                (Value::Int(_), Value::Nil) => Value::Float(f64::INFINITY),
                _ if name == "size" => Value::Nil,
                _ => Value::Int(interp.items(receiver)?.len() as i64),
            }
        }
        "step" | "%" => {
            let step = interp.arg(args, 0)?.clone();
            let list = number::steps(interp, &this.from, &this.to, &step, this.exclusive)?;
            let list = interp.array(list)?;
            match &args.block {
                Some(_) => {
                    interp.send(&list, "each", clone(args, 0))?;
                    receiver.clone()
                }
                None => without_block(&list, "each", &Args::none()),
            }
        }
        "each" if this.to.is_nil() => return endless(interp, this, args).map(Some),
        "first" | "take" | "lazy" | "each_with_index" | "find" | "detect" if this.to.is_nil() => {
            let each = without_block(receiver, "each", &Args::none());
            return match (name, &args.block) {
                ("lazy", _) => Ok(Some(each)),
                ("find" | "detect", Some(block)) => {
                    endless_find(interp, this, &Rc::clone(block)).map(Some)
                }
                _ => interp.send(&each, name, Args::of(args.list.clone())).map(Some),
            };
        }
        "sum" if args.block.is_none() => match (&this.from, &this.to) {
            (Value::Int(from), Value::Int(to)) => {
                let (from, to) = (i128::from(*from), i128::from(*to) - i128::from(this.exclusive));
                let count = (to - from + 1).max(0);
                let sum = (from + to).checked_mul(count).map(|double| double / 2);
                match sum.and_then(|sum| i64::try_from(sum).ok()) {
                    Some(sum) => Value::Int(sum),
                    None => return Err(interp.raise("RangeError", "the sum is beyond 64 bits")),
                }
            }
            _ => return Ok(None),
        },
        "dup" | "clone" => receiver.clone(),
        _ if enumerable::has(name) => {
            let items = interp.items(receiver)?;
            return enumerable::call(interp, receiver, items, name, args);
        }
        _ => return Ok(None),
    };
    Ok(Some(value))
}

fn endless<'a>(interp: &mut Interp<'a>, this: &Range<'a>, args: &Args<'a>) -> Eval<'a> {
    let Some(block) = &args.block else {
        return Ok(Value::Nil);
    };
    let mut current = this.from.clone();
    loop {
        interp.call_proc(block, vec![current.clone()])?;
        current = interp.ask(&current, "succ")?;
    }
}

fn endless_find<'a>(
    interp: &mut Interp<'a>,
    this: &Range<'a>,
    block: &Rc<super::super::value::Proc<'a>>,
) -> Eval<'a> {
    let mut current = this.from.clone();
    while !interp.call_proc(block, vec![current.clone()])?.truthy() {
        current = interp.ask(&current, "succ")?;
    }
    Ok(current)
}

fn is_empty<'a>(interp: &mut Interp<'a>, range: &Range<'a>) -> Result<bool, Flow<'a>> {
    let order = compare::order_or_raise(interp, &range.from, &range.to)?;
    Ok(order.is_gt() || (range.exclusive && order.is_eq()))
}

/// Tells whether a value lies within a range.
fn covers<'a>(range: &Range<'a>, value: &Value<'a>) -> bool {
    let above = range.from.is_nil()
        || compare::order(&range.from, value).is_some_and(std::cmp::Ordering::is_le);
    let below = range.to.is_nil()
        || compare::order(value, &range.to)
            .is_some_and(|order| if range.exclusive { order.is_lt() } else { order.is_le() });
    above && below && !value.is_nil()
}
