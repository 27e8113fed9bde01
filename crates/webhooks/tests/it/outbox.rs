//! Events into transactions: verdicts, jobs, runs, generations.

use crate::world::{World, kapp_id};
use model::event::Verdict;
use model::job::State;
use model::payload::{Part, Payload};
use serde_json::{Value, json};
use std::sync::Arc;
use webhooks::history::EventQuery;

const INSIDE: &str = "/app/api/v1/run-tree/${space('attribute:Task Source Name')}\
    /Submissions%20%3E%20${kapp('slug')}%20%3E%20${form('slug')}/Submitted";
const TITLE: &str = "Kinetic Request CE :: Submissions > services > laptop :: Submitted";

#[tokio::test]
async fn verdicts_say_why_a_webhook_fired_or_did_not() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        world.engine.add(TITLE);
        world.webhook("a fires", "values('Status') == 'Open'", INSIDE).await;
        world.webhook("b does not", "values('Status') == 'Closed'", INSIDE).await;
        world.webhook("c throws", "nothing.there", INSIDE).await;
        world.webhook("d has no url", "", "/${values('Empty')}").await;
        let event = world.submit(&json!({"Status": "Open"})).await;

        let detail = world.webhooks.event(&world.actor, &event.id).await.unwrap();
        let verdicts = detail.summary.verdicts;
        let told: Vec<_> = verdicts.iter().map(|v| (v.webhook.as_str(), v.verdict)).collect();
        assert_eq!(
            told,
            [
                ("a fires", Verdict::Fired),
                ("b does not", Verdict::NotMatched),
                ("c throws", Verdict::FilterError),
                ("d has no url", Verdict::UrlError),
            ]
        );
        let message = |n: usize| verdicts[n].message.clone().unwrap_or_default();
        assert_eq!(message(0), "");
        assert_eq!(message(1), "The filter did not hold");
        assert!(message(2).contains("nothing"), "{}", message(2));
        assert!(message(2).contains("line 1"), "{}", message(2));
        assert!(message(3).contains("values('Empty')"), "{}", message(3));
        assert_eq!(verdicts[0].scope, "Kapp");
        assert_eq!(detail.jobs.len(), 1);
        assert_eq!(verdicts[0].job_id.as_ref(), Some(&detail.jobs[0].job.id));
        let sent: Value = serde_json::from_str(&detail.payload).unwrap();
        assert_eq!(event.payload, sent);
    }
}

#[tokio::test]
async fn an_internal_job_starts_its_run_in_the_same_transaction() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        world.engine.add(TITLE);
        world.webhook("inside", "", INSIDE).await;
        let event = world.submit(&json!({})).await;
        let jobs = world.jobs().await;
        let [job] = &jobs[..] else { panic!("{jobs:?}") };
        assert_eq!((job.state, job.summary.as_deref()), (State::Complete, Some("200 OK")));
        assert_eq!(job.run_id.map(|run| run.0), Some(1));
        assert_eq!(job.kapp_id, Some(kapp_id()));
        let answer: Value = serde_json::from_str(job.response_content.as_ref().unwrap()).unwrap();
        assert_eq!(
            answer,
            json!({
                "message": format!("Initiated run #1 for the \"{TITLE}\" tree."),
                "messageType": "success",
                "runId": "1",
                "run": {"id": 1},
            })
        );
        let asked = world.engine.asked.lock().unwrap();
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].job_id.as_ref(), Some(&job.id));
        assert_eq!(asked[0].event_id.as_ref(), Some(&event.id));
        assert_eq!(asked[0].record_id.as_deref(), Some("submission-1"));
        assert_eq!(world.engine.started.lock().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_missing_tree_or_path_fails_the_job_and_not_the_change() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        world.webhook("missing tree", "", INSIDE).await;
        world.webhook("nowhere", "", "/app/elsewhere").await;
        world.submit(&json!({})).await;
        let mut jobs = world.jobs().await;
        jobs.sort_by(|a, b| a.name.cmp(&b.name));
        for job in &jobs {
            assert_eq!((job.state, job.run_id), (State::Failed, None));
            assert_eq!(job.summary.as_deref(), Some("404 Not Found"));
        }
        let answer = jobs[0].response_content.as_deref();
        let expect = json!({"message": format!("The \"{TITLE}\" tree does not exist.")});
        assert_eq!(answer, Some(expect.to_string().as_str()));
        assert!(world.engine.started.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_webhook_that_moves_in_between_has_the_event_prepared_again() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        world.engine.add(TITLE);
        world.webhook("first", "", INSIDE).await;
        let event = world.submitted(1, &json!({}));
        let prepared = Arc::new(world.webhooks.prepare(vec![event.clone()]).await.unwrap());
        // Another node creates a webhook; this one has its old snapshot.
        let other = World::node(&store, "node-2", crate::world::NOW);
        other.webhook("second", "", INSIDE).await;
        assert!(matches!(world.write(&prepared).await, Err(store::Error::Stale)));
        assert!(world.jobs().await.is_empty(), "nothing of the refused transaction stays");
        world.commit(vec![event]).await;
        assert_eq!(world.jobs().await.len(), 2);
        let events = world.webhooks.events(&world.actor, EventQuery::default()).await.unwrap();
        assert_eq!((events.items.len(), events.items[0].jobs), (1, 2));
    }
}

