//! Methods of everything that can be walked: arrays, hashes (as pairs), ranges, enumerators.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::rc::Rc;

use super::super::hash::Key;
use super::super::interp::{Args, Eval, Flow, Found, Interp};
use super::super::value::{Proc, Value};
use super::super::{compare, value};
use super::{int, regexp, to_int, without_block};

/// Methods that need a block and are lazy without one.
const BLOCK_METHODS: &[&str] = &[
    "each",
    "each_entry",
    "map",
    "collect",
    "flat_map",
    "collect_concat",
    "select",
    "filter",
    "reject",
    "filter_map",
    "find",
    "detect",
    "find_all",
    "each_with_index",
    "partition",
    "group_by",
    "sort_by",
    "min_by",
    "max_by",
    "each_slice",
    "each_cons",
    "each_with_object",
    "take_while",
    "drop_while",
    "find_index",
    "index",
    "chunk_while",
    "slice_when",
    "each_index",
    "reverse_each",
    "cycle",
];

/// Methods that work without one.
const PLAIN_METHODS: &[&str] = &[
    "to_a",
    "entries",
    "first",
    "include?",
    "member?",
    "count",
    "min",
    "max",
    "minmax",
    "sum",
    "inject",
    "reduce",
    "sort",
    "uniq",
    "take",
    "drop",
    "zip",
    "tally",
    "to_h",
    "any?",
    "all?",
    "none?",
    "one?",
    "lazy",
    "force",
    "grep",
    "grep_v",
    "with_index",
    "join",
    "last",
    "length",
    "size",
    "empty?",
    "reverse",
    "compact",
    "flatten",
    "shuffle",
    "values_at",
];

/// Tells whether an enumerable knows a method.
pub(super) fn has(name: &str) -> bool {
    BLOCK_METHODS.contains(&name) || PLAIN_METHODS.contains(&name)
}

impl<'a> Interp<'a> {
    /// Lists what a value consists of.
    pub(crate) fn items(&mut self, value: &Value<'a>) -> Result<Vec<Value<'a>>, Flow<'a>> {
        match value {
            Value::Array(items) => Ok(items.borrow().clone()),
            Value::Hash(hash) => {
                let pairs = hash.pairs();
                self.charge(pairs.len())?;
                self.allocate(pairs.len() * 96)?;
                Ok(pairs.into_iter().map(|(key, value)| Value::pair(key, value)).collect())
            }
            Value::Range(range) => match (&range.from, &range.to) {
                (Value::Int(from), Value::Int(to)) => {
                    let to = to.saturating_sub(i64::from(range.exclusive));
                    let count = usize::try_from(to.saturating_sub(*from).saturating_add(1));
                    let count = count.unwrap_or(0);
                    self.allocate(count.saturating_mul(size_of::<Value<'_>>()))?;
                    self.charge(count)?;
                    Ok((*from..=to).map(Value::Int).collect())
                }
                (Value::Str(from), Value::Str(to)) => {
                    let (from, to) = (from.borrow().clone(), to.borrow().clone());
                    let list = super::text::between(self, &from, &to, range.exclusive)?;
                    Ok(list.into_iter().map(Value::text).collect())
                }
                (Value::Date(from), Value::Date(to)) => {
                    super::time::days(self, *from, *to, range.exclusive)
                }
                (Value::Int(from), Value::Float(to)) => {
                    let to = Value::Int(to.floor() as i64);
                    let range = value::Range { from: Value::Int(*from), to, exclusive: false };
                    self.items(&Value::Range(Rc::new(range)))
                }
                (_, Value::Nil) => {
                    Err(self.raise("RangeError", "cannot convert endless range to an array"))
                }
                (from, _) => Err(self.type_error(format!("can't iterate from {}", from.class()))),
            },
            Value::Enumerator(it) => super::enumerator::items(self, it),
            other => {
                let message = format!("{} cannot be walked", other.class());
                Err(self.type_error(message))
            }
        }
    }
}

pub(super) fn call<'a>(
    interp: &mut Interp<'a>,
    receiver: &Value<'a>,
    items: Vec<Value<'a>>,
    name: &str,
    args: &Args<'a>,
) -> Found<'a> {
    interp.charge(items.len())?;
    match &args.block {
        Some(block) => {
            let block = Rc::clone(block);
            if let Some(value) = walk(interp, receiver, &items, name, args, &block)? {
                return Ok(Some(value));
            }
            if let Some(value) = choose(interp, &items, name, args, &block)? {
                return Ok(Some(value));
            }
        }
        None if BLOCK_METHODS.contains(&name) && !(args.len() > 0 && name.ends_with("index")) => {
            return Ok(Some(without_block(receiver, name, args)));
        }
        None => {}
    }
    if let Some(value) = reduce(interp, &items, name, args)? {
        return Ok(Some(value));
    }
    plain(interp, items, name, args)
}

