//! The documents that events carry, in the layout of the reference (platform.md 1.7).
//!
//! `event`, `space` and the entities stand side by side; attributes are maps from a name to its
//! values; the state before the change stands beside under `…Previous`, and what differs under
//! `submissionChanges` and `valuesChanges` as `{name: {from, to}}`.

use model::catalogue::Level;
use model::event::Event;
use model::form::Form;
use model::id::{EventId, SubmissionId};
use model::kapp::Kapp;
use model::limits;
pub(crate) use model::payload::space;
use model::payload::{Part, Payload, audited};
use model::people::{Team, User};
use model::submission::Submission;
use model::time::Micros;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;

use crate::actor::ANONYMOUS_USERNAME;
use crate::context::FormContext;
use crate::{Actor, Error, Platform};

/// What an event happened to.
pub(crate) struct Subject<'a> {
    /// The level of its type.
    pub level: Level,
    /// The catalogue's type name.
    pub type_name: &'static str,
    /// The kind of record.
    pub entity_type: &'static str,
    /// The record's id.
    pub id: &'a str,
    /// What people look it up by.
    pub key: &'a str,
    /// What names it to a person.
    pub label: String,
    /// The form's context, for forms and submissions.
    pub context: Option<&'a FormContext>,
}

impl Platform {
    /// Makes the events of one change of a subject, in order; `rest` is the payload of each but
    /// for `event`, which comes first.
    pub(crate) fn events(
        &self,
        actor: &Actor,
        at: Micros,
        subject: &Subject<'_>,
        actions: &[&'static str],
        rest: &[Arc<Part>],
    ) -> Vec<Event> {
        let timestamp = at.iso();
        let event = |action| {
            let event = Head { action, r#type: subject.type_name, timestamp: &timestamp };
            let payload = Payload::new(Part::written(&HeadPart { event }), rest);
            self.event_of(actor, at, subject, action, payload)
        };
        actions.iter().map(|action| event(action)).collect()
    }

    /// Makes the event of a change that is one only, in a space that its payload shows first.
    pub(crate) fn event_in(
        &self,
        actor: &Actor,
        at: Micros,
        subject: &Subject<'_>,
        action: &'static str,
        (space, body): (&Arc<Part>, Map<String, Value>),
    ) -> Event {
        let rest = [space.clone(), Arc::new(Part::new(body))];
        let mut events = self.events(actor, at, subject, &[action], &rest);
        events.pop().expect("there is one event for each action")
    }

    /// Makes the event of a change that is one only.
    pub(crate) fn event(
        &self,
        actor: &Actor,
        at: Micros,
        subject: &Subject<'_>,
        action: &'static str,
        body: Map<String, Value>,
    ) -> Event {
        let rest = [Arc::new(Part::new(body))];
        let timestamp = at.iso();
        let event = Head { action, r#type: subject.type_name, timestamp: &timestamp };
        let payload = Payload::new(Part::written(&HeadPart { event }), &rest);
        self.event_of(actor, at, subject, action, payload)
    }

    fn event_of(
        &self,
        actor: &Actor,
        at: Micros,
        subject: &Subject<'_>,
        action: &'static str,
        payload: Payload,
    ) -> Event {
        Event {
            id: EventId::new(self.inner.runtime.uuid()),
            space_id: actor.space_id.clone(),
            kapp_id: subject.context.and_then(|context| context.form.kapp_id.clone()),
            level: subject.level,
            type_name: subject.type_name,
            event: action,
            entity_type: subject.entity_type,
            entity_id: subject.id.to_owned(),
            entity_key: subject.key.to_owned(),
            label: subject.label.clone(),
            actor: actor.username.clone(),
            at,
            cause: actor.cause.clone(),
            payload,
        }
    }
}

/// The member `event` of a document, as it is written.
#[derive(Serialize)]
struct HeadPart<'a> {
    event: Head<'a>,
}

#[derive(Serialize)]
struct Head<'a> {
    action: &'a str,
    r#type: &'a str,
    timestamp: &'a str,
}

/// A submission with its values, as they are written.
#[derive(Serialize)]
struct Filled<'a> {
    submission: SubmissionDocument<'a>,
    values: &'a Map<String, Value>,
}

/// A submission, without its values.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SubmissionDocument<'a> {
    id: &'a str,
    handle: &'a str,
    label: &'a str,
    core_state: &'a str,
    current_page: Option<&'a str>,
    r#type: Option<&'a str>,
    anonymous: bool,
    origin: Option<&'a str>,
    parent: Option<&'a str>,
    session_token: Option<&'a str>,
    submitted_at: Option<String>,
    submitted_by: Option<&'a str>,
    closed_at: Option<String>,
    closed_by: Option<&'a str>,
    created_at: String,
    created_by: &'a str,
    updated_at: String,
    updated_by: &'a str,
}

