//! How many small closures a second the store acknowledges:
//! `cargo run --release -p store --example rate [postgres://…]`.
#![allow(clippy::disallowed_methods, reason = "a measurement needs the real clock")]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use store::{Error, Options, Sql, Store};

const CREATE: Sql =
    Sql::both("CREATE TABLE rate_items (id BIGINT PRIMARY KEY, name TEXT NOT NULL)");
const DROP: Sql = Sql::both("DROP TABLE IF EXISTS rate_items");
const INSERT: Sql = Sql::both("INSERT INTO rate_items (id, name) VALUES ($1, $2)");
const STRETCH: Duration = Duration::from_secs(2);

#[tokio::main]
async fn main() -> Result<(), Error> {
    let folder = std::env::temp_dir().join(format!("kapok-rate-{}", std::process::id()));
    let options = match std::env::args().nth(1) {
        Some(url) => Options::Postgres { url },
        None => Options::Sqlite { path: folder.join("rate.db") },
    };
    let store = Store::open(&options).await?;
    store.write(|tx| tx.push(&DROP, &[])).await?;
    store.write(|tx| tx.push(&CREATE, &[])).await?;
    let next = Arc::new(AtomicI64::new(0));
    for callers in [1, 16, 64, 256] {
        let before = store.stats();
        let start = Instant::now();
        let tasks: Vec<_> = (0..callers)
            .map(|_| {
                let (store, next) = (store.clone(), Arc::clone(&next));
                tokio::spawn(async move {
                    while start.elapsed() < STRETCH {
                        let id = next.fetch_add(1, Ordering::Relaxed);
                        let name = "a name of ordinary length";
                        let insert =
                            move |tx: &mut store::Tx| tx.push(&INSERT, &[id.into(), name.into()]);
                        store.write(insert).await?;
                    }
                    Ok::<(), Error>(())
                })
            })
            .collect();
        for task in tasks {
            task.await.map_err(|error| Error::db(error.to_string()))??;
        }
        let (now, seconds) = (store.stats(), start.elapsed().as_secs_f64());
        let (closures, commits) = (now.closures - before.closures, now.commits - before.commits);
        let rate = |count: u64| f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / seconds;
        println!(
            "{callers:4} callers: {:8.0} closures/s, {:6.0} commits/s",
            rate(closures),
            rate(commits)
        );
    }
    store.close().await;
    drop(std::fs::remove_dir_all(folder));
    Ok(())
}
