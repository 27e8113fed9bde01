//! Delivery: from the table and from commits to real sockets, on a clock moved by hand.

use crate::receiver::{Answer, Receiver};
use crate::world::{NOW, World};
use model::job::{ErrorClass, State};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use webhooks::jobs::JobChange;
use webhooks::send::Resolve;

fn status(status: &str) -> JobChange {
    JobChange { status: Some(status.to_owned()), url: None }
}

#[tokio::test]
async fn a_job_is_delivered_once_with_its_payload_and_id() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        let receiver = Receiver::always(Answer::Status(200, "{\"ok\":true}")).await;
        world.webhooks.deliver();
        world.webhook("out", "", &receiver.url("/hook?form=${form('slug')}")).await;
        let event = world.submit(&json!({"A": "1"})).await;
        let jobs = world.until_all(State::Complete).await;
        let job = &jobs[0];
        assert_eq!(job.summary.as_deref(), Some("200 OK"));
        assert_eq!(job.response_content.as_deref(), Some("{\"ok\":true}"));
        assert_eq!((job.retry_count, job.leased_by.as_deref()), (0, None));
        let hits = receiver.hits();
        assert_eq!(hits.len(), 1);
        assert!(hits[0].head.starts_with("POST /hook?form=laptop HTTP/1.1"));
        assert_eq!(hits[0].header("webhook-id"), Some(job.id.as_str()));
        assert_eq!(hits[0].header("webhook-timestamp"), Some("1800000000"));
        assert_eq!(hits[0].header("content-type"), Some("application/json"));
        assert_eq!(hits[0].body, event.payload.to_string());
        let attempts = world.attempts(&job.id).await;
        assert_eq!(attempts.len(), 1);
        assert_eq!((attempts[0].number, attempts[0].detail.response_status), (1, Some(200)));
        world.runtime.stop().await;
    }
}

#[tokio::test]
async fn failures_are_retried_on_schedule_until_they_succeed() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        let receiver = Receiver::start(|n, _| match n {
            0 => Answer::Status(500, "no"),
            1 => Answer::RawThenClose(Vec::new()),
            _ => Answer::Status(200, "yes"),
        })
        .await;
        world.webhooks.deliver();
        world.webhook("out", "", &receiver.url("/")).await;
        world.submit(&json!({})).await;
        let failed = |n: i64| {
            move |jobs: &[model::job::Job]| {
                jobs[0].state == State::Queued
                    && jobs[0].started_at.is_some()
                    && jobs[0].retry_count == n
            }
        };
        let first = world.until(failed(0)).await.remove(0);
        assert_eq!(first.summary.as_deref(), Some("500 Internal Server Error"));
        assert_eq!(first.error_class, Some(ErrorClass::Http5xx));
        let wait = first.scheduled_at.ms_since(NOW);
        assert!((4_000..=6_000).contains(&wait), "5 s give or take a fifth, not {wait}");
        world.runtime.advance_ms(wait - 1);
        assert_eq!(receiver.hits().len(), 1, "not before its time");
        world.runtime.advance_ms(1);
        let second = world.until(failed(1)).await.remove(0);
        let wait = second.scheduled_at.ms_since(world.runtime.now());
        assert!((20_000..=30_000).contains(&wait), "25 s give or take a fifth, not {wait}");
        world.runtime.advance_ms(wait);
        let done = world.until_all(State::Complete).await.remove(0);
        assert_eq!((done.retry_count, done.error_class), (2, None));
        let attempts = world.attempts(&done.id).await;
        let classes: Vec<_> = attempts.iter().map(|a| a.detail.error_class).collect();
        assert_eq!(classes, [Some(ErrorClass::Http5xx), Some(ErrorClass::Reset), None]);
        let ids: Vec<_> =
            receiver.hits().iter().map(|h| h.header("webhook-id").unwrap().to_owned()).collect();
        assert_eq!(ids, [done.id.0.clone(), done.id.0.clone(), done.id.0.clone()]);
        world.runtime.stop().await;
    }
}

