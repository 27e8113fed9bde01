//! Reading SQLite's columns.

use rusqlite::Row;
use rusqlite::types::{FromSql, ValueRef};

use super::errors::classify;
use crate::db::error::Error;

fn get<T: FromSql>(row: &Row<'_>, i: usize) -> Result<Option<T>, Error> {
    row.get::<_, Option<T>>(i).map_err(|error| classify(&error))
}

pub(in crate::db) fn i64(row: &Row<'_>, i: usize) -> Result<Option<i64>, Error> {
    get(row, i)
}

pub(in crate::db) fn bool(row: &Row<'_>, i: usize) -> Result<Option<bool>, Error> {
    Ok(get::<i64>(row, i)?.map(|v| v != 0))
}

pub(in crate::db) fn f64(row: &Row<'_>, i: usize) -> Result<Option<f64>, Error> {
    get(row, i)
}

pub(in crate::db) fn text(row: &Row<'_>, i: usize) -> Result<Option<String>, Error> {
    get(row, i)
}

/// Text is read as its bytes, as PostgreSQL's sessions do.
pub(in crate::db) fn bytes(row: &Row<'_>, i: usize) -> Result<Option<Vec<u8>>, Error> {
    match row.get_ref(i).map_err(|error| classify(&error))? {
        ValueRef::Null => Ok(None),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Ok(Some(bytes.to_vec())),
        ValueRef::Integer(_) | ValueRef::Real(_) => {
            Err(Error::db(format!("column {i} does not hold bytes")))
        }
    }
}