/// Methods that call the block for every item.
fn walk<'a>(
    interp: &mut Interp<'a>,
    receiver: &Value<'a>,
    items: &[Value<'a>],
    name: &str,
    args: &Args<'a>,
    block: &Rc<Proc<'a>>,
) -> Found<'a> {
    let each =
        |interp: &mut Interp<'a>, item: &Value<'a>| interp.call_proc(block, vec![item.clone()]);
    let mut list = Vec::new();
    match name {
        "each" | "each_entry" => {
            for item in items {
                each(interp, item)?;
            }
            return Ok(Some(receiver.clone()));
        }
        "reverse_each" => {
            for item in items.iter().rev() {
                each(interp, item)?;
            }
            return Ok(Some(receiver.clone()));
        }
        "each_index" => {
            for index in 0..items.len() {
                interp.call_proc(block, vec![Value::Int(index as i64)])?;
            }
            return Ok(Some(receiver.clone()));
        }
        "each_with_index" => {
            for (index, item) in items.iter().enumerate() {
                interp.call_proc(block, vec![item.clone(), Value::Int(index as i64)])?;
            }
            return Ok(Some(receiver.clone()));
        }
        "each_with_object" => {
            let memo = interp.arg(args, 0)?.clone();
            for item in items {
                interp.call_proc(block, vec![item.clone(), memo.clone()])?;
            }
            return Ok(Some(memo));
        }
        "map" | "collect" => {
            for item in items {
                list.push(each(interp, item)?);
            }
        }
        "flat_map" | "collect_concat" => {
            for item in items {
                match each(interp, item)? {
                    Value::Array(inner) => list.extend(inner.borrow().iter().cloned()),
                    other => list.push(other),
                }
            }
        }
        "filter_map" => {
            for item in items {
                list.extend(Some(each(interp, item)?).filter(Value::truthy));
            }
        }
        "each_slice" | "each_cons" => {
            let size = usize::try_from(int(interp, args, 0)?).ok().filter(|size| *size > 0);
            let Some(size) = size else {
                return Err(interp.argument_error("invalid size"));
            };
            let parts: Vec<&[Value<'a>]> = match name {
                "each_slice" => items.chunks(size).collect(),
                _ => items.windows(size).collect(),
            };
            for part in parts {
                let part = interp.array(part.to_vec())?;
                interp.call_proc(block, vec![part])?;
            }
            return Ok(Some(receiver.clone()));
        }
        "cycle" => {
            let times = match args.get(0) {
                Some(value) => to_int(interp, value)?,
                None => i64::MAX,
            };
            for _ in 0..if items.is_empty() { 0 } else { times } {
                for item in items {
                    each(interp, item)?;
                }
            }
            return Ok(Some(Value::Nil));
        }
        _ => return Ok(None),
    }
    interp.array(list).map(Some)
}