#[tokio::test]
async fn what_only_a_person_can_mend_fails_at_once() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        let receiver = Receiver::always(Answer::Status(404, "{\"message\":\"no\"}")).await;
        world.webhooks.deliver();
        world.webhook("out", "", &receiver.url("/")).await;
        world.webhook("blocked", "", "http://${'10.0.0.1'}/").await;
        world.submit(&json!({})).await;
        let mut jobs = world.until_all(State::Failed).await;
        jobs.sort_by(|a, b| a.name.cmp(&b.name));
        assert!(jobs[0].summary.as_ref().unwrap().contains("private"), "{:?}", jobs[0].summary);
        assert_eq!(jobs[1].summary.as_deref(), Some("404 Not Found"));
        assert_eq!(jobs[1].response_content.as_deref(), Some("{\"message\":\"no\"}"));
        assert_eq!(receiver.hits().len(), 1);
        let attempts = world.attempts(&jobs[0].id).await;
        assert_eq!(attempts[0].detail.error_class, Some(ErrorClass::Blocked));
        world.runtime.stop().await;
    }
}

#[tokio::test]
async fn a_restart_takes_up_what_was_left() {
    for store in testkit::both().await {
        let receiver = Receiver::always(Answer::Status(200, "")).await;
        {
            // This node accepts and dies: its jobs are leased to it or to nobody.
            let world = World::new(&store).await;
            world.webhook("out", "", &receiver.url("/")).await;
            world.submit(&json!({"n": 1})).await;
            let event = world.submitted(2, &json!({"n": 2}));
            let prepared = std::sync::Arc::new(world.webhooks.prepare(vec![event]).await.unwrap());
            world.write(&prepared).await.unwrap();
        }
        assert_eq!(receiver.hits().len(), 0);
        let now = NOW.plus_ms(model::limits::LEASE_MS + 1);
        let world = World::node(&store, "node-1b", now);
        world.webhooks.deliver();
        world.until_all(State::Complete).await;
        assert_eq!(receiver.hits().len(), 2);
        world.runtime.stop().await;
    }
}

#[tokio::test]
async fn an_attempt_that_was_under_way_is_recorded_as_interrupted() {
    for store in testkit::both().await {
        let receiver = Receiver::start(|n, _| match n {
            0 => Answer::Hang,
            _ => Answer::Status(200, ""),
        })
        .await;
        let world = World::new(&store).await;
        world.webhooks.deliver();
        world.webhook("out", "", &receiver.url("/")).await;
        world.submit(&json!({})).await;
        receiver.wait_for(1).await;
        world.runtime.advance_ms(500);
        let job = world.until_all(State::InProgress).await.remove(0);
        assert!(job.started_at.is_some());
        // The node is gone from here on: nothing moves its clock any more.
        let now = NOW.plus_ms(model::limits::LEASE_MS + 1);
        let next = World::node(&store, "node-1b", now);
        next.webhooks.deliver();
        let job = next.until_all(State::Complete).await.remove(0);
        let attempts = next.attempts(&job.id).await;
        let classes: Vec<_> = attempts.iter().map(|a| a.detail.error_class).collect();
        assert_eq!(classes, [Some(ErrorClass::Interrupted), None]);
        assert_eq!(job.retry_count, 1);

        // The first node comes back to life; its late outcome changes nothing.
        world.runtime.advance_ms(60_000);
        world.until(|_| true).await;
        let mut listener = world.changes.subscribe();
        while next.attempts(&job.id).await.len() < 3 {
            listener.next().await;
        }
        let late = next.attempts(&job.id).await.pop().unwrap();
        assert_eq!(late.detail.error_class, Some(ErrorClass::Timeout));
        assert!(late.detail.error.unwrap().contains("taken away"));
        assert_eq!(next.job(&job.id).await.state, State::Complete);
        next.runtime.stop().await;
    }
}

#[tokio::test]
async fn a_job_is_cancelled_during_back_off_and_retried_by_hand() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        let receiver = Receiver::start(|n, _| match n {
            0 => Answer::Status(503, ""),
            _ => Answer::Status(200, ""),
        })
        .await;
        world.webhooks.deliver();
        world.webhook("out", "", &receiver.url("/old")).await;
        world.submit(&json!({})).await;
        let job = world.until(|jobs| jobs[0].started_at.is_some()).await.remove(0);
        let change = async |to: &str| {
            world.webhooks.update_job(&world.actor, None, &job.id, &status(to)).await
        };
        assert_eq!(change("cancelled").await.unwrap().job.state, State::Cancelled);
        world.runtime.advance_ms(60_000);
        let refusal = change("In Progress").await.unwrap_err().to_string();
        assert_eq!(
            refusal,
            "Unable to put a webhook job in the status 'Cancelled' into 'In Progress'; \
             set it to Queued to send it again"
        );
        assert_eq!(receiver.hits().len(), 1, "a cancelled job is not sent");

        // The link is corrected, then the job retried: it goes to the new place.
        let input = webhooks::definitions::WebhookInput {
            url: Some(receiver.url("/new")),
            ..Default::default()
        };
        let webhooks = &world.webhooks;
        webhooks.update_webhook(&world.actor, Some("services"), "out", &input).await.unwrap();
        change("Queued").await.unwrap();
        let done = world.until_all(State::Complete).await.remove(0);
        assert_eq!(done.retry_count, 1);
        assert!(receiver.hits()[1].head.starts_with("POST /new "));
        let timeline = world.webhooks.timeline(&world.actor, None, &job.id).await.unwrap();
        let by_hand = timeline.iter().filter(|entry| entry.reason.ends_with(": by hand"));
        let by_hand: Vec<_> = by_hand.map(|e| (e.state, e.actor.as_deref(), &*e.reason)).collect();
        let again = "is sent again, having been Cancelled, with another URL: by hand";
        assert_eq!(
            by_hand,
            [
                (State::Cancelled, Some("admin"), "is cancelled: by hand"),
                (State::Queued, Some("admin"), again)
            ]
        );
        world.runtime.stop().await;
    }
}

