//! Signing keys as records: made, retired, revoked. A secret is shown once, when it is made.

use super::draw;
use crate::{Actor, Error, Webhooks};
use model::Audit;
use model::id::{SigningKeyId, SpaceId};
use model::limits;
use model::signing::{Kind, SigningKey, State};
use runtime::vault::Secret;

const NOUN: &str = "Signing Key";
const ADMINISTER: &str = "manage signing keys";

/// A key that was just made.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// The key.
    pub key: SigningKey,
    /// The secret that receivers need, of a `v1` key; it is shown this once.
    pub secret: Option<Secret>,
}

/// What can be done to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyAction {
    /// It goes on signing for an overlap, then stops.
    Retire {
        /// Hours of overlap; `None`: a day.
        overlap_hours: Option<i64>,
    },
    /// It stops at once, for a secret that became known.
    Revoke,
}

/// Where a key's secret is sealed for.
pub(crate) fn place(id: &SigningKeyId) -> String {
    format!("signing-key/{id}")
}

impl Webhooks {
    /// Lists the signing keys of the space, oldest first, revoked ones included.
    ///
    /// # Errors
    /// `Forbidden`, `Store`.
    pub async fn signing_keys(&self, actor: &Actor) -> Result<Vec<SigningKey>, Error> {
        actor.must_administer(ADMINISTER)?;
        let space = actor.space_id.clone();
        self.read(move |tx| Ok(store::signing_keys::of_space(tx, &space)?)).await
    }

    /// Makes a key; from the next attempt on, deliveries carry its signature too.
    ///
    /// # Errors
    /// `Refused` when there are enough, `Forbidden`, `Store`.
    pub async fn create_signing_key(&self, actor: &Actor, kind: Kind) -> Result<NewKey, Error> {
        actor.must_administer(ADMINISTER)?;
        let runtime = &self.inner.runtime;
        let now = runtime.now();
        let id = SigningKeyId::new(runtime.uuid());
        let (secret, public_key) = draw(runtime, kind);
        let key = SigningKey {
            sealed: self.inner.vault.seal(&place(&id), secret.expose()),
            id,
            space_id: actor.space_id.clone(),
            kind,
            state: State::Active,
            public_key,
            retires_at: None,
            audit: Audit::created(now, &actor.username),
        };
        let write = key.clone();
        let written = self.inner.store.write(move |tx| {
            let known = store::signing_keys::of_space(tx, &write.space_id)?;
            let signs = |k: &&SigningKey| k.kind == kind && k.state_at(now) != State::Revoked;
            let signing = known.iter().filter(signs).count();
            if signing >= limits::SIGNING_KEYS_AT_ONCE || known.len() >= limits::SIGNING_KEYS_MAX {
                return Err(Error::refused(format!(
                    "There are {signing} keys of the kind {} that sign, and {} in all; at most \
                     {} sign at once and {} are kept. Revoke one first",
                    kind.as_str(),
                    known.len(),
                    limits::SIGNING_KEYS_AT_ONCE,
                    limits::SIGNING_KEYS_MAX
                )));
            }
            Ok(store::signing_keys::insert(tx, &write)?)
        });
        written.await?;
        self.moved(&actor.space_id);
        Ok(NewKey { key, secret: (kind == Kind::V1).then_some(secret) })
    }

    /// Retires or revokes a key.
    ///
    /// # Errors
    /// `NotFound`, `Refused` for a key that signs no more or an overlap out of bounds,
    /// `Forbidden`, `Store`.
    pub async fn change_signing_key(
        &self,
        actor: &Actor,
        id: &SigningKeyId,
        action: KeyAction,
    ) -> Result<SigningKey, Error> {
        actor.must_administer(ADMINISTER)?;
        let now = self.inner.runtime.now();
        let (space, id, by) = (actor.space_id.clone(), id.clone(), actor.username.clone());
        let (state, retires_at) = match action {
            KeyAction::Revoke => (State::Revoked, None),
            KeyAction::Retire { overlap_hours: None } => {
                (State::Retiring, Some(now.plus_ms(limits::SIGNING_OVERLAP_MS)))
            }
            KeyAction::Retire { overlap_hours: Some(hours) } => {
                if !(0..=limits::SIGNING_OVERLAP_HOURS_MAX).contains(&hours) {
                    return Err(Error::refused(format!(
                        "overlapHours must be between 0 and {}, not {hours}",
                        limits::SIGNING_OVERLAP_HOURS_MAX
                    )));
                }
                (State::Retiring, Some(now.plus_ms(hours * 3_600_000)))
            }
        };
        let changed = self.inner.store.write(move |tx| {
            let found = store::signing_keys::by_id(tx, &space, &id)?;
            let mut key = found.ok_or_else(|| Error::not_found(NOUN, id.as_str()))?;
            if key.state_at(now) == State::Revoked {
                return Err(Error::refused("The key signs no more; there is nothing to change"));
            }
            let from = key.state;
            (key.state, key.retires_at) = (state, retires_at);
            key.audit.touch(now, &by);
            if !store::signing_keys::update(tx, from, &key)? {
                return Err(Error::Stale { noun: NOUN });
            }
            Ok(key)
        });
        let key = changed.await?;
        self.moved(&actor.space_id);
        Ok(key)
    }

    /// The public keys of a space that sign now; anyone may know them.
    ///
    /// # Errors
    /// `NotFound` for the space, `Store`.
    pub async fn public_keys(&self, slug: &str) -> Result<Vec<SigningKey>, Error> {
        let now = self.inner.runtime.now();
        let slug = slug.to_owned();
        let keys = self.read(move |tx| {
            let space: Option<SpaceId> = store::spaces::by_slug(tx, &slug)?.map(|space| space.id);
            let space = space.ok_or_else(|| Error::not_found("Space", slug.as_str()))?;
            Ok(store::signing_keys::of_space(tx, &space)?)
        });
        let mut keys = keys.await?;
        keys.retain(|key| key.kind == Kind::V1a && key.state_at(now) != State::Revoked);
        Ok(keys)
    }
}
