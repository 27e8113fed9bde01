//! Recoveries: each job is dealt with once, whoever does it and whenever it is interrupted.

use crate::search::job;
use crate::world::{NOW, World, space_id};
use model::id::{JobId, RecoveryId};
use model::job::{ErrorClass, Job, State};
use model::recovery::{Filter, Mode, Recovery, Status};
use runtime::changes::{Heard, Topic};
use serde_json::json;
use webhooks::recovery::NewRecovery;

fn new(mode: Mode) -> NewRecovery {
    let (filter, ids) = (Filter::default(), Vec::new());
    NewRecovery { mode, filter, ids, rate_per_second: Some(10.0), note: None }
}

async fn insert(world: &World, jobs: Vec<Job>) {
    world.store.write(move |tx| store::jobs::insert(tx, &jobs)).await.unwrap();
}

fn failed(number: i64) -> Job {
    job(number - 100, |job| {
        (job.state, job.error_class) = (State::Failed, Some(ErrorClass::Timeout));
        job.kapp_id = None;
    })
}

/// Waits, told by the changes, until a recovery satisfies `done`.
async fn until(world: &World, id: &RecoveryId, done: impl Fn(&Recovery) -> bool) -> Recovery {
    let mut listener = world.changes.subscribe();
    loop {
        let recovery = world.webhooks.recovery(&world.actor, id).await.unwrap();
        if done(&recovery) {
            return recovery;
        }
        loop {
            match listener.next().await.unwrap() {
                Heard::Change(change) if change.topic != Topic::Recoveries => {}
                _ => break,
            }
        }
    }
}

async fn timeline(world: &World, id: &JobId) -> Vec<String> {
    let id = id.clone();
    let read = world.store.read(move |tx| store::job_changes::of_job(tx, &id));
    read.await.unwrap().into_iter().map(|change| change.reason).collect()
}

#[tokio::test]
async fn a_replay_goes_on_after_a_pause_and_on_another_node() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        insert(&world, (0..25).map(failed).chain([job(-200, |_| ())]).collect()).await;
        let preview = world.webhooks.preview_recovery(&world.actor, new(Mode::Replay)).await;
        let preview = preview.unwrap();
        assert_eq!((preview.count, preview.is_exact, preview.sample.len()), (25, true, 10));
        assert_eq!(preview.by_webhook, [("out".to_owned(), 25)]);
        assert_eq!(preview.by_class, [("timeout".to_owned(), 25)]);

        world.webhooks.recover();
        let made = world.webhooks.create_recovery(&world.actor, new(Mode::Replay)).await.unwrap();
        assert_eq!((made.total, made.is_total_exact), (25, true));
        let first = until(&world, &made.id, |r| r.done > 0).await;
        assert_eq!(first.done, 10, "one second's worth");
        let paused = world.webhooks.set_recovery(&world.actor, &made.id, Status::Paused).await;
        assert_eq!(paused.unwrap().status, Status::Paused);
        world.runtime.advance_ms(60_000);
        let refused = world.webhooks.set_recovery(&world.actor, &made.id, Status::Paused).await;
        assert!(refused.unwrap_err().to_string().contains("cannot become"));
        world.webhooks.set_recovery(&world.actor, &made.id, Status::Running).await.unwrap();
        until(&world, &made.id, |r| r.done == 20).await;
        world.runtime.stop().await;

        let world = World::node(&store, "node-2", NOW.plus_ms(120_000));
        world.webhooks.recover();
        let done = until(&world, &made.id, |r| r.status == Status::Complete).await;
        assert_eq!((done.done, done.skipped, done.failed), (25, 0, 0));
        let jobs = world.jobs().await;
        assert_eq!(jobs.len(), 26);
        for job in jobs {
            let was_failed = job.id.0 != "job--0200";
            let expect = if was_failed { State::Queued } else { State::Complete };
            assert_eq!((job.state, job.epoch), (expect, 1 + i64::from(was_failed)));
            let told = timeline(&world, &job.id).await;
            assert_eq!(told.len(), usize::from(was_failed), "dealt with once: {told:?}");
            let read = world.webhooks.job(&world.actor, None, &job.id).await.unwrap().found;
            assert_eq!(read.recovery_id.is_some(), was_failed);
        }
        world.runtime.stop().await;
    }
}

#[tokio::test]
async fn what_cannot_be_sent_again_is_told_and_left() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        world.webhook("broken", "", "https://example.com/${values('A').b.c}").await;
        let hook = world.webhooks.webhook(&world.actor, Some("services"), "broken").await.unwrap();
        let event = world.submit(&json!({})).await;
        let mut bad = failed(1);
        (bad.webhook_id, bad.event_id) = (Some(hook.id), Some(event.id));
        let running = job(-3, |job| (job.state, job.kapp_id) = (State::InProgress, None));
        let ids = vec![bad.id.clone(), running.id.clone(), JobId("gone".to_owned())];
        insert(&world, vec![bad.clone(), running, failed(2)]).await;
        world.webhooks.recover();
        let by_ids = NewRecovery { ids, ..new(Mode::Replay) };
        let made = world.webhooks.create_recovery(&world.actor, by_ids).await.unwrap();
        let done = until(&world, &made.id, |r| r.status == Status::Complete).await;
        assert_eq!((done.total, done.done, done.skipped, done.failed), (3, 0, 2, 1));
        let message = done.message.unwrap();
        assert!(message.contains("The URL of the webhook \"broken\""), "{message}");
        assert_eq!(world.job(&bad.id).await.state, State::Failed);
        assert_eq!(timeline(&world, &bad.id).await.len(), 1);
        world.runtime.stop().await;
    }
}

