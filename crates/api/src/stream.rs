//! `GET /app/api/v1/stream`: server-sent events that say which lists are out of date. Changes of
//! 200 ms are told in one message, however many they were; what changed is read through the API.

use crate::App;
use crate::auth::Caller;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::sse::{Event, Sse};
use futures_util::stream::{self, Stream};
use model::id::SpaceId;
use runtime::Runtime;
use runtime::changes::{Change, Heard, Listener, Topic};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::convert::Infallible;

/// Milliseconds that are told in one message: fast for an eye, slow for a busy server.
const COALESCE_MS: i64 = 200;
/// Milliseconds between comments that keep proxies from closing a quiet stream.
const PING_MS: i64 = 15_000;
/// Run numbers in one message; more are told as the topic alone.
const RUNS_MAX: usize = 200;

/// Tells which lists are out of date until the client leaves or the server stops.
#[utoipa::path(
    get,
    path = "/app/api/v1/stream",
    tag = "Live",
    responses((status = 200, description = "Server-sent events named `change`, whose data is \
        `{\"topics\":[…],\"runs\":[…]}`.", content_type = "text/event-stream"))
)]
pub(crate) async fn open(State(app): State<App>, caller: Caller) -> impl IntoResponse {
    let mut response = Sse::new(changes(&app, caller.space_id.clone())).into_response();
    let headers = response.headers_mut();
    // Tells buffering proxies to pass messages on at once.
    headers.insert("x-accel-buffering", http::HeaderValue::from_static("no"));
    response
}

struct Source {
    runtime: Runtime,
    space_id: SpaceId,
    listener: Listener,
    greeted: bool,
}

fn changes(app: &App, space_id: SpaceId) -> impl Stream<Item = Result<Event, Infallible>> + use<> {
    let source = Source {
        runtime: app.runtime.clone(),
        space_id,
        listener: app.changes.subscribe(),
        greeted: false,
    };
    stream::unfold(source, |mut source| async move {
        let event = source.next().await?;
        Some((Ok(event), source))
    })
}

impl Source {
    /// The next message; `None` when the server stops.
    async fn next(&mut self) -> Option<Event> {
        if !std::mem::replace(&mut self.greeted, true) {
            return Some(Event::default().comment("connected"));
        }
        let mut batch = Batch::default();
        let ping_at = self.runtime.now().plus_ms(PING_MS);
        while batch.is_empty() {
            tokio::select! {
                heard = self.listener.next() => batch.add(heard?, &self.space_id),
                () = self.runtime.sleep_until(ping_at) => {
                    return Some(Event::default().comment("ping"));
                }
                () = self.runtime.stopping() => return None,
            }
        }
        let send_at = self.runtime.now().plus_ms(COALESCE_MS);
        loop {
            tokio::select! {
                heard = self.listener.next() => batch.add(heard?, &self.space_id),
                () = self.runtime.sleep_until(send_at) => break,
                () = self.runtime.stopping() => return None,
            }
        }
        Some(Event::default().event("change").data(batch.document().to_string()))
    }
}

/// The changes of one message.
#[derive(Default)]
struct Batch {
    topics: BTreeSet<Topic>,
    runs: BTreeSet<i64>,
}

impl Batch {
    fn add(&mut self, heard: Heard, space: &SpaceId) {
        match heard {
            Heard::Change(Change { space_id, topic, run_id }) if space_id == *space => {
                self.topics.insert(topic);
                self.runs.extend(run_id.map(|id| id.0));
            }
            Heard::Change(_) => {}
            Heard::Missed => self.topics.extend(Topic::ALL),
        }
    }

    fn is_empty(&self) -> bool {
        self.topics.is_empty()
    }

    fn document(&self) -> Value {
        let topics: Vec<&str> = self.topics.iter().map(|t| t.as_str()).collect();
        let runs: Vec<i64> = self.runs.iter().copied().take(RUNS_MAX).collect();
        json!({ "topics": topics, "runs": runs })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::id::RunId;
    use runtime::changes::Changes;

    #[test]
    fn a_batch_names_each_topic_once() {
        let space = SpaceId("s".to_owned());
        let mut batch = Batch::default();
        let change = |space: &str, topic, run: Option<i64>| {
            Heard::Change(Change {
                space_id: SpaceId(space.to_owned()),
                topic,
                run_id: run.map(RunId),
            })
        };
        batch.add(change("other", Topic::Users, None), &space);
        assert!(batch.is_empty());
        batch.add(change("s", Topic::Runs, Some(7)), &space);
        batch.add(change("s", Topic::Runs, Some(7)), &space);
        batch.add(change("s", Topic::Jobs, None), &space);
        assert_eq!(batch.document(), json!({ "topics": ["jobs", "runs"], "runs": [7] }));
        batch.add(Heard::Missed, &space);
        assert_eq!(batch.topics.len(), Topic::ALL.len());
    }

    #[tokio::test]
    async fn changes_are_told_together() {
        let runtime = Runtime::fake(model::time::Micros(0), 1);
        let changes = Changes::default();
        let space = SpaceId("s".to_owned());
        let mut source = Source {
            runtime: runtime.clone(),
            space_id: space.clone(),
            listener: changes.subscribe(),
            greeted: true,
        };
        changes.publish(&space, Topic::Jobs);
        changes.publish(&space, Topic::Events);
        let told = tokio::join!(source.next(), async {
            // The stream takes what there is before the clock moves.
            tokio::task::yield_now().await;
            runtime.advance_ms(COALESCE_MS);
        });
        let text = format!("{:?}", told.0.unwrap());
        assert!(text.contains("events") && text.contains("jobs"), "{text}");
    }
}
