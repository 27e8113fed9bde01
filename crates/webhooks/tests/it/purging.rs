//! The purger at work: beside deliveries and lists, on one node at a time, by age and by bytes.

use crate::receiver::{Answer, Receiver};
use crate::world::{NOW, World, space_id};
use model::job::State;
use model::time::Micros;
use serde_json::json;
use store::{Store, Tx, duties};
use webhooks::delivery::{Pause, SettingsChange};
use webhooks::retention::Round;

const KAPP: Option<&str> = Some("services");
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// A node of the same store that lives so many days later.
fn later(store: &Store, days: i64) -> World {
    World::node(store, &format!("day-{days}"), NOW.plus_ms(days * DAY_MS))
}

async fn retain(world: &World, retention: serde_json::Value) {
    let change = SettingsChange { retention: Some(retention), ..SettingsChange::default() };
    world.webhooks.update_delivery(&world.actor, &change).await.unwrap();
}

#[tokio::test]
async fn two_nodes_take_turns() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        let take = |tx: &mut Tx| duties::take(tx, "purge", "another", Micros(i64::MAX), Micros(0));
        let held = store.write(take).await.unwrap().unwrap();
        assert_eq!(world.webhooks.purge_now().await.unwrap(), Round::Elsewhere);
        store.write(move |tx| duties::keep(tx, &held, Micros(0))).await.unwrap();
        assert_eq!(world.webhooks.purge_now().await.unwrap(), Round::Done);
        // Who is done lets go at once.
        let other = World::node(&store, "node-2", NOW);
        assert_eq!(other.webhooks.purge_now().await.unwrap(), Round::Done);
        let (one, two) = tokio::join!(world.webhooks.purge_now(), other.webhooks.purge_now());
        let rounds = [one.unwrap(), two.unwrap()];
        assert!(rounds.contains(&Round::Done), "{rounds:?}");
    }
}

#[tokio::test]
async fn purging_disturbs_neither_lists_nor_claims() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        let receiver = Receiver::always(Answer::Status(200, "")).await;
        world.webhooks.deliver();
        world.webhook("out", "", &receiver.url("/")).await;
        for number in 0..6 {
            let events = (0..100).map(|i| world.submitted(number * 100 + i, &json!({})));
            world.commit(events.collect()).await;
        }
        world.until_all(State::Complete).await;
        world.webhooks.pause_webhook(&world.actor, KAPP, "out", Pause::Pause).await.unwrap();
        world.submit(&json!({})).await;
        world.runtime.stop().await;

        let world = later(&store, 100);
        for _ in 0..3 {
            world.submit(&json!({})).await;
        }
        let purge = {
            let webhooks = world.webhooks.clone();
            tokio::spawn(async move { webhooks.purge_now().await })
        };
        let mut seen = 700;
        while !purge.is_finished() {
            let jobs = world.jobs().await;
            let queued = jobs.iter().filter(|job| job.state == State::Queued).count();
            assert_eq!(queued, 4, "what is open is always there");
            let newest = NOW.plus_ms(100 * DAY_MS);
            assert!(jobs.iter().take(3).all(|job| job.scheduled_at == newest), "in its order");
            assert!(jobs.len() <= seen, "{} after {seen}", jobs.len());
            seen = jobs.len();
        }
        assert_eq!(purge.await.unwrap().unwrap(), Round::Done);
        assert_eq!(world.jobs().await.len(), 4);
        let kept = world.webhooks.retention(&world.actor).await.unwrap();
        assert_eq!(kept.oldest, Some(NOW), "the job that waits, and its event");
        assert!(kept.last.unwrap().rows >= 1_800, "jobs, attempts and events: {kept:?}");

        world.webhooks.deliver();
        world.webhooks.pause_webhook(&world.actor, KAPP, "out", Pause::Resume).await.unwrap();
        world.until_all(State::Complete).await;
        assert_eq!(receiver.hits().len(), 604);
        assert!(receiver.hits().iter().all(|hit| hit.body.contains("\"values\"")));
        world.runtime.stop().await;
    }
}

#[tokio::test]
async fn what_was_open_loses_its_payload_once_it_has_been_over_for_long_enough() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        let receiver = Receiver::always(Answer::Status(200, "")).await;
        world.webhook("out", "", &receiver.url("/")).await;
        world.webhooks.pause_webhook(&world.actor, KAPP, "out", Pause::Pause).await.unwrap();
        world.submit(&json!({})).await;
        let id = world.jobs().await[0].id.clone();
        world.runtime.stop().await;

        let world = later(&store, 40);
        assert_eq!(world.webhooks.purge_now().await.unwrap(), Round::Done);
        world.webhooks.deliver();
        world.webhooks.pause_webhook(&world.actor, KAPP, "out", Pause::Resume).await.unwrap();
        world.until_all(State::Complete).await;
        assert!(receiver.hits()[0].body.contains("\"values\""), "it was still to be sent");
        world.runtime.stop().await;

        for (days, is_gone) in [(41, false), (69, false), (71, true)] {
            let world = later(&store, days);
            assert_eq!(world.webhooks.purge_now().await.unwrap(), Round::Done);
            let found = world.webhooks.job(&world.actor, None, &id).await.unwrap().found;
            assert_eq!(found.payload_removed_at.is_some(), is_gone, "day {days}");
            assert_eq!(found.request_content().is_none(), is_gone, "day {days}");
        }
    }
}

#[tokio::test]
async fn the_oldest_hours_go_when_history_takes_up_too_much() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        let text = "x".repeat(10_000);
        for hour in 0..5 {
            let world = World::node(&store, &format!("hour-{hour}"), NOW.plus_ms(hour * HOUR_MS));
            for _ in 0..10 {
                world.submit(&json!({ "text": text })).await;
            }
        }
        retain(&world, json!({ "ageDays": null, "bytesMax": 100_000_000 })).await;
        let world = World::node(&store, "after", NOW.plus_ms(10 * HOUR_MS));
        world.webhooks.purge_now().await.unwrap();
        let kept = world.webhooks.retention(&world.actor).await.unwrap();
        let an_hour = kept.bytes / 5;
        assert!((100_000..200_000).contains(&an_hour), "{an_hour}");
        assert_eq!(kept.oldest, Some(NOW));

        // Room for two and a half hours; the validation would ask for more, a person cannot wait.
        let small = json!({ "ageDays": null, "payloadDays": null, "bytesMax": an_hour * 5 / 2 });
        let set = move |tx: &mut Tx| {
            let mut settings = store::delivery::of_space(tx, &space_id())?;
            settings.retention = Some(small.clone());
            store::delivery::save(tx, &settings)
        };
        assert!(store.write(set).await.unwrap());
        world.webhooks.purge_now().await.unwrap();
        let kept = world.webhooks.retention(&world.actor).await.unwrap();
        assert_eq!(kept.oldest, Some(NOW.plus_ms(3 * HOUR_MS)));
        assert_eq!(kept.bytes, an_hour * 2, "what went does not count any more");
        let last = kept.last.unwrap();
        assert_eq!((last.rows, last.bytes), (30, an_hour * 3));
    }
}
