//! The transaction as closures see it.

use super::error::Error;
use super::row::Row;
use super::sql::{Dialect, Sql};
use super::stats::Counters;
use super::unheard::Lease;
use super::value::Value;
use super::{postgres, sqlite};

/// A transaction on a connection that this thread owns.
///
/// The first error poisons it: every later call returns that error again and the transaction is
/// rolled back, even when the closure returns `Ok`. Otherwise a swallowed error would commit on
/// SQLite and abort on PostgreSQL. Conflicts that are expected use ON CONFLICT.
pub struct Tx<'c> {
    pub(super) link: Link<'c>,
    fault: Option<Error>,
    counters: Counters,
    leases: Vec<Lease>,
}

/// The connection behind a transaction.
pub(super) enum Link<'c> {
    Sqlite(sqlite::Line<'c>),
    Postgres(Box<postgres::Session>),
}

impl<'c> Tx<'c> {
    pub(super) fn new(link: Link<'c>, counters: Counters) -> Self {
        Self { link, fault: None, counters, leases: Vec::new() }
    }

    /// The error that poisoned the transaction; forgets it, for the next one.
    pub(super) fn take_fault(&mut self) -> Option<Error> {
        self.fault.take()
    }

    /// Notes what this transaction leases to this node, should the answer to its commit be lost.
    pub(crate) fn leases(&mut self, lease: impl FnOnce() -> Lease) {
        if self.dialect() == Dialect::Postgres {
            self.leases.push(lease());
        }
    }

    /// What was noted since the last call.
    pub(super) fn take_leases(&mut self) -> Vec<Lease> {
        std::mem::take(&mut self.leases)
    }

    /// Which database this is, for the rare code that must differ.
    pub fn dialect(&self) -> Dialect {
        match self.link {
            Link::Sqlite(_) => Dialect::Sqlite,
            Link::Postgres(_) => Dialect::Postgres,
        }
    }

    fn guarded<T>(
        &mut self,
        act: impl FnOnce(&mut Link<'c>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        self.counters.statement();
        act(&mut self.link).inspect_err(|error| self.fault = Some(error.clone()))
    }

    /// Runs a statement whose answer is not needed. On PostgreSQL it is sent ahead, so its error
    /// may surface only at the next call or at the commit.
    ///
    /// # Errors
    /// What the database says of this statement, or of one pushed before it.
    pub fn push(&mut self, sql: &Sql, values: &[Value<'_>]) -> Result<(), Error> {
        self.guarded(|link| match link {
            Link::Sqlite(line) => line.execute(sql, values).map(|_| ()),
            Link::Postgres(session) => session.push(sql, values),
        })
    }

    /// Runs a statement and returns how many rows it changed; guarded updates check it.
    ///
    /// # Errors
    /// What the database says of this statement, or of one pushed before it.
    pub fn execute(&mut self, sql: &Sql, values: &[Value<'_>]) -> Result<u64, Error> {
        self.guarded(|link| match link {
            Link::Sqlite(line) => line.execute(sql, values),
            Link::Postgres(session) => session.execute(sql, values),
        })
    }

    /// Runs a statement that the whole change stands on: unless it changes so many rows, the change
    /// is `Stale`. On PostgreSQL it is sent ahead like a push, and its text puts its condition into
    /// `must_hold(…)`, which fails the transaction.
    ///
    /// # Errors
    /// `Stale`, on PostgreSQL perhaps only at the commit; else as [`Tx::push`].
    pub fn require(&mut self, sql: &Sql, values: &[Value<'_>], rows: usize) -> Result<(), Error> {
        let rows = u64::try_from(rows).unwrap_or(u64::MAX);
        self.guarded(|link| match link {
            Link::Sqlite(line) => match line.execute(sql, values)? {
                changed if changed == rows => Ok(()),
                _ => Err(Error::Stale),
            },
            Link::Postgres(session) => session.push(sql, values),
        })
    }

    /// As [`Tx::require`], for a query: on SQLite it must find a row.
    ///
    /// # Errors
    /// As [`Tx::require`].
    pub fn require_row(&mut self, sql: &Sql, values: &[Value<'_>]) -> Result<(), Error> {
        self.guarded(|link| match link {
            Link::Sqlite(line) => {
                let mut found = false;
                line.query(sql, values, &mut |_: &Row| {
                    found = true;
                    Ok(())
                })?;
                if found { Ok(()) } else { Err(Error::Stale) }
            }
            Link::Postgres(session) => session.push(sql, values),
        })
    }

    /// Runs a query and maps every row.
    ///
    /// # Errors
    /// What the database says of this statement or of one pushed before it, and what `map` says.
    pub fn query<T>(
        &mut self,
        sql: &Sql,
        values: &[Value<'_>],
        mut map: impl FnMut(&Row) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let mut rows = Vec::new();
        let mut visit = |row: &Row| {
            rows.push(map(row)?);
            Ok(())
        };
        self.guarded(|link| match link {
            Link::Sqlite(line) => line.query(sql, values, &mut visit),
            Link::Postgres(session) => session.query(sql, values, &mut visit),
        })?;
        Ok(rows)
    }

    /// Runs a query for at most one row; further rows are an error, for a lookup by key that
    /// finds two is a mistake.
    ///
    /// # Errors
    /// As [`Tx::query`]; `Db` when there is more than one row.
    pub fn query_opt<T>(
        &mut self,
        sql: &Sql,
        values: &[Value<'_>],
        map: impl FnMut(&Row) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        let mut rows = self.query(sql, values, map)?;
        if rows.len() > 1 {
            return Err(self.poison(Error::db("one row was expected, several came")));
        }
        Ok(rows.pop())
    }

    /// Runs a query for exactly one row, such as a count or `RETURNING`.
    ///
    /// # Errors
    /// As [`Tx::query`]; `Db` when there is not exactly one row.
    pub fn query_one<T>(
        &mut self,
        sql: &Sql,
        values: &[Value<'_>],
        map: impl FnMut(&Row) -> Result<T, Error>,
    ) -> Result<T, Error> {
        match self.query_opt(sql, values, map)? {
            Some(row) => Ok(row),
            None => Err(self.poison(Error::db("one row was expected, none came"))),
        }
    }

    fn poison(&mut self, error: Error) -> Error {
        self.fault.get_or_insert(error).clone()
    }
}
