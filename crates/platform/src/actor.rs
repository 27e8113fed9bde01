//! Who asks for a change, in which space, and why.

use model::event::Cause;
use model::id::{SpaceId, UserId};
use model::people::User;

/// The username under which workflows and the server itself act.
pub const SYSTEM_USERNAME: &str = "system";
/// The username that stands for nobody.
pub const ANONYMOUS_USERNAME: &str = "anonymous";

/// Who asks. Every use case takes one first and authorises it; what is not allowed is denied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The space the actor belongs to; records of other spaces do not exist for them.
    pub space_id: SpaceId,
    /// The user; `None` for the system and for nobody.
    pub user_id: Option<UserId>,
    /// The username kept on records and events.
    pub username: String,
    /// Whether the actor administers the space.
    pub is_space_admin: bool,
    /// The chain of causes that events of this actor continue.
    pub cause: Cause,
}

impl Actor {
    /// A user who signed in.
    pub fn user(user: &User, cause: Cause) -> Self {
        Self {
            space_id: user.space_id.clone(),
            user_id: Some(user.id.clone()),
            username: user.username.clone(),
            is_space_admin: user.space_admin,
            cause,
        }
    }

    /// The system itself, with the rights of a space administrator: workflow handlers, set-up.
    pub fn system(space_id: SpaceId, cause: Cause) -> Self {
        let username = SYSTEM_USERNAME.to_owned();
        Self { space_id, user_id: None, username, is_space_admin: true, cause }
    }

    /// Somebody who did not sign in.
    pub fn anonymous(space_id: SpaceId, cause: Cause) -> Self {
        let username = ANONYMOUS_USERNAME.to_owned();
        Self { space_id, user_id: None, username, is_space_admin: false, cause }
    }

    /// Whether nobody is signed in.
    pub fn is_anonymous(&self) -> bool {
        self.user_id.is_none() && !self.is_space_admin
    }
}
