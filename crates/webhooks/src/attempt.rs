//! How the requests of a webhook are made: what was configured, parsed once for each snapshot, and
//! the request that an attempt of a job becomes.

use crate::Inner;
use crate::cloudevents::{self, About};
use crate::definitions::request::{self as settings, Auth, Format, Settings};
use crate::oauth::{Client, Grant};
use crate::send::{Failure, Limits, Outcome, Request, Sender, Trusted};
use crate::sign::{Schemes, Signed, Signer};
use crate::snapshot::Snapshot;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use bytes::Bytes;
use expr::js::{Bindings, Shaped, Shaper};
use http::StatusCode;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use model::job::{Attempt, ErrorClass, Job};
use model::time::Micros;
use model::webhook::Webhook;
use runtime::vault::{Secret, Vault};
use serde_json::Value;
use sha1_smol::Sha1;
use std::sync::Arc;

const WEBHOOK_ID: HeaderName = HeaderName::from_static("webhook-id");
const WEBHOOK_TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");
const LEGACY_KEY: HeaderName = HeaderName::from_static("x-kinetic-signaturekey");
const LEGACY_SIGNATURE: HeaderName = HeaderName::from_static("x-kinetic-signature");

/// What the requests of one webhook have in common.
pub(crate) struct Outgoing {
    /// Headers that are the same each time; secret ones are marked sensitive.
    headers: Vec<(HeaderName, HeaderValue)>,
    schemes: Schemes,
    format: Format,
    template: String,
    shaper: Option<Shaper>,
    /// Who fetches the token, with OAuth 2.
    client: Option<Client>,
    identity: Option<Trusted>,
    /// Why no request can be made, such as a secret that does not open.
    broken: Option<String>,
}

impl Default for Outgoing {
    fn default() -> Self {
        Self {
            headers: Vec::new(),
            schemes: Schemes::ALL,
            format: Format::default(),
            template: String::new(),
            shaper: None,
            client: None,
            identity: None,
            broken: None,
        }
    }
}

/// What one request is about.
pub(crate) struct Delivery<'a> {
    /// The job's id.
    pub(crate) id: &'a str,
    pub(crate) url: &'a str,
    pub(crate) body: &'a str,
    pub(crate) about: &'a About,
}

impl Outgoing {
    /// Parses what a webhook says and opens its secrets.
    pub(crate) fn new(vault: &Vault, sender: &Sender, webhook: &Webhook) -> Self {
        let mut outgoing = Self::default();
        if let Err(broken) = outgoing.fill(vault, sender, webhook) {
            outgoing.broken = Some(broken);
        }
        outgoing
    }

    fn fill(&mut self, vault: &Vault, sender: &Sender, webhook: &Webhook) -> Result<(), String> {
        let settings = settings::of(webhook)?;
        self.schemes = Schemes { v1: settings.signing.v1, v1a: settings.signing.v1a };
        self.format = settings.format;
        if !settings.template.trim().is_empty() {
            self.template.clone_from(&settings.template);
            let shaper = Shaper::compile(&settings.template);
            self.shaper = Some(shaper.map_err(|error| format!("the template: {error}"))?);
        }
        for header in &settings.headers {
            let opened = header.open(vault, &webhook.id);
            let value = opened.map_err(|e| format!("the header {}: {e}", header.name))?;
            if let Ok(name) = HeaderName::from_bytes(header.name.as_bytes()) {
                self.add(name, value.expose(), header.secret);
            }
        }
        let legacy = crate::definitions::legacy(vault, webhook);
        if let Some((key, secret)) = legacy.map_err(|e| format!("the legacy signature: {e}"))? {
            // A static token by which older receivers know their caller: no signature of the body.
            let digest = Sha1::from(secret.expose().as_bytes()).digest().bytes();
            self.add(LEGACY_KEY, &key, true);
            self.add(LEGACY_SIGNATURE, &URL_SAFE.encode(digest), true);
        }
        self.authenticate(vault, sender, webhook, &settings)
    }

    fn authenticate(
        &mut self,
        vault: &Vault,
        sender: &Sender,
        webhook: &Webhook,
        settings: &Settings,
    ) -> Result<(), String> {
        let mut settings = settings.clone();
        let secret = match settings.auth.as_mut().and_then(Auth::secret) {
            Some((what, sealed)) => {
                let opened = sealed.open(vault, &webhook.id, &what);
                opened.map_err(|error| format!("the secret {what}: {error}"))?
            }
            None => Secret::new(""),
        };
        let mut pair = None;
        match &settings.auth {
            Some(Auth::Basic { username, .. }) => {
                let text = STANDARD.encode(format!("{username}:{}", secret.expose()));
                self.add(AUTHORIZATION, &format!("Basic {text}"), true);
            }
            Some(Auth::Bearer { .. }) => {
                self.add(AUTHORIZATION, &format!("Bearer {}", secret.expose()), true);
            }
            Some(Auth::Oauth2 { token_url, client_id, scope, audience, in_body, .. }) => {
                let client_secret = secret.expose();
                let in_body = *in_body;
                let grant = Grant { token_url, client_id, client_secret, scope, audience, in_body };
                self.client = Some(Client::new(&grant));
            }
            Some(Auth::Mtls { certificate, .. }) => {
                pair = Some((certificate.as_str(), secret.expose()));
            }
            None => {}
        }
        self.identity = sender.identity(settings.certificates.as_deref(), pair)?;
        Ok(())
    }

