//! What retention lets go and what it keeps, in transactions of a bounded size; and that the room
//! is used again or given back.

use model::id::SpaceId;
use model::retention::{Cutoffs, HOUR_US};
use model::time::Micros;
use store::retention::{self, Place, Portion, Sweep};
use store::{Sql, Store, Tx, Value};

use crate::is_sqlite;

const DAY: i64 = 24 * HOUR_US;
/// Everything before this time may go.
const CUTOFF: Micros = Micros(100 * DAY);

fn space() -> SpaceId {
    SpaceId("s".to_owned())
}

// A number of events with one finished job each, a second apart.
const EVENTS: Sql = Sql::both(
    "INSERT INTO events (id, space_id, level, type_name, event, entity_type, entity_id, \
     entity_key, label, actor, created_at, trace_id, depth, payload, verdicts) \
     WITH RECURSIVE n (i) AS (SELECT CAST(1 AS BIGINT) UNION ALL \
     SELECT i + 1 FROM n WHERE i < CAST($1 AS BIGINT)) \
     SELECT 'e' || CAST(CAST($2 AS BIGINT) + i AS TEXT), 's', 'Space', 'User', 'Created', 'User', \
     'u', 'u', 'u', 'admin', CAST($3 AS BIGINT) + i * 1000000, 't', 0, $4, '[]' FROM n",
);
const JOBS: Sql = Sql::both(
    "INSERT INTO jobs (id, space_id, event_id, trace_id, depth, name, type_name, event, \
     parent_type, parent_id, parent_key, url, state, response_content, retry_count, scheduled_at, \
     finished_at, epoch, created_at, created_by, updated_at, updated_by) \
     WITH RECURSIVE n (i) AS (SELECT CAST(1 AS BIGINT) UNION ALL \
     SELECT i + 1 FROM n WHERE i < CAST($1 AS BIGINT)) \
     SELECT 'j' || id, 's', 'e' || id, 't', 0, 'w', 'User', 'Created', 'User', 'u', 'u', \
     'http://x/', 'Complete', 'answer', 0, at, at, 1, at, 'admin', at, 'admin' \
     FROM (SELECT CAST(CAST($2 AS BIGINT) + i AS TEXT) AS id, \
     CAST($3 AS BIGINT) + i * 1000000 AS at FROM n) one",
);
const ATTEMPTS: Sql = Sql::both(
    "INSERT INTO attempts (job_id, number, started_at, duration_ms, url, detail) \
     SELECT id, 1, scheduled_at, 1, url, \
     '{\"responseStatus\":200,\"requestHeaders\":[[\"a\",\"b\"]],\
     \"responseHeaders\":[[\"c\",\"d\"]],\"responseBody\":\"answer\"}' FROM jobs",
);

async fn seed(store: &Store, from: i64, count: i64, start: Micros, payload: &'static str) {
    let fill = move |tx: &mut Tx| {
        let values = [count.into(), from.into(), start.into()];
        let with = [values.as_slice(), &[payload.into()]].concat();
        tx.push(&EVENTS, &with)?;
        tx.push(&JOBS, &values)
    };
    store.write::<_, store::Error, _>(fill).await.unwrap();
}

async fn run(store: &Store, sql: &'static Sql, values: Vec<Value<'static>>) -> u64 {
    store.write::<_, store::Error, _>(move |tx| tx.execute(sql, &values)).await.unwrap()
}

const COUNT_JOBS: Sql = Sql::both("SELECT id FROM jobs ORDER BY id");
const COUNT_EVENTS: Sql = Sql::both("SELECT id FROM events ORDER BY id");
const COUNT_RUNS: Sql = Sql::both("SELECT CAST(id AS TEXT) FROM runs ORDER BY id");
const COUNT_ATTEMPTS: Sql = Sql::both("SELECT job_id FROM attempts ORDER BY job_id");

async fn ids(store: &Store, sql: &'static Sql) -> Vec<String> {
    store.read::<_, store::Error, _>(move |tx| tx.query(sql, &[], |row| row.text(0))).await.unwrap()
}

/// Carries a sweep through; the rows of each of its transactions.
async fn sweep(store: &Store, sweep: Sweep, now: Micros) -> Vec<i64> {
    let (mut from, mut sizes) = (Place::default(), Vec::new());
    loop {
        let at = from.clone();
        let look = move |tx: &mut Tx| retention::look(tx, sweep, &space(), &at, CUTOFF, 500);
        let seen = store.read(look).await.unwrap();
        match retention::portion(&seen) {
            None => return sizes,
            Some(Portion::Within(place)) => {
                let trim = move |tx: &mut Tx| retention::trim(tx, sweep, &place);
                let rows = store.write(trim).await.unwrap();
                sizes.push(i64::try_from(rows).unwrap());
            }
            Some(Portion::UpTo { to, rows, count }) => {
                let (start, end) = (from.clone(), to.clone());
                let remove = move |tx: &mut Tx| {
                    retention::remove(tx, sweep, &space(), (&start, &end), CUTOFF, now)
                };
                if count > 0 {
                    store.write(remove).await.unwrap();
                    sizes.push(rows);
                }
                from = to;
            }
        }
    }
}

