//! Statements as constants: one text for both databases wherever possible.
//!
//! Placeholders are `$1`…`$n`. SQLite numbers `$n` by first appearance, which swaps values in
//! silence, so its sessions translate them to `?n`, once for each statement. Casts are written
//! `CAST(x AS BIGINT)`: SQLite would read `$1::bigint` as a parameter of another name.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock};

use super::error::Error;
use super::row::Row;
use super::tx::Tx;
use super::value::Value;

/// Which database a store runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite, one file.
    Sqlite,
    /// PostgreSQL 15 or later.
    Postgres,
}

/// One statement, in the text of each database.
#[derive(Clone, Copy, Debug)]
pub struct Sql {
    sqlite: &'static str,
    postgres: &'static str,
}

impl Sql {
    /// A text that both databases understand alike.
    pub const fn both(text: &'static str) -> Self {
        Self { sqlite: text, postgres: text }
    }

    /// Two texts. A comment at the constant says what the other database lacks.
    pub const fn per(sqlite: &'static str, postgres: &'static str) -> Self {
        Self { sqlite, postgres }
    }

    /// The text for one database, with `$n` placeholders.
    pub const fn text(&self, dialect: Dialect) -> &'static str {
        match dialect {
            Dialect::Sqlite => self.sqlite,
            Dialect::Postgres => self.postgres,
        }
    }
}

/// Rewrites `$n` as `?n`, outside of quoted text.
pub(super) fn to_sqlite(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut quote: Option<char> = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match quote {
            Some(q) if c == q => quote = None,
            None if c == '\'' || c == '"' => quote = Some(c),
            _ => {}
        }
        let placeholder = quote.is_none() && c == '$';
        if placeholder && chars.peek().is_some_and(char::is_ascii_digit) {
            out.push('?');
        } else {
            out.push(c);
        }
    }
    out
}

/// A SELECT whose conditions depend on the request, put together from constant fragments.
///
/// In a fragment `$?` stands for the next value. The distinct texts are few (one for each
/// combination of fragments) and are kept for the life of the process, so that statements are
/// prepared once.
///
/// ```ignore
/// let mut select = Select::new(&LIST, &[space.into()]);     // … WHERE space_id = $1
/// if let Some(state) = state {
///     select.and("state = $?", state);
/// }
/// select.end("ORDER BY id DESC LIMIT $?", limit);
/// select.query(tx, |row| Ok(JobId(row.text(0)?)))
/// ```
#[derive(Debug)]
pub struct Select<'a> {
    base: Sql,
    tail: String,
    values: Vec<Value<'a>>,
}

/// More distinct texts than this mean that values have leaked into fragments.
const TEXTS_MAX: usize = 8_192;

impl<'a> Select<'a> {
    /// Starts from a statement that ends inside its WHERE clause, with the values it names.
    pub fn new(base: &Sql, values: &[Value<'a>]) -> Self {
        Self { base: *base, tail: String::new(), values: values.to_vec() }
    }

    /// Adds ` AND fragment`; each `$?` in it stands for `value`.
    pub fn and(&mut self, fragment: &'static str, value: impl Into<Value<'a>>) {
        self.tail.push_str(" AND ");
        self.push(fragment, value.into());
    }

    /// Adds ` AND fragment` without a value.
    pub fn and_plain(&mut self, fragment: &'static str) {
        self.tail.push_str(" AND ");
        self.tail.push_str(fragment);
    }

    /// Adds ` AND fragment` over several values, taken by its `$?` in order.
    pub fn and_all(&mut self, fragment: &'static str, values: Vec<Value<'a>>) {
        self.tail.push_str(" AND ");
        let mut parts = fragment.split("$?");
        self.tail.push_str(parts.next().unwrap_or_default());
        for (part, value) in parts.zip(values) {
            self.values.push(value);
            self.tail.push_str(&format!("${}{part}", self.values.len()));
        }
    }

    /// Adds ` AND column IN (…)`; no values: nothing matches.
    pub fn and_in(&mut self, column: &'static str, values: Vec<Value<'a>>) {
        if values.is_empty() {
            return self.and_plain("1 = 0");
        }
        self.tail.push_str(&format!(" AND {column} IN ("));
        for (i, value) in values.into_iter().enumerate() {
            self.values.push(value);
            let comma = if i == 0 { "" } else { ", " };
            self.tail.push_str(&format!("{comma}${}", self.values.len()));
        }
        self.tail.push(')');
    }

    /// Adds the closing part, ORDER BY and LIMIT; each `$?` in it stands for `value`.
    pub fn end(&mut self, fragment: &'static str, value: impl Into<Value<'a>>) {
        self.tail.push(' ');
        self.push(fragment, value.into());
    }

    fn push(&mut self, fragment: &'static str, value: Value<'a>) {
        self.values.push(value);
        let number = format!("${}", self.values.len());
        self.tail.push_str(&fragment.replace("$?", &number));
    }

    /// Runs it, mapping every row.
    ///
    /// # Errors
    /// As [`Tx::query`]; `Db` when there are too many distinct texts.
    pub fn query<T>(
        &self,
        tx: &mut Tx,
        map: impl FnMut(&Row) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let text = intern(&format!("{}{}", self.base.text(tx.dialect()), self.tail))?;
        tx.query(&Sql::both(text), &self.values, map)
    }

    /// How the database would run it, a line for each step: for tests of plans.
    ///
    /// # Errors
    /// As [`Select::query`].
    pub fn plan(&self, tx: &mut Tx) -> Result<Vec<String>, Error> {
        let (explain, column) = match tx.dialect() {
            Dialect::Sqlite => ("EXPLAIN QUERY PLAN", 3),
            Dialect::Postgres => ("EXPLAIN", 0),
        };
        let text = format!("{explain} {}{}", self.base.text(tx.dialect()), self.tail);
        tx.query(&Sql::both(intern(&text)?), &self.values, |row| row.text(column))
    }
}

fn intern(text: &str) -> Result<&'static str, Error> {
    static TEXTS: OnceLock<Mutex<HashMap<String, &'static str>>> = OnceLock::new();
    let texts = TEXTS.get_or_init(Mutex::default);
    let mut texts = texts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(known) = texts.get(text) {
        return Ok(known);
    }
    if texts.len() >= TEXTS_MAX {
        return Err(Error::db("too many distinct statement texts"));
    }
    let kept: &'static str = Box::leak(text.to_owned().into_boxed_str());
    texts.insert(text.to_owned(), kept);
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::to_sqlite;

    #[test]
    fn placeholders_become_numbered_outside_of_quotes() {
        let check = |text: &str, expect: &str| assert_eq!(to_sqlite(text), expect);
        check("SELECT $2, $1 FROM t", "SELECT ?2, ?1 FROM t");
        check("a = $10 AND b = '$1'", "a = ?10 AND b = '$1'");
        check("json_extract(x, '$.a') = $1", "json_extract(x, '$.a') = ?1");
        check("it''s '' $1", "it''s '' ?1");
    }
}
