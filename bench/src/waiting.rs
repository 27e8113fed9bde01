//! A start with a million runs that wait: how soon the first of those that are due goes on, how
//! soon one that is completed by its token does, and how much memory it takes.
//!
//! The runs are copies of two that real submissions started, one that waits for a completion and
//! one that waits for its time: one in ten waits for its time, which has come for ten thousand.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rusqlite::{Connection, Transaction};
use serde_json::json;

use crate::client::Client;
use crate::load::Markers;
use crate::measure::{memory_bytes, now_micros};
use crate::report::Figures;
use crate::trees::{self, TASK, Tree};
use crate::{Options, copies, process, setup, watch};

/// How long the server is watched after its start; it looks for stuck runs once a minute.
const WATCHED: Duration = Duration::from_secs(75);
/// Time between two looks at it.
const LOOK: Duration = Duration::from_millis(20);
/// How long the first runs may take to come to wait.
const REST_WITHIN: Duration = Duration::from_secs(10);
/// Runs whose time has come when the server starts.
const DUE: u64 = 10_000;
/// The token of the first copy that waits for a completion.
const TOKEN: &str = "token-1";

/// Measures a start with many waiting runs.
pub(crate) async fn measure(options: &Options, dir: &Path, figures: &mut Figures) -> Result<()> {
    eprintln!("· a start with {} waiting runs", options.waiting);
    let data = tempfile::tempdir_in(dir).context("cannot make a folder for the data")?;
    let receiver = process::receiver()?;
    let (server, _) = process::server(&options.server, data.path(), None).await?;
    setup::create(server.address, receiver.address, options.details).await?;
    let mut client = Client::connect(server.address).await?;
    for tree in [&trees::DEFERRAL, &trees::TIMER] {
        let target = setup::inside(server.address, tree, options.details);
        target.send(&mut client, Markers::default().take()).await?;
        rest(&mut client, tree).await?;
    }
    drop(server);
    fill(data.path(), options.waiting)?;

    let started = now_micros();
    let (server, ready) = process::server(&options.server, data.path(), None).await?;
    let connection = Connection::open(watch::file(data.path())?)?;
    let due = (options.waiting / 10).min(DUE) as i64;
    let (mut first, mut all, mut peak) = (None, None, 0);
    let millis = |at: i64| (at - started) as f64 / 1e3;
    while all.is_none() && millis(now_micros()) < 60_000.0 {
        // They have the lowest numbers, in the order of their time.
        let done: i64 = connection.query_row(
            "SELECT count(*) FROM runs WHERE id > 1000 AND id <= 1000 + $1 AND state = 'Complete'",
            [due],
            |row| row.get(0),
        )?;
        if done > 0 {
            first = first.or(Some(millis(now_micros())));
        }
        if done == due {
            all = Some(millis(now_micros()));
        }
        peak = peak.max(memory_bytes(server.pid())?);
        tokio::time::sleep(LOOK).await;
    }
    let answered = complete(&server, &connection).await?;
    while now_micros() - started < i64::try_from(WATCHED.as_micros())? {
        peak = peak.max(memory_bytes(server.pid())?);
        tokio::time::sleep(LOOK).await;
    }
    let busy = crate::measure::cpu_seconds(server.pid())?;
    figures.section("A start with a million waiting runs, ten thousand of them due");
    figures.number("waiting_runs", "runs that wait", options.waiting as f64, "");
    figures.number("waiting_ready_ms", "start until ready", ready.as_secs_f64() * 1e3, "ms");
    let first = first.unwrap_or(f64::INFINITY);
    figures.number("waiting_first_ms", "start until the first has gone on", first, "ms");
    let all = all.unwrap_or(f64::INFINITY);
    figures.number("waiting_all_ms", "start until all that were due have", all, "ms");
    let label = "completed by token until the run is complete";
    figures.number("waiting_complete_ms", label, answered, "ms");
    figures.number("waiting_cpu_s", "server CPU in 75 seconds", busy, "s");
    let peak = peak as f64 / f64::from(1 << 20);
    figures.number("waiting_mib", "memory at most in that time", peak, "MiB");
    Ok(())
}

/// Waits until a tree's only run waits.
async fn rest(client: &mut Client, tree: &Tree) -> Result<()> {
    let begun = std::time::Instant::now();
    while tree.waiting(client).await? == 0 {
        if begun.elapsed() > REST_WITHIN {
            bail!("the run of {} does not come to wait", tree.name);
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

/// Completes a run by its token; milliseconds until it is complete.
async fn complete(server: &process::Process, connection: &Connection) -> Result<f64> {
    let mut client = Client::connect(server.address).await?;
    let sent = now_micros();
    let body = json!({ "token": TOKEN, "results": { "Decision": "Approved" } });
    client.post(&format!("{TASK}/v1/complete-deferred-task/Bench"), &body).await?;
    let state = "SELECT r.state FROM runs r JOIN tasks k ON k.run_id = r.id WHERE k.token = ?1";
    while connection.query_row(state, [TOKEN], |row| row.get::<_, String>(0))? != "Complete" {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok((now_micros() - sent) as f64 / 1e3)
}

/// Copies the two runs with their tasks and triggers.
fn fill(data: &Path, runs: u64) -> Result<()> {
    copies::fill(data, |tx| {
        let timers = runs / 10;
        let due = timers.min(DUE);
        for (name, first, count) in [("Timer", 0, timers), ("Deferral", timers, runs - timers)] {
            copy(tx, name, (first, count), due)?;
        }
        Ok(())
    })
}

fn copy(tx: &Transaction<'_>, tree: &str, (first, count): (u64, u64), due: u64) -> Result<()> {
    let (id, token): (i64, String) = tx.query_row(
        "SELECT r.id, k.token FROM runs r JOIN trees t ON t.id = r.tree_id \
         JOIN tasks k ON k.run_id = r.id WHERE t.name = ?1 AND k.node_id = 'n1'",
        [tree],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let kind = if tree == trees::TIMER.name { "timer-" } else { "token-" };
    // The numbers of copies are far from those of what submissions started.
    let run = format!("n + {first} + 1000");
    let record = format!("(n + {first}) * 10 + c.id + 10000");
    let renamed = |column: &str| format!("replace(c.{column}, '{token}', '{kind}' || n)");
    let later =
        |column: &str| format!("c.{column} + CASE WHEN n <= {due} THEN -86400000000 ELSE n END");
    for table in ["runs", "tasks", "triggers"] {
        let row = format!("{} = {id}", if table == "runs" { "id" } else { "run_id" });
        copies::copy(tx, (table, &row), count, |column| match (table, column) {
            ("runs", "id") | (_, "run_id") => run.clone(),
            (_, "id") => record.clone(),
            ("runs", "job_id") => "NULL".to_owned(),
            (_, "wake_at" | "scheduled_at") => later(column),
            // The state knows as well when the wait is over.
            ("runs", "engine_state") => format!(
                "replace({}, coalesce(CAST(c.wake_at AS TEXT), 'none'), \
                 coalesce(CAST({} AS TEXT), 'none'))",
                renamed(column),
                later("wake_at")
            ),
            (_, "engine_state") | ("triggers", "token") => renamed(column),
            ("tasks", "token") => {
                let other = "c.token || '-' || n";
                format!("CASE c.token WHEN '{token}' THEN '{kind}' || n ELSE {other} END")
            }
            (_, other) => format!("c.{other}"),
        })?;
    }
    Ok(())
}
