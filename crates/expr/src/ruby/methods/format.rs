//! Text work shared by strings and `format`: `tr` sets, successors, and format directives.

use super::super::inspect;
use super::super::interp::{Args, Flow, Interp};
use super::super::value::Value;
use super::to_int;

/// Expands ranges such as `a-z` in a character set.
pub(super) fn expand(set: &str) -> Vec<char> {
    let chars: Vec<char> = set.chars().collect();
    let mut expanded = Vec::new();
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        match (c, chars.get(at + 1), chars.get(at + 2)) {
            ('\\', Some(&escaped), _) => {
                expanded.push(escaped);
                at += 2;
            }
            (first, Some('-'), Some(&last)) if first <= last => {
                expanded.extend(first..=last);
                at += 3;
            }
            _ => {
                expanded.push(c);
                at += 1;
            }
        }
    }
    expanded
}

/// Replaces characters as `tr` does.
pub(super) fn translate(text: &str, from: &str, to: &str) -> String {
    let negated = from.len() > 1 && from.starts_with('^');
    let from = expand(if negated { &from[1..] } else { from });
    let to = expand(to);
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let found = from.iter().position(|known| *known == c);
        match (negated, found) {
            (true, None) => out.extend(to.last()),
            (false, Some(index)) => out.extend(to.get(index).or(to.last())),
            _ => out.push(c),
        }
    }
    out
}

/// Returns the string after a string: `a9` → `b0`, `Zz` → `AAa`.
pub(super) fn successor(text: &str) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    let any = chars.iter().any(char::is_ascii_alphanumeric);
    if !any {
        if let Some(last) = chars.last_mut() {
            *last = char::from_u32(u32::from(*last) + 1).unwrap_or(*last);
        }
        return chars.into_iter().collect();
    }
    let mut at = chars.len();
    let mut carry = None;
    let mut leftmost = 0;
    while at > 0 {
        at -= 1;
        let Some(c) = chars.get_mut(at) else { break };
        if !c.is_ascii_alphanumeric() {
            if carry.is_some() && !text.chars().take(at).any(|c| c.is_ascii_alphanumeric()) {
                break;
            }
            continue;
        }
        leftmost = at;
        let (next, carried) = match *c {
            '9' => ('0', Some('1')),
            'z' => ('a', Some('a')),
            'Z' => ('A', Some('A')),
            c => (char::from(c as u8 + 1), None),
        };
        *c = next;
        carry = carried;
        if carry.is_none() {
            break;
        }
    }
    if let Some(carry) = carry {
        chars.insert(leftmost, carry);
    }
    chars.into_iter().collect()
}

/// A directive: `%-05.2f`, `%<name>s`.
#[derive(Default)]
struct Directive {
    minus: bool,
    zero: bool,
    plus: bool,
    space: bool,
    alternate: bool,
    width: usize,
    precision: Option<usize>,
}

/// Formats as `format` and `String#%` do.
pub(super) fn format<'a>(
    interp: &mut Interp<'a>,
    template: &str,
    args: &[Value<'a>],
) -> Result<String, Flow<'a>> {
    let chars: Vec<char> = template.chars().collect();
    let mut out = String::new();
    let mut next = 0;
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        at += 1;
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut directive = Directive::default();
        let mut named = None;
        loop {
            let Some(&c) = chars.get(at) else {
                return Err(
                    interp.argument_error("incomplete format specifier; use %% (double %) instead")
                );
            };
            at += 1;
            match c {
                '-' => directive.minus = true,
                '0' if directive.width == 0 => directive.zero = true,
                '+' => directive.plus = true,
                ' ' => directive.space = true,
                '#' => directive.alternate = true,
                '*' => {
                    let width = take(interp, args, &mut next)?;
                    directive.width = usize::try_from(to_int(interp, &width)?).unwrap_or(0);
                }
                '1'..='9' | '0' => {
                    let digit = c.to_digit(10).unwrap_or(0) as usize;
                    directive.width = directive.width.saturating_mul(10).saturating_add(digit);
                }
                '$' => {
                    // The number before it names the argument.
                    let number = std::mem::take(&mut directive.width);
                    let value = number.checked_sub(1).and_then(|index| args.get(index));
                    named = Some(
                        value.cloned().ok_or_else(|| interp.argument_error("too few arguments"))?,
                    );
                }
                '.' => {
                    let mut precision = 0_usize;
                    while let Some(digit) = chars.get(at).and_then(|c| c.to_digit(10)) {
                        precision = precision.saturating_mul(10).saturating_add(digit as usize);
                        at += 1;
                    }
                    directive.precision = Some(precision);
                }
                '<' | '{' => {
                    let close = if c == '<' { '>' } else { '}' };
                    let name: String = chars.iter().skip(at).take_while(|c| **c != close).collect();
                    at += name.chars().count() + 1;
                    let value = keyed(interp, args, &name)?;
                    if c == '{' {
                        let text = inspect::to_s(interp, &value)?;
                        out.push_str(&directive.pad(text));
                        break;
                    }
                    named = Some(value);
                }
                '%' => {
                    out.push('%');
                    break;
                }
                kind => {
                    let value = match named.take() {
                        Some(value) => value,
                        None => take(interp, args, &mut next)?,
                    };
                    super::check_size(
                        interp,
                        directive.width.saturating_add(directive.precision.unwrap_or(0)),
                    )?;
                    out.push_str(&directive.apply(interp, kind, &value)?);
                    break;
                }
            }
        }
    }
    Ok(out)
}