#[tokio::test]
async fn a_long_chain_of_causes_stops() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        world.webhook("inside", "", INSIDE).await;
        let mut event = world.submitted(1, &json!({}));
        event.cause.depth = model::limits::CAUSE_DEPTH_MAX;
        world.commit(vec![event.clone()]).await;
        let detail = world.webhooks.event(&world.actor, &event.id).await.unwrap();
        assert_eq!(detail.summary.verdicts[0].verdict, Verdict::DepthLimit);
        assert!(detail.jobs.is_empty());
    }
}

#[tokio::test]
async fn the_events_of_one_change_store_what_they_share_once() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        let filter = "event('action') == 'Saved'";
        world.webhook("outside", filter, "https://example.com/").await;
        let mut events = Vec::new();
        let values = json!({"values": {"Text": "äöü".repeat(200)}});
        let rest = [Arc::new(Part::written(&values))];
        for action in ["Crëated", "Saved", "Submitted"] {
            let mut event = world.submitted(1, &json!({}));
            let head = Part::written(&json!({"event": {"action": action}}));
            event.payload = Payload::new(head, &rest);
            events.push(event);
        }
        // The webhooks are read before they are counted on.
        drop(world.webhooks.prepare(events.clone()).await.unwrap());
        let before = store.stats().statements;
        world.commit(events.clone()).await;
        assert_eq!(store.stats().statements - before, 2, "one for all events, one for all jobs");
        for event in &events {
            let detail = world.webhooks.event(&world.actor, &event.id).await.unwrap();
            assert_eq!(detail.payload, event.payload.text());
        }
        let jobs = world.jobs().await;
        assert_eq!(jobs.len(), 1);
        let sent = world.webhooks.event(&world.actor, &events[1].id).await.unwrap().jobs;
        assert_eq!(sent[0].request_content(), Some(&*events[1].payload.text()));
        let space = world.actor.space_id.clone();
        let stored = store.read(move |tx| store::events::kept_chars(tx, &space));
        let stored: Result<i64, store::Error> = stored.await;
        assert!(stored.unwrap() < 900, "600 characters are stored once");
    }
}

#[tokio::test]
async fn an_event_costs_few_statements_however_many_webhooks_fire() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        for n in 0..10 {
            world.webhook(&format!("w{n}"), "values('A') == 1", "https://example.com/").await;
        }
        world.submit(&json!({"A": 1})).await;
        let events = (0..100).map(|n| world.submitted(n, &json!({"A": 1}))).collect::<Vec<_>>();
        let before = store.stats();
        for event in events {
            world.commit(vec![event]).await;
        }
        let after = store.stats();
        // One statement for the event and its generation check, one for all of its jobs.
        assert_eq!(after.statements - before.statements, 200);
        assert!(after.commits - before.commits <= 100);
        assert_eq!(world.jobs().await.len(), 1_000, "the list's limit; there are 1010");
    }
}
