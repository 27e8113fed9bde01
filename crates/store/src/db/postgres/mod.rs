//! PostgreSQL: threads that own one connection each and run closures in transactions.
//!
//! Statements without an answer are sent ahead of it, so a closure costs as many round trips as it
//! asks questions, and one for the commit. Writes that wait at the same time share a transaction,
//! its round trip and its flush; when one of them fails, each gets a transaction of its own.
//! Connections are made when first needed and again, with back-off, when they are lost.

pub(super) mod column;
mod errors;
mod param;
pub mod presence;
mod session;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

pub(super) use session::Session;

use session::{Committed, Mode};

use super::error::Error;
use super::queue::{Queue, Waiting};
use super::tx::{Link, Tx};
use super::unheard::Unheard;
use super::wall::{now, pause};
use super::work::{Ran, Work};
use super::{Shared, serve};

/// Runs of one closure: the first and its repeats after serialization failures. After a lost
/// connection it is repeated for as long as a caller waits for one.
const ATTEMPTS_MAX: u32 = 6;

/// Connects, migrates and starts the threads.
pub(super) async fn open(
    url: &str,
    writes: &Arc<Queue>,
    reads: &Arc<Queue>,
    shared: &Shared,
    alive: &mpsc::Sender<()>,
) -> Result<(), Error> {
    let (ready, opened) = oneshot::channel();
    let mut ready = Some(ready);
    for number in 0..shared.limits.postgres_writers.max(1) {
        let session = Session::new(url, Mode::Write, shared)?;
        let (own, first) = (shared.clone(), ready.take());
        serve(format!("store-writer-{number}"), writes, alive, move |queue| {
            start(session, queue, &own, first);
        })?;
    }
    opened.await.map_err(|_| Error::db("the first writer ended at its start"))??;
    for number in 0..shared.limits.postgres_readers.max(1) {
        let session = Session::new(url, Mode::Read, shared)?;
        let own = shared.clone();
        serve(format!("store-reader-{number}"), reads, alive, move |queue| {
            start(session, queue, &own, None);
        })?;
    }
    Ok(())
}

/// How long the vacuum of one table may take.
const VACUUM_TIME: Duration = Duration::from_secs(6 * 60 * 60);

/// Vacuums tables on a connection and a thread of their own: it cannot run in a transaction.
pub(super) async fn vacuum(
    url: String,
    counters: super::stats::Counters,
    tables: &'static [&'static str],
) -> Result<(), Error> {
    let limits = super::Limits { write_time: VACUUM_TIME, ..super::Limits::default() };
    let shared = Shared { limits, counters, unheard: Unheard::default() };
    let mut session = Session::new(&url, Mode::Write, &shared)?;
    let (answer, done) = oneshot::channel();
    let run = move || {
        let mut vacuum = || {
            session.connect()?;
            tables.iter().try_for_each(|table| session.batch(&format!("VACUUM {table}")))
        };
        let vacuumed = vacuum();
        // Whoever does not wait any more does not need the answer.
        drop(answer.send(vacuumed));
    };
    let thread = std::thread::Builder::new().name("store-vacuum".to_owned()).spawn(run);
    thread.map_err(|error| Error::Unavailable { message: error.to_string() })?;
    done.await.map_err(|_| Error::db("the vacuum's thread ended"))?
}

/// The first writer migrates before anybody is served.
fn start(
    mut session: Session,
    queue: &Queue,
    shared: &Shared,
    first: Option<oneshot::Sender<Result<(), Error>>>,
) {
    if let Some(ready) = first {
        let migrated = session.connect().and_then(|()| super::migrate::postgres(&mut session));
        let failed = migrated.is_err();
        drop(ready.send(migrated));
        if failed {
            return;
        }
    }
    let mut tx = Tx::new(Link::Postgres(Box::new(session)), shared.counters.clone());
    let mut worker = queue.worker();
    while let Some(batch) = worker.next() {
        let late =
            |waiting: &Waiting| now().duration_since(waiting.since) > shared.limits.queue_patience;
        let (late, batch): (Vec<_>, Vec<_>) = batch.into_iter().partition(late);
        for Waiting { work, .. } in late {
            shared.counters.overloaded();
            work.answer(Some(Error::Overloaded));
        }
        serve_all(&mut tx, batch.into_iter().map(|waiting| waiting.work).collect(), shared);
    }
}

/// Runs a batch in one transaction, or each of its closures in one of its own, and answers.
fn serve_all(tx: &mut Tx, mut batch: Vec<Box<dyn Work>>, shared: &Shared) {
    let end = if batch.len() > 1 { together(tx, &mut batch, shared) } else { Together::Undone };
    for mut work in batch {
        let refusal = match end {
            Together::Stored => None,
            Together::Unknown => Some(Error::BatchLost),
            Together::Undone => transact(tx, &mut *work, shared),
        };
        work.answer(refusal);
    }
}

