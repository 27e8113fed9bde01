//! Evaluation of expressions.

use std::rc::Rc;

use super::super::ast::{Arg, Expr, Kind, Pair};
use super::super::value::{Code, Env, Proc, Range, Value};
use super::super::{constants, inspect, regex};
use super::{Args, Eval, Flow, Interp};

impl<'a> Interp<'a> {
    pub(crate) fn eval(&mut self, expr: &'a Expr, env: &Rc<Env<'a>>) -> Eval<'a> {
        self.charge(1)?;
        match &expr.kind {
            Kind::Nil => Ok(Value::Nil),
            Kind::True => Ok(Value::Bool(true)),
            Kind::False => Ok(Value::Bool(false)),
            Kind::Int(value) => Ok(Value::Int(*value)),
            Kind::Float(value) => Ok(Value::Float(*value)),
            Kind::Str(text) => self.text(&**text),
            Kind::Sym(name) => Ok(Value::symbol(name)),
            Kind::SelfObject => Ok(Value::Main),
            Kind::Class(name) => Ok(Value::Class(name)),
            Kind::Regex(regex) => Ok(Value::Regex(Rc::new(regex.clone()))),
            Kind::Local(slot) => Ok(find(env, slot.depth, slot.index)),
            Kind::Variable(name) => Ok(self.variable(name)),
            _ => {
                self.check_stack()?;
                self.eval_compound(expr, env)
            }
        }
    }

    fn eval_compound(&mut self, expr: &'a Expr, env: &Rc<Env<'a>>) -> Eval<'a> {
        match &expr.kind {
            Kind::Call(call) => self.eval_call(call, env, expr.at),
            Kind::Seq(body) => {
                let mut value = Value::Nil;
                for expr in body {
                    value = self.eval(expr, env)?;
                }
                Ok(value)
            }
            Kind::And(left, right) => {
                let left = self.eval(left, env)?;
                if left.truthy() { self.eval(right, env) } else { Ok(left) }
            }
            Kind::Or(left, right) => {
                let left = self.eval(left, env)?;
                if left.truthy() { Ok(left) } else { self.eval(right, env) }
            }
            Kind::Not(inner) => {
                let value = self.eval(inner, env)?;
                Ok(Value::Bool(!value.truthy()))
            }
            Kind::If { condition, then, otherwise } => {
                let branch = if self.eval(condition, env)?.truthy() { then } else { otherwise };
                self.eval(branch, env)
            }
            Kind::Assign(target, value) => {
                let value = self.eval(value, env)?;
                self.assign(target, value.clone(), env)?;
                Ok(value)
            }
            Kind::Update(target, operator, value) => self.update(target, operator, value, env),
            Kind::MultiAssign(targets, value) => {
                let value = self.eval(value, env)?;
                self.assign_all(targets, &value, env)?;
                Ok(value)
            }
            Kind::Text(text) => {
                self.emit(text)?;
                Ok(Value::Nil)
            }
            Kind::Output(inner) => {
                let value = self.eval(inner, env)?;
                let text = inspect::to_s(self, &value)?;
                self.emit(&text)?;
                Ok(Value::Nil)
            }
            Kind::Yield(args) => self.eval_yield(args, env),
            Kind::Return(_) | Kind::Next { .. } | Kind::Break { .. } | Kind::Retry => {
                self.eval_jump(&expr.kind, env)
            }
            Kind::While { .. } | Kind::For { .. } | Kind::Case { .. } | Kind::Begin(_) => {
                self.eval_control(&expr.kind, env)
            }
            _ => self.eval_value(expr, env),
        }
    }

    /// Evaluates literals with parts, and definitions.
    fn eval_value(&mut self, expr: &'a Expr, env: &Rc<Env<'a>>) -> Eval<'a> {
        match &expr.kind {
            Kind::Join(parts) => {
                let text = self.join(parts, env)?;
                self.text(text)
            }
            Kind::JoinSym(parts) => Ok(Value::symbol(&self.join(parts, env)?)),
            Kind::JoinRegex(parts, flags) => {
                let source = self.join(parts, env)?;
                self.at = expr.at;
                let compiled = regex::Regex::new(&source, flags);
                let regex = compiled.map_err(|error| self.raise("RegexpError", error))?;
                Ok(Value::Regex(Rc::new(std::sync::Arc::new(regex))))
            }
            Kind::Array(items) => {
                let items = self.eval_args(items, env)?;
                self.array(items)
            }
            Kind::Hash(pairs) => self.eval_hash(pairs, env),
            Kind::Range { from, to, exclusive } => {
                let mut end = |expr: &'a Option<Box<Expr>>| match expr {
                    Some(expr) => self.eval(expr, env),
                    None => Ok(Value::Nil),
                };
                let (from, to) = (end(from)?, end(to)?);
                Ok(Value::Range(Rc::new(Range { from, to, exclusive: *exclusive })))
            }
            Kind::Group(number) => self.group(*number),
            Kind::Handled => Ok(self.handled().map_or(Value::Nil, Value::Exception)),
            Kind::Constant(name) => match self.constants.get(&**name) {
                Some(value) => Ok(value.clone()),
                None => match constants::value(name) {
                    Some(value) => Ok(value),
                    None => {
                        self.at = expr.at;
                        Err(self.raise("NameError", format!("uninitialized constant {name}")))
                    }
                },
            },
            Kind::Defined(inner) => self.eval_defined(inner, env),
            Kind::Def(def) => {
                self.methods.insert(&def.name, def);
                Ok(Value::symbol(&def.name))
            }
            Kind::Lambda(block) => {
                let tag = self.next_tag();
                self.envs.push(Rc::clone(env));
                let code = Code::Block { block, env: Rc::clone(env) };
                Ok(Value::Proc(Rc::new(Proc { code, lambda: true, tag })))
            }
            _ => Ok(Value::Nil),
        }
    }

    fn join(&mut self, parts: &'a [Expr], env: &Rc<Env<'a>>) -> Result<String, Flow<'a>> {
        let mut text = String::new();
        for part in parts {
            match &part.kind {
                Kind::Str(literal) => text.push_str(literal),
                _ => {
                    let value = self.eval(part, env)?;
                    let shown = inspect::to_s(self, &value)?;
                    self.allocate(shown.len())?;
                    text.push_str(&shown);
                }
            }
        }
        Ok(text)
    }

    /// Evaluates arguments or array elements.
    pub(super) fn eval_args(
        &mut self,
        args: &'a [Arg],
        env: &Rc<Env<'a>>,
    ) -> Result<Vec<Value<'a>>, Flow<'a>> {
        let mut values = Vec::with_capacity(args.len());
        for arg in args {
            match arg {
                Arg::One(expr) => values.push(self.eval(expr, env)?),
                Arg::Splat(expr) => {
                    let value = self.eval(expr, env)?;
                    let items = self.splat(&value)?;
                    self.allocate(items.len() * size_of::<Value<'_>>())?;
                    values.extend(items);
                }
            }
        }
        Ok(values)
    }

    /// Takes a value apart as `*value` does.
    pub(crate) fn splat(&mut self, value: &Value<'a>) -> Result<Vec<Value<'a>>, Flow<'a>> {
        match value {
            Value::Nil => Ok(Vec::new()),
            Value::Array(items) => Ok(items.borrow().clone()),
            Value::Hash(_) | Value::Range(_) | Value::Enumerator(_) => self.items(value),
            other => Ok(vec![other.clone()]),
        }
    }

    fn eval_hash(&mut self, pairs: &'a [Pair], env: &Rc<Env<'a>>) -> Eval<'a> {
        let mut list = Vec::with_capacity(pairs.len());
        for pair in pairs {
            match pair {
                Pair::One(key, value) => {
                    let key = self.eval(key, env)?;
                    list.push((key, self.eval(value, env)?));
                }
                Pair::Splat(expr) => match self.eval(expr, env)? {
                    Value::Hash(hash) => list.extend(hash.pairs()),
                    Value::Nil => {}
                    other => {
                        let message =
                            format!("no implicit conversion of {} into Hash", other.class());
                        return Err(self.type_error(message));
                    }
                },
            }
        }
        self.hash(list)
    }

    fn group(&mut self, number: usize) -> Eval<'a> {
        let Value::Match(found) = &self.last_match else {
            return Ok(Value::Nil);
        };
        if number == usize::MAX {
            return Ok(self.last_match.clone());
        }
        if number == usize::MAX - 1 {
            let start = found.groups.first().copied().flatten().map_or(0, |(start, _)| start);
            let chars = found.text.get(..start).map_or(0, |before| before.chars().count());
            return Ok(Value::Int(chars as i64));
        }
        match found.group(number).map(str::to_owned) {
            Some(text) => self.text(text),
            None => Ok(Value::Nil),
        }
    }

    fn eval_defined(&mut self, inner: &'a Expr, env: &Rc<Env<'a>>) -> Eval<'a> {
        let word = match &inner.kind {
            Kind::Local(_) => "local-variable",
            Kind::Variable(name) => {
                if self.variable(name).is_nil() {
                    return Ok(Value::Nil);
                }
                "instance-variable"
            }
            Kind::Class(_) | Kind::Constant(_) => "constant",
            Kind::Assign(..) | Kind::Update(..) | Kind::MultiAssign(..) => "assignment",
            Kind::SelfObject => "self",
            Kind::Nil => "expression",
            Kind::Yield(_) => match &env.method.block {
                Some(_) => "yield",
                None => return Ok(Value::Nil),
            },
            Kind::Call(call) => match self.eval(inner, env) {
                Ok(_) => "method",
                Err(Flow::Stop(exception)) => return Err(Flow::Stop(exception)),
                Err(_) if call.receiver.is_none() && self.methods.contains_key(&*call.name) => {
                    "method"
                }
                Err(_) => return Ok(Value::Nil),
            },
            _ => match self.eval(inner, env) {
                Ok(_) => "expression",
                Err(Flow::Stop(exception)) => return Err(Flow::Stop(exception)),
                Err(_) => return Ok(Value::Nil),
            },
        };
        self.text(word)
    }

    fn eval_yield(&mut self, args: &'a [Arg], env: &Rc<Env<'a>>) -> Eval<'a> {
        let args = self.eval_args(args, env)?;
        match env.method.block.clone() {
            Some(block) => self.call_proc(&block, args),
            None => Err(self.raise("LocalJumpError", "no block given (yield)")),
        }
    }

    fn eval_jump(&mut self, kind: &'a Kind, env: &Rc<Env<'a>>) -> Eval<'a> {
        let mut evaluate = |value: &'a Option<Box<Expr>>| match value {
            Some(expr) => self.eval(expr, env),
            None => Ok(Value::Nil),
        };
        Err(match kind {
            Kind::Return(value) => {
                let value = evaluate(value)?;
                let mut scope = env;
                let tag = loop {
                    if scope.lambda {
                        break scope.tag;
                    }
                    match &scope.parent {
                        Some(parent) => scope = parent,
                        None => break scope.method.tag,
                    }
                };
                Flow::Return(tag, value)
            }
            Kind::Next { value, in_loop: false } => Flow::Next(evaluate(value)?),
            Kind::Next { value, in_loop: true } => {
                evaluate(value)?;
                Flow::LoopNext
            }
            Kind::Break { value, in_loop: false } => Flow::Break(env.tag, evaluate(value)?),
            Kind::Break { value, in_loop: true } => Flow::LoopBreak(evaluate(value)?),
            _ => Flow::Retry,
        })
    }

    /// Calls a method without arguments.
    pub(crate) fn ask(&mut self, receiver: &Value<'a>, name: &str) -> Eval<'a> {
        self.send(receiver, name, Args::none())
    }
}

/// Returns a local variable.
pub(super) fn find<'a>(env: &Rc<Env<'a>>, depth: u32, index: usize) -> Value<'a> {
    let mut scope = env;
    for _ in 0..depth {
        match &scope.parent {
            Some(parent) => scope = parent,
            None => break,
        }
    }
    scope.slots.borrow().get(index).cloned().unwrap_or(Value::Nil)
}
