//! The purger: on every node a loop, on one at a time the duty. History goes in small
//! transactions with pauses between them, so that whoever writes meanwhile hardly notices.
//!
//! ```text
//! wait ─▶ take the duty ─▶ for each space: measure ─▶ jobs ─▶ runs ─▶ events ─▶ payloads ─▶ wait
//!   ▲           │ another node has it                                              │
//!   └───────────┴────────────────── give room back ◀───────────────────────────────┘
//! ```
//!
//! It remembers little: what it may remove it finds anew, so it can be stopped anywhere and be
//! started on any node.

use crate::{Inner, Webhooks};
use model::id::SpaceId;
use model::limits;
use model::retention::{Cutoffs, HOUR_US, LastPurge, Payloads, Progress, Retention};
use model::time::Micros;
use std::sync::Arc;
use std::time::Duration;
use store::duties::{self, Held};
use store::retention::{self, Fate, Place, Portion, Seen, Size, Sweep};
use store::{Error, Tx};

/// The name of the duty.
const DUTY: &str = "purge";
/// Time from the start of a node to its first look, for it has other things to do then; and from
/// a round that somebody else did or that was cut to the next look.
const SOON: Duration = Duration::from_secs(60);
/// Time between two rounds.
const ROUND: Duration = Duration::from_secs(10 * 60);
/// Pauses are so many times as long as what was done before them: a fifth of the writer's time.
const REST: u32 = 4;
/// The same for a round that lasts longer than the time between two rounds. More comes in than
/// goes at the gentle pace, or a great deal has to go: half of the writer's time.
const REST_BEHIND: u32 = 1;
/// The shortest pause.
const REST_MIN: Duration = Duration::from_millis(10);
/// The pause after the store refused, for it had too much to do.
const OVERLOADED: Duration = Duration::from_secs(1);
/// Milliseconds that rows rest before they are measured: by then whoever was writing them is done.
const MEASURED_AFTER_MS: i64 = 2 * 60 * 1_000;
/// Milliseconds between looks at what was passed by because it was open.
const AGAIN_MS: i64 = 24 * 60 * 60 * 1_000;
/// Rows from which PostgreSQL's tables are vacuumed at once; fewer are left to its own vacuum.
const VACUUM_ROWS: i64 = 5_000;
/// The tables that purging empties.
const TABLES: &[&str] = &[
    "events",
    "jobs",
    "attempts",
    "job_changes",
    "runs",
    "tasks",
    "triggers",
    "errors",
    "inspections",
    "hold_changes",
];

/// Whether to pause between transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// So that others are not disturbed.
    Gentle,
    /// Not at all.
    Fast,
}

/// What a round did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    /// Everything was gone through.
    Done,
    /// Another node does it.
    Elsewhere,
    /// It was stopped, or another node took over.
    Cut,
}

impl Webhooks {
    /// Starts purging on this node; ends when the runtime stops.
    pub fn purge(&self) {
        let inner = self.inner.clone();
        self.inner.runtime.spawn(async move {
            let mut wait = SOON;
            loop {
                tokio::select! {
                    () = inner.purge.notified() => (),
                    () = inner.runtime.pause(wait) => (),
                    () = inner.runtime.stopping() => return,
                }
                let began = inner.runtime.elapsed();
                let round = inner.round(Pace::Gentle).await;
                let took = inner.runtime.elapsed().saturating_sub(began);
                wait = match round {
                    Ok(Round::Done) => ROUND.saturating_sub(took).max(SOON),
                    Ok(Round::Elsewhere | Round::Cut) => SOON,
                    Err(error) => {
                        tracing::warn!(%error, "purging history failed; it is tried again");
                        SOON
                    }
                };
            }
        });
    }

    /// Goes through the history of all spaces now.
    ///
    /// # Errors
    /// What the database says.
    pub async fn purge_now(&self) -> Result<Round, Error> {
        self.inner.round(Pace::Fast).await
    }
}

