//! Submissions: what they become, what they fire, who may.

use crate::world::{KAPP, World, laptop, text};
use model::catalogue::Level;
use model::id::SubmissionId;
use model::submission::CoreState;
use platform::forms::FormInput;
use platform::submissions::{SaveOptions, SubmissionInput, SubmissionPatch};
use platform::{Actor, Error, Scope};
use serde_json::{Value, json};

fn input(body: Value) -> SubmissionInput {
    SubmissionInput::from_json(&body).unwrap()
}

#[tokio::test]
async fn a_submission_lives_through_its_events() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        let platform = &world.platform;
        world.laptop().await;
        let draft = world.submit(&world.ann, json!({"values": {"For": "bob"}})).await.unwrap();
        let id = draft.submission.id.as_str();
        assert_eq!(draft.submission.core_state, CoreState::Draft);
        assert_eq!(draft.submission.current_page.as_deref(), Some("Request"));
        assert_eq!(draft.submission.label, "Laptop for bob");
        assert_eq!(draft.submission.handle, id[id.len() - 6..].to_uppercase());
        let events = world.events();
        let created = &events[0];
        assert_eq!(
            (created.level, created.type_name, created.event),
            (Level::Kapp, "Submission", "Created")
        );
        assert_eq!((created.entity_key.as_str(), created.actor.as_str()), (id, "ann"));
        assert_eq!(created.label, "Laptop for bob");
        let payload = &created.payload;
        assert_eq!(payload["submission"]["coreState"], "Draft");
        assert_eq!(payload["submission"]["createdBy"], "ann");
        assert_eq!(payload["submission"]["submittedAt"], Value::Null);
        assert_eq!(payload["values"], json!({"For": "bob"}));
        assert_eq!(payload["form"]["slug"], "laptop");
        assert_eq!(payload["kapp"]["slug"], "services");
        assert_eq!(payload["space"]["slug"], "acme");
        assert!(payload.get("valuesPrevious").is_none());
        assert_eq!(events[1].event, "Saved");

        world.runtime.advance_ms(1_500);
        let body = json!({"coreState": "Submitted", "values": {"Status": "Open"}});
        let submitted = world.update(&world.ann, id, body).await.unwrap();
        assert_eq!(submitted.submission.version, 2);
        assert_eq!(submitted.submission.current_page.as_deref(), Some("Thanks"));
        let events = world.events();
        let names: Vec<&str> = events.iter().map(|event| event.event).collect();
        assert_eq!(names, ["Updated", "Submitted", "Saved"]);
        let payload = &events[1].payload;
        assert_eq!(payload["submission"]["submittedAt"], "2026-11-21T20:00:01.500Z");
        assert_eq!(payload["submission"]["submittedBy"], "ann");
        assert_eq!(payload["submissionPrevious"]["coreState"], "Draft");
        assert_eq!(
            payload["submissionChanges"]["coreState"],
            json!({
                "from": "Draft", "to": "Submitted"
            })
        );
        assert_eq!(payload["valuesPrevious"], json!({"For": "bob"}));
        assert_eq!(payload["valuesChanges"], json!({"Status": {"from": null, "to": "Open"}}));

        world.update(&world.ann, id, json!({"values": {"Status": "Done"}})).await.unwrap();
        assert_eq!(world.fired(), ["Submission Updated", "Submission Saved"]);
        let closed = world.update(&world.ann, id, json!({"coreState": "Closed"})).await.unwrap();
        assert_eq!(closed.submission.closed.as_ref().unwrap().1, "ann");
        assert_eq!(world.fired(), ["Submission Updated", "Submission Closed", "Submission Saved"]);
        let back = world.update(&world.ann, id, json!({"coreState": "Submitted"})).await;
        assert_eq!(text(back), "Unable to put a closed submission in the 'Submitted' core state");
        let late = world.update(&world.ann, id, json!({"values": {"Status": "x"}})).await;
        assert_eq!(text(late), "Unable to modify a closed submission");
        let denied = platform.delete_submission(&world.ann, id).await;
        assert!(matches!(denied, Err(Error::Forbidden { .. })));
        platform.delete_submission(&world.admin, id).await.unwrap();
        assert_eq!(world.fired(), ["Submission Deleted"]);
        let gone = platform.submission(&world.admin, id).await;
        assert_eq!(text(gone), format!("Unable to locate the {id} Submission"));
    }
}

