//! Rows of runs: their birth, the guarded write that moves them, leases and lists.

use crate::trees::like;
use crate::{Error, Lease, Row, Select, Sql, Tx, Value};
use model::id::{EventId, JobId, RunId, SpaceId, TraceId, TreeId, TreeVersionId};
use model::run::{Parent, Run, RunState};
use model::time::Micros;

macro_rules! select {
    ($data:literal, $state:literal, $tail:literal) => {
        Sql::both(concat!(
            "SELECT r.id, r.space_id, r.tree_id, r.tree_version_id, r.job_id, r.event_id, ",
            "r.trace_id, r.depth, r.source_record_id, ",
            $data,
            ", r.state, r.token, ",
            $state,
            ", r.originator, r.leased_by, r.leased_until, r.wake_at, r.version, r.created_at, ",
            "r.created_by, r.updated_at, r.finished_at, r.parent_id, r.parent_seq, r.awaited, ",
            "r.root_id, r.inputs, r.start_key",
            $tail
        ))
    };
}

/// The term of the index of open runs, written out: of a list of three SQLite makes a table in each
/// statement. Behind a term that names the state, or it would be taken for several ranges.
macro_rules! is_open {
    ($run:literal) => {
        concat!(
            "(",
            $run,
            "state = 'Running' OR ",
            $run,
            "state = 'Waiting' OR ",
            $run,
            "state = 'Error')"
        )
    };
}
pub(crate) use is_open;

fn read(row: &Row) -> Result<Run, Error> {
    let state = row.text(10)?;
    Ok(Run {
        id: RunId(row.i64(0)?),
        space_id: SpaceId(row.text(1)?),
        tree_id: TreeId(row.text(2)?),
        tree_version_id: TreeVersionId(row.i64(3)?),
        job_id: row.opt_text(4)?.map(JobId),
        event_id: row.opt_text(5)?.map(EventId),
        start_key: row.opt_text(27)?,
        parent: match (row.opt_i64(22)?, row.opt_i64(23)?) {
            (Some(run), Some(seq)) => {
                Some(Parent { run_id: RunId(run), seq, awaited: row.bool(24)? })
            }
            _ => None,
        },
        root_id: row.opt_i64(25)?.map(RunId),
        inputs: row.opt_text(26)?.and_then(|text| serde_json::from_str(&text).ok()),
        trace_id: TraceId(row.text(6)?),
        depth: row.i64(7)?,
        source_record_id: row.opt_text(8)?,
        source_data: row.opt_text(9)?,
        state: RunState::parse(&state)
            .ok_or_else(|| Error::db(format!("{state} is not a run state")))?,
        token: row.text(11)?,
        engine_state: row.text(12)?,
        originator: row.text(13)?,
        leased_by: row.opt_text(14)?,
        leased_until: row.opt_micros(15)?,
        wake_at: row.opt_micros(16)?,
        version: row.i64(17)?,
        created_at: row.micros(18)?,
        created_by: row.text(19)?,
        updated_at: row.micros(20)?,
        finished_at: row.opt_micros(21)?,
    })
}

const INSERT: Sql = Sql::both(
    "INSERT INTO runs (space_id, tree_id, tree_version_id, job_id, event_id, trace_id, depth, \
     source_record_id, source_data, state, token, engine_state, originator, leased_by, \
     leased_until, wake_at, version, created_at, created_by, updated_at, finished_at, parent_id, \
     parent_seq, awaited, root_id, inputs, start_key) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, \
     $19, $20, $21, $22, $23, $24, $25, $26, $27) ON CONFLICT DO NOTHING RETURNING id",
);

/// Adds a run and returns its number; `None` when its job, or
/// its key for the tree, has started one before.
///
/// # Errors
/// Those of the store.
pub fn insert(tx: &mut Tx, run: &Run) -> Result<Option<RunId>, Error> {
    let id = tx.query_opt(&INSERT, &values(run), |row| Ok(RunId(row.i64(0)?)))?;
    Ok(born(tx, run, id))
}

