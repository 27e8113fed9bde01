//! Webhooks, and the generation that grows with every change of one.

use model::Audit;
use model::id::{KappId, SpaceId, WebhookId};
use model::time::Micros;
use model::webhook::Webhook;

use crate::{Error, Row, Sql, Tx, Value};

macro_rules! select {
    ($tail:literal) => {
        Sql::both(concat!(
            "SELECT id, space_id, kapp_id, name, type_name, event, filter, url, auth_strategy, ",
            "enabled, version, created_at, created_by, updated_at, updated_by, disabled_reason, ",
            "paused, delivery, request FROM webhooks ",
            $tail
        ))
    };
}

const INSERT: Sql = Sql::both(
    "INSERT INTO webhooks (id, space_id, kapp_id, name, type_name, event, filter, url, \
     auth_strategy, enabled, version, created_at, created_by, updated_at, updated_by, \
     disabled_reason, paused, delivery, request) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, \
     $11, $12, $13, $14, $15, $16, $17, $18, $19)",
);

/// Stores a new webhook and bumps its space's generation.
///
/// # Errors
/// `Unique` when its space or kapp has one of that name.
pub fn insert(tx: &mut Tx, webhook: &Webhook) -> Result<(), Error> {
    let w = webhook;
    tx.push(
        &INSERT,
        &[
            (&w.id).into(),
            (&w.space_id).into(),
            w.kapp_id.as_ref().into(),
            (&w.name).into(),
            (&w.type_name).into(),
            (&w.event).into(),
            (&w.filter).into(),
            (&w.url).into(),
            w.auth_strategy.as_ref().into(),
            w.enabled.into(),
            w.version.into(),
            w.audit.created_at.into(),
            (&w.audit.created_by).into(),
            w.audit.updated_at.into(),
            (&w.audit.updated_by).into(),
            w.disabled_reason.as_ref().into(),
            w.paused.into(),
            overrides(w)?,
            w.request.as_ref().into(),
        ],
    )?;
    bump(tx, &w.space_id)
}

const UPDATE: Sql = Sql::both(
    "UPDATE webhooks SET name = $3, type_name = $4, event = $5, filter = $6, url = $7, \
     auth_strategy = $8, enabled = $9, version = version + 1, updated_at = $10, \
     updated_by = $11, disabled_reason = $12, paused = $13, delivery = $14, request = $15 \
     WHERE id = $1 AND version = $2",
);

/// Stores a changed webhook, whose `version` is the one it was read with, and bumps the
/// generation; `false` when it has moved since.
///
/// # Errors
/// `Unique` when another has the new name.
pub fn update(tx: &mut Tx, webhook: &Webhook) -> Result<bool, Error> {
    let w = webhook;
    let changed = tx.execute(
        &UPDATE,
        &[
            (&w.id).into(),
            w.version.into(),
            (&w.name).into(),
            (&w.type_name).into(),
            (&w.event).into(),
            (&w.filter).into(),
            (&w.url).into(),
            w.auth_strategy.as_ref().into(),
            w.enabled.into(),
            w.audit.updated_at.into(),
            (&w.audit.updated_by).into(),
            w.disabled_reason.as_ref().into(),
            w.paused.into(),
            overrides(w)?,
            w.request.as_ref().into(),
        ],
    )?;
    if changed == 1 {
        bump(tx, &w.space_id)?;
    }
    Ok(changed == 1)
}

/// The overrides as they are stored: nothing for none.
fn overrides(webhook: &Webhook) -> Result<Value<'static>, Error> {
    if webhook.delivery.is_empty() {
        return Ok(Value::Null);
    }
    let text = serde_json::to_string(&webhook.delivery)
        .map_err(|error| Error::db(format!("overrides of a webhook: {error}")))?;
    Ok(Value::from(text))
}

const DISABLE: Sql = Sql::both(
    "UPDATE webhooks SET enabled = FALSE, disabled_reason = $2, version = version + 1, \
     updated_at = $3 WHERE id = $1 AND enabled = TRUE",
);

/// Disables a webhook for a reason that no person gave, and bumps the generation; `false` when it
/// was disabled or is gone.
///
/// # Errors
/// What the database says.
pub fn disable(
    tx: &mut Tx,
    space: &SpaceId,
    id: &WebhookId,
    reason: &str,
    at: Micros,
) -> Result<bool, Error> {
    let disabled = tx.execute(&DISABLE, &[id.into(), reason.into(), at.into()])? == 1;
    if disabled {
        bump(tx, space)?;
    }
    Ok(disabled)
}

const DELETE: Sql = Sql::both("DELETE FROM webhooks WHERE id = $1");

