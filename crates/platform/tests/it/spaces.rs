//! The space, the first start, kapps.

use crate::world::{World, text};
use platform::kapps::KappInput;
use platform::spaces::{Bootstrap, SpaceInput};
use platform::{Error, ListQuery, Scope};
use serde_json::json;

#[tokio::test]
async fn the_first_start_makes_up_a_password_once() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        let first = |slug: &str| Bootstrap {
            slug: slug.to_owned(),
            name: "Beta".to_owned(),
            username: "root".to_owned(),
            password: None,
        };
        let made = world.platform.bootstrap(first("beta")).await.unwrap();
        assert_eq!(made.password.as_ref().unwrap().len(), 20);
        let again = world.platform.bootstrap(first("beta")).await.unwrap();
        assert_eq!(again.space.id, made.space.id);
        assert!(again.administrator.is_none() && again.password.is_none());
        let slugs: Vec<String> =
            world.platform.spaces().await.unwrap().into_iter().map(|space| space.slug).collect();
        assert_eq!(slugs, ["acme", "beta"]);
        let user = platform::sign_in::Credentials {
            username: "root".to_owned(),
            password: made.password.unwrap(),
            address: None,
        };
        let user = world.platform.sign_in(&made.space.id, &user).await.unwrap();
        assert!(user.space_admin);
        assert_eq!(
            text(world.platform.bootstrap(first("not a slug")).await),
            "Invalid Space.\n    Slug may only contain letters, digits, dashes and underscores"
        );
        assert!(world.fired().is_empty());
    }
}

#[tokio::test]
async fn a_space_is_updated_by_administrators() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        let input = SpaceInput::from_json(&json!({
            "name": "Acme Corp", "defaultLocale": "de",
            "attributes": [{"name": "Colour", "values": ["red"]}],
        }));
        let input = input.unwrap();
        let space = world.platform.update_space(&world.admin, input.clone()).await.unwrap();
        assert_eq!((space.version, space.name.as_str()), (2, "Acme Corp"));
        assert_eq!(space.attributes.get("Colour"), Some(&json!(["red"])));
        assert_eq!(*world.platform.space(&world.ann).await.unwrap(), *space);
        let denied = world.platform.update_space(&world.ann, input).await;
        assert_eq!(text(denied), "You are not allowed to update the Space");
        let renamed = SpaceInput::from_json(&json!({"slug": "other", "name": ""})).unwrap();
        assert_eq!(
            text(world.platform.update_space(&world.admin, renamed).await),
            "Invalid Space.\n    Slug cannot be changed\n    Name must not be blank"
        );
    }
}

#[tokio::test]
async fn kapps_are_created_renamed_and_deleted_with_what_they_hold() {
    for store in testkit::both().await {
        let world = World::new(&store).await;
        let platform = &world.platform;
        let kapp = |body| KappInput::from_json(&body).unwrap();
        let queue = platform.create_kapp(&world.admin, kapp(json!({"name": "My Queue"}))).await;
        assert_eq!(queue.unwrap().slug, "my-queue");
        let again = platform.create_kapp(&world.admin, kapp(json!({"name": "My Queue"}))).await;
        assert_eq!(again.as_ref().unwrap_err().key(), Some("uniqueness_violation"));
        assert_eq!(text(again), "The slug \"my-queue\" is already taken by another Kapp");
        let change = kapp(json!({"slug": "queue", "defaultFormDisplayPage": "form.jsp"}));
        let queue = platform.update_kapp(&world.admin, "my-queue", change).await.unwrap();
        assert_eq!(queue.properties.get("defaultFormDisplayPage"), Some(&json!("form.jsp")));
        let page = platform.kapps(&world.ann, &ListQuery::default()).await.unwrap();
        let slugs: Vec<&str> = page.items.iter().map(|kapp| kapp.slug.as_str()).collect();
        assert_eq!(slugs, ["queue", "services"]);

        world.laptop().await;
        world.submit(&world.ann, json!({"values": {"For": "bob"}})).await.unwrap();
        let denied = platform.delete_kapp(&world.ann, "services").await;
        assert_eq!(text(denied), "You are not allowed to delete the services Kapp");
        platform.delete_kapp(&world.admin, "services").await.unwrap();
        let gone = platform.form(&world.admin, Scope::Kapp("services"), "laptop").await;
        assert_eq!(text(gone), "Unable to locate the services Kapp");
        let late = world.submit(&world.admin, json!({})).await;
        assert!(matches!(late, Err(Error::NotFound { noun: "Kapp", .. })), "{late:?}");
    }
}

#[tokio::test]
async fn lists_are_filtered_ordered_and_paged() {
    let store = testkit::sqlite().await;
    let world = World::new(&store).await;
    for name in ["Alpha", "Beta", "Gamma"] {
        let body = json!({"name": name, "attributesMap": {"Kind": [&name[..1]]}});
        let input = KappInput::from_json(&body).unwrap();
        world.platform.create_kapp(&world.admin, input).await.unwrap();
    }
    let names = async |query: ListQuery| {
        let page = world.platform.kapps(&world.ann, &query).await.unwrap();
        let names: Vec<String> = page.items.into_iter().map(|kapp| kapp.name).collect();
        (names.join(" "), page.next_page_token, page.count)
    };
    let query = |q: &str| ListQuery { q: Some(q.to_owned()), ..ListQuery::default() };
    assert_eq!(names(query("name =* \"Ga\"")).await.0, "Gamma");
    assert_eq!(names(query("attributes[Kind] IN (\"A\", \"B\")")).await.0, "Alpha Beta");
    let counted = ListQuery { count: true, ..query("slug != \"beta\"") };
    assert_eq!(names(counted).await, (String::new(), None, Some(3)));
    let mut paged = ListQuery {
        order_by: Some("name".to_owned()),
        direction: Some(platform::Direction::Descending),
        limit: Some(3),
        ..ListQuery::default()
    };
    let (first, token, _) = names(paged.clone()).await;
    assert_eq!(first, "Services Gamma Beta");
    paged.page_token = token;
    assert_eq!(names(paged.clone()).await, ("Alpha".to_owned(), None, None));
    paged.order_by = Some("name,slug".to_owned());
    paged.page_token = Some("bm9uc2Vuc2U".to_owned());
    let refused = world.platform.kapps(&world.ann, &paged).await;
    assert_eq!(text(refused), "The pageToken parameter does not belong to this list");
    let refused = world.platform.kapps(&world.ann, &query("nmae = \"x\"")).await;
    assert_eq!(text(refused), "The query names an unknown property: nmae. Did you mean name?");
    let zero = ListQuery { limit: Some(0), ..ListQuery::default() };
    let refused = world.platform.kapps(&world.ann, &zero).await;
    assert_eq!(text(refused), "The limit parameter must be between 1 and 1000, not 0");
}
