//! How spaces deliver: policies and pauses, one row for each space that changed something.

use model::delivery::Settings;
use model::id::SpaceId;

use crate::{Error, Sql, Tx, Value};

const OF_SPACE: Sql = Sql::both(
    "SELECT space_id, paused, paused_by, paused_at, policy, retention, notices, \
     version FROM delivery_settings WHERE space_id = $1",
);

/// The settings of a space; the defaults when it never changed them.
///
/// # Errors
/// What the database says.
pub fn of_space(tx: &mut Tx, space: &SpaceId) -> Result<Settings, Error> {
    let found = tx.query_opt(&OF_SPACE, &[space.into()], |row| {
        Ok(Settings {
            space_id: SpaceId(row.text(0)?),
            paused: row.bool(1)?,
            paused_by: row.opt_text(2)?,
            paused_at: row.opt_micros(3)?,
            policy: row.json(4)?,
            retention: row.opt_json(5)?,
            notices: row.opt_json(6)?.unwrap_or_default(),
            version: row.i64(7)?,
        })
    })?;
    Ok(found.unwrap_or_else(|| Settings::new(space.clone())))
}

const SAVE: Sql = Sql::both(
    "INSERT INTO delivery_settings \
     (space_id, paused, paused_by, paused_at, policy, retention, notices, version) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, CAST($8 AS BIGINT) + 1) \
     ON CONFLICT (space_id) DO UPDATE SET paused = excluded.paused, \
     paused_by = excluded.paused_by, paused_at = excluded.paused_at, policy = excluded.policy, \
     retention = excluded.retention, notices = excluded.notices, version = excluded.version \
     WHERE delivery_settings.version = excluded.version - 1",
);

/// Stores settings, whose `version` is the one they were read with, and bumps the generation of
/// the space's webhooks, so that every node reads them anew; `false` when they have moved since.
///
/// # Errors
/// What the database says.
pub fn save(tx: &mut Tx, settings: &Settings) -> Result<bool, Error> {
    let policy = serde_json::to_string(&settings.policy)
        .map_err(|error| Error::db(format!("a delivery policy: {error}")))?;
    let notices = serde_json::to_string(&settings.notices)
        .map_err(|error| Error::db(format!("settings of notices: {error}")))?;
    let values = [
        (&settings.space_id).into(),
        settings.paused.into(),
        settings.paused_by.as_ref().into(),
        settings.paused_at.into(),
        Value::from(policy),
        settings.retention.as_ref().into(),
        Value::from(notices),
        settings.version.into(),
    ];
    let saved = tx.execute(&SAVE, &values)? == 1;
    if saved {
        crate::webhooks::bump(tx, &settings.space_id)?;
    }
    Ok(saved)
}