fn take<'a>(
    interp: &Interp<'a>,
    args: &[Value<'a>],
    next: &mut usize,
) -> Result<Value<'a>, Flow<'a>> {
    let value = args.get(*next).cloned();
    *next += 1;
    value.ok_or_else(|| interp.argument_error("too few arguments"))
}

fn keyed<'a>(interp: &Interp<'a>, args: &[Value<'a>], name: &str) -> Result<Value<'a>, Flow<'a>> {
    let Some(Value::Hash(hash)) = args.first() else {
        return Err(interp.argument_error("one hash required"));
    };
    hash.get(&Value::symbol(name))
        .ok_or_else(|| interp.raise("KeyError", format!("key<{name}> not found")))
}

impl Directive {
    fn apply<'a>(
        &self,
        interp: &mut Interp<'a>,
        kind: char,
        value: &Value<'a>,
    ) -> Result<String, Flow<'a>> {
        let text = match kind {
            's' | 'p' => {
                let text = match kind {
                    's' => inspect::to_s(interp, value)?,
                    _ => inspect::inspect(interp, value)?,
                };
                match self.precision {
                    Some(most) => text.chars().take(most).collect(),
                    None => text,
                }
            }
            'd' | 'i' | 'u' => {
                let value = self.integer(interp, value)?;
                let digits = value.unsigned_abs().to_string();
                return Ok(self.number(value < 0, &self.digits(digits)));
            }
            'x' | 'X' | 'o' | 'b' | 'B' => {
                let value = self.integer(interp, value)?;
                let size = value.unsigned_abs();
                let (digits, prefix) = match kind {
                    'x' => (format!("{size:x}"), "0x"),
                    'X' => (format!("{size:X}"), "0X"),
                    'o' => (format!("{size:o}"), "0"),
                    _ => (format!("{size:b}"), "0b"),
                };
                let digits = self.digits(digits);
                let shown = if self.alternate { format!("{prefix}{digits}") } else { digits };
                return Ok(self.number(value < 0, &shown));
            }
            'f' | 'e' | 'E' | 'g' | 'G' => {
                let Value::Float(value) = super::functions::float(interp, value)? else {
                    return Ok(String::new());
                };
                let shown = self.float(kind, value.abs());
                return Ok(self.number(value.is_sign_negative(), &shown));
            }
            'c' => match value {
                Value::Int(code) => u32::try_from(*code)
                    .ok()
                    .and_then(char::from_u32)
                    .map(String::from)
                    .unwrap_or_default(),
                other => inspect::to_s(interp, other)?.chars().take(1).collect(),
            },
            other => {
                let message = format!("malformed format string - %{other}");
                return Err(interp.argument_error(message));
            }
        };
        Ok(self.pad(text))
    }

    fn integer<'a>(&self, interp: &mut Interp<'a>, value: &Value<'a>) -> Result<i64, Flow<'a>> {
        match value {
            Value::Float(float) => to_int(interp, &Value::Float(float.floor())),
            other => {
                let value = super::functions::integer(interp, other, &Args::none())?;
                to_int(interp, &value)
            }
        }
    }

    fn digits(&self, digits: String) -> String {
        match self.precision {
            Some(least) if digits.len() < least => "0".repeat(least - digits.len()) + &digits,
            _ => digits,
        }
    }

    fn float(&self, kind: char, size: f64) -> String {
        let precision = self.precision.unwrap_or(6);
        match kind {
            _ if !size.is_finite() => if size.is_nan() { "NaN" } else { "Inf" }.to_owned(),
            'f' => format!("{size:.precision$}"),
            'e' | 'E' => {
                let text = format!("{size:.precision$e}");
                let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
                let (sign, digits) = match exponent.strip_prefix('-') {
                    Some(digits) => ('-', digits),
                    None => ('+', exponent),
                };
                format!("{mantissa}{kind}{sign}{digits:0>2}")
            }
            _ => {
                let exponent = if size == 0.0 { 0 } else { size.log10().floor() as i32 };
                let most = precision.max(1) as i32;
                if exponent < -4 || exponent >= most {
                    let inner =
                        Directive { precision: Some((most - 1) as usize), ..Directive::default() };
                    let text = inner.float('e', size);
                    let (mantissa, rest) = text.split_once('e').unwrap_or((&text, ""));
                    let mantissa = match mantissa.contains('.') {
                        true => mantissa.trim_end_matches('0').trim_end_matches('.'),
                        false => mantissa,
                    };
                    format!("{mantissa}e{rest}")
                } else {
                    let decimals = (most - 1 - exponent).max(0) as usize;
                    let text = format!("{size:.decimals$}");
                    match text.contains('.') {
                        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
                        false => text,
                    }
                }
            }
        }
    }

    fn number(&self, negative: bool, digits: &str) -> String {
        let sign = match (negative, self.plus, self.space) {
            (true, _, _) => "-",
            (false, true, _) => "+",
            (false, false, true) => " ",
            _ => "",
        };
        let length = sign.len() + digits.len();
        if self.zero && !self.minus && length < self.width && self.precision_allows_zero(digits) {
            return format!("{sign}{}{digits}", "0".repeat(self.width - length));
        }
        self.pad(format!("{sign}{digits}"))
    }

    /// Zero padding is off for integers with a precision, not for floats.
    fn precision_allows_zero(&self, digits: &str) -> bool {
        self.precision.is_none() || digits.contains('.')
    }

    fn pad(&self, text: String) -> String {
        let missing = self.width.saturating_sub(text.chars().count());
        let blanks = " ".repeat(missing);
        if self.minus { text + &blanks } else { blanks + &text }
    }
}
