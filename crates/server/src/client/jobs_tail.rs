//! `kapok jobs tail`: jobs as they come and change. The server's live stream says when to look,
//! the list says what there is.

use super::jobs::Filter;
use super::show::job_line;
use super::{Client, sse};
use anyhow::Result;
use serde_json::Value;
use std::collections::HashMap;

/// Jobs looked at each time: those that changed within moments.
const LOOKED_AT: usize = 200;
/// Jobs whose last state is remembered; when there are more, the memory begins anew.
const REMEMBERED_MAX: usize = 20_000;
/// Milliseconds before a broken stream is opened again, doubled with each failure.
const AGAIN_MS: i64 = 500;
/// Milliseconds of the longest such wait.
const AGAIN_MS_MAX: i64 = 15_000;

/// Prints jobs until the process is interrupted.
///
/// # Errors
/// When the server cannot be reached at first.
pub(super) async fn tail(client: &Client, filter: &Filter) -> Result<()> {
    let mut seen = Seen::default();
    look(client, filter, &mut seen, false).await?;
    client.note("Waiting for jobs; Ctrl-C ends.");
    let mut wait_ms = AGAIN_MS;
    loop {
        match follow(client, filter, &mut seen).await {
            Ok(()) => wait_ms = AGAIN_MS,
            Err(error) => {
                client.note(&format!("{error:#}\n  Trying again in {wait_ms} ms."));
                client.runtime.sleep_ms(wait_ms).await;
                wait_ms = (wait_ms * 2).min(AGAIN_MS_MAX);
            }
        }
    }
}

/// The status each job was last seen in.
#[derive(Default)]
struct Seen {
    states: HashMap<String, String>,
}

impl Seen {
    /// Whether a job is new or has changed.
    fn is_news(&mut self, job: &Value) -> bool {
        if self.states.len() >= REMEMBERED_MAX {
            self.states.clear();
        }
        let id = job["id"].as_str().unwrap_or_default().to_owned();
        let state = format!("{}/{}", job["status"], job["retryCount"]);
        self.states.insert(id, state.clone()) != Some(state)
    }
}

/// Follows the stream until it ends.
async fn follow(client: &Client, filter: &Filter, seen: &mut Seen) -> Result<()> {
    let mut stream = client.stream().await?;
    let mut reader = sse::Reader::default();
    // What happened while no stream was open.
    look(client, filter, seen, true).await?;
    while let Some(piece) = stream.next().await? {
        if reader.push(&piece).iter().any(|data| data.contains("\"jobs\"")) {
            look(client, filter, seen, true).await?;
        }
    }
    Ok(())
}

async fn look(client: &Client, filter: &Filter, seen: &mut Seen, is_told: bool) -> Result<()> {
    let page = client.get(&filter.path(LOOKED_AT, None, (None, None))).await?;
    for job in page["webhookJobs"].as_array().into_iter().flatten().rev() {
        if seen.is_news(job) && is_told {
            client.print(job, job_line);
        }
    }
    Ok(())
}
