//! One lane: what waits for an endpoint, what is under way, and what is known about it.

use super::breaker::{Breaker, Gate};
use super::bucket::Bucket;
use super::histogram::Histogram;
use super::limit::Limit;
use super::{Job, Name, Shape, Went};
use model::job::ErrorClass;
use std::collections::VecDeque;
use std::time::Duration;

/// First attempts before a late retry has its turn, when both wait.
const FIRST_BEFORE_LATE: u32 = 7;
/// What a job costs at most: the turn of a lane, so that every turn starts a job.
pub(crate) const COST_MAX: i64 = 8;
/// Milliseconds of latency and bytes of body that are one unit of cost.
const UNIT: (f64, u32) = (32.0, 64 * 1_024);
/// Pauses that end within this time of each other are the same one.
const SAME: Duration = Duration::from_secs(1);
/// An endpoint whose answers usually take this long is slow, not hanging.
const SLOW_MS: f64 = 250.0;

/// Whether a lane may start a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// Nothing waits.
    Empty,
    /// As much is under way as it may have.
    Full,
    /// Not before this time.
    Until(Duration),
    /// Yes.
    Ready,
}

/// Where a lane stands in the scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ring {
    Sound,
    Suspect,
}

pub(crate) struct Lane<T> {
    pub(crate) name: Name,
    pub(crate) shape: Shape,
    /// Nodes that share what the shape allows.
    pub(crate) nodes: usize,
    first: VecDeque<Job<T>>,
    late: VecDeque<Job<T>>,
    /// First attempts since the last late one.
    since_late: u32,
    pub(crate) running: usize,
    /// Attempts under way that take suspiciously long.
    pub(crate) lingering: usize,
    /// Attempts under way of the present round: those that started since the breaker last moved.
    in_round: usize,
    round: u32,
    pub(crate) limit: Limit,
    pub(crate) breaker: Breaker,
    bucket: Bucket,
    pub(crate) paused_until: Option<Duration>,
    pub(crate) latencies: Histogram,
    pub(crate) delivered: u64,
    pub(crate) failed: u64,
    pub(crate) last_error: Option<(ErrorClass, Duration)>,
    /// What is left of its turn.
    pub(crate) deficit: i64,
    pub(crate) ring: Option<Ring>,
    pub(crate) timer: Option<Duration>,
    /// When it last did something.
    pub(crate) active_at: Duration,
}

impl<T> Lane<T> {
    pub(crate) fn new(name: Name, shape: Shape, now: Duration) -> Self {
        Self {
            name,
            shape,
            nodes: 1,
            first: VecDeque::new(),
            late: VecDeque::new(),
            since_late: 0,
            running: 0,
            lingering: 0,
            in_round: 0,
            round: 0,
            limit: Limit::default(),
            breaker: Breaker::default(),
            bucket: Bucket::default(),
            paused_until: None,
            latencies: Histogram::default(),
            delivered: 0,
            failed: 0,
            last_error: None,
            deficit: 0,
            ring: None,
            timer: None,
            active_at: now,
        }
    }

    pub(crate) fn waiting(&self) -> usize {
        self.first.len() + self.late.len()
    }

    pub(crate) fn jobs(&self) -> impl Iterator<Item = &Job<T>> {
        self.first.iter().chain(&self.late)
    }

    /// Whether first attempts wait, and late ones.
    #[cfg(test)]
    pub(crate) fn kinds(&self) -> (bool, bool) {
        (!self.first.is_empty(), !self.late.is_empty())
    }

    /// When the job that waits longest came.
    pub(crate) fn oldest(&self) -> Option<Duration> {
        let fronts = [self.first.front(), self.late.front()];
        fronts.into_iter().flatten().map(|job| job.since).min()
    }

    pub(crate) fn push(&mut self, job: Job<T>) {
        if job.is_late { self.late.push_back(job) } else { self.first.push_back(job) }
    }

    /// Takes out the waiting jobs that `wanted` picks.
    pub(crate) fn take_out(&mut self, wanted: &impl Fn(&T) -> bool, out: &mut Vec<T>) {
        for queue in [&mut self.first, &mut self.late] {
            if !queue.iter().any(|job| wanted(&job.job)) {
                continue;
            }
            for job in std::mem::take(queue) {
                if wanted(&job.job) {
                    out.push(job.job);
                } else {
                    queue.push_back(job);
                }
            }
        }
    }

    /// Whether the endpoint failed lately or keeps attempts waiting.
    pub(crate) fn is_suspect(&self) -> bool {
        self.lingering > 0 || self.breaker.is_failing()
    }

    /// Starts in a second on this node: its share of what is configured, and less during a ramp.
    fn rate(&self, now: Duration) -> Option<f64> {
        let all = match (self.shape.rate_per_second, self.breaker.ramp(now)) {
            (Some(rate), Some(ramp)) => Some(rate.min(ramp)),
            (rate, ramp) => rate.or(ramp),
        };
        all.map(|rate| rate / self.parts())
    }

    /// Starts in a second that a person allows this node.
    pub(crate) fn rate_allowed(&self) -> Option<f64> {
        self.shape.rate_per_second.map(|rate| rate / self.parts())
    }

    /// Deliveries that this node may have under way at once, as far as a person is concerned.
    /// Every node may have one, whatever is left for it.
    fn places_allowed(&self) -> usize {
        (self.shape.concurrency / self.nodes.max(1)).max(1)
    }

