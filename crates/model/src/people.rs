//! Users, teams and memberships.

use crate::id::{SpaceId, TeamId, UserId};
use crate::{Attributes, Audit};

/// A user.
#[derive(Clone, PartialEq)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// Their space.
    pub space_id: SpaceId,
    /// Unique in the space.
    pub username: String,
    /// The name people read.
    pub display_name: Option<String>,
    /// Their address.
    pub email: Option<String>,
    /// Whether they may sign in.
    pub enabled: bool,
    /// Whether they administer the space.
    pub space_admin: bool,
    /// The argon2 verifier of their password; `None`: no password sign-in.
    pub password_hash: Option<String>,
    /// The user who invited them.
    pub invited_by: Option<String>,
    /// Their attributes, kept by administrators.
    pub attributes: Attributes,
    /// Their profile attributes, kept by themselves.
    pub profile_attributes: Attributes,
    /// Other documented properties (`timezone`, `preferredLocale`, `allowedIps`).
    pub properties: serde_json::Map<String, serde_json::Value>,
    /// Grows by one with every change.
    pub version: i64,
    /// Who and when.
    pub audit: Audit,
}

impl std::fmt::Debug for User {
    /// Names the user; what they prove themselves with stays out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User")
            .field("id", &self.id)
            .field("username", &self.username)
            .field("enabled", &self.enabled)
            .field("space_admin", &self.space_admin)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// A team; names nest with `::`.
#[derive(Clone, Debug, PartialEq)]
pub struct Team {
    /// Its id.
    pub id: TeamId,
    /// Its space.
    pub space_id: SpaceId,
    /// Unique in the space while it is not deleted.
    pub name: String,
    /// The MD5 of the lower-cased name in hex; changes on rename (reference §3.3).
    pub slug: String,
    /// What it is for.
    pub description: Option<String>,
    /// Its attributes.
    pub attributes: Attributes,
    /// Other documented properties.
    pub properties: serde_json::Map<String, serde_json::Value>,
    /// Set while the team is deleted; whoever has it may restore the team.
    pub restoration_token: Option<String>,
    /// Grows by one with every change.
    pub version: i64,
    /// Who and when.
    pub audit: Audit,
}
