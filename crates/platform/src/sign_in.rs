//! Signing in: passwords, sessions, and what holds guessing back.

use crate::{Error, Platform};
use model::id::SpaceId;
use model::people::User;
use model::time::Micros;
use runtime::Runtime;
use std::sync::Arc;

/// Failed sign-ins of one username, or from one address, before more are refused unheard.
pub const FAILURES_MAX: usize = 10;
/// Milliseconds in which failures are counted.
pub const FAILURES_WITHIN_MS: i64 = 10 * 60 * 1_000;
/// Milliseconds a session lasts without a request.
pub const SESSION_MS: i64 = 12 * 60 * 60 * 1_000;

/// A username and password as somebody typed them.
#[derive(Clone)]
pub struct Credentials {
    /// The username.
    pub username: String,
    /// The password in clear.
    pub password: String,
    /// The address it comes from, for the throttle; `None` when unknown.
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

/// Credentials and sessions that were found good a short while ago.
pub(crate) struct Verified {
    _salt: [u8; 32],
}

impl Verified {
    pub(crate) fn new(runtime: &Runtime) -> Self {
        let mut salt = [0; 32];
        runtime.fill(&mut salt);
        Self { _salt: salt }
    }
}

impl Platform {
    /// Checks a username and password, as each request with basic authentication does. A verdict
    /// is kept for a short while; it falls when the password or the user changes. A failure fires
    /// the space's `Login Failure`.
    ///
    /// # Errors
    /// `Unauthenticated` for a wrong password, an unknown or a disabled user, `Throttled` after
    /// too many failures, `Store`.
    pub async fn sign_in(
        &self,
        space: &SpaceId,
        credentials: &Credentials,
    ) -> Result<Arc<User>, Error> {
        let _ = (space, credentials);
        unimplemented!()
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
        let _ = (space, credentials);
        unimplemented!()
    }

    /// The user of a session; using it keeps it open.
    ///
    /// # Errors
    /// `Unauthenticated` when the session does not exist in the space, has ended, or its user is
    /// disabled; `Store`.
    pub async fn session(&self, space: &SpaceId, token: &str) -> Result<Arc<User>, Error> {
        let _ = (space, token);
        unimplemented!()
    }

    /// Ends a session; fires the user's `Logout`. An unknown session is no error.
    ///
    /// # Errors
    /// `Store`.
    pub async fn logout(&self, space: &SpaceId, token: &str) -> Result<(), Error> {
        let _ = (space, token);
        unimplemented!()
    }
}
