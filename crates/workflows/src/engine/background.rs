//! What the engine does besides walking runs: it moves resolutions that are due.

use super::Inner;
use std::sync::Arc;

/// Milliseconds between looks when nothing is known to be due: others may have added something.
const LOOK_MS: i64 = 1_000;

impl Inner {
    pub(super) async fn background_loop(self: Arc<Self>) {
        while !self.runtime.is_stopping() {
            let now = self.runtime.now();
            let next = self.move_resolutions(now).await;
            let until = next.unwrap_or(now.plus_ms(LOOK_MS)).min(now.plus_ms(LOOK_MS));
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
