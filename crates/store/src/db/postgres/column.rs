//! Reading PostgreSQL's columns.

use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::db::error::Error;

fn read<'a, T: tokio_postgres::types::FromSql<'a>>(
    row: &'a Row,
    i: usize,
) -> Result<Option<T>, Error> {
    row.try_get::<_, Option<T>>(i).map_err(|error| Error::db(format!("column {i}: {error}")))
}

fn kind(row: &Row, i: usize) -> Result<&Type, Error> {
    row.columns()
        .get(i)
        .map(tokio_postgres::Column::type_)
        .ok_or_else(|| Error::db(format!("there is no column {i}")))
}

pub(in crate::db) fn i64(row: &Row, i: usize) -> Result<Option<i64>, Error> {
    match *kind(row, i)? {
        Type::INT8 => read(row, i),
        Type::INT4 => Ok(read::<i32>(row, i)?.map(i64::from)),
        Type::INT2 => Ok(read::<i16>(row, i)?.map(i64::from)),
        Type::BOOL => Ok(read::<bool>(row, i)?.map(i64::from)),
        ref other => Err(Error::db(format!("column {i} is {other}: CAST it AS BIGINT"))),
    }
}

pub(in crate::db) fn bool(row: &Row, i: usize) -> Result<Option<bool>, Error> {
    match *kind(row, i)? {
        Type::BOOL => read(row, i),
        _ => Ok(i64(row, i)?.map(|v| v != 0)),
    }
}

pub(in crate::db) fn f64(row: &Row, i: usize) -> Result<Option<f64>, Error> {
    match *kind(row, i)? {
        Type::FLOAT8 => read(row, i),
        Type::FLOAT4 => Ok(read::<f32>(row, i)?.map(f64::from)),
        #[expect(clippy::cast_precision_loss, reason = "a reader of f64 asked for it")]
        _ => Ok(i64(row, i)?.map(|v| v as f64)),
    }
}

pub(in crate::db) fn text(row: &Row, i: usize) -> Result<Option<String>, Error> {
    read(row, i)
}

/// Text is read as its bytes, as SQLite's sessions do.
pub(in crate::db) fn bytes(row: &Row, i: usize) -> Result<Option<Vec<u8>>, Error> {
    match *kind(row, i)? {
        Type::BYTEA => read(row, i),
        _ => Ok(read::<String>(row, i)?.map(String::into_bytes)),
    }
}
