//! Search over jobs: every filter finds what it names and nothing else, in pages that join up.

use crate::world::{NOW, World, kapp_id, space_id};
use model::Audit;
use model::id::{EventId, JobId, TraceId};
use model::job::{ErrorClass, Job, State};
use serde_json::json;
use store::jobs::{Query, Scope};
use webhooks::jobs::JobQuery;

/// A job of the kapp, due so many seconds after the beginning.
pub(crate) fn job(number: i64, change: impl FnOnce(&mut Job)) -> Job {
    let at = NOW.plus_ms(number / 2 * 1_000);
    let mut job = Job {
        id: JobId(format!("job-{number:05}")),
        space_id: space_id(),
        kapp_id: Some(kapp_id()),
        event_id: None,
        webhook_id: None,
        trace_id: TraceId("trace".to_owned()),
        depth: 0,
        name: "out".to_owned(),
        type_name: "Submission".to_owned(),
        event: "Submitted".to_owned(),
        parent_type: "Submission".to_owned(),
        parent_id: "s".to_owned(),
        parent_key: "s".to_owned(),
        url: "https://example.com/hook".to_owned(),
        state: State::Complete,
        summary: Some("200 OK".to_owned()),
        request_content: Some("{}".to_owned()),
        response_content: Some("ok".to_owned()),
        retry_count: 0,
        scheduled_at: at,
        started_at: Some(at),
        finished_at: Some(at),
        run_id: None,
        leased_by: None,
        leased_until: None,
        epoch: 1,
        error_class: None,
        audit: Audit::created(at, "ann"),
    };
    change(&mut job);
    job
}

async fn insert(world: &World, jobs: Vec<Job>) {
    world.store.write(move |tx| store::jobs::insert(tx, &jobs)).await.unwrap();
}

/// The numbers of what a query lists, read in pages of two.
async fn found(world: &World, query: JobQuery) -> Vec<i64> {
    let mut query = JobQuery { all: true, limit: Some(2), ..query };
    let mut numbers = Vec::new();
    loop {
        let page = world.webhooks.jobs(&world.actor, query.clone()).await.unwrap();
        assert!(page.items.len() <= 2);
        let number = |id: &JobId| id.as_str().trim_start_matches("job-").parse::<i64>().unwrap();
        numbers.extend(page.items.iter().map(|found| number(&found.job.id)));
        match page.next_page_token {
            Some(token) => query.page_token = Some(token),
            None => return numbers,
        }
    }
}

