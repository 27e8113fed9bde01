//! Trying a webhook out: what it would make of a recorded event, without sending anything.

use crate::attempt::{Delivery, Outgoing};
use crate::cloudevents::About;
use crate::definitions::{self, kapp_id};
use crate::target::{self, Target};
use crate::verdict::{self, Decision};
use crate::{Actor, Error, Webhooks};
use expr::js::{Bindings, Filter, Template};
use model::Audit;
use model::catalogue::{self, Level};
use model::event::Verdict;
use model::id::{EventId, WebhookId};
use model::webhook::Webhook;
use runtime::vault::Secret;
use serde_json::Value;
use store::events::Summary;

/// A webhook, or a draft of one, to be tried.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// The kapp it is for; `None`: the space.
    pub kapp: Option<String>,
    /// The type's name.
    pub type_name: String,
    /// The event's name.
    pub event: String,
    /// The filter.
    pub filter: String,
    /// The URL template; blank: only the filter is tried.
    pub url: String,
    /// How its requests are made, as a client sends it; `None`: as saved, or in the usual way.
    pub request: Option<Value>,
    /// The saved webhook that is tried, or whose secrets the draft keeps.
    pub saved: Option<Webhook>,
    /// The event to try it with; `None`: the latest of that type and event.
    pub event_id: Option<EventId>,
}

/// The request that would be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// Headers, secrets masked; the id and the time are those of the moment.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

/// What came of a trial.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The event it was tried with.
    pub event_id: EventId,
    /// What the webhook would make of it.
    pub verdict: Verdict,
    /// The filter's value.
    pub value: Option<Value>,
    /// The reason in words, or what would keep the request from being sent.
    pub message: Option<String>,
    /// The rendered URL.
    pub url: Option<String>,
    /// The event's document.
    pub payload: Value,
    /// The request that would be sent; `None` when none would, or the engine is started instead.
    pub request: Option<Preview>,
}

impl Webhooks {
    /// Tries a draft against a recorded event.
    ///
    /// # Errors
    /// `NotFound` for the kapp or the event, `Refused` for an unknown type or event, `Forbidden`,
    /// `Store`.
    pub async fn try_draft(&self, actor: &Actor, draft: Draft) -> Result<Trial, Error> {
        actor.must_administer("try webhooks")?;
        let level = if draft.kapp.is_some() { Level::Kapp } else { Level::Space };
        let known = catalogue::normalise(level, &draft.type_name, &draft.event);
        let Some((type_name, event)) = known else {
            return Err(Error::refused(format!(
                "There is no event \"{}\" of the type \"{}\" here",
                draft.event, draft.type_name
            )));
        };
        let found = self.trial_event(
            actor,
            draft.kapp.as_deref(),
            (type_name, event),
            draft.event_id.clone(),
        );
        let Some((summary, payload)) = found.await? else {
            return Err(match draft.event_id {
                Some(id) => Error::not_found("Event", id.0),
                None => Error::not_found(
                    "Event",
                    format!(
                        "latest {type_name} {event} (nothing of the kind has happened here yet: \
                         make it happen once, then try again)"
                    ),
                ),
            });
        };
        if let Some(at) = summary.payload_removed_at {
            return Err(Error::refused(format!(
                "The event's payload was removed by retention on {}: try a younger event",
                at.iso()
            )));
        }
        let about = About::new(&summary);
        let outgoing = self.draft_outgoing(&draft)?;
        let snapshot = self.inner.snapshots.of(&self.inner.store, &actor.space_id).await?;
        let payload: Value = serde_json::from_str(&payload)
            .map_err(|error| store::Error::db(format!("an event's payload: {error}")))?;
        // A draft may be anything, an endless loop included: it runs where blocking does no harm.
        let document = verdict::with_identity(&payload, &summary.actor);
        let (public, document_sent) = (self.inner.settings.public_url.clone(), payload.clone());
        let decide = move || {
            let bindings = Bindings::new(document);
            let mut decision = decide(&draft, &bindings);
            let is_outside = |url: &String| target::read(url, public.as_ref()) == Target::Outside;
            if decision.url.as_ref().is_some_and(is_outside) {
                match outgoing.shape(&about, &bindings, || document_sent.clone()) {
                    Ok(body) => {
                        decision.body = Some(body.unwrap_or_else(|| document_sent.to_string()));
                    }
                    Err(message) => decision.refuse(Verdict::TemplateError, message),
                }
            }
            (decision, outgoing, about)
        };
        let decided = self.inner.runtime.spawn_blocking(decide).await;
        let (decision, outgoing, about) =
            decided.map_err(|error| store::Error::db(format!("trying a webhook: {error}")))?;
        let mut obstacle = decision.url.as_deref().and_then(|url| self.obstacle(url));
        let mut preview = None;
        if let (Some(url), Some(body)) = (&decision.url, &decision.body) {
            let id = self.inner.runtime.uuid().to_string();
            let delivery = Delivery { id: &id, url, body, about: &about };
            let token = outgoing.needs_token().then(|| Secret::new("fetched-when-it-is-sent"));
            let now = self.inner.runtime.now();
            match outgoing.request(&snapshot.signer, &delivery, token.as_ref(), now) {
                Ok(request) => {
                    preview = Some(Preview { headers: request.shown(), body: body.clone() });
                }
                Err(failure) => obstacle = Some(failure.message),
            }
        }
        Ok(Trial {
            event_id: summary.id,
            verdict: decision.verdict,
            value: decision.value,
            message: decision.message.or(obstacle),
            url: decision.url,
            payload,
            request: preview,
        })
    }

