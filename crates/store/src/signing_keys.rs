//! Keys that sign deliveries. A change of one moves the generation of its space's webhooks, since
//! what was compiled for delivery holds the keys.

use model::Audit;
use model::id::{SigningKeyId, SpaceId};
use model::signing::{Kind, SigningKey, State};

use crate::webhooks::bump;
use crate::{Error, Row, Sql, Tx};

const INSERT: Sql = Sql::both(
    "INSERT INTO signing_keys (id, space_id, kind, state, sealed, public_key, retires_at, \
     created_at, created_by, updated_at, updated_by) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
);

/// Stores a new key.
///
/// # Errors
/// What the database says.
pub fn insert(tx: &mut Tx, key: &SigningKey) -> Result<(), Error> {
    tx.push(
        &INSERT,
        &[
            (&key.id).into(),
            (&key.space_id).into(),
            key.kind.as_str().into(),
            key.state.as_str().into(),
            (&key.sealed).into(),
            key.public_key.as_ref().into(),
            key.retires_at.into(),
            key.audit.created_at.into(),
            (&key.audit.created_by).into(),
            key.audit.updated_at.into(),
            (&key.audit.updated_by).into(),
        ],
    )?;
    bump(tx, &key.space_id)
}

const UPDATE: Sql = Sql::both(
    "UPDATE signing_keys SET state = $3, retires_at = $4, updated_at = $5, updated_by = $6 \
     WHERE id = $1 AND state = $2",
);

/// Moves a key from one state to that of `key`; `false` when it was in another.
///
/// # Errors
/// What the database says.
pub fn update(tx: &mut Tx, from: State, key: &SigningKey) -> Result<bool, Error> {
    let changed = tx.execute(
        &UPDATE,
        &[
            (&key.id).into(),
            from.as_str().into(),
            key.state.as_str().into(),
            key.retires_at.into(),
            key.audit.updated_at.into(),
            (&key.audit.updated_by).into(),
        ],
    )?;
    if changed == 1 {
        bump(tx, &key.space_id)?;
    }
    Ok(changed == 1)
}

const RESEAL: Sql = Sql::both("UPDATE signing_keys SET sealed = $3 WHERE id = $1 AND sealed = $2");

/// Replaces a sealed secret by the same one sealed anew; `false` when it was another.
///
/// # Errors
/// What the database says.
pub fn reseal(tx: &mut Tx, key: &SigningKey, sealed: &str) -> Result<bool, Error> {
    let values = [(&key.id).into(), (&key.sealed).into(), sealed.into()];
    Ok(tx.execute(&RESEAL, &values)? == 1)
}

const OF_SPACE: Sql = Sql::both(
    "SELECT id, space_id, kind, state, sealed, public_key, retires_at, created_at, created_by, \
     updated_at, updated_by FROM signing_keys WHERE space_id = $1 ORDER BY created_at, id",
);

/// The keys of a space, oldest first.
///
/// # Errors
/// What the database says.
pub fn of_space(tx: &mut Tx, space: &SpaceId) -> Result<Vec<SigningKey>, Error> {
    tx.query(&OF_SPACE, &[space.into()], read)
}

const ALL: Sql = Sql::both(
    "SELECT id, space_id, kind, state, sealed, public_key, retires_at, created_at, created_by, \
     updated_at, updated_by FROM signing_keys ORDER BY id",
);

/// The keys of every space, for sealing them anew.
///
/// # Errors
/// What the database says.
pub fn all(tx: &mut Tx) -> Result<Vec<SigningKey>, Error> {
    tx.query(&ALL, &[], read)
}

const BY_ID: Sql = Sql::both(
    "SELECT id, space_id, kind, state, sealed, public_key, retires_at, created_at, created_by, \
     updated_at, updated_by FROM signing_keys WHERE space_id = $1 AND id = $2",
);

/// Finds a key of a space by its id.
///
/// # Errors
/// What the database says.
pub fn by_id(tx: &mut Tx, space: &SpaceId, id: &SigningKeyId) -> Result<Option<SigningKey>, Error> {
    tx.query_opt(&BY_ID, &[space.into(), id.into()], read)
}

fn read(row: &Row) -> Result<SigningKey, Error> {
    let (kind, state) = (row.text(2)?, row.text(3)?);
    Ok(SigningKey {
        id: SigningKeyId(row.text(0)?),
        space_id: SpaceId(row.text(1)?),
        kind: Kind::parse(&kind).ok_or_else(|| Error::db(format!("a signing key is {kind}")))?,
        state: State::parse(&state)
            .ok_or_else(|| Error::db(format!("a signing key is {state}")))?,
        sealed: row.text(4)?,
        public_key: row.opt_text(5)?,
        retires_at: row.opt_micros(6)?,
        audit: Audit {
            created_at: row.micros(7)?,
            created_by: row.text(8)?,
            updated_at: row.micros(9)?,
            updated_by: row.text(10)?,
        },
    })
}