    /// Deliveries that this node may have under way at once.
    pub(crate) fn places(&self) -> usize {
        self.limit.places(self.places_allowed())
    }

    fn parts(&self) -> f64 {
        f64::from(u32::try_from(self.nodes.max(1)).unwrap_or(u32::MAX))
    }

    /// Until when nothing is tried: asked for by the endpoint, or by the breaker.
    pub(crate) fn shut_until(&self, now: Duration) -> Option<Duration> {
        let paused = self.paused_until.filter(|until| *until > now);
        let open = match self.breaker.gate(now) {
            Gate::Shut(until) => Some(until),
            Gate::Open | Gate::Probe => None,
        };
        paused.max(open)
    }

    pub(crate) fn status(&mut self, now: Duration) -> Status {
        if self.waiting() == 0 {
            return Status::Empty;
        }
        if let Some(until) = self.shut_until(now) {
            return Status::Until(until);
        }
        if self.breaker.gate(now) == Gate::Probe && self.in_round > 0 {
            return Status::Full;
        }
        if self.running >= self.places() {
            return Status::Full;
        }
        match self.rate(now).map(|rate| self.bucket.ready_at(rate, now)) {
            Some(at) if at > now => Status::Until(at),
            _ => Status::Ready,
        }
    }

    /// How many jobs it may still take in, when `max` may wait in it.
    pub(crate) fn room(&self, max: usize, now: Duration) -> usize {
        if self.shut_until(now).is_some() {
            return 0;
        }
        match self.breaker.gate(now) {
            Gate::Probe => 1_usize.saturating_sub(self.waiting() + self.in_round),
            _ => max.saturating_sub(self.waiting()),
        }
    }

    /// Takes the next job and counts it as under way; with it the round it belongs to.
    pub(crate) fn start(&mut self, now: Duration) -> Option<(Job<T>, u32)> {
        let late_is_due = self.since_late >= FIRST_BEFORE_LATE || self.first.is_empty();
        let job = match late_is_due.then(|| self.late.pop_front()).flatten() {
            Some(job) => {
                self.since_late = 0;
                job
            }
            None => {
                self.since_late += u32::from(!self.late.is_empty());
                self.first.pop_front()?
            }
        };
        if let Some(rate) = self.rate(now) {
            self.bucket.take(rate, now);
        }
        self.deficit -= self.cost(&job);
        self.running += 1;
        self.in_round += 1;
        self.active_at = now;
        Some((job, self.round))
    }

    /// What a job takes away from others: the time its place is usually occupied, and its size.
    fn cost(&self, job: &Job<T>) -> i64 {
        #[expect(clippy::cast_possible_truncation, reason = "clamped to a small number")]
        let time = (self.limit.usual_ms() / UNIT.0).clamp(0.0, 8.0) as i64;
        (1 + time + i64::from(job.bytes / UNIT.1)).min(COST_MAX)
    }

    /// Whether an attempt that takes long is suspicious: not where it is usual.
    pub(crate) fn is_slow(&self) -> bool {
        self.limit.usual_ms() > SLOW_MS
    }

    /// Learns from the end of an attempt. `true` when the lane stopped or went on because of it.
    pub(crate) fn learn(&mut self, end: &super::End, round: u32, now: Duration) -> bool {
        let running = self.running;
        self.running = running.saturating_sub(1);
        self.active_at = now;
        if end.went != Went::Unknown {
            self.latencies.add(end.latency);
        }
        match end.error {
            None if end.went == Went::Well => self.delivered += 1,
            None => {}
            Some(class) => {
                self.failed += 1;
                self.last_error = Some((class, now));
            }
        }
        // What started before the breaker moved says nothing about what it found out since.
        if round != self.round {
            return false;
        }
        self.in_round = self.in_round.saturating_sub(1);
        let max = self.places_allowed();
        match end.went {
            Went::Well => {
                let closes = self.breaker.well(now);
                if closes {
                    self.limit.restart();
                    self.next_round();
                }
                self.limit.well(end.latency, running, max, now);
                closes
            }
            Went::Badly => {
                self.limit.badly(now);
                let opens = self.breaker.badly(&self.shape.breaker, now);
                if opens {
                    self.next_round();
                }
                opens
            }
            Went::Pause(wait) => {
                self.limit.badly(now);
                // An endpoint that speaks is not down: whatever the breaker thought of it.
                let _ = self.breaker.well(now);
                // Attempts that were under way together are told the same.
                let former = self.paused_until.unwrap_or_default();
                self.paused_until = Some(former.max(now + wait));
                now + wait > former + SAME
            }
            Went::TooMuch => {
                self.limit.badly(now);
                let _ = self.breaker.well(now);
                false
            }
            Went::Unknown => false,
        }
    }

    fn next_round(&mut self) {
        self.round = self.round.wrapping_add(1);
        self.in_round = 0;
    }

    /// Lets a person end what holds the lane: the endpoint's pause, and the breaker.
    pub(crate) fn let_go(&mut self, only_probe: bool, now: Duration) {
        self.paused_until = None;
        if only_probe {
            self.breaker.probe_now(now);
        } else if self.breaker.is_failing() {
            self.breaker.close(now);
            self.limit.restart();
            self.next_round();
        }
    }
}
