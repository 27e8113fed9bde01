//! What every list takes and gives.

use crate::error::Result;
use crate::include::Include;
use platform::{Direction, ListQuery, Page};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::IntoParams;

/// The parameters every list takes; all optional.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct ListParams {
    /// What to add to each record: a comma-separated list such as `details,attributesMap`.
    pub include: Option<String>,
    /// A qualification such as `name =* "Lap" AND status = "Active"`.
    pub q: Option<String>,
    /// The property to order by.
    pub order_by: Option<String>,
    /// `ASC` or `DESC`.
    pub direction: Option<String>,
    /// Rows of a page, at most 1,000.
    pub limit: Option<i64>,
    /// The `nextPageToken` of the page before.
    pub page_token: Option<String>,
    /// Whether to count what matches.
    pub count: Option<bool>,
}

impl ListParams {
    /// What to add to each record.
    pub fn include(&self) -> Include {
        Include::parse(self.include.as_deref())
    }

    /// The query for the engine; blank parameters count as absent.
    ///
    /// # Errors
    /// 400 for a direction that is none.
    pub fn query(&self) -> Result<ListQuery> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        let direction = given(&self.direction).map(|d| Direction::parse(&d)).transpose()?;
        Ok(ListQuery {
            q: given(&self.q),
            order_by: given(&self.order_by),
            direction,
            limit: self.limit,
            page_token: given(&self.page_token),
            count: self.count.unwrap_or(false),
        })
    }
}

/// `{"kapps":[…],"nextPageToken":…,"messages":[]}`: rows under their name.
pub fn document<T, D>(name: &str, page: &Page<T>, row: impl Fn(&T) -> D) -> axum::Json<Value>
where
    D: serde::Serialize,
{
    let rows: Vec<Value> = page.items.iter().map(|item| json!(row(item))).collect();
    let mut document = Map::new();
    document.insert(name.to_owned(), Value::Array(rows));
    document.insert("nextPageToken".to_owned(), json!(page.next_page_token));
    if let Some(count) = page.count {
        document.insert("count".to_owned(), json!(count));
    }
    document.insert("messages".to_owned(), json!([]));
    axum::Json(Value::Object(document))
}

/// `{"kapp":{…}}`: a record under its name.
pub fn wrapped(name: &str, record: impl serde::Serialize) -> axum::Json<Value> {
    let mut document = Map::new();
    document.insert(name.to_owned(), json!(record));
    axum::Json(Value::Object(document))
}

/// Declares the two answers of a resource: one record under its name, and a page of them.
macro_rules! answers {
    ($document:ty, $single:ident { $one:ident }, $page:ident { $many:ident }) => {
        #[doc = concat!("`{", stringify!($one), "}`")]
        #[derive(Debug, serde::Serialize, utoipa::ToSchema)]
        pub(crate) struct $single {
            $one: $document,
        }

        impl $single {
            /// Wraps a record in its name.
            pub(crate) fn of($one: $document) -> axum::Json<Self> {
                axum::Json(Self { $one })
            }
        }

        #[doc = concat!("`{", stringify!($many), ", nextPageToken, messages}`")]
        #[derive(Debug, serde::Serialize, utoipa::ToSchema)]
        #[serde(rename_all = "camelCase")]
        pub(crate) struct $page {
            $many: Vec<$document>,
            /// Give it back as `pageToken` for the next page; null on the last one.
            next_page_token: Option<String>,
            /// How many match in all, when asked for.
            #[serde(skip_serializing_if = "Option::is_none")]
            count: Option<i64>,
            /// Always empty; clients read it.
            messages: Vec<String>,
        }

        impl $page {
            /// Wraps the rows of a page in their name.
            pub(crate) fn of<T>(
                page: &platform::Page<T>,
                row: impl Fn(&T) -> $document,
            ) -> axum::Json<Self> {
                axum::Json(Self {
                    $many: page.items.iter().map(row).collect(),
                    next_page_token: page.next_page_token.clone(),
                    count: page.count,
                    messages: Vec::new(),
                })
            }
        }
    };
}

pub(crate) use answers;
