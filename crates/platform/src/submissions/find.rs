//! Lists of submissions: as much of a query as the database can answer by columns, the rest in
//! memory, page by page and within bounds. A page that is not full when enough rows were looked at
//! is given as it is, with the token to go on.

use super::{Record, SubmissionQuery};
use crate::context::{self, FormContext};
use crate::kql::{self, Operand, Operator, Query, Queryable};
use crate::list::{self, Direction, Page};
use crate::{Actor, Error, Platform};
use model::id::{FormId, KappId, SpaceId, SubmissionId};
use model::limits::{self, QUERY_ROWS_MAX};
use model::submission::Submission;
use serde_json::json;
use std::sync::Arc;
use store::Tx;
use store::submissions::{Column, Find, Timeline};

/// Rows fetched at a time.
const CHUNK: i64 = 500;

/// Where a page ended: the order it was made in, the time and the id of its last row.
type Place = (String, i64, String);

/// A list that was understood, owning what a read closure needs.
struct Plan {
    space: SpaceId,
    scope: Option<String>,
    form: Option<String>,
    equal: Vec<(Column, String)>,
    owner: Option<String>,
    filter: Option<Query>,
    timeline: Timeline,
    descending: bool,
    order: String,
    after: Option<(i64, String)>,
    rows: usize,
    count: bool,
}

/// The kapp and form of a list, as the database knows them.
struct Location {
    kapp: Option<KappId>,
    form: Option<FormId>,
}

pub(super) async fn page(
    platform: &Platform,
    actor: &Actor,
    query: &SubmissionQuery<'_>,
) -> Result<Page<Record>, Error> {
    let plan = Plan::read(actor, query)?;
    let inner = platform.inner.clone();
    let read = move |tx: &mut Tx| -> Result<Page<Record>, Error> {
        let place = plan.place(tx)?;
        let count = plan.count.then(|| plan.count(tx, &place)).transpose()?;
        let (rows, next) = plan.rows(tx, &place)?;
        let mut contexts: Vec<Arc<FormContext>> = Vec::new();
        let mut items = Vec::with_capacity(rows.len());
        for row in rows {
            let known = contexts.iter().find(|context| context.form.id == row.form_id).cloned();
            let context = match known {
                Some(context) => context,
                None => {
                    let found = context::current(tx, &inner.contexts, &row.form_id)?;
                    let Some(found) = found else { continue };
                    contexts.push(found.clone());
                    found
                }
            };
            items.push(Record { submission: Arc::new(row), context });
        }
        Ok(Page { items, next_page_token: next, count })
    };
    platform.inner.store.read(read).await
}

impl Plan {
    fn read(actor: &Actor, query: &SubmissionQuery<'_>) -> Result<Self, Error> {
        let filter = kql::read::<Submission>(query.list.q.as_deref())?;
        let mut equal = Vec::new();
        let mut narrow = |column, value: Option<&str>| {
            equal.extend(value.map(|value| (column, value.to_owned())));
        };
        narrow(Column::CoreState, query.core_state.map(model::submission::CoreState::as_str));
        narrow(Column::CreatedBy, query.created_by.as_deref());
        narrow(Column::SubmittedBy, query.submitted_by.as_deref());
        narrow(Column::Kind, query.kind.as_deref());
        let filter = filter.and_then(|filter| push_down(&filter, &mut equal));
        let timeline = timeline(query.list.order_by.as_deref())?;
        let direction = query.list.direction.unwrap_or(Direction::Descending);
        let descending = direction == Direction::Descending;
        let order = format!("{timeline:?} {direction:?}");
        let after = match &query.list.page_token {
            None => None,
            Some(token) => {
                let (made_in, at, id): Place = list::open(token)?;
                if made_in != order {
                    return Err(Error::refused(
                        "The pageToken parameter belongs to a list in another order",
                    ));
                }
                Some((at, id))
            }
        };
        Ok(Self {
            space: actor.space_id.clone(),
            scope: query.scope.kapp().map(str::to_owned),
            form: query.form.map(str::to_owned),
            equal,
            owner: (!actor.is_space_admin).then(|| actor.username.clone()),
            filter,
            timeline,
            descending,
            order,
            after,
            rows: query.list.rows(limits::PAGE_ROWS)?,
            count: query.list.count,
        })
    }

