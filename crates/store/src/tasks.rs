//! Rows of tasks: one for each execution of a node.

use crate::rows::Insert;
use crate::{Error, Row, Sql, Tx, Value};
use model::id::{RunId, SpaceId, TaskId};
use model::run::{RunState, Task, TaskStatus};
use model::time::Micros;

macro_rules! select {
    ($tail:literal) => {
        Sql::both(concat!(
            "SELECT id, run_id, seq, token, branch_id, node_id, node_name, definition_id, ",
            "loop_index, status, deferred, inputs, results, deferred_results, connectors, ",
            "messages, started_at, finished_at FROM tasks ",
            $tail
        ))
    };
}

fn read(row: &Row) -> Result<Task, Error> {
    let status = row.text(9)?;
    Ok(Task {
        id: TaskId(row.i64(0)?),
        run_id: RunId(row.i64(1)?),
        seq: row.i64(2)?,
        token: row.text(3)?,
        branch_id: row.i64(4)?,
        node_id: row.text(5)?,
        node_name: row.text(6)?,
        definition_id: row.text(7)?,
        loop_index: row.text(8)?,
        status: TaskStatus::parse(&status)
            .ok_or_else(|| Error::db(format!("{status} is not a task status")))?,
        deferred: row.bool(10)?,
        inputs: row.json(11)?,
        results: row.json(12)?,
        deferred_results: row.json(13)?,
        connectors: row.json(14)?,
        messages: row.json(15)?,
        started_at: row.micros(16)?,
        finished_at: row.opt_micros(17)?,
    })
}

/// A task as the engine writes it: its documents already as text.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// Its number in the run.
    pub seq: i64,
    /// Its token.
    pub token: String,
    /// The branch.
    pub branch_id: i64,
    /// The node's id.
    pub node_id: String,
    /// The node's name.
    pub node_name: String,
    /// The handler's or routine's id.
    pub definition_id: String,
    /// The loop index.
    pub loop_index: String,
    /// Its status.
    pub status: TaskStatus,
    /// Whether it waits for its completion by token.
    pub deferred: bool,
    /// Parameters as evaluated, a JSON object.
    pub inputs: String,
    /// Results, a JSON object.
    pub results: String,
    /// Results that came with the completion, a JSON object.
    pub deferred_results: String,
    /// Connector verdicts, a JSON array.
    pub connectors: String,
    /// Messages, a JSON array.
    pub messages: String,
    /// When it began.
    pub started_at: Micros,
    /// When it was done.
    pub finished_at: Option<Micros>,
}

static UPSERT: Insert = Insert::with_tail(
    "tasks",
    "run_id, seq, token, branch_id, node_id, node_name, definition_id, loop_index, status, \
     deferred, inputs, results, deferred_results, connectors, messages, started_at, finished_at",
    "ON CONFLICT (run_id, seq) DO UPDATE SET status = excluded.status, \
     deferred = excluded.deferred, inputs = excluded.inputs, results = excluded.results, \
     deferred_results = excluded.deferred_results, connectors = excluded.connectors, \
     messages = excluded.messages, finished_at = excluded.finished_at",
);

/// Adds tasks of a run or brings them up to date, sixteen in a statement; the run's guarded update
/// must have succeeded before. No two have the same number.
///
/// # Errors
/// Those of the store.
pub fn upsert(tx: &mut Tx, run: RunId, tasks: &[Written]) -> Result<(), Error> {
    let rows: Vec<_> = tasks.iter().map(|task| values(run, task)).collect();
    UPSERT.push(tx, &rows)
}

fn values(run: RunId, task: &Written) -> Vec<Value<'_>> {
    let t = task;
    vec![
        run.into(),
        t.seq.into(),
        (&t.token).into(),
        t.branch_id.into(),
        (&t.node_id).into(),
        (&t.node_name).into(),
        (&t.definition_id).into(),
        (&t.loop_index).into(),
        t.status.as_str().into(),
        t.deferred.into(),
        (&t.inputs).into(),
        (&t.results).into(),
        (&t.deferred_results).into(),
        (&t.connectors).into(),
        (&t.messages).into(),
        t.started_at.into(),
        t.finished_at.into(),
    ]
}

const OF_RUN: Sql = select!("WHERE run_id = $1 ORDER BY seq");

/// All tasks of a run, in order.
///
/// # Errors
/// Those of the store.
pub fn of_run(tx: &mut Tx, run: RunId) -> Result<Vec<Task>, Error> {
    tx.query(&OF_RUN, &[run.into()], read)
}

const BY_ID: Sql = select!("WHERE run_id = $1 AND id = $2");

/// Finds a task of a run by its id.
///
/// # Errors
/// Those of the store.
pub fn by_id(tx: &mut Tx, run: RunId, id: TaskId) -> Result<Option<Task>, Error> {
    tx.query_opt(&BY_ID, &[run.into(), id.into()], read)
}

const UPDATE_RESULTS: Sql =
    Sql::both("UPDATE tasks SET results = $2, deferred_results = $3, messages = $4 WHERE id = $1");

/// Replaces what a person edited: results, deferred results and messages.
///
/// # Errors
/// Those of the store.
pub fn update_results(tx: &mut Tx, task: &Task) -> Result<(), Error> {
    let t = task;
    tx.push(
        &UPDATE_RESULTS,
        &[t.id.into(), (&t.results).into(), (&t.deferred_results).into(), (&t.messages).into()],
    )
}

