//! A receiver of webhooks outside of the server: it answers 200 and notes every hit.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use tokio::net::TcpListener;

/// What has arrived so far.
#[derive(Clone, Default)]
pub(crate) struct Receiver {
    /// Hits by the `webhook-id` header and by the life of the server they came from.
    hits: Arc<Mutex<HashMap<String, Vec<usize>>>>,
    life: Arc<AtomicUsize>,
}

impl Receiver {
    /// Starts it; returns its address.
    pub(crate) async fn start() -> (Self, String) {
        let receiver = Self::default();
        let routes = Router::new().route("/hook", post(hit)).with_state(receiver.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        (receiver, url)
    }

    /// Hits from now on come from the server's next life.
    pub(crate) fn next_life(&self) {
        self.life.fetch_add(1, Ordering::SeqCst);
    }

    /// Hits by job, each as the life of the server it came from.
    pub(crate) fn hits(&self) -> HashMap<String, Vec<usize>> {
        self.hits.lock().unwrap().clone()
    }
}

async fn hit(State(receiver): State<Receiver>, headers: HeaderMap, _body: String) -> &'static str {
    let id = headers.get("webhook-id").and_then(|id| id.to_str().ok()).unwrap_or("none");
    let life = receiver.life.load(Ordering::SeqCst);
    receiver.hits.lock().unwrap().entry(id.to_owned()).or_default().push(life);
    "noted"
}
