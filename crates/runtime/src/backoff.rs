//! Exponential back-off with a cap and ±20 % jitter.

use crate::Runtime;

/// A schedule of waits: `first_ms`, then times `factor` each, at most `max_ms`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    /// Milliseconds before the first retry.
    pub first_ms: i64,
    /// What each wait is multiplied by for the next.
    pub factor: f64,
    /// Milliseconds at most.
    pub max_ms: i64,
}

impl Backoff {
    /// For deliveries: 5 s, 25 s, 2 min, 10 min, 52 min, 4 h, then 8 h each; twelve attempts span
    /// some two and a half days.
    pub const DELIVERY: Self = Self { first_ms: 5_000, factor: 5.0, max_ms: 8 * 3_600_000 };

    /// Milliseconds to wait before retry number `retry` (0 for the first), without jitter.
    pub fn base_ms(&self, retry: u32) -> i64 {
        #[expect(clippy::cast_precision_loss, reason = "milliseconds stay far below 2^53")]
        let (first, max) = (self.first_ms as f64, self.max_ms as f64);
        let wait = first * self.factor.powi(i32::try_from(retry).unwrap_or(i32::MAX));
        #[expect(clippy::cast_possible_truncation, reason = "capped by max_ms")]
        let wait = wait.min(max) as i64;
        wait
    }

    /// Milliseconds to wait before retry number `retry`, with ±20 % jitter.
    pub fn wait_ms(&self, retry: u32, runtime: &Runtime) -> i64 {
        let base = self.base_ms(retry);
        let jitter = 0.8 + 0.4 * runtime.fraction();
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            reason = "milliseconds stay far below 2^53"
        )]
        let wait = (base as f64 * jitter) as i64;
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::time::Micros;

    #[test]
    fn grows_to_the_cap_and_jitters_within_a_fifth() {
        let b = Backoff::DELIVERY;
        assert_eq!(b.base_ms(0), 5_000);
        assert_eq!(b.base_ms(2), 125_000);
        assert_eq!(b.base_ms(40), b.max_ms);
        let runtime = Runtime::fake(Micros(0), 7);
        for retry in 0..8 {
            let (base, wait) = (b.base_ms(retry), b.wait_ms(retry, &runtime));
            assert!(wait >= base * 8 / 10 && wait <= base * 12 / 10, "{retry}: {wait}");
        }
    }
}
