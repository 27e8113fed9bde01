//! A seeded simulation: random endpoints that answer, hang, refuse and flap; random arrivals,
//! crashes, people, and clocks that are set by an hour or a day. After every step the scheduler is
//! compared with a plain bookkeeping of what it must never do. A failure prints its seed;
//! `SIMULATION_SEED=n` runs that one alone.
//!
//! The fairness that is checked: a lane of a healthy endpoint that may start a job does so after
//! at most [`TURN_STARTS`] starts of each other lane, and one suspect's start for each three of
//! those. Within a lane, a late retry waits for seven first attempts at most, and a first attempt
//! for one late retry.

use super::*;
use model::time::Micros;
use runtime::Runtime;
use std::collections::BTreeMap;
use std::ops::Range;

const SCHEDULES: u64 = 2_000;
const MS: Duration = Duration::from_millis(1);
/// Starts of one lane before the next one has its turn, at most.
const TURN_STARTS: usize = 8;
/// How far clocks are set.
const JUMPS_MS: [i64; 4] = [3_600_000, -3_600_000, 86_400_000, -86_400_000];

/// Random numbers that follow from the seed.
struct Draws(Runtime);

impl Draws {
    /// A number of the range.
    fn number<T: TryFrom<u64> + TryInto<u64>>(&self, range: Range<T>) -> T {
        let read = |n: T| n.try_into().ok().expect("ranges here are small and positive");
        let (start, end) = (read(range.start), read(range.end));
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "ranges here are small and positive"
        )]
        let offset = ((end - start) as f64 * self.0.fraction()) as u64;
        T::try_from(start + offset).ok().expect("inside of the range")
    }

    /// `true` in so many of 100 cases.
    fn chance(&self, percent: u32) -> bool {
        self.number(0..100_u32) < percent
    }
}

/// How an endpoint behaves.
#[derive(Clone, Copy, Debug)]
enum Manner {
    Well,
    Hangs,
    Fails,
    Refuses,
    /// Down and up again, so many milliseconds each.
    Flaps(u64),
}

struct Lane {
    manner: Manner,
    shape: Shape,
    starts: Vec<Duration>,
    running: usize,
    /// Since when it could have started a job and was not allowed to.
    waits_since: Option<Duration>,
    paused_until: Duration,
    /// Starts of other lanes since it stands among those that may start one.
    passed: usize,
    /// First attempts since the last late one, while one waited; and the other way round.
    firsts: usize,
    lates: usize,
}

/// A job in the table.
#[derive(Clone, Copy)]
struct Row {
    lane: i64,
    attempts: u32,
    /// By the time of day, in milliseconds.
    due_ms: i64,
}

struct World {
    rng: Draws,
    now: Duration,
    bounds: Bounds,
    scheduler: Scheduler<u32>,
    lanes: BTreeMap<i64, Lane>,
    /// Where each job is: waiting in memory, under way, or in the table.
    waiting: BTreeMap<u32, (i64, bool)>,
    under_way: BTreeMap<u32, (Ticket, i64, Duration, Duration)>,
    table: BTreeMap<u32, Row>,
    /// By how much the time of day was set, in milliseconds.
    set_ms: i64,
    /// The jobs of each key that keeps its order, those that are not done; the first is the head.
    keys: BTreeMap<u32, VecDeque<u32>>,
    key_of: BTreeMap<u32, u32>,
    attempts: BTreeMap<u32, u32>,
    done: usize,
    next_job: u32,
}

impl World {
    fn new(seed: u64) -> Self {
        let rng = Draws(Runtime::fake(Micros(0), seed));
        let bounds = Bounds {
            at_once: rng.number(2..40_usize),
            waiting: rng.number(10..200),
            waiting_per_lane: rng.number(2..60),
        };
        let lanes = (1..=rng.number(1..12_i64))
            .map(|id| {
                let manner = match rng.number(0..8_u32) {
                    0 => Manner::Hangs,
                    1 => Manner::Fails,
                    2 => Manner::Refuses,
                    3 => Manner::Flaps(rng.number(500..20_000)),
                    _ => Manner::Well,
                };
                let rate = rng.chance(30).then(|| f64::from(rng.number(4..200_u32)));
                let shape = Shape {
                    concurrency: rng.number(1..20),
                    rate_per_second: rate,
                    breaker: Breaker {
                        failures: rng.number(0..12),
                        open_ms: rng.number(1_000..5_000),
                        max_open_ms: 20_000,
                    },
                };
                let lane = Lane {
                    manner,
                    shape,
                    starts: Vec::new(),
                    running: 0,
                    waits_since: None,
                    paused_until: Duration::ZERO,
                    passed: 0,
                    firsts: 0,
                    lates: 0,
                };
                (id, lane)
            })
            .collect();
        Self {
            rng,
            now: Duration::from_secs(1),
            bounds,
            scheduler: Scheduler::new(bounds),
            lanes,
            waiting: BTreeMap::new(),
            under_way: BTreeMap::new(),
            table: BTreeMap::new(),
            set_ms: 0,
            keys: BTreeMap::new(),
            key_of: BTreeMap::new(),
            attempts: BTreeMap::new(),
            done: 0,
            next_job: 0,
        }
    }