impl<'a> SubmissionDocument<'a> {
    fn of(s: &'a Submission) -> Self {
        let at = |when: &Option<(Micros, String)>| when.as_ref().map(|(at, _)| at.iso());
        let by = |who: &'a Option<(Micros, String)>| who.as_ref().map(|(_, by)| by.as_str());
        Self {
            id: s.id.as_str(),
            handle: &s.handle,
            label: &s.label,
            core_state: s.core_state.as_str(),
            current_page: s.current_page.as_deref(),
            r#type: s.kind.as_deref(),
            anonymous: s.audit.created_by == ANONYMOUS_USERNAME,
            origin: s.origin_id.as_ref().map(SubmissionId::as_str),
            parent: s.parent_id.as_ref().map(SubmissionId::as_str),
            session_token: s.session_token.as_deref(),
            submitted_at: at(&s.submitted),
            submitted_by: by(&s.submitted),
            closed_at: at(&s.closed),
            closed_by: by(&s.closed),
            created_at: s.audit.created_at.iso(),
            created_by: &s.audit.created_by,
            updated_at: s.audit.updated_at.iso(),
            updated_by: &s.audit.updated_by,
        }
    }
}

/// The part of a submission and its values.
pub(crate) fn filled(submission: &Submission) -> Part {
    let values = &submission.values;
    Part::written(&Filled { submission: SubmissionDocument::of(submission), values })
}

/// Refuses a payload that is larger than an event may carry.
pub(crate) fn check_size(events: &[Event]) -> Result<(), Error> {
    let max = limits::PAYLOAD_BYTES_MAX;
    for event in events {
        let size = event.payload.size();
        if size > max {
            return Err(Error::TooLarge { what: "event's payload", size, max, unit: "bytes" });
        }
    }
    Ok(())
}

/// The parts that all events of a form or submission share: space, kapp and form.
pub(crate) fn surroundings(context: &FormContext) -> Part {
    let mut body = Map::new();
    body.insert("space".to_owned(), space(&context.space));
    if let Some(kapp) = &context.kapp {
        body.insert("kapp".to_owned(), self::kapp(kapp));
    }
    body.insert("form".to_owned(), form(&context.form));
    Part::new(body)
}

fn kapp(kapp: &Kapp) -> Value {
    let document = json!({
        "id": kapp.id.as_str(), "name": kapp.name, "slug": kapp.slug, "status": kapp.status,
        "attributes": kapp.attributes,
    });
    audited(document, &kapp.audit)
}

/// A form, without its pages.
pub(crate) fn form(form: &Form) -> Value {
    let document = json!({
        "id": form.id.as_str(), "name": form.name, "slug": form.slug, "type": form.kind,
        "status": form.status, "description": form.description, "notes": form.notes,
        "anonymous": form.anonymous, "submissionLabelExpression": form.label_expression,
        "attributes": form.attributes,
    });
    audited(document, &form.audit)
}

/// A submission, without its values.
pub(crate) fn submission(submission: &Submission) -> Value {
    serde_json::to_value(SubmissionDocument::of(submission)).unwrap_or_default()
}

/// A user, without anything they prove themselves with.
pub(crate) fn user(user: &User) -> Value {
    let property = |name: &str| user.properties.get(name).cloned().unwrap_or(Value::Null);
    let document = json!({
        "id": user.id.as_str(), "username": user.username, "displayName": user.display_name,
        "email": user.email, "enabled": user.enabled, "spaceAdmin": user.space_admin,
        "preferredLocale": property("preferredLocale"), "timezone": property("timezone"),
        "invitedBy": user.invited_by, "attributes": user.attributes,
        "profileAttributes": user.profile_attributes,
    });
    audited(document, &user.audit)
}

/// A team.
pub(crate) fn team(team: &Team) -> Value {
    let (parent, local) = team_names(&team.name);
    let document = json!({
        "id": team.id.as_str(), "name": team.name, "slug": team.slug, "localName": local,
        "parentName": parent, "description": team.description, "attributes": team.attributes,
    });
    audited(document, &team.audit)
}

/// Splits `HR::Benefits` into the name of the parent team, if any, and the team's own part.
pub(crate) fn team_names(name: &str) -> (Option<&str>, &str) {
    match name.rsplit_once("::") {
        Some((parent, local)) => (Some(parent), local),
        None => (None, name),
    }
}

/// What differs between two documents: `{name: {from, to}}`.
pub(crate) fn changes(before: &Map<String, Value>, after: &Map<String, Value>) -> Value {
    let mut changes = Map::new();
    let null = Value::Null;
    for (name, to) in after {
        let from = before.get(name).unwrap_or(&null);
        if from != to {
            changes.insert(name.clone(), json!({"from": from, "to": to}));
        }
    }
    for (name, from) in before {
        if !after.contains_key(name) && !from.is_null() {
            changes.insert(name.clone(), json!({"from": from, "to": null}));
        }
    }
    Value::Object(changes)
}

/// What differs between two entity documents.
pub(crate) fn document_changes(before: &Value, after: &Value) -> Value {
    match (before.as_object(), after.as_object()) {
        (Some(before), Some(after)) => changes(before, after),
        _ => Value::Object(Map::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_name_what_differs_only() {
        let before = json!({"a": 1, "b": ["x"], "gone": "y", "null": null});
        let after = json!({"a": 2, "b": ["x"], "new": "z"});
        assert_eq!(
            document_changes(&before, &after),
            json!({
                "a": {"from": 1, "to": 2},
                "new": {"from": null, "to": "z"},
                "gone": {"from": "y", "to": null},
            })
        );
    }

    #[test]
    fn team_names_split_at_the_last_part() {
        assert_eq!(team_names("HR::Benefits::Admins"), (Some("HR::Benefits"), "Admins"));
        assert_eq!(team_names("HR"), (None, "HR"));
    }
}
