//! How the requests of a webhook are made, as a record: custom headers, authentication, signing,
//! format and template. Everything is checked when it is saved.
//!
//! The stored document has the shape of the answered one, with `{"sealed": …}` where an answer
//! says `{"set": true}`. A client that sends back what it read changes nothing.

mod credentials;
mod headers;

pub(crate) use credentials::Auth;
pub(crate) use headers::{Header, name as header_name};

use crate::Webhooks;
use crate::send::Sender;
use expr::js::Shaper;
use model::id::WebhookId;
use model::limits;
use model::webhook::Webhook;
use runtime::vault::{Error as VaultError, Secret, Vault};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// The members of the document.
const MEMBERS: &[&str] = &["headers", "auth", "signing", "format", "template", "certificates"];

/// How requests are made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Settings {
    pub(crate) headers: Vec<Header>,
    pub(crate) auth: Option<Auth>,
    pub(crate) signing: Signing,
    pub(crate) format: Format,
    /// A JavaScript expression that shapes the body; blank: the event's document.
    pub(crate) template: String,
    /// Certificates (PEM) of authorities that the endpoint is trusted by, besides the usual ones.
    pub(crate) certificates: Option<String>,
}

/// By which schemes deliveries are signed, as far as the space has keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Signing {
    pub(crate) v1: bool,
    pub(crate) v1a: bool,
}

impl Default for Signing {
    fn default() -> Self {
        Self { v1: true, v1a: true }
    }
}

/// The form of a delivery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Format {
    /// The event's document, or what the template makes of it.
    #[default]
    Kinetic,
    /// One JSON document with the attributes of CloudEvents around it.
    CloudeventsStructured,
    /// The attributes of CloudEvents as headers.
    CloudeventsBinary,
}

impl Format {
    const ALL: [Self; 3] = [Self::Kinetic, Self::CloudeventsStructured, Self::CloudeventsBinary];

    fn as_str(self) -> &'static str {
        match self {
            Self::Kinetic => "kinetic",
            Self::CloudeventsStructured => "cloudevents-structured",
            Self::CloudeventsBinary => "cloudevents-binary",
        }
    }
}

/// A secret as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sealed {
    pub(crate) sealed: String,
}

impl Sealed {
    /// Opens a secret of a webhook.
    pub(crate) fn open(
        &self,
        vault: &Vault,
        id: &WebhookId,
        what: &str,
    ) -> Result<Secret, VaultError> {
        vault.open(&place(id, what), &self.sealed)
    }
}

/// Where a secret of a webhook is sealed for.
fn place(id: &WebhookId, what: &str) -> String {
    format!("webhook/{id}/request/{what}")
}

/// The settings of a webhook; the usual ones when it says nothing.
///
/// # Errors
/// When the stored document cannot be read.
pub(crate) fn of(webhook: &Webhook) -> Result<Settings, String> {
    let Some(request) = &webhook.request else { return Ok(Settings::default()) };
    Settings::deserialize(request).map_err(|error| format!("its request settings: {error}"))
}

/// The settings as clients read them, each secret as `{"set": true}`.
pub fn shown(webhook: &Webhook) -> Value {
    let settings = of(webhook).unwrap_or_default();
    let mut shown = serde_json::to_value(settings).expect("settings hold nothing JSON lacks");
    hide(&mut shown);
    if let Some(signing) = shown.get_mut("signing").and_then(Value::as_object_mut) {
        signing.insert("legacy".to_owned(), webhook.auth_strategy.is_some().into());
    }
    shown
}

fn hide(value: &mut Value) {
    match value {
        Value::Object(map) if map.contains_key("sealed") => *value = json!({"set": true}),
        Value::Object(map) => map.values_mut().for_each(hide),
        Value::Array(items) => items.iter_mut().for_each(hide),
        _ => {}
    }
}

/// What reading settings needs to know.
pub(crate) struct Reader<'a> {
    pub(crate) vault: &'a Vault,
    pub(crate) sender: &'a Sender,
    pub(crate) id: &'a WebhookId,
    pub(crate) problems: &'a mut Vec<String>,
}