/// Methods that choose, order or group items by what the block says.
fn choose<'a>(
    interp: &mut Interp<'a>,
    items: &[Value<'a>],
    name: &str,
    args: &Args<'a>,
    block: &Rc<Proc<'a>>,
) -> Found<'a> {
    let mut keys = Vec::new();
    if matches!(
        name,
        "select"
            | "filter"
            | "find_all"
            | "reject"
            | "partition"
            | "group_by"
            | "sort_by"
            | "min_by"
            | "max_by"
            | "uniq"
    ) {
        for item in items {
            keys.push(interp.call_proc(block, vec![item.clone()])?);
        }
    }
    let keyed = || items.iter().cloned().zip(keys.iter().cloned());
    let chosen = |wanted: bool| {
        keyed().filter(|(_, key)| key.truthy() == wanted).map(|(item, _)| item).collect::<Vec<_>>()
    };
    let value = match name {
        "select" | "filter" | "find_all" => interp.array(chosen(true))?,
        "reject" => interp.array(chosen(false))?,
        "partition" => {
            let yes = interp.array(chosen(true))?;
            let no = interp.array(chosen(false))?;
            Value::pair(yes, no)
        }
        "find" | "detect" | "find_index" | "index" | "take_while" | "drop_while" => {
            return search(interp, items, name, block).map(Some);
        }
        "group_by" => {
            let groups = super::super::hash::Hash::new();
            for (item, key) in keyed() {
                interp.charge(1)?;
                match groups.get(&key) {
                    Some(Value::Array(group)) => group.borrow_mut().push(item),
                    _ => {
                        let group = interp.array(vec![item])?;
                        groups.insert(key, group);
                    }
                }
            }
            Value::Hash(Rc::new(groups))
        }
        "sort_by" => {
            let pairs = keyed().map(|(item, key)| Value::pair(key, item)).collect();
            let mut by_key = |interp: &mut Interp<'a>, a: &Value<'a>, b: &Value<'a>| {
                compare::order_or_raise(interp, &first(a), &first(b))
            };
            let sorted = compare::sort(interp, pairs, &mut by_key)?;
            let sorted = sorted.iter().map(second).collect();
            interp.array(sorted)?
        }
        "min_by" | "max_by" => {
            if let Some(count) = args.get(0) {
                let again = Args::with_block(Vec::new(), Rc::clone(block));
                let list = interp.array(items.to_vec())?;
                let sorted = interp.send(&list, "sort_by", again)?;
                let turned =
                    if name == "min_by" { sorted } else { interp.ask(&sorted, "reverse")? };
                return interp.send(&turned, "first", Args::of(vec![count.clone()])).map(Some);
            }
            let wanted = if name == "min_by" { Ordering::Less } else { Ordering::Greater };
            let mut best: Option<(Value<'a>, Value<'a>)> = None;
            for (item, key) in keyed() {
                let better = match &best {
                    Some((_, known)) => compare::order_or_raise(interp, &key, known)? == wanted,
                    None => true,
                };
                if better {
                    best = Some((item, key));
                }
            }
            Value::or_nil(best.map(|(item, _)| item))
        }
        "uniq" => {
            let mut seen = HashSet::new();
            let kept = keyed().filter(|(_, key)| seen.insert(Key::of(key)));
            let kept = kept.map(|(item, _)| item).collect();
            interp.array(kept)?
        }
        _ => return arrange(interp, items, name, block),
    };
    Ok(Some(value))
}

