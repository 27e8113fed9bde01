//! Who asks: the space and username behind a request, and the chain of causes it continues.

use model::event::Cause;
use model::id::SpaceId;

/// Who asks. The routes decide who may; records of other spaces do not exist for an actor.
#[derive(Clone, Debug, PartialEq)]
pub struct Actor {
    /// The space.
    pub space_id: SpaceId,
    /// The username kept on records.
    pub username: String,
    /// The chain of causes.
    pub cause: Cause,
}
