//! What every list takes and gives.

use crate::Error;
use model::limits;

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
