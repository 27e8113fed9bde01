//! The ledger: what must hold after every fault, read through the public API.
//!
//! * L1: every accepted event has exactly one job for each matching webhook, and each job is done,
//!   failed with a reason, or still scheduled.
//! * L2: a receiver sees no more hits than recorded attempts plus those under way at a crash, all
//!   with the job's id.
//! * L3: the signature of each hit verifies, and its timestamp is that of an attempt; see
//!   [`Findings::check_stamps`].
//! * L6: one run for each job; no finished task ever changes; a keyed effect is applied once.
//! * L7: a run that is not finished says what it waits for.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures_util::{StreamExt as _, stream};
use serde_json::Value;

use crate::client::{Client, TASK};
use crate::setup;

/// Runs looked at after each start, to see later whether a finished task has changed.
const NOTED_EACH: usize = 5;
/// How long work may still be under way after the load: leases of a dead node run out in a minute.
const SETTLE: Duration = Duration::from_secs(150);

/// Seconds between the signature and the start of the same attempt, at most: a process may be
/// paused in between.
const STAMP_SECONDS: i64 = 5;

/// Milliseconds within which a job that is due is taken up once all nodes are well again: far less
/// than a lease, for none may be left to its end.
const TAKEN_UP_MS: i64 = 10_000;

/// Requests at once while the ledger is checked.
const AT_ONCE: usize = 8;

/// What a story's faults allow.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    /// The webhooks that fire for a ticket, in order.
    pub(crate) names: &'static [&'static str],
    /// Whether a job or run may still wait for something: it is scheduled, or under way.
    pub(crate) may_wait: bool,
    /// Hits of one job beyond its recorded attempts; `None`: one for each life of the server.
    pub(crate) extra_max: Option<usize>,
}

impl Rules {
    /// One server that is killed now and then, and a receiver that behaves.
    pub(crate) const STRICT: Self =
        Self { names: &["Inside", "Outside"], may_wait: false, extra_max: None };
}

/// What a check found.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) events: usize,
    pub(crate) jobs: usize,
    pub(crate) delivered: usize,
    pub(crate) waiting: usize,
    pub(crate) runs: usize,
    /// Hits beyond recorded attempts.
    pub(crate) extra: usize,
    /// When the answered attempts of outside jobs began, in seconds since 1970, by job.
    pub(crate) answered: HashMap<String, Vec<i64>>,
    /// Milliseconds from the creation to the first attempt, of the jobs named Outside.
    pub(crate) lags_ms: Vec<i64>,
}

impl Findings {
    /// L3: every attempt that was answered was signed when it was made. Returns how many were
    /// looked at.
    pub(crate) fn check_stamps(&self, stamps: &BTreeMap<String, Vec<i64>>) -> usize {
        let mut looked = 0;
        for (job, attempts) in &self.answered {
            let stamps = stamps.get(job).map_or(&[][..], Vec::as_slice);
            for at in attempts {
                assert!(
                    stamps.iter().any(|stamp| (stamp - at).abs() <= STAMP_SECONDS),
                    "L3: an attempt of job {job} began at {at}, and was signed at {stamps:?}"
                );
                looked += 1;
            }
        }
        looked
    }

    /// L4 as a figure: what half, and 99 of 100, first attempts of healthy endpoints waited.
    pub(crate) fn lags(&self) -> (i64, i64) {
        let mut lags = self.lags_ms.clone();
        lags.sort_unstable();
        let at = |percent| lags.get(lags.len() * percent / 100).copied().unwrap_or_default();
        (at(50), at(99))
    }
}

/// What was seen on the way.
#[derive(Default)]
pub(crate) struct Ledger {
    /// When each life of the server ended, in microseconds since 1970.
    ends: Vec<i64>,
    /// Finished tasks by run and task, as they were first seen.
    tasks: HashMap<(i64, String), Value>,
}

/// What the jobs tell.
#[derive(Default)]
struct Jobs {
    /// Names of jobs by their event.
    by_event: HashMap<String, Vec<String>>,
    /// The runs that jobs started.
    runs: HashSet<i64>,
    /// Hits beyond recorded attempts.
    extra: usize,
    delivered: usize,
    waiting: usize,
    all: usize,
    answered: HashMap<String, Vec<i64>>,
    lags_ms: Vec<i64>,
}