// The statement that inserts checks the tree, which saves a round trip. As a SELECT, parameters
// have no type of a column.
const INSERT_OF: Sql = Sql::both(
    "INSERT INTO runs (space_id, tree_id, tree_version_id, job_id, event_id, trace_id, depth, \
     source_record_id, source_data, state, token, engine_state, originator, leased_by, \
     leased_until, wake_at, version, created_at, created_by, updated_at, finished_at, parent_id, \
     parent_seq, awaited, root_id, inputs, start_key) \
     SELECT $1, $2, CAST($3 AS BIGINT), $4, $5, $6, CAST($7 AS BIGINT), $8, $9, $10, $11, $12, \
     $13, $14, CAST($15 AS BIGINT), CAST($16 AS BIGINT), CAST($17 AS BIGINT), \
     CAST($18 AS BIGINT), $19, CAST($20 AS BIGINT), CAST($21 AS BIGINT), CAST($22 AS BIGINT), \
     CAST($23 AS BIGINT), CAST($24 AS BOOLEAN), CAST($25 AS BIGINT), $26, $27 \
     WHERE EXISTS (SELECT 1 FROM trees WHERE id = $2 AND version = CAST($28 AS BIGINT) \
     AND deleted = FALSE) ON CONFLICT DO NOTHING RETURNING id",
);

/// Adds a run of a tree that still stands at `version`, and returns its number; `None` when the
/// tree has moved or is gone, or as [`insert`].
///
/// # Errors
/// Those of the store.
pub fn insert_of(tx: &mut Tx, run: &Run, version: i64) -> Result<Option<RunId>, Error> {
    let mut values = values(run).to_vec();
    values.push(version.into());
    let id = tx.query_opt(&INSERT_OF, &values, |row| Ok(RunId(row.i64(0)?)))?;
    Ok(born(tx, run, id))
}

fn born(tx: &mut Tx, run: &Run, id: Option<RunId>) -> Option<RunId> {
    if run.leased_by.is_some() {
        note_leases(tx, id.as_slice());
    }
    id
}

fn note_leases(tx: &mut Tx, runs: &[RunId]) {
    runs.iter().for_each(|id| tx.leases(|| Lease::Run(*id)));
}

fn values(run: &Run) -> [Value<'_>; 27] {
    let r = run;
    [
        (&r.space_id).into(),
        (&r.tree_id).into(),
        r.tree_version_id.into(),
        r.job_id.as_ref().into(),
        r.event_id.as_ref().into(),
        (&r.trace_id).into(),
        r.depth.into(),
        r.source_record_id.as_ref().into(),
        r.source_data.as_ref().into(),
        r.state.as_str().into(),
        (&r.token).into(),
        (&r.engine_state).into(),
        (&r.originator).into(),
        r.leased_by.as_ref().into(),
        r.leased_until.into(),
        r.wake_at.into(),
        r.version.into(),
        r.created_at.into(),
        (&r.created_by).into(),
        r.updated_at.into(),
        r.finished_at.into(),
        r.parent.map(|p| p.run_id.0).into(),
        r.parent.map(|p| p.seq).into(),
        r.parent.is_some_and(|p| p.awaited).into(),
        r.root_id.map(|id| id.0).into(),
        r.inputs.as_ref().map(ToString::to_string).into(),
        r.start_key.as_ref().into(),
    ]
}

const BY_JOB: Sql = Sql::both("SELECT id FROM runs WHERE job_id = $1");

/// The run that a job started.
///
/// # Errors
/// Those of the store.
pub fn by_job(tx: &mut Tx, job: &JobId) -> Result<Option<RunId>, Error> {
    tx.query_opt(&BY_JOB, &[job.into()], |row| Ok(RunId(row.i64(0)?)))
}

const BY_KEY: Sql = Sql::both("SELECT id FROM runs WHERE tree_id = $1 AND start_key = $2");

/// The run of a tree that a caller's key started.
///
/// # Errors
/// Those of the store.
pub fn by_key(tx: &mut Tx, tree: &TreeId, key: &str) -> Result<Option<RunId>, Error> {
    tx.query_opt(&BY_KEY, &[tree.into(), key.into()], |row| Ok(RunId(row.i64(0)?)))
}

const OPEN_CHILDREN: Sql = Sql::both(concat!(
    "SELECT id FROM runs WHERE parent_id = $1 AND awaited = TRUE AND ",
    is_open!(""),
    " ORDER BY id"
));

/// Unfinished runs that tasks of a run wait for.
///
/// # Errors
/// Those of the store.
pub fn open_children(tx: &mut Tx, parent: RunId) -> Result<Vec<RunId>, Error> {
    tx.query(&OPEN_CHILDREN, &[parent.into()], |row| Ok(RunId(row.i64(0)?)))
}

