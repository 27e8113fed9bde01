//! The benchmark: one run on loopback against a real server process, with the receiver in a
//! process of its own (this binary again, as `bench receiver`), and beside the server's figures
//! the floors of the same machine in the same minute: bare HTTP by the same client to the same
//! receiver, and bare group commit on the same disk.
//!
//! It uses the public API only. `plan` says what is measured in which order; `report` prints it.
#![allow(clippy::disallowed_methods, reason = "a tool that measures real time and real sockets")]

mod client;
mod copies;
mod floors;
mod load;
mod measure;
mod plan;
mod process;
mod purging;
mod queued;
mod receiver;
mod report;
mod runs;
mod setup;
mod trees;
mod waiting;
mod watch;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Measures a release build of the server on this machine.
#[derive(Parser)]
#[command(name = "bench", args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    options: Options,
}

#[derive(Subcommand)]
enum Command {
    /// Receives and counts webhooks until standard input ends; started by the benchmark itself.
    #[command(hide = true)]
    Receiver,
}

/// What to measure, and for how long.
#[derive(clap::Args, Clone)]
struct Options {
    /// The server's binary, a release build.
    #[arg(long, default_value = "target/release/kapok")]
    server: PathBuf,
    /// An empty PostgreSQL database to measure on; SQLite in a temporary folder when absent.
    #[arg(long)]
    database_url: Option<String>,
    /// Measures on a fresh database of the tests' private PostgreSQL.
    #[arg(long, conflicts_with = "database_url")]
    postgres: bool,
    /// The folder for temporary data, on the disk to measure; the system's when absent.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Callers that submit at once, each with a connection of its own.
    #[arg(long, default_value_t = 64)]
    callers: usize,
    /// Bytes of text in a submission, so that it weighs what a filled-in form weighs: 900 make a
    /// request of 1 KB, and a webhook of that with the form's surroundings.
    #[arg(long, default_value_t = 900)]
    details: usize,
    /// Jobs that wait when the server starts.
    #[arg(long, default_value_t = 1_000_000)]
    queued: u64,
    /// Runs that wait when the server starts.
    #[arg(long, default_value_t = 1_000_000)]
    waiting: u64,
    /// Events with their jobs that are purged.
    #[arg(long, default_value_t = 200_000)]
    purged: u64,
    /// Seconds of each loaded measurement.
    #[arg(long, default_value_t = 8)]
    seconds: u64,
    /// Measures these only, separated by commas; all when absent.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<plan::Scenario>,
    /// Submissions a second of the latency measurement under load; half of what the intake
    /// reached when absent.
    #[arg(long)]
    rate: Option<f64>,
    /// Writes the figures as JSON to this file.
    #[arg(long, default_value = "target/bench.json")]
    json: PathBuf,
}

impl Options {
    /// Whether a scenario is to be measured.
    fn wants(&self, scenario: plan::Scenario) -> bool {
        self.only.is_empty() || self.only.contains(&scenario)
    }
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match cli.command {
        Some(Command::Receiver) => runtime.block_on(receiver::run()),
        None => {
            let figures = runtime.block_on(plan::run(&cli.options))?;
            report::print(&figures);
            report::write(&figures, &cli.options.json)
        }
    }
}
