//! Connections and operations as documents: what a client sends is checked, normalised and sealed
//! here, and what is stored is shown again without its secrets.

use super::work::Work;
use crate::send::Sender;
use expr::js::outputs::Outputs;
use model::connection::{Connection, HTTP, Input, Operation, POSTGRES};
use model::limits;
use runtime::vault::{Error as VaultError, Secret, Vault};
use serde_json::{Map, Value, json};

/// Members that clients read and may send back; they are not theirs to set.
const READ_ONLY: [&str; 6] =
    ["id", "insertedAt", "updatedAt", "lockVersion", "status", "connectionId"];

/// The secret member of each kind of credentials.
pub(super) fn secret_member(auth: &Value) -> Option<&'static str> {
    match auth.get("authType")?.as_str()? {
        "basic" => Some("password"),
        "raw_bearer_token" => Some("token"),
        "client_credentials" => Some("clientSecret"),
        _ => None,
    }
}

/// Where a secret of a connection is sealed for.
pub(super) fn place(connection: &Connection, what: &str) -> String {
    format!("{}/{what}", owner(connection))
}

fn owner(connection: &Connection) -> String {
    format!("connection/{}/{}", connection.space_id, connection.id)
}

/// Opens a secret of a connection; `None` when it is not set.
pub(super) fn open(
    vault: &Vault,
    connection: &Connection,
    what: &str,
    stored: &Value,
) -> Result<Option<Secret>, VaultError> {
    let Some(sealed) = stored.get("sealed").and_then(Value::as_str) else { return Ok(None) };
    vault.open(&place(connection, what), sealed).map(Some)
}

/// The secret of a connection's config: what it is sealed as, and where it stands.
fn credential(config: &Value) -> Option<(String, String)> {
    if config["configType"] == POSTGRES {
        return Some(("password".to_owned(), "/password".to_owned()));
    }
    let member = secret_member(&config["auth"])?;
    Some((format!("auth.{member}"), format!("/auth/{member}")))
}

/// The config as clients read it: each secret is null.
pub fn shown_config(connection: &Connection) -> Value {
    let mut config = connection.config.clone();
    if let Some((_, place)) = credential(&config)
        && let Some(secret) = config.pointer_mut(&place)
    {
        *secret = Value::Null;
    }
    config
}

/// The named secrets as clients read them: all null.
pub fn shown_secrets(connection: &Connection) -> Map<String, Value> {
    connection.secrets.keys().map(|name| (name.clone(), Value::Null)).collect()
}

/// What is missing before the connection can be used, as a sentence.
pub fn unready(connection: &Connection) -> Option<String> {
    let missing = credential(&connection.config);
    let missing =
        missing.filter(|(_, place)| connection.config.pointer(place).is_none_or(Value::is_null));
    if let Some((_, place)) = missing {
        let member = place.rsplit('/').next().unwrap_or_default();
        return Some(format!("The credentials lack their {member}; enter it"));
    }
    let secret = connection.secrets.iter().find(|(_, stored)| stored.is_null());
    secret.map(|(name, _)| format!("The secret \"{name}\" has no value; enter it"))
}

/// The connection with every secret sealed by the key that seals now; `None` when they are, or
/// one does not open.
pub(crate) fn resealed(vault: &Vault, mut connection: Connection) -> Option<Connection> {
    let owner = owner(&connection);
    let mut stored: Vec<(String, &mut Value)> = Vec::new();
    let names = connection.secrets.iter_mut();
    stored.extend(names.map(|(name, secret)| (format!("secret.{name}"), secret)));
    if let Some((what, place)) = credential(&connection.config) {
        stored.extend(connection.config.pointer_mut(&place).map(|secret| (what, secret)));
    }
    let mut moved = false;
    for (what, secret) in stored {
        let Some(sealed) = secret.get("sealed").and_then(Value::as_str) else { continue };
        if vault.is_current(sealed) {
            continue;
        }
        let place = format!("{owner}/{what}");
        let opened = vault.open(&place, sealed).ok()?;
        *secret = json!({ "sealed": vault.seal(&place, opened.expose()) });
        moved = true;
    }
    moved.then_some(connection)
}

