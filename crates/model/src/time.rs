//! Instants as microseconds since 1970 in UTC, the one form in which times are kept and compared.

use serde::{Deserialize, Serialize};

/// An instant: microseconds since 1970-01-01T00:00:00Z.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Micros(pub i64);

impl Micros {
    /// The documented wire form: ISO 8601 in UTC with milliseconds, `2026-04-08T02:35:35.925Z`.
    pub fn iso(self) -> String {
        jiff::Timestamp::from_microsecond(self.0)
            .map(|t| t.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string())
            .unwrap_or_default()
    }

    /// Its day in UTC, such as `November 26, 2026`.
    pub fn day_in_words(self) -> String {
        jiff::Timestamp::from_microsecond(self.0)
            .map(|t| t.strftime("%B %d, %Y").to_string())
            .unwrap_or_default()
    }

    /// Reads ISO 8601 with an offset or `Z`; `None` when it is not an instant.
    pub fn parse_iso(text: &str) -> Option<Self> {
        let at: jiff::Timestamp = text.parse().ok()?;
        Some(Self(at.as_microsecond()))
    }

    /// The instant `ms` milliseconds later, saturating.
    pub fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms.saturating_mul(1_000)))
    }

    /// The instant so many microseconds later.
    pub fn plus_us(self, us: i64) -> Self {
        Self(self.0.saturating_add(us))
    }

    /// Milliseconds from `earlier` to `self`; negative when `earlier` is later.
    pub fn ms_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0) / 1_000
    }
}

#[cfg(test)]
mod tests {
    use super::Micros;

    #[test]
    fn iso_round_trips_to_milliseconds() {
        let at = Micros::parse_iso("2026-04-08T02:35:35.925Z").unwrap();
        assert_eq!(at.iso(), "2026-04-08T02:35:35.925Z");
        assert_eq!(Micros::parse_iso("2026-04-08T04:35:35.925+02:00"), Some(at));
        assert_eq!(Micros::parse_iso("yesterday"), None);
    }
}
