//! Purging a long history: how fast it goes at its gentle pace, and what callers feel of it.
//!
//! The history is copies of one delivered event with its job and its attempt, older than is kept.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use http::Method;
use rusqlite::Connection;
use serde_json::json;

use crate::client::Client;
use crate::load::{self, Markers, Target};
use crate::measure::{Latency, cpu_seconds, memory_bytes};
use crate::report::Figures;
use crate::{Options, copies, process, setup, watch};

/// Changes a second whose answers are timed.
const RATE: f64 = 100.0;
/// How long the purge is watched at most; what is left then is told.
const WATCHED: Duration = Duration::from_secs(120);
/// Microseconds of a day.
const DAY: i64 = 24 * 3_600 * 1_000_000;

/// Measures a purge under load.
pub(crate) async fn measure(options: &Options, dir: &Path, figures: &mut Figures) -> Result<()> {
    eprintln!("· a purge of {} events with their jobs", options.purged);
    let data = tempfile::tempdir_in(dir).context("cannot make a folder for the data")?;
    let receiver = process::receiver()?;
    let (server, _) = process::server(&options.server, data.path(), None).await?;
    let targets = setup::create(server.address, receiver.address, options.details).await?;
    let markers = Markers::default();
    let mut one = Client::connect(server.address).await?;
    targets.single.send(&mut one, markers.take()).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(server);
    fill(data.path(), options.purged)?;

    let file = watch::file(data.path())?;
    let before = std::fs::metadata(&file)?.len();
    let (server, _) = process::server(&options.server, data.path(), None).await?;
    let single = Target { address: server.address, ..targets.single };
    let time = Duration::from_secs(options.seconds);
    let waits = |all: Vec<load::Accepted>| -> Vec<i64> {
        all.iter().map(|one| one.accepted_at - one.sent_at).collect()
    };
    let quiet = waits(load::open(&single, &markers, RATE, time).await?);

    let mut client = Client::connect(server.address).await?;
    let policy = json!({ "policy": { "ageDays": 89 } });
    client.call(Method::PUT, "/app/api/v1/retention", &policy).await?;
    let (begun, cpu) = (Instant::now(), cpu_seconds(server.pid())?);
    let (mut disturbed, mut peak) = (Vec::new(), 0);
    let looker = Connection::open(&file)?;
    let (mut left, mut took) = (options.purged, Duration::ZERO);
    let mut changes = 0_usize;
    while left > 0 && begun.elapsed() < WATCHED {
        let second = load::open(&single, &markers, RATE, Duration::from_secs(1)).await?;
        changes += second.len();
        disturbed.extend(waits(second));
        peak = peak.max(memory_bytes(server.pid())?);
        let count = "SELECT count(*) FROM events WHERE id LIKE 'past-%'";
        let rows: i64 = looker.query_row(count, [], |row| row.get(0))?;
        left = rows.unsigned_abs();
        took = begun.elapsed();
    }
    let cpu = cpu_seconds(server.pid())? - cpu;
    ensure!(left < options.purged, "nothing was purged within {} s", WATCHED.as_secs());

    figures.section("A purge at a hundred changes a second");
    let gone = (options.purged - left) as f64;
    figures.number("purge_events", "events with job and attempt, too old", gone + left as f64, "");
    figures.number("purge_left", "of them left when it was no longer watched", left as f64, "");
    figures.number("purge_per_second", "purged", gone / took.as_secs_f64(), "1/s");
    let label = "server CPU in that time";
    figures.number("purge_cpu_percent", label, cpu / took.as_secs_f64() * 100.0, "%");
    figures.latency("purge_before", "due to answer before it", Latency::of(quiet));
    figures.latency("purge_while", "due to answer meanwhile", Latency::of(disturbed));
    figures.number("purge_mib", "memory at most", peak as f64 / f64::from(1 << 20), "MiB");
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    figures.number("purge_file_before_mib", "the file before", mib(before), "MiB");
    let after = mib(at_rest(&file).await?);
    let label = format!("the file after, with {changes} new changes");
    figures.number("purge_file_after_mib", label, after, "MiB");
    Ok(())
}

/// The size of a file that has not become smaller for a while.
async fn at_rest(file: &Path) -> Result<u64> {
    let (mut size, mut since, begun) = (u64::MAX, Instant::now(), Instant::now());
    while since.elapsed() < Duration::from_secs(5) && begun.elapsed() < WATCHED {
        let now = std::fs::metadata(file)?.len();
        if now < size {
            (size, since) = (now, Instant::now());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(size)
}

/// Copies the delivered event, its job and its attempt to days that are no longer kept.
fn fill(data: &Path, count: u64) -> Result<()> {
    copies::fill(data, |tx| {
        let which = "SELECT id, event_id FROM jobs WHERE state = 'Complete' LIMIT 1";
        let (job, event): (String, String) =
            tx.query_row(which, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        for (table, key, id) in
            [("events", "id", &event), ("jobs", "id", &job), ("attempts", "job_id", &job)]
        {
            let row = format!("{key} = '{id}'");
            copies::copy(tx, (table, &row), count, |column| match column {
                "id" | "job_id" | "event_id" => "printf('past-%012d', n)".to_owned(),
                // From 200 days ago to 100 days ago.
                "created_at" | "updated_at" | "scheduled_at" | "started_at" | "finished_at" => {
                    format!("c.{column} - {} + n * {}", 200 * DAY, 100 * DAY / count.cast_signed())
                }
                other => format!("c.{other}"),
            })?;
        }
        Ok(())
    })
}
