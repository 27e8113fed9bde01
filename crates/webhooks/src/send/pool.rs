//! Idle connections, kept for the next request to the same endpoint.
//!
//! A connection is used for one request at a time. It stays bound to the address it was made to,
//! so a name that later resolves elsewhere cannot move it.

use crate::guard::Purpose;
use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::SendRequest;
use runtime::Runtime;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long an idle connection is kept: shorter than the keep-alive of common servers, so that a
/// request rarely meets a connection that is just being closed.
const IDLE: Duration = Duration::from_secs(15);
/// Idle connections to one endpoint.
const PER_ENDPOINT_MAX: usize = 32;
/// Idle connections in all.
const TOTAL_MAX: usize = 512;
/// How long a connection may take to become ready for its next request.
const READY: Duration = Duration::from_millis(20);

/// Scheme, host and port, and what the address was judged for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Endpoint {
    pub(crate) tls: bool,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) purpose: Purpose,
}

pub(crate) struct Connection {
    pub(crate) sender: SendRequest<Full<Bytes>>,
    pub(crate) address: SocketAddr,
}

struct Idle {
    connection: Connection,
    since: Duration,
}

#[derive(Default)]
struct Shelf {
    endpoints: HashMap<Endpoint, Vec<Idle>>,
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

    /// Takes the most recently used connection that is still good.
    pub(crate) async fn take(&self, endpoint: &Endpoint) -> Option<Connection> {
        loop {
            let mut connection = self.pop(endpoint)?;
            if connection.sender.is_ready() {
                return Some(connection);
            }
            let ready = tokio::select! {
                biased;
                ready = connection.sender.ready() => ready.is_ok(),
                () = self.runtime.pause(READY) => false,
            };
            if ready {
                return Some(connection);
            }
        }
    }

    /// Keeps a connection for later, unless there are enough or the process is stopping.
    pub(crate) fn put(&self, endpoint: Endpoint, connection: Connection) {
        if self.runtime.is_stopping() || connection.sender.is_closed() {
            return;
        }
        let since = self.runtime.elapsed();
        let mut shelf = self.lock();
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

impl Shelf {
    fn sweep(&mut self, now: Duration) {
        for idle in self.endpoints.values_mut() {
            idle.retain(|i| now.saturating_sub(i.since) < IDLE && !i.connection.sender.is_closed());
        }
        self.endpoints.retain(|_, idle| !idle.is_empty());
        self.total = self.endpoints.values().map(Vec::len).sum();
    }
}