const BY_ID: Sql =
    select!("r.source_data", "r.engine_state", " FROM runs r WHERE r.id = $1 AND r.space_id = $2");

/// Finds a run of a space, whole.
///
/// # Errors
/// Those of the store.
pub fn by_id(tx: &mut Tx, space: &SpaceId, id: RunId) -> Result<Option<Run>, Error> {
    tx.query_opt(&BY_ID, &[id.into(), space.into()], read)
}

const LOAD: Sql = select!("r.source_data", "r.engine_state", " FROM runs r WHERE r.id = $1");

/// Finds a run for the engine, in whatever space.
///
/// # Errors
/// Those of the store.
pub fn load(tx: &mut Tx, id: RunId) -> Result<Option<Run>, Error> {
    tx.query_opt(&LOAD, &[id.into()], read)
}

/// What a step of the engine writes to a run.
#[derive(Clone, Debug)]
pub struct Advance<'a> {
    /// The run.
    pub id: RunId,
    /// The version the step started from.
    pub from_version: i64,
    /// The new state.
    pub state: RunState,
    /// The engine's own state.
    pub engine_state: &'a str,
    /// Who keeps the run, and until when; `None` lets it go.
    pub lease: Option<(String, Micros)>,
    /// When the engine has to look at it next.
    pub wake_at: Option<Micros>,
    /// Now.
    pub now: Micros,
}

const ADVANCE: Sql = Sql::both(
    "UPDATE runs SET state = $3, engine_state = $4, leased_by = $5, leased_until = $6, \
     wake_at = $7, updated_at = $8, finished_at = $9, version = version + 1 \
     WHERE id = $1 AND version = $2",
);

/// Moves a run that still has the version the step started from; false when it has moved.
///
/// # Errors
/// Those of the store.
pub fn advance(tx: &mut Tx, a: &Advance<'_>) -> Result<bool, Error> {
    let (by, until) = a.lease.as_ref().map(|(by, until)| (by, *until)).unzip();
    let done = matches!(a.state, RunState::Complete | RunState::Cancelled);
    let changed = tx.execute(
        &ADVANCE,
        &[
            a.id.into(),
            a.from_version.into(),
            a.state.as_str().into(),
            a.engine_state.into(),
            by.into(),
            until.into(),
            a.wake_at.into(),
            a.now.into(),
            done.then_some(a.now).into(),
        ],
    )?;
    Ok(changed == 1)
}

// SQLite has one writer: whoever reads there has the row to itself.
const HOLD: Sql = Sql::per(
    "SELECT id FROM runs WHERE id = $1 AND version = $2",
    "SELECT id FROM runs WHERE id = $1 AND version = $2 FOR NO KEY UPDATE",
);

/// Keeps a run at this version until the transaction ends; false when it has moved. For steps
/// whose state is known only after they have written something else.
///
/// # Errors
/// Those of the store.
pub fn hold(tx: &mut Tx, id: RunId, version: i64) -> Result<bool, Error> {
    Ok(tx.query_opt(&HOLD, &[id.into(), version.into()], |row| row.i64(0))?.is_some())
}

/// Who takes a run, and until when.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The node's name.
    pub node: String,
    /// Now.
    pub now: Micros,
    /// The time that leases are compared with; setting this machine's clock does not move it.
    pub lease_now: Micros,
    /// When the lease ends.
    pub until: Micros,
}

// SQLite has one writer: whoever reads there has the row to itself.
const LOCK: Sql = Sql::per(
    "SELECT id FROM runs WHERE id = $1",
    "SELECT id FROM runs WHERE id = $1 FOR NO KEY UPDATE",
);

/// Lets those who bring something to a run take turns until they commit.
///
/// # Errors
/// Those of the store.
pub fn lock(tx: &mut Tx, id: RunId) -> Result<bool, Error> {
    Ok(tx.query_opt(&LOCK, &[id.into()], |row| row.i64(0))?.is_some())
}

