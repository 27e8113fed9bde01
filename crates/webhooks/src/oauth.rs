//! OAuth 2 client credentials: tokens fetched through the guard, kept until shortly before they
//! expire, fetched once more when an endpoint refuses one.
//!
//! One fetch at a time for each client: attempts that need the same token wait for it together,
//! and share a failure for a moment instead of asking again one by one.

use crate::send::{Failure, Limits, Outcome, Request, Sender, Trusted};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use model::job::ErrorClass;
use ring::digest::{SHA256, digest};
use runtime::Runtime;
use runtime::vault::Secret;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use url::form_urlencoded;

/// Clients whose tokens are kept.
const CLIENTS_MAX: usize = 10_000;
/// Milliseconds a token request may take in all.
const FETCH_MS: u64 = 10_000;
/// Bytes of a token answer: the largest tokens are some 8 KiB.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// A token is not used in its last minute, or its last half when it lives shorter.
const EARLY: Duration = Duration::from_secs(60);
/// How long a token is kept whose server does not say how long it lives.
const UNSAID: Duration = Duration::from_secs(300);
/// Longest time a token is kept, whatever its server says.
const KEPT_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a failed fetch answers for others.
const FAILED: Duration = Duration::from_secs(5);
/// Characters of a server's own words that are repeated.
const WORDS_CHARS_MAX: usize = 200;

/// A client of an authorization server.
pub(crate) struct Client {
    key: [u8; 32],
    token_url: String,
    host: String,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: String,
    identity: Option<Trusted>,
}

/// What a client is made of.
pub(crate) struct Grant<'a> {
    pub(crate) token_url: &'a str,
    pub(crate) client_id: &'a str,
    pub(crate) client_secret: &'a str,
    pub(crate) scope: &'a str,
    pub(crate) audience: &'a str,
    pub(crate) in_body: bool,
}

impl Client {
    /// Prepares the token request, which is the same each time.
    pub(crate) fn new(grant: &Grant<'_>) -> Self {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        for (name, value) in [("scope", grant.scope), ("audience", grant.audience)] {
            if !value.trim().is_empty() {
                form.append_pair(name, value.trim());
            }
        }
        let mut headers = vec![
            (CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded")),
            (ACCEPT, HeaderValue::from_static("application/json")),
        ];
        if grant.in_body {
            form.append_pair("client_id", grant.client_id);
            form.append_pair("client_secret", grant.client_secret);
        } else {
            // RFC 6749, section 2.3.1: both are form-encoded before they are joined.
            let encode = |text: &str| -> String {
                form_urlencoded::byte_serialize(text.as_bytes()).collect()
            };
            let pair = format!("{}:{}", encode(grant.client_id), encode(grant.client_secret));
            let basic = format!("Basic {}", STANDARD.encode(pair));
            if let Ok(mut value) = HeaderValue::from_str(&basic) {
                value.set_sensitive(true);
                headers.push((AUTHORIZATION, value));
            }
        }
        let body = form.finish();
        let parts =
            [grant.token_url, "\0", grant.client_id, "\0", grant.client_secret, "\0", &body];
        let mut key = [0; 32];
        key.copy_from_slice(digest(&SHA256, parts.concat().as_bytes()).as_ref());
        let host = url::Url::parse(grant.token_url).ok();
        let host = host.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
        let token_url = grant.token_url.to_owned();
        Self { key, token_url, host, headers, body, identity: None }
    }

    /// The same client, whose server is trusted by these authorities besides the usual ones.
    pub(crate) fn trusting(self, identity: Option<Trusted>) -> Self {
        Self { identity, ..self }
    }
}

#[derive(Clone)]
enum Kept {
    Token { token: Secret, until: Duration },
    Failure { failure: Failure, until: Duration },
}

type Slot = Arc<tokio::sync::Mutex<Option<Kept>>>;

/// The tokens of a node.
#[derive(Default)]
pub(crate) struct Tokens {
    slots: Mutex<HashMap<[u8; 32], Slot>>,
}

