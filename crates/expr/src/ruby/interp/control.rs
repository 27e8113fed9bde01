//! Loops, `case` and exception handling.

use std::rc::Rc;

use super::super::ast::{Arg, Begin, Expr, Kind, Rescue, Target, When};
use super::super::constants;
use super::super::value::{Env, Exception, Value};
use super::{Args, Eval, Flow, Interp};

impl<'a> Interp<'a> {
    pub(super) fn eval_control(&mut self, kind: &'a Kind, env: &Rc<Env<'a>>) -> Eval<'a> {
        match kind {
            Kind::While { condition, body, until, body_first } => {
                self.eval_while(condition, body, (*until, *body_first), env)
            }
            Kind::For { target, items, body } => self.eval_for(target, items, body, env),
            Kind::Case { subject, whens, otherwise } => {
                self.eval_case(subject.as_deref(), whens, otherwise, env)
            }
            Kind::Begin(begin) => self.eval_begin(begin, env),
            _ => Ok(Value::Nil),
        }
    }

    fn eval_while(
        &mut self,
        condition: &'a Expr,
        body: &'a Expr,
        (until, mut body_first): (bool, bool),
        env: &Rc<Env<'a>>,
    ) -> Eval<'a> {
        loop {
            let skip_test = std::mem::replace(&mut body_first, false);
            if !skip_test && self.eval(condition, env)?.truthy() == until {
                return Ok(Value::Nil);
            }
            match self.eval(body, env) {
                Ok(_) | Err(Flow::LoopNext) => {}
                Err(Flow::LoopBreak(value)) => return Ok(value),
                Err(other) => return Err(other),
            }
        }
    }

    fn eval_for(
        &mut self,
        target: &'a Target,
        items: &'a Expr,
        body: &'a Expr,
        env: &Rc<Env<'a>>,
    ) -> Eval<'a> {
        let value = self.eval(items, env)?;
        for item in self.items(&value)? {
            self.assign(target, item, env)?;
            match self.eval(body, env) {
                Ok(_) | Err(Flow::LoopNext) => {}
                Err(Flow::LoopBreak(value)) => return Ok(value),
                Err(other) => return Err(other),
            }
        }
        Ok(value)
    }

    fn eval_case(
        &mut self,
        subject: Option<&'a Expr>,
        whens: &'a [When],
        otherwise: &'a Expr,
        env: &Rc<Env<'a>>,
    ) -> Eval<'a> {
        let subject = match subject {
            Some(expr) => Some(self.eval(expr, env)?),
            None => None,
        };
        for when in whens {
            for condition in &when.conditions {
                let candidates = match condition {
                    Arg::One(expr) => vec![self.eval(expr, env)?],
                    Arg::Splat(expr) => {
                        let value = self.eval(expr, env)?;
                        self.splat(&value)?
                    }
                };
                for candidate in candidates {
                    let holds = match &subject {
                        Some(subject) => {
                            self.send(&candidate, "===", Args::of(vec![subject.clone()]))?
                        }
                        None => candidate,
                    };
                    if holds.truthy() {
                        return self.eval(&when.body, env);
                    }
                }
            }
        }
        self.eval(otherwise, env)
    }

    fn eval_begin(&mut self, begin: &'a Begin, env: &Rc<Env<'a>>) -> Eval<'a> {
        let mut result = self.eval_rescued(begin, env);
        if let Some(ensure) = &begin.ensure
            && !matches!(result, Err(Flow::Stop(_)))
            && let Err(flow) = self.eval(ensure, env)
        {
            result = Err(flow);
        }
        result
    }

    fn eval_rescued(&mut self, begin: &'a Begin, env: &Rc<Env<'a>>) -> Eval<'a> {
        loop {
            let depth = self.depth;
            let exception = match self.eval(&begin.body, env) {
                Ok(value) => {
                    return match &begin.otherwise {
                        Some(otherwise) => self.eval(otherwise, env),
                        None => Ok(value),
                    };
                }
                Err(Flow::Raise(exception)) => exception,
                Err(other) => return Err(other),
            };
            self.depth = depth;
            let Some(rescue) = self.find_rescue(begin, &exception, env)? else {
                return Err(Flow::Raise(exception));
            };
            if let Some(target) = &rescue.target {
                self.assign(target, Value::Exception(Rc::clone(&exception)), env)?;
            }
            let outer = self.handling.replace(exception);
            let result = self.eval(&rescue.body, env);
            self.handling = outer;
            match result {
                Err(Flow::Retry) => self.charge(1)?,
                other => return other,
            }
        }
    }

    fn find_rescue(
        &mut self,
        begin: &'a Begin,
        exception: &Exception,
        env: &Rc<Env<'a>>,
    ) -> Result<Option<&'a Rescue>, Flow<'a>> {
        for rescue in &begin.rescues {
            if rescue.classes.is_empty() && constants::descends(exception.class, "StandardError") {
                return Ok(Some(rescue));
            }
            for class in self.eval_args(&rescue.classes, env)? {
                match class {
                    Value::Class(name) if constants::descends(exception.class, name) => {
                        return Ok(Some(rescue));
                    }
                    Value::Class(_) => {}
                    _ => {
                        let message = "class or module required for rescue clause";
                        return Err(self.type_error(message));
                    }
                }
            }
        }
        Ok(None)
    }

    /// Returns the exception that a bare `raise` raises again.
    pub(crate) fn handled(&self) -> Option<Rc<Exception>> {
        self.handling.clone()
    }
}
