//! Sending a webhook a test event now: from a recorded event, or from a documented sample.
//!
//! The job goes the way of any other, filter aside, and is about the test rather than the record
//! ([`TEST_PARENT`]): lists of a record's jobs and the recovery of missing ones do not take it for
//! the delivery of the event.

use super::ADMINISTER;
use crate::jobs::NewJob;
use crate::{Actor, Error, Webhooks, verdict};
use expr::js::{Bindings, Template};
use model::id::EventId;
use model::job::{Job, TEST_PARENT};
use model::webhook::Webhook;
use serde_json::{Map, Value, json};

/// A test that was sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    /// Its job.
    pub job: Job,
    /// The event it was made from; `None`: a sample.
    pub event_id: Option<EventId>,
}

impl Webhooks {
    /// Queues a test event for a webhook, or starts its run when it points inside. Without
    /// `event_id` it is made from the latest event of the webhook's type, or from a sample.
    ///
    /// # Errors
    /// `NotFound` for the webhook or the event, `Refused` when the URL cannot be made or called,
    /// `Forbidden`, `Store`.
    pub async fn send_test(
        &self,
        actor: &Actor,
        kapp: Option<&str>,
        name: &str,
        event_id: Option<EventId>,
    ) -> Result<Sent, Error> {
        actor.must_administer(ADMINISTER)?;
        let webhook = self.webhook(actor, kapp, name).await?;
        let (type_name, event) = (webhook.type_name.clone(), webhook.event.clone());
        let found = self.trial_event(actor, kapp, (&type_name, &event), event_id.clone()).await?;
        let (event_id, key, payload) = match (found, event_id) {
            (Some((summary, payload)), _) => (Some(summary.id), summary.entity_key, payload),
            (None, Some(id)) => return Err(Error::not_found("Event", id.0)),
            (None, None) => (None, "sample".to_owned(), sample(&webhook, kapp).to_string()),
        };
        let url = self.test_url(&webhook, &payload, &actor.username).await?;
        self.check_url(&url)?;
        let new = NewJob {
            kapp: kapp.map(str::to_owned),
            name: webhook.name,
            type_name,
            event,
            url,
            request_content: payload,
            parent: (
                TEST_PARENT.to_owned(),
                event_id.as_ref().map_or_else(|| "sample".to_owned(), |id| id.0.clone()),
                key,
            ),
        };
        let mut job = self.job_of(actor, &new);
        job.webhook_id = Some(webhook.id);
        let job = self.enqueue(actor, job, new.kapp).await?;
        Ok(Sent { job, event_id })
    }

    /// The webhook's URL for a payload.
    async fn test_url(
        &self,
        webhook: &Webhook,
        payload: &str,
        actor: &str,
    ) -> Result<String, Error> {
        let document: Value = serde_json::from_str(payload)
            .map_err(|error| store::Error::db(format!("an event's payload: {error}")))?;
        let document = verdict::with_identity(&document, actor);
        let template = webhook.url.clone();
        let render = move || {
            let template = Template::compile(&template)?;
            template.render_url(&Bindings::new(document))
        };
        let rendered = self.inner.runtime.spawn_blocking(render).await;
        let rendered =
            rendered.map_err(|error| store::Error::db(format!("rendering a URL: {error}")))?;
        rendered.map_err(|error| {
            let name = &webhook.name;
            Error::refused(format!("The URL of the webhook \"{name}\" cannot be made: {error}"))
        })
    }
}

/// A payload in the documented layout, for a webhook whose event has never happened.
fn sample(webhook: &Webhook, kapp: Option<&str>) -> Value {
    let mut body = Map::new();
    let mut put = |name: &str, value: Value| body.insert(name.to_owned(), value);
    put(
        "event",
        json!({ "action": webhook.event, "type": webhook.type_name,
            "timestamp": "2026-01-01T00:00:00.000Z" }),
    );
    put("space", json!({ "name": "Sample", "slug": "sample", "attributes": {} }));
    if webhook.kapp_id.is_some() {
        let slug = kapp.unwrap_or("sample");
        put("kapp", json!({ "name": slug, "slug": slug, "status": "Active", "attributes": {} }));
    }
    let words: Vec<&str> = webhook.type_name.split(' ').collect();
    match words.last().copied().unwrap_or_default() {
        "Submission" => {
            put("form", form());
            put(
                "submission",
                json!({ "id": "00000000-0000-7000-8000-000000000000", "handle": "SAMPLE",
                    "label": "A sample", "coreState": "Submitted", "currentPage": null }),
            );
            put("values", json!({ "Sample": "A sample value" }));
        }
        "Form" => {
            put("form", form());
        }
        "User" => {
            put(
                "user",
                json!({ "username": "sample", "displayName": "A Sample",
                "email": "sample@example.com", "enabled": true, "spaceAdmin": false,
                "attributes": {}, "profileAttributes": {} }),
            );
        }
        "Team" => {
            put("team", json!({ "name": "Sample", "slug": "sample", "attributes": {} }));
        }
        _ => {}
    }
    Value::Object(body)
}

fn form() -> Value {
    json!({ "name": "Sample", "slug": "sample", "status": "Active", "attributes": {} })
}
