//! Rows of submissions, those of kapps and of the datastore.

use model::id::{FormId, KappId, SpaceId, SubmissionId, UserId};
use model::submission::{CoreState, Submission};
use model::time::Micros;

use crate::spaces::{audit, object};
use crate::{Error, Row, Select, Sql, Tx, Value};

/// Approvals that wait for a user: assigned to them or to a team they are in.
macro_rules! assigned {
    () => {
        "assigned_user = $? OR assigned_team IN (\
         SELECT t.name FROM memberships m JOIN teams t ON t.id = m.team_id \
         WHERE m.user_id = $? AND t.restoration_token IS NULL)"
    };
}

macro_rules! select {
    ($tail:literal) => {
        Sql::both(concat!(
            "SELECT id, space_id, kapp_id, form_id, handle, core_state, current_page, label, ",
            "kind, origin_id, parent_id, session_token, field_values, submitted_at, ",
            "submitted_by, closed_at, closed_by, version, ",
            "created_at, created_by, updated_at, updated_by FROM submissions ",
            $tail
        ))
    };
}

fn read(row: &Row) -> Result<Submission, Error> {
    let state = row.text(5)?;
    let when = |i: usize| -> Result<Option<(Micros, String)>, Error> {
        let at = row.opt_micros(i)?;
        at.map(|at| Ok((at, row.opt_text(i + 1)?.unwrap_or_default()))).transpose()
    };
    Ok(Submission {
        id: SubmissionId(row.text(0)?),
        space_id: SpaceId(row.text(1)?),
        kapp_id: row.opt_text(2)?.map(KappId),
        form_id: FormId(row.text(3)?),
        handle: row.text(4)?,
        core_state: CoreState::parse(&state)
            .ok_or_else(|| Error::db(format!("{state} is not a core state")))?,
        current_page: row.opt_text(6)?,
        label: row.text(7)?,
        kind: row.opt_text(8)?,
        origin_id: row.opt_text(9)?.map(SubmissionId),
        parent_id: row.opt_text(10)?.map(SubmissionId),
        session_token: row.opt_text(11)?,
        values: row.json(12)?,
        submitted: when(13)?,
        closed: when(15)?,
        version: row.i64(17)?,
        audit: audit(row, 18)?,
    })
}

/// The columns that both an insert and an update write, in order.
fn columns(submission: &Submission) -> [Value<'_>; 20] {
    let (submitted, closed) = (submission.submitted.as_ref(), submission.closed.as_ref());
    let audit = &submission.audit;
    [
        (&submission.handle).into(),
        submission.core_state.as_str().into(),
        submission.current_page.as_ref().into(),
        (&submission.label).into(),
        submission.kind.as_ref().into(),
        submission.origin_id.as_ref().into(),
        submission.parent_id.as_ref().into(),
        submission.session_token.as_ref().into(),
        object(&submission.values),
        submitted.map(|(at, _)| *at).into(),
        submitted.map(|(_, by)| by).into(),
        closed.map(|(at, _)| *at).into(),
        closed.map(|(_, by)| by).into(),
        submission.version.into(),
        audit.created_at.into(),
        (&audit.created_by).into(),
        audit.updated_at.into(),
        (&audit.updated_by).into(),
        submission.assigned_user().into(),
        submission.assigned_team().into(),
    ]
}

const INSERT: Sql = Sql::both(
    "INSERT INTO submissions (id, space_id, kapp_id, form_id, handle, core_state, current_page, \
     label, kind, origin_id, parent_id, session_token, field_values, submitted_at, submitted_by, \
     closed_at, closed_by, version, created_at, created_by, updated_at, updated_by, \
     assigned_user, assigned_team) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, \
     $19, $20, $21, $22, $23, $24)",
);

/// Inserts a submission.
///
/// # Errors
/// `Unique` when the id exists, perhaps only at the commit.
pub fn insert(tx: &mut Tx, submission: &Submission) -> Result<(), Error> {
    let keys = [
        (&submission.id).into(),
        (&submission.space_id).into(),
        submission.kapp_id.as_ref().into(),
        (&submission.form_id).into(),
    ];
    let values: Vec<Value<'_>> = keys.into_iter().chain(columns(submission)).collect();
    tx.push(&INSERT, &values)
}

