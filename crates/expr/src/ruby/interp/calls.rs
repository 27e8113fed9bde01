//! Calls: arguments, blocks, methods that the text defines, and how parameters are bound.

use std::rc::Rc;

use super::super::ast::{Block, BlockArg, Call, Expr, Kind, Param, Params};
use super::super::value::{Code, Env, Frame, Proc, Value};
use super::super::{inspect, methods};
use super::{Eval, Flow, Interp};

/// The arguments of a call.
pub(crate) struct Args<'a> {
    pub(crate) list: Vec<Value<'a>>,
    /// Whether the last of the list is keywords.
    pub(crate) keywords: bool,
    pub(crate) block: Option<Rc<Proc<'a>>>,
}

impl<'a> Args<'a> {
    pub(crate) fn none() -> Args<'a> {
        Args::of(Vec::new())
    }

    pub(crate) fn of(list: Vec<Value<'a>>) -> Args<'a> {
        Args { list, keywords: false, block: None }
    }

    pub(crate) fn with_block(list: Vec<Value<'a>>, block: Rc<Proc<'a>>) -> Args<'a> {
        Args { list, keywords: false, block: Some(block) }
    }

    pub(crate) fn get(&self, index: usize) -> Option<&Value<'a>> {
        self.list.get(index)
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// Looks a keyword up.
    pub(crate) fn keyword(&self, name: &str) -> Option<Value<'a>> {
        match self.list.last() {
            Some(Value::Hash(hash)) if self.keywords => hash.get(&Value::symbol(name)),
            _ => None,
        }
    }
}