async fn purge(store: &Store) {
    for one in [Sweep::Jobs, Sweep::Runs, Sweep::Events] {
        sweep(store, one, CUTOFF).await;
    }
}

const SET_JOB: Sql = Sql::both(
    "UPDATE jobs SET state = $2, webhook_id = 'w', order_key = 'k', \
     finished_at = nullif(CAST($3 AS BIGINT), 0) WHERE id = $1",
);
const HEAD: Sql =
    Sql::both("INSERT INTO order_heads (webhook_id, order_key, job_id) VALUES ('w', 'k', $1)");
const RUN: Sql = Sql::both(
    "INSERT INTO runs (id, space_id, tree_id, tree_version_id, job_id, event_id, trace_id, depth, \
     state, token, engine_state, originator, version, created_at, created_by, updated_at, \
     finished_at, parent_id, root_id) VALUES ($1, 's', 't', 1, $2, $3, 't', 0, $4, 'x', '{}', \
     'test', 1, 5, 'admin', 5, CASE WHEN $4 IN ('Complete', 'Cancelled') THEN 5 ELSE NULL END, \
     CAST($5 AS BIGINT), CAST($5 AS BIGINT))",
);
const ERROR: Sql = Sql::both(
    "INSERT INTO errors (run_id, active, kind, summary, detail, resolution, created_at, \
     updated_at) VALUES ($1, $2, 'Handler Error', '', '', '{}', 5, 5)",
);

#[tokio::test]
async fn what_is_over_goes_and_what_is_open_stays() {
    for store in testkit::both().await {
        seed(&store, 0, 8, Micros(0), "{}").await;
        seed(&store, 50, 1, CUTOFF, "{}").await;
        // e1 is plain and goes; the others have something that is open, or are young.
        let set = |id: &'static str, state: &'static str, finished: i64| {
            vec![id.into(), state.into(), finished.into()]
        };
        run(&store, &SET_JOB, set("j2", "Queued", 0)).await;
        run(&store, &SET_JOB, set("j3", "In Progress", 0)).await;
        run(&store, &SET_JOB, set("j4", "Failed", 9)).await;
        run(&store, &SET_JOB, set("j5", "Failed", 9)).await;
        run(&store, &HEAD, vec!["j5".into()]).await;
        run(&store, &SET_JOB, set("j6", "Complete", CUTOFF.0)).await;
        let started = |run: i64, n: Option<i64>, state: &'static str, parent: Option<i64>| {
            let of = |kind: &str| n.map(|n| format!("{kind}{n}"));
            vec![run.into(), of("j").into(), of("e").into(), state.into(), parent.into()]
        };
        run(&store, &RUN, started(1, Some(7), "Waiting", None)).await;
        run(&store, &RUN, started(2, Some(8), "Complete", None)).await;
        run(&store, &RUN, started(3, None, "Complete", None)).await;
        run(&store, &ERROR, vec![3.into(), true.into()]).await;
        run(&store, &RUN, started(4, None, "Complete", None)).await;
        run(&store, &ERROR, vec![4.into(), false.into()]).await;
        run(&store, &RUN, started(5, None, "Complete", Some(1))).await;
        run(&store, &RUN, started(6, None, "Complete", None)).await;
        run(&store, &RUN, started(7, None, "Error", Some(6))).await;

        let cutoffs =
            Cutoffs { history: CUTOFF, payloads: CUTOFF, runs: CUTOFF, inspections: CUTOFF };
        let previews = store.read(move |tx| {
            [Sweep::Jobs, Sweep::Runs, Sweep::Events]
                .iter()
                .map(|one| retention::preview(tx, *one, &space(), &cutoffs).map(|p| p.count))
                .collect::<Result<Vec<_>, _>>()
        });
        assert_eq!(previews.await.unwrap(), [3, 2, 4]);
        purge(&store).await;
        // A job may be old in its place and young in its end, and so on.
        assert_eq!(ids(&store, &COUNT_JOBS).await, ["j2", "j3", "j5", "j51", "j6", "j7"]);
        assert_eq!(ids(&store, &COUNT_RUNS).await, ["1", "3", "5", "6", "7"]);
        let events = ids(&store, &COUNT_EVENTS).await;
        assert_eq!(events, ["e2", "e3", "e5", "e51", "e6", "e7"]);
    }
}

