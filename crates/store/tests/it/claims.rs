//! Claims go lane by lane: what is held or far from due costs nothing, however much of it there is.

use model::id::{JobId, SpaceId, WebhookId};
use model::lane::LaneId;
use model::space::Space;
use model::time::Micros;
use model::{Attributes, Audit};
use store::jobs::{self, Claim};
use store::{Sql, Store};

use crate::is_sqlite;

const NOW: Micros = Micros(1_000_000_000);
const MANY: i64 = 50_000;

const FILL: Sql = Sql::per(
    "INSERT INTO jobs (id, space_id, webhook_id, trace_id, depth, name, type_name, event, \
     parent_type, parent_id, parent_key, url, state, retry_count, scheduled_at, epoch, \
     created_at, created_by, updated_at, updated_by, lane) \
     WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) \
     SELECT $2 || '-' || i, $2, $2, 't', 0, 'n', 'T', 'E', '', '', '', 'https://example.com/', \
     'Queued', 0, $3 + i, 0, 0, 'a', 0, 'a', $4 FROM n",
    "INSERT INTO jobs (id, space_id, webhook_id, trace_id, depth, name, type_name, event, \
     parent_type, parent_id, parent_key, url, state, retry_count, scheduled_at, epoch, \
     created_at, created_by, updated_at, updated_by, lane) \
     SELECT $2 || '-' || i, $2, $2, 't', 0, 'n', 'T', 'E', '', '', '', 'https://example.com/', \
     'Queued', 0, CAST($3 AS BIGINT) + i, 0, 0, 'a', 0, 'a', CAST($4 AS BIGINT) \
     FROM generate_series(1, CAST($1 AS BIGINT)) n (i)",
);
const PAUSE: Sql = Sql::both(
    "INSERT INTO delivery_settings (space_id, paused, policy, version) VALUES ($1, TRUE, '{}', 0)",
);
const UNCLAIM: Sql = Sql::both(
    "UPDATE jobs SET leased_by = NULL, leased_until = NULL, epoch = 0 WHERE leased_by = 'n'",
);
const ANALYZE: Sql = Sql::both("ANALYZE jobs");
const UNLEASED: Sql = Sql::both("SELECT id FROM jobs WHERE leased_by IS NULL AND epoch > 0");

/// Stores so many free jobs of one owner, the first due just after `due`.
pub(crate) async fn fill(store: &Store, count: i64, owner: &'static str, due: i64, lane: i64) {
    let values = move |tx: &mut store::Tx| {
        tx.push(&FILL, &[count.into(), owner.into(), due.into(), lane.into()])
    };
    store.write(values).await.unwrap();
}

async fn pause(store: &Store, owner: &'static str) {
    let space = Space {
        id: SpaceId(owner.to_owned()),
        slug: owner.to_owned(),
        name: owner.to_owned(),
        attributes: Attributes::new(),
        properties: serde_json::Map::new(),
        version: 0,
        audit: Audit::created(NOW, "a"),
    };
    let write = move |tx: &mut store::Tx| {
        store::spaces::insert(tx, &space)?;
        tx.push(&PAUSE, &[owner.into()])
    };
    store.write(write).await.unwrap();
}

async fn look(store: &Store) -> Vec<(i64, i64, bool)> {
    let looked = store.read(|tx| jobs::waiting(tx, LaneId(i64::MIN), 100)).await.unwrap();
    looked.iter().map(|seen| (seen.lane.0, seen.due_at.0, seen.is_held)).collect()
}

async fn claim(
    store: &Store,
    node: &'static str,
    lanes: &'static [i64],
    limit: i64,
) -> Vec<String> {
    let claimed = store.write(move |tx| {
        let claim = Claim { node, now: NOW, until: NOW.plus_ms(60_000), limit };
        let lanes: Vec<_> = lanes.iter().map(|lane| LaneId(*lane)).collect();
        jobs::claim(tx, &claim, &lanes)
    });
    claimed.await.unwrap().into_iter().map(|job| job.id.0).collect()
}

/// What the database does for a look and a claim; on PostgreSQL with what it really read.
async fn plans(store: &Store) -> Vec<String> {
    let dialect = store.dialect();
    let [look, claim] = jobs::claim_statements();
    let explained = move |sql: Sql| {
        let explain = if dialect == store::Dialect::Sqlite {
            "EXPLAIN QUERY PLAN"
        } else {
            "EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF, SUMMARY OFF)"
        };
        let text: &'static str = Box::leak(format!("{explain} {}", sql.text(dialect)).into());
        Sql::both(text)
    };
    let (look, claim) = (explained(look), explained(claim));
    let column = if is_sqlite(store) { 3 } else { 0 };
    let planned = store.write(move |tx| {
        let values = [i64::MIN.into(), 100.into()];
        let mut lines = tx.query(&look, &values, |row| row.text(column))?;
        let values = ["n".into(), NOW.into(), NOW.into(), "[-3, 3, 9]".into(), 10.into()];
        lines.extend(tx.query(&claim, &values, |row| row.text(column))?);
        Ok::<_, store::Error>(lines)
    });
    planned.await.unwrap()
}