impl Reader<'_> {
    /// Takes what a client sent into the former settings: members that are given replace, secrets
    /// that are left out or sent as `{"set": true}` stay.
    pub(crate) fn read(&mut self, given: &Value, former: &Settings) -> Settings {
        let mut settings = former.clone();
        let given = match given {
            Value::Null => return Settings::default(),
            Value::Object(given) => given,
            _ => {
                self.refuse("Request must be an object");
                return settings;
            }
        };
        self.only("Request", given, MEMBERS);
        if let Some(headers) = given.get("headers") {
            settings.headers = self.headers(headers, &former.headers);
        }
        if let Some(auth) = given.get("auth") {
            settings.auth = self.auth(auth, former.auth.as_ref());
        }
        if let Some(signing) = given.get("signing") {
            settings.signing = self.signing(signing, former.signing);
        }
        if let Some(format) = given.get("format") {
            settings.format = self.format(format);
        }
        if let Some(template) = self.text(given, "template", "Template") {
            settings.template = template;
        }
        if given.contains_key("certificates") {
            let pem = self.text(given, "certificates", "Certificates").unwrap_or_default();
            settings.certificates = (!pem.trim().is_empty()).then_some(pem);
        }
        self.check(&settings);
        settings
    }

    /// What only shows in the whole.
    fn check(&mut self, settings: &Settings) {
        if settings.template.chars().count() > limits::TEMPLATE_CHARS_MAX {
            let max = limits::TEMPLATE_CHARS_MAX;
            self.refuse(format!("Template must not exceed {max} characters"));
        } else if !settings.template.trim().is_empty()
            && let Err(error) = Shaper::compile(&settings.template)
        {
            self.refuse(format!("Template is not a valid expression: {error}"));
        }
        for header in &settings.headers {
            let name = header.name.as_str();
            let taken = match (name, &settings.auth, settings.format) {
                ("authorization", Some(auth), _) => auth.sends_authorization(),
                ("content-type", _, Format::CloudeventsStructured) => true,
                (name, _, Format::CloudeventsBinary) => name.starts_with("ce-"),
                _ => false,
            };
            if taken {
                self.refuse(format!("The header \"{name}\" is set by the other settings"));
            }
        }
        let client = match &settings.auth {
            Some(Auth::Mtls { certificate, private_key }) => {
                match private_key.open(self.vault, self.id, "auth.privateKey") {
                    Ok(key) => Some((certificate.as_str(), key)),
                    Err(error) => {
                        self.refuse(format!("The private key must be given again: {error}"));
                        return;
                    }
                }
            }
            _ => None,
        };
        let client = client.as_ref().map(|(certificate, key)| (*certificate, key.expose()));
        if let Err(problem) = self.sender.identity(settings.certificates.as_deref(), client) {
            self.refuse(problem);
        }
    }

    fn signing(&mut self, given: &Value, former: Signing) -> Signing {
        let Some(given) = given.as_object() else {
            self.refuse("Signing must be an object");
            return former;
        };
        self.only("Signing", given, &["v1", "v1a", "legacy"]);
        let mut flag = |name: &str, former: bool| match given.get(name) {
            None | Some(Value::Null) => former,
            Some(Value::Bool(flag)) => *flag,
            Some(_) => {
                self.refuse(format!("Signing {name} must be true or false"));
                former
            }
        };
        Signing { v1: flag("v1", former.v1), v1a: flag("v1a", former.v1a) }
    }

    fn format(&mut self, given: &Value) -> Format {
        if given.is_null() {
            return Format::default();
        }
        let text = given.as_str().unwrap_or_default();
        let found = Format::ALL.into_iter().find(|format| format.as_str() == text);
        found.unwrap_or_else(|| {
            let known = Format::ALL.map(Format::as_str).join(", ");
            self.refuse(format!("Format must be one of {known}"));
            Format::default()
        })
    }

    fn refuse(&mut self, problem: impl Into<String>) {
        self.problems.push(problem.into());
    }

    /// Refuses members that nobody knows.
    fn only(&mut self, what: &str, given: &Map<String, Value>, known: &[&str]) {
        if let Some(name) = given.keys().find(|name| !known.contains(&name.as_str())) {
            let known = known.join(", ");
            self.refuse(format!("{what} has no property \"{name}\"; there are {known}"));
        }
    }

    /// A text member; `None` when it is not given, blank for null.
    fn text(&mut self, given: &Map<String, Value>, name: &str, title: &str) -> Option<String> {
        match given.get(name)? {
            Value::String(text) if text.len() > limits::CREDENTIAL_BYTES_MAX => {
                let max = limits::CREDENTIAL_BYTES_MAX;
                self.refuse(format!("{title} must not exceed {max} bytes"));
                None
            }
            Value::String(text) => Some(text.clone()),
            Value::Null => Some(String::new()),
            _ => {
                self.refuse(format!("{title} must be text"));
                None
            }
        }
    }

    /// A secret: a text is sealed, nothing or `{"set": true}` keeps the former one.
    fn secret(
        &mut self,
        given: Option<&Value>,
        former: Option<&Sealed>,
        what: &str,
        title: &str,
    ) -> Option<Sealed> {
        match given {
            Some(Value::String(text)) if text.len() > limits::CREDENTIAL_BYTES_MAX => {
                let max = limits::CREDENTIAL_BYTES_MAX;
                self.refuse(format!("{title} must not exceed {max} bytes"));
                None
            }
            Some(Value::String(text)) if !text.is_empty() => {
                Some(Sealed { sealed: self.vault.seal(&place(self.id, what), text) })
            }
            None => former.cloned(),
            Some(Value::Object(map)) if map.get("set") == Some(&Value::Bool(true)) => {
                former.cloned()
            }
            Some(Value::String(_) | Value::Null) => None,
            Some(_) => {
                self.refuse(format!("{title} must be text, or {{\"set\": true}} to keep it"));
                None
            }
        }
    }
}

