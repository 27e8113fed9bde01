//! Cron times in a time zone: minute, hour, day of the month, month, day of the week.
//!
//! Where clocks are set forward or back, a time that is named by its hour happens exactly once:
//! one that does not exist at the first instant after the gap, one that exists twice at its first.
//! Times of every hour (`*` or `*/n`) follow the minutes as they pass.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan};
use model::time::Micros;

/// Days that are searched for the next time: a leap day comes at least every eight years.
const DAYS_MAX: usize = 366 * 9;

/// Times, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    last_day: bool,
    /// Whether either of the days is named; then one of them is enough.
    names_day: bool,
    names_weekday: bool,
    names_hour: bool,
}

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

impl Cron {
    /// Reads five fields, or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`.
    ///
    /// # Errors
    /// What is wrong, and in which field.
    pub fn read(text: &str) -> Result<Self, String> {
        let text = match text.trim().to_ascii_lowercase().as_str() {
            "@hourly" => "0 * * * *".to_owned(),
            "@daily" | "@midnight" => "0 0 * * *".to_owned(),
            "@weekly" => "0 0 * * 0".to_owned(),
            "@monthly" => "0 0 1 * *".to_owned(),
            "@yearly" | "@annually" => "0 0 1 1 *".to_owned(),
            other => other.to_owned(),
        };
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields[..] else {
            return Err(format!(
                "A schedule has five fields (minute, hour, day, month, weekday), not {}.",
                fields.len()
            ));
        };
        let last_day = day == "l";
        let mut weekdays = field("weekday", weekday, 0, 7, &WEEKDAYS)?;
        // Seven is Sunday as well.
        weekdays |= weekdays >> 7 & 1;
        let cron = Self {
            minutes: field("minute", minute, 0, 59, &[])?,
            hours: field("hour", hour, 0, 23, &[])?,
            days: if last_day { 0 } else { field("day", day, 1, 31, &[])? },
            months: field("month", month, 1, 12, &MONTHS)?,
            weekdays,
            last_day,
            names_day: !day.starts_with('*'),
            names_weekday: !weekday.starts_with('*'),
            names_hour: !hour.starts_with('*'),
        };
        Ok(cron)
    }

    /// The first time after an instant; `None` when there is none in the next years.
    pub fn next(&self, after: Micros, zone: &TimeZone) -> Option<Micros> {
        let start = Timestamp::from_microsecond(after.0).ok()?;
        let found = if self.names_hour {
            self.next_named(start, zone)
        } else {
            self.next_passing(start, zone)
        };
        found.map(|at| Micros(at.as_microsecond()))
    }

