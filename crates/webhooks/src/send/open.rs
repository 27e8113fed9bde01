//! Answers that are read piece by piece, such as server-sent events: for the command line, which
//! follows a server for as long as somebody watches.

use super::exchange::{Message, endpoint, failure, send};
use super::{Failure, Phase, Request, Sender, Trace, timed_out};
use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, HeaderValue};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::time::Duration;

/// An answer whose body still comes.
pub struct Opened {
    /// The status.
    pub status: http::StatusCode,
    /// The headers.
    pub headers: http::HeaderMap,
    body: Incoming,
    /// Keeps the connection open.
    _connection: super::pool::Connection,
}

impl Sender {
    /// Sends a request on a connection of its own and returns with the head of the answer, for
    /// which the request's total deadline holds.
    ///
    /// # Errors
    /// Whatever kept the head from coming.
    pub async fn open(&self, request: &Request) -> Result<Opened, Failure> {
        let inner = &self.inner;
        let mut trace = Trace::default();
        let total = Duration::from_millis(request.limits.total_ms);
        let opening = async {
            let url = inner.guard.judge_url(&request.url).map_err(|refusal| {
                Failure::new(model::job::ErrorClass::Blocked, refusal.to_string())
            })?;
            let identity = request.identity.as_deref();
            let endpoint = endpoint(&url, identity)?;
            let mut message = Message::new(request, &url)?;
            // Pieces are handed on as they come, so nothing unpacks them.
            message.headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
            let connecting = inner.connector.connect(&endpoint, identity, &mut trace);
            let mut connection = connecting.await?;
            trace.phase = Phase::Waiting;
            let answer = send(&mut connection, &message).await?;
            let answer = answer.map_err(|(error, _)| failure(&error, false))?;
            let (parts, body) = answer.into_parts();
            Ok(Opened {
                status: parts.status,
                headers: parts.headers,
                body,
                _connection: connection,
            })
        };
        let opened = tokio::select! {
            biased;
            opened = opening => Some(opened),
            () = inner.runtime.pause(total) => None,
        };
        opened.unwrap_or_else(|| Err(timed_out(trace.phase, request.limits.total_ms)))
    }
}

impl Opened {
    /// The next piece of the body; `None` at its end.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        while let Some(frame) = self.body.frame().await {
            let frame = frame.map_err(|error| failure(&error, true))?;
            if let Ok(data) = frame.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }
}