    fn place(&self, tx: &mut Tx) -> Result<Location, Error> {
        let (space, kapp) = context::scope_in(tx, &self.space, self.scope.as_deref())?;
        let kapp = kapp.map(|kapp| kapp.id);
        let form = match &self.form {
            None => None,
            Some(slug) => {
                let form = store::forms::by_slug(tx, &space.id, kapp.as_ref(), slug)?;
                Some(form.ok_or_else(|| Error::not_found("Form", slug))?.id)
            }
        };
        Ok(Location { kapp, form })
    }

    fn find<'a>(&'a self, place: &'a Location) -> Find<'a> {
        Find {
            space: &self.space,
            kapp: place.kapp.as_ref(),
            form: place.form.as_ref(),
            equal: self.equal.iter().map(|(column, value)| (*column, value.as_str())).collect(),
            owner: self.owner.as_deref(),
            timeline: self.timeline,
            descending: self.descending,
            after: self.after.clone(),
            limit: CHUNK,
        }
    }

    /// The rows of the page and the token of the next one.
    fn rows(
        &self,
        tx: &mut Tx,
        place: &Location,
    ) -> Result<(Vec<Submission>, Option<String>), Error> {
        let mut find = self.find(place);
        let wanted = self.rows + 1;
        if self.filter.is_none() {
            find.limit = i64::try_from(wanted).unwrap_or(CHUNK);
        }
        let mut found: Vec<Submission> = Vec::new();
        let mut scanned = 0;
        let mut after = self.after.clone();
        loop {
            find.after = after;
            let chunk = store::submissions::find(tx, &find)?;
            let more = chunk.len() as i64 == find.limit;
            scanned += chunk.len();
            let last = chunk.last().map(|row| self.key(row));
            let matching = |row: &Submission| self.filter.as_ref().is_none_or(|q| q.matches(row));
            found.extend(chunk.into_iter().filter(matching));
            if found.len() > self.rows {
                found.truncate(self.rows);
                let next = found.last().map(|row| self.seal(&self.key(row)));
                return Ok((found, next));
            }
            if !more {
                return Ok((found, None));
            }
            if scanned >= QUERY_ROWS_MAX {
                return Ok((found, last.map(|key| self.seal(&key))));
            }
            after = last;
        }
    }

    fn count(&self, tx: &mut Tx, place: &Location) -> Result<i64, Error> {
        let mut find = self.find(place);
        find.after = None;
        let Some(filter) = &self.filter else {
            return Ok(store::submissions::count(tx, &find)?);
        };
        let (mut count, mut scanned) = (0_i64, 0);
        let mut after: Option<(i64, String)> = None;
        loop {
            find.after = after;
            let chunk = store::submissions::find(tx, &find)?;
            scanned += chunk.len();
            count += chunk.iter().filter(|row| filter.matches(*row)).count() as i64;
            if (chunk.len() as i64) < find.limit {
                return Ok(count);
            }
            if scanned >= QUERY_ROWS_MAX {
                return Err(Error::refused(format!(
                    "Unable to count: the query leaves more than {QUERY_ROWS_MAX} submissions to \
                     look at. Narrow it by coreState, createdBy, submittedBy or type"
                )));
            }
            after = chunk.last().map(|row| self.key(row));
        }
    }

    /// The time and id that order a row.
    fn key(&self, row: &Submission) -> (i64, String) {
        let at = match self.timeline {
            Timeline::Created => row.audit.created_at.0,
            Timeline::Updated => row.audit.updated_at.0,
            Timeline::Submitted => row.submitted.as_ref().map_or(0, |(at, _)| at.0),
            Timeline::Closed => row.closed.as_ref().map_or(0, |(at, _)| at.0),
        };
        (at, row.id.0.clone())
    }

    fn seal(&self, (at, id): &(i64, String)) -> String {
        list::seal(&json!([self.order, at, id]))
    }
}

