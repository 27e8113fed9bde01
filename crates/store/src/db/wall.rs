//! Real time: how long this process waits for a real database, which no fake clock should stretch.

use std::time::{Duration, Instant};

/// The monotonic clock.
#[expect(clippy::disallowed_methods, reason = "measures real waits for a real database")]
pub(super) fn now() -> Instant {
    Instant::now()
}

/// Blocks this thread, which owns a connection and runs no task.
#[expect(clippy::disallowed_methods, reason = "backs off from a real database")]
pub(super) fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// Whole microseconds, saturating.
pub(super) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
