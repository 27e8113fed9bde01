//! Runs that wait: those that nothing will ever move are found page by page.

use model::id::{RunId, SpaceId, TraceId, TreeId, TreeVersionId};
use model::run::{Run, RunState, TaskStatus};
use model::time::Micros;
use store::runs::Looked;
use store::tasks::Written;
use store::{Error, Store, Tx, runs, tasks};

pub(crate) fn run(state: RunState) -> Run {
    Run {
        id: RunId(0),
        space_id: SpaceId("space".into()),
        tree_id: TreeId("tree".into()),
        tree_version_id: TreeVersionId(1),
        job_id: None,
        start_key: None,
        parent: None,
        root_id: None,
        event_id: None,
        trace_id: TraceId("trace".into()),
        depth: 0,
        source_record_id: None,
        source_data: None,
        inputs: None,
        state,
        token: "t".into(),
        engine_state: "{}".into(),
        originator: "test".into(),
        leased_by: None,
        leased_until: None,
        wake_at: None,
        version: 0,
        created_at: Micros(1),
        created_by: "ann".into(),
        updated_at: Micros(1),
        finished_at: None,
    }
}

fn deferred(seq: i64, token: &str) -> Written {
    let object = || "{}".to_owned();
    Written {
        seq,
        token: token.into(),
        branch_id: 1,
        node_id: "d".into(),
        node_name: "d".into(),
        definition_id: "utilities_defer_v1".into(),
        loop_index: "/".into(),
        status: TaskStatus::WorkInProgress,
        deferred: true,
        inputs: object(),
        results: object(),
        deferred_results: object(),
        connectors: "[]".into(),
        messages: "[]".into(),
        started_at: Micros(1),
        finished_at: None,
    }
}

async fn look(store: &Store, after: i64, limit: usize) -> Looked {
    let state = RunState::Waiting;
    let look = move |tx: &mut Tx| runs::look(tx, state, RunId(after), Micros(10), limit);
    store.read::<_, Error, _>(look).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn unfinished_runs_are_looked_at_page_by_page() {
    for store in testkit::both().await {
        let made = store
            .write(|tx| {
                let mut made = Vec::new();
                for number in 0..6 {
                    let mut run = run(RunState::Waiting);
                    match number {
                        1 => run.wake_at = Some(Micros(99)),
                        2 => run.updated_at = Micros(20),
                        5 => run.state = RunState::Complete,
                        _ => {}
                    }
                    let id = runs::insert(tx, &run)?.unwrap();
                    if number == 3 {
                        tasks::upsert(tx, id, &[deferred(1, "token")])?;
                    }
                    made.push(id);
                }
                Ok::<_, Error>(made)
            })
            .await
            .unwrap();
        // The first waits for nothing; the others for their time, a while, and a completion.
        let first = look(&store, 0, 3).await;
        assert_eq!(first, Looked { stuck: vec![made[0]], last: Some(made[2]) });
        let rest = look(&store, made[2].0, 3).await;
        assert_eq!(rest, Looked { stuck: vec![made[4]], last: None });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_are_added_and_brought_up_to_date_together() {
    for store in testkit::both().await {
        let run = store
            .write(|tx| {
                let id = runs::insert(tx, &run(RunState::Running))?.unwrap();
                let all: Vec<_> = (1..=20).map(|seq| deferred(seq, &seq.to_string())).collect();
                tasks::upsert(tx, id, &all)?;
                let closed = |seq: i64| Written {
                    status: TaskStatus::Closed,
                    deferred: false,
                    messages: "[1]".into(),
                    ..deferred(seq, &seq.to_string())
                };
                tasks::upsert(tx, id, &[closed(3), deferred(21, "21"), closed(20)])?;
                Ok::<_, Error>(id)
            })
            .await
            .unwrap();
        let all = store.read(move |tx| tasks::of_run(tx, run)).await.unwrap();
        assert_eq!(all.len(), 21);
        let closed = all.iter().filter(|task| task.status == TaskStatus::Closed);
        let closed: Vec<(i64, String)> =
            closed.map(|task| (task.seq, task.messages.to_string())).collect();
        assert_eq!(closed, [(3, "[1]".to_owned()), (20, "[1]".to_owned())]);
    }
}