const WAKE: Sql = Sql::both(
    "UPDATE runs SET wake_at = $2, version = version + 1, \
     leased_until = CASE WHEN leased_until IS NULL OR leased_until <= $5 THEN $4 \
       ELSE leased_until END, \
     leased_by = CASE WHEN leased_until IS NULL OR leased_until <= $5 THEN $3 ELSE leased_by END \
     WHERE id = $1 AND state <> 'Cancelled'",
);

/// Makes a run look at its inbox: whoever walks it is refused and reads again; nobody's becomes
/// the caller's. False when it is gone or called off.
///
/// # Errors
/// Those of the store.
pub fn wake(tx: &mut Tx, id: RunId, claim: &Claim) -> Result<bool, Error> {
    let values = [
        id.into(),
        claim.now.into(),
        claim.node.as_str().into(),
        claim.until.into(),
        claim.lease_now.into(),
    ];
    Ok(tx.execute(&WAKE, &values)? == 1)
}

/// What a restored copy has in flight waits for a decision; see [`crate::restorations`]. What
/// belongs to an engine that was stopped waits for its start.
macro_rules! not_held {
    () => {
        " AND space_id NOT IN (SELECT space_id FROM stopped_engines) \
         AND NOT EXISTS (SELECT 1 FROM restorations h WHERE h.space_id = runs.space_id \
         AND h.are_runs_held = TRUE AND runs.created_at <= h.restored_at) "
    };
}

// SQLite has one writer, so its rows need no locks and it has no SKIP LOCKED.
const CLAIM_DUE: Sql = Sql::per(
    concat!(
        "UPDATE runs SET leased_by = $1, leased_until = $2, wake_at = NULL, version = version + 1 \
         WHERE id IN (SELECT id FROM runs WHERE wake_at <= $3 AND (leased_until IS NULL \
         OR leased_until <= $5 OR leased_by = $1)",
        not_held!(),
        "ORDER BY wake_at LIMIT $4) RETURNING id"
    ),
    concat!(
        "UPDATE runs SET leased_by = $1, leased_until = $2, wake_at = NULL, version = version + 1 \
         WHERE id IN (SELECT id FROM runs WHERE wake_at <= $3 AND (leased_until IS NULL \
         OR leased_until <= $5 OR leased_by = $1)",
        not_held!(),
        "ORDER BY wake_at LIMIT $4 FOR UPDATE SKIP LOCKED) RETURNING id"
    ),
);

const CLAIM_EXPIRED: Sql = Sql::per(
    concat!(
        "UPDATE runs SET leased_by = $1, leased_until = $2, wake_at = NULL, version = version + 1 \
         WHERE id IN (SELECT id FROM runs WHERE leased_until <= $3",
        not_held!(),
        "ORDER BY leased_until LIMIT $4) RETURNING id"
    ),
    concat!(
        "UPDATE runs SET leased_by = $1, leased_until = $2, wake_at = NULL, version = version + 1 \
         WHERE id IN (SELECT id FROM runs WHERE leased_until <= $3",
        not_held!(),
        "ORDER BY leased_until LIMIT $4 FOR UPDATE SKIP LOCKED) RETURNING id"
    ),
);

/// Takes runs whose time has come or whose lease has expired, at most `limit` of each.
///
/// # Errors
/// Those of the store.
pub fn claim(tx: &mut Tx, claim: &Claim, limit: i64) -> Result<Vec<RunId>, Error> {
    let (node, until) = (claim.node.as_str(), claim.until);
    let due = [node.into(), until.into(), claim.now.into(), limit.into(), claim.lease_now.into()];
    let mut claimed = tx.query(&CLAIM_DUE, &due, |row| Ok(RunId(row.i64(0)?)))?;
    let expired = [node.into(), until.into(), claim.lease_now.into(), limit.into()];
    claimed.extend(tx.query(&CLAIM_EXPIRED, &expired, |row| Ok(RunId(row.i64(0)?)))?);
    note_leases(tx, &claimed);
    Ok(claimed)
}

const LEASED: Sql = Sql::per(
    "SELECT id FROM runs WHERE leased_by = $1 AND id IN (SELECT value FROM json_each($2))",
    "SELECT id FROM runs WHERE leased_by = $1 AND id IN (SELECT CAST(value AS BIGINT) \
     FROM json_array_elements_text(CAST(CAST($2 AS TEXT) AS JSON)))",
);

