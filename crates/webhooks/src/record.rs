//! The recorder: outcomes of attempts, written in batches.
//!
//! Whatever has come in while the last batch was being committed makes up the next one. An outcome
//! is written only where the job still is the one that was claimed; a late one leaves its attempt
//! row and nothing else. When the store fails, the batch is kept and tried again: the number of
//! slots bounds what can pile up.

use crate::notices::Sign;
use crate::{Inner, isolate};
use model::id::{JobId, SpaceId, WebhookId};
use model::job::{Attempt, State};
use model::time::Micros;
use runtime::changes::Topic;
use runtime::panics;
use std::borrow::Cow;
use std::sync::Arc;
use store::jobs::Settled;
use store::{Dialect, Tx};
use tokio::sync::mpsc;

/// Reports in one commit.
const BATCH_MAX: usize = 128;
/// Reports that wait for the recorder before attempts have to.
const BACKLOG_MAX: usize = 1_024;
/// Milliseconds before a failed batch is tried again.
const AGAIN_MS: i64 = 250;
/// Retries that are due within so many milliseconds are looked for at once, to know when.
const SOON_MS: i64 = 1_100;

/// Something to be recorded about a job.
#[derive(Clone, Debug)]
pub(crate) enum Report {
    /// An attempt is under way and takes its time.
    Started { space_id: SpaceId, id: JobId, epoch: i64, at: Micros },
    /// An attempt ended.
    Ended {
        space_id: SpaceId,
        settled: Settled,
        attempt: Box<Attempt>,
        disable: Option<Disable>,
        is_ordered: bool,
        sign: Option<Box<Sign>>,
    },
}

/// A webhook whose endpoint is gone for good.
pub(crate) type Disable = Box<(WebhookId, String)>;

impl Report {
    fn space_id(&self) -> &SpaceId {
        match self {
            Self::Started { space_id, .. } | Self::Ended { space_id, .. } => space_id,
        }
    }
}

/// Where attempts report; cheap to clone. The recorder ends with the last clone.
#[derive(Clone)]
pub(crate) struct Recorder {
    sender: mpsc::Sender<Report>,
}

impl Recorder {
    pub(crate) fn start(inner: &Arc<Inner>) -> Self {
        let (sender, mut reports) = mpsc::channel(BACKLOG_MAX);
        let inner = inner.clone();
        let runtime = inner.runtime.clone();
        runtime.spawn(async move {
            let mut batch = Vec::with_capacity(BATCH_MAX);
            while reports.recv_many(&mut batch, BATCH_MAX).await > 0 {
                // Whatever goes wrong with one batch, the next one is recorded.
                let recorded = panics::caught(inner.record(batch.drain(..).collect())).await;
                if let Err(message) = recorded {
                    tracing::error!(%message, "the recorder met a fault of Kapok");
                }
            }
        });
        Self { sender }
    }

    pub(crate) async fn report(&self, report: Report) {
        // The recorder outlives every sender.
        let _ = self.sender.send(report).await;
    }
}

impl Inner {
    async fn record(&self, batch: Arc<[Report]>) {
        let mut left = batch.clone();
        let store = self.store.clone();
        let write = |reports: Arc<[Report]>| {
            let store = store.clone();
            async move { store.write(move |tx: &mut Tx| write(tx, &reports)).await }
        };
        loop {
            match isolate::write(left, &write).await {
                Ok(()) => break,
                Err((error, unwritten)) => {
                    left = unwritten;
                    tracing::warn!(%error, "recording attempts failed; it is tried again");
                    // A store that is gone for good must not keep the process from ending.
                    if self.runtime.is_stopping() && !error.is_temporary() {
                        break;
                    }
                    self.runtime
                        .pause(std::time::Duration::from_millis(AGAIN_MS.unsigned_abs()))
                        .await;
                }
            }
        }
        self.observe(&batch);
        self.notice(&batch);
        let mut told: Vec<&SpaceId> = Vec::new();
        for space in batch.iter().map(Report::space_id) {
            if !told.contains(&space) {
                told.push(space);
                self.changes.publish(space, Topic::Jobs);
            }
        }
        for report in batch.iter() {
            if let Report::Ended { space_id, disable: Some(disable), .. } = report {
                let (webhook, reason) = &**disable;
                tracing::warn!(%webhook, %reason, "a webhook was disabled");
                self.webhooks_moved(space_id);
            }
        }
        let retries = |report: &Report| match report {
            // What is due later is found by the look of its time.
            Report::Ended { settled, is_ordered, .. } => {
                let is_soon = settled.scheduled_at.ms_since(settled.at) < SOON_MS;
                *is_ordered || settled.state == State::Queued && is_soon
            }
            Report::Started { .. } => false,
        };
        if batch.iter().any(retries) {
            self.queue.poke();
        }
    }
}

/// Writes a batch: what started, all outcomes together, what follows from each, all attempts
/// together. Two outcomes of one job are of different claims, and only one of them counts.
fn write(tx: &mut Tx, reports: &[Report]) -> Result<(), store::Error> {
    let mut ended = Vec::with_capacity(reports.len());
    for report in reports {
        match report {
            Report::Started { id, epoch, at, .. } => {
                store::jobs::mark_started(tx, id, *epoch, *at)?;
            }
            Report::Ended { settled, .. } => ended.push((settled, report)),
        }
    }
    let all: Vec<&Settled> = ended.iter().map(|(settled, _)| *settled).collect();
    let counted = store::jobs::settle_all(tx, &all)?;
    let at_once = tx.dialect() == Dialect::Postgres;
    let mut attempts = Vec::with_capacity(ended.len());
    for ((settled, report), counts) in ended.into_iter().zip(counted) {
        let Report::Ended { attempt, space_id, disable, is_ordered, .. } = report else { continue };
        if !counts {
            attempts.push(Cow::Owned(late(attempt)));
            continue;
        }
        if *is_ordered && settled.state == State::Complete {
            store::order::leave(tx, &settled.id, settled.at, "system")?;
        }
        if let Some((webhook, reason)) = disable.as_deref() {
            store::webhooks::disable(tx, space_id, webhook, reason, settled.at)?;
        }
        if at_once {
            attempts.push(Cow::Borrowed(&**attempt));
        } else {
            store::attempts::insert_of_known(tx, attempt)?;
        }
    }
    let attempts: Vec<&Attempt> = attempts.iter().map(AsRef::as_ref).collect();
    store::attempts::insert_all(tx, &attempts)
}

/// The attempt whose outcome came too late.
fn late(attempt: &Attempt) -> Attempt {
    let mut late = attempt.clone();
    let note = "The job had been taken away meanwhile; this outcome changed nothing";
    late.detail.error = Some(match late.detail.error {
        Some(error) => format!("{error}. {note}"),
        None => note.to_owned(),
    });
    late
}
