//! Lanes that stop and go on: what waits in them goes back to the table, and the reason is kept.

use crate::Inner;
use crate::lanes::{LaneState, LaneView};
use model::time::Micros;
use runtime::changes::Topic;
use std::time::Duration;
use store::job_changes::{self, Hold};

/// Jobs that are given back in one commit.
const BATCH_MAX: usize = 500;
/// Keys that go on in one commit.
const HEADS_MAX: i64 = 500;

impl Inner {
    /// Writes what became of lanes since the last call, and gives back the jobs they do not keep.
    pub(crate) async fn tell_news(&self) {
        let ticks = self.runtime.elapsed();
        let (returned, views) = {
            let mut scheduler = self.queue.lock();
            if !scheduler.has_news() {
                return;
            }
            let (returned, mut moved) = scheduler.take_news();
            moved.sort_unstable();
            moved.dedup();
            let views = moved.iter().filter_map(|lane| scheduler.view(*lane, ticks));
            (returned, views.collect::<Vec<_>>())
        };
        let now = self.runtime.now();
        let holds: Vec<_> = views
            .iter()
            .map(|view| Hold {
                scope: job_changes::lane_scope(view.id.0),
                at: now,
                reason: words(view, ticks, now),
                actor: self.settings.node.id().to_string(),
            })
            .collect();
        for hold in &holds {
            tracing::info!(lane = %hold.scope, "{}", hold.reason);
        }
        let written = self.store.write(move |tx| job_changes::insert_holds(tx, &holds));
        if let Err(error) = written.await {
            tracing::warn!(%error, "recording what holds lanes failed");
        }
        let jobs = returned.into_iter().map(|w| (w.job.id.clone(), w.job.epoch)).collect();
        self.give_back(jobs).await;
        let mut told = Vec::new();
        for view in &views {
            if !told.contains(&&view.name.space) {
                told.push(&view.name.space);
                self.changes.publish(&view.name.space, Topic::Lanes);
            }
        }
    }

    /// Lets the jobs go that wait behind one which was cancelled, deleted or purged.
    pub(crate) async fn keep_order(&self, now: Micros) {
        let found = self.store.read(|tx| store::order::done_heads(tx, HEADS_MAX)).await;
        let heads: std::sync::Arc<[_]> = match found {
            Ok(heads) if heads.is_empty() => return,
            Ok(heads) => heads.into(),
            Err(error) => return tracing::warn!(%error, "looking for keys to go on failed"),
        };
        let advanced =
            self.store.write(move |tx| store::order::advance_all(tx, &heads, now, "system"));
        match advanced.await {
            Ok(()) => self.queue.poke(),
            Err(error) => tracing::warn!(%error, "letting keys go on failed"),
        }
    }

    /// Gives leases back, so that any node may take the jobs. What cannot be given back now is
    /// taken up again when its lease ends.
    pub(crate) async fn give_back(&self, jobs: Vec<(model::id::JobId, i64)>) {
        for batch in jobs.chunks(BATCH_MAX) {
            let batch: std::sync::Arc<[_]> = batch.into();
            let released = self.store.write(move |tx| {
                let mut jobs = batch.iter();
                jobs.try_for_each(|(id, epoch)| store::jobs::release(tx, id, *epoch))
            });
            if let Err(error) = released.await {
                tracing::warn!(%error, "giving jobs back failed; their leases run out");
                return;
            }
        }
    }
}

/// What a lane is doing, for people. `ticks` and `now` are the same moment on both clocks.
pub(crate) fn words(view: &LaneView, ticks: Duration, now: Micros) -> String {
    let until = view.until.map(|until| clock(instant(until, ticks, now), now));
    match (view.state, until) {
        (LaneState::BreakerOpen, Some(until)) => {
            let last = view.last_error.map_or("unknown", |(class, _)| class.as_str());
            let failures = view.failed_in_row;
            format!(
                "held: circuit breaker open until {until}; {failures} failures in a row, the last \
                 one {last}"
            )
        }
        (LaneState::BreakerOpen, None) => {
            "held: circuit breaker half open, one attempt shows whether the endpoint is back"
                .to_owned()
        }
        (LaneState::RetryAfter, Some(until)) => {
            format!("held: the endpoint asked to be left alone until {until}")
        }
        (LaneState::RateLimited, Some(until)) => {
            format!("waits: the lane's rate allows the next attempt at {until}")
        }
        (LaneState::Ramping, _) => {
            "goes on: the endpoint answers again, what waited is let go in growing numbers"
                .to_owned()
        }
        (LaneState::Idle, _) => "idle".to_owned(),
        _ if view.running >= view.concurrency => {
            format!("waits: all {} places of the lane are taken", view.concurrency)
        }
        _ => "goes on".to_owned(),
    }
}

/// An instant of the clock that never goes back, as the time of day.
pub(crate) fn instant(at: Duration, ticks: Duration, now: Micros) -> Micros {
    let micros = |d: Duration| i64::try_from(d.as_micros()).unwrap_or(i64::MAX);
    Micros(now.0.saturating_add(micros(at)).saturating_sub(micros(ticks)))
}

/// A time of day, with the day when it is another one.
pub(crate) fn clock(at: Micros, now: Micros) -> String {
    let (at, now) = (at.iso(), now.iso());
    let (day, time) = (at.get(..10).unwrap_or_default(), at.get(11..19).unwrap_or_default());
    if now.starts_with(day) { format!("{time} UTC") } else { format!("{day} {time} UTC") }
}
