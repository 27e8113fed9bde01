//! The ledger: what must be true when everything has come to rest.

use super::process::{Kapok, TASK};
use super::receiver::Hits;
use super::{KAPP, KILLS, SOURCE, WEBHOOKS};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// How long the server may take for what the kills left behind: on PostgreSQL a dead node's
/// leases run out first, after a minute.
const SETTLE_WITHIN: Duration = Duration::from_secs(180);
/// Rows of a page.
const PAGE: usize = 500;

/// Waits until no job and no run can still move by itself.
pub(super) async fn settle(kapok: &Kapok) {
    let begun = Instant::now();
    loop {
        let jobs = jobs(kapok).await;
        let open_jobs = jobs.iter().filter(|job| !is_final(text(job, "status"))).count();
        let runs = runs(kapok).await;
        let open_runs = runs.iter().filter(|run| text(run, "status") != "Complete").count();
        if open_jobs + open_runs == 0 {
            println!(
                "{} jobs and {} runs at rest after {:?}",
                jobs.len(),
                runs.len(),
                begun.elapsed()
            );
            return;
        }
        assert!(
            begun.elapsed() < SETTLE_WITHIN,
            "{open_jobs} jobs and {open_runs} runs are still open (L1, L7), such as {:?} and {:?}",
            jobs.iter().find(|job| !is_final(text(job, "status"))),
            runs.iter().find(|run| text(run, "status") != "Complete"),
        );
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Checks every line of the ledger.
pub(super) async fn check(kapok: &Kapok, accepted: &BTreeSet<String>, hits: &Hits) {
    let jobs = jobs(kapok).await;
    one_job_each(&jobs, accepted);
    explained_hits(&jobs, hits);
    let runs = runs(kapok).await;
    one_run_each(&jobs, &runs);
    nodes_ran_once(kapok, &runs, hits).await;
}

/// L1: each record that has a job has exactly one for each webhook, and each acknowledged record
/// is among them; every one of them is delivered, since nothing here refuses.
fn one_job_each(jobs: &[Value], accepted: &BTreeSet<String>) {
    let mut found: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for job in jobs {
        assert_eq!(text(job, "status"), "Complete", "{job}");
        found.entry(text(job, "parentId")).or_default().push(text(job, "name"));
    }
    for names in found.values_mut() {
        names.sort_unstable();
        assert_eq!(*names, WEBHOOKS, "a record has other jobs than its webhooks");
    }
    for id in accepted {
        assert!(found.contains_key(id.as_str()), "{id} was acknowledged and has no job");
    }
}

/// L2: a job is hit at least once, always with the same id and record, and no more often than its
/// attempts and the kills explain.
fn explained_hits(jobs: &[Value], hits: &Hits) {
    let outside = jobs.iter().filter(|job| text(job, "name") == "Outside");
    let mut ids = BTreeSet::new();
    let mut repeated = 0;
    for job in outside {
        let id = text(job, "id");
        ids.insert(id);
        let seen = hits.jobs.get(id).map_or(&[][..], Vec::as_slice);
        let attempts = job["attempts"].as_array().map_or(1, Vec::len);
        assert!(!seen.is_empty(), "{id} is Complete and was never delivered");
        assert!(seen.iter().all(|record| record == text(job, "parentId")), "{id}: {seen:?}");
        assert!(seen.len() <= attempts + KILLS, "{id}: {} hits, {attempts} attempts", seen.len());
        repeated += seen.len() - 1;
    }
    for id in hits.jobs.keys() {
        assert!(ids.contains(id.as_str()), "{id} was delivered and is no job");
    }
    println!("{repeated} of {} deliveries were repeated after a kill", ids.len());
}

/// L6: each job for the engine names one run, no two name the same, and there is no other run.
fn one_run_each(jobs: &[Value], runs: &[Value]) {
    let inside = jobs.iter().filter(|job| text(job, "name") == "Inside");
    let named: Vec<u64> = inside
        .map(|job| {
            let answer = text(job, "responseContent");
            let (_, rest) = answer.split_once("run #").unwrap_or_else(|| panic!("{answer}"));
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            digits.parse().unwrap()
        })
        .collect();
    let distinct: BTreeSet<u64> = named.iter().copied().collect();
    assert_eq!(named.len(), distinct.len(), "two jobs name the same run");
    let found: BTreeSet<u64> = runs.iter().map(number).collect();
    assert_eq!(distinct, found, "runs without a job, or jobs without their run");
}

/// L6: each node of each run was carried out once; a repeated request had the same key.
async fn nodes_ran_once(kapok: &Kapok, runs: &[Value], hits: &Hits) {
    for run in runs {
        let tasks = kapok.get(&format!("{TASK}/runs/{}/tasks", number(run))).await;
        let tasks = tasks["tasks"].as_array().unwrap_or_else(|| panic!("{tasks}"));
        let mut nodes: Vec<&str> = tasks.iter().map(|task| text(task, "nodeId")).collect();
        let count = nodes.len();
        nodes.sort_unstable();
        nodes.dedup();
        assert_eq!((count, nodes.len()), (5, 5), "{run} {tasks:?}");
    }
    assert!(!hits.effects.contains_key(""), "a request of a tree has no key");
    assert_eq!(hits.effects.len(), runs.len(), "not one key for a run");
    let repeated = hits.effects.values().filter(|count| **count > 1).count();
    println!("{repeated} of {} requests of trees were repeated, with the same key", runs.len());
}

async fn jobs(kapok: &Kapok) -> Vec<Value> {
    let mut rows = Vec::new();
    let mut token = String::new();
    loop {
        let path = format!(
            "/app/api/v1/kapps/{KAPP}/webhookJobs?limit={PAGE}&include=details,attempts{token}"
        );
        let page = kapok.get(&path).await;
        rows.extend(page["webhookJobs"].as_array().unwrap().iter().cloned());
        match page["nextPageToken"].as_str() {
            Some(next) => token = format!("&pageToken={next}"),
            None => return rows,
        }
    }
}

async fn runs(kapok: &Kapok) -> Vec<Value> {
    let mut rows: Vec<Value> = Vec::new();
    loop {
        let path = format!(
            "{TASK}/runs?source={SOURCE}&include=details&limit={PAGE}&offset={}",
            rows.len()
        );
        let page = kapok.get(&path).await;
        let page = page["runs"].as_array().unwrap();
        if page.is_empty() {
            return rows;
        }
        rows.extend(page.iter().cloned());
    }
}

/// The number of a run.
fn number(run: &Value) -> u64 {
    let id = &run["id"];
    id.as_u64().or_else(|| id.as_str()?.parse().ok()).unwrap_or_else(|| panic!("{run}"))
}

fn is_final(status: &str) -> bool {
    ["Complete", "Failed", "Cancelled"].contains(&status)
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}
