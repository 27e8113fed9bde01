//! Credentials and sessions that were found good a short while ago, so that a password is hashed
//! and a user is read once and not for every request.

use crate::sign_in::{FRESH_MS, VERIFIED_MS};
use model::id::UserId;
use model::limits::VERIFIED_MAX;
use model::people::User;
use model::time::Micros;
use runtime::Runtime;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The SHA-256 of a credential with this process's salt.
pub(crate) type Key = [u8; 32];

/// Credentials and sessions that were found good a short while ago; when full, old ones are
/// dropped, then all.
pub(crate) struct Verified {
    salt: [u8; 32],
    kept: Mutex<HashMap<Key, Known>>,
}

/// Somebody who proved themselves.
#[derive(Clone)]
pub(crate) struct Known {
    /// The user as they were read.
    pub user: Arc<User>,
    /// When they were read.
    pub at: Micros,
}

impl Known {
    /// Whether the user need not be read again.
    pub(crate) fn is_fresh(&self, now: Micros) -> bool {
        now.ms_since(self.at) < FRESH_MS
    }
}

impl Verified {
    pub(crate) fn new(runtime: &Runtime) -> Self {
        let mut salt = [0; 32];
        runtime.fill(&mut salt);
        Self { salt, kept: Mutex::default() }
    }

    /// The key of a credential.
    pub(crate) fn key(&self, parts: &[&str]) -> Key {
        let mut digest = Sha256::new();
        digest.update(self.salt);
        for part in parts {
            digest.update(part.len().to_le_bytes());
            digest.update(part.as_bytes());
        }
        digest.finalize().into()
    }

    /// Who proved themselves by a credential.
    pub(crate) fn get(&self, key: &Key) -> Option<Known> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    /// Keeps that somebody proved themselves.
    pub(crate) fn keep(&self, key: Key, user: Arc<User>, at: Micros) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= VERIFIED_MAX {
            kept.retain(|_, known| at.ms_since(known.at) < VERIFIED_MS);
            if kept.len() >= VERIFIED_MAX {
                kept.clear();
            }
        }
        kept.insert(key, Known { user, at });
    }

    /// Drops one credential.
    pub(crate) fn forget(&self, key: &Key) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    /// Drops all that was found good of a user.
    pub(crate) fn drop_user(&self, user: &UserId) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, known| known.user.id != *user);
    }
}