#[tokio::test]
async fn every_transaction_is_bounded_and_two_purgers_do_no_harm() {
    for store in testkit::both().await {
        seed(&store, 0, 1_300, Micros(0), "{}").await;
        run(&store, &ATTEMPTS, Vec::new()).await;
        let sizes = sweep(&store, Sweep::Jobs, CUTOFF).await;
        assert_eq!(sizes.iter().sum::<i64>(), 2_600);
        assert!(sizes.iter().all(|rows| *rows <= 500), "{sizes:?}");
        assert!(ids(&store, &COUNT_ATTEMPTS).await.is_empty());
        let (one, two) = tokio::join!(
            sweep(&store, Sweep::Events, CUTOFF),
            sweep(&store, Sweep::Events, CUTOFF)
        );
        assert!(one.iter().chain(&two).all(|rows| *rows <= 500), "{one:?} {two:?}");
        assert!(ids(&store, &COUNT_EVENTS).await.is_empty());
    }
}

const MANY_TASKS: Sql = Sql::both(
    "INSERT INTO tasks (run_id, seq, token, branch_id, node_id, node_name, definition_id, \
     loop_index, status, deferred, inputs, results, deferred_results, connectors, messages, \
     started_at) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL \
     SELECT i + 1 FROM n WHERE i < CAST($1 AS BIGINT)) \
     SELECT 1, i, 'x' || CAST(i AS TEXT), 0, 'n', 'n', 'd', '', 'Closed', FALSE, '{}', '{}', \
     '{}', '[]', '[]', 5 FROM n",
);

#[tokio::test]
async fn a_run_of_many_tasks_goes_in_parts() {
    for store in testkit::both().await {
        let values = vec![1.into(), Value::Null, Value::Null, "Complete".into(), Value::Null];
        run(&store, &RUN, values).await;
        run(&store, &MANY_TASKS, vec![1_200.into()]).await;
        assert_eq!(sweep(&store, Sweep::Runs, CUTOFF).await, [500, 500, 201]);
        assert!(ids(&store, &COUNT_RUNS).await.is_empty());
    }
}

const PART_OF: Sql = Sql::both(
    "UPDATE events SET payload = '{\"event\":\"b\"}', payload_of = 'e1', payload_from = 12, \
     created_at = (SELECT created_at FROM events WHERE id = 'e1') WHERE id = $1",
);
const OPEN_JOB: Sql = Sql::both("UPDATE jobs SET state = $2, finished_at = $3 WHERE id = $1");
const PAYLOADS: Sql = Sql::both("SELECT id || ' ' || payload FROM events ORDER BY id");

#[tokio::test]
async fn a_shared_payload_goes_with_the_last_event_that_needs_it() {
    const WHOLE: &str = "{\"event\":1,\"rest\":2}";
    for store in testkit::both().await {
        seed(&store, 0, 3, Micros(0), WHOLE).await;
        run(&store, &PART_OF, vec!["e2".into()]).await;
        // What e2 shares with e1 is still to be sent.
        run(&store, &OPEN_JOB, vec!["j2".into(), "Queued".into(), Value::Null]).await;
        sweep(&store, Sweep::JobPayloads, Micros(7)).await;
        sweep(&store, Sweep::EventPayloads, Micros(7)).await;
        let kept = ["e1 {\"event\":1,\"rest\":2}", "e2 {\"event\":\"b\"}", "e3 {}"];
        assert_eq!(ids(&store, &PAYLOADS).await, kept);
        purge(&store).await;
        assert_eq!(ids(&store, &COUNT_EVENTS).await, ["e1", "e2"]);
        let id = model::id::EventId("e2".to_owned());
        let whole = store.read(move |tx| store::events::payload(tx, &id)).await.unwrap();
        assert_eq!(whole.as_deref(), Some("{\"event\":\"b\",\"rest\":2}"));

        run(&store, &OPEN_JOB, vec!["j2".into(), "Complete".into(), 9.into()]).await;
        purge(&store).await;
        assert!(ids(&store, &COUNT_EVENTS).await.is_empty(), "both go in one sweep");
    }
}

