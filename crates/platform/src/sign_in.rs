//! Signing in: passwords, sessions, and what holds guessing back.

use crate::change::{ATTEMPTS, Change, guarded};
use crate::memberships::user_subject;
use crate::payload::{self, Subject};
use crate::verified::Key;
use crate::{Actor, Error, Platform, addresses};
use model::catalogue::Level;
use model::event::Event;
use model::id::SpaceId;
use model::limits;
use model::people::User;
use model::time::Micros;
use serde_json::{Map, json};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::sync::Arc;
use store::Tx;

pub use model::limits::SESSION_MS;

/// Milliseconds between two extensions of a session that is in use.
const EXTEND_AFTER_MS: i64 = 5 * 60 * 1_000;
/// Milliseconds for which a user is not read again: how long a change of a user may take to be
/// seen on other nodes. On this one it is seen at once.
pub const FRESH_MS: i64 = 2_000;
/// Milliseconds without use after which a password that was verified is verified again.
pub const VERIFIED_MS: i64 = 10 * 60 * 1_000;

/// A username and password as somebody typed them.
#[derive(Clone)]
pub struct Credentials {
    /// The username.
    pub username: String,
    /// The password in clear.
    pub password: String,
    /// The address it comes from, for the throttle and `allowedIps`; `None` when unknown.
    pub address: Option<String>,
}

/// A session that was opened.
#[derive(Clone)]
pub struct Session {
    /// The opaque token; only its SHA-256 is stored.
    pub token: String,
    /// Who signed in.
    pub user: Arc<User>,
    /// When it ends unless it is used.
    pub expires_at: Micros,
}

impl Platform {
    /// Checks a username and password, as each request with basic authentication does. A verdict
    /// is kept for a short while; it falls when the password or the user changes. A failure fires
    /// the space's `Login Failure`.
    ///
    /// # Errors
    /// `Unauthenticated` for a wrong password, an unknown or a disabled user, `Throttled` after
    /// too many failures, `Forbidden` from an address that is not among the user's `allowedIps`,
    /// `Store`.
    pub async fn sign_in(
        &self,
        space: &SpaceId,
        credentials: &Credentials,
    ) -> Result<Arc<User>, Error> {
        let now = self.now();
        let kept = &self.inner.verified;
        let (username, password) = (&credentials.username, &credentials.password);
        let key = kept.key(&["password", space.as_str(), username, password]);
        let known = kept.get(&key).filter(|known| known.is_fresh(now));
        let user = match known {
            Some(known) => known.user,
            None => self.sign_in_anew(space, credentials, key).await?,
        };
        addresses::check(&user, credentials.address.as_deref())?;
        Ok(user)
    }

    /// Signs in and opens a session; fires the user's `Login`.
    ///
    /// # Errors
    /// As [`Platform::sign_in`].
    pub async fn login(
        &self,
        space: &SpaceId,
        credentials: &Credentials,
    ) -> Result<Session, Error> {
        let user = self.sign_in(space, credentials).await?;
        let actor = Actor::user(&user, self.outside());
        let token = self.inner.runtime.token(32);
        let hash = token_hash(&token);
        let expires_at = self.now().plus_ms(SESSION_MS);
        for _ in ATTEMPTS {
            let now = self.now();
            let event = self.user_event(&actor, &user, now, "Login").await?;
            let (hash, user_id) = (hash.clone(), user.id.clone());
            let change = Change::new((), vec![event], move |tx| {
                store::sessions::purge(tx, now)?;
                store::sessions::insert(tx, &hash, &user_id, now, expires_at)
            });
            if self.commit(change).await?.is_some() {
                return Ok(Session { token, user, expires_at });
            }
        }
        Err(Error::Stale { noun: "Session" })
    }

    /// The user of a session; using it keeps it open.
    ///
    /// # Errors
    /// `Unauthenticated` when the session does not exist in the space, has ended, or its user is
    /// disabled; `Forbidden` from an address that is not theirs; `Store`.
    pub async fn session(
        &self,
        space: &SpaceId,
        token: &str,
        address: Option<&str>,
    ) -> Result<Arc<User>, Error> {
        let user = self.session_user(space, token).await?;
        addresses::check(&user, address)?;
        Ok(user)
    }

    async fn session_user(&self, space: &SpaceId, token: &str) -> Result<Arc<User>, Error> {
        let now = self.now();
        let kept = &self.inner.verified;
        let key = kept.key(&["session", space.as_str(), token]);
        if let Some(known) = kept.get(&key).filter(|known| known.is_fresh(now)) {
            return Ok(known.user);
        }
        let hash = token_hash(token);
        let wanted = hash.clone();
        let read = move |tx: &mut Tx| store::sessions::by_hash(tx, &wanted);
        let found = self.inner.store.read(read).await?;
        let found = found.filter(|(user, expires_at)| {
            user.enabled && user.space_id == *space && *expires_at > now
        });
        let Some((user, expires_at)) = found else {
            kept.forget(&key);
            return Err(Error::Unauthenticated);
        };
        if expires_at.ms_since(now) < SESSION_MS - EXTEND_AFTER_MS {
            let until = now.plus_ms(SESSION_MS);
            let extend = move |tx: &mut Tx| store::sessions::extend(tx, &hash, until);
            self.inner.store.write(extend).await?;
        }
        let user = Arc::new(user);
        kept.keep(key, user.clone(), now);
        Ok(user)
    }

