//! The clock: the real one, or one that a test moves by hand.

use model::time::Micros;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;

/// A source of time.
pub(crate) enum Clock {
    System { origin: Instant, start: Micros },
    Fake { start: Micros, now: watch::Sender<Micros>, set: AtomicI64 },
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    pub(crate) fn system() -> Self {
        Self::System { origin: Instant::now(), start: today() }
    }

    pub(crate) fn fake(start: Micros) -> Self {
        Self::Fake { start, now: watch::Sender::new(start), set: AtomicI64::new(0) }
    }

    pub(crate) fn now(&self) -> Micros {
        match self {
            Self::System { .. } => today(),
            Self::Fake { now, set, .. } => {
                let now = *now.borrow();
                now.plus_ms(set.load(Ordering::Relaxed))
            }
        }
    }

    /// The time of day at the start, and what has passed since.
    pub(crate) fn steady(&self) -> Micros {
        let (Self::System { start, .. } | Self::Fake { start, .. }) = self;
        let passed = i64::try_from(self.elapsed().as_micros()).unwrap_or(i64::MAX);
        Micros(start.0.saturating_add(passed))
    }

    pub(crate) fn set_ms(&self, ms: i64) {
        match self {
            Self::System { .. } => panic!("only a fake clock can be set"),
            Self::Fake { now, set, .. } => {
                set.fetch_add(ms, Ordering::Relaxed);
                // Whoever sleeps until a time of day looks at it again.
                now.send_modify(|_| ());
            }
        }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        match self {
            Self::System { origin, .. } => origin.elapsed(),
            Self::Fake { start, now, .. } => {
                let micros = now.borrow().0.saturating_sub(start.0).max(0);
                Duration::from_micros(micros.unsigned_abs())
            }
        }
    }

    pub(crate) fn advance_ms(&self, ms: i64) {
        match self {
            Self::System { .. } => panic!("only a fake clock can be advanced"),
            Self::Fake { now, .. } => now.send_modify(|at| *at = at.plus_ms(ms)),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that sleeps")]
    pub(crate) async fn sleep_until(&self, at: Micros) {
        match self {
            // Long waits are cut into minutes, so that a clock that was set is noticed.
            Self::System { .. } => loop {
                let left = at.0.saturating_sub(self.now().0);
                if left <= 0 {
                    return;
                }
                let left = Duration::from_micros(left.unsigned_abs());
                tokio::time::sleep(left.min(Duration::from_secs(60))).await;
            },
            Self::Fake { now, set, .. } => {
                let mut now = now.subscribe();
                let reached = |now: &Micros| now.plus_ms(set.load(Ordering::Relaxed)) >= at;
                let _ = now.wait_for(reached).await;
            }
        }
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that sleeps")]
    pub(crate) async fn pause(&self, duration: Duration) {
        match self {
            Self::System { .. } => tokio::time::sleep(duration).await,
            Self::Fake { now, .. } => {
                let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
                let until = Micros(now.borrow().0.saturating_add(micros));
                let _ = now.subscribe().wait_for(|now| *now >= until).await;
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
fn today() -> Micros {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
