//! Errors on the wire. A handler answers with an [`Error`]; [`crate::front`] writes it in the style
//! of the route that was asked: the platform's (`statusCode`, `error`, `errorKey`,
//! `correlationId`) or the workflow engine's (`message`).

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{HeaderValue, RETRY_AFTER};
use serde_json::{Value, json};

/// The `errorKey` of a name that is taken; its status is 400, as documented, and never 409.
pub const UNIQUENESS_VIOLATION: &str = "uniqueness_violation";
/// The `errorKey` of a change to a record that moved in between.
pub const STALE_RECORD: &str = "stale_record";

/// A refusal or failure, with the words the caller reads.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    status: StatusCode,
    message: String,
    key: Option<String>,
    retry_after_s: Option<i64>,
    problems: Vec<String>,
}

/// What a handler gives back.
pub type Result<T> = std::result::Result<T, Error>;

/// The three documented layouts of an error body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `{"statusCode":404,"error":"…","errorKey":"…","correlationId":"…"}`.
    Core,
    /// `{"message":"…"}`.
    Task,
    /// `{"error":"…","errorKey":"…","validationErrors":[{"error":"…"}]}`, the last when a document
    /// was refused.
    Integrator,
}

impl Error {
    /// An error with a status and a message.
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { status, message, key: None, retry_after_s: None, problems: Vec::new() }
    }

    /// 400: the request cannot be understood or is not allowed by the record's rules.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// 401: nobody is signed in.
    pub fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, message)
    }

    /// 403: the caller may not.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, message)
    }

    /// 404: there is no such record, or the caller may not know that there is.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// 404 in the documented words: `Unable to locate the X Team`.
    pub fn unable_to_locate(what: &str, key: &str) -> Self {
        Self::not_found(format!("Unable to locate the {key} {what}"))
    }

    /// 400 in the documented layout: `Invalid Team.` and a line for each problem.
    pub fn invalid(entity: &str, problems: &[String]) -> Self {
        Self::bad_request(format!("Invalid {entity}.\n    {}", problems.join("\n    ")))
    }

    /// 500. The cause goes to the log, once and here; the caller gets the correlation id only.
    pub fn internal(cause: &dyn std::error::Error) -> Self {
        let mut chain = cause.to_string();
        let mut source = cause.source();
        while let Some(next) = source {
            chain.push_str(": ");
            chain.push_str(&next.to_string());
            source = next.source();
        }
        tracing::error!(error = %chain, "a request failed");
        Self::failed()
    }

    /// 503 with `Retry-After`: the store has more work than it can take for now.
    pub(crate) fn busy() -> Self {
        let message = "The server is busy. Try again in a moment.";
        let mut busy = Self::new(StatusCode::SERVICE_UNAVAILABLE, message);
        busy.retry_after_s = Some(1);
        busy
    }

    /// 429 with `Retry-After`.
    pub(crate) fn too_many(retry_after_s: i64) -> Self {
        let message = format!("Too many requests. Try again in {retry_after_s} seconds.");
        let mut error = Self::new(StatusCode::TOO_MANY_REQUESTS, message);
        error.retry_after_s = Some(retry_after_s);
        error
    }

    /// The same with `Retry-After`.
    pub(crate) fn after_seconds(self, seconds: i64) -> Self {
        Self { retry_after_s: Some(seconds), ..self }
    }

    /// 500 whose cause is already in the log.
    pub(crate) fn failed() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "An unexpected error occurred. The server's log has it under this correlation id.",
        )
    }

    /// The same error with its documented `errorKey`.
    #[must_use]
    pub fn with_key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// The status it answers with.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The body in a style; `correlation_id` finds the request in the log.
    pub fn body(&self, style: Style, correlation_id: &str) -> Value {
        match style {
            Style::Task => {
                let mut body = json!({ "message": self.message });
                if let Some(key) = &self.key {
                    body["messageType"] = json!("error");
                    body["errorKey"] = json!(key);
                }
                body
            }
            Style::Core => {
                let mut body = json!({
                    "statusCode": self.status.as_u16(),
                    "error": self.message,
                });
                if let Some(key) = &self.key {
                    body["errorKey"] = json!(key);
                }
                body["correlationId"] = json!(correlation_id);
                body
            }
            Style::Integrator => {
                let key = self.key.as_deref().unwrap_or(match self.status {
                    StatusCode::UNAUTHORIZED => ":unauthorized",
                    StatusCode::FORBIDDEN => ":forbidden",
                    StatusCode::NOT_FOUND => ":not_found",
                    status if status.is_server_error() => ":internal_server_error",
                    _ => ":bad_request",
                });
                let mut body = json!({ "error": self.message, "errorKey": key });
                if !self.problems.is_empty() {
                    let problem = |problem| json!({ "error": problem });
                    body["validationErrors"] = self.problems.iter().map(problem).collect();
                }
                body
            }
        }
    }
}

