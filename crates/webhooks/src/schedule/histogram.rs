//! A small histogram of latencies: two buckets for each doubling, old samples fading.

use std::time::Duration;

/// Buckets: from a quarter of a millisecond to a minute.
const BUCKETS: usize = 38;
/// Samples at which all counts are halved, so that percentiles follow what happens now.
const FADE_AT: u32 = 1_024;

/// Latencies of one lane.
#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    counts: [u32; BUCKETS],
    total: u32,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: [0; BUCKETS], total: 0 }
    }
}

impl Histogram {
    /// Counts a latency.
    pub(crate) fn add(&mut self, latency: Duration) {
        if self.total >= FADE_AT {
            for count in &mut self.counts {
                *count /= 2;
            }
            self.total = self.counts.iter().sum();
        }
        if let Some(count) = self.counts.get_mut(bucket(latency)) {
            *count += 1;
            self.total += 1;
        }
    }

    /// The latency in milliseconds that a fraction of the samples does not exceed, to within some
    /// 40 %; `None` without samples.
    pub(crate) fn quantile_ms(&self, fraction: f64) -> Option<f64> {
        let wanted = (f64::from(self.total) * fraction).max(1.0);
        let mut seen = 0;
        let at = self.counts.iter().position(|count| {
            seen += count;
            f64::from(seen) >= wanted
        })?;
        Some(upper_ms(at))
    }
}

/// The largest latency of a bucket, in milliseconds.
fn upper_ms(bucket: usize) -> f64 {
    0.25 * f64::from(u32::try_from(bucket).unwrap_or(u32::MAX)).mul_add(0.5, 0.0).exp2()
}

fn bucket(latency: Duration) -> usize {
    let ms = latency.as_secs_f64() * 1_000.0;
    let steps = ((ms / 0.25).max(1.0).log2() * 2.0).ceil();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a small number that is not negative"
    )]
    let steps = steps as usize;
    steps.min(BUCKETS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_near_and_follow_the_present() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.quantile_ms(0.5), None);
        for _ in 0..99 {
            histogram.add(Duration::from_millis(10));
        }
        histogram.add(Duration::from_secs(5));
        let near = |fraction, ms: f64, h: &Histogram| {
            let told = h.quantile_ms(fraction).unwrap();
            assert!(told >= ms && told <= ms * 1.42, "{told} for {ms}");
        };
        near(0.5, 10.0, &histogram);
        near(0.99, 10.0, &histogram);
        near(1.0, 5_000.0, &histogram);
        for _ in 0..5_000 {
            histogram.add(Duration::from_millis(100));
        }
        near(0.5, 100.0, &histogram);
        histogram.add(Duration::from_secs(3_600));
        histogram.add(Duration::ZERO);
        assert_eq!(bucket(Duration::ZERO), 0);
    }
}
