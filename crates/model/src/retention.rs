//! How long history is kept, and how far removing it has come.

use crate::limits;
use crate::time::Micros;
use serde::{Deserialize, Serialize};

/// Microseconds of a day.
const DAY_US: i64 = 24 * 60 * 60 * 1_000_000;
/// Microseconds of an hour: history is measured by the hour.
pub const HOUR_US: i64 = 60 * 60 * 1_000_000;

/// What a space keeps of what is over. Nothing that is open ever goes. `None` keeps for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Retention {
    /// Days that events and jobs, with attempts and timelines, are kept.
    pub age_days: Option<i64>,
    /// Days that what was sent and received is kept; after that the rows stay without it.
    pub payload_days: Option<i64>,
    /// Days that finished runs are kept, with tasks, triggers and errors.
    pub run_days: Option<i64>,
    /// Days that inspectors keep requests.
    pub inspector_days: i64,
    /// Bytes that history may take up, about; beyond them the oldest goes first.
    pub bytes_max: Option<i64>,
}

impl Default for Retention {
    /// A quarter of a year for what people look back at, a month for contents, which are most of
    /// the bytes and may be personal, and what fits on the disk of a small machine.
    fn default() -> Self {
        Self {
            age_days: Some(90),
            payload_days: Some(30),
            run_days: Some(90),
            inspector_days: 7,
            bytes_max: Some(20_000_000_000),
        }
    }
}

/// Before which time what may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cutoffs {
    /// Jobs and events.
    pub history: Micros,
    /// What they carry.
    pub payloads: Micros,
    /// Finished runs.
    pub runs: Micros,
    /// Requests of inspectors.
    pub inspections: Micros,
}

impl Retention {
    /// Reads what a space set; the default when it set nothing, or what an older version let pass.
    pub fn read(stored: Option<&serde_json::Value>) -> Self {
        stored.and_then(|value| Self::deserialize(value).ok()).unwrap_or_default()
    }

    /// What is wrong with it, as sentences without a full stop.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut days = |name: &str, days: Option<i64>, max: i64| {
            if days.is_some_and(|days| !(1..=max).contains(&days)) {
                let days = days.unwrap_or_default();
                problems.push(format!("{name} must be 1 to {max}, not {days}"));
            }
        };
        days("Age Days", self.age_days, limits::RETENTION_DAYS_MAX);
        days("Payload Days", self.payload_days, limits::RETENTION_DAYS_MAX);
        days("Run Days", self.run_days, limits::RETENTION_DAYS_MAX);
        let week = limits::INSPECTIONS_MS_MAX * 1_000 / DAY_US;
        days("Inspector Days", Some(self.inspector_days), week);
        if let Some(bytes) = self.bytes_max.filter(|bytes| *bytes < limits::RETENTION_BYTES_MIN) {
            let min = limits::RETENTION_BYTES_MIN;
            problems.push(format!("Bytes Max must be {min} at least, not {bytes}"));
        }
        problems
    }

    /// Before which time what goes by its age. A payload never outlives what it belongs to.
    pub fn cutoffs(&self, now: Micros) -> Cutoffs {
        let before = |days: Option<i64>| match days {
            Some(days) => now.plus_us(-days.saturating_mul(DAY_US)),
            None => Micros(0),
        };
        Cutoffs {
            history: before(self.age_days),
            payloads: before(self.payload_days).max(before(self.age_days)),
            runs: before(self.run_days),
            inspections: before(Some(self.inspector_days)),
        }
    }

    /// Whether this keeps less than another.
    pub fn is_shorter_than(&self, other: &Self) -> bool {
        let less = |a: Option<i64>, b: Option<i64>| a.unwrap_or(i64::MAX) < b.unwrap_or(i64::MAX);
        less(self.age_days, other.age_days)
            || less(self.payload_days, other.payload_days)
            || less(self.run_days, other.run_days)
            || self.inspector_days < other.inspector_days
            || less(self.bytes_max, other.bytes_max)
    }
}

/// How far removing and measuring have come in a space.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Progress {
    /// Payloads of jobs and events before these times were looked at.
    pub job_payloads: Payloads,
    /// The same for events.
    pub event_payloads: Payloads,
    /// Jobs, runs and events before these times were measured.
    pub measured: Measured,
    /// When history was last gone through to its end.
    pub last: Option<LastPurge>,
}

/// How far payloads were looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Payloads {
    /// The next to look at.
    pub from: Micros,
    /// The oldest that could not go yet, for something was open.
    pub passed_by: Option<Micros>,
    /// When those were last looked at again.
    pub looked_again_at: Micros,
}

/// How far history was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Measured {
    /// Jobs that are due before this time.
    pub jobs: Micros,
    /// Runs that finished before this time.
    pub runs: Micros,
    /// Events before this time.
    pub events: Micros,
}

/// What the last purge did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LastPurge {
    /// When it ended.
    pub at: Micros,
    /// Rows of every kind that went.
    pub rows: i64,
    /// Jobs and events whose payload went.
    pub payloads: i64,
    /// Bytes that this freed, about.
    pub bytes: i64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_cannot_be_kept_is_named() {
        let check = |text: serde_json::Value, expect: &[&str]| {
            let retention: Retention = serde_json::from_value(text).unwrap();
            assert_eq!(retention.problems(), expect);
        };
        check(json!({}), &[]);
        check(json!({ "ageDays": null, "bytesMax": null }), &[]);
        check(
            json!({ "ageDays": 0, "payloadDays": 40_000, "inspectorDays": 8, "bytesMax": 5 }),
            &[
                "Age Days must be 1 to 36500, not 0",
                "Payload Days must be 1 to 36500, not 40000",
                "Inspector Days must be 1 to 7, not 8",
                "Bytes Max must be 100000000 at least, not 5",
            ],
        );
    }

    #[test]
    fn a_payload_never_outlives_its_row() {
        let now = Micros(1_000 * DAY_US);
        let retention = Retention { age_days: Some(10), payload_days: None, ..Default::default() };
        let cutoffs = retention.cutoffs(now);
        assert_eq!(cutoffs.history, Micros(990 * DAY_US));
        assert_eq!(cutoffs.payloads, cutoffs.history);
        let forever = Retention { age_days: None, payload_days: None, ..Default::default() };
        assert_eq!(forever.cutoffs(now).history, Micros(0));
    }

    #[test]
    fn keeping_less_of_anything_is_shorter() {
        let (now, all) = (Retention::default(), Retention { age_days: None, ..Default::default() });
        assert!(now.is_shorter_than(&all) && !all.is_shorter_than(&now));
        assert!(!now.is_shorter_than(&now));
    }

    #[test]
    fn what_an_older_version_let_pass_is_the_default() {
        assert_eq!(Retention::read(Some(&json!({ "days": 3 }))), Retention::default());
        assert_eq!(Retention::read(Some(&json!({ "ageDays": 3 }))).age_days, Some(3));
    }
}
