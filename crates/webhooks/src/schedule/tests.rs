//! The scheduler, decision by decision.

use super::*;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

fn scheduler(at_once: usize) -> Scheduler<u32> {
    Scheduler::new(Bounds { at_once, waiting: 1_000, waiting_per_lane: 100 })
}

fn shape() -> Shape {
    Shape::from(&Policy::default())
}

fn push(s: &mut Scheduler<u32>, lane: i64, job: u32, is_late: bool, now: Duration) {
    push_shaped(s, lane, job, is_late, now, shape());
}

fn push_shaped(
    s: &mut Scheduler<u32>,
    lane: i64,
    job: u32,
    is_late: bool,
    now: Duration,
    shape: Shape,
) {
    let name = || Name { endpoint: "-".into(), webhook: None, space: SpaceId("s".into()) };
    s.push(LaneId(lane), name, shape, Job { job, is_late, bytes: 0, since: now });
}

fn end(went: Went, latency: Duration) -> End {
    let error = (went == Went::Badly).then_some(ErrorClass::Timeout);
    End { went, latency, error }
}

fn all(s: &mut Scheduler<u32>, now: Duration) -> Vec<(Ticket, u32)> {
    std::iter::from_fn(|| s.next(now)).collect()
}

fn jobs(taken: &[(Ticket, u32)]) -> Vec<u32> {
    taken.iter().map(|(_, job)| *job).collect()
}

/// Runs one job of a lane to its end.
fn run(s: &mut Scheduler<u32>, lane: i64, went: Went, now: Duration) {
    push(s, lane, 0, false, now);
    let (ticket, _) = s.next(now).expect("a job was just handed in");
    s.done(&ticket, &end(went, MS), now);
}

#[test]
fn a_crowded_lane_does_not_delay_the_others() {
    let mut s = scheduler(100);
    for job in 0..50 {
        push(&mut s, 1, job, false, MS);
    }
    push(&mut s, 2, 100, false, MS);
    push(&mut s, 3, 200, false, MS);
    let order = jobs(&all(&mut s, MS));
    assert_eq!(order, [0, 1, 2, 3, 100, 200], "a new lane starts with four places");
    let turn = usize::try_from(COST_MAX).unwrap();
    assert!(order.iter().position(|job| *job == 100).unwrap() <= turn);
}

#[test]
fn slow_lanes_get_fewer_turns_than_fast_ones() {
    let mut s = scheduler(4);
    let mut now = SECOND;
    for _ in 0..30 {
        for (lane, latency) in [(1, 1), (2, 220)] {
            push(&mut s, lane, 0, false, now);
            let (ticket, _) = s.next(now).unwrap();
            s.done(&ticket, &end(Went::Well, MS * latency), now);
        }
        now += SECOND;
    }
    for _ in 0..60 {
        push(&mut s, 1, 1, false, now);
        push(&mut s, 2, 2, false, now);
    }
    let mut counts = [0, 0];
    for _ in 0..27 {
        let (ticket, job) = s.next(now).unwrap();
        counts[usize::from(job == 2)] += 1;
        s.done(&ticket, &end(Went::Unknown, MS), now);
    }
    assert!(counts[0] >= 7 * counts[1] && counts[1] > 0, "{counts:?}");
}

#[test]
fn first_attempts_go_first_but_not_always() {
    let mut s = scheduler(100);
    let wide = Shape { concurrency: 64, ..shape() };
    for job in 0..20 {
        push_shaped(&mut s, 1, 100 + job, true, MS, wide);
        push_shaped(&mut s, 1, job, false, MS, wide);
    }
    let mut order = Vec::new();
    while let Some((ticket, job)) = s.next(MS) {
        order.push(job);
        s.done(&ticket, &end(Went::Well, MS), MS);
    }
    assert_eq!(order[..9], [0, 1, 2, 3, 4, 5, 6, 100, 7]);
    assert_eq!(order.len(), 40);
}

#[test]
fn lanes_that_fail_get_half_of_the_places() {
    let mut s = scheduler(8);
    for lane in 1..=8 {
        run(&mut s, lane, Went::Badly, MS);
    }
    for lane in 1..=8 {
        push(&mut s, lane, 1, false, SECOND);
    }
    let bad = all(&mut s, SECOND);
    assert_eq!(bad.len(), 4);
    for job in 0..4 {
        push(&mut s, 9, 90 + job, false, SECOND);
    }
    assert_eq!(jobs(&all(&mut s, SECOND)), [90, 91, 92, 93]);
    for (ticket, _) in &bad {
        s.done(ticket, &end(Went::Well, MS), SECOND);
    }
    assert_eq!(all(&mut s, SECOND).len(), 4, "the rest has its turn");
}

#[test]
fn attempts_that_hang_count_as_suspect_before_they_fail() {
    let mut s = scheduler(8);
    for lane in 1..=4 {
        push(&mut s, lane, 1, false, MS);
    }
    let mut hanging = all(&mut s, MS);
    for (ticket, _) in &mut hanging {
        s.linger(ticket);
    }
    for lane in 1..=4 {
        push(&mut s, lane, 2, false, SECOND);
    }
    assert_eq!(jobs(&all(&mut s, SECOND)), [0; 0], "they have their half");
    for job in 0..4 {
        push(&mut s, 7, 70 + job, false, SECOND);
    }
    assert_eq!(jobs(&all(&mut s, SECOND)), [70, 71, 72, 73]);
    for (ticket, _) in &hanging {
        s.done(ticket, &end(Went::Well, SECOND), SECOND * 2);
    }
    assert_eq!(jobs(&all(&mut s, SECOND * 2)), [2, 2, 2, 2]);
}