    fn run(&mut self) {
        for _ in 0..self.rng.number(30..100_u32) {
            match self.rng.number(0..100_u32) {
                0..35 => self.arrive(),
                35..36 => self.crash(),
                36..38 => self.let_go(),
                38..39 => self.set_ms += JUMPS_MS[self.rng.number(0..JUMPS_MS.len())],
                _ => self.advance(),
            }
            self.start_all();
            self.check();
        }
        self.drain();
    }

    /// New events: into memory when there is room, into the table otherwise.
    fn arrive(&mut self) {
        let lane = self.rng.number(1..i64::try_from(self.lanes.len()).unwrap() + 1);
        for _ in 0..self.rng.number(1..12_u32) {
            let job = self.next_job;
            self.next_job += 1;
            if self.rng.chance(20) {
                let key = self.rng.number(0..3_u32);
                self.keys.entry(key).or_default().push_back(job);
                self.key_of.insert(job, key);
            }
            self.put(job, lane, 0);
            self.claim(job);
        }
    }

    /// The time of day, in milliseconds.
    fn wall_ms(&self) -> i64 {
        i64::try_from(self.now.as_millis()).unwrap() + self.set_ms
    }

    /// Puts a job into the table, due after the back-off of its attempts.
    fn put(&mut self, job: u32, lane: i64, attempts: u32) {
        let wait = [0, 200, 1_000, 5_000][usize::try_from(attempts.min(3)).unwrap()];
        self.table.insert(job, Row { lane, attempts, due_ms: self.wall_ms() + wait });
    }

    /// Whether a job is the first of its key, or has none.
    fn is_head(&self, job: u32) -> bool {
        self.key_of.get(&job).is_none_or(|key| self.keys[key].front() == Some(&job))
    }

    /// Takes a job from the table into memory, as far as its lane has room.
    fn claim(&mut self, job: u32) {
        let Some(Row { lane, attempts, due_ms }) = self.table.get(&job).copied() else { return };
        let may = self.is_head(job) && due_ms <= self.wall_ms();
        if !may || self.scheduler.room_of(LaneId(lane), self.now) == 0 {
            return;
        }
        self.table.remove(&job);
        let is_late = attempts > 0;
        assert!(self.waiting.insert(job, (lane, is_late)).is_none(), "claimed twice");
        let entry = Job { job, is_late, bytes: self.rng.number(0..300_000), since: self.now };
        let name = || Name { endpoint: "-".into(), webhook: None, space: SpaceId("s".into()) };
        self.scheduler.push(LaneId(lane), name, self.lanes[&lane].shape, entry);
    }

    /// The process dies: what it had in memory is claimed again from the table.
    fn crash(&mut self) {
        for (job, (lane, _)) in std::mem::take(&mut self.waiting) {
            self.put(job, lane, 1);
        }
        for (job, (_, lane, ..)) in std::mem::take(&mut self.under_way) {
            self.put(job, lane, 1);
        }
        self.scheduler = Scheduler::new(self.bounds);
        for lane in self.lanes.values_mut() {
            (lane.running, lane.waits_since) = (0, None);
            (lane.paused_until, lane.starts) = (Duration::ZERO, Vec::new());
            (lane.passed, lane.firsts, lane.lates) = (0, 0, 0);
        }
    }

    fn let_go(&mut self) {
        let lane = self.rng.number(1..i64::try_from(self.lanes.len()).unwrap() + 1);
        if self.scheduler.let_go(LaneId(lane), self.rng.chance(50), self.now) {
            self.lanes.get_mut(&lane).unwrap().paused_until = Duration::ZERO;
        }
    }

