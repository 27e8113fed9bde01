//! `cargo xtask chaos`: the real server under load with faults drawn at random, then the ledger.
//!
//! The story itself is a test of the kill suite (`crates/server/tests/kill/kill/chaos.rs`), which
//! runs it shortly; here it runs for as long as one likes.

use anyhow::Result;

use crate::{shell, tools};

/// Runs the server under load, injects faults, and checks the ledger.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Minutes of faults; the check comes after.
    #[arg(long, default_value_t = 1.0)]
    minutes: f64,
    /// Repeats the faults of an earlier run; drawn and printed when absent.
    #[arg(long)]
    seed: Option<u64>,
    /// Two nodes on a private PostgreSQL instead of one on SQLite.
    #[arg(long)]
    postgres: bool,
}

/// Runs the story; fails when the ledger is violated, with the seed in the output.
pub(crate) fn run(args: &Args) -> Result<()> {
    let mut story = shell::cargo();
    story.args(["test", "-p", "server", "--test", "kill", "--"]);
    story.args(["kill::chaos::at_length", "--exact", "--ignored", "--nocapture"]);
    story.env("KAPOK_CHAOS_MINUTES", args.minutes.to_string());
    if let Some(seed) = args.seed {
        story.env("KAPOK_CHAOS_SEED", seed.to_string());
    }
    if args.postgres {
        story.env("KAPOK_CHAOS_POSTGRES", "1").env("KAPOK_PG_BIN", tools::postgres()?);
    }
    shell::run(&mut story)
}