/// A task found by its token, and the state of its run.
#[derive(Clone, Debug, PartialEq)]
pub struct Deferral {
    /// The task's id.
    pub task_id: TaskId,
    /// The run.
    pub run_id: RunId,
    /// The branch.
    pub branch_id: i64,
    /// The node's id.
    pub node_id: String,
    /// The node's name.
    pub node_name: String,
    /// The handler's or routine's id.
    pub definition_id: String,
    /// The loop index.
    pub loop_index: String,
    /// The task's status.
    pub status: TaskStatus,
    /// Whether it still waits for its completion.
    pub deferred: bool,
    /// The run's state.
    pub run_state: RunState,
}

const BY_TOKEN: Sql = Sql::both(
    "SELECT t.id, t.run_id, t.branch_id, t.node_id, t.node_name, t.loop_index, t.status, \
     t.deferred, r.state, t.definition_id FROM tasks t JOIN runs r ON r.id = t.run_id \
     WHERE t.token = $1 AND r.space_id = $2",
);

/// Finds a task by its token.
///
/// # Errors
/// Those of the store.
pub fn by_token(tx: &mut Tx, space: &SpaceId, token: &str) -> Result<Option<Deferral>, Error> {
    tx.query_opt(&BY_TOKEN, &[token.into(), space.into()], |row| {
        let (status, state) = (row.text(6)?, row.text(8)?);
        Ok(Deferral {
            task_id: TaskId(row.i64(0)?),
            run_id: RunId(row.i64(1)?),
            branch_id: row.i64(2)?,
            node_id: row.text(3)?,
            node_name: row.text(4)?,
            definition_id: row.text(9)?,
            loop_index: row.text(5)?,
            status: TaskStatus::parse(&status)
                .ok_or_else(|| Error::db(format!("{status} is not a task status")))?,
            deferred: row.bool(7)?,
            run_state: RunState::parse(&state)
                .ok_or_else(|| Error::db(format!("{state} is not a run state")))?,
        })
    })
}

const HANDLER_OF_TOKEN: Sql = Sql::both(
    "SELECT r.space_id, t.definition_id FROM tasks t JOIN runs r ON r.id = t.run_id \
     WHERE t.token = $1",
);

/// The space of a task and the handler its node names, by its token.
///
/// # Errors
/// Those of the store.
pub fn handler_of_token(tx: &mut Tx, token: &str) -> Result<Option<(SpaceId, String)>, Error> {
    let read = |row: &Row| Ok((SpaceId(row.text(0)?), row.text(1)?));
    tx.query_opt(&HANDLER_OF_TOKEN, &[token.into()], read)
}

const TAKE_DEFERRAL: Sql = Sql::both(
    "UPDATE tasks SET deferred = FALSE WHERE id = $1 AND deferred = TRUE \
     AND status = 'Work In Progress'",
);

/// Takes a deferral for completion; false when somebody was first.
///
/// # Errors
/// Those of the store.
pub fn take_deferral(tx: &mut Tx, id: TaskId) -> Result<bool, Error> {
    Ok(tx.execute(&TAKE_DEFERRAL, &[id.into()])? == 1)
}

const CLOSE: Sql = Sql::both(
    "UPDATE tasks SET status = 'Closed', deferred = FALSE, finished_at = $2 WHERE id = $1",
);

/// Closes a task that a person has ended; the engine records the rest when it comes to it.
///
/// # Errors
/// Those of the store.
pub fn close(tx: &mut Tx, id: TaskId, now: Micros) -> Result<(), Error> {
    tx.push(&CLOSE, &[id.into(), now.into()])
}

const DURATIONS: Sql = Sql::both(
    "SELECT t.started_at, t.finished_at FROM tasks t JOIN runs r ON r.id = t.run_id \
     WHERE t.id > (SELECT coalesce(max(id), 0) FROM tasks) - $3 AND r.space_id = $1 \
     AND t.definition_id = $2 AND t.finished_at IS NOT NULL ORDER BY t.id DESC LIMIT $4",
);

/// Milliseconds that the latest finished tasks of a handler took, the latest first, at most
/// `limit`; looked for among the latest `among` tasks of the server, since no index leads there.
///
/// # Errors
/// What the database says.
pub fn durations(
    tx: &mut Tx,
    space: &SpaceId,
    definition: &str,
    among: i64,
    limit: i64,
) -> Result<Vec<i64>, Error> {
    let values = [space.into(), definition.into(), among.into(), limit.into()];
    tx.query(&DURATIONS, &values, |row| Ok(row.micros(1)?.ms_since(row.micros(0)?)))
}

const CLOSE_ALL: Sql = Sql::both(
    "UPDATE tasks SET status = 'Closed', deferred = FALSE, finished_at = $2 \
     WHERE run_id = $1 AND status <> 'Closed'",
);

/// Closes whatever is open in a run that was called off.
///
/// # Errors
/// Those of the store.
pub fn close_all(tx: &mut Tx, run: RunId, now: Micros) -> Result<(), Error> {
    tx.push(&CLOSE_ALL, &[run.into(), now.into()])
}
