//! The command line.

use crate::backup::{Backup, Restore};
use crate::client::{Export, Import, JobsCommand, Listen, Restored, Trigger};
use crate::config::{Config, Given};
use crate::doctor::Doctor;
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
    /// Looks at the configuration and at what it stands on, and says what to do.
    Doctor(Box<Doctor>),
    /// Copies the embedded database while the server runs.
    Backup(Box<Backup>),
    /// Puts a copy in the place of the database, and has what the copy remembers wait.
    Restore(Box<Restore>),
    /// Shows what waits since a restore, and decides about it.
    Restored(Box<Restored>),
    /// Lists, shows, retries and recovers webhook jobs of a running server.
    Jobs(Box<JobsCommand>),
    /// Imports a folder of exported trees, routines, sources, categories and policy rules.
    Import(Box<Import>),
    /// Exports them as a folder of files.
    Export(Box<Export>),
    /// Relays what is sent to the server to an address on this machine.
    Listen(Box<Listen>),
    /// Makes an event happen on a running server and prints what it fired.
    Trigger(Box<Trigger>),
    /// Evaluates expressions of trees and webhooks.
    Expr(Box<crate::expressions::Expr>),
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
            Command::Doctor(doctor) => doctor.run(),
            Command::Backup(backup) => backup.run(),
            Command::Restore(restore) => restore.run(),
            Command::Restored(restored) => restored.run(),
            Command::Jobs(jobs) => jobs.run(),
            Command::Import(import) => import.run(),
            Command::Export(export) => export.run(),
            Command::Listen(listen) => listen.run(),
            Command::Trigger(trigger) => trigger.run(),
            Command::Expr(expr) => expr.run(),
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
