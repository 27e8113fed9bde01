//! A lane's circuit breaker.
//!
//! ```text
//!            failures in a row, or most of the last ones
//!   Closed ───────────────────────────────────────────▶ Open ──── its time is over ───▶ HalfOpen
//!     ▲                                                  ▲                                  │
//!     │                                                  └──── the probe failed: longer ────┤
//!     └──────────────────────────── the probe went well: ramp up ───────────────────────────┘
//! ```
//!
//! While it is open nothing is tried, so jobs lose none of their attempts to an endpoint that is
//! known to be down. A half-open lane tries one job at a time.

use model::delivery::Breaker as Shape;
use std::time::Duration;

/// Outcomes that the ratio is taken of, and how many of them must have failed.
const RATIO: (u32, u32) = (40, 32);
/// Starts in a second that a lane begins its ramp with; they double every second.
const RAMP_FIRST: f64 = 5.0;
/// How long the ramp lasts: by then it allows five thousand starts a second.
const RAMP: Duration = Duration::from_secs(10);

/// What the breaker lets pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    /// Everything.
    Open,
    /// One job at a time, to see whether the endpoint is back.
    Probe,
    /// Nothing before this time.
    Shut(Duration),
}

/// The breaker of one lane.
#[derive(Clone, Debug, Default)]
pub(crate) struct Breaker {
    in_row: u32,
    /// The last outcomes, one bit each, 1 for a failure.
    outcomes: u64,
    known: u32,
    /// Until when it is open; past that time it is half-open. `None`: closed.
    open_until: Option<Duration>,
    /// Times it opened without a success in between.
    openings: u32,
    ramp_from: Option<Duration>,
}

impl Breaker {
    /// What may pass now.
    pub(crate) fn gate(&self, now: Duration) -> Gate {
        match self.open_until {
            None => Gate::Open,
            Some(until) if until > now => Gate::Shut(until),
            Some(_) => Gate::Probe,
        }
    }

    /// Starts in a second that a lane may make while it ramps up.
    pub(crate) fn ramp(&self, now: Duration) -> Option<f64> {
        let since = now.saturating_sub(self.ramp_from?);
        (since < RAMP).then(|| RAMP_FIRST * since.as_secs_f64().exp2())
    }

    /// Failures since the last success.
    pub(crate) fn in_row(&self) -> u32 {
        self.in_row
    }

    /// Whether the endpoint failed the last time.
    pub(crate) fn is_failing(&self) -> bool {
        self.in_row > 0 || self.open_until.is_some()
    }

    /// An attempt went well; `true` when that closed the breaker.
    pub(crate) fn well(&mut self, now: Duration) -> bool {
        self.in_row = 0;
        self.push(false);
        let closes = self.open_until.take().is_some();
        if closes {
            self.ramp_from = Some(now);
            (self.outcomes, self.known) = (0, 0);
        }
        if self.ramp_from.is_none_or(|from| now.saturating_sub(from) >= RAMP) {
            // Only a lane that stayed well for a while has shown that it is back.
            self.openings = 0;
        }
        closes
    }

    /// An attempt failed; `true` when that opened the breaker.
    pub(crate) fn badly(&mut self, shape: &Shape, now: Duration) -> bool {
        self.in_row = self.in_row.saturating_add(1);
        self.push(true);
        if shape.failures == 0 {
            return false;
        }
        let mask = (1_u64 << RATIO.0) - 1;
        let most = self.known >= RATIO.0 && (self.outcomes & mask).count_ones() >= RATIO.1;
        // A probe that fails opens it again at once.
        let opens = self.open_until.is_some() || self.in_row >= shape.failures || most;
        if opens {
            let doubled = shape.open_ms.saturating_mul(1 << self.openings.min(20));
            let ms = doubled.min(shape.max_open_ms).max(1).unsigned_abs();
            self.open_until = Some(now + Duration::from_millis(ms));
            self.openings = self.openings.saturating_add(1);
            self.ramp_from = None;
            (self.outcomes, self.known) = (0, 0);
        }
        opens
    }

    /// Ends the open time: the next job is the probe.
    pub(crate) fn probe_now(&mut self, now: Duration) {
        if let Some(until) = &mut self.open_until {
            *until = now.min(*until);
        }
    }

    /// Closes it because a person says that the endpoint is back.
    pub(crate) fn close(&mut self, now: Duration) {
        let _ = self.well(now);
        self.openings = 0;
    }

    fn push(&mut self, failed: bool) {
        self.outcomes = self.outcomes << 1 | u64::from(failed);
        self.known = (self.known + 1).min(RATIO.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape = Shape { failures: 3, open_ms: 1_000, max_open_ms: 3_000 };
    const SECOND: Duration = Duration::from_secs(1);

    fn open(breaker: &mut Breaker, now: Duration) {
        assert!(!breaker.badly(&SHAPE, now) && !breaker.badly(&SHAPE, now));
        assert!(breaker.badly(&SHAPE, now));
    }

    #[test]
    fn opens_after_failures_in_a_row_for_a_time_that_grows() {
        let mut breaker = Breaker::default();
        open(&mut breaker, SECOND);
        assert_eq!(breaker.gate(SECOND), Gate::Shut(SECOND * 2));
        assert_eq!(breaker.gate(SECOND * 2), Gate::Probe);
        assert!(breaker.badly(&SHAPE, SECOND * 2));
        assert_eq!(breaker.gate(SECOND * 2), Gate::Shut(SECOND * 4), "twice as long");
        assert!(breaker.badly(&SHAPE, SECOND * 4));
        assert_eq!(breaker.gate(SECOND * 4), Gate::Shut(SECOND * 7), "up to the cap");
    }

    #[test]
    fn a_probe_that_goes_well_closes_it_and_starts_a_ramp() {
        let mut breaker = Breaker::default();
        open(&mut breaker, SECOND);
        assert!(breaker.well(SECOND * 2));
        assert_eq!(breaker.gate(SECOND * 2), Gate::Open);
        assert_eq!(breaker.ramp(SECOND * 2), Some(5.0));
        assert_eq!(breaker.ramp(SECOND * 4), Some(20.0));
        assert_eq!(breaker.ramp(SECOND * 12), None);
        assert!(!breaker.well(SECOND * 3));
        // Flapping: down again during the ramp, it stays closed for longer than the first time.
        open(&mut breaker, SECOND * 3);
        assert_eq!(breaker.gate(SECOND * 3), Gate::Shut(SECOND * 5));
    }

    #[test]
    fn opens_when_most_attempts_fail_though_never_in_a_row() {
        let mut breaker = Breaker::default();
        let shape = Shape { failures: 30, ..SHAPE };
        let opened = (0..400).any(|n| {
            if n % 10 == 0 { breaker.well(SECOND) } else { breaker.badly(&shape, SECOND) }
        });
        assert!(opened);
        let mut half = Breaker::default();
        let opened = (0..400)
            .any(|n| if n % 2 == 0 { half.well(SECOND) } else { half.badly(&shape, SECOND) });
        assert!(!opened, "half of the answers are worth having");
    }

    #[test]
    fn can_be_switched_off_and_overruled() {
        let mut breaker = Breaker::default();
        let off = Shape { failures: 0, ..SHAPE };
        assert!((0..100).all(|_| !breaker.badly(&off, SECOND)));
        let mut breaker = Breaker::default();
        open(&mut breaker, SECOND);
        breaker.probe_now(SECOND);
        assert_eq!(breaker.gate(SECOND), Gate::Probe);
        breaker.close(SECOND);
        assert_eq!(breaker.gate(SECOND), Gate::Open);
    }
}
