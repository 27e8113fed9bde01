//! Reads `Retry-After`: seconds, or a date in one of the three forms that HTTP knows.

use model::time::Micros;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Milliseconds from `now` that the text asks for; negative for a date that is past. `None` for
/// anything that is neither seconds nor a date.
pub fn read_ms(text: &str, now: Micros) -> Option<i64> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        // More digits than a number holds mean very long all the same.
        return Some(text.parse().unwrap_or(i64::MAX).saturating_mul(1_000));
    }
    Some(date(text, now)?.ms_since(now))
}

/// Reads `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT` and
/// `Sun Nov  6 08:49:37 1994`.
fn date(text: &str, now: Micros) -> Option<Micros> {
    let words: Vec<&str> = text.split([' ', '-']).filter(|word| !word.is_empty()).collect();
    match words[..] {
        [_, day, month, year, time, "GMT"] => {
            let year = match year.len() {
                2 => near(year.parse().ok()?, now)?,
                _ => year.parse().ok()?,
            };
            instant(year, month, day, time)
        }
        [_, month, day, time, year] => instant(year.parse().ok()?, month, day, time),
        _ => None,
    }
}

/// The year that two digits mean: the one that is at most fifty years ahead.
fn near(digits: i64, now: Micros) -> Option<i64> {
    let this: i64 = now.iso().get(..4)?.parse().ok()?;
    let year = this - this % 100 + digits;
    Some(if year > this + 50 { year - 100 } else { year })
}

fn instant(year: i64, month: &str, day: &str, time: &str) -> Option<Micros> {
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    let day: u8 = day.parse().ok()?;
    Micros::parse_iso(&format!("{year:04}-{month:02}-{day:02}T{time}Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    // 2027-01-15T08:00:00Z.
    const NOW: Micros = Micros(1_800_000_000_000_000);

    #[test]
    fn seconds_and_all_three_forms_of_a_date() {
        for (text, ms) in [
            ("120", 120_000),
            (" 7 ", 7_000),
            ("0", 0),
            ("99999999999999999999999", i64::MAX),
            ("Fri, 15 Jan 2027 08:00:30 GMT", 30_000),
            ("Friday, 15-Jan-27 08:00:30 GMT", 30_000),
            ("Fri Jan 15 08:00:30 2027", 30_000),
            ("Sun Nov  6 08:49:37 1994", -1_015_888_223_000),
            ("Sunday, 06-Nov-94 08:49:37 GMT", -1_015_888_223_000),
        ] {
            assert_eq!(read_ms(text, NOW), Some(ms), "{text}");
        }
    }

    #[test]
    fn garbage_is_nothing() {
        for text in [
            "",
            "-5",
            "+5",
            "1.5",
            "soon",
            "12 0",
            "Fri, 15 Foo 2027 08:00:30 GMT",
            "Fri, 15 Jan 2027 08:00:30 CET",
            "Fri, 32 Jan 2027 08:00:30 GMT",
            "Fri, 15 Jan 2027 25:00:30 GMT",
            "2027-01-15T08:00:30Z",
            "Fri Jan 15",
            "\u{7f}\u{0}",
        ] {
            assert_eq!(read_ms(text, NOW), None, "{text}");
        }
    }
}