#[tokio::test]
async fn waiting_jobs_are_called_off_by_filter() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        let queued = |number: i64, url: &str| {
            let url = url.to_owned();
            job(number - 100, |job| {
                (job.state, job.url, job.started_at, job.finished_at) =
                    (State::Queued, url, None, None);
            })
        };
        let (one, two) = ("https://one.example/", "https://two.example/");
        insert(&world, vec![queued(1, one), queued(2, two), queued(3, one), failed(4)]).await;
        world.webhooks.recover();
        let filter = Filter { endpoint: Some("https://one.example".into()), ..Filter::default() };
        let cancel = NewRecovery { filter, ..new(Mode::Cancel) };
        let made = world.webhooks.create_recovery(&world.actor, cancel).await.unwrap();
        let done = until(&world, &made.id, |r| r.status == Status::Complete).await;
        assert_eq!((done.done, done.skipped), (2, 0));
        let cancelled: Vec<_> =
            world.jobs().await.into_iter().filter(|job| job.state == State::Cancelled).collect();
        assert!(cancelled.iter().all(|job| job.url == one) && cancelled.len() == 2);
        world.runtime.stop().await;
    }
}

#[tokio::test]
async fn missing_jobs_are_made_once() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        world.webhook("old", "", "https://example.com/old").await;
        for number in 0..3 {
            let event = world.submitted(number, &json!({"n": number}));
            world.commit(vec![event]).await;
        }
        world.webhook("new", "values('n') > 0", "https://example.com/${values('n')}").await;
        let from = Some(NOW.plus_ms(-1_000));
        let find =
            NewRecovery { filter: Filter { from, ..Filter::default() }, ..new(Mode::Missing) };
        world.runtime.advance_ms(1_000);
        let preview = world.webhooks.preview_recovery(&world.actor, find.clone()).await.unwrap();
        assert_eq!((preview.count, preview.is_exact), (2, true));
        assert_eq!(preview.by_webhook, [("new".to_owned(), 2)]);
        world.webhooks.recover();
        let mut outcomes = Vec::new();
        for _ in 0..2 {
            let made = world.webhooks.create_recovery(&world.actor, find.clone()).await.unwrap();
            let done = until(&world, &made.id, |r| r.status == Status::Complete).await;
            outcomes.push((done.total, done.done, done.skipped));
        }
        assert_eq!(outcomes, [(3, 2, 1), (3, 0, 3)]);
        let jobs = world.jobs().await;
        let mut urls: Vec<_> =
            jobs.iter().filter(|job| job.name == "new").map(|job| job.url.clone()).collect();
        urls.sort();
        assert_eq!(urls, ["https://example.com/1", "https://example.com/2"]);
        world.runtime.stop().await;
    }
}

#[tokio::test]
async fn a_recovery_that_makes_no_sense_is_refused_with_every_reason() {
    let store = testkit::sqlite().await;
    let world = World::new(&store).await;
    let refused = async |new: NewRecovery| {
        world.webhooks.create_recovery(&world.actor, new).await.unwrap_err().to_string()
    };
    let filter = Filter { from: Some(NOW), to: Some(NOW), ..Filter::default() };
    let rate_per_second = Some(0.0);
    let said = refused(NewRecovery { filter, rate_per_second, ..new(Mode::Replay) }).await;
    assert!(said.contains("From must be before To") && said.contains("Rate Per Second"), "{said}");
    let said = refused(new(Mode::Missing)).await;
    assert!(said.contains("From must be given"), "{said}");
    let filter = Filter { statuses: vec![State::Failed], ..Filter::default() };
    let said = refused(NewRecovery { filter, ..new(Mode::Cancel) }).await;
    assert!(said.contains("Only Queued jobs can be called off"), "{said}");
    let ids = (0..10_001).map(|n| JobId(n.to_string())).collect();
    let said = refused(NewRecovery { ids, ..new(Mode::Replay) }).await;
    assert!(said.contains("name the jobs by a filter"), "{said}");
    let filter = Filter { kapp_slug: Some("none".to_owned()), ..Filter::default() };
    let said = refused(NewRecovery { filter, ..new(Mode::Replay) }).await;
    assert!(said.contains("Unable to locate the none Kapp"), "{said}");
    let other = webhooks::Actor { is_space_admin: false, ..world.actor.clone() };
    let said = world.webhooks.create_recovery(&other, new(Mode::Replay)).await.unwrap_err();
    assert!(said.to_string().contains("not allowed"), "{said}");
    let none = RecoveryId("none".to_owned());
    let foreign =
        webhooks::Actor { space_id: model::id::SpaceId("other".to_owned()), ..world.actor.clone() };
    let made = world.webhooks.create_recovery(&world.actor, new(Mode::Replay)).await.unwrap();
    for (actor, id) in [(&world.actor, &none), (&foreign, &made.id)] {
        let said = world.webhooks.recovery(actor, id).await.unwrap_err().to_string();
        assert!(said.contains("Unable to locate"), "{said}");
    }
    assert_eq!(made.space_id, space_id());
}
