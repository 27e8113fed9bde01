//! `kapok trigger`: makes an event happen, by a real change through the public API or as a test of
//! the webhooks that wait for it, and prints what it fired.

use super::show::{job_line, text};
use super::{Client, Connection, query, run, segment};
use anyhow::{Context, Result, bail};
use clap::Args;
use http::Method;
use model::catalogue::{self, Level};
use serde_json::{Map, Value, json};

/// Milliseconds between two looks at what was fired.
const LOOK_MS: i64 = 100;
/// Events looked through for those of the change.
const EVENTS_MAX: usize = 200;

/// Makes an event happen and prints what it fired.
#[derive(Debug, Args)]
pub(crate) struct Trigger {
    /// Type and event, such as "Submission Submitted" or "User Created"
    event: String,
    /// The kapp, for forms and submissions
    #[arg(long, value_name = "SLUG")]
    kapp: Option<String>,
    /// The form of a submission
    #[arg(long, value_name = "SLUG")]
    form: Option<String>,
    /// A value of the submission, or a property of the record; `name:=JSON` sets other than text
    #[arg(long = "set", value_name = "FIELD=VALUE")]
    values: Vec<String>,
    /// The record that is changed: id, slug or username; without it one is created
    #[arg(long)]
    id: Option<String>,
    /// Changes nothing: sends the waiting webhooks a test event instead
    #[arg(long)]
    test: bool,
    /// Seconds to wait until what was fired has ended
    #[arg(long, default_value_t = 5, value_name = "SECONDS")]
    wait: u32,
    #[command(flatten)]
    connection: Connection,
}

/// A change to make: method, path, body.
type Change = (Method, String, Option<Value>);

impl Trigger {
    /// Does what was asked.
    ///
    /// # Errors
    /// Whatever stopped it, worded for the person at the terminal.
    pub(crate) fn run(self) -> Result<()> {
        run(&self.connection.clone(), |client| async move { self.fire(&client).await })
    }

    async fn fire(&self, client: &Client) -> Result<()> {
        let (type_name, event) = self.meant()?;
        match self.change(type_name, event)? {
            Some(change) if !self.test => self.make(client, type_name, change).await,
            _ => self.send_tests(client, type_name, event).await,
        }
    }

    /// The type and event of the catalogue.
    fn meant(&self) -> Result<(&'static str, &'static str)> {
        let text = self.event.trim();
        let level = if self.kapp.is_some() { Level::Kapp } else { Level::Space };
        let found = catalogue::normalise(level, text, text);
        found.or_else(|| catalogue::normalise(Level::Kapp, text, text)).with_context(|| {
            let types = catalogue::types(Level::Space).chain(catalogue::types(Level::Kapp));
            let mut known: Vec<&str> = types.map(|one| one.name).collect();
            known.dedup();
            format!(
                "There is no event \"{text}\". An event is a type and what happened, such as \
                 \"Submission Submitted\"; the types are {}",
                known.join(", ")
            )
        })
    }

