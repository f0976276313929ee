//! Values and rows as both engines exchange them: what differs between SQLite's four types and PostgreSQL's is levelled here.

use bytes::Bytes;
use serde_json::Value as Json;
use uuid::Uuid;

use crate::kernel::fault::{Fault, Result};

/// One parameter of a statement, or one column of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// SQL's null, of any type.
    Null,
    /// A 64-bit integer; instants are microseconds since 1970.
    Int(i64),
    /// A truth value (0 or 1 on SQLite).
    Bool(bool),
    /// A text.
    Text(String),
    /// Bytes, shared: a body of megabytes is bound again, after a conflict, without a copy.
    Bytes(Bytes),
    /// An id: `uuid` on PostgreSQL, 16 bytes on SQLite.
    Uuid(Uuid),
    /// A document: `jsonb` on PostgreSQL, text on SQLite.
    Json(Json),
}

/// One row of an answer; columns are read by position.
#[derive(Debug)]
pub struct Row(pub(super) Vec<Value>);

impl Row {
    /// The columns, in order.
    pub fn into_values(self) -> Vec<Value> {
        self.0
    }

    /// Column `index` as `T`. Fails (code `internal`) where the statement and its reader disagree.
    pub fn get<T: FromValue>(&self, index: usize) -> Result<T> {
        let value = self.0.get(index).cloned().unwrap_or(Value::Null);
        T::from_value(value)
            .ok_or_else(|| Fault::internal(format!("column {index} is not of the type asked for")))
    }
}

/// What a column can be read as.
pub trait FromValue: Sized {
    /// The value as `Self`, where it is one.
    fn from_value(value: Value) -> Option<Self>;
}

macro_rules! plain {
    ($type:ty, $($pattern:pat => $taken:expr),+) => {
        impl FromValue for $type {
            fn from_value(value: Value) -> Option<Self> {
                match value { $($pattern => $taken,)+ _ => None }
            }
        }
    };
}

plain!(i64, Value::Int(v) => Some(v));
plain!(u64, Value::Int(v) => v.try_into().ok());
plain!(u32, Value::Int(v) => v.try_into().ok());
plain!(u16, Value::Int(v) => v.try_into().ok());
plain!(bool, Value::Bool(v) => Some(v), Value::Int(v) => Some(v != 0));
plain!(String, Value::Text(v) => Some(v));
plain!(Bytes, Value::Bytes(v) => Some(v));
plain!(Vec<u8>, Value::Bytes(v) => Some(v.into()));
plain!([u8; 32], Value::Bytes(v) => v[..].try_into().ok());
plain!(Uuid, Value::Uuid(v) => Some(v), Value::Bytes(v) => Uuid::from_slice(&v).ok());
plain!(Json, Value::Json(v) => Some(v), Value::Text(v) => serde_json::from_str(&v).ok());

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            other => T::from_value(other).map(Some),
        }
    }
}

macro_rules! into_value {
    ($($type:ty => |$v:ident| $made:expr),+ $(,)?) => {
        $(impl From<$type> for Value { fn from($v: $type) -> Self { $made } })+
    };
}

into_value! {
    i64 => |v| Value::Int(v),
    u32 => |v| Value::Int(v.into()),
    u16 => |v| Value::Int(v.into()),
    // Sizes and counters stay far below 2^63; a larger one would be a fault of ours and is stored as the largest.
    u64 => |v| Value::Int(i64::try_from(v).unwrap_or(i64::MAX)),
    usize => |v| Value::from(v as u64),
    bool => |v| Value::Bool(v),
    String => |v| Value::Text(v),
    &str => |v| Value::Text(v.to_owned()),
    &String => |v| Value::Text(v.clone()),
    Bytes => |v| Value::Bytes(v),
    Vec<u8> => |v| Value::Bytes(v.into()),
    &Vec<u8> => |v| Value::from(&v[..]),
    &[u8] => |v| Value::Bytes(Bytes::copy_from_slice(v)),
    [u8; 32] => |v| Value::from(&v[..]),
    &[u8; 32] => |v| Value::from(&v[..]),
    Uuid => |v| Value::Uuid(v),
    Json => |v| Value::Json(v),
    &Json => |v| Value::Json(v.clone()),
    jiff::Timestamp => |v| Value::Int(v.as_microsecond()),
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

/// Whether both engines take `text` as one: PostgreSQL refuses a NUL, and fails the whole unit. What comes from outside is held
/// to it before it is asked about or kept.
pub fn is_text(text: &str) -> bool {
    !text.contains('\0')
}

/// The parameters of a statement, in order.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => { [$($crate::storage::engine::Value::from($value)),*] };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_two_engines_write_differently_reads_back_the_same() {
        let id = Uuid::from_u128(7);
        let sqlite = Row(vec![
            Value::from(&id.as_bytes()[..]),
            Value::Int(1),
            Value::Text("{}".into()),
        ]);
        let postgres = Row(vec![
            Value::Uuid(id),
            Value::Bool(true),
            Value::Json(serde_json::json!({})),
        ]);
        for row in [sqlite, postgres] {
            assert_eq!(row.get::<Uuid>(0).unwrap(), id);
            assert!(row.get::<bool>(1).unwrap());
            assert_eq!(row.get::<Json>(2).unwrap(), serde_json::json!({}));
            assert!(row.get::<i64>(0).is_err());
        }
    }
}
