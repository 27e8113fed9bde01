//! One attempt: the request a job becomes, and what its outcome means for the job.

use crate::lanes::Went;
use crate::send::{Failure, Limits, Outcome, Request};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use model::job::{Attempt, ErrorClass, Job, State};
use model::time::Micros;
use runtime::Runtime;
use runtime::backoff::Backoff;
use serde_json::Value;
use sha1_smol::Sha1;
use store::jobs::Settled;

/// Milliseconds that `Retry-After` can hold a job back at most.
const RETRY_AFTER_MS_MAX: i64 = 3_600_000;

/// The request of a job. `auth` is its webhook's legacy strategy.
pub(crate) fn request(job: &Job, body: &str, auth: Option<&Value>, now: Micros) -> Request {
    let mut headers = vec![(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    let mut add = |name: &'static str, value: &str, is_secret: bool| {
        // A value that no header can hold is left out rather than sent broken.
        if let Ok(mut value) = HeaderValue::from_str(value) {
            value.set_sensitive(is_secret);
            headers.push((HeaderName::from_static(name), value));
        }
    };
    add("webhook-id", job.id.as_str(), false);
    add("webhook-timestamp", &(now.0 / 1_000_000).to_string(), false);
    if let Some((key, secret)) = auth.and_then(signature) {
        // A static token by which older receivers know their caller: no signature of the body.
        let digest = Sha1::from(secret.as_bytes()).digest().bytes();
        add("x-kinetic-signaturekey", &key, true);
        add("x-kinetic-signature", &URL_SAFE.encode(digest), true);
    }
    Request {
        method: http::Method::POST,
        url: job.url.clone(),
        headers,
        body: Bytes::copy_from_slice(body.as_bytes()),
        limits: Limits::default(),
    }
}

/// The key and secret of the `Signature` strategy.
fn signature(auth: &Value) -> Option<(String, String)> {
    if auth.get("type")?.as_str()? != "Signature" {
        return None;
    }
    let property = |name: &str| {
        auth.get("properties")?.as_array()?.iter().find_map(|property| {
            let is_it = property.get("name")?.as_str()? == name;
            is_it.then(|| property.get("value")?.as_str().map(str::to_owned))?
        })
    };
    Some((property("Key")?, property("Secret")?))
}

/// What an outcome means.
pub(crate) struct Judged {
    pub(crate) settled: Settled,
    pub(crate) attempt: Attempt,
    pub(crate) went: Went,
}

/// How often and how long to try.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    pub(crate) backoff: Backoff,
    pub(crate) attempts_max: i64,
}

