//! One row of an answer, read by column index from 0.

use model::time::Micros;
use serde::de::DeserializeOwned;

use super::error::Error;
use super::{postgres, sqlite};

/// A row. Columns count from 0; a NULL read without `opt_` is an error, as is another type.
pub struct Row<'a>(pub(super) Inner<'a>);

pub(super) enum Inner<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(&'a tokio_postgres::Row),
}

/// Reads a column through the driver at hand, as an `Option`.
macro_rules! read {
    ($self:ident, $i:ident, $reader:ident) => {
        match &$self.0 {
            Inner::Sqlite(row) => sqlite::column::$reader(row, $i),
            Inner::Postgres(row) => postgres::column::$reader(row, $i),
        }
    };
}

fn present<T>(value: Option<T>, i: usize) -> Result<T, Error> {
    value.ok_or_else(|| Error::db(format!("column {i} is NULL")))
}

impl Row<'_> {
    /// An integer.
    ///
    /// # Errors
    /// `Db` when the column is NULL or not an integer; so for all readers of their own type.
    pub fn i64(&self, i: usize) -> Result<i64, Error> {
        present(self.opt_i64(i)?, i)
    }

    /// An integer or NULL.
    ///
    /// # Errors
    /// `Db` when the column is not an integer; so for all readers of their own type.
    pub fn opt_i64(&self, i: usize) -> Result<Option<i64>, Error> {
        read!(self, i, i64)
    }

    /// A truth value.
    ///
    /// # Errors
    /// As [`Row::i64`].
    pub fn bool(&self, i: usize) -> Result<bool, Error> {
        present(self.opt_bool(i)?, i)
    }

    /// A truth value or NULL.
    ///
    /// # Errors
    /// As [`Row::opt_i64`].
    pub fn opt_bool(&self, i: usize) -> Result<Option<bool>, Error> {
        read!(self, i, bool)
    }

    /// A floating-point number; integers are converted.
    ///
    /// # Errors
    /// As [`Row::i64`].
    pub fn f64(&self, i: usize) -> Result<f64, Error> {
        present(self.opt_f64(i)?, i)
    }

    /// A floating-point number or NULL.
    ///
    /// # Errors
    /// As [`Row::opt_i64`].
    pub fn opt_f64(&self, i: usize) -> Result<Option<f64>, Error> {
        read!(self, i, f64)
    }

    /// Text.
    ///
    /// # Errors
    /// As [`Row::i64`].
    pub fn text(&self, i: usize) -> Result<String, Error> {
        present(self.opt_text(i)?, i)
    }

    /// Text or NULL.
    ///
    /// # Errors
    /// As [`Row::opt_i64`].
    pub fn opt_text(&self, i: usize) -> Result<Option<String>, Error> {
        read!(self, i, text)
    }

    /// Bytes.
    ///
    /// # Errors
    /// As [`Row::i64`].
    pub fn bytes(&self, i: usize) -> Result<Vec<u8>, Error> {
        present(self.opt_bytes(i)?, i)
    }

    /// Bytes or NULL.
    ///
    /// # Errors
    /// As [`Row::opt_i64`].
    pub fn opt_bytes(&self, i: usize) -> Result<Option<Vec<u8>>, Error> {
        read!(self, i, bytes)
    }

    /// An instant.
    ///
    /// # Errors
    /// As [`Row::i64`].
    pub fn micros(&self, i: usize) -> Result<Micros, Error> {
        self.i64(i).map(Micros)
    }

    /// An instant or NULL.
    ///
    /// # Errors
    /// As [`Row::opt_i64`].
    pub fn opt_micros(&self, i: usize) -> Result<Option<Micros>, Error> {
        Ok(self.opt_i64(i)?.map(Micros))
    }

    /// JSON text, read into any type (`serde_json::Value` included).
    ///
    /// # Errors
    /// `Db` when the column is NULL or its text does not have the type's shape.
    pub fn json<T: DeserializeOwned>(&self, i: usize) -> Result<T, Error> {
        present(self.opt_json(i)?, i)
    }

    /// JSON text or NULL, read into any type.
    ///
    /// # Errors
    /// `Db` when the text does not have the type's shape.
    pub fn opt_json<T: DeserializeOwned>(&self, i: usize) -> Result<Option<T>, Error> {
        let Some(text) = self.opt_text(i)? else { return Ok(None) };
        serde_json::from_str(&text)
            .map(Some)
            .map_err(|error| Error::db(format!("column {i} is not the JSON expected: {error}")))
    }
}
