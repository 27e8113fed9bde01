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
use model::people::{Team, User};
use model::space::Space;
use model::submission::Submission;
use model::time::Micros;
use model::{Audit, limits};
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
    /// Makes the events of one change of a subject, in order; `body` is the payload of each but for
    /// `event`, which comes first.
    pub(crate) fn events(
        &self,
        actor: &Actor,
        at: Micros,
        subject: &Subject<'_>,
        actions: &[&'static str],
        body: Map<String, Value>,
    ) -> Vec<Event> {
        let Some((last, rest)) = actions.split_last() else { return Vec::new() };
        // Documents are large: the last event takes the body as it is.
        let event = |action, body| self.event(actor, at, subject, action, body);
        let mut events: Vec<Event> =
            rest.iter().map(|action| event(action, body.clone())).collect();
        events.push(event(last, body));
        events
    }

    /// Makes the event of a change that is one only.
    pub(crate) fn event(
        &self,
        actor: &Actor,
        at: Micros,
        subject: &Subject<'_>,
        action: &'static str,
        mut body: Map<String, Value>,
    ) -> Event {
        let head = json!({
            "action": action, "type": subject.type_name, "timestamp": at.iso(),
        });
        body.shift_insert(0, "event".to_owned(), head);
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
            payload: Arc::new(Value::Object(body)),
        }
    }
}

/// Refuses a payload that is larger than an event may carry.
pub(crate) fn check_size(events: &[Event]) -> Result<(), Error> {
    let max = limits::PAYLOAD_BYTES_MAX;
    for event in events {
        let size = size(&event.payload);
        if size > max {
            return Err(Error::TooLarge { what: "event's payload", size, max, unit: "bytes" });
        }
    }
    Ok(())
}

/// A lower bound of a document's length as text, without writing it: what escapes and numbers
/// take beyond it does not matter to the limit.
fn size(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 4,
        Value::String(text) => text.len() + 2,
        Value::Array(items) => 2 + items.iter().map(|item| size(item) + 1).sum::<usize>(),
        Value::Object(map) => {
            2 + map.iter().map(|(name, item)| name.len() + 4 + size(item)).sum::<usize>()
        }
    }
}

/// The parts that all events of a form or submission share: space, kapp and form.
pub(crate) fn surroundings(context: &FormContext) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("space".to_owned(), space(&context.space));
    if let Some(kapp) = &context.kapp {
        body.insert("kapp".to_owned(), self::kapp(kapp));
    }
    body.insert("form".to_owned(), form(&context.form));
    body
}

fn audited(mut document: Value, audit: &Audit) -> Value {
    if let Some(map) = document.as_object_mut() {
        map.insert("createdAt".to_owned(), audit.created_at.iso().into());
        map.insert("createdBy".to_owned(), audit.created_by.as_str().into());
        map.insert("updatedAt".to_owned(), audit.updated_at.iso().into());
        map.insert("updatedBy".to_owned(), audit.updated_by.as_str().into());
    }
    document
}

/// The space. Its other properties stay inside: they hold keys and secrets.
pub(crate) fn space(space: &Space) -> Value {
    let document = json!({
        "id": space.id.as_str(), "name": space.name, "slug": space.slug,
        "attributes": space.attributes,
    });
    audited(document, &space.audit)
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
    let (submitted, closed) = (&submission.submitted, &submission.closed);
    let at = |when: &Option<(Micros, String)>| when.as_ref().map(|(at, _)| at.iso());
    let by = |who: &Option<(Micros, String)>| who.as_ref().map(|(_, by)| by.clone());
    let document = json!({
        "id": submission.id.as_str(), "handle": submission.handle, "label": submission.label,
        "coreState": submission.core_state.as_str(), "currentPage": submission.current_page,
        "type": submission.kind, "anonymous": submission.audit.created_by == ANONYMOUS_USERNAME,
        "origin": submission.origin_id.as_ref().map(SubmissionId::as_str),
        "parent": submission.parent_id.as_ref().map(SubmissionId::as_str),
        "sessionToken": submission.session_token,
        "submittedAt": at(submitted), "submittedBy": by(submitted),
        "closedAt": at(closed), "closedBy": by(closed),
    });
    audited(document, &submission.audit)
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
