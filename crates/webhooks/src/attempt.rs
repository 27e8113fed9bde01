//! One attempt: the request a job becomes.

use crate::send::{Limits, Request};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use model::job::Job;
use model::time::Micros;
use serde_json::Value;
use sha1_smol::Sha1;

/// The request of a job. `auth` is its webhook's legacy strategy.
pub(crate) fn request(job: &Job, body: &str, auth: Option<&Value>, now: Micros) -> Request {
    let mut headers = vec![(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    let mut add = |name: &'static str, value: &str, is_secret: bool| {
        // A value that no header can hold is left out rather than sent broken.
        if let Ok(mut value) = HeaderValue::from_str(value) {
            value.set_sensitive(is_secret);
            headers.push((HeaderName::from_static(name), value));
        }
    };
    add("webhook-id", job.id.as_str(), false);
    add("webhook-timestamp", &(now.0 / 1_000_000).to_string(), false);
    if let Some((key, secret)) = auth.and_then(signature) {
        // A static token by which older receivers know their caller: no signature of the body.
        let digest = Sha1::from(secret.as_bytes()).digest().bytes();
        add("x-kinetic-signaturekey", &key, true);
        add("x-kinetic-signature", &URL_SAFE.encode(digest), true);
    }
    Request {
        method: http::Method::POST,
        url: job.url.clone(),
        headers,
        body: Bytes::copy_from_slice(body.as_bytes()),
        limits: Limits::default(),
    }
}

/// The key and secret of the `Signature` strategy.
fn signature(auth: &Value) -> Option<(String, String)> {
    if auth.get("type")?.as_str()? != "Signature" {
        return None;
    }
    let property = |name: &str| {
        auth.get("properties")?.as_array()?.iter().find_map(|property| {
            let is_it = property.get("name")?.as_str()? == name;
            is_it.then(|| property.get("value")?.as_str().map(str::to_owned))?
        })
    };
    Some((property("Key")?, property("Secret")?))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use model::job::State;

    const NOW: Micros = Micros(1_800_000_000_000_000);

    #[test]
    fn the_legacy_signature_is_the_documented_token() {
        let auth = serde_json::json!({"type": "Signature", "properties": [
            {"name": "Key", "value": "k"}, {"name": "Secret", "value": "secret"},
        ]});
        let job = job();
        let request = request(&job, "{}", Some(&auth), NOW);
        let header = |name: &str| {
            let found = request.headers.iter().find(|(n, _)| n == name);
            found.map(|(_, value)| (value.to_str().unwrap().to_owned(), value.is_sensitive()))
        };
        assert_eq!(header("x-kinetic-signaturekey"), Some(("k".to_owned(), true)));
        let token = ("5en6G6MezRroT3XKqkdPOmY_BfQ=".to_owned(), true);
        assert_eq!(header("x-kinetic-signature"), Some(token));
        assert_eq!(header("webhook-id"), Some(("job".to_owned(), false)));
    }

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
