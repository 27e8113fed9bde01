//! Idle connections, kept for the next request to the same endpoint.
//!
//! An HTTP/1.1 connection is used for one request at a time, an HTTP/2 connection by many. Either
//! stays bound to the address it was made to, so a name that later resolves elsewhere cannot move
//! it, and to the identity it was made with. An HTTP/2 connection on which anything went wrong is
//! not used again; requests under way on it go on.

use super::meter::Allowance;
use crate::guard::Purpose;
use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::{http1, http2};
use runtime::Runtime;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long an idle connection is kept: shorter than the keep-alive of common servers, so that a
/// request rarely meets a connection that is just being closed.
const IDLE: Duration = Duration::from_secs(15);
/// Idle connections to one endpoint.
const PER_ENDPOINT_MAX: usize = 32;
/// Idle connections in all.
const TOTAL_MAX: usize = 512;
/// Requests on one HTTP/2 connection before another is opened: the least that servers should allow
/// (RFC 9113, section 6.5.2).
const STREAMS_MAX: usize = 100;
/// How long a connection may take to become ready for its next request.
const READY: Duration = Duration::from_millis(20);

/// Scheme, host, port, and what the connection trusts and shows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Endpoint {
    pub(crate) tls: bool,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) identity: [u8; 32],
    /// What it is for: an address that one purpose may reach is not another's.
    pub(crate) purpose: Purpose,
}

/// What sends requests on a connection.
pub(crate) enum Protocol {
    Http1(http1::SendRequest<Full<Bytes>>, Allowance),
    Http2(http2::SendRequest<Full<Bytes>>),
}

impl Protocol {
    pub(crate) fn is_http2(&self) -> bool {
        matches!(self, Self::Http2(_))
    }

    fn is_closed(&self) -> bool {
        match self {
            Self::Http1(sender, _) => sender.is_closed(),
            Self::Http2(sender) => sender.is_closed(),
        }
    }

    fn is_ready(&self) -> bool {
        match self {
            Self::Http1(sender, _) => sender.is_ready(),
            Self::Http2(sender) => sender.is_ready(),
        }
    }

    async fn ready(&mut self) -> bool {
        match self {
            Self::Http1(sender, _) => sender.ready().await.is_ok(),
            Self::Http2(sender) => sender.ready().await.is_ok(),
        }
    }
}

pub(crate) struct Connection {
    pub(crate) protocol: Protocol,
    /// Where to; `None` when a proxy resolved the name.
    pub(crate) address: Option<SocketAddr>,
    /// Counts the requests on a shared connection; its owners are the shelf and each request.
    streams: Arc<AtomicUsize>,
}

impl Connection {
    pub(crate) fn new(protocol: Protocol, address: Option<SocketAddr>) -> Self {
        Self { protocol, address, streams: Arc::new(AtomicUsize::new(1)) }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.streams.fetch_sub(1, Ordering::Relaxed);
    }
}

struct Idle {
    connection: Connection,
    since: Duration,
}

/// An HTTP/2 connection that requests share.
struct Shared {
    sender: http2::SendRequest<Full<Bytes>>,
    address: Option<SocketAddr>,
    streams: Arc<AtomicUsize>,
    since: Duration,
}

#[derive(Default)]
struct Shelf {
    endpoints: HashMap<Endpoint, Vec<Idle>>,
    shared: HashMap<Endpoint, Vec<Shared>>,
    total: usize,
}

#[derive(Clone)]
pub(crate) struct Pool {
    runtime: Runtime,
    shelf: Arc<Mutex<Shelf>>,
}

impl Pool {
    pub(crate) fn new(runtime: Runtime) -> Self {
        Self { runtime, shelf: Arc::default() }
    }

    /// Takes a connection that is still good: a shared one, or the most recently used.
    pub(crate) async fn take(&self, endpoint: &Endpoint) -> Option<Connection> {
        if let Some(shared) = self.join(endpoint) {
            return Some(shared);
        }
        loop {
            let mut connection = self.pop(endpoint)?;
            if connection.protocol.is_ready() {
                return Some(connection);
            }
            let ready = tokio::select! {
                biased;
                ready = connection.protocol.ready() => ready,
                () = self.runtime.pause(READY) => false,
            };
            if ready {
                return Some(connection);
            }
        }
    }

