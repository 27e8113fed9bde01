//! The legacy `authStrategy`: a key and a secret that older receivers expect as two headers.
//!
//! It keeps the documented shape, a list of properties; the secret's property holds the sealed
//! text instead of a value.

use model::id::WebhookId;
use model::webhook::Webhook;
use runtime::vault::{Error, Secret, Vault};
use serde_json::{Value, json};

/// Where the secret is sealed for.
fn place(id: &WebhookId) -> String {
    format!("webhook/{id}/auth-strategy")
}

/// Reads what a client sent; an omitted secret is taken from the former strategy.
pub(super) fn read(
    given: &Value,
    former: Option<&Value>,
    vault: &Vault,
    id: &WebhookId,
) -> Result<Option<Value>, String> {
    if given.is_null() {
        return Ok(None);
    }
    if given.get("type").and_then(Value::as_str) != Some("Signature") {
        return Err("Auth Strategy must be null or of the type Signature".to_owned());
    }
    let key = text(given, "Key", "value").filter(|key| !key.is_empty());
    let secret = text(given, "Secret", "value").filter(|secret| !secret.is_empty());
    if [key, secret].iter().flatten().any(|text| text.chars().any(char::is_control)) {
        return Err("Auth Strategy must not contain control characters".to_owned());
    }
    let seal = |secret| vault.seal(&place(id), secret);
    let sealed = match (secret, former) {
        (Some(secret), _) => Some(seal(secret)),
        (None, Some(former)) => text(former, "Secret", "sealed")
            .map(str::to_owned)
            .or_else(|| text(former, "Secret", "value").map(seal)),
        (None, None) => None,
    };
    let (Some(key), Some(sealed)) = (key, sealed) else {
        return Err("Auth Strategy needs the properties Key and Secret".to_owned());
    };
    Ok(Some(strategy(key, &sealed)))
}

/// The key and the secret of a webhook's strategy.
///
/// # Errors
/// What the vault says of the secret.
pub(crate) fn open(vault: &Vault, webhook: &Webhook) -> Result<Option<(String, Secret)>, Error> {
    let Some(strategy) = &webhook.auth_strategy else { return Ok(None) };
    let Some(key) = text(strategy, "Key", "value") else { return Ok(None) };
    let secret = match text(strategy, "Secret", "sealed") {
        Some(sealed) => vault.open(&place(&webhook.id), sealed)?,
        // Stored in clear by an earlier version; it is sealed at the start.
        None => Secret::new(text(strategy, "Secret", "value").unwrap_or_default()),
    };
    Ok(Some((key.to_owned(), secret)))
}

/// The strategy sealed with the key that seals now; `None` when it is already, or cannot be
/// opened.
pub(super) fn resealed(vault: &Vault, webhook: &Webhook) -> Option<Value> {
    let strategy_now = webhook.auth_strategy.as_ref()?;
    if text(strategy_now, "Secret", "sealed").is_some_and(|sealed| vault.is_current(sealed)) {
        return None;
    }
    let (key, secret) = open(vault, webhook).ok().flatten()?;
    Some(strategy(&key, &vault.seal(&place(&webhook.id), secret.expose())))
}

fn strategy(key: &str, sealed: &str) -> Value {
    json!({
        "type": "Signature",
        "properties": [
            {"name": "Key", "value": key},
            {"name": "Secret", "sealed": sealed, "sensitive": true},
        ],
    })
}

/// A member of a named property.
fn text<'a>(strategy: &'a Value, name: &str, member: &str) -> Option<&'a str> {
    let mut properties = strategy.get("properties")?.as_array()?.iter();
    let property = properties.find(|p| p.get("name").and_then(Value::as_str) == Some(name))?;
    property.get(member)?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::time::Micros;
    use runtime::Runtime;

    #[test]
    fn an_omitted_secret_stays_and_none_lies_in_clear() {
        let vault = Vault::ephemeral(&Runtime::fake(Micros(0), 1));
        let id = WebhookId("w".to_owned());
        let given = |secret: Option<&str>| {
            let mut properties = vec![json!({"name": "Key", "value": "k"})];
            properties.extend(secret.map(|s| json!({"name": "Secret", "value": s})));
            json!({"type": "Signature", "properties": properties})
        };
        let read = |given: &Value, former| read(given, former, &vault, &id);
        let first = read(&given(Some("hush")), None).unwrap().unwrap();
        assert!(!first.to_string().contains("hush"));
        let kept = read(&given(None), Some(&first)).unwrap();
        assert_eq!(kept, Some(first.clone()));
        assert!(read(&given(None), None).is_err());
        assert_eq!(read(&Value::Null, Some(&first)), Ok(None));
        assert!(read(&json!({"type": "Basic"}), None).is_err());
        assert!(read(&given(Some("a\r\nb: c")), None).unwrap_err().contains("control"));
        let clear = given(Some("hush"));
        let sealed = read(&given(None), Some(&clear)).unwrap().unwrap();
        assert!(!sealed.to_string().contains("hush"), "a stored secret is sealed at the next save");
    }
}
