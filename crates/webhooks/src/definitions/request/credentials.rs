//! Credentials of a webhook: basic, bearer, OAuth 2 client credentials, a client certificate.

use super::{Reader, Sealed};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// How a request shows who sends it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", rename_all_fields = "camelCase")]
pub(crate) enum Auth {
    /// User name and password.
    Basic { username: String, password: Sealed },
    /// A token that does not change.
    Bearer { token: Sealed },
    /// A token that is fetched (RFC 6749, section 4.4).
    Oauth2 {
        token_url: String,
        client_id: String,
        client_secret: Sealed,
        /// Separated by spaces; may be blank.
        scope: String,
        /// Some servers want one; may be blank.
        audience: String,
        /// Whether the client's credentials go in the body instead of a header.
        in_body: bool,
    },
    /// A client certificate (PEM, with its chain) and its key.
    Mtls { certificate: String, private_key: Sealed },
}

const KINDS: &str = "basic, bearer, oauth2, mtls";

impl Auth {
    /// Whether it fills the header `authorization`.
    pub(super) fn sends_authorization(&self) -> bool {
        !matches!(self, Self::Mtls { .. })
    }

    /// Its secret, with the name it is sealed for.
    pub(crate) fn secret(&mut self) -> Option<(String, &mut Sealed)> {
        Some(match self {
            Self::Basic { password, .. } => ("auth.password".to_owned(), password),
            Self::Bearer { token } => ("auth.token".to_owned(), token),
            Self::Oauth2 { client_secret, .. } => ("auth.clientSecret".to_owned(), client_secret),
            Self::Mtls { private_key, .. } => ("auth.privateKey".to_owned(), private_key),
        })
    }
}

impl Reader<'_> {
    /// Reads credentials; null or the type `none` takes them away.
    pub(super) fn auth(&mut self, given: &Value, former: Option<&Auth>) -> Option<Auth> {
        if given.is_null() {
            return None;
        }
        let Some(given) = given.as_object() else {
            self.refuse("Auth must be an object or null");
            return None;
        };
        match given.get("type").and_then(Value::as_str).unwrap_or_default() {
            "none" => None,
            "basic" => self.basic(given, former),
            "bearer" => self.bearer(given, former),
            "oauth2" => self.oauth2(given, former),
            "mtls" => self.mtls(given, former),
            other => {
                self.refuse(format!("Auth has no type \"{other}\"; there are {KINDS}"));
                None
            }
        }
    }

    fn basic(&mut self, given: &Map<String, Value>, former: Option<&Auth>) -> Option<Auth> {
        self.only("Basic authentication", given, &["type", "username", "password"]);
        let (was, kept) = match former {
            Some(Auth::Basic { username, password }) => (username.as_str(), Some(password)),
            _ => ("", None),
        };
        let username = self.text(given, "username", "Username");
        let username = username.unwrap_or_else(|| was.to_owned());
        if username.is_empty() || username.contains(':') || username.chars().any(char::is_control) {
            self.refuse("Username must not be blank nor contain a colon or control characters");
        }
        self.printable(given, "password", "Password");
        let password = self.secret(given.get("password"), kept, "auth.password", "Password");
        let password = self.needed(password, "Password")?;
        Some(Auth::Basic { username, password })
    }

    fn bearer(&mut self, given: &Map<String, Value>, former: Option<&Auth>) -> Option<Auth> {
        self.only("Bearer authentication", given, &["type", "token"]);
        let kept = match former {
            Some(Auth::Bearer { token }) => Some(token),
            _ => None,
        };
        if let Some(token) = given.get("token").and_then(Value::as_str)
            && !token.bytes().all(|byte| byte.is_ascii_graphic())
        {
            self.refuse("Token must be printable ASCII without spaces");
        }
        let token = self.secret(given.get("token"), kept, "auth.token", "Token");
        Some(Auth::Bearer { token: self.needed(token, "Token")? })
    }

    fn oauth2(&mut self, given: &Map<String, Value>, former: Option<&Auth>) -> Option<Auth> {
        const KNOWN: &[&str] =
            &["type", "tokenUrl", "clientId", "clientSecret", "scope", "audience", "inBody"];
        self.only("OAuth2", given, KNOWN);
        let blank = || (String::new(), String::new(), String::new(), String::new(), false);
        let (was, kept) = match former {
            Some(Auth::Oauth2 {
                token_url,
                client_id,
                client_secret,
                scope,
                audience,
                in_body,
            }) => {
                let was = (
                    token_url.clone(),
                    client_id.clone(),
                    scope.clone(),
                    audience.clone(),
                    *in_body,
                );
                (was, Some(client_secret))
            }
            _ => (blank(), None),
        };
        let token_url = self.text(given, "tokenUrl", "Token Url").unwrap_or(was.0);
        let token_url = token_url.trim().to_owned();
        if let Err(refusal) = self.sender.guard().judge_url(&token_url) {
            self.refuse(format!("Token Url cannot be called: {refusal}"));
        }
        let client_id = self.text(given, "clientId", "Client Id").unwrap_or(was.1);
        if client_id.is_empty() || client_id.chars().any(char::is_control) {
            self.refuse("Client Id must not be blank nor contain control characters");
        }
        let scope = self.text(given, "scope", "Scope").unwrap_or(was.2);
        let audience = self.text(given, "audience", "Audience").unwrap_or(was.3);
        let in_body = match given.get("inBody") {
            None | Some(Value::Null) => was.4,
            Some(Value::Bool(flag)) => *flag,
            Some(_) => {
                self.refuse("inBody must be true or false");
                false
            }
        };
        // A secret is not sent to another place than it was given for.
        let moved =
            matches!(former, Some(Auth::Oauth2 { token_url: old, .. }) if *old != token_url);
        let kept = kept.filter(|_| !moved);
        let title = "Client Secret";
        let secret = self.secret(given.get("clientSecret"), kept, "auth.clientSecret", title);
        let client_secret = self.needed(secret, title)?;
        Some(Auth::Oauth2 { token_url, client_id, client_secret, scope, audience, in_body })
    }

    fn mtls(&mut self, given: &Map<String, Value>, former: Option<&Auth>) -> Option<Auth> {
        self.only("Mutual TLS", given, &["type", "certificate", "privateKey"]);
        let (was, kept) = match former {
            Some(Auth::Mtls { certificate, private_key }) => {
                (certificate.as_str(), Some(private_key))
            }
            _ => ("", None),
        };
        let certificate = self.text(given, "certificate", "Certificate");
        let certificate = certificate.unwrap_or_else(|| was.to_owned());
        let title = "Private Key";
        let key = self.secret(given.get("privateKey"), kept, "auth.privateKey", title);
        let private_key = self.needed(key, title)?;
        Some(Auth::Mtls { certificate, private_key })
    }

    fn needed(&mut self, secret: Option<Sealed>, title: &str) -> Option<Sealed> {
        if secret.is_none() {
            self.refuse(format!("{title} must be given"));
        }
        secret
    }

    fn printable(&mut self, given: &Map<String, Value>, name: &str, title: &str) {
        let text = given.get(name).and_then(Value::as_str).unwrap_or_default();
        if text.chars().any(char::is_control) {
            self.refuse(format!("{title} must not contain control characters"));
        }
    }
}
