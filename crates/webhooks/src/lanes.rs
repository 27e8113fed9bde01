//! Lanes: one queue for each endpoint, served in turn. Pure: no clock, no task, no socket.
//!
//! A lane may have so many deliveries under way at once: few at first, one more with each success,
//! half with each failure. Lanes that fail together get at most half of all slots, so that
//! endpoints which hang cannot take the slots of those which answer. First attempts go before
//! retries. An answer with `Retry-After` pauses the whole lane.

use model::limits;
use model::time::Micros;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// Deliveries a new lane may have under way.
const CAP_FIRST: usize = 4;

/// What lanes are told apart by: scheme, host and port, and webhook.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) endpoint: Arc<str>,
    pub(crate) webhook: Arc<str>,
}

/// Bounds of all lanes together and of each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Deliveries under way in all.
    pub(crate) at_once: usize,
    /// Deliveries under way in one lane.
    pub(crate) per_lane: usize,
    /// Jobs waiting in memory in all.
    pub(crate) waiting: usize,
    /// Jobs waiting in memory in one lane.
    pub(crate) waiting_per_lane: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            at_once: limits::DELIVERIES_AT_ONCE,
            per_lane: limits::DELIVERIES_PER_LANE,
            // A waiting job is some kilobytes with its payload.
            waiting: 10_000,
            waiting_per_lane: 1_000,
        }
    }
}

/// How a delivery went, as far as its lane is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Went {
    /// The endpoint answered as it should.
    Well,
    /// It did not, or not in time.
    Badly,
    /// It asked to be left alone until then.
    Pause(Micros),
    /// Nothing was learned about the endpoint.
    Unknown,
}

struct Lane<T> {
    first: VecDeque<T>,
    later: VecDeque<T>,
    running: usize,
    cap: usize,
    /// Whether the latest delivery failed.
    is_suspect: bool,
    paused_until: Option<Micros>,
    /// Whether the lane stands in the ring.
    in_turn: bool,
}

impl<T> Lane<T> {
    fn new() -> Self {
        Self {
            first: VecDeque::new(),
            later: VecDeque::new(),
            running: 0,
            cap: CAP_FIRST,
            is_suspect: false,
            paused_until: None,
            in_turn: false,
        }
    }

    fn waiting(&self) -> usize {
        self.first.len() + self.later.len()
    }
}

/// All lanes.
pub(crate) struct Lanes<T> {
    bounds: Bounds,
    lanes: HashMap<Key, Lane<T>>,
    /// Lanes with waiting jobs, in the order of their turns.
    ring: VecDeque<Key>,
    waiting: usize,
    running: usize,
    suspects_running: usize,
}

