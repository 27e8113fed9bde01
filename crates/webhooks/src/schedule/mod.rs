//! Which job starts next. Pure: no clock, no task, no socket, no randomness.
//!
//! Jobs wait in **lanes**, one for each endpoint and webhook. Lanes that may start a job stand in
//! a ring and are served by deficit round-robin: each turn a lane may spend [`COST_MAX`] units,
//! and a job costs as much as its lane's answers take and its body weighs. Lanes that may not,
//! because they are full, paused or empty, stand outside of the ring: a full one returns when an
//! attempt ends, a paused one by a timer. So a decision looks at one lane, however many there are.
//!
//! Each lane finds out by itself how much it may have under way ([`limit`]), keeps to its rate
//! ([`bucket`]), and stops when its endpoint is down ([`breaker`]). Lanes that fail or keep
//! attempts waiting are suspects: together they get at most half of all places, so that endpoints
//! which hang cannot take the places of those that answer. First attempts go before late ones,
//! but never all of them.
//!
//! Times are durations on a clock that never goes back.

mod breaker;
mod bucket;
#[cfg(test)]
mod crowd;
mod histogram;
mod lane;
mod limit;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
mod view;

pub(crate) use lane::COST_MAX;
pub use view::{LaneState, LaneView};

use lane::{Lane, Ring, Status};
use model::delivery::{Breaker, Policy};
use model::id::{SpaceId, WebhookId};
use model::job::ErrorClass;
use model::lane::LaneId;
use model::limits;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// How long a lane is remembered after it last did something.
const REMEMBERED: Duration = Duration::from_secs(15 * 60);
/// Lanes that are remembered; beyond that, idle ones are forgotten first. Half a kilobyte each.
const LANES_MAX: usize = 20_000;
/// A lane that is shut for longer than this gives its waiting jobs back.
const KEPT_WHILE_SHUT: Duration = Duration::from_secs(2);
/// Of so many starts one goes to a suspect, when both kinds wait.
const SUSPECT_EVERY: u32 = 4;

/// Bounds of all lanes together and of each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Deliveries under way in all.
    pub(crate) at_once: usize,
    /// Jobs waiting in memory in all.
    pub(crate) waiting: usize,
    /// Jobs waiting in memory in one lane.
    pub(crate) waiting_per_lane: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            at_once: limits::DELIVERIES_AT_ONCE,
            // A waiting job is some kilobytes with its payload.
            waiting: 10_000,
            waiting_per_lane: 2_000,
        }
    }
}

/// What a lane is called.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    pub(crate) endpoint: Arc<str>,
    pub(crate) webhook: Option<WebhookId>,
    pub(crate) space: SpaceId,
}

/// What a policy says about a lane.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Shape {
    pub(crate) concurrency: usize,
    pub(crate) rate_per_second: Option<f64>,
    pub(crate) breaker: Breaker,
}

impl From<&Policy> for Shape {
    fn from(policy: &Policy) -> Self {
        Self {
            concurrency: policy.concurrency,
            rate_per_second: policy.rate_per_second,
            breaker: policy.breaker,
        }
    }
}

/// A waiting job.
#[derive(Clone, Debug)]
pub(crate) struct Job<T> {
    pub(crate) job: T,
    /// Whether an attempt was made before.
    pub(crate) is_late: bool,
    /// Bytes it sends, as far as they are known.
    pub(crate) bytes: u32,
    /// Since when it waits in memory.
    pub(crate) since: Duration,
}

/// How a delivery went, as far as its lane is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Went {
    /// The endpoint answered.
    Well,
    /// It did not, or not in time, or not in a way that makes sense.
    Badly,
    /// It asked to be left alone for so long.
    Pause(Duration),
    /// It said that it was too much, and not for how long.
    TooMuch,
    /// Nothing was learned about the endpoint.
    Unknown,
}

/// The end of an attempt.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    pub(crate) went: Went,
    pub(crate) latency: Duration,
    /// Why it failed; also for failures that are not the endpoint's.
    pub(crate) error: Option<ErrorClass>,
}

/// The right to one attempt; it must be given back with [`Scheduler::done`].
#[derive(Debug)]
pub(crate) struct Ticket {
    pub(crate) lane: LaneId,
    round: u32,
    lingers: bool,
}

/// All lanes.
pub(crate) struct Scheduler<T> {
    bounds: Bounds,
    /// Nodes that share the limits of lanes.
    nodes: usize,
    lanes: HashMap<LaneId, Lane<T>>,
    /// Lanes that may start a job, in the order of their turns; suspects apart.
    sound: VecDeque<LaneId>,
    suspect: VecDeque<LaneId>,
    /// When lanes outside of the rings are to be looked at again.
    timers: BinaryHeap<Reverse<(Duration, LaneId)>>,
    waiting: usize,
    running: usize,
    suspects_running: usize,
    turn: u32,
    /// Jobs that a lane which is shut does not keep.
    returned: Vec<T>,
    /// Lanes that stopped or went on.
    moved: Vec<LaneId>,
    /// Breakers that opened so far.
    openings: u64,
}

