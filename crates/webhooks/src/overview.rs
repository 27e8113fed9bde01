//! Is everything all right? One sentence, the numbers behind it, and a series for the chart.

use crate::{Actor, Error, Webhooks};
use model::job::State;
use model::time::Micros;
use std::collections::BTreeMap;
use store::dashboard::{self, Failing};

/// Minutes a window may span at most.
const MINUTES_MAX: i64 = 7 * 24 * 60;
const MINUTE_US: i64 = 60_000_000;
/// A job that waited this long without being a retry says that delivery is behind.
const LATE_MS: i64 = 60_000;

/// How things stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusLevel {
    /// Nothing needs anybody.
    Good,
    /// Something deserves a look.
    Attention,
    /// Something is broken.
    Problem,
}

impl StatusLevel {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Attention => "attention",
            Self::Problem => "problem",
        }
    }
}

/// What one minute saw, by the minute in which jobs were due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Minute {
    /// Its beginning.
    pub at: Micros,
    /// Jobs that are complete.
    pub complete: i64,
    /// Jobs that failed.
    pub failed: i64,
    /// Jobs that wait or are under way.
    pub queued: i64,
    /// Runs that jobs started.
    pub runs: i64,
}

/// The numbers. Counts of what is open stop at [`dashboard::COUNT_MAX`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overview {
    /// Jobs that wait.
    pub queued: i64,
    /// Jobs with an attempt under way.
    pub in_progress: i64,
    /// Jobs of the window that failed.
    pub failed: i64,
    /// Jobs of the window that are complete.
    pub complete: i64,
    /// Runs that move by themselves.
    pub runs_running: i64,
    /// Runs that wait for something.
    pub runs_waiting: i64,
    /// Runs with an open error.
    pub runs_error: i64,
    /// Runs of the window that are complete.
    pub runs_complete: i64,
    /// Errors that need a person.
    pub open_errors: i64,
    /// When the oldest waiting job was due.
    pub oldest_queued_at: Option<Micros>,
    /// Webhooks with failures in the window, most first.
    pub failing: Vec<Failing>,
    /// The window, minute by minute.
    pub series: Vec<Minute>,
    /// Events of the last day.
    pub events_24h: i64,
}

impl Webhooks {
    /// Looks at the last `minutes` of a space.
    ///
    /// # Errors
    /// `Refused` for a window out of bounds, `Forbidden`, `Store`.
    pub async fn overview(
        &self,
        actor: &Actor,
        minutes: i64,
    ) -> Result<(StatusLevel, String, Overview), Error> {
        actor.must_administer("see the dashboard")?;
        if !(1..=MINUTES_MAX).contains(&minutes) {
            return Err(Error::refused(format!(
                "The minutes parameter must be between 1 and {MINUTES_MAX}, not {minutes}"
            )));
        }
        let now = self.inner.runtime.now();
        let space = actor.space_id.clone();
        let first = now.0 / MINUTE_US - (minutes - 1);
        let since = Micros(first * MINUTE_US);
        let overview = self.read(move |tx| {
            let (queued, oldest_queued_at) = dashboard::open_jobs(tx, &space, State::Queued)?;
            let (in_progress, _) = dashboard::open_jobs(tx, &space, State::InProgress)?;
            let runs: BTreeMap<_, _> = dashboard::open_runs(tx, &space)?.into_iter().collect();
            let run = |state: &str| runs.get(state).copied().unwrap_or(0);
            let buckets = dashboard::series(tx, &space, since)?;
            let counted: i64 = buckets.iter().map(|bucket| bucket.count).sum();
            // A window too busy to be counted is told from the first minute that was.
            let from = match buckets.first() {
                Some(bucket) if counted >= dashboard::SERIES_MAX / 2 => bucket.minute.max(first),
                _ => first,
            };
            let series = series(from, first + minutes - from, &buckets);
            Ok(Overview {
                queued,
                in_progress,
                failed: series.iter().map(|m| m.failed).sum(),
                complete: series.iter().map(|m| m.complete).sum(),
                runs_running: run("Running"),
                runs_waiting: run("Waiting"),
                runs_error: run("Error"),
                runs_complete: dashboard::complete_runs(tx, &space, since)?,
                open_errors: dashboard::open_errors(tx, &space)?,
                oldest_queued_at,
                failing: dashboard::failing(tx, &space, since)?,
                series,
                events_24h: dashboard::events(tx, &space, now.plus_ms(-86_400_000))?,
            })
        });
        let overview = overview.await?;
        let (level, sentence) = sentence(&overview, now);
        Ok((level, sentence, overview))
    }
}

