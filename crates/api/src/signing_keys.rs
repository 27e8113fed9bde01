//! `/app/api/v1/signing-keys`: the keys that sign deliveries, and the public ones among them for
//! anyone at `/app/api/v1/webhook-keys`.

use crate::App;
use crate::auth::Caller;
use crate::error::{Error, Result};
use crate::front::SpaceSlug;
use crate::input::{Json, Path};
use crate::webhooks::actor;
use axum::Extension;
use axum::extract::State;
use model::id::SigningKeyId;
use model::signing::{Kind, SigningKey};
use model::time::Micros;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use webhooks::sign::KeyAction;

/// A signing key as clients read it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SigningKey)]
pub(crate) struct KeyDocument {
    id: String,
    /// `v1` (a shared secret) or `v1a` (a key pair).
    kind: String,
    /// `active`, `retiring` (signs until `retiresAt`) or `revoked` (signs no more).
    state: String,
    /// The public key (`whpk_…`) of a `v1a` key.
    public_key: Option<String>,
    created_at: String,
    /// When a retiring key stops signing.
    retires_at: Option<String>,
    /// The secret (`whsec_…`) of a `v1` key, in the answer to its creation only.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

/// `{"keys":[…]}`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeyList {
    keys: Vec<KeyDocument>,
}

/// `{"key":{…}}`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeyAnswer {
    key: KeyDocument,
}

fn document(key: &SigningKey, now: Micros) -> KeyDocument {
    KeyDocument {
        id: key.id.to_string(),
        kind: key.kind.as_str().to_owned(),
        state: key.state_at(now).as_str().to_owned(),
        public_key: key.public_key.clone(),
        created_at: key.audit.created_at.iso(),
        retires_at: key.retires_at.map(Micros::iso),
        secret: None,
    }
}

fn listed(keys: &[SigningKey], now: Micros) -> axum::Json<KeyList> {
    axum::Json(KeyList { keys: keys.iter().map(|key| document(key, now)).collect() })
}

/// Lists the signing keys of the space, oldest first.
#[utoipa::path(get, path = "/app/api/v1/signing-keys", tag = "Signing keys",
    responses((status = 200, description = "`{keys}`", body = KeyList)))]
pub(crate) async fn list(State(app): State<App>, caller: Caller) -> Result<axum::Json<KeyList>> {
    let keys = app.webhooks.signing_keys(&actor(&caller)).await?;
    Ok(listed(&keys, app.runtime.now()))
}

/// Lists the public keys by which anyone may verify deliveries of the space.
#[utoipa::path(get, path = "/app/api/v1/webhook-keys", tag = "Signing keys", security(()),
    responses((status = 200, description = "`{keys}`", body = KeyList)))]
pub(crate) async fn public(
    State(app): State<App>,
    slug: Option<Extension<SpaceSlug>>,
) -> Result<axum::Json<KeyList>> {
    let slug = slug.as_ref().map_or(app.settings.space.as_str(), |slug| slug.0.0.as_str());
    let keys = app.webhooks.public_keys(slug).await?;
    Ok(listed(&keys, app.runtime.now()))
}

/// A key to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewKeyDocument {
    /// `v1` or `v1a`.
    kind: String,
}

/// Makes a signing key. The secret of a `v1` key is in this answer and never shown again.
#[utoipa::path(post, path = "/app/api/v1/signing-keys", tag = "Signing keys",
    request_body = NewKeyDocument,
    responses((status = 200, description = "`{key}`", body = KeyAnswer)))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<NewKeyDocument>,
) -> Result<axum::Json<KeyAnswer>> {
    let kind = Kind::parse(&body.kind).ok_or_else(|| {
        Error::bad_request(format!("The kind must be v1 or v1a, not \"{}\"", body.kind))
    })?;
    let made = app.webhooks.create_signing_key(&actor(&caller), kind).await?;
    let mut key = document(&made.key, app.runtime.now());
    key.secret = made.secret.map(|secret| secret.expose().to_owned());
    Ok(axum::Json(KeyAnswer { key }))
}

/// What to do to a key.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct KeyActionDocument {
    /// `retire` (goes on signing for an overlap) or `revoke` (stops at once).
    action: String,
    /// Hours that a retired key goes on signing: 24 unless given.
    overlap_hours: Option<i64>,
}

/// Retires or revokes a key.
#[utoipa::path(post, path = "/app/api/v1/signing-keys/{id}/actions", tag = "Signing keys",
    params(("id" = String, Path, description = "The key's id.")),
    request_body = KeyActionDocument,
    responses((status = 200, description = "`{key}`", body = KeyAnswer)))]
pub(crate) async fn act(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(body): Json<KeyActionDocument>,
) -> Result<axum::Json<KeyAnswer>> {
    let action = match body.action.as_str() {
        "retire" => KeyAction::Retire { overlap_hours: body.overlap_hours },
        "revoke" => KeyAction::Revoke,
        other => {
            let message = format!("The action must be retire or revoke, not \"{other}\"");
            return Err(Error::bad_request(message));
        }
    };
    let id = SigningKeyId(id);
    let key = app.webhooks.change_signing_key(&actor(&caller), &id, action).await?;
    Ok(axum::Json(KeyAnswer { key: document(&key, app.runtime.now()) }))
}
