//! Clients that create submissions while the server comes and goes.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tokio::task::JoinHandle;

use crate::client::Client;

/// What the clients know.
#[derive(Clone, Default)]
pub(crate) struct Load {
    acknowledged: Arc<Mutex<Vec<String>>>,
    number: Arc<AtomicUsize>,
    refused: Arc<AtomicUsize>,
    /// What each client waits after an answer.
    pace: Duration,
    stop: Arc<AtomicBool>,
}

impl Load {
    /// Starts `clients` clients, each with one request at a time.
    pub(crate) fn start(client: &Client, clients: usize) -> (Self, Vec<JoinHandle<()>>) {
        Self::paced(std::slice::from_ref(client), clients, Duration::ZERO)
    }

    /// Starts clients that take turns with the servers and rest after each answer.
    pub(crate) fn paced(
        servers: &[Client],
        clients: usize,
        pace: Duration,
    ) -> (Self, Vec<JoinHandle<()>>) {
        let load = Self { pace, ..Self::default() };
        let own = |i: usize| servers[i % servers.len()].clone();
        let tasks =
            (0..clients).map(|i| tokio::spawn(load.clone().create_submissions(own(i)))).collect();
        (load, tasks)
    }

    /// Requests that were refused with 429 or 503, or not answered.
    pub(crate) fn refused(&self) -> usize {
        self.refused.load(Ordering::Relaxed)
    }

    async fn create_submissions(self, client: Client) {
        let path = "/app/api/v1/kapps/kill/forms/ticket/submissions?completed=true";
        while !self.stop.load(Ordering::Relaxed) {
            let number = self.number.fetch_add(1, Ordering::Relaxed);
            let body = json!({ "values": { "Summary": format!("number {number}") } });
            match client.send(Method::POST, path, Some(&body)).await {
                Ok((200, answer)) => {
                    let id = answer["submission"]["id"].as_str().expect("an id").to_owned();
                    self.acknowledged.lock().unwrap().push(id);
                    tokio::time::sleep(self.pace).await;
                }
                Ok((503 | 429, _)) | Err(_) => {
                    self.refused.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                Ok((status, answer)) => panic!("{status}: {answer}"),
            }
        }
    }

    /// Lets the requests under way finish.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// The submissions that the server has acknowledged.
    pub(crate) fn acknowledged(&self) -> Vec<String> {
        self.acknowledged.lock().unwrap().clone()
    }
}
