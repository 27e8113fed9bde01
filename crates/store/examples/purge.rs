//! What purging costs others, and what it gives back:
//! `cargo run --release -p store --example purge [postgres://…]`.
#![allow(clippy::disallowed_methods, reason = "a measurement needs the real clock")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use model::id::SpaceId;
use model::limits::PURGE_ROWS;
use model::time::Micros;
use store::retention::{self, Place, Portion, Sweep};
use store::{Error, Options, Sql, Store, Tx};

/// Events, each with a job and an attempt.
const EVENTS: i64 = 300_000;
const SEEDED: i64 = 10_000;
/// Rests are so many times as long as what was done before them, as the server's are.
const REST: u32 = 4;

const EVENT: Sql = Sql::both(
    "INSERT INTO events (id, space_id, level, type_name, event, entity_type, entity_id, \
     entity_key, label, actor, created_at, trace_id, depth, payload, verdicts) \
     WITH RECURSIVE n (i) AS (SELECT CAST($1 AS BIGINT) UNION ALL \
     SELECT i + 1 FROM n WHERE i + 1 < CAST($2 AS BIGINT)) \
     SELECT 'e' || CAST(i AS TEXT), 's', 'Space', 'User', 'Created', 'User', 'u', 'u', 'u', \
     'admin', i, 't', 0, $3, '[]' FROM n",
);
const JOB: Sql = Sql::both(
    "INSERT INTO jobs (id, space_id, event_id, trace_id, depth, name, type_name, event, \
     parent_type, parent_id, parent_key, url, state, retry_count, scheduled_at, finished_at, \
     epoch, created_at, created_by, updated_at, updated_by) \
     WITH RECURSIVE n (i) AS (SELECT CAST($1 AS BIGINT) UNION ALL \
     SELECT i + 1 FROM n WHERE i + 1 < CAST($2 AS BIGINT)) \
     SELECT 'j' || CAST(i AS TEXT), 's', 'e' || CAST(i AS TEXT), 't', 0, 'w', 'User', 'Created', \
     'User', 'u', 'u', 'http://x/', 'Complete', 0, i, i, 1, i, 'admin', i, 'admin' FROM n",
);
const ATTEMPT: Sql = Sql::both(
    "INSERT INTO attempts (job_id, number, started_at, duration_ms, url, detail) \
     WITH RECURSIVE n (i) AS (SELECT CAST($1 AS BIGINT) UNION ALL \
     SELECT i + 1 FROM n WHERE i + 1 < CAST($2 AS BIGINT)) \
     SELECT 'j' || CAST(i AS TEXT), 1, i, 1, 'http://x/', $3 FROM n",
);
const SIZE: Sql = Sql::per(
    "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
    "SELECT pg_total_relation_size('events') + pg_total_relation_size('jobs') \
     + pg_total_relation_size('attempts')",
);

fn space() -> SpaceId {
    SpaceId("s".to_owned())
}

async fn seed(store: &Store, from: i64, to: i64) -> Result<(), Error> {
    let text = format!("{{\"x\":\"{}\"}}", "payload ".repeat(128));
    let detail = "{\"responseStatus\":200,\"requestHeaders\":[],\"responseHeaders\":[]}";
    for start in (from..to).step_by(usize::try_from(SEEDED).unwrap_or(1)) {
        let text = text.clone();
        let fill = move |tx: &mut Tx| {
            let end = start + SEEDED;
            tx.push(&EVENT, &[start.into(), end.into(), (&text).into()])?;
            tx.push(&JOB, &[start.into(), end.into()])?;
            tx.push(&ATTEMPT, &[start.into(), end.into(), detail.into()])
        };
        store.write(fill).await?;
    }
    Ok(())
}

/// Purges everything before a time; the rows that went.
async fn purge(store: &Store, before: Micros) -> Result<i64, Error> {
    let mut gone = 0;
    for sweep in [Sweep::Jobs, Sweep::Events] {
        let mut from = Place::default();
        loop {
            let at = from.clone();
            let look =
                move |tx: &mut Tx| retention::look(tx, sweep, &space(), &at, before, PURGE_ROWS);
            let seen = store.read(look).await?;
            let Some(Portion::UpTo { to, rows, .. }) = retention::portion(&seen) else { break };
            let (start, end) = (from, to.clone());
            let began = Instant::now();
            let remove = move |tx: &mut Tx| {
                retention::remove(tx, sweep, &space(), (&start, &end), before, before)
            };
            store.write(remove).await?;
            (gone, from) = (gone + rows, to);
            tokio::time::sleep((began.elapsed() * REST).max(Duration::from_millis(10))).await;
        }
    }
    Ok(gone)
}

/// Writes one event after the other until told to stop, some 200 a second; how long each took.
async fn write(store: Store, from: i64, stop: Arc<AtomicBool>) -> Result<Vec<Duration>, Error> {
    let mut times = Vec::new();
    for id in from.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let began = Instant::now();
        let insert = move |tx: &mut Tx| tx.push(&EVENT, &[id.into(), (id + 1).into(), "{}".into()]);
        store.write(insert).await?;
        times.push(began.elapsed());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    times.sort();
    Ok(times)
}

fn tell(what: &str, times: &[Duration]) {
    let at = |part: usize| times.get(times.len() * part / 1_000).copied().unwrap_or_default();
    println!("{what}: {} writes, p50 {:.1?}, p99 {:.1?}", times.len(), at(500), at(990));
}

async fn size(store: &Store) -> Result<i64, Error> {
    let bytes = store.read(|tx| tx.query_one(&SIZE, &[], |row| row.i64(0))).await?;
    Ok::<_, Error>(bytes / 1_000_000)
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let folder = std::env::temp_dir().join(format!("kapok-purge-{}", std::process::id()));
    let options = match std::env::args().nth(1) {
        Some(url) => Options::Postgres { url },
        None => Options::Sqlite { path: folder.join("purge.db") },
    };
    let store = Store::open(&options).await?;
    seed(&store, 0, EVENTS).await?;
    println!("{EVENTS} events with job and attempt: {} MB", size(&store).await?);

    let stop = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn(write(store.clone(), 10_000_000, stop.clone()));
    tokio::time::sleep(Duration::from_secs(5)).await;
    stop.store(true, Ordering::Relaxed);
    tell("undisturbed", &writer.await.map_err(|error| Error::db(error.to_string()))??);

    let stop = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn(write(store.clone(), 20_000_000, stop.clone()));
    let began = Instant::now();
    let gone = purge(&store, Micros(EVENTS)).await?;
    let seconds = began.elapsed().as_secs_f64();
    stop.store(true, Ordering::Relaxed);
    tell("while purging", &writer.await.map_err(|error| Error::db(error.to_string()))??);
    println!("{gone} rows went in {seconds:.1} s");

    let began = Instant::now();
    while store.write(retention::give_back).await? {}
    store.vacuum(&["events", "jobs", "attempts"]).await?;
    println!("{} MB left, given back in {:.1?}", size(&store).await?, began.elapsed());
    store.close().await;
    drop(std::fs::remove_dir_all(folder));
    Ok(())
}
