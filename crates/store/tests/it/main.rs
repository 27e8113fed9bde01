//! The port's conformance suite: written once, run on both databases.
#![allow(clippy::disallowed_methods, reason = "tests meet the real world")]
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod claims;
mod connections;
mod errors;
mod full;
mod inboxes;
mod inspectors;
mod job_lists;
mod limits;
mod lost;
mod migrations;
mod presence;
mod restorations;
mod retention;
mod runs;
mod scan;
mod statements;
mod tls;
mod transactions;
mod unheard;
mod values;

use store::{Dialect, Error, Sql, Store};

const CREATE: Sql = Sql::both(
    "CREATE TABLE items (id BIGINT PRIMARY KEY, name TEXT NOT NULL, size BIGINT CHECK (size > 0))",
);
const INSERT: Sql = Sql::both("INSERT INTO items (id, name, size) VALUES ($1, $2, $3)");
const IDS: Sql = Sql::both("SELECT id FROM items ORDER BY id");

/// A table to play with.
async fn create_items(store: &Store) {
    store.write(|tx| tx.push(&CREATE, &[])).await.unwrap();
}

async fn insert(store: &Store, id: i64) -> Result<(), Error> {
    store.write(move |tx| tx.push(&INSERT, &[id.into(), "name".into(), 1.into()])).await
}

async fn ids(store: &Store) -> Vec<i64> {
    store.read(|tx| tx.query(&IDS, &[], |row| row.i64(0))).await.unwrap()
}

fn is_sqlite(store: &Store) -> bool {
    store.dialect() == Dialect::Sqlite
}