    /// Times that are named: every one of the local calendar, once.
    fn next_named(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let mut date = zone.to_datetime(after).date();
        // A time of yesterday may have been moved past midnight by a gap.
        date = date.yesterday().unwrap_or(date);
        for _ in 0..DAYS_MAX {
            if self.is_day(date) {
                for time in self.times() {
                    let at = instant(date.to_datetime(time), zone)?;
                    if at > after {
                        return Some(at);
                    }
                }
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    /// Times of every hour: the instants at which the local clock shows one.
    fn next_passing(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let minute = after.as_second().div_euclid(60) + 1;
        let mut at = Timestamp::from_second(minute * 60).ok()?;
        for _ in 0..DAYS_MAX * 24 {
            let local = zone.to_datetime(at);
            if !self.is_day(local.date()) {
                let midnight = local.date().tomorrow().ok()?.to_datetime(Time::midnight());
                at = instant(midnight, zone)?;
                continue;
            }
            let minutes = if has(self.hours, local.hour()) { self.minutes } else { 0 };
            let rest = minutes >> u32::try_from(local.minute()).ok()?;
            if rest != 0 {
                let wait = i64::from(rest.trailing_zeros());
                return at.checked_add(wait.minutes()).ok();
            }
            at = at.checked_add((60 - i64::from(local.minute())).minutes()).ok()?;
        }
        None
    }

    fn times(&self) -> impl Iterator<Item = Time> + '_ {
        (0..24_i8).filter(|hour| has(self.hours, *hour)).flat_map(move |hour| {
            (0..60_i8)
                .filter(|minute| has(self.minutes, *minute))
                .filter_map(move |minute| Time::new(hour, minute, 0, 0).ok())
        })
    }

    fn is_day(&self, date: Date) -> bool {
        if !has(self.months, date.month()) {
            return false;
        }
        let day = if self.last_day {
            date.day() == date.days_in_month()
        } else {
            has(self.days, date.day())
        };
        let weekday = has(self.weekdays, date.weekday().to_sunday_zero_offset());
        if self.names_day && self.names_weekday { day || weekday } else { day && weekday }
    }
}

fn has(set: u64, number: i8) -> bool {
    u32::try_from(number).is_ok_and(|number| set >> number & 1 == 1)
}

/// The instant of a local time: of a gap the first after it, of a fold the first of the two.
fn instant(local: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    let ambiguous = zone.to_ambiguous_timestamp(local);
    match ambiguous.offset() {
        AmbiguousOffset::Gap { .. } => {
            let before = ambiguous.earlier().ok()?;
            zone.following(before).next().map(|change| change.timestamp())
        }
        AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => {
            ambiguous.earlier().ok()
        }
    }
}

/// A field as a set of bits: lists of `*`, numbers, names and ranges, each with a step.
fn field(name: &str, text: &str, min: u32, max: u32, names: &[&str]) -> Result<u64, String> {
    let wrong = |what: &str| format!("The {name} \"{text}\" {what}.");
    let number = |text: &str| -> Result<u32, String> {
        let named = names.iter().position(|name| *name == text);
        let number = match named.and_then(|at| u32::try_from(at).ok()) {
            Some(at) => at + min,
            None => text.parse().map_err(|_| wrong("holds something that is no number"))?,
        };
        if (min..=max).contains(&number) {
            Ok(number)
        } else {
            Err(wrong(&format!("is not from {min} to {max}")))
        }
    };
    let mut set = 0_u64;
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => {
                let step = step.parse().ok().filter(|step: &u32| *step > 0);
                (range, Some(step.ok_or_else(|| wrong("has a step that is no number from 1 on"))?))
            }
            None => (part, None),
        };
        let (from, to) = match (range, range.split_once('-')) {
            ("*", _) => (min, max),
            (_, Some((from, to))) => (number(from)?, number(to)?),
            (one, None) => {
                let one = number(one)?;
                (one, if step.is_some() { max } else { one })
            }
        };
        if from > to {
            return Err(wrong("has a range that ends before it begins"));
        }
        for number in (from..=to).step_by(usize::try_from(step.unwrap_or(1)).unwrap_or(1)) {
            set |= 1 << number;
        }
    }
    Ok(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(cron: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
        let zone = TimeZone::get(zone).unwrap();
        let after: Timestamp = after.parse().unwrap();
        let mut at = Micros(after.as_microsecond());
        let cron = Cron::read(cron).unwrap();
        let mut found = Vec::new();
        for _ in 0..count {
            at = cron.next(at, &zone).unwrap();
            found.push(Timestamp::from_microsecond(at.0).unwrap().to_string());
        }
        found
    }

    #[test]
    fn fields_mean_what_cron_means() {
        for (cron, expect) in [
            ("*/20 * * * *", ["2026-01-01T00:20:00Z", "2026-01-01T00:40:00Z"]),
            ("30 9 * * mon-fri", ["2026-01-01T09:30:00Z", "2026-01-02T09:30:00Z"]),
            ("0 0 1,15 * *", ["2026-01-15T00:00:00Z", "2026-02-01T00:00:00Z"]),
            ("0 12 13 * fri", ["2026-01-02T12:00:00Z", "2026-01-09T12:00:00Z"]),
            ("0 0 29 2 *", ["2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"]),
            ("5 4 L * *", ["2026-01-31T04:05:00Z", "2026-02-28T04:05:00Z"]),
            ("0 0 * * 7", ["2026-01-04T00:00:00Z", "2026-01-11T00:00:00Z"]),
            ("@hourly", ["2026-01-01T01:00:00Z", "2026-01-01T02:00:00Z"]),
            ("15 10-18/4 * jun *", ["2026-06-01T10:15:00Z", "2026-06-01T14:15:00Z"]),
        ] {
            assert_eq!(times(cron, "UTC", "2026-01-01T00:00:00Z", 2), expect, "{cron}");
        }
    }

    #[test]
    fn clocks_that_are_set_neither_skip_nor_double() {
        // Berlin: 02:00 becomes 03:00 on 2026-03-29, 03:00 becomes 02:00 on 2026-10-25.
        assert_eq!(
            times("30 2 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z", 3),
            ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]
        );
        assert_eq!(
            times("15,45 2 * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", 2),
            ["2026-03-29T01:00:00Z", "2026-03-30T00:15:00Z"]
        );
        assert_eq!(
            times("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2),
            ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]
        );
        assert_eq!(
            times("30 * * * *", "Europe/Berlin", "2026-10-24T23:45:00Z", 3),
            ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:30:00Z"]
        );
        assert_eq!(
            times("0 * * * *", "Europe/Berlin", "2026-03-29T00:30:00Z", 2),
            ["2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z"]
        );
        // Midnight does not exist in Cairo on 2026-04-24.
        assert_eq!(
            times("0 0 * * *", "Africa/Cairo", "2026-04-23T12:00:00Z", 2),
            ["2026-04-23T22:00:00Z", "2026-04-24T21:00:00Z"]
        );
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (text, says) in [
            ("* * * *", "five fields"),
            ("61 * * * *", "The minute \"61\" is not from 0 to 59."),
            ("* * * * mo", "The weekday \"mo\" holds something that is no number."),
            ("5-1 * * * *", "ends before it begins"),
            ("*/0 * * * *", "step"),
        ] {
            assert!(Cron::read(text).unwrap_err().contains(says), "{text}");
        }
        assert_eq!(Cron::read("0 0 31 2 *").unwrap().next(Micros(0), &TimeZone::UTC), None);
    }
}
