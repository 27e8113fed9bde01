//! The receiver: answers every POST with 200 and notes when its first byte arrived. It runs in a
//! process of its own so that its work is not counted as the server's or the client's.
//!
//! A hit is told apart by a marker that the load generator put into the submission and that the
//! webhook's payload therefore carries: `marker-` and twelve digits. `GET /hits` lists the hits as
//! lines of marker and time, `GET /count` counts them, `POST /reset` forgets them.
//!
//! It listens on every loopback address, so that one process can be ten thousand endpoints. After
//! `POST /hang` those whose address ends in `.1` take requests and do not answer until
//! `POST /answer`.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use anyhow::Result;
use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::load::{MARKER_DIGITS, MARKER_PREFIX};
use crate::measure::now_micros;

/// What was received since the last reset.
#[derive(Default)]
struct Hits {
    /// Deliveries, repeated ones included.
    count: u64,
    /// Bytes of all bodies.
    bytes: u64,
    /// The first and the last delivery's time.
    span: Option<(i64, i64)>,
    /// Whether some endpoints hang.
    hanging: bool,
    /// Told when they do no more.
    answers: Arc<Notify>,
    /// The first time each marker was seen.
    first: HashMap<u64, i64>,
}

/// Serves until standard input ends, which it does when the benchmark ends.
pub(crate) async fn run() -> Result<()> {
    let listener = TcpListener::bind("0.0.0.0:0").await?;
    println!("{}", SocketAddr::from(([127, 0, 0, 1], listener.local_addr()?.port())));
    tokio::spawn(serve(listener));
    tokio::task::spawn_blocking(|| io::copy(&mut io::stdin(), &mut io::sink())).await??;
    Ok(())
}

async fn serve(listener: TcpListener) {
    let hits = Arc::new(Mutex::new(Hits::default()));
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(connection(stream, Arc::clone(&hits)));
    }
}

async fn connection(stream: TcpStream, hits: Arc<Mutex<Hits>>) {
    let _ = stream.set_nodelay(true);
    let first_byte = Arc::new(AtomicI64::new(0));
    let io = TokioIo::new(Stamped { stream, first_byte: Arc::clone(&first_byte) });
    let service = service_fn(move |request| {
        let at = first_byte.swap(0, Ordering::Relaxed);
        answer(request, at, Arc::clone(&hits), Arc::clone(&first_byte))
    });
    // A connection that the server drops half-way is nothing to report here.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(io, service).await;
}

async fn answer(
    request: Request<Incoming>,
    at: i64,
    hits: Arc<Mutex<Hits>>,
    first_byte: Arc<AtomicI64>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    // Reading the body has stamped this request again; the next one must be stamped afresh.
    first_byte.store(0, Ordering::Relaxed);
    let lock = || hits.lock().unwrap_or_else(PoisonError::into_inner);
    if is_hanging(&head.headers) {
        let answers = lock().answers.clone();
        let answered = answers.notified();
        if lock().hanging {
            answered.await;
        }
    }
    let mut hits = lock();
    let text = match (&head.method, head.uri.path()) {
        (&Method::GET, "/count") => hits.summary(),
        (&Method::GET, "/hits") => hits.list(),
        (&Method::POST, "/reset") => {
            *hits = Hits { answers: hits.answers.clone(), ..Hits::default() };
            String::new()
        }
        (&Method::POST, "/answer") => {
            hits.hanging = false;
            hits.answers.notify_waiters();
            String::new()
        }
        (&Method::POST, "/hang") => {
            hits.hanging = true;
            String::new()
        }
        _ => {
            hits.note(&body, at);
            "ok".to_owned()
        }
    };
    Ok(Response::new(Full::from(text)))
}

/// Whether the address that was asked ends in `.1`, that of the control connection apart.
fn is_hanging(headers: &http::HeaderMap) -> bool {
    let host = headers.get(http::header::HOST).and_then(|host| host.to_str().ok());
    let host = host.and_then(|host| host.split(':').next()).unwrap_or_default();
    host.ends_with(".1") && host != "127.0.0.1"
}

impl Hits {
    fn note(&mut self, body: &[u8], at: i64) {
        self.count += 1;
        self.bytes += body.len() as u64;
        let (first, last) = self.span.unwrap_or((at, at));
        self.span = Some((first.min(at), last.max(at)));
        if let Some(marker) = marker(body) {
            self.first.entry(marker).or_insert(at);
        }
    }

    /// Deliveries, distinct markers, bytes, first and last time.
    fn summary(&self) -> String {
        let (first, last) = self.span.unwrap_or_default();
        format!("{} {} {} {first} {last}", self.count, self.first.len(), self.bytes)
    }

    fn list(&self) -> String {
        use std::fmt::Write;
        let mut text = String::with_capacity(self.first.len() * 32);
        for (marker, at) in &self.first {
            let _ = writeln!(text, "{marker} {at}");
        }
        text
    }
}

/// The number of the first marker in a body.
fn marker(body: &[u8]) -> Option<u64> {
    let prefix = MARKER_PREFIX.as_bytes();
    let at = body.windows(prefix.len()).position(|window| window == prefix)? + prefix.len();
    std::str::from_utf8(body.get(at..at + MARKER_DIGITS)?).ok()?.parse().ok()
}

/// A connection that notes when the first byte of a request was read.
struct Stamped {
    stream: TcpStream,
    first_byte: Arc<AtomicI64>,
}

impl AsyncRead for Stamped {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let done = ready!(Pin::new(&mut self.stream).poll_read(cx, buf));
        let _ =
            self.first_byte.compare_exchange(0, now_micros(), Ordering::Relaxed, Ordering::Relaxed);
        Poll::Ready(done)
    }
}

impl AsyncWrite for Stamped {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Where the receiver listens, as it says on its first line.
pub(crate) fn parse_address(line: &str) -> Result<SocketAddr> {
    Ok(line.trim().parse()?)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::client::Client;
    use crate::load::{Markers, Target, open};

    #[test]
    fn markers_are_found_in_bodies() {
        assert_eq!(marker(br#"{"values":{"Key":"marker-000000000042"}}"#), Some(42));
        assert_eq!(marker(b"marker-12"), None);
        assert_eq!(marker(b"nothing"), None);
    }

    #[tokio::test]
    async fn hits_are_counted_and_timed_over_real_connections() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve(listener));
        let target = Target { address, path: "/hook".into(), template: "<{marker}>".into() };
        let markers = Markers::default();
        let time = Duration::from_millis(20);
        let accepted = open(&target, &markers, 1_000.0, time).await.unwrap();
        let mut control = Client::connect(address).await.unwrap();
        let (_, count) = control.send(Method::GET, "/count", Bytes::new()).await.unwrap();
        assert!(count.starts_with(b"20 20 420 "), "{count:?}");
        let (_, hits) = control.send(Method::GET, "/hits", Bytes::new()).await.unwrap();
        let hits = std::str::from_utf8(&hits).unwrap();
        for one in accepted {
            let line = hits.lines().find_map(|line| line.strip_prefix(&format!("{} ", one.marker)));
            let at: i64 = line.unwrap().parse().unwrap();
            assert!(at <= one.accepted_at && at > one.sent_at - 1_000_000, "{at}");
        }
    }

    #[test]
    fn repeated_deliveries_count_once_as_a_marker() {
        let mut hits = Hits::default();
        hits.note(b"marker-000000000001", 10);
        hits.note(b"marker-000000000001", 30);
        assert_eq!(hits.summary(), "2 1 38 10 30");
        assert_eq!(hits.list(), "1 10\n");
    }
}