/// Methods whose block compares items, or makes pairs of them.
fn arrange<'a>(
    interp: &mut Interp<'a>,
    items: &[Value<'a>],
    name: &str,
    block: &Rc<Proc<'a>>,
) -> Found<'a> {
    let value = match name {
        "sort" | "min" | "max" => {
            let mut by_block = |interp: &mut Interp<'a>, a: &Value<'a>, b: &Value<'a>| {
                compare::from_block(interp, block, a, b)
            };
            let sorted = compare::sort(interp, items.to_vec(), &mut by_block)?;
            match name {
                "sort" => interp.array(sorted)?,
                "min" => Value::or_nil(sorted.first().cloned()),
                _ => Value::or_nil(sorted.last().cloned()),
            }
        }
        "chunk_while" | "slice_when" => {
            let mut groups: Vec<Vec<Value<'a>>> = Vec::new();
            for (index, item) in items.iter().enumerate() {
                let previous = index.checked_sub(1).and_then(|before| items.get(before));
                let joined = match previous {
                    Some(previous) => {
                        let pair = vec![previous.clone(), item.clone()];
                        let said = interp.call_proc(block, pair)?.truthy();
                        said == (name == "chunk_while")
                    }
                    None => false,
                };
                match groups.last_mut() {
                    Some(group) if joined => group.push(item.clone()),
                    _ => groups.push(vec![item.clone()]),
                }
            }
            let groups = groups.into_iter().map(Value::array).collect();
            interp.array(groups)?
        }
        "to_h" => {
            let mut pairs = Vec::new();
            for item in items {
                let made = interp.call_proc(block, vec![item.clone()])?;
                pairs.push(pair(interp, &made)?);
            }
            interp.hash(pairs)?
        }
        _ => return Ok(None),
    };
    Ok(Some(value))
}

fn search<'a>(
    interp: &mut Interp<'a>,
    items: &[Value<'a>],
    name: &str,
    block: &Rc<Proc<'a>>,
) -> Eval<'a> {
    for (index, item) in items.iter().enumerate() {
        let holds = interp.call_proc(block, vec![item.clone()])?.truthy();
        match (name, holds) {
            ("find" | "detect", true) => return Ok(item.clone()),
            ("find_index" | "index", true) => return Ok(Value::Int(index as i64)),
            ("take_while", false) => {
                return interp.array(items.get(..index).unwrap_or_default().to_vec());
            }
            ("drop_while", false) => {
                return interp.array(items.get(index..).unwrap_or_default().to_vec());
            }
            _ => {}
        }
    }
    match name {
        "take_while" => interp.array(items.to_vec()),
        "drop_while" => interp.array(Vec::new()),
        _ => Ok(Value::Nil),
    }
}

fn first<'a>(pair: &Value<'a>) -> Value<'a> {
    match pair {
        Value::Array(items) => Value::or_nil(items.borrow().first().cloned()),
        _ => Value::Nil,
    }
}

fn second<'a>(pair: &Value<'a>) -> Value<'a> {
    match pair {
        Value::Array(items) => Value::or_nil(items.borrow().get(1).cloned()),
        _ => Value::Nil,
    }
}

/// Reads a pair.
pub(super) fn pair<'a>(
    interp: &mut Interp<'a>,
    value: &Value<'a>,
) -> Result<(Value<'a>, Value<'a>), Flow<'a>> {
    match value {
        Value::Array(items) if items.borrow().len() == 2 => Ok((first(value), second(value))),
        other => {
            let message = format!("wrong element type {} (expected array)", other.class());
            Err(interp.type_error(message))
        }
    }
}

/// Methods that reduce the items to one answer.
fn reduce<'a>(
    interp: &mut Interp<'a>,
    items: &[Value<'a>],
    name: &str,
    args: &Args<'a>,
) -> Found<'a> {
    let value = match name {
        "any?" | "all?" | "none?" | "one?" => {
            let mut count = 0;
            for item in items {
                let holds = match (args.get(0), &args.block) {
                    (Some(pattern), _) => regexp::case_equal(interp, &pattern.clone(), item)?,
                    (None, Some(block)) => {
                        let block = Rc::clone(block);
                        interp.call_proc(&block, vec![item.clone()])?.truthy()
                    }
                    (None, None) => item.truthy(),
                };
                count += usize::from(holds);
                if (name == "any?" && holds) || (name == "all?" && !holds) {
                    return Ok(Some(Value::Bool(name == "any?")));
                }
            }
            Value::Bool(match name {
                "any?" => false,
                "all?" => true,
                "none?" => count == 0,
                _ => count == 1,
            })
        }
        "count" => match (args.get(0), &args.block) {
            (Some(wanted), _) => {
                Value::Int(items.iter().filter(|item| compare::equal(item, wanted)).count() as i64)
            }
            (None, Some(block)) => {
                let block = Rc::clone(block);
                let mut count = 0;
                for item in items {
                    count += i64::from(interp.call_proc(&block, vec![item.clone()])?.truthy());
                }
                Value::Int(count)
            }
            (None, None) => Value::Int(items.len() as i64),
        },
        "sum" => sum(interp, items, args)?,
        "inject" | "reduce" => inject(interp, items, args)?,
        "min" | "max" | "minmax" => return extreme(interp, items, name, args).map(Some),
        "include?" | "member?" => {
            let wanted = interp.arg(args, 0)?;
            Value::Bool(items.iter().any(|item| compare::equal(item, wanted)))
        }
        _ => return Ok(None),
    };
    Ok(Some(value))
}

