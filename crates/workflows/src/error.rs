//! What can go wrong in a use case, in words for the caller.

/// A refusal or failure of a use case.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such record.
    #[error("{0}")]
    NotFound(String),
    /// The request makes no sense or is not allowed by the record's state.
    #[error("{0}")]
    Invalid(String),
    /// A name is taken.
    #[error("{0}")]
    Taken(String),
    /// The record was changed since the caller read it.
    #[error("{0}")]
    Stale(String),
    /// The record is in a state in which this cannot be done any more.
    #[error("{message}")]
    Late {
        /// 409 or 410.
        status: u16,
        /// The reason.
        message: String,
    },
    /// The database could not.
    #[error("the store could not do it")]
    Store(#[from] store::Error),
}

/// What a use case gives back.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn not_found(what: &str, key: impl std::fmt::Display) -> Self {
        Self::NotFound(format!("The {what} \"{key}\" does not exist."))
    }
}
