//! Forms of kapps and of the datastore.

use crate::world::{KAPP, World, laptop, text};
use model::catalogue::Level;
use platform::forms::{Archived, FormInput};
use platform::{Actor, Error, ListQuery, Scope};
use serde_json::{Value, json};

fn form(body: Value) -> FormInput {
    FormInput::from_json(&body).unwrap()
}

#[tokio::test]
async fn a_form_lives_through_its_events() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        let platform = &world.platform;
        let created = platform.create_form(&world.admin, KAPP, form(laptop())).await.unwrap();
        let events = world.events();
        assert_eq!(events.len(), 1);
        let event = &events[0];
        assert_eq!((event.level, event.type_name, event.event), (Level::Kapp, "Form", "Created"));
        assert_eq!(event.kapp_id, created.form.kapp_id);
        let payload = &event.payload;
        assert_eq!(
            payload["event"],
            json!({"action": "Created", "type": "Form", "timestamp": "2026-11-21T20:00:00.000Z"})
        );
        assert_eq!(payload["space"]["attributes"]["Task Source Name"][0], "Kinetic Request CE");
        assert_eq!(payload["kapp"]["attributes"], json!({"Icon": ["fa-star"]}));
        assert_eq!(payload["form"]["type"], "Service");
        assert!(payload["form"].get("pages").is_none());

        let change = form(json!({"name": "Notebook", "description": "A computer"}));
        let updated = platform.update_form(&world.admin, KAPP, "laptop", change).await.unwrap();
        assert_eq!((updated.form.version, updated.form.slug.as_str()), (2, "laptop"));
        let events = world.events();
        assert_eq!(events[0].event, "Updated");
        assert_eq!(events[0].payload["formPrevious"]["name"], "Laptop");
        assert_eq!(events[0].payload["form"]["name"], "Notebook");

        let deleted = platform.delete_form(&world.admin, KAPP, "laptop").await.unwrap();
        let token = deleted.form.restoration_token.clone().unwrap();
        let gone = platform.form(&world.admin, KAPP, "laptop").await;
        assert_eq!(text(gone), "Unable to locate the laptop Form");
        let which = Archived { slug: Some("laptop".to_owned()), ..Archived::default() };
        let archived = platform.archived_forms(&world.admin, KAPP, &which).await.unwrap();
        assert_eq!(archived.len(), 1);

        // The slug is free again, so the old form has to come back under another one.
        platform.create_form(&world.admin, KAPP, form(laptop())).await.unwrap();
        let taken = platform.restore_form(&world.admin, KAPP, &token, form(json!({}))).await;
        assert_eq!(text(taken), "The slug \"laptop\" is already taken by another Form");
        let other = form(json!({"slug": "notebook"}));
        let restored = platform.restore_form(&world.admin, KAPP, &token, other).await.unwrap();
        assert_eq!(restored.form.id, created.form.id);
        assert_eq!(restored.form.restoration_token, None);
        assert_eq!(world.fired(), ["Form Deleted", "Form Created", "Form Restored"]);
    }
}

