//! Counters of what the store does, for the bench, the metrics and tests that count statements.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use super::error::Error;

/// A snapshot of the counters since the store was opened. Subtract two to count a stretch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Transactions committed by writers; on SQLite one holds many closures.
    pub commits: u64,
    /// Microseconds that transactions of writers took in all, their commits included.
    pub commit_micros: u64,
    /// Requests that wait for a thread now.
    pub waiting: u64,
    /// Write closures run, repeats included.
    pub closures: u64,
    /// Statements that closures ran, reads included.
    pub statements: u64,
    /// Write closures rolled back: refused, panicked or failed.
    pub rollbacks: u64,
    /// Repeats after a serialization failure, a deadlock or a lost connection.
    pub retries: u64,
    /// Requests refused because no place in the queue came free in time.
    pub overloaded: u64,
    /// Read closures run.
    pub reads: u64,
    /// The most closures committed together.
    pub batch_max: u64,
    /// Connections made, those of the start included.
    pub connects: u64,
    /// Times that the disk was made to keep what was written, on SQLite: one for each commit, two
    /// for each checkpoint. PostgreSQL does not say.
    pub syncs: u64,
}

#[derive(Debug, Default)]
struct Cells {
    commits: AtomicU64,
    commit_micros: AtomicU64,
    closures: AtomicU64,
    statements: AtomicU64,
    rollbacks: AtomicU64,
    retries: AtomicU64,
    overloaded: AtomicU64,
    reads: AtomicU64,
    batch_max: AtomicU64,
    connects: AtomicU64,
    syncs: AtomicU64,
    trouble: Mutex<Option<Error>>,
}

/// The shared counters. Relaxed atomics: each is exact, together they are approximate.
#[derive(Clone, Debug, Default)]
pub(super) struct Counters(Arc<Cells>);

impl Counters {
    pub(super) fn commit(&self, closures: usize, time: std::time::Duration) {
        self.0.commit_micros.fetch_add(super::wall::micros(time), Relaxed);
        let closures = u64::try_from(closures).unwrap_or(u64::MAX);
        self.0.commits.fetch_add(1, Relaxed);
        self.0.batch_max.fetch_max(closures, Relaxed);
    }
    pub(super) fn closure(&self) {
        self.0.closures.fetch_add(1, Relaxed);
    }
    pub(super) fn statement(&self) {
        self.0.statements.fetch_add(1, Relaxed);
    }
    pub(super) fn rollback(&self) {
        self.0.rollbacks.fetch_add(1, Relaxed);
    }
    pub(super) fn retry(&self) {
        self.0.retries.fetch_add(1, Relaxed);
    }
    pub(super) fn overloaded(&self) {
        self.0.overloaded.fetch_add(1, Relaxed);
    }
    pub(super) fn read(&self) {
        self.0.reads.fetch_add(1, Relaxed);
    }
    pub(super) fn connect(&self) {
        self.0.connects.fetch_add(1, Relaxed);
    }
    pub(super) fn synced(&self, times: u64) {
        self.0.syncs.fetch_add(times, Relaxed);
    }

    /// Nothing can be stored at present: the disk is full or fails, or the database is gone.
    pub(super) fn trouble(&self, error: &Error) {
        if matches!(error, Error::Full | Error::Unavailable { .. }) {
            *self.0.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.clone());
        }
    }

    /// What is in the way of storing, as last seen; forgets it.
    pub(super) fn take_trouble(&self) -> Option<Error> {
        self.0.trouble.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(super) fn snapshot(&self) -> Stats {
        let cells = &self.0;
        Stats {
            commits: cells.commits.load(Relaxed),
            commit_micros: cells.commit_micros.load(Relaxed),
            waiting: 0,
            closures: cells.closures.load(Relaxed),
            statements: cells.statements.load(Relaxed),
            rollbacks: cells.rollbacks.load(Relaxed),
            retries: cells.retries.load(Relaxed),
            overloaded: cells.overloaded.load(Relaxed),
            reads: cells.reads.load(Relaxed),
            batch_max: cells.batch_max.load(Relaxed),
            connects: cells.connects.load(Relaxed),
            syncs: cells.syncs.load(Relaxed),
        }
    }
}