#[tokio::test]
async fn each_filter_finds_what_it_names() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        world.webhook("hook", "", "https://example.com/").await;
        let hook = world.webhooks.webhook(&world.actor, Some("services"), "hook").await.unwrap();
        let event = world.submitted(1, &json!({"Needle": "Blue 50% off"}));
        world.commit(vec![event.clone()]).await;
        let born = world.jobs().await.remove(0);
        let (space, born) = (space_id(), born.id);
        world.store.write(move |tx| store::jobs::delete(tx, &space, &born)).await.unwrap();
        let failed = |class: ErrorClass| {
            move |job: &mut Job| {
                (job.state, job.error_class) = (State::Failed, Some(class));
            }
        };
        insert(
            &world,
            vec![
                job(1, |_| ()),
                job(2, failed(ErrorClass::Timeout)),
                job(3, failed(ErrorClass::Http5xx)),
                job(4, |job| job.state = State::Cancelled),
                job(5, |job| job.url = "https://EXAMPLE.com:443?x=1".to_owned()),
                job(6, |job| job.url = "http://example.com:8080/other".to_owned()),
                job(7, |job| job.webhook_id = Some(hook.id.clone())),
                job(8, |job| job.response_content = Some("A 50% Rebate".to_owned())),
                job(9, |job| job.request_content = Some("50 per cent".to_owned())),
                job(10, |job| {
                    (job.request_content, job.event_id) = (None, Some(event.id.clone()));
                }),
                job(11, |job| job.kapp_id = None),
                job(12, |job| job.summary = Some("50% done".to_owned())),
                job(13, failed(ErrorClass::Timeout)),
            ],
        )
        .await;
        let query = JobQuery::default;
        let all: Vec<i64> = (1..=13).rev().collect();
        assert_eq!(found(&world, query()).await, all);
        let states = vec![State::Failed, State::Cancelled, State::Failed];
        let found_of = async |query: JobQuery| found(&world, query).await;
        assert_eq!(found_of(JobQuery { states, ..query() }).await, [13, 4, 3, 2]);
        let states = vec![State::Complete, State::Cancelled];
        let complete = found_of(JobQuery { states, ..query() }).await;
        assert_eq!(complete, [12, 11, 10, 9, 8, 7, 6, 5, 4, 1]);
        let classes = vec![ErrorClass::Timeout, ErrorClass::Http5xx];
        assert_eq!(found_of(JobQuery { classes, ..query() }).await, [13, 3, 2]);
        let classes = vec![ErrorClass::Timeout];
        let (start, end) = (Some(NOW.plus_ms(1_000)), Some(NOW.plus_ms(6_000)));
        assert_eq!(found_of(JobQuery { classes, start, end, ..query() }).await, [2]);
        let id = Some(JobId("job-00004".to_owned()));
        assert_eq!(found_of(JobQuery { id, ..query() }).await, [4]);
        let webhook = Some("hook".to_owned());
        assert_eq!(found_of(JobQuery { webhook, ..query() }).await, [7]);
        let endpoint = Some("https://example.com".to_owned());
        let there = found_of(JobQuery { endpoint, ..query() }).await;
        assert_eq!(there, all.iter().copied().filter(|n| *n != 6).collect::<Vec<_>>());
        let endpoint = Some("http://example.com:8080".to_owned());
        assert_eq!(found_of(JobQuery { endpoint, ..query() }).await, [6]);
        let url = Some("OTHER".to_owned());
        assert_eq!(found_of(JobQuery { url, ..query() }).await, [6]);
        let content = Some("50%".to_owned());
        assert_eq!(found_of(JobQuery { content: content.clone(), ..query() }).await, [10, 8]);
        let with = JobQuery { content, content_or_summary: true, ..query() };
        assert_eq!(found_of(with).await, [12, 10, 8]);
        let event_id = Some(event.id.clone());
        assert_eq!(found_of(JobQuery { event_id, ..query() }).await, [10]);
        let event_id = Some(EventId("none".to_owned()));
        assert!(found_of(JobQuery { event_id, ..query() }).await.is_empty());
        let kapp = Some("services".to_owned());
        let of_kapp = found_of(JobQuery { kapp, ..query() }).await;
        assert_eq!(of_kapp, all.iter().copied().filter(|n| *n != 11).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_search_says_how_far_it_looked_and_goes_on_from_there() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        let jobs = (0..500).map(|number| {
            job(number, |job| {
                if number % 200 == 0 {
                    job.response_content = Some("needle".to_owned());
                }
            })
        });
        insert(&world, jobs.collect()).await;
        let content = Some("needle".to_owned());
        let query = JobQuery {
            all: true,
            content: content.clone(),
            limit: Some(10),
            ..JobQuery::default()
        };
        let page = world.webhooks.jobs(&world.actor, query).await.unwrap();
        let looked = page.looked.unwrap();
        assert_eq!((page.items.len(), looked.rows, looked.back_to), (3, 500, None));
        let indexed = JobQuery { all: true, limit: Some(10), ..JobQuery::default() };
        let page = world.webhooks.jobs(&world.actor, indexed).await.unwrap();
        assert_eq!((page.items.len(), page.looked), (10, None));

        // The same in steps of fifty rows, as a search of a long history takes them.
        let mut wanted = Query { scope: Scope::All, content, limit: 10, ..Query::default() };
        let (mut steps, mut seen) = (0, Vec::new());
        loop {
            let (space, query) = (space_id(), wanted.clone());
            let step = world.store.read(move |tx| store::jobs::step(tx, &space, &query, 50));
            let step = step.await.unwrap();
            (steps, wanted.after) = (steps + 1, step.resume);
            seen.extend(step.found.into_iter().map(|found| found.job.id.0));
            if wanted.after.is_none() {
                break;
            }
        }
        assert_eq!(seen, ["job-00400", "job-00200", "job-00000"]);
        assert!((10..=11).contains(&steps), "{steps}");
    }
}

#[tokio::test]
async fn summaries_leave_out_what_was_sent_and_received() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        insert(&world, vec![job(1, |_| ())]).await;
        for (without_bodies, expect) in [(false, Some("ok")), (true, None)] {
            let query = JobQuery { all: true, without_bodies, ..JobQuery::default() };
            let page = world.webhooks.jobs(&world.actor, query).await.unwrap();
            assert_eq!(page.items[0].job.response_content.as_deref(), expect);
        }
    }
}

#[tokio::test]
async fn counts_say_when_they_stopped() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        insert(&world, (0..30).map(|number| job(number, |_| ())).collect()).await;
        let counts = world.webhooks.job_counts(&world.actor, JobQuery::default()).await.unwrap();
        assert_eq!((counts.all, counts.is_exact), (0, true), "the space has none of its own");
        let all = JobQuery { all: true, ..JobQuery::default() };
        let counts = world.webhooks.job_counts(&world.actor, all).await.unwrap();
        assert_eq!((counts.all, counts.failed, counts.is_exact), (30, 0, true));
        let count = async |limit, rows| {
            let content = Some("ok".to_owned());
            let query = Query { scope: Scope::All, content, limit, ..Query::default() };
            let read =
                world.store.read(move |tx| store::jobs::count(tx, &space_id(), &query, rows));
            read.await.unwrap()
        };
        assert_eq!(count(100, 100).await, (30, true));
        assert_eq!(count(20, 100).await, (20, false), "as far as counting goes");
        assert_eq!(count(100, 10).await, (10, false), "as far as rows are looked at");
    }
}
