//! Import of connections and operations: what another server exported keeps its ids, since trees
//! name them.

use super::{ADMINISTER, NOUN, OPERATION, documents, find, insert, unique_operation};
use crate::{Actor, Error, Webhooks};
use model::connection::{Connection, Operation};
use model::id::{ConnectionId, OperationId};
use model::limits;
use serde_json::{Map, Value};
use store::Tx;

/// Why operations were not imported: problems by the name of the operation. Nothing was.
#[derive(Debug)]
pub enum ImportError {
    /// Something is wrong with single operations.
    Operations(Vec<(String, Vec<String>)>),
    /// Anything else.
    Other(Error),
}

impl From<Error> for ImportError {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

impl From<store::Error> for ImportError {
    fn from(error: store::Error) -> Self {
        Self::Other(error.into())
    }
}

impl Webhooks {
    /// Takes in an exported connection with its operations. With `force`, what has the same ids is
    /// replaced, and secrets that the export does not hold stay.
    ///
    /// # Errors
    /// `Invalid`, `Refused`, `Forbidden`, `Store`.
    pub async fn import_connection(
        &self,
        actor: &Actor,
        given: &Map<String, Value>,
        force: bool,
    ) -> Result<Connection, Error> {
        actor.must_administer(ADMINISTER)?;
        let mut given = given.clone();
        let operations = given.remove("operations");
        let id = ConnectionId(self.id_of(&given, NOUN)?);
        let (space, wanted) = (actor.space_id.clone(), id.clone());
        let former =
            self.read(move |tx| Ok(store::connections::by_id(tx, &space, &wanted)?)).await?;
        if former.is_some() && !force {
            return Err(Error::refused(format!(
                "There is a connection of the id {id} already; import with force=true to replace it"
            )));
        }
        let from = former.as_ref().map(|former| former.lock_version);
        let blank = former.unwrap_or_else(|| self.blank_connection(actor, id));
        let mut connection = self.read_connection(blank, &given)?;
        if let Some(from) = from {
            connection.lock_version = from + 1;
            connection.audit.touch(self.inner.runtime.now(), &actor.username);
        }
        let operations = operations.as_ref().and_then(Value::as_array).cloned().unwrap_or_default();
        let operations = self.read_operations(actor, &connection, &operations);
        let operations = operations.map_err(|problems| Error::Invalid {
            noun: OPERATION,
            problems: problems
                .into_iter()
                .flat_map(|(name, all)| all.into_iter().map(move |p| format!("\"{name}\": {p}")))
                .collect(),
        })?;
        let made = connection.clone();
        let written = self.inner.store.write(move |tx| {
            match from {
                None => insert(tx, &made)?,
                Some(from) => {
                    super::unique(tx, &made)?;
                    if !store::connections::update(tx, &made, from)? {
                        return Err(Error::Stale { noun: NOUN });
                    }
                }
            }
            operations.iter().try_for_each(|operation| put(tx, operation, force))
        });
        written.await?;
        self.connections_moved(&actor.space_id).await;
        Ok(connection)
    }

    /// Takes operations into a connection: all of them, or none. With `force`, those of the same
    /// ids are replaced.
    ///
    /// # Errors
    /// [`ImportError`].
    pub async fn import_operations(
        &self,
        actor: &Actor,
        connection: &ConnectionId,
        given: &[Value],
        force: bool,
    ) -> Result<Vec<Operation>, ImportError> {
        actor.must_administer(ADMINISTER)?;
        let connection = self.connection(actor, connection).await?;
        let made = self.read_operations(actor, &connection, given);
        let made = made.map_err(ImportError::Operations)?;
        let operations = made.clone();
        let written = self.inner.store.write(move |tx| {
            find(tx, &connection.space_id, &connection.id)?;
            for operation in &operations {
                put(tx, operation, force).map_err(|error| match error {
                    Error::Store(_) => ImportError::Other(error),
                    other => {
                        let why = vec![other.to_string()];
                        ImportError::Operations(vec![(operation.name.clone(), why)])
                    }
                })?;
            }
            Ok::<_, ImportError>(())
        });
        written.await?;
        self.connections_moved(&actor.space_id).await;
        Ok(made)
    }

    /// Reads operations of an export, or says what is wrong by name.
    fn read_operations(
        &self,
        actor: &Actor,
        connection: &Connection,
        given: &[Value],
    ) -> Result<Vec<Operation>, Vec<(String, Vec<String>)>> {
        let (mut made, mut wrong) = (Vec::new(), Vec::new());
        if given.len() > limits::OPERATIONS_MAX {
            let max = limits::OPERATIONS_MAX;
            let why = format!("There must not be more than {max} operations");
            return Err(vec![("operations".to_owned(), vec![why])]);
        }
        for (number, document) in given.iter().enumerate() {
            let empty = Map::new();
            let document = document.as_object().unwrap_or(&empty);
            let name = document.get("name").and_then(Value::as_str).unwrap_or_default();
            let name = if name.is_empty() { format!("{}", number + 1) } else { name.to_owned() };
            let read = self.id_of(document, OPERATION).and_then(|id| {
                let blank = self.blank_operation(actor, connection, OperationId(id));
                self.read_operation(connection, blank, document)
            });
            match read {
                Ok(operation) => made.push(operation),
                Err(Error::Invalid { problems, .. }) => wrong.push((name, problems)),
                Err(other) => wrong.push((name, vec![other.to_string()])),
            }
        }
        if wrong.is_empty() { Ok(made) } else { Err(wrong) }
    }

    /// The id that a document carries, or a new one.
    fn id_of(&self, given: &Map<String, Value>, noun: &'static str) -> Result<String, Error> {
        match given.get("id") {
            None | Some(Value::Null) => Ok(self.inner.runtime.uuid().to_string()),
            Some(id) => {
                let id = id.as_str().and_then(documents::uuid);
                let problem = || vec!["The id must be a UUID".to_owned()];
                id.ok_or_else(|| Error::Invalid { noun, problems: problem() })
            }
        }
    }
}

/// Stores an imported operation.
fn put(tx: &mut Tx, operation: &Operation, force: bool) -> Result<(), Error> {
    let o = operation;
    let Some(former) = store::operations::by_id(tx, &o.space_id, o.id.as_str())? else {
        return super::insert_operation(tx, operation);
    };
    if former.connection_id != o.connection_id {
        return Err(Error::refused(format!("The id {} is that of another connection's", o.id)));
    }
    if !force {
        return Err(Error::refused(format!(
            "There is an operation of the id {} already; import with force=true to replace it",
            o.id
        )));
    }
    unique_operation(&store::operations::of_connection(tx, &o.space_id, &o.connection_id)?, o)?;
    let mut made = operation.clone();
    made.lock_version = former.lock_version + 1;
    store::operations::update(tx, &made, former.lock_version)?;
    Ok(())
}