impl<T> Lanes<T> {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            lanes: HashMap::new(),
            ring: VecDeque::new(),
            waiting: 0,
            running: 0,
            suspects_running: 0,
        }
    }

    /// Jobs that may still be taken into memory.
    pub(crate) fn room(&self) -> usize {
        self.bounds.waiting.saturating_sub(self.waiting)
    }

    /// Deliveries under way.
    #[cfg(test)]
    fn running(&self) -> usize {
        self.running
    }

    /// Whether nothing waits and nothing is under way.
    pub(crate) fn is_idle(&self) -> bool {
        self.waiting == 0 && self.running == 0
    }

    /// Adds a job to its lane.
    pub(crate) fn push(&mut self, key: &Key, job: T, is_retry: bool) {
        let lane = self.lanes.entry(key.clone()).or_insert_with(Lane::new);
        if is_retry {
            lane.later.push_back(job);
        } else {
            lane.first.push_back(job);
        }
        self.waiting += 1;
        if !lane.in_turn {
            lane.in_turn = true;
            self.ring.push_back(key.clone());
        }
    }

    /// Takes the next job whose lane has a slot; the caller owes a [`Lanes::done`] for it.
    pub(crate) fn next(&mut self, now: Micros) -> Option<(Key, T)> {
        if self.running >= self.bounds.at_once {
            return None;
        }
        for _ in 0..self.ring.len() {
            let key = self.ring.pop_front()?;
            let suspects_full = self.suspects_running >= self.bounds.at_once / 2;
            let Some(lane) = self.lanes.get_mut(&key) else { continue };
            let is_paused = lane.paused_until.is_some_and(|until| until > now);
            let may_run = lane.running < lane.cap.min(self.bounds.per_lane)
                && !is_paused
                && !(lane.is_suspect && suspects_full);
            let job = if may_run {
                lane.first.pop_front().or_else(|| lane.later.pop_front())
            } else {
                None
            };
            lane.in_turn = lane.waiting() > 0;
            if lane.in_turn {
                self.ring.push_back(key.clone());
            }
            if let Some(job) = job {
                lane.running += 1;
                if lane.is_suspect {
                    self.suspects_running += 1;
                }
                self.waiting -= 1;
                self.running += 1;
                return Some((key, job));
            }
        }
        None
    }

    /// Gives a slot back.
    pub(crate) fn done(&mut self, key: &Key, went: Went) {
        self.running = self.running.saturating_sub(1);
        let Some(lane) = self.lanes.get_mut(key) else { return };
        let was_suspect = lane.is_suspect;
        let before = lane.running;
        lane.running = lane.running.saturating_sub(1);
        match went {
            Went::Well => {
                lane.is_suspect = false;
                lane.cap = (lane.cap + 1).min(self.bounds.per_lane);
            }
            Went::Badly => {
                lane.is_suspect = true;
                lane.cap = (lane.cap / 2).max(1);
            }
            Went::Pause(until) => {
                lane.cap = (lane.cap / 2).max(1);
                lane.paused_until = lane.paused_until.max(Some(until));
            }
            Went::Unknown => {}
        }
        let counted = |is_suspect: bool, running: usize| if is_suspect { running } else { 0 };
        self.suspects_running = (self.suspects_running + counted(lane.is_suspect, lane.running))
            .saturating_sub(counted(was_suspect, before));
        // A lane that learned nothing worth keeping is forgotten with its last job.
        let is_plain = !lane.is_suspect && lane.paused_until.is_none();
        if is_plain && lane.running == 0 && lane.waiting() == 0 {
            self.lanes.remove(key);
        }
    }

    /// When the first paused lane with waiting jobs may go on.
    pub(crate) fn next_resume(&self, now: Micros) -> Option<Micros> {
        let waiting = self.lanes.values().filter(|lane| lane.waiting() > 0);
        waiting.filter_map(|lane| lane.paused_until).filter(|until| *until > now).min()
    }

    /// The lanes that take no more jobs into memory.
    pub(crate) fn full(&self) -> impl Iterator<Item = &Key> {
        let max = self.bounds.waiting_per_lane;
        self.lanes.iter().filter(move |(_, lane)| lane.waiting() >= max).map(|(key, _)| key)
    }

    /// Removes the waiting jobs that `wanted` picks, and returns them.
    pub(crate) fn remove(&mut self, wanted: impl Fn(&T) -> bool) -> Vec<T> {
        let mut removed = Vec::new();
        for lane in self.lanes.values_mut() {
            for queue in [&mut lane.first, &mut lane.later] {
                for job in std::mem::take(queue) {
                    if wanted(&job) {
                        removed.push(job);
                    } else {
                        queue.push_back(job);
                    }
                }
            }
        }
        self.waiting -= removed.len();
        removed
    }

    /// Every waiting job.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = &T> {
        self.lanes.values().flat_map(|lane| lane.first.iter().chain(&lane.later))
    }

    /// Forgets idle lanes that are kept for what they learned, to be called now and then.
    pub(crate) fn sweep(&mut self, now: Micros) {
        self.lanes.retain(|_, lane| {
            lane.running > 0
                || lane.waiting() > 0
                || lane.paused_until.is_some_and(|until| until > now)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        Key { endpoint: name.into(), webhook: "w".into() }
    }

    fn lanes(at_once: usize, per_lane: usize) -> Lanes<u32> {
        Lanes::new(Bounds { at_once, per_lane, waiting: 100, waiting_per_lane: 10 })
    }

    fn take(lanes: &mut Lanes<u32>) -> Option<u32> {
        lanes.next(Micros(0)).map(|(_, job)| job)
    }

    #[test]
    fn lanes_take_turns() {
        let mut lanes = lanes(100, 100);
        for job in 0..4 {
            lanes.push(&key("a"), job, false);
        }
        lanes.push(&key("b"), 10, false);
        lanes.push(&key("c"), 20, false);
        let order: Vec<_> = std::iter::from_fn(|| take(&mut lanes)).collect();
        assert_eq!(order, [0, 10, 20, 1, 2, 3]);
    }

    #[test]
    fn first_attempts_go_before_retries() {
        let mut lanes = lanes(100, 100);
        lanes.push(&key("a"), 1, true);
        lanes.push(&key("a"), 2, false);
        assert_eq!([take(&mut lanes), take(&mut lanes)], [Some(2), Some(1)]);
    }

    #[test]
    fn a_lane_starts_small_grows_with_success_and_shrinks_with_failure() {
        let mut lanes = lanes(100, 6);
        for job in 0..40 {
            lanes.push(&key("a"), job, false);
        }
        let running = |lanes: &mut Lanes<u32>| std::iter::from_fn(|| take(lanes)).count();
        assert_eq!(running(&mut lanes), CAP_FIRST);
        for _ in 0..4 {
            lanes.done(&key("a"), Went::Well);
        }
        assert_eq!(running(&mut lanes), 6, "one more with each success, to the bound");
        for _ in 0..6 {
            lanes.done(&key("a"), Went::Badly);
        }
        assert_eq!(running(&mut lanes), 1);
        assert_eq!(lanes.running(), 1);
    }

    #[test]
    fn lanes_that_fail_get_half_of_the_slots() {
        let mut lanes = lanes(8, 4);
        for n in 0..8 {
            let name = format!("bad{n}");
            lanes.push(&key(&name), n, false);
            lanes.push(&key(&name), n, false);
        }
        while let Some((key, _)) = lanes.next(Micros(0)) {
            lanes.done(&key, Went::Badly);
            if lanes.waiting().count() == 8 {
                break;
            }
        }
        let bad = std::iter::from_fn(|| take(&mut lanes)).count();
        assert_eq!(bad, 4);
        lanes.push(&key("good"), 99, false);
        assert_eq!(take(&mut lanes), Some(99));
    }

    #[test]
    fn a_paused_lane_waits_and_resumes() {
        let mut lanes = lanes(8, 4);
        lanes.push(&key("a"), 1, false);
        lanes.push(&key("a"), 2, false);
        let (a, _) = lanes.next(Micros(0)).unwrap();
        lanes.done(&a, Went::Pause(Micros(50)));
        assert_eq!(lanes.next(Micros(49)).map(|(_, job)| job), None);
        assert_eq!(lanes.next_resume(Micros(49)), Some(Micros(50)));
        assert_eq!(lanes.next(Micros(50)).map(|(_, job)| job), Some(2));
        assert_eq!(lanes.next_resume(Micros(50)), None);
    }

    #[test]
    fn full_lanes_and_room_are_told() {
        let mut lanes = lanes(1, 1);
        for job in 0..10 {
            lanes.push(&key("a"), job, false);
        }
        lanes.push(&key("b"), 11, false);
        assert_eq!(lanes.full().collect::<Vec<_>>(), [&key("a")]);
        assert_eq!(lanes.room(), 89);
        assert_eq!(lanes.remove(|job| *job == 3), [3]);
        assert_eq!((lanes.room(), lanes.full().count()), (90, 0));
        while let Some((key, _)) = lanes.next(Micros(0)) {
            lanes.done(&key, Went::Well);
        }
        assert!(lanes.is_idle() && lanes.lanes.is_empty());
    }
}
