//! `kapok jobs recover`: a recovery of the server, started and watched from the terminal. It goes
//! on when the terminal leaves.

use super::show::{Progress, text};
use super::{Client, segment};
use crate::output;
use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

/// Milliseconds between two looks at the progress.
const LOOK_MS: i64 = 500;

/// What to do with the jobs.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Mode {
    /// Sends them again
    Replay,
    /// Makes the jobs of events that match now but never had one
    Missing,
    /// Gives up those that wait
    Cancel,
}

/// What to recover, and how.
#[derive(Debug, Args)]
pub(crate) struct Recover {
    /// What to do
    #[arg(long, value_enum, default_value_t = Mode::Replay)]
    mode: Mode,
    /// Due (or happened) at this time or later, ISO 8601
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Due (or happened) before this time, ISO 8601
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// Statuses, separated by commas
    #[arg(long, value_delimiter = ',')]
    status: Vec<String>,
    /// A class of errors such as http_5xx or timeout
    #[arg(long, value_name = "CLASS")]
    error_class: Option<String>,
    /// The name of a webhook
    #[arg(long)]
    webhook: Option<String>,
    /// The slug of a kapp
    #[arg(long)]
    kapp: Option<String>,
    /// An endpoint such as https://example.com
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
    /// Text in request or response
    #[arg(long)]
    text: Option<String>,
    /// Jobs in a second at most
    #[arg(long, value_name = "NUMBER")]
    rate: Option<f64>,
    /// Why, for those who read it later
    #[arg(long)]
    note: Option<String>,
    /// Only counts what would be recovered
    #[arg(long)]
    preview: bool,
    /// Returns once it is started, without watching
    #[arg(long)]
    detach: bool,
}

impl Recover {
    /// Starts and watches the recovery.
    ///
    /// # Errors
    /// Whatever the server refuses, and a recovery that ended otherwise than complete.
    pub(super) async fn run(&self, client: &Client) -> Result<()> {
        let body = self.body();
        if self.preview {
            let answer = client.post("/recoveries/preview", &body).await?;
            return print_preview(client, &answer["preview"]);
        }
        let made = client.post("/recoveries", &body).await?;
        let id = text(&made["recovery"], "id").to_owned();
        if self.detach {
            client.print(&made["recovery"], recovery_line);
            return Ok(());
        }
        let recovery = watch(client, &id).await?;
        client.print(&recovery, recovery_line);
        if text(&recovery, "status") != "Complete" {
            bail!("The recovery is {}: {}", text(&recovery, "status"), text(&recovery, "message"));
        }
        Ok(())
    }

    fn body(&self) -> Value {
        let mut filter = Map::new();
        let given = [
            ("from", &self.from),
            ("to", &self.to),
            ("errorClass", &self.error_class),
            ("webhook", &self.webhook),
            ("kappSlug", &self.kapp),
            ("endpoint", &self.endpoint),
            ("text", &self.text),
        ];
        for (name, value) in given {
            if let Some(value) = value {
                filter.insert(name.to_owned(), json!(value));
            }
        }
        if !self.status.is_empty() {
            filter.insert("statuses".to_owned(), json!(self.status));
        }
        let mode = match self.mode {
            Mode::Replay => "replay",
            Mode::Missing => "missing",
            Mode::Cancel => "cancel",
        };
        let mut body = json!({ "mode": mode, "filter": filter });
        if let Some(rate) = self.rate {
            body["ratePerSecond"] = json!(rate);
        }
        if let Some(note) = &self.note {
            body["note"] = json!(note);
        }
        body
    }
}

/// Draws the progress until the recovery ends or waits for somebody.
async fn watch(client: &Client, id: &str) -> Result<Value> {
    let progress = Progress::new(client);
    loop {
        let mut answer = client.get(&format!("/recoveries/{}", segment(id))).await?;
        let recovery = answer["recovery"].take();
        let number = |name: &str| recovery[name].as_i64().unwrap_or_default();
        let status = text(&recovery, "status");
        progress.at(number("done") + number("skipped"), number("total"), status);
        if status != "Running" {
            progress.end();
            return Ok(recovery);
        }
        client.runtime.sleep_ms(LOOK_MS).await;
    }
}

fn recovery_line(recovery: &Value) -> String {
    format!(
        "recovery {}  {}  {} of {} done, {} skipped, {} failed",
        text(recovery, "id"),
        text(recovery, "status"),
        recovery["done"],
        recovery["total"],
        recovery["skipped"],
        recovery["failed"],
    )
}

fn print_preview(client: &Client, preview: &Value) -> Result<()> {
    if client.json {
        output::line(&preview.to_string());
        return Ok(());
    }
    let about = if preview["isExact"] == json!(false) { "at least " } else { "" };
    output::line(&format!("{about}{} jobs", preview["count"]));
    for (title, name, key) in
        [("by webhook", "byWebhook", "webhook"), ("by class", "byClass", "errorClass")]
    {
        for row in preview[name].as_array().into_iter().flatten() {
            let what = row[key].as_str().or_else(|| row["class"].as_str()).unwrap_or("-");
            output::line(&format!("  {title}  {:>8}  {what}", row["count"]));
        }
    }
    Ok(())
}
