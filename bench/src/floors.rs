//! The floors: what the same machine does in the same minute without the server.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rusqlite::Connection;

/// Rows that share a commit, as many as there are callers by default.
const BATCH_ROWS: usize = 64;
/// Bytes of a row.
const ROW_BYTES: usize = 1_024;

/// Rows a second of bare group commit: SQLite in WAL mode with `synchronous=FULL`, one writer,
/// rows of 1 KiB, 64 to a commit.
pub(crate) fn group_commit(dir: &Path, time: Duration) -> Result<f64> {
    let folder = tempfile::tempdir_in(dir).context("cannot make a folder for the floor")?;
    let mut connection = Connection::open(folder.path().join("floor.db"))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute_batch("CREATE TABLE rows (id INTEGER PRIMARY KEY, body TEXT NOT NULL)")?;
    let body = "x".repeat(ROW_BYTES);
    let started = Instant::now();
    let mut rows = 0usize;
    while started.elapsed() < time {
        let transaction = connection.transaction()?;
        {
            let mut insert = transaction.prepare_cached("INSERT INTO rows (body) VALUES (?1)")?;
            for _ in 0..BATCH_ROWS {
                insert.execute([&body])?;
            }
        }
        transaction.commit()?;
        rows += BATCH_ROWS;
    }
    Ok(rows as f64 / started.elapsed().as_secs_f64())
}
