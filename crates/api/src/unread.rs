//! Bodies that no handler reads to their end, because the request is refused before. What follows
//! on the connection would be the rest of the body, so the server has to close it; a client that
//! is not told (RFC 9112 §9.6) may send its next request there and never hear of it.

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::response::Response;
use http::header::{CONNECTION, EXPECT, HeaderValue};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// Bytes of a body that are still read, and dropped, to keep its connection.
const REST_BYTES_MAX: u64 = 64 * 1024;
/// How long they may take to arrive.
const REST_TIME: Duration = Duration::from_secs(1);

/// A body that a handler has the use of.
pub(crate) struct Lent {
    body: Loan,
    /// Whether the client waits to be asked for its body.
    waits: bool,
}

/// What the handler reads.
#[derive(Clone)]
struct Loan(Arc<Mutex<Reading>>);

struct Reading {
    body: Body,
    /// Whether its end was read.
    is_over: bool,
}

impl Loan {
    fn lock(&self) -> MutexGuard<'_, Reading> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HttpBody for Loan {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut reading = self.lock();
        let frame = ready!(Pin::new(&mut reading.body).poll_frame(context));
        reading.is_over = frame.is_none();
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        let reading = self.lock();
        reading.is_over || reading.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.lock().body.size_hint()
    }
}

/// Keeps a hand on the body of a request; `None` when it has none.
pub(crate) fn lend(request: &mut Request) -> Option<Lent> {
    if request.body().is_end_stream() {
        return None;
    }
    let waits = request.headers().contains_key(EXPECT);
    let body = std::mem::take(request.body_mut());
    let body = Loan(Arc::new(Mutex::new(Reading { body, is_over: false })));
    *request.body_mut() = Body::new(body.clone());
    Some(Lent { body, waits })
}

impl Lent {
    /// Reads what is left of the body if that is little, and says in the answer that the connection
    /// ends if it is not.
    pub(crate) async fn settle(self, response: &mut Response) {
        if self.body.is_end_stream() {
            return;
        }
        let is_read = !self.waits
            && self.body.size_hint().lower() <= REST_BYTES_MAX
            && tokio::time::timeout(REST_TIME, drop_rest(self.body)).await.unwrap_or(false);
        if !is_read {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
    }
}

/// Whether the end came before too much did.
async fn drop_rest(mut body: Loan) -> bool {
    let mut dropped = 0;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return false };
        dropped += frame.data_ref().map_or(0, |data| data.len() as u64);
        if dropped > REST_BYTES_MAX {
            return false;
        }
    }
    true
}
