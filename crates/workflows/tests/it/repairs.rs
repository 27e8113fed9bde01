//! What brings a run forward that does not go on by itself.

use crate::bench::{Bench, trail, tree_json};
use model::run::RunState;
use serde_json::{Map, json};
use store::errors::Filter;
use workflows::errors::Decision;
use workflows::resolutions::{BulkDecision, Steering};
use workflows::step::state::Resolution;
use workflows::trees::TreeInput;

const DOWN: &str = "https://down.example.com";

fn refuse(bench: &Bench) {
    bench.world.refusals.lock().unwrap().insert(DOWN.into(), "connection refused".into());
}

fn recover(bench: &Bench) {
    bench.world.refusals.lock().unwrap().clear();
}

const CALL: [&str; 4] = [
    "h kapok_http_request_v1 url=https://down.example.com",
    "e system_noop_v1",
    "start -> h",
    "h -> e",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_node_tries_again_by_itself_and_shows_its_attempts() {
    for store in testkit::both().await {
        let bench = Bench::new(&store).await;
        refuse(&bench);
        let mut json = tree_json(&CALL);
        json["nodes"][1]["retry"] =
            json!({ "attempts": 3, "firstWaitSeconds": 60, "factor": 2, "maxWaitSeconds": 3600 });
        let input = TreeInput {
            source: Some("Kinetic Task".into()),
            group: Some("Group".into()),
            name: Some("patient".into()),
            definition: Some((workflows::definition::Format::Json, json.to_string())),
            ..TreeInput::default()
        };
        bench.engine.create_tree(&bench.actor, input, true).await.unwrap();
        let run = bench.start("patient").await;
        let waiting = bench.until(run, &[RunState::Waiting]).await;
        assert_eq!(waiting.view()["waitingFor"][0]["kind"], "retry");
        assert_eq!(waiting.tasks[1].messages[0]["text"], "connection refused");
        let due = waiting.run.wake_at.unwrap().ms_since(bench.runtime.now());
        assert!((48_000..=72_000).contains(&due), "{due}");
        bench.runtime.advance_ms(72_000);
        let mut listener = bench.changes.subscribe();
        while bench.detail(run).await.tasks[1].messages.as_array().unwrap().len() < 2 {
            listener.next().await;
        }
        bench.until(run, &[RunState::Waiting]).await;
        bench.runtime.advance_ms(144_000);
        // After the last attempt a person decides, and the count begins anew.
        let failed = bench.until(run, &[RunState::Error]).await;
        assert_eq!(failed.tasks[1].messages.as_array().unwrap().len(), 3);
        assert_eq!(bench.world.keys.lock().unwrap().len(), 3);
        recover(&bench);
        bench.engine.resume(&bench.actor, run, String::new()).await.unwrap();
        let done = bench.until(run, &[RunState::Complete]).await;
        assert_eq!(trail(&done), "start h e");
        let mut keys = bench.world.keys.lock().unwrap().clone();
        keys.dedup();
        assert_eq!(keys.len(), 1, "one key for all attempts");
        bench.crash().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn inputs_are_edited_for_a_retry_and_a_run_is_run_again() {
    for store in testkit::both().await {
        let bench = Bench::new(&store).await;
        refuse(&bench);
        bench.tree("call", &CALL).await;
        let run = bench.start_with("call", r#"{"values":{"A":"b"}}"#).await;
        let failed = bench.until(run, &[RunState::Error]).await;
        let mut inputs = Map::new();
        inputs.insert("url".into(), "https://up.example.com".into());
        let ids = vec![failed.errors[0].id];
        let edit = Decision { ids, action: Resolution::RetryTask, note: String::new(), inputs };
        let wrong = Decision { action: Resolution::SkipTask, ..edit.clone() };
        let refused = bench.engine.resolve(&bench.actor, wrong).await.unwrap().refused;
        assert_eq!(refused[0].1, "Inputs are edited for Retry Task only.");
        bench.engine.resolve(&bench.actor, edit).await.unwrap();
        let done = bench.until(run, &[RunState::Complete]).await;
        assert_eq!(done.tasks[1].inputs["url"], "https://up.example.com");
        assert_eq!(done.errors[0].resolution["inputs"]["url"], "https://up.example.com");

        let key = || Some("again".to_owned());
        let again = bench.engine.run_again(&bench.actor, run, key()).await.unwrap();
        assert_eq!(bench.engine.run_again(&bench.actor, run, key()).await.unwrap(), again);
        let second = bench.until(again, &[RunState::Error]).await;
        assert_eq!(second.source_data, done.source_data);
        bench.crash().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_task_is_ended_by_hand_and_its_token_is_late() {
    for store in testkit::both().await {
        let bench = Bench::new(&store).await;
        let lines = ["d utilities_defer_v1", "e system_noop_v1", "start -> d", "d -> e"];
        bench.tree("wait", &lines).await;
        for (goes_on, trail_then) in [(true, "start d e"), (false, "start d")] {
            let run = bench.start("wait").await;
            let waiting = bench.until(run, &[RunState::Waiting]).await;
            bench.engine.end_task(&bench.actor, run, 2, goes_on).await.unwrap();
            let done = bench.until(run, &[RunState::Complete]).await;
            assert_eq!(trail(&done), trail_then);
            let delivery = bench.completion(&waiting.tasks[1].token);
            let late = bench.engine.deliver(delivery).await.unwrap();
            let workflows::engine::Delivered::Refused { status, .. } = late else {
                panic!("{late:?}")
            };
            assert_eq!(status, 409);
            let twice = bench.engine.end_task(&bench.actor, run, 2, goes_on).await;
            assert!(twice.unwrap_err().to_string().contains("is done"));
        }
        bench.crash().await;
    }
}

fn bulk(rate: i64) -> BulkDecision {
    BulkDecision {
        filter: Filter { tree: Some("call".into()), ..Filter::default() },
        action: Resolution::RetryTask,
        inputs: Map::new(),
        note: "the host is back".into(),
        rate_per_second: Some(rate),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_errors_are_resolved_in_paced_batches_that_survive_a_crash() {
    for store in testkit::both().await {
        let bench = Bench::new(&store).await;
        refuse(&bench);
        bench.tree("call", &CALL).await;
        let mut runs = Vec::new();
        for _ in 0..25 {
            runs.push(bench.start("call").await);
        }
        for run in &runs {
            bench.until(*run, &[RunState::Error]).await;
        }
        recover(&bench);
        let preview = bench.engine.preview_resolution(&bench.actor, bulk(10).filter).await.unwrap();
        assert_eq!((preview.count, preview.groups.len()), (25, 1));
        let made = bench.engine.begin_resolution(&bench.actor, bulk(10)).await.unwrap();
        assert_eq!((made.total, made.done), (25, 0));
        let mut listener = bench.changes.subscribe();
        let progress = || bench.engine.resolution(&bench.actor, &made.id);
        while progress().await.unwrap().done < 10 {
            listener.next().await;
        }
        // No more before its second is over.
        assert_eq!(progress().await.unwrap().done, 10);
        let paused = bench.engine.steer_resolution(&bench.actor, &made.id, Steering::Pause).await;
        assert_eq!(paused.unwrap().status, "Paused");
        bench.crash().await;

        let next = Bench::new(&store).await;
        next.engine.steer_resolution(&next.actor, &made.id, Steering::Resume).await.unwrap();
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
        let finished = loop {
            next.runtime.advance_ms(1_100);
            let now = next.engine.resolution(&next.actor, &made.id).await.unwrap();
            if now.status == "Complete" {
                break now;
            }
            assert!(tokio::time::Instant::now() < deadline, "{now:?}");
            tokio::task::yield_now().await;
        };
        assert_eq!((finished.done, finished.refused), (25, 0));
        // Runs that the first engine was about to call for are leased to it until then.
        next.runtime.advance_ms(model::limits::LEASE_MS + 1);
        for run in &runs {
            next.until(*run, &[RunState::Complete]).await;
        }
        let done = next.engine.steer_resolution(&next.actor, &made.id, Steering::Cancel).await;
        assert_eq!(done.unwrap_err().to_string(), "The resolution is complete.");
        next.crash().await;
    }
}

/// Runs of the nightly test, as many as an outage leaves behind.
const MANY: usize = 15_000;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: runs at night, see CONTRIBUTING.md"]
async fn fifteen_thousand_errors_are_retried_by_rate_and_none_twice() {
    for store in testkit::both().await {
        let bench = Bench::new(&store).await;
        refuse(&bench);
        bench.tree("call", &CALL).await;
        for _ in 0..MANY / 100 {
            let hundred = (0..100).map(|_| bench.start("call"));
            for run in futures_util::future::join_all(hundred).await {
                bench.until(run, &[RunState::Error]).await;
            }
        }
        recover(&bench);
        let asked = bench.world.keys.lock().unwrap().len();
        let rate = 500;
        let preview = bench.engine.preview_resolution(&bench.actor, bulk(rate).filter).await;
        assert_eq!(preview.unwrap().count, 15_000);
        let made = bench.engine.begin_resolution(&bench.actor, bulk(rate)).await.unwrap();
        let progress = || bench.engine.resolution(&bench.actor, &made.id);
        let mut listener = bench.changes.subscribe();
        // A tenth of a second allows a tenth of the rate.
        let batch = rate / 10;
        for seen in 1..=30 {
            while progress().await.unwrap().done < seen * batch {
                listener.next().await;
            }
            assert_eq!(progress().await.unwrap().done, seen * batch);
            if seen < 30 {
                bench.runtime.advance_ms(100);
            }
        }
        // Who calls it off keeps what is done; another one takes the rest.
        let cancelled =
            bench.engine.steer_resolution(&bench.actor, &made.id, Steering::Cancel).await.unwrap();
        assert_eq!((cancelled.status, cancelled.done), ("Cancelled".into(), 3 * rate));
        let rest = bench.engine.begin_resolution(&bench.actor, bulk(rate)).await.unwrap();
        assert_eq!(rest.total, 15_000 - 3 * rate);
        let mut finished = rest.clone();
        while finished.status != "Complete" {
            bench.runtime.advance_ms(100);
            tokio::time::timeout(std::time::Duration::from_secs(60), listener.next())
                .await
                .expect("it goes on");
            finished = bench.engine.resolution(&bench.actor, &rest.id).await.unwrap();
        }
        assert_eq!((finished.done, finished.refused), (rest.total, 0));
        let states = vec![RunState::Complete];
        let complete = store::runs::Filter { states, ..store::runs::Filter::default() };
        let space = bench.actor.space_id.clone();
        loop {
            let (space, complete) = (space.clone(), complete.clone());
            let count = store.read(move |tx| store::runs::count(tx, &space, &complete));
            if count.await.unwrap() == 15_000 {
                break;
            }
            listener.next().await;
        }
        // Each call once more, and no more.
        assert_eq!(bench.world.keys.lock().unwrap().len(), asked + MANY);
        bench.crash().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resolution_is_cancelled_and_counts_what_it_refuses() {
    let store = testkit::sqlite().await;
    let bench = Bench::resting(&store, crate::bench::World::default()).await;
    bench.engine.run();
    refuse(&bench);
    bench.tree("call", &CALL).await;
    let run = bench.start("call").await;
    bench.until(run, &[RunState::Error]).await;
    let wrong = BulkDecision { action: Resolution::ContinueBranch, ..bulk(1) };
    let made = bench.engine.begin_resolution(&bench.actor, wrong).await.unwrap();
    let mut listener = bench.changes.subscribe();
    let refused = loop {
        let now = bench.engine.resolution(&bench.actor, &made.id).await.unwrap();
        if now.refused == 1 {
            break now;
        }
        listener.next().await;
    };
    assert!(refused.message.unwrap().contains("does not resolve a Handler Error"));
    let steer = bench.engine.steer_resolution(&bench.actor, &made.id, Steering::Cancel).await;
    assert_eq!(steer.unwrap().status, "Cancelled");
    let too_fast = bench.engine.begin_resolution(&bench.actor, bulk(100_000)).await;
    assert!(too_fast.unwrap_err().to_string().contains("from 1 to 1000"));
    bench.crash().await;
}
