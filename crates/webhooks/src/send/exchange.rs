//! One exchange on one connection: request out, answer in, within the byte caps.

use super::pool::{Connection, Endpoint};
use super::{Failure, Inner, Phase, Request, Response, Trace, USER_AGENT, text};
use crate::guard::Purpose;
use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, HOST, HeaderMap, HeaderValue};
use http::header::{CONNECTION, TRANSFER_ENCODING, UPGRADE};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use model::job::ErrorClass;
use std::error::Error as _;
use std::io;
use url::Url;

type Wire = http::Request<Full<Bytes>>;

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
        let endpoint = endpoint(&url)?;
        let wire = wire(request, &url)?;
        trace.request_headers = text::headers(wire.headers());
        let (answer, connection) = self.round_trip(&endpoint, wire, trace).await?;
        trace.phase = Phase::Reading;
        let (parts, body) = answer.into_parts();
        let answered = response.insert(Response {
            status: parts.status,
            headers: parts.headers,
            body: Vec::new(),
            body_bytes: 0,
        });
        read(body, request, answered).await?;
        self.pool.put(endpoint, connection);
        Ok(())
    }

    /// Sends on an idle connection, or on a new one. When an idle connection turns out to be
    /// closed before a byte of the request was taken, the request goes out on the next one: that
    /// is the only silent repetition.
    async fn round_trip(
        &self,
        endpoint: &Endpoint,
        mut wire: Wire,
        trace: &mut Trace,
    ) -> Result<(http::Response<Incoming>, Connection), Failure> {
        loop {
            let idle = self.pool.take(endpoint).await;
            let reused = idle.is_some();
            let mut connection = match idle {
                Some(connection) => {
                    self.connector.judge(endpoint, connection.address.ip())?;
                    trace.address = Some(connection.address);
                    connection
                }
                None => self.connector.connect(endpoint, trace).await?,
            };
            trace.reused = reused;
            trace.phase = Phase::Waiting;
            let began = self.runtime.elapsed();
            match connection.sender.try_send_request(wire).await {
                Ok(answer) => {
                    trace.first_byte = Some(self.runtime.elapsed().saturating_sub(began));
                    return Ok((answer, connection));
                }
                Err(mut error) => match error.take_message() {
                    Some(unsent) if reused => wire = unsent,
                    _ => return Err(failure(error.error(), false)),
                },
            }
        }
    }
}

/// Reads the body: keeps the first bytes, counts the rest, stops at the limit. What was read so far
/// is in `response` even when the deadline ends this future.
async fn read(
    mut body: Incoming,
    request: &Request,
    response: &mut Response,
) -> Result<(), Failure> {
    let limits = request.limits;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| failure(&error, true))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        let room = limits.kept_bytes_max.saturating_sub(response.body.len());
        let kept = data.get(..room.min(data.len())).unwrap_or_default();
        response.body.extend_from_slice(kept);
        response.body_bytes = response.body_bytes.saturating_add(data.len());
        if response.body_bytes > limits.read_bytes_max {
            let message = format!("The answer exceeds {} bytes", limits.read_bytes_max);
            return Err(Failure::new(ErrorClass::TooLarge, message));
        }
    }
    Ok(())
}

pub(super) fn endpoint(url: &Url) -> Result<Endpoint, Failure> {
    let host = url.host_str().filter(|h| !h.is_empty());
    match (host, url.port_or_known_default()) {
        (Some(host), Some(port)) => {
            let purpose = Purpose::of(url);
            Ok(Endpoint { tls: url.scheme() == "https", host: host.to_owned(), port, purpose })
        }
        _ => Err(Failure::new(ErrorClass::Protocol, "The URL has no host or port")),
    }
}

/// The request as it goes out: origin form, our own `host`, `user-agent` and `accept-encoding`.
pub(super) fn wire(request: &Request, url: &Url) -> Result<Wire, Failure> {
    let unusable = |e: http::Error| {
        Failure::new(ErrorClass::Protocol, format!("The request cannot be made: {e}"))
    };
    let target = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let host = match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (host, _) => host.unwrap_or_default().to_owned(),
    };
    let mut headers = HeaderMap::with_capacity(request.headers.len() + 4);
    headers.insert(HOST, HeaderValue::from_str(&host).map_err(|e| unusable(e.into()))?);
    headers.insert(http::header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    // Compressed answers would have to be unpacked under a second cap; nobody needs them here.
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    let own = [HOST, CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION, UPGRADE, ACCEPT_ENCODING];
    for (name, value) in &request.headers {
        if !own.contains(name) {
            headers.append(name.clone(), value.clone());
        }
    }
    if !request.body.is_empty() || request.method == http::Method::POST {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(request.body.len()));
    }
    let mut wire = http::Request::builder()
        .method(request.method.clone())
        .uri(target)
        .body(Full::new(request.body.clone()))
        .map_err(unusable)?;
    *wire.headers_mut() = headers;
    Ok(wire)
}

/// Names what hyper met. `reading` says whether the answer's head had already arrived.
pub(super) fn failure(error: &hyper::Error, reading: bool) -> Failure {
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