#[tokio::test]
async fn one_request_may_create_and_submit() {
    let store = testkit::sqlite().await;
    let world = World::new(&store).await;
    world.laptop().await;
    let create = async |body: Value, completed: bool| {
        let options = SaveOptions { completed, ..SaveOptions::default() };
        let platform = &world.platform;
        platform.create_submission(&world.ann, KAPP, "laptop", input(body), &options).await
    };
    let fired = || world.events().iter().map(|e| e.event).collect::<Vec<_>>().join(" ");
    let values = json!({"For": "bob"});
    create(json!({"coreState": "Submitted", "values": values}), false).await.unwrap();
    assert_eq!(fired(), "Created Submitted Saved");
    create(json!({"values": values}), true).await.unwrap();
    assert_eq!(fired(), "Created Submitted Saved");
    create(json!({"coreState": "Draft", "values": values}), true).await.unwrap();
    assert_eq!(fired(), "Created Saved");
    create(json!({"coreState": "Closed", "values": values}), false).await.unwrap();
    assert_eq!(fired(), "Created Submitted Closed Saved");
    assert_eq!(text(create(json!({}), true).await), "Invalid Submission.\n    Say who it is for");
    assert_eq!(fired(), "");
}

#[tokio::test]
async fn datastore_submissions_are_of_their_own_type_and_never_closed() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        let platform = &world.platform;
        let pages = json!([{"name": "P", "elements": [{"type": "field", "name": "City"}]}]);
        world.form(Scope::Datastore, json!({"name": "Locations", "pages": pages})).await;
        let body = input(json!({"coreState": "Submitted", "values": {"City": "Ulm"}}));
        let options = SaveOptions::default();
        let scope = Scope::Datastore;
        let made =
            platform.create_submission(&world.admin, scope, "locations", body, &options).await;
        let id = made.unwrap().submission.id.0.clone();
        let event = world.events().remove(1);
        assert_eq!(
            (event.level, event.type_name, event.event),
            (Level::Space, "Datastore Submission", "Submitted")
        );
        let closed = world.update(&world.admin, &id, json!({"coreState": "Closed"})).await;
        assert_eq!(text(closed), "Unable to put a datastore submission in the 'Closed' core state");
        platform.delete_submission(&world.admin, &id).await.unwrap();
        assert_eq!(world.fired(), ["Datastore Submission Deleted"]);
    }
}

#[tokio::test]
async fn values_are_checked_when_a_submission_is_submitted() {
    let store = testkit::sqlite().await;
    let world = World::new(&store).await;
    world.laptop().await;
    let problems = async |state: &str, values: Value| match world
        .submit(&world.ann, json!({"coreState": state, "values": values}))
        .await
    {
        Ok(_) => String::new(),
        Err(error) => error.to_string().replace("\n    ", "|"),
    };
    let check = async |state: &str, values: Value, expect: &str| {
        assert_eq!(problems(state, values.clone()).await, expect, "{state} {values}");
    };
    check("Draft", json!({}), "").await;
    check("Draft", json!({"Email": "nonsense", "Year": "1900"}), "").await;
    check("Submitted", json!({"For": " "}), "Invalid Submission.|Say who it is for").await;
    check("Submitted", json!({"For": "bob"}), "").await;
    check("Submitted", json!({"For": "ann"}), "Invalid Submission.|Email is required").await;
    check("Submitted", json!({"For": "ann", "Email": "a@b"}), "").await;
    check(
        "Submitted",
        json!({"For": "bob", "Email": "x", "Year": "1900"}),
        "Invalid Submission.|Email must have an @|Year must be recent",
    )
    .await;
    check("Submitted", json!({"For": "bob", "Year": "2020", "Colours": ["red"]}), "").await;
    check(
        "Draft",
        json!({"For": 5, "Colours": [1], "Raw": {"any": ["thing", 1]}}),
        "Invalid Submission.|For must be text, a list of texts or null\
         |Colours must be text, a list of texts or null",
    )
    .await;
    check("Draft", json!({"Colours": [{"name": "a.txt", "size": 3}]}), "").await;
    check(
        "Draft",
        json!({"Nope": "x"}),
        "The \"Nope\" field is not defined on the \"acme > Services > Laptop\" form.",
    )
    .await;
    // A submitted one is looked at where it changes only.
    let made = world.submit(&world.ann, json!({"coreState": "Submitted", "values": {"For": "b"}}));
    let id = made.await.unwrap().submission.id.0.clone();
    world.update(&world.ann, &id, json!({"values": {"Status": "x"}})).await.unwrap();
    let bad = world.update(&world.ann, &id, json!({"values": {"Email": "x"}})).await;
    assert_eq!(text(bad), "Invalid Submission.\n    Email must have an @");
    let cleared = world.update(&world.ann, &id, json!({"values": {"For": null}})).await;
    assert_eq!(text(cleared), "Invalid Submission.\n    Say who it is for");
}

