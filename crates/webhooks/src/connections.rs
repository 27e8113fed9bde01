//! Connections to other systems and their operations: kept here, because whatever calls out does
//! so through [`crate::send`], and the workflow engine reaches them through a trait of its own.
//!
//! An operation is a request or an SQL statement with inputs ([`template`]), read and rendered by
//! [`request`] and [`statement`]; what comes back is mapped to outputs by [`call`]. [`documents`]
//! checks what clients send.

mod call;
mod database;
mod documents;
mod places;
mod query;
mod request;
mod statement;
mod template;
mod transfer;
mod work;

pub use call::{Answered, Called, Execution, Failed, Sent, Tested};
pub(crate) use documents::resealed;
pub use documents::{shown_config, shown_secrets, unready};
pub(crate) use places::Places;
pub use transfer::ImportError;

use crate::{Actor, Error, Webhooks};
use documents::Reader;
use model::Audit;
use model::connection::{Connection, HTTP, Input, Operation};
use model::id::{ConnectionId, OperationId, SpaceId};
use model::limits;
use runtime::changes::Topic;
use serde_json::{Map, Value};
use store::Tx;

const NOUN: &str = "Connection";
const OPERATION: &str = "Operation";
const ADMINISTER: &str = "administer connections";

impl Webhooks {
    /// Lists the connections of the space, by name.
    ///
    /// # Errors
    /// `Forbidden`, `Store`.
    pub async fn connections(&self, actor: &Actor) -> Result<Vec<Connection>, Error> {
        actor.must_administer(ADMINISTER)?;
        let space = actor.space_id.clone();
        self.read(move |tx| Ok(store::connections::of_space(tx, &space)?)).await
    }

    /// Reads a connection.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Store`.
    pub async fn connection(&self, actor: &Actor, id: &ConnectionId) -> Result<Connection, Error> {
        actor.must_administer(ADMINISTER)?;
        let (space, id) = (actor.space_id.clone(), id.clone());
        self.read(move |tx| find(tx, &space, &id)).await
    }

    /// Creates a connection from its document.
    ///
    /// # Errors
    /// `Invalid` with everything that is wrong, `Refused` when there are too many, `Forbidden`,
    /// `Store`.
    pub async fn create_connection(
        &self,
        actor: &Actor,
        given: &Map<String, Value>,
    ) -> Result<Connection, Error> {
        actor.must_administer(ADMINISTER)?;
        let id = ConnectionId::new(self.inner.runtime.uuid());
        let connection = self.read_connection(self.blank_connection(actor, id), given)?;
        let made = connection.clone();
        let written = self.inner.store.write(move |tx| insert(tx, &made));
        written.await?;
        self.connections_moved(&actor.space_id).await;
        Ok(connection)
    }

    /// Changes a connection: members that are given replace, secrets that are null stay.
    ///
    /// # Errors
    /// As [`Webhooks::create_connection`], `NotFound`, and `Stale` when the document's
    /// `lockVersion` is not the present one.
    pub async fn update_connection(
        &self,
        actor: &Actor,
        id: &ConnectionId,
        given: &Map<String, Value>,
    ) -> Result<Connection, Error> {
        let former = self.connection(actor, id).await?;
        let from = former.lock_version;
        expect_version(given, from, NOUN)?;
        let mut connection = self.read_connection(former, given)?;
        connection.lock_version += 1;
        connection.audit.touch(self.inner.runtime.now(), &actor.username);
        let made = connection.clone();
        let written = self.inner.store.write(move |tx| {
            unique(tx, &made)?;
            if store::connections::update(tx, &made, from)? {
                return Ok(());
            }
            Err(Error::Stale { noun: NOUN })
        });
        written.await?;
        self.connections_moved(&actor.space_id).await;
        Ok(connection)
    }

    /// Deletes a connection with its operations and returns it as it was.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Store`.
    pub async fn delete_connection(
        &self,
        actor: &Actor,
        id: &ConnectionId,
    ) -> Result<Connection, Error> {
        actor.must_administer(ADMINISTER)?;
        let (space, id) = (actor.space_id.clone(), id.clone());
        let deleted = self.inner.store.write(move |tx| {
            let connection = find(tx, &space, &id)?;
            store::connections::delete(tx, &space, &id)?;
            Ok::<_, Error>(connection)
        });
        let connection = deleted.await?;
        self.connections_moved(&actor.space_id).await;
        Ok(connection)
    }

    /// Lists the operations of a connection, by name.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Store`.
    pub async fn operations(
        &self,
        actor: &Actor,
        connection: &ConnectionId,
    ) -> Result<Vec<Operation>, Error> {
        actor.must_administer(ADMINISTER)?;
        let (space, id) = (actor.space_id.clone(), connection.clone());
        self.read(move |tx| {
            find(tx, &space, &id)?;
            Ok(store::operations::of_connection(tx, &space, &id)?)
        })
        .await
    }

