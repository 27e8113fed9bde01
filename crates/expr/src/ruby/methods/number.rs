//! Methods of Integer (64 bits, checked), Float and Rational.

use std::cmp::Ordering;

use super::super::interp::{Args, Eval, Flow, Found, Interp};
use super::super::value::Value;
use super::super::{compare, inspect};
use super::{int, to_int, without_block};

/// Tells whether a comparison operator accepts an order.
pub(super) fn holds(operator: &str, order: Ordering) -> bool {
    match operator {
        "<" => order.is_lt(),
        "<=" => order.is_le(),
        ">" => order.is_gt(),
        _ => order.is_ge(),
    }
}

pub(super) fn call<'a>(
    interp: &mut Interp<'a>,
    this: &Value<'a>,
    name: &str,
    args: &Args<'a>,
) -> Found<'a> {
    match name {
        "+" | "-" | "*" | "/" | "%" | "modulo" | "**" | "pow" | "fdiv" | "div" | "divmod"
        | "remainder" | "quo" => return arithmetic(interp, this, name, args).map(Some),
        "<" | "<=" | ">" | ">=" => {
            let other = interp.arg(args, 0)?;
            if let (Value::Float(_), _) | (_, Value::Float(_)) = (this, other)
                && (compare::as_float(this).is_some_and(f64::is_nan)
                    || compare::as_float(other).is_some_and(f64::is_nan))
            {
                return Ok(Some(Value::Bool(false)));
            }
            if compare::as_float(other).is_none() {
                let shown = match other {
                    Value::Nil | Value::Bool(_) => inspect::inspect(interp, other)?,
                    other => other.class().to_owned(),
                };
                let message = format!("comparison of {} with {shown} failed", this.class());
                return Err(interp.argument_error(message));
            }
            let order = compare::order_or_raise(interp, this, other)?;
            return Ok(Some(Value::Bool(holds(name, order))));
        }
        _ => {}
    }
    if let Some(value) = shared(interp, this, name, args)? {
        return Ok(Some(value));
    }
    match this {
        Value::Int(value) => integer(interp, *value, name, args),
        Value::Float(value) => float(interp, *value, name, args),
        Value::Rational(top, bottom) => rational(*top, *bottom, name),
        _ => Ok(None),
    }
}

fn beyond<'a>(interp: &Interp<'a>) -> Flow<'a> {
    interp.raise("RangeError", "the integer is beyond 64 bits")
}

fn arithmetic<'a>(
    interp: &mut Interp<'a>,
    this: &Value<'a>,
    name: &str,
    args: &Args<'a>,
) -> Eval<'a> {
    let other = interp.arg(args, 0)?;
    match (this, other) {
        (Value::Int(a), Value::Int(b)) if name == "pow" && args.len() > 1 => {
            modular_power(interp, *a, *b, int(interp, args, 1)?)
        }
        (Value::Int(a), Value::Int(b)) => integers(interp, *a, *b, name),
        (Value::Rational(..), Value::Int(_) | Value::Rational(..))
        | (Value::Int(_), Value::Rational(..)) => {
            rationals(interp, fraction(this), fraction(other), name)
        }
        _ => match (compare::as_float(this), compare::as_float(other)) {
            (Some(a), Some(b)) => floats(interp, a, b, name),
            _ => {
                let shown = match other {
                    Value::Nil => "nil",
                    Value::Bool(true) => "true",
                    Value::Bool(false) => "false",
                    other => other.class(),
                };
                Err(interp.type_error(format!("{shown} can't be coerced into {}", this.class())))
            }
        },
    }
}

fn integers<'a>(interp: &mut Interp<'a>, a: i64, b: i64, name: &str) -> Eval<'a> {
    let zero = b == 0 && matches!(name, "/" | "%" | "modulo" | "div" | "divmod" | "remainder");
    if zero {
        return Err(interp.raise("ZeroDivisionError", "divided by 0"));
    }
    let quotient = || a.checked_div_euclid(b).map(|q| floor_quotient(a, b, q));
    let result = match name {
        "+" => a.checked_add(b),
        "-" => a.checked_sub(b),
        "*" => a.checked_mul(b),
        "/" | "div" => quotient(),
        "%" | "modulo" => Some(floor_remainder(a, b)),
        "remainder" => a.checked_rem(b),
        "divmod" => {
            let pair = (quotient(), floor_remainder(a, b));
            let quotient = pair.0.ok_or_else(|| beyond(interp))?;
            return Ok(Value::pair(Value::Int(quotient), Value::Int(pair.1)));
        }
        "fdiv" => return Ok(Value::Float(a as f64 / b as f64)),
        "quo" => return rationals(interp, (a, 1), (b, 1), "/"),
        _ if b < 0 => {
            let power =
                u32::try_from(b.unsigned_abs()).ok().and_then(|exponent| a.checked_pow(exponent));
            return match power {
                Some(power) => rationals(interp, (1, 1), (power, 1), "/"),
                None => Err(beyond(interp)),
            };
        }
        _ => u32::try_from(b).ok().and_then(|exponent| a.checked_pow(exponent)),
    };
    result.map(Value::Int).ok_or_else(|| beyond(interp))
}

