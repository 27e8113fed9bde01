//! How many deliveries a lane may have under way: found out by trying.
//!
//! Additive increase, multiplicative decrease. A new lane starts small and doubles with each round
//! of successes until something goes wrong; from then on it gains one place with each round. It
//! loses half of its places when an attempt fails and a tenth when answers take much longer than
//! they used to, at most once for each round: failures of one moment are one piece of news.

use std::time::Duration;

/// Places of a lane about which nothing is known.
const FIRST: f64 = 4.0;
/// How much longer answers may take than usual before places are taken away: a factor and, so that
/// fast endpoints are not punished for a hiccup, some milliseconds.
const GROWTH: (f64, f64) = (2.0, 50.0);

/// The adaptive limit of one lane.
#[derive(Clone, Debug)]
pub(crate) struct Limit {
    places: f64,
    /// Whether nothing went wrong since the lane was new.
    is_doubling: bool,
    /// Moving averages of the latency in milliseconds: of the last few answers, and of many.
    recent_ms: f64,
    usual_ms: f64,
    /// Before this time nothing more is taken away.
    cut_again_at: Duration,
}

impl Default for Limit {
    fn default() -> Self {
        Self {
            places: FIRST,
            is_doubling: true,
            recent_ms: 0.0,
            usual_ms: 0.0,
            cut_again_at: Duration::ZERO,
        }
    }
}

impl Limit {
    /// The places, at most `max`.
    pub(crate) fn places(&self, max: usize) -> usize {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 1 and the bound of a lane"
        )]
        let places = self.places as usize;
        places.clamp(1, max.max(1))
    }

    /// How long an answer usually takes, in milliseconds; 0 while nothing is known.
    pub(crate) fn usual_ms(&self) -> f64 {
        self.usual_ms
    }

    /// An answer came after `latency` while `running` attempts were under way.
    pub(crate) fn well(&mut self, latency: Duration, running: usize, max: usize, now: Duration) {
        let ms = latency.as_secs_f64() * 1_000.0;
        if self.usual_ms == 0.0 {
            (self.recent_ms, self.usual_ms) = (ms, ms);
        }
        self.recent_ms += 0.2 * (ms - self.recent_ms);
        self.usual_ms += 0.02 * (ms - self.usual_ms);
        if self.recent_ms > self.usual_ms.mul_add(GROWTH.0, GROWTH.1) {
            return self.cut(0.9, now);
        }
        // Places that nobody needed prove nothing.
        if running * 2 >= self.places(max) {
            self.places += if self.is_doubling { 1.0 } else { 1.0 / self.places };
            #[expect(clippy::cast_precision_loss, reason = "the bound of a lane is small")]
            let max = max as f64;
            self.places = self.places.min(max.max(1.0));
        }
    }

    /// An attempt failed, or the endpoint said that it was too much.
    pub(crate) fn badly(&mut self, now: Duration) {
        self.cut(0.5, now);
    }

    /// Starts over with one place, after the lane was closed for a while.
    pub(crate) fn restart(&mut self) {
        self.places = 1.0;
        self.is_doubling = true;
    }

    fn cut(&mut self, factor: f64, now: Duration) {
        self.is_doubling = false;
        if now < self.cut_again_at {
            return;
        }
        self.places = (self.places * factor).max(1.0);
        self.cut_again_at = now + Duration::from_secs_f64(self.recent_ms.clamp(10.0, 1e4) / 1e3);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn round(limit: &mut Limit, latency: Duration, now: Duration) {
        let places = limit.places(64);
        for _ in 0..places {
            limit.well(latency, places, 64, now);
        }
    }

    #[test]
    fn doubles_until_the_first_trouble_then_gains_one_a_round() {
        let mut limit = Limit::default();
        assert_eq!(limit.places(64), 4);
        round(&mut limit, MS * 5, MS);
        round(&mut limit, MS * 5, MS * 2);
        assert_eq!(limit.places(64), 16);
        limit.badly(MS * 3);
        limit.badly(MS * 3);
        assert_eq!(limit.places(64), 8, "one moment's failures are one piece of news");
        round(&mut limit, MS * 5, MS * 4);
        round(&mut limit, MS * 5, MS * 5);
        assert!((9..=10).contains(&limit.places(64)), "{limit:?}");
        assert_eq!(limit.places(6), 6);
    }

    #[test]
    fn never_below_one_and_idle_places_prove_nothing() {
        let mut limit = Limit::default();
        for second in 1..20 {
            limit.badly(Duration::from_secs(second));
        }
        assert_eq!(limit.places(64), 1);
        let mut limit = Limit::default();
        for _ in 0..100 {
            limit.well(MS, 1, 64, MS);
        }
        assert_eq!(limit.places(64), 4);
    }

    #[test]
    fn slower_answers_take_places_away() {
        let mut limit = Limit::default();
        for n in 1..8 {
            round(&mut limit, MS * 20, MS * n * 20);
        }
        let before = limit.places(64);
        for n in 1..20 {
            limit.well(MS * 600, before, 64, Duration::from_secs(n));
        }
        assert!(limit.places(64) < before * 3 / 4, "{} of {before}", limit.places(64));
    }
}
