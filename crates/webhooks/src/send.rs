//! The sender: the only code that opens connections to the outside.
//!
//! One call is one exchange: resolve, judge every address, connect to a judged one, TLS, send,
//! read. One deadline covers all of it, response bytes are capped, redirects are answers and never
//! followed, and whatever happened comes back as an [`Outcome`] with its timings. A statement on a
//! database ([`Query`]) goes the same way.

mod connect;
mod exchange;
mod meter;
mod open;
mod pool;
mod postgres;
mod proxy;
mod text;
mod tls;
mod unpack;

pub use connect::{Resolve, Resolved};
pub use open::Opened;
pub use postgres::{Query, QueryError, Rows};
pub use proxy::Proxy;
pub use text::body_text;
pub(crate) use text::headers as shown_headers;
pub use tls::Identity;

use crate::guard::Guard;
use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use model::job::{AttemptDetail, ErrorClass};
use model::limits;
use model::time::Micros;
use runtime::Runtime;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// What `user-agent` says.
pub const USER_AGENT: &str = concat!("Kapok/", env!("CARGO_PKG_VERSION"));

/// What a masked header value reads as in records.
pub const MASKED: &str = "••••••";

/// How a sender is built.
#[derive(Clone, Default)]
pub struct Options {
    /// The judge of addresses.
    pub guard: Guard,
    /// Certificates (DER) trusted besides the public roots.
    pub extra_roots: Vec<Vec<u8>>,
    /// Resolves names instead of the operating system; for tests.
    pub resolve: Option<Resolve>,
    /// The proxy that requests go through.
    pub proxy: Option<Proxy>,
}

/// Reads the certificates of a PEM file, for [`Options::extra_roots`].
///
/// # Errors
/// When there is none.
pub fn certificates(pem: &str) -> Result<Vec<Vec<u8>>, String> {
    let read = tls::certificates(pem, "The file")?;
    Ok(read.into_iter().map(|certificate| certificate.as_ref().to_vec()).collect())
}

/// Sends requests; cheap to clone, clones share their idle connections.
#[derive(Clone)]
pub struct Sender {
    inner: Arc<Inner>,
}

struct Inner {
    runtime: Runtime,
    guard: Guard,
    connector: connect::Connector,
    pool: pool::Pool,
}

/// One request.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: http::Method,
    /// The absolute URL.
    pub url: String,
    /// Headers; a value marked sensitive is masked in records. `host`, `user-agent`,
    /// `accept-encoding` and `content-length` are the sender's own.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body.
    pub body: Bytes,
    /// Limits of this exchange.
    pub limits: Limits,
    /// Whom it trusts and who it is, when not the usual.
    pub identity: Option<Trusted>,
}

impl Request {
    /// Its headers as text, secrets masked.
    pub fn shown(&self) -> Vec<(String, String)> {
        let headers = self.headers.iter().cloned();
        text::headers(&headers.collect())
    }
}

/// What a request trusts and shows besides the usual, made by [`Sender::identity`].
#[derive(Clone)]
pub struct Trusted(Arc<Identity>);

impl std::ops::Deref for Trusted {
    type Target = Identity;

    fn deref(&self) -> &Identity {
        &self.0
    }
}

impl std::fmt::Debug for Trusted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Trusted")
    }
}

/// The limits of one exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Milliseconds from the start to the last body byte.
    pub total_ms: u64,
    /// Milliseconds in which [`limits::PROGRESS_BYTES_MIN`] of a body must arrive.
    pub progress_ms: u64,
    /// Bytes of the answer's body that are kept.
    pub kept_bytes_max: usize,
    /// Bytes of the answer's body that are read before the exchange fails as too large; those of a
    /// packed body are counted before and after it is unpacked.
    pub read_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            total_ms: limits::ATTEMPT_MS,
            progress_ms: limits::PROGRESS_MS,
            kept_bytes_max: limits::RESPONSE_KEPT_BYTES_MAX,
            read_bytes_max: limits::RESPONSE_READ_BYTES_MAX,
        }
    }
}

/// An answer, as far as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status.
    pub status: http::StatusCode,
    /// The headers.
    pub headers: http::HeaderMap,
    /// The body, cut at the kept limit.
    pub body: Vec<u8>,
    /// Bytes of the body that were read in all.
    pub body_bytes: usize,
}

/// A failure to get an answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// Its class.
    pub class: ErrorClass,
    /// The failure in words, with its phase.
    pub message: String,
}

impl Failure {
    pub(crate) fn new(class: ErrorClass, message: impl Into<String>) -> Self {
        Self { class, message: message.into() }
    }
}

/// When what happened during an exchange, filled in as it proceeds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    /// Time to resolve the name; `None` for a literal address or a reused connection.
    pub dns: Option<Duration>,
    /// Time to connect; `None` for a reused connection.
    pub connect: Option<Duration>,
    /// Time of the TLS handshake.
    pub tls: Option<Duration>,
    /// Time from sending to the first byte of the answer.
    pub first_byte: Option<Duration>,
    /// The address spoken to.
    pub address: Option<SocketAddr>,
    /// Whether an idle connection was reused.
    pub reused: bool,
    /// Headers as sent, secrets masked.
    pub request_headers: Vec<(String, String)>,
    pub(crate) phase: Phase,
}

/// Where in an exchange it stands, for the words of a timeout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Phase {
    #[default]
    Resolving,
    Connecting,
    Proxy,
    Tls,
    Waiting,
    Reading,
    Committing,
}

/// Everything about one exchange.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// When it began.
    pub started_at: Micros,
    /// How long it took in all.
    pub duration: Duration,
    /// Timings, address and headers sent.
    pub trace: Trace,
    /// The answer, when its head arrived (even if its body then failed).
    pub response: Option<Response>,
    /// Why there is no complete answer.
    pub failure: Option<Failure>,
}

