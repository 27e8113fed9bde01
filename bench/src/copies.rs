//! Filling a database with copies of what the server has written: a million requests would take
//! longer than anybody waits.

use std::fs::File;
use std::path::Path;

use anyhow::Result;
use rusqlite::{Connection, Transaction};

use crate::watch;

/// Writes to the database of a server that has ended. All of it is on the disk afterwards, so that
/// the next server's first commit does not have to wait for it.
pub(crate) fn fill(data: &Path, write: impl FnOnce(&Transaction<'_>) -> Result<()>) -> Result<()> {
    let file = watch::file(data)?;
    let mut connection = Connection::open(&file)?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    let transaction = connection.transaction()?;
    write(&transaction)?;
    transaction.commit()?;
    connection.pragma_update(None, "wal_checkpoint", "TRUNCATE").ok();
    drop(connection);
    Ok(File::open(file)?.sync_all()?)
}

/// Copies a row `c` so many times; `column` gives each column's value, in which `n` counts from 1.
pub(crate) fn copy(
    tx: &Transaction<'_>,
    (table, row): (&str, &str),
    count: u64,
    column: impl Fn(&str) -> String,
) -> Result<()> {
    let columns: Vec<String> = tx
        .prepare("SELECT name FROM pragma_table_info(?1)")?
        .query_map([table], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let values: Vec<String> = columns.iter().map(|name| column(name)).collect();
    let text = format!(
        "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers \
         WHERE n < {count}) INSERT INTO {table} ({}) SELECT {} FROM numbers, \
         (SELECT * FROM {table} WHERE {row}) c",
        columns.join(", "),
        values.join(", "),
    );
    tx.execute(&text, [])?;
    Ok(())
}
