//! A token bucket: so many starts in a second, with a short burst.

use std::time::Duration;

/// The part of a second whose tokens may be saved up.
const BURST: f64 = 0.25;
/// One token, less what rounding may have taken off it.
const ONE: f64 = 1.0 - 1e-6;

/// The tokens of one lane.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bucket {
    tokens: f64,
    filled_at: Option<Duration>,
}

impl Bucket {
    /// When there is a token, at the latest: `now` or earlier when there is one.
    pub(crate) fn ready_at(&mut self, rate: f64, now: Duration) -> Duration {
        self.fill(rate, now);
        if self.tokens >= ONE {
            return now;
        }
        now + Duration::from_secs_f64((1.0 - self.tokens) / rate)
    }

    /// Takes a token.
    pub(crate) fn take(&mut self, rate: f64, now: Duration) {
        self.fill(rate, now);
        self.tokens -= 1.0;
    }

    fn fill(&mut self, rate: f64, now: Duration) {
        let capacity = (rate * BURST).max(1.0);
        self.tokens = match self.filled_at {
            None => 1.0,
            Some(at) => {
                let gained = now.saturating_sub(at).as_secs_f64() * rate;
                (self.tokens + gained).min(capacity)
            }
        };
        self.filled_at = Some(self.filled_at.unwrap_or(now).max(now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_in_a_second_and_no_more() {
        let mut bucket = Bucket::default();
        let (mut now, mut taken) = (Duration::from_secs(5), 0);
        let end = now + Duration::from_secs(10);
        while now < end {
            let ready = bucket.ready_at(20.0, now);
            if ready <= now {
                bucket.take(20.0, now);
                taken += 1;
            } else {
                now = ready;
            }
        }
        assert!((199..=201).contains(&taken), "{taken}");
        let mut idle = 0;
        now += Duration::from_secs(3_600);
        while bucket.ready_at(20.0, now) <= now {
            bucket.take(20.0, now);
            idle += 1;
        }
        assert_eq!(idle, 5, "an hour's silence earns a quarter of a second");
    }
}