/// The timeline that a list is ordered by: the last part of `orderBy`; parts before it must be
/// equal in all rows to have a meaning, and are not looked at.
fn timeline(order_by: Option<&str>) -> Result<Timeline, Error> {
    let last = order_by.unwrap_or("createdAt").rsplit(',').next().unwrap_or_default().trim();
    match last {
        "" | "createdAt" => Ok(Timeline::Created),
        "updatedAt" => Ok(Timeline::Updated),
        "submittedAt" => Ok(Timeline::Submitted),
        "closedAt" => Ok(Timeline::Closed),
        other => Err(Error::refused(format!(
            "Submissions can be ordered by createdAt, updatedAt, submittedAt or closedAt, \
             not by {other}"
        ))),
    }
}

/// Moves the equalities that must hold in any case into columns; what is left is for memory.
fn push_down(filter: &Query, equal: &mut Vec<(Column, String)>) -> Option<Query> {
    let mut left = Vec::new();
    for part in filter.conjuncts() {
        match column(part) {
            Some(found) => equal.push(found),
            None => left.push(part.clone()),
        }
    }
    match left.len() {
        0 => None,
        _ => Some(Query::And(left)),
    }
}

fn column(part: &Query) -> Option<(Column, String)> {
    let Query::Compare(property, Operator::Equal, Some(text)) = part else { return None };
    if property.element.is_some() {
        return None;
    }
    let column = match property.name.as_str() {
        "coreState" => Column::CoreState,
        "createdBy" => Column::CreatedBy,
        "updatedBy" => Column::UpdatedBy,
        "submittedBy" => Column::SubmittedBy,
        "closedBy" => Column::ClosedBy,
        "type" => Column::Kind,
        "handle" => Column::Handle,
        "id" => Column::Id,
        "origin" => Column::Origin,
        "parent" => Column::Parent,
        _ => return None,
    };
    Some((column, text.clone()))
}

impl Queryable for Submission {
    const PROPERTIES: &'static [&'static str] = &[
        "coreState",
        "createdBy",
        "updatedBy",
        "submittedBy",
        "closedBy",
        "handle",
        "id",
        "type",
        "label",
        "sessionToken",
        "origin",
        "parent",
        "currentPage",
        "createdAt",
        "updatedAt",
        "submittedAt",
        "closedAt",
        "values[…]",
    ];
    const KEY: &'static str = "id";

    fn property(&self, name: &str) -> Option<Operand<'_>> {
        let (submitted, closed) = (self.submitted.as_ref(), self.closed.as_ref());
        let by = |stamp: Option<&'_ (model::time::Micros, String)>| match stamp {
            Some((_, by)) => Operand::Text(by.clone().into()),
            None => Operand::Null,
        };
        let at = |stamp: Option<&(model::time::Micros, String)>| match stamp {
            Some((at, _)) => Operand::instant(*at),
            None => Operand::Null,
        };
        Some(match name {
            "coreState" => Operand::text(self.core_state.as_str()),
            "createdBy" => Operand::text(&self.audit.created_by),
            "updatedBy" => Operand::text(&self.audit.updated_by),
            "submittedBy" => by(submitted),
            "closedBy" => by(closed),
            "handle" => Operand::text(&self.handle),
            "id" => Operand::text(self.id.as_str()),
            "type" => Operand::optional(self.kind.as_deref()),
            "label" => Operand::text(&self.label),
            "sessionToken" => Operand::optional(self.session_token.as_deref()),
            "origin" => Operand::optional(self.origin_id.as_ref().map(SubmissionId::as_str)),
            "parent" => Operand::optional(self.parent_id.as_ref().map(SubmissionId::as_str)),
            "currentPage" => Operand::optional(self.current_page.as_deref()),
            "createdAt" => Operand::instant(self.audit.created_at),
            "updatedAt" => Operand::instant(self.audit.updated_at),
            "submittedAt" => at(submitted),
            "closedAt" => at(closed),
            _ => return None,
        })
    }

    fn element(&self, list: &str, name: &str) -> Option<Operand<'_>> {
        (list == "values").then(|| Operand::json(self.values.get(name)))
    }

    fn key(&self) -> &str {
        self.id.as_str()
    }
}
