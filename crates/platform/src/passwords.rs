//! Passwords: argon2id verifiers, made and checked off the request's thread.

use crate::input::Checks;
use crate::{Error, Platform};
use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use model::limits::{PASSWORD_BYTES_MAX, PASSWORD_CHARS_MIN};

/// A verifier of a password nobody has: checking against it takes as long as against a real one,
/// so that an unknown username cannot be told from a wrong password by the clock.
const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$\
    a2Fwb2sta2Fwb2sta2Fwbw$9nV6cBcZKQd6q6tLz4pGS2mnI7eG2pZ4o9x1l0m3n5A";

/// Notes what is wrong with a new password.
pub(crate) fn check(checks: &mut Checks, password: &str) {
    if password.chars().count() < PASSWORD_CHARS_MIN {
        let message = format!("Password must be at least {PASSWORD_CHARS_MIN} characters long");
        checks.problem("password", message);
    }
    if password.len() > PASSWORD_BYTES_MAX {
        let message = format!("Password must not be longer than {PASSWORD_BYTES_MAX} bytes");
        checks.problem("password", message);
    }
}

impl Platform {
    /// Makes the verifier of a password.
    pub(crate) async fn hash_password(&self, password: String) -> Result<String, Error> {
        let mut salt = [0_u8; 16];
        self.inner.runtime.fill(&mut salt);
        self.with_argon(move || {
            let hash = Argon2::default().hash_password_with_salt(password.as_bytes(), &salt);
            hash.map(|hash| hash.to_string())
        })
        .await?
        .map_err(|error| Error::Internal(Box::new(std::io::Error::other(error.to_string()))))
    }

    /// Whether a password is the one a verifier was made of; `None` is nobody's verifier.
    pub(crate) async fn verify_password(
        &self,
        verifier: Option<String>,
        password: String,
    ) -> Result<bool, Error> {
        self.with_argon(move || {
            let text = verifier.as_deref().unwrap_or(NOBODYS);
            let matches = PasswordHash::new(text).is_ok_and(|hash| {
                Argon2::default().verify_password(password.as_bytes(), &hash).is_ok()
            });
            matches && verifier.is_some()
        })
        .await
    }

    async fn with_argon<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let _permit = self.inner.argon.acquire().await;
        let done = self.inner.runtime.spawn_blocking(work).await;
        done.map_err(|error| Error::Internal(Box::new(error)))
    }
}