/// Reads documents and collects what is wrong with them, as sentences without a full stop.
pub(super) struct Reader<'a> {
    pub(super) vault: &'a Vault,
    pub(super) sender: &'a Sender,
    pub(super) problems: Vec<String>,
}

impl Reader<'_> {
    pub(super) fn refuse(&mut self, problem: impl Into<String>) {
        self.problems.push(problem.into());
    }

    /// Refuses members that nobody knows.
    pub(super) fn only(&mut self, at: &str, given: &Map<String, Value>, known: &[&str]) {
        for name in given.keys().filter(|name| !known.contains(&name.as_str())) {
            self.refuse(format!("Unexpected field: {at}{name}"));
        }
    }

    /// A text member within a limit of characters; `None` when it is not given.
    pub(super) fn text(
        &mut self,
        given: &Map<String, Value>,
        member: &str,
        chars_max: usize,
    ) -> Option<String> {
        match given.get(member)? {
            Value::Null => Some(String::new()),
            Value::String(text) if text.chars().count() > chars_max => {
                self.refuse(format!("The {member} must not exceed {chars_max} characters"));
                None
            }
            Value::String(text) => Some(text.clone()),
            _ => {
                self.refuse(format!("The {member} must be text"));
                None
            }
        }
    }

    fn name(&mut self, given: &Map<String, Value>, former: &str) -> String {
        let name = self.text(given, "name", limits::NAME_CHARS_MAX);
        let name = name.map_or_else(|| former.to_owned(), |name| name.trim().to_owned());
        if name.is_empty() && self.problems.is_empty() {
            self.refuse("The name must not be blank");
        }
        name
    }

    /// Lays what a client sent over a connection.
    pub(super) fn connection(&mut self, connection: &mut Connection, given: &Map<String, Value>) {
        let own = ["type", "name", "description", "documentationLink", "config", "secrets"];
        self.only("", given, &[&own[..], &READ_ONLY[..], &["operations"]].concat());
        let within = given.get("config").and_then(|config| config.get("configType"));
        let [kind, within] = [given.get("type"), within]
            .map(|kind| kind.and_then(Value::as_str).map(str::to_ascii_lowercase));
        if kind.is_some() && within.is_some() && kind != within {
            self.refuse("The type and the configType must be the same");
        }
        let kind = kind.or(within);
        let is_new = connection.config.is_null();
        match kind.as_deref() {
            None => {}
            Some(kind) if kind == connection.kind => {}
            Some(kind @ (HTTP | POSTGRES)) if is_new => connection.kind = kind.to_owned(),
            Some(HTTP | POSTGRES) => self.refuse(format!(
                "The type of a connection cannot be changed from {}; create another",
                connection.kind
            )),
            Some("mssql") => self.refuse(
                "Connections of the type mssql are not supported by this server; it calls systems \
                 over HTTP (type http) and PostgreSQL databases (type postgres)",
            ),
            Some(kind) => self.refuse(format!("The type must be http or postgres, not \"{kind}\"")),
        }
        if !self.problems.is_empty() {
            return;
        }
        connection.name = self.name(given, &connection.name);
        if let Some(text) = self.text(given, "description", limits::TEXT_CHARS_MAX) {
            connection.description = text;
        }
        if let Some(text) = self.text(given, "documentationLink", limits::URL_CHARS_MAX) {
            connection.documentation_link = text;
        }
        match given.get("config") {
            Some(Value::Object(config)) => {
                connection.config = match connection.kind.as_str() {
                    POSTGRES => self.database(connection, config),
                    _ => self.config(connection, config),
                };
            }
            None if !connection.config.is_null() => {}
            _ => self.refuse("The config must be given, as an object"),
        }
        match given.get("secrets") {
            None | Some(Value::Null) => {}
            Some(Value::Object(secrets)) => connection.secrets = self.secrets(connection, secrets),
            Some(_) => self.refuse("The secrets must be an object of texts by name"),
        }
    }

    fn config(&mut self, connection: &Connection, given: &Map<String, Value>) -> Value {
        self.only("config.", given, &["configType", "baseUrl", "testPath", "caCert", "auth"]);
        let base = self.text(given, "baseUrl", limits::URL_CHARS_MAX).unwrap_or_default();
        self.url("baseUrl", &base, true);
        let path = self.text(given, "testPath", limits::URL_CHARS_MAX);
        let authority = self.certificate(given);
        let auth = match given.get("auth") {
            None | Some(Value::Null) => Value::Null,
            Some(Value::Object(auth)) => self.auth(connection, auth),
            Some(_) => {
                self.refuse("The auth must be an object, or null for none");
                Value::Null
            }
        };
        json!({ "configType": HTTP, "baseUrl": base, "testPath": path, "caCert": authority,
            "auth": auth })
    }

    pub(super) fn certificate(&mut self, given: &Map<String, Value>) -> Option<String> {
        let pem = self.text(given, "caCert", limits::CREDENTIAL_BYTES_MAX)?;
        if pem.trim().is_empty() {
            return None;
        }
        if let Err(problem) = self.sender.identity(Some(&pem), None) {
            self.refuse(format!("The caCert cannot be used: {problem}"));
        }
        Some(pem)
    }

    /// Judges a URL as the guard will; a base is neither followed by a query nor a fragment.
    fn url(&mut self, member: &str, text: &str, is_base: bool) {
        if text.is_empty() {
            return self.refuse(format!("The {member} must not be blank"));
        }
        match self.sender.guard().judge_url(text) {
            Err(refusal) => self.refuse(format!("The {member} cannot be called: {refusal}")),
            Ok(_) if is_base && text.contains(['?', '#']) => {
                self.refuse(format!("The {member} must end before its query"));
            }
            Ok(_) => {}
        }
    }

    fn auth(&mut self, connection: &Connection, given: &Map<String, Value>) -> Value {
        let kind = given.get("authType").and_then(Value::as_str).unwrap_or_default().to_owned();
        let known: &[&str] = match kind.as_str() {
            "basic" => &["authType", "username", "password"],
            "raw_bearer_token" => &["authType", "header", "prefix", "token"],
            "client_credentials" => &[
                "authType",
                "tokenUrl",
                "clientId",
                "clientSecret",
                "clientAuth",
                "scope",
                "caCert",
            ],
            "http_bearer_token" => {
                self.refuse(
                    "The authType http_bearer_token is not supported by this server; use \
                     client_credentials for OAuth 2, or raw_bearer_token",
                );
                return Value::Null;
            }
            _ => {
                self.refuse(
                    "The authType must be one of basic, raw_bearer_token, client_credentials",
                );
                return Value::Null;
            }
        };
        self.only("config.auth.", given, known);
        let mut text = |member: &str| {
            self.text(given, member, limits::URL_CHARS_MAX).unwrap_or_default().trim().to_owned()
        };
        let mut auth = match kind.as_str() {
            "basic" => json!({ "authType": kind, "username": text("username") }),
            "raw_bearer_token" => {
                let default = |member: &str, usual: &str, text: String| {
                    if given.contains_key(member) { text } else { usual.to_owned() }
                };
                let header = default("header", "Authorization", text("header"));
                let prefix = default("prefix", "Bearer", text("prefix"));
                if let Err(problem) = crate::definitions::request::header_name(&header) {
                    self.refuse(problem);
                }
                if !prefix.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
                    self.refuse("The prefix must be printable ASCII");
                }
                json!({ "authType": kind, "header": header, "prefix": prefix })
            }
            _ => {
                let (url, id) = (text("tokenUrl"), text("clientId"));
                let (scope, how) = (text("scope"), text("clientAuth"));
                self.url("tokenUrl", &url, false);
                if id.is_empty() {
                    self.refuse("The clientId must not be blank");
                }
                if !["", "basic_auth", "www_form_urlencoded"].contains(&how.as_str()) {
                    self.refuse("The clientAuth must be basic_auth or www_form_urlencoded");
                }
                let how = if how.is_empty() { "www_form_urlencoded" } else { how.as_str() };
                let authority = self.certificate(given);
                json!({ "authType": kind, "tokenUrl": url, "clientId": id, "clientAuth": how,
                    "scope": scope, "caCert": authority })
            }
        };
        if let Some(member) = secret_member(&auth) {
            let former = &connection.config["auth"];
            let is_same = former["authType"] == auth["authType"];
            let former = if is_same { former[member].clone() } else { Value::Null };
            auth[member] =
                self.secret(connection, &format!("auth.{member}"), given.get(member), former);
        }
        auth
    }

    /// A secret: a text is sealed, an empty one takes it away, null or nothing keeps the former.
    pub(super) fn secret(
        &mut self,
        connection: &Connection,
        what: &str,
        given: Option<&Value>,
        former: Value,
    ) -> Value {
        match given {
            None | Some(Value::Null) => former,
            Some(Value::String(text)) if text.is_empty() => Value::Null,
            Some(Value::String(text)) if text.len() > limits::CREDENTIAL_BYTES_MAX => {
                let max = limits::CREDENTIAL_BYTES_MAX;
                self.refuse(format!("The secret {what} must not exceed {max} bytes"));
                former
            }
            Some(Value::String(text)) if text.contains(char::is_control) => {
                self.refuse(format!("The secret {what} must not hold control characters"));
                former
            }
            Some(Value::String(text)) => self.sealed(connection, what, text),
            Some(_) => {
                self.refuse(format!("The secret {what} must be text, or null to keep it"));
                former
            }
        }
    }

    pub(super) fn sealed(&self, connection: &Connection, what: &str, text: &str) -> Value {
        json!({ "sealed": self.vault.seal(&place(connection, what), text) })
    }

    /// The named secrets: what is not named goes, what is null stays.
    fn secrets(
        &mut self,
        connection: &Connection,
        given: &Map<String, Value>,
    ) -> Map<String, Value> {
        if given.len() > limits::CONNECTION_SECRETS_MAX {
            let max = limits::CONNECTION_SECRETS_MAX;
            self.refuse(format!("There must not be more than {max} secrets"));
        }
        let mut secrets = Map::new();
        for (name, value) in given.iter().take(limits::CONNECTION_SECRETS_MAX) {
            let is_name = !name.trim().is_empty() && name.trim() == name;
            let is_short = name.chars().count() <= limits::NAME_CHARS_MAX;
            if !is_name || !is_short || name.contains(|c: char| "{}".contains(c) || c.is_control())
            {
                self.refuse(format!("\"{}\" is not the name of a secret", name.escape_debug()));
                continue;
            }
            let former = connection.secrets.get(name).cloned().unwrap_or(Value::Null);
            let stored = self.secret(connection, &format!("secret.{name}"), Some(value), former);
            secrets.insert(name.clone(), stored);
        }
        secrets
    }

    /// Lays what a client sent over an operation of a connection.
    pub(super) fn operation(
        &mut self,
        connection: &Connection,
        operation: &mut Operation,
        given: &Map<String, Value>,
    ) {
        let own = ["name", "notes", "documentationLink", "config", "outputs"];
        self.only("", given, &[&own[..], &READ_ONLY[..]].concat());
        operation.name = self.name(given, &operation.name);
        if let Some(text) = self.text(given, "notes", limits::TEXT_CHARS_MAX) {
            operation.notes = text;
        }
        if let Some(text) = self.text(given, "documentationLink", limits::URL_CHARS_MAX) {
            operation.documentation_link = text;
        }
        let config = given.get("config").unwrap_or(&operation.config).clone();
        let outputs = given.get("outputs").unwrap_or(&operation.outputs).clone();
        let (config, inputs) = self.operation_config(connection, &config);
        operation.config = config;
        operation.inputs = inputs;
        operation.outputs = if outputs.is_null() { json!({}) } else { outputs };
        self.outputs(&operation.outputs);
        let bytes = operation.config.to_string().len() + operation.outputs.to_string().len();
        if bytes > limits::OPERATION_BYTES_MAX {
            let max = limits::OPERATION_BYTES_MAX;
            self.refuse(format!("The operation must not exceed {max} bytes"));
        }
    }

    /// The request of an operation, normalised, and the inputs it names.
    pub(super) fn operation_config(
        &mut self,
        connection: &Connection,
        given: &Value,
    ) -> (Value, Vec<Input>) {
        let Some(given) = given.as_object() else {
            self.refuse("The config must be given, as an object");
            return (Value::Null, Vec::new());
        };
        match Work::read(&connection.kind, given) {
            Ok(work) => {
                for secret in work.secrets() {
                    if !connection.secrets.contains_key(&secret) {
                        self.refuse(format!(
                            "The connection has no secret \"{secret}\"; add it there first"
                        ));
                    }
                }
                let inputs = work.inputs();
                if inputs.len() > limits::OPERATION_INPUTS_MAX {
                    let max = limits::OPERATION_INPUTS_MAX;
                    self.refuse(format!("There must not be more than {max} inputs"));
                }
                (work.document(given), inputs)
            }
            Err(problems) => {
                self.problems.extend(problems);
                (Value::Null, Vec::new())
            }
        }
    }

    /// Compiles the outputs of an operation; blank ones when something is wrong.
    pub(super) fn outputs(&mut self, given: &Value) -> Outputs {
        match read_outputs(given) {
            Ok(outputs) => outputs,
            Err(problems) => {
                self.problems.extend(problems);
                Outputs::default()
            }
        }
    }
}

