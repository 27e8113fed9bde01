//! Spans: what happened when and for how long, for whoever exports traces. Kept only while somebody
//! does, and only so many; nobody ever waits for the exporter.
//!
//! Kapok's own trace ids are UUIDs, which are trace ids of OpenTelemetry as they are. The request
//! that begins a trace is its root span; whatever happens later in the trace hangs below it.

use model::time::Micros;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Spans that wait for the exporter; what comes on top is dropped and counted.
const WAITING_MAX: usize = 4_096;

/// Something that took its time.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// The trace, as the UUID that Kapok's records name.
    pub trace_id: String,
    /// Whether it is the request that began the trace.
    pub is_root: bool,
    /// What it is, such as `POST /app/api/v1/kapps`.
    pub name: String,
    /// When it began.
    pub at: Micros,
    /// How long it took.
    pub time: Duration,
    /// What else is known of it.
    pub attributes: Vec<(&'static str, String)>,
    /// What went wrong.
    pub error: Option<String>,
}

/// Finished spans on their way to the exporter.
#[derive(Debug, Default)]
pub struct Spans {
    is_on: AtomicBool,
    waiting: Mutex<(Vec<Span>, u64)>,
}

impl Spans {
    /// Begins to keep spans.
    pub fn turn_on(&self) {
        self.is_on.store(true, Relaxed);
    }

    /// Keeps the span that `make` gives; does not ask for it when nobody exports.
    pub fn push(&self, make: impl FnOnce() -> Span) {
        if !self.is_on.load(Relaxed) {
            return;
        }
        let span = make();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.0.len() < WAITING_MAX {
            waiting.0.push(span);
        } else {
            waiting.1 += 1;
        }
    }

    /// Takes what waits, and how many were dropped since the last time.
    pub fn take(&self) -> (Vec<Span>, u64) {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_kept_only_while_somebody_exports_and_only_so_many() {
        let span = || Span {
            trace_id: String::new(),
            is_root: true,
            name: String::new(),
            at: Micros(0),
            time: Duration::ZERO,
            attributes: Vec::new(),
            error: None,
        };
        let spans = Spans::default();
        spans.push(span);
        assert_eq!(spans.take(), (Vec::new(), 0));
        spans.turn_on();
        for _ in 0..=WAITING_MAX {
            spans.push(span);
        }
        let (kept, dropped) = spans.take();
        assert_eq!((kept.len(), dropped), (WAITING_MAX, 1));
    }
}
