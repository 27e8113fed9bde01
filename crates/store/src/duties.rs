//! Duties: what one node does for all of them, such as purging. A duty is a row; whoever holds it
//! proves that in each of its transactions, so a node that was paused cannot go on beside another.

use model::time::Micros;

use crate::{Error, Sql, Tx};

/// A duty as it was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Its name.
    pub name: &'static str,
    /// The node.
    pub holder: String,
    /// Grows by one each time that it is taken.
    pub epoch: i64,
}

const TAKE: Sql = Sql::both(
    "INSERT INTO duties (name, holder, held_until, epoch) VALUES ($1, $2, $3, 1) \
     ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, held_until = excluded.held_until, \
     epoch = duties.epoch + 1 WHERE duties.held_until <= $4 RETURNING epoch",
);

/// Takes a duty until a time, unless somebody holds it at `now`.
///
/// # Errors
/// What the database says.
pub fn take(
    tx: &mut Tx,
    name: &'static str,
    holder: &str,
    until: Micros,
    now: Micros,
) -> Result<Option<Held>, Error> {
    let values = [name.into(), holder.into(), until.into(), now.into()];
    let epoch = tx.query_opt(&TAKE, &values, |row| row.i64(0))?;
    Ok(epoch.map(|epoch| Held { name, holder: holder.to_owned(), epoch }))
}

const KEEP: Sql = Sql::both("UPDATE duties SET held_until = $3 WHERE name = $1 AND epoch = $2");

/// Keeps a duty until a later time, in the transaction that does some of it.
///
/// # Errors
/// `Stale` when somebody else has taken it.
pub fn keep(tx: &mut Tx, held: &Held, until: Micros) -> Result<(), Error> {
    let values = [held.name.into(), held.epoch.into(), until.into()];
    if tx.execute(&KEEP, &values)? == 1 { Ok(()) } else { Err(Error::Stale) }
}
