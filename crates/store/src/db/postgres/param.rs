//! Values in PostgreSQL's binary form, in whichever type the statement asks for.

use std::error::Error as StdError;

use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use crate::db::value::Value;

/// A value that adapts to the parameter's type: an integer also fits `integer` and `boolean`.
#[derive(Debug)]
pub(super) struct Param(pub(super) Value<'static>);

type Outcome = Result<IsNull, Box<dyn StdError + Sync + Send>>;

impl ToSql for Param {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Outcome {
        match &self.0 {
            Value::Null => Ok(IsNull::Yes),
            Value::Bool(v) if *ty == Type::BOOL => v.to_sql(ty, out),
            Value::Bool(v) => integer(i64::from(*v), ty, out),
            Value::I64(v) => integer(*v, ty, out),
            Value::F64(v) if *ty == Type::FLOAT8 => v.to_sql(ty, out),
            #[expect(clippy::cast_possible_truncation, reason = "the column is a real")]
            Value::F64(v) if *ty == Type::FLOAT4 => (*v as f32).to_sql(ty, out),
            Value::F64(_) => Err(mismatch("a floating-point number", ty)),
            Value::Text(v) if *ty == Type::BYTEA => v.as_bytes().to_sql(ty, out),
            Value::Text(v) if <&str as ToSql>::accepts(ty) => v.as_ref().to_sql(ty, out),
            Value::Text(_) => Err(mismatch("text", ty)),
            Value::Bytes(v) if *ty == Type::BYTEA => v.as_ref().to_sql(ty, out),
            Value::Bytes(v) if <&str as ToSql>::accepts(ty) => {
                std::str::from_utf8(v)?.to_sql(ty, out)
            }
            Value::Bytes(_) => Err(mismatch("bytes", ty)),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

fn integer(v: i64, ty: &Type, out: &mut BytesMut) -> Outcome {
    match *ty {
        Type::INT8 => v.to_sql(ty, out),
        Type::INT4 => i32::try_from(v)?.to_sql(ty, out),
        Type::INT2 => i16::try_from(v)?.to_sql(ty, out),
        Type::BOOL => (v != 0).to_sql(ty, out),
        #[expect(clippy::cast_precision_loss, reason = "the column is floating-point")]
        Type::FLOAT8 => (v as f64).to_sql(ty, out),
        _ => Err(mismatch("an integer", ty)),
    }
}

fn mismatch(given: &str, ty: &Type) -> Box<dyn StdError + Sync + Send> {
    format!("{given} was bound to a parameter of type {ty}").into()
}