#[tokio::test]
async fn an_internal_job_is_retried_in_the_same_write() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        world.webhook("inside", "", "/app/api/v1/run-tree/S/G/N").await;
        world.submit(&json!({})).await;
        let job = world.jobs().await.remove(0);
        assert_eq!(job.state, State::Failed);
        world.engine.add("S :: G :: N");
        let retry = status("Queued");
        let found = world.webhooks.update_job(&world.actor, None, &job.id, &retry).await.unwrap();
        assert_eq!(found.job.state, State::Complete);
        assert_eq!(found.job.run_id.map(|run| run.0), Some(1));
        assert_eq!(world.engine.started.lock().unwrap().len(), 1);
        assert_eq!(world.engine.asked.lock().unwrap()[1].job_id.as_ref(), Some(&job.id));
        // Sent again, it starts another run; the first one keeps the job as its origin.
        let found = world.webhooks.update_job(&world.actor, None, &job.id, &retry).await.unwrap();
        assert_eq!(found.job.run_id.map(|run| run.0), Some(2));
        assert_eq!(world.engine.asked.lock().unwrap()[2].job_id, None);
    }
}

#[tokio::test]
async fn two_nodes_deliver_a_backlog_once() {
    let store = testkit::both().await.remove(1);
    let receiver = Receiver::always(Answer::Status(200, "")).await;
    let world = World::new(&store).await;
    world.webhook("out", "", &receiver.url("/")).await;
    for n in 0..300 {
        let event = world.submitted(n, &json!({}));
        world.commit(vec![event]).await;
    }
    let other = World::node(&store, "node-2", NOW);
    world.webhooks.deliver();
    other.webhooks.deliver();
    let is_done = |jobs: &[model::job::Job]| jobs.iter().all(|j| j.state == State::Complete);
    // Either node may record the last one, so the clock drives another look.
    while !is_done(&world.jobs().await) {
        world.runtime.advance_ms(1_000);
        other.runtime.advance_ms(1_000);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let mut ids: Vec<_> =
        receiver.hits().iter().map(|h| h.header("webhook-id").unwrap().to_owned()).collect();
    assert_eq!(ids.len(), 300);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 300);
    world.runtime.stop().await;
    other.runtime.stop().await;
}

#[tokio::test]
async fn a_hanging_endpoint_does_not_hold_up_another() {
    let store = testkit::sqlite().await;
    let world = World::new(&store).await;
    let hanging = Receiver::always(Answer::Hang).await;
    let good = Receiver::always(Answer::Status(200, "")).await;
    world.webhooks.deliver();
    world.webhook("hanging", "values('to') == 'hanging'", &hanging.url("/")).await;
    world.webhook("good", "values('to') == 'good'", &good.url("/")).await;
    for n in 0..200 {
        world.commit(vec![world.submitted(n, &json!({"to": "hanging"}))]).await;
    }
    for n in 0..50 {
        world.commit(vec![world.submitted(n, &json!({"to": "good"}))]).await;
    }
    good.wait_for(50).await;
    assert_eq!(hanging.hits().len(), 4, "a lane starts with few deliveries at once");
    let goes_on = tokio::time::timeout(std::time::Duration::from_secs(60), async {
        world.runtime.advance_ms(30_000);
        world.runtime.stop().await;
    });
    goes_on.await.expect("the stop ends what is under way");
}

