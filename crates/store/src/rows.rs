//! Inserts of several rows in one statement, with texts that are built once for each row count.

use std::sync::{Mutex, PoisonError};

use crate::{Error, Sql, Tx, Value};

/// Rows that one statement inserts at most; longer lists are cut into several statements.
pub(crate) const ROWS_MAX: usize = 16;

/// How an insert of several rows begins on SQLite, which else keeps a copy of every page it touches
/// to be able to undo half of the statement. Nobody goes on after an error: all of it is undone.
const SQLITE: &str = "INSERT OR FAIL";

/// An `INSERT INTO table (columns)`, for any number of rows. Its guarded form is for one condition.
pub(crate) struct Insert {
    table: &'static str,
    columns: &'static str,
    /// What stands behind the rows, such as what to do about those that exist.
    tail: &'static str,
    texts: Mutex<[Option<Sql>; ROWS_MAX]>,
    guarded: Mutex<[Option<Sql>; ROWS_MAX]>,
}

impl Insert {
    pub(crate) const fn new(table: &'static str, columns: &'static str) -> Self {
        Self::with_tail(table, columns, "")
    }

    pub(crate) const fn with_tail(
        table: &'static str,
        columns: &'static str,
        tail: &'static str,
    ) -> Self {
        Self {
            table,
            columns,
            tail,
            texts: Mutex::new([None; ROWS_MAX]),
            guarded: Mutex::new([None; ROWS_MAX]),
        }
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

    /// Inserts up to sixteen rows if a condition holds, in one statement; `$?` in the condition
    /// stands for the next of its values. `Stale` when it does not; see [`Tx::require`].
    pub(crate) fn guarded(
        &self,
        tx: &mut Tx,
        rows: &[Vec<Value<'_>>],
        condition: (&'static str, &[Value<'_>]),
    ) -> Result<(), Error> {
        let text = self.guarded_text(rows.len(), condition.0);
        let values = rows.iter().flatten().chain(condition.1).cloned().collect::<Vec<_>>();
        tx.require(&text, &values, rows.len())
    }

    /// As a SELECT, parameters have no type of a column; the columns say `name TYPE` where it is
    /// not text.
    fn guarded_text(&self, rows: usize, condition: &'static str) -> Sql {
        let mut texts = self.guarded.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || {
            let columns: Vec<&str> = self.columns.split(',').map(str::trim).collect();
            let typed = |(i, column): (usize, &&str)| match column.split_once(' ') {
                Some((_, kind)) => format!("CAST(${i} AS {kind})"),
                None => format!("${i}"),
            };
            let row = |row: usize| {
                let first = row * columns.len() + 1;
                let of: Vec<_> = (first..).zip(&columns).map(typed).collect();
                format!("({})", of.join(", "))
            };
            let all: Vec<_> = (0..rows).map(row).collect();
            let mut number = rows * columns.len();
            let mut guard = String::new();
            for (i, part) in condition.split("$?").enumerate() {
                if i > 0 {
                    number += 1;
                    guard.push_str(&format!("${number}"));
                }
                guard.push_str(part);
            }
            let rest = format!(
                "INTO {} ({}) SELECT * FROM (VALUES {}) AS v WHERE ",
                self.table,
                self.names(),
                all.join(", ")
            );
            let tail = self.tail;
            let sqlite = format!("{SQLITE} {rest}{guard} {tail}");
            let postgres = format!("INSERT {rest}must_hold({guard}) {tail}");
            Sql::per(Box::leak(sqlite.into_boxed_str()), Box::leak(postgres.into_boxed_str()))
        };
        match texts.get_mut(rows.saturating_sub(1)) {
            Some(text) => *text.get_or_insert_with(make),
            None => make(),
        }
    }

    fn names(&self) -> String {
        let name = |column: &'static str| column.trim().split(' ').next().unwrap_or_default();
        self.columns.split(',').map(name).collect::<Vec<_>>().join(", ")
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
            let (table, columns, tail) = (self.table, self.names(), self.tail);
            let rest = format!("INTO {table} ({columns}) VALUES {} {tail}", all.join(", "));
            let (sqlite, postgres) = (format!("{SQLITE} {rest}"), format!("INSERT {rest}"));
            // At most sixteen texts for each table, kept for the life of the process.
            Sql::per(Box::leak(sqlite.into_boxed_str()), Box::leak(postgres.into_boxed_str()))
        };
        match texts.get_mut(rows.saturating_sub(1)) {
            Some(text) => *text.get_or_insert_with(make),
            None => make(),
        }
    }
}
