//! Lanes in the table and on several nodes.

use crate::receiver::{Answer, Receiver};
use crate::world::{NOW, World};
use model::job::State;
use serde_json::{Value, json};
use std::time::Duration;
use webhooks::definitions::WebhookInput;
use webhooks::lanes::LaneQuery;

impl World {
    /// Tells the node how many share the database.
    fn among(&self, nodes: usize) {
        self.node.sign(&self.runtime, Duration::MAX, self.runtime.now(), nodes);
        self.webhooks.go_on();
    }

    async fn limited(&self, name: &str, filter: &str, url: &str, delivery: Value) {
        self.webhook(name, filter, url).await;
        let input = WebhookInput { delivery: Some(delivery), ..WebhookInput::default() };
        let kapp = Some("services");
        self.webhooks.update_webhook(&self.actor, kapp, name, &input).await.unwrap();
    }
}

#[tokio::test]
async fn nodes_share_what_a_lane_may_have_under_way() {
    let store = testkit::postgres_store().await;
    let one = World::new(&store).await;
    let two = World::node(&store, "node-2", NOW);
    let hanging = Receiver::always(Answer::Hang).await;
    one.limited("out", "", &hanging.url("/"), json!({"concurrency": 4})).await;
    for node in [&one, &two] {
        node.among(2);
        node.webhooks.deliver();
        for _ in 0..6 {
            node.submit(&json!({})).await;
        }
    }
    hanging.wait_for(4).await;
    assert_eq!((one.webhooks.load(), two.webhooks.load()), ((4, 2), (4, 2)));
    let lanes = one.webhooks.lanes(&one.actor, LaneQuery::default()).await.unwrap().items;
    let told = (lanes[0].concurrency, lanes[0].nodes, lanes[0].node.as_str());
    assert_eq!(told, (2, 2, "node-1"), "what is told is the share of the node that tells it");

    // The other node is gone: its share falls to the one that stays.
    one.among(1);
    hanging.wait_for(6).await;
    assert_eq!(one.webhooks.load().1, 4);
    for node in [&one, &two] {
        node.runtime.advance_ms(30_000);
        node.runtime.stop().await;
    }
}

#[tokio::test]
async fn nodes_share_the_rate_of_a_lane() {
    let store = testkit::postgres_store().await;
    let one = World::new(&store).await;
    let two = World::node(&store, "node-2", NOW);
    let receiver = Receiver::always(Answer::Status(200, "")).await;
    one.limited("out", "", &receiver.url("/"), json!({"ratePerSecond": 4.0})).await;
    for node in [&one, &two] {
        node.among(2);
        for _ in 0..30 {
            node.submit(&json!({})).await;
        }
        node.webhooks.deliver();
    }
    let mut sent = 2;
    receiver.wait_for(sent).await;
    // Two a second and node, and the token that each began with.
    for _ in 0..8 {
        for node in [&one, &two] {
            node.runtime.advance_ms(500);
        }
        sent += 2;
        receiver.wait_for(sent).await;
        assert_eq!(receiver.hits().len(), sent);
    }
    for node in [&one, &two] {
        node.runtime.stop().await;
    }
}

#[tokio::test]
async fn a_due_retry_is_found_behind_any_number_of_held_jobs() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        let receiver = Receiver::start(|n, _| match n {
            0 => Answer::Status(500, ""),
            _ => Answer::Status(200, ""),
        })
        .await;
        world.webhooks.deliver();
        let held = "values('to') == 'held'";
        world.webhook("held", held, "http://127.0.0.1:8099/").await;
        world.webhook("good", "values('to') == 'good'", &receiver.url("/")).await;
        let pause = webhooks::delivery::Pause::Pause;
        let kapp = Some("services");
        world.webhooks.pause_webhook(&world.actor, kapp, "held", pause).await.unwrap();
        for _ in 0..8 {
            let events = (0..250).map(|n| world.submitted(n, &json!({"to": "held"})));
            world.commit(events.collect()).await;
        }
        world.submit(&json!({"to": "good"})).await;
        receiver.wait_for(1).await;
        world.until(|jobs| jobs[0].error_class.is_some()).await;
        world.runtime.advance_ms(10_000);
        receiver.wait_for(2).await;
        world.until(|jobs| jobs.iter().any(|job| job.state == State::Complete)).await;
        world.runtime.stop().await;
    }
}
