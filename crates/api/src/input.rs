//! Reading requests: JSON bodies, query strings and path segments, with answers that say what is
//! wrong and where.

use crate::error::{Error, Result};
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::time::Duration;

/// How long a client may take to send its body; the front door puts it on every request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyTime(pub(crate) Duration);

impl BodyTime {
    /// The time for a request; half a minute for one that did not come through the front door.
    pub(crate) fn of(extensions: &http::Extensions) -> Self {
        extensions.get().copied().unwrap_or(Self(Duration::from_secs(30)))
    }

    /// 408.
    pub(crate) fn is_over(self) -> Error {
        let seconds = self.0.as_secs();
        let message = format!("The body did not arrive within {seconds} seconds.");
        Error::new(StatusCode::REQUEST_TIMEOUT, message)
    }
}

/// Levels of arrays and objects that the parser follows.
const DEPTH_MAX: u32 = 127;

/// A JSON body. Types deny unknown fields, so that a misspelt property is an answer, not a silence.
pub struct Json<T>(pub T);

/// A body as it was sent, whatever its type.
pub struct Raw(pub Bytes);

/// The query string. Parameters that the type does not name are ignored.
pub struct Query<T>(pub T);

/// The variable segments of the path, percent-decoded.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        require_json(request.headers())?;
        let Raw(bytes) = Raw::from_request(request, state).await?;
        Ok(Self(parse(&bytes)?))
    }
}

impl<S: Send + Sync> FromRequest<S> for Raw {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        let time = BodyTime::of(request.extensions());
        let reading = Bytes::from_request(request, state);
        match tokio::time::timeout(time.0, reading).await {
            Ok(Ok(bytes)) => Ok(Self(bytes)),
            Ok(Err(rejection)) => Err(body_error(&rejection)),
            Err(_) => Err(time.is_over()),
        }
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        match axum::extract::Query::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(rejection) => {
                let text = rejection.body_text();
                let reason = text.rsplit_once("string: ").map_or(text.as_str(), |(_, why)| why);
                Err(Error::bad_request(format!("Invalid query parameter: {reason}.")))
            }
        }
    }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(_) => Err(Error::not_found(format!(
                "The path {} names no record: a segment of it cannot be read.",
                parts.uri.path()
            ))),
        }
    }
}

fn body_error(rejection: &BytesRejection) -> Error {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        let limit = model::limits::BODY_BYTES_MAX;
        let message = format!("The body exceeds the limit of {limit} bytes.");
        return Error::new(StatusCode::PAYLOAD_TOO_LARGE, message);
    }
    Error::bad_request("The body could not be read to its end.")
}

/// A body without a type is taken for JSON; one that says it is something else is refused.
fn require_json(headers: &HeaderMap) -> Result<()> {
    let Some(given) = headers.get(CONTENT_TYPE) else {
        return Ok(());
    };
    let given = given.to_str().unwrap_or("unreadable");
    let essence = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence == "application/json" || essence.ends_with("+json") || essence == "text/json" {
        return Ok(());
    }
    Err(Error::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        format!("The Content-Type must be application/json, not {given}."),
    ))
}

/// Reads JSON; the error names the place, and for an unknown property the nearest known one.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(Error::bad_request("The body is empty; a JSON document is expected."));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader)
        .map_err(|error| json_error(&error.path().to_string(), error.inner()))?;
    reader.end().map_err(|error| json_error(".", &error))?;
    Ok(value)
}

fn json_error(path: &str, error: &serde_json::Error) -> Error {
    let text = error.to_string();
    let reason = text.rsplit_once(" at line ").map_or(text.as_str(), |(reason, _)| reason);
    let line_and_column = format!("line {}, column {}", error.line(), error.column());
    let place = if path == "." || path == "?" {
        line_and_column.clone()
    } else {
        format!("{line_and_column} ({path})")
    };
    if let Some(unknown) = unknown_property(reason) {
        return Error::bad_request(format!("{unknown} At {place}."));
    }
    if reason == "recursion limit exceeded" {
        return Error::bad_request(format!(
            "The document is nested more than {DEPTH_MAX} levels deep at {line_and_column}."
        ));
    }
    let kind = if error.is_data() { "Invalid value" } else { "Malformed JSON" };
    Error::bad_request(format!("{kind} at {place}: {reason}."))
}

/// Serde's ``unknown field `nmae`, expected one of `name`, `slug` `` in the words of the API.
fn unknown_property(reason: &str) -> Option<String> {
    let rest = reason.strip_prefix("unknown field `")?;
    let (name, expected) = rest.split_once('`')?;
    let known: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
    Some(unknown_message(name, &known))
}

/// Refuses a body with a property that is not among the `known` ones.
///
/// # Errors
/// 400, naming the property and the known one nearest to it.
pub fn require_known(body: &Map<String, Value>, known: &[&str]) -> Result<()> {
    match body.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(Error::bad_request(unknown_message(name, known))),
        None => Ok(()),
    }
}

/// Says that a property is unknown and which known one is nearest.
fn unknown_message(name: &str, known: &[&str]) -> String {
    match nearest(name, known) {
        Some(near) => format!("Unknown property \"{name}\"; did you mean \"{near}\"?"),
        None if known.is_empty() => format!("Unknown property \"{name}\"; none is expected here."),
        None => format!("Unknown property \"{name}\"; known are {}.", known.join(", ")),
    }
}

/// The candidate that differs from `name` by the fewest edits, when those are few.
fn nearest<'a>(name: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let limit = (name.chars().count() / 3).max(2);
    let distances = candidates.iter().map(|c| (edits(name, c), *c));
    distances.filter(|(distance, _)| *distance <= limit).min().map(|(_, candidate)| candidate)
}

/// Levenshtein distance, letters of either case alike.
fn edits(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.to_lowercase().chars().enumerate() {
        let mut diagonal = i;
        let mut before = i + 1;
        let costs = right.iter().map(|r| usize::from(*r != l)).collect::<Vec<_>>();
        for (cell, cost) in row.iter_mut().skip(1).zip(costs) {
            let best = (*cell + 1).min(before + 1).min(diagonal + cost);
            diagonal = std::mem::replace(cell, best);
            before = best;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[expect(dead_code, reason = "only the refusals matter here")]
        name: Option<String>,
        #[expect(dead_code, reason = "only the refusals matter here")]
        elements: Option<Vec<Sample>>,
    }

    #[test]
    fn refusals_name_the_place() {
        let check = |text: &str, expect: &str| {
            assert_eq!(parse::<Sample>(text.as_bytes()).unwrap_err().to_string(), expect);
        };
        check("", "The body is empty; a JSON document is expected.");
        check(
            "{\"nmae\":1}",
            "Unknown property \"nmae\"; did you mean \"name\"? At line 1, column 7 (nmae).",
        );
        check(
            "{\"zzzzzz\":1}",
            "Unknown property \"zzzzzz\"; known are name, elements. At line 1, column 9 (zzzzzz).",
        );
        check(
            "{\n\"elements\":[{\"name\":1}]}",
            "Invalid value at line 2, column 21 (elements[0].name): \
             invalid type: integer `1`, expected a string.",
        );
        check(
            "{\"name\":\"x\"",
            "Malformed JSON at line 1, column 11: EOF while parsing an object.",
        );
        check("{} x", "Malformed JSON at line 1, column 4: trailing characters.");
    }

    #[test]
    fn edits_count() {
        assert_eq!(edits("kitten", "sitting"), 3);
        assert_eq!(edits("Name", "name"), 0);
        assert_eq!(edits("", "abc"), 3);
    }
}
