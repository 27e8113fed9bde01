//! Methods of Time, DateTime and Date, and how they print.

use std::fmt::Write as _;
use std::rc::Rc;

use jiff::civil::{Date, DateTime};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Span, Timestamp, Zoned};

use super::super::compare;
use super::super::interp::{Args, Eval, Flow, Found, Interp};
use super::super::value::{Time, Value};
use super::{int, number, text, time_make, to_int};

pub(crate) const MONTHS: &[&str] = &[
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
pub(crate) const DAYS: &[&str] =
    &["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

const NANOS: i128 = 1_000_000_000;

/// Returns the time zone that the context names; UTC when it is unknown.
pub(super) fn local_zone(interp: &Interp<'_>) -> TimeZone {
    TimeZone::get(interp.context.timezone).unwrap_or(TimeZone::UTC)
}

pub(super) fn made<'a>(zoned: Zoned, datetime: bool, utc: bool) -> Value<'a> {
    Value::Time(Rc::new(Time { zoned, datetime, utc }))
}

/// Prints an offset as `+01:00`, or without the colon.
fn offset(offset: Offset, colon: &str) -> String {
    let seconds = offset.seconds();
    let (sign, size) = if seconds < 0 { ('-', -seconds) } else { ('+', seconds) };
    format!("{sign}{:02}{colon}{:02}", size / 3600, size / 60 % 60)
}

pub(crate) fn to_s(time: &Time) -> String {
    if time.datetime {
        return strftime(time, "%Y-%m-%dT%H:%M:%S%:z");
    }
    strftime(time, if time.utc { "%Y-%m-%d %H:%M:%S UTC" } else { "%Y-%m-%d %H:%M:%S %z" })
}

pub(crate) fn inspect(time: &Time) -> String {
    if time.datetime {
        let utc = time.zoned.with_time_zone(TimeZone::UTC);
        let clock = utc.time();
        let (hours, minutes) = (i64::from(clock.hour()), i64::from(clock.minute()));
        let seconds = hours * 3600 + minutes * 60 + i64::from(clock.second());
        return format!(
            "#<DateTime: {} (({}j,{seconds}s,{}n),{:+}s,2299161j)>",
            to_s(time),
            julian_day(utc.date()),
            clock.subsec_nanosecond(),
            time.zoned.offset().seconds(),
        );
    }
    let fraction = format!("{:09}", time.zoned.subsec_nanosecond());
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    let seconds = strftime(time, "%Y-%m-%d %H:%M:%S");
    let zone = if time.utc { "UTC".to_owned() } else { offset(time.zoned.offset(), "") };
    format!("{seconds}{point}{fraction} {zone}")
}

pub(crate) fn inspect_date(date: Date) -> String {
    format!("#<Date: {date} (({}j,0s,0n),+0s,2299161j)>", julian_day(date))
}

fn julian_day(date: Date) -> i64 {
    let epoch = jiff::civil::date(1970, 1, 1);
    i64::from(epoch.until(date).map_or(0, |span| span.get_days())) + 2_440_588
}

/// Prints a date or time by a format.
pub(super) fn strftime(time: &Time, format: &str) -> String {
    let mut out = String::new();
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let (mut flags, mut width, mut colons) = (String::new(), String::new(), 0);
        while let Some(flag) = chars.next_if(|c| matches!(c, '-' | '0' | '^' | '#' | '_')) {
            flags.push(flag);
        }
        while let Some(digit) = chars.next_if(char::is_ascii_digit) {
            width.push(digit);
        }
        while chars.next_if_eq(&':').is_some() {
            colons += 1;
        }
        // These two ask for the locale's own notation, of which there is none.
        let _ = chars.next_if(|c| matches!(c, 'E' | 'O'));
        let Some(directive) = chars.next() else {
            out.push('%');
            break;
        };
        let width = width.parse::<usize>().ok().map(|width| width.min(100));
        match field(time, directive, colons, width) {
            Some((text, pad, digits)) => pad_field(&text, pad, digits, &flags, width, &mut out),
            None => {
                let _ = write!(out, "%{flags}{directive}");
            }
        }
    }
    out
}

fn pad_field(
    text: &str,
    pad: char,
    digits: usize,
    flags: &str,
    width: Option<usize>,
    out: &mut String,
) {
    let pad = match flags {
        _ if flags.contains('0') => '0',
        _ if flags.contains('_') => ' ',
        _ => pad,
    };
    let width = if flags.contains('-') { 0 } else { width.unwrap_or(digits) };
    let text = match flags {
        _ if flags.contains('^') => text.to_uppercase(),
        _ if flags.contains('#') && text.chars().all(|c| !c.is_lowercase()) => text.to_lowercase(),
        _ if flags.contains('#') => text.to_uppercase(),
        _ => text.to_owned(),
    };
    for _ in text.chars().count()..width {
        out.push(pad);
    }
    out.push_str(&text);
}

/// Returns a directive's text, its padding and its usual width.
fn field(
    time: &Time,
    directive: char,
    colons: usize,
    width: Option<usize>,
) -> Option<(String, char, usize)> {
    let at = &time.zoned;
    let weekday = at.weekday().to_sunday_zero_offset() as usize;
    let hour12 = (at.hour() + 11) % 12 + 1;
    let name = |list: &[&str], index: usize| list.get(index).copied().unwrap_or("").to_owned();
    let short = |text: String| text.get(..3).unwrap_or_default().to_owned();
    let month = at.month() as usize - 1;
    let numbered = |value: i64, digits| Some((value.to_string(), '0', digits));
    let nested = |format: &str| Some((strftime(time, format), ' ', 0));
    let plain = |text: String| Some((text, ' ', 0));
    match directive {
        'Y' => numbered(i64::from(at.year()), if at.year() < 0 { 5 } else { 4 }),
        'C' => numbered(i64::from(at.year()).div_euclid(100), 2),
        'y' => numbered(i64::from(at.year()).rem_euclid(100), 2),
        'm' => numbered(i64::from(at.month()), 2),
        'B' => plain(name(MONTHS, month)),
        'b' | 'h' => plain(short(name(MONTHS, month))),
        'd' => numbered(i64::from(at.day()), 2),
        'e' => Some((at.day().to_string(), ' ', 2)),
        'j' => numbered(i64::from(at.day_of_year()), 3),
        'H' => numbered(i64::from(at.hour()), 2),
        'k' => Some((at.hour().to_string(), ' ', 2)),
        'I' => numbered(i64::from(hour12), 2),
        'l' => Some((hour12.to_string(), ' ', 2)),
        'M' => numbered(i64::from(at.minute()), 2),
        'S' => numbered(i64::from(at.second()), 2),
        'L' | 'N' => {
            let digits = width.unwrap_or(if directive == 'L' { 3 } else { 9 });
            let nanos = format!("{:09}", at.subsec_nanosecond());
            let text: String = nanos.chars().chain(std::iter::repeat('0')).take(digits).collect();
            Some((text, '0', digits))
        }
        'z' => match colons {
            0 => plain(offset(at.offset(), "")),
            1 => plain(offset(at.offset(), ":")),
            _ => plain(offset(at.offset(), ":") + ":00"),
        },
        'Z' if time.datetime => plain(offset(at.offset(), ":")),
        'Z' => plain(zone_name(time).unwrap_or_default()),
        'A' => plain(name(DAYS, weekday)),
        'a' => plain(short(name(DAYS, weekday))),
        'u' => numbered(i64::from(at.weekday().to_monday_one_offset()), 1),
        'w' => numbered(weekday as i64, 1),
        'p' => plain(if at.hour() < 12 { "AM" } else { "PM" }.to_owned()),
        'P' => plain(if at.hour() < 12 { "am" } else { "pm" }.to_owned()),
        's' => numbered(at.timestamp().as_second(), 1),
        'Q' if time.datetime => numbered(at.timestamp().as_millisecond(), 1),
        'n' => plain("\n".to_owned()),
        't' => plain("\t".to_owned()),
        '%' => plain("%".to_owned()),
        'F' => nested("%Y-%m-%d"),
        'T' | 'X' => nested("%H:%M:%S"),
        'D' | 'x' => nested("%m/%d/%y"),
        'R' => nested("%H:%M"),
        'r' => nested("%I:%M:%S %p"),
        'c' => nested("%a %b %e %H:%M:%S %Y"),
        'v' => nested("%e-%^b-%Y"),
        '+' => nested("%a %b %e %H:%M:%S %Z %Y"),
        'U' => numbered((i64::from(at.day_of_year()) + 6 - weekday as i64) / 7, 2),
        'W' => numbered((i64::from(at.day_of_year()) + 6 - (weekday as i64 + 6) % 7) / 7, 2),
        'V' => numbered(i64::from(at.date().iso_week_date().week()), 2),
        'G' => numbered(i64::from(at.date().iso_week_date().year()), 4),
        'g' => numbered(i64::from(at.date().iso_week_date().year()).rem_euclid(100), 2),
        _ => None,
    }
}

/// Returns a zone's abbreviation; a fixed offset has none.
fn zone_name(time: &Time) -> Option<String> {
    if time.utc {
        return Some("UTC".to_owned());
    }
    let zone = time.zoned.time_zone();
    zone.iana_name()?;
    Some(zone.to_offset_info(time.zoned.timestamp()).abbreviation().to_owned())
}

pub(super) fn call<'a>(
    interp: &mut Interp<'a>,
    receiver: &Value<'a>,
    this: &Rc<Time>,
    name: &str,
    args: &Args<'a>,
) -> Found<'a> {
    if let Some(value) = convert(interp, this, name, args)? {
        return Ok(Some(value));
    }
    let at = &this.zoned;
    let nanos = at.timestamp().as_nanosecond();
    let value = match name {
        "hour" => Value::Int(i64::from(at.hour())),
        "min" | "minute" => Value::Int(i64::from(at.minute())),
        "sec" | "second" => Value::Int(i64::from(at.second())),
        "usec" | "tv_usec" => Value::Int(i64::from(at.subsec_nanosecond() / 1000)),
        "nsec" | "tv_nsec" => Value::Int(i64::from(at.subsec_nanosecond())),
        "subsec" | "sec_fraction" => number::reduced(interp, at.subsec_nanosecond().into(), NANOS)?,
        "to_i" | "tv_sec" if !this.datetime => Value::Int(at.timestamp().as_second()),
        "to_f" if !this.datetime => Value::Float(nanos as f64 / 1e9),
        "to_r" if !this.datetime => number::reduced(interp, nanos, NANOS)?,
        "zone" => match (this.datetime, zone_name(this)) {
            (true, _) => interp.text(offset(at.offset(), ":"))?,
            (false, Some(zone)) => interp.text(zone)?,
            (false, None) => Value::Nil,
        },
        "utc_offset" | "gmt_offset" | "gmtoff" => Value::Int(i64::from(at.offset().seconds())),
        "offset" => number::reduced(interp, at.offset().seconds().into(), 86_400)?,
        "utc?" | "gmt?" => Value::Bool(this.utc),
        "dst?" | "isdst" => {
            Value::Bool(at.time_zone().to_offset_info(at.timestamp()).dst().is_dst())
        }
        "+" | "-" => return add(interp, this, name, args).map(Some),
        "round" | "floor" => {
            let unit = match name {
                "round" => (nanos + NANOS / 2).div_euclid(NANOS),
                _ => nanos.div_euclid(NANOS),
            };
            moved(interp, this, unit * NANOS)?
        }
        "iso8601" | "xmlschema" | "rfc3339" | "jisx0301" => {
            let digits = if args.len() > 0 { int(interp, args, 0)?.clamp(0, 9) } else { 0 };
            let mut format = "%Y-%m-%dT%H:%M:%S".to_owned();
            if digits > 0 {
                format.push_str(&format!(".%{digits}N"));
            }
            format.push_str(if this.utc && !this.datetime { "Z" } else { "%:z" });
            interp.text(strftime(this, &format))?
        }
        "httpdate" => {
            let utc = Time { zoned: at.with_time_zone(TimeZone::UTC), datetime: false, utc: true };
            interp.text(strftime(&utc, "%a, %d %b %Y %H:%M:%S GMT"))?
        }
        "rfc2822" | "rfc822" => {
            let zone = if this.utc { "-0000" } else { "%z" };
            interp.text(strftime(this, &format!("%a, %d %b %Y %H:%M:%S {zone}")))?
        }
        "ctime" | "asctime" => interp.text(strftime(this, "%a %b %e %H:%M:%S %Y"))?,
        "strftime" => {
            let format = text(interp, args, 0)?;
            interp.text(strftime(this, &format))?
        }
        "to_a" if !this.datetime => {
            let zone = zone_name(this).map_or(Value::Nil, Value::text);
            let dst = at.time_zone().to_offset_info(at.timestamp()).dst().is_dst();
            let parts = ["sec", "min", "hour", "day", "month", "year", "wday", "yday"];
            let mut list = Vec::new();
            for part in parts {
                list.push(interp.ask(receiver, part)?);
            }
            list.extend([Value::Bool(dst), zone]);
            interp.array(list)?
        }
        "<" | "<=" | ">" | ">=" => {
            let order = compare::order_or_raise(interp, receiver, interp.arg(args, 0)?)?;
            Value::Bool(number::holds(name, order))
        }
        "between?" => {
            let low = compare::order_or_raise(interp, receiver, interp.arg(args, 0)?)?;
            let high = compare::order_or_raise(interp, receiver, interp.arg(args, 1)?)?;
            Value::Bool(low.is_ge() && high.is_le())
        }
        _ if this.datetime => match by_day(interp, at.date(), name, args)? {
            Some(Value::Date(date)) => at_date(interp, this, date)?,
            Some(value) => value,
            None => return Ok(None),
        },
        _ => return Ok(calendar(at.date(), name)),
    };
    Ok(Some(value))
}