#[tokio::test]
async fn pages_are_submitted_one_after_the_other() {
    let store = testkit::sqlite().await;
    let world = World::new(&store).await;
    world.laptop().await;
    let platform = &world.platform;
    let page = |name: &str, staged: bool| SaveOptions {
        page: Some(name.to_owned()),
        staged,
        ..SaveOptions::default()
    };
    let first = input(json!({"values": {"For": "bob"}}));
    let made = platform
        .create_submission(&world.ann, KAPP, "laptop", first, &page("Request", false))
        .await
        .unwrap();
    let id = made.submission.id.as_str();
    assert_eq!(made.submission.current_page.as_deref(), Some("Details"));
    assert_eq!(made.submission.core_state, CoreState::Draft);
    let submit = async |values: Value, name: &str, staged: bool| {
        let body = input(json!({"values": values}));
        platform.submit_page(&world.ann, id, body, &page(name, staged)).await
    };
    assert_eq!(
        text(submit(json!({"For": "x"}), "Details", false).await),
        "The \"For\" field is not on the \"Details\" page."
    );
    assert_eq!(
        text(submit(json!({}), "Nowhere", false).await),
        "The \"Nowhere\" page is not defined on the \"acme > Services > Laptop\" form."
    );
    let staged = submit(json!({"Email": "x"}), "Details", true).await.unwrap();
    assert_eq!(staged.submission.core_state, CoreState::Draft);
    assert_eq!(
        text(submit(json!({}), "Details", false).await),
        "Invalid Submission.\n    Email must have an @"
    );
    world.events();
    let done = submit(json!({"Email": "a@b"}), "Details", false).await.unwrap();
    assert_eq!(done.submission.core_state, CoreState::Submitted);
    assert_eq!(done.submission.current_page.as_deref(), Some("Thanks"));
    assert_eq!(world.fired(), ["Submission Updated", "Submission Submitted", "Submission Saved"]);
    let options = SaveOptions::default();
    let without = platform.submit_page(&world.ann, id, input(json!({})), &options).await;
    assert_eq!(text(without), "The page parameter must name the page that is submitted");
}

#[tokio::test]
async fn the_same_id_makes_one_submission() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        world.laptop().await;
        let id = SubmissionId("0190d6f2-7e1c-7abc-8def-0123456789ab".to_owned());
        let body =
            SubmissionInput { id: Some(id.clone()), ..input(json!({"values": {"For": "bob"}})) };
        let options = SaveOptions::default();
        let create = |actor: &Actor, body: &SubmissionInput| {
            let (platform, actor, body) = (world.platform.clone(), actor.clone(), body.clone());
            let options = options.clone();
            async move { platform.create_submission(&actor, KAPP, "laptop", body, &options).await }
        };
        let (a, b) = tokio::join!(create(&world.admin, &body), create(&world.admin, &body));
        assert_eq!(
            (a.unwrap().submission.id.clone(), b.unwrap().submission.id.clone()),
            (id.clone(), id)
        );
        assert_eq!(world.fired(), ["Submission Created", "Submission Saved"]);
        assert!(matches!(create(&world.ann, &body).await, Err(Error::Forbidden { .. })));
        let odd = SubmissionInput { id: Some(SubmissionId("../x".to_owned())), ..body };
        assert_eq!(
            text(create(&world.admin, &odd).await),
            "Invalid Submission.\n    Id must be a UUID"
        );
    }
}

#[tokio::test]
async fn updates_at_once_all_count() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        world.laptop().await;
        let made = world.submit(&world.ann, json!({"values": {"For": "bob"}})).await.unwrap();
        let id = made.submission.id.as_str();
        world.events();
        // Two nodes, so that nothing but the guarded update keeps them apart.
        let (store, runtime) = (store.clone(), world.runtime.clone());
        let other = platform::Platform::new(store, runtime, world.outbox.clone());
        let (a, b) = tokio::join!(
            world.update(&world.ann, id, json!({"values": {"Status": "Open"}})),
            other.update_submission(&world.admin, id, input(json!({"values": {"Email": "a@b"}}))),
        );
        let mut versions = [a.unwrap().submission.version, b.unwrap().submission.version];
        versions.sort_unstable();
        assert_eq!(versions, [2, 3]);
        let end = world.platform.submission(&world.admin, id).await.unwrap();
        assert_eq!(
            Value::Object(end.submission.values.clone()),
            json!({"For": "bob", "Status": "Open", "Email": "a@b"})
        );
        assert_eq!(world.fired().len(), 4);
    }
}

