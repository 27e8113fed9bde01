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
    stop: Arc<AtomicBool>,
}

impl Load {
    /// Starts `clients` clients, each with one request at a time.
    pub(crate) fn start(client: &Client, clients: usize) -> (Self, Vec<JoinHandle<()>>) {
        let load = Self::default();
        let tasks = (0..clients)
            .map(|_| tokio::spawn(load.clone().create_submissions(client.clone())))
            .collect();
        (load, tasks)
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
                }
                Ok((503 | 429, _)) | Err(_) => {
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
