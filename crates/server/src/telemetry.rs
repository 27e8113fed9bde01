//! Logs: structured, on the standard error, as text or JSON. Beside them, what is told to those who
//! watch: metrics ([`collect`], [`prometheus`]) and their export ([`otlp`]).

pub(crate) mod collect;
pub(crate) mod otlp;
mod process;
pub(crate) mod prometheus;

use crate::config::{Config, LogFormat};
use anyhow::{Context, Result};
use std::io::{IsTerminal, stderr};
use tracing_subscriber::EnvFilter;

/// Starts logging; a second start in the same process, as in tests, is ignored.
///
/// # Errors
/// A filter that cannot be read.
pub(crate) fn start(config: &Config) -> Result<()> {
    let filter = EnvFilter::try_new(&config.log).with_context(|| {
        format!(
            "log (KAPOK_LOG) must be a filter such as info,webhooks=debug, not {:?}",
            config.log
        )
    })?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal());
    let _ = match config.log_format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    Ok(())
}
