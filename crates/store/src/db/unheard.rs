//! Leases that may have been taken without their node hearing of it. When a connection breaks
//! between COMMIT and its answer, nobody knows whether what the transaction leased is leased.
//! Whoever asked is refused and holds nothing, so nothing would be done until the lease ends.
//!
//! ```text
//! Tx::leases ──(the answer is lost)──▶ unheard ──(its row says so)──▶ taken up, or freed
//!                                         └──(a lease's time is over)──▶ left to its end
//! ```
//!
//! The commit may come through later than the next look, so a lease stays here until it is found or
//! its time is over. SQLite answers in this very process and has none of this.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use model::id::{JobId, RunId};
use model::limits::LEASE_MS;
use model::time::Micros;

use super::wall::now;

/// Leases kept at once: several breaks of all connections, each in the midst of a claim. What is
/// beyond waits for its lease's end.
const UNHEARD_MAX: usize = 10_000;
/// How long one is looked for: then the lease is over, and anybody takes up what it kept.
const TIME: Duration = Duration::from_millis(LEASE_MS.unsigned_abs());

/// What a transaction leased to this node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lease {
    /// A run. To walk one that is at rest does no harm, so its number is enough.
    Run(RunId),
    /// A job: no other lease of it has the same epoch and end.
    Job {
        /// The job.
        id: JobId,
        /// Its epoch under the lease.
        epoch: i64,
        /// When the lease ends.
        until: Micros,
    },
}

/// The leases of a store whose answer was lost. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Unheard(Arc<Mutex<Vec<(Lease, Instant)>>>);

impl Unheard {
    fn lock(&self) -> MutexGuard<'_, Vec<(Lease, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, leases: Vec<Lease>) {
        let mut known = self.lock();
        let room = UNHEARD_MAX.saturating_sub(known.len());
        known.extend(leases.into_iter().take(room).map(|lease| (lease, now())));
    }

    fn all<T>(&self, pick: impl Fn(&Lease) -> Option<T>) -> Vec<T> {
        let mut known = self.lock();
        known.retain(|(_, since)| since.elapsed() < TIME);
        known.iter().filter_map(|(lease, _)| pick(lease)).collect()
    }

    /// Runs that may be leased to this node.
    pub fn runs(&self) -> Vec<RunId> {
        self.all(|lease| match lease {
            Lease::Run(id) => Some(*id),
            Lease::Job { .. } => None,
        })
    }

    /// Jobs that may be leased to this node.
    pub fn jobs(&self) -> Vec<Lease> {
        self.all(|lease| matches!(lease, Lease::Job { .. }).then(|| lease.clone()))
    }

    /// Forgets runs that were found leased: they are taken up.
    pub fn heard_of_runs(&self, runs: &[RunId]) {
        self.lock().retain(|(lease, _)| !matches!(lease, Lease::Run(id) if runs.contains(id)));
    }

    /// Forgets jobs that were found leased: they are free.
    pub fn heard_of_jobs(&self, jobs: &[JobId]) {
        self.lock()
            .retain(|(lease, _)| !matches!(lease, Lease::Job { id, .. } if jobs.contains(id)));
    }
}
