//! The outside of the demo: a tiny receiver on a loopback port that answers the demo's webhooks,
//! so that both kinds of job are there to be seen without leaving the machine.

use anyhow::{Context, Result};
use axum::routing::any;
use axum::{Json, Router};
use http::Uri;
use runtime::Runtime;
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use tokio::net::TcpListener;

/// Starts the receiver on a free port; it stops with the runtime.
///
/// # Errors
/// When no port can be had.
pub(crate) async fn start(runtime: &Runtime) -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .context("cannot open a port for the demo's receiver")?;
    let address = listener.local_addr().context("the receiver's address is unknown")?;
    let routes = Router::new().fallback(any(answer));
    let stopping = runtime.clone();
    runtime.spawn(async move {
        let stop = async move { stopping.stopping().await };
        if let Err(error) = axum::serve(listener, routes).with_graceful_shutdown(stop).await {
            tracing::error!(%error, "the demo's receiver ended");
        }
    });
    Ok(address)
}

async fn answer(uri: Uri, body: Json<Value>) -> Json<Value> {
    let label = body.pointer("/submission/label").cloned().unwrap_or(Value::Null);
    Json(json!({ "received": true, "by": uri.path(), "label": label }))
}
