//! What holds jobs back: pauses, webhooks that are gone or disabled, order, delay, age.

use crate::receiver::{Answer, Receiver};
use crate::world::World;
use model::delivery::Overrides;
use model::job::{Job, State};
use serde_json::{Value, json};
use webhooks::definitions::WebhookInput;
use webhooks::delivery::{Pause, SettingsChange};
use webhooks::jobs::JobChange;
use webhooks::lanes::{LaneAction, LaneQuery, LaneState};

const KAPP: Option<&str> = Some("services");

impl World {
    async fn overridden(&self, name: &str, url: &str, delivery: Value) {
        self.webhook(name, "", url).await;
        let input = WebhookInput { delivery: Some(delivery), ..WebhookInput::default() };
        let saved = self.webhooks.update_webhook(&self.actor, KAPP, name, &input).await.unwrap();
        assert_ne!(saved.delivery, Overrides::default());
    }

    async fn reasons(&self, job: &Job) -> Vec<String> {
        let timeline = self.webhooks.timeline(&self.actor, None, &job.id).await.unwrap();
        timeline.into_iter().map(|entry| entry.reason).collect()
    }
}

fn in_state(jobs: &[Job], state: State) -> usize {
    jobs.iter().filter(|job| job.state == state).count()
}

#[tokio::test]
async fn a_pause_holds_jobs_until_it_is_resumed_and_survives_a_restart() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        let receiver = Receiver::always(Answer::Status(200, "")).await;
        world.webhooks.deliver();
        world.webhook("out", "", &receiver.url("/")).await;
        world.webhooks.pause_webhook(&world.actor, KAPP, "out", Pause::Pause).await.unwrap();
        world.submit(&json!({})).await;
        let job = world.jobs().await.remove(0);
        assert_eq!((job.state, job.leased_by.as_deref()), (State::Queued, None));
        assert_eq!(world.reasons(&job).await.last().unwrap(), "held: the webhook is paused");
        world.webhooks.pause_deliveries(&world.actor, Pause::Pause).await.unwrap();
        world.runtime.stop().await;

        let world = World::node(&store, "node-2", world.runtime.now());
        world.webhooks.deliver();
        world.webhooks.pause_webhook(&world.actor, KAPP, "out", Pause::Resume).await.unwrap();
        world.runtime.advance_ms(5_000);
        assert_eq!(
            world.reasons(&job).await.last().unwrap(),
            "held: all deliveries were paused by admin"
        );
        assert_eq!(receiver.hits().len(), 0);
        world.webhooks.pause_deliveries(&world.actor, Pause::Resume).await.unwrap();
        world.until_all(State::Complete).await;
        let reasons = world.reasons(&job).await;
        let told = |words: &str| reasons.iter().any(|reason| reason == words);
        assert!(told("goes on: the webhook was resumed"), "{reasons:?}");
        assert!(told("held: all deliveries were paused"), "{reasons:?}");
        world.runtime.stop().await;
    }
}

#[tokio::test]
async fn an_endpoint_that_is_gone_disables_its_webhook_and_enabling_it_lets_jobs_go() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        let receiver = Receiver::start(|n, _| match n {
            0 => Answer::Status(503, ""),
            1 => Answer::Status(410, ""),
            _ => Answer::Status(200, ""),
        })
        .await;
        world.webhooks.deliver();
        world.webhook("out", "", &receiver.url("/")).await;
        world.submit(&json!({"n": 1})).await;
        world.until(|jobs| jobs.iter().all(|job| job.error_class.is_some())).await;
        world.submit(&json!({"n": 2})).await;
        world.until(|jobs| in_state(jobs, State::Failed) == 1).await;
        let webhook = world.webhooks.webhook(&world.actor, KAPP, "out").await.unwrap();
        assert!(!webhook.enabled);
        assert!(webhook.disabled_reason.unwrap().contains("410 Gone"));
        world.runtime.advance_ms(60_000);
        let jobs = world.jobs().await;
        let parked = jobs.iter().find(|job| job.state == State::Queued).unwrap();
        let reasons = world.reasons(parked).await;
        assert!(reasons.last().unwrap().starts_with("held: the webhook is disabled. The endpoint"));
        let input = WebhookInput { enabled: Some(true), ..WebhookInput::default() };
        let webhook = world.webhooks.update_webhook(&world.actor, KAPP, "out", &input).await;
        assert_eq!(webhook.unwrap().disabled_reason, None);
        world.until(|jobs| in_state(jobs, State::Complete) == 1).await;
        world.runtime.stop().await;
    }
}