fn modular_power<'a>(interp: &Interp<'a>, base: i64, exponent: i64, modulus: i64) -> Eval<'a> {
    if modulus == 0 {
        return Err(interp.raise("ZeroDivisionError", "divided by 0"));
    }
    let Ok(mut exponent) = u64::try_from(exponent) else {
        return Err(interp.raise("RangeError", "negative exponent with a modulus"));
    };
    let modulus = i128::from(modulus);
    let (mut result, mut base) = (1, i128::from(base).rem_euclid(modulus));
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = result * base % modulus;
        }
        base = base * base % modulus;
        exponent >>= 1;
    }
    Ok(Value::Int(i64::try_from(result.rem_euclid(modulus)).unwrap_or(0)))
}

fn floor_quotient(a: i64, b: i64, euclid: i64) -> i64 {
    // Euclidean and floored division differ for negative divisors with a remainder.
    if b < 0 && a.checked_rem(b).unwrap_or(0) != 0 { euclid - 1 } else { euclid }
}

fn floor_remainder(a: i64, b: i64) -> i64 {
    let rest = a.checked_rem(b).unwrap_or(0);
    if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest }
}

fn floats<'a>(interp: &mut Interp<'a>, a: f64, b: f64, name: &str) -> Eval<'a> {
    let modulo = |a: f64, b: f64| {
        let rest = a % b;
        if rest != 0.0 && (rest < 0.0) != (b < 0.0) { rest + b } else { rest }
    };
    Ok(Value::Float(match name {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        "/" | "fdiv" | "quo" => a / b,
        "%" | "modulo" => modulo(a, b),
        "remainder" => a % b,
        "div" | "divmod" => {
            if b == 0.0 {
                return Err(interp.raise("ZeroDivisionError", "divided by 0"));
            }
            let quotient = to_integer(interp, (a / b).floor())?;
            return Ok(match name {
                "div" => quotient,
                _ => Value::pair(quotient, Value::Float(modulo(a, b))),
            });
        }
        _ => a.powf(b),
    }))
}

fn fraction(value: &Value<'_>) -> (i64, i64) {
    match value {
        Value::Rational(top, bottom) => (*top, *bottom),
        Value::Int(value) => (*value, 1),
        _ => (0, 1),
    }
}

/// Returns a reduced fraction.
pub(super) fn reduced<'a>(interp: &Interp<'a>, top: i128, bottom: i128) -> Eval<'a> {
    if bottom == 0 {
        return Err(interp.raise("ZeroDivisionError", "divided by 0"));
    }
    let (mut a, mut b) = (top.unsigned_abs(), bottom.unsigned_abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    let divisor = i128::try_from(a.max(1)).unwrap_or(1) * bottom.signum();
    match (i64::try_from(top / divisor), i64::try_from(bottom / divisor)) {
        (Ok(top), Ok(bottom)) => Ok(Value::Rational(top, bottom)),
        _ => Err(beyond(interp)),
    }
}

fn rationals<'a>(
    interp: &mut Interp<'a>,
    (a, b): (i64, i64),
    (c, d): (i64, i64),
    name: &str,
) -> Eval<'a> {
    let (a, b, c, d) = (i128::from(a), i128::from(b), i128::from(c), i128::from(d));
    match name {
        "+" => reduced(interp, a * d + c * b, b * d),
        "-" => reduced(interp, a * d - c * b, b * d),
        "*" => reduced(interp, a * c, b * d),
        "/" | "quo" => reduced(interp, a * d, b * c),
        _ => floats(interp, a as f64 / b as f64, c as f64 / d as f64, name),
    }
}

