//! Webhooks: what to call when something happens.

use crate::Audit;
use crate::catalogue::Level;
use crate::delivery::Overrides;
use crate::id::{KappId, SpaceId, WebhookId};

/// A webhook of a space or a kapp.
#[derive(Clone, Debug, PartialEq)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// Its space.
    pub space_id: SpaceId,
    /// Its kapp; `None` for a space webhook.
    pub kapp_id: Option<KappId>,
    /// Unique within its space or kapp.
    pub name: String,
    /// The catalogue's type name.
    pub type_name: String,
    /// The catalogue's event name.
    pub event: String,
    /// JavaScript; empty fires always.
    pub filter: String,
    /// A URL with `${…}` parts; a leading `/` means this server's workflow engine.
    pub url: String,
    /// The legacy signature strategy, its secret sealed by the vault.
    pub auth_strategy: Option<serde_json::Value>,
    /// How its requests are made: headers, authentication, signing, format, template; secrets
    /// sealed by the vault.
    pub request: Option<serde_json::Value>,
    /// Whether it fires. While it does not, its jobs wait.
    pub enabled: bool,
    /// Why it was disabled, when not by a person.
    pub disabled_reason: Option<String>,
    /// Whether its jobs wait for a person to resume it; it fires all the same.
    pub paused: bool,
    /// What it delivers differently from its space.
    pub delivery: Overrides,
    /// Grows by one with every change.
    pub version: i64,
    /// Who and when.
    pub audit: Audit,
}

impl Webhook {
    /// A webhook that says nothing yet, for drafts.
    pub fn blank(audit: Audit) -> Self {
        Self {
            id: WebhookId(String::new()),
            space_id: SpaceId(String::new()),
            kapp_id: None,
            name: String::new(),
            type_name: String::new(),
            event: String::new(),
            filter: String::new(),
            url: String::new(),
            auth_strategy: None,
            request: None,
            enabled: true,
            disabled_reason: None,
            paused: false,
            delivery: Overrides::default(),
            version: 0,
            audit,
        }
    }

    /// The level it is defined on.
    pub fn level(&self) -> Level {
        if self.kapp_id.is_some() { Level::Kapp } else { Level::Space }
    }
}
