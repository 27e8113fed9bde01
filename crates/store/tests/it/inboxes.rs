//! A run's inbox is read past all that was taken before, and past timers of its tasks.

use model::id::RunId;
use model::run::RunState;
use model::time::Micros;
use store::{Dialect, Sql, Store, Tx, runs, triggers};

use crate::is_sqlite;
use crate::runs::run;

const MANY: i64 = 20_000;
const NOW: Micros = Micros(1_000);

// Of each ten: eight taken, a timer, and a node that a person has scheduled for later.
const FILL: Sql = Sql::per(
    "INSERT INTO triggers (run_id, action, kind, status, node_id, node_name, loop_index, \
     branch_id, originator, scheduled_at, results, created_at, updated_at) \
     WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $2) \
     SELECT $1, 'Root', CASE i % 10 WHEN 1 THEN 'Manual' ELSE 'Automatic' END, \
     CASE WHEN i % 10 < 2 THEN 'New' ELSE 'Closed' END, 'n', 'n', '/', 1, 't', \
     CASE WHEN i % 10 < 2 THEN $3 + 1 END, '{}', 0, 0 FROM n",
    "INSERT INTO triggers (run_id, action, kind, status, node_id, node_name, loop_index, \
     branch_id, originator, scheduled_at, results, created_at, updated_at) \
     SELECT $1, 'Root', CASE i % 10 WHEN 1 THEN 'Manual' ELSE 'Automatic' END, \
     CASE WHEN i % 10 < 2 THEN 'New' ELSE 'Closed' END, 'n', 'n', '/', 1, 't', \
     CASE WHEN i % 10 < 2 THEN CAST($3 AS BIGINT) + 1 END, '{}', 0, 0 \
     FROM generate_series(1, CAST($2 AS BIGINT)) n (i)",
);
const ARRIVED: Sql = Sql::both(
    "INSERT INTO triggers (run_id, action, kind, status, node_id, node_name, loop_index, \
     branch_id, originator, scheduled_at, results, created_at, updated_at) \
     VALUES ($1, 'Complete', $2, 'New', 'n', 'n', '/', 1, 't', $3, '{}', 0, 0)",
);
const ANALYZE: Sql = Sql::both("ANALYZE triggers");

async fn prepare(store: &Store) -> RunId {
    let made = store.write(|tx: &mut Tx| {
        let id = runs::insert(tx, &run(RunState::Waiting))?.expect("it is new");
        tx.push(&FILL, &[id.into(), MANY.into(), NOW.into()])?;
        for (kind, due) in [("Deferred", None), ("Manual", Some(NOW))] {
            tx.push(&ARRIVED, &[id.into(), kind.into(), due.into()])?;
        }
        Ok::<_, store::Error>(id)
    });
    made.await.unwrap()
}

#[tokio::test]
async fn an_inbox_is_read_past_what_was_taken_and_what_is_not_due() {
    for store in testkit::both().await {
        let run = prepare(&store).await;
        let inbox = store.read(move |tx| triggers::inbox(tx, run, NOW)).await.unwrap();
        let kinds: Vec<&str> = inbox.iter().map(|trigger| trigger.kind.as_str()).collect();
        assert_eq!(kinds, ["Deferred", "Manual"]);
        if !is_sqlite(&store) {
            store.write(|tx| tx.push(&ANALYZE, &[])).await.unwrap();
        }
        let plan = explain(&store, run).await;
        assert!(plan.contains("triggers_inbox"), "{plan}");
        let ids: Vec<_> = inbox.iter().map(|trigger| trigger.id).collect();
        store.write(move |tx| triggers::close(tx, &ids, NOW)).await.unwrap();
        let rest = store.read(move |tx| triggers::inbox(tx, run, NOW)).await.unwrap();
        assert_eq!(rest, []);
    }
}

async fn explain(store: &Store, run: RunId) -> String {
    let dialect = store.dialect();
    let explain = if dialect == Dialect::Sqlite { "EXPLAIN QUERY PLAN" } else { "EXPLAIN" };
    let text = format!("{explain} {}", triggers::inbox_statement().text(dialect));
    let statement = Sql::both(Box::leak(text.into()));
    let column = if is_sqlite(store) { 3 } else { 0 };
    let values = move |tx: &mut Tx| {
        let values = [run.into(), triggers::INBOX_ROWS.into(), NOW.into()];
        tx.query(&statement, &values, |row| row.text(column))
    };
    store.read(values).await.unwrap().join("\n")
}