impl<'a> Interp<'a> {
    /// Evaluates a call. A chain such as `a.b + c` nests to the left as deep as it is long, so its
    /// calls are evaluated in a loop from the innermost receiver on.
    pub(super) fn eval_call(&mut self, call: &'a Call, env: &Rc<Env<'a>>, at: u32) -> Eval<'a> {
        let mut chain = vec![(call, at)];
        let mut first = call.receiver.as_ref();
        while let Some(Expr { kind: Kind::Call(inner), at }) = first {
            chain.push((inner, *at));
            first = inner.receiver.as_ref();
        }
        let mut receiver = match first {
            Some(expr) => Some(self.eval(expr, env)?),
            None => None,
        };
        for (call, at) in chain.into_iter().rev() {
            self.charge(1)?;
            receiver = Some(self.eval_link(call, receiver.as_ref(), env, at)?);
        }
        Ok(Value::or_nil(receiver))
    }

    /// Evaluates one call of a chain.
    fn eval_link(
        &mut self,
        call: &'a Call,
        receiver: Option<&Value<'a>>,
        env: &Rc<Env<'a>>,
        at: u32,
    ) -> Eval<'a> {
        if call.safe && receiver.is_some_and(Value::is_nil) {
            return Ok(Value::Nil);
        }
        let list = self.eval_args(&call.args, env)?;
        let (block, tag) = self.eval_block(call.block.as_ref(), env)?;
        if block.is_some() && matches!(&*call.name, "new" | "lambda" | "proc") {
            // This block outlives the call and may be part of a cycle through its scope.
            self.envs.push(Rc::clone(env));
        }
        let args = Args { list, keywords: call.keywords, block };
        self.at = at;
        let result = match receiver {
            Some(receiver) => self.send(receiver, &call.name, args),
            None => self.call_function(call, args, env),
        };
        match result {
            Err(Flow::Break(broken, value)) if Some(broken) == tag => Ok(value),
            other => other,
        }
    }

    /// Makes the block of a call; returns the tag that `break` in it leaves by.
    fn eval_block(
        &mut self,
        block: Option<&'a BlockArg>,
        env: &Rc<Env<'a>>,
    ) -> Result<(Option<Rc<Proc<'a>>>, Option<u64>), Flow<'a>> {
        Ok(match block {
            None => (None, None),
            Some(BlockArg::Block(block)) => {
                let tag = self.next_tag();
                let code = Code::Block { block, env: Rc::clone(env) };
                (Some(Rc::new(Proc { code, lambda: false, tag })), Some(tag))
            }
            Some(BlockArg::Forward) => (env.method.block.clone(), None),
            Some(BlockArg::Pass(expr)) => {
                let value = self.eval(expr, env)?;
                (self.block_of(&value)?, None)
            }
        })
    }

    /// Turns what follows `&` into a block.
    fn block_of(&mut self, value: &Value<'a>) -> Result<Option<Rc<Proc<'a>>>, Flow<'a>> {
        match value {
            Value::Nil => Ok(None),
            Value::Proc(block) => Ok(Some(Rc::clone(block))),
            Value::Sym(name) => {
                let tag = self.next_tag();
                let code = Code::Symbol(Rc::clone(name));
                Ok(Some(Rc::new(Proc { code, lambda: false, tag })))
            }
            other => {
                let message = format!("wrong argument type {} (expected Proc)", other.class());
                Err(self.type_error(message))
            }
        }
    }

    fn call_function(&mut self, call: &'a Call, args: Args<'a>, env: &Rc<Env<'a>>) -> Eval<'a> {
        let name = &*call.name;
        if self.methods.contains_key(name) {
            return self.call_def(name, args);
        }
        if name == "block_given?" {
            return Ok(Value::Bool(env.method.block.is_some()));
        }
        if let Some(value) = methods::function(self, name, &args)? {
            return Ok(value);
        }
        let message = if call.bare {
            format!("undefined local variable or method `{name}' for main:Object")
        } else {
            format!("undefined method `{name}' for main:Object")
        };
        Err(self.raise(if call.bare { "NameError" } else { "NoMethodError" }, message))
    }

    /// Calls a method of a value.
    pub(crate) fn send(&mut self, receiver: &Value<'a>, name: &str, args: Args<'a>) -> Eval<'a> {
        self.charge(1)?;
        if matches!(receiver, Value::Main) && self.methods.contains_key(name) {
            return self.call_def(name, args);
        }
        if let Some(value) = methods::dispatch(self, receiver, name, &args)? {
            return Ok(value);
        }
        let shown = inspect::for_error(self, receiver)?;
        Err(self.raise("NoMethodError", format!("undefined method `{name}' for {shown}")))
    }

    fn call_def(&mut self, name: &str, args: Args<'a>) -> Eval<'a> {
        let Some(def) = self.methods.get(name).copied() else {
            return Ok(Value::Nil);
        };
        let tag = self.next_tag();
        let Args { list, keywords, block } = args;
        let env = Rc::new(Env {
            slots: vec![Value::Nil; def.block.slots].into(),
            parent: None,
            method: Rc::new(Frame { tag, block }),
            tag,
            lambda: false,
        });
        if def.block.params.block.is_some() {
            self.envs.push(Rc::clone(&env));
        }
        self.deeper(|this| {
            this.bind(&def.block.params, list, keywords, true, &env)?;
            match this.eval(&def.block.body, &env) {
                Err(Flow::Return(left, value)) if left == tag => Ok(value),
                other => other,
            }
        })
    }

    /// Calls a block with values, as `yield` does.
    pub(crate) fn call_proc(&mut self, block: &Rc<Proc<'a>>, args: Vec<Value<'a>>) -> Eval<'a> {
        self.call_proc_with(block, Args::of(args))
    }

    pub(crate) fn call_proc_with(&mut self, block: &Rc<Proc<'a>>, args: Args<'a>) -> Eval<'a> {
        self.charge(1)?;
        self.check_stack()?;
        match &block.code {
            Code::Block { block: code, env } => {
                self.deeper(|this| this.call_block(block, code, env, args))
            }
            Code::Symbol(name) => {
                let mut list = args.list;
                if list.is_empty() {
                    return Err(self.argument_error("no receiver given"));
                }
                let receiver = list.remove(0);
                self.send(&receiver, name, Args::of(list))
            }
            Code::Method(def) => self.call_def(&def.name, args),
            Code::Bound(receiver, name) => {
                let receiver = receiver.clone();
                self.send(&receiver, name, args)
            }
            Code::Native(function) => self.deeper(|this| function(this, args.list)),
        }
    }

    fn call_block(
        &mut self,
        made: &Rc<Proc<'a>>,
        code: &'a Block,
        env: &Rc<Env<'a>>,
        args: Args<'a>,
    ) -> Eval<'a> {
        let scope = Rc::new(Env {
            slots: vec![Value::Nil; code.slots].into(),
            parent: Some(Rc::clone(env)),
            method: Rc::clone(&env.method),
            tag: made.tag,
            lambda: made.lambda,
        });
        self.bind(&code.params, args.list, args.keywords, made.lambda, &scope)?;
        match self.eval(&code.body, &scope) {
            Err(Flow::Next(value)) => Ok(value),
            Err(Flow::Return(tag, value) | Flow::Break(tag, value))
                if made.lambda && tag == made.tag =>
            {
                Ok(value)
            }
            other => other,
        }
    }

    /// Binds arguments to parameters. A block that is not strict drops what is too much, fills up
    /// with nil, and takes a single array apart when it has several parameters.
    fn bind(
        &mut self,
        params: &'a Params,
        mut args: Vec<Value<'a>>,
        keywords: bool,
        strict: bool,
        env: &Rc<Env<'a>>,
    ) -> Result<(), Flow<'a>> {
        let wants_keywords = !params.keywords.is_empty() || params.keyword_rest.is_some();
        let needed = params.required.len() + params.post.len();
        let mut given = None;
        if wants_keywords && matches!(args.last(), Some(Value::Hash(_))) && keywords {
            given = args.pop();
        }
        let most = needed + params.optional.len();
        if strict {
            if args.len() < needed || (params.rest.is_none() && args.len() > most) {
                return Err(self.wrong_arguments(args.len(), needed, most, params.rest.is_some()));
            }
        } else if (most + usize::from(params.rest.is_some()) > 1 || params.excess_comma)
            && let [Value::Array(items)] = args.as_slice()
        {
            let items = items.borrow().clone();
            args = items;
        }
        self.bind_positional(params, args, env)?;
        self.bind_keywords(params, given, env)?;
        if let Some(slot) = params.block {
            let block = env.method.block.clone().map_or(Value::Nil, Value::Proc);
            set(env, slot, block);
        }
        Ok(())
    }

    fn bind_positional(
        &mut self,
        params: &'a Params,
        args: Vec<Value<'a>>,
        env: &Rc<Env<'a>>,
    ) -> Result<(), Flow<'a>> {
        let needed = params.required.len() + params.post.len();
        let spare = args.len().saturating_sub(needed);
        let count = args.len();
        let mut args = args.into_iter();
        for param in &params.required {
            self.bind_one(param, args.next().unwrap_or(Value::Nil), env)?;
        }
        for (number, (slot, default)) in params.optional.iter().enumerate() {
            let value = match number < spare {
                true => args.next().unwrap_or(Value::Nil),
                false => self.eval(default, env)?,
            };
            set(env, *slot, value);
        }
        let used = params.required.len() + params.optional.len().min(spare);
        if let Some(rest) = &params.rest {
            let length = count.saturating_sub(used + params.post.len());
            let rest_values: Vec<_> = args.by_ref().take(length).collect();
            if let Some(slot) = rest {
                let value = self.array(rest_values)?;
                set(env, *slot, value);
            }
        }
        for param in &params.post {
            self.bind_one(param, args.next().unwrap_or(Value::Nil), env)?;
        }
        Ok(())
    }

    fn bind_one(
        &mut self,
        param: &'a Param,
        value: Value<'a>,
        env: &Rc<Env<'a>>,
    ) -> Result<(), Flow<'a>> {
        match param {
            Param::Slot(slot) => {
                set(env, *slot, value);
                Ok(())
            }
            Param::Nested(targets) => self.assign_all(targets, &value, env),
        }
    }

    fn bind_keywords(
        &mut self,
        params: &'a Params,
        given: Option<Value<'a>>,
        env: &Rc<Env<'a>>,
    ) -> Result<(), Flow<'a>> {
        let mut pairs = match given {
            Some(Value::Hash(hash)) => hash.pairs(),
            _ => Vec::new(),
        };
        for keyword in &params.keywords {
            let found = pairs
                .iter()
                .position(|(key, _)| matches!(key, Value::Sym(name) if **name == *keyword.name));
            let value = match (found, &keyword.default) {
                (Some(index), _) => pairs.remove(index).1,
                (None, Some(default)) => self.eval(default, env)?,
                (None, None) => {
                    return Err(self.argument_error(format!("missing keyword: :{}", keyword.name)));
                }
            };
            set(env, keyword.slot, value);
        }
        match &params.keyword_rest {
            Some(Some(slot)) => {
                let rest = self.hash(pairs)?;
                set(env, *slot, rest);
            }
            Some(None) => {}
            None => {
                if let Some((key, _)) = pairs.first() {
                    let shown = inspect::inspect(self, key)?;
                    return Err(self.argument_error(format!("unknown keyword: {shown}")));
                }
            }
        }
        Ok(())
    }

    /// Returns the error for a wrong number of arguments.
    pub(crate) fn wrong_arguments(
        &self,
        given: usize,
        least: usize,
        most: usize,
        open: bool,
    ) -> Flow<'a> {
        let expected = match (open, least == most) {
            (true, _) => format!("{least}+"),
            (false, true) => least.to_string(),
            (false, false) => format!("{least}..{most}"),
        };
        let message = format!("wrong number of arguments (given {given}, expected {expected})");
        self.argument_error(message)
    }

    /// Returns an argument or the error for its absence.
    pub(crate) fn arg<'b>(
        &self,
        args: &'b Args<'a>,
        index: usize,
    ) -> Result<&'b Value<'a>, Flow<'a>> {
        args.get(index).ok_or_else(|| self.wrong_arguments(args.len(), index + 1, index + 1, false))
    }

    /// Returns the method that the text defines under a name.
    pub(crate) fn defined_method(&self, name: &str) -> Option<&'a super::super::ast::Def> {
        self.methods.get(name).copied()
    }
}

fn set<'a>(env: &Rc<Env<'a>>, slot: usize, value: Value<'a>) {
    if let Some(place) = env.slots.borrow_mut().get_mut(slot) {
        *place = value;
    }
}