/// Methods that give the same instant in another zone or class.
fn convert<'a>(interp: &mut Interp<'a>, this: &Time, name: &str, args: &Args<'a>) -> Found<'a> {
    let at = &this.zoned;
    let value = match name {
        "utc" | "gmtime" | "getutc" | "getgm" => {
            made(at.with_time_zone(TimeZone::UTC), this.datetime, true)
        }
        "localtime" | "getlocal" | "to_local" | "new_offset" => {
            let zone = match args.get(0) {
                Some(Value::Nil) | None if name == "new_offset" => TimeZone::UTC,
                Some(Value::Nil) | None => local_zone(interp),
                Some(value) => time_make::zone_of(interp, &value.clone())?,
            };
            made(at.with_time_zone(zone), this.datetime, false)
        }
        "to_time" => made(at.clone(), false, this.utc),
        "to_datetime" => made(at.clone(), true, false),
        "to_date" => Value::Date(at.date()),
        _ => return Ok(None),
    };
    Ok(Some(value))
}

/// Keeps the time of day and moves to a date.
fn at_date<'a>(interp: &Interp<'a>, this: &Time, date: Date) -> Eval<'a> {
    let moved = date.to_datetime(this.zoned.time()).to_zoned(this.zoned.time_zone().clone());
    match moved {
        Ok(zoned) => Ok(made(zoned, this.datetime, this.utc)),
        Err(_) => Err(interp.raise("RangeError", "the date is out of range")),
    }
}

