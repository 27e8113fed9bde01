//! Checkpoints: folding the write-ahead log into the file, beside the writer.
//!
//! SQLite's own way is to do it inside every commit that finds a thousand pages in the log, which
//! makes that commit's callers wait for two more fsyncs and a thousand page writes. Here a thread
//! with a connection of its own does it, and the writer only ever waits for the little that came
//! in meanwhile:
//!
//! ```text
//! writer   ─ commit ─ commit ─ commit ─ commit ─ last few pages ─ commit (log starts again) ─
//!               └─ asks              ┌─ hands over when the log is long
//! thread        └─ copies pages ─────┘
//! ```
//!
//! The log starts again from its beginning once all of it is in the file and nobody reads from
//! it. With pauses between commits that happens by itself; under load it never would, hence the
//! handing over.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;

use super::Session;
use crate::db::error::Error;
use crate::db::stats::Counters;

/// Pages of 4 KiB that join the log between two checkpoints.
const EVERY_PAGES: u64 = 2_000;
/// Pages in the log from which the writer helps, so that the log can start again.
const LONG_PAGES: u64 = 8_000;

/// What the writer and the thread tell each other. The thread ends with the last clone but its
/// own, or when told.
#[derive(Clone, Default)]
pub(super) struct Checkpoints {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    asked: Condvar,
}

#[derive(Default)]
struct State {
    asked: bool,
    closed: bool,
    handed_over: bool,
    /// Pages in the log at which the next checkpoint is asked for, and those of the last commit.
    next: u64,
    last: u64,
}

impl Checkpoints {
    /// Starts the thread on a connection of its own.
    pub(super) fn start(
        &self,
        session: Session,
        counters: Counters,
        alive: &mpsc::Sender<()>,
    ) -> Result<(), Error> {
        let (own, alive) = (self.clone(), alive.clone());
        std::thread::Builder::new()
            .name("store-checkpoint".to_owned())
            .spawn(move || {
                own.run(&session, &counters);
                drop(session);
                drop(alive);
            })
            .map(|_| ())
            .map_err(|error| Error::Unavailable { message: error.to_string() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes how many pages the log has after a commit; `true` when the writer should fold in the
    /// rest now.
    pub(super) fn committed(&self, pages: u64) -> bool {
        let mut state = self.lock();
        if pages < state.last || state.next == 0 {
            state.next = EVERY_PAGES;
        }
        state.last = pages;
        if pages >= state.next {
            state.next = pages + EVERY_PAGES;
            state.asked = true;
            self.shared.asked.notify_one();
        }
        std::mem::take(&mut state.handed_over)
    }

    /// Lets the thread end.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.shared.asked.notify_one();
    }

    fn next(&self) -> bool {
        let mut state = self.lock();
        while !state.asked && !state.closed {
            state = self.shared.asked.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.asked = false;
        !state.closed
    }

    fn run(&self, session: &Session, counters: &Counters) {
        while self.next() {
            let Some(pages) = pass(session, counters) else { continue };
            if pages >= LONG_PAGES {
                // What came in meanwhile, so that even less is left to the writer.
                pass(session, counters);
                self.lock().handed_over = true;
            }
        }
    }
}

/// Copies what the log holds into the file, as far as no reader needs it; returns the pages that
/// the log has. A failure shows at the next commit as well, where somebody waits for it.
pub(super) fn pass(session: &Session, counters: &Counters) -> Option<u64> {
    // The log, so that it can be copied, and then the file.
    counters.synced(2);
    match session.checkpoint() {
        Ok(pages) => Some(pages),
        Err(error) => {
            tracing::debug!(%error, "a checkpoint failed; it is tried again");
            None
        }
    }
}