/// What became of a batch in one transaction.
enum Together {
    /// All of it is on disk.
    Stored,
    /// None of it is: one of them failed after it had written, or the database refused a statement
    /// of anybody's. Whoever fails before writing anything leaves nothing to undo.
    Undone,
    /// The line broke before the answer to the commit.
    Unknown,
}

/// Runs closures in one transaction, in order.
fn together(tx: &mut Tx, batch: &mut [Box<dyn Work>], shared: &Shared) -> Together {
    if session(tx).connect().is_err() {
        return Together::Undone;
    }
    session(tx).begin();
    let began = now();
    for work in &mut *batch {
        shared.counters.closure();
        session(tx).restart_clock();
        let before = session(tx).written();
        let ran = work.run(tx);
        let is_clean = match (&ran, tx.take_fault()) {
            (_, Some(_)) | (Ran::Panicked(_), _) => false,
            (Ran::Done, None) => true,
            (Ran::Refused, None) => session(tx).written() == before,
        };
        if !is_clean {
            drop(tx.take_leases());
            session(tx).rollback();
            shared.counters.rollback();
            return Together::Undone;
        }
    }
    let leases = tx.take_leases();
    match session(tx).commit() {
        Committed::No(_) => {
            session(tx).rollback();
            shared.counters.rollback();
            Together::Undone
        }
        Committed::Yes => {
            shared.counters.commit(batch.len(), began.elapsed());
            Together::Stored
        }
        Committed::Unknown => {
            shared.unheard.add(leases);
            shared.counters.trouble(&Error::BatchLost);
            Together::Unknown
        }
    }
}

/// Runs a closure in a transaction, again where that helps; returns the store's own refusal.
fn transact(tx: &mut Tx, work: &mut dyn Work, shared: &Shared) -> Option<Error> {
    let give_up = now() + shared.limits.reconnect_time;
    let mut attempt = 1;
    loop {
        let (refusal, again) = match session(tx).connect() {
            Ok(()) => attempt_once(tx, work, shared),
            Err(error) => (Some(error), Again::No),
        };
        let hopeless = match again {
            Again::No => true,
            Again::AfterConflict => attempt >= ATTEMPTS_MAX,
            Again::AfterLoss => now() > give_up,
        };
        if hopeless {
            if let Some(error) = &refusal {
                shared.counters.trouble(error);
            }
            return refusal;
        }
        shared.counters.retry();
        // Waits a little longer each time, so that those who met do not meet again.
        pause(Duration::from_millis(u64::from(attempt.min(ATTEMPTS_MAX).pow(2))));
        attempt += 1;
    }
}

/// Whether repeating a closure may help.
enum Again {
    No,
    AfterConflict,
    AfterLoss,
}

/// Runs a closure once. Returns the store's refusal and whether repeating may help.
fn attempt_once(tx: &mut Tx, work: &mut dyn Work, shared: &Shared) -> (Option<Error>, Again) {
    let reading = session(tx).mode() == Mode::Read;
    if reading {
        shared.counters.read();
    } else {
        shared.counters.closure();
    }
    session(tx).begin();
    let began = crate::db::wall::now();
    let ran = work.run(tx);
    let (fault, leases) = (tx.take_fault(), tx.take_leases());
    let (refusal, fault) = match (ran, fault) {
        (Ran::Done, None) => match session(tx).commit() {
            Committed::Yes if reading => return (None, Again::No),
            Committed::Yes => {
                shared.counters.commit(1, began.elapsed());
                return (None, Again::No);
            }
            Committed::Unknown if reading => (Some(Error::Retry), Some(Error::Retry)),
            Committed::Unknown => {
                shared.unheard.add(leases);
                return (Some(Error::BatchLost), Again::No);
            }
            Committed::No(error) => (Some(error.clone()), Some(error)),
        },
        (Ran::Done, Some(fault)) => (Some(fault.clone()), Some(fault)),
        (Ran::Refused, fault) => (None, fault),
        (Ran::Panicked(error), _) => (Some(error), None),
    };
    // A lost line before the commit means that nothing was stored.
    let lost = session(tx).is_lost();
    session(tx).rollback();
    if !reading {
        shared.counters.rollback();
    }
    let again = match fault {
        Some(_) if lost => Again::AfterLoss,
        Some(Error::Retry) => Again::AfterConflict,
        _ => Again::No,
    };
    (refusal, again)
}

/// The PostgreSQL session behind a transaction of this module's threads.
fn session<'t>(tx: &'t mut Tx<'_>) -> &'t mut Session {
    match &mut tx.link {
        Link::Postgres(session) => session,
        Link::Sqlite(_) => unreachable!("PostgreSQL's threads own PostgreSQL sessions only"),
    }
}
