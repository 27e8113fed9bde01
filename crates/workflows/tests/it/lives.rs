//! Lives of runs: timers, outside work, interruptions, errors and their resolution.

use crate::bench::{Bench, World, trail};
use model::run::RunState;
use serde_json::Value;
use std::time::Duration;
use tokio::sync::Semaphore;
use workflows::errors::Decision;
use workflows::runs::Detail;
use workflows::step::state::Resolution;

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_ends_by_the_clock_and_survives_a_restart() {
    for store in testkit::both().await {
        let bench = Bench::new(&store).await;
        bench
            .tree(
                "wait",
                &[
                    "w system_wait_v1 Time~to~wait=2 Time~unit=Hour",
                    "e system_noop_v1",
                    "start -> w",
                    "w -> e",
                ],
            )
            .await;
        let first = bench.start("wait").await;
        let second = bench.start("wait").await;
        let waiting = bench.until(first, &[RunState::Waiting]).await;
        assert_eq!(waiting.view()["waitingFor"][0]["kind"], "timer");
        bench.until(second, &[RunState::Waiting]).await;
        assert_eq!(waiting.run.leased_by, None);
        bench.runtime.advance_ms(2 * 3_600_000);
        let done = bench.until(first, &[RunState::Complete]).await;
        assert_eq!(trail(&done), "start w e");
        bench.until(second, &[RunState::Complete]).await;
        let third = bench.start("wait").await;
        bench.until(third, &[RunState::Waiting]).await;
        bench.crash().await;

        let next = Bench::new(&store).await;
        next.runtime.advance_ms(5 * 3_600_000);
        let done = next.until(third, &[RunState::Complete]).await;
        assert_eq!(trail(&done), "start w e");
        next.crash().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_call_is_repeated_with_its_key_and_nothing_else_is() {
    for store in testkit::both().await {
        let gate = Some(Semaphore::new(0));
        let bench = Bench::resting(&store, World { gate, ..World::default() }).await;
        bench.engine.run();
        bench
            .tree(
                "call",
                &[
                    "a utilities_echo_v1 input=x",
                    "h kapok_http_request_v1 url=https://example.com",
                    "e system_noop_v1",
                    "start -> a",
                    "a -> h",
                    "h -> e",
                ],
            )
            .await;
        let run = bench.start("call").await;
        bench.world.called.notified().await;
        let before = bench.detail(run).await;
        assert_eq!(trail(&before), "start a [h]");
        assert_eq!(before.run.state, RunState::Running);
        let first = bench.world.keys.lock().unwrap().clone();
        // The process dies in the middle of the call; its lease runs out.

        let next = Bench::resting(&store, World::default()).await;
        next.runtime.advance_ms(model::limits::LEASE_MS + 1);
        next.engine.run();
        let done = next.until(run, &[RunState::Complete]).await;
        assert_eq!(trail(&done), "start a h e");
        assert_eq!(*next.world.keys.lock().unwrap(), first);
        assert_eq!(done.tasks[1].started_at, before.tasks[1].started_at);
        assert_eq!(done.tasks[2].results["Response Body"], "pong");
        // The late answer of the dead process changes nothing.
        bench.world.gate.as_ref().unwrap().add_permits(10);
        bench.crash().await;
        assert_eq!(next.detail(run).await.run.version, done.run.version);
        next.crash().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_waits_for_a_decision_and_the_run_goes_on() {
    for store in testkit::both().await {
        let bench = Bench::new(&store).await;
        let url = "https://down.example.com";
        bench.world.refusals.lock().unwrap().insert(url.into(), "connection refused".into());
        bench
            .tree(
                "call",
                &[
                    "h kapok_http_request_v1 url=https://down.example.com",
                    "e system_noop_v1",
                    "start -> h",
                    "h -> e",
                ],
            )
            .await;
        let run = bench.start("call").await;
        let failed = bench.until(run, &[RunState::Error]).await;
        assert_eq!(failed.errors[0].kind, "Handler Error");
        assert_eq!(failed.errors[0].text, "connection refused");
        assert_eq!(failed.view()["nodes"][1]["state"], "error");
        let decide = |action| Decision {
            ids: vec![failed.errors[0].id],
            action,
            note: "".into(),
            inputs: serde_json::Map::new(),
        };
        let wrong = bench.engine.resolve(&bench.actor, decide(Resolution::ContinueBranch)).await;
        assert_eq!(wrong.unwrap().refused.len(), 1);

        bench.world.refusals.lock().unwrap().clear();
        let retried = bench.engine.resolve(&bench.actor, decide(Resolution::RetryTask)).await;
        assert_eq!(retried.unwrap().done.len(), 1);
        let done = bench.until(run, &[RunState::Complete]).await;
        assert_eq!(trail(&done), "start h e");
        let keys = bench.world.keys.lock().unwrap().clone();
        assert_eq!(keys[0], keys[1]);
        let again = bench.engine.resolve(&bench.actor, decide(Resolution::RetryTask)).await;
        assert_eq!(again.unwrap().refused[0].1, "The error 1 was resolved before.");
        assert_eq!(done.errors[0].resolution["action"], "Retry Task");
        bench.crash().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn submissions_are_made_and_changed_through_the_port() {
    let store = testkit::sqlite().await;
    let bench = Bench::new(&store).await;
    bench
        .tree(
            "make",
            &[
                "s system_submission_create_v1 kappSlug=services formSlug=approval \
                 values.Name=Ann",
                "u system_submission_update_v1 id=42 coreState=Closed",
                "start -> s",
                "s -> u",
            ],
        )
        .await;
    let run = bench.start("make").await;
    let done = bench.until(run, &[RunState::Complete]).await;
    assert_eq!(done.tasks[1].results["Id"], "new-approval");
    assert_eq!(done.tasks[1].inputs["values.Name"], "Ann");
    assert_eq!(done.tasks[2].results["Id"], "42");
    assert_eq!(bench.world.keys.lock().unwrap().len(), 2);
    bench.crash().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_is_started_by_hand_in_a_finished_run() {
    let store = testkit::sqlite().await;
    let bench = Bench::new(&store).await;
    let lines = [
        "a utilities_echo_v1 input=x",
        "b utilities_echo_v1 input=<%=~@results['a']['output']~%>",
        "start -> a",
    ];
    bench.tree("two", &lines).await;
    let run = bench.start("two").await;
    bench.until(run, &[RunState::Complete]).await;
    let place = workflows::step::state::Place { branch: 0, loop_index: "/".into() };
    let manual =
        workflows::runs::ManualTrigger { node: "b".into(), place, at: None, criterion: None };
    bench.engine.trigger_by_hand(&bench.actor, run, manual).await.unwrap();
    let mut listener = bench.changes.subscribe();
    while trail(&bench.detail(run).await) != "start a b" {
        listener.next().await;
    }
    assert_eq!(bench.detail(run).await.tasks[2].results["output"], "x");
    bench.crash().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_completion_moves_a_run_whose_call_is_under_way() {
    for store in testkit::both().await {
        let gate = Some(Semaphore::new(0));
        let bench = Bench::resting(&store, World { gate, ..World::default() }).await;
        bench.engine.run();
        bench
            .tree(
                "both",
                &[
                    "d utilities_defer_v1",
                    "h kapok_http_request_v1 url=https://example.com",
                    "e system_noop_v1",
                    "start -> d",
                    "start -> h",
                    "d -> e",
                ],
            )
            .await;
        let run = bench.start("both").await;
        bench.world.called.notified().await;
        let before = bench.detail(run).await;
        let delivery = bench.completion(&before.tasks[1].token);
        bench.engine.deliver(delivery).await.unwrap();
        let mut listener = bench.changes.subscribe();
        while trail(&bench.detail(run).await) != "start d [h] e" {
            listener.next().await;
        }
        bench.world.gate.as_ref().unwrap().add_permits(1);
        let done = bench.until(run, &[RunState::Complete]).await;
        assert_eq!(trail(&done), "start d h e");
        assert_eq!(bench.world.keys.lock().unwrap().len(), 1);
        bench.crash().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_nothing_would_move_gets_an_error_that_says_so() {
    for store in testkit::both().await {
        let bench = Bench::new(&store).await;
        bench.tree("wait", &["d utilities_defer_v1", "start -> d"]).await;
        let (stuck, sound) = (bench.start("wait").await, bench.start("wait").await);
        let waiting = bench.until(stuck, &[RunState::Waiting]).await;
        bench.until(sound, &[RunState::Waiting]).await;
        // Somebody meddles with the database: the task no longer waits, and nobody tells the run.
        let task = waiting.tasks[1].id;
        store.write(move |tx| store::tasks::take_deferral(tx, task)).await.unwrap();
        bench.runtime.advance_ms(200_000);
        let found = bench.until(stuck, &[RunState::Error]).await;
        assert_eq!(found.errors[0].kind, "Tree Error");
        assert!(found.errors[0].text.contains("nothing is left that would move it"));
        assert_eq!(bench.detail(sound).await.run.state, RunState::Waiting);
        bench.crash().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loop_that_is_over_shows_its_own_connector_as_taken() {
    let store = testkit::sqlite().await;
    let bench = Bench::new(&store).await;
    let lines = [
        "h_2 system_loop_head_v1 data_source=[1,2] loop_path=$[*]",
        "d utilities_defer_v1! deferral~message=m",
        "t system_loop_tail_v1 type=All",
        "start -> h_2",
        "h_2 -> d",
        "h_2 -> t",
        "d -> t",
    ];
    bench.tree("loop", &lines).await;
    let run = bench.start("loop").await;
    let taken = |detail: &Detail, from: &str, to: &str| {
        let view = detail.view();
        let all = view["connectors"].as_array().unwrap();
        let connector = all.iter().find(|c| c["from"] == from && c["to"] == to).unwrap();
        connector["taken"].clone()
    };
    let open = bench.until(run, &[RunState::Waiting]).await;
    assert_eq!(taken(&open, "h_2", "d"), true);
    assert_eq!(taken(&open, "h_2", "t"), Value::Null, "it goes on");
    for task in open.tasks.iter().filter(|task| task.node_id == "d") {
        bench.engine.deliver(bench.completion(&task.token)).await.unwrap();
    }
    let done = bench.until(run, &[RunState::Complete]).await;
    assert_eq!(taken(&done, "h_2", "t"), true);
    bench.crash().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_in_doubt_claims_nothing_and_waits_at_rest() {
    for store in testkit::both().await {
        let bench = Bench::new(&store).await;
        let lines = ["w system_wait_v1 Time~to~wait=1 Time~unit=Hour", "start -> w"];
        bench.tree("wait", &lines).await;
        let run = bench.start("wait").await;
        bench.until(run, &[RunState::Waiting]).await;
        bench.node.doubt();
        let before = store.stats().reads;
        bench.runtime.advance_ms(3_600_000);
        // Real time, for a loop that does not wait to go round some thousand times.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let looks = store.stats().reads - before;
        assert!(looks <= 10, "{looks} reads while there is nothing that it may do");
        assert_eq!(bench.detail(run).await.run.state, RunState::Waiting);
        bench.node.sign(&bench.runtime, Duration::MAX, bench.runtime.now(), 1);
        bench.runtime.advance_ms(1_000);
        bench.until(run, &[RunState::Complete]).await;
        bench.crash().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_call_brought_outlasts_an_outage_of_the_store() {
    let (kept, network) = testkit::postgres_behind().await;
    let limits = store::Limits { reconnect_time: Duration::from_millis(50), ..Default::default() };
    let store = store::Store::open_with(kept.options(), limits).await.unwrap();
    let world = World { gate: Some(Semaphore::new(0)), ..World::default() };
    let bench = Bench::resting(&store, world).await;
    bench.engine.run();
    let lines = ["h kapok_http_request_v1 url=https://example.com", "e system_noop_v1"];
    bench.tree("call", &[lines[0], lines[1], "start -> h", "h -> e"]).await;
    let run = bench.start("call").await;
    bench.world.called.notified().await;
    network.set(testkit::Weather::Cut);
    bench.world.gate.as_ref().unwrap().add_permits(1);
    let pass = async |seconds: usize| {
        for _ in 0..seconds {
            bench.runtime.advance_ms(1_000);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    // Longer than any number of attempts that somebody might think enough.
    pass(40).await;
    network.set(testkit::Weather::Fair);
    let gone_on = async {
        loop {
            pass(1).await;
            let detail = bench.detail(run).await;
            if detail.run.state != RunState::Running {
                return detail;
            }
        }
    };
    let done = tokio::time::timeout(Duration::from_secs(20), gone_on).await.unwrap();
    assert_eq!((done.run.state, trail(&done).as_str()), (RunState::Complete, "start h e"));
    assert_eq!(bench.world.keys.lock().unwrap().len(), 1, "it calls once");
    bench.crash().await;
}