/// Of these runs, those that are leased to a node.
///
/// # Errors
/// Those of the store.
pub fn leased(tx: &mut Tx, node: &str, runs: &[RunId]) -> Result<Vec<RunId>, Error> {
    let runs: serde_json::Value = runs.iter().map(|run| run.0).collect();
    tx.query(&LEASED, &[node.into(), runs.into()], |row| Ok(RunId(row.i64(0)?)))
}

const NEXT_WAKE: Sql = Sql::both(concat!(
    "SELECT min(wake_at) FROM runs WHERE wake_at IS NOT NULL AND leased_until IS NULL",
    not_held!()
));

/// When the next timer of a run that nobody holds is due.
///
/// # Errors
/// Those of the store.
pub fn next_wake(tx: &mut Tx) -> Result<Option<Micros>, Error> {
    tx.query_one(&NEXT_WAKE, &[], |row| row.opt_micros(0))
}

const PUT_BACK: Sql = Sql::both(
    "UPDATE runs SET leased_by = NULL, leased_until = NULL, wake_at = $3, version = version + 1 \
     WHERE id = $1 AND version = $2",
);

/// Lets go of a run as it is, to be claimed again; false when it has moved.
///
/// # Errors
/// Those of the store.
pub fn put_back(tx: &mut Tx, id: RunId, version: i64, now: Micros) -> Result<bool, Error> {
    Ok(tx.execute(&PUT_BACK, &[id.into(), version.into(), now.into()])? == 1)
}

const DUE: Sql = Sql::both(
    "SELECT count(*) FROM runs WHERE space_id = $1 AND wake_at <= $2 AND leased_until IS NULL",
);

/// How many runs of a space wait to be claimed.
///
/// # Errors
/// Those of the store.
pub fn count_due(tx: &mut Tx, space: &SpaceId, now: Micros) -> Result<i64, Error> {
    tx.query_one(&DUE, &[space.into(), now.into()], |row| row.i64(0))
}

const RENEW: Sql = Sql::both("UPDATE runs SET leased_until = $3 WHERE id = $1 AND leased_by = $2");

/// Prolongs the lease of a run that the node still holds.
///
/// # Errors
/// Those of the store.
pub fn renew(tx: &mut Tx, id: RunId, claim: &Claim) -> Result<(), Error> {
    tx.push(&RENEW, &[id.into(), (&claim.node).into(), claim.until.into()])
}

const EXPIRE_ALL: Sql =
    Sql::both("UPDATE runs SET leased_until = $1 WHERE leased_until IS NOT NULL");

/// Ends all leases: at the start of the only process that uses the database.
///
/// # Errors
/// Those of the store.
pub fn expire_all(tx: &mut Tx, now: Micros) -> Result<(), Error> {
    tx.push(&EXPIRE_ALL, &[now.into()])
}

const CANCEL: Sql = Sql::both(concat!(
    "UPDATE runs SET state = 'Cancelled', leased_by = NULL, leased_until = NULL, wake_at = NULL, \
     finished_at = $2, updated_at = $2, version = version + 1 \
     WHERE id = $1 AND ",
    is_open!("")
));

/// Calls a run off; false when it is finished or gone.
///
/// # Errors
/// Those of the store.
pub fn cancel(tx: &mut Tx, id: RunId, now: Micros) -> Result<bool, Error> {
    Ok(tx.execute(&CANCEL, &[id.into(), now.into()])? == 1)
}

const UPDATE_SOURCE_DATA: Sql = Sql::both(
    "UPDATE runs SET source_data = coalesce($3, source_data), inputs = coalesce($4, inputs), \
     version = version + 1 WHERE id = $1 AND space_id = $2",
);

/// Replaces what a run was started with, data, inputs or both; whoever walks it reads it again.
/// False when it is gone.
///
/// # Errors
/// Those of the store.
pub fn update_source_data(
    tx: &mut Tx,
    space: &SpaceId,
    id: RunId,
    data: Option<&str>,
    inputs: Option<&serde_json::Value>,
) -> Result<bool, Error> {
    let inputs = inputs.map(ToString::to_string);
    let values = [id.into(), space.into(), data.into(), inputs.into()];
    Ok(tx.execute(&UPDATE_SOURCE_DATA, &values)? == 1)
}

const DELETE: Sql = Sql::both("DELETE FROM runs WHERE id = $1");

