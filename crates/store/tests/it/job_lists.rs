//! Lists of jobs read along an index, in its order: no whole table is read and nothing is sorted,
//! whatever is asked for.

use model::id::{EventId, JobId, KappId, SpaceId, WebhookId};
use model::job::{ErrorClass, State};
use model::time::Micros;
use store::jobs::{Query, Scope};
use store::{Sql, Store};

use crate::is_sqlite;

// A small table is read whole for good reason; PostgreSQL is asked what it would do with a large
// one.
const NO_SCANS: Sql = Sql::both("SET LOCAL enable_seqscan = off");
const NO_SORTS: Sql = Sql::both("SET LOCAL enable_sort = off");
const NO_BITMAPS: Sql = Sql::both("SET LOCAL enable_bitmapscan = off");

async fn plan(store: &Store, query: &Query) -> String {
    let query = query.clone();
    let planned = store.write(move |tx| {
        if tx.dialect() == store::Dialect::Postgres {
            for setting in [&NO_SCANS, &NO_SORTS, &NO_BITMAPS] {
                tx.push(setting, &[])?;
            }
        }
        store::jobs::plan(tx, &SpaceId("s".to_owned()), &query)
    });
    planned.await.unwrap().join("\n")
}

/// Everything a person may ask for, alone and together.
fn queries() -> Vec<Query> {
    let all = Query { scope: Scope::All, limit: 26, ..Query::default() };
    let kapp = Query { scope: Scope::Kapp(KappId("k".to_owned())), ..all.clone() };
    let mut queries = vec![all.clone(), kapp.clone(), Query { scope: Scope::Space, ..all.clone() }];
    for state in State::ALL {
        queries.push(Query { states: vec![state], ..all.clone() });
        queries.push(Query { states: vec![state], ..kapp.clone() });
    }
    queries.push(Query { states: vec![State::Failed, State::Queued], ..all.clone() });
    queries.push(Query { classes: vec![ErrorClass::Timeout, ErrorClass::Dns], ..all.clone() });
    let webhook_ids = vec![WebhookId("w".to_owned()), WebhookId("v".to_owned())];
    queries.push(Query { webhook: Some("w".to_owned()), webhook_ids, ..all.clone() });
    queries.push(Query { webhook: Some("gone".to_owned()), ..all.clone() });
    let parent = Some(("Submission".to_owned(), "1".to_owned()));
    queries.push(Query { parent, ..all.clone() });
    queries.push(Query { url: Some("part".to_owned()), ..all.clone() });
    queries.push(Query { text: Some("part".to_owned()), ..all.clone() });
    let starts = vec!["https://example.com/".to_owned()];
    queries.push(Query { url_starts: starts, ..all.clone() });
    queries.push(Query { content: Some("part".to_owned()), with_bodies: true, ..all.clone() });
    let mut narrowed = Vec::new();
    for query in &queries {
        let (start, end) = (Some(Micros(1)), Some(Micros(9)));
        let after = Some((Micros(5), JobId("j".to_owned())));
        narrowed.push(Query { start, end, ..query.clone() });
        narrowed.push(Query { after, ..query.clone() });
    }
    queries.extend(narrowed);
    queries
}

#[tokio::test]
async fn lists_follow_an_index_and_sort_nothing() {
    for store in testkit::both().await {
        for query in queries() {
            let plan = plan(&store, &query).await;
            let faults: &[&str] = if is_sqlite(&store) {
                &["SCAN j", "TEMP B-TREE"]
            } else {
                &["Seq Scan on jobs", "Sort"]
            };
            for fault in faults {
                assert!(!plan.contains(fault), "{query:?}\n{plan}");
            }
        }
    }
}

#[tokio::test]
async fn one_job_and_the_jobs_of_an_event_are_looked_up() {
    for store in testkit::both().await {
        let all = Query { scope: Scope::All, limit: 26, ..Query::default() };
        for query in [
            Query { id: Some(JobId("j".to_owned())), ..all.clone() },
            Query { event_id: Some(EventId("e".to_owned())), ..all.clone() },
        ] {
            let plan = plan(&store, &query).await;
            assert!(!plan.contains("SCAN j") && !plan.contains("Seq Scan on jobs"), "{plan}");
        }
    }
}
