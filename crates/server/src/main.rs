//! The `kapok` binary.

use clap::Parser;
use std::process::ExitCode;

/// Allocates for many small, short-lived values on many threads, which is what a server does.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match server::cli::Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            server::output::error(&error);
            ExitCode::FAILURE
        }
    }
}
