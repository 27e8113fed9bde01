//! Rows of memberships: users in teams.

use model::id::{TeamId, UserId};
use model::people::{Team, User};
use model::time::Micros;

use crate::{Error, Sql, Tx, teams, users};

const INSERT: Sql = Sql::both(
    "INSERT INTO memberships (team_id, user_id, created_at, created_by) \
     VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
);

/// Puts a user into a team; whether they were not in it yet.
///
/// # Errors
/// `Constraint` when the team or the user is gone.
pub fn insert(
    tx: &mut Tx,
    team: &TeamId,
    user: &UserId,
    at: Micros,
    by: &str,
) -> Result<bool, Error> {
    Ok(tx.execute(&INSERT, &[team.into(), user.into(), at.into(), by.into()])? == 1)
}

const DELETE: Sql = Sql::both("DELETE FROM memberships WHERE team_id = $1 AND user_id = $2");

/// Takes a user out of a team; whether they were in it.
///
/// # Errors
/// What the database says.
pub fn delete(tx: &mut Tx, team: &TeamId, user: &UserId) -> Result<bool, Error> {
    Ok(tx.execute(&DELETE, &[team.into(), user.into()])? == 1)
}

const TEAMS_OF: Sql = teams::columns!(
    "SELECT ",
    "FROM memberships m JOIN teams t ON t.id = m.team_id \
     WHERE m.user_id = $1 AND t.restoration_token IS NULL ORDER BY t.name, t.id"
);

/// The teams of a user, by name, without the deleted ones.
///
/// # Errors
/// What the database says.
pub fn teams_of(tx: &mut Tx, user: &UserId) -> Result<Vec<Team>, Error> {
    tx.query(&TEAMS_OF, &[user.into()], teams::read)
}

const MEMBERS_OF: Sql = users::columns!(
    "SELECT ",
    "FROM memberships m JOIN users u ON u.id = m.user_id WHERE m.team_id = $1 ORDER BY u.username"
);

/// The members of a team, by username.
///
/// # Errors
/// What the database says.
pub fn members_of(tx: &mut Tx, team: &TeamId) -> Result<Vec<User>, Error> {
    tx.query(&MEMBERS_OF, &[team.into()], users::read)
}

const EXISTS: Sql = Sql::both("SELECT 1 FROM memberships WHERE team_id = $1 AND user_id = $2");

/// Whether a user is in a team.
///
/// # Errors
/// What the database says.
pub fn exists(tx: &mut Tx, team: &TeamId, user: &UserId) -> Result<bool, Error> {
    Ok(tx.query_opt(&EXISTS, &[team.into(), user.into()], |_| Ok(()))?.is_some())
}
