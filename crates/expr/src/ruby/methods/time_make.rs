//! Making times: `Time.now`, `Date.parse`, `DateTime.new`, time zones.

use std::rc::Rc;

use jiff::civil::{Date, DateTime, Time as Clock};
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, Zoned};

use super::super::interp::{Args, Eval, Flow, Found, Interp};
use super::super::value::{Value, string_of};
use super::time::{self, MONTHS, made};
use super::{int, text, to_int};

/// What was found in a text: a date, a time of day, an offset.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
struct Parsed {
    date: Option<Date>,
    clock: Option<Clock>,
    offset: Option<Offset>,
    utc: bool,
}

pub(super) fn class<'a>(
    interp: &mut Interp<'a>,
    class: &str,
    name: &str,
    args: &Args<'a>,
) -> Found<'a> {
    let datetime = class == "DateTime";
    let value = match name {
        "now" | "today" => {
            let now = now(interp)?.with_time_zone(time::local_zone(interp));
            if class == "Date" { Value::Date(now.date()) } else { made(now, datetime, false) }
        }
        "at" if class == "Time" => at(interp, args)?,
        "parse" | "iso8601" | "xmlschema" | "rfc3339" | "httpdate" | "rfc2822" | "strptime" => {
            let source = text(interp, args, 0)?;
            let parsed = match (name, args.get(1)) {
                ("strptime", Some(format)) => {
                    let format = string_of(format).unwrap_or_default();
                    strptime(&source, &format)
                }
                _ => parse(&source),
            };
            finish(interp, class, parsed, &source)?
        }
        "new" | "utc" | "gm" | "local" | "mktime" | "civil" => {
            if name == "new" && args.len() == 0 && class == "Time" {
                let now = now(interp)?.with_time_zone(time::local_zone(interp));
                return Ok(Some(made(now, false, false)));
            }
            build(interp, class, name, args)?
        }
        "valid_date?" | "valid_civil?" => {
            let (year, month, day) =
                (int(interp, args, 0)?, int(interp, args, 1)?, int(interp, args, 2)?);
            Value::Bool(date(year, month, day).is_some())
        }
        "leap?" | "gregorian_leap?" => {
            let year = int(interp, args, 0)?;
            Value::Bool(date(year, 2, 29).is_some())
        }
        _ => return Ok(None),
    };
    Ok(Some(value))
}

fn now<'a>(interp: &Interp<'a>) -> Result<Zoned, Flow<'a>> {
    match Timestamp::from_microsecond(interp.context.now.0) {
        Ok(now) => Ok(now.to_zoned(TimeZone::UTC)),
        Err(_) => Err(interp.raise("RangeError", "the clock is out of range")),
    }
}

fn at<'a>(interp: &mut Interp<'a>, args: &Args<'a>) -> Eval<'a> {
    let nanos = match interp.arg(args, 0)? {
        Value::Time(time) => time.zoned.timestamp().as_nanosecond(),
        Value::Int(seconds) => i128::from(*seconds) * 1_000_000_000,
        Value::Float(seconds) => (seconds * 1e9) as i128,
        Value::Rational(top, bottom) => i128::from(*top) * 1_000_000_000 / i128::from(*bottom),
        other => {
            let message = format!("can't convert {} into an exact number", other.class());
            return Err(interp.type_error(message));
        }
    };
    let more = match (args.get(1), args.get(2).and_then(string_of).as_deref()) {
        (Some(Value::Int(count)), Some("millisecond")) => i128::from(*count) * 1_000_000,
        (Some(Value::Int(count)), Some("nsec" | "nanosecond")) => i128::from(*count),
        (Some(Value::Int(count)), _) => i128::from(*count) * 1000,
        _ => 0,
    };
    match Timestamp::from_nanosecond(nanos + more) {
        Ok(at) => Ok(made(at.to_zoned(time::local_zone(interp)), false, false)),
        Err(_) => Err(interp.raise("RangeError", "the time is out of range")),
    }
}