/// Compiles outputs.
///
/// # Errors
/// Everything that is wrong with them.
pub(super) fn read_outputs(given: &Value) -> Result<Outputs, Vec<String>> {
    let Some(given) = given.as_object() else {
        return Err(vec!["The outputs must be an object of expressions by name".to_owned()]);
    };
    let (mut outputs, mut problems, mut count) = (Outputs::default(), Vec::new(), 0);
    let none = Map::new();
    for (name, output) in given {
        if !is_output_name(name) {
            problems.push(format!(
                "The output \"{}\" must be named with letters, numbers, spaces, underscores and \
                 hyphens, and not begin with a space",
                name.escape_debug()
            ));
            continue;
        }
        let Some(value) = output.get("value").and_then(Value::as_str) else {
            problems.push(format!("The output \"{name}\" must be {{\"value\": \"expression\"}}"));
            continue;
        };
        let children = match output.get("children") {
            None | Some(Value::Null) => &none,
            Some(Value::Object(children)) => children,
            Some(_) => {
                problems.push(format!("The children of \"{name}\" must be an object"));
                continue;
            }
        };
        count += 1 + children.len();
        let mut pairs = Vec::with_capacity(children.len());
        for (child, text) in children {
            match text.as_str() {
                Some(text) if is_output_name(child) => pairs.push((child.as_str(), text)),
                _ => problems.push(format!(
                    "The child \"{}\" of \"{name}\" must be the text of an expression",
                    child.escape_debug()
                )),
            }
        }
        if let Err(error) = outputs.add(name, value, pairs) {
            problems.push(format!("The output \"{name}\" is not an expression: {error}"));
        }
    }
    if count > limits::OPERATION_OUTPUTS_MAX {
        let max = limits::OPERATION_OUTPUTS_MAX;
        problems.push(format!("There must not be more than {max} outputs with their children"));
    }
    if problems.is_empty() { Ok(outputs) } else { Err(problems) }
}

fn is_output_name(name: &str) -> bool {
    let is_fine = |c: char| c.is_alphanumeric() || " _-".contains(c);
    !name.is_empty()
        && !name.starts_with(' ')
        && name.chars().all(is_fine)
        && name.chars().count() <= limits::NAME_CHARS_MAX
}

/// A UUID in its usual form; `None` for a text that is none.
pub(super) fn uuid(text: &str) -> Option<String> {
    let is_hex =
        |part: &str, length| part.len() == length && part.bytes().all(|b| b.is_ascii_hexdigit());
    let parts: Vec<&str> = text.split('-').collect();
    let is_uuid = parts.len() == 5 && parts.iter().zip([8, 4, 4, 4, 12]).all(|(p, n)| is_hex(p, n));
    is_uuid.then(|| text.to_ascii_lowercase())
}