const BY_ID: Sql = select!("WHERE id = $1");

/// The submission with an id.
///
/// # Errors
/// What the database says.
pub fn by_id(tx: &mut Tx, id: &SubmissionId) -> Result<Option<Submission>, Error> {
    tx.query_opt(&BY_ID, &[id.into()], read)
}

const UPDATE: Sql = Sql::both(
    "UPDATE submissions SET handle = $3, core_state = $4, current_page = $5, label = $6, \
     kind = $7, origin_id = $8, parent_id = $9, session_token = $10, field_values = $11, \
     submitted_at = $12, submitted_by = $13, closed_at = $14, closed_by = $15, version = $16, \
     created_at = $17, created_by = $18, updated_at = $19, updated_by = $20, \
     assigned_user = $21, assigned_team = $22 \
     WHERE id = $1 AND version = $2",
);

/// Overwrites a submission, version included, if it still has version `from`; whether it had.
///
/// # Errors
/// What the database says.
pub fn update(tx: &mut Tx, submission: &Submission, from: i64) -> Result<bool, Error> {
    let keys = [(&submission.id).into(), from.into()];
    let values: Vec<Value<'_>> = keys.into_iter().chain(columns(submission)).collect();
    Ok(tx.execute(&UPDATE, &values)? == 1)
}

const DELETE: Sql = Sql::both("DELETE FROM submissions WHERE id = $1 AND version = $2");

/// Deletes a submission, if it still has version `from`; whether it had.
///
/// # Errors
/// What the database says.
pub fn delete(tx: &mut Tx, id: &SubmissionId, from: i64) -> Result<bool, Error> {
    Ok(tx.execute(&DELETE, &[id.into(), from.into()])? == 1)
}

const COUNT_OF_KAPP: Sql = Sql::both(
    "SELECT count(*) FROM (SELECT 1 AS one FROM submissions WHERE kapp_id = $1 LIMIT $2) AS found",
);

/// How many submissions a kapp has, counted no further than `limit`.
///
/// # Errors
/// What the database says.
pub fn count_of_kapp(tx: &mut Tx, kapp: &KappId, limit: i64) -> Result<i64, Error> {
    tx.query_one(&COUNT_OF_KAPP, &[kapp.into(), limit.into()], |row| row.i64(0))
}

/// A column that a list can be narrowed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// The core state, by its documented name.
    CoreState,
    /// Who created it.
    CreatedBy,
    /// Who last changed it.
    UpdatedBy,
    /// Who submitted it.
    SubmittedBy,
    /// Who closed it.
    ClosedBy,
    /// The form type.
    Kind,
    /// The handle.
    Handle,
    /// The id.
    Id,
    /// The submission it originates from.
    Origin,
    /// The submission it belongs to.
    Parent,
}

impl Column {
    fn is(self) -> &'static str {
        match self {
            Self::CoreState => "core_state = $?",
            Self::CreatedBy => "created_by = $?",
            Self::UpdatedBy => "updated_by = $?",
            Self::SubmittedBy => "submitted_by = $?",
            Self::ClosedBy => "closed_by = $?",
            Self::Kind => "kind = $?",
            Self::Handle => "handle = $?",
            Self::Id => "id = $?",
            Self::Origin => "origin_id = $?",
            Self::Parent => "parent_id = $?",
        }
    }
}

/// The time a list is ordered by; equal times are told apart by id. Submissions that have not
/// been submitted or closed yet come as if that had been in 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timeline {
    /// When it was created; the one that an index serves.
    Created,
    /// When it was last changed.
    Updated,
    /// When it was submitted.
    Submitted,
    /// When it was closed.
    Closed,
}

/// A user, by both names they have in rows.
#[derive(Clone, Copy, Debug)]
pub struct Person<'a> {
    /// The username.
    pub username: &'a str,
    /// The id; teams know their members by it.
    pub id: &'a UserId,
}

