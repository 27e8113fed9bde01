//! Leases whose commit got no answer: what the transaction leased is known, and only that of it
//! which is leased is acted on.

use model::id::{JobId, RunId};
use model::time::Micros;
use store::jobs::{self, Claim};
use store::{Error, Lease, Tx, runs};

use crate::claims::fill;
use crate::runs::run;
use model::lane::LaneId;
use model::run::RunState;

const LANE: i64 = 3;
const NOW: Micros = Micros(1_000_000_000);
const UNTIL: Micros = Micros(1_060_000_000);

fn claim_jobs(tx: &mut Tx) -> Result<Vec<JobId>, Error> {
    let claim = Claim { node: "n", now: NOW, until: UNTIL, limit: 2 };
    let claimed = jobs::claim(tx, &claim, &[LaneId(LANE)])?;
    Ok(claimed.into_iter().map(|job| job.id).collect())
}

fn claim_runs(tx: &mut Tx) -> Result<Vec<RunId>, Error> {
    let claim = runs::Claim { node: "n".into(), now: NOW, lease_now: NOW, until: UNTIL };
    runs::claim(tx, &claim, 10)
}

#[tokio::test]
async fn what_a_lost_answer_leased_is_known() {
    let (store, network) = testkit::postgres_behind().await;
    fill(&store, 3, "s", 0, LANE).await;
    let due = move |tx: &mut Tx| {
        let mut due = run(RunState::Waiting);
        due.wake_at = Some(NOW);
        runs::insert(tx, &due)
    };
    let id = store.write(due).await.unwrap().unwrap();
    network.lose_commit("UPDATE 1");
    assert!(matches!(store.write(claim_runs).await, Err(Error::BatchLost)));
    network.lose_commit("UPDATE 2");
    assert!(matches!(store.write(claim_jobs).await, Err(Error::BatchLost)));
    // What is answered is not noted, nor what is rolled back.
    assert_eq!(store.write(claim_jobs).await.unwrap().len(), 1);
    let refused = store.write(|tx: &mut Tx| {
        runs::insert(tx, &leased())?;
        Err::<(), _>(Error::Stale)
    });
    assert!(matches!(refused.await, Err(Error::Stale)));

    assert_eq!(store.unheard().runs(), [id]);
    let jobs = store.unheard().jobs();
    assert_eq!(jobs.len(), 2);
    store.unheard().heard_of_runs(&[id]);
    assert_eq!(store.unheard().runs(), []);
    let known = jobs.clone();
    let freed = store.write(move |tx| jobs::free_unheard(tx, "n", &known)).await.unwrap();
    assert_eq!(freed.len(), 2);
    store.unheard().heard_of_jobs(&freed);
    assert_eq!(store.unheard().jobs(), []);
}

fn leased() -> model::run::Run {
    let mut leased = run(RunState::Running);
    (leased.leased_by, leased.leased_until) = (Some("n".into()), Some(UNTIL));
    leased
}

#[tokio::test]
async fn only_the_very_lease_is_ended() {
    for store in testkit::both().await {
        fill(&store, 2, "s", 0, LANE).await;
        let held = store.write(claim_jobs).await.unwrap();
        let lease = |epoch, until| Lease::Job { id: held[0].clone(), epoch, until };
        let others = [lease(2, UNTIL), lease(1, NOW), Lease::Run(RunId(1))];
        let free =
            |node, leases: Vec<Lease>| store.write(move |tx| jobs::free_unheard(tx, node, &leases));
        assert_eq!(free("n", others.to_vec()).await.unwrap(), []);
        assert_eq!(free("other", vec![lease(1, UNTIL)]).await.unwrap(), []);
        assert_eq!(free("n", vec![lease(1, UNTIL)]).await.unwrap(), [held[0].clone()]);
        // Its epoch has moved.
        assert_eq!(free("n", vec![lease(1, UNTIL)]).await.unwrap(), []);
    }
}

#[tokio::test]
async fn runs_are_told_apart_by_who_leased_them() {
    for store in testkit::both().await {
        let made = store.write(|tx| {
            let free = runs::insert(tx, &run(RunState::Waiting))?.unwrap();
            Ok::<_, Error>([free, runs::insert(tx, &leased())?.unwrap()])
        });
        let made = made.await.unwrap();
        let leased = |node| store.read(move |tx| runs::leased(tx, node, &made));
        assert_eq!(leased("n").await.unwrap(), [made[1]]);
        assert_eq!(leased("other").await.unwrap(), []);
    }
}
