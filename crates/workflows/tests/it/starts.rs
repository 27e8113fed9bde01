//! Starting runs: exactly once for a job, refused for a missing tree.

use crate::bench::{Bench, actor, trail, tree_ref};
use model::id::JobId;
use model::run::RunState;
use std::collections::HashSet;
use workflows::engine::{StartOutcome, StartRequest, TreeRef};

/// A start about Ann.
pub(crate) fn request(bench: &Bench, tree: TreeRef, job: Option<&str>) -> StartRequest {
    let actor = actor();
    StartRequest {
        space_id: actor.space_id,
        tree,
        job_id: job.map(|j| JobId(j.into())),
        key: None,
        parent: None,
        root_id: None,
        inputs: None,
        event_id: None,
        trace_id: actor.cause.trace_id,
        depth: 0,
        record_id: None,
        data: Some("{\"values\":{\"Name\":\"Ann\"}}".into()),
        payload: None,
        at: bench.runtime.now(),
        actor: "ann".into(),
        originator: "test".into(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_starts_of_one_job_make_one_run() {
    for store in testkit::both().await {
        let bench = Bench::new(&store).await;
        bench.tree("two", &["a utilities_echo_v1 input=x", "start -> a"]).await;
        let starts = (0..100).map(|_| {
            let (engine, store) = (bench.engine.clone(), bench.store.clone());
            let request = request(&bench, tree_ref("two"), Some("job-1"));
            tokio::spawn(async move {
                let (starter, asked) = (engine.clone(), request);
                let outcome = store.write(move |tx| starter.start(tx, &asked)).await.unwrap();
                let StartOutcome::Started { run, .. } = outcome else { panic!("{outcome:?}") };
                engine.started(run);
                run
            })
        });
        let runs: HashSet<_> =
            futures_util::future::join_all(starts).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(runs.len(), 1);
        let run = runs.into_iter().next().unwrap();
        let detail = bench.until(run, &[RunState::Complete]).await;
        assert_eq!(trail(&detail), "start a");
        assert_eq!(detail.triggers.len(), 1);
        bench.crash().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_or_inactive_tree_is_refused_in_the_documented_words() {
    for store in testkit::both().await {
        let bench = Bench::new(&store).await;
        let engine = bench.engine.clone();
        let asked = request(&bench, tree_ref("gone"), None);
        let outcome = store.write(move |tx| engine.start(tx, &asked)).await.unwrap();
        let message = "The \"Kinetic Task :: Group :: gone\" tree does not exist.".into();
        assert_eq!(outcome, StartOutcome::Refused { status: 404, message });
        bench.crash().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_left_by_a_dead_node_is_taken_up() {
    for store in testkit::both().await {
        let bench = Bench::resting(&store, crate::bench::World::default()).await;
        bench.tree("two", &["a utilities_echo_v1 input=x", "start -> a"]).await;
        let run = bench.start("two").await;
        bench.crash().await;
        let next = Bench::resting(&store, crate::bench::World::default()).await;
        next.runtime.advance_ms(model::limits::LEASE_MS + 1);
        next.engine.run();
        let detail = next.until(run, &[RunState::Complete]).await;
        assert_eq!(trail(&detail), "start a");
        next.crash().await;
    }
}
