//! What a use case can answer besides success, in kinds that know nothing of HTTP.

/// An error of a use case. `Display` is the sentence for the person who asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The named record does not exist in the actor's space.
    #[error("Unable to locate the {key} {noun}")]
    NotFound {
        /// The kind of record, such as `Webhook`.
        noun: &'static str,
        /// What it was looked up by.
        key: String,
    },
    /// The record that would result is not valid; each problem is a sentence without a full stop.
    #[error("Invalid {noun}.\n    {}", problems.join("\n    "))]
    Invalid {
        /// The kind of record.
        noun: &'static str,
        /// Everything that is wrong with it, at least one.
        problems: Vec<String>,
    },
    /// The request makes no sense, such as a state that cannot be reached.
    #[error("{0}")]
    Refused(String),
    /// Another webhook of the same space or kapp has the name.
    #[error("The name \"{name}\" is already taken by another Webhook")]
    Unique {
        /// The name.
        name: String,
    },
    /// The record was changed by others between reading and writing, several times in a row.
    #[error("The {noun} was changed by somebody else in the meantime")]
    Stale {
        /// The kind of record.
        noun: &'static str,
    },
    /// The actor may not do this.
    #[error("You are not allowed to {act}")]
    Forbidden {
        /// What was asked.
        act: &'static str,
    },
    /// The store failed.
    #[error("The change could not be stored")]
    Store(#[source] store::Error),
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

    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self::Refused(message.into())
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}
