//! What the engine does besides walking runs: it moves resolutions and starts schedules that are
//! due.

use super::Inner;
use std::sync::Arc;

/// Milliseconds between looks when nothing is known to be due: others may have added something.
const LOOK_MS: i64 = 1_000;

impl Inner {
    pub(super) async fn background_loop(self: Arc<Self>) {
        while !self.runtime.is_stopping() {
            let now = self.runtime.now();
            let next = [self.move_resolutions(now).await, self.start_scheduled(now).await];
            let look = now.plus_ms(LOOK_MS);
            let until = next.into_iter().flatten().min().unwrap_or(look).min(look);
            tokio::select! {
                () = self.runtime.stopping() => {}
                () = self.background.notified() => {}
                () = self.runtime.sleep_until(until) => {}
            }
        }
    }

    /// Has a run walked, because its inbox has something new.
    pub(crate) fn wake(&self, run: model::id::RunId) {
        self.actors.wake(run);
    }
}