impl<T> Scheduler<T> {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            nodes: 1,
            lanes: HashMap::new(),
            sound: VecDeque::new(),
            suspect: VecDeque::new(),
            timers: BinaryHeap::new(),
            waiting: 0,
            running: 0,
            suspects_running: 0,
            turn: 0,
            returned: Vec::new(),
            moved: Vec::new(),
            openings: 0,
        }
    }

    /// Jobs that may still be taken into memory.
    pub(crate) fn room(&self) -> usize {
        self.bounds.waiting.saturating_sub(self.waiting)
    }

    /// Jobs that one lane may still take; none while it is shut, one when its endpoint is probed.
    pub(crate) fn room_of(&self, lane: LaneId, now: Duration) -> usize {
        let max = self.bounds.waiting_per_lane;
        let own = self.lanes.get(&lane).map_or(max, |lane| lane.room(max, now));
        own.min(self.room())
    }

    /// Whether nothing waits and nothing is under way.
    pub(crate) fn is_idle(&self) -> bool {
        self.waiting == 0 && self.running == 0
    }

    /// Whether at most half of the jobs wait that may.
    pub(crate) fn is_half_empty(&self) -> bool {
        self.waiting * 2 <= self.bounds.waiting
    }

    /// Breakers that opened so far.
    pub(crate) fn openings(&self) -> u64 {
        self.openings
    }

    /// Jobs that wait, and deliveries under way.
    pub(crate) fn load(&self) -> (usize, usize) {
        (self.waiting, self.running)
    }

    /// Adds a job to its lane; `name` is asked for when the lane is new.
    pub(crate) fn push(
        &mut self,
        id: LaneId,
        name: impl FnOnce() -> Name,
        shape: Shape,
        job: Job<T>,
    ) {
        let now = job.since;
        let lane = self.lanes.entry(id).or_insert_with(|| Lane::new(name(), shape, now));
        (lane.shape, lane.nodes) = (shape, self.nodes);
        lane.push(job);
        self.waiting += 1;
        self.place(id, now);
    }

    /// From now on so many nodes share what people allow a lane: each takes its part.
    pub(crate) fn share(&mut self, nodes: usize, now: Duration) {
        if self.nodes == nodes {
            return;
        }
        self.nodes = nodes;
        let ids: Vec<_> = self.lanes.keys().copied().collect();
        for id in ids {
            if let Some(lane) = self.lanes.get_mut(&id) {
                lane.nodes = nodes;
            }
            self.place(id, now);
        }
    }

    /// Takes the next job whose lane may start one; the caller owes a [`Scheduler::done`] for it.
    pub(crate) fn next(&mut self, now: Duration) -> Option<(Ticket, T)> {
        self.wake(now);
        if self.running >= self.bounds.at_once {
            return None;
        }
        loop {
            let (ring, id) = self.turn()?;
            let Some(lane) = self.lanes.get_mut(&id) else { continue };
            lane.ring = None;
            // A lane that moved since it was put there is put where it now belongs.
            let stands_right = lane.is_suspect() == (ring == Ring::Suspect);
            if !stands_right || lane.status(now) != Status::Ready {
                lane.deficit = 0;
                self.place(id, now);
                continue;
            }
            if lane.deficit <= 0 {
                lane.deficit += COST_MAX;
            }
            let Some((job, round)) = lane.start(now) else { continue };
            let is_suspect = lane.is_suspect();
            let keeps_turn = lane.deficit > 0 && lane.status(now) == Status::Ready;
            if lane.waiting() == 0 {
                lane.deficit = 0;
            }
            if keeps_turn {
                lane.ring = Some(ring);
                self.ring(ring).push_front(id);
            } else {
                self.place(id, now);
            }
            self.waiting -= 1;
            self.running += 1;
            self.suspects_running += usize::from(is_suspect);
            self.turn = self.turn.wrapping_add(1);
            return Some((Ticket { lane: id, round, lingers: false }, job.job));
        }
    }

    /// The lane whose turn it is.
    fn turn(&mut self) -> Option<(Ring, LaneId)> {
        let may_suspect = self.suspects_running < self.bounds.at_once.div_ceil(2);
        let is_suspects = self.sound.is_empty() || self.turn.is_multiple_of(SUSPECT_EVERY);
        if may_suspect
            && is_suspects
            && let Some(id) = self.suspect.pop_front()
        {
            return Some((Ring::Suspect, id));
        }
        self.sound.pop_front().map(|id| (Ring::Sound, id))
    }

    /// An attempt takes longer than most: its lane is a suspect until it ends, unless its answers
    /// usually take long.
    pub(crate) fn linger(&mut self, ticket: &mut Ticket) {
        let Some(lane) = self.lanes.get_mut(&ticket.lane) else { return };
        if ticket.lingers || lane.is_slow() {
            return;
        }
        ticket.lingers = true;
        let before = lane.is_suspect();
        lane.lingering += 1;
        if !before {
            self.suspects_running += lane.running;
        }
    }

    /// Gives the place of an attempt back.
    pub(crate) fn done(&mut self, ticket: &Ticket, end: &End, now: Duration) {
        self.running = self.running.saturating_sub(1);
        let id = ticket.lane;
        let Some(lane) = self.lanes.get_mut(&id) else { return };
        let counted = |lane: &Lane<T>| if lane.is_suspect() { lane.running } else { 0 };
        let before = counted(lane);
        lane.lingering -= usize::from(ticket.lingers);
        if lane.learn(end, ticket.round, now) {
            self.moved.push(id);
            self.openings += u64::from(end.went == Went::Badly);
        }
        self.suspects_running = (self.suspects_running + counted(lane)).saturating_sub(before);
        let is_long = |until: Duration| until.saturating_sub(now) > KEPT_WHILE_SHUT;
        if lane.waiting() > 0 && lane.shut_until(now).is_some_and(is_long) {
            self.waiting -= lane.waiting();
            lane.take_out(&|_| true, &mut self.returned);
        }
        self.place(id, now);
    }

    /// Puts a lane where it belongs: into a ring, behind a timer, or nowhere.
    fn place(&mut self, id: LaneId, now: Duration) {
        let Some(lane) = self.lanes.get_mut(&id) else { return };
        match lane.status(now) {
            Status::Empty | Status::Full => {}
            Status::Ready if lane.ring.is_some() => {}
            Status::Ready => {
                let ring = if lane.is_suspect() { Ring::Suspect } else { Ring::Sound };
                lane.ring = Some(ring);
                self.ring(ring).push_back(id);
            }
            Status::Until(at) => {
                // An earlier timer finds out by itself that it is too early.
                if lane.timer.is_none_or(|timer| timer > at) {
                    lane.timer = Some(at);
                    self.timers.push(Reverse((at, id)));
                }
            }
        }
    }

    fn ring(&mut self, ring: Ring) -> &mut VecDeque<LaneId> {
        match ring {
            Ring::Sound => &mut self.sound,
            Ring::Suspect => &mut self.suspect,
        }
    }

    /// Looks at the lanes whose time has come.
    fn wake(&mut self, now: Duration) {
        while let Some(Reverse((at, id))) = self.timers.peek().copied()
            && at <= now
        {
            self.timers.pop();
            if let Some(lane) = self.lanes.get_mut(&id)
                && lane.timer == Some(at)
            {
                lane.timer = None;
                self.place(id, now);
            }
        }
    }

    /// Where a lane stands, for messages of tests.
    #[cfg(test)]
    fn stands(&self, id: LaneId) -> String {
        let places = [&self.sound, &self.suspect].map(|ring| ring.contains(&id));
        self.lanes.get(&id).map_or_else(String::new, |lane| {
            format!("in rings {places:?}, {:?}, timer {:?}:", lane.ring, lane.timer)
        })
    }

    /// When [`Scheduler::next`] may find something without anything else happening.
    pub(crate) fn next_wake(&self) -> Option<Duration> {
        self.timers.peek().map(|Reverse((at, _))| *at)
    }

    /// The jobs of lanes that were shut, and the lanes that stopped or went on, since the last
    /// call.
    pub(crate) fn take_news(&mut self) -> (Vec<T>, Vec<LaneId>) {
        (std::mem::take(&mut self.returned), std::mem::take(&mut self.moved))
    }

    /// Whether [`Scheduler::take_news`] has something to say.
    pub(crate) fn has_news(&self) -> bool {
        !self.returned.is_empty() || !self.moved.is_empty()
    }

    /// Removes the waiting jobs that `wanted` picks, and returns them.
    pub(crate) fn remove(&mut self, wanted: impl Fn(&T) -> bool) -> Vec<T> {
        let mut removed = Vec::new();
        for lane in self.lanes.values_mut() {
            lane.take_out(&wanted, &mut removed);
        }
        self.waiting -= removed.len();
        removed
    }

    /// Every waiting job.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = &T> {
        self.lanes.values().flat_map(|lane| lane.jobs().map(|job| &job.job))
    }

    /// Ends what holds a lane: at once, or for one job that shows whether the endpoint is back;
    /// `false` when there is no such lane.
    pub(crate) fn let_go(&mut self, id: LaneId, only_probe: bool, now: Duration) -> bool {
        let Some(lane) = self.lanes.get_mut(&id) else { return false };
        let counted = |lane: &Lane<T>| if lane.is_suspect() { lane.running } else { 0 };
        let before = counted(lane);
        lane.let_go(only_probe, now);
        self.suspects_running = (self.suspects_running + counted(lane)).saturating_sub(before);
        self.moved.push(id);
        self.place(id, now);
        true
    }

    /// Forgets lanes that did nothing for long, to be called now and then.
    pub(crate) fn sweep(&mut self, now: Duration) {
        let is_many = self.lanes.len() > LANES_MAX;
        self.lanes.retain(|_, lane| {
            let is_idle = lane.running == 0
                && lane.waiting() == 0
                && lane.ring.is_none()
                && lane.shut_until(now).is_none();
            let is_old = now.saturating_sub(lane.active_at) > REMEMBERED;
            !is_idle || !(is_old || is_many && !lane.is_suspect())
        });
    }
}
