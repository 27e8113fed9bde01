//! A receiver of webhooks outside of the server: it notes every hit, and answers as it is told.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::process::signal;

/// How a hit is answered, once it is noted.
#[derive(Clone, Debug)]
pub(crate) enum Manners {
    /// With 200, at once.
    Good,
    /// With 200, after a while.
    Slow(Duration),
    /// With 200, once the manners are others.
    Hold,
    /// With 200, once this process is dead: the answer is never read.
    Kill(u32),
    /// One in three as a seed says: 500, 429 with Retry-After, slowly, after a hang, or not at all.
    Wild(u64),
}

/// What has arrived so far.
#[derive(Clone)]
pub(crate) struct Receiver {
    /// Hits by the `webhook-id` header and by the life of the server they came from.
    hits: Arc<Mutex<HashMap<String, Vec<usize>>>>,
    life: Arc<AtomicUsize>,
    manners: watch::Sender<Manners>,
    signatures: Arc<Mutex<Signatures>>,
}

/// What signatures told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Signatures {
    /// The key that every hit must be signed with, once there is one.
    key: Option<String>,
    /// Hits whose signature does not hold, and why.
    pub(crate) broken: Vec<String>,
    /// The signed timestamps of the hits of each id, in seconds.
    pub(crate) stamps: HashMap<String, Vec<i64>>,
}

impl Receiver {
    /// Starts it; returns its address.
    pub(crate) async fn start() -> (Self, String) {
        let manners = watch::Sender::new(Manners::Good);
        let (hits, life, signatures) = (Arc::default(), Arc::default(), Arc::default());
        let receiver = Self { hits, life, manners, signatures };
        let routes = Router::new().route("/hook", post(hit)).with_state(receiver.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        (receiver, url)
    }

    /// Answers hits from now on in another way.
    pub(crate) fn behave(&self, manners: Manners) {
        self.manners.send_replace(manners);
    }

    /// From now on every hit must be signed with this key.
    pub(crate) fn expect_signed(&self, key: &str) {
        self.signatures.lock().unwrap().key = Some(key.to_owned());
    }

    /// What the signatures of the hits told.
    pub(crate) fn signatures(&self) -> Signatures {
        self.signatures.lock().unwrap().clone()
    }

    /// Waits until so many hits have come.
    pub(crate) async fn until_hits(&self, count: usize) {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let seen: usize = self.hits().values().map(Vec::len).sum();
            if seen >= count {
                return;
            }
            assert!(Instant::now() < deadline, "{seen} hits instead of {count}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
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

impl Signatures {
    fn note(&mut self, id: &str, headers: &HeaderMap, body: &[u8]) {
        let Some(key) = &self.key else { return };
        let webhook = standardwebhooks::Webhook::new(key).unwrap();
        if let Err(error) = webhook.verify(body, headers) {
            self.broken.push(format!("{id}: {error}: {headers:?}"));
        }
        let stamp =
            headers.get("webhook-timestamp").and_then(|at| at.to_str().ok()?.parse::<i64>().ok());
        self.stamps.entry(id.to_owned()).or_default().extend(stamp);
    }
}

async fn hit(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> Response {
    let id = headers.get("webhook-id").and_then(|id| id.to_str().ok()).unwrap_or("none");
    receiver.signatures.lock().unwrap().note(id, &headers, &body);
    let life = receiver.life.load(Ordering::SeqCst);
    let count = {
        let mut hits = receiver.hits.lock().unwrap();
        let seen = hits.entry(id.to_owned()).or_default();
        seen.push(life);
        seen.len()
    };
    let manners = receiver.manners.borrow().clone();
    match manners {
        Manners::Good => {}
        Manners::Slow(time) => tokio::time::sleep(time).await,
        Manners::Hold => {
            let mut manners = receiver.manners.subscribe();
            let freed = manners.wait_for(|manners| !matches!(manners, Manners::Hold));
            drop(tokio::time::timeout(Duration::from_secs(25), freed).await);
        }
        Manners::Kill(pid) => {
            receiver.behave(Manners::Good);
            signal(pid, "KILL");
        }
        Manners::Wild(seed) => return wild(seed, id, count).await,
    }
    "noted".into_response()
}

/// Misbehaves with one hit in three, the same way for the same seed, id and count.
async fn wild(seed: u64, id: &str, count: usize) -> Response {
    let mut hasher = DefaultHasher::new();
    (seed, id, count).hash(&mut hasher);
    let pause = |ms| tokio::time::sleep(Duration::from_millis(ms));
    match hasher.finish() % 15 {
        0 => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        1 => (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "1")]).into_response(),
        2 => {
            pause(300).await;
            "noted late".into_response()
        }
        3 => {
            pause(4_000).await;
            "noted very late".into_response()
        }
        // The body breaks off: the connection is reset in the middle of the answer.
        4 => Body::from_stream(futures_util::stream::once(async {
            Err::<String, _>(std::io::Error::other("reset"))
        }))
        .into_response(),
        _ => "noted".into_response(),
    }
}