fn moved<'a>(interp: &Interp<'a>, this: &Time, nanos: i128) -> Eval<'a> {
    match Timestamp::from_nanosecond(nanos) {
        Ok(timestamp) => {
            let zoned = timestamp.to_zoned(this.zoned.time_zone().clone());
            Ok(made(zoned, this.datetime, this.utc))
        }
        Err(_) => Err(interp.raise("RangeError", "the time is out of range")),
    }
}

/// Returns a number of seconds, or of days, in nanoseconds.
fn nanoseconds<'a>(
    interp: &Interp<'a>,
    value: &Value<'a>,
    unit_seconds: i128,
) -> Result<i128, Flow<'a>> {
    let unit = unit_seconds * NANOS;
    match value {
        Value::Int(count) => Ok(i128::from(*count) * unit),
        Value::Rational(top, bottom) => Ok(i128::from(*top) * unit / i128::from(*bottom)),
        Value::Float(count) if count.abs() < 1e12 => {
            let whole = count.trunc() as i128;
            Ok(whole * unit + ((count - count.trunc()) * unit as f64).round() as i128)
        }
        _ => Err(interp.type_error("expected numeric")),
    }
}

fn add<'a>(interp: &mut Interp<'a>, this: &Time, name: &str, args: &Args<'a>) -> Eval<'a> {
    let nanos = this.zoned.timestamp().as_nanosecond();
    match (name, interp.arg(args, 0)?) {
        ("-", Value::Time(other)) => {
            let between = nanos - other.zoned.timestamp().as_nanosecond();
            match this.datetime {
                true => number::reduced(interp, between, 86_400 * NANOS),
                false => Ok(Value::Float(between as f64 / 1e9)),
            }
        }
        ("-", Value::Date(other)) => {
            let midnight =
                other.to_zoned(TimeZone::UTC).map_or(0, |at| at.timestamp().as_nanosecond());
            number::reduced(interp, nanos - midnight, 86_400 * NANOS)
        }
        ("+", Value::Time(_)) => Err(interp.type_error("time + time?")),
        (_, value) => {
            let unit = if this.datetime { 86_400 } else { 1 };
            let by = nanoseconds(interp, value, unit)?;
            moved(interp, this, if name == "+" { nanos + by } else { nanos - by })
        }
    }
}

