//! How jobs are delivered: the policy of a space, what a webhook overrides, and pauses.
//!
//! A policy says how often a failed job is tried and how long it waits in between, for every class
//! of failure if need be; when a lane's circuit breaker opens; and how much one lane may have under
//! way. It is data with its own checks: the engine asks [`Policy::next`] and nothing else.

use crate::id::SpaceId;
use crate::job::ErrorClass;
use crate::limits;
use crate::time::Micros;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Statuses after which trying again cannot help, unless a policy's classes say otherwise.
const FINAL: [u16; 7] = [400, 401, 403, 404, 405, 410, 422];
/// Names under which a policy's classes may stand, besides single statuses such as `404`.
const CLASSES: [&str; 11] = [
    "dns",
    "connect",
    "tls",
    "timeout",
    "reset",
    "protocol",
    "http_4xx",
    "http_5xx",
    "redirect",
    "too_large",
    "blocked",
];
const DAY_MS: i64 = 86_400_000;

/// How a space's jobs are delivered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Policy {
    /// Attempts of a job before it is Failed.
    pub attempts: i64,
    /// Milliseconds before the second attempt.
    pub first_wait_ms: i64,
    /// What each wait is multiplied by for the next.
    pub factor: f64,
    /// Milliseconds of one wait at most.
    pub max_wait_ms: i64,
    /// The fraction by which a wait is shortened or lengthened at random.
    pub jitter: f64,
    /// Milliseconds from the job's creation after which no further attempt is made.
    pub give_up_after_ms: i64,
    /// What differs for a class of failure, or for a single status.
    pub classes: BTreeMap<String, ClassPolicy>,
    /// When a lane stops trying.
    pub breaker: Breaker,
    /// Deliveries under way at once in one lane, at most.
    pub concurrency: usize,
    /// Attempts that one lane starts in a second, at most; `None`: as many as it takes.
    pub rate_per_second: Option<f64>,
}

impl Default for Policy {
    /// Twelve attempts: 5 s, 25 s, 2 min, 10 min, 52 min, 4 h, then 8 h each, some two and a half
    /// days in all; five days when a breaker held the job meanwhile.
    fn default() -> Self {
        Self {
            attempts: limits::ATTEMPTS_MAX,
            first_wait_ms: 5_000,
            factor: 5.0,
            max_wait_ms: 8 * 3_600_000,
            jitter: 0.2,
            give_up_after_ms: 5 * DAY_MS,
            classes: BTreeMap::new(),
            breaker: Breaker::default(),
            concurrency: limits::DELIVERIES_PER_LANE,
            rate_per_second: None,
        }
    }
}

/// When a lane's circuit breaker opens, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Breaker {
    /// Failures in a row that open it; 0: never.
    pub failures: u32,
    /// Milliseconds it stays open the first time; twice as long after each probe that fails.
    pub open_ms: i64,
    /// Milliseconds it stays open at most.
    pub max_open_ms: i64,
}

impl Default for Breaker {
    fn default() -> Self {
        Self { failures: 10, open_ms: 30_000, max_open_ms: 600_000 }
    }
}

/// What is done about a class of failure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ClassPolicy {
    /// Fail at once, or retry as the policy says.
    Word(ClassWord),
    /// A schedule of its own.
    Schedule(Schedule),
}

/// The short form of a [`ClassPolicy`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClassWord {
    /// The job is Failed at once.
    Fail,
    /// The job is tried again.
    Retry,
}

/// A schedule for one class; what is `None` is the policy's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Schedule {
    /// Attempts before the job is Failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<i64>,
    /// Milliseconds before the second attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_wait_ms: Option<i64>,
    /// What each wait is multiplied by for the next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub factor: Option<f64>,
    /// Milliseconds of one wait at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_wait_ms: Option<i64>,
}

