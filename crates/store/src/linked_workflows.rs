//! Workflows that belong to an event of a space, a kapp or a form. The tree's id is theirs.

use crate::webhooks::bump;
use crate::{Error, Row, Sql, Tx};
use model::id::{FormId, KappId, SpaceId, TreeId};

/// What starts a workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkedWorkflow {
    /// The tree's id.
    pub id: TreeId,
    /// Its space.
    pub space_id: SpaceId,
    /// The kapp whose events are meant; `None`: those of the whole space.
    pub kapp_id: Option<KappId>,
    /// The form whose events are meant; `None`: those of the kapp.
    pub form_id: Option<FormId>,
    /// The catalogue's type name.
    pub type_name: String,
    /// The catalogue's event name.
    pub event: String,
    /// JavaScript; blank fires always.
    pub filter: String,
}

macro_rules! select {
    ($tail:literal) => {
        Sql::both(concat!(
            "SELECT w.id, w.space_id, w.kapp_id, w.form_id, w.type_name, w.event, w.filter, ",
            "f.slug, t.name, t.status, k.id ",
            "FROM linked_workflows w JOIN trees t ON t.id = w.id AND t.deleted = FALSE ",
            "LEFT JOIN forms f ON f.id = w.form_id AND f.restoration_token IS NULL ",
            "LEFT JOIN kapps k ON k.id = w.kapp_id ",
            $tail
        ))
    };
}

/// A workflow with what it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The workflow.
    pub workflow: LinkedWorkflow,
    /// The form's slug, while there is such a form.
    pub form_slug: Option<String>,
    /// The tree's name.
    pub name: String,
    /// The tree's status.
    pub status: String,
    /// Whether its kapp or form is gone, so that it never starts.
    pub is_orphan: bool,
}

fn read(row: &Row) -> Result<Found, Error> {
    let workflow = LinkedWorkflow {
        id: TreeId(row.text(0)?),
        space_id: SpaceId(row.text(1)?),
        kapp_id: row.opt_text(2)?.map(KappId),
        form_id: row.opt_text(3)?.map(FormId),
        type_name: row.text(4)?,
        event: row.text(5)?,
        filter: row.text(6)?,
    };
    let form_slug = row.opt_text(7)?;
    let has_kapp = row.opt_text(10)?.is_some();
    Ok(Found {
        is_orphan: (workflow.kapp_id.is_some() && !has_kapp)
            || (workflow.form_id.is_some() && form_slug.is_none()),
        form_slug,
        name: row.text(8)?,
        status: row.text(9)?,
        workflow,
    })
}

const INSERT: Sql = Sql::both(
    "INSERT INTO linked_workflows (id, space_id, kapp_id, form_id, type_name, event, filter) \
     VALUES ($1, $2, $3, $4, $5, $6, $7)",
);

/// Binds a tree to an event.
///
/// # Errors
/// `Unique` when the tree is bound.
pub fn insert(tx: &mut Tx, workflow: &LinkedWorkflow) -> Result<(), Error> {
    let w = workflow;
    tx.push(
        &INSERT,
        &[
            (&w.id).into(),
            (&w.space_id).into(),
            w.kapp_id.as_ref().into(),
            w.form_id.as_ref().into(),
            (&w.type_name).into(),
            (&w.event).into(),
            (&w.filter).into(),
        ],
    )?;
    bump(tx, &w.space_id)
}

const UPDATE: Sql = Sql::both(
    "UPDATE linked_workflows SET kapp_id = $2, form_id = $3, type_name = $4, event = $5, \
     filter = $6 WHERE id = $1",
);

/// Changes what starts a workflow; false when it is gone.
///
/// # Errors
/// Those of the store.
pub fn update(tx: &mut Tx, workflow: &LinkedWorkflow) -> Result<bool, Error> {
    let w = workflow;
    let changed = tx.execute(
        &UPDATE,
        &[
            (&w.id).into(),
            w.kapp_id.as_ref().into(),
            w.form_id.as_ref().into(),
            (&w.type_name).into(),
            (&w.event).into(),
            (&w.filter).into(),
        ],
    )?;
    bump(tx, &w.space_id)?;
    Ok(changed == 1)
}

const DELETE: Sql = Sql::both("DELETE FROM linked_workflows WHERE id = $1");

/// Ends the binding; false when there was none.
///
/// # Errors
/// Those of the store.
pub fn delete(tx: &mut Tx, space: &SpaceId, id: &TreeId) -> Result<bool, Error> {
    let gone = tx.execute(&DELETE, &[id.into()])? == 1;
    if gone {
        bump(tx, space)?;
    }
    Ok(gone)
}

const EXISTS: Sql = Sql::both("SELECT count(*) FROM linked_workflows WHERE id = $1");

/// Lets webhooks notice that a tree has changed, when it is a workflow's.
///
/// # Errors
/// Those of the store.
pub fn tree_changed(tx: &mut Tx, space: &SpaceId, id: &TreeId) -> Result<(), Error> {
    if tx.query_one(&EXISTS, &[id.into()], |row| row.i64(0))? > 0 {
        bump(tx, space)?;
    }
    Ok(())
}

const OF_SPACE: Sql = select!("WHERE w.space_id = $1 ORDER BY w.type_name, w.event, t.name, w.id");

/// All workflows of a space whose trees are in use, by event and name.
///
/// # Errors
/// Those of the store.
pub fn of_space(tx: &mut Tx, space: &SpaceId) -> Result<Vec<Found>, Error> {
    tx.query(&OF_SPACE, &[space.into()], read)
}

const MISSING: Sql = Sql::both(
    "SELECT w.id FROM linked_workflows w JOIN trees t ON t.id = w.id AND t.deleted = TRUE \
     WHERE w.space_id = $1 AND coalesce(w.kapp_id, '') = $2 AND coalesce(w.form_id, '') = $3 \
     ORDER BY w.id",
);

/// Workflows of a place whose trees were deleted; blank ids mean the space and the kapp.
///
/// # Errors
/// Those of the store.
pub fn missing(tx: &mut Tx, space: &SpaceId, kapp: &str, form: &str) -> Result<Vec<TreeId>, Error> {
    let values = [space.into(), kapp.into(), form.into()];
    tx.query(&MISSING, &values, |row| Ok(TreeId(row.text(0)?)))
}

const BY_ID: Sql = select!("WHERE w.space_id = $1 AND w.id = $2");

/// Finds a workflow.
///
/// # Errors
/// Those of the store.
pub fn by_id(tx: &mut Tx, space: &SpaceId, id: &TreeId) -> Result<Option<Found>, Error> {
    tx.query_opt(&BY_ID, &[space.into(), id.into()], read)
}