    fn add(&mut self, name: HeaderName, value: &str, is_secret: bool) {
        // A value that no header can hold was refused when it was saved.
        if let Ok(mut value) = HeaderValue::from_str(value) {
            value.set_sensitive(is_secret);
            self.headers.push((name, value));
        }
    }

    /// Whether the template mentions a word.
    pub(crate) fn template_mentions(&self, word: &str) -> bool {
        self.template.contains(word)
    }

    /// Whether the body is another than the event's document.
    pub(crate) fn shapes(&self) -> bool {
        self.shaper.is_some() || self.format == Format::CloudeventsStructured
    }

    /// The body of an event's delivery; `None` for the event's document itself.
    ///
    /// # Errors
    /// What the template threw, or why there is none.
    pub(crate) fn shape(
        &self,
        about: &About,
        bindings: &Bindings,
        payload: impl FnOnce() -> Value,
    ) -> Result<Option<String>, String> {
        if let Some(broken) = self.broken.as_ref().filter(|_| !self.template.is_empty()) {
            return Err(broken.clone());
        }
        let shaped = self.shaper.as_ref().map(|shaper| shaper.shape(bindings)).transpose();
        let shaped = shaped.map_err(|error| error.to_string())?;
        if self.format != Format::CloudeventsStructured {
            return Ok(shaped.map(Shaped::into_text));
        }
        let data = match shaped {
            None => return Ok(Some(about.document(&payload()))),
            Some(Shaped::Text(text)) => Value::String(text),
            Some(Shaped::Json(text)) => {
                serde_json::from_str(&text).map_err(|error| error.to_string())?
            }
        };
        Ok(Some(about.document(&data)))
    }

    /// The request of one attempt; `token` is the fetched one, with OAuth 2.
    ///
    /// # Errors
    /// Class `auth` when a secret cannot be opened.
    pub(crate) fn request(
        &self,
        signer: &Signer,
        delivery: &Delivery<'_>,
        token: Option<&Secret>,
        now: Micros,
    ) -> Result<Request, Failure> {
        let refused = |reason: &str| {
            Failure::new(ErrorClass::Auth, format!("The request cannot be made: {reason}"))
        };
        if let Some(broken) = &self.broken {
            return Err(refused(broken));
        }
        let timestamp = (now.0 / 1_000_000).to_string();
        let Delivery { id, body, .. } = *delivery;
        let signed = Signed { id, timestamp: &timestamp, body: body.as_bytes() };
        let signature = signer.sign(self.schemes, signed, now).map_err(refused)?;
        let mut headers = Vec::with_capacity(self.headers.len() + 12);
        let is_structured = cloudevents::is_structured(body);
        if is_structured {
            headers.push((CONTENT_TYPE, HeaderValue::from_static(cloudevents::STRUCTURED)));
        } else if !self.headers.iter().any(|(name, _)| name == CONTENT_TYPE) {
            headers.push((CONTENT_TYPE, HeaderValue::from_static("application/json")));
        }
        let own = [
            (WEBHOOK_ID, Some(id)),
            (WEBHOOK_TIMESTAMP, Some(timestamp.as_str())),
            (WEBHOOK_SIGNATURE, signature.as_deref()),
        ];
        for (name, value) in own {
            // An id is a UUID, a time is digits, a signature is base64: each is a header's value.
            if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
                headers.push((name, value));
            }
        }
        if self.format == Format::CloudeventsBinary && !is_structured {
            headers.extend(delivery.about.headers());
        }
        let custom = self.headers.iter().filter(|(n, _)| !(is_structured && n == CONTENT_TYPE));
        headers.extend(custom.cloned());
        if let Some(mut value) = token
            .and_then(|token| HeaderValue::from_str(&format!("Bearer {}", token.expose())).ok())
        {
            value.set_sensitive(true);
            headers.push((AUTHORIZATION, value));
        }
        Ok(Request {
            method: http::Method::POST,
            url: delivery.url.to_owned(),
            headers,
            body: Bytes::copy_from_slice(body.as_bytes()),
            limits: Limits::default(),
            identity: self.identity.clone(),
        })
    }

    /// Whether a token is fetched before each request.
    pub(crate) fn needs_token(&self) -> bool {
        self.client.is_some()
    }
}