/// What a webhook does differently from its space; what is `None` is the space's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Overrides {
    /// Attempts before a job is Failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<i64>,
    /// Milliseconds before the second attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_wait_ms: Option<i64>,
    /// What each wait is multiplied by for the next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub factor: Option<f64>,
    /// Milliseconds of one wait at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_wait_ms: Option<i64>,
    /// The fraction of jitter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jitter: Option<f64>,
    /// Milliseconds from creation after which no further attempt is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub give_up_after_ms: Option<i64>,
    /// Classes that replace the space's of the same name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub classes: BTreeMap<String, ClassPolicy>,
    /// The breaker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breaker: Option<Breaker>,
    /// Deliveries under way at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<usize>,
    /// Attempts started in a second; 0: as many as it takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_per_second: Option<f64>,
    /// Milliseconds from creation after which the message is worthless and is Cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl_ms: Option<i64>,
    /// A template; jobs of one value are delivered one after the other, in order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_by: Option<String>,
    /// Milliseconds a new job waits before it is due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<i64>,
    /// A template; of the queued jobs of one value only the latest is delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coalesce_by: Option<String>,
}

/// How a space delivers.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The space.
    pub space_id: SpaceId,
    /// Whether all deliveries wait.
    pub paused: bool,
    /// Who paused them.
    pub paused_by: Option<String>,
    /// When.
    pub paused_at: Option<Micros>,
    /// The policy of all its webhooks.
    pub policy: Policy,
    /// How long history is kept, as the space set it.
    pub retention: Option<serde_json::Value>,
    /// When and whom the space wants to be told about failing webhooks.
    pub notices: crate::notice::Settings,
    /// Grows by one with every change.
    pub version: i64,
}

impl Settings {
    /// The settings of a space that never touched them.
    pub fn new(space_id: SpaceId) -> Self {
        Self {
            space_id,
            paused: false,
            paused_by: None,
            paused_at: None,
            policy: Policy::default(),
            retention: None,
            notices: crate::notice::Settings::default(),
            version: 0,
        }
    }
}

/// What follows a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Next {
    /// No further attempt.
    GiveUp(GiveUp),
    /// Another one after so many milliseconds, give or take the jitter.
    Wait(i64),
}

/// Why no further attempt is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GiveUp {
    /// The failure is of a kind that trying again cannot mend.
    Final,
    /// All attempts are used.
    Attempts,
    /// The job would be too old.
    Age,
}

/// A failed attempt, as far as its policy cares.
#[derive(Clone, Copy, Debug)]
pub struct Failed {
    /// Its class.
    pub class: ErrorClass,
    /// The status of the answer, when there was one.
    pub status: Option<u16>,
    /// Retries before this attempt: 0 after the first.
    pub retry: i64,
    /// Milliseconds since the job was created.
    pub age_ms: i64,
}

impl Policy {
    /// The policy of a webhook that overrides some of this one.
    #[must_use]
    pub fn with(&self, overrides: &Overrides) -> Self {
        let (mut policy, o) = (self.clone(), overrides);
        policy.take(&Schedule {
            attempts: o.attempts,
            first_wait_ms: o.first_wait_ms,
            factor: o.factor,
            max_wait_ms: o.max_wait_ms,
        });
        policy.jitter = o.jitter.unwrap_or(policy.jitter);
        policy.give_up_after_ms = o.give_up_after_ms.unwrap_or(policy.give_up_after_ms);
        policy.classes.extend(o.classes.clone());
        policy.breaker = o.breaker.unwrap_or(policy.breaker);
        policy.concurrency = o.concurrency.unwrap_or(policy.concurrency);
        if let Some(rate) = o.rate_per_second {
            policy.rate_per_second = (rate > 0.0).then_some(rate);
        }
        policy
    }

    fn take(&mut self, schedule: &Schedule) {
        self.attempts = schedule.attempts.unwrap_or(self.attempts);
        self.first_wait_ms = schedule.first_wait_ms.unwrap_or(self.first_wait_ms);
        self.factor = schedule.factor.unwrap_or(self.factor);
        self.max_wait_ms = schedule.max_wait_ms.unwrap_or(self.max_wait_ms);
    }

    /// What the classes say of a failure: a single status before its class.
    fn class(&self, failed: &Failed) -> Option<&ClassPolicy> {
        if self.classes.is_empty() {
            return None;
        }
        let exact = failed.status.and_then(|status| self.classes.get(&status.to_string()));
        exact.or_else(|| self.classes.get(failed.class.as_str()))
    }

    /// Whether an answer of 410 disables the webhook: unless its classes say what else to do.
    pub fn disables_on_gone(&self) -> bool {
        !self.classes.contains_key("410")
    }

