//! A start with a long queue: how soon the first job goes out, and how much memory it takes.
//! The jobs are copies of one that a real submission made.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use http::Method;

use crate::client::Client;
use crate::load::{self, Markers};
use crate::measure::{memory_bytes, now_micros};
use crate::report::Figures;
use crate::{Options, copies, process, setup};

/// How long the server is watched after its start.
const WATCHED: Duration = Duration::from_secs(10);
/// Time between two looks at it.
const LOOK: Duration = Duration::from_millis(20);

/// Measures a start with many queued jobs.
pub(crate) async fn measure(options: &Options, dir: &Path, figures: &mut Figures) -> Result<()> {
    eprintln!("· a start with {} queued jobs", options.queued);
    let data = tempfile::tempdir_in(dir).context("cannot make a folder for the data")?;
    let receiver = process::receiver()?;
    let mut control = Client::connect(receiver.address).await?;
    let (server, _) = process::server(&options.server, data.path(), None).await?;
    let targets = setup::create(server.address, receiver.address, options.details).await?;
    let time = Duration::from_millis(200);
    load::closed(&targets.outside, &Markers::default(), 1, time).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(server);
    fill(data.path(), options.queued)?;
    control.send(Method::POST, "/reset", Bytes::new()).await?;

    let started = now_micros();
    let (server, ready) = process::server(&options.server, data.path(), None).await?;
    let (mut first, mut hits, mut peak) = (None, 0.0, 0);
    while now_micros() - started < i64::try_from(WATCHED.as_micros())? {
        let (_, text) = control.send(Method::GET, "/count", Bytes::new()).await?;
        let text = std::str::from_utf8(&text)?;
        let numbers: Vec<f64> = text.split(' ').map(str::parse).collect::<Result<_, _>>()?;
        if let [count, _, _, at, _] = numbers[..]
            && count > 0.0
        {
            hits = count;
            first = first.or(Some((at - started as f64) / 1e3));
        }
        peak = peak.max(memory_bytes(server.pid())?);
        tokio::time::sleep(LOOK).await;
    }
    figures.section("A start with a long queue");
    figures.number("queued_jobs", "jobs that wait", options.queued as f64, "");
    figures.number("queued_ready_ms", "start until ready", ready.as_secs_f64() * 1e3, "ms");
    let first = first.unwrap_or(f64::INFINITY);
    figures.number("queued_first_ms", "start until the first is delivered", first, "ms");
    let rate = hits / WATCHED.as_secs_f64();
    figures.number("queued_per_second", "delivered in the first ten seconds", rate, "1/s");
    let peak = peak as f64 / f64::from(1 << 20);
    figures.number("queued_mib", "memory at most in that time", peak, "MiB");
    Ok(())
}

/// Copies the first job of the database, as if it had never been tried.
fn fill(data: &Path, jobs: u64) -> Result<()> {
    copies::fill(data, |tx| {
        let first = "id = (SELECT min(id) FROM jobs)";
        copies::copy(tx, ("jobs", first), jobs, |column| match column {
            "id" => "printf('%08x-0000-7000-8000-%012x', n, n)".to_owned(),
            "state" => "'Queued'".to_owned(),
            "scheduled_at" => "scheduled_at + n".to_owned(),
            "epoch" | "retry_count" => "0".to_owned(),
            "summary" | "response_content" | "started_at" | "finished_at" | "leased_by"
            | "leased_until" | "error_class" => "NULL".to_owned(),
            other => format!("c.{other}"),
        })
    })
}
