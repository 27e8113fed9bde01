//! Methods of hashes beyond those of every enumerable.

use std::rc::Rc;

use super::super::hash::{Default, Hash};
use super::super::interp::{Args, Eval, Flow, Found, Interp};
use super::super::value::{Proc, Value};
use super::super::{compare, inspect};
use super::{array, enumerable, without_block};

pub(super) fn call<'a>(
    interp: &mut Interp<'a>,
    receiver: &Value<'a>,
    this: &Rc<Hash<'a>>,
    name: &str,
    args: &Args<'a>,
) -> Found<'a> {
    if let Some(value) = access(interp, receiver, this, name, args)? {
        return Ok(Some(value));
    }
    if let Some(value) = derive(interp, this, name, args)? {
        return Ok(Some(value));
    }
    if let Some(value) = mutate(interp, receiver, this, name, args)? {
        return Ok(Some(value));
    }
    if let Some(block) = &args.block {
        let block = Rc::clone(block);
        if let Some(value) = by_block(interp, receiver, this, name, &block)? {
            return Ok(Some(value));
        }
    }
    if matches!(name, "each_pair" | "each_key" | "each_value") {
        return Ok(Some(without_block(receiver, name, args)));
    }
    if enumerable::has(name) {
        let items = interp.items(receiver)?;
        return enumerable::call(interp, receiver, items, name, args);
    }
    Ok(None)
}

/// Looks a key up as `[]` does.
fn lookup<'a>(
    interp: &mut Interp<'a>,
    receiver: &Value<'a>,
    this: &Rc<Hash<'a>>,
    key: &Value<'a>,
) -> Eval<'a> {
    if let Some(value) = this.get(key) {
        return Ok(value);
    }
    let default = this.default.borrow().clone();
    match default {
        Default::Value(value) => Ok(value),
        Default::Proc(block) => interp.call_proc(&block, vec![receiver.clone(), key.clone()]),
        Default::Nil if this.strict => {
            let shown = inspect::to_s(interp, key)?;
            let message = format!("Unable to retrieve hash value for key \"{shown}\"");
            Err(interp.raise("IndexError", message))
        }
        Default::Nil => Ok(Value::Nil),
    }
}

