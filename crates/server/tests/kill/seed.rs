//! Random instants that a seed repeats.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A small generator (splitmix64); its seed is printed at the start.
pub(crate) struct Random(u64);

impl Random {
    /// From `KAPOK_KILL_SEED`, or from the time.
    pub(crate) fn new() -> Self {
        let given = std::env::var("KAPOK_KILL_SEED").ok().and_then(|text| text.parse().ok());
        let seed = given.unwrap_or_else(fresh_seed);
        eprintln!("KAPOK_KILL_SEED={seed}");
        Self(seed)
    }

    /// From a seed that the caller has printed.
    pub(crate) fn from(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A duration between the two, in microseconds' steps.
    pub(crate) fn between(&mut self, low: Duration, high: Duration) -> Duration {
        let span = u64::try_from((high - low).as_micros()).unwrap_or(1).max(1);
        low + Duration::from_micros(self.next() % span)
    }
}

/// A seed from the time.
pub(crate) fn fresh_seed() -> u64 {
    let age = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::from(age.subsec_nanos()) ^ age.as_secs()
}
