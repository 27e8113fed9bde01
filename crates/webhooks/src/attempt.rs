//! How the requests of a webhook are made: what was configured, parsed once for each snapshot, and
//! the request that a job becomes.

use crate::Inner;
use crate::send::{Failure, Limits, Outcome, Request};
use crate::sign::{Schemes, Signed, Signer};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use model::job::{ErrorClass, Job};
use model::time::Micros;
use model::webhook::Webhook;
use runtime::vault::Vault;
use sha1_smol::Sha1;

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
    /// Why no request can be made, such as a secret that does not open.
    broken: Option<String>,
}

impl Default for Outgoing {
    fn default() -> Self {
        Self { headers: Vec::new(), schemes: Schemes::ALL, broken: None }
    }
}

impl Outgoing {
    /// Parses what a webhook says and opens its secrets.
    pub(crate) fn new(vault: &Vault, webhook: &Webhook) -> Self {
        let mut outgoing = Self::default();
        match crate::definitions::legacy(vault, webhook) {
            Ok(Some((key, secret))) => {
                // A static token by which older receivers know their caller: no signature of the
                // body.
                let digest = Sha1::from(secret.expose().as_bytes()).digest().bytes();
                outgoing.add(LEGACY_KEY, &key, true);
                outgoing.add(LEGACY_SIGNATURE, &URL_SAFE.encode(digest), true);
            }
            Ok(None) => {}
            Err(error) => outgoing.broken = Some(format!("the legacy signature: {error}")),
        }
        outgoing
    }

    fn add(&mut self, name: HeaderName, value: &str, is_secret: bool) {
        // A value that no header can hold was refused when it was saved.
        if let Ok(mut value) = HeaderValue::from_str(value) {
            value.set_sensitive(is_secret);
            self.headers.push((name, value));
        }
    }

    /// The request of a job's attempt.
    ///
    /// # Errors
    /// Class `auth` when a secret cannot be opened.
    pub(crate) fn request(
        &self,
        signer: &Signer,
        job: &Job,
        body: &str,
        now: Micros,
    ) -> Result<Request, Failure> {
        let refused = |reason: &str| {
            Failure::new(ErrorClass::Auth, format!("The request cannot be made: {reason}"))
        };
        if let Some(broken) = &self.broken {
            return Err(refused(broken));
        }
        let timestamp = (now.0 / 1_000_000).to_string();
        let id = job.id.as_str();
        let signed = Signed { id, timestamp: &timestamp, body: body.as_bytes() };
        let signature = signer.sign(self.schemes, signed, now).map_err(refused)?;
        let mut headers = Vec::with_capacity(self.headers.len() + 5);
        headers.push((CONTENT_TYPE, HeaderValue::from_static("application/json")));
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
        headers.extend(self.headers.iter().cloned());
        Ok(Request {
            method: http::Method::POST,
            url: job.url.clone(),
            headers,
            body: Bytes::copy_from_slice(body.as_bytes()),
            limits: Limits::default(),
            identity: None,
        })
    }
}

/// The request of an attempt, or why there can be none.
pub(crate) type Made = Result<Request, Failure>;

impl Inner {
    /// Makes and signs the request of a job's attempt; it reads nothing but the snapshot of the
    /// space's webhooks. `None` when that cannot be read: the lease runs out and the job is taken
    /// up again.
    pub(crate) async fn made(&self, job: &Job, body: &str) -> Option<Made> {
        let fresh = self.snapshots.fresh(&self.store, &job.space_id, &self.runtime).await;
        let snapshot = match fresh {
            Ok(snapshot) => snapshot,
            Err(error) => {
                tracing::warn!(%error, "reading webhooks failed; it is tried again");
                return None;
            }
        };
        let now = self.runtime.now();
        let compiled = job.webhook_id.as_ref().and_then(|id| snapshot.by_id(id));
        Some(match compiled {
            Some(compiled) => compiled.outgoing.request(&snapshot.signer, job, body, now),
            // Made by hand, or of a webhook that is gone.
            None => Outgoing::default().request(&snapshot.signer, job, body, now),
        })
    }

    /// Carries out one attempt.
    pub(crate) async fn carry_out(&self, made: Made) -> Outcome {
        match made {
            Ok(request) => self.sender.send(&request).await,
            Err(failure) => Outcome::unsent(self.runtime.now(), failure),
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