    /// Ends a session; fires the user's `Logout`. An unknown session is no error.
    ///
    /// # Errors
    /// `Store`.
    pub async fn logout(&self, space: &SpaceId, token: &str) -> Result<(), Error> {
        let key = self.inner.verified.key(&["session", space.as_str(), token]);
        let hash = token_hash(token);
        for _ in ATTEMPTS {
            let wanted = hash.clone();
            let read = move |tx: &mut Tx| store::sessions::by_hash(tx, &wanted);
            let found = self.inner.store.read(read).await?;
            let Some((user, _)) = found.filter(|(user, _)| user.space_id == *space) else {
                return Ok(());
            };
            let actor = Actor::user(&user, self.outside());
            let event = self.user_event(&actor, &user, self.now(), "Logout").await?;
            let hash = hash.clone();
            let change = Change::new((), vec![event], move |tx| {
                guarded(store::sessions::delete(tx, &hash)?)
            });
            if let Some(done) = self.commit(change).await? {
                self.inner.verified.forget(&key);
                return Ok(done);
            }
        }
        Err(Error::Stale { noun: "Session" })
    }
}

/// Hex of the SHA-256 of a session's token, which is all that is stored of it.
fn token_hash(token: &str) -> String {
    let digest = Sha256::digest(token.as_bytes());
    digest.iter().fold(String::with_capacity(64), |mut hash, byte| {
        let _ = write!(hash, "{byte:02x}");
        hash
    })
}

impl Platform {
    /// Reads the user, and verifies the password unless that was done a short while ago.
    async fn sign_in_anew(
        &self,
        space: &SpaceId,
        credentials: &Credentials,
        key: Key,
    ) -> Result<Arc<User>, Error> {
        let kept = &self.inner.verified;
        // Requests that come together with one new password so verify it once, and guesses that
        // come together are counted one after the other.
        let _turn = self.inner.turns.of(&credentials.username).await;
        let now = self.now();
        let known = kept.get(&key);
        if let Some(known) = known.as_ref().filter(|known| known.is_fresh(now)) {
            return Ok(known.user.clone());
        }
        let (space_id, name) = (space.clone(), credentials.username.clone());
        let read = move |tx: &mut Tx| store::users::by_username(tx, &space_id, &name);
        let user = self.inner.store.read(read).await?;
        let verifier = user.as_ref().and_then(|user| user.password_hash.clone());
        let proved = known.is_some_and(|known| {
            now.ms_since(known.at) < VERIFIED_MS && known.user.password_hash == verifier
        });
        if !proved {
            self.prove(space, credentials, verifier, user.as_ref()).await?;
        }
        let user = Arc::new(user.filter(|user| user.enabled).ok_or(Error::Unauthenticated)?);
        kept.keep(key, user.clone(), now);
        Ok(user)
    }

    /// Verifies a password, unless too many were wrong; counts and records a failure.
    async fn prove(
        &self,
        space: &SpaceId,
        credentials: &Credentials,
        verifier: Option<String>,
        user: Option<&User>,
    ) -> Result<(), Error> {
        let throttle = &self.inner.throttle;
        let mut names = vec![format!("user {space} {}", credentials.username)];
        names.extend(credentials.address.as_ref().map(|address| format!("address {address}")));
        let waits = names.iter().filter_map(|name| throttle.wait_ms(name, self.now()));
        if let Some(wait_ms) = waits.max() {
            self.inner.runtime.metrics().sign_ins_failed.add(1);
            return Err(Error::Throttled { retry_after_s: wait_ms / 1_000 + 1 });
        }
        let matches = self.verify_password(verifier, credentials.password.clone()).await?;
        if matches && user.is_some_and(|user| user.enabled) {
            throttle.succeeded(&names[0]);
            return Ok(());
        }
        self.inner.runtime.metrics().sign_ins_failed.add(1);
        for name in &names {
            throttle.failed(name, self.now());
        }
        self.record_failure(space, credentials).await?;
        Err(Error::Unauthenticated)
    }

    async fn record_failure(
        &self,
        space: &SpaceId,
        credentials: &Credentials,
    ) -> Result<(), Error> {
        let username: String = credentials.username.chars().take(limits::NAME_CHARS_MAX).collect();
        let actor = Actor::anonymous(space.clone(), self.outside());
        for _ in ATTEMPTS {
            let space = self.space(&actor).await?;
            let mut body = Map::new();
            body.insert("space".to_owned(), payload::space(&space));
            let failure = json!({"username": username, "address": credentials.address});
            body.insert("loginFailure".to_owned(), failure);
            let subject = Subject {
                level: Level::Space,
                type_name: "Space",
                entity_type: "Space",
                id: space.id.as_str(),
                key: &space.slug,
                label: format!("{}: {username}", space.name),
                context: None,
            };
            let event = self.event(&actor, self.now(), &subject, "Login Failure", body);
            if let Some(done) = self.commit(Change::new((), vec![event], |_| Ok(()))).await? {
                return Ok(done);
            }
        }
        Err(Error::Stale { noun: "Space" })
    }

    async fn user_event(
        &self,
        actor: &Actor,
        user: &User,
        at: Micros,
        action: &'static str,
    ) -> Result<Event, Error> {
        let space = self.space(actor).await?;
        let mut body = Map::new();
        body.insert("space".to_owned(), payload::space(&space));
        body.insert("user".to_owned(), payload::user(user));
        Ok(self.event(actor, at, &user_subject(user), action, body))
    }
}
