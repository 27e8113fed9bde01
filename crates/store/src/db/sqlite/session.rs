//! One SQLite connection with its time limit, and its prepared statements.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ffi::c_int;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::hooks::Wal;
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags, PrepFlags, Statement};

use super::errors::classify;
use crate::db::error::Error;
use crate::db::row::{Inner, Row};
use crate::db::sql::{Dialect, Sql, to_sqlite};
use crate::db::value::Value;
use crate::db::wall::{micros, now, pause};

/// Prepared statements kept for each connection; more are forgotten all together.
const STATEMENTS_MAX: usize = 512;
/// How long one process waits for another that holds the file, in milliseconds.
const BUSY_MS: u64 = 10_000;
/// Virtual machine steps between two looks at the clock; some tens of microseconds.
const STEPS_PER_LOOK: i32 = 10_000;

/// A connection owned by one thread.
pub(in crate::db) struct Session {
    connection: Connection,
    opened: Instant,
    /// Microseconds after `opened` at which statements are interrupted; `u64::MAX` for never.
    stop_at: Arc<AtomicU64>,
    /// Pages in the write-ahead log after this connection's last commit.
    log_pages: Arc<AtomicU64>,
}

impl Session {
    /// Opens the writing connection, creating the file when it is missing.
    pub(super) fn writer(path: &Path) -> Result<Self, Error> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|error| Error::Unavailable {
                message: format!("{}: {error}", folder.display()),
            })?;
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut session = Self::open(path, flags)?;
        // Pages freed by purging can be given back only when the file was created for it.
        session.batch("PRAGMA page_size = 4096; PRAGMA auto_vacuum = INCREMENTAL;")?;
        session.enter_wal()?;
        // SQLite walks the whole cache at the end of most transactions, so a large one is slow.
        session.batch("PRAGMA synchronous = FULL; PRAGMA cache_size = -8192;")?;
        session.watch_log()?;
        Ok(session)
    }

    /// Takes over SQLite's hook for checkpoints, which are made elsewhere, to count the log's
    /// pages.
    fn watch_log(&mut self) -> Result<(), Error> {
        let counted = Arc::clone(&self.log_pages);
        let count = move |_: &mut Wal, pages: c_int| {
            counted.store(u64::try_from(pages).unwrap_or(0), Relaxed);
            Ok(())
        };
        self.connection.wal_hook(Some(count)).map_err(|error| classify(&error))
    }

    /// Opens a connection that folds the log into the file.
    pub(super) fn checkpointer(path: &Path) -> Result<Self, Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let session = Self::open(path, flags)?;
        session.batch("PRAGMA synchronous = FULL; PRAGMA cache_size = -256;")?;
        Ok(session)
    }

    /// Copies what the log holds into the file, without waiting for anybody; returns the pages
    /// that the log has.
    pub(super) fn checkpoint(&self) -> Result<u64, Error> {
        let pages = |row: &rusqlite::Row<'_>| row.get::<_, i64>(1);
        let answer = self.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], pages);
        let pages = answer.map_err(|error| classify(&error))?;
        Ok(u64::try_from(pages).unwrap_or(0))
    }

    /// Pages in the log after the last commit of this connection.
    pub(super) fn log_pages(&self) -> u64 {
        self.log_pages.load(Relaxed)
    }

    /// Rows that this connection has changed since it was opened.
    pub(super) fn changes(&self) -> u64 {
        self.connection.total_changes()
    }

    /// Opens a connection that only reads.
    pub(super) fn reader(path: &Path) -> Result<Self, Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Self::open(path, flags)
    }

    /// Writes a copy of the database into a new file, packed.
    pub(super) fn copy_into(&self, to: &Path) -> Result<(), Error> {
        let mode = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
        let mode = self.connection.query_row("PRAGMA auto_vacuum", [], mode);
        // A file that cannot shrink stays as it is; the copy, which is laid out anew, will. Where
        // it is set already, setting it would write to the file.
        if mode.map_err(|error| classify(&error))? == 0 {
            self.batch("PRAGMA auto_vacuum = INCREMENTAL;")?;
        }
        let to = to.display().to_string();
        let copied = self.connection.execute("VACUUM INTO ?1", [&to]);
        copied.map(|_| ()).map_err(|error| match classify(&error) {
            error @ Error::Full => error,
            error => Error::Unavailable { message: format!("{to}: {error}") },
        })
    }

    /// Looks whether this is a database of Kapok and whole.
    pub(super) fn check(&self) -> Result<(), Error> {
        let text = |sql: &str| self.connection.query_row(sql, [], |row| row.get::<_, String>(0));
        text("SELECT stem FROM schema_migrations LIMIT 1")
            .map_err(|_| Error::db("it is no database of Kapok"))?;
        let found = text("PRAGMA quick_check(1)").map_err(|error| classify(&error))?;
        if found == "ok" { Ok(()) } else { Err(Error::db(format!("it is damaged: {found}"))) }
    }

    fn open(path: &Path, flags: OpenFlags) -> Result<Self, Error> {
        let mut connection = Connection::open_with_flags(path, flags).map_err(|error| {
            Error::Unavailable { message: format!("{}: {error}", path.display()) }
        })?;
        let busy = Duration::from_millis(BUSY_MS);
        connection.busy_timeout(busy).map_err(|error| classify(&error))?;
        let opened = now();
        let stop_at = Arc::new(AtomicU64::new(u64::MAX));
        let watched = Arc::clone(&stop_at);
        let late = move || micros(now().duration_since(opened)) > watched.load(Relaxed);
        connection
            .progress_handler(STEPS_PER_LOOK, Some(late))
            .map_err(|error| classify(&error))?;
        // Otherwise some statements are prepared again whenever other values are bound to them.
        connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
            .map_err(|error| classify(&error))?;
        let session = Self { connection, opened, stop_at, log_pages: Arc::default() };
        // No part of the file is mapped: each connection's map counts as resident memory.
        session.batch(
            "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY;",
        )?;
        Ok(session)
    }

    /// Switches to the write-ahead log. Two processes that start at once may meet here, where
    /// SQLite does not always wait by itself.
    fn enter_wal(&self) -> Result<(), Error> {
        let mut tries = 0;
        loop {
            let answer = self
                .connection
                .query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0));
            match answer {
                Ok(mode) if mode == "wal" => return Ok(()),
                Ok(mode) => return Err(Error::db(format!("the journal mode stays {mode}"))),
                Err(error) => match classify(&error) {
                    Error::Retry if tries < 100 => {
                        tries += 1;
                        pause(Duration::from_millis(50));
                    }
                    error => return Err(error),
                },
            }
        }
    }

    /// The connection, for migrations.
    pub(super) fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }

    /// Runs several commands without parameters.
    pub(super) fn batch(&self, text: &str) -> Result<(), Error> {
        self.connection.execute_batch(text).map_err(|error| classify(&error))
    }

    /// Runs a transaction command.
    pub(super) fn control(&self, text: &str) -> Result<(), Error> {
        let mut statement =
            self.connection.prepare_cached(text).map_err(|error| classify(&error))?;
        statement.raw_execute().map(|_| ()).map_err(|error| classify(&error))
    }

    /// Whether a transaction is open; a full disk or an interrupt may have ended it.
    pub(super) fn in_transaction(&self) -> bool {
        !self.connection.is_autocommit()
    }

    /// Interrupts statements that still run after this time; `None` lifts the limit.
    pub(super) fn limit(&self, time: Option<Duration>) {
        let at = time.map_or(u64::MAX, |time| {
            micros(now().duration_since(self.opened)).saturating_add(micros(time))
        });
        self.stop_at.store(at, Relaxed);
    }

    fn check_limit(&self) -> Result<(), Error> {
        let late = micros(now().duration_since(self.opened)) > self.stop_at.load(Relaxed);
        if late { Err(Error::Timeout) } else { Ok(()) }
    }
}

