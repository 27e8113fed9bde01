//! Lists of submissions: as much of a query as the database can answer by columns, the rest in
//! memory, page by page and within bounds. A page that is not full when enough rows were looked at
//! is given as it is, with the token to go on.

use super::{ApprovalQuery, Record, SubmissionQuery};
use crate::context::{self, FormContext};
use crate::kql::{self, Operand, Operator, Property, Query, Queryable};
use crate::list::{self, Direction, Page};
use crate::{Actor, Error, Platform};
use model::id::{FormId, KappId, SpaceId, SubmissionId, UserId};
use model::limits::{self, QUERY_ROWS_MAX};
use model::submission::Submission;
use model::time::Micros;
use serde_json::json;
use std::sync::Arc;
use store::Tx;
use store::submissions::{Column, Find, FindApprovals, Person, Timeline};

/// Rows fetched at a time.
const CHUNK: i64 = 500;

/// Where a page ended: the order it was made in, the time and the id of its last row.
type Place = (String, i64, String);

/// A list that was understood, owning what a read closure needs.
struct Plan {
    space: SpaceId,
    scope: Option<String>,
    form: Option<String>,
    narrowed: Narrowed,
    owner: Option<(String, UserId)>,
    filter: Option<Query>,
    timeline: Timeline,
    descending: bool,
    order: String,
    after: Option<(i64, String)>,
    rows: usize,
    count: bool,
}

/// The part of a query that the database answers: a core state, one more equality and bounds of
/// creation. Every combination of columns is a prepared statement, so there must be few of them,
/// whatever people ask for; the most selective column is worth it.
#[derive(Debug, Default, PartialEq)]
struct Narrowed {
    state: Option<String>,
    equal: Option<(Column, String)>,
    created: Option<(i64, i64)>,
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
        Ok(Page { items: records(tx, &inner, rows)?, next_page_token: next, count })
    };
    platform.inner.store.read(read).await
}

/// Whose submissions an actor sees; `None`: everybody's.
fn owner(actor: &Actor) -> Option<(String, UserId)> {
    let id = actor.user_id.clone().unwrap_or_else(|| UserId(String::new()));
    (!actor.is_space_admin).then(|| (actor.username.clone(), id))
}

/// Rows with their forms; those whose form is gone are left out.
fn records(
    tx: &mut Tx,
    inner: &crate::Inner,
    rows: Vec<Submission>,
) -> Result<Vec<Record>, store::Error> {
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
    Ok(items)
}

/// A page of approvals, newest first; `of`: whom they wait for.
pub(super) async fn approvals(
    platform: &Platform,
    actor: &Actor,
    query: &ApprovalQuery,
) -> Result<Page<Record>, Error> {
    let wanted = query.list.rows(limits::PAGE_ROWS)?;
    let of = match (query.everybodys, &actor.user_id) {
        (true, _) => None,
        (false, Some(id)) => Some((actor.username.clone(), id.clone())),
        (false, None) => return Err(Error::Unauthenticated),
    };
    let after: Option<(i64, String)> =
        query.list.page_token.as_deref().map(list::open).transpose()?;
    let (space, states, count) = (actor.space_id.clone(), query.states.clone(), query.list.count);
    let inner = platform.inner.clone();
    let read = move |tx: &mut Tx| -> Result<Page<Record>, Error> {
        let of = of.as_ref().map(|(username, id)| Person { username, id });
        let limit = i64::try_from(wanted + 1).unwrap_or(CHUNK);
        let find =
            FindApprovals { space: &space, of, states: &states, after: after.clone(), limit };
        let mut rows = store::submissions::approvals(tx, &find)?;
        let more = rows.len() > wanted;
        rows.truncate(wanted);
        let last = rows.last().filter(|_| more);
        let next = last.map(|row| list::seal(&json!([row.audit.created_at.0, row.id.0])));
        let count = count.then(|| {
            let find = FindApprovals { after: None, limit: limits::APPROVALS_COUNTED_MAX, ..find };
            store::submissions::count_approvals(tx, &find)
        });
        let count = count.transpose()?;
        Ok(Page { items: records(tx, &inner, rows)?, next_page_token: next, count })
    };
    platform.inner.store.read(read).await
}

