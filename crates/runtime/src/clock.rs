//! The clock: the real one, or one that a test moves by hand.

use model::time::Micros;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;

/// A source of time.
pub(crate) enum Clock {
    System { origin: Instant },
    Fake { start: Micros, now: watch::Sender<Micros> },
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    pub(crate) fn system() -> Self {
        Self::System { origin: Instant::now() }
    }

    pub(crate) fn fake(start: Micros) -> Self {
        Self::Fake { start, now: watch::Sender::new(start) }
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    pub(crate) fn now(&self) -> Micros {
        match self {
            Self::System { .. } => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
            }
            Self::Fake { now, .. } => *now.borrow(),
        }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        match self {
            Self::System { origin } => origin.elapsed(),
            Self::Fake { start, now } => {
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
            Self::Fake { now, .. } => {
                let mut now = now.subscribe();
                let _ = now.wait_for(|now| *now >= at).await;
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
                self.sleep_until(until).await;
            }
        }
    }
}
