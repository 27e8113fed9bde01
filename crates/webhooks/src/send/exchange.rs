//! One exchange on one connection: request out, answer in, within the byte caps.

use super::pool::{Connection, Endpoint, Pool, Protocol};
use super::tls::Identity;
use super::unpack::Packing;
use super::{Failure, Inner, Limits, Phase, Request, Response, Trace, text};
use crate::guard::Purpose;
use bytes::Bytes;
use h2::Reason;
use http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, HOST, HeaderMap, HeaderValue, USER_AGENT};
use http::header::{CONNECTION, TRANSFER_ENCODING, UPGRADE};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use model::job::ErrorClass;
use model::limits::PROGRESS_BYTES_MIN;
use std::error::Error as _;
use std::io;
use std::time::Duration;
use url::Url;

type Wire = http::Request<Full<Bytes>>;

/// How often a request goes out again because a reused connection had not taken it.
const SILENT_MAX: usize = 3;

impl Inner {
    /// Carries out `request`, noting timings in `trace` and the answer in `response` as they come.
    pub(super) async fn exchange(
        &self,
        request: &Request,
        trace: &mut Trace,
        response: &mut Option<Response>,
    ) -> Result<(), Failure> {
        let url = self
            .guard
            .judge_url(&request.url)
            .map_err(|refusal| Failure::new(ErrorClass::Blocked, refusal.to_string()))?;
        let endpoint = endpoint(&url, request.identity.as_deref())?;
        let message = Message::new(request, &url)?;
        trace.request_headers = text::headers(&message.headers);
        let (answer, connection) = self.round_trip(&endpoint, &message, trace).await?;
        trace.phase = Phase::Reading;
        let (parts, body) = answer.into_parts();
        let answered = response.insert(Response {
            status: parts.status,
            headers: parts.headers,
            body: Vec::new(),
            body_bytes: 0,
        });
        let read = self.read(body, request.limits, answered).await;
        match read {
            Ok(()) => self.pool.put(endpoint, connection),
            Err(_) => self.pool.retire(&endpoint, &connection),
        }
        read
    }

    /// Sends on an idle connection, or on a new one. When a reused connection turns out to be
    /// closed before it took a byte of the request, or says that it did not begin with it, the
    /// request goes out on the next one: that is the only silent repetition.
    async fn round_trip(
        &self,
        endpoint: &Endpoint,
        message: &Message<'_>,
        trace: &mut Trace,
    ) -> Result<(http::Response<Incoming>, Connection), Failure> {
        let identity = message.request.identity.as_deref();
        let mut silent = 0;
        loop {
            let idle = self.pool.take(endpoint).await;
            let reused = idle.is_some() && silent < SILENT_MAX;
            let connection = match idle {
                Some(connection) => {
                    if let Some(address) = connection.address {
                        self.connector.judge(endpoint, address)?;
                    }
                    trace.address = connection.address;
                    connection
                }
                None => {
                    // What connecting needs is large, and most requests do without.
                    let connecting = self.connector.connect(endpoint, identity, trace);
                    let connection = Box::pin(connecting).await?;
                    self.pool.share(endpoint, &connection);
                    connection
                }
            };
            trace.reused = reused;
            trace.phase = Phase::Waiting;
            let began = self.runtime.elapsed();
            // Dropped by the deadline, it takes a shared connection out of use: whoever hung once
            // is not trusted with the next request.
            let mut guard = Unfinished { pool: &self.pool, endpoint, connection: Some(connection) };
            let connection = guard.connection.as_mut().expect("it was just put there");
            match send(connection, message).await? {
                Ok(answer) => {
                    trace.first_byte = Some(self.runtime.elapsed().saturating_sub(began));
                    let connection = guard.connection.take().expect("nobody else takes it");
                    return Ok((answer, connection));
                }
                Err((error, unsent)) => {
                    drop(guard);
                    if !(reused && (unsent || is_refused(&error))) {
                        return Err(failure(&error, false));
                    }
                    silent += 1;
                }
            }
        }
    }

    /// Reads the body within its caps and unpacks it. What was read so far is in `response` even
    /// when the deadline ends this future.
    async fn read(
        &self,
        body: Incoming,
        limits: Limits,
        response: &mut Response,
    ) -> Result<(), Failure> {
        let Some(packing) = Packing::of(&response.headers) else {
            return self.frames(body, limits, limits.kept_bytes_max, response).await;
        };
        let arrived = Box::pin(self.frames(body, limits, limits.read_bytes_max, response)).await;
        let packed = std::mem::take(&mut response.body);
        response.body_bytes = 0;
        arrived?;
        // A bomb takes its time even under a cap; it must not take it from the others.
        let work = move || packing.unpack(&packed, limits);
        let (unpacked, done) = self.runtime.spawn_blocking(work).await.map_err(|error| {
            Failure::new(ErrorClass::Protocol, format!("The answer cannot be unpacked: {error}"))
        })?;
        (response.body, response.body_bytes) = (unpacked.kept, unpacked.bytes);
        done
    }

