//! What a delivered job costs, in writes, statements and fsyncs: counted, never timed.

use crate::receiver::{Answer, Receiver};
use crate::world::World;
use model::job::State;
use serde_json::json;
use std::sync::{Arc, Mutex, mpsc};
use store::{Stats, Store};

/// Has every writer of a store wait until the returned sender is dropped.
async fn hold(store: &Store, writers: usize) -> mpsc::Sender<()> {
    let (gate, closed) = mpsc::channel::<()>();
    let closed = Arc::new(Mutex::new(closed));
    let (arrived, mut at_gate) = tokio::sync::mpsc::channel(writers);
    for _ in 0..writers {
        let (store, closed, arrived) = (store.clone(), closed.clone(), arrived.clone());
        tokio::spawn(async move {
            let waited = store.write(move |_| {
                let _ = arrived.try_send(());
                // The first one waits for the gate, the others for the first one.
                let _ = closed.lock().unwrap().recv();
                Ok::<_, store::Error>(())
            });
            waited.await.unwrap();
        });
        // One after the other: those that wait together would share a writer.
        at_gate.recv().await.unwrap();
    }
    gate
}

/// Starts delivering and has one job delivered: what loops do once at their start is done then, and
/// the webhooks are read.
async fn warm_up(world: &World) {
    world.webhooks.deliver();
    world.commit(vec![world.submitted(0, &json!({"A": 1}))]).await;
    world.until_all(State::Complete).await;
}

fn spent(store: &Store, before: &Stats) -> Stats {
    let now = store.stats();
    Stats {
        commits: now.commits - before.commits,
        closures: now.closures - before.closures,
        statements: now.statements - before.statements,
        syncs: now.syncs - before.syncs,
        ..now
    }
}

#[tokio::test]
async fn a_delivered_job_is_two_writes() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        let receiver = Receiver::always(Answer::Status(200, "ok")).await;
        world.webhook("out", "values('A') == 1", &receiver.url("/")).await;
        warm_up(&world).await;
        let event = world.submitted(1, &json!({"A": 1}));
        // Only the birth and the outcome write; looks into the table read.
        let before = store.stats();
        world.commit(vec![event]).await;
        let born = spent(&store, &before);
        assert_eq!((born.closures, born.commits), (1, 1), "the birth, with its event");
        world.until_all(State::Complete).await;
        let whole = spent(&store, &before);
        assert_eq!((whole.closures, whole.commits), (2, 2), "and the outcome");
        world.runtime.stop().await;
    }
}

#[tokio::test]
async fn jobs_under_load_share_their_commits_and_fsyncs() {
    const JOBS: usize = 200;
    let store = testkit::sqlite().await;
    let world = Arc::new(World::new(&store).await);
    world.webhook("out", "values('A') == 1", "https://example.com/").await;
    // The webhooks are read before they are counted on.
    drop(world.webhooks.prepare(vec![world.submitted(0, &json!({}))]).await.unwrap());
    let gate = hold(&store, 1).await;
    let before = store.stats();
    let mut births = tokio::task::JoinSet::new();
    for n in 0..JOBS {
        let (world, event) = (world.clone(), world.submitted(n, &json!({"A": 1})));
        births.spawn(async move { world.commit(vec![event]).await });
    }
    while store.stats().waiting < JOBS as u64 {
        tokio::task::yield_now().await;
    }
    drop(gate);
    births.join_all().await;
    let births = spent(&store, &before);
    assert!(births.commits <= 2, "the gate's and theirs: {births:?}");
    assert!(births.syncs <= 4, "a checkpoint may be among them: {births:?}");
    assert_eq!(births.statements, 2 * JOBS as u64, "an event with its check, and its job");
    assert_eq!(world.jobs().await.len(), JOBS);
}

#[tokio::test]
async fn outcomes_of_a_batch_are_few_commits_and_on_postgres_few_statements() {
    const JOBS: usize = 100;
    for store in testkit::both().await {
        let world = World::new(&store).await;
        let receiver = Receiver::always(Answer::Status(200, "ok")).await;
        world.webhook("out", "", &receiver.url("/")).await;
        warm_up(&world).await;
        let is_sqlite = store.dialect() == store::Dialect::Sqlite;
        let events = (0..JOBS).map(|n| world.submitted(n, &json!({})));
        let prepared = world.webhooks.prepare(events.collect()).await.unwrap();
        let prepared = Arc::new(prepared);
        world.write(&prepared).await.unwrap();
        // All are delivered before any outcome can be written.
        let gate = hold(&store, if is_sqlite { 1 } else { testkit::POSTGRES_WRITERS }).await;
        let before = store.stats();
        prepared.committed();
        receiver.wait_for(1 + JOBS).await;
        // A place in a lane is given back in the moment in which the outcome is reported.
        while world.webhooks.load() != (0, 0) {
            tokio::task::yield_now().await;
        }
        drop(gate);
        world.until_all(State::Complete).await;
        let outcomes = spent(&store, &before);
        // What was reported before the writer was asked, and the rest of it.
        let writes = outcomes.closures;
        assert!(writes <= 3, "{outcomes:?}");
        // Those of the lists that are waited by are among them.
        let rest = outcomes.statements;
        assert!(if is_sqlite { rest >= 2 * JOBS as u64 } else { rest <= 20 }, "{outcomes:?}");
        world.runtime.stop().await;
    }
}
