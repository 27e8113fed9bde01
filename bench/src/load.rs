//! The load generators. Closed: each caller sends its next request when the last is answered, to
//! find the most that is accepted. Open: requests are due at fixed times whatever the answers, to
//! find how long each takes at a given rate; a late answer does not hide the next ones' wait.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http::{Method, StatusCode};
use tokio::task::JoinSet;

use crate::client::Client;
use crate::measure::now_micros;

/// What a marker begins with.
pub(crate) const MARKER_PREFIX: &str = "marker-";
/// How many digits follow.
pub(crate) const MARKER_DIGITS: usize = 12;

/// Where requests go and what they carry.
#[derive(Clone)]
pub(crate) struct Target {
    /// The peer.
    pub(crate) address: SocketAddr,
    /// The path of every request.
    pub(crate) path: Arc<str>,
    /// The body of every request; the marker takes the place of `{marker}`.
    pub(crate) template: Arc<str>,
}

impl Target {
    fn body(&self, marker: u64) -> Bytes {
        let marker = format!("{MARKER_PREFIX}{marker:0MARKER_DIGITS$}");
        Bytes::from(self.template.replace("{marker}", &marker))
    }

    /// Sends one request.
    pub(crate) async fn send(&self, client: &mut Client, marker: u64) -> Result<Accepted> {
        let sent_at = now_micros();
        let (status, answer) = client.send(Method::POST, &self.path, self.body(marker)).await?;
        if status != StatusCode::OK {
            bail!("{} answered {status}: {}", self.path, String::from_utf8_lossy(&answer));
        }
        Ok(Accepted { marker, sent_at, accepted_at: now_micros() })
    }
}

/// A request that was answered with 200, with times in microseconds since 1970.
#[derive(Clone, Copy)]
pub(crate) struct Accepted {
    /// Its number.
    pub(crate) marker: u64,
    /// When it was sent; in open load, when it was due.
    pub(crate) sent_at: i64,
    /// When its answer was read.
    pub(crate) accepted_at: i64,
}

/// The numbers of requests, never the same twice in a run.
#[derive(Clone, Default)]
pub(crate) struct Markers {
    next: Arc<AtomicU64>,
}

impl Markers {
    /// The next number.
    pub(crate) fn take(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }
}

/// Sends from `callers` connections without a pause for a time; fails with the first refusal.
pub(crate) async fn closed(
    target: &Target,
    markers: &Markers,
    callers: usize,
    time: Duration,
) -> Result<Vec<Accepted>> {
    let mut workers = JoinSet::new();
    let end = Instant::now() + time;
    for _ in 0..callers {
        let mut client = Client::connect(target.address).await?;
        let (target, markers) = (target.clone(), markers.clone());
        workers.spawn(async move {
            let mut accepted = Vec::new();
            while Instant::now() < end {
                accepted.push(target.send(&mut client, markers.take()).await?);
            }
            anyhow::Ok(accepted)
        });
    }
    collect(workers).await
}

/// Sends `rate` requests a second at even distances for a time.
pub(crate) async fn open(
    target: &Target,
    markers: &Markers,
    rate: f64,
    time: Duration,
) -> Result<Vec<Accepted>> {
    /// Connections that take turns; enough that one is free whenever a request is due.
    const CONNECTIONS: usize = 128;
    let total = (rate * time.as_secs_f64()) as u64;
    let begin = Instant::now() + Duration::from_millis(100);
    let begin_micros = now_micros() + 100_000;
    let turn = Arc::new(AtomicU64::new(0));
    let mut workers = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let mut client = Client::connect(target.address).await?;
        let (target, markers, turn) = (target.clone(), markers.clone(), Arc::clone(&turn));
        workers.spawn(async move {
            let mut accepted = Vec::new();
            loop {
                let number = turn.fetch_add(1, Ordering::Relaxed);
                if number >= total {
                    return anyhow::Ok(accepted);
                }
                let due = Duration::from_secs_f64(number as f64 / rate);
                tokio::time::sleep_until((begin + due).into()).await;
                let mut answered = target.send(&mut client, markers.take()).await?;
                answered.sent_at = begin_micros + due.as_micros() as i64;
                accepted.push(answered);
            }
        });
    }
    collect(workers).await
}

async fn collect(mut workers: JoinSet<Result<Vec<Accepted>>>) -> Result<Vec<Accepted>> {
    let mut accepted = Vec::new();
    while let Some(done) = workers.join_next().await {
        accepted.extend(done.context("a caller panicked")??);
    }
    Ok(accepted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_carry_their_marker() {
        let target = Target {
            address: SocketAddr::from(([127, 0, 0, 1], 1)),
            path: "/".into(),
            template: "<{marker}>".into(),
        };
        assert_eq!(target.body(42), "<marker-000000000042>");
    }
}