/// Parts of a date that times have too.
fn calendar<'a>(date: Date, name: &str) -> Option<Value<'a>> {
    let weekday = i64::from(date.weekday().to_sunday_zero_offset());
    let day_named = name.strip_suffix('?').and_then(|day| {
        DAYS.iter().position(|known| known.to_lowercase() == day).map(|index| index as i64)
    });
    if let Some(day) = day_named {
        return Some(Value::Bool(day == weekday));
    }
    let value = match name {
        "year" => Value::Int(i64::from(date.year())),
        "month" | "mon" => Value::Int(i64::from(date.month())),
        "day" | "mday" => Value::Int(i64::from(date.day())),
        "wday" => Value::Int(weekday),
        "yday" => Value::Int(i64::from(date.day_of_year())),
        _ => return None,
    };
    Some(value)
}

/// Methods that Date and DateTime share and Time lacks.
fn by_day<'a>(interp: &mut Interp<'a>, date: Date, name: &str, args: &Args<'a>) -> Found<'a> {
    if let Some(value) = calendar(date, name) {
        return Ok(Some(value));
    }
    let count = match args.get(0) {
        Some(Value::Int(count)) => *count,
        _ => 1,
    };
    let shifted = |interp: &Interp<'a>, span: Result<Span, jiff::Error>| {
        let moved = span.and_then(|span| date.checked_add(span));
        moved.map(Value::Date).map_err(|_| interp.raise("RangeError", "the date is out of range"))
    };
    let days = |count: i64| Span::new().try_days(count);
    let months = |count: i64| Span::new().try_months(count);
    let value = match name {
        "next_day" => shifted(interp, days(count))?,
        "prev_day" => shifted(interp, days(count.saturating_neg()))?,
        "next" | "succ" => shifted(interp, days(1))?,
        ">>" | "next_month" => shifted(interp, months(count))?,
        "<<" | "prev_month" => shifted(interp, months(count.saturating_neg()))?,
        "next_year" => shifted(interp, months(count.saturating_mul(12)))?,
        "prev_year" => shifted(interp, months(count.saturating_mul(-12)))?,
        "leap?" => Value::Bool(date.in_leap_year()),
        "cwday" => Value::Int(i64::from(date.weekday().to_monday_one_offset())),
        "cweek" => Value::Int(i64::from(date.iso_week_date().week())),
        "cwyear" => Value::Int(i64::from(date.iso_week_date().year())),
        "jd" => Value::Int(julian_day(date)),
        "mjd" => Value::Int(julian_day(date) - 2_400_001),
        "ld" => Value::Int(julian_day(date) - 2_299_160),
        _ => return Ok(None),
    };
    Ok(Some(value))
}

