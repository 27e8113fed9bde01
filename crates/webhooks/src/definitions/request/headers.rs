//! Custom headers: names and values are judged when they are saved, so that nothing can be
//! smuggled into a request and nothing of the sender's own be replaced.

use super::{Reader, Sealed};
use http::header::HeaderName;
use model::id::WebhookId;
use model::limits;
use runtime::vault::{Error as VaultError, Secret, Vault};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Names that are the sender's own, or that belong to one hop of a connection.
const RESERVED: &[&str] = &[
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];
/// What reserved names begin with.
const RESERVED_PREFIXES: &[&str] = &["proxy-", "webhook-", "x-kinetic-signature"];

/// A custom header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    /// In lower case.
    pub(crate) name: String,
    pub(crate) value: Text,
    /// Whether the value is a secret.
    pub(crate) secret: bool,
}

/// A value in clear, or a sealed one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Text {
    Clear(String),
    Secret(Sealed),
}

impl Header {
    /// The value in clear.
    pub(crate) fn open(&self, vault: &Vault, id: &WebhookId) -> Result<Secret, VaultError> {
        match &self.value {
            Text::Clear(text) => Ok(Secret::new(text.clone())),
            Text::Secret(sealed) => sealed.open(vault, id, &place(&self.name)),
        }
    }
}

/// What a header's secret is called.
pub(crate) fn place(name: &str) -> String {
    format!("header.{name}")
}

impl Reader<'_> {
    /// Reads the list of headers; it replaces the former one, whose secrets may be kept by name.
    pub(super) fn headers(&mut self, given: &Value, former: &[Header]) -> Vec<Header> {
        let given = match given {
            Value::Null => return Vec::new(),
            Value::Array(items) => items,
            _ => {
                self.refuse("Headers must be a list");
                return former.to_vec();
            }
        };
        if given.len() > limits::HEADERS_MAX {
            self.refuse(format!("There must not be more than {} headers", limits::HEADERS_MAX));
            return former.to_vec();
        }
        let mut headers: Vec<Header> = Vec::with_capacity(given.len());
        for item in given {
            let Some(header) = self.header(item, former) else { continue };
            if headers.iter().any(|other| other.name == header.name) {
                self.refuse(format!("The header \"{}\" is there twice", header.name));
            }
            headers.push(header);
        }
        headers
    }

    fn header(&mut self, given: &Value, former: &[Header]) -> Option<Header> {
        let Some(item) = given.as_object() else {
            self.refuse("A header must be an object with name and value");
            return None;
        };
        self.only("A header", item, &["name", "value", "secret"]);
        let written = item.get("name").and_then(Value::as_str).unwrap_or_default().trim();
        let name = match name(written) {
            Ok(name) => name,
            Err(problem) => {
                self.refuse(problem);
                return None;
            }
        };
        let former = former.iter().find(|header| header.name == name);
        let value = item.get("value");
        if let Some(text) = value.and_then(Value::as_str)
            && let Some(problem) = value_problem(&name, text)
        {
            self.refuse(problem);
            return None;
        }
        if item.get("secret") != Some(&Value::Bool(true)) {
            let Some(Value::String(text)) = value else {
                self.refuse(format!("The value of the header \"{name}\" must be text"));
                return None;
            };
            return Some(Header { name, value: Text::Clear(text.clone()), secret: false });
        }
        let kept = match former.map(|former| &former.value) {
            Some(Text::Secret(sealed)) => Some(sealed),
            _ => None,
        };
        let title = format!("The value of the header \"{name}\"");
        let Some(sealed) = self.secret(value, kept, &place(&name), &title) else {
            self.refuse(format!("{title} must be given"));
            return None;
        };
        Some(Header { name, value: Text::Secret(sealed), secret: true })
    }
}

/// The name in lower case, when it may be set.
pub(crate) fn name(written: &str) -> Result<String, String> {
    let shown: String = written.chars().filter(|c| !c.is_control()).take(80).collect();
    let parsed = HeaderName::from_bytes(written.as_bytes())
        .ok()
        .filter(|name| name.as_str().len() <= limits::HEADER_NAME_CHARS_MAX);
    let Some(parsed) = parsed else {
        return Err(format!("\"{shown}\" is not the name of a header"));
    };
    let name = parsed.as_str();
    if RESERVED.contains(&name) || RESERVED_PREFIXES.iter().any(|start| name.starts_with(start)) {
        return Err(format!("The header \"{name}\" is set by the sender and cannot be given"));
    }
    Ok(name.to_owned())
}

fn value_problem(name: &str, value: &str) -> Option<String> {
    if value.len() > limits::HEADER_VALUE_BYTES_MAX {
        let max = limits::HEADER_VALUE_BYTES_MAX;
        return Some(format!("The value of the header \"{name}\" must not exceed {max} bytes"));
    }
    let is_plain = value.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~'));
    (!is_plain).then(|| {
        format!(
            "The value of the header \"{name}\" must be printable ASCII, without line breaks or \
             other control characters"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_may_be_set() {
        for good in ["X-Tenant", "authorization", "content-type", "cookie", "x_1"] {
            assert_eq!(name(good), Ok(good.to_ascii_lowercase()));
        }
        let long = "x".repeat(200);
        for bad in [
            "",
            " ",
            "a b",
            "a:b",
            "a\r\nb",
            "a\0",
            "ü",
            "Host",
            "Content-Length",
            "TE",
            "Transfer-Encoding",
            "Connection",
            "Upgrade",
            "Proxy-Authorization",
            "Webhook-Id",
            "webhook-signature",
            "X-Kinetic-Signature",
            "X-Kinetic-SignatureKey",
            "Keep-Alive",
            "User-Agent",
            "Accept-Encoding",
            "Expect",
            "Trailer",
            &long,
        ] {
            assert!(name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn values_hold_no_control_bytes() {
        assert_eq!(value_problem("a", "plain, with\ttab"), None);
        for bad in ["a\r\nb: c", "a\nb", "a\rb", "a\0b", "\u{7f}", "grün", "\u{2028}"] {
            assert!(value_problem("a", bad).is_some(), "{bad:?}");
        }
        assert!(value_problem("a", &"x".repeat(9_000)).unwrap().contains("must not exceed"));
    }
}