/// Turns a whole float into an integer.
pub(super) fn to_integer<'a>(interp: &Interp<'a>, value: f64) -> Eval<'a> {
    if value.is_nan() || value.is_infinite() {
        return Err(interp.raise("FloatDomainError", inspect::float(value)));
    }
    if value.abs() >= 9.2e18 {
        return Err(beyond(interp));
    }
    Ok(Value::Int(value as i64))
}

/// Methods that all numbers have.
fn shared<'a>(interp: &mut Interp<'a>, this: &Value<'a>, name: &str, args: &Args<'a>) -> Found<'a> {
    let zero = Value::Int(0);
    let sign = compare::numbers(this, &zero);
    let value = match name {
        "zero?" => Value::Bool(sign == Some(Ordering::Equal)),
        "nonzero?" => {
            if sign == Some(Ordering::Equal) {
                Value::Nil
            } else {
                this.clone()
            }
        }
        "positive?" => Value::Bool(sign == Some(Ordering::Greater)),
        "negative?" => Value::Bool(sign == Some(Ordering::Less)),
        "abs" | "magnitude" if sign == Some(Ordering::Less) => interp.ask(this, "-@")?,
        "abs" | "magnitude" | "+@" => this.clone(),
        "-@" => match this {
            Value::Int(value) => Value::Int(value.checked_neg().ok_or_else(|| beyond(interp))?),
            Value::Rational(top, bottom) => {
                Value::Rational(top.checked_neg().ok_or_else(|| beyond(interp))?, *bottom)
            }
            other => Value::Float(-compare::as_float(other).unwrap_or(0.0)),
        },
        "to_f" => Value::Float(compare::as_float(this).unwrap_or(0.0)),
        "integer?" => Value::Bool(matches!(this, Value::Int(_))),
        "finite?" => Value::Bool(compare::as_float(this).is_some_and(f64::is_finite)),
        "infinite?" => match compare::as_float(this) {
            Some(value) if value.is_infinite() => Value::Int(if value > 0.0 { 1 } else { -1 }),
            _ => Value::Nil,
        },
        "between?" => {
            let (low, high) = (interp.arg(args, 0)?, interp.arg(args, 1)?);
            let above = compare::order_or_raise(interp, this, low)?.is_ge();
            Value::Bool(above && compare::order_or_raise(interp, this, high)?.is_le())
        }
        "clamp" => {
            let (low, high) = match interp.arg(args, 0)? {
                Value::Range(range) => (range.from.clone(), range.to.clone()),
                low => (low.clone(), interp.arg(args, 1)?.clone()),
            };
            if !low.is_nil() && compare::order_or_raise(interp, this, &low)?.is_lt() {
                low
            } else if !high.is_nil() && compare::order_or_raise(interp, this, &high)?.is_gt() {
                high
            } else {
                this.clone()
            }
        }
        "coerce" => Value::pair(interp.arg(args, 0)?.clone(), this.clone()),
        "step" => {
            let (limit, step) = match (args.keyword("to"), args.keyword("by")) {
                (Some(limit), step) => (limit, step),
                _ => (interp.arg(args, 0)?.clone(), args.get(1).cloned()),
            };
            let list = steps(interp, this, &limit, &step.unwrap_or(Value::Int(1)), false)?;
            return each_or_list(interp, this, args, list).map(Some);
        }
        _ => return Ok(None),
    };
    Ok(Some(value))
}

/// Lists numbers from one to another by a step.
pub(super) fn steps<'a>(
    interp: &mut Interp<'a>,
    from: &Value<'a>,
    to: &Value<'a>,
    step: &Value<'a>,
    exclusive: bool,
) -> Result<Vec<Value<'a>>, Flow<'a>> {
    let Some(direction) = compare::numbers(step, &Value::Int(0)).filter(|order| order.is_ne())
    else {
        return Err(interp.argument_error("step can't be 0"));
    };
    let mut list = Vec::new();
    let mut count = 0_i64;
    loop {
        let offset = interp.send(step, "*", Args::of(vec![Value::Int(count)]))?;
        let value = interp.send(from, "+", Args::of(vec![offset]))?;
        let order = compare::order_or_raise(interp, &value, to)?;
        if order == direction || (exclusive && order.is_eq()) {
            return Ok(list);
        }
        interp.allocate(size_of::<Value<'_>>())?;
        list.push(value);
        count += 1;
    }
}

fn each_or_list<'a>(
    interp: &mut Interp<'a>,
    this: &Value<'a>,
    args: &Args<'a>,
    list: Vec<Value<'a>>,
) -> Eval<'a> {
    let Some(block) = &args.block else {
        let items = interp.array(list)?;
        return Ok(without_block(&items, "each", &Args::none()));
    };
    for item in list {
        interp.call_proc(block, vec![item])?;
    }
    Ok(this.clone())
}

