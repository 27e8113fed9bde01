//! The mail server: one URL, and the sender of mail that names none.

use anyhow::{Context, Result, bail};
use lettre::message::Mailbox;
use runtime::vault::Secret;
use url::Url;

/// Where mail is handed over.
#[derive(Clone)]
pub struct Smtp {
    /// The host.
    pub host: String,
    /// The port.
    pub port: u16,
    /// How the connection is encrypted.
    pub tls: Tls,
    /// Who signs in there, and the password.
    pub credentials: Option<(String, Secret)>,
    /// The sender of mail that names none.
    pub from: Mailbox,
}

/// How the connection to a mail server is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// From the first byte (`smtps`).
    Implicit,
    /// By STARTTLS, or nothing is sent.
    Required,
    /// By STARTTLS where the server offers it.
    Opportunistic,
    /// Not at all.
    None,
}

/// Reads `smtps://user:password@host:465` and `smtp://host:587?tls=required`.
///
/// # Errors
/// What is wrong, without the URL: it holds a password.
pub(super) fn read(url: Option<String>, from: Option<String>) -> Result<Option<Smtp>> {
    let Some(url) = url else {
        if from.is_some() {
            bail!("smtp_from (KAPOK_SMTP_FROM) says who sends, and smtp_url is missing");
        }
        return Ok(None);
    };
    let context = "smtp_url (KAPOK_SMTP_URL)";
    let parsed = Url::parse(&url).ok().filter(|url| ["smtp", "smtps"].contains(&url.scheme()));
    let Some(parsed) = parsed else {
        bail!("{context} must be as in smtps://user:password@mail.example.com or smtp://relay");
    };
    let asked = parsed.query_pairs().find(|(name, _)| name == "tls").map(|(_, value)| value);
    let tls = match (parsed.scheme(), asked.as_deref()) {
        ("smtps", None) => Tls::Implicit,
        ("smtp", None | Some("required")) => Tls::Required,
        ("smtp", Some("opportunistic")) => Tls::Opportunistic,
        ("smtp", Some("none")) => Tls::None,
        _ => bail!("{context}: tls is required, opportunistic or none, and only for smtp://"),
    };
    let host = parsed.host_str().filter(|host| !host.is_empty());
    let host = host.with_context(|| format!("{context} names no host"))?.to_owned();
    let plain = |text: &str| {
        percent(text).with_context(|| format!("{context}: user or password are no text"))
    };
    let credentials = match (parsed.username(), parsed.password()) {
        ("", None) => None,
        (user, password) => Some((plain(user)?, Secret::new(plain(password.unwrap_or_default())?))),
    };
    let is_local = ["localhost", "127.0.0.1", "[::1]"].contains(&host.as_str());
    if credentials.is_some() && [Tls::None, Tls::Opportunistic].contains(&tls) && !is_local {
        bail!("{context}: a password is not sent without TLS; use tls=required or smtps://");
    }
    let usual = match tls {
        Tls::Implicit => 465,
        Tls::Required | Tls::Opportunistic => 587,
        Tls::None => 25,
    };
    let from = from.context("smtp_from (KAPOK_SMTP_FROM) must say who sends mail")?;
    let from = from.parse().map_err(|_| {
        anyhow::anyhow!(
            "smtp_from (KAPOK_SMTP_FROM) must be an address such as \
             Kapok <kapok@example.com>, not \"{from}\""
        )
    })?;
    Ok(Some(Smtp { host, port: parsed.port().unwrap_or(usual), tls, credentials, from }))
}

/// Decodes what a URL encodes.
fn percent(text: &str) -> Option<String> {
    let pair = format!("x={}", text.replace('+', "%2B"));
    let mut decoded = url::form_urlencoded::parse(pair.as_bytes());
    decoded.next().map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn smtp(url: &str) -> Result<Smtp> {
        let from = Some("Kapok <kapok@example.com>".to_owned());
        Ok(read(Some(url.to_owned()), from)?.unwrap())
    }

    #[test]
    fn urls_are_read() {
        let check = |url: &str, host: &str, port: u16, tls: Tls| {
            let smtp = smtp(url).unwrap();
            assert_eq!((smtp.host.as_str(), smtp.port, smtp.tls), (host, port, tls), "{url}");
        };
        check("smtps://mail.example.com", "mail.example.com", 465, Tls::Implicit);
        check("smtp://mail.example.com", "mail.example.com", 587, Tls::Required);
        check("smtp://relay:2525?tls=none", "relay", 2525, Tls::None);
        check("smtp://relay?tls=opportunistic", "relay", 587, Tls::Opportunistic);
        let (user, password) =
            smtp("smtps://a%40b:p%2F+w@h").unwrap().credentials.expect("credentials");
        assert_eq!((user.as_str(), password.expose()), ("a@b", "p/+w"));
    }

    #[test]
    fn errors_show_no_password() {
        let check = |url: &str, expect: &str| {
            let error = smtp(url).err().unwrap().to_string();
            assert!(error.contains(expect) && !error.contains("secret"), "{error}");
        };
        check("http://u:secret@h", "must be as in smtps://");
        check("smtp://u:secret@h?tls=maybe", "required, opportunistic or none");
        check("smtp://u:secret@h?tls=none", "not sent without TLS");
        assert!(read(Some("smtps://h".to_owned()), None).is_err());
        assert!(read(Some("smtps://h".to_owned()), Some("nobody".to_owned())).is_err());
        assert!(read(None, Some("a@b.c".to_owned())).is_err());
    }
}