#[tokio::test]
async fn jobs_of_one_key_go_in_order_and_a_failed_one_holds_its_own_key_only() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        let receiver = Receiver::start(|_, hit| match hit.body.contains("\"bad\"") {
            true => Answer::Status(400, ""),
            false => Answer::Status(200, ""),
        })
        .await;
        world.webhooks.deliver();
        let order = json!({"orderBy": "${values('Key')}"});
        world.overridden("out", &receiver.url("/"), order).await;
        for (key, mark) in [("a", "1"), ("a", "bad"), ("a", "3"), ("b", "4"), ("a", "5")] {
            world.submit(&json!({"Key": key, "Mark": mark})).await;
            world.runtime.advance_ms(10);
        }
        let jobs = world
            .until(|jobs| {
                in_state(jobs, State::Complete) == 2 && in_state(jobs, State::Failed) == 1
            })
            .await;
        let failed = jobs.iter().find(|job| job.state == State::Failed).unwrap().clone();
        let waiting = jobs.iter().rfind(|job| job.state == State::Queued).unwrap();
        let reasons = world.reasons(waiting).await;
        assert!(reasons.last().unwrap().contains(failed.id.as_str()), "{reasons:?}");
        // Setting the failed job aside lets the key go on.
        let cancel = JobChange { status: Some("Cancelled".into()), ..JobChange::default() };
        world.webhooks.update_job(&world.actor, None, &failed.id, &cancel).await.unwrap();
        world.runtime.advance_ms(6_000);
        world.until(|jobs| in_state(jobs, State::Complete) == 4).await;
        let marks: Vec<String> = receiver
            .hits()
            .iter()
            .filter(|hit| hit.body.contains("\"Key\":\"a\""))
            .map(|hit| {
                let body: Value = serde_json::from_str(&hit.body).unwrap();
                body["values"]["Mark"].as_str().unwrap().to_owned()
            })
            .collect();
        assert_eq!(marks, ["1", "bad", "3", "5"]);
        world.runtime.stop().await;
    }
}

#[tokio::test]
async fn of_delayed_jobs_of_one_key_only_the_latest_is_sent() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        let receiver = Receiver::always(Answer::Status(200, "")).await;
        world.webhooks.deliver();
        let latest = json!({"coalesceBy": "${values('Key')}", "delayMs": 10_000});
        world.overridden("out", &receiver.url("/"), latest).await;
        for n in 1..=3 {
            world.submit(&json!({"Key": "a", "n": n.to_string()})).await;
            world.runtime.advance_ms(100);
        }
        let jobs = world.jobs().await;
        assert_eq!((in_state(&jobs, State::Cancelled), receiver.hits().len()), (2, 0));
        let old = jobs.iter().find(|job| job.state == State::Cancelled).unwrap();
        assert!(old.summary.as_ref().unwrap().starts_with("Cancelled: superseded by job"));
        world.runtime.advance_ms(10_000);
        world.until(|jobs| in_state(jobs, State::Complete) == 1).await;
        assert!(receiver.hits()[0].body.contains("\"n\":\"3\""));
        world.runtime.stop().await;
    }
}

#[tokio::test]
async fn a_message_past_its_time_to_live_is_cancelled_not_sent() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        let receiver = Receiver::always(Answer::Status(200, "")).await;
        world.overridden("out", &receiver.url("/"), json!({"ttlMs": 60_000})).await;
        world.submit(&json!({})).await;
        world.runtime.advance_ms(61_000);
        world.webhooks.deliver();
        let job = world.until_all(State::Cancelled).await.remove(0);
        assert!(job.summary.unwrap().starts_with("Cancelled: expired: older than the 60 s"));
        assert_eq!(receiver.hits().len(), 0);
        world.runtime.stop().await;
    }
}

