//! `kapok jobs`: what was sent where, and trying again.

use super::recover::Recover;
use super::show::{Progress, job_line, text};
use super::{Client, Connection, jobs_tail, query, run, segment};
use crate::output;
use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

/// Jobs that are changed by name in one call of the command.
const IDS_MAX: usize = 10_000;

/// Lists, shows and retries webhook jobs.
#[derive(Debug, Args)]
pub(crate) struct JobsCommand {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Lists jobs, newest first
    List(List),
    /// Prints jobs as they come and change, until interrupted
    Tail(Filter),
    /// Shows a job with its attempts
    Show {
        /// The job's id
        id: String,
    },
    /// Sends jobs again, now
    Retry {
        /// The jobs' ids
        #[arg(required = true)]
        ids: Vec<String>,
    },
    /// Gives jobs up
    Cancel {
        /// The jobs' ids
        #[arg(required = true)]
        ids: Vec<String>,
    },
    /// Sends again, or cancels, whatever a filter matches, at a rate, as a job of the server
    Recover(Box<Recover>),
}

/// Which jobs.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Filter {
    /// A status such as Failed; several are separated by commas
    #[arg(long)]
    pub(crate) status: Option<String>,
    /// The name of a webhook
    #[arg(long)]
    pub(crate) webhook: Option<String>,
    /// Only the jobs of this kapp's webhooks
    #[arg(long)]
    pub(crate) kapp: Option<String>,
    /// Text in the name, URL, summary or record
    #[arg(long, value_name = "TEXT")]
    pub(crate) text: Option<String>,
}

#[derive(Debug, Args)]
struct List {
    #[command(flatten)]
    filter: Filter,
    /// Due at this time or later, ISO 8601
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Due before this time, ISO 8601
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// How many
    #[arg(long, default_value_t = 25)]
    limit: usize,
}

impl JobsCommand {
    /// Does what was asked.
    ///
    /// # Errors
    /// Whatever stopped it, worded for the person at the terminal.
    pub(crate) fn run(self) -> Result<()> {
        let Self { connection, action } = self;
        run(&connection, |client| async move {
            match action {
                Action::List(list) => list_jobs(&client, &list).await,
                Action::Tail(filter) => jobs_tail::tail(&client, &filter).await,
                Action::Show { id } => show(&client, &id).await,
                Action::Retry { ids } => set(&client, &ids, "Queued").await,
                Action::Cancel { ids } => set(&client, &ids, "Cancelled").await,
                Action::Recover(recover) => recover.run(&client).await,
            }
        })
    }
}

impl Filter {
    /// The address of a page of the jobs that match.
    pub(super) fn path(
        &self,
        limit: usize,
        token: Option<&str>,
        times: (Option<&str>, Option<&str>),
    ) -> String {
        let base = match &self.kapp {
            Some(kapp) => format!("/kapps/{}/webhookJobs", segment(kapp)),
            None => "/webhookJobs".to_owned(),
        };
        let own = |text: Option<&str>| text.map(str::to_owned);
        let pairs = [
            ("all", Some("true".to_owned())),
            ("status", self.status.clone()),
            ("webhook", self.webhook.clone()),
            ("q", self.text.clone()),
            ("start", own(times.0)),
            ("end", own(times.1)),
            ("limit", Some(limit.to_string())),
            ("pageToken", own(token)),
        ];
        format!("{base}{}", query(pairs))
    }
}

async fn list_jobs(client: &Client, list: &List) -> Result<()> {
    let mut left = list.limit;
    let mut token: Option<String> = None;
    while left > 0 {
        let times = (list.from.as_deref(), list.to.as_deref());
        let page = client.get(&list.filter.path(left.min(200), token.as_deref(), times)).await?;
        let jobs = page["webhookJobs"].as_array().map(Vec::as_slice).unwrap_or_default();
        for job in jobs {
            client.print(job, job_line);
        }
        left = left.saturating_sub(jobs.len());
        token = page["nextPageToken"].as_str().map(str::to_owned);
        if token.is_none() {
            break;
        }
    }
    Ok(())
}

async fn show(client: &Client, id: &str) -> Result<()> {
    let path = format!("/webhookJobs/{}?include=details,attempts,run,request", segment(id));
    let found = client.get(&path).await?;
    let job = &found["webhookJob"];
    if client.json {
        output::line(&job.to_string());
        return Ok(());
    }
    output::line(&job_line(job));
    output::line(&format!("  about     {} {}", text(job, "parentType"), text(job, "parentKey")));
    output::line(&format!("  due       {}", text(job, "scheduledAt")));
    if let Some(next) = job["nextAttemptAt"].as_str() {
        output::line(&format!("  next try  {next}"));
    }
    output::line(&format!("  page      {}", client.page(&format!("jobs/{}", segment(id)))));
    for attempt in job["attempts"].as_array().into_iter().flatten() {
        let status = attempt["responseStatus"].as_i64().map(|status| status.to_string());
        let outcome = attempt["error"].as_str().map(str::to_owned).or(status);
        output::line(&format!(
            "  try {}  {}  {:.1} ms  {}  {}",
            attempt["number"],
            text(attempt, "startedAt"),
            attempt["durationMs"].as_f64().unwrap_or_default(),
            text(attempt, "address"),
            outcome.unwrap_or_default(),
        ));
    }
    for (title, name) in [("sent", "requestContent"), ("received", "responseContent")] {
        if let Some(content) = job[name].as_str().filter(|content| !content.is_empty()) {
            output::line(&format!("\n{title}:\n{content}"));
        }
    }
    Ok(())
}

/// Puts jobs into a status, one by one; those that refuse are told and the rest goes on.
async fn set(client: &Client, ids: &[String], status: &str) -> Result<()> {
    if ids.len() > IDS_MAX {
        bail!("At most {IDS_MAX} jobs in one call; `kapok jobs recover` takes a filter.");
    }
    let progress = Progress::new(client);
    let total = i64::try_from(ids.len()).unwrap_or(i64::MAX);
    let mut refused = 0;
    for (done, id) in (0..).zip(ids) {
        progress.at(done, total, id);
        let path = format!("/webhookJobs/{}", segment(id));
        match client.put(&path, &json!({ "status": status })).await {
            Ok(changed) => {
                progress.end();
                client.print(&changed["webhookJob"], job_line);
            }
            // The first of one speaks for itself; of many, the others may still go.
            Err(error) if ids.len() == 1 => return Err(error),
            Err(error) => {
                progress.end();
                refused += 1;
                client.print(&json!({ "id": id, "error": format!("{error:#}") }), refusal_line);
            }
        }
    }
    progress.end();
    if refused > 0 {
        bail!("{refused} of {total} jobs were not changed");
    }
    Ok(())
}

fn refusal_line(refusal: &Value) -> String {
    format!("{}  {}", text(refusal, "id"), text(refusal, "error"))
}
