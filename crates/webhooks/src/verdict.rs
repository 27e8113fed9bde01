//! What a webhook makes of an event: evaluates its filter and renders its URL. Pure.

use crate::snapshot::Compiled;
use expr::js::{Bindings, Filter, Template};
use model::event::{Event, Verdict};
use model::limits;
use model::payload::{Part, Payload};
use serde_json::{Value, json};

/// A verdict with what led to it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Decision {
    /// The verdict.
    pub verdict: Verdict,
    /// The reason in words, for everything but `fired`.
    pub message: Option<String>,
    /// The filter's value, when it gave one.
    pub value: Option<Value>,
    /// The rendered URL, when it fired.
    pub url: Option<String>,
    /// The body, when the webhook shapes one of its own.
    pub body: Option<String>,
}

impl Decision {
    /// Takes back that it fired.
    pub(crate) fn refuse(&mut self, verdict: Verdict, message: String) {
        (self.verdict, self.message, self.url) = (verdict, Some(message), None);
    }

    fn refused(verdict: Verdict, message: impl Into<String>) -> Self {
        Self { verdict, message: Some(message.into()), value: None, url: None, body: None }
    }
}

/// Decides for one webhook.
pub(crate) fn decide(compiled: &Compiled, event: &Event, bindings: &Bindings) -> Decision {
    if !compiled.webhook.enabled {
        return Decision::refused(Verdict::Disabled, "The webhook is switched off");
    }
    if event.cause.depth >= limits::CAUSE_DEPTH_MAX {
        let message = format!(
            "The chain of events that led here is {} long; webhooks fire up to a depth of {}",
            event.cause.depth,
            limits::CAUSE_DEPTH_MAX
        );
        return Decision::refused(Verdict::DepthLimit, message);
    }
    let (filter, url) = match (&compiled.filter, &compiled.url) {
        (Ok(filter), Ok(url)) => (filter, url),
        (Err(message), _) => return Decision::refused(Verdict::FilterError, message.clone()),
        (_, Err(message)) => return Decision::refused(Verdict::UrlError, message.clone()),
    };
    evaluate(filter, url, bindings)
}

/// Evaluates a filter and, when it holds, renders the URL.
pub(crate) fn evaluate(filter: &Filter, url: &Template, bindings: &Bindings) -> Decision {
    let answer = match filter.evaluate(bindings) {
        Ok(answer) => answer,
        Err(error) => return Decision::refused(Verdict::FilterError, error.to_string()),
    };
    let value = Some(answer.value);
    if !answer.fires {
        let message = Some("The filter did not hold".to_owned());
        return Decision { verdict: Verdict::NotMatched, message, value, url: None, body: None };
    }
    let rendered = match url.render_url(bindings) {
        Ok(rendered) => rendered,
        Err(error) => {
            let message = Some(error.to_string());
            return Decision { verdict: Verdict::UrlError, message, value, url: None, body: None };
        }
    };
    if rendered.chars().count() > limits::URL_CHARS_MAX {
        let message = format!("The URL is longer than {} characters", limits::URL_CHARS_MAX);
        let message = Some(message);
        return Decision { verdict: Verdict::UrlError, message, value, url: None, body: None };
    }
    Decision { verdict: Verdict::Fired, message: None, value, url: Some(rendered), body: None }
}

/// The document expressions see when they ask for `identity`: the payload and who acted.
pub(crate) fn with_identity(payload: &Value, actor: &str) -> Value {
    let mut document = payload.clone();
    if let Some(map) = document.as_object_mut() {
        map.entry("identity").or_insert_with(|| identity(actor));
    }
    document
}

/// The same for a payload in parts.
pub(crate) fn identified(payload: &Payload, actor: &str) -> Payload {
    match payload.get("identity") {
        Some(_) => payload.clone(),
        None => payload
            .with(Part::new([("identity".to_owned(), identity(actor))].into_iter().collect())),
    }
}

fn identity(actor: &str) -> Value {
    let is_anonymous = actor == "anonymous";
    json!({ "username": actor, "anonymous": is_anonymous, "authenticated": !is_anonymous })
}