#[tokio::test]
async fn many_updates_at_once_all_count_on_one_node() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        world.laptop().await;
        let made = world.submit(&world.ann, json!({})).await.unwrap();
        let id = made.submission.id.0.clone();
        let tasks: Vec<_> = (0..24)
            .map(|i| {
                let (platform, actor, id) =
                    (world.platform.clone(), world.admin.clone(), id.clone());
                let field = ["Status", "Email", "For"][i % 3];
                let body = input(json!({"values": {field: i.to_string()}}));
                world.runtime.spawn(async move {
                    platform.update_submission(&actor, &id, body).await.map(|_| ())
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        let end = world.platform.submission(&world.admin, &id).await.unwrap();
        assert_eq!(end.submission.version, 25);
        assert_eq!(end.submission.values.len(), 3);
    }
}

#[tokio::test]
async fn a_changed_form_is_noticed_inside_the_write() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        world.laptop().await;
        world.submit(&world.ann, json!({})).await.unwrap();
        // Another node changes the form: this one still has the old form in its cache.
        let other =
            platform::Platform::new(store.clone(), world.runtime.clone(), world.outbox.clone());
        let mut changed = laptop();
        changed["pages"][0]["elements"] = json!([{"type": "field", "name": "Whom"}]);
        let changed = FormInput::from_json(&changed).unwrap();
        other.update_form(&world.admin, KAPP, "laptop", changed).await.unwrap();
        let old = world.submit(&world.ann, json!({"values": {"For": "x"}})).await;
        // Refused by fresh rules: the stale context did not get past the write.
        assert!(matches!(old, Err(Error::UndefinedField { .. })), "{old:?}");
        world.submit(&world.ann, json!({"values": {"Whom": "x"}})).await.unwrap();
        other.delete_form(&world.admin, KAPP, "laptop").await.unwrap();
        let gone = world.submit(&world.ann, json!({"values": {"Whom": "x"}})).await;
        assert_eq!(text(gone), "Unable to locate the laptop Form");
    }
}

#[tokio::test]
async fn a_patch_migrates_without_events() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        world.laptop().await;
        let patch = |body: Value| SubmissionPatch::from_json(&body).unwrap();
        let old = patch(json!({
            "id": "0190d6f2-7e1c-7abc-8def-0123456789ab", "coreState": "Closed",
            "createdAt": "2019-01-01T00:00:00Z", "createdBy": "old", "values": {"Email": "x"},
            "submittedAt": "2019-01-02T00:00:00Z", "submittedBy": "old",
            "closedAt": "2019-01-03T00:00:00Z",
        }));
        let platform = &world.platform;
        let denied = platform.patch_new_submission(&world.ann, KAPP, "laptop", old.clone()).await;
        assert!(matches!(denied, Err(Error::Forbidden { .. })));
        let made = platform.patch_new_submission(&world.admin, KAPP, "laptop", old.clone()).await;
        let submission = made.unwrap().submission;
        assert_eq!(submission.audit.created_at.iso(), "2019-01-01T00:00:00.000Z");
        assert_eq!(submission.submitted.as_ref().unwrap().1, "old");
        let (at, by) = submission.closed.clone().unwrap();
        assert_eq!((at.iso().as_str(), by.as_str()), ("2019-01-03T00:00:00.000Z", "admin"));
        let again = platform.patch_new_submission(&world.admin, KAPP, "laptop", old).await;
        assert!(matches!(again, Err(Error::Unique { .. })));
        let reopened = patch(json!({"coreState": "Draft", "closedAt": null}));
        let id = submission.id.as_str();
        let reopened = platform.patch_submission(&world.admin, id, reopened).await.unwrap();
        assert_eq!(reopened.submission.core_state, CoreState::Draft);
        assert_eq!((reopened.submission.closed.clone(), reopened.submission.version), (None, 2));
        assert!(world.fired().is_empty());
    }
}

