//! SQLite: one writer thread with group commit, and a pool of read-only snapshots.

mod checkpoint;
pub(super) mod column;
mod errors;
mod session;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

pub(super) use session::{Line, Session};

use super::error::Error;
use super::queue::{Queue, Waiting};
use super::tx::{Link, Tx};
use super::work::{Ran, Work};
use super::{Shared, serve};
use checkpoint::Checkpoints;

/// Opens the file, migrates it and starts the threads.
pub(super) async fn open(
    path: &Path,
    writes: &Arc<Queue>,
    reads: &Arc<Queue>,
    shared: &Shared,
    alive: &mpsc::Sender<()>,
) -> Result<(), Error> {
    let (ready, opened) = oneshot::channel();
    let (file, own, beside) = (path.to_owned(), shared.clone(), alive.clone());
    serve("store-writer".to_owned(), writes, alive, move |queue| {
        let session = Session::writer(&file).and_then(|mut session| {
            super::migrate::sqlite(session.connection())?;
            let checkpoints = Checkpoints::default();
            let checkpointer = Session::checkpointer(&file)?;
            checkpoints.start(checkpointer, own.counters.clone(), &beside)?;
            Ok((session, checkpoints))
        });
        drop(beside);
        match session {
            Ok((session, checkpoints)) => {
                own.counters.connect();
                drop(ready.send(Ok(())));
                let line = Link::Sqlite(Line::new(&session));
                let tx = Tx::new(line, own.counters.clone());
                writer::run(tx, queue, &own, checkpoints);
            }
            Err(error) => drop(ready.send(Err(error))),
        }
    })?;
    opened.await.map_err(|_| Error::db("the writer thread ended at its start"))??;
    for number in 0..shared.limits.sqlite_readers {
        start_reader(path.to_owned(), number, reads, shared, alive).await?;
    }
    Ok(())
}

async fn start_reader(
    path: PathBuf,
    number: usize,
    reads: &Arc<Queue>,
    shared: &Shared,
    alive: &mpsc::Sender<()>,
) -> Result<(), Error> {
    let (ready, opened) = oneshot::channel();
    let own = shared.clone();
    serve(format!("store-reader-{number}"), reads, alive, move |queue| {
        match Session::reader(&path) {
            Ok(session) => {
                own.counters.connect();
                drop(ready.send(Ok(())));
                let line = Link::Sqlite(Line::new(&session));
                let tx = Tx::new(line, own.counters.clone());
                read(tx, queue, &own);
            }
            Err(error) => drop(ready.send(Err(error))),
        }
    })?;
    opened.await.map_err(|_| Error::db("a reader thread ended at its start"))?
}

/// Copies a database file as it is at this moment, while others may write to it. The copy gives
/// back the room of what is purged even where the original, made by other means, does not.
///
/// # Errors
/// `Unavailable` when there is no such file or the copy cannot be written.
pub fn backup(path: &Path, to: &Path) -> Result<(), Error> {
    Session::reader(path)?.copy_into(to)
}

/// Looks whether a file holds a database of Kapok and is whole.
///
/// # Errors
/// What is wrong with it.
pub fn check(path: &Path) -> Result<(), Error> {
    Session::reader(path)?.check()
}

/// Serves reads until the queue is closed.
fn read(mut tx: Tx<'_>, queue: &Queue, shared: &Shared) {
    let mut worker = queue.worker();
    while let Some(batch) = worker.next() {
        for Waiting { work, since } in batch {
            if super::wall::now().duration_since(since) > shared.limits.queue_patience {
                shared.counters.overloaded();
                work.answer(Some(Error::Overloaded));
            } else {
                read_one(&mut tx, work, shared);
            }
        }
    }
}

fn read_one(tx: &mut Tx<'_>, mut work: Box<dyn Work>, shared: &Shared) {
    shared.counters.read();
    session(tx).limit(Some(shared.limits.read_time));
    let refusal = match session(tx).control("BEGIN") {
        Err(error) => Some(error),
        Ok(()) => match work.run(tx) {
            Ran::Done => tx.take_fault(),
            Ran::Refused => tx.take_fault().and(None),
            Ran::Panicked(error) => Some(error),
        },
    };
    drop(tx.take_fault());
    session(tx).limit(None);
    if let Err(error) = session(tx).control("ROLLBACK") {
        tracing::debug!(%error, "a snapshot ended by itself");
    }
    work.answer(refusal);
}

/// The SQLite session behind a transaction of this module's threads.
fn session<'c>(tx: &Tx<'c>) -> &'c Session {
    match &tx.link {
        Link::Sqlite(line) => line.session,
        Link::Postgres(_) => unreachable!("SQLite's threads own SQLite sessions only"),
    }
}