    /// Finds operations by their ids; unknown ones are left out.
    ///
    /// # Errors
    /// `Refused` for too many ids, `Forbidden`, `Store`.
    pub async fn operations_by_ids(
        &self,
        actor: &Actor,
        ids: Vec<String>,
    ) -> Result<Vec<Operation>, Error> {
        actor.must_administer(ADMINISTER)?;
        if ids.len() > limits::OPERATIONS_MAX {
            let max = limits::OPERATIONS_MAX;
            return Err(Error::refused(format!("There must not be more than {max} ids")));
        }
        let space = actor.space_id.clone();
        self.read(move |tx| {
            let found = ids.iter().map(|id| store::operations::by_id(tx, &space, id));
            Ok(found.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
        })
        .await
    }

    /// Reads an operation of a connection.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Store`.
    pub async fn operation(
        &self,
        actor: &Actor,
        connection: &ConnectionId,
        id: &OperationId,
    ) -> Result<Operation, Error> {
        actor.must_administer(ADMINISTER)?;
        let (space, of, id) = (actor.space_id.clone(), connection.clone(), id.clone());
        self.read(move |tx| find_operation(tx, &space, &of, &id)).await
    }

    /// Creates an operation from its document.
    ///
    /// # Errors
    /// `Invalid` with everything that is wrong, `Refused` when there are too many, `NotFound`,
    /// `Forbidden`, `Store`.
    pub async fn create_operation(
        &self,
        actor: &Actor,
        connection: &ConnectionId,
        given: &Map<String, Value>,
    ) -> Result<Operation, Error> {
        let connection = self.connection(actor, connection).await?;
        let id = OperationId::new(self.inner.runtime.uuid());
        let blank = self.blank_operation(actor, &connection, id);
        let operation = self.read_operation(&connection, blank, given)?;
        let made = operation.clone();
        self.inner.store.write(move |tx| insert_operation(tx, &made)).await?;
        self.connections_moved(&actor.space_id).await;
        Ok(operation)
    }

    /// Changes an operation: members that are given replace.
    ///
    /// # Errors
    /// As [`Webhooks::create_operation`], and `Stale` when the document's `lockVersion` is not the
    /// present one.
    pub async fn update_operation(
        &self,
        actor: &Actor,
        connection: &ConnectionId,
        id: &OperationId,
        given: &Map<String, Value>,
    ) -> Result<Operation, Error> {
        let of = self.connection(actor, connection).await?;
        let former = self.operation(actor, connection, id).await?;
        let from = former.lock_version;
        expect_version(given, from, OPERATION)?;
        let mut operation = self.read_operation(&of, former, given)?;
        operation.lock_version += 1;
        operation.audit.touch(self.inner.runtime.now(), &actor.username);
        let made = operation.clone();
        let written = self.inner.store.write(move |tx| {
            let known = store::operations::of_connection(tx, &made.space_id, &made.connection_id)?;
            unique_operation(&known, &made)?;
            if store::operations::update(tx, &made, from)? {
                return Ok(());
            }
            Err(Error::Stale { noun: OPERATION })
        });
        written.await?;
        self.connections_moved(&actor.space_id).await;
        Ok(operation)
    }

    /// Deletes an operation and returns it as it was.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Store`.
    pub async fn delete_operation(
        &self,
        actor: &Actor,
        connection: &ConnectionId,
        id: &OperationId,
    ) -> Result<Operation, Error> {
        actor.must_administer(ADMINISTER)?;
        let (space, of, id) = (actor.space_id.clone(), connection.clone(), id.clone());
        let deleted = self.inner.store.write(move |tx| {
            let operation = find_operation(tx, &space, &of, &id)?;
            store::operations::delete(tx, &space, &id)?;
            Ok::<_, Error>(operation)
        });
        let operation = deleted.await?;
        self.connections_moved(&actor.space_id).await;
        Ok(operation)
    }

    /// The inputs that a request of an operation names.
    ///
    /// # Errors
    /// `Invalid` when the request cannot be read, `Forbidden`.
    pub fn detect_inputs(&self, actor: &Actor, config: &Value) -> Result<Vec<Input>, Error> {
        actor.must_administer(ADMINISTER)?;
        let given = config.as_object().cloned().unwrap_or_default();
        let kind = given.get("configType").and_then(Value::as_str).unwrap_or(HTTP);
        let work = work::Work::read(kind, &given);
        let work = work.map_err(|problems| Error::Invalid { noun: OPERATION, problems })?;
        Ok(work.inputs())
    }

    fn blank_connection(&self, actor: &Actor, id: ConnectionId) -> Connection {
        Connection {
            id,
            space_id: actor.space_id.clone(),
            kind: HTTP.to_owned(),
            name: String::new(),
            description: String::new(),
            documentation_link: String::new(),
            config: Value::Null,
            secrets: Map::new(),
            lock_version: 1,
            audit: Audit::created(self.inner.runtime.now(), &actor.username),
        }
    }

    fn blank_operation(&self, actor: &Actor, of: &Connection, id: OperationId) -> Operation {
        Operation {
            id,
            connection_id: of.id.clone(),
            space_id: of.space_id.clone(),
            name: String::new(),
            notes: String::new(),
            documentation_link: String::new(),
            config: Value::Null,
            outputs: Value::Null,
            inputs: Vec::new(),
            lock_version: 1,
            audit: Audit::created(self.inner.runtime.now(), &actor.username),
        }
    }

    fn reader(&self) -> Reader<'_> {
        Reader { vault: &self.inner.vault, sender: &self.inner.sender, problems: Vec::new() }
    }