/// Removes a run with its tasks, triggers and errors; false when it is gone.
///
/// # Errors
/// Those of the store.
pub fn delete(tx: &mut Tx, id: RunId) -> Result<bool, Error> {
    Ok(tx.execute(&DELETE, &[id.into()])? == 1)
}

const LOOK: Sql = Sql::both(concat!(
    "SELECT o.id, o.leased_until IS NULL AND o.wake_at IS NULL AND o.updated_at < $3 \
       AND NOT EXISTS (SELECT 1 FROM tasks t WHERE t.run_id = o.id AND t.deferred = TRUE) \
       AND NOT EXISTS (SELECT 1 FROM errors e WHERE e.run_id = o.id AND e.active = TRUE) \
       AND NOT EXISTS (SELECT 1 FROM runs c WHERE c.parent_id = o.id AND c.awaited = TRUE \
         AND ",
    is_open!("c."),
    ") \
     FROM (SELECT r.id, r.leased_until, r.wake_at, r.updated_at FROM runs r \
       WHERE r.state = $1 AND r.id > $2 AND ",
    is_open!("r."),
    " ORDER BY r.id LIMIT $4) AS o ORDER BY o.id"
));

/// What a look at some unfinished runs found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// Runs that nothing will ever move.
    pub stuck: Vec<RunId>,
    /// The last run that was looked at; `None`: there are no further ones.
    pub last: Option<RunId>,
}

/// Looks at the unfinished runs of a state beyond `after`, at most `limit`, for those that nothing
/// will ever move: no lease, timer, deferral, child or open error, and unchanged since `before`.
///
/// # Errors
/// Those of the store.
pub fn look(
    tx: &mut Tx,
    state: RunState,
    after: RunId,
    before: Micros,
    limit: usize,
) -> Result<Looked, Error> {
    let values = [state.as_str().into(), after.into(), before.into(), limit.into()];
    let rows = tx.query(&LOOK, &values, |row| Ok((RunId(row.i64(0)?), row.bool(1)?)))?;
    let last = rows.last().filter(|_| rows.len() == limit).map(|(id, _)| *id);
    let stuck = rows.into_iter().filter(|(_, is_stuck)| *is_stuck).map(|(id, _)| id);
    Ok(Looked { stuck: stuck.collect(), last })
}

/// Which runs to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// This run only.
    pub id: Option<RunId>,
    /// Only larger numbers.
    pub after_id: Option<i64>,
    /// Only smaller numbers.
    pub before_id: Option<i64>,
    /// From this instant on.
    pub start: Option<Micros>,
    /// Before this instant.
    pub end: Option<Micros>,
    /// Of trees of this source.
    pub source: Option<String>,
    /// Of trees of this group.
    pub group: Option<String>,
    /// Of trees whose group holds this.
    pub group_fragment: Option<String>,
    /// Of trees of this name.
    pub tree: Option<String>,
    /// Of trees whose name holds this.
    pub tree_fragment: Option<String>,
    /// Of this tree.
    pub tree_id: Option<String>,
    /// Of trees of this type.
    pub tree_kind: Option<String>,
    /// About this record.
    pub source_record_id: Option<String>,
    /// Started by this event.
    pub event_id: Option<String>,
    /// Started by this run.
    pub parent_id: Option<i64>,
    /// This run, and those that descend from it.
    pub root_id: Option<i64>,
    /// Of trees with this owner.
    pub owner_email: Option<String>,
    /// Without runs of the engine's own trees.
    pub without_system: bool,
    /// In any of these states; empty: all.
    pub states: Vec<RunState>,
    /// By what they are ordered.
    pub order: Order,
    /// Oldest or smallest first.
    pub ascending: bool,
}

/// By what a list of runs is ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// By number, which is by start.
    #[default]
    Id,
    /// By who started them.
    CreatedBy,
    /// By state.
    State,
    /// By their tree's name.
    Tree,
    /// By their tree's group.
    Group,
    /// By their tree's source.
    Source,
    /// By their tree's type.
    TreeKind,
    /// By their tree's status.
    TreeStatus,
    /// By when they last moved.
    UpdatedAt,
}

