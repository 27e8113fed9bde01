//! Enumerators (what `each`, `map`, … give without a block), procs, lambdas and method objects.

use std::cell::RefCell;
use std::rc::Rc;

use super::super::ast::Params;
use super::super::interp::{Args, Eval, Flow, Found, Interp};
use super::super::value::{Code, Enumerator, Proc, Value};
use super::{enumerable, to_int};

/// Lists what an enumerator yields.
pub(super) fn items<'a>(
    interp: &mut Interp<'a>,
    this: &Rc<Enumerator<'a>>,
) -> Result<Vec<Value<'a>>, Flow<'a>> {
    let list = Rc::new(RefCell::new(Vec::new()));
    let seen = Rc::clone(&list);
    let collect = interp.native(move |_, args| {
        let item = packed(args);
        seen.borrow_mut().push(item.clone());
        Ok(item)
    });
    run(interp, this, collect)?;
    let items = list.borrow().clone();
    Ok(items)
}

/// Lists the first items, also of what never ends.
fn first<'a>(
    interp: &mut Interp<'a>,
    this: &Rc<Enumerator<'a>>,
    count: usize,
) -> Result<Vec<Value<'a>>, Flow<'a>> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let list = Rc::new(RefCell::new(Vec::new()));
    let seen = Rc::clone(&list);
    let tag = interp.next_tag();
    let collect = interp.native(move |_, args| {
        seen.borrow_mut().push(packed(args));
        let enough = seen.borrow().len() >= count;
        if enough { Err(Flow::Break(tag, Value::Nil)) } else { Ok(Value::Nil) }
    });
    match run(interp, this, collect) {
        Ok(_) => {}
        Err(Flow::Break(broken, _)) if broken == tag => {}
        Err(other) => return Err(other),
    }
    let items = list.borrow().clone();
    Ok(items)
}

/// Runs the method that the enumerator stands for.
fn run<'a>(interp: &mut Interp<'a>, this: &Rc<Enumerator<'a>>, block: Rc<Proc<'a>>) -> Eval<'a> {
    let args = Args::with_block(this.args.clone(), block);
    interp.send(&this.receiver.clone(), &this.method, args)
}

/// Packs what a block was given into one value.
fn packed(mut args: Vec<Value<'_>>) -> Value<'_> {
    if args.len() == 1 { args.remove(0) } else { Value::array(args) }
}

pub(super) fn call<'a>(
    interp: &mut Interp<'a>,
    this: &Rc<Enumerator<'a>>,
    name: &str,
    args: &Args<'a>,
) -> Found<'a> {
    let receiver = Value::Enumerator(Rc::clone(this));
    match (name, &args.block) {
        ("with_index" | "each_with_index", Some(block)) => {
            let start = match args.get(0) {
                Some(value) if !value.is_nil() => to_int(interp, value)?,
                _ => 0,
            };
            let count = std::cell::Cell::new(start);
            let block = Rc::clone(block);
            let counted = interp.native(move |interp, args| {
                let index = Value::Int(count.replace(count.get().saturating_add(1)));
                interp.call_proc(&block, vec![packed(args), index])
            });
            run(interp, this, counted).map(Some)
        }
        ("with_object" | "each_with_object", Some(block)) => {
            let memo = interp.arg(args, 0)?.clone();
            let (block, passed) = (Rc::clone(block), memo.clone());
            let with = interp.native(move |interp, args| {
                interp.call_proc(&block, vec![packed(args), passed.clone()])
            });
            run(interp, this, with)?;
            Ok(Some(memo))
        }
        ("each", Some(block)) => run(interp, this, Rc::clone(block)).map(Some),
        ("first" | "take", None) => {
            let count = match args.get(0) {
                Some(count) => usize::try_from(to_int(interp, count)?).unwrap_or(0),
                None => 1,
            };
            let list = first(interp, this, count)?;
            match args.get(0) {
                Some(_) => interp.array(list).map(Some),
                None => Ok(Some(Value::or_nil(list.into_iter().next()))),
            }
        }
        ("next" | "peek", None) => {
            let position = this.position.get();
            let next = first(interp, this, position + 1)?.into_iter().nth(position);
            if name == "peek" {
                return match next {
                    Some(value) => Ok(Some(value)),
                    None => Err(interp.raise("StopIteration", "iteration reached an end")),
                };
            }
            this.position.set(position + 1);
            match next {
                Some(value) => Ok(Some(value)),
                None => Err(interp.raise("StopIteration", "iteration reached an end")),
            }
        }
        ("rewind", None) => {
            this.position.set(0);
            Ok(Some(receiver))
        }
        ("size", None) => Ok(Some(Value::Int(items(interp, this)?.len() as i64))),
        ("with_index" | "each_with_index", None) => {
            let start = match args.get(0) {
                Some(value) if !value.is_nil() => to_int(interp, value)?,
                _ => 0,
            };
            let mut pairs = Vec::new();
            for (index, item) in items(interp, this)?.into_iter().enumerate() {
                pairs.push(Value::pair(item, Value::Int(start.saturating_add(index as i64))));
            }
            let pairs = interp.array(pairs)?;
            Ok(Some(super::without_block(&pairs, "each", &Args::none())))
        }
        _ if enumerable::has(name) => {
            let list = items(interp, this)?;
            enumerable::call(interp, &receiver, list, name, args)
        }
        _ => Ok(None),
    }
}

