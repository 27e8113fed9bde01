//! What a use case can answer besides success, in kinds that know nothing of HTTP.

use std::fmt;

/// An error of a use case. `Display` is the sentence for the person who asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The named record does not exist in the actor's space, or must look as if it did not.
    #[error("Unable to locate the {key} {noun}")]
    NotFound {
        /// The kind of record, such as `Team`.
        noun: &'static str,
        /// What it was looked up by.
        key: String,
    },
    /// The record that would result is not valid.
    #[error("Invalid {noun}.{}", Listed(problems))]
    Invalid {
        /// The kind of record, such as `Team`.
        noun: &'static str,
        /// Everything that is wrong with it, at least one.
        problems: Vec<Problem>,
    },
    /// The request itself cannot be understood or makes no sense: an unknown property, a page
    /// token of another list, a query that does not parse, a state that cannot be reached.
    #[error("{0}")]
    Refused(String),
    /// Another record has the same key (`uniqueness_violation`).
    #[error("The {property} \"{value}\" is already taken by another {noun}")]
    Unique {
        /// The kind of record.
        noun: &'static str,
        /// The property that must be unique.
        property: &'static str,
        /// Its value.
        value: String,
    },
    /// The record was changed by others between reading and writing, several times in a row
    /// (`stale_record`).
    #[error("The {noun} was changed by somebody else in the meantime")]
    Stale {
        /// The kind of record.
        noun: &'static str,
    },
    /// The actor is known and may not do this.
    #[error("You are not allowed to {act}")]
    Forbidden {
        /// What was asked, such as `update the laptop Form`.
        act: String,
    },
    /// Nobody is signed in, or the credentials are wrong.
    #[error("Invalid username or password")]
    Unauthenticated,
    /// Too many failed sign-ins; see [`model::limits::SIGN_IN_FAILURES_MAX`].
    #[error("Too many failed sign-ins. Try again in {retry_after_s} seconds")]
    Throttled {
        /// Seconds until the next try may succeed.
        retry_after_s: i64,
    },
    /// Something is larger than its limit.
    #[error("The {what} is {size} {unit} long, more than the limit of {max}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its size.
        size: usize,
        /// The limit.
        max: usize,
        /// The unit of both.
        unit: &'static str,
    },
    /// A value was given for a field that the form does not have. The reference answers 500.
    #[error("The \"{field}\" field is not defined on the \"{form}\" form.")]
    UndefinedField {
        /// The field.
        field: String,
        /// The form as `space > Kapp > Form`.
        form: String,
    },
    /// The store failed.
    #[error("The store could not carry out the request")]
    Store(#[source] store::Error),
    /// Something that must not fail did.
    #[error("The request could not be carried out")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// One thing that is wrong with a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The property or field it concerns, as it is called on the wire.
    pub property: String,
    /// A sentence without a full stop, such as `Name must not be blank`.
    pub message: String,
}

impl Problem {
    /// Names a problem of a property.
    pub fn new(property: impl Into<String>, message: impl Into<String>) -> Self {
        Self { property: property.into(), message: message.into() }
    }
}

/// The documented way to list problems: each on its own line, indented by four spaces.
struct Listed<'a>(&'a [Problem]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|problem| write!(f, "\n    {}", problem.message))
    }
}

impl Error {
    /// The documented `errorKey`, where there is one.
    pub fn key(&self) -> Option<&'static str> {
        match self {
            Self::Unique { .. } => Some("uniqueness_violation"),
            Self::Stale { .. } => Some("stale_record"),
            _ => None,
        }
    }

    pub(crate) fn not_found(noun: &'static str, key: impl Into<String>) -> Self {
        Self::NotFound { noun, key: key.into() }
    }

    pub(crate) fn invalid(noun: &'static str, property: &str, message: impl Into<String>) -> Self {
        Self::Invalid { noun, problems: vec![Problem::new(property, message)] }
    }

    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self::Refused(message.into())
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_stand_on_lines_of_their_own() {
        let error = Error::Invalid {
            noun: "Team",
            problems: vec![
                Problem::new("name", "Name must not be blank"),
                Problem::new("description", "Description must be text"),
            ],
        };
        assert_eq!(
            error.to_string(),
            "Invalid Team.\n    Name must not be blank\n    Description must be text"
        );
    }
}
