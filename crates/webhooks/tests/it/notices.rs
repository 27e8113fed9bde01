//! What a space is told about its webhooks: failing, recovered, disabled; once, whatever the node.

use crate::receiver::{Answer, Hit, Receiver};
use crate::world::World;
use model::job::State;
use model::notice::{Kind, Mail, Notice};
use runtime::changes::{Heard, Topic};
use runtime::mail::Unsent;
use serde_json::{Value, json};
use webhooks::Error;
use webhooks::definitions::WebhookInput;
use webhooks::delivery::SettingsChange;

const KAPP: Option<&str> = Some("services");

impl World {
    /// Starts deliveries and notices, which come after so many failures.
    async fn told_after(&self, failures: u32) {
        self.webhooks.deliver();
        self.webhooks.notice();
        let notices = json!({"failures": failures, "mailTo": ["ops@example.com"]});
        let change = SettingsChange { notices: Some(notices), ..SettingsChange::default() };
        self.webhooks.update_delivery(&self.actor, &change).await.unwrap();
    }

    /// Creates a webhook of the space about webhooks.
    async fn about(&self, name: &str, event: &str, filter: &str, url: &str) {
        let input = WebhookInput {
            name: Some(name.to_owned()),
            type_name: Some("Webhook".to_owned()),
            event: Some(event.to_owned()),
            filter: Some(filter.to_owned()),
            url: Some(url.to_owned()),
            ..WebhookInput::default()
        };
        self.webhooks.create_webhook(&self.actor, None, &input).await.unwrap();
    }

    async fn notices(&self) -> Vec<Notice> {
        self.webhooks.notices(&self.actor, None, None).await.unwrap().items
    }

    /// Waits until the notices, newest first, satisfy `done`.
    async fn until_mail(&self, done: impl Fn(&[Notice]) -> bool) -> Vec<Notice> {
        let mut listener = self.changes.subscribe();
        loop {
            let notices = self.notices().await;
            if !notices.is_empty() && done(&notices) {
                return notices;
            }
            listener.next().await.unwrap();
        }
    }

    /// Waits until there are so many notices, told by the changes; newest first.
    async fn until_notices(&self, count: usize) -> Vec<Notice> {
        let mut listener = self.changes.subscribe();
        loop {
            let notices = self.notices().await;
            if notices.len() >= count {
                assert_eq!(notices.len(), count, "{notices:?}");
                return notices;
            }
            while let Heard::Change(change) = listener.next().await.unwrap() {
                if change.topic == Topic::Webhooks {
                    break;
                }
            }
        }
    }
}

#[tokio::test]
async fn failing_and_recovering_are_events_and_notices_of_their_own() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        let statuses = [400, 400, 400, 200, 200];
        let receiver = Receiver::start(move |n, _| Answer::Status(statuses[n], "")).await;
        let ears = Receiver::always(Answer::Status(200, "")).await;
        world.told_after(2).await;
        world.webhook("out", "", &receiver.url("/secret")).await;
        world.about("alarm", "Failing", "webhook('name') == 'out'", &ears.url("/alarm")).await;
        world.about("deaf", "Failing", "webhook('name') == 'other'", &ears.url("/deaf")).await;
        world.about("calm", "Recovered", "", &ears.url("/calm")).await;
        for failed in 1..=3 {
            world.submit(&json!({})).await;
            world
                .until(|jobs| {
                    jobs.iter().filter(|job| job.state == State::Failed).count() == failed
                })
                .await;
        }
        let notice = world.until_notices(1).await.remove(0);
        assert_eq!((notice.kind, notice.webhook.as_str()), (Kind::Failing, "out"));
        assert_eq!(notice.message, "2 deliveries failed in a row: Answered 400 Bad Request.");
        assert_eq!(notice.mail_to, ["ops@example.com"]);
        let trouble = world.webhooks.troubles(&world.actor).await.unwrap().remove(0);
        assert_eq!((trouble.failures, trouble.is_disabled), (2, false));

        world.runtime.advance_ms(10);
        world.submit(&json!({})).await;
        let recovered = world.until_notices(2).await.remove(0);
        assert_eq!(recovered.kind, Kind::Recovered);
        assert!(world.webhooks.troubles(&world.actor).await.unwrap().is_empty());
        world
            .until(|jobs| jobs.iter().filter(|job| job.state == State::Complete).count() == 3)
            .await;
        let hits = ears.hits();
        let path = |hit: &Hit| hit.head.split(' ').nth(1).unwrap().to_owned();
        let mut paths: Vec<String> = hits.iter().map(path).collect();
        paths.sort();
        assert_eq!(paths, ["/alarm", "/calm"]);
        let alarm = hits.iter().find(|hit| path(hit) == "/alarm").unwrap();
        let body: Value = serde_json::from_str(&alarm.body).unwrap();
        assert_eq!(body["event"]["type"], "Webhook");
        assert_eq!(body["webhook"]["name"], "out");
        assert_eq!(body["trouble"]["failures"], 2);
        assert!(!alarm.body.contains("secret"), "the path may be a secret");
        // The notice stands in the trace of the job that failed.
        let failed = world.job(&notice.job_id).await;
        let event = world.webhooks.event(&world.actor, &notice.event_id).await.unwrap();
        assert_eq!(event.summary.trace_id, failed.trace_id);
        assert_eq!(event.summary.depth, failed.depth + 1);
        world.runtime.stop().await;
    }
}