impl Inner {
    async fn round(self: &Arc<Self>, pace: Pace) -> Result<Round, Error> {
        let node = self.settings.node.id().to_string();
        let (now, until) = self.duty_times();
        let taken = self.store.write(move |tx| duties::take(tx, DUTY, &node, until, now)).await?;
        let Some(held) = taken else { return Ok(Round::Elsewhere) };
        let begun = self.runtime.elapsed();
        let worker = Worker { inner: self.clone(), held, pace, begun };
        let round = self.with_duty(&worker).await;
        if matches!(round, Err(Error::Stale)) {
            return Ok(Round::Cut);
        }
        self.let_go_of(&worker.held).await;
        round
    }

    /// The present time and the end of a lease that begins now.
    fn duty_times(&self) -> (Micros, Micros) {
        let node = &self.settings.node;
        (node.lease_now(&self.runtime), node.lease_end(&self.runtime))
    }

    async fn let_go_of(&self, held: &Held) {
        let own = held.clone();
        if let Err(error) = self.store.write(move |tx| duties::keep(tx, &own, Micros(0))).await {
            tracing::debug!(%error, "the duty of purging runs out by itself");
        }
    }

    async fn with_duty(&self, worker: &Worker) -> Result<Round, Error> {
        let spaces = self.store.read(store::spaces::all).await?;
        let now = self.runtime.now();
        let (mut rows, mut oldest_hold) = (0, now);
        for space in spaces {
            let mut pass = Pass::begin(worker.clone(), space.id, now).await?;
            oldest_hold = oldest_hold.min(pass.cutoffs.history);
            pass.all().await?;
            rows += pass.last.rows + pass.last.payloads;
            if self.runtime.is_stopping() {
                return Ok(Round::Cut);
            }
        }
        // What held a lane or a webhook belongs to no space: the longest memory counts.
        let holds =
            move |tx: &mut Tx| store::job_changes::purge_holds(tx, oldest_hold, limits::PURGE_ROWS);
        while worker.write(holds).await? > 0 {}
        while worker.write(retention::give_back).await? && !self.runtime.is_stopping() {}
        if rows >= VACUUM_ROWS && !self.runtime.is_stopping() {
            self.store.vacuum(TABLES).await?;
        }
        Ok(Round::Done)
    }
}

/// Writes in the name of the duty, and rests.
#[derive(Clone)]
struct Worker {
    inner: Arc<Inner>,
    held: Held,
    pace: Pace,
    /// When the round began.
    begun: Duration,
}

impl Worker {
    /// Runs a closure in a transaction that also proves the duty, and rests after it.
    async fn write<T: Send + 'static>(
        &self,
        closure: impl Fn(&mut Tx) -> Result<T, Error> + Clone + Send + 'static,
    ) -> Result<T, Error> {
        loop {
            let began = self.inner.runtime.elapsed();
            let (held, (_, until)) = (self.held.clone(), self.inner.duty_times());
            let own = closure.clone();
            let written = self.inner.store.write(move |tx| {
                duties::keep(tx, &held, until)?;
                own(tx)
            });
            match written.await {
                Err(Error::Overloaded) if !self.inner.runtime.is_stopping() => {
                    self.inner.runtime.pause(OVERLOADED).await;
                }
                Err(error) => return Err(error),
                Ok(value) => {
                    self.rest(began).await;
                    return Ok(value);
                }
            }
        }
    }

    /// Rests a multiple of the time since something began.
    async fn rest(&self, began: Duration) {
        if self.pace == Pace::Fast {
            return;
        }
        let now = self.inner.runtime.elapsed();
        let rest = rest_after(now.saturating_sub(began), now.saturating_sub(self.begun));
        tokio::select! {
            () = self.inner.runtime.pause(rest) => (),
            () = self.inner.runtime.stopping() => (),
        }
    }
}