    /// How the requests of a draft are made.
    fn draft_outgoing(&self, draft: &Draft) -> Result<Outgoing, Error> {
        let now = self.inner.runtime.now();
        let mut webhook = draft.saved.clone().unwrap_or_else(|| Webhook {
            id: WebhookId::new(self.inner.runtime.uuid()),
            ..Webhook::blank(Audit::created(now, ""))
        });
        if let Some(request) = &draft.request {
            let mut problems = Vec::new();
            definitions::request::apply(self, &mut webhook, request, &mut problems);
            if !problems.is_empty() {
                return Err(Error::Invalid { noun: "Webhook", problems });
            }
        }
        Ok(Outgoing::new(&self.inner.vault, &self.inner.sender, &webhook))
    }

    /// The event of this id with its payload, or the latest one of a type and event.
    pub(crate) async fn trial_event(
        &self,
        actor: &Actor,
        kapp: Option<&str>,
        (type_name, event): (&str, &str),
        id: Option<EventId>,
    ) -> Result<Option<(Summary, String)>, Error> {
        let (space, kapp) = (actor.space_id.clone(), kapp.map(str::to_owned));
        let (type_name, event) = (type_name.to_owned(), event.to_owned());
        self.read(move |tx| {
            let kapp_id = kapp_id(tx, &space, kapp.as_deref())?;
            let id = match &id {
                Some(id) => Some(id.clone()),
                None => {
                    let query = store::events::Query {
                        type_name: Some(type_name.clone()),
                        event: Some(event.clone()),
                        kapp_id,
                        limit: 1,
                        ..store::events::Query::default()
                    };
                    store::events::list(tx, &space, &query)?.pop().map(|found| found.id)
                }
            };
            match id {
                Some(id) => Ok(store::events::by_id(tx, &space, &id)?),
                None => Ok(None),
            }
        })
        .await
    }

    /// Tries a saved webhook against a recorded event.
    ///
    /// # Errors
    /// As [`Webhooks::try_draft`], and `NotFound` for the webhook.
    pub async fn try_webhook(
        &self,
        actor: &Actor,
        kapp: Option<&str>,
        name: &str,
        event_id: Option<EventId>,
    ) -> Result<Trial, Error> {
        let webhook = self.webhook(actor, kapp, name).await?;
        let draft = Draft {
            kapp: kapp.map(str::to_owned),
            type_name: webhook.type_name.clone(),
            event: webhook.event.clone(),
            filter: webhook.filter.clone(),
            url: webhook.url.clone(),
            request: None,
            saved: Some(webhook),
            event_id,
        };
        self.try_draft(actor, draft).await
    }

    /// What would keep a request to this URL from being sent.
    fn obstacle(&self, url: &str) -> Option<String> {
        match target::read(url, self.inner.settings.public_url.as_ref()) {
            Target::Inside(..) => None,
            Target::Nowhere => Some("Nothing on this server answers at that path".to_owned()),
            Target::Outside => {
                self.inner.sender.guard().judge_url(url).err().map(|refusal| refusal.to_string())
            }
        }
    }
}

fn decide(draft: &Draft, bindings: &Bindings) -> Decision {
    let refused = |verdict, message: String| Decision {
        verdict,
        message: Some(message),
        value: None,
        url: None,
        body: None,
    };
    let filter = match Filter::compile(&draft.filter) {
        Ok(filter) => filter,
        Err(error) => return refused(Verdict::FilterError, error.to_string()),
    };
    let url = match Template::compile(&draft.url) {
        Ok(url) => url,
        Err(error) => return refused(Verdict::UrlError, error.to_string()),
    };
    let mut decision = verdict::evaluate(&filter, &url, bindings);
    if draft.url.trim().is_empty() {
        decision.url = None;
    }
    decision
}
