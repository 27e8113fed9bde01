//! Sees runs end: looks into the database every millisecond, from outside of the server, so
//! that what it sees is committed. The API tells changes in batches and would not do.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use rusqlite::{Connection, OpenFlags};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use crate::load::{MARKER_DIGITS, MARKER_PREFIX};
use crate::measure::now_micros;

/// Time between two looks.
const LOOK: Duration = Duration::from_millis(1);

const NEWEST: &str = "SELECT coalesce(max(id), 0) FROM runs";
const RUNS: &str = "SELECT id, state FROM runs WHERE id > $1 ORDER BY id";
const MARKERS: &str = "SELECT run_id, inputs FROM tasks WHERE run_id > $1 AND node_id = 'n1'";

/// The database to look into.
#[derive(Clone)]
pub(crate) enum Database {
    /// The folder of SQLite's file.
    Sqlite(PathBuf),
    /// PostgreSQL, by its URL.
    Postgres(String),
}

enum Link {
    Sqlite(Connection),
    Postgres(Box<tokio_postgres::Client>),
}

/// A watch under way.
pub(crate) struct Watch {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<Seen>>,
    count: watch::Receiver<usize>,
}

/// When each run was first seen complete, by the marker that its node `n1` was given.
pub(crate) type Seen = HashMap<u64, i64>;

impl Watch {
    /// Begins with the next run.
    pub(crate) async fn begin(database: &Database) -> Result<Watch> {
        let mut link = Link::open(database).await?;
        let newest = link.pairs(NEWEST, None).await?.first().map_or(0, |(id, _)| *id);
        let (stop, stopped) = oneshot::channel();
        let (counted, count) = watch::channel(0);
        Ok(Watch { stop, task: tokio::spawn(look(link, newest, stopped, counted)), count })
    }

    /// Ends.
    pub(crate) async fn end(self) -> Result<Seen> {
        drop(self.stop);
        self.task.await?
    }

    /// Ends once a run is complete; when that of the marker was.
    pub(crate) async fn until(mut self, marker: u64) -> Result<i64> {
        self.count.wait_for(|count| *count > 0).await?;
        self.end().await?.get(&marker).copied().context("another run was complete")
    }
}

/// Numbers that are looked at again: a run is seen once it is committed, and on PostgreSQL those
/// with higher numbers may be before it.
const SLACK: i64 = 1_000;

async fn look(
    mut link: Link,
    newest: i64,
    mut stopped: oneshot::Receiver<()>,
    counted: watch::Sender<usize>,
) -> Result<Seen> {
    let mut seen: HashMap<i64, i64> = HashMap::new();
    // All runs up to this one are complete.
    let mut floor = newest;
    while stopped.try_recv() == Err(oneshot::error::TryRecvError::Empty) {
        let rows = link.pairs(RUNS, Some(floor)).await?;
        let now = now_micros();
        let mut all = true;
        for (id, state) in rows {
            let is_complete = state == "Complete";
            if is_complete {
                seen.entry(id).or_insert(now);
            }
            all &= is_complete;
            if all {
                floor = floor.max(id - SLACK);
            }
        }
        // Nobody need wait for the first.
        let _ = counted.send(seen.len());
        tokio::time::sleep(LOOK).await;
    }
    let marked = link.pairs(MARKERS, Some(newest)).await?;
    let pair = |(run, inputs): &(i64, String)| Some((marker(inputs)?, *seen.get(run)?));
    Ok(marked.iter().filter_map(pair).collect())
}

fn marker(inputs: &str) -> Option<u64> {
    let at = inputs.find(MARKER_PREFIX)? + MARKER_PREFIX.len();
    inputs.get(at..at + MARKER_DIGITS)?.parse().ok()
}

/// The database file in a folder.
pub(crate) fn file(data: &Path) -> Result<PathBuf> {
    std::fs::read_dir(data)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|kind| kind == "db"))
        .context("the server left no database")
}

impl Link {
    async fn open(database: &Database) -> Result<Link> {
        match database {
            Database::Sqlite(folder) => {
                let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
                Ok(Link::Sqlite(Connection::open_with_flags(file(folder)?, flags)?))
            }
            Database::Postgres(url) => {
                let (client, connection) =
                    tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
                tokio::spawn(connection);
                Ok(Link::Postgres(Box::new(client)))
            }
        }
    }

    /// Rows of a number and, where there is one, a text.
    async fn pairs(&mut self, text: &str, value: Option<i64>) -> Result<Vec<(i64, String)>> {
        match self {
            Link::Sqlite(connection) => {
                let mut statement = connection.prepare_cached(text)?;
                let rows = statement.query_map(rusqlite::params_from_iter(value), |row| {
                    Ok((row.get(0)?, row.get(1).unwrap_or_default()))
                })?;
                Ok(rows.collect::<Result<_, _>>()?)
            }
            Link::Postgres(client) => {
                let rows = match &value {
                    Some(value) => client.query(text, &[value]).await?,
                    None => client.query(text, &[]).await?,
                };
                let pair = |row: &tokio_postgres::Row| {
                    Ok((row.try_get(0)?, row.try_get(1).unwrap_or_default()))
                };
                rows.iter().map(pair).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_are_read_out_of_inputs() {
        assert_eq!(marker(r#"{"input":"marker-000000000042"}"#), Some(42));
        assert_eq!(marker(r#"{"input":""}"#), None);
    }
}
