//! What every list takes and gives.

use crate::Error;
use crate::kql::{self, Property, Queryable};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::limits;
use std::cmp::Ordering;

/// One page of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// The rows, in the order asked for.
    pub items: Vec<T>,
    /// Give it back as [`ListQuery::page_token`] for the next page; `None` on the last one.
    pub next_page_token: Option<String>,
    /// How many rows match in all; only when asked for.
    pub count: Option<i64>,
}

/// The direction of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Smallest, oldest first.
    Ascending,
    /// Largest, newest first.
    Descending,
}

impl Direction {
    /// Reads `ASC` or `DESC`, in any case.
    ///
    /// # Errors
    /// `Refused` for any other text.
    pub fn parse(text: &str) -> Result<Self, Error> {
        match text.to_ascii_uppercase().as_str() {
            "ASC" => Ok(Self::Ascending),
            "DESC" => Ok(Self::Descending),
            _ => Err(Error::refused(format!(
                "The direction parameter must be ASC or DESC, not \"{text}\""
            ))),
        }
    }
}

/// The parameters every list takes; all optional.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListQuery {
    /// A qualification in the documented query language.
    pub q: Option<String>,
    /// The property to order by.
    pub order_by: Option<String>,
    /// The direction; each list has its own default.
    pub direction: Option<Direction>,
    /// Rows of a page, at most [`limits::PAGE_ROWS_MAX`]; each list has its own default.
    pub limit: Option<i64>,
    /// The token of an earlier page of the same list.
    pub page_token: Option<String>,
    /// Whether to count what matches: submissions are counted beside their page, other lists
    /// answer the count alone.
    pub count: bool,
}

impl ListQuery {
    /// The rows of a page, within bounds.
    ///
    /// # Errors
    /// `Refused` when the limit is outside of 1 to [`limits::PAGE_ROWS_MAX`].
    pub(crate) fn rows(&self, default: i64) -> Result<usize, Error> {
        let max = limits::PAGE_ROWS_MAX;
        match self.limit.unwrap_or(default) {
            limit if (1..=max).contains(&limit) => {
                Ok(usize::try_from(limit).expect("between 1 and 1000"))
            }
            limit => Err(Error::refused(format!(
                "The limit parameter must be between 1 and {max}, not {limit}"
            ))),
        }
    }
}

/// What rows are sorted by: the properties asked for, then the key.
type SortKey = Vec<Option<String>>;

/// Makes a page of rows that are all in memory: filtered, ordered, cut. Rows of one page are
/// [`limits::PAGE_ROWS_MAX`] by default.
///
/// # Errors
/// `Refused` for a query, order, limit or token that cannot be read.
pub(crate) fn page<T: Queryable>(rows: Vec<T>, query: &ListQuery) -> Result<Page<T>, Error> {
    let filter = kql::read::<T>(query.q.as_deref())?;
    let order = Order::read::<T>(query)?;
    let limit = query.rows(limits::PAGE_ROWS_MAX)?;
    let after = query.page_token.as_deref().map(|token| order.open(token)).transpose()?;
    let matching = rows.into_iter().filter(|row| filter.as_ref().is_none_or(|q| q.matches(row)));
    if query.count {
        let count = i64::try_from(matching.count()).unwrap_or(i64::MAX);
        return Ok(Page { items: Vec::new(), next_page_token: None, count: Some(count) });
    }
    let mut keyed: Vec<(SortKey, T)> = matching.map(|row| (order.key(&row), row)).collect();
    keyed.sort_by(|a, b| order.compare(&a.0, &b.0));
    if let Some(after) = after {
        keyed.retain(|(key, _)| order.compare(key, &after) == Ordering::Greater);
    }
    let more = keyed.len() > limit;
    keyed.truncate(limit);
    let last = keyed.last().filter(|_| more).map(|(key, _)| order.seal(key));
    let items = keyed.into_iter().map(|(_, row)| row).collect();
    Ok(Page { items, next_page_token: last, count: None })
}

/// The order of a list.
struct Order {
    properties: Vec<Property>,
    direction: Direction,
}

impl Order {
    fn read<T: Queryable>(query: &ListQuery) -> Result<Self, Error> {
        let names = query.order_by.as_deref().unwrap_or(T::KEY).split(',');
        let properties: Vec<Property> = names
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map(|name| match name.strip_suffix(']').and_then(|name| name.split_once('[')) {
                Some((list, element)) => {
                    Property { name: list.to_owned(), element: Some(element.to_owned()) }
                }
                None => Property { name: name.to_owned(), element: None },
            })
            .collect();
        properties.iter().try_for_each(kql::known::<T>)?;
        Ok(Self { properties, direction: query.direction.unwrap_or(Direction::Ascending) })
    }

    fn key<T: Queryable>(&self, row: &T) -> SortKey {
        let properties = self.properties.iter().map(|p| kql::operand(row, p).sort_key());
        properties.chain([Some(row.key().to_owned())]).collect()
    }

    fn compare(&self, a: &SortKey, b: &SortKey) -> Ordering {
        match self.direction {
            Direction::Ascending => a.cmp(b),
            Direction::Descending => b.cmp(a),
        }
    }

    /// Writes the key of a page's last row as a token.
    fn seal(&self, key: &SortKey) -> String {
        seal(&serde_json::json!(key))
    }

    fn open(&self, token: &str) -> Result<SortKey, Error> {
        let key: SortKey = open(token)?;
        if key.len() != self.properties.len() + 1 {
            return Err(foreign());
        }
        Ok(key)
    }
}

/// Writes a place in a list as an opaque token.
pub(crate) fn seal(place: &serde_json::Value) -> String {
    URL_SAFE_NO_PAD.encode(place.to_string())
}

/// Reads a token back.
///
/// # Errors
/// `Refused` when the token is not one of this kind of list.
pub(crate) fn open<T: serde::de::DeserializeOwned>(token: &str) -> Result<T, Error> {
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| foreign())?;
    serde_json::from_slice(&bytes).map_err(|_| foreign())
}

fn foreign() -> Error {
    Error::refused("The pageToken parameter does not belong to this list")
}
