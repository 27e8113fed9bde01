//! History that is older than it is, for tests of what becomes of old history.

use store::{Error, Sql, Store};

const AGE: [Sql; 4] = [
    Sql::both(
        "UPDATE events SET created_at = created_at - $1, \
         payload_removed_at = payload_removed_at - $1",
    ),
    Sql::both(
        "UPDATE jobs SET created_at = created_at - $1, updated_at = updated_at - $1, \
         scheduled_at = scheduled_at - $1, started_at = started_at - $1, \
         finished_at = finished_at - $1",
    ),
    Sql::both(
        "UPDATE runs SET created_at = created_at - $1, updated_at = updated_at - $1, \
         finished_at = finished_at - $1",
    ),
    Sql::both("UPDATE inspections SET at = at - $1"),
];

/// Makes all history of a database so many days older.
///
/// # Panics
/// When the database cannot do it.
pub async fn age(store: &Store, days: i64) {
    let us = days * 24 * 60 * 60 * 1_000_000;
    let aged = store
        .write::<_, Error, _>(move |tx| AGE.iter().try_for_each(|sql| tx.push(sql, &[us.into()])));
    aged.await.expect("history can be made older");
}