pub(super) fn call_date<'a>(
    interp: &mut Interp<'a>,
    this: Date,
    name: &str,
    args: &Args<'a>,
) -> Found<'a> {
    if let Some(value) = by_day(interp, this, name, args)? {
        return Ok(Some(value));
    }
    let receiver = Value::Date(this);
    let midnight = |zone| {
        let zoned = DateTime::from(this).to_zoned(zone);
        zoned.map_err(|_| interp.raise("RangeError", "the date is out of range"))
    };
    let value = match name {
        "+" | "-" => return add_days(interp, this, name, args).map(Some),
        "to_date" => receiver,
        "to_time" => made(midnight(local_zone(interp))?, false, false),
        "to_datetime" => made(midnight(TimeZone::UTC)?, true, false),
        "strftime" | "iso8601" | "xmlschema" | "httpdate" | "rfc2822" | "rfc3339" => {
            let format = match name {
                "strftime" if args.len() > 0 => text(interp, args, 0)?,
                "httpdate" => "%a, %d %b %Y 00:00:00 GMT".to_owned(),
                "rfc2822" => "%a, %-d %b %Y 00:00:00 +0000".to_owned(),
                "rfc3339" => "%Y-%m-%dT00:00:00+00:00".to_owned(),
                _ => "%Y-%m-%d".to_owned(),
            };
            let time = Time { zoned: midnight(TimeZone::UTC)?, datetime: true, utc: false };
            interp.text(strftime(&time, &format))?
        }
        "===" | "==" if matches!(args.get(0), Some(Value::Time(_))) => {
            let order = compare::order(&receiver, interp.arg(args, 0)?);
            Value::Bool(order.is_some_and(std::cmp::Ordering::is_eq))
        }
        "<" | "<=" | ">" | ">=" => {
            let order = compare::order_or_raise(interp, &receiver, interp.arg(args, 0)?)?;
            Value::Bool(number::holds(name, order))
        }
        "between?" => {
            let low = compare::order_or_raise(interp, &receiver, interp.arg(args, 0)?)?;
            let high = compare::order_or_raise(interp, &receiver, interp.arg(args, 1)?)?;
            Value::Bool(low.is_ge() && high.is_le())
        }
        "upto" | "downto" | "step" => return walk(interp, this, name, args).map(Some),
        _ => return Ok(None),
    };
    Ok(Some(value))
}

