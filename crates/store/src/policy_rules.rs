//! Rows of policy rules, and which sources they guard.

use crate::spaces::audit;
use crate::{Error, Row, Sql, Tx};
use model::category::PolicyRule;
use model::id::{PolicyRuleId, SourceId, SpaceId};

macro_rules! select {
    ($tail:literal) => {
        Sql::both(concat!(
            "SELECT p.id, p.space_id, p.kind, p.name, p.rule, p.message, p.created_at, ",
            "p.created_by, p.updated_at, p.updated_by FROM policy_rules p ",
            $tail
        ))
    };
}

fn read(row: &Row) -> Result<PolicyRule, Error> {
    Ok(PolicyRule {
        id: PolicyRuleId(row.text(0)?),
        space_id: SpaceId(row.text(1)?),
        kind: row.text(2)?,
        name: row.text(3)?,
        rule: row.text(4)?,
        message: row.text(5)?,
        audit: audit(row, 6)?,
    })
}

const INSERT: Sql = Sql::both(
    "INSERT INTO policy_rules (id, space_id, kind, name, rule, message, created_at, created_by, \
     updated_at, updated_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
);

/// Adds a rule.
///
/// # Errors
/// `Unique` when its type has one of that name.
pub fn insert(tx: &mut Tx, rule: &PolicyRule) -> Result<(), Error> {
    let r = rule;
    tx.execute(
        &INSERT,
        &[
            (&r.id).into(),
            (&r.space_id).into(),
            (&r.kind).into(),
            (&r.name).into(),
            (&r.rule).into(),
            (&r.message).into(),
            r.audit.created_at.into(),
            (&r.audit.created_by).into(),
            r.audit.updated_at.into(),
            (&r.audit.updated_by).into(),
        ],
    )?;
    Ok(())
}

const UPDATE: Sql = Sql::both(
    "UPDATE policy_rules SET name = $2, rule = $3, message = $4, updated_at = $5, \
     updated_by = $6 WHERE id = $1",
);

/// Changes a rule; false when it is gone.
///
/// # Errors
/// `Unique` when its type has one of the new name.
pub fn update(tx: &mut Tx, rule: &PolicyRule) -> Result<bool, Error> {
    let r = rule;
    let values = [
        (&r.id).into(),
        (&r.name).into(),
        (&r.rule).into(),
        (&r.message).into(),
        r.audit.updated_at.into(),
        (&r.audit.updated_by).into(),
    ];
    Ok(tx.execute(&UPDATE, &values)? == 1)
}

const DELETE: Sql = Sql::both("DELETE FROM policy_rules WHERE id = $1");

/// Removes a rule; sources it guarded are no longer guarded by it.
///
/// # Errors
/// Those of the store.
pub fn delete(tx: &mut Tx, id: &PolicyRuleId) -> Result<bool, Error> {
    Ok(tx.execute(&DELETE, &[id.into()])? == 1)
}

const BY_NAME: Sql = select!("WHERE p.space_id = $1 AND p.kind = $2 AND p.name = $3");

/// Finds a rule by its type and name.
///
/// # Errors
/// Those of the store.
pub fn by_name(
    tx: &mut Tx,
    space: &SpaceId,
    kind: &str,
    name: &str,
) -> Result<Option<PolicyRule>, Error> {
    tx.query_opt(&BY_NAME, &[space.into(), kind.into(), name.into()], read)
}

const LIST: Sql = select!("WHERE p.space_id = $1 ORDER BY p.kind, p.name LIMIT $2");

/// Rules of a space by type and name, at most `limit`.
///
/// # Errors
/// Those of the store.
pub fn list(tx: &mut Tx, space: &SpaceId, limit: i64) -> Result<Vec<PolicyRule>, Error> {
    tx.query(&LIST, &[space.into(), limit.into()], read)
}

const OF_SOURCE: Sql = select!(
    "JOIN source_policy_rules g ON g.rule_id = p.id WHERE g.source_id = $1 \
     ORDER BY p.kind, p.name"
);

/// The rules that guard a source.
///
/// # Errors
/// Those of the store.
pub fn of_source(tx: &mut Tx, source: &SourceId) -> Result<Vec<PolicyRule>, Error> {
    tx.query(&OF_SOURCE, &[source.into()], read)
}

const GUARD: Sql = Sql::both(
    "INSERT INTO source_policy_rules (source_id, rule_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
);

/// Lets a rule guard a source.
///
/// # Errors
/// Those of the store.
pub fn guard(tx: &mut Tx, source: &SourceId, rule: &PolicyRuleId) -> Result<(), Error> {
    tx.push(&GUARD, &[source.into(), rule.into()])
}

const RELEASE: Sql =
    Sql::both("DELETE FROM source_policy_rules WHERE source_id = $1 AND rule_id = $2");

/// Ends that; false when the rule did not guard the source.
///
/// # Errors
/// Those of the store.
pub fn release(tx: &mut Tx, source: &SourceId, rule: &PolicyRuleId) -> Result<bool, Error> {
    Ok(tx.execute(&RELEASE, &[source.into(), rule.into()])? == 1)
}
