//! What can go wrong in the store, told apart only as far as a caller would act differently.

use std::sync::Arc;

/// The driver's own account of an error, shared because one failure may answer many callers.
pub type Source = Arc<dyn std::error::Error + Send + Sync>;

/// An error of the store. Copies are cheap: one failed commit answers every caller of its batch.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A row with this key exists. `constraint` reads `table(column, column)` on both databases,
    /// or is the index's name when the index is over an expression.
    #[error("a row with the same {constraint} exists")]
    Unique {
        /// What is unique.
        constraint: String,
    },
    /// Another constraint refused the row: foreign key, check or not-null.
    #[error("the {kind} constraint {name} refused the row")]
    Constraint {
        /// `foreign key`, `check` or `not null`.
        kind: &'static str,
        /// The constraint or column, where the database names it.
        name: String,
    },
    /// The database asked for the transaction to be repeated, and several repeats did not help.
    #[error("the transaction met others too often")]
    Retry,
    /// A definition that the change relied on has moved: decide again and repeat.
    #[error("a definition moved while the change was prepared")]
    Stale,
    /// The disk is full. Nothing of the batch was stored.
    #[error("the database's disk is full")]
    Full,
    /// The closure panicked; its transaction was rolled back.
    #[error("a panic stopped the transaction: {message}")]
    Panic {
        /// The panic's message.
        message: String,
    },
    /// The answer to COMMIT was lost: the change may or may not have been stored.
    #[error("the answer to the commit was lost")]
    BatchLost,
    /// No place in the queue came free in time. Nothing was done; come back later.
    #[error("the store has more work than it can take")]
    Overloaded,
    /// A statement or closure ran longer than its limit and was stopped.
    #[error("the store stopped a statement that ran too long")]
    Timeout,
    /// The database cannot be reached. Nothing was done.
    #[error("the database cannot be reached: {message}")]
    Unavailable {
        /// What connecting said.
        message: String,
    },
    /// The schema in the database is not one that this binary can use.
    #[error("{0}")]
    Migration(String),
    /// Anything else that the database or its driver says.
    #[error("database: {message}")]
    Db {
        /// The database's message, without values.
        message: String,
        /// The driver's error.
        #[source]
        source: Option<Source>,
    },
}

impl Error {
    /// Makes an error of the store's own, without a driver's error behind it.
    pub fn db(message: impl Into<String>) -> Self {
        Self::Db { message: message.into(), source: None }
    }

    /// Whether the same request may succeed a little later without anybody changing anything:
    /// the API answers these with 503 and `Retry-After`.
    pub fn is_temporary(&self) -> bool {
        matches!(
            self,
            Self::Retry
                | Self::Full
                | Self::BatchLost
                | Self::Overloaded
                | Self::Timeout
                | Self::Unavailable { .. }
        )
    }
}
