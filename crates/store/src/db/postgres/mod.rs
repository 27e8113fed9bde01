//! PostgreSQL: threads that own one connection each.

pub(super) mod column;

use std::sync::Arc;

use tokio::sync::mpsc;

use super::Shared;
use super::error::Error;
use super::queue::Queue;
use super::row::Row;
use super::sql::Sql;
use super::value::Value;

/// A connection owned by one thread.
pub(super) struct Session {}

impl Session {
    pub(super) fn push(&mut self, _sql: &Sql, _values: &[Value<'_>]) -> Result<(), Error> {
        Err(Error::db("PostgreSQL is not connected"))
    }
    pub(super) fn execute(&mut self, _sql: &Sql, _values: &[Value<'_>]) -> Result<u64, Error> {
        Err(Error::db("PostgreSQL is not connected"))
    }
    pub(super) fn query(
        &mut self,
        _sql: &Sql,
        _values: &[Value<'_>],
        _visit: &mut dyn FnMut(&Row) -> Result<(), Error>,
    ) -> Result<(), Error> {
        Err(Error::db("PostgreSQL is not connected"))
    }
}

/// Connects, migrates and starts the threads.
pub(super) async fn open(
    _url: &str,
    _writes: &Arc<Queue>,
    _reads: &Arc<Queue>,
    _shared: &Shared,
    _alive: &mpsc::Sender<()>,
) -> Result<(), Error> {
    Err(Error::Unavailable { message: "PostgreSQL is not supported yet".to_owned() })
}
