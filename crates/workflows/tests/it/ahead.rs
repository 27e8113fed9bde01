//! Starts that were decided ahead: what a run does before it first waits is written with it.

use crate::bench::{Bench, World, trail, tree_json, tree_ref};
use crate::starts::request;
use model::id::RunId;
use model::run::RunState;
use std::sync::Arc;
use store::Store;
use workflows::definition::Format;
use workflows::engine::{PreparedStart, StartOutcome};
use workflows::trees::{TreeInput, TreeKey};

const TWO: &[&str] = &["a utilities_echo_v1 input=<%=@values['Name']%>", "start -> a"];

fn prepare(bench: &Bench, tree: &str, job: &str) -> Arc<PreparedStart> {
    Arc::new(bench.engine.prepare(request(bench, tree_ref(tree), Some(job))))
}

async fn apply(store: &Store, prepared: &Arc<PreparedStart>) -> StartOutcome {
    let prepared = Arc::clone(prepared);
    store.write(move |tx| prepared.apply(tx)).await.unwrap()
}

async fn started(store: &Store, prepared: &Arc<PreparedStart>) -> RunId {
    match apply(store, prepared).await {
        StartOutcome::Started { run, .. } => run,
        StartOutcome::Refused { message, .. } => panic!("{message}"),
    }
}