/// The settings with every secret sealed by the key that seals now; `None` when they are, or one
/// does not open.
pub(super) fn resealed(vault: &Vault, webhook: &Webhook) -> Option<Value> {
    let mut settings = of(webhook).ok().filter(|_| webhook.request.is_some())?;
    let mut moved = false;
    for (what, sealed) in settings.secrets() {
        if vault.is_current(&sealed.sealed) {
            continue;
        }
        let secret = sealed.open(vault, &webhook.id, &what).ok()?;
        sealed.sealed = vault.seal(&place(&webhook.id, &what), secret.expose());
        moved = true;
    }
    moved.then(|| serde_json::to_value(settings).expect("settings hold nothing JSON lacks"))
}

impl Settings {
    /// Every secret with its name.
    fn secrets(&mut self) -> Vec<(String, &mut Sealed)> {
        let mut secrets = Vec::new();
        for header in &mut self.headers {
            let what = headers::place(&header.name);
            if let headers::Text::Secret(sealed) = &mut header.value {
                secrets.push((what, sealed));
            }
        }
        secrets.extend(self.auth.iter_mut().flat_map(Auth::secret));
        secrets
    }
}

/// Takes the settings a client sent into a webhook, and what is wrong with them into `problems`.
pub(crate) fn apply(
    webhooks: &Webhooks,
    webhook: &mut Webhook,
    given: &Value,
    problems: &mut Vec<String>,
) {
    let former = of(webhook).unwrap_or_default();
    let (vault, sender) = (&webhooks.inner.vault, &webhooks.inner.sender);
    let mut reader = Reader { vault, sender, id: &webhook.id, problems };
    let settings = reader.read(given, &former);
    let is_usual = settings == Settings::default();
    let document = serde_json::to_value(settings).expect("settings hold nothing JSON lacks");
    webhook.request = (!is_usual).then_some(document);
}