fn sum<'a>(interp: &mut Interp<'a>, items: &[Value<'a>], args: &Args<'a>) -> Eval<'a> {
    let mut total = args.get(0).cloned().unwrap_or(Value::Int(0));
    // Floats are summed with Kahan's and Babuška's compensation, as Ruby does.
    let mut compensation = 0.0;
    for item in items {
        let item = match &args.block {
            Some(block) => {
                let block = Rc::clone(block);
                interp.call_proc(&block, vec![item.clone()])?
            }
            None => item.clone(),
        };
        match (&total, compare::as_float(&item)) {
            (Value::Float(sum), Some(x)) if sum.is_finite() && x.is_finite() => {
                let next = sum + x;
                compensation +=
                    if sum.abs() >= x.abs() { (sum - next) + x } else { (x - next) + sum };
                total = Value::Float(next);
            }
            _ => total = interp.send(&total, "+", Args::of(vec![item]))?,
        }
    }
    Ok(match total {
        Value::Float(sum) => Value::Float(sum + compensation),
        other => other,
    })
}

fn inject<'a>(interp: &mut Interp<'a>, items: &[Value<'a>], args: &Args<'a>) -> Eval<'a> {
    let (start, operator) = match (args.list.as_slice(), &args.block) {
        ([operator @ (Value::Sym(_) | Value::Str(_))], None) => (None, Some(operator)),
        ([start, operator], None) => (Some(start.clone()), Some(operator)),
        ([start, ..], Some(_)) => (Some(start.clone()), None),
        _ => (None, None),
    };
    let operator = operator.and_then(value::string_of);
    let mut items = items.iter();
    let mut total = match start.or_else(|| items.next().cloned()) {
        Some(total) => total,
        None => return Ok(Value::Nil),
    };
    for item in items {
        total = match (&operator, &args.block) {
            (Some(operator), _) => interp.send(&total, operator, Args::of(vec![item.clone()]))?,
            (None, Some(block)) => {
                let block = Rc::clone(block);
                interp.call_proc(&block, vec![total, item.clone()])?
            }
            (None, None) => return Err(interp.raise("LocalJumpError", "no block given")),
        };
    }
    Ok(total)
}

fn extreme<'a>(
    interp: &mut Interp<'a>,
    items: &[Value<'a>],
    name: &str,
    args: &Args<'a>,
) -> Eval<'a> {
    let mut order = compare::order_or_raise;
    if let Some(count) = args.get(0) {
        let count = usize::try_from(to_int(interp, count)?).unwrap_or(0);
        let mut sorted = compare::sort(interp, items.to_vec(), &mut order)?;
        if name == "max" {
            sorted.reverse();
        }
        sorted.truncate(count);
        return interp.array(sorted);
    }
    let mut least: Option<&Value<'a>> = None;
    let mut most: Option<&Value<'a>> = None;
    for item in items {
        if match least {
            Some(known) => compare::order_or_raise(interp, known, item)?.is_gt(),
            None => true,
        } {
            least = Some(item);
        }
        if match most {
            Some(known) => compare::order_or_raise(interp, known, item)?.is_lt(),
            None => true,
        } {
            most = Some(item);
        }
    }
    let (least, most) = (Value::or_nil(least.cloned()), Value::or_nil(most.cloned()));
    Ok(match name {
        "min" => least,
        "max" => most,
        _ => Value::pair(least, most),
    })
}

