//! Values on their way into a statement.

use std::borrow::Cow;

use model::id;
use model::time::Micros;

/// A bound value. Build one with `.into()`.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// NULL.
    Null,
    /// A truth value; SQLite keeps it as 0 or 1.
    Bool(bool),
    /// An integer; counts, numbers and times.
    I64(i64),
    /// A floating-point number.
    F64(f64),
    /// Text; ids, names and JSON.
    Text(Cow<'a, str>),
    /// Bytes; bodies that need not be text.
    Bytes(Cow<'a, [u8]>),
}

impl Value<'_> {
    /// The same value, owning its text.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Value::Null => Value::Null,
            Value::Bool(v) => Value::Bool(v),
            Value::I64(v) => Value::I64(v),
            Value::F64(v) => Value::F64(v),
            Value::Text(v) => Value::Text(Cow::Owned(v.into_owned())),
            Value::Bytes(v) => Value::Bytes(Cow::Owned(v.into_owned())),
        }
    }
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(value: &'a str) -> Self {
        Value::Text(Cow::Borrowed(value))
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(value: &'a String) -> Self {
        Value::Text(Cow::Borrowed(value))
    }
}

impl From<String> for Value<'_> {
    fn from(value: String) -> Self {
        Value::Text(Cow::Owned(value))
    }
}

impl<'a> From<Cow<'a, str>> for Value<'a> {
    fn from(value: Cow<'a, str>) -> Self {
        Value::Text(value)
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(value: &'a [u8]) -> Self {
        Value::Bytes(Cow::Borrowed(value))
    }
}

impl From<Vec<u8>> for Value<'_> {
    fn from(value: Vec<u8>) -> Self {
        Value::Bytes(Cow::Owned(value))
    }
}

impl From<&serde_json::Value> for Value<'_> {
    fn from(value: &serde_json::Value) -> Self {
        Value::Text(Cow::Owned(value.to_string()))
    }
}

impl From<serde_json::Value> for Value<'_> {
    fn from(value: serde_json::Value) -> Self {
        Value::from(&value)
    }
}

impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Value::Bool(value)
    }
}

impl From<f64> for Value<'_> {
    fn from(value: f64) -> Self {
        Value::F64(value)
    }
}

macro_rules! integers {
    ($($from:ty),+) => {$(
        impl From<$from> for Value<'_> {
            fn from(value: $from) -> Self {
                Value::I64(i64::from(value))
            }
        }
    )+};
}
integers!(i64, i32, u32, u16, i16, u8);

impl From<usize> for Value<'_> {
    /// Counts beyond `i64::MAX` do not exist in memory; they saturate.
    fn from(value: usize) -> Self {
        Value::I64(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<u64> for Value<'_> {
    /// Saturates at `i64::MAX`.
    fn from(value: u64) -> Self {
        Value::I64(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<Micros> for Value<'_> {
    fn from(value: Micros) -> Self {
        Value::I64(value.0)
    }
}

macro_rules! text_ids {
    ($($name:ident),+ $(,)?) => {$(
        impl<'a> From<&'a id::$name> for Value<'a> {
            fn from(id: &'a id::$name) -> Self {
                Value::Text(Cow::Borrowed(id.as_str()))
            }
        }
        impl From<id::$name> for Value<'_> {
            fn from(id: id::$name) -> Self {
                Value::Text(Cow::Owned(id.0))
            }
        }
    )+};
}
text_ids!(
    SpaceId,
    KappId,
    FormId,
    SubmissionId,
    UserId,
    TeamId,
    EventId,
    WebhookId,
    SigningKeyId,
    JobId,
    RecoveryId,
    TraceId,
    SourceId,
    TreeId,
    InspectorId,
    InspectionId,
    ConnectionId,
    OperationId,
    NoticeId,
    CategoryId,
    PolicyRuleId,
);

macro_rules! number_ids {
    ($($name:ident),+ $(,)?) => {$(
        impl From<id::$name> for Value<'_> {
            fn from(id: id::$name) -> Self {
                Value::I64(id.0)
            }
        }
        impl From<&id::$name> for Value<'_> {
            fn from(id: &id::$name) -> Self {
                Value::I64(id.0)
            }
        }
    )+};
}
number_ids!(RunId, TaskId, TriggerId, ErrorId, TreeVersionId);