    /// What follows a failed attempt.
    pub fn next(&self, failed: &Failed) -> Next {
        let class = self.class(failed);
        let is_final = match class {
            Some(ClassPolicy::Word(ClassWord::Fail)) => true,
            Some(_) => false,
            None => match failed.class {
                ErrorClass::Http4xx => failed.status.is_some_and(|s| FINAL.contains(&s)),
                ErrorClass::Redirect | ErrorClass::Blocked | ErrorClass::TooLarge => true,
                _ => false,
            },
        };
        if is_final {
            return Next::GiveUp(GiveUp::Final);
        }
        let own = match class {
            Some(ClassPolicy::Schedule(schedule)) => *schedule,
            _ => Schedule::default(),
        };
        if failed.retry + 1 >= own.attempts.unwrap_or(self.attempts) {
            return Next::GiveUp(GiveUp::Attempts);
        }
        let first = own.first_wait_ms.unwrap_or(self.first_wait_ms);
        let max = own.max_wait_ms.unwrap_or(self.max_wait_ms);
        let wait = wait_ms(first, own.factor.unwrap_or(self.factor), max, failed.retry);
        if failed.age_ms.saturating_add(wait) > self.give_up_after_ms {
            return Next::GiveUp(GiveUp::Age);
        }
        Next::Wait(wait)
    }

    /// What is wrong with the policy, in words.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        within(&mut problems, "attempts", self.attempts, 1, 100);
        within(&mut problems, "firstWaitMs", self.first_wait_ms, 100, DAY_MS);
        within(&mut problems, "maxWaitMs", self.max_wait_ms, self.first_wait_ms, 7 * DAY_MS);
        within(&mut problems, "factor", self.factor, 1.0, 100.0);
        within(&mut problems, "jitter", self.jitter, 0.0, 0.5);
        within(&mut problems, "giveUpAfterMs", self.give_up_after_ms, 1_000, 30 * DAY_MS);
        let lane_max = limits::DELIVERIES_AT_ONCE;
        within(&mut problems, "concurrency", self.concurrency, 1, lane_max);
        if let Some(rate) = self.rate_per_second {
            within(&mut problems, "ratePerSecond", rate, 0.01, 100_000.0);
        }
        let breaker = &self.breaker;
        within(&mut problems, "breaker.failures", breaker.failures, 0, 1_000);
        within(&mut problems, "breaker.openMs", breaker.open_ms, 1_000, 3_600_000);
        within(&mut problems, "breaker.maxOpenMs", breaker.max_open_ms, breaker.open_ms, DAY_MS);
        for (name, class) in &self.classes {
            let is_status = name.len() == 3
                && name.parse::<u16>().is_ok_and(|status| (300..600).contains(&status));
            if !is_status && !CLASSES.contains(&name.as_str()) {
                problems.push(format!(
                    "classes.{name} is no class of failure; there are {} and single statuses \
                     from 300 to 599",
                    CLASSES.join(", ")
                ));
            }
            if let ClassPolicy::Schedule(schedule) = class {
                let mut own = Self { classes: BTreeMap::new(), ..self.clone() };
                own.take(schedule);
                let own = own.problems().into_iter().filter(|problem| !problems.contains(problem));
                let own: Vec<_> = own.map(|problem| format!("classes.{name}.{problem}")).collect();
                problems.extend(own);
            }
        }
        problems
    }
}

impl Overrides {
    /// What is wrong with the overrides under a space's policy, in words; templates are checked by
    /// whoever can compile them.
    pub fn problems(&self, space: &Policy) -> Vec<String> {
        let mut problems = space.with(self).problems();
        if let Some(ttl) = self.ttl_ms {
            within(&mut problems, "ttlMs", ttl, 1_000, 30 * DAY_MS);
        }
        if let Some(delay) = self.delay_ms {
            within(&mut problems, "delayMs", delay, 0, 7 * DAY_MS);
        }
        problems
    }

    /// Whether nothing is overridden.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn within<T: PartialOrd + Copy + std::fmt::Display>(
    problems: &mut Vec<String>,
    name: &str,
    value: T,
    min: T,
    max: T,
) {
    if !(value >= min && value <= max) {
        problems.push(format!("{name} must be between {min} and {max}, not {value}"));
    }
}