/// Methods without a block that give a list or a hash.
fn plain<'a>(
    interp: &mut Interp<'a>,
    items: Vec<Value<'a>>,
    name: &str,
    args: &Args<'a>,
) -> Found<'a> {
    let count = |interp: &mut Interp<'a>| match args.get(0) {
        Some(value) => match usize::try_from(to_int(interp, value)?) {
            Ok(count) => Ok(Some(count)),
            Err(_) => Err(interp.argument_error("attempt to take negative size")),
        },
        None => Ok(None),
    };
    let list = match name {
        "to_a" | "entries" | "force" | "lazy" => items,
        "first" => match count(interp)? {
            Some(count) => items.into_iter().take(count).collect(),
            None => return Ok(Some(Value::or_nil(items.into_iter().next()))),
        },
        "take" => items.into_iter().take(count(interp)?.unwrap_or(0)).collect(),
        "drop" => items.into_iter().skip(count(interp)?.unwrap_or(0)).collect(),
        "sort" => {
            let mut order = |interp: &mut Interp<'a>, a: &Value<'a>, b: &Value<'a>| {
                compare::order_or_raise(interp, a, b)
            };
            compare::sort(interp, items, &mut order)?
        }
        "uniq" => unique(interp, items)?,
        "shuffle" => items,
        "grep" | "grep_v" => {
            let pattern = interp.arg(args, 0)?.clone();
            let mut kept = Vec::new();
            for item in items {
                if regexp::case_equal(interp, &pattern, &item)? == (name == "grep") {
                    kept.push(match &args.block {
                        Some(block) => {
                            let block = Rc::clone(block);
                            interp.call_proc(&block, vec![item])?
                        }
                        None => item,
                    });
                }
            }
            kept
        }
        "zip" => {
            let mut others = Vec::new();
            for other in &args.list {
                others.push(interp.items(&other.clone())?);
            }
            let mut rows = Vec::new();
            for (index, item) in items.into_iter().enumerate() {
                let rest = others.iter().map(|other| Value::or_nil(other.get(index).cloned()));
                let row = std::iter::once(item).chain(rest).collect();
                rows.push(interp.array(row)?);
            }
            rows
        }
        "tally" => {
            let counts = super::super::hash::Hash::new();
            for item in items {
                let known = match counts.get(&item) {
                    Some(Value::Int(known)) => known,
                    _ => 0,
                };
                counts.insert(item, Value::Int(known + 1));
            }
            return Ok(Some(Value::Hash(Rc::new(counts))));
        }
        "to_h" => {
            let mut pairs = Vec::new();
            for item in &items {
                pairs.push(pair(interp, item)?);
            }
            return interp.hash(pairs).map(Some);
        }
        // What only arrays have answers for other enumerables through a list.
        "join" | "last" | "length" | "size" | "empty?" | "reverse" | "compact" | "flatten"
        | "values_at" => {
            let list = interp.array(items)?;
            let again = Args { list: args.list.clone(), keywords: false, block: None };
            return interp.send(&list, name, again).map(Some);
        }
        _ => return Ok(None),
    };
    interp.array(list).map(Some)
}

/// Drops repeated items.
pub(super) fn unique<'a>(
    interp: &mut Interp<'a>,
    items: Vec<Value<'a>>,
) -> Result<Vec<Value<'a>>, Flow<'a>> {
    interp.charge(items.len())?;
    let mut seen = HashSet::new();
    Ok(items.into_iter().filter(|item| seen.insert(Key::of(item))).collect())
}
