//! Spaces whose workflow engine a person has stopped: their runs are not claimed.

use crate::{Error, Sql, Tx};
use model::id::SpaceId;
use model::time::Micros;

/// When an engine was stopped, and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// When.
    pub at: Micros,
    /// The username.
    pub by: String,
}

const STOP: Sql = Sql::both(
    "INSERT INTO stopped_engines (space_id, stopped_at, stopped_by) VALUES ($1, $2, $3) \
     ON CONFLICT DO NOTHING",
);

/// Stops the engine of a space; it stays stopped by whoever was first.
///
/// # Errors
/// Those of the store.
pub fn stop(tx: &mut Tx, space: &SpaceId, stopped: &Stopped) -> Result<(), Error> {
    tx.push(&STOP, &[space.into(), stopped.at.into(), (&stopped.by).into()])
}

const START: Sql = Sql::both("DELETE FROM stopped_engines WHERE space_id = $1");

/// Starts it again.
///
/// # Errors
/// Those of the store.
pub fn start(tx: &mut Tx, space: &SpaceId) -> Result<(), Error> {
    tx.push(&START, &[space.into()])
}

const OF_SPACE: Sql =
    Sql::both("SELECT stopped_at, stopped_by FROM stopped_engines WHERE space_id = $1");

/// Who stopped the engine of a space; `None`: it runs.
///
/// # Errors
/// Those of the store.
pub fn of_space(tx: &mut Tx, space: &SpaceId) -> Result<Option<Stopped>, Error> {
    tx.query_opt(&OF_SPACE, &[space.into()], |row| {
        Ok(Stopped { at: row.micros(0)?, by: row.text(1)? })
    })
}

const ALL: Sql = Sql::both("SELECT space_id FROM stopped_engines");

/// All spaces whose engine is stopped; there are few.
///
/// # Errors
/// Those of the store.
pub fn all(tx: &mut Tx) -> Result<Vec<SpaceId>, Error> {
    tx.query(&ALL, &[], |row| Ok(SpaceId(row.text(0)?)))
}
