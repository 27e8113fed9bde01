//! More methods of strings: padding, iteration by range, checks and digests of form.

use super::super::interp::{Args, Flow, Found, Interp};
use super::super::value::Value;
use super::{int, text, to_text, without_block};

pub(super) fn call<'a>(
    interp: &mut Interp<'a>,
    receiver: &Value<'a>,
    this: &str,
    name: &str,
    args: &Args<'a>,
) -> Found<'a> {
    let value = match name {
        "ljust" | "rjust" | "center" => {
            let padded = pad(interp, this, name, args)?;
            interp.text(padded)?
        }
        "upto" => return upto(interp, receiver, this, args).map(Some),
        "sum" => Value::Int(this.bytes().map(i64::from).sum::<i64>() & 0xffff),
        "each_byte" => match &args.block {
            Some(block) => {
                for byte in this.bytes() {
                    interp.call_proc(block, vec![Value::Int(i64::from(byte))])?;
                }
                receiver.clone()
            }
            None => without_block(receiver, name, args),
        },
        "byteslice" => {
            let (from, count) = (int(interp, args, 0)?, int(interp, args, 1)?);
            let from = if from < 0 { from + this.len() as i64 } else { from };
            match (usize::try_from(from), usize::try_from(count)) {
                (Ok(from), Ok(count)) if from <= this.len() => {
                    let to = from.saturating_add(count).min(this.len());
                    let bytes = this.as_bytes().get(from..to).unwrap_or_default();
                    interp.text(String::from_utf8_lossy(bytes).into_owned())?
                }
                _ => Value::Nil,
            }
        }
        _ => return Ok(None),
    };
    Ok(Some(value))
}

fn pad<'a>(
    interp: &mut Interp<'a>,
    this: &str,
    name: &str,
    args: &Args<'a>,
) -> Result<String, Flow<'a>> {
    let width = int(interp, args, 0)?;
    let filler = match args.get(1) {
        Some(value) => to_text(interp, value)?,
        None => " ".to_owned(),
    };
    if filler.is_empty() {
        return Err(interp.argument_error("zero width padding"));
    }
    let missing = usize::try_from(width).unwrap_or(0).saturating_sub(this.chars().count());
    super::check_size(interp, missing)?;
    let fill = |count: usize| filler.chars().cycle().take(count).collect::<String>();
    Ok(match name {
        "ljust" => format!("{this}{}", fill(missing)),
        "rjust" => format!("{}{this}", fill(missing)),
        _ => format!("{}{this}{}", fill(missing / 2), fill(missing - missing / 2)),
    })
}

fn upto<'a>(
    interp: &mut Interp<'a>,
    receiver: &Value<'a>,
    this: &str,
    args: &Args<'a>,
) -> Result<Value<'a>, Flow<'a>> {
    let last = text(interp, args, 0)?;
    let Some(block) = &args.block else {
        return Ok(without_block(receiver, "upto", args));
    };
    for item in between(interp, this, &last, false)? {
        interp.call_proc(block, vec![Value::text(item)])?;
    }
    Ok(receiver.clone())
}

/// Lists the strings from one to another by successor.
pub(super) fn between<'a>(
    interp: &mut Interp<'a>,
    first: &str,
    last: &str,
    exclusive: bool,
) -> Result<Vec<String>, Flow<'a>> {
    let mut list = Vec::new();
    let mut current = first.to_owned();
    while current.len() <= last.len() {
        interp.charge(1)?;
        interp.allocate(current.len() + 32)?;
        let done = current == last;
        if !(done && exclusive) {
            list.push(current.clone());
        }
        if done {
            break;
        }
        current = super::format::successor(&current);
    }
    Ok(list)
}