fn date(year: i64, month: i64, day: i64) -> Option<Date> {
    let year = i16::try_from(year).ok()?;
    let month = i8::try_from(if month < 0 { month + 13 } else { month }).ok()?;
    if day < 0 {
        let first = Date::new(year, month, 1).ok()?;
        let day = i64::from(first.days_in_month()) + day + 1;
        return Date::new(year, month, i8::try_from(day).ok()?).ok();
    }
    Date::new(year, month, i8::try_from(day).ok()?).ok()
}

/// Returns a date as Time takes it: the 31st of a shorter month runs into the next one.
fn rolled(year: i64, month: i64, day: i64) -> Result<Date, &'static str> {
    if !(1..=12).contains(&month) {
        return Err("mon out of range");
    }
    if day == 0 {
        return Err("mday out of range");
    }
    let first = date(year, month, 1).filter(|_| (1..=31).contains(&day));
    let first = first.ok_or("argument out of range")?;
    let by = jiff::Span::new().try_days(day - 1).and_then(|span| first.checked_add(span));
    by.map_err(|_| "argument out of range")
}

/// `Time.new(y, m, d, h, min, s, zone)` and its kin.
fn build<'a>(interp: &mut Interp<'a>, class: &str, name: &str, args: &Args<'a>) -> Eval<'a> {
    let part = |interp: &mut Interp<'a>, index: usize, default: i64| match args.get(index) {
        None | Some(Value::Nil) => Ok(default),
        Some(Value::Str(text)) => {
            let text = text.borrow().to_lowercase();
            let month = MONTHS
                .iter()
                .position(|month| month.get(..3).is_some_and(|short| short.to_lowercase() == text));
            let parsed = month.map(|month| month as i64 + 1).or_else(|| text.parse().ok());
            parsed.ok_or_else(|| interp.argument_error("argument out of range"))
        }
        Some(value) => to_int(interp, value),
    };
    let year = part(interp, 0, -4712)?;
    let (month, day) = (part(interp, 1, 1)?, part(interp, 2, 1)?);
    let error_class = if class == "Time" { "ArgumentError" } else { "Date::Error" };
    let invalid = |what: &'static str| if class == "Time" { what } else { "invalid date" };
    let found = match class {
        "Time" => rolled(year, month, day),
        _ => date(year, month, day).ok_or("invalid date"),
    };
    let date = found.map_err(|what| interp.raise(error_class, what))?;
    if class == "Date" {
        return Ok(Value::Date(date));
    }
    let (hour, minute) = (part(interp, 3, 0)?, part(interp, 4, 0)?);
    let (second, nanos) = match args.get(5) {
        Some(Value::Float(seconds)) => {
            (seconds.trunc() as i64, ((seconds - seconds.trunc()) * 1e9).round() as i32)
        }
        Some(Value::Rational(top, bottom)) => {
            let rest = i128::from(top % bottom) * 1_000_000_000 / i128::from(*bottom);
            (top / bottom, rest as i32)
        }
        _ => (part(interp, 5, 0)?, 0),
    };
    let narrow = |value: i64| i8::try_from(value).unwrap_or(-1);
    let clock = Clock::new(narrow(hour), narrow(minute), narrow(second), nanos);
    let Ok(clock) = clock else {
        let what = match (hour, minute) {
            (hour, _) if !(0..24).contains(&hour) => "hour out of range",
            (_, minute) if !(0..60).contains(&minute) => "min out of range",
            _ => "sec out of range",
        };
        return Err(interp.raise(error_class, invalid(what)));
    };
    let utc = matches!(name, "utc" | "gm");
    let zone = match args.get(6) {
        _ if utc => TimeZone::UTC,
        Some(value) if !value.is_nil() => zone_of(interp, &value.clone())?,
        _ if class == "DateTime" => TimeZone::UTC,
        _ => time::local_zone(interp),
    };
    let zoned = date.to_datetime(clock).to_zoned(zone);
    let zoned = zoned.map_err(|_| interp.raise("RangeError", "the time is out of range"))?;
    Ok(made(zoned, class == "DateTime", utc))
}

