//! What the outcome of an attempt means: for its job, for its lane, and for its webhook.

use crate::retry_after;
use crate::schedule::{End, Went};
use crate::send::Outcome;
use model::delivery::{Failed, GiveUp, Next, Policy};
use model::job::{Attempt, ErrorClass, Job, State};
use model::limits;
use model::time::Micros;
use runtime::Runtime;
use std::time::Duration;
use store::jobs::Settled;

/// What an outcome means.
pub(crate) struct Judged {
    pub(crate) settled: Settled,
    pub(crate) attempt: Attempt,
    pub(crate) end: End,
    /// Why the job's webhook is to be disabled.
    pub(crate) disable: Option<String>,
}

/// Judges the outcome of a job's attempt.
pub(crate) fn judge(job: &Job, outcome: &Outcome, policy: &Policy, runtime: &Runtime) -> Judged {
    let now = runtime.now();
    let failure = outcome.delivery_failure();
    let status = outcome.response.as_ref().map(|response| response.status.as_u16());
    // The first attempt is no retry; whoever began one before, even unfinished, counts it.
    let retry_count = if job.started_at.is_some() { job.retry_count + 1 } else { job.retry_count };
    let asked = failure.as_ref().and_then(|_| retry_after(outcome, now));
    let next = failure.as_ref().map(|failure| {
        policy.next(&Failed {
            class: failure.class,
            status,
            retry: retry_count,
            age_ms: now.ms_since(job.audit.created_at),
        })
    });
    let (state, scheduled_at) = match next {
        None => (State::Complete, job.scheduled_at),
        Some(Next::GiveUp(_)) => (State::Failed, job.scheduled_at),
        Some(Next::Wait(wait)) => {
            let wait = jittered(wait, policy.jitter, runtime);
            (State::Queued, now.plus_ms(wait.max(asked.unwrap_or(0))))
        }
    };
    let end = End {
        went: went(failure.as_ref().map(|failure| failure.class), status, asked),
        latency: outcome.duration,
        error: failure.as_ref().map(|failure| failure.class),
    };
    let mut summary = match (&outcome.failure, &failure, &outcome.response) {
        // An answer that arrived is named by its status, as documented.
        (None, Some(_), Some(response)) => crate::send::status_line(response.status),
        _ => outcome.summary(),
    };
    if next == Some(Next::GiveUp(GiveUp::Age)) {
        summary.push_str("; given up: the next attempt would be too late");
    }
    let disable = (status == Some(410) && failure.is_some() && policy.disables_on_gone())
        .then(|| format!("The endpoint answered {summary}: it is gone for good"));
    let settled = Settled {
        id: job.id.clone(),
        epoch: job.epoch,
        state,
        summary,
        response_content: outcome.response.as_ref().map(crate::send::Response::text),
        error_class: failure.as_ref().map(|failure| failure.class),
        retry_count,
        run_id: None,
        scheduled_at,
        started_at: outcome.started_at,
        finished_at: state.is_final().then_some(now),
        at: now,
    };
    let attempt = Attempt {
        job_id: job.id.clone(),
        number: 0,
        started_at: outcome.started_at,
        duration_ms: outcome.duration.as_secs_f64() * 1_000.0,
        url: job.url.clone(),
        detail: outcome.detail(),
    };
    Judged { settled, attempt, end, disable }
}

/// What a failure says about the endpoint.
fn went(class: Option<ErrorClass>, status: Option<u16>, asked: Option<i64>) -> Went {
    match (class, asked) {
        (None, _) => Went::Well,
        (_, Some(wait)) => Went::Pause(Duration::from_millis(wait.unsigned_abs())),
        (Some(_), _) if status == Some(429) => Went::TooMuch,
        (Some(class), _) => match class {
            // It speaks; what it dislikes is the request.
            ErrorClass::Http4xx | ErrorClass::Redirect | ErrorClass::TooLarge => Went::Well,
            // None of these is the endpoint's doing.
            ErrorClass::Blocked | ErrorClass::Proxy | ErrorClass::Auth | ErrorClass::Internal => {
                Went::Unknown
            }
            _ => Went::Badly,
        },
    }
}