    /// Time goes on: attempts end, the poller looks.
    fn advance(&mut self) {
        let step = match self.rng.number(0..10_u32) {
            0 => self.rng.number(1_000..40_000_u32),
            1..4 => self.rng.number(100..1_000),
            _ => self.rng.number(1..50),
        };
        let until = self.now + MS * step;
        loop {
            let next = self.under_way.values().map(|(.., ends)| *ends).min();
            let wake = self.scheduler.next_wake().filter(|at| *at > self.now);
            let at = next.into_iter().chain(wake).min().filter(|at| *at <= until);
            self.now = self.now.max(at.unwrap_or(until));
            self.end_due();
            self.start_all();
            if at.is_none() {
                break;
            }
        }
        self.look();
    }

    fn look(&mut self) {
        let jobs: Vec<u32> = self.table.keys().copied().collect();
        for job in jobs {
            if self.scheduler.room() == 0 {
                break;
            }
            self.claim(job);
        }
    }

    fn end_due(&mut self) {
        let due = |ends: &Duration| *ends <= self.now;
        let ended: Vec<u32> =
            self.under_way.iter().filter(|(_, (.., e))| due(e)).map(|(job, _)| *job).collect();
        for job in ended {
            let (ticket, lane, started, _) = self.under_way.remove(&job).unwrap();
            let known = self.lanes.get_mut(&lane).unwrap();
            known.running -= 1;
            let went = match known.manner {
                Manner::Well => Went::Well,
                Manner::Hangs | Manner::Fails => Went::Badly,
                Manner::Refuses if job.is_multiple_of(3) => Went::TooMuch,
                Manner::Refuses => Went::Pause(MS * (100 + job % 3_000)),
                Manner::Flaps(ms) => {
                    let phase = u64::try_from(self.now.as_millis()).unwrap() / ms;
                    if phase.is_multiple_of(2) { Went::Badly } else { Went::Well }
                }
            };
            if let Went::Pause(wait) = went {
                known.paused_until = known.paused_until.max(self.now + wait);
            }
            let error = (went != Went::Well).then_some(ErrorClass::Timeout);
            let end = End { went, latency: self.now - started, error };
            self.scheduler.done(&ticket, &end, self.now);
            let attempts = *self.attempts.entry(job).or_default();
            if went == Went::Well {
                self.done += 1;
                if let Some(key) = self.key_of.get(&job) {
                    let head = self.keys.get_mut(key).unwrap().pop_front();
                    assert_eq!(head, Some(job), "a key lost its order");
                }
            } else {
                self.put(job, lane, attempts);
            }
            let (returned, _) = self.scheduler.take_news();
            for job in returned {
                let (lane, is_late) =
                    self.waiting.remove(&job).expect("what is given back had waited");
                self.put(job, lane, u32::from(is_late));
            }
        }
    }

    fn start_all(&mut self) {
        while let Some((mut ticket, job)) = self.scheduler.next(self.now) {
            let (lane, is_late) =
                self.waiting.remove(&job).unwrap_or_else(|| panic!("{job} was not waiting"));
            assert_eq!(ticket.lane, LaneId(lane));
            assert!(self.is_head(job), "started before its turn");
            self.check_turns(lane, is_late);
            let known = self.lanes.get_mut(&lane).unwrap();
            assert!(self.now >= known.paused_until, "started during a pause");
            known.starts.push(self.now);
            if let Some(rate) = known.shape.rate_per_second {
                assert_rate(&known.starts, rate);
            }
            known.running += 1;
            known.waits_since = None;
            *self.attempts.entry(job).or_default() += 1;
            let takes = match known.manner {
                Manner::Hangs => {
                    self.scheduler.linger(&mut ticket);
                    30_000
                }
                _ => self.rng.number(1..400),
            };
            let ends = self.now + MS * takes;
            let entry = (ticket, lane, self.now, ends);
            assert!(self.under_way.insert(job, entry).is_none(), "delivered twice at once");
        }
    }