fn integer<'a>(interp: &mut Interp<'a>, this: i64, name: &str, args: &Args<'a>) -> Found<'a> {
    let value = match name {
        "to_i" | "to_int" | "ord" => Value::Int(this),
        "to_s" | "inspect" => {
            let radix = match args.get(0) {
                Some(value) => to_int(interp, value)?,
                None => 10,
            };
            interp.text(in_radix(this, radix.clamp(2, 36) as u64))?
        }
        "to_r" | "rationalize" => Value::Rational(this, 1),
        "chr" => match u32::try_from(this).ok().and_then(char::from_u32) {
            Some(c) => interp.text(c.to_string())?,
            None => return Err(interp.raise("RangeError", format!("{this} out of char range"))),
        },
        "even?" => Value::Bool(this % 2 == 0),
        "odd?" => Value::Bool(this % 2 != 0),
        "succ" | "next" => Value::Int(this.checked_add(1).ok_or_else(|| beyond(interp))?),
        "pred" => Value::Int(this.checked_sub(1).ok_or_else(|| beyond(interp))?),
        "floor" | "round" | "ceil" | "truncate" => {
            let digits = match args.get(0) {
                Some(Value::Int(digits)) => *digits,
                _ => 0,
            };
            Value::Int(round_integer(this, digits, name).ok_or_else(|| beyond(interp))?)
        }
        "gcd" | "lcm" => {
            let other = int(interp, args, 0)?;
            let (mut a, mut b) = (this.unsigned_abs(), other.unsigned_abs());
            while b != 0 {
                (a, b) = (b, a % b);
            }
            let gcd = i64::try_from(a).map_err(|_| beyond(interp))?;
            let lcm = || (this / gcd.max(1)).checked_mul(other).and_then(i64::checked_abs);
            match name {
                "gcd" => Value::Int(gcd),
                _ => Value::Int(lcm().ok_or_else(|| beyond(interp))?),
            }
        }
        "digits" => {
            let digits = this.unsigned_abs().to_string();
            let list = digits.bytes().rev().map(|b| Value::Int(i64::from(b - b'0'))).collect();
            interp.array(list)?
        }
        "bit_length" => Value::Int(i64::from(64 - (this ^ (this >> 63)).leading_zeros())),
        "size" => Value::Int(8),
        "times" | "upto" | "downto" => return iterate(interp, this, name, args).map(Some),
        "&" => Value::Int(this & int(interp, args, 0)?),
        "|" => Value::Int(this | int(interp, args, 0)?),
        "^" => Value::Int(this ^ int(interp, args, 0)?),
        "~" => Value::Int(!this),
        "<<" | ">>" => {
            let by = int(interp, args, 0)?;
            let by = if name == "<<" { by } else { by.checked_neg().unwrap_or(i64::MAX) };
            Value::Int(shift(this, by).ok_or_else(|| beyond(interp))?)
        }
        "[]" => Value::Int((this >> int(interp, args, 0)?.clamp(0, 63)) & 1),
        _ => return Ok(None),
    };
    Ok(Some(value))
}

fn shift(value: i64, by: i64) -> Option<i64> {
    if by < 0 {
        return Some(value >> by.unsigned_abs().min(63));
    }
    let factor = 1_i64.checked_shl(u32::try_from(by).ok()?).filter(|_| by < 63)?;
    value.checked_mul(factor)
}

fn iterate<'a>(interp: &mut Interp<'a>, this: i64, name: &str, args: &Args<'a>) -> Eval<'a> {
    let Some(block) = args.block.clone() else {
        return Ok(without_block(&Value::Int(this), name, args));
    };
    let (from, to) = match name {
        "times" => (0, this.saturating_sub(1)),
        _ => (this, int(interp, args, 0)?),
    };
    let mut current = from;
    while if name == "downto" { current >= to } else { current <= to } {
        interp.call_proc(&block, vec![Value::Int(current)])?;
        let Some(next) = current.checked_add(if name == "downto" { -1 } else { 1 }) else { break };
        current = next;
    }
    Ok(Value::Int(this))
}

