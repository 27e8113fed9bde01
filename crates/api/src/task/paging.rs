//! `limit`, `offset` and `count` as the workflow engine's lists have them.

use crate::error::{Error, Result};
use model::time::Micros;
use serde_json::{Map, Value, json};

/// Rows of a page unless asked otherwise (reference §4.1).
const LIMIT: i64 = 100;
/// Rows of a page at most.
const LIMIT_MAX: i64 = 1_000;
/// How far an offset may reach; beyond, narrow the list by `beforeId` or by time.
const OFFSET_MAX: i64 = 10_000;

/// Which part of a list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page {
    pub(super) limit: i64,
    pub(super) offset: i64,
}

impl Page {
    pub(super) fn read(limit: Option<i64>, offset: Option<i64>) -> Result<Self> {
        let (limit, offset) = (limit.unwrap_or(LIMIT), offset.unwrap_or(0));
        if !(0..=LIMIT_MAX).contains(&limit) {
            return Err(Error::bad_request(format!("limit must be 0 to {LIMIT_MAX}.")));
        }
        if !(0..=OFFSET_MAX).contains(&offset) {
            return Err(Error::bad_request(format!(
                "offset must be 0 to {OFFSET_MAX}; narrow the list instead."
            )));
        }
        Ok(Self { limit, offset })
    }

    /// Rows to ask for, one more than needed to see whether there are more.
    pub(super) fn reach(self) -> i64 {
        self.offset + self.limit + 1
    }

    /// The rows of this page, and whether there are more.
    pub(super) fn cut<T>(self, rows: Vec<T>) -> (Vec<T>, bool) {
        let (offset, limit) = (index(self.offset), index(self.limit));
        let more = rows.len() > offset + limit;
        (rows.into_iter().skip(offset).take(limit).collect(), more)
    }

    /// `{"trees":[…],"count":…,"limit":…,"offset":…}`.
    pub(super) fn document(
        self,
        name: &str,
        rows: Vec<Value>,
        count: impl serde::Serialize,
    ) -> axum::Json<Value> {
        let mut document = Map::new();
        document.insert(name.to_owned(), Value::Array(rows));
        document.insert("count".into(), json!(count));
        document.insert("limit".into(), json!(self.limit));
        document.insert("offset".into(), json!(self.offset));
        axum::Json(Value::Object(document))
    }
}

fn index(number: i64) -> usize {
    usize::try_from(number).unwrap_or_default()
}

/// Reads `yyyy-MM-dd` or `yyyy-MM-dd'T'HH:mm:ssZ`.
pub(super) fn instant(name: &str, text: Option<&str>) -> Result<Option<Micros>> {
    let Some(text) = text.map(str::trim).filter(|t| !t.is_empty()) else { return Ok(None) };
    let whole = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    let at = Micros::parse_iso(&whole).ok_or_else(|| {
        Error::bad_request(format!(
            "{name} must be a date or an instant such as 2017-07-27T15:00:00Z."
        ))
    })?;
    Ok(Some(at))
}

/// A text parameter; blank counts as absent.
pub(super) fn given(text: Option<String>) -> Option<String> {
    text.filter(|t| !t.trim().is_empty())
}
