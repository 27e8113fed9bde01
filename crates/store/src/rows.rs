//! Inserts of several rows in one statement, with texts that are built once for each row count.

use std::sync::{Mutex, PoisonError};

use crate::{Error, Sql, Tx, Value};

/// Rows that one statement inserts at most; longer lists are cut into several statements.
const ROWS_MAX: usize = 16;

/// An `INSERT INTO table (columns)`, for any number of rows.
pub(crate) struct Insert {
    table: &'static str,
    columns: &'static str,
    texts: Mutex<[Option<Sql>; ROWS_MAX]>,
}

impl Insert {
    pub(crate) const fn new(table: &'static str, columns: &'static str) -> Self {
        Self { table, columns, texts: Mutex::new([None; ROWS_MAX]) }
    }

    /// Inserts all rows; each holds a value for every column.
    pub(crate) fn push(&self, tx: &mut Tx, rows: &[Vec<Value<'_>>]) -> Result<(), Error> {
        for rows in rows.chunks(ROWS_MAX) {
            let text = self.text(rows.len());
            let values: Vec<Value<'_>> = rows.iter().flatten().cloned().collect();
            tx.push(&text, &values)?;
        }
        Ok(())
    }

    fn text(&self, rows: usize) -> Sql {
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || {
            let width = self.columns.split(',').count();
            let row = |row: usize| {
                let of: Vec<_> = (1..=width).map(|c| format!("${}", row * width + c)).collect();
                format!("({})", of.join(", "))
            };
            let all: Vec<_> = (0..rows).map(row).collect();
            let (table, columns) = (self.table, self.columns);
            let text = format!("INSERT INTO {table} ({columns}) VALUES {}", all.join(", "));
            // At most sixteen texts for each table, kept for the life of the process.
            Sql::both(Box::leak(text.into_boxed_str()))
        };
        match texts.get_mut(rows.saturating_sub(1)) {
            Some(text) => *text.get_or_insert_with(make),
            None => make(),
        }
    }
}