/// Reads a time zone: an offset, a name, or a zone.
pub(super) fn zone_of<'a>(
    interp: &mut Interp<'a>,
    value: &Value<'a>,
) -> Result<TimeZone, Flow<'a>> {
    match value {
        Value::Zone(zone) => Ok((**zone).clone()),
        Value::Int(seconds) => fixed(interp, *seconds),
        Value::Rational(top, bottom) => fixed(interp, top.saturating_mul(86_400) / bottom),
        other => {
            let name = string_of(other).unwrap_or_default();
            if name == "UTC" || name == "Z" {
                return Ok(TimeZone::UTC);
            }
            if let Some((offset, _)) = parse_offset(&name) {
                return Ok(TimeZone::fixed(offset));
            }
            match TimeZone::get(&name) {
                Ok(zone) => Ok(zone),
                Err(_) => {
                    let message = "\"+HH:MM\", \"-HH:MM\", \"UTC\" or \"A\"..\"I\",\"K\"..\"Z\" \
                                   expected for utc_offset";
                    Err(interp.argument_error(format!("{message}: {name}")))
                }
            }
        }
    }
}

fn fixed<'a>(interp: &Interp<'a>, seconds: i64) -> Result<TimeZone, Flow<'a>> {
    let offset = i32::try_from(seconds).ok().and_then(|s| Offset::from_seconds(s).ok());
    offset.map(TimeZone::fixed).ok_or_else(|| interp.argument_error("utc_offset out of range"))
}

/// Turns what was parsed into a value of the class.
fn finish<'a>(
    interp: &mut Interp<'a>,
    class: &str,
    parsed: Option<Parsed>,
    source: &str,
) -> Eval<'a> {
    let invalid = |interp: &Interp<'a>| match class {
        "Time" => {
            let shown = super::string::shown(source);
            interp.argument_error(format!("no time information in {shown}"))
        }
        _ => interp.raise("Date::Error", "invalid date"),
    };
    let Some(parsed) = parsed else {
        return Err(invalid(interp));
    };
    if class == "Date" {
        return match parsed.date {
            Some(date) => Ok(Value::Date(date)),
            None => Err(invalid(interp)),
        };
    }
    if parsed.date.is_none() && parsed.clock.is_none() {
        return Err(invalid(interp));
    }
    let today = now(interp)?.with_time_zone(time::local_zone(interp)).date();
    let at = DateTime::from_parts(parsed.date.unwrap_or(today), parsed.clock.unwrap_or_default());
    let zone = match parsed.offset {
        Some(_) if parsed.utc => TimeZone::UTC,
        Some(offset) => TimeZone::fixed(offset),
        None if class == "DateTime" => TimeZone::UTC,
        None => time::local_zone(interp),
    };
    match at.to_zoned(zone) {
        Ok(zoned) => Ok(made(zoned, class == "DateTime", parsed.utc)),
        Err(_) => Err(interp.raise("RangeError", "the time is out of range")),
    }
}

/// Reads `+01:00`, `-0500`, `+01`; returns the offset and its length.
fn parse_offset(text: &str) -> Option<(Offset, usize)> {
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits = |from: usize| text.get(from..from + 2).and_then(|two| two.parse::<i32>().ok());
    let hours = digits(1)?;
    let (minutes, length) = match text.as_bytes().get(3) {
        Some(b':') => (digits(4)?, 6),
        Some(_) if digits(3).is_some() => (digits(3)?, 5),
        _ => (0, 3),
    };
    Some((Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()?, length))
}