/// Deletes a webhook and bumps the generation; its jobs stay. `false` when it was gone.
///
/// # Errors
/// What the database says.
pub fn delete(tx: &mut Tx, space: &SpaceId, id: &WebhookId) -> Result<bool, Error> {
    let deleted = tx.execute(&DELETE, &[id.into()])? == 1;
    if deleted {
        bump(tx, space)?;
    }
    Ok(deleted)
}

const BUMP: Sql = Sql::both(
    "INSERT INTO webhook_generations (space_id, generation) VALUES ($1, 1) \
     ON CONFLICT (space_id) DO UPDATE SET generation = webhook_generations.generation + 1",
);

/// Raises the generation of a space's webhooks.
pub(crate) fn bump(tx: &mut Tx, space: &SpaceId) -> Result<(), Error> {
    tx.push(&BUMP, &[space.into()])
}

const GENERATION: Sql = Sql::both("SELECT generation FROM webhook_generations WHERE space_id = $1");

/// The generation of a space's webhooks; 0 before the first one.
///
/// # Errors
/// What the database says.
pub fn generation(tx: &mut Tx, space: &SpaceId) -> Result<i64, Error> {
    let found = tx.query_opt(&GENERATION, &[space.into()], |row| row.i64(0))?;
    Ok(found.unwrap_or(0))
}

const OF_SPACE: Sql = select!("WHERE space_id = $1 ORDER BY name, id");

/// Every webhook of a space and of its kapps, by name.
///
/// # Errors
/// What the database says.
pub fn of_space(tx: &mut Tx, space: &SpaceId) -> Result<Vec<Webhook>, Error> {
    tx.query(&OF_SPACE, &[space.into()], read)
}

const OF_SCOPE: Sql =
    select!("WHERE space_id = $1 AND coalesce(kapp_id, '') = $2 ORDER BY name, id");

/// The webhooks of one kapp, or those of the space itself, by name.
///
/// # Errors
/// What the database says.
pub fn of_scope(
    tx: &mut Tx,
    space: &SpaceId,
    kapp: Option<&KappId>,
) -> Result<Vec<Webhook>, Error> {
    let kapp = kapp.map_or("", KappId::as_str);
    tx.query(&OF_SCOPE, &[space.into(), kapp.into()], read)
}

const BY_NAME: Sql = select!("WHERE space_id = $1 AND coalesce(kapp_id, '') = $2 AND name = $3");

/// Finds a webhook by its name in one kapp, or in the space itself.
///
/// # Errors
/// What the database says.
pub fn by_name(
    tx: &mut Tx,
    space: &SpaceId,
    kapp: Option<&KappId>,
    name: &str,
) -> Result<Option<Webhook>, Error> {
    let kapp = kapp.map_or("", KappId::as_str);
    tx.query_opt(&BY_NAME, &[space.into(), kapp.into(), name.into()], read)
}

const WITH_SECRETS: Sql =
    select!("WHERE auth_strategy IS NOT NULL OR request IS NOT NULL ORDER BY id");

/// The webhooks of every space that hold secrets, for sealing them anew.
///
/// # Errors
/// What the database says.
pub fn with_secrets(tx: &mut Tx) -> Result<Vec<Webhook>, Error> {
    tx.query(&WITH_SECRETS, &[], read)
}

const NAMED: Sql =
    Sql::both("SELECT id FROM webhooks WHERE space_id = $1 AND name = $2 ORDER BY id LIMIT 1000");

/// The webhooks of a name in a space and in its kapps.
///
/// # Errors
/// What the database says.
pub fn named(tx: &mut Tx, space: &SpaceId, name: &str) -> Result<Vec<WebhookId>, Error> {
    tx.query(&NAMED, &[space.into(), name.into()], |row| row.text(0).map(WebhookId))
}

const BY_ID: Sql = select!("WHERE id = $1");

/// Finds a webhook by its id.
///
/// # Errors
/// What the database says.
pub fn by_id(tx: &mut Tx, id: &WebhookId) -> Result<Option<Webhook>, Error> {
    tx.query_opt(&BY_ID, &[id.into()], read)
}

fn read(row: &Row) -> Result<Webhook, Error> {
    Ok(Webhook {
        id: WebhookId(row.text(0)?),
        space_id: SpaceId(row.text(1)?),
        kapp_id: row.opt_text(2)?.map(KappId),
        name: row.text(3)?,
        type_name: row.text(4)?,
        event: row.text(5)?,
        filter: row.text(6)?,
        url: row.text(7)?,
        auth_strategy: row.opt_json(8)?,
        enabled: row.bool(9)?,
        version: row.i64(10)?,
        audit: Audit {
            created_at: row.micros(11)?,
            created_by: row.text(12)?,
            updated_at: row.micros(13)?,
            updated_by: row.text(14)?,
        },
        disabled_reason: row.opt_text(15)?,
        paused: row.bool(16)?,
        delivery: row.opt_json(17)?.unwrap_or_default(),
        request: row.opt_json(18)?,
    })
}