    /// Offers a new HTTP/2 connection to others at once.
    pub(crate) fn share(&self, endpoint: &Endpoint, connection: &Connection) {
        let Protocol::Http2(sender) = &connection.protocol else { return };
        if self.runtime.is_stopping() {
            return;
        }
        let shared = Shared {
            sender: sender.clone(),
            address: connection.address,
            streams: connection.streams.clone(),
            since: self.runtime.elapsed(),
        };
        let mut shelf = self.lock();
        let known = shelf.shared.entry(endpoint.clone()).or_default();
        if known.len() < PER_ENDPOINT_MAX {
            known.push(shared);
        }
    }

    /// Takes a shared connection out of use; requests under way on it go on.
    pub(crate) fn retire(&self, endpoint: &Endpoint, connection: &Connection) {
        let mut shelf = self.lock();
        if let Some(known) = shelf.shared.get_mut(endpoint) {
            known.retain(|shared| !Arc::ptr_eq(&shared.streams, &connection.streams));
            if known.is_empty() {
                shelf.shared.remove(endpoint);
            }
        }
    }

    /// Keeps a connection for later, unless there are enough or the process is stopping.
    pub(crate) fn put(&self, endpoint: Endpoint, connection: Connection) {
        if self.runtime.is_stopping() || connection.protocol.is_closed() {
            return;
        }
        let since = self.runtime.elapsed();
        let mut shelf = self.lock();
        if connection.protocol.is_http2() {
            let known = shelf.shared.get_mut(&endpoint).into_iter().flatten();
            for shared in known.filter(|s| Arc::ptr_eq(&s.streams, &connection.streams)) {
                shared.since = since;
            }
            return;
        }
        if shelf.total >= TOTAL_MAX {
            shelf.sweep(since);
        }
        if shelf.total >= TOTAL_MAX {
            return;
        }
        let idle = shelf.endpoints.entry(endpoint).or_default();
        if idle.len() < PER_ENDPOINT_MAX {
            idle.push(Idle { connection, since });
            shelf.total += 1;
        }
    }

    /// Closes every idle connection.
    pub(crate) fn clear(&self) {
        *self.lock() = Shelf::default();
    }

    /// Closes connections that were idle for too long, until the process stops: sockets are given
    /// back although nobody asks for their endpoints again.
    pub(crate) async fn keep_swept(&self) {
        while !self.runtime.is_stopping() {
            tokio::select! {
                () = self.runtime.pause(IDLE) => (),
                () = self.runtime.stopping() => (),
            }
            self.lock().sweep(self.runtime.elapsed());
        }
        self.clear();
    }

    fn join(&self, endpoint: &Endpoint) -> Option<Connection> {
        let now = self.runtime.elapsed();
        let mut shelf = self.lock();
        let known = shelf.shared.get_mut(endpoint)?;
        known.retain(|shared| shared.is_good(now));
        let free = known.iter().find(|s| s.streams.load(Ordering::Relaxed) < STREAMS_MAX)?;
        free.streams.fetch_add(1, Ordering::Relaxed);
        Some(Connection {
            protocol: Protocol::Http2(free.sender.clone()),
            address: free.address,
            streams: free.streams.clone(),
        })
    }

    fn pop(&self, endpoint: &Endpoint) -> Option<Connection> {
        let now = self.runtime.elapsed();
        let mut shelf = self.lock();
        let idle = shelf.endpoints.get_mut(endpoint)?;
        let newest = idle.pop();
        // What lies below the newest is older still.
        let fresh = newest.filter(|n| now.saturating_sub(n.since) < IDLE);
        let dropped = if fresh.is_none() { std::mem::take(idle).len() } else { 0 };
        let empty = idle.is_empty();
        shelf.total = shelf.total.saturating_sub(1 + dropped);
        if empty {
            shelf.endpoints.remove(endpoint);
        }
        fresh.map(|n| n.connection)
    }

    fn lock(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// Whether requests may still join: in use, or idle for a short while.
    fn is_good(&self, now: Duration) -> bool {
        let is_used = self.streams.load(Ordering::Relaxed) > 0;
        let is_fresh = now.saturating_sub(self.since) < IDLE;
        (is_used || is_fresh) && !self.sender.is_closed()
    }
}

impl Shelf {
    fn sweep(&mut self, now: Duration) {
        let is_fresh = |i: &Idle| now.saturating_sub(i.since) < IDLE;
        for idle in self.endpoints.values_mut() {
            idle.retain(|i| is_fresh(i) && !i.connection.protocol.is_closed());
        }
        self.endpoints.retain(|_, idle| !idle.is_empty());
        self.total = self.endpoints.values().map(Vec::len).sum();
        for shared in self.shared.values_mut() {
            shared.retain(|shared| shared.is_good(now));
        }
        self.shared.retain(|_, shared| !shared.is_empty());
    }
}