/// Methods that read.
fn access<'a>(
    interp: &mut Interp<'a>,
    receiver: &Value<'a>,
    this: &Rc<Hash<'a>>,
    name: &str,
    args: &Args<'a>,
) -> Found<'a> {
    let value = match name {
        "[]" => lookup(interp, receiver, this, interp.arg(args, 0)?)?,
        "fetch" => {
            let key = interp.arg(args, 0)?;
            match (this.get(key), &args.block, args.get(1)) {
                (Some(value), _, _) => value,
                (None, Some(block), _) => {
                    let block = Rc::clone(block);
                    interp.call_proc(&block, vec![key.clone()])?
                }
                (None, None, Some(default)) => default.clone(),
                (None, None, None) => return Err(key_error(interp, key)?),
            }
        }
        "dig" => array::dig(interp, receiver, &args.list)?,
        "key?" | "has_key?" | "include?" | "member?" => {
            Value::Bool(this.contains(interp.arg(args, 0)?))
        }
        "value?" | "has_value?" => {
            let wanted = interp.arg(args, 0)?;
            Value::Bool(this.values().iter().any(|value| compare::equal(value, wanted)))
        }
        "key" => {
            let wanted = interp.arg(args, 0)?;
            let found = this.pairs().into_iter().find(|(_, value)| compare::equal(value, wanted));
            Value::or_nil(found.map(|(key, _)| key))
        }
        "keys" => interp.array(this.keys())?,
        "values" => interp.array(this.values())?,
        "length" | "size" => Value::Int(this.len() as i64),
        "count" if args.len() == 0 && args.block.is_none() => Value::Int(this.len() as i64),
        "empty?" => Value::Bool(this.len() == 0),
        "values_at" => {
            let mut list = Vec::new();
            for key in &args.list {
                list.push(match this.get(key) {
                    Some(value) => value,
                    None if this.strict => Value::Nil,
                    None => lookup(interp, receiver, this, key)?,
                });
            }
            interp.array(list)?
        }
        "fetch_values" => {
            let mut list = Vec::new();
            for key in &args.list {
                match this.get(key) {
                    Some(value) => list.push(value),
                    None => return Err(key_error(interp, key)?),
                }
            }
            interp.array(list)?
        }
        "assoc" => {
            let key = interp.arg(args, 0)?;
            this.get(key).map_or(Value::Nil, |value| Value::pair(key.clone(), value))
        }
        "first" if args.len() == 0 => {
            let pair = this.pairs().into_iter().next();
            Value::or_nil(pair.map(|(key, value)| Value::pair(key, value)))
        }
        "to_h" if args.block.is_none() => receiver.clone(),
        "to_hash" => receiver.clone(),
        "default" => match &*this.default.borrow() {
            Default::Value(value) => value.clone(),
            _ => Value::Nil,
        },
        "any?" if args.block.is_none() && args.len() == 0 => Value::Bool(this.len() > 0),
        "<=" | ">=" | "<" | ">" => {
            let Value::Hash(other) = interp.arg(args, 0)? else {
                return Ok(None);
            };
            let (small, large) = if name.starts_with('<') { (this, other) } else { (other, this) };
            let inside = small.pairs().iter().all(|(key, value)| {
                large.get(key).is_some_and(|known| compare::equal(&known, value))
            });
            Value::Bool(inside && (name.ends_with('=') || small.len() < large.len()))
        }
        _ => return Ok(None),
    };
    Ok(Some(value))
}

fn key_error<'a>(interp: &mut Interp<'a>, key: &Value<'a>) -> Result<Flow<'a>, Flow<'a>> {
    let shown = inspect::inspect(interp, key)?;
    Ok(interp.raise("KeyError", format!("key not found: {shown}")))
}

/// Reads arguments as hashes.
fn hashes<'a>(interp: &Interp<'a>, args: &Args<'a>) -> Result<Vec<Rc<Hash<'a>>>, Flow<'a>> {
    let mut list = Vec::new();
    for value in &args.list {
        match value {
            Value::Hash(hash) => list.push(Rc::clone(hash)),
            other => {
                let class = if other.is_nil() { "nil" } else { other.class() };
                let message = format!("no implicit conversion of {class} into Hash");
                return Err(interp.type_error(message));
            }
        }
    }
    Ok(list)
}

/// Methods that make another hash or list.
fn derive<'a>(
    interp: &mut Interp<'a>,
    this: &Rc<Hash<'a>>,
    name: &str,
    args: &Args<'a>,
) -> Found<'a> {
    let value = match name {
        "merge" => {
            let merged = Rc::new(Hash::of(this.pairs()));
            interp.allocate(this.len() * 128)?;
            merge_into(interp, &merged, args)?;
            let default = this.default.borrow().clone();
            *merged.default.borrow_mut() = default;
            Value::Hash(merged)
        }
        "dup" | "clone" => {
            let copy = interp.hash(this.pairs())?;
            if let Value::Hash(copy) = &copy {
                *copy.default.borrow_mut() = this.default.borrow().clone();
            }
            copy
        }
        "slice" => {
            let pairs = args.list.iter().filter_map(|key| Some((key.clone(), this.get(key)?)));
            interp.hash(pairs.collect())?
        }
        "except" => {
            let left = Hash::of(this.pairs());
            interp.allocate(this.len() * 128)?;
            for key in &args.list {
                left.remove(key);
            }
            Value::Hash(Rc::new(left))
        }
        "invert" => {
            let pairs = this.pairs().into_iter().map(|(key, value)| (value, key)).collect();
            interp.hash(pairs)?
        }
        "compact" => {
            let pairs = this.pairs().into_iter().filter(|(_, value)| !value.is_nil()).collect();
            interp.hash(pairs)?
        }
        "sort" if args.block.is_none() => {
            let items = interp.items(&Value::Hash(Rc::clone(this)))?;
            let mut order = |interp: &mut Interp<'a>, a: &Value<'a>, b: &Value<'a>| {
                compare::order_or_raise(interp, a, b)
            };
            let sorted = compare::sort(interp, items, &mut order)?;
            interp.array(sorted)?
        }
        "transform_keys" if args.len() > 0 => {
            let Some(Value::Hash(names)) = args.get(0) else {
                return Ok(None);
            };
            let names = Rc::clone(names);
            let mut pairs = Vec::new();
            for (key, value) in this.pairs() {
                pairs.push((names.get(&key).unwrap_or(key), value));
            }
            interp.hash(pairs)?
        }
        _ => return Ok(None),
    };
    Ok(Some(value))
}

