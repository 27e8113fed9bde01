//! CloudEvents 1.0: what a delivery says about its event, in a document or in headers.
//!
//! A job's body is made once, when its event happens. A structured document begins in a way of its
//! own, by which an attempt knows it again, also when the webhook's format was changed since.

use http::header::{HeaderName, HeaderValue};
use model::event::Event;
use model::job::Job;
use model::time::Micros;
use serde_json::{Value, json};

/// The content type of a structured document.
pub(crate) const STRUCTURED: &str = "application/cloudevents+json; charset=utf-8";
/// How every structured document begins.
const BEGINNING: &str = "{\"specversion\":\"1.0\",\"id\":";

/// The attributes of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct About {
    /// The event's id; the job's for one made by hand.
    id: String,
    /// `urn:kapok:space:<id>`: where it happened.
    source: String,
    /// Such as `kapok.submission.submitted`.
    kind: String,
    /// What people look the record up by; may be blank.
    subject: String,
    at: Micros,
}

impl About {
    /// Those of an event.
    pub(crate) fn of_event(event: &Event) -> Self {
        Self {
            id: event.id.to_string(),
            source: format!("urn:kapok:space:{}", event.space_id),
            kind: kind(event.type_name, event.event),
            subject: event.entity_key.clone(),
            at: event.at,
        }
    }

    /// Those of a recorded event.
    pub(crate) fn new(event: &store::events::Summary) -> Self {
        Self {
            id: event.id.to_string(),
            source: format!("urn:kapok:space:{}", event.space_id),
            kind: kind(&event.type_name, &event.event),
            subject: event.entity_key.clone(),
            at: event.created_at,
        }
    }

    /// Those of a job's event.
    pub(crate) fn of_job(job: &Job) -> Self {
        let id = job.event_id.as_ref().map_or_else(|| job.id.to_string(), ToString::to_string);
        Self {
            id,
            source: format!("urn:kapok:space:{}", job.space_id),
            kind: kind(&job.type_name, &job.event),
            subject: job.parent_key.clone(),
            at: job.audit.created_at,
        }
    }

    /// The structured document around `data`.
    pub(crate) fn document(&self, data: &Value) -> String {
        let mut document = json!({
            "specversion": "1.0",
            "id": self.id,
            "source": self.source,
            "type": self.kind,
            "time": self.at.iso(),
            "datacontenttype": "application/json",
        });
        if !self.subject.is_empty()
            && let Some(map) = document.as_object_mut()
        {
            map.insert("subject".to_owned(), self.subject.clone().into());
        }
        if let Some(map) = document.as_object_mut() {
            map.insert("data".to_owned(), data.clone());
        }
        document.to_string()
    }

    /// The headers of the binary form.
    pub(crate) fn headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        let time = self.at.iso();
        let all = [
            ("ce-specversion", "1.0"),
            ("ce-id", &self.id),
            ("ce-source", &self.source),
            ("ce-type", &self.kind),
            ("ce-time", &time),
            ("ce-subject", &self.subject),
        ];
        let given = all.into_iter().filter(|(_, value)| !value.is_empty());
        // Encoded, a value is printable ASCII and fits a header.
        let header = |(name, value): (&'static str, &str)| {
            Some((HeaderName::from_static(name), HeaderValue::from_str(&encode(value)).ok()?))
        };
        given.filter_map(header).collect()
    }
}

/// Whether a body is a structured document of ours.
pub(crate) fn is_structured(body: &str) -> bool {
    body.starts_with(BEGINNING)
}

fn kind(type_name: &str, event: &str) -> String {
    let word = |text: &str| text.trim().to_lowercase().replace(char::is_whitespace, "_");
    format!("kapok.{}.{}", word(type_name), word(event))
}

/// Percent-encodes what the HTTP binding asks for (section 3.1.3.2): space, quotes, percent signs
/// and everything that is not printable ASCII.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && !matches!(byte, b'"' | b'%') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(subject: &str) -> About {
        About {
            id: "e-1".to_owned(),
            source: "urn:kapok:space:s".to_owned(),
            kind: kind("Team Membership", "Created"),
            subject: subject.to_owned(),
            at: Micros(1_800_000_000_000_000),
        }
    }

    #[test]
    fn both_forms_carry_the_required_attributes() {
        let text = about("a b").document(&json!({"a": 1}));
        assert!(is_structured(&text), "{text}");
        let document: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(document["type"], "kapok.team_membership.created");
        assert_eq!((&document["subject"], &document["data"]["a"]), (&json!("a b"), &json!(1)));
        assert_eq!(document["time"], "2027-01-15T08:00:00.000Z");
        let headers: Vec<_> = about("Ann \"ü\" 5%").headers();
        let header = |name: &str| {
            let found = headers.iter().find(|(n, _)| n.as_str() == name);
            found.map(|(_, value)| value.to_str().unwrap().to_owned())
        };
        assert_eq!(header("ce-subject").as_deref(), Some("Ann%20%22%C3%BC%22%205%25"));
        assert_eq!(header("ce-specversion").as_deref(), Some("1.0"));
        assert!(about("").headers().iter().all(|(name, _)| name != "ce-subject"));
    }
}