/// Reads a date and time in the common notations.
fn parse(source: &str) -> Option<Parsed> {
    let mut parsed = Parsed::default();
    let (mut day, mut month, mut year) = (None, None, None);
    // The T between date and time separates; so do blanks and commas.
    let spaced = separate_t(source.trim());
    for word in spaced.split([' ', ',']).filter(|word| !word.is_empty()) {
        let lower = word.to_lowercase();
        if let Some(date) = parse_date(word) {
            parsed.date = Some(date);
        } else if word.contains(':') && word.starts_with(|c: char| c.is_ascii_digit()) {
            parse_clock(word, &mut parsed)?;
        } else if let Some((offset, _)) =
            parse_offset(word).filter(|(_, length)| *length == word.len() && *length > 3)
        {
            parsed.offset = Some(offset);
        } else if matches!(lower.as_str(), "utc" | "gmt" | "z") {
            parsed.offset = Some(Offset::UTC);
            parsed.utc = true;
        } else if matches!(lower.as_str(), "am" | "pm") {
            parsed.clock = Some(twelve_hours(parsed.clock?, lower == "pm")?);
        } else if parsed.date.is_some() && parse_basic_clock(word, &mut parsed).is_some() {
        } else if let Some(hour) = lower
            .strip_suffix("am")
            .or_else(|| lower.strip_suffix("pm"))
            .and_then(|hour| hour.parse().ok())
        {
            let clock = Clock::new(hour, 0, 0, 0).ok()?;
            parsed.clock = Some(twelve_hours(clock, lower.ends_with("pm"))?);
        } else if let Some(found) = month_named(&lower) {
            month = Some(found);
        } else if let Ok(number) =
            word.trim_end_matches(['s', 't', 'n', 'd', 'r', 'h']).parse::<i64>()
        {
            if day.is_none() && word.len() <= 4 && (1..=31).contains(&number) {
                day = Some(number);
            } else {
                year = Some(number);
            }
        }
    }
    if let (Some(month), None) = (month, parsed.date) {
        parsed.date = date(year.unwrap_or(1970), month, day.unwrap_or(1));
    }
    (parsed.date.is_some() || parsed.clock.is_some()).then_some(parsed)
}

fn separate_t(source: &str) -> String {
    let bytes = source.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    source
        .char_indices()
        .map(|(at, c)| {
            let between = at > 0 && digit(at - 1) && digit(at + 1);
            if matches!(c, 'T' | 't') && between { ' ' } else { c }
        })
        .collect()
}

fn month_named(word: &str) -> Option<i64> {
    let short = word.trim_end_matches('.').get(..3)?;
    let found = MONTHS.iter().position(|month| {
        let month = month.to_lowercase();
        month == word || (month.starts_with(short) && month.starts_with(word.trim_end_matches('.')))
    })?;
    Some(found as i64 + 1)
}

fn parse_date(word: &str) -> Option<Date> {
    if word.len() == 8 && word.bytes().all(|b| b.is_ascii_digit()) {
        let part = |from: usize, to: usize| word.get(from..to)?.parse().ok();
        return date(part(0, 4)?, part(4, 6)?, part(6, 8)?);
    }
    let separator = ['-', '/', '.'].into_iter().find(|c| word.matches(*c).count() == 2)?;
    let mut parts = word.split(separator);
    let (a, b, c) = (parts.next()?, parts.next()?, parts.next()?);
    if let Some(month) = month_named(&b.to_lowercase()) {
        return date(c.parse().ok()?, month, a.parse().ok()?);
    }
    let (first, second, third): (i64, i64, i64) =
        (a.parse().ok()?, b.parse().ok()?, c.parse().ok()?);
    if a.len() == 4 || separator == '-' {
        return date(first, second, third);
    }
    // Two digits and slashes: day and month when the year comes last, as Ruby reads it.
    if c.len() == 4 { date(third, second, first) } else { date(2000 + first, second, third) }
}

fn parse_clock(word: &str, parsed: &mut Parsed) -> Option<()> {
    let end =
        word.find(|c: char| !c.is_ascii_digit() && c != ':' && c != '.').unwrap_or(word.len());
    let (clock, rest) = word.split_at(end);
    let mut parts = clock.split(':');
    let hour: i8 = parts.next()?.parse().ok()?;
    let minute: i8 = parts.next()?.parse().ok()?;
    let seconds = parts.next().unwrap_or("0");
    let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
    let nanos: String = fraction.chars().chain(std::iter::repeat('0')).take(9).collect();
    let (hour, midnight) = if hour == 24 { (0, true) } else { (hour, false) };
    parsed.clock = Some(Clock::new(hour, minute, whole.parse().ok()?, nanos.parse().ok()?).ok()?);
    if midnight {
        parsed.date = parsed.date.and_then(|date| date.tomorrow().ok());
    }
    match rest.to_lowercase().as_str() {
        "" => {}
        "z" | "utc" => {
            parsed.offset = Some(Offset::UTC);
            parsed.utc = true;
        }
        suffix @ ("am" | "pm") => parsed.clock = Some(twelve_hours(parsed.clock?, suffix == "pm")?),
        offset => parsed.offset = Some(parse_offset(offset)?.0),
    }
    Some(())
}