pub(super) fn in_radix(value: i64, radix: u64) -> String {
    let mut size = value.unsigned_abs();
    let mut digits = Vec::new();
    loop {
        digits.push(char::from_digit((size % radix) as u32, radix as u32).unwrap_or('0'));
        size /= radix;
        if size == 0 {
            break;
        }
    }
    if value < 0 {
        digits.push('-');
    }
    digits.iter().rev().collect()
}

fn round_integer(value: i64, digits: i64, how: &str) -> Option<i64> {
    if digits >= 0 {
        return Some(value);
    }
    let unit = 10_i64.checked_pow(u32::try_from(digits.unsigned_abs()).ok()?);
    let Some(unit) = unit else { return Some(0) };
    let down = value.checked_sub(floor_remainder(value, unit))?;
    let rest = value - down;
    Some(match how {
        "floor" => down,
        "ceil" if rest == 0 => down,
        "ceil" => down.checked_add(unit)?,
        "truncate" => value - value % unit,
        _ if rest * 2 > unit || (rest * 2 == unit && value > 0) => down.checked_add(unit)?,
        _ => down,
    })
}

fn float<'a>(interp: &mut Interp<'a>, this: f64, name: &str, args: &Args<'a>) -> Found<'a> {
    let value = match name {
        "to_i" | "to_int" => to_integer(interp, this.trunc())?,
        "nan?" => Value::Bool(this.is_nan()),
        "to_r" | "rationalize" => {
            let scaled = (this * 1e9).round();
            let top = match to_integer(interp, scaled)? {
                Value::Int(top) => i128::from(top),
                _ => 0,
            };
            reduced(interp, top, 1_000_000_000)?
        }
        "round" | "floor" | "ceil" | "truncate" => round(interp, this, name, args)?,
        _ => return Ok(None),
    };
    Ok(Some(value))
}

fn round<'a>(interp: &mut Interp<'a>, this: f64, how: &str, args: &Args<'a>) -> Eval<'a> {
    let digits = match args.get(0) {
        Some(Value::Int(digits)) => *digits,
        _ => 0,
    };
    let half = args.keyword("half").and_then(|half| super::super::value::string_of(&half));
    if digits > 0 {
        if !this.is_finite() || digits > 15 {
            return Ok(Value::Float(this));
        }
        return Ok(Value::Float(round_decimal(this, digits as usize, how)));
    }
    let whole = match how {
        "floor" => this.floor(),
        "ceil" => this.ceil(),
        "truncate" => this.trunc(),
        _ if half.as_deref() == Some("even") => this.round_ties_even(),
        _ if half.as_deref() == Some("down") && (this - this.trunc()).abs() == 0.5 => this.trunc(),
        _ => this.round(),
    };
    match to_integer(interp, whole)? {
        Value::Int(value) => {
            let rounded = round_integer(value, digits, how).ok_or_else(|| beyond(interp))?;
            Ok(Value::Int(rounded))
        }
        other => Ok(other),
    }
}

/// Rounds to decimals as Ruby does: a half in decimal notation goes away from zero, even when the
/// nearest binary value is a little less.
fn round_decimal(this: f64, digits: usize, how: &str) -> f64 {
    let factor = 10_f64.powi(digits as i32);
    let scaled = this * factor;
    match how {
        "floor" => {
            let above = (scaled.floor() + 1.0) / factor;
            if above > this { scaled.floor() / factor } else { above }
        }
        "ceil" => {
            let below = (scaled.ceil() - 1.0) / factor;
            if below < this { scaled.ceil() / factor } else { below }
        }
        "truncate" => scaled.trunc() / factor,
        _ => {
            let whole = scaled.round();
            let away = 1_f64.copysign(this);
            let reached = (whole + away / 2.0) / factor;
            let further = if this > 0.0 { reached <= this } else { reached >= this };
            (if further { whole + away } else { whole }) / factor
        }
    }
}

fn rational<'a>(top: i64, bottom: i64, name: &str) -> Found<'a> {
    Ok(Some(match name {
        "to_i" | "truncate" => Value::Int(top / bottom),
        "floor" => Value::Int(top.div_euclid(bottom)),
        "ceil" => Value::Int(top.div_euclid(bottom) + i64::from(top % bottom != 0)),
        "round" => Value::Int((top as f64 / bottom as f64).round() as i64),
        "numerator" => Value::Int(top),
        "denominator" => Value::Int(bottom),
        "to_r" => Value::Rational(top, bottom),
        _ => return Ok(None),
    }))
}