/// A session with its prepared statements. They are found by the address of the constant they come
/// from: rusqlite's own cache copies and hashes the whole text at each use.
pub(in crate::db) struct Line<'c> {
    pub(super) session: &'c Session,
    statements: HashMap<(usize, usize), Statement<'c>>,
}

impl<'c> Line<'c> {
    pub(super) fn new(session: &'c Session) -> Self {
        Self { session, statements: HashMap::new() }
    }

    /// Runs a statement; returns how many rows changed.
    pub(in crate::db) fn execute(&mut self, sql: &Sql, values: &[Value<'_>]) -> Result<u64, Error> {
        let statement = self.bound(sql, values)?;
        let changed = statement.raw_execute().map_err(|error| classify(&error));
        statement.clear_bindings();
        Ok(u64::try_from(changed?).unwrap_or(u64::MAX))
    }

    /// Runs a query and visits its rows.
    pub(in crate::db) fn query(
        &mut self,
        sql: &Sql,
        values: &[Value<'_>],
        visit: &mut dyn FnMut(&Row) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let statement = self.bound(sql, values)?;
        let mut rows = statement.raw_query();
        let visited = loop {
            match rows.next().map_err(|error| classify(&error)) {
                Ok(Some(row)) => {
                    if let Err(error) = visit(&Row(Inner::Sqlite(row))) {
                        break Err(error);
                    }
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        drop(rows);
        statement.clear_bindings();
        visited
    }

    /// The prepared statement with its values.
    fn bound(&mut self, sql: &Sql, values: &[Value<'_>]) -> Result<&mut Statement<'c>, Error> {
        self.session.check_limit()?;
        let text = sql.text(Dialect::Sqlite);
        if self.statements.len() >= STATEMENTS_MAX {
            self.statements.clear();
        }
        let statement = match self.statements.entry((text.as_ptr().addr(), text.len())) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let flags = PrepFlags::SQLITE_PREPARE_PERSISTENT;
                let prepared = self.session.connection.prepare_with_flags(&to_sqlite(text), flags);
                new.insert(prepared.map_err(|error| classify(&error))?)
            }
        };
        let (expected, given) = (statement.parameter_count(), values.len());
        if expected != given {
            let message = format!("{expected} values were expected, {given} given: {text}");
            return Err(Error::db(message));
        }
        for (i, value) in values.iter().enumerate() {
            statement.raw_bind_parameter(i + 1, Bound(value)).map_err(|error| classify(&error))?;
        }
        Ok(statement)
    }
}

struct Bound<'a>(&'a Value<'a>);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Null => ValueRef::Null,
            Value::Bool(v) => ValueRef::Integer(i64::from(*v)),
            Value::I64(v) => ValueRef::Integer(*v),
            Value::F64(v) => ValueRef::Real(*v),
            Value::Text(v) => ValueRef::Text(v.as_bytes()),
            Value::Bytes(v) => ValueRef::Blob(v),
        }))
    }
}