#[tokio::test]
async fn people_see_and_change_their_own() {
    let store = testkit::sqlite().await;
    let world = World::new(&store).await;
    let platform = &world.platform;
    world.laptop().await;
    world.form(KAPP, json!({"name": "Hidden", "status": "Inactive"})).await;
    let mine = world.submit(&world.ann, json!({})).await.unwrap().submission.id.0.clone();
    let other = world.submit(&world.admin, json!({})).await.unwrap().submission.id.0.clone();
    platform.submission(&world.ann, &mine).await.unwrap();
    platform.submission(&world.admin, &mine).await.unwrap();
    let denied = platform.submission(&world.ann, &other).await;
    assert_eq!(text(denied), format!("You are not allowed to see the {other} Submission"));
    let denied = world.update(&world.ann, &other, json!({})).await;
    assert!(matches!(denied, Err(Error::Forbidden { .. })));
    let options = SaveOptions::default();
    let hidden =
        platform.create_submission(&world.ann, KAPP, "hidden", input(json!({})), &options).await;
    assert_eq!(text(hidden), "You are not allowed to fill in the hidden Form");
    let nobody = Actor::anonymous(world.admin.space_id.clone(), platform.outside());
    assert!(matches!(world.submit(&nobody, json!({})).await, Err(Error::Unauthenticated)));
    assert!(matches!(platform.submission(&nobody, &mine).await, Err(Error::Unauthenticated)));
    let foreign = Actor::system(model::id::SpaceId("other".to_owned()), platform.outside());
    assert!(matches!(platform.submission(&foreign, &mine).await, Err(Error::NotFound { .. })));
}

#[tokio::test]
async fn references_and_pages_must_exist() {
    let store = testkit::sqlite().await;
    let world = World::new(&store).await;
    world.laptop().await;
    let first = world.submit(&world.ann, json!({})).await.unwrap().submission.id.0.clone();
    let child = world.submit(&world.ann, json!({"parent": {"id": first}})).await.unwrap();
    assert_eq!(child.submission.parent_id.as_ref().unwrap().0, first);
    let missing = world.submit(&world.ann, json!({"origin": "nope"})).await;
    assert_eq!(
        text(missing),
        "Invalid Submission.\n    Origin must be an existing submission, not nope"
    );
    let page = world.submit(&world.ann, json!({"currentPage": "Nope"})).await;
    assert_eq!(
        text(page),
        "The \"Nope\" page is not defined on the \"acme > Services > Laptop\" form."
    );
    let state = SubmissionInput::from_json(&json!({"coreState": "Open"}));
    assert_eq!(
        text(state),
        "Invalid Submission.\n    Core State must be one of Draft, Submitted, Closed, not \"Open\""
    );
}

#[tokio::test]
async fn too_large_a_payload_is_refused_whole() {
    let store = testkit::sqlite().await;
    let world = World::new(&store).await;
    world.laptop().await;
    let large = "x".repeat(2 * 1024 * 1024);
    let refused = world.submit(&world.ann, json!({"values": {"Status": large}})).await;
    assert!(matches!(refused, Err(Error::TooLarge { .. })), "{refused:?}");
    assert!(world.fired().is_empty());
}

/// An outbox whose write waits until the test lets it go on.
struct Slow {
    applying: tokio::sync::mpsc::UnboundedSender<std::sync::mpsc::Sender<()>>,
    committed: tokio::sync::mpsc::UnboundedSender<()>,
}

impl platform::Outbox for Slow {
    fn prepare(
        &self,
        _events: Vec<model::event::Event>,
    ) -> platform::BoxFuture<'_, Result<Box<dyn platform::Prepared>, Error>> {
        let slow = Slow { applying: self.applying.clone(), committed: self.committed.clone() };
        Box::pin(async move { Ok(Box::new(slow) as Box<dyn platform::Prepared>) })
    }
}

impl platform::Prepared for Slow {
    fn apply(&self, _tx: &mut store::Tx) -> Result<(), store::Error> {
        let (go, wait) = std::sync::mpsc::channel();
        self.applying.send(go).unwrap();
        wait.recv().unwrap();
        Ok(())
    }

    fn committed(&self) {
        self.committed.send(()).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_who_goes_away_does_not_stop_what_was_committed() {
    let store = testkit::sqlite().await;
    let world = World::new(&store).await;
    world.laptop().await;
    let (applying, mut is_applying) = tokio::sync::mpsc::unbounded_channel();
    let (committed, mut is_committed) = tokio::sync::mpsc::unbounded_channel();
    let outbox = std::sync::Arc::new(Slow { applying, committed });
    let slow = platform::Platform::new(store.clone(), world.runtime.clone(), outbox);
    let ann = world.ann.clone();
    let caller = world.runtime.spawn(async move {
        let options = SaveOptions::default();
        slow.create_submission(&ann, KAPP, "laptop", input(json!({})), &options).await
    });
    let go = is_applying.recv().await.unwrap();
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    go.send(()).unwrap();
    is_committed.recv().await.unwrap();
}