impl From<platform::Error> for Error {
    fn from(error: platform::Error) -> Self {
        use platform::Error as E;
        let status = match &error {
            E::NotFound { .. } => StatusCode::NOT_FOUND,
            E::Forbidden { .. } => StatusCode::FORBIDDEN,
            E::Unauthenticated => StatusCode::UNAUTHORIZED,
            E::Throttled { .. } => StatusCode::TOO_MANY_REQUESTS,
            E::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            // Documented as 500, odd as it is: clients know it by its words.
            E::UndefinedField { .. } => StatusCode::INTERNAL_SERVER_ERROR,
            E::Store(store) if store.is_temporary() => return Self::busy(),
            E::Store(_) | E::Internal(_) => return Self::internal(&error),
            _ => StatusCode::BAD_REQUEST,
        };
        let mut answer = Self::new(status, error.to_string());
        if let E::Throttled { retry_after_s } = &error {
            answer.retry_after_s = Some(*retry_after_s);
        }
        match error.key() {
            Some(key) => answer.with_key(key),
            None => answer,
        }
    }
}

impl From<webhooks::Error> for Error {
    fn from(error: webhooks::Error) -> Self {
        use webhooks::Error as E;
        let status = match &error {
            E::NotFound { .. } => StatusCode::NOT_FOUND,
            E::Forbidden { .. } => StatusCode::FORBIDDEN,
            E::Store(store) if store.is_temporary() => return Self::busy(),
            E::Store(_) => return Self::internal(&error),
            _ => StatusCode::BAD_REQUEST,
        };
        let mut answer = Self::new(status, error.to_string());
        if let E::Invalid { problems, .. } = &error {
            answer.problems.clone_from(problems);
        }
        match error.key() {
            Some(key) => answer.with_key(key),
            None => answer,
        }
    }
}

impl IntoResponse for Error {
    /// An empty answer that carries the error for [`crate::front`] to write.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_store_is_asked_again_later() {
        let busy = Error::from(platform::Error::Store(store::Error::Overloaded));
        assert_eq!((busy.status, busy.retry_after_s), (StatusCode::SERVICE_UNAVAILABLE, Some(1)));
        let broken = Error::from(platform::Error::Store(store::Error::db("gone")));
        assert_eq!(broken.status, StatusCode::INTERNAL_SERVER_ERROR);
    }

    #[test]
    fn both_styles() {
        let error = Error::invalid("Team", &["Name must not be blank".to_owned()]);
        assert_eq!(
            error.body(Style::Core, "c"),
            json!({
                "statusCode": 400,
                "error": "Invalid Team.\n    Name must not be blank",
                "correlationId": "c",
            })
        );
        let taken = Error::bad_request("taken").with_key(UNIQUENESS_VIOLATION);
        assert_eq!(taken.body(Style::Core, "c")["errorKey"], "uniqueness_violation");
        let missing = Error::not_found("The \"S :: G :: N\" tree does not exist.");
        assert_eq!(
            missing.body(Style::Task, "c"),
            json!({ "message": "The \"S :: G :: N\" tree does not exist." })
        );
    }
}
