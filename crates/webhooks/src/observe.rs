//! What metrics and traces learn of deliveries, once their outcome is recorded.

use crate::Inner;
use crate::record::Report;
use model::id::JobId;
use model::job::Attempt;
use model::time::Micros;
use runtime::spans::Span;
use std::time::Duration;

impl Inner {
    /// Counts the attempts of a batch that was recorded.
    pub(crate) fn observe(&self, batch: &[Report]) {
        for report in batch {
            let Report::Ended { settled, attempt, .. } = report else { continue };
            let outcome = attempt.detail.error_class.map_or("delivered", |class| class.as_str());
            let time = Duration::try_from_secs_f64(attempt.duration_ms / 1_000.0);
            let time = time.unwrap_or_default();
            let metrics = self.runtime.metrics();
            metrics.attempts.of(outcome).record(time);
            if settled.retry_count == 0
                && let Some(waited) = first_byte(attempt)
            {
                metrics.first_bytes.record(waited);
            }
        }
    }

    /// Keeps the span of an attempt while somebody exports them.
    pub(crate) fn trace(&self, trace_id: &str, attempt: &Attempt) {
        self.runtime.spans().push(|| Span {
            trace_id: trace_id.to_owned(),
            is_root: false,
            name: "deliver".to_owned(),
            at: attempt.started_at,
            time: Duration::try_from_secs_f64(attempt.duration_ms / 1_000.0).unwrap_or_default(),
            attributes: vec![
                ("kapok.job.id", attempt.job_id.0.clone()),
                ("url.full", attempt.url.clone()),
                (
                    "http.response.status_code",
                    attempt.detail.response_status.map(|s| s.to_string()).unwrap_or_default(),
                ),
            ],
            error: attempt.detail.error.clone(),
        });
    }
}

/// From the making of the job, which its id tells to the millisecond, to the first byte.
fn first_byte(attempt: &Attempt) -> Option<Duration> {
    let detail = &attempt.detail;
    let waits = [detail.dns_ms, detail.connect_ms, detail.tls_ms, Some(detail.first_byte_ms?)];
    let exchange: f64 = waits.into_iter().flatten().sum();
    let before = attempt.started_at.ms_since(made_at(&attempt.job_id)?).max(0);
    Duration::try_from_secs_f64((before as f64 + exchange) / 1_000.0).ok()
}

/// When a job was made: the first 48 bits of its id are milliseconds.
fn made_at(id: &JobId) -> Option<Micros> {
    let digits: String = id.0.chars().filter(|c| *c != '-').take(12).collect();
    let ms = i64::from_str_radix(&digits, 16).ok().filter(|_| id.0.len() == 36)?;
    Some(Micros(ms.saturating_mul(1_000)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_tells_when_it_was_drawn() {
        let runtime = runtime::Runtime::fake(Micros(1_800_000_000_123_456), 1);
        let id = JobId::new(runtime.uuid());
        assert_eq!(made_at(&id), Some(Micros(1_800_000_000_123_000)));
        assert_eq!(made_at(&JobId("j".to_owned())), None);
    }
}