/// Panics when a look or a claim reads what it needs not.
async fn check_plans(store: &Store) {
    let lines = plans(store).await;
    let text = lines.join("\n");
    if is_sqlite(store) {
        let reads: Vec<_> = lines.iter().filter(|line| line.contains(" f ")).collect();
        assert!(reads.len() >= 4, "{text}");
        for read in reads {
            assert!(read.contains("INDEX jobs_due (lane"), "{read}\n{text}");
        }
        assert!(!text.contains("SCAN f") && !text.contains("SCAN jobs"), "{text}");
    } else {
        assert!(!text.contains("Seq Scan on jobs"), "{text}");
        // Pages it touched: some for each lane, not for each job. What the planner read, told after
        // its own heading, depends on what the session has planned before.
        let told = std::iter::once("").chain(lines.iter().map(String::as_str));
        let hits = told.zip(&lines).filter(|(before, _)| *before != "Planning:");
        let hits = hits.map(|(_, line)| line).filter(|line| line.contains("Buffers:"));
        let pages = hits.flat_map(|line| line.split(['=', ' '])).filter_map(|n| n.parse().ok());
        let most = pages.max().unwrap_or(0_u64);
        assert!(most > 0 && most < 500, "{most}\n{text}");
    }
    // The claim that was explained was made.
    store.write(|tx| tx.push(&UNCLAIM, &[])).await.unwrap();
}

#[tokio::test]
async fn a_due_job_is_found_without_reading_past_those_that_are_held_or_not_due() {
    for store in testkit::both().await {
        fill(&store, MANY, "held", 0, -7).await;
        pause(&store, "held").await;
        fill(&store, MANY, "far", NOW.0, 3).await;
        fill(&store, 3, "due", NOW.0 - 10, 9).await;
        let seen = look(&store).await;
        assert_eq!(seen, [(-7, 1, true), (3, NOW.0 + 1, false), (9, NOW.0 - 9, false)]);

        check_plans(&store).await;
        if !is_sqlite(&store) {
            // Whatever the planner thinks that it knows.
            store.write(|tx| tx.push(&ANALYZE, &[])).await.unwrap();
            check_plans(&store).await;
        }
        assert_eq!(claim(&store, "a", &[-7, 3, 9], 2).await, ["due-1", "due-2"]);
        assert_eq!(claim(&store, "a", &[-7, 3, 9], 2).await, ["due-3"]);
        assert!(claim(&store, "a", &[-7, 3, 9], 2).await.is_empty());
    }
}

#[tokio::test]
async fn looks_go_on_where_the_last_one_ended() {
    for store in testkit::both().await {
        for lane in [5, -5, 1, 9] {
            fill(&store, 2, "w", lane * 100, lane).await;
            store.write(move |tx| tx.push(&RENAME, &[lane.into()])).await.unwrap();
        }
        let page = async |after: i64| {
            let looked = store.read(move |tx| jobs::waiting(tx, LaneId(after), 3)).await.unwrap();
            looked.iter().map(|seen| seen.lane.0).collect::<Vec<_>>()
        };
        assert_eq!(page(i64::MIN).await, [-5, 1, 5]);
        assert_eq!(page(5).await, [9]);
        assert!(page(9).await.is_empty());
    }
}

const RENAME: Sql =
    Sql::both("UPDATE jobs SET id = id || '/' || CAST($1 AS TEXT) WHERE lane = CAST($1 AS BIGINT)");

#[tokio::test]
async fn void_leases_end_and_their_holder_cannot_renew_them() {
    for store in testkit::both().await {
        fill(&store, 2, "w", 0, 4).await;
        assert_eq!(claim(&store, "a", &[4], 1).await, ["w-1"]);
        let at = |ms: i64| NOW.plus_ms(ms);
        let is_void = async |ms| store.read(move |tx| jobs::any_void(tx, at(ms))).await.unwrap();
        assert!(!is_void(59_999).await);
        assert!(is_void(60_000).await);
        store.write(move |tx| jobs::free_void(tx, at(60_000))).await.unwrap();
        assert!(!is_void(60_000).await);
        let freed = store.read(|tx| tx.query(&UNLEASED, &[], |row| row.text(0))).await.unwrap();
        assert_eq!(freed, ["w-1"]);
        let renewed = store.write(move |tx| jobs::renew(tx, &JobId("w-1".into()), 1, at(90_000)));
        assert!(!renewed.await.unwrap());

        // Where one process is served, other names are earlier lives of it.
        assert_eq!(claim(&store, "a", &[4], 9).await, ["w-1", "w-2"]);
        store.write(|tx| jobs::free_former(tx, "b")).await.unwrap();
        let free = if is_sqlite(&store) { 2 } else { 0 };
        assert_eq!(claim(&store, "b", &[4], 9).await.len(), free);
    }
}

#[tokio::test]
async fn jobs_of_older_versions_are_given_their_lanes() {
    for store in testkit::both().await {
        fill(&store, 3, "w", 0, 0).await;
        assert_eq!(look(&store).await, [(0, 1, false)]);
        store.write(jobs::adopt).await.unwrap();
        let (space, webhook) = (SpaceId("w".into()), WebhookId("w".into()));
        let lane = LaneId::of("https://example.com/", &space, Some(&webhook));
        assert_eq!(look(&store).await, [(lane.0, 1, false)]);
    }
}
