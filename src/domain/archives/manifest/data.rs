//! Business data, kept as their own text: an archive may hold a hundred thousand of them.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

/// A JSON object, in the fewest bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Data(Box<str>);

impl Data {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The object.
    pub fn to_object(&self) -> Map<String, Value> {
        // Only an object that was written here stands here.
        serde_json::from_str(&self.0).unwrap_or_default()
    }
}

impl From<Map<String, Value>> for Data {
    fn from(object: Map<String, Value>) -> Self {
        match object.is_empty() {
            true => Self::default(),
            false => Self(Value::Object(object).to_string().into()),
        }
    }
}

impl Serialize for Data {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.to_object().serialize(to)
    }
}
