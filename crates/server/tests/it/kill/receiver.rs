//! The receiver of webhooks and of the tree's requests; it lives through all kills and counts.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What the receiver saw.
#[derive(Clone, Debug, Default)]
pub(super) struct Hits {
    /// Deliveries by job id (`webhook-id`), with the record each was about.
    pub(super) jobs: BTreeMap<String, Vec<String>>,
    /// Requests of trees by `Idempotency-Key`.
    pub(super) effects: BTreeMap<String, usize>,
}

/// A receiver on a port of its own.
pub(super) struct Receiver {
    address: SocketAddr,
    hits: Arc<Mutex<Hits>>,
}

impl Receiver {
    /// Starts to listen.
    pub(super) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let hits = Arc::<Mutex<Hits>>::default();
        let app = Router::new().fallback(note).with_state(Arc::clone(&hits));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { address, hits }
    }

    /// The URL of a path here.
    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What was seen so far.
    pub(super) fn hits(&self) -> Hits {
        self.hits.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn note(State(hits): State<Arc<Mutex<Hits>>>, uri: Uri, head: HeaderMap, body: Bytes) {
    let header = |name: &str| -> String {
        head.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    };
    {
        let mut hits = hits.lock().unwrap_or_else(PoisonError::into_inner);
        if uri.path() == "/effect" {
            *hits.effects.entry(header("idempotency-key")).or_default() += 1;
        } else {
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            let record = body["submission"]["id"].as_str().unwrap().to_owned();
            hits.jobs.entry(header("webhook-id")).or_default().push(record);
        }
    }
    // Long enough that some kills fall between the hit and its answer.
    tokio::time::sleep(Duration::from_millis(3)).await;
}
