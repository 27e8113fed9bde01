//! `kapok restored`: what waits since the server's database was restored, and the decision.

use super::{Connection, run};
use crate::output;
use anyhow::Result;
use serde_json::{Value, json};

/// Shows what waits since a restore, and decides about it.
#[derive(Debug, clap::Args)]
pub(crate) struct Restored {
    #[command(flatten)]
    connection: Connection,
    /// send them, a second time where they were sent after the copy was made, or cancel them
    #[arg(long, value_name = "DECISION", value_parser = ["send", "cancel"])]
    jobs: Option<String>,
    /// continue them, or cancel those that would go on by themselves
    #[arg(long, value_name = "DECISION", value_parser = ["continue", "cancel"])]
    runs: Option<String>,
}

impl Restored {
    /// Shows or decides.
    ///
    /// # Errors
    /// What the server says.
    pub(crate) fn run(self) -> Result<()> {
        let Self { connection, jobs, runs } = self;
        run(&connection, |client| async move {
            let answer = if jobs.is_some() || runs.is_some() {
                let body = json!({ "jobs": jobs, "runs": runs });
                client.post("/restoration/actions", &body).await?
            } else {
                client.get("/restoration").await?
            };
            let waits = answer.get("restoration").unwrap_or(&Value::Null);
            if client.json {
                output::line(&waits.to_string());
            } else {
                print(waits);
            }
            Ok(())
        })
    }
}

fn print(waits: &Value) {
    if waits.is_null() {
        return output::line("Nothing waits for a decision about a restored backup.");
    }
    let text = |name: &str| waits.get(name).and_then(Value::as_str).unwrap_or_default();
    output::line(&format!("Since {}: {}.", text("restoredAt"), text("reason")));
    let lines = [
        ("areJobsHeld", "jobs", "jobs wait", "kapok restored --jobs send|cancel"),
        ("areRunsHeld", "runs", "runs would go on", "kapok restored --runs continue|cancel"),
    ];
    for (held, count, what, how) in lines {
        if waits.get(held) == Some(&Value::Bool(true)) {
            let count = waits.get(count).and_then(Value::as_i64).unwrap_or_default();
            output::line(&format!("  {count} {what}: {how}"));
        }
    }
}