    /// The change through the API that makes the event; `None`: the event can only be tested.
    fn change(&self, type_name: &str, event: &str) -> Result<Option<Change>> {
        let values = self.values()?;
        let collection = match type_name {
            "User" => "/users".to_owned(),
            "Team" => "/teams".to_owned(),
            "Submission" if self.kapp.is_some() => match (&self.kapp, &self.form) {
                (Some(kapp), Some(form)) => {
                    format!("/kapps/{}/forms/{}/submissions", segment(kapp), segment(form))
                }
                _ if self.test || self.id.is_some() => String::new(),
                _ => bail!("--form is missing: the form to submit. --test changes nothing instead"),
            },
            "Datastore Submission" => match &self.form {
                Some(form) => format!("/datastore/forms/{}/submissions", segment(form)),
                None if self.test || self.id.is_some() => String::new(),
                None => bail!("--form is missing: the datastore form to submit"),
            },
            _ => return Ok(None),
        };
        let is_submission = type_name.ends_with("Submission");
        let one = |id: &str| {
            if is_submission {
                format!("/submissions/{}", segment(id))
            } else {
                format!("{collection}/{}", segment(id))
            }
        };
        let body = |state: Option<&str>| {
            if !is_submission {
                return Value::Object(values.clone());
            }
            let mut body = json!({ "values": values });
            if let Some(state) = state {
                body["coreState"] = json!(state);
            }
            body
        };
        let state = match event {
            "Submitted" => Some("Submitted"),
            "Closed" => Some("Closed"),
            "Created" | "Saved" => Some("Draft"),
            _ => None,
        };
        Ok(match (event, &self.id) {
            ("Deleted", Some(id)) => Some((Method::DELETE, one(id), None)),
            ("Updated", Some(id)) => Some((Method::PUT, one(id), Some(body(None)))),
            ("Submitted" | "Closed" | "Saved", Some(id)) if is_submission => {
                Some((Method::PUT, one(id), Some(body(state.filter(|s| *s != "Draft")))))
            }
            ("Deleted" | "Updated", None) if !self.test => {
                bail!("--id is missing: the record to change. --test changes nothing instead")
            }
            ("Created", _) | ("Submitted" | "Closed" | "Saved", None)
                if is_submission || event == "Created" =>
            {
                Some((Method::POST, collection, Some(body(state))))
            }
            _ => None,
        })
    }

    /// What `--set` says.
    fn values(&self) -> Result<Map<String, Value>> {
        let mut values = Map::new();
        for given in &self.values {
            let Some((name, value)) = given.split_once('=') else {
                bail!("--set must be FIELD=VALUE, not \"{given}\"");
            };
            let (name, value) = match name.strip_suffix(':') {
                Some(name) => {
                    let read = serde_json::from_str(value);
                    (name, read.with_context(|| format!("--set {name}:= is not JSON"))?)
                }
                None => (name, json!(value)),
            };
            values.insert(name.trim().to_owned(), value);
        }
        Ok(values)
    }

    /// Makes the change and prints its events.
    async fn make(&self, client: &Client, type_name: &str, change: Change) -> Result<()> {
        let (method, path, body) = change;
        let answer = client.ask(method, &path, body.as_ref()).await?;
        let pairs = [
            ("type", Some(type_name.to_owned())),
            ("kapp", self.kapp.clone()),
            ("limit", Some(EVENTS_MAX.to_string())),
        ];
        let listed = client.get(&format!("/events{}", query(pairs))).await?;
        let ours = |event: &&Value| event["traceId"] == json!(answer.request_id);
        let events: Vec<Value> =
            listed["events"].as_array().into_iter().flatten().filter(ours).cloned().collect();
        if events.is_empty() {
            client.note("The change is made; it caused no event of this type.");
        }
        for event in events.iter().rev() {
            let event = self.ended(client, text(event, "id")).await?;
            client.print(&event, |event| event_lines(client, event));
        }
        Ok(())
    }

    /// Waits until the event's jobs and runs have ended, or for as long as was asked.
    async fn ended(&self, client: &Client, id: &str) -> Result<Value> {
        let path = format!("/events/{}", segment(id));
        let until = client.runtime.now().plus_ms(i64::from(self.wait) * 1_000);
        loop {
            let mut answer = client.get(&path).await?;
            let event = answer["event"].take();
            let waits = |job: &Value| ["Queued", "In Progress"].contains(&text(job, "status"));
            let is_open = event["jobs"].as_array().into_iter().flatten().any(waits);
            if !is_open || client.runtime.now() >= until {
                return Ok(event);
            }
            client.runtime.sleep_ms(LOOK_MS).await;
        }
    }

