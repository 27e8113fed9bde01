//! Lists of submissions: narrowing, order, pages, the query language.

use crate::world::{KAPP, World, text};
use platform::submissions::SubmissionQuery;
use platform::{Actor, Direction, Error, ListQuery, Scope};
use serde_json::json;

fn query(list: ListQuery) -> SubmissionQuery<'static> {
    SubmissionQuery {
        scope: KAPP,
        form: Some("laptop"),
        list,
        core_state: None,
        created_by: None,
        submitted_by: None,
        kind: None,
    }
}

async fn statuses(
    world: &World,
    actor: &Actor,
    query: &SubmissionQuery<'_>,
) -> Result<(String, Option<String>, Option<i64>), Error> {
    let page = world.platform.submissions(actor, query).await?;
    let statuses: Vec<String> = page
        .items
        .iter()
        .map(|record| record.submission.values["Status"].as_str().unwrap().to_owned())
        .collect();
    Ok((statuses.join(" "), page.next_page_token, page.count))
}

async fn filled(store: &store::Store) -> World {
    let world = World::new(store).await;
    world.laptop().await;
    for (i, status) in ["a", "b", "c", "d", "e"].into_iter().enumerate() {
        let actor = if i % 2 == 0 { &world.ann } else { &world.admin };
        let state = if i == 3 { "Submitted" } else { "Draft" };
        let year = format!("20{i}0");
        let values = json!({"For": "x", "Status": status, "Year": year, "Email": "a@b"});
        world.submit(actor, json!({"coreState": state, "values": values})).await.unwrap();
        if i != 1 {
            world.runtime.advance_ms(1_000);
        }
    }
    world
}

#[tokio::test]
async fn pages_follow_each_other_in_both_directions() {
    for store in testkit::both().await {
        let world = filled(&store).await;
        let check = async |direction: Option<Direction>, order: &str, expect: &[&str]| {
            let mut list = ListQuery {
                limit: Some(2),
                direction,
                order_by: Some(order.to_owned()),
                count: true,
                ..ListQuery::default()
            };
            for page in expect {
                let found = statuses(&world, &world.admin, &query(list.clone())).await.unwrap();
                let (found, token, count) = found;
                assert_eq!((found.len(), count), (page.len(), Some(5)), "{order} {found}");
                assert_eq!(found, *page, "{order}");
                list.page_token = token;
            }
            assert_eq!(list.page_token, None);
        };
        let up = Some(Direction::Ascending);
        check(up, "createdAt", &["a b", "c d", "e"]).await;
        check(None, "createdAt", &["e d", "c b", "a"]).await;
        check(up, "values[Status],updatedAt", &["a b", "c d", "e"]).await;
        check(None, "submittedAt", &["d e", "c b", "a"]).await;
        check(up, "closedAt", &["a b", "c d", "e"]).await;
    }
}

#[tokio::test]
async fn the_query_language_narrows() {
    for store in testkit::both().await {
        let world = filled(&store).await;
        let check = async |actor: &Actor, q: &str, expect: &str| {
            let list = ListQuery {
                q: Some(q.to_owned()),
                direction: Some(Direction::Ascending),
                count: true,
                ..ListQuery::default()
            };
            let found = statuses(&world, actor, &query(list)).await.unwrap();
            let count = expect.split_whitespace().count();
            assert_eq!(found, (expect.to_owned(), None, i64::try_from(count).ok()), "{q}");
        };
        let admin = &world.admin;
        check(admin, "", "a b c d e").await;
        check(admin, r#"createdBy = "ann""#, "a c e").await;
        check(admin, r#"createdBy = "ann" AND coreState = "Draft""#, "a c e").await;
        check(admin, r#"coreState = "Submitted""#, "d").await;
        check(admin, r#"coreState IN ("Submitted", "Closed")"#, "d").await;
        check(admin, r#"type = "Service" AND submittedBy = "admin""#, "d").await;
        check(admin, r#"values[Status] IN ("a", "e") OR submittedBy != null"#, "a d e").await;
        check(admin, r#"values[Year] > "2010" AND values[Year] <= "2030""#, "c d").await;
        check(admin, r#"values[Year] BETWEEN ("2010", "2030")"#, "b c").await;
        check(admin, r#"label =* "Laptop" AND createdAt >= "2026-11-21T20:00:02Z""#, "d e").await;
        let second = r#"createdAt BETWEEN ("2026-11-21T20:00:01Z", "2026-11-21T20:00:02Z")"#;
        check(admin, second, "b c").await;
        check(admin, &format!(r#"{second} AND createdBy != "admin""#), "c").await;
        check(&world.ann, "", "a c e").await;
        check(&world.ann, r#"values[Status] = "b" OR values[Status] = "c""#, "c").await;
    }
}

#[tokio::test]
async fn a_page_of_a_filtered_list_goes_on_where_it_ended() {
    let store = testkit::sqlite().await;
    let world = filled(&store).await;
    let mut list = ListQuery {
        q: Some(r#"values[Status] != "b""#.to_owned()),
        limit: Some(3),
        direction: Some(Direction::Ascending),
        ..ListQuery::default()
    };
    let (first, token, _) = statuses(&world, &world.admin, &query(list.clone())).await.unwrap();
    assert_eq!(first, "a c d");
    list.page_token = token.clone();
    let (second, none, _) = statuses(&world, &world.admin, &query(list.clone())).await.unwrap();
    assert_eq!((second.as_str(), none), ("e", None));
    list.direction = Some(Direction::Descending);
    assert_eq!(
        text(statuses(&world, &world.admin, &query(list.clone())).await),
        "The pageToken parameter belongs to a list in another order"
    );
}

#[tokio::test]
async fn parameters_narrow_and_mistakes_are_named() {
    let store = testkit::sqlite().await;
    let world = filled(&store).await;
    let drafts = SubmissionQuery {
        form: None,
        core_state: Some(model::submission::CoreState::Draft),
        created_by: Some("admin".to_owned()),
        kind: Some("Service".to_owned()),
        ..query(ListQuery::default())
    };
    assert_eq!(statuses(&world, &world.admin, &drafts).await.unwrap().0, "b");
    let refused = async |list: ListQuery| text(statuses(&world, &world.admin, &query(list)).await);
    assert_eq!(
        refused(ListQuery { order_by: Some("values[Status]".to_owned()), ..Default::default() })
            .await,
        "Submissions can be ordered by createdAt, updatedAt, submittedAt or closedAt, \
         not by values[Status]"
    );
    assert_eq!(
        refused(ListQuery { q: Some("corestate = 1".to_owned()), ..Default::default() }).await,
        "The query names an unknown property: corestate. Did you mean coreState?"
    );
    assert_eq!(
        refused(ListQuery { limit: Some(1_001), ..Default::default() }).await,
        "The limit parameter must be between 1 and 1000, not 1001"
    );
    let nowhere = SubmissionQuery { form: Some("desk"), ..query(ListQuery::default()) };
    let missing = statuses(&world, &world.admin, &nowhere).await;
    assert_eq!(text(missing), "Unable to locate the desk Form");
    let datastore =
        SubmissionQuery { scope: Scope::Datastore, form: None, ..query(ListQuery::default()) };
    assert_eq!(statuses(&world, &world.admin, &datastore).await.unwrap().0, "");
}