    /// Reads frames: keeps the first bytes, counts the rest, stops at the cap and when too little
    /// comes for too long.
    async fn frames(
        &self,
        mut body: Incoming,
        limits: Limits,
        kept_bytes_max: usize,
        response: &mut Response,
    ) -> Result<(), Failure> {
        let window = Duration::from_millis(limits.progress_ms);
        let mut deadline = self.runtime.elapsed() + window;
        let mut in_window = 0;
        loop {
            let left = deadline.saturating_sub(self.runtime.elapsed());
            let frame = tokio::select! {
                biased;
                frame = body.frame() => frame,
                () = self.runtime.pause(left) => return Err(too_slow(limits)),
            };
            let Some(frame) = frame else { return Ok(()) };
            let Ok(data) = frame.map_err(|error| failure(&error, true))?.into_data() else {
                continue;
            };
            let room = kept_bytes_max.saturating_sub(response.body.len());
            let kept = data.get(..room.min(data.len())).unwrap_or_default();
            response.body.extend_from_slice(kept);
            response.body_bytes = response.body_bytes.saturating_add(data.len());
            if response.body_bytes > limits.read_bytes_max {
                let message = format!("The answer exceeds {} bytes", limits.read_bytes_max);
                return Err(Failure::new(ErrorClass::TooLarge, message));
            }
            in_window += data.len();
            let now = self.runtime.elapsed();
            if in_window >= PROGRESS_BYTES_MIN {
                (deadline, in_window) = (now + window, 0);
            } else if now >= deadline {
                return Err(too_slow(limits));
            }
        }
    }
}

fn too_slow(limits: Limits) -> Failure {
    let seconds = limits.progress_ms as f64 / 1_000.0;
    let message = format!(
        "Gave up while reading the answer: less than {PROGRESS_BYTES_MIN} bytes in {seconds:.1} s"
    );
    Failure::new(ErrorClass::Timeout, message)
}

/// A request on its way. When it is dropped before there is an answer, a shared connection is
/// taken out of use.
struct Unfinished<'a> {
    pool: &'a Pool,
    endpoint: &'a Endpoint,
    connection: Option<Connection>,
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if let Some(connection) = &self.connection {
            self.pool.retire(self.endpoint, connection);
        }
    }
}

/// What goes out, before it is known over which protocol.
pub(super) struct Message<'a> {
    request: &'a Request,
    url: &'a Url,
    pub(super) headers: HeaderMap,
}

/// The answer, or the error and whether the connection took nothing of the request.
pub(super) type Sent = Result<http::Response<Incoming>, (hyper::Error, bool)>;

pub(super) async fn send(
    connection: &mut Connection,
    message: &Message<'_>,
) -> Result<Sent, Failure> {
    let unsent = |mut error: TrySendError<Wire>| {
        let unsent = error.take_message().is_some();
        (error.into_error(), unsent)
    };
    match &mut connection.protocol {
        Protocol::Http1(sender, allowance) => {
            let wire = message.http1()?;
            allowance.begin();
            let sent = sender.try_send_request(wire).await;
            allowance.end();
            Ok(sent.map_err(unsent))
        }
        Protocol::Http2(sender) => {
            let wire = message.http2()?;
            Ok(sender.try_send_request(wire).await.map_err(unsent))
        }
    }
}

impl<'a> Message<'a> {
    pub(super) fn new(request: &'a Request, url: &'a Url) -> Result<Self, Failure> {
        Ok(Self { request, url, headers: headers(request, url)? })
    }

    /// Origin form, with `host`.
    fn http1(&self) -> Result<Wire, Failure> {
        let target = match self.url.query() {
            Some(query) => format!("{}?{query}", self.url.path()),
            None => self.url.path().to_owned(),
        };
        self.wire(target, self.headers.clone())
    }

    /// The whole URL, whose host becomes `:authority`.
    fn http2(&self) -> Result<Wire, Failure> {
        let mut headers = self.headers.clone();
        headers.remove(HOST);
        self.wire(self.url.as_str().to_owned(), headers)
    }

    fn wire(&self, uri: String, headers: HeaderMap) -> Result<Wire, Failure> {
        let mut wire = http::Request::builder()
            .method(self.request.method.clone())
            .uri(uri)
            .body(Full::new(self.request.body.clone()))
            .map_err(unusable)?;
        *wire.headers_mut() = headers;
        Ok(wire)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "map_err hands it over")]
fn unusable(error: http::Error) -> Failure {
    Failure::new(ErrorClass::Protocol, format!("The request cannot be made: {error}"))
}

