//! Clock, randomness, task spawning, back-off and the vault: the only ambient effects of Kapok.
//!
//! Everything that needs the time, a random number or a task takes a [`Runtime`]. Production uses
//! [`Runtime::system`]; tests use [`Runtime::fake`], whose clock stands still until it is advanced
//! and whose randomness follows from a seed. Nothing in a test sleeps.

pub mod backoff;
pub mod changes;
mod clock;
pub mod mail;
pub mod metrics;
pub mod node;
pub mod panics;
pub mod spans;
pub mod vault;

use clock::Clock;
use metrics::Metrics;
use model::time::Micros;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use spans::Spans;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Handle to the ambient effects; cheap to clone.
#[derive(Clone)]
pub struct Runtime {
    inner: Arc<Inner>,
}

struct Inner {
    clock: Clock,
    rng: Mutex<StdRng>,
    tasks: TaskTracker,
    stop: CancellationToken,
    metrics: Metrics,
    spans: Spans,
}

impl Runtime {
    /// The real clock and the operating system's randomness.
    #[expect(clippy::disallowed_methods, reason = "the one place that seeds randomness")]
    pub fn system() -> Self {
        Self::build(Clock::system(), StdRng::from_rng(&mut rand::rng()))
    }

    /// A clock that stands at `start` until [`Runtime::advance_ms`], randomness from `seed`.
    pub fn fake(start: Micros, seed: u64) -> Self {
        Self::build(Clock::fake(start), StdRng::seed_from_u64(seed))
    }

    fn build(clock: Clock, rng: StdRng) -> Self {
        Self {
            inner: Arc::new(Inner {
                clock,
                rng: Mutex::new(rng),
                tasks: TaskTracker::new(),
                stop: CancellationToken::new(),
                metrics: Metrics::default(),
                spans: Spans::default(),
            }),
        }
    }

    /// What the process counts.
    pub fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    /// What happened when, for whoever exports traces.
    pub fn spans(&self) -> &Spans {
        &self.inner.spans
    }

    /// The time of day.
    pub fn now(&self) -> Micros {
        self.inner.clock.now()
    }

    /// Time since the runtime was made; never goes back, for measuring durations.
    pub fn elapsed(&self) -> Duration {
        self.inner.clock.elapsed()
    }

    /// The time of day as it was at the start, and what has passed since: a clock that is set does
    /// not move it. For leases.
    pub fn steady(&self) -> Micros {
        self.inner.clock.steady()
    }

    /// Sets a fake time of day forward, or back when `ms` is negative, as somebody who sets the
    /// machine's clock does: what measures durations does not move.
    ///
    /// # Panics
    /// When the clock is the real one.
    pub fn set_clock_ms(&self, ms: i64) {
        self.inner.clock.set_ms(ms);
    }

    /// Moves a fake clock forward and wakes whoever slept until then.
    ///
    /// # Panics
    /// When the clock is the real one.
    pub fn advance_ms(&self, ms: i64) {
        self.inner.clock.advance_ms(ms);
    }

    /// Waits until the clock has reached `at`.
    pub async fn sleep_until(&self, at: Micros) {
        self.inner.clock.sleep_until(at).await;
    }

    /// Waits for `ms` milliseconds.
    pub async fn sleep_ms(&self, ms: i64) {
        self.sleep_until(self.now().plus_ms(ms)).await;
    }

    /// Waits for `duration` on the clock that never goes back: for deadlines, which a clock that
    /// was set must not move. On a fake clock the same as sleeping.
    pub async fn pause(&self, duration: Duration) {
        self.inner.clock.pause(duration).await;
    }

    /// A new UUID, version 7: ids drawn later sort later, to the millisecond.
    pub fn uuid(&self) -> uuid::Uuid {
        let now = self.now().0.max(0).unsigned_abs();
        let mut random = [0_u8; 10];
        self.fill(&mut random);
        uuid::Builder::from_unix_timestamp_millis(now / 1_000, &random).into_uuid()
    }

    /// An unguessable token of `bytes` random bytes, in hex.
    pub fn token(&self, bytes: usize) -> String {
        let mut random = vec![0_u8; bytes];
        self.fill(&mut random);
        hex(&random)
    }

    /// An unguessable token of 40 hex digits: twelve of the time in milliseconds, then fourteen
    /// random bytes. Those drawn later sort later, so that an index of them grows at its end; a
    /// wholly random one would touch a page for each.
    pub fn ordered_token(&self) -> String {
        let mut bytes = [0_u8; 20];
        let millis = (self.now().0.max(0).unsigned_abs() / 1_000).to_be_bytes();
        let (time, random) = bytes.split_at_mut(6);
        time.copy_from_slice(&millis[2..]);
        self.fill(random);
        hex(&bytes)
    }

    /// Fills `bytes` with randomness fit for secrets.
    pub fn fill(&self, bytes: &mut [u8]) {
        self.inner.rng.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(bytes);
    }

    /// A number between 0 (inclusive) and 1 (exclusive).
    pub fn fraction(&self) -> f64 {
        let bits = self.inner.rng.lock().unwrap_or_else(PoisonError::into_inner).next_u64() >> 11;
        // 53 bits are what an f64 holds exactly.
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit an f64")]
        let fraction = bits as f64 / (1_u64 << 53) as f64;
        fraction
    }

    /// Starts a task that [`Runtime::stop`] waits for.
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.inner.tasks.spawn(future)
    }

    /// Runs `work` on a thread where it may block.
    pub fn spawn_blocking<F, T>(&self, work: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.inner.tasks.spawn_blocking(work)
    }

    /// Resolves once the process is asked to stop; loops select on it.
    pub async fn stopping(&self) {
        self.inner.stop.cancelled().await;
    }

    /// Whether the process was asked to stop.
    pub fn is_stopping(&self) -> bool {
        self.inner.stop.is_cancelled()
    }

    /// Asks every loop to stop and waits for the tasks to end.
    pub async fn stop(&self) {
        self.inner.stop.cancel();
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
    }
}

/// Bytes as hex digits.
fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value & 15)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_drawn_later_sort_later_and_none_is_like_another() {
        let runtime = Runtime::fake(Micros(1_800_000_000_000_000), 1);
        let mut drawn = Vec::new();
        for _ in 0..100 {
            runtime.advance_ms(1);
            drawn.push(runtime.ordered_token());
        }
        assert!(drawn.is_sorted());
        assert!(drawn.iter().all(|token| token.len() == 40));
        // The same instant, other draws.
        assert_ne!(runtime.ordered_token()[12..], runtime.ordered_token()[12..]);
        assert_eq!(runtime.token(20).len(), 40);
        assert_eq!(hex(&[0, 9, 10, 255]), "00090aff");
    }
}
