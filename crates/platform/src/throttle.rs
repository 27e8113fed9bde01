//! Holds guessing back: counts failed sign-ins by username and by address.
//!
//! The counts live in this process only: several nodes allow that many times more failures, which
//! is still far too few to guess a password.

use model::limits::{SIGN_IN_FAILURES_MAX, SIGN_IN_FAILURES_MS, SIGN_IN_NAMES_MAX};
use model::time::Micros;
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

/// Failures by name, which is a username in its space, or an address. When full, names without a
/// recent one are dropped, then all.
#[derive(Default)]
pub(crate) struct Throttle {
    failures: Mutex<HashMap<String, VecDeque<Micros>>>,
}

impl Throttle {
    /// Milliseconds until `name` may try again; `None`: now.
    pub(crate) fn wait_ms(&self, name: &str, now: Micros) -> Option<i64> {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let times = failures.get_mut(name)?;
        times.retain(|at| now.ms_since(*at) < SIGN_IN_FAILURES_MS);
        if times.is_empty() {
            failures.remove(name);
            return None;
        }
        let oldest = times.get(times.len().checked_sub(SIGN_IN_FAILURES_MAX)?)?;
        Some(SIGN_IN_FAILURES_MS - now.ms_since(*oldest))
    }

    /// Counts a failure of `name`.
    pub(crate) fn failed(&self, name: &str, now: Micros) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= SIGN_IN_NAMES_MAX {
            let recent = |at: &Micros| now.ms_since(*at) < SIGN_IN_FAILURES_MS;
            failures.retain(|_, times| times.iter().any(recent));
            if failures.len() >= SIGN_IN_NAMES_MAX {
                failures.clear();
            }
        }
        let times = failures.entry(name.to_owned()).or_default();
        times.push_back(now);
        if times.len() > SIGN_IN_FAILURES_MAX {
            times.pop_front();
        }
    }

    /// Forgets the failures of `name`, which has just proved itself.
    pub(crate) fn succeeded(&self, name: &str) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_failures_close_the_door_until_the_first_is_old() {
        let throttle = Throttle::default();
        let start = Micros(0);
        for i in 0..10 {
            assert_eq!(throttle.wait_ms("a", start.plus_ms(i * 1_000)), None);
            throttle.failed("a", start.plus_ms(i * 1_000));
        }
        assert_eq!(
            throttle.wait_ms("a", start.plus_ms(10_000)),
            Some(SIGN_IN_FAILURES_MS - 10_000)
        );
        assert_eq!(throttle.wait_ms("b", start.plus_ms(10_000)), None);
        assert_eq!(throttle.wait_ms("a", start.plus_ms(SIGN_IN_FAILURES_MS)), None);
        throttle.succeeded("a");
        assert_eq!(throttle.wait_ms("a", start.plus_ms(10_000)), None);
    }
}
