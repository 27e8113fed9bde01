//! Reads a webhook as clients send it.

use crate::Error;
use serde_json::{Map, Value};

/// The properties a webhook may be sent with. The read-only ones are ignored, since clients send
/// back what they read.
pub const PROPERTIES: &[&str] = &[
    "name",
    "type",
    "event",
    "filter",
    "url",
    "authStrategy",
    "request",
    "enabled",
    "delivery",
    "paused",
    "disabledReason",
    "attributes",
    "id",
    "createdAt",
    "createdBy",
    "updatedAt",
    "updatedBy",
    "kappSlug",
    "level",
    "target",
    "messages",
];

/// What a client says of a webhook; what is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WebhookInput {
    /// The name.
    pub name: Option<String>,
    /// The type's name, or `Type Event` as some clients send it.
    pub type_name: Option<String>,
    /// The event's name, or `Type Event`.
    pub event: Option<String>,
    /// The filter; blank fires always.
    pub filter: Option<String>,
    /// The URL template.
    pub url: Option<String>,
    /// The legacy strategy; null takes it away, an omitted secret stays.
    pub auth_strategy: Option<Value>,
    /// How its requests are made: headers, auth, signing, format, template, certificates.
    pub request: Option<Value>,
    /// Whether it fires.
    pub enabled: Option<bool>,
    /// What it delivers differently; null takes all of it away.
    pub delivery: Option<Value>,
}

impl WebhookInput {
    /// Reads a JSON object whose properties are among [`PROPERTIES`].
    ///
    /// # Errors
    /// `Invalid` when a property has the wrong type.
    pub fn from_json(body: &Map<String, Value>) -> Result<Self, Error> {
        let mut problems = Vec::new();
        let mut text = |name: &str, title: &str| match body.get(name) {
            None => None,
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Null) => Some(String::new()),
            Some(_) => {
                problems.push(format!("{title} must be text"));
                None
            }
        };
        let name = text("name", "Name");
        let type_name = text("type", "Type");
        let event = text("event", "Event");
        let filter = text("filter", "Filter");
        let url = text("url", "Url");
        let enabled = match body.get("enabled") {
            None | Some(Value::Null) => None,
            Some(Value::Bool(enabled)) => Some(*enabled),
            Some(_) => {
                problems.push("Enabled must be true or false".to_owned());
                None
            }
        };
        let auth_strategy = body.get("authStrategy").cloned();
        let delivery = body.get("delivery").cloned();
        let request = body.get("request").cloned();
        if problems.is_empty() {
            Ok(Self {
                name,
                type_name,
                event,
                filter,
                url,
                auth_strategy,
                request,
                enabled,
                delivery,
            })
        } else {
            Err(Error::Invalid { noun: super::NOUN, problems })
        }
    }
}