    /// Whose turn it may be: nobody is passed by more often than promised.
    fn check_turns(&mut self, started: i64, is_late: bool) {
        let others = self.lanes.len() - 1;
        let bound = others * TURN_STARTS * 4 / 3 + 2;
        let (first_waits, late_waits) = self.scheduler.lanes[&LaneId(started)].kinds();
        for (id, lane) in &mut self.lanes {
            let stands = self.scheduler.lanes.get(&LaneId(*id)).and_then(|lane| lane.ring);
            let may_start = *id != started && stands == Some(Ring::Sound);
            lane.passed = if may_start { lane.passed + 1 } else { 0 };
            assert!(lane.passed <= bound, "lane {id} was passed by {} times", lane.passed);
        }
        let lane = self.lanes.get_mut(&started).unwrap();
        lane.firsts = if !is_late && late_waits { lane.firsts + 1 } else { 0 };
        lane.lates = if is_late && first_waits { lane.lates + 1 } else { 0 };
        assert!(lane.firsts <= 7, "a late retry starves");
        assert!(lane.lates <= 1, "first attempts starve behind late retries");
    }

    /// What must hold at every moment.
    fn check(&mut self) {
        let s = &mut self.scheduler;
        assert_eq!(s.load(), (self.waiting.len(), self.under_way.len()));
        assert!(self.under_way.len() <= self.bounds.at_once, "more than all places");
        assert!(self.waiting.len() <= self.bounds.waiting, "more in memory than may be");
        let in_all = self.waiting.len() + self.under_way.len() + self.table.len() + self.done;
        assert_eq!(in_all, usize::try_from(self.next_job).unwrap(), "a job was lost");
        let suspects_full = s.suspects_running >= self.bounds.at_once.div_ceil(2);
        for (id, lane) in &mut self.lanes {
            assert!(lane.running <= lane.shape.concurrency, "more than the lane's places");
            let Some(view) = s.view(LaneId(*id), self.now) else { continue };
            assert_eq!(view.running, lane.running);
            if view.waiting == 0 {
                continue;
            }
            // Whoever waits has a reason that is still alive.
            let is_suspect = view.failed_in_row > 0 || view.state == LaneState::BreakerOpen;
            let has_reason = view.until.is_some_and(|until| until > self.now)
                || view.running >= view.concurrency
                || self.under_way.len() >= self.bounds.at_once
                || suspects_full
                || view.running > 0 && is_suspect
                || view.state == LaneState::Ramping;
            let stands = s.stands(LaneId(*id));
            assert!(has_reason, "at {:?}, {stands} {view:?} waits without a reason", self.now);
        }
    }

    /// Every endpoint is well again: everything is delivered within bounded time.
    fn drain(&mut self) {
        for lane in self.lanes.values_mut() {
            lane.manner = Manner::Well;
        }
        let end = self.now + Duration::from_secs(40 * 86_400);
        while self.done < usize::try_from(self.next_job).unwrap() {
            assert!(self.now < end, "a lane starves: {} of {}", self.done, self.next_job);
            self.now += MS * 500;
            if self.waiting.is_empty() && self.under_way.is_empty() {
                self.skip();
            }
            self.end_due();
            self.look();
            self.start_all();
            self.check();
        }
    }

    /// Lets the time pass in which nothing is due, after a clock was set back.
    fn skip(&mut self) {
        let heads = self.table.iter().filter(|(job, _)| self.is_head(**job));
        let due = heads.map(|(_, row)| row.due_ms).min().unwrap_or(0);
        let wait = u64::try_from(due - self.wall_ms()).unwrap_or(0);
        self.now += Duration::from_millis(wait);
    }
}

/// No second holds more starts than the rate and its burst allow.
fn assert_rate(starts: &[Duration], rate: f64) {
    let burst = (rate * 0.25).max(1.0);
    let starts = &starts[starts.len().saturating_sub(60)..];
    let Some(last) = starts.last() else { return };
    let mut count = 0.0;
    for start in starts.iter().rev() {
        count += 1.0;
        let allowed = (*last - *start).as_secs_f64() * rate + burst;
        assert!(count <= allowed + 0.01, "{count} starts where {allowed} are allowed");
    }
}

#[test]
fn random_schedules_keep_every_promise() {
    let only = std::env::var("SIMULATION_SEED").ok().and_then(|seed| seed.parse().ok());
    let seeds = only.map_or(0..SCHEDULES, |seed: u64| seed..seed + 1);
    for seed in seeds {
        let run = std::panic::catch_unwind(|| World::new(seed).run());
        assert!(run.is_ok(), "the schedule of SIMULATION_SEED={seed} broke a promise");
    }
}