/// How long to rest after something that took so long, in a round that has lasted so long.
fn rest_after(took: Duration, round: Duration) -> Duration {
    let times = if round < ROUND { REST } else { REST_BEHIND };
    (took * times).max(REST_MIN)
}

/// One way through the history of a space.
struct Pass {
    worker: Worker,
    space: SpaceId,
    now: Micros,
    retention: Retention,
    cutoffs: Cutoffs,
    progress: Progress,
    last: LastPurge,
}

impl Pass {
    async fn begin(worker: Worker, space: SpaceId, now: Micros) -> Result<Self, Error> {
        let id = space.clone();
        let read = move |tx: &mut Tx| {
            let settings = store::delivery::of_space(tx, &id)?;
            Ok::<_, Error>((settings.retention, retention::progress(tx, &id)?))
        };
        let (stored, progress) = worker.inner.store.read(read).await?;
        let retention = Retention::read(stored.as_ref());
        let cutoffs = retention.cutoffs(now);
        Ok(Self { worker, space, now, retention, cutoffs, progress, last: LastPurge::default() })
    }

    fn is_stopping(&self) -> bool {
        self.worker.inner.runtime.is_stopping()
    }

    async fn all(&mut self) -> Result<(), Error> {
        self.measure().await?;
        let before = self.sizes().await?;
        self.cutoffs = within_bytes(&self.retention, self.cutoffs, &before, self.now);
        for sweep in Sweep::ALL {
            self.sweep(sweep).await?;
        }
        self.inspections().await?;
        if self.is_stopping() {
            return Ok(());
        }
        self.forget_sizes().await?;
        let total = |sizes: &[Size]| sizes.iter().map(|size| size.bytes).sum::<i64>();
        let after = self.sizes().await?;
        self.last.at = self.worker.inner.runtime.now();
        self.last.bytes = (total(&before) - total(&after)).max(0);
        let metrics = self.worker.inner.runtime.metrics();
        metrics.purged_bytes.add(self.last.bytes.unsigned_abs());
        self.progress.last = Some(self.last);
        self.save().await
    }

    async fn save(&self) -> Result<(), Error> {
        let (space, progress) = (self.space.clone(), self.progress.clone());
        self.worker.write(move |tx| retention::save_progress(tx, &space, &progress)).await
    }

    async fn sizes(&self) -> Result<Vec<Size>, Error> {
        let space = self.space.clone();
        self.worker.inner.store.read(move |tx| retention::sizes(tx, &space)).await
    }

    /// Measures what came in since it was last measured.
    async fn measure(&mut self) -> Result<(), Error> {
        let until = self.now.plus_ms(-MEASURED_AFTER_MS);
        for kind in [Sweep::Jobs, Sweep::Runs, Sweep::Events] {
            while !self.is_stopping() {
                let from = match kind {
                    Sweep::Runs => self.progress.measured.runs,
                    Sweep::Events => self.progress.measured.events,
                    _ => self.progress.measured.jobs,
                };
                let space = self.space.clone();
                let measure = move |tx: &mut Tx| retention::measure(tx, kind, &space, from, until);
                let found = self.worker.inner.store.read(measure).await?;
                let to = found.as_ref().map_or(from.max(until), |window| window.to);
                match kind {
                    Sweep::Runs => self.progress.measured.runs = to,
                    Sweep::Events => self.progress.measured.events = to,
                    _ => self.progress.measured.jobs = to,
                }
                let Some(window) = found else { break };
                // Together, so that a window counts once whatever happens in between.
                let (space, progress) = (self.space.clone(), self.progress.clone());
                let record = move |tx: &mut Tx| {
                    retention::record(tx, kind, &space, &window)?;
                    retention::save_progress(tx, &space, &progress)
                };
                self.worker.write(record).await?;
            }
        }
        Ok(())
    }