fn series(first: i64, minutes: i64, buckets: &[dashboard::Bucket]) -> Vec<Minute> {
    let at = |minute| Minute { at: Micros(minute * MINUTE_US), ..Minute::default() };
    let mut series: Vec<Minute> = (first..first + minutes).map(at).collect();
    for bucket in buckets {
        let index = usize::try_from(bucket.minute - first).ok();
        let Some(minute) = index.and_then(|index| series.get_mut(index)) else { continue };
        match State::parse(&bucket.state) {
            Some(State::Complete) => minute.complete += bucket.count,
            Some(State::Failed) => minute.failed += bucket.count,
            Some(State::Queued | State::InProgress) => minute.queued += bucket.count,
            Some(State::Cancelled) | None => {}
        }
        minute.runs += bucket.runs;
    }
    series
}

/// The worst of it, in words.
fn sentence(o: &Overview, now: Micros) -> (StatusLevel, String) {
    let count = |n: i64, one: &str, many: &str| {
        let more = if n >= dashboard::COUNT_MAX { "+" } else { "" };
        format!("{n}{more} {}", if n == 1 { one } else { many })
    };
    let mut parts = Vec::new();
    let mut level = StatusLevel::Good;
    let waited_ms = o.oldest_queued_at.map_or(0, |at| now.ms_since(at));
    if waited_ms > LATE_MS {
        level = StatusLevel::Problem;
        parts.push(format!(
            "deliveries are behind: the oldest job has been due for {} min",
            waited_ms / 60_000
        ));
    }
    if o.open_errors > 0 {
        level = StatusLevel::Problem;
        parts.push(format!(
            "{} open",
            count(o.open_errors, "workflow error is", "workflow errors are")
        ));
    }
    if o.failed > 0 {
        if level == StatusLevel::Good {
            level = StatusLevel::Attention;
        }
        let what = count(o.failed, "webhook job has", "webhook jobs have");
        parts.push(format!("{what} failed"));
    }
    if parts.is_empty() {
        let sentence = match (o.queued + o.in_progress, o.complete) {
            (0, 0) => "All is well; nothing has happened lately.".to_owned(),
            (0, n) => format!(
                "All is well; {} delivered.",
                count(n, "webhook job was", "webhook jobs were")
            ),
            (waiting, _) => {
                format!(
                    "All is well; {} on the way.",
                    count(waiting, "webhook job is", "webhook jobs are")
                )
            }
        };
        return (level, sentence);
    }
    let mut sentence = parts.join(", and ");
    if let Some(first) = sentence.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    sentence.push('.');
    (level, sentence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_names_the_worst() {
        let now = Micros(600 * 60_000_000);
        let say = |o: &Overview| sentence(o, now);
        let quiet = Overview::default();
        assert_eq!(say(&quiet).1, "All is well; nothing has happened lately.");
        let busy = Overview { complete: 1, ..quiet.clone() };
        assert_eq!(say(&busy).1, "All is well; 1 webhook job was delivered.");
        let failed = Overview { failed: 2, ..quiet.clone() };
        assert_eq!(say(&failed), (StatusLevel::Attention, "2 webhook jobs have failed.".into()));
        let broken = Overview {
            failed: 1,
            open_errors: 1,
            oldest_queued_at: Some(now.plus_ms(-300_000)),
            ..quiet
        };
        assert_eq!(
            say(&broken),
            (
                StatusLevel::Problem,
                "Deliveries are behind: the oldest job has been due for 5 min, and \
                 1 workflow error is open, and 1 webhook job has failed."
                    .into()
            )
        );
    }
}
