//! What handlers and routines are sorted into, and the rules that guard sources.

use crate::Audit;
use crate::id::{CategoryId, PolicyRuleId, SpaceId};

/// A category of handlers and routines.
#[derive(Clone, Debug, PartialEq)]
pub struct Category {
    /// Its id.
    pub id: CategoryId,
    /// Its space.
    pub space_id: SpaceId,
    /// Unique in the space.
    pub name: String,
    /// What belongs into it.
    pub description: String,
    /// Who and when.
    pub audit: Audit,
}

/// What kind of thing is a member of a category.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberKind {
    /// A handler, by its definition id.
    Handler,
    /// A routine, by its definition id.
    Routine,
    /// A rule of the type Category Access, by its name.
    PolicyRule,
}

impl MemberKind {
    /// The name as stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Handler => "Handler",
            Self::Routine => "Routine",
            Self::PolicyRule => "Policy Rule",
        }
    }

    /// Reads a stored name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Handler, Self::Routine, Self::PolicyRule].into_iter().find(|k| k.as_str() == text)
    }
}

/// A rule that says who may do something.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyRule {
    /// Its id.
    pub id: PolicyRuleId,
    /// Its space.
    pub space_id: SpaceId,
    /// `API Access`, `Category Access`, `Console Access` or `System Default`.
    pub kind: String,
    /// Unique in the space for its type.
    pub name: String,
    /// A Ruby condition over `@user` and `@request`.
    pub rule: String,
    /// What those hear whom it refuses.
    pub message: String,
    /// Who and when.
    pub audit: Audit,
}