    fn until(&self, sweep: Sweep) -> Micros {
        match sweep {
            Sweep::JobPayloads | Sweep::EventPayloads => self.cutoffs.payloads,
            Sweep::Jobs | Sweep::Events => self.cutoffs.history,
            Sweep::Runs => self.cutoffs.runs,
        }
    }

    /// Where a sweep keeps how far it came, if it does.
    fn kept(&mut self, sweep: Sweep) -> Option<&mut Payloads> {
        match sweep {
            Sweep::JobPayloads => Some(&mut self.progress.job_payloads),
            Sweep::EventPayloads => Some(&mut self.progress.event_payloads),
            Sweep::Jobs | Sweep::Runs | Sweep::Events => None,
        }
    }

    /// Goes from the oldest row to the time before which rows go. Payloads that have gone leave
    /// their row behind, so those sweeps go on where the last one ended; what they passed by they
    /// look at again once a day.
    async fn sweep(&mut self, sweep: Sweep) -> Result<(), Error> {
        let (until, now) = (self.until(sweep), self.now);
        let mut from = Place::default();
        if let Some(kept) = self.kept(sweep) {
            from.at = kept.from;
            if let Some(open) =
                kept.passed_by.take_if(|_| now.ms_since(kept.looked_again_at) >= AGAIN_MS)
            {
                from.at = from.at.min(open);
                kept.looked_again_at = now;
            }
        }
        let mut passed_by = None;
        while !self.is_stopping() {
            let (space, at) = (self.space.clone(), from.clone());
            let look = move |tx: &mut Tx| {
                retention::look(tx, sweep, &space, &at, until, limits::PURGE_ROWS)
            };
            let began = self.worker.inner.runtime.elapsed();
            let seen = self.worker.inner.store.read(look).await?;
            match retention::portion(&seen) {
                None => {
                    if let Some(kept) = self.kept(sweep) {
                        kept.from = kept.from.max(until);
                        kept.passed_by = earliest(kept.passed_by, passed_by);
                    }
                    return Ok(());
                }
                Some(Portion::Within(place)) => {
                    let trim = move |tx: &mut Tx| retention::trim(tx, sweep, &place);
                    let rows = self.worker.write(trim).await?;
                    self.last.rows += i64::try_from(rows).unwrap_or(i64::MAX);
                }
                Some(Portion::UpTo { to, count: 0, .. }) => {
                    passed_by = earliest(passed_by, first_open(&seen, &to));
                    from = to;
                    self.worker.rest(began).await;
                }
                Some(Portion::UpTo { to, count, rows }) => {
                    passed_by = earliest(passed_by, first_open(&seen, &to));
                    self.remove(sweep, from, to.clone(), (count, rows)).await?;
                    from = to;
                }
            }
        }
        Ok(())
    }

    async fn remove(
        &mut self,
        sweep: Sweep,
        from: Place,
        to: Place,
        (count, rows): (i64, i64),
    ) -> Result<(), Error> {
        let (space, until, now) = (self.space.clone(), self.until(sweep), self.now);
        let remove =
            move |tx: &mut Tx| retention::remove(tx, sweep, &space, (&from, &to), until, now);
        let removed = self.worker.write(remove).await?;
        self.worker.inner.runtime.metrics().purged.of(sweep.as_str()).add(removed.count);
        match sweep {
            Sweep::JobPayloads | Sweep::EventPayloads => self.last.payloads += count,
            Sweep::Jobs | Sweep::Runs | Sweep::Events => self.last.rows += rows,
        }
        Ok(())
    }

    async fn inspections(&mut self) -> Result<(), Error> {
        let oldest = self.cutoffs.inspections;
        while !self.is_stopping() {
            let space = self.space.clone();
            // A request may hold two megabytes.
            let purge = move |tx: &mut Tx| {
                store::inspectors::purge(tx, Some(&space), oldest, limits::PURGE_ROWS / 5)
            };
            let count = self.worker.write(purge).await?;
            if count == 0 {
                break;
            }
            let metrics = self.worker.inner.runtime.metrics();
            metrics.purged.of("inspections").add(u64::try_from(count).unwrap_or(u64::MAX));
            self.last.rows += i64::try_from(count).unwrap_or(i64::MAX);
        }
        Ok(())
    }

