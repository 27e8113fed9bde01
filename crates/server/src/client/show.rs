//! Records as lines for people, and as documents for programs.

use super::Client;
use crate::output;
use serde_json::Value;
use std::io::{IsTerminal, Write, stderr};

/// Characters of a bar.
const BAR_CHARS: usize = 30;

/// The text of a property; a dash for none.
pub(crate) fn text<'a>(record: &'a Value, name: &str) -> &'a str {
    record[name].as_str().unwrap_or("-")
}

/// A job on one line.
pub(crate) fn job_line(job: &Value) -> String {
    let outcome = match job["runId"].as_i64() {
        Some(run) => format!("{} · run #{run}", text(job, "summary")),
        None => text(job, "summary").to_owned(),
    };
    let at = ["finishedAt", "startedAt", "scheduledAt"];
    let at = at.iter().find_map(|name| job[*name].as_str()).unwrap_or("-");
    format!(
        "{at}  {:<11}  {}  {} · {}  {}  {outcome}",
        text(job, "status"),
        text(job, "id"),
        text(job, "name"),
        text(job, "event"),
        text(job, "url"),
    )
}

impl Client {
    /// Prints a record: as a document, or as the line that people read.
    pub(crate) fn print(&self, record: &Value, line: impl FnOnce(&Value) -> String) {
        if self.json {
            output::line(&record.to_string());
        } else {
            output::line(&line(record));
        }
    }

    /// Tells a person something beside the result.
    pub(crate) fn note(&self, text: &str) {
        if !self.json {
            let _ = writeln!(stderr().lock(), "{text}");
        }
    }
}

/// A bar on the terminal; nothing where there is none.
pub(crate) struct Progress {
    is_shown: bool,
}

impl Progress {
    /// A bar for a person; none for a program.
    pub(crate) fn new(client: &Client) -> Self {
        Self { is_shown: !client.json && stderr().is_terminal() }
    }

    /// Draws how far the work is.
    pub(crate) fn at(&self, done: i64, total: i64, more: &str) {
        if self.is_shown {
            let _ = write!(stderr().lock(), "\r\x1b[2K{}", bar(done, total, more));
        }
    }

    /// Removes the bar.
    pub(crate) fn end(&self) {
        if self.is_shown {
            let _ = write!(stderr().lock(), "\r\x1b[2K");
        }
    }
}

fn bar(done: i64, total: i64, more: &str) -> String {
    let total = total.max(1);
    let share = usize::try_from(done.clamp(0, total) * 30 / total).unwrap_or(0).min(BAR_CHARS);
    let (full, empty) = ("█".repeat(share), "░".repeat(BAR_CHARS - share));
    format!("{full}{empty} {done} of {total}  {more}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_job_fits_on_a_line() {
        let job = json!({ "id": "j", "status": "Complete", "name": "N", "event": "User Created",
            "url": "/x", "summary": "200 OK", "runId": 7, "scheduledAt": "t" });
        assert_eq!(job_line(&job), "t  Complete     j  N · User Created  /x  200 OK · run #7");
    }

    #[test]
    fn a_bar_is_full_at_the_end() {
        assert_eq!(bar(3, 3, "x"), format!("{} 3 of 3  x", "█".repeat(30)));
        assert!(bar(0, 0, "").starts_with('░'));
    }
}