fn merge_into<'a>(
    interp: &mut Interp<'a>,
    into: &Rc<Hash<'a>>,
    args: &Args<'a>,
) -> Result<(), Flow<'a>> {
    let container = Value::Hash(Rc::clone(into));
    for other in hashes(interp, args)? {
        interp.charge(other.len())?;
        interp.allocate(other.len() * 128)?;
        for (key, value) in other.pairs() {
            let value = match (&args.block, into.get(&key)) {
                (Some(block), Some(known)) => {
                    let block = Rc::clone(block);
                    interp.call_proc(&block, vec![key.clone(), known, value])?
                }
                _ => value,
            };
            interp.holds(&container, &value);
            into.insert(key, value);
        }
    }
    Ok(())
}

/// Methods that change the hash itself.
fn mutate<'a>(
    interp: &mut Interp<'a>,
    receiver: &Value<'a>,
    this: &Rc<Hash<'a>>,
    name: &str,
    args: &Args<'a>,
) -> Found<'a> {
    match name {
        "[]=" | "store" => {
            let (key, value) = (interp.arg(args, 0)?.clone(), interp.arg(args, 1)?.clone());
            interp.allocate(128)?;
            interp.holds(receiver, &value);
            this.insert(key, value.clone());
            return Ok(Some(value));
        }
        "delete" => {
            let key = interp.arg(args, 0)?;
            return match (this.remove(key), &args.block) {
                (Some(value), _) => Ok(Some(value)),
                (None, Some(block)) => {
                    let block = Rc::clone(block);
                    interp.call_proc(&block, vec![key.clone()]).map(Some)
                }
                (None, None) => Ok(Some(Value::Nil)),
            };
        }
        "merge!" | "update" => merge_into(interp, this, args)?,
        "clear" => this.clear(),
        "replace" => {
            let pairs = hashes(interp, args)?.first().map(|hash| hash.pairs());
            this.replace(pairs.unwrap_or_default());
        }
        "compact!" => {
            let pairs = this.pairs().into_iter().filter(|(_, value)| !value.is_nil()).collect();
            this.replace(pairs);
        }
        "shift" => {
            let first = this.pairs().into_iter().next();
            return Ok(Some(match first {
                Some((key, value)) => {
                    this.remove(&key);
                    Value::pair(key, value)
                }
                None => Value::Nil,
            }));
        }
        "default=" => {
            let value = interp.arg(args, 0)?.clone();
            *this.default.borrow_mut() = Default::Value(value.clone());
            return Ok(Some(value));
        }
        "compare_by_identity" | "rehash" => {}
        _ => return Ok(None),
    }
    Ok(Some(receiver.clone()))
}

