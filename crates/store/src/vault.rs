//! The proof by which a node recognises the master key of this database's secrets.

use model::time::Micros;

use crate::{Error, Sql, Tx};

const PROOF: Sql = Sql::both("SELECT sealed FROM vault WHERE name = 'proof'");

/// What a node with the right key can open; `None` before the first secret key was chosen.
///
/// # Errors
/// What the database says.
pub fn proof(tx: &mut Tx) -> Result<Option<String>, Error> {
    tx.query_opt(&PROOF, &[], |row| row.text(0))
}

const CLAIM: Sql = Sql::both(
    "INSERT INTO vault (name, sealed, updated_at) VALUES ('proof', $1, $2) \
     ON CONFLICT (name) DO NOTHING",
);

/// Stores the first proof; `false` when another node was faster.
///
/// # Errors
/// What the database says.
pub fn claim(tx: &mut Tx, sealed: &str, now: Micros) -> Result<bool, Error> {
    Ok(tx.execute(&CLAIM, &[sealed.into(), now.into()])? == 1)
}

const REPLACE: Sql =
    Sql::both("UPDATE vault SET sealed = $1, updated_at = $2 WHERE name = 'proof'");

/// Replaces the proof, for a new master key.
///
/// # Errors
/// What the database says.
pub fn replace(tx: &mut Tx, sealed: &str, now: Micros) -> Result<(), Error> {
    tx.push(&REPLACE, &[sealed.into(), now.into()])
}
