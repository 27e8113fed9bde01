//! The port: one meaning on SQLite and on PostgreSQL.
//!
//! A use case hands over a closure and awaits its answer:
//!
//! ```ignore
//! let job = store.write(move |tx| jobs::claim(tx, &id)).await?;
//! let page = store.read(move |tx| jobs::list(tx, &query)).await?;
//! ```
//!
//! The closure is plain synchronous Rust. It runs on a thread that owns its connection, so it
//! must not block on anything but the transaction: scripts, hashes and sockets come before. It is
//! `Fn`, because a transaction may have to be repeated; it therefore must not have effects other
//! than through the transaction. `Err` rolls it back, and so does a panic.
//!
//! * **SQLite**: one writer thread runs waiting closures, up to 256 at a time, each in a savepoint
//!   of a shared transaction, commits them together and then answers. A pool of read-only
//!   connections answers reads from a snapshot.
//! * **PostgreSQL**: each thread owns one connection and runs one closure in one transaction at
//!   READ COMMITTED. Correctness comes from guarded updates (`… WHERE state = $2`, then the row
//!   count), not from isolation.
//!
//! Statements that both databases understand alike are the rule ([`Sql::both`]): times are BIGINT
//! microseconds, JSON is TEXT, ids are TEXT, conflicts use `ON CONFLICT`, answers `RETURNING`,
//! casts are `CAST(x AS BIGINT)`; sums on PostgreSQL are NUMERIC and need that cast.

mod error;
mod migrate;
mod postgres;
mod queue;
mod row;
mod sql;
mod sqlite;
mod stats;
mod tx;
mod unheard;
mod value;
mod wall;
mod work;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, mpsc};

pub use error::{Error, Source};
pub use migrate::migrations;
pub use postgres::presence;
pub use row::Row;
pub use sql::{Dialect, Select, Sql};
pub use sqlite::{backup, check};
pub use stats::Stats;
pub use tx::Tx;
pub use unheard::{Lease, Unheard};
pub use value::Value;

use queue::{Queue, Sharing};
use stats::Counters;

/// Where the data lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Options {
    /// One SQLite file; its folder is created when missing.
    Sqlite {
        /// The file.
        path: PathBuf,
    },
    /// A PostgreSQL 15+ database.
    Postgres {
        /// `postgres://user:password@host:port/database`.
        url: String,
    },
}

/// The bounds of a store. The defaults suit a small server.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Places in each queue; beyond them callers are refused at once.
    pub queue_places: usize,
    /// How long a caller waits for its turn before it is refused. A turn that came in time is
    /// never refused, however slow the disk.
    pub queue_patience: Duration,
    /// Closures in one SQLite commit.
    pub batch_max: usize,
    /// SQLite connections for reading.
    pub sqlite_readers: usize,
    /// PostgreSQL connections for writing.
    pub postgres_writers: usize,
    /// How many of them write as soon as there is something; the others are for full batches, and
    /// for what waits behind a slow closure. Two, measured on two cores: one prepares while the
    /// other waits for its commit, and more make the batches smaller.
    pub postgres_eager: usize,
    /// Closures in one PostgreSQL commit: fewer than on SQLite, for they hold their locks until
    /// then and other writers wait for these.
    pub postgres_batch_max: usize,
    /// PostgreSQL connections for reading.
    pub postgres_readers: usize,
    /// How long a read closure may take; a longer one holds back the log's checkpoint.
    pub read_time: Duration,
    /// How long a write closure may take.
    pub write_time: Duration,
    /// How long a request waits for a lost PostgreSQL connection to come back.
    pub reconnect_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            queue_places: 4_096,
            queue_patience: Duration::from_secs(1),
            batch_max: 256,
            sqlite_readers: 4,
            postgres_writers: 8,
            postgres_eager: 2,
            postgres_batch_max: 32,
            postgres_readers: 4,
            read_time: Duration::from_secs(10),
            write_time: Duration::from_secs(30),
            reconnect_time: Duration::from_secs(5),
        }
    }
}

