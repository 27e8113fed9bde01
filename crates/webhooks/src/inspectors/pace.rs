//! Holds back whoever sends an inspector too much, or tries addresses that are none. The counts are
//! this process's own and forgotten with it.

use model::limits::{INSPECTIONS_PER_SECOND, INSPECTOR_MISSES_PER_MINUTE};
use model::time::Micros;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Names that are counted at once; when there are more, all counts begin anew.
const NAMES_MAX: usize = 10_000;
const SECOND_MS: i64 = 1_000;
const MINUTE_MS: i64 = 60_000;

/// Requests by inspector, misses by address.
#[derive(Default)]
pub(crate) struct Pace {
    requests: Windows,
    misses: Windows,
}

impl Pace {
    /// Counts a request to an inspector; the seconds to wait when there were too many.
    pub(super) fn request(&self, token: &str, now: Micros) -> Option<i64> {
        self.requests.count(token, now, SECOND_MS, INSPECTIONS_PER_SECOND)
    }

    /// The seconds an address has to wait because of its misses.
    pub(super) fn misses(&self, address: &str, now: Micros) -> Option<i64> {
        self.misses.wait(address, now, MINUTE_MS, INSPECTOR_MISSES_PER_MINUTE)
    }

    /// Counts a miss of an address.
    pub(super) fn missed(&self, address: &str, now: Micros) {
        self.misses.count(address, now, MINUTE_MS, INSPECTOR_MISSES_PER_MINUTE);
    }
}

/// Counts in windows that begin with a name's first request.
#[derive(Default)]
struct Windows {
    counts: Mutex<HashMap<String, (Micros, u32)>>,
}

impl Windows {
    fn count(&self, name: &str, now: Micros, window_ms: i64, max: u32) -> Option<i64> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= NAMES_MAX && !counts.contains_key(name) {
            counts.clear();
        }
        let (began, count) = counts.entry(name.to_owned()).or_insert((now, 0));
        if !(0..window_ms).contains(&now.ms_since(*began)) {
            (*began, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        (*count > max).then(|| seconds_left(*began, now, window_ms))
    }

    fn wait(&self, name: &str, now: Micros, window_ms: i64, max: u32) -> Option<i64> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let (began, count) = counts.get(name)?;
        let is_current = (0..window_ms).contains(&now.ms_since(*began));
        (is_current && *count >= max).then(|| seconds_left(*began, now, window_ms))
    }
}

fn seconds_left(began: Micros, now: Micros, window_ms: i64) -> i64 {
    (began.plus_ms(window_ms).ms_since(now) + 999) / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_ends_and_a_name_is_counted_alone() {
        let pace = Pace::default();
        let at = |ms: i64| Micros(0).plus_ms(ms);
        for _ in 0..INSPECTIONS_PER_SECOND {
            assert_eq!(pace.request("a", at(0)), None);
        }
        assert_eq!(pace.request("a", at(10)), Some(1));
        assert_eq!(pace.request("b", at(10)), None);
        assert_eq!(pace.request("a", at(1_000)), None);
        for _ in 0..INSPECTOR_MISSES_PER_MINUTE {
            assert_eq!(pace.misses("x", at(0)), None);
            pace.missed("x", at(0));
        }
        assert_eq!(pace.misses("x", at(1_000)), Some(59));
        assert_eq!(pace.misses("x", at(60_000)), None);
        // A clock that was set back counts from there.
        assert_eq!(pace.misses("x", at(-5)), None);
    }
}
