//! What brings a task forward that does not go on by itself: another attempt, or a person.

use super::state::{ErrorKind, Phase, Record, Resolution, Todo};
use super::{NewTrigger, Stepper};
use crate::handlers::Effect;
use model::id::ErrorId;
use model::run::TaskStatus;
use model::time::Micros;
use serde_json::{Map, Value, json};

/// Attempts of a node's work at most.
const ATTEMPTS_MAX: i64 = 100;
/// Seconds between two attempts at most: thirty days.
const WAIT_SECONDS_MAX: f64 = 2_592_000.0;

impl Stepper<'_, '_> {
    /// A task's outside work did not succeed: it is tried again by itself, or a person decides.
    /// `harmless` says that a repeat does no harm whatever the work's effect, after so many
    /// milliseconds.
    pub(super) fn failed(&mut self, seq: i64, message: &str, harmless: Option<i64>) {
        if self.state.open.get(&seq).is_none_or(|open| open.phase != Phase::Calling) {
            return;
        }
        let Some(mut record) = self.state.open.remove(&seq).map(|open| open.record) else { return };
        let next = self.next_attempt(&record, harmless);
        if next.is_some() || record.attempts > 0 {
            record.attempts += 1;
            record.messages.push(json!({
                "type": "Attempt", "attempt": record.attempts, "text": message,
                "at": self.ctx.now.iso(), "nextAt": next.map(Micros::iso),
            }));
        }
        let Some(at) = next else {
            return self.fail(record, ErrorKind::Handler, message);
        };
        self.out.triggers.push(NewTrigger {
            action: "Root",
            kind: "Automatic",
            scheduled_at: Some(at),
            node: record.node.clone(),
            name: record.name.clone(),
            place: record.place.clone(),
            originator: "ENGINE Retry".into(),
            token: Some(record.token.clone()),
        });
        self.hold(record, Phase::Retry(at));
    }

    /// When the work of a task is tried again; `None`: not by itself.
    fn next_attempt(&self, record: &Record, harmless: Option<i64>) -> Option<Micros> {
        let node = self.plan.node(&record.node)?;
        let retry = node.retry?;
        // Work that must not happen twice is a person's to repeat.
        let is_once = node.handler.is_some_and(|h| h.effect == Effect::Once);
        if (is_once && harmless.is_none())
            || record.attempts + 1 >= retry.attempts.min(ATTEMPTS_MAX)
        {
            return None;
        }
        let power = i32::try_from(record.attempts).unwrap_or(i32::MAX);
        let wait = retry.first_wait_seconds.max(0.0) * retry.factor.max(1.0).powi(power);
        let wait = wait.min(retry.max_wait_seconds).clamp(0.0, WAIT_SECONDS_MAX);
        #[expect(clippy::cast_possible_truncation, reason = "thirty days in milliseconds fit")]
        let wait_ms = (wait * spread(&record.token, record.attempts) * 1_000.0) as i64;
        Some(self.ctx.now.plus_ms(wait_ms.max(harmless.unwrap_or(0))))
    }

    /// Somebody decided about an error; `inputs` replace what parameters evaluate to.
    pub(super) fn resolved(
        &mut self,
        error: ErrorId,
        action: Resolution,
        inputs: Map<String, Value>,
    ) {
        let Some(at) = self.state.errors.iter().position(|e| e.id == Some(error)) else { return };
        let resolved = self.state.errors.remove(at);
        match action {
            Resolution::RetryTask => {
                if let Some(open) = self.state.open.get_mut(&resolved.seq) {
                    open.record.attempts = 0;
                    if !inputs.is_empty() {
                        let names: Vec<&str> = inputs.keys().map(String::as_str).collect();
                        open.record.messages.push(json!({
                            "type": "Edited", "text": names.join(", "),
                            "at": self.ctx.now.iso(),
                        }));
                    }
                }
                self.state.queue.push_back(Todo::Again { seq: resolved.seq, inputs });
            }
            Resolution::ContinueBranch => {
                if let Some((node, place)) = resolved.connector {
                    let from = format!("error#{error}");
                    self.state.queue.push_back(Todo::Enter { node, place, from });
                }
            }
            Resolution::CancelBranch => {}
            Resolution::SkipTask => self.skip(resolved.seq),
            // Its task went on without the message.
            Resolution::DoNothing if resolved.kind == ErrorKind::NodeMessage => {}
            Resolution::DoNothing => self.end(resolved.seq),
        }
    }

    /// A person ends an open task: its branch stops there, or goes on without results.
    pub(super) fn decided(&mut self, seq: i64, goes_on: bool) {
        self.state.errors.retain(|e| e.seq != seq || e.connector.is_some());
        if self.state.open.get(&seq).is_some_and(|open| open.phase == Phase::Looping) {
            self.end_loops();
            return;
        }
        if let Some(open) = self.state.open.get(&seq)
            && matches!(open.phase, Phase::Until(_) | Phase::Retry(_))
        {
            self.out.due.push(open.record.token.clone());
        }
        if goes_on { self.skip(seq) } else { self.end(seq) }
    }

    fn skip(&mut self, seq: i64) {
        let Some(mut record) = self.state.open.remove(&seq).map(|open| open.record) else { return };
        record.results = Map::new();
        record.deferred = false;
        self.publish(&record);
        self.close(record);
    }

    fn end(&mut self, seq: i64) {
        let Some(mut record) = self.state.open.remove(&seq).map(|open| open.record) else { return };
        record.status = TaskStatus::Closed;
        record.deferred = false;
        record.finished_at = Some(self.ctx.now);
        self.save(record);
    }
}

/// A factor between 0.8 and 1.2, drawn from a task's token: repeating a step gives the same.
fn spread(token: &str, attempts: i64) -> f64 {
    let sum = token.bytes().chain(attempts.to_le_bytes());
    let sum =
        sum.fold(2_166_136_261_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(16_777_619));
    0.8 + 0.4 * f64::from(sum) / f64::from(u32::MAX)
}
