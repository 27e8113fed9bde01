//! What has to be tidied now and then: sessions that have ended, requests that inspectors have
//! kept for long enough; and the life of the database goes on by a beat. Idempotent, so that any
//! number of nodes may do it.

use crate::life::Life;
use api::App;
use store::{Store, Tx};

/// Milliseconds between two rounds.
const ROUND_MS: i64 = 10 * 60 * 1_000;
/// Milliseconds between two beats: a copy that is older by more is known as one.
const BEAT_MS: i64 = 60 * 1_000;

/// Tidies at the start and then every ten minutes, until the process stops.
pub(crate) fn run(app: &App, store: &Store, life: Life) {
    let runtime = app.runtime.clone();
    app.runtime.spawn(async move {
        loop {
            tokio::select! {
                () = runtime.sleep_ms(BEAT_MS) => life.beat().await,
                () = runtime.stopping() => return,
            }
        }
    });
    let (app, store) = (app.clone(), store.clone());
    app.runtime.clone().spawn(async move {
        loop {
            round(&app, &store).await;
            tokio::select! {
                () = app.runtime.sleep_ms(ROUND_MS) => {}
                () = app.runtime.stopping() => return,
            }
        }
    });
}

/// Tidies once.
pub(crate) async fn round(app: &App, store: &Store) {
    let now = app.runtime.now();
    match store.write(move |tx: &mut Tx| store::sessions::purge(tx, now)).await {
        Ok(0) => {}
        Ok(ended) => tracing::debug!(ended, "sessions that had ended were deleted"),
        Err(error) => tracing::warn!(%error, "ended sessions could not be deleted"),
    }
    if let Err(error) = app.webhooks.purge_inspections().await {
        tracing::warn!(%error, "old requests of inspectors could not be deleted");
    }
}
