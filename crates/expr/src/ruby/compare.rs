//! Equality and order of values.

use std::cmp::Ordering;

use super::interp::{Args, Flow, Interp};
use super::value::Value;

/// Nesting at which comparing structures gives up.
const DEPTH_MAX: usize = 200;

/// Tells whether two values are `==`.
pub(crate) fn equal<'a>(a: &Value<'a>, b: &Value<'a>) -> bool {
    equal_at(a, b, 0)
}

fn equal_at<'a>(a: &Value<'a>, b: &Value<'a>, depth: usize) -> bool {
    if depth > DEPTH_MAX {
        return false;
    }
    match (a, b) {
        (Value::Str(x), Value::Str(y)) => *x.borrow() == *y.borrow(),
        (Value::Float(x), Value::Float(y)) => x == y,
        (
            Value::Int(_) | Value::Float(_) | Value::Rational(..),
            Value::Int(_) | Value::Float(_) | Value::Rational(..),
        ) => numbers(a, b) == Some(Ordering::Equal),
        (Value::Array(x), Value::Array(y)) => {
            if a.same(b) {
                return true;
            }
            let (x, y) = (x.borrow(), y.borrow());
            x.len() == y.len() && x.iter().zip(y.iter()).all(|(x, y)| equal_at(x, y, depth + 1))
        }
        (Value::Hash(x), Value::Hash(y)) => {
            a.same(b)
                || (x.len() == y.len()
                    && x.pairs().iter().all(|(key, value)| {
                        y.get(key).is_some_and(|other| equal_at(value, &other, depth + 1))
                    }))
        }
        (Value::Range(x), Value::Range(y)) => {
            x.exclusive == y.exclusive
                && equal_at(&x.from, &y.from, depth + 1)
                && equal_at(&x.to, &y.to, depth + 1)
        }
        (Value::Regex(x), Value::Regex(y)) => x.source == y.source && x.flags == y.flags,
        (Value::Time(x), Value::Time(y)) => x.zoned.timestamp() == y.zoned.timestamp(),
        (Value::Date(x), Value::Date(y)) => x == y,
        (Value::Exception(x), Value::Exception(y)) => x.class == y.class && x.message == y.message,
        _ => a.same(b),
    }
}

/// Orders numbers.
pub(crate) fn numbers(a: &Value<'_>, b: &Value<'_>) -> Option<Ordering> {
    match (a, b) {
        (Value::Int(x), Value::Int(y)) => Some(x.cmp(y)),
        (Value::Rational(top, bottom), Value::Int(y)) => {
            Some(i128::from(*top).cmp(&(i128::from(*y) * i128::from(*bottom))))
        }
        (Value::Int(_), Value::Rational(..)) => numbers(b, a).map(Ordering::reverse),
        (Value::Rational(a, b), Value::Rational(c, d)) => {
            Some((i128::from(*a) * i128::from(*d)).cmp(&(i128::from(*c) * i128::from(*b))))
        }
        _ => as_float(a)?.partial_cmp(&as_float(b)?),
    }
}

/// Returns a number as a float.
pub(crate) fn as_float(value: &Value<'_>) -> Option<f64> {
    match value {
        Value::Int(value) => Some(*value as f64),
        Value::Float(value) => Some(*value),
        Value::Rational(top, bottom) => Some(*top as f64 / *bottom as f64),
        _ => None,
    }
}

/// Orders two values as `<=>` does; `None` when they have no order.
pub(crate) fn order<'a>(a: &Value<'a>, b: &Value<'a>) -> Option<Ordering> {
    match (a, b) {
        (Value::Str(x), Value::Str(y)) => Some(x.borrow().as_bytes().cmp(y.borrow().as_bytes())),
        (Value::Sym(x), Value::Sym(y)) => Some(x.cmp(y)),
        (Value::Array(x), Value::Array(y)) => {
            let (x, y) = (x.borrow(), y.borrow());
            for (x, y) in x.iter().zip(y.iter()) {
                match order(x, y)? {
                    Ordering::Equal => {}
                    other => return Some(other),
                }
            }
            Some(x.len().cmp(&y.len()))
        }
        (Value::Time(x), Value::Time(y)) => Some(x.zoned.timestamp().cmp(&y.zoned.timestamp())),
        (Value::Date(x), Value::Date(y)) => Some(x.cmp(y)),
        (Value::Date(x), Value::Time(y)) if y.datetime => {
            Some(midnight(*x)?.cmp(&y.zoned.timestamp()))
        }
        (Value::Time(x), Value::Date(y)) if x.datetime => {
            Some(x.zoned.timestamp().cmp(&midnight(*y)?))
        }
        (
            Value::Int(_) | Value::Float(_) | Value::Rational(..),
            Value::Int(_) | Value::Float(_) | Value::Rational(..),
        ) => numbers(a, b),
        _ => equal(a, b).then_some(Ordering::Equal),
    }
}

fn midnight(date: jiff::civil::Date) -> Option<jiff::Timestamp> {
    Some(date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
}

/// Orders two values, or raises as `sort` and `<` do.
pub(crate) fn order_or_raise<'a>(
    interp: &mut Interp<'a>,
    a: &Value<'a>,
    b: &Value<'a>,
) -> Result<Ordering, Flow<'a>> {
    if let Some(order) = order(a, b) {
        return Ok(order);
    }
    let shown = match b {
        Value::Nil | Value::Bool(_) | Value::Int(_) | Value::Float(_) => {
            super::inspect::inspect(interp, b)?
        }
        other => other.class().to_owned(),
    };
    Err(interp.argument_error(format!("comparison of {} with {shown} failed", a.class())))
}

/// Reads the answer of a comparison block.
pub(crate) fn from_block<'a>(
    interp: &mut Interp<'a>,
    block: &std::rc::Rc<super::value::Proc<'a>>,
    a: &Value<'a>,
    b: &Value<'a>,
) -> Result<Ordering, Flow<'a>> {
    let answer = interp.call_proc_with(block, Args::of(vec![a.clone(), b.clone()]))?;
    match numbers(&answer, &Value::Int(0)) {
        Some(order) => Ok(order),
        None => {
            let (a, b) = (a.class(), b.class());
            Err(interp.argument_error(format!("comparison of {a} with {b} failed")))
        }
    }
}

/// Sorts with a comparison that may raise; a merge sort, so stable.
pub(crate) fn sort<'a>(
    interp: &mut Interp<'a>,
    items: Vec<Value<'a>>,
    compare: &mut dyn FnMut(&mut Interp<'a>, &Value<'a>, &Value<'a>) -> Result<Ordering, Flow<'a>>,
) -> Result<Vec<Value<'a>>, Flow<'a>> {
    if items.len() < 2 {
        return Ok(items);
    }
    interp.charge(items.len())?;
    let mut left = items;
    let right = left.split_off(left.len() / 2);
    let left = sort(interp, left, compare)?;
    let right = sort(interp, right, compare)?;
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
        let from_right = compare(interp, a, b)? == Ordering::Greater;
        merged.extend(if from_right { right.next() } else { left.next() });
    }
    merged.extend(left);
    merged.extend(right);
    Ok(merged)
}