    /// Sends every webhook that waits for the event a test.
    async fn send_tests(&self, client: &Client, type_name: &str, event: &str) -> Result<()> {
        let base = match &self.kapp {
            Some(kapp) => format!("/kapps/{}/webhooks", segment(kapp)),
            None => "/webhooks".to_owned(),
        };
        let listed = client.get(&base).await?;
        let waits = |webhook: &&Value| {
            text(webhook, "type") == type_name && text(webhook, "event") == event
        };
        let webhooks: Vec<&Value> =
            listed["webhooks"].as_array().into_iter().flatten().filter(waits).collect();
        if webhooks.is_empty() {
            bail!("No webhook waits for {type_name} {event} here");
        }
        for webhook in webhooks {
            let path = format!("{base}/{}/send-test", segment(text(webhook, "name")));
            let sent = client.post(&path, &json!({})).await?;
            let job = self.delivered(client, &sent["webhookJob"]).await?;
            client.print(&job, |job| {
                let page = client.page(&format!("jobs/{}", segment(text(job, "id"))));
                format!("{}\n  {page}", job_line(job))
            });
        }
        Ok(())
    }

    async fn delivered(&self, client: &Client, job: &Value) -> Result<Value> {
        let path = format!("/webhookJobs/{}", segment(text(job, "id")));
        let until = client.runtime.now().plus_ms(i64::from(self.wait) * 1_000);
        loop {
            let mut answer = client.get(&path).await?;
            let job = answer["webhookJob"].take();
            let is_open = ["Queued", "In Progress"].contains(&text(&job, "status"));
            if !is_open || client.runtime.now() >= until {
                return Ok(job);
            }
            client.runtime.sleep_ms(LOOK_MS).await;
        }
    }
}

fn event_lines(client: &Client, event: &Value) -> String {
    let mut lines = vec![format!(
        "{} {} · {}\n  {}",
        text(event, "type"),
        text(event, "event"),
        text(event, "label"),
        client.page(&format!("events/{}", segment(text(event, "id")))),
    )];
    for verdict in event["verdicts"].as_array().into_iter().flatten() {
        let message = verdict["message"].as_str().map(|m| format!(": {m}")).unwrap_or_default();
        let (name, said) = (text(verdict, "webhook"), text(verdict, "verdict"));
        lines.push(format!("  {said:<12}  {name}{message}"));
    }
    for job in event["jobs"].as_array().into_iter().flatten() {
        lines.push(format!("  job  {}", job_line(job)));
    }
    for run in event["runs"].as_array().into_iter().flatten() {
        let page = client.page(&format!("runs/{}", run["id"]));
        lines.push(format!(
            "  run  #{}  {}  {}  {page}",
            run["id"],
            text(run, "status"),
            text(run, "tree")
        ));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        trigger: Trigger,
    }

    fn trigger(arguments: &[&str]) -> Trigger {
        let line = std::iter::once("trigger").chain(arguments.iter().copied());
        Line::try_parse_from(line).unwrap().trigger
    }

    #[test]
    fn an_event_becomes_a_change() {
        let check = |arguments: &[&str], expect: Option<(&str, &str, Value)>| {
            let trigger = trigger(arguments);
            let (type_name, event) = trigger.meant().unwrap();
            let change = trigger.change(type_name, event).unwrap();
            let change = change.map(|(m, p, b)| (m.to_string(), p, b.unwrap_or(Value::Null)));
            let expect = expect.map(|(m, p, b)| (m.to_owned(), p.to_owned(), b));
            assert_eq!(change, expect, "{arguments:?}");
        };
        check(
            &["Submission Submitted", "--kapp", "services", "--form", "laptop", "--set", "Model=X"],
            Some((
                "POST",
                "/kapps/services/forms/laptop/submissions",
                json!({ "values": { "Model": "X" }, "coreState": "Submitted" }),
            )),
        );
        check(
            &["Submission Updated", "--kapp", "services", "--id", "1", "--set", "n:=[1]"],
            Some(("PUT", "/submissions/1", json!({ "values": { "n": [1] } }))),
        );
        check(
            &["User Created", "--set", "username=ann"],
            Some(("POST", "/users", json!({ "username": "ann" }))),
        );
        check(&["User Deleted", "--id", "ann"], Some(("DELETE", "/users/ann", Value::Null)));
        check(&["User Login"], None);
        let missing = trigger(&["User Deleted"]);
        assert!(missing.change("User", "Deleted").is_err());
        assert!(trigger(&["Nothing Happened"]).meant().is_err());
    }
}
