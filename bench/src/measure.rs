//! Times and their distribution, and what a process has used.

use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http::{Method, StatusCode};

use crate::client::Client;

/// Microseconds since 1970. The wall clock, because it is the same in every process here.
pub(crate) fn now_micros() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// Milliseconds at the median and near the end of a distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Latency {
    /// How many were measured.
    pub(crate) count: usize,
    /// Half are at most this long.
    pub(crate) p50_ms: f64,
    /// Ninety-nine of a hundred are at most this long.
    pub(crate) p99_ms: f64,
    /// The longest.
    pub(crate) max_ms: f64,
}

impl Latency {
    /// The distribution of microseconds; `None` of none.
    pub(crate) fn of(mut micros: Vec<i64>) -> Option<Latency> {
        micros.sort_unstable();
        let at = |share: f64| {
            let rank = (micros.len() as f64 * share).ceil() as usize;
            micros.get(rank.saturating_sub(1)).map(|value| *value as f64 / 1_000.0)
        };
        Some(Latency { count: micros.len(), p50_ms: at(0.5)?, p99_ms: at(0.99)?, max_ms: at(1.0)? })
    }
}

/// Seconds of CPU that a process has used, in user and kernel mode.
pub(crate) fn cpu_seconds(pid: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).context("cannot read CPU time")?;
    ticks(&stat).map(|ticks| ticks / TICKS_PER_SECOND).context("cannot read CPU time")
}

/// Seconds of CPU of a process's threads by the beginning of their names, in the order given; what
/// is left comes last.
pub(crate) fn cpu_by_thread(pid: u32, names: &[&str]) -> Result<Vec<f64>> {
    let mut seconds = vec![0.0; names.len() + 1];
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        // A thread may end at any time.
        let Ok(stat) = fs::read_to_string(task?.path().join("stat")) else { continue };
        let name = stat.split_once('(').map_or("", |(_, rest)| rest);
        let group = names.iter().position(|group| name.starts_with(group)).unwrap_or(names.len());
        if let (Some(ticks), Some(sum)) = (ticks(&stat), seconds.get_mut(group)) {
            *sum += ticks / TICKS_PER_SECOND;
        }
    }
    Ok(seconds)
}

/// Linux counts CPU time for programs in hundredths of a second on every architecture.
const TICKS_PER_SECOND: f64 = 100.0;

/// User and kernel ticks of a `stat` line; the name in brackets may hold spaces.
fn ticks(stat: &str) -> Option<f64> {
    let (_, after) = stat.rsplit_once(')')?;
    let mut fields = after.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let kernel: f64 = fields.next()?.parse().ok()?;
    Some(user + kernel)
}

/// What the store of the server has counted, as its metrics tell it.
pub(crate) struct Counted([f64; 5]);

/// What is counted: the figure's key and label, and the metric.
const COUNTED: [(&str, &str, &str); 5] = [
    ("commits", "commits for each", "kapok_store_commits_total"),
    ("syncs", "fsyncs for each, checkpoints included", "kapok_store_syncs_total"),
    ("writes", "writes asked for, for each", "kapok_store_writes_total"),
    ("reads", "reads asked for, for each", "kapok_store_reads_total"),
    ("statements", "statements for each", "kapok_store_statements_total"),
];

impl Counted {
    /// Asks the server.
    pub(crate) async fn read(client: &mut Client) -> Result<Self> {
        let (status, text) = client.send(Method::GET, "/metrics", Bytes::new()).await?;
        if status != StatusCode::OK {
            bail!("/metrics answered {status}");
        }
        let text = std::str::from_utf8(&text)?;
        // An older server does not count all of it.
        Ok(Self(COUNTED.map(|(_, _, metric)| metric_value(text, metric).unwrap_or(0.0))))
    }

    /// What was counted since an earlier look.
    pub(crate) fn since(&self, before: &Self) -> Self {
        let mut counts = self.0;
        for (count, before) in counts.iter_mut().zip(before.0) {
            *count -= before;
        }
        Self(counts)
    }

    /// The keys and labels of the figures with what was counted.
    pub(crate) fn named(&self) -> impl Iterator<Item = (&'static str, &'static str, f64)> {
        COUNTED.into_iter().zip(self.0).map(|((key, label, _), count)| (key, label, count))
    }
}

/// The value of a metric that has no labels.
fn metric_value(text: &str, name: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line?.trim().parse().ok()
}

/// Bytes of memory that a process holds.
pub(crate) fn memory_bytes(pid: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).context("cannot read memory")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok());
    Ok(kib.context("cannot read memory")? * 1_024)
}

/// Bytes of all files in a folder and below it.
pub(crate) fn folder_bytes(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let meta = entry.metadata()?;
        bytes += if meta.is_dir() { folder_bytes(&entry.path())? } else { meta.len() };
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let latency = Latency::of((1..=200).map(|n| n * 1_000).collect()).unwrap();
        assert_eq!((latency.p50_ms, latency.p99_ms, latency.max_ms), (100.0, 198.0, 200.0));
        assert_eq!(Latency::of(vec![7_000]).unwrap().p99_ms, 7.0);
        assert_eq!(Latency::of(Vec::new()), None);
    }

    #[test]
    fn metrics_are_found_by_their_whole_name() {
        let text = "# TYPE a_total counter\na_total_more 1\na_total 42\n";
        assert_eq!(metric_value(text, "a_total"), Some(42.0));
        assert_eq!(metric_value(text, "b"), None);
    }

    #[test]
    fn stat_lines_are_read_behind_the_name() {
        let stat = "42 (a b) c) S 1 1 1 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 8 0 1 2 3";
        assert_eq!(ticks(stat), Some(300.0));
    }
}
