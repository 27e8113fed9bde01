//! Keys by which receivers recognise deliveries (Standard Webhooks).
//!
//! ```text
//!  active ─▶ retiring (signs beside the newer one until its time) ─▶ no longer signs
//!     └──────────┴─▶ revoked (stops at once)
//! ```

use crate::Audit;
use crate::id::{SigningKeyId, SpaceId};
use crate::time::Micros;
use serde::{Deserialize, Serialize};

/// The scheme of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Symmetric: HMAC-SHA256 with a secret that receivers hold too (`whsec_…`).
    V1,
    /// Asymmetric: ed25519; receivers hold the public key (`whpk_…`).
    V1a,
}

impl Kind {
    /// Both kinds.
    pub const ALL: [Self; 2] = [Self::V1, Self::V1a];

    /// The name in signatures and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V1a => "v1a",
        }
    }

    /// Reads a name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Where a key stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Signs.
    Active,
    /// Signs until its time, so that receivers can change over.
    Retiring,
    /// Signs nothing.
    Revoked,
}

impl State {
    /// All states.
    pub const ALL: [Self; 3] = [Self::Active, Self::Retiring, Self::Revoked];

    /// The name in the API and in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Revoked => "revoked",
        }
    }

    /// Reads a name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// A signing key of a space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningKey {
    /// Its id.
    pub id: SigningKeyId,
    /// Its space.
    pub space_id: SpaceId,
    /// Its scheme.
    pub kind: Kind,
    /// Where it stands, as stored; see [`SigningKey::state_at`].
    pub state: State,
    /// The secret, sealed by the vault.
    pub sealed: String,
    /// The public key (`whpk_…`) of a `v1a` key.
    pub public_key: Option<String>,
    /// When a retiring key stops signing.
    pub retires_at: Option<Micros>,
    /// Who and when.
    pub audit: Audit,
}

impl SigningKey {
    /// Where it stands at a time: a retiring key whose time is over counts as revoked.
    pub fn state_at(&self, now: Micros) -> State {
        match (self.state, self.retires_at) {
            (State::Retiring, Some(at)) if at <= now => State::Revoked,
            (state, _) => state,
        }
    }
}
