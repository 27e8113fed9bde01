//! The writer thread: group commit.
//!
//! ```text
//! wait ─▶ take ≤ 256 ─▶ BEGIN IMMEDIATE ─▶ closure, closure, closure … ─▶ COMMIT (one fsync)
//!   ▲                        ▲                │ one must be undone              │
//!   │                        └── each in a savepoint, once more ◀── ROLLBACK    │
//!   └── answer everyone ◀───────────────────────────────────────────────────────┘
//! ```
//!
//! Savepoints keep a copy of every page that each closure touches, so they are made only once a
//! batch turned out to need them: closures may be repeated, and those that fail mostly do so
//! before they have written anything, which leaves nothing to undo.
//!
//! Nobody is answered before the commit, the refused ones included: what they saw of their
//! neighbours' changes is true only once it is on disk. When the commit fails, or the transaction
//! has ended under a closure (full disk, I/O error, interrupt), everyone of the batch is refused.

use crate::db::Shared;
use crate::db::error::Error;
use crate::db::queue::{Queue, Waiting};
use crate::db::tx::Tx;
use crate::db::work::{Ran, Work};

use super::checkpoint::{self, Checkpoints};
use super::session;

/// A closure of a batch on its way.
struct Item {
    work: Box<dyn Work>,
    /// The store's own reason for refusing it.
    verdict: Option<Error>,
    /// Whether it has said its last word and is not run again.
    is_over: bool,
}

/// How a closure without a savepoint ended.
enum Left {
    /// What it wrote may be committed, or it wrote nothing.
    Clean,
    /// It failed and has written: everybody has to be undone.
    Dirt,
}

/// Serves writes until the queue is closed, then folds the log into the file.
pub(super) fn run(mut tx: Tx<'_>, queue: &Queue, shared: &Shared, checkpoints: Checkpoints) {
    let checkpoints = Guard(checkpoints);
    let mut worker = queue.worker();
    while let Some(batch) = worker.next() {
        for late in queue.expire(shared.limits.queue_patience) {
            shared.counters.overloaded();
            late.work.answer(Some(Error::Overloaded));
        }
        commit(&mut tx, batch, shared);
        let session = session(&tx);
        if checkpoints.0.committed(session.log_pages()) {
            checkpoint::pass(session, &shared.counters);
        }
    }
    drop(checkpoints);
    if let Err(error) = session(&tx).batch("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA optimize;") {
        tracing::debug!(%error, "the log stays behind; the next start folds it in");
    }
}

/// Ends the checkpoints' thread, should this one panic as well.
struct Guard(Checkpoints);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.close();
    }
}

fn commit(tx: &mut Tx, batch: Vec<Waiting>, shared: &Shared) {
    let item = |waiting: Waiting| Item { work: waiting.work, verdict: None, is_over: false };
    let mut items: Vec<Item> = batch.into_iter().map(item).collect();
    let count = items.len();
    let began = crate::db::wall::now();
    let lost = write(tx, &mut items, shared).err();
    session(tx).limit(None);
    if let Some(error) = &lost {
        shared.counters.trouble(error);
        tracing::warn!(%error, closures = count, "a batch was refused");
        if session(tx).in_transaction()
            && let Err(error) = session(tx).control("ROLLBACK")
        {
            tracing::error!(%error, "the refused batch does not roll back");
        }
    } else {
        shared.counters.commit(count, began.elapsed());
        shared.counters.synced(1);
    }
    for Item { work, verdict, .. } in items {
        work.answer(lost.clone().or(verdict));
    }
}

/// Runs and commits a batch. `Err` says that the whole transaction is gone.
fn write(tx: &mut Tx, items: &mut [Item], shared: &Shared) -> Result<(), Error> {
    session(tx).control("BEGIN IMMEDIATE")?;
    let is_alone = items.len() == 1;
    for item in &mut *items {
        match together(tx, item, shared)? {
            Left::Clean => {}
            // Nobody else wrote anything: there is nothing to repeat.
            Left::Dirt if is_alone => return session(tx).control("ROLLBACK"),
            Left::Dirt => {
                session(tx).control("ROLLBACK")?;
                session(tx).control("BEGIN IMMEDIATE")?;
                apart(tx, items, shared)?;
                break;
            }
        }
    }
    session(tx).control("COMMIT")
}

/// Runs one closure without a savepoint.
fn together(tx: &mut Tx, item: &mut Item, shared: &Shared) -> Result<Left, Error> {
    let before = session(tx).changes();
    let (ran, fault) = run_one(tx, item, shared);
    if matches!(ran, Ran::Done) && item.verdict.is_none() {
        return Ok(Left::Clean);
    }
    if !session(tx).in_transaction() {
        return Err(fault.unwrap_or(Error::BatchLost));
    }
    // Once is enough of what panics or takes too long.
    item.is_over = matches!((ran, fault), (Ran::Panicked(_), _) | (_, Some(Error::Timeout)));
    if session(tx).changes() == before {
        shared.counters.rollback();
        return Ok(Left::Clean);
    }
    Ok(Left::Dirt)
}

/// Runs each closure in a savepoint of its own.
fn apart(tx: &mut Tx, items: &mut [Item], shared: &Shared) -> Result<(), Error> {
    for item in items {
        if item.is_over {
            shared.counters.rollback();
            continue;
        }
        item.verdict = None;
        session(tx).control("SAVEPOINT one")?;
        let (ran, fault) = run_one(tx, item, shared);
        if matches!(ran, Ran::Done) && item.verdict.is_none() {
            session(tx).control("RELEASE one")?;
            continue;
        }
        shared.counters.rollback();
        if !session(tx).in_transaction() {
            return Err(fault.unwrap_or(Error::BatchLost));
        }
        session(tx).control("ROLLBACK TO one")?;
        session(tx).control("RELEASE one")?;
    }
    Ok(())
}

/// Runs one closure and notes why the store refuses it, if it does; returns what poisoned the
/// transaction as well.
fn run_one(tx: &mut Tx, item: &mut Item, shared: &Shared) -> (Ran, Option<Error>) {
    shared.counters.closure();
    session(tx).limit(Some(shared.limits.write_time));
    let ran = item.work.run(tx);
    session(tx).limit(None);
    let fault = tx.take_fault();
    item.verdict = match &ran {
        Ran::Done => fault.clone(),
        // Its own error is the answer.
        Ran::Refused => None,
        Ran::Panicked(error) => Some(error.clone()),
    };
    (ran, fault)
}
