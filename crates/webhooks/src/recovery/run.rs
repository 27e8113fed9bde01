//! The loop that carries recoveries out, on every node.

use super::{missing, replay};
use crate::Webhooks;
use model::limits;
use model::recovery::{Mode, Recovery};
use runtime::changes::Topic;
use std::time::Duration;
use store::recoveries::Progress;

/// Time between looks for recoveries that another node began or left behind.
const LOOK: Duration = Duration::from_secs(5);
/// Milliseconds that a node may be late with the next batch before another one takes over.
const LEASE_MS: i64 = 5_000;

impl Webhooks {
    /// Starts carrying out recoveries on this node; ends when the runtime stops.
    pub fn recover(&self) {
        let webhooks = self.clone();
        self.inner.runtime.spawn(async move {
            while !webhooks.inner.runtime.is_stopping() {
                let wait = webhooks.recover_due().await;
                tokio::select! {
                    () = webhooks.inner.recovery.notified() => (),
                    () = webhooks.inner.runtime.pause(wait) => (),
                    () = webhooks.inner.runtime.stopping() => (),
                }
            }
        });
    }

    /// Takes every due recovery one batch further; returns how long to wait for the next.
    async fn recover_due(&self) -> Duration {
        let now = self.inner.runtime.now();
        let inner = self.inner.clone();
        let found = self
            .inner
            .store
            .read(move |tx| store::recoveries::running(tx, now, &inner.settings.node.id()));
        let running = match found.await {
            Ok(running) => running,
            Err(error) => {
                tracing::warn!(%error, "looking for recoveries failed; it is tried again");
                return LOOK;
            }
        };
        let mut wait = LOOK;
        for recovery in running {
            let due = recovery.next_at.0.saturating_sub(now.0);
            if due > 0 {
                wait = wait.min(Duration::from_micros(due.unsigned_abs()));
                continue;
            }
            let moved = match recovery.mode {
                Mode::Missing => missing::batch(self, &recovery).await,
                Mode::Replay | Mode::Cancel => replay::batch(self, &recovery).await,
            };
            match moved {
                // It was paused, or another node was faster.
                Ok(()) | Err(crate::Error::Store(store::Error::Stale)) => {}
                Err(error) => {
                    let id = &recovery.id;
                    tracing::warn!(%error, %id, "a recovery's batch failed; it is tried again");
                    wait = wait.min(Duration::from_secs(1));
                    continue;
                }
            }
            self.inner.changes.publish(&recovery.space_id, Topic::Recoveries);
            wait = Duration::ZERO;
        }
        wait
    }

    /// The beginning of a batch's outcome: who, when, and until when.
    pub(super) fn progress(&self, recovery: &Recovery, size: i64) -> Progress {
        let now = self.inner.runtime.now();
        let wait_ms = pause_ms(recovery, size);
        let next_at = recovery.next_at.max(now.plus_ms(-1_000)).plus_ms(wait_ms);
        Progress {
            next_at,
            node: self.inner.settings.node.id().to_string(),
            leased_until: next_at.max(now).plus_ms(LEASE_MS),
            now,
            ..Progress::default()
        }
    }
}

/// Jobs in one batch: at most what a second allows, and at least one.
pub(super) fn size(recovery: &Recovery) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "the rate is limited to some thousands")]
    let of_a_second = recovery.rate_per_second as i64;
    of_a_second.clamp(1, limits::RECOVERY_BATCH)
}

/// Milliseconds that a batch of this size takes at the recovery's rate.
fn pause_ms(recovery: &Recovery, size: i64) -> i64 {
    #[expect(clippy::cast_precision_loss, reason = "a batch is some hundred jobs")]
    let seconds = size as f64 / recovery.rate_per_second;
    #[expect(clippy::cast_possible_truncation, reason = "whole milliseconds are enough")]
    let ms = (seconds * 1_000.0) as i64;
    ms
}
