//! Connections and operations: ids belong to a space, names to a space or a connection, and a
//! change names the version it read.

use model::Audit;
use model::connection::{Connection, Operation};
use model::id::{ConnectionId, OperationId, SpaceId};
use model::space::Space;
use model::time::Micros;
use serde_json::{Map, json};
use store::{Error, Tx, connections, operations, spaces};

fn audit() -> Audit {
    Audit::created(Micros(0), "admin")
}

fn space(id: &str) -> Space {
    Space {
        id: SpaceId(id.to_owned()),
        slug: id.to_owned(),
        name: id.to_owned(),
        attributes: model::Attributes::new(),
        properties: model::Attributes::new(),
        version: 0,
        audit: audit(),
    }
}

fn connection(space: &str, id: &str, name: &str) -> Connection {
    Connection {
        id: ConnectionId(id.to_owned()),
        space_id: SpaceId(space.to_owned()),
        kind: "http".to_owned(),
        name: name.to_owned(),
        description: String::new(),
        documentation_link: String::new(),
        config: json!({ "baseUrl": "https://api.test" }),
        secrets: Map::new(),
        lock_version: 1,
        audit: audit(),
    }
}

fn operation(space: &str, connection: &str, id: &str, name: &str) -> Operation {
    Operation {
        id: OperationId(id.to_owned()),
        connection_id: ConnectionId(connection.to_owned()),
        space_id: SpaceId(space.to_owned()),
        name: name.to_owned(),
        notes: String::new(),
        documentation_link: String::new(),
        config: json!({}),
        outputs: json!({}),
        inputs: Vec::new(),
        lock_version: 1,
        audit: audit(),
    }
}

#[tokio::test]
async fn an_import_keeps_its_ids_in_every_space() {
    for store in testkit::both().await {
        let fill = |tx: &mut Tx| {
            for id in ["s", "t"] {
                spaces::insert(tx, &space(id))?;
                connections::insert(tx, &connection(id, "c", "Peer"))?;
                operations::insert(tx, &operation(id, "c", "o", "Read"))?;
            }
            // A name that is the id of another means the other.
            connections::insert(tx, &connection("s", "b", "c"))?;
            Ok::<_, Error>(())
        };
        store.write(fill).await.unwrap();
        let same_name = |tx: &mut Tx| connections::insert(tx, &connection("s", "d", "Peer"));
        assert!(matches!(store.write(same_name).await, Err(Error::Unique { .. })));
        let same_name = |tx: &mut Tx| operations::insert(tx, &operation("s", "c", "p", "Read"));
        assert!(matches!(store.write(same_name).await, Err(Error::Unique { .. })));
        let found = store.read(|tx| {
            let space = SpaceId("s".to_owned());
            Ok::<_, Error>((
                connections::by_key(tx, &space, "c")?,
                connections::by_key(tx, &space, "Nobody")?,
                operations::of_connection(tx, &space, &ConnectionId("c".to_owned()))?.len(),
            ))
        });
        let (by_id, nobody, operations) = found.await.unwrap();
        assert_eq!(by_id.unwrap().id.as_str(), "c");
        assert_eq!((nobody, operations), (None, 1));
    }
}

#[tokio::test]
async fn a_change_of_an_older_version_is_refused() {
    for store in testkit::both().await {
        let write = |tx: &mut Tx| {
            spaces::insert(tx, &space("s"))?;
            let mut connection = connection("s", "c", "Peer");
            connections::insert(tx, &connection)?;
            operations::insert(tx, &operation("s", "c", "o", "Read"))?;
            connection.lock_version = 2;
            let first = connections::update(tx, &connection, 1)?;
            let late = connections::update(tx, &connection, 1)?;
            let mut operation = operation("s", "c", "o", "Look");
            operation.lock_version = 2;
            let moved = operations::update(tx, &operation, 1)?;
            let stale = operations::update(tx, &operation, 1)?;
            connections::delete(tx, &connection.space_id, &connection.id)?;
            let left = operations::by_id(tx, &connection.space_id, "o")?;
            Ok::<_, Error>((first, late, moved, stale, left))
        };
        let (first, late, moved, stale, left) = store.write(write).await.unwrap();
        assert_eq!((first, late, moved, stale), (true, false, true, false));
        assert_eq!(left, None, "operations go with their connection");
    }
}