/// Milliseconds before retry number `retry` (0 for the first).
fn wait_ms(first: i64, factor: f64, max: i64, retry: i64) -> i64 {
    let power = factor.powi(i32::try_from(retry).unwrap_or(i32::MAX));
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "milliseconds stay far below 2^53, and the cap bounds the rest"
    )]
    let wait = (first as f64 * power).min(max as f64) as i64;
    wait
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(class: ErrorClass, status: u16, retry: i64) -> Failed {
        Failed { class, status: (status > 0).then_some(status), retry, age_ms: 0 }
    }

    #[test]
    fn waits_grow_to_the_cap_and_attempts_end() {
        let policy = Policy::default();
        let next = |retry| policy.next(&failed(ErrorClass::Timeout, 0, retry));
        assert_eq!(next(0), Next::Wait(5_000));
        assert_eq!(next(2), Next::Wait(125_000));
        assert_eq!(next(10), Next::Wait(policy.max_wait_ms));
        assert_eq!(next(11), Next::GiveUp(GiveUp::Attempts));
        let old =
            Failed { age_ms: policy.give_up_after_ms - 4_999, ..failed(ErrorClass::Timeout, 0, 0) };
        assert_eq!(policy.next(&old), Next::GiveUp(GiveUp::Age));
    }

    #[test]
    fn only_a_person_can_help_some_failures() {
        let policy = Policy::default();
        let next = |class, status| policy.next(&failed(class, status, 0));
        for status in FINAL {
            assert_eq!(next(ErrorClass::Http4xx, status), Next::GiveUp(GiveUp::Final), "{status}");
        }
        for class in [ErrorClass::Redirect, ErrorClass::Blocked, ErrorClass::TooLarge] {
            assert_eq!(next(class, 0), Next::GiveUp(GiveUp::Final));
        }
        for status in [408, 409, 425, 429] {
            assert_eq!(next(ErrorClass::Http4xx, status), Next::Wait(5_000), "{status}");
        }
        assert_eq!(next(ErrorClass::Http5xx, 503), Next::Wait(5_000));
    }

    #[test]
    fn classes_and_single_statuses_have_their_own_policy() {
        let policy: Policy = serde_json::from_value(serde_json::json!({
            "attempts": 3,
            "classes": {
                "http_4xx": "retry", "404": "fail", "timeout": {"attempts": 2, "firstWaitMs": 100},
            },
        }))
        .unwrap();
        assert_eq!(policy.problems(), Vec::<String>::new());
        let next = |class, status, retry| policy.next(&failed(class, status, retry));
        assert_eq!(next(ErrorClass::Http4xx, 401, 0), Next::Wait(5_000));
        assert_eq!(next(ErrorClass::Http4xx, 404, 0), Next::GiveUp(GiveUp::Final));
        assert_eq!(next(ErrorClass::Timeout, 0, 0), Next::Wait(100));
        assert_eq!(next(ErrorClass::Timeout, 0, 1), Next::GiveUp(GiveUp::Attempts));
        let overrides =
            Overrides { attempts: Some(7), rate_per_second: Some(0.0), ..Overrides::default() };
        let own = Policy { rate_per_second: Some(5.0), ..policy.clone() }.with(&overrides);
        assert_eq!((own.attempts, own.rate_per_second), (7, None));
        assert_eq!(own.classes, policy.classes);
    }

    #[test]
    fn mistakes_are_named() {
        let policy: Policy = serde_json::from_value(serde_json::json!({
            "attempts": 0, "jitter": 0.6, "classes": {"teapot": "fail", "dns": {"factor": 0.5}},
        }))
        .unwrap();
        let problems = policy.problems();
        assert_eq!(problems.len(), 4, "{problems:?}");
        assert!(problems[0].starts_with("attempts must be between 1 and 100, not 0"));
        assert!(problems.iter().any(|problem| problem.starts_with("classes.teapot is no class")));
        assert!(problems.iter().any(|problem| problem.starts_with("classes.dns.factor must be")));
        assert!(serde_json::from_str::<Policy>("{\"attemts\": 3}").is_err());
    }
}
