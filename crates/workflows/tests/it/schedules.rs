//! Trees that start by the clock: once for each time, on however many nodes.

use crate::bench::{Bench, World};
use model::run::RunState;
use store::schedules::Schedule;
use workflows::schedules::ScheduleInput;

fn input(tree: &str) -> ScheduleInput {
    ScheduleInput {
        name: Some("nightly".into()),
        tree: Some(["Kinetic Task".into(), "Group".into(), tree.into()]),
        cron: Some("30 2 * * *".into()),
        ..ScheduleInput::default()
    }
}

async fn schedule(bench: &Bench) -> Schedule {
    bench.engine.schedule(&bench.actor, "nightly").await.unwrap()
}

/// Waits until the schedule has said something else than before.
async fn after(bench: &Bench, before: Option<&str>) -> Schedule {
    let mut listener = bench.changes.subscribe();
    loop {
        let now = schedule(bench).await;
        if now.last_message.as_deref() != before {
            return now;
        }
        listener.next().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_starts_one_run_for_each_time_on_two_nodes() {
    for store in testkit::both().await {
        let bench = Bench::resting(&store, World::default()).await;
        let echo = "e utilities_echo_v1 input=<%=@schedule['Scheduled~At']+Time.now.zone%>";
        bench.tree("report", &[echo, "start -> e"]).await;
        let other = Bench::resting(&store, World::default()).await;
        // 2027-01-15 08:00 UTC, and 02:30 in Berlin is 01:30 UTC.
        let made = bench.engine.create_schedule(&bench.actor, input("report")).await.unwrap();
        assert_eq!(made.time_zone, "Europe/Berlin");
        assert_eq!(made.next_at.unwrap().iso(), "2027-01-16T01:30:00.000Z");
        bench.engine.run();
        other.engine.run();
        let day = 86_400_000;
        for node in [&bench, &other] {
            node.runtime.advance_ms(day);
        }
        let first = tokio::select! {
            first = after(&bench, None) => first,
            first = after(&other, None) => first,
        };
        let run = first.last_run_id.unwrap();
        let node = match bench.store.read(move |tx| store::runs::load(tx, run)).await.unwrap() {
            Some(run) if run.leased_by.as_deref() == Some("node-1") => &other,
            _ => &bench,
        };
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
        let done = loop {
            let detail = node.detail(run).await;
            if detail.run.state == RunState::Complete {
                break detail;
            }
            assert!(tokio::time::Instant::now() < deadline);
            tokio::task::yield_now().await;
        };
        assert_eq!(done.tasks[1].results["output"], "2027-01-16T01:30:00.000ZCET");
        assert_eq!(first.next_at.unwrap().iso(), "2027-01-17T01:30:00.000Z");
        // Three days pass unnoticed: one run makes up for them.
        for node in [&bench, &other] {
            node.runtime.advance_ms(3 * day);
        }
        let second = tokio::select! {
            second = after(&bench, first.last_message.as_deref()) => second,
            second = after(&other, first.last_message.as_deref()) => second,
        };
        assert_eq!(second.next_at.unwrap().iso(), "2027-01-20T01:30:00.000Z");
        let all = bench.engine.count_runs(&bench.actor, store::runs::Filter::default()).await;
        assert_eq!(all.unwrap(), 2);
        bench.crash().await;
        other.crash().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_neither_skips_a_time_nor_meets_one_twice() {
    const HOUR: i64 = 3_600_000;
    for (cron, jump) in [("0 * * * *", HOUR), ("0 2 * * *", 24 * HOUR)] {
        for store in testkit::both().await {
            let bench = Bench::resting(&store, World::default()).await;
            bench.tree("report", &["e utilities_echo_v1 input=x", "start -> e"]).await;
            let input = ScheduleInput { cron: Some(cron.into()), ..input("report") };
            let made = bench.engine.create_schedule(&bench.actor, input).await.unwrap();
            bench.engine.run();
            let runs = async || {
                let all = store::runs::Filter::default();
                bench.engine.count_runs(&bench.actor, all).await.unwrap()
            };
            // Forward past one time: it is met, once.
            bench.runtime.set_clock_ms(jump);
            bench.runtime.advance_ms(60_000);
            let first = after(&bench, None).await;
            assert_eq!((runs().await, first.next_at > made.next_at), (1, true), "{cron}");
            // Back again: that time comes once more by the clock, and is not met again.
            bench.runtime.set_clock_ms(-jump);
            for _ in 0..3 {
                bench.runtime.advance_ms(jump / 4);
                assert_eq!(schedule(&bench).await.next_at, first.next_at);
            }
            // The next one is met, after as much longer as the clock was set back.
            bench.runtime.advance_ms(jump / 4 + jump);
            let second = after(&bench, first.last_message.as_deref()).await;
            assert_eq!((runs().await, second.next_at > first.next_at), (2, true), "{cron}");
            bench.crash().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_says_what_came_of_it_and_can_be_switched_off() {
    let store = testkit::sqlite().await;
    let bench = Bench::new(&store).await;
    let made = bench.engine.create_schedule(&bench.actor, input("gone")).await.unwrap();
    bench.runtime.advance_ms(86_400_000);
    let missed = after(&bench, None).await;
    let says = "The \"Kinetic Task :: Group :: gone\" tree does not exist.";
    assert_eq!(missed.last_message.as_deref(), Some(says));
    assert!(missed.next_at > made.next_at);
    let off = ScheduleInput { enabled: Some(false), ..ScheduleInput::default() };
    let off = bench.engine.update_schedule(&bench.actor, "nightly", off).await.unwrap();
    assert_eq!(off.next_at, None);
    for (change, says) in [
        (ScheduleInput { cron: Some("x".into()), ..ScheduleInput::default() }, "five fields"),
        (ScheduleInput { cron: Some("0 0 31 2 *".into()), ..ScheduleInput::default() }, "never"),
        (
            ScheduleInput { time_zone: Some("Mars/X".into()), ..ScheduleInput::default() },
            "no time zone",
        ),
    ] {
        let refused = bench.engine.update_schedule(&bench.actor, "nightly", change).await;
        assert!(refused.unwrap_err().to_string().contains(says), "{says}");
    }
    let twice = bench.engine.create_schedule(&bench.actor, input("gone")).await;
    assert!(twice.unwrap_err().to_string().contains("exists already"));
    bench.engine.delete_schedule(&bench.actor, "nightly").await.unwrap();
    assert!(bench.engine.schedules(&bench.actor).await.unwrap().is_empty());
    bench.crash().await;
}
