//! Methods of classes and modules, by name.

use std::rc::Rc;

use super::super::constants;
use super::super::interp::{Args, Eval, Found, Interp};
use super::super::value::Value;
use super::{
    digest, exception, functions, hash, json, object, regexp, text, time_make, to_int, url,
};

pub(super) fn call<'a>(
    interp: &mut Interp<'a>,
    this: &'static str,
    name: &str,
    args: &Args<'a>,
) -> Found<'a> {
    let found = match this {
        "JSON" => json::module(interp, name, args)?,
        "ERB::Util" | "CGI" | "URI" => url::module(interp, this, name, args)?,
        "Base64" | "Digest::MD5" | "Digest::SHA1" | "Digest::SHA2" | "Digest::SHA256"
        | "SecureRandom" => digest::module(interp, this, name, args)?,
        "Time" | "DateTime" | "Date" => time_make::class(interp, this, name, args)?,
        "TZInfo::Timezone" => time_make::zone_class(interp, name, args)?,
        "Hash" => hash::class(interp, name, args)?,
        "Array" => array_class(interp, name, args)?,
        "String" => match (name, args.get(0)) {
            ("new", None) => Some(interp.text("")?),
            ("new", Some(_)) => {
                let content = text(interp, args, 0)?;
                Some(interp.text(content)?)
            }
            _ => None,
        },
        "Regexp" => regexp::class(interp, name, args)?,
        "Math" => math(interp, name, args)?,
        "Integer" if name == "sqrt" => {
            let root = (to_int(interp, interp.arg(args, 0)?)? as f64).sqrt().floor();
            Some(Value::Int(root as i64))
        }
        "Kernel" => functions::function(interp, name, args)?,
        "Range" if name == "new" => {
            let (from, to) = (interp.arg(args, 0)?.clone(), interp.arg(args, 1)?.clone());
            let exclusive = args.get(2).is_some_and(Value::truthy);
            let range = super::super::value::Range { from, to, exclusive };
            Some(Value::Range(Rc::new(range)))
        }
        "Proc" if name == "new" => args.block.clone().map(Value::Proc),
        _ if constants::descends(this, "Exception") => match name {
            "new" | "exception" => {
                let made = exception::make(interp, this, args.get(0))?;
                Some(Value::Exception(made))
            }
            _ => None,
        },
        _ => None,
    };
    match found {
        Some(value) => Ok(Some(value)),
        None => shared(interp, this, name, args),
    }
}

/// Methods that all classes have.
fn shared<'a>(
    interp: &mut Interp<'a>,
    this: &'static str,
    name: &str,
    args: &Args<'a>,
) -> Found<'a> {
    let value = match name {
        "name" | "to_s" | "inspect" => interp.text(this)?,
        "===" => Value::Bool(object::is_a(interp.arg(args, 0)?, this)),
        "superclass" => constants::superclass(this).map_or(Value::Nil, Value::Class),
        "<=" | "<" => match interp.arg(args, 0)? {
            Value::Class(other) => {
                let strict = name == "<" && this == *other;
                Value::Bool(constants::descends(this, other) && !strict)
            }
            _ => return Err(interp.type_error("compared with non class/module")),
        },
        "ancestors" => {
            let mut list = vec![Value::Class(this)];
            let mut current = this;
            while let Some(parent) = constants::superclass(current) {
                list.push(Value::Class(parent));
                current = parent;
            }
            interp.array(list)?
        }
        _ => return Ok(None),
    };
    Ok(Some(value))
}

fn array_class<'a>(interp: &mut Interp<'a>, name: &str, args: &Args<'a>) -> Found<'a> {
    if name != "new" {
        return Ok(None);
    }
    let count = match args.get(0) {
        None => return interp.array(Vec::new()).map(Some),
        Some(Value::Array(items)) => {
            let items = items.borrow().clone();
            return interp.array(items).map(Some);
        }
        Some(count) => usize::try_from(to_int(interp, count)?).ok(),
    };
    let Some(count) = count else {
        return Err(interp.argument_error("negative array size"));
    };
    super::check_size(interp, count.saturating_mul(size_of::<Value<'_>>()))?;
    let mut items = Vec::with_capacity(count);
    for index in 0..count {
        items.push(match (&args.block, args.get(1)) {
            (Some(block), _) => {
                let block = Rc::clone(block);
                interp.call_proc(&block, vec![Value::Int(index as i64)])?
            }
            (None, Some(value)) => value.clone(),
            (None, None) => Value::Nil,
        });
    }
    interp.array(items).map(Some)
}

fn math<'a>(interp: &mut Interp<'a>, name: &str, args: &Args<'a>) -> Found<'a> {
    let mut argument = |index: usize| -> Eval<'a> {
        let value = interp.arg(args, index)?.clone();
        functions::float(interp, &value)
    };
    let Value::Float(x) = argument(0)? else {
        return Ok(None);
    };
    let second = args.get(1).is_some();
    Ok(Some(Value::Float(match name {
        "sqrt" => x.sqrt(),
        "cbrt" => x.cbrt(),
        "sin" => x.sin(),
        "cos" => x.cos(),
        "tan" => x.tan(),
        "atan" => x.atan(),
        "exp" => x.exp(),
        "log" if second => match argument(1)? {
            Value::Float(base) => x.ln() / base.ln(),
            _ => return Ok(None),
        },
        "log" => x.ln(),
        "log2" => x.log2(),
        "log10" => x.log10(),
        "pow" | "hypot" => match argument(1)? {
            Value::Float(y) if name == "hypot" => x.hypot(y),
            Value::Float(y) => x.powf(y),
            _ => return Ok(None),
        },
        _ => return Ok(None),
    })))
}