impl Jobs {
    /// Notes when the attempts of an outside job began.
    fn note(&mut self, id: &str, job: &Value) {
        let at = |value: &Value| model::time::Micros::parse_iso(value.as_str()?).map(|at| at.0);
        let attempts = job["attempts"].as_array().unwrap();
        let answered = attempts.iter().filter(|attempt| !attempt["responseStatus"].is_null());
        let began = answered.filter_map(|attempt| Some(at(&attempt["startedAt"])? / 1_000_000));
        self.answered.insert(id.to_owned(), began.collect());
        let first = attempts.first().and_then(|attempt| at(&attempt["startedAt"]));
        if let (Some(first), Some(created), "Outside") =
            (first, at(&job["createdAt"]), text(&job["name"]).as_str())
        {
            self.lags_ms.push((first - created) / 1_000);
        }
    }
}

impl Ledger {
    /// A server has been killed just now.
    pub(crate) fn end_of_life(&mut self) {
        let age = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        self.ends.push(i64::try_from(age.as_micros()).unwrap());
    }

    /// Notes the finished tasks of the newest runs.
    pub(crate) async fn note_finished(&mut self, client: &Client) {
        let list = format!("{TASK}/runs?include=details&limit={NOTED_EACH}");
        let listed = client.get(&list).await;
        for run in listed["runs"].as_array().unwrap() {
            let id = number(&run["id"]);
            for task in closed_tasks(client, id).await {
                let key = (id, task["token"].as_str().unwrap().to_owned());
                self.tasks.entry(key).or_insert(task);
            }
        }
    }

    /// Notes what it can of a server that may be away.
    pub(crate) async fn note_finished_if(&mut self, client: &Client) {
        let list = format!("{TASK}/runs?limit=1");
        if matches!(client.send(reqwest::Method::GET, &list, None).await, Ok((200, _))) {
            self.note_finished(client).await;
        }
    }

    /// Waits until nothing is under way; false when something still is after a while.
    pub(crate) async fn settle(&self, client: &Client) -> bool {
        self.settle_within(client, SETTLE).await
    }