/// Reads the basic form after a T: `030405`, `0304`, with a zone.
fn parse_basic_clock(word: &str, parsed: &mut Parsed) -> Option<()> {
    let digits = word.bytes().take_while(u8::is_ascii_digit).count();
    if !matches!(digits, 4 | 6) {
        return None;
    }
    let (hour, minute) = (word.get(..2)?, word.get(2..4)?);
    let second = word.get(4..digits).filter(|second| !second.is_empty()).unwrap_or("00");
    let rest = word.get(digits..)?;
    parse_clock(&format!("{hour}:{minute}:{second}{rest}"), parsed)
}

fn twelve_hours(clock: Clock, afternoon: bool) -> Option<Clock> {
    let hour = clock.hour() % 12 + if afternoon { 12 } else { 0 };
    Clock::new(hour, clock.minute(), clock.second(), clock.subsec_nanosecond()).ok()
}

/// What a format has found so far.
#[derive(Default)]
struct Fields {
    year: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    hour: Option<i64>,
    minute: i64,
    second: i64,
    nanos: i32,
    afternoon: Option<bool>,
    parsed: Parsed,
}

/// Reads a date and time by a format.
fn strptime(source: &str, format: &str) -> Option<Parsed> {
    let mut rest = source;
    let mut fields = Fields::default();
    let expanded = format
        .replace("%F", "%Y-%m-%d")
        .replace("%T", "%H:%M:%S")
        .replace("%R", "%H:%M")
        .replace("%D", "%m/%d/%y")
        .replace("%-", "%");
    let mut chars = expanded.chars();
    while let Some(c) = chars.next() {
        if c.is_whitespace() {
            rest = rest.trim_start();
        } else if c == '%' {
            rest = fields.read(chars.next()?, rest)?;
        } else {
            rest = rest.strip_prefix(c)?;
        }
    }
    if rest.is_empty() { fields.finish() } else { None }
}

/// Splits off the digits that a text starts with, after blanks.
fn digits(text: &str, most: usize) -> Option<(i64, &str)> {
    let text = text.trim_start();
    let end = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    Some((text.get(..end)?.parse().ok()?, text.get(end..)?))
}

/// Splits off the letters that a text starts with.
fn letters(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_alphabetic()).unwrap_or(text.len()))
}

impl Fields {
    /// Reads what a directive stands for; returns what is left of the text.
    fn read<'t>(&mut self, directive: char, text: &'t str) -> Option<&'t str> {
        let most = match directive {
            'Y' => 4,
            's' | 'Q' => 18,
            _ => 2,
        };
        let number = || digits(text, most);
        Some(match directive {
            'Y' | 'y' | 'm' | 'd' | 'e' | 'H' | 'k' | 'I' | 'l' | 'M' | 'S' => {
                let (value, rest) = number()?;
                match directive {
                    'Y' => self.year = Some(value),
                    'y' => self.year = Some(value + if value < 69 { 2000 } else { 1900 }),
                    'm' => self.month = Some(value),
                    'd' | 'e' => self.day = Some(value),
                    'M' => self.minute = value,
                    'S' => self.second = value,
                    _ => self.hour = Some(value),
                }
                rest
            }
            's' | 'Q' => {
                let (count, rest) = number()?;
                let at = match directive {
                    's' => Timestamp::from_second(count).ok()?,
                    _ => Timestamp::from_millisecond(count).ok()?,
                };
                let at = at.to_zoned(TimeZone::UTC);
                self.parsed.date = Some(at.date());
                self.parsed.clock = Some(at.time());
                self.parsed.offset = Some(Offset::UTC);
                rest
            }
            'L' | 'N' => {
                let end = text.bytes().take_while(u8::is_ascii_digit).count();
                let fraction = text.get(..end)?.chars().chain(std::iter::repeat('0')).take(9);
                self.nanos = fraction.collect::<String>().parse().ok()?;
                text.get(end..)?
            }
            'B' | 'b' | 'h' => {
                let (word, rest) = letters(text);
                self.month = Some(month_named(&word.to_lowercase())?);
                rest
            }
            'A' | 'a' => letters(text).1,
            'p' | 'P' => {
                self.afternoon = Some(text.get(..2)?.eq_ignore_ascii_case("pm"));
                text.get(2..)?
            }
            'z' | 'Z' => match parse_offset(text) {
                Some((offset, length)) => {
                    self.parsed.offset = Some(offset);
                    text.get(length..)?
                }
                None => {
                    self.parsed.offset = Some(Offset::UTC);
                    self.parsed.utc = true;
                    letters(text).1
                }
            },
            '%' => text.strip_prefix('%')?,
            _ => return None,
        })
    }

    fn finish(self) -> Option<Parsed> {
        let mut parsed = self.parsed;
        if let Some(year) = self.year {
            parsed.date = Some(date(year, self.month.unwrap_or(1), self.day.unwrap_or(1))?);
        }
        if let Some(hour) = self.hour {
            let narrow = |value: i64| i8::try_from(value).unwrap_or(-1);
            let (minute, second) = (narrow(self.minute), narrow(self.second));
            let clock = Clock::new(narrow(hour), minute, second, self.nanos).ok()?;
            parsed.clock = Some(match self.afternoon {
                Some(afternoon) => twelve_hours(clock, afternoon)?,
                None => clock,
            });
        }
        Some(parsed)
    }
}

