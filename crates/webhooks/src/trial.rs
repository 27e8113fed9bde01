//! Trying a webhook out: what it would make of a recorded event, without sending anything.

use crate::definitions::kapp_id;
use crate::target::{self, Target};
use crate::verdict::{self, Decision};
use crate::{Actor, Error, Webhooks};
use expr::js::{Bindings, Filter, Template};
use model::catalogue::{self, Level};
use model::event::Verdict;
use model::id::EventId;
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
    /// The event to try it with; `None`: the latest of that type and event.
    pub event_id: Option<EventId>,
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
    /// The document that would be sent.
    pub payload: Value,
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
        let payload: Value = serde_json::from_str(&payload)
            .map_err(|error| store::Error::db(format!("an event's payload: {error}")))?;
        // A draft may be anything, an endless loop included: it runs where blocking does no harm.
        let document = verdict::with_identity(&payload, &summary.actor);
        let decide = move || decide(&draft, &Bindings::new(document));
        let decided = self.inner.runtime.spawn_blocking(decide).await;
        let decision =
            decided.map_err(|error| store::Error::db(format!("trying a webhook: {error}")))?;
        let obstacle = decision.url.as_deref().and_then(|url| self.obstacle(url));
        Ok(Trial {
            event_id: summary.id,
            verdict: decision.verdict,
            value: decision.value,
            message: decision.message.or(obstacle),
            url: decision.url,
            payload,
        })
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
            type_name: webhook.type_name,
            event: webhook.event,
            filter: webhook.filter,
            url: webhook.url,
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
