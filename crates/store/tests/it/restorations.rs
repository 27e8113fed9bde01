//! A restored copy waits: nothing that it remembers as unfinished is claimed before a decision.

use model::Audit;
use model::id::{RunId, SpaceId};
use model::space::Space;
use model::time::Micros;
use store::restorations::{self, PAUSED_BY};
use store::{Sql, Store, Tx, lives};

fn space() -> Space {
    Space {
        id: SpaceId("s".to_owned()),
        slug: "s".to_owned(),
        name: "S".to_owned(),
        attributes: model::Attributes::new(),
        properties: model::Attributes::new(),
        version: 0,
        audit: Audit::created(Micros(0), "admin"),
    }
}

const JOBS: Sql = Sql::both(
    "INSERT INTO jobs (id, space_id, trace_id, depth, name, type_name, event, parent_type, \
     parent_id, parent_key, url, state, retry_count, scheduled_at, epoch, created_at, created_by, \
     updated_at, updated_by) SELECT $1, 's', 't', 0, 'w', 'User', 'Created', 'User', 'u', 'u', \
     'http://x/', $2, 0, 1, 1, CAST($3 AS BIGINT), 'admin', 1, 'admin'",
);
const RUN: Sql = Sql::both(
    "INSERT INTO runs (id, space_id, tree_id, tree_version_id, trace_id, depth, state, token, \
     engine_state, originator, version, created_at, created_by, updated_at, wake_at) \
     VALUES ($1, 's', 't', 1, 't', 0, 'Running', 'x', '{}', 'test', 1, $2, 'admin', 5, 6)",
);
const STATES: Sql = Sql::both("SELECT id || ' ' || state FROM jobs ORDER BY id");

async fn claimed(store: &Store) -> Vec<i64> {
    let claim = store::runs::Claim {
        node: "n".into(),
        until: Micros(9),
        now: Micros(8),
        lease_now: Micros(8),
    };
    let runs = store.write(move |tx| store::runs::claim(tx, &claim, 10)).await.unwrap();
    runs.into_iter().map(|run| run.0).collect()
}

#[tokio::test]
async fn what_the_copy_remembers_waits_and_what_is_new_goes_on() {
    for store in testkit::both().await {
        let fill = |tx: &mut Tx| {
            store::spaces::insert(tx, &space())?;
            for (id, state, at) in [
                ("a", "Queued", 1),
                ("b", "In Progress", 1),
                ("c", "Failed", 1),
                ("d", "Queued", 8),
            ] {
                tx.push(&JOBS, &[id.into(), state.into(), at.into()])?;
            }
            tx.push(&RUN, &[1.into(), 5.into()])?;
            restorations::hold(tx, Micros(7), "the copy is an hour old")?;
            tx.push(&RUN, &[2.into(), 8.into()])
        };
        store.write::<_, store::Error, _>(fill).await.unwrap();
        let id = space().id;
        let read = move |tx: &mut Tx| {
            let held = restorations::of_space(tx, &id)?.unwrap();
            let jobs = restorations::waiting_jobs(tx, &held)?;
            let runs = restorations::due_runs(tx, &held, RunId(0), 10)?;
            let settings = store::delivery::of_space(tx, &id)?;
            Ok::<_, store::Error>((held, jobs, runs, settings))
        };
        let (held, jobs, runs, settings) = store.read(read).await.unwrap();
        assert_eq!((jobs, runs), (2, vec![RunId(1)]));
        assert_eq!(settings.paused_by.as_deref(), Some(PAUSED_BY));
        assert_eq!(claimed(&store).await, [2]);
        assert_eq!(store.read(store::runs::next_wake).await.unwrap(), None, "nobody spins");

        let cancel = move |tx: &mut Tx| {
            let mut sizes = Vec::new();
            loop {
                let count = restorations::cancel_jobs(tx, &held, Micros(9), "admin", 1)?;
                if count == 0 {
                    return Ok::<_, store::Error>(sizes);
                }
                sizes.push(count);
            }
        };
        assert_eq!(store.write(cancel).await.unwrap(), [1, 1]);
        let states = store.read::<_, store::Error, _>(|tx| tx.query(&STATES, &[], |r| r.text(0)));
        let states = states.await.unwrap();
        assert_eq!(states, ["a Cancelled", "b Cancelled", "c Failed", "d Queued"]);

        let decide = |tx: &mut Tx| {
            restorations::decide_jobs(tx, &space().id)?;
            assert!(restorations::of_space(tx, &space().id)?.is_some(), "runs still wait");
            restorations::decide_runs(tx, &space().id)?;
            restorations::of_space(tx, &space().id)
        };
        assert_eq!(store.write::<_, store::Error, _>(decide).await.unwrap(), None);
        assert_eq!(claimed(&store).await, [1]);
    }
}

#[tokio::test]
async fn a_life_has_one_name_and_only_grows() {
    for store in testkit::both().await {
        assert_eq!(store.read(lives::read).await.unwrap(), None);
        let beat =
            |name: &'static str, from: i64| store.write(move |tx| lives::beat(tx, name, from));
        let first = beat("one", 0).await.unwrap();
        let second = beat("two", 0).await.unwrap();
        assert_eq!((second.id.as_str(), second.beat), ("one", first.beat + 1));
        assert!(beat("one", 100).await.unwrap().beat > 100);
    }
}
