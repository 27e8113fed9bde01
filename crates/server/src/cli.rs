//! The command line.

use crate::config::{Config, Given};
use crate::{output, serve};
use clap::{Parser, Subcommand};

/// Webhooks and workflows in one binary.
#[derive(Debug, Parser)]
#[command(name = "kapok", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Starts the server.
    Serve(Box<Given>),
    /// Prints the OpenAPI description of the API.
    Openapi,
    /// Prints the version.
    Version,
}

impl Cli {
    /// Does what was asked.
    ///
    /// # Errors
    /// Whatever stopped it, worded for the person at the terminal.
    pub fn run(self) -> anyhow::Result<()> {
        match self.command {
            Command::Serve(given) => serve::run(Config::read(*given)?),
            Command::Openapi => {
                output::text(&api::openapi::text());
                Ok(())
            }
            Command::Version => {
                output::line(&format!("kapok {}", api::SERVER_VERSION));
                Ok(())
            }
        }
    }
}