/// Runs the tree once, so that the engine knows it.
async fn acquaint(bench: &Bench, tree: &str, state: RunState) {
    let run = bench.start_with(tree, "{\"values\":{\"Name\":\"Bob\"}}").await;
    bench.until(run, &[state]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_of_pure_nodes_is_finished_by_the_write_that_starts_it() {
    for store in testkit::both().await {
        let bench = Bench::new(&store).await;
        bench.tree("two", TWO).await;
        acquaint(&bench, "two", RunState::Complete).await;
        let prepared = prepare(&bench, "two", "job-1");
        let before = store.stats();
        let run = started(&store, &prepared).await;
        let after = store.stats();
        bench.engine.started(run);
        // The run if its tree still stands, its two tasks, its trigger.
        assert_eq!(after.closures - before.closures, 1);
        assert_eq!(after.statements - before.statements, 3);
        let done = bench.detail(run).await;
        assert_eq!(done.run.state, RunState::Complete);
        assert_eq!((done.run.version, done.run.leased_by.clone()), (0, None));
        assert_eq!(trail(&done), "start a");
        assert_eq!(done.tasks[1].results["output"], "Ann");
        assert_eq!(done.triggers.len(), 1);
        // Asked again for the same job, it answers with the same run.
        assert_eq!(started(&store, &prepared).await, run);
        bench.crash().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_of_forty_nodes_costs_one_closure_and_few_statements() {
    let store = testkit::sqlite().await;
    let bench = Bench::new(&store).await;
    let mut lines = vec!["n1 utilities_echo_v1 input=x".to_owned(), "start -> n1".into()];
    for number in 2..40 {
        let before = number - 1;
        lines.push(format!(
            "n{number} utilities_echo_v1 input=<%=@results['n{before}']['output']%>"
        ));
        lines.push(format!("n{before} -> n{number}"));
    }
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    bench.tree("forty", &lines).await;
    acquaint(&bench, "forty", RunState::Complete).await;
    let prepared = prepare(&bench, "forty", "job-1");
    let before = store.stats();
    let run = started(&store, &prepared).await;
    let after = store.stats();
    assert_eq!(after.closures - before.closures, 1);
    // The run, forty tasks in three statements, the trigger.
    assert_eq!(after.statements - before.statements, 5);
    let done = bench.detail(run).await;
    assert_eq!(done.tasks.len(), 40);
    assert_eq!(done.tasks[39].results["output"], "x");
    bench.crash().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tree_the_engine_does_not_know_yet_costs_two_closures() {
    let store = testkit::sqlite().await;
    let bench = Bench::new(&store).await;
    bench.tree("other", TWO).await;
    acquaint(&bench, "other", RunState::Complete).await;
    bench.tree("two", TWO).await;
    let mut listener = bench.changes.subscribe();
    let before = store.stats();
    let run = started(&store, &prepare(&bench, "two", "job-1")).await;
    bench.engine.started(run);
    listener.next().await;
    let after = store.stats();
    assert_eq!(after.closures - before.closures, 2);
    // Tree and run at the start; the guarded update, two tasks and a trigger at the end; the tree
    // and its version are read once for its plan.
    assert_eq!(after.statements - before.statements, 2 + 3 + 2);
    assert_eq!(bench.detail(run).await.run.state, RunState::Complete);
    bench.crash().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tree_that_moves_in_between_starts_as_it_then_is() {
    for store in testkit::both().await {
        let bench = Bench::new(&store).await;
        bench.tree("two", TWO).await;
        acquaint(&bench, "two", RunState::Complete).await;
        let prepared = prepare(&bench, "two", "job-1");
        let lines = ["b utilities_echo_v1 input=new", "start -> b"];
        let key = TreeKey::Title("Kinetic Task :: Group :: two".into());
        let input = TreeInput {
            definition: Some((Format::Json, tree_json(&lines).to_string())),
            ..TreeInput::default()
        };
        bench.engine.update_tree(&bench.actor, &key, input).await.unwrap();
        let run = started(&store, &prepared).await;
        bench.engine.started(run);
        let done = bench.until(run, &[RunState::Complete]).await;
        assert_eq!(trail(&done), "start b");

        let prepared = prepare(&bench, "two", "job-2");
        bench.engine.delete_tree(&bench.actor, &key).await.unwrap();
        let refused = apply(&store, &prepared).await;
        assert!(matches!(refused, StartOutcome::Refused { status: 404, .. }), "{refused:?}");
        bench.crash().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_is_rolled_back_leaves_nothing() {
    for store in testkit::both().await {
        let bench = Bench::new(&store).await;
        bench.tree("two", TWO).await;
        acquaint(&bench, "two", RunState::Complete).await;
        let prepared = prepare(&bench, "two", "job-1");
        let lost = Arc::clone(&prepared);
        let refused = store
            .write(move |tx| {
                lost.apply(tx)?;
                Err::<(), _>(store::Error::Stale)
            })
            .await;
        assert!(refused.is_err());
        // On SQLite the next run has the number of the lost one; it has a walk before it.
        bench.tree("wait", &["d utilities_defer_v1", "start -> d"]).await;
        let next = started(&store, &prepare(&bench, "wait", "job-2")).await;
        bench.engine.started(next);
        bench.until(next, &[RunState::Waiting]).await;
        let run = started(&store, &prepared).await;
        bench.engine.started(run);
        assert_eq!(trail(&bench.detail(run).await), "start a");
        bench.crash().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn outside_work_that_was_reached_ahead_begins_after_the_commit_and_once() {
    for store in testkit::both().await {
        let bench = Bench::new(&store).await;
        let lines = [
            "a utilities_echo_v1 input=x",
            "h kapok_http_request_v1 url=https://example.com",
            "e system_noop_v1",
            "start -> a",
            "a -> h",
            "h -> e",
        ];
        bench.tree("call", &lines).await;
        acquaint(&bench, "call", RunState::Complete).await;
        bench.world.keys.lock().unwrap().clear();
        let prepared = prepare(&bench, "call", "job-1");
        let before = store.stats();
        let run = started(&store, &prepared).await;
        assert!(bench.world.keys.lock().unwrap().is_empty());
        assert_eq!(trail(&bench.detail(run).await), "start a [h]");
        bench.engine.started(run);
        let done = bench.until(run, &[RunState::Complete]).await;
        assert_eq!(trail(&done), "start a h e");
        assert_eq!(*bench.world.keys.lock().unwrap(), [done.tasks[2].token.clone()]);
        // The start, and what came of the call.
        assert_eq!(store.stats().closures - before.closures, 2);

        // A process that dies between the two leaves it to the next one, with the same key.
        let run = started(&store, &prepare(&bench, "call", "job-2")).await;
        bench.crash().await;
        let next = Bench::resting(&store, World::default()).await;
        next.runtime.advance_ms(model::limits::LEASE_MS + 1);
        next.engine.run();
        let done = next.until(run, &[RunState::Complete]).await;
        assert_eq!(*next.world.keys.lock().unwrap(), [done.tasks[2].token.clone()]);
        next.crash().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn waits_that_were_reached_ahead_end_by_the_clock_and_by_their_token() {
    for store in testkit::both().await {
        let bench = Bench::new(&store).await;
        let wait = "w system_wait_v1 Time~to~wait=2 Time~unit=Minute";
        bench.tree("wait", &[wait, "e system_noop_v1", "start -> w", "w -> e"]).await;
        let lines = ["d utilities_defer_v1", "e system_noop_v1", "start -> d", "d -> e"];
        bench.tree("defer", &lines).await;
        acquaint(&bench, "wait", RunState::Waiting).await;
        acquaint(&bench, "defer", RunState::Waiting).await;
        let timed = started(&store, &prepare(&bench, "wait", "job-1")).await;
        bench.engine.started(timed);
        let deferred = started(&store, &prepare(&bench, "defer", "job-2")).await;
        bench.engine.started(deferred);
        let waiting = bench.detail(deferred).await;
        assert_eq!((waiting.run.state, waiting.run.version), (RunState::Waiting, 0));
        assert_eq!(trail(&waiting), "start [d]");
        let delivery = bench.completion(&waiting.tasks[1].token);
        bench.engine.deliver(delivery).await.unwrap();
        let done = bench.until(deferred, &[RunState::Complete]).await;
        assert_eq!(trail(&done), "start d e");
        assert_eq!(bench.detail(timed).await.run.state, RunState::Waiting);
        bench.runtime.advance_ms(120_000);
        let done = bench.until(timed, &[RunState::Complete]).await;
        assert_eq!(trail(&done), "start w e");
        bench.crash().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_the_runs_number_or_fails_is_walked_after_the_start() {
    for store in testkit::both().await {
        let bench = Bench::new(&store).await;
        let number = "a utilities_echo_v1 input=<%=@run['Id']%>";
        bench.tree("number", &[number, "start -> a"]).await;
        acquaint(&bench, "number", RunState::Complete).await;
        let run = started(&store, &prepare(&bench, "number", "job-1")).await;
        bench.engine.started(run);
        let done = bench.until(run, &[RunState::Complete]).await;
        assert_eq!(done.tasks[1].results["output"], run.to_string());

        let fails = "a utilities_echo_v1 input=<%=@values['Nmae']%>";
        bench.tree("fails", &[fails, "start -> a"]).await;
        acquaint(&bench, "fails", RunState::Error).await;
        let run = started(&store, &prepare(&bench, "fails", "job-2")).await;
        bench.engine.started(run);
        let failed = bench.until(run, &[RunState::Error]).await;
        assert_eq!((failed.errors.len(), trail(&failed).as_str()), (1, "start [a]"));
        bench.crash().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_run_is_walked_ahead_only_so_far() {
    for store in testkit::both().await {
        let bench = Bench::new(&store).await;
        let items: Vec<usize> = (0..150).collect();
        let items = serde_json::to_string(&items).unwrap();
        let head = format!("h_2 system_loop_head_v1 data_source={items} loop_path=$[*]");
        let lines = [
            head.as_str(),
            "e system_noop_v1",
            "t system_loop_tail_v1 type=All",
            "start -> h_2",
            "h_2 -> e",
            "h_2 -> t",
            "e -> t",
        ];
        bench.tree("long", &lines).await;
        acquaint(&bench, "long", RunState::Complete).await;
        let run = started(&store, &prepare(&bench, "long", "job-1")).await;
        let begun = bench.detail(run).await;
        assert_eq!(begun.run.state, RunState::Running);
        assert_eq!(begun.tasks.len(), model::limits::STEPS_AHEAD_MAX);
        bench.engine.started(run);
        let done = bench.until(run, &[RunState::Complete]).await;
        assert_eq!(done.tasks.len(), 1 + 1 + 150 + 1);
        bench.crash().await;
    }
}