    /// As [`Ledger::settle`], with another limit.
    pub(crate) async fn settle_within(&self, client: &Client, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        loop {
            let board = client.get("/app/api/v1/dashboard?minutes=60").await;
            let (jobs, runs) = (&board["dashboard"]["jobs"], &board["dashboard"]["runs"]);
            let busy = [&jobs["queued"], &jobs["inProgress"], &runs["running"]];
            if busy.iter().all(|count| count.as_i64() == Some(0)) {
                let mut open = all_runs(client).await;
                open.retain(|run| run["status"] != "Complete");
                let open: Vec<i64> = open.iter().map(|run| number(&run["id"])).collect();
                if details(client, &open).await.iter().all(|(run, view)| is_at_rest(*run, view)) {
                    return true;
                }
            }
            if Instant::now() > deadline {
                eprintln!("{board}");
                return false;
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }

    /// Holds everything to the ledger. Panics with the first entry that does not add up.
    pub(crate) async fn check(
        &self,
        client: &Client,
        acknowledged: &[String],
        hits: &HashMap<String, Vec<usize>>,
    ) -> Findings {
        self.check_by(client, acknowledged, hits, &Rules::STRICT).await
    }

    /// As [`Ledger::check`], by other rules.
    pub(crate) async fn check_by(
        &self,
        client: &Client,
        acknowledged: &[String],
        hits: &HashMap<String, Vec<usize>>,
        rules: &Rules,
    ) -> Findings {
        let events = "/app/api/v1/events?type=Submission&event=Submitted&kapp=kill";
        let events = client.all(events, "events").await;
        let tickets: Vec<&Value> = events.iter().filter(|event| is_ticket(event)).collect();
        let mut recorded: HashMap<&str, usize> = HashMap::new();
        for event in &tickets {
            *recorded.entry(event["entityKey"].as_str().unwrap()).or_default() += 1;
        }
        for id in acknowledged {
            assert_eq!(recorded.get(id.as_str()), Some(&1), "L1: {id} and its event");
        }
        let mut found = self.check_jobs(client, hits, rules).await;
        for event in &tickets {
            let mut names = found.by_event.remove(&text(&event["id"])).unwrap_or_default();
            names.sort_unstable();
            assert_eq!(names.as_slice(), rules.names, "L1: jobs of {event}");
        }
        assert!(found.by_event.is_empty(), "L1: jobs of no event: {:?}", found.by_event);
        self.check_runs(client, &found.runs, events.len() - tickets.len(), rules).await;
        eprintln!(
            "{} kills, {} acknowledged, {} events, {} runs, {} hits repeated",
            self.ends.len(),
            acknowledged.len(),
            tickets.len(),
            found.runs.len(),
            found.extra,
        );
        Findings {
            events: tickets.len(),
            jobs: found.all,
            delivered: found.delivered,
            waiting: found.waiting,
            runs: found.runs.len(),
            extra: found.extra,
            answered: found.answered,
            lags_ms: found.lags_ms,
        }
    }

    /// L1 and L2 for every job.
    async fn check_jobs(
        &self,
        client: &Client,
        hits: &HashMap<String, Vec<usize>>,
        rules: &Rules,
    ) -> Jobs {
        let jobs = "/app/api/v1/kapps/kill/webhookJobs?include=details";
        let jobs = client.all(jobs, "webhookJobs").await;
        let mut found = Jobs::default();
        let mut known = HashSet::new();
        let details = stream::iter(jobs.iter().map(|job| text(&job["id"])))
            .map(|id| async move {
                let include = "details,attempts,event,run";
                let path = format!("/app/api/v1/webhookJobs/{id}?include={include}");
                (id, client.get(&path).await)
            })
            .buffered(AT_ONCE);
        for (id, detail) in details.collect::<Vec<_>>().await {
            let job = &detail["webhookJob"];
            let name = text(&job["name"]);
            found.all += 1;
            match job["status"].as_str() {
                Some("Complete") => found.delivered += 1,
                Some("Failed") if name == "Wild" => {
                    assert_ne!(text(&job["summary"]), "", "L1: failed for no reason: {job}");
                }
                Some("Queued" | "In Progress") if rules.may_wait || name == "Wild" => {
                    let is_free = job["status"] == "Queued" && name != "Wild";
                    assert!(!is_free || overdue_ms(job) < TAKEN_UP_MS, "L1: nobody sends {job}");
                    found.waiting += 1;
                }
                _ => panic!("L1: {job}"),
            }
            if name == "Inside" {
                let run = number(&job["runId"]);
                assert!(found.runs.insert(run), "L6: run {run} belongs to two jobs");
            } else {
                found.note(&id, job);
                let hits = hits.get(&id).map_or(&[][..], Vec::as_slice);
                found.extra += match rules.extra_max {
                    None => self.check_hits(job, hits),
                    Some(extra_max) => check_total(job, hits.len(), extra_max),
                };
            }
            found.by_event.entry(text(&job["eventId"])).or_default().push(name);
            known.insert(id);
        }
        for id in hits.keys() {
            assert!(known.contains(id), "L2: hits with the unknown id {id}");
        }
        found
    }

    /// L2 for one job; returns how often it hit more than it recorded.
    fn check_hits(&self, job: &Value, hits: &[usize]) -> usize {
        let mut attempts = vec![0_usize; self.ends.len() + 1];
        for attempt in job["attempts"].as_array().unwrap() {
            attempts[self.life_at(attempt["startedAt"].as_str().unwrap())] += 1;
        }
        assert!(!hits.is_empty(), "L2: a complete job never arrived: {job}");
        let mut extra = 0;
        for (life, recorded) in attempts.iter().enumerate() {
            let seen = hits.iter().filter(|hit| **hit == life).count();
            let under_way = usize::from(life < self.ends.len());
            assert!(
                seen <= recorded + under_way,
                "L2: {seen} hits, {recorded} attempts in life {life} of {job}"
            );
            extra += seen.saturating_sub(*recorded);
        }
        extra
    }

    /// In which life of the server an instant lies.
    fn life_at(&self, iso: &str) -> usize {
        let at = model::time::Micros::parse_iso(iso).expect("an instant").0;
        self.ends.iter().filter(|end| **end < at).count()
    }

    /// L6 and L7.
    async fn check_runs(
        &self,
        client: &Client,
        of_jobs: &HashSet<i64>,
        effects: usize,
        rules: &Rules,
    ) {
        let listed = all_runs(client).await;
        let ids: HashSet<i64> = listed.iter().map(|run| number(&run["id"])).collect();
        assert_eq!(&ids, of_jobs, "L6: runs and the jobs that started them");
        let ordered: Vec<i64> = ids.iter().copied().collect();
        // Those that a lease keeps: L7 holds, and the rest is not to be told yet.
        let mut still = HashSet::new();
        for (run, detail) in details(client, &ordered).await {
            let tasks = closed_tasks(client, run).await;
            let nodes: HashSet<&str> =
                tasks.iter().map(|task| task["nodeId"].as_str().unwrap()).collect();
            assert_eq!(nodes.len(), tasks.len(), "L6: a node ran twice in run {run}: {tasks:?}");
            if rules.may_wait && detail["state"] == "Running" {
                still.insert(run);
                continue;
            }
            assert!(nodes.len() >= setup::ALWAYS, "L6: run {run} stopped early: {detail}");
            assert!(is_at_rest(run, &detail), "L7: run {run} waits for nothing: {detail}");
            for task in tasks {
                let key = (run, task["token"].as_str().unwrap().to_owned());
                if let Some(before) = self.tasks.get(&key) {
                    assert_eq!(before, &task, "L6: a finished task of run {run} changed");
                }
            }
        }
        let made = "/app/api/v1/kapps/kill/forms/log/submissions?include=values";
        let made = client.all(made, "submissions").await;
        let mut by_run: HashMap<i64, usize> = HashMap::new();
        for submission in &made {
            *by_run.entry(number(&submission["values"]["Run"])).or_default() += 1;
        }
        for run in &ids {
            let made = by_run.get(run).copied().unwrap_or(0);
            let may_lack = usize::from(still.contains(run));
            assert!(made <= 1 && made + may_lack >= 1, "L6: run {run} made {made} submissions");
        }
        assert!(made.len() <= ids.len(), "L6: submissions made by runs, and runs");
        assert_eq!(effects, made.len(), "L1: events of submissions made by runs");
    }
}

/// L2 where servers stop and go on side by side: no more hits than attempts, one for each death
/// excepted.
fn check_total(job: &Value, seen: usize, extra_max: usize) -> usize {
    let recorded = job["attempts"].as_array().unwrap().len();
    assert!(seen > 0 || job["status"] != "Complete", "L2: a complete job never arrived: {job}");
    let extra = seen.saturating_sub(recorded);
    assert!(extra <= extra_max, "L2: {seen} hits, {recorded} attempts, {extra_max} deaths: {job}");
    extra
}

/// Whether the event is about what the clients create, not about what the runs do.
fn is_ticket(event: &Value) -> bool {
    event["depth"].as_i64() == Some(0)
}

async fn closed_tasks(client: &Client, run: i64) -> Vec<Value> {
    let listed = client.get(&format!("{TASK}/runs/{run}/tasks?include=details")).await;
    let tasks = listed["tasks"].as_array().unwrap().iter();
    tasks.filter(|task| task["status"] == "Closed").cloned().collect()
}

/// Runs with the document of their page.
async fn details(client: &Client, runs: &[i64]) -> Vec<(i64, Value)> {
    let asked = stream::iter(runs.iter().copied()).map(|run| async move {
        (run, client.get(&format!("{TASK}/runs/{run}?include=details,view")).await)
    });
    asked.buffered(AT_ONCE).collect().await
}

async fn all_runs(client: &Client) -> Vec<Value> {
    let (mut found, mut before) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("{TASK}/runs?include=details&limit=500{before}")).await;
        let rows = page["runs"].as_array().unwrap();
        let Some(last) = rows.last() else { return found };
        before = format!("&beforeId={}", number(&last["id"]));
        found.extend(rows.iter().cloned());
    }
}

/// How long ago a queued job was due.
fn overdue_ms(job: &Value) -> i64 {
    let due = text(&job["scheduledAt"]);
    let due = model::time::Micros::parse_iso(&due).expect("an instant");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(now.as_millis()).unwrap() - due.0 / 1_000
}

/// Whether a run has come to its end, or to the node where nobody completes it.
fn is_at_rest(run: i64, detail: &Value) -> bool {
    if run % 10 != 7 {
        return detail["status"] == "Complete";
    }
    let reasons = detail["view"]["waitingFor"].as_array();
    reasons.is_some_and(|reasons| reasons.len() == 1 && reasons[0]["kind"] == "deferral")
}

fn number(value: &Value) -> i64 {
    value.as_i64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_else(|| {
        panic!("a number was expected: {value}");
    })
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("a text was expected: {value}")).to_owned()
}