// A node that never lived.
const TRIAL: Sql = Sql::both(
    "INSERT INTO nodes (id, name, version, lock_key, has_lock, started_at, seen_at, gone_at) \
     VALUES ('trial', 'trial', '', 0, FALSE, 0, 0, 0) \
     ON CONFLICT (id) DO UPDATE SET seen_at = nodes.seen_at + 1",
);

/// An open database. Clones share it; the last one dropped lets its threads end.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    dialect: Dialect,
    options: Options,
    writes: Arc<Queue>,
    reads: Arc<Queue>,
    counters: Counters,
    unheard: Unheard,
    /// Ends when the last thread has.
    ended: Mutex<mpsc::Receiver<()>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.writes.close();
        self.reads.close();
    }
}

/// What each thread of a store shares.
#[derive(Clone)]
struct Shared {
    limits: Limits,
    counters: Counters,
    unheard: Unheard,
}

impl Store {
    /// Opens the database, creating and migrating it as needed.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be opened, `Migration` when its schema is of a newer or
    /// changed version, `Db` otherwise.
    pub async fn open(options: &Options) -> Result<Self, Error> {
        Self::open_with(options, Limits::default()).await
    }

    /// As [`Store::open`], with other bounds than the default.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn open_with(options: &Options, limits: Limits) -> Result<Self, Error> {
        let (eager, batch) = match options {
            Options::Sqlite { .. } => (1, limits.batch_max),
            Options::Postgres { .. } => (limits.postgres_eager, limits.postgres_batch_max),
        };
        let alone = Sharing { eager: usize::MAX, batch: 1 };
        let writes = Arc::new(Queue::new(limits.queue_places, Sharing { eager, batch }));
        let reads = Arc::new(Queue::new(limits.queue_places, alone));
        let counters = Counters::default();
        let unheard = Unheard::default();
        let shared = Shared { limits, counters: counters.clone(), unheard: unheard.clone() };
        let (alive, ended) = mpsc::channel(1);
        let (dialect, ended) = match options {
            Options::Sqlite { .. } => (Dialect::Sqlite, Mutex::new(ended)),
            Options::Postgres { .. } => (Dialect::Postgres, Mutex::new(ended)),
        };
        // Made before the threads start: should opening fail, dropping it ends those that run.
        let inner = Arc::new(Inner {
            dialect,
            options: options.clone(),
            writes,
            reads,
            counters,
            unheard,
            ended,
        });
        match options {
            Options::Sqlite { path } => {
                sqlite::open(path, &inner.writes, &inner.reads, &shared, &alive).await?;
            }
            Options::Postgres { url } => {
                postgres::open(url, &inner.writes, &inner.reads, &shared, &alive).await?;
            }
        }
        Ok(Self { inner })
    }

    /// Runs a closure in a write transaction and answers once it is committed and on disk.
    ///
    /// # Errors
    /// The closure's own error, or the store's: see [`Error`].
    pub async fn write<T, E, F>(&self, closure: F) -> Result<T, E>
    where
        F: Fn(&mut Tx) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.ask(&self.inner.writes, work::pack(closure, None)).await
    }

    /// As [`Store::write`]; what was committed is handed on by `then`, on the thread that committed
    /// it and before the answer, whether or not the caller still waits for one. It must be short.
    ///
    /// # Errors
    /// As [`Store::write`]; `then` is dropped.
    pub async fn write_then<T, E, F>(
        &self,
        closure: F,
        then: impl FnOnce() + Send + 'static,
    ) -> Result<T, E>
    where
        F: Fn(&mut Tx) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.ask(&self.inner.writes, work::pack(closure, Some(Box::new(then)))).await
    }

    /// Runs a closure on a snapshot; statements that write are refused.
    ///
    /// # Errors
    /// The closure's own error, or the store's; `Timeout` when it took too long.
    pub async fn read<T, E, F>(&self, closure: F) -> Result<T, E>
    where
        F: Fn(&mut Tx) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.ask(&self.inner.reads, work::pack(closure, None)).await
    }

    async fn ask<T, E>(&self, queue: &Queue, packed: work::Packed<T, E>) -> Result<T, E>
    where
        E: From<Error>,
    {
        let (work, answer) = packed;
        if let Err(refusal) = queue.add(work) {
            self.inner.counters.overloaded();
            return Err(E::from(refusal));
        }
        // Without an answer the thread has died, perhaps after the commit.
        answer.await.unwrap_or_else(|_| Err(E::from(Error::BatchLost)))
    }

    /// Has PostgreSQL make the room of deleted rows usable again, table by table, and return what
    /// is free at the end of one to the disk. Nobody waits for it. SQLite has nothing to do here.
    ///
    /// # Errors
    /// What the database says.
    pub async fn vacuum(&self, tables: &'static [&'static str]) -> Result<(), Error> {
        match &self.inner.options {
            Options::Sqlite { .. } => Ok(()),
            Options::Postgres { url } => {
                postgres::vacuum(url.clone(), self.inner.counters.clone(), tables).await
            }
        }
    }

    /// Which database this is.
    pub fn dialect(&self) -> Dialect {
        self.inner.dialect
    }

    /// The counters so far.
    pub fn stats(&self) -> Stats {
        let waiting = self.inner.writes.waiting() + self.inner.reads.waiting();
        let waiting = u64::try_from(waiting).unwrap_or(u64::MAX);
        Stats { waiting, ..self.inner.counters.snapshot() }
    }

    /// Leases that this node may hold without having heard of it.
    pub fn unheard(&self) -> &Unheard {
        &self.inner.unheard
    }

    /// Whether changes can be stored. Only when one was refused since the last call is that tried,
    /// with a small write of its own.
    ///
    /// # Errors
    /// What is in the way: `Full`, `Unavailable`, or what the trial says.
    pub async fn is_storing(&self) -> Result<(), Error> {
        match self.inner.counters.take_trouble() {
            None => Ok(()),
            // A trial that fails is noted as the refusal it is.
            Some(_) => self.write(|tx| tx.push(&TRIAL, &[])).await.inspect_err(|error| {
                self.inner.counters.trouble(error);
            }),
        }
    }

    /// Stops taking work, finishes what is queued, folds SQLite's log into its file and waits for
    /// the threads to end. Later calls are refused with `Unavailable`.
    pub async fn close(&self) {
        self.inner.writes.close();
        self.inner.reads.close();
        // Nobody sends; the channel ends when the last thread drops its sender.
        let _ended = self.inner.ended.lock().await.recv().await;
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("dialect", &self.inner.dialect).finish_non_exhaustive()
    }
}

/// Starts a thread that serves a queue. Should it panic outside of a closure, the queue is closed
/// and emptied, so that callers fail instead of waiting for ever.
fn serve(
    name: String,
    queue: &Arc<Queue>,
    alive: &mpsc::Sender<()>,
    body: impl FnOnce(&Queue) + Send + 'static,
) -> Result<(), Error> {
    struct Guard(Arc<Queue>);
    impl Drop for Guard {
        fn drop(&mut self) {
            if std::thread::panicking() {
                self.0.close();
                self.0.clear();
            }
        }
    }
    let (queue, alive) = (Arc::clone(queue), alive.clone());
    // What is handed on after a commit may start a task.
    let tasks = tokio::runtime::Handle::try_current().ok();
    std::thread::Builder::new()
        .name(name)
        .spawn(move || {
            let _tasks = tasks.as_ref().map(tokio::runtime::Handle::enter);
            let guard = Guard(queue);
            body(&guard.0);
            drop(alive);
        })
        .map(|_| ())
        .map_err(|error| Error::Unavailable { message: error.to_string() })
}