#[tokio::test]
async fn a_job_can_lose_what_it_carried_and_stay() {
    for store in testkit::both().await {
        seed(&store, 0, 2, Micros(0), "{\"secret\":1}").await;
        run(&store, &ATTEMPTS, Vec::new()).await;
        sweep(&store, Sweep::JobPayloads, Micros(7)).await;
        sweep(&store, Sweep::EventPayloads, Micros(7)).await;
        let job = model::id::JobId("j1".to_owned());
        let found = store.read(move |tx| {
            let found = store::jobs::by_id(tx, &space(), &job)?.unwrap();
            Ok::<_, store::Error>((found, store::attempts::of_job(tx, &job)?))
        });
        let (found, attempts) = found.await.unwrap();
        assert_eq!(found.payload_removed_at, Some(Micros(7)));
        assert_eq!((found.request_content(), &found.job.response_content), (None, &None));
        let detail = &attempts[0].detail;
        assert_eq!(detail.response_status, Some(200), "what came of it stays");
        assert!(detail.request_headers.is_empty() && detail.response_body.is_none());
        let event = model::id::EventId("e1".to_owned());
        let payload = store.read(move |tx| store::events::payload(tx, &event)).await.unwrap();
        assert_eq!(payload, None);
        // Once is enough: nothing is left to do.
        assert!(sweep(&store, Sweep::JobPayloads, Micros(9)).await.is_empty());
    }
}

#[tokio::test]
async fn history_is_measured_hour_by_hour() {
    for store in testkit::both().await {
        // Two hours and a half of a second each.
        seed(&store, 0, 9_000, Micros(0), "0123456789").await;
        let mut from = Micros(0);
        let until = Micros(3 * HOUR_US);
        let mut windows = Vec::new();
        loop {
            let measure = move |tx: &mut Tx| {
                let found = retention::measure(tx, Sweep::Events, &space(), from, until)?;
                Ok::<_, store::Error>(found)
            };
            let Some(window) = store.read(measure).await.unwrap() else { break };
            from = window.to;
            windows.push((window.hour, window.rows, window.payload_bytes));
        }
        assert_eq!(windows, [(0, 3_599, 35_990), (1, 3_600, 36_000), (2, 1_801, 18_010)]);
    }
}

#[tokio::test]
async fn one_node_has_a_duty_until_it_lets_go() {
    use store::duties::{keep, take};
    for store in testkit::both().await {
        let at = |name: &'static str, until: i64, now: i64| {
            store.write(move |tx| take(tx, "purge", name, Micros(until), Micros(now)))
        };
        let first = at("a", 10, 0).await.unwrap().unwrap();
        assert_eq!(at("b", 15, 5).await.unwrap(), None);
        let second = at("b", 20, 10).await.unwrap().unwrap();
        assert!(second.epoch > first.epoch);
        let late = store.write(move |tx| keep(tx, &first, Micros(99))).await;
        assert!(matches!(late, Err(store::Error::Stale)), "{late:?}");
        store.write(move |tx| keep(tx, &second, Micros(0))).await.unwrap();
        assert!(at("a", 30, 11).await.unwrap().is_some());
    }
}

const BIG: &str = concat!("{\"data\":\"", include_str!("retention.rs"), "\"}");
const SIZE: Sql = Sql::per(
    "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
    "SELECT pg_total_relation_size('events') + pg_total_relation_size('jobs')",
);

async fn size(store: &Store) -> i64 {
    store.read::<_, store::Error, _>(|tx| tx.query_one(&SIZE, &[], |row| row.i64(0))).await.unwrap()
}

#[tokio::test]
async fn the_disk_is_given_back() {
    for store in testkit::both().await {
        seed(&store, 0, 4_000, Micros(0), BIG).await;
        let full = size(&store).await;
        purge(&store).await;
        while store.write(retention::give_back).await.unwrap() {}
        store.vacuum(&["jobs", "events"]).await.unwrap();
        let rest = size(&store).await;
        assert!(rest < full / 4, "{rest} of {full}");
        if is_sqlite(&store) {
            let store::Options::Sqlite { path } = store.options() else { unreachable!() };
            store.close().await;
            let file = i64::try_from(std::fs::metadata(path).unwrap().len()).unwrap();
            assert!(file <= rest, "the file itself is {file}");
        }
    }
}

#[tokio::test]
async fn room_of_what_went_is_used_again() {
    for store in testkit::both().await {
        seed(&store, 0, 2_000, Micros(0), BIG).await;
        // The youngest rows stay, at the end of the table.
        seed(&store, 5_000, 100, CUTOFF, BIG).await;
        let full = size(&store).await;
        purge(&store).await;
        store.vacuum(&["jobs", "events"]).await.unwrap();
        seed(&store, 10_000, 1_900, CUTOFF, BIG).await;
        let again = size(&store).await;
        assert!(again <= full + full / 10, "{again} after {full}");
    }
}