    async fn forget_sizes(&self) -> Result<(), Error> {
        let (space, cutoffs) = (self.space.clone(), self.cutoffs);
        let forget = move |tx: &mut Tx| {
            retention::forget(tx, Sweep::Jobs, &space, cutoffs.history)?;
            retention::forget(tx, Sweep::Events, &space, cutoffs.history)?;
            retention::forget(tx, Sweep::Runs, &space, cutoffs.runs)?;
            retention::forget_payloads(tx, Sweep::Jobs, &space, cutoffs.payloads)?;
            retention::forget_payloads(tx, Sweep::Events, &space, cutoffs.payloads)
        };
        self.worker.write(forget).await
    }
}

fn earliest(one: Option<Micros>, other: Option<Micros>) -> Option<Micros> {
    one.into_iter().chain(other).min()
}

/// The time of the first row up to a place that could not go.
fn first_open(seen: &[Seen], to: &Place) -> Option<Micros> {
    let upto = seen.iter().take_while(|row| (row.place.at, &row.place.id) <= (to.at, &to.id));
    upto.filter(|row| row.fate == Fate::Stays).map(|row| row.place.at).next()
}

/// Cutoffs by which history also fits into its bytes: the oldest hours go, as many as it takes,
/// but never the present one.
pub(super) fn within_bytes(
    retention: &Retention,
    cutoffs: Cutoffs,
    sizes: &[Size],
    now: Micros,
) -> Cutoffs {
    let Some(max) = retention.bytes_max else { return cutoffs };
    let total: i64 = sizes.iter().map(|size| size.bytes).sum();
    if total <= max {
        return cutoffs;
    }
    // A little more than has to, so that not every round has to go on.
    let wanted = max - max / 20;
    let mut sum = 0_i64;
    let first_over = sizes.iter().find(|size| {
        sum = sum.saturating_add(size.bytes);
        sum > wanted
    });
    let Some(first_over) = first_over else { return cutoffs };
    let present = Micros(now.0.div_euclid(HOUR_US) * HOUR_US);
    let before = Micros((first_over.hour + 1).saturating_mul(HOUR_US)).min(present);
    Cutoffs {
        history: cutoffs.history.max(before),
        payloads: cutoffs.payloads.max(before),
        runs: cutoffs.runs.max(before),
        inspections: cutoffs.inspections,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_that_is_behind_rests_less() {
        let took = Duration::from_millis(30);
        assert_eq!(rest_after(took, Duration::ZERO), took * 4);
        assert_eq!(rest_after(took, ROUND), took);
        assert_eq!(rest_after(Duration::ZERO, ROUND), REST_MIN);
    }

    #[test]
    fn the_oldest_hours_go_until_the_rest_fits() {
        let retention = Retention { bytes_max: Some(1_000), ..Retention::default() };
        let now = Micros(100_000 * HOUR_US);
        let cutoffs = retention.cutoffs(now);
        let size = |back: i64, bytes: i64| Size { hour: 100_000 - back, bytes };
        let check = |sizes: &[Size], expect: Micros| {
            assert_eq!(within_bytes(&retention, cutoffs, sizes, now).history, expect);
        };
        check(&[size(1, 400), size(2, 600)], cutoffs.history);
        check(&[size(1, 400), size(2, 500), size(3, 200)], Micros((100_000 - 2) * HOUR_US));
        // The present hour stays, however large.
        check(&[size(0, 5_000), size(1, 1)], now);
        let endless = Retention { bytes_max: None, ..retention };
        let same = within_bytes(&endless, cutoffs, &[size(1, i64::MAX)], now);
        assert_eq!(same, cutoffs);
    }
}