/// Methods of procs, lambdas and method objects.
pub(super) fn call_proc<'a>(
    interp: &mut Interp<'a>,
    receiver: &Value<'a>,
    this: &Rc<Proc<'a>>,
    name: &str,
    args: &Args<'a>,
) -> Found<'a> {
    let value = match name {
        "call" | "()" | "yield" | "[]" | "===" => {
            let list = args.list.clone();
            let passed = Args { list, keywords: args.keywords, block: args.block.clone() };
            interp.call_proc_with(this, passed)?
        }
        "to_proc" => receiver.clone(),
        "lambda?" => Value::Bool(this.lambda),
        "arity" => Value::Int(arity(this)),
        "curry" => curry(interp, this, Vec::new()),
        ">>" | "<<" => {
            let (first, second) = match name {
                ">>" => (receiver.clone(), interp.arg(args, 0)?.clone()),
                _ => (interp.arg(args, 0)?.clone(), receiver.clone()),
            };
            let composed = interp.native(move |interp, args| {
                let between = interp.send(&first, "call", Args::of(args))?;
                interp.send(&second, "call", Args::of(vec![between]))
            });
            Value::Proc(composed)
        }
        _ => return Ok(None),
    };
    Ok(Some(value))
}

fn parameters<'a>(this: &Rc<Proc<'a>>) -> Option<&'a Params> {
    match &this.code {
        Code::Block { block, .. } => Some(&block.params),
        Code::Method(def) => Some(&def.block.params),
        _ => None,
    }
}

fn arity(this: &Rc<Proc<'_>>) -> i64 {
    let Some(params) = parameters(this) else {
        return -1;
    };
    let needed = (params.required.len() + params.post.len()) as i64;
    let open = params.rest.is_some() || (this.lambda && !params.optional.is_empty());
    if open || (!this.lambda && params.rest.is_some()) { -needed - 1 } else { needed }
}

fn curry<'a>(interp: &mut Interp<'a>, this: &Rc<Proc<'a>>, given: Vec<Value<'a>>) -> Value<'a> {
    let block = Rc::clone(this);
    let needed = usize::try_from(arity(this)).unwrap_or(0);
    let curried = interp.native(move |interp, args| {
        let mut all = given.clone();
        all.extend(args);
        if all.len() >= needed {
            interp.call_proc(&block, all)
        } else {
            Ok(curry(interp, &block, all))
        }
    });
    Value::Proc(curried)
}

/// `:name.to_proc`
pub(super) fn symbol_proc<'a>(interp: &mut Interp<'a>, name: &Rc<str>) -> Value<'a> {
    let tag = interp.next_tag();
    Value::Proc(Rc::new(Proc { code: Code::Symbol(Rc::clone(name)), lambda: true, tag }))
}

/// `value.method(:name)`
pub(super) fn method_object<'a>(
    interp: &mut Interp<'a>,
    receiver: &Value<'a>,
    name: &str,
) -> Value<'a> {
    let code = match (receiver, interp.defined_method(name)) {
        (Value::Main, Some(def)) => Code::Method(def),
        _ => Code::Bound(receiver.clone(), name.into()),
    };
    let tag = interp.next_tag();
    Value::Proc(Rc::new(Proc { code, lambda: true, tag }))
}