#[tokio::test]
async fn an_open_breaker_holds_new_jobs_without_using_up_attempts() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        let receiver = Receiver::start(|n, _| match n {
            0..3 => Answer::Status(500, ""),
            _ => Answer::Status(200, ""),
        })
        .await;
        world.webhooks.deliver();
        let policy = json!({"breaker": {"failures": 3, "openMs": 30_000, "maxOpenMs": 60_000}});
        let change = SettingsChange { policy: Some(policy), ..SettingsChange::default() };
        world.webhooks.update_delivery(&world.actor, &change).await.unwrap();
        world.webhook("out", "", &receiver.url("/")).await;
        for n in 1..=3 {
            world.submit(&json!({})).await;
            let failed = |job: &Job| job.error_class.is_some();
            world.until(|jobs| jobs.iter().filter(|job| failed(job)).count() == n).await;
        }
        world.submit(&json!({})).await;
        let held = world.jobs().await;
        let held = held.iter().find(|job| job.error_class.is_none()).unwrap();
        let reasons = world.reasons(held).await;
        assert!(reasons.last().unwrap().starts_with("held: circuit breaker open until 08:00:30"));
        let lanes = world.webhooks.lanes(&world.actor, LaneQuery::default()).await.unwrap();
        let lane = &lanes.items[0];
        assert_eq!((lane.state, lane.failed), (LaneState::BreakerOpen, 3));
        world.runtime.advance_ms(20_000);
        assert_eq!(receiver.hits().len(), 3, "jobs that are due are held as well");
        assert_eq!(held.retry_count, 0);
        let id = lane.id.to_string();
        world.webhooks.lane_action(&world.actor, &id, LaneAction::Probe).await.unwrap();
        world.until(|jobs| in_state(jobs, State::Complete) >= 1).await;
        world.runtime.advance_ms(10_000);
        world.until_all(State::Complete).await;
        world.runtime.stop().await;
    }
}

#[tokio::test]
async fn what_waits_goes_where_it_was_meant_whatever_becomes_of_its_webhook() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        let (old, new) = (
            Receiver::always(Answer::Status(200, "")).await,
            Receiver::always(Answer::Status(200, "")).await,
        );
        let change = async |input: WebhookInput| {
            world.webhooks.update_webhook(&world.actor, KAPP, "out", &input).await.unwrap()
        };
        let pause = async |to| {
            world.webhooks.pause_webhook(&world.actor, KAPP, "out", to).await.unwrap();
        };
        let request = |value: &str| json!({"headers": [{"name": "x-of", "value": value}]});
        world.webhooks.deliver();
        world.webhook("out", "", &old.url("/first")).await;
        pause(Pause::Pause).await;
        world.submit(&json!({"n": 1})).await;

        // Edited: the place of then, the headers of now.
        let request = Some(request("now"));
        let url = Some(new.url("/second"));
        change(WebhookInput { url, request, ..WebhookInput::default() }).await;
        pause(Pause::Resume).await;
        world.until_all(State::Complete).await;
        let hit = old.hits().remove(0);
        assert!(hit.head.starts_with("POST /first ") && hit.header("x-of") == Some("now"));

        // Disabled: it waits and says why, and new events make no jobs.
        pause(Pause::Pause).await;
        world.submit(&json!({"n": 2})).await;
        let off = |enabled| WebhookInput { enabled: Some(enabled), ..WebhookInput::default() };
        change(off(false)).await;
        pause(Pause::Resume).await;
        world.submit(&json!({"n": 3})).await;
        let jobs = world.jobs().await;
        let waiting = jobs.iter().find(|job| job.state == State::Queued).unwrap();
        let reasons = world.reasons(waiting).await;
        assert!(reasons.last().unwrap().contains("disabled"), "{reasons:?}");
        assert_eq!((jobs.len(), new.hits().len()), (2, 0));
        change(off(true)).await;
        world.until_all(State::Complete).await;

        // Deleted: it is sent all the same, without what was the webhook's own.
        pause(Pause::Pause).await;
        world.submit(&json!({"n": 4})).await;
        world.webhooks.delete_webhook(&world.actor, KAPP, "out").await.unwrap();
        world.runtime.advance_ms(1_000);
        world.until_all(State::Complete).await;
        let hits = new.hits();
        let of: Vec<_> = hits.iter().map(|hit| hit.header("x-of")).collect();
        assert_eq!(of, [Some("now"), None]);
        world.runtime.stop().await;
    }
}