impl Order {
    /// The closing part of the list.
    fn end(self, ascending: bool) -> &'static str {
        macro_rules! by {
            ($column:literal) => {
                if ascending {
                    concat!("ORDER BY ", $column, ", r.id LIMIT $?")
                } else {
                    concat!("ORDER BY ", $column, " DESC, r.id DESC LIMIT $?")
                }
            };
        }
        match self {
            Self::Id if ascending => "ORDER BY r.id LIMIT $?",
            Self::Id => "ORDER BY r.id DESC LIMIT $?",
            Self::CreatedBy => by!("r.created_by"),
            Self::State => by!("r.state"),
            Self::Tree => by!("t.name"),
            Self::Group => by!("t.tree_group"),
            Self::Source => by!("t.source"),
            Self::TreeKind => by!("t.kind"),
            Self::TreeStatus => by!("t.status"),
            Self::UpdatedAt => by!("r.updated_at"),
        }
    }
}

/// A run in a list, without its data, and the tree it is of.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// The run; its source data and engine state are left out.
    pub run: Run,
    /// The tree's source.
    pub source: String,
    /// The tree's group.
    pub group: String,
    /// The tree's name.
    pub tree: String,
    /// The tree's type.
    pub tree_kind: String,
}

const LIST: Sql = select!(
    "NULL",
    "''",
    ", t.source, t.tree_group, t.name, t.kind \
     FROM runs r JOIN trees t ON t.id = r.tree_id WHERE r.space_id = $1"
);
const COUNT: Sql =
    Sql::both("SELECT count(*) FROM runs r JOIN trees t ON t.id = r.tree_id WHERE r.space_id = $1");

fn narrow<'a>(select: &mut Select<'a>, filter: &'a Filter) {
    let texts: [(&'static str, &'a Option<String>); 8] = [
        ("t.owner_email = $?", &filter.owner_email),
        ("t.source = $?", &filter.source),
        ("t.tree_group = $?", &filter.group),
        ("t.name = $?", &filter.tree),
        ("r.tree_id = $?", &filter.tree_id),
        ("t.kind = $?", &filter.tree_kind),
        ("r.source_record_id = $?", &filter.source_record_id),
        ("r.event_id = $?", &filter.event_id),
    ];
    for (fragment, value) in texts {
        if let Some(value) = value {
            select.and(fragment, value);
        }
    }
    let numbers = [
        ("r.id = $?", filter.id.map(|id| id.0)),
        ("r.id > $?", filter.after_id),
        ("r.id < $?", filter.before_id),
        ("r.parent_id = $?", filter.parent_id),
        ("(r.root_id = $? OR r.id = $?)", filter.root_id),
        ("r.created_at >= $?", filter.start.map(|at| at.0)),
        ("r.created_at < $?", filter.end.map(|at| at.0)),
    ];
    for (fragment, value) in numbers {
        if let Some(value) = value {
            select.and(fragment, value);
        }
    }
    if let Some(fragment) = &filter.group_fragment {
        select.and("lower(t.tree_group) LIKE $? ESCAPE '\\'", like(fragment));
    }
    if let Some(fragment) = &filter.tree_fragment {
        select.and("lower(t.name) LIKE $? ESCAPE '\\'", like(fragment));
    }
    if filter.without_system {
        select.and_plain("NOT (t.source = 'Kinetic Task' AND t.tree_group = 'Run Error')");
    }
    if !filter.states.is_empty() {
        select.and_in("r.state", filter.states.iter().map(|s| s.as_str().into()).collect());
    }
}

/// Lists runs, newest first unless asked otherwise.
///
/// # Errors
/// Those of the store.
pub fn list(
    tx: &mut Tx,
    space: &SpaceId,
    filter: &Filter,
    limit: i64,
) -> Result<Vec<Listed>, Error> {
    let mut select = Select::new(&LIST, &[space.into()]);
    narrow(&mut select, filter);
    select.end(filter.order.end(filter.ascending), limit);
    select.query(tx, |row| {
        Ok(Listed {
            run: read(row)?,
            source: row.text(28)?,
            group: row.text(29)?,
            tree: row.text(30)?,
            tree_kind: row.text(31)?,
        })
    })
}

/// Counts runs.
///
/// # Errors
/// Those of the store.
pub fn count(tx: &mut Tx, space: &SpaceId, filter: &Filter) -> Result<i64, Error> {
    let mut select = Select::new(&COUNT, &[space.into()]);
    narrow(&mut select, filter);
    Ok(select.query(tx, |row| row.i64(0))?.first().copied().unwrap_or_default())
}
