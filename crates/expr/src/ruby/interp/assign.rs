//! Assignment to variables, elements, attributes and several targets at once.

use std::rc::Rc;

use super::super::ast::{Expr, Operator, Target, Targets};
use super::super::value::{Env, Value};
use super::{Args, Eval, Flow, Interp, eval};

impl<'a> Interp<'a> {
    pub(super) fn assign(
        &mut self,
        target: &'a Target,
        value: Value<'a>,
        env: &Rc<Env<'a>>,
    ) -> Result<(), Flow<'a>> {
        match target {
            Target::Local(slot) => {
                let mut scope = env;
                for _ in 0..slot.depth {
                    match &scope.parent {
                        Some(parent) => scope = parent,
                        None => break,
                    }
                }
                if let Some(place) = scope.slots.borrow_mut().get_mut(slot.index) {
                    *place = value;
                }
            }
            Target::Variable(name) => {
                self.variables.insert(name, value);
            }
            Target::Constant(name) => {
                self.constants.insert(name, value);
            }
            Target::Index { receiver, args, at } => {
                let receiver = self.eval(receiver, env)?;
                let mut list = self.eval_args(args, env)?;
                list.push(value);
                self.at = *at;
                self.send(&receiver, "[]=", Args::of(list))?;
            }
            Target::Attribute { receiver, name, safe, at } => {
                let receiver = self.eval(receiver, env)?;
                if !(*safe && receiver.is_nil()) {
                    self.at = *at;
                    self.send(&receiver, &format!("{name}="), Args::of(vec![value]))?;
                }
            }
            Target::Nested(targets) => self.assign_all(targets, &value, env)?,
        }
        Ok(())
    }

    /// Takes a value apart over several targets.
    pub(super) fn assign_all(
        &mut self,
        targets: &'a Targets,
        value: &Value<'a>,
        env: &Rc<Env<'a>>,
    ) -> Result<(), Flow<'a>> {
        let items = match value {
            Value::Array(items) => items.borrow().clone(),
            other => vec![other.clone()],
        };
        let item = |index: usize| items.get(index).cloned().unwrap_or(Value::Nil);
        for (index, target) in targets.before.iter().enumerate() {
            self.assign(target, item(index), env)?;
        }
        let first_after = match &targets.rest {
            None => targets.before.len(),
            Some(rest) => {
                let from = targets.before.len().min(items.len());
                let to = items.len().saturating_sub(targets.after.len()).max(from);
                if let Some(target) = rest {
                    let middle = items.get(from..to).unwrap_or_default().to_vec();
                    let middle = self.array(middle)?;
                    self.assign(target, middle, env)?;
                }
                to
            }
        };
        for (index, target) in targets.after.iter().enumerate() {
            self.assign(target, item(first_after + index), env)?;
        }
        Ok(())
    }

    /// Evaluates `||=`, `&&=` and `op=`; receiver and index are evaluated once.
    pub(super) fn update(
        &mut self,
        target: &'a Target,
        operator: &'a Operator,
        value: &'a Expr,
        env: &Rc<Env<'a>>,
    ) -> Eval<'a> {
        match target {
            Target::Index { receiver, args, at } => {
                let receiver = self.eval(receiver, env)?;
                let index = self.eval_args(args, env)?;
                self.at = *at;
                let old = self.send(&receiver, "[]", Args::of(index.clone()))?;
                let (new, write) = self.updated(old, operator, value, env)?;
                if write {
                    let mut list = index;
                    list.push(new.clone());
                    self.send(&receiver, "[]=", Args::of(list))?;
                }
                Ok(new)
            }
            Target::Local(slot) => {
                let old = eval::find(env, slot.depth, slot.index);
                self.store_updated(old, target, operator, value, env)
            }
            Target::Variable(name) => {
                let old = self.variable(name);
                self.store_updated(old, target, operator, value, env)
            }
            Target::Constant(_) | Target::Attribute { .. } | Target::Nested(_) => Ok(Value::Nil),
        }
    }

    fn store_updated(
        &mut self,
        old: Value<'a>,
        target: &'a Target,
        operator: &'a Operator,
        value: &'a Expr,
        env: &Rc<Env<'a>>,
    ) -> Eval<'a> {
        let (new, write) = self.updated(old, operator, value, env)?;
        if write {
            self.assign(target, new.clone(), env)?;
        }
        Ok(new)
    }

    fn updated(
        &mut self,
        old: Value<'a>,
        operator: &'a Operator,
        value: &'a Expr,
        env: &Rc<Env<'a>>,
    ) -> Result<(Value<'a>, bool), Flow<'a>> {
        match operator {
            Operator::Or if old.truthy() => Ok((old, false)),
            Operator::And if !old.truthy() => Ok((old, false)),
            Operator::Or | Operator::And => Ok((self.eval(value, env)?, true)),
            Operator::Method(name) => {
                let value_at = value.at;
                let value = self.eval(value, env)?;
                self.at = value_at;
                Ok((self.send(&old, name, Args::of(vec![value]))?, true))
            }
        }
    }
}