#[tokio::test]
async fn a_lane_that_asks_for_a_pause_gets_it_while_others_go_on() {
    let store = testkit::sqlite().await;
    let world = World::new(&store).await;
    let busy = Receiver::start(|n, _| match n {
        0 => {
            let answer = b"HTTP/1.1 429 Busy\r\nretry-after: 60\r\ncontent-length: 0\r\n\r\n";
            Answer::Raw(answer.to_vec())
        }
        _ => Answer::Status(200, ""),
    })
    .await;
    let good = Receiver::always(Answer::Status(200, "")).await;
    world.webhooks.deliver();
    world.webhook("busy", "values('to') == 'busy'", &busy.url("/")).await;
    world.webhook("good", "values('to') == 'good'", &good.url("/")).await;
    world.submit(&json!({"to": "busy"})).await;
    world.until(|jobs| jobs[0].started_at.is_some()).await;
    world.submit(&json!({"to": "busy"})).await;
    world.submit(&json!({"to": "good"})).await;
    good.wait_for(1).await;
    world.runtime.advance_ms(59_000);
    world.submit(&json!({"to": "good"})).await;
    good.wait_for(2).await;
    assert_eq!(busy.hits().len(), 1, "the whole lane waits");
    world.runtime.advance_ms(1_000);
    world.until_all(State::Complete).await;
    assert_eq!(busy.hits().len(), 3);
    world.runtime.stop().await;
}

#[tokio::test]
async fn a_stop_gives_back_what_waits() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        let hanging = Receiver::always(Answer::Hang).await;
        world.webhooks.deliver();
        world.webhook("out", "", &hanging.url("/")).await;
        for n in 0..20 {
            world.commit(vec![world.submitted(n, &json!({}))]).await;
        }
        hanging.wait_for(4).await;
        let leased =
            |jobs: &[model::job::Job]| jobs.iter().filter(|job| job.leased_by.is_some()).count();
        assert_eq!(leased(&world.jobs().await), 20);
        let (runtime, stopping) = (world.runtime.clone(), world.runtime.clone());
        let stopped = tokio::spawn(async move { stopping.stop().await });
        while leased(&world.jobs().await) > 4 {
            tokio::task::yield_now().await;
        }
        runtime.advance_ms(60_000);
        stopped.await.unwrap();
        let jobs = world.jobs().await;
        assert!(jobs.iter().all(|job| job.state == State::Queued && job.leased_by.is_none()));
        assert_eq!(hanging.hits().len(), 4, "nothing new is sent during the stop");
        let tried = jobs.iter().filter(|job| job.started_at.is_some()).count();
        assert_eq!(tried, 4, "what was under way is recorded as timed out");
    }
}

#[tokio::test]
async fn a_fault_of_our_own_ends_one_attempt_and_frees_its_place_at_once() {
    for store in testkit::both().await {
        drop(World::new(&store).await);
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = asked.clone();
        // Fails inside of the sender, the first time it is asked.
        let resolve: Resolve = Arc::new(move |_: &str| {
            assert!(counted.fetch_add(1, Ordering::SeqCst) > 0, "a fault of our own");
            Box::pin(async { Ok(vec![[127, 0, 0, 1].into()]) })
        });
        let world = World::sending(&store, "node-1", NOW, Some(resolve));
        let receiver = Receiver::always(Answer::Status(200, "")).await;
        world.webhooks.deliver();
        let url = format!("http://endpoint.test:{}/", receiver.address.port());
        world.webhook("out", "", &url).await;
        world.submit(&json!({})).await;
        // The clock stands still: no lease ends.
        let job = world.until(|jobs| jobs[0].error_class.is_some()).await.remove(0);
        assert_eq!((job.state, job.retry_count), (State::Queued, 0));
        assert_eq!((job.error_class, job.leased_until), (Some(ErrorClass::Internal), None));
        let attempts = world.attempts(&job.id).await;
        assert_eq!(attempts.len(), 1);
        assert!(attempts[0].detail.error.as_ref().unwrap().contains("a fault of Kapok"));
        assert_eq!(world.webhooks.load(), (0, 0), "its place is free");
        let lanes = world.webhooks.lane_views();
        assert_eq!((lanes.len(), lanes[0].failed_in_row), (1, 0), "not the endpoint's doing");

        world.submit(&json!({})).await;
        receiver.wait_for(1).await;
        world.runtime.advance_ms(10_000);
        world.until_all(State::Complete).await;
        assert_eq!(receiver.hits().len(), 2);
        world.runtime.stop().await;
    }
}