/// A wait, shortened or lengthened at random, so that jobs that failed together do not return
/// together.
fn jittered(wait_ms: i64, jitter: f64, runtime: &Runtime) -> i64 {
    let factor = 1.0 - jitter + 2.0 * jitter * runtime.fraction();
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "milliseconds stay far below 2^53"
    )]
    let wait = (wait_ms as f64 * factor) as i64;
    wait
}

/// Milliseconds for which an endpoint asks to be left alone, within bounds.
fn retry_after(outcome: &Outcome, now: Micros) -> Option<i64> {
    let response = outcome.response.as_ref()?;
    if !matches!(response.status.as_u16(), 429 | 503) {
        return None;
    }
    let text = response.headers.get(http::header::RETRY_AFTER)?.to_str().ok()?;
    let ms = retry_after::read_ms(text, now)?;
    (ms > 0).then(|| ms.min(limits::RETRY_AFTER_MS_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::send::{Response, Trace};

    const NOW: Micros = Micros(1_800_000_000_000_000);

    fn outcome(status: u16, retry_after: &str) -> Outcome {
        let mut headers = http::HeaderMap::new();
        if !retry_after.is_empty() {
            headers.insert(http::header::RETRY_AFTER, retry_after.parse().unwrap());
        }
        let status = http::StatusCode::from_u16(status).unwrap();
        Outcome {
            started_at: NOW,
            duration: Duration::ZERO,
            trace: Trace::default(),
            response: Some(Response { status, headers, body: vec![], body_bytes: 0 }),
            failure: None,
        }
    }

    #[test]
    fn a_lane_waits_as_long_as_it_was_asked_and_at_most_the_cap() {
        let check = |text, expect| assert_eq!(retry_after(&outcome(503, text), NOW), expect);
        check("120", Some(120_000));
        check("999999999999", Some(limits::RETRY_AFTER_MS_MAX));
        check("0", None);
        // NOW is 2027-01-15T08:00:00Z.
        check("Fri, 15 Jan 2027 08:00:30 GMT", Some(30_000));
        check("Fri, 15 Jan 2027 07:00:00 GMT", None);
        check("soon", None);
        assert_eq!(retry_after(&outcome(500, "120"), NOW), None);
    }

    #[test]
    fn attempts_are_counted_and_end() {
        let runtime = Runtime::fake(NOW, 1);
        let policy = Policy { attempts: 3, ..Policy::default() };
        let mut job = crate::attempt::tests::job();
        let mut seen = Vec::new();
        for _ in 0..3 {
            let settled = judge(&job, &outcome(500, ""), &policy, &runtime).settled;
            seen.push((settled.state, settled.retry_count));
            job.retry_count = settled.retry_count;
            job.started_at = Some(settled.started_at);
        }
        assert_eq!(seen, [(State::Queued, 0), (State::Queued, 1), (State::Failed, 2)]);
        let job = crate::attempt::tests::job();
        let waits = judge(&job, &outcome(429, "3600"), &policy, &runtime);
        assert_eq!(waits.settled.scheduled_at, NOW.plus_ms(3_600_000), "as long as it was asked");
    }

    #[test]
    fn waits_differ_by_the_jitter() {
        let runtime = Runtime::fake(NOW, 7);
        let waits: Vec<_> = (0..100).map(|_| jittered(1_000, 0.2, &runtime)).collect();
        assert!(waits.iter().all(|wait| (800..=1_200).contains(wait)), "{waits:?}");
        assert!(waits.iter().any(|wait| *wait < 900) && waits.iter().any(|wait| *wait > 1_100));
        assert_eq!(jittered(1_000, 0.0, &runtime), 1_000);
    }

    #[test]
    fn an_endpoint_that_is_gone_disables_its_webhook_unless_the_policy_says_otherwise() {
        let runtime = Runtime::fake(NOW, 1);
        let job = crate::attempt::tests::job();
        let judged = judge(&job, &outcome(410, ""), &Policy::default(), &runtime);
        assert_eq!(judged.settled.state, State::Failed);
        assert!(judged.disable.unwrap().contains("410 Gone"));
        let policy: Policy = serde_json::from_str("{\"classes\": {\"410\": \"retry\"}}").unwrap();
        let judged = judge(&job, &outcome(410, ""), &policy, &runtime);
        assert_eq!((judged.settled.state, judged.disable), (State::Queued, None));
    }
}