/// `TZInfo::Timezone.get`
pub(super) fn zone_class<'a>(interp: &mut Interp<'a>, name: &str, args: &Args<'a>) -> Found<'a> {
    if !matches!(name, "get" | "new") {
        return Ok(None);
    }
    let wanted = text(interp, args, 0)?;
    match TimeZone::get(&wanted) {
        Ok(zone) => Ok(Some(Value::Zone(Rc::new(zone)))),
        Err(_) => {
            let message = format!("Invalid identifier: {wanted}");
            Err(interp.argument_error(message))
        }
    }
}

/// Methods of a time zone.
pub(super) fn call_zone<'a>(
    interp: &mut Interp<'a>,
    this: &Rc<TimeZone>,
    name: &str,
    args: &Args<'a>,
) -> Found<'a> {
    let zone = (**this).clone();
    let value = match name {
        "to_local" | "utc_to_local" => match interp.arg(args, 0)? {
            Value::Time(time) => made(time.zoned.with_time_zone(zone), time.datetime, false),
            _ => return Err(interp.argument_error("a time is expected")),
        },
        "local_to_utc" => match interp.arg(args, 0)? {
            Value::Time(time) => match time.zoned.datetime().to_zoned(zone) {
                Ok(zoned) => made(zoned.with_time_zone(TimeZone::UTC), time.datetime, true),
                Err(_) => return Err(interp.raise("RangeError", "the time is out of range")),
            },
            _ => return Err(interp.argument_error("a time is expected")),
        },
        "now" => made(now(interp)?.with_time_zone(zone), false, false),
        "identifier" | "name" | "to_s" => interp.text(this.iana_name().unwrap_or("UTC"))?,
        _ => return Ok(None),
    };
    Ok(Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_notations_are_read() {
        let check = |text: &str, expect: &str| {
            let parsed = parse(text).unwrap_or_else(|| panic!("{text}"));
            let date = parsed.date.map(|date| date.to_string()).unwrap_or_default();
            let clock = parsed.clock.map(|clock| clock.to_string()).unwrap_or_default();
            let offset = parsed.offset.map(|offset| offset.to_string()).unwrap_or_default();
            assert_eq!(format!("{date} {clock} {offset}").trim(), expect, "{text}");
        };
        check("2024-01-02", "2024-01-02");
        check("2024-01-02T03:04:05Z", "2024-01-02 03:04:05 +00");
        check("2024-01-02T03:04:05.25+02:00", "2024-01-02 03:04:05.25 +02");
        check("2024-01-02 03:04:05 -0500", "2024-01-02 03:04:05 -05");
        check("Tue, 02 Jan 2024 03:04:05 GMT", "2024-01-02 03:04:05 +00");
        check("January 5, 2024 3:04 PM", "2024-01-05 15:04:00");
        check("5 Jan 2024", "2024-01-05");
        check("20240105", "2024-01-05");
        check("31/12/2024", "2024-12-31");
        assert_eq!(parse("nonsense"), None);
    }
}