impl Plan {
    fn read(actor: &Actor, query: &SubmissionQuery<'_>) -> Result<Self, Error> {
        let filter = kql::read::<Submission>(query.list.q.as_deref())?;
        let mut parts: Vec<Query> = match &filter {
            Some(filter) => filter.conjuncts().into_iter().cloned().collect(),
            None => Vec::new(),
        };
        let state = query.core_state.map(|state| state.as_str().to_owned());
        for (name, value) in [
            ("coreState", &state),
            ("createdBy", &query.created_by),
            ("submittedBy", &query.submitted_by),
            ("type", &query.kind),
        ] {
            let property = Property { name: name.to_owned(), element: None };
            let value = value.clone().map(Some);
            parts.extend(value.map(|value| Query::Compare(property, Operator::Equal, value)));
        }
        let (narrowed, filter) = push_down(parts);
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
            narrowed,
            owner: owner(actor),
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
        let state = self.narrowed.state.as_deref().map(|state| (Column::CoreState, state));
        let equal = self.narrowed.equal.as_ref().map(|(column, value)| (*column, value.as_str()));
        Find {
            space: &self.space,
            kapp: place.kapp.as_ref(),
            form: place.form.as_ref(),
            equal: state.into_iter().chain(equal).collect(),
            created: self.narrowed.created,
            owner: self.owner.as_ref().map(|(username, id)| Person { username, id }),
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

/// Moves what [`Narrowed`] holds from the parts that must all hold to the database; what is left is
/// for memory.
fn push_down(parts: Vec<Query>) -> (Narrowed, Option<Query>) {
    let mut narrowed = Narrowed::default();
    let equalities = parts.iter().filter_map(column);
    let best = equalities.map(|(column, _)| column).min_by_key(|column| rank(*column));
    let left: Vec<Query> = parts.into_iter().filter(|part| !narrowed.take(part, best)).collect();
    let left = if left.is_empty() { None } else { Some(Query::And(left)) };
    (narrowed, left)
}

/// The most selective columns first; the core state goes its own way.
fn rank(column: Column) -> usize {
    use Column as C;
    const ORDER: &[Column] = &[
        C::Id,
        C::Handle,
        C::Parent,
        C::Origin,
        C::CreatedBy,
        C::SubmittedBy,
        C::UpdatedBy,
        C::ClosedBy,
        C::Kind,
        C::CoreState,
    ];
    ORDER.iter().position(|other| *other == column).unwrap_or(ORDER.len())
}

impl Narrowed {
    /// Takes a comparison over, if the database is to answer it; `best` is the column it may.
    fn take(&mut self, part: &Query, best: Option<Column>) -> bool {
        match column(part) {
            Some((Column::CoreState, value)) if self.state.is_none() => {
                self.state = Some(value);
                true
            }
            Some((Column::CoreState, _)) => false,
            Some((found, value)) if Some(found) == best && self.equal.is_none() => {
                self.equal = Some((found, value));
                true
            }
            Some(_) => false,
            None => {
                let Some((from, before)) = creation(part) else { return false };
                let (least, most) = self.created.unwrap_or((i64::MIN, i64::MAX));
                let from = from.unwrap_or(i64::MIN).max(least);
                self.created = Some((from, before.unwrap_or(i64::MAX).min(most)));
                true
            }
        }
    }
}

/// The time of creation that a comparison asks for: from the first on, before the second.
fn creation(part: &Query) -> Option<(Option<i64>, Option<i64>)> {
    let at = |text: &Option<String>| Some(Micros::parse_iso(text.as_deref()?)?.0);
    let is_creation = |p: &Property| p.name == "createdAt" && p.element.is_none();
    match part {
        Query::Between(p, from, to) if is_creation(p) => Some((Some(at(from)?), Some(at(to)?))),
        Query::Compare(p, operator, text) if is_creation(p) => match operator {
            Operator::GreaterOrEqual => Some((Some(at(text)?), None)),
            Operator::Greater => Some((Some(at(text)?.saturating_add(1)), None)),
            Operator::Less => Some((None, Some(at(text)?))),
            Operator::LessOrEqual => Some((None, Some(at(text)?.saturating_add(1)))),
            _ => None,
        },
        _ => None,
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
        let by = |stamp: Option<&'_ (Micros, String)>| match stamp {
            Some((_, by)) => Operand::Text(by.clone().into()),
            None => Operand::Null,
        };
        let at = |stamp: Option<&(Micros, String)>| match stamp {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_must_hold_is_left_to_the_database() {
        let check = |text: &str, narrowed: Narrowed, left: bool| {
            let query = kql::read::<Submission>(Some(text)).unwrap().unwrap();
            let parts = query.conjuncts().into_iter().cloned().collect();
            let (found, rest) = push_down(parts);
            assert_eq!((found, rest.is_some()), (narrowed, left), "{text}");
        };
        let state = || Narrowed { state: Some("Draft".to_owned()), ..Narrowed::default() };
        let equal = |column, value: &str| Narrowed {
            equal: Some((column, value.to_owned())),
            ..Narrowed::default()
        };
        let none = Narrowed::default;
        check(r#"coreState = "Draft""#, state(), false);
        check(r#"coreState = "Draft" AND coreState = "Closed""#, state(), true);
        check(r#"type = "A" AND values[X] = "b""#, equal(Column::Kind, "A"), true);
        check(r#"type = "A" AND handle = "b""#, equal(Column::Handle, "b"), true);
        check(r#"handle = "b" AND handle = "c""#, equal(Column::Handle, "b"), true);
        let both = Narrowed { equal: Some((Column::Kind, "A".to_owned())), ..state() };
        check(r#"type = "A" AND coreState = "Draft""#, both, false);
        check(r#"type = "A" OR handle = "b""#, none(), true);
        check("type = null", none(), true);
    }

    #[test]
    fn bounds_of_creation_are_left_to_the_database() {
        let check = |text: String, created: Option<(i64, i64)>, left: bool| {
            let query = kql::read::<Submission>(Some(&text)).unwrap().unwrap();
            let parts = query.conjuncts().into_iter().cloned().collect();
            let (found, rest) = push_down(parts);
            assert_eq!((found.created, rest.is_some()), (created, left), "{text}");
        };
        let (one, two) = ("1970-01-01T00:00:01Z", "1970-01-01T00:00:02Z");
        check(format!("createdAt >= {one:?}"), Some((1_000_000, i64::MAX)), false);
        check(format!("createdAt > {one:?}"), Some((1_000_001, i64::MAX)), false);
        check(format!("createdAt <= {one:?}"), Some((i64::MIN, 1_000_001)), false);
        let both = Some((1_000_000, 2_000_000));
        check(format!("createdAt BETWEEN ({one:?}, {two:?})"), both, false);
        let tightest =
            format!("createdAt > {one:?} AND createdAt >= {two:?} AND createdAt < {two:?}");
        check(tightest, Some((2_000_000, 2_000_000)), false);
        check(r#"createdAt > "yesterday""#.to_owned(), None, true);
        check(format!("createdAt = {one:?}"), None, true);
    }
}