#[tokio::test]
async fn a_webhook_that_was_disabled_is_told_until_a_person_enables_it() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        let receiver = Receiver::always(Answer::Status(410, "")).await;
        world.told_after(5).await;
        world.webhook("out", "", &receiver.url("/")).await;
        world.submit(&json!({})).await;
        let notice = world.until_notices(1).await.remove(0);
        assert_eq!(notice.kind, Kind::Disabled);
        assert!(notice.message.contains("410 Gone"), "{}", notice.message);
        assert!(world.webhooks.troubles(&world.actor).await.unwrap()[0].is_disabled);
        let input = WebhookInput { enabled: Some(true), ..WebhookInput::default() };
        world.webhooks.update_webhook(&world.actor, KAPP, "out", &input).await.unwrap();
        assert!(world.webhooks.troubles(&world.actor).await.unwrap().is_empty());
        // It may be told again.
        world.submit(&json!({})).await;
        world.until_notices(2).await;
        world.runtime.stop().await;
    }
}

#[tokio::test]
async fn a_webhook_is_not_told_about_itself() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        let receiver = Receiver::always(Answer::Status(400, "")).await;
        world.told_after(1).await;
        world.webhook("out", "", &receiver.url("/")).await;
        world.about("alarm", "Failing", "", &receiver.url("/alarm")).await;
        world.submit(&json!({})).await;
        let notices = world.until_notices(2).await;
        assert_eq!(notices[0].webhook, "alarm");
        assert_eq!(notices[1].webhook, "out");
        let about_itself = world.webhooks.event(&world.actor, &notices[0].event_id).await.unwrap();
        assert_eq!(about_itself.summary.verdicts, []);
        assert_eq!(world.jobs().await.len(), 2);
        world.runtime.stop().await;
    }
}

#[tokio::test]
async fn of_two_nodes_that_notice_one_tells_and_either_tells_of_the_recovery() {
    for store in testkit::both().await {
        let one = World::new(&store).await;
        let statuses = [400, 400, 200];
        let receiver = Receiver::start(move |n, _| Answer::Status(statuses[n], "")).await;
        one.told_after(1).await;
        one.webhook("out", "", &receiver.url("/")).await;
        one.submit(&json!({})).await;
        one.until_notices(1).await;
        let two = World::node(&store, "node-2", one.runtime.now());
        two.webhooks.deliver();
        two.submit(&json!({})).await;
        two.until(|jobs| jobs.iter().all(|job| job.state == State::Failed)).await;
        // Started now, it hears of the failure again, and of what the other had told.
        two.webhooks.notice();
        two.runtime.advance_ms(10);
        two.submit(&json!({})).await;
        let notices = two.until_notices(2).await;
        assert_eq!([notices[0].kind, notices[1].kind], [Kind::Recovered, Kind::Failing]);
        one.runtime.stop().await;
        two.runtime.stop().await;
    }
}

#[tokio::test]
async fn mail_is_tried_again_and_given_up_when_it_is_refused() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        let statuses = [400, 200];
        let receiver = Receiver::start(move |n, _| Answer::Status(statuses[n], "")).await;
        world.told_after(1).await;
        world.webhook("out", "", &receiver.url("/")).await;
        world.post.refusals.lock().unwrap().push(Unsent::Delayed("451 later".to_owned()));
        world.submit(&json!({})).await;
        let waits = world.until_mail(|notices| notices[0].mail_error.is_some()).await.remove(0);
        assert_eq!((waits.mail, waits.mail_tries), (Mail::Waiting, 1));
        assert_eq!(waits.mail_error.as_deref(), Some("451 later"));
        world.runtime.advance_ms(61_000);
        world.until_mail(|notices| notices[0].mail == Mail::Sent).await;
        let mail = world.post.taken.lock().unwrap().remove(0);
        assert_eq!(mail.to, "ops@example.com");
        assert_eq!(mail.subject, "Acme: the webhook \"out\" fails");
        assert!(mail.text.starts_with("1 deliveries failed in a row: Answered 400"));

        world.post.refusals.lock().unwrap().push(Unsent::Refused("550 nobody".to_owned()));
        world.submit(&json!({})).await;
        let refused = world.until_mail(|notices| notices[0].mail == Mail::Failed).await.remove(0);
        assert_eq!(refused.mail_error.as_deref(), Some("550 nobody"));
        assert!(world.post.taken.lock().unwrap().is_empty());
        world.runtime.stop().await;
    }
}

#[tokio::test]
async fn settings_of_notices_are_checked_when_they_are_saved() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        let save = async |notices: Value| {
            let change = SettingsChange { notices: Some(notices), ..SettingsChange::default() };
            world.webhooks.update_delivery(&world.actor, &change).await
        };
        for (bad, words) in [
            (json!({"failures": 0}), "failures must be from 1 to 1000"),
            (json!({"mailTo": ["nobody"]}), "\"nobody\" is no mail address"),
            (json!({"mailto": []}), "unknown field `mailto`"),
        ] {
            match save(bad).await {
                Err(Error::Invalid { problems, .. }) => {
                    assert!(problems[0].contains(words), "{problems:?}");
                }
                other => panic!("{other:?}"),
            }
        }
        let saved = save(json!({"failures": 7, "mailTo": ["ops@example.com"]})).await.unwrap();
        assert_eq!(saved.notices.failures, 7);
        // What is left out of the change stays.
        let change = SettingsChange { policy: Some(json!({})), ..SettingsChange::default() };
        let saved = world.webhooks.update_delivery(&world.actor, &change).await.unwrap();
        assert_eq!(saved.notices.mail_to, ["ops@example.com"]);
    }
}