/// Methods whose block takes key and value.
fn by_block<'a>(
    interp: &mut Interp<'a>,
    receiver: &Value<'a>,
    this: &Rc<Hash<'a>>,
    name: &str,
    block: &Rc<Proc<'a>>,
) -> Found<'a> {
    let pairs = this.pairs();
    interp.charge(pairs.len())?;
    let value = match name {
        "each_pair" | "each" => {
            for (key, value) in pairs {
                interp.call_proc(block, vec![Value::pair(key, value)])?;
            }
            receiver.clone()
        }
        "each_key" => {
            for (key, _) in pairs {
                interp.call_proc(block, vec![key])?;
            }
            receiver.clone()
        }
        "each_value" => {
            for (_, value) in pairs {
                interp.call_proc(block, vec![value])?;
            }
            receiver.clone()
        }
        "select" | "filter" | "reject" | "partition" => {
            let (mut yes, mut no) = (Vec::new(), Vec::new());
            for (key, value) in pairs {
                let said = interp.call_proc(block, vec![key.clone(), value.clone()])?.truthy();
                if said {
                    yes.push((key, value));
                } else {
                    no.push((key, value));
                }
            }
            match name {
                "reject" => interp.hash(no)?,
                "partition" => {
                    let lists = |pairs: Vec<(Value<'a>, Value<'a>)>| {
                        Value::array(pairs.into_iter().map(|(k, v)| Value::pair(k, v)).collect())
                    };
                    Value::pair(lists(yes), lists(no))
                }
                _ => interp.hash(yes)?,
            }
        }
        "select!" | "filter!" | "keep_if" | "reject!" | "delete_if" => {
            let wanted = matches!(name, "select!" | "filter!" | "keep_if");
            let before = pairs.len();
            let mut kept = Vec::new();
            for (key, value) in pairs {
                let said = interp.call_proc(block, vec![key.clone(), value.clone()])?.truthy();
                if said == wanted {
                    kept.push((key, value));
                }
            }
            let same = kept.len() == before;
            this.replace(kept);
            if same && name.ends_with('!') { Value::Nil } else { receiver.clone() }
        }
        "transform_values" | "transform_values!" | "transform_keys" | "transform_keys!" => {
            let keys = name.starts_with("transform_keys");
            let mut changed = Vec::new();
            for (key, value) in pairs {
                changed.push(match keys {
                    true => (interp.call_proc(block, vec![key])?, value),
                    false => {
                        let value = interp.call_proc(block, vec![value])?;
                        (key, value)
                    }
                });
            }
            if name.ends_with('!') {
                this.replace(changed);
                receiver.clone()
            } else {
                interp.hash(changed)?
            }
        }
        "to_h" => {
            let mut made = Vec::new();
            for (key, value) in pairs {
                let pair = interp.call_proc(block, vec![key, value])?;
                made.push(enumerable::pair(interp, &pair)?);
            }
            interp.hash(made)?
        }
        _ => return Ok(None),
    };
    Ok(Some(value))
}

/// Methods of the class Hash.
pub(super) fn class<'a>(interp: &mut Interp<'a>, name: &str, args: &Args<'a>) -> Found<'a> {
    match name {
        "new" => {
            let hash = Hash::new();
            if let Some(block) = &args.block {
                *hash.default.borrow_mut() = Default::Proc(Rc::clone(block));
            } else if let Some(value) = args.get(0) {
                *hash.default.borrow_mut() = Default::Value(value.clone());
            }
            let hash = Value::Hash(Rc::new(hash));
            interp.holds(&hash, &hash);
            Ok(Some(hash))
        }
        "[]" => {
            let pairs = match args.list.as_slice() {
                [Value::Hash(hash)] => hash.pairs(),
                [list @ Value::Array(_)] => {
                    let mut pairs = Vec::new();
                    for item in interp.items(list)? {
                        pairs.push(enumerable::pair(interp, &item)?);
                    }
                    pairs
                }
                many => many
                    .chunks(2)
                    .filter_map(|pair| Some((pair.first()?.clone(), pair.get(1)?.clone())))
                    .collect(),
            };
            interp.hash(pairs).map(Some)
        }
        _ => Ok(None),
    }
}