/// Which submissions to find.
#[derive(Clone, Debug)]
pub struct Find<'a> {
    /// The space.
    pub space: &'a SpaceId,
    /// The kapp; `None` for the datastore.
    pub kapp: Option<&'a KappId>,
    /// The form, of all in the kapp or datastore.
    pub form: Option<&'a FormId>,
    /// Columns that must have a value. Each combination is a statement of its own that is kept
    /// prepared: callers use few of them, each in one order.
    pub equal: Vec<(Column, &'a str)>,
    /// Created at or after the first time and before the second, in microseconds.
    pub created: Option<(i64, i64)>,
    /// Only those that this user created or submitted, or that are assigned to them.
    pub owner: Option<Person<'a>>,
    /// The order.
    pub timeline: Timeline,
    /// Whether the latest come first.
    pub descending: bool,
    /// From behind this time and id on.
    pub after: Option<(i64, String)>,
    /// Rows at most.
    pub limit: i64,
}

const FIND: Sql = select!("WHERE space_id = $1");
const COUNT: Sql = Sql::both("SELECT count(*) FROM submissions WHERE space_id = $1");

/// Finds submissions, in order.
///
/// # Errors
/// What the database says.
pub fn find(tx: &mut Tx, find: &Find<'_>) -> Result<Vec<Submission>, Error> {
    let mut select = Select::new(&FIND, &[find.space.into()]);
    narrow(&mut select, find);
    let (behind, order) = order(find.timeline, find.descending);
    if let Some((at, id)) = &find.after {
        select.and_all(behind, vec![(*at).into(), (*at).into(), id.clone().into()]);
    }
    select.end(order, find.limit);
    select.query(tx, read)
}

/// Counts all submissions that [`find`] would find, page by page.
///
/// # Errors
/// What the database says.
pub fn count(tx: &mut Tx, find: &Find<'_>) -> Result<i64, Error> {
    let mut select = Select::new(&COUNT, &[find.space.into()]);
    narrow(&mut select, find);
    Ok(select.query(tx, |row| row.i64(0))?.first().copied().unwrap_or_default())
}

fn narrow<'a>(select: &mut Select<'a>, find: &Find<'a>) {
    match (find.form, find.kapp) {
        (Some(form), _) => select.and("form_id = $?", form),
        (None, Some(kapp)) => select.and("kapp_id = $?", kapp),
        (None, None) => select.and_plain("kapp_id IS NULL"),
    }
    for (column, value) in &find.equal {
        select.and(column.is(), *value);
    }
    if let Some((from, before)) = find.created {
        let between = "created_at >= $? AND created_at < $?";
        select.and_all(between, vec![from.into(), before.into()]);
    }
    if let Some(owner) = find.owner {
        let any = concat!("(created_by = $? OR submitted_by = $? OR ", assigned!(), ")");
        let name = owner.username;
        select.and_all(any, vec![name.into(), name.into(), name.into(), owner.id.into()]);
    }
}

/// Which approvals to find.
#[derive(Clone, Debug)]
pub struct FindApprovals<'a> {
    /// The space.
    pub space: &'a SpaceId,
    /// Whom they wait for; `None`: everybody's.
    pub of: Option<Person<'a>>,
    /// Their core states.
    pub states: &'a [CoreState],
    /// From behind this time of creation and id on.
    pub after: Option<(i64, String)>,
    /// Rows at most.
    pub limit: i64,
}

const APPROVALS: Sql = select!("WHERE space_id = $1 AND kind = 'Approval' AND kapp_id IS NOT NULL");
const ANY_APPROVAL: Sql = Sql::both(
    "SELECT 1 FROM submissions \
     WHERE space_id = $1 AND kind = 'Approval' AND kapp_id IS NOT NULL",
);

