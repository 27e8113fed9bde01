//! Connections: accepted up to a limit, given a time to send their request's head, and finished
//! gracefully when the server stops. HTTP/1.1; a proxy in front may speak what it likes.

use crate::linger::Lingering;
use crate::proxies;
use axum::Router;
use axum::extract::ConnectInfo;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use ipnet::IpNet;
use runtime::Runtime;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// Connections at once: browsers keep some six each, and live views one for as long as they last.
const CONNECTIONS_MAX: usize = 10_000;
/// Milliseconds to wait after the system refused a connection, as it does without free handles.
const REFUSED_PAUSE_MS: i64 = 100;

/// What holds at the edge.
#[derive(Clone)]
pub(crate) struct Edge {
    /// Proxies that are believed about who is asking.
    pub(crate) trusted: Arc<[IpNet]>,
    /// Time to send a request's head, idle time before it included; who is slower is cut off.
    pub(crate) head: Duration,
}

/// Serves connections until the runtime stops; returns when the last one has finished.
pub(crate) async fn serve(listener: TcpListener, routes: Router, runtime: Runtime, edge: Edge) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let place = tokio::select! {
            place = places.clone().acquire_owned() => place,
            () = runtime.stopping() => break,
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = runtime.stopping() => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let (routes, stopping, edge) = (routes.clone(), runtime.clone(), edge.clone());
                runtime.spawn(async move {
                    connection(stream, peer, routes, (stopping, edge)).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection was refused");
                runtime.sleep_ms(REFUSED_PAUSE_MS).await;
            }
        }
    }
    drop(listener);
    let all = u32::try_from(CONNECTIONS_MAX).expect("far below four thousand million");
    let _ = places.acquire_many(all).await;
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    routes: Router,
    (runtime, edge): (Runtime, Edge),
) {
    // Small answers must not wait for more to be sent with them.
    let _ = stream.set_nodelay(true);
    let service = tower::util::MapRequest::new(routes, move |mut request: http::Request<_>| {
        let client = proxies::client(peer, request.headers(), &edge.trusted);
        request.extensions_mut().insert(ConnectInfo(client));
        request.map(axum::body::Body::new)
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(edge.head);
    let service = TowerToHyperService::new(service);
    let stream = TokioIo::new(Lingering::new(stream, runtime.clone()));
    let mut serving = pin!(builder.serve_connection(stream, service));
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = runtime.stopping() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, %peer, "a connection ended early");
    }
}