#[tokio::test]
async fn datastore_forms_are_of_their_own_type() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        let platform = &world.platform;
        let locations = form(json!({"name": "Locations"}));
        platform.create_form(&world.admin, Scope::Datastore, locations.clone()).await.unwrap();
        let event = world.events().remove(0);
        assert_eq!((event.level, event.type_name), (Level::Space, "Datastore Form"));
        assert!(event.kapp_id.is_none() && event.payload.get("kapp").is_none());
        // The same slug may exist in a kapp, but only once in the datastore.
        platform.create_form(&world.admin, KAPP, locations.clone()).await.unwrap();
        let again = platform.create_form(&world.admin, Scope::Datastore, locations).await;
        assert!(matches!(again, Err(Error::Unique { .. })));
        let query = ListQuery::default();
        let page = platform.forms(&world.admin, Scope::Datastore, &query).await.unwrap();
        assert_eq!(page.items.len(), 1);
        platform.delete_form(&world.admin, Scope::Datastore, "locations").await.unwrap();
        assert_eq!(world.fired(), ["Form Created", "Datastore Form Deleted"]);
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_form_is_listed() {
    let store = testkit::sqlite().await;
    let world = World::new(&store).await;
    let create = async |body: Value| {
        let input = FormInput::from_json(&body)?;
        world.platform.create_form(&world.admin, KAPP, input).await
    };
    let field = |name: &str| json!({"type": "field", "name": name});
    assert_eq!(
        text(create(json!({"name": " ", "slug": "a b", "status": "Open"})).await),
        "Invalid Form.\n    Name must not be blank\
         \n    Slug may only contain letters, digits, dashes and underscores\
         \n    Status must be one of New, Active, Inactive, Delete, not \"Open\""
    );
    assert_eq!(
        text(create(json!({"name": "A", "pages": [
            {"name": "P", "elements": [field("X"), {"type": "section", "elements": [field("X")]}]},
            {"name": "P", "elements": [field(" ")]}, {"elements": []},
        ]})).await),
        "Invalid Form.\n    Pages must not share the name \"P\"\
         \n    Pages must each be an object with a name\
         \n    Fields must not share the name \"X\"\n    Fields must have a name"
    );
    assert_eq!(
        text(create(json!({"name": "A", "descripton": "x"})).await),
        "The \"descripton\" property is not a property of the Form. \
         Did you mean \"description\"?"
    );
    assert_eq!(
        text(create(json!({"name": 1, "anonymous": "perhaps", "pages": {}})).await),
        "Invalid Form.\n    Name must be text\n    Anonymous must be true or false\
         \n    Pages must be a list"
    );
    let label = text(create(json!({"name": "A", "submissionLabelExpression": "${(}"})).await);
    assert!(label.contains("Submission Label Expression does not compile"), "{label}");
    assert!(world.fired().is_empty());
}

#[tokio::test]
async fn users_see_active_forms_of_kapps_only() {
    let store = testkit::sqlite().await;
    let world = World::new(&store).await;
    let platform = &world.platform;
    world.form(KAPP, json!({"name": "Open"})).await;
    world.form(KAPP, json!({"name": "Hidden", "status": "Inactive"})).await;
    world.form(Scope::Datastore, json!({"name": "Locations"})).await;
    let nobody = Actor::anonymous(world.admin.space_id.clone(), platform.outside());
    let list = async |actor: &Actor| {
        let page = platform.forms(actor, KAPP, &ListQuery::default()).await?;
        Ok::<_, Error>(page.items.into_iter().map(|form| form.slug).collect::<Vec<_>>())
    };
    assert_eq!(list(&world.admin).await.unwrap(), ["hidden", "open"]);
    assert_eq!(list(&world.ann).await.unwrap(), ["open"]);
    assert!(matches!(list(&nobody).await, Err(Error::Unauthenticated)));
    platform.form(&world.ann, KAPP, "open").await.unwrap();
    let hidden = platform.form(&world.ann, KAPP, "hidden").await;
    assert_eq!(text(hidden), "You are not allowed to see the hidden Form");
    let datastore = platform.form(&world.ann, Scope::Datastore, "locations").await;
    assert!(matches!(datastore, Err(Error::Forbidden { .. })));
    for denied in [
        platform.create_form(&world.ann, KAPP, form(json!({"name": "X"}))).await,
        platform.update_form(&world.ann, KAPP, "open", form(json!({}))).await,
        platform.delete_form(&world.ann, KAPP, "open").await,
        platform.restore_form(&world.ann, KAPP, "token", form(json!({}))).await,
    ] {
        assert!(matches!(denied, Err(Error::Forbidden { .. })));
    }
    let other = Actor::system(model::id::SpaceId("other".to_owned()), platform.outside());
    let foreign = platform.form(&other, KAPP, "open").await;
    assert!(matches!(foreign, Err(Error::NotFound { .. })));
}

#[tokio::test]
async fn a_webhook_that_moved_decides_the_change_again() {
    let store = testkit::sqlite().await;
    let world = World::new(&store).await;
    let stale = &world.outbox.stale;
    stale.store(2, std::sync::atomic::Ordering::SeqCst);
    world.form(KAPP, json!({"name": "Open"})).await;
    stale.store(9, std::sync::atomic::Ordering::SeqCst);
    let given_up =
        world.platform.update_form(&world.admin, KAPP, "open", form(json!({"name": "B"}))).await;
    assert_eq!(given_up.as_ref().unwrap_err().key(), Some("stale_record"));
    stale.store(0, std::sync::atomic::Ordering::SeqCst);
    let context = world.platform.form(&world.admin, KAPP, "open").await.unwrap();
    assert_eq!((context.form.version, context.form.name.as_str()), (1, "Open"));
    assert!(world.fired().is_empty());
}