impl Tokens {
    /// A token of a client: the kept one, unless it is `refused`, or a new one.
    ///
    /// # Errors
    /// Class `blocked` when the guard refuses the token URL, otherwise `auth` with the cause.
    pub(crate) async fn get(
        &self,
        sender: &Sender,
        runtime: &Runtime,
        client: &Client,
        refused: Option<&Secret>,
    ) -> Result<Secret, Failure> {
        let slot = self.slot(client);
        let mut kept = slot.lock().await;
        let now = runtime.elapsed();
        match &*kept {
            Some(Kept::Token { token, until }) if now < *until && refused != Some(token) => {
                return Ok(token.clone());
            }
            Some(Kept::Failure { failure, until }) if now < *until => return Err(failure.clone()),
            _ => {}
        }
        let outcome = sender.send(&request(client)).await;
        let now = runtime.elapsed();
        let read = read(&client.host, &outcome);
        *kept = Some(match &read {
            Ok((token, lives)) => Kept::Token { token: token.clone(), until: now + usable(*lives) },
            Err(failure) => Kept::Failure { failure: failure.clone(), until: now + FAILED },
        });
        read.map(|(token, _)| token)
    }

    /// Forgets the token of a client.
    pub(crate) fn forget(&self, client: &Client) {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).remove(&client.key);
    }

    fn slot(&self, client: &Client) -> Slot {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= CLIENTS_MAX && !slots.contains_key(&client.key) {
            slots.clear();
        }
        slots.entry(client.key).or_default().clone()
    }
}

/// How long a token of this life is used.
fn usable(lives: Duration) -> Duration {
    let lives = lives.min(KEPT_MAX);
    lives.saturating_sub(EARLY).max(lives / 2)
}

fn request(client: &Client) -> Request {
    Request {
        method: http::Method::POST,
        url: client.token_url.clone(),
        headers: client.headers.clone(),
        body: client.body.clone().into(),
        limits: Limits {
            total_ms: FETCH_MS,
            kept_bytes_max: ANSWER_BYTES_MAX,
            read_bytes_max: ANSWER_BYTES_MAX,
            ..Limits::default()
        },
        identity: client.identity.clone(),
    }
}

/// The token and its life.
fn read(host: &str, outcome: &Outcome) -> Result<(Secret, Duration), Failure> {
    let failed = |why: String| {
        let message = format!("No token from {host}: {why}");
        Failure::new(ErrorClass::Auth, message)
    };
    let answer: Option<Value> =
        outcome.response.as_ref().and_then(|r| serde_json::from_slice(&r.body).ok());
    let said = |name: &str| {
        let text = answer.as_ref()?.get(name)?.as_str()?;
        Some(text.chars().filter(|c| !c.is_control()).take(WORDS_CHARS_MAX).collect::<String>())
    };
    if let Some(failure) = outcome.delivery_failure() {
        if failure.class == ErrorClass::Blocked {
            return Err(Failure::new(ErrorClass::Blocked, format!("The token URL: {failure}")));
        }
        let why = match (said("error"), said("error_description")) {
            (Some(error), Some(more)) => format!("{failure}: {error} ({more})"),
            (Some(error), None) => format!("{failure}: {error}"),
            _ => failure.message,
        };
        return Err(failed(why));
    }
    let Some(answer) = &answer else { return Err(failed("the answer is not JSON".to_owned())) };
    let kind = answer.get("token_type").and_then(Value::as_str).unwrap_or("bearer");
    if !kind.eq_ignore_ascii_case("bearer") {
        return Err(failed("the token is not a bearer token".to_owned()));
    }
    let token = answer.get("access_token").and_then(Value::as_str).unwrap_or_default();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(failed("the answer holds no usable access_token".to_owned()));
    }
    let seconds = answer.get("expires_in").and_then(|v| v.as_u64().or(v.as_str()?.parse().ok()));
    Ok((Secret::new(token), seconds.map_or(UNSAID, Duration::from_secs)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_dropped_before_it_expires() {
        let check = |seconds, usable_s| {
            let is = usable(Duration::from_secs(seconds));
            assert_eq!(is, Duration::from_secs(usable_s), "{seconds}");
        };
        check(3_600, 3_540);
        check(100, 50);
        check(0, 0);
        check(u64::MAX, 24 * 3_600 - 60);
    }
}
