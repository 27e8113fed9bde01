//! The life of a database: a name that it keeps, and a number that only grows. The number is also
//! kept outside of the database, so that an older copy in its place is noticed.

use crate::{Error, Sql, Tx};

/// Which database this is, and how far its life has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Life {
    /// The name that it got when it was made.
    pub id: String,
    /// Grows with every start, every minute, and every stop.
    pub beat: i64,
}

const READ: Sql = Sql::both("SELECT id, beat FROM lives");

/// The life of this database; none before its first beat.
///
/// # Errors
/// What the database says.
pub fn read(tx: &mut Tx) -> Result<Option<Life>, Error> {
    tx.query_opt(&READ, &[], |row| Ok(Life { id: row.text(0)?, beat: row.i64(1)? }))
}

const BEGIN: Sql = Sql::both(
    "INSERT INTO lives (slot, id, beat) VALUES (1, $1, $2) ON CONFLICT (slot) DO NOTHING",
);
const BEAT: Sql = Sql::both("UPDATE lives SET beat = beat + 1 RETURNING id, beat");

/// Lets the number grow. A database without a name gets this one; a copy that was recognised goes
/// on from at least the number that `from` says.
///
/// # Errors
/// What the database says.
pub fn beat(tx: &mut Tx, name: &str, from: i64) -> Result<Life, Error> {
    tx.execute(&BEGIN, &[name.into(), from.into()])?;
    tx.push(&RAISE, &[from.into()])?;
    tx.query_one(&BEAT, &[], |row| Ok(Life { id: row.text(0)?, beat: row.i64(1)? }))
}

const RAISE: Sql = Sql::both("UPDATE lives SET beat = $1 WHERE beat < $1");