/// A request ready to go out.
pub(crate) struct Ready {
    request: Request,
    snapshot: Arc<Snapshot>,
    token: Option<Secret>,
}

/// The request of an attempt, or why there can be none.
pub(crate) type Made = Result<Ready, Failure>;

impl Snapshot {
    fn outgoing(&self, job: &Job) -> Option<&Outgoing> {
        job.webhook_id.as_ref().and_then(|id| self.by_id(id)).map(|compiled| &compiled.outgoing)
    }

    fn request(
        &self,
        job: &Job,
        body: &str,
        token: Option<&Secret>,
        now: Micros,
    ) -> Result<Request, Failure> {
        let about = About::of_job(job);
        let delivery = Delivery { id: job.id.as_str(), url: &job.url, body, about: &about };
        match self.outgoing(job) {
            Some(outgoing) => outgoing.request(&self.signer, &delivery, token, now),
            // Made by hand, or of a webhook that is gone.
            None => Outgoing::default().request(&self.signer, &delivery, None, now),
        }
    }
}

impl Inner {
    /// Makes and signs the request of a job's attempt; it reads nothing but the snapshot of the
    /// space's webhooks and, with OAuth 2, the kept token. `None` when the webhooks cannot be
    /// read: the lease runs out and the job is taken up again.
    pub(crate) async fn made(&self, job: &Job, body: &str) -> Option<Made> {
        let fresh = self.snapshots.fresh(&self.store, &job.space_id, &self.runtime).await;
        let snapshot = match fresh {
            Ok(snapshot) => snapshot,
            Err(error) => {
                tracing::warn!(%error, "reading webhooks failed; it is tried again");
                return None;
            }
        };
        Some(self.ready(snapshot, job, body, None).await)
    }

    async fn ready(
        &self,
        snapshot: Arc<Snapshot>,
        job: &Job,
        body: &str,
        refused: Option<&Secret>,
    ) -> Made {
        let token = match snapshot.outgoing(job).and_then(|outgoing| outgoing.client.as_ref()) {
            Some(client) => {
                // Asking for a token is an exchange of its own, and few webhooks do.
                let asking = self.tokens.get(&self.sender, &self.runtime, client, refused);
                Some(Box::pin(asking).await?)
            }
            None => None,
        };
        let request = snapshot.request(job, body, token.as_ref(), self.runtime.now())?;
        Ok(Ready { request, snapshot, token })
    }

    /// Carries out one attempt. An endpoint that refuses a kept token gets another one, once; its
    /// refusal is an attempt of its own.
    pub(crate) async fn carry_out(&self, job: &Job, body: &str, made: Made) -> Outcome {
        let ready = match made {
            Ok(ready) => ready,
            Err(failure) => return Outcome::unsent(self.runtime.now(), failure),
        };
        let outcome = self.sender.send(&ready.request).await;
        let status = outcome.response.as_ref().map(|response| response.status);
        let Some(token) = ready.token.filter(|_| status == Some(StatusCode::UNAUTHORIZED)) else {
            return outcome;
        };
        match Box::pin(self.ready(ready.snapshot, job, body, Some(&token))).await {
            Ok(again) if again.token.as_ref() != Some(&token) => {
                Box::pin(self.note(job, &outcome)).await;
                Box::pin(self.sender.send(&again.request)).await
            }
            // There is no other token: the refusal stands.
            _ => outcome,
        }
    }

    /// Records an attempt that is followed by another at once.
    async fn note(&self, job: &Job, outcome: &Outcome) {
        let attempt = Attempt {
            job_id: job.id.clone(),
            number: 0,
            started_at: outcome.started_at,
            duration_ms: outcome.duration.as_secs_f64() * 1_000.0,
            url: job.url.clone(),
            detail: outcome.detail(),
        };
        let written = self.store.write(move |tx| store::attempts::insert(tx, &attempt)).await;
        if let Err(error) = written {
            tracing::warn!(%error, "recording an attempt failed");
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use model::job::State;

    const NOW: Micros = Micros(1_800_000_000_000_000);

    pub(crate) fn job() -> Job {
        Job {
            id: model::id::JobId("job".into()),
            space_id: model::id::SpaceId("space".into()),
            kapp_id: None,
            event_id: None,
            webhook_id: None,
            trace_id: model::id::TraceId("trace".into()),
            depth: 0,
            name: "w".into(),
            type_name: "Submission".into(),
            event: "Submitted".into(),
            parent_type: "Submission".into(),
            parent_id: "s".into(),
            parent_key: "s".into(),
            url: "https://example.com/".into(),
            state: State::Queued,
            summary: None,
            request_content: None,
            response_content: None,
            retry_count: 0,
            scheduled_at: NOW,
            started_at: None,
            finished_at: None,
            run_id: None,
            leased_by: None,
            leased_until: None,
            epoch: 1,
            error_class: None,
            audit: model::Audit::created(NOW, "ann"),
        }
    }
}