    fn read_connection(
        &self,
        mut connection: Connection,
        given: &Map<String, Value>,
    ) -> Result<Connection, Error> {
        let mut reader = self.reader();
        reader.connection(&mut connection, given);
        let problems = reader.problems;
        if problems.is_empty() {
            Ok(connection)
        } else {
            Err(Error::Invalid { noun: NOUN, problems })
        }
    }

    fn read_operation(
        &self,
        of: &Connection,
        mut operation: Operation,
        given: &Map<String, Value>,
    ) -> Result<Operation, Error> {
        let mut reader = self.reader();
        reader.operation(of, &mut operation, given);
        let problems = reader.problems;
        if problems.is_empty() {
            return Ok(operation);
        }
        Err(Error::Invalid { noun: OPERATION, problems })
    }

    /// Tells of a change of connections or operations, which is stored by now.
    async fn connections_moved(&self, space: &SpaceId) {
        self.inner.changes.publish(space, Topic::Connections);
        self.inner.workflows.connections_moved(space).await;
    }
}

fn find(tx: &mut Tx, space: &SpaceId, id: &ConnectionId) -> Result<Connection, Error> {
    let found = store::connections::by_id(tx, space, id)?;
    found.ok_or_else(|| Error::not_found(NOUN, id.as_str()))
}

fn find_operation(
    tx: &mut Tx,
    space: &SpaceId,
    connection: &ConnectionId,
    id: &OperationId,
) -> Result<Operation, Error> {
    let found = store::operations::by_id(tx, space, id.as_str())?;
    let found = found.filter(|operation| operation.connection_id == *connection);
    found.ok_or_else(|| Error::not_found(OPERATION, id.as_str()))
}

fn insert(tx: &mut Tx, connection: &Connection) -> Result<(), Error> {
    let known = unique(tx, connection)?;
    if known >= limits::CONNECTIONS_MAX {
        return Err(Error::refused(format!(
            "There are {known} connections already, which is the most one space may have"
        )));
    }
    Ok(store::connections::insert(tx, connection)?)
}

/// Refuses a name that another connection has; answers with how many there are.
fn unique(tx: &mut Tx, connection: &Connection) -> Result<usize, Error> {
    let known = store::connections::of_space(tx, &connection.space_id)?;
    if known.iter().any(|other| other.name == connection.name && other.id != connection.id) {
        return Err(taken(NOUN, &connection.name));
    }
    Ok(known.len())
}

fn insert_operation(tx: &mut Tx, operation: &Operation) -> Result<(), Error> {
    let o = operation;
    let known = store::operations::of_connection(tx, &o.space_id, &o.connection_id)?;
    unique_operation(&known, operation)?;
    if known.len() >= limits::OPERATIONS_MAX {
        return Err(Error::refused(format!(
            "There are {} operations already, which is the most one connection may have",
            known.len()
        )));
    }
    Ok(store::operations::insert(tx, operation)?)
}

fn unique_operation(known: &[Operation], operation: &Operation) -> Result<(), Error> {
    if known.iter().any(|other| other.name == operation.name && other.id != operation.id) {
        return Err(taken(OPERATION, &operation.name));
    }
    Ok(())
}

fn taken(noun: &'static str, name: &str) -> Error {
    Error::Invalid { noun, problems: vec![format!("The name \"{name}\" is that of another one")] }
}

/// Refuses a document that was read before the present version.
fn expect_version(
    given: &Map<String, Value>,
    present: i64,
    noun: &'static str,
) -> Result<(), Error> {
    match given.get("lockVersion").and_then(Value::as_i64) {
        Some(read) if read != present => Err(Error::Stale { noun }),
        _ => Ok(()),
    }
}
