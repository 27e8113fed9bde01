//! Methods of exceptions, and `raise`.

use std::rc::Rc;

use super::super::interp::{Args, Flow, Found, Interp};
use super::super::value::{Exception, Value};
use super::super::{constants, inspect};

pub(super) fn call<'a>(
    interp: &mut Interp<'a>,
    this: &Rc<Exception>,
    name: &str,
    args: &Args<'a>,
) -> Found<'a> {
    let value = match name {
        "message" | "to_s" | "detailed_message" => interp.text(this.message.as_str())?,
        "full_message" => interp.text(format!("{} ({})", this.message, this.class))?,
        "backtrace" | "backtrace_locations" => interp.array(Vec::new())?,
        "cause" => Value::Nil,
        "exception" => match args.get(0) {
            Some(message) => {
                let message = inspect::to_s(interp, &message.clone())?;
                Value::Exception(Rc::new(Exception { class: this.class, message, at: this.at }))
            }
            None => Value::Exception(Rc::clone(this)),
        },
        "key" | "receiver" | "name" | "result" => Value::Nil,
        _ => return Ok(None),
    };
    Ok(Some(value))
}

/// Makes an exception of a class.
pub(super) fn make<'a>(
    interp: &mut Interp<'a>,
    class: &'static str,
    message: Option<&Value<'a>>,
) -> Result<Rc<Exception>, Flow<'a>> {
    let message = match message {
        Some(message) => inspect::to_s(interp, message)?,
        None => class.to_owned(),
    };
    Ok(Rc::new(Exception { class, message, at: interp.at }))
}

/// `raise`
pub(super) fn raise<'a>(interp: &mut Interp<'a>, args: &Args<'a>) -> Flow<'a> {
    let exception = match (args.get(0), args.get(1)) {
        (None, _) => match interp.handled() {
            Some(exception) => return Flow::Raise(exception),
            None => return interp.raise("RuntimeError", "unhandled exception"),
        },
        (Some(Value::Str(message)), _) => {
            let message = message.borrow().clone();
            return interp.raise("RuntimeError", message);
        }
        (Some(Value::Class(class)), message) if constants::descends(class, "Exception") => {
            make(interp, class, message)
        }
        (Some(Value::Exception(exception)), Some(message)) => {
            make(interp, exception.class, Some(message))
        }
        (Some(Value::Exception(exception)), None) => {
            let placed = Exception { at: interp.at, ..(**exception).clone() };
            Ok(Rc::new(placed))
        }
        _ => Err(interp.type_error("exception class/object expected")),
    };
    exception.map_or_else(|flow| flow, Flow::Raise)
}
