//! `cargo xtask bench`: builds a release of the server and of the benchmark and runs it.

use anyhow::Result;

use crate::{console, project, shell, tools};

/// Builds a release and measures it.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Measures on a private PostgreSQL instead of SQLite.
    #[arg(long)]
    postgres: bool,
    /// Arguments for the benchmark itself; `-- --help` lists them.
    #[arg(last = true)]
    rest: Vec<String>,
}

/// Builds both binaries and runs the benchmark against the server's.
pub(crate) fn run(args: &Args) -> Result<()> {
    console::build()?;
    shell::run(shell::cargo().args(["build", "--release", "-p", "server", "-p", "bench"]))?;
    let server = project::binary("release", "kapok");
    let mut bench = shell::command(project::binary("release", "bench"));
    bench.arg("--server").arg(server);
    if args.postgres {
        bench.arg("--postgres").env("KAPOK_PG_BIN", tools::postgres()?);
    }
    shell::run(bench.args(&args.rest))
}
