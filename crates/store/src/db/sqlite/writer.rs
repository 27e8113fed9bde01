//! The writer thread: group commit.
//!
//! ```text
//! wait ─▶ take ≤ 256 ─▶ BEGIN IMMEDIATE ─▶ for each: SAVEPOINT, closure, RELEASE or ROLLBACK TO
//!   ▲                                                              │
//!   └── answer everyone ◀── COMMIT (one fsync) ◀────────────────────┘
//! ```
//!
//! Nobody is answered before the commit, the refused ones included: what they saw of their
//! neighbours' changes is true only once it is on disk. When the commit fails, or the transaction
//! has ended under a closure (full disk, I/O error, interrupt), everyone of the batch is refused.

use crate::db::Shared;
use crate::db::error::Error;
use crate::db::queue::{Queue, Waiting};
use crate::db::tx::Tx;
use crate::db::work::{Ran, Work};

use super::session;

/// A closure that has run, with the store's own reason for refusing it.
type Judged = (Box<dyn Work>, Option<Error>);

/// Serves writes until the queue is closed, then folds the log into the file.
pub(super) fn run(mut tx: Tx, queue: &Queue, shared: &Shared) {
    while let Some(first) = queue.next() {
        let mut batch = vec![first];
        batch.extend(queue.drain(shared.limits.batch_max.saturating_sub(1)));
        for late in queue.expire(shared.limits.queue_patience) {
            shared.counters.overloaded();
            late.work.answer(Some(Error::Overloaded));
        }
        commit(&mut tx, batch, shared);
    }
    if let Err(error) = session(&mut tx).batch("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA optimize;")
    {
        tracing::debug!(%error, "the log stays behind; the next start folds it in");
    }
}

fn commit(tx: &mut Tx, batch: Vec<Waiting>, shared: &Shared) {
    let count = batch.len();
    if let Err(error) = session(tx).control("BEGIN IMMEDIATE") {
        for waiting in batch {
            waiting.work.answer(Some(error.clone()));
        }
        return;
    }
    let mut judged: Vec<Judged> = Vec::with_capacity(count);
    let mut lost: Option<Error> = None;
    for waiting in batch {
        let mut work = waiting.work;
        let verdict = match &lost {
            Some(_) => None,
            None => attempt(tx, &mut *work, shared).unwrap_or_else(|error| {
                lost = Some(error);
                None
            }),
        };
        judged.push((work, verdict));
    }
    session(tx).limit(None);
    let lost = lost.or_else(|| session(tx).control("COMMIT").err());
    if let Some(error) = &lost {
        tracing::warn!(%error, closures = count, "a batch was refused");
        if session(tx).in_transaction()
            && let Err(error) = session(tx).control("ROLLBACK")
        {
            tracing::error!(%error, "the refused batch does not roll back");
        }
    } else {
        shared.counters.commit(count);
    }
    for (work, verdict) in judged {
        work.answer(lost.clone().or(verdict));
    }
}

/// Runs one closure in its savepoint. `Ok` holds the store's reason for refusing it, if any;
/// `Err` says that the whole transaction is gone.
fn attempt(tx: &mut Tx, work: &mut dyn Work, shared: &Shared) -> Result<Option<Error>, Error> {
    shared.counters.closure();
    session(tx).control("SAVEPOINT one")?;
    session(tx).limit(Some(shared.limits.write_time));
    let ran = work.run(tx);
    session(tx).limit(None);
    let fault = tx.take_fault();
    let verdict = match ran {
        Ran::Done if fault.is_none() => {
            session(tx).control("RELEASE one")?;
            return Ok(None);
        }
        Ran::Done => fault.clone(),
        Ran::Refused => None,
        Ran::Panicked(error) => Some(error),
    };
    shared.counters.rollback();
    if !session(tx).in_transaction() {
        return Err(fault.unwrap_or(Error::BatchLost));
    }
    session(tx).control("ROLLBACK TO one")?;
    session(tx).control("RELEASE one")?;
    Ok(verdict)
}