#[test]
fn a_pause_holds_the_lane_as_long_as_asked() {
    let mut s = scheduler(8);
    push(&mut s, 1, 1, false, MS);
    push(&mut s, 1, 2, false, MS);
    let (ticket, _) = s.next(MS).unwrap();
    s.done(&ticket, &end(Went::Pause(SECOND), MS), MS);
    assert_eq!(s.next(SECOND).map(|(_, job)| job), None);
    assert_eq!(s.next_wake(), Some(MS + SECOND));
    assert_eq!(s.room_of(LaneId(1), SECOND), 0);
    assert_eq!(s.next(MS + SECOND).map(|(_, job)| job), Some(2));
}

#[test]
fn an_open_breaker_gives_jobs_back_probes_once_and_ramps_up() {
    let mut s = scheduler(100);
    for n in 0..10 {
        push(&mut s, 1, n, false, MS);
    }
    for _ in 0..10 {
        push(&mut s, 1, 99, false, MS);
        let (ticket, _) = s.next(MS).unwrap();
        s.done(&ticket, &end(Went::Badly, MS), MS);
    }
    let (returned, moved) = s.take_news();
    assert_eq!((returned.len(), moved), (10, vec![LaneId(1)]), "memory keeps none of them");
    let view = s.view(LaneId(1), MS).unwrap();
    assert_eq!((view.state, view.until), (LaneState::BreakerOpen, Some(MS + SECOND * 30)));
    assert_eq!(s.room_of(LaneId(1), SECOND), 0);
    let open_until = MS + SECOND * 30;
    assert_eq!(s.room_of(LaneId(1), open_until), 1, "the probe");
    for n in 0..20 {
        push(&mut s, 1, n, false, open_until);
    }
    let probe = all(&mut s, open_until);
    assert_eq!(probe.len(), 1);
    s.done(&probe[0].0, &end(Went::Well, MS), open_until);
    assert_eq!(s.view(LaneId(1), open_until).unwrap().state, LaneState::Ramping);
    let mut now = open_until;
    let mut starts = 0;
    while now < open_until + SECOND {
        for (ticket, _) in all(&mut s, now) {
            starts += 1;
            s.done(&ticket, &end(Went::Well, MS), now);
        }
        now += MS * 10;
    }
    assert!((5..=10).contains(&starts), "{starts} in the first second of the ramp");
}

#[test]
fn what_started_before_the_breaker_opened_says_nothing_about_it() {
    let mut s = scheduler(100);
    push(&mut s, 1, 0, false, MS);
    let (straggler, _) = s.next(MS).unwrap();
    for _ in 0..10 {
        run(&mut s, 1, Went::Badly, MS);
    }
    s.done(&straggler, &end(Went::Well, MS), SECOND);
    assert_eq!(s.view(LaneId(1), SECOND).unwrap().state, LaneState::BreakerOpen);
}

#[test]
fn a_person_can_let_a_lane_go() {
    let mut s = scheduler(100);
    for _ in 0..10 {
        run(&mut s, 1, Went::Badly, MS);
    }
    push(&mut s, 1, 5, false, SECOND);
    push(&mut s, 1, 6, false, SECOND);
    assert!(s.next(SECOND).is_none());
    assert!(s.let_go(LaneId(1), true, SECOND));
    let probe = all(&mut s, SECOND);
    assert_eq!(jobs(&probe), [5], "one job shows whether the endpoint is back");
    s.done(&probe[0].0, &end(Went::Unknown, MS), SECOND);
    assert!(s.let_go(LaneId(1), false, SECOND));
    push(&mut s, 1, 7, false, SECOND);
    assert_eq!(jobs(&all(&mut s, SECOND)), [6], "a ramp");
    assert!(!s.let_go(LaneId(2), false, SECOND));
}

#[test]
fn a_decision_looks_at_one_lane_however_many_are_shut() {
    let mut s: Scheduler<u32> =
        Scheduler::new(Bounds { at_once: 100_000, waiting: 100_000, waiting_per_lane: 100 });
    for lane in 1..=10_000 {
        run(&mut s, lane, Went::Pause(SECOND * 60), MS);
        push(&mut s, lane, 1, false, MS);
    }
    push(&mut s, 20_000, 7, false, MS);
    assert_eq!(s.sound.len() + s.suspect.len(), 1, "paused lanes left the ring");
    assert_eq!(s.next(MS).map(|(_, job)| job), Some(7));
    assert_eq!(s.room(), 100_000 - 10_000);
    assert_eq!(s.remove(|job| *job == 1).len(), 10_000);
    s.sweep(SECOND * 7_200);
    assert_eq!(s.views(SECOND * 7_200).len(), 1, "the one with an attempt under way");
}