fn approvals_of<'a>(base: &Sql, find: &FindApprovals<'a>) -> Select<'a> {
    let mut select = Select::new(base, &[find.space.into()]);
    select.and_in("core_state", find.states.iter().map(|state| state.as_str().into()).collect());
    if let Some(person) = find.of {
        let any = concat!("(", assigned!(), ")");
        select.and_all(any, vec![person.username.into(), person.id.into()]);
    }
    select
}

/// Finds approvals, newest first.
///
/// # Errors
/// What the database says.
pub fn approvals(tx: &mut Tx, find: &FindApprovals<'_>) -> Result<Vec<Submission>, Error> {
    let mut select = approvals_of(&APPROVALS, find);
    let (behind, order) = order(Timeline::Created, true);
    if let Some((at, id)) = &find.after {
        select.and_all(behind, vec![(*at).into(), (*at).into(), id.clone().into()]);
    }
    select.end(order, find.limit);
    select.query(tx, read)
}

/// How many approvals there are, counted no further than `limit`.
///
/// # Errors
/// What the database says.
pub fn count_approvals(tx: &mut Tx, find: &FindApprovals<'_>) -> Result<i64, Error> {
    let mut select = approvals_of(&ANY_APPROVAL, find);
    select.end("LIMIT $?", find.limit);
    Ok(select.query(tx, |_| Ok(()))?.len() as i64)
}

const IN_TEAM: Sql = Sql::both(
    "SELECT 1 FROM memberships m JOIN teams t ON t.id = m.team_id \
     WHERE m.user_id = $1 AND t.name = $2 AND t.restoration_token IS NULL",
);

/// Whether an approval waits for a user, as [`approvals`] finds it.
///
/// # Errors
/// What the database says.
pub fn is_assigned(tx: &mut Tx, to: Person<'_>, submission: &Submission) -> Result<bool, Error> {
    if submission.assigned_user() == Some(to.username) {
        return Ok(true);
    }
    let Some(team) = submission.assigned_team() else { return Ok(false) };
    Ok(tx.query_opt(&IN_TEAM, &[to.id.into(), team.into()], |_| Ok(()))?.is_some())
}

/// The condition that continues behind a row, and the order. The first half of a condition lets
/// the index jump to the place; PostgreSQL does not make use of an OR for that.
fn order(timeline: Timeline, descending: bool) -> (&'static str, &'static str) {
    match (timeline, descending) {
        (Timeline::Created, false) => (
            "created_at >= $? AND (created_at > $? OR id > $?)",
            "ORDER BY created_at, id LIMIT $?",
        ),
        (Timeline::Created, true) => (
            "created_at <= $? AND (created_at < $? OR id < $?)",
            "ORDER BY created_at DESC, id DESC LIMIT $?",
        ),
        (Timeline::Updated, false) => (
            "updated_at >= $? AND (updated_at > $? OR id > $?)",
            "ORDER BY updated_at, id LIMIT $?",
        ),
        (Timeline::Updated, true) => (
            "updated_at <= $? AND (updated_at < $? OR id < $?)",
            "ORDER BY updated_at DESC, id DESC LIMIT $?",
        ),
        (Timeline::Submitted, false) => (
            "coalesce(submitted_at, 0) >= $? AND (coalesce(submitted_at, 0) > $? OR id > $?)",
            "ORDER BY coalesce(submitted_at, 0), id LIMIT $?",
        ),
        (Timeline::Submitted, true) => (
            "coalesce(submitted_at, 0) <= $? AND (coalesce(submitted_at, 0) < $? OR id < $?)",
            "ORDER BY coalesce(submitted_at, 0) DESC, id DESC LIMIT $?",
        ),
        (Timeline::Closed, false) => (
            "coalesce(closed_at, 0) >= $? AND (coalesce(closed_at, 0) > $? OR id > $?)",
            "ORDER BY coalesce(closed_at, 0), id LIMIT $?",
        ),
        (Timeline::Closed, true) => (
            "coalesce(closed_at, 0) <= $? AND (coalesce(closed_at, 0) < $? OR id < $?)",
            "ORDER BY coalesce(closed_at, 0) DESC, id DESC LIMIT $?",
        ),
    }
}
