//! The project's own commands, run as `cargo xtask …`: everything a developer or a build machine
//! does with the repository. One module for each command; `shell` runs programs, `tools` finds
//! and installs them, `console` builds the web app, `tidy` checks the house rules.
#![allow(clippy::disallowed_methods, reason = "a tool that runs beside the product")]

mod bench;
mod build;
mod chaos;
mod console;
mod openapi;
mod project;
mod run;
mod setup;
mod shell;
mod test;
mod tidy;
mod tools;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The project's own commands.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Builds the console and the server and starts them with the demo company.
    Run(run::Args),
    /// Builds the console and a release of the server, and says where it is.
    Build,
    /// Runs every check and test: style, lints, Rust, PostgreSQL, console, browser.
    Test(test::Args),
    /// Runs what the build machine runs: every stage of `test`.
    Ci,
    /// Checks the house rules: lengths, crate edges, module docs, dead files, links, changelog.
    Tidy,
    /// Builds a release and measures it.
    Bench(bench::Args),
    /// Runs the server under load, injects faults, and checks that nothing was lost or done twice.
    Chaos(chaos::Args),
    /// Writes docs/openapi.json and the console's client types from the server's own description.
    Openapi(openapi::Args),
    /// Installs what building and testing need, or names what is missing.
    Setup,
    /// Waits until a server is ready and prints how to reach it.
    #[command(hide = true)]
    Announce(run::AnnounceArgs),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Run(args) => run::run(&args),
        Command::Build => build::run(),
        Command::Test(args) => test::run(&args),
        Command::Ci => test::ci(),
        Command::Tidy => tidy::run(),
        Command::Bench(args) => bench::run(&args),
        Command::Chaos(args) => chaos::run(&args),
        Command::Openapi(args) => openapi::run(&args),
        Command::Setup => setup::run(),
        Command::Announce(args) => run::announce(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}
