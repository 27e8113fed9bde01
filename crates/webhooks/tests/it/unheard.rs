//! Jobs that a commit leased to this node whose answer was lost are sent after the next look, long
//! before their lease ends. On PostgreSQL only: SQLite answers in this very process.

use crate::receiver::{Answer, Receiver};
use crate::world::World;
use model::job::State;
use serde_json::json;
use std::sync::Arc;

/// The poller's next look.
const LOOK_MS: i64 = 1_000;

#[tokio::test]
async fn a_job_is_sent_once_whose_claim_got_no_answer() {
    let (store, network) = testkit::postgres_behind().await;
    let world = World::new(&store).await;
    let receiver = Receiver::start(|n, _| match n {
        0 => Answer::Status(500, "no"),
        _ => Answer::Status(200, "yes"),
    })
    .await;
    world.webhooks.deliver();
    world.webhook("out", "", &receiver.url("/")).await;
    world.submit(&json!({})).await;
    let failed = world.until(|jobs| jobs[0].error_class.is_some()).await.remove(0);
    network.lose_commit("UPDATE 1");
    world.runtime.advance_ms(failed.scheduled_at.ms_since(world.runtime.now()));
    network.lost().await;
    world.runtime.advance_ms(LOOK_MS);
    world.until_all(State::Complete).await;
    assert_eq!(receiver.hits().len(), 2);
    assert_eq!(store.unheard().jobs(), []);
    world.runtime.stop().await;
}

#[tokio::test]
async fn a_job_is_sent_once_whose_event_got_no_answer() {
    let (store, network) = testkit::postgres_behind().await;
    let world = World::new(&store).await;
    let receiver = Receiver::always(Answer::Status(200, "")).await;
    world.webhooks.deliver();
    world.webhook("out", "", &receiver.url("/")).await;
    let event = world.submitted(1, &json!({}));
    let prepared = Arc::new(world.webhooks.prepare(vec![event]).await.unwrap());
    network.lose_commit("INSERT 0 1");
    assert!(matches!(world.write(&prepared).await, Err(store::Error::BatchLost)));
    world.runtime.advance_ms(LOOK_MS);
    world.until_all(State::Complete).await;
    assert_eq!(receiver.hits().len(), 1);
    world.runtime.stop().await;
}
