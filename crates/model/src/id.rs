//! Ids as newtypes, so that a kapp's id cannot be passed where a form's is meant.
//!
//! Ids of records are UUIDs (version 7: they sort by time) kept as text; run, task, trigger and
//! error numbers are integers drawn by the database.

use serde::{Deserialize, Serialize};

macro_rules! uuid_ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// Wraps a UUID drawn by the runtime.
            pub fn new(uuid: uuid::Uuid) -> Self {
                Self(uuid.to_string())
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

macro_rules! number_ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

uuid_ids! {
    /// A space.
    SpaceId,
    /// A kapp.
    KappId,
    /// A form, datastore forms included.
    FormId,
    /// A submission, datastore submissions included.
    SubmissionId,
    /// A user.
    UserId,
    /// A team.
    TeamId,
    /// An event.
    EventId,
    /// A webhook.
    WebhookId,
    /// A key that signs deliveries.
    SigningKeyId,
    /// A webhook job.
    JobId,
    /// A recovery.
    RecoveryId,
    /// The chain of everything that one outside action led to.
    TraceId,
    /// A workflow source.
    SourceId,
    /// A tree or routine; its guid on the wire.
    TreeId,
    /// A category of handlers and routines.
    CategoryId,
    /// A rule that says who may do something.
    PolicyRuleId,
    /// A request inspector.
    InspectorId,
    /// A request that an inspector recorded.
    InspectionId,
    /// A connection to another system.
    ConnectionId,
    /// An operation of a connection.
    OperationId,
    /// Something a space was told about its webhooks.
    NoticeId,
}

number_ids! {
    /// A run; its number is what people quote.
    RunId,
    /// One execution of a node in a run.
    TaskId,
    /// A trigger of a run.
    TriggerId,
    /// An error of a run.
    ErrorId,
    /// One immutable version of a tree's definition.
    TreeVersionId,
}