pub(super) fn endpoint(url: &Url, identity: Option<&Identity>) -> Result<Endpoint, Failure> {
    let host = url.host_str().filter(|h| !h.is_empty());
    let (Some(host), Some(port)) = (host, url.port_or_known_default()) else {
        return Err(Failure::new(ErrorClass::Protocol, "The URL has no host or port"));
    };
    Ok(Endpoint {
        tls: url.scheme() == "https",
        host: host.to_owned(),
        port,
        identity: identity.map(Identity::id).unwrap_or_default(),
        purpose: Purpose::of(url),
    })
}

/// The headers as they go out, with our own `host`, `user-agent` and `accept-encoding`.
fn headers(request: &Request, url: &Url) -> Result<HeaderMap, Failure> {
    let host = match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (host, _) => host.unwrap_or_default().to_owned(),
    };
    let mut headers = HeaderMap::with_capacity(request.headers.len() + 4);
    headers.insert(HOST, HeaderValue::from_str(&host).map_err(|e| unusable(e.into()))?);
    headers.insert(USER_AGENT, HeaderValue::from_static(super::USER_AGENT));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(super::unpack::ACCEPTED));
    let own = [HOST, CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION, UPGRADE, ACCEPT_ENCODING];
    for (name, value) in &request.headers {
        if !own.contains(name) {
            headers.append(name.clone(), value.clone());
        }
    }
    if !request.body.is_empty() || request.method == http::Method::POST {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(request.body.len()));
    }
    Ok(headers)
}

/// Whether an HTTP/2 peer says that it did not begin with the request (RFC 9113, section 8.7).
fn is_refused(error: &hyper::Error) -> bool {
    http2_error(error).is_some_and(|error| {
        let is_unprocessed = error.is_go_away() && error.reason() == Some(Reason::NO_ERROR);
        error.is_remote() && (is_unprocessed || error.reason() == Some(Reason::REFUSED_STREAM))
    })
}

fn http2_error(error: &hyper::Error) -> Option<&h2::Error> {
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(error) = inner.downcast_ref::<h2::Error>() {
            return Some(error);
        }
        source = inner.source();
    }
    None
}

/// What an HTTP/2 error means; `None` for one of the connection below it.
fn http2_failure(error: &h2::Error, reading: bool) -> Option<Failure> {
    if let Some(io) = error.get_io() {
        return Some(io_failure(io, reading));
    }
    let reason = error.reason()?;
    let place = if reading { "while the answer was read" } else { "before an answer came" };
    if !error.is_remote() {
        let message = format!("The answer is not valid HTTP/2: {}", reason.description());
        return Some(Failure::new(ErrorClass::Protocol, message));
    }
    let name = format!("{reason:?}");
    let how =
        if error.is_go_away() { "ended the connection (GOAWAY" } else { "reset the stream (" };
    let sign = if error.is_go_away() { ", " } else { "" };
    let message = format!("The endpoint {how}{sign}{name}) {place}");
    Some(Failure::new(ErrorClass::Reset, message))
}

/// Names what hyper met. `reading` says whether the answer's head had already arrived.
pub(super) fn failure(error: &hyper::Error, reading: bool) -> Failure {
    if let Some(failure) = http2_error(error).and_then(|error| http2_failure(error, reading)) {
        return failure;
    }
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(io) = inner.downcast_ref::<io::Error>() {
            return io_failure(io, reading);
        }
        source = inner.source();
    }
    if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
        return if reading {
            let message = "The answer ended before its stated length";
            Failure::new(ErrorClass::Protocol, message)
        } else {
            Failure::new(ErrorClass::Reset, "The connection was closed without an answer")
        };
    }
    let cause = error.source().map(|e| format!(": {e}")).unwrap_or_default();
    Failure::new(ErrorClass::Protocol, format!("The answer is not valid HTTP: {error}{cause}"))
}

fn io_failure(error: &io::Error, reading: bool) -> Failure {
    // A peer that refuses our certificate under TLS 1.3 says so only after the handshake.
    if let Some(tls) = error.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>()) {
        return Failure::new(ErrorClass::Tls, super::tls::words(tls));
    }
    let place = if reading { "while the answer was read" } else { "before an answer came" };
    match error.kind() {
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::ConnectionAborted => {
            Failure::new(ErrorClass::Reset, format!("The connection was reset {place}"))
        }
        io::ErrorKind::UnexpectedEof if reading => {
            Failure::new(ErrorClass::Protocol, "The answer ended before its stated length")
        }
        io::ErrorKind::UnexpectedEof => {
            Failure::new(ErrorClass::Reset, "The connection was closed without an answer")
        }
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
            Failure::new(ErrorClass::Protocol, format!("The answer is not valid HTTP: {error}"))
        }
        _ => Failure::new(ErrorClass::Reset, format!("The connection failed {place}: {error}")),
    }
}