impl Sender {
    /// A sender. Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// When an extra root is not a certificate.
    pub fn new(runtime: Runtime, options: Options) -> Result<Self, Failure> {
        let connector = connect::Connector::new(&runtime, &options)?;
        let pool = pool::Pool::new(runtime.clone());
        let idle = pool.clone();
        runtime.spawn(async move { idle.keep_swept().await });
        let guard = options.guard;
        Ok(Self { inner: Arc::new(Inner { runtime, guard, connector, pool }) })
    }

    /// What a request trusts and shows besides the usual: authorities, and a client certificate
    /// with its key, all PEM. `None` when there is neither.
    ///
    /// # Errors
    /// What is wrong, as a sentence.
    pub fn identity(
        &self,
        authorities: Option<&str>,
        client: Option<(&str, &str)>,
    ) -> Result<Option<Trusted>, String> {
        if authorities.is_none() && client.is_none() {
            return Ok(None);
        }
        let identity = tls::identity(self.inner.connector.roots(), authorities, client)?;
        Ok(Some(Trusted(Arc::new(identity))))
    }

    /// The judge of addresses this sender obeys.
    pub fn guard(&self) -> &Guard {
        &self.inner.guard
    }

    /// Carries out one exchange within its limits; never fails, the outcome says what happened.
    pub async fn send(&self, request: &Request) -> Outcome {
        let runtime = &self.inner.runtime;
        let (started_at, began) = (runtime.now(), runtime.elapsed());
        let mut trace = Trace::default();
        let mut response = None;
        let total = Duration::from_millis(request.limits.total_ms);
        let result = {
            let exchange = self.inner.exchange(request, &mut trace, &mut response);
            tokio::select! {
                biased;
                result = exchange => Some(result),
                () = runtime.pause(total) => None,
            }
        };
        let failure = match result {
            Some(result) => result.err(),
            None => Some(timed_out(trace.phase, request.limits.total_ms)),
        };
        let duration = runtime.elapsed().saturating_sub(began);
        Outcome { started_at, duration, trace, response, failure }
    }
}

fn timed_out(phase: Phase, total_ms: u64) -> Failure {
    let doing = match phase {
        Phase::Resolving => "resolving the name",
        Phase::Connecting => "connecting",
        Phase::Proxy => "asking the egress proxy",
        Phase::Tls => "negotiating TLS",
        Phase::Waiting => "waiting for the answer",
        Phase::Reading => "reading the answer",
        Phase::Committing => "committing: whether the statement took effect is not known",
    };
    let message = format!("Gave up after {:.1} s, while {doing}", total_ms as f64 / 1_000.0);
    let class = if phase == Phase::Proxy { ErrorClass::Proxy } else { ErrorClass::Timeout };
    Failure::new(class, message)
}

impl Outcome {
    /// The outcome of an attempt that could not even begin.
    pub(crate) fn unsent(started_at: Micros, failure: Failure) -> Self {
        Self {
            started_at,
            duration: Duration::ZERO,
            trace: Trace::default(),
            response: None,
            failure: Some(failure),
        }
    }

    /// Why this is not a success for a delivery: the failure, or the status unless it is 2xx.
    pub fn delivery_failure(&self) -> Option<Failure> {
        if let Some(failure) = &self.failure {
            return Some(failure.clone());
        }
        let response = self.response.as_ref()?;
        let status = response.status;
        let class = match status.as_u16() {
            200..=299 => return None,
            300..=399 => {
                let to = response.headers.get(http::header::LOCATION);
                let to = to.map_or("nowhere", |v| v.to_str().unwrap_or("an unreadable address"));
                let message = format!("Redirects to {to}; redirects are not followed");
                return Some(Failure::new(ErrorClass::Redirect, message));
            }
            400..=499 => ErrorClass::Http4xx,
            500..=599 => ErrorClass::Http5xx,
            _ => ErrorClass::Protocol,
        };
        Some(Failure::new(class, format!("Answered {}", status_line(status))))
    }

    /// The outcome in a few words: `200 OK`, or the failure.
    pub fn summary(&self) -> String {
        match (&self.failure, &self.response) {
            (None, Some(response)) => status_line(response.status),
            (Some(failure), _) => failure.message.clone(),
            (None, None) => String::new(),
        }
    }

    /// The outcome as an attempt keeps it.
    pub fn detail(&self) -> AttemptDetail {
        let ms = |d: Option<Duration>| d.map(|d| d.as_secs_f64() * 1_000.0);
        let failure = self.delivery_failure();
        let response = self.response.as_ref();
        AttemptDetail {
            dns_ms: ms(self.trace.dns),
            connect_ms: ms(self.trace.connect),
            tls_ms: ms(self.trace.tls),
            first_byte_ms: ms(self.trace.first_byte),
            address: self.trace.address.map(|a| a.to_string()),
            request_headers: self.trace.request_headers.clone(),
            response_status: response.map(|r| r.status.as_u16()),
            response_headers: response.map(|r| text::headers(&r.headers)).unwrap_or_default(),
            response_body: response.map(Response::text),
            error_class: failure.as_ref().map(|f| f.class),
            error: failure.map(|f| f.message),
        }
    }
}

impl Response {
    /// The body as text that any database can store; a cut body says so at its end.
    pub fn text(&self) -> String {
        body_text(&self.body, self.body_bytes)
    }
}

/// `404 Not Found`.
pub fn status_line(status: http::StatusCode) -> String {
    match status.canonical_reason() {
        Some(reason) => format!("{} {reason}", status.as_u16()),
        None => status.as_u16().to_string(),
    }
}