fn add_days<'a>(interp: &mut Interp<'a>, this: Date, name: &str, args: &Args<'a>) -> Eval<'a> {
    match (name, interp.arg(args, 0)?) {
        ("-", Value::Date(other)) => {
            let days = other.until(this).map_or(0, |span| span.get_days());
            Ok(Value::Rational(i64::from(days), 1))
        }
        ("-", Value::Time(other)) => {
            let midnight =
                this.to_zoned(TimeZone::UTC).map_or(0, |at| at.timestamp().as_nanosecond());
            let between = midnight - other.zoned.timestamp().as_nanosecond();
            number::reduced(interp, between, 86_400 * NANOS)
        }
        (_, value) => {
            let nanos = nanoseconds(interp, value, 86_400)?;
            let days = nanos.div_euclid(86_400 * NANOS);
            let hours = i64::try_from(days).unwrap_or(i64::MAX / 48).saturating_mul(24);
            let by = SignedDuration::from_hours(hours.clamp(-87_600_000, 87_600_000));
            let moved = if name == "+" { this.checked_add(by) } else { this.checked_sub(by) };
            moved
                .map(Value::Date)
                .map_err(|_| interp.raise("RangeError", "the date is out of range"))
        }
    }
}

fn walk<'a>(interp: &mut Interp<'a>, this: Date, name: &str, args: &Args<'a>) -> Eval<'a> {
    let Some(block) = args.block.clone() else {
        return Ok(super::without_block(&Value::Date(this), name, args));
    };
    let Value::Date(limit) = *interp.arg(args, 0)? else {
        return Err(interp.type_error("expected a date"));
    };
    let step = match (name, args.get(1)) {
        ("downto", _) => -1,
        (_, Some(step)) => to_int(interp, step)?,
        _ => 1,
    };
    let mut current = this;
    while step != 0 && if step > 0 { current <= limit } else { current >= limit } {
        interp.call_proc(&block, vec![Value::Date(current)])?;
        let by = Span::new().try_days(step).and_then(|span| current.checked_add(span));
        let Ok(next) = by else { break };
        current = next;
    }
    Ok(Value::Date(this))
}

/// Lists the days between two dates.
pub(super) fn days<'a>(
    interp: &mut Interp<'a>,
    from: Date,
    to: Date,
    exclusive: bool,
) -> Result<Vec<Value<'a>>, Flow<'a>> {
    let mut list = Vec::new();
    let mut current = from;
    while current < to || (current == to && !exclusive) {
        interp.charge(1)?;
        interp.allocate(size_of::<Value<'_>>())?;
        list.push(Value::Date(current));
        let Ok(next) = current.tomorrow() else { break };
        current = next;
    }
    Ok(list)
}
