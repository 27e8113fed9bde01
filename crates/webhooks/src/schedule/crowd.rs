//! Crowds: ten thousand endpoints of which some are sick, and a million jobs due at once. Time is
//! virtual, so that what is measured is what the scheduler decides and nothing else.

use super::*;
use std::collections::BTreeMap;

const MS: Duration = Duration::from_millis(1);
/// What a healthy endpoint takes to answer.
const ANSWER: Duration = Duration::from_millis(20);
/// What an attempt takes that is never answered.
const TIMEOUT: Duration = Duration::from_secs(30);
/// When an attempt that is not answered counts as lingering.
const LINGERS: Duration = Duration::from_millis(500);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    Well,
    Hangs,
    Resets,
    Answers500,
}

/// Something that happens to an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Lingers,
    Ends,
}

/// Endpoints, one lane each, on a clock of their own.
struct Crowd {
    scheduler: Scheduler<Duration>,
    shape: Shape,
    now: Duration,
    manner: fn(i64) -> Manner,
    under_way: BTreeMap<u64, (Ticket, Duration)>,
    events: BTreeMap<(Duration, u64), (u64, Event)>,
    drawn: u64,
    /// Milliseconds from arrival to start, of each job of each lane.
    waits: BTreeMap<i64, Vec<u128>>,
    starts: BTreeMap<i64, Vec<Duration>>,
    most: BTreeMap<i64, usize>,
    running: BTreeMap<i64, usize>,
}

impl Crowd {
    fn new(manner: fn(i64) -> Manner) -> Self {
        Self {
            scheduler: Scheduler::new(Bounds::default()),
            shape: Shape::from(&Policy::default()),
            now: Duration::from_secs(1),
            manner,
            under_way: BTreeMap::new(),
            events: BTreeMap::new(),
            drawn: 0,
            waits: BTreeMap::new(),
            starts: BTreeMap::new(),
            most: BTreeMap::new(),
            running: BTreeMap::new(),
        }
    }

    /// A job arrives; `false` when its lane has no room, so that it stays in the table.
    fn arrive(&mut self, lane: i64, is_late: bool) -> bool {
        if self.scheduler.room_of(LaneId(lane), self.now) == 0 {
            return false;
        }
        let job = Job { job: self.now, is_late, bytes: 1_000, since: self.now };
        let name = || Name { endpoint: "-".into(), webhook: None, space: SpaceId("s".into()) };
        self.scheduler.push(LaneId(lane), name, self.shape, job);
        self.start();
        true
    }

    fn start(&mut self) {
        while let Some((ticket, arrived)) = self.scheduler.next(self.now) {
            let lane = ticket.lane.0;
            self.waits.entry(lane).or_default().push((self.now - arrived).as_millis());
            self.starts.entry(lane).or_default().push(self.now);
            let running = self.running.entry(lane).or_default();
            *running += 1;
            let most = self.most.entry(lane).or_default();
            *most = (*most).max(*running);
            let takes = match (self.manner)(lane) {
                Manner::Hangs => TIMEOUT,
                Manner::Resets => MS,
                Manner::Well | Manner::Answers500 => ANSWER,
            };
            let id = self.drawn;
            self.drawn += 1;
            self.events.insert((self.now + takes, self.drawn), (id, Event::Ends));
            if takes > LINGERS {
                self.drawn += 1;
                self.events.insert((self.now + LINGERS, self.drawn), (id, Event::Lingers));
            }
            self.under_way.insert(id, (ticket, self.now));
        }
    }

    /// Lets time pass.
    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        loop {
            let event = self.events.first_key_value().map(|(key, _)| key.0);
            let wake = self.scheduler.next_wake().map(|at| at.max(self.now));
            let Some(at) = event.into_iter().chain(wake).min().filter(|at| *at <= until) else {
                break;
            };
            self.now = at;
            while let Some(entry) = self.events.first_entry()
                && entry.key().0 <= self.now
            {
                let (id, event) = entry.remove();
                self.happen(id, event);
            }
            self.start();
            if self.scheduler.next_wake() == wake && event.is_none_or(|event| event > at) {
                // The timer found that it is too early, or that no place is free.
                self.now += MS;
            }
        }
        self.now = until.max(self.now);
    }

    fn happen(&mut self, id: u64, event: Event) {
        if event == Event::Lingers {
            if let Some((ticket, _)) = self.under_way.get_mut(&id) {
                self.scheduler.linger(ticket);
            }
            return;
        }
        let (ticket, started) = self.under_way.remove(&id).unwrap();
        let lane = ticket.lane.0;
        *self.running.get_mut(&lane).unwrap() -= 1;
        let (went, error) = match (self.manner)(lane) {
            Manner::Well => (Went::Well, None),
            Manner::Hangs => (Went::Badly, Some(ErrorClass::Timeout)),
            Manner::Resets => (Went::Badly, Some(ErrorClass::Reset)),
            Manner::Answers500 => (Went::Badly, Some(ErrorClass::Http5xx)),
        };
        let end = End { went, latency: self.now - started, error };
        self.scheduler.done(&ticket, &end, self.now);
        drop(self.scheduler.take_news());
    }

    /// The wait that 99 of 100 jobs of these lanes had at most, in milliseconds, and how many jobs
    /// there were.
    fn p99(&self, of: impl Fn(i64) -> bool) -> (u128, usize) {
        let lanes = self.waits.iter().filter(|(lane, _)| of(**lane));
        let mut waits: Vec<u128> = lanes.flat_map(|(_, waits)| waits.iter().copied()).collect();
        waits.sort_unstable();
        (waits.get(waits.len() * 99 / 100).copied().unwrap_or_default(), waits.len())
    }
}

const ENDPOINTS: i64 = 10_000;