/// Judges the outcome of a job's attempt.
pub(crate) fn judge(job: &Job, outcome: &Outcome, policy: Policy, runtime: &Runtime) -> Judged {
    let now = runtime.now();
    let failure = outcome.delivery_failure();
    // The first attempt is no retry; whoever began one before, even unfinished, counts it.
    let retry_count = if job.started_at.is_some() { job.retry_count + 1 } else { job.retry_count };
    let asked = failure.as_ref().and_then(|_| retry_after_ms(outcome, now));
    let (state, scheduled_at) = match &failure {
        None => (State::Complete, job.scheduled_at),
        Some(failure) if is_final(failure, outcome) || retry_count + 1 >= policy.attempts_max => {
            (State::Failed, job.scheduled_at)
        }
        Some(_) => {
            let wait = policy.backoff.wait_ms(retry_count.try_into().unwrap_or(u32::MAX), runtime);
            (State::Queued, now.plus_ms(wait.max(asked.unwrap_or(0))))
        }
    };
    let went = match (&failure, asked) {
        (None, _) => Went::Well,
        (Some(_), Some(wait)) => Went::Pause(now.plus_ms(wait)),
        (Some(failure), None) => match failure.class {
            ErrorClass::Http4xx | ErrorClass::Redirect | ErrorClass::TooLarge => Went::Well,
            ErrorClass::Blocked => Went::Unknown,
            _ => Went::Badly,
        },
    };
    let settled = Settled {
        id: job.id.clone(),
        epoch: job.epoch,
        state,
        summary: match (&outcome.failure, &failure, &outcome.response) {
            // An answer that arrived is named by its status, as documented.
            (None, Some(_), Some(response)) => crate::send::status_line(response.status),
            _ => outcome.summary(),
        },
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
    Judged { settled, attempt, went }
}

/// Whether trying again cannot help: the request, the address or the target is wrong, and only a
/// person can change that.
fn is_final(failure: &Failure, outcome: &Outcome) -> bool {
    match failure.class {
        ErrorClass::Http4xx => {
            let status = outcome.response.as_ref().map(|r| r.status.as_u16());
            matches!(status, Some(400 | 401 | 403 | 404 | 405 | 410 | 422))
        }
        ErrorClass::Redirect | ErrorClass::Blocked | ErrorClass::TooLarge => true,
        _ => false,
    }
}

/// What `Retry-After` asks for, in seconds or as a date, within bounds; garbage is ignored.
fn retry_after_ms(outcome: &Outcome, now: Micros) -> Option<i64> {
    let response = outcome.response.as_ref()?;
    if !matches!(response.status.as_u16(), 429 | 503) {
        return None;
    }
    let text = response.headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let ms = match text.parse::<i64>() {
        Ok(seconds) => seconds.saturating_mul(1_000),
        Err(_) => http_date(text)?.ms_since(now),
    };
    (ms > 0).then(|| ms.min(RETRY_AFTER_MS_MAX))
}

/// Reads `Sun, 06 Nov 1994 08:49:37 GMT`, the one form that senders still write.
fn http_date(text: &str) -> Option<Micros> {
    let rest = text.split_once(", ")?.1;
    let mut parts = rest.split(' ');
    let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
    let (time, zone) = (parts.next()?, parts.next()?);
    let months =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = months.iter().position(|name| *name == month)? + 1;
    if zone != "GMT" || parts.next().is_some() {
        return None;
    }
    Micros::parse_iso(&format!("{year}-{month:02}-{day}T{time}Z"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::send::{Response, Trace};
    use std::time::Duration;

    const NOW: Micros = Micros(1_800_000_000_000_000);

    fn outcome(status: u16, retry_after: &str) -> Outcome {
        let mut headers = http::HeaderMap::new();
        if !retry_after.is_empty() {
            headers.insert(RETRY_AFTER, retry_after.parse().unwrap());
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
    fn retry_after_in_both_forms_within_bounds() {
        let check = |text, expect| assert_eq!(retry_after_ms(&outcome(503, text), NOW), expect);
        check("120", Some(120_000));
        check("999999999999", Some(RETRY_AFTER_MS_MAX));
        check("-5", None);
        check("0", None);
        check("soon", None);
        check("", None);
        // NOW is 2027-01-15T08:00:00Z.
        check("Fri, 15 Jan 2027 08:00:30 GMT", Some(30_000));
        check("Fri, 15 Jan 2027 07:00:00 GMT", None);
        check("Fri, 15 Foo 2027 07:00:00 GMT", None);
        assert_eq!(retry_after_ms(&outcome(500, "120"), NOW), None);
    }

    #[test]
    fn the_legacy_signature_is_the_documented_token() {
        let auth = serde_json::json!({"type": "Signature", "properties": [
            {"name": "Key", "value": "k"}, {"name": "Secret", "value": "secret"},
        ]});
        let job = job();
        let request = request(&job, "{}", Some(&auth), NOW);
        let header = |name: &str| {
            let found = request.headers.iter().find(|(n, _)| n == name);
            found.map(|(_, value)| (value.to_str().unwrap().to_owned(), value.is_sensitive()))
        };
        assert_eq!(header("x-kinetic-signaturekey"), Some(("k".to_owned(), true)));
        let token = ("5en6G6MezRroT3XKqkdPOmY_BfQ=".to_owned(), true);
        assert_eq!(header("x-kinetic-signature"), Some(token));
        assert_eq!(header("webhook-id"), Some(("job".to_owned(), false)));
    }

    fn job() -> Job {
        Job {
            id: model::id::JobId("job".into()),
            space_id: model::id::SpaceId("space".into()),
            kapp_id: None,
            event_id: None,
            webhook_id: None,
            trace_id: model::id::TraceId("trace".into()),
            depth: 0,
            name: "w".into(),
            type_name: "Submission".into(),
            event: "Submitted".into(),
            parent_type: "Submission".into(),
            parent_id: "s".into(),
            parent_key: "s".into(),
            url: "https://example.com/".into(),
            state: State::Queued,
            summary: None,
            request_content: None,
            response_content: None,
            retry_count: 0,
            scheduled_at: NOW,
            started_at: None,
            finished_at: None,
            run_id: None,
            leased_by: None,
            leased_until: None,
            epoch: 1,
            error_class: None,
            audit: model::Audit::created(NOW, "ann"),
        }
    }

    #[test]
    fn attempts_are_counted_and_end() {
        let runtime = Runtime::fake(NOW, 1);
        let policy = Policy { backoff: Backoff::DELIVERY, attempts_max: 3 };
        let mut job = job();
        let mut seen = Vec::new();
        for _ in 0..3 {
            let settled = judge(&job, &outcome(500, ""), policy, &runtime).settled;
            seen.push((settled.state, settled.retry_count));
            job.retry_count = settled.retry_count;
            job.started_at = Some(settled.started_at);
        }
        assert_eq!(seen, [(State::Queued, 0), (State::Queued, 1), (State::Failed, 2)]);
        let waits = judge(&self::job(), &outcome(429, "3600"), policy, &runtime);
        assert_eq!(waits.settled.scheduled_at, NOW.plus_ms(3_600_000), "as long as it was asked");
        assert_eq!(waits.went, Went::Pause(NOW.plus_ms(3_600_000)));
    }

    #[test]
    fn only_a_person_can_help_some_failures() {
        let given_up = |status| {
            let outcome = outcome(status, "");
            is_final(&outcome.delivery_failure().unwrap(), &outcome)
        };
        for status in [400, 401, 403, 404, 405, 410, 422, 301, 308] {
            assert!(given_up(status), "{status}");
        }
        for status in [408, 409, 425, 429, 500, 502, 503, 504] {
            assert!(!given_up(status), "{status}");
        }
    }
}
