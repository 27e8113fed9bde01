//! This process as one of the nodes that share a database: its name in leases, the clock that
//! leases are measured by, and whether the others still count it in.
//!
//! ```text
//! present ──(no sign of life got through for a while, or the line broke)──▶ uncertain
//!    ▲                                                                          │
//!    ├──────────(a sign of life got through in time)────────────────────────────┤
//!    └──(others took its work over: a new name, empty hands)────────────────────┘
//! ```
//!
//! A node that is uncertain starts nothing outside: others may take its work over soon. Alone on
//! a database ([`Node::alone`]) it always is present. Leases are measured on a clock that follows
//! the database's, never the time of day of this machine: setting that moves no lease.

use crate::Runtime;
use model::limits::LEASE_MS;
use model::time::Micros;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::watch;

/// One process among those that share a database; cheap to clone, all clones are one.
#[derive(Clone)]
pub struct Node {
    inner: Arc<Inner>,
}

struct Inner {
    id: RwLock<Arc<str>>,
    /// Until when, on the runtime's steady clock, the others are certain to count it in.
    certain: watch::Sender<Duration>,
    /// Microseconds by which the lease clock is ahead of the runtime's steady time.
    ahead: AtomicI64,
    live: AtomicUsize,
}

impl Node {
    /// A node that nobody shares the database with, until [`Node::sign`] says otherwise.
    pub fn alone(id: impl Into<Arc<str>>) -> Self {
        Self {
            inner: Arc::new(Inner {
                id: RwLock::new(id.into()),
                certain: watch::Sender::new(Duration::MAX),
                ahead: AtomicI64::new(0),
                live: AtomicUsize::new(1),
            }),
        }
    }

    /// Its name in leases; another one after others took its work over.
    pub fn id(&self) -> Arc<str> {
        self.inner.id.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The time that leases are compared with.
    pub fn lease_now(&self, runtime: &Runtime) -> Micros {
        Micros(runtime.steady().0.saturating_add(self.inner.ahead.load(Ordering::Relaxed)))
    }

    /// When a lease taken now ends.
    pub fn lease_end(&self, runtime: &Runtime) -> Micros {
        self.lease_now(runtime).plus_ms(LEASE_MS)
    }

    /// Whether the others count this node in, so that it may start something outside.
    pub fn is_present(&self, runtime: &Runtime) -> bool {
        runtime.elapsed() < *self.inner.certain.borrow()
    }

    /// Waits until the others count this node in.
    pub async fn present(&self, runtime: &Runtime) {
        let mut certain = self.inner.certain.subscribe();
        let _ = certain.wait_for(|until| runtime.elapsed() < *until).await;
    }

    /// Nodes that share the database and were heard of lately, this one included; limits that hold
    /// for all of them together are divided by it.
    pub fn live_nodes(&self) -> usize {
        self.inner.live.load(Ordering::Relaxed).max(1)
    }

    /// A sign of life has reached the database: the node is certain until `certain` on the steady
    /// clock ([`Runtime::elapsed`]), the database's time was `now`, and `live` nodes share it.
    pub fn sign(&self, runtime: &Runtime, certain: Duration, now: Micros, live: usize) {
        let ahead = now.0.saturating_sub(runtime.steady().0);
        self.inner.ahead.store(ahead, Ordering::Relaxed);
        self.inner.live.store(live, Ordering::Relaxed);
        self.inner.certain.send_replace(certain);
    }

    /// The others may not count on this node any more: nothing is started until the next sign.
    pub fn doubt(&self) {
        self.inner.certain.send_replace(Duration::ZERO);
    }

    /// Others have taken the node's work over; it goes on under another name.
    pub fn rename(&self, id: impl Into<Arc<str>>) {
        *self.inner.id.write().unwrap_or_else(PoisonError::into_inner) = id.into();
    }
}

impl<T: Into<Arc<str>>> From<T> for Node {
    fn from(id: T) -> Self {
        Self::alone(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_moves_no_lease() {
        let runtime = Runtime::fake(Micros(1_000_000_000), 1);
        let node = Node::alone("a");
        let end = node.lease_end(&runtime);
        runtime.set_clock_ms(24 * 3_600_000);
        assert!(node.lease_now(&runtime) < end);
        runtime.set_clock_ms(-48 * 3_600_000);
        runtime.advance_ms(LEASE_MS);
        assert_eq!(node.lease_now(&runtime), end);
    }

    #[tokio::test]
    async fn a_node_is_certain_until_its_last_sign_is_old() {
        let runtime = Runtime::fake(Micros(0), 1);
        let node = Node::alone("a");
        assert!(node.is_present(&runtime));
        node.sign(&runtime, Duration::from_secs(7), Micros(5_000_000), 2);
        assert!(node.is_present(&runtime));
        assert_eq!(node.lease_now(&runtime), Micros(5_000_000));
        assert_eq!(node.live_nodes(), 2);
        runtime.advance_ms(7_000);
        assert!(!node.is_present(&runtime));
        let (own, clock) = (node.clone(), runtime.clone());
        let waiting = runtime.spawn(async move { own.present(&clock).await });
        node.sign(&runtime, Duration::from_secs(14), Micros(12_000_000), 1);
        waiting.await.expect("it ends");
        node.doubt();
        assert!(!node.is_present(&runtime));
    }
}