fn sick(lane: i64) -> Manner {
    match lane % 100 {
        7 => Manner::Hangs,
        8 => Manner::Resets,
        9 => Manner::Answers500,
        _ => Manner::Well,
    }
}

fn is_healthy(lane: i64) -> bool {
    sick(lane) == Manner::Well
}

#[test]
fn a_hundredth_of_ten_thousand_endpoints_cannot_delay_the_others() {
    let run = |manner: fn(i64) -> Manner| {
        let mut crowd = Crowd::new(manner);
        // Fewer places than those that hang would take if they were let.
        crowd.scheduler.bounds.at_once = 256;
        // Each endpoint gets a job each two seconds, for twenty seconds.
        for tick in 0..20_000_i64 {
            for lane in 0..5 {
                crowd.arrive((tick * 5 + lane) % ENDPOINTS + 1, false);
            }
            crowd.pass(MS);
        }
        crowd
    };
    let (undisturbed, disturbed) = (run(|_| Manner::Well), run(sick));
    let (before, jobs) = undisturbed.p99(is_healthy);
    let (after, delivered) = disturbed.p99(is_healthy);
    assert_eq!(delivered, jobs, "every job of a healthy endpoint was started");
    assert!(after * 10 <= before * 11, "p99 was {before} ms, and {after} ms beside the sick");
    let hanging = disturbed.most.iter().filter(|(lane, _)| sick(**lane) == Manner::Hangs);
    let places: usize = hanging.map(|(_, most)| most).sum();
    assert!((100..=140).contains(&places), "the hanging ones had {places} places");
}

#[test]
fn one_endpoint_with_nearly_all_of_the_traffic_delays_only_itself() {
    let run = |busy: i64| {
        let mut crowd = Crowd::new(|_| Manner::Well);
        for tick in 0..2_000_i64 {
            for _ in 0..busy {
                crowd.arrive(1, false);
            }
            crowd.arrive(2 + tick % 500, false);
            crowd.pass(MS);
        }
        crowd
    };
    let (alone, beside) = (run(0), run(99));
    let others = |lane: i64| lane != 1;
    let ((before, jobs), (after, delivered)) = (alone.p99(others), beside.p99(others));
    assert_eq!((jobs, delivered), (2_000, 2_000));
    assert!(after * 10 <= before * 11, "p99 was {before} ms, and {after} ms beside the busy one");
    assert!(beside.most[&1] <= Policy::default().concurrency);
    let mut beside = beside;
    let views = beside.scheduler.views(beside.now);
    let busy = views.iter().find(|view| view.id == LaneId(1)).unwrap();
    let lag = beside.now - busy.oldest_since.unwrap();
    assert!(busy.waiting > 1_000 && lag > MS * 100, "its own lag is visible: {busy:?}");
}

#[test]
fn a_million_jobs_due_at_once_leave_room_for_new_events() {
    let mut crowd = Crowd::new(|_| Manner::Well);
    let (mut table, mut new) = (1_000_000_u32, 0_i64);
    while table > 0 {
        // The poller fills the lane as it empties; all that waited are late retries.
        while table > 0 && crowd.arrive(1, true) {
            table -= 1;
        }
        assert!(crowd.scheduler.load().0 <= Bounds::default().waiting);
        assert!(crowd.arrive(2 + new % 50, false), "there is room for new events");
        new += 1;
        crowd.pass(ANSWER);
    }
    let (wait, events) = crowd.p99(|lane| lane != 1);
    assert!(events > 10_000, "{events}");
    assert_eq!(wait, 0, "new events of other endpoints start at once");
    let max = Policy::default().concurrency;
    assert_eq!(crowd.most[&1], max, "the lane keeps to its places");
}

#[test]
fn a_day_of_silence_burns_few_attempts_and_ends_in_a_ramp() {
    let mut crowd = Crowd::new(|_| Manner::Resets);
    let mut table = 100_000_u32;
    let pump = |crowd: &mut Crowd, table: &mut u32| {
        while *table > 0 && crowd.arrive(1, true) {
            *table -= 1;
        }
    };
    while crowd.scheduler.openings() == 0 {
        pump(&mut crowd, &mut table);
        crowd.pass(MS * 10);
    }
    let attempts = crowd.starts[&1].len();
    assert!(attempts < 80, "{attempts} attempts were burnt before the breaker opened");
    for _ in 0..24 * 60 {
        pump(&mut crowd, &mut table);
        crowd.pass(Duration::from_secs(60));
    }
    let down = crowd.starts[&1].len();
    // One probe each ten minutes, and some more in the beginning.
    assert!(down - attempts < 160, "{} probes in a day", down - attempts);
    crowd.manner = |_| Manner::Well;
    // At the latest when the next probe is due; and a minute for what comes after it.
    for _ in 0..600 {
        pump(&mut crowd, &mut table);
        crowd.pass(Duration::from_secs(1));
    }
    let probe = crowd.starts[&1][down];
    while crowd.now < probe + Duration::from_secs(60) || table > 80_000 {
        pump(&mut crowd, &mut table);
        crowd.pass(MS * 10);
    }
    let starts = &crowd.starts[&1][down..];
    // The probe, then five in the first second, twice as many in each after that.
    let mut allowed = 1.0 + 5.0 * 0.25;
    for second in 0..8_u32 {
        let until = probe + Duration::from_secs(u64::from(second) + 1);
        allowed += 5.0 * 2_f64.powi(second.cast_signed() + 1);
        let count = starts.iter().filter(|at| **at <= until).count();
        let count = f64::from(u32::try_from(count).unwrap());
        assert!(count <= allowed, "{count} starts within {second} s of the probe, not {allowed}");
    }
    assert!(starts.len() > 10_000, "{} were delivered in the end", starts.len());
}
