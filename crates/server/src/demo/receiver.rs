//! The outside of the demo: a tiny receiver on a loopback port that stands for the company's
//! supplier, its facilities, its purchasing and its pagers, so that every kind of call is there to
//! be seen without leaving the machine. Two things go wrong on purpose: the supplier is busy at
//! first, and the badge printer is out of cards until somebody refills it.

use anyhow::{Context, Result};
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, post};
use axum::{Json, Router};
use http::{HeaderMap, StatusCode, Uri};
use runtime::Runtime;
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use tokio::net::TcpListener;

/// How often the supplier is too busy to take the order of a laptop, after each start.
const BUSY_ANSWERS: u32 = 2;
/// Characters of the key that make the number of an order.
const ORDER_CHARS: usize = 6;

/// What the outside remembers.
#[derive(Debug, Default)]
struct Outside {
    /// How often somebody has tried to order a laptop.
    laptop_calls: AtomicU32,
    /// Whether the badge printer has cards.
    has_cards: AtomicBool,
}

type Shared = State<Arc<Outside>>;

/// Starts the receiver; it stops with the runtime. It takes the port behind the server's, so that
/// runs of an earlier start still find it, or else any that is free.
///
/// # Errors
/// When no port can be had.
pub(crate) async fn start(runtime: &Runtime, server: SocketAddr) -> Result<SocketAddr> {
    let usual = server.port().checked_add(1).unwrap_or_default();
    let listener = match TcpListener::bind((Ipv4Addr::LOCALHOST, usual)).await {
        Ok(listener) => listener,
        Err(_) => TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .context("cannot open a port for the demo's receiver")?,
    };
    let address = listener.local_addr().context("the receiver's address is unknown")?;
    let routes = Router::new()
        .route("/supplier/laptops", post(order_laptop))
        .route("/supplier/orders", post(order))
        .route("/facilities/desks", post(book_desk))
        .route("/facilities/badge-printer", post(print_badge))
        .route("/facilities/badge-printer/cards", post(refill))
        .route("/on-call/pages", post(page))
        .fallback(any(receive))
        .with_state(Arc::new(Outside::default()));
    let stopping = runtime.clone();
    runtime.spawn(async move {
        let stop = async move { stopping.stopping().await };
        if let Err(error) = axum::serve(listener, routes).with_graceful_shutdown(stop).await {
            tracing::error!(%error, "the demo's receiver ended");
        }
    });
    Ok(address)
}

async fn receive(uri: Uri, body: Bytes) -> Json<Value> {
    let label = read(&body).pointer("/submission/label").cloned().unwrap_or_default();
    Json(json!({ "received": true, "by": uri.path(), "label": label }))
}

async fn order_laptop(State(outside): Shared, headers: HeaderMap) -> Response {
    if outside.laptop_calls.fetch_add(1, Ordering::Relaxed) < BUSY_ANSWERS {
        let busy = json!({ "error": "We are taking stock. Please try again in a moment." });
        return (StatusCode::SERVICE_UNAVAILABLE, Json(busy)).into_response();
    }
    order(headers).await.into_response()
}

/// An order is known by its caller's key: the same call again is the same order.
async fn order(headers: HeaderMap) -> Json<Value> {
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).unwrap_or_default();
    let number: String =
        key.chars().filter(char::is_ascii_alphanumeric).take(ORDER_CHARS).collect();
    Json(json!({ "order": format!("PO-{}", number.to_uppercase()), "arrivesInDays": 3 }))
}

async fn book_desk(body: Bytes) -> Json<Value> {
    let place = read(&body)["location"].as_str().unwrap_or("Home").to_owned();
    Json(json!({ "desk": format!("{place} 2.14") }))
}

/// What an external handler answers: results, under the names that its definition has.
async fn page() -> Json<Value> {
    Json(json!({ "results": { "Paged": "Aiko Mori" } }))
}

async fn print_badge(State(outside): Shared) -> Response {
    if outside.has_cards.load(Ordering::Relaxed) {
        return Json(json!({ "printed": true })).into_response();
    }
    let empty = json!({ "error": "Out of cards. Send the form Refill the badge printer." });
    (StatusCode::INTERNAL_SERVER_ERROR, Json(empty)).into_response()
}

async fn refill(State(outside): Shared) -> Json<Value> {
    outside.has_cards.store(true, Ordering::Relaxed);
    Json(json!({ "ready": true }))
}

/// A body as JSON; null when it is none.
fn read(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_default()
}
