//! A JSON Schema that documents are held to, such as a project's `result_schema` (TRC-3). It is compiled once; nothing is
//! fetched for it: what it refers to stands in it.

use std::fmt;

use jsonschema::Validator;
use serde_json::Value;

use super::digest::{Sha256, hex, sha256};

/// A compiled schema.
pub struct Schema {
    validator: Validator,
    sha256: Sha256,
}

impl Schema {
    /// Compiles the text of a schema. Fails with the reason, for a person: no JSON, no schema, or a reference that leads out
    /// of it.
    pub fn compile(text: &[u8]) -> Result<Self, String> {
        let schema: Value = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        if let Err(error) = jsonschema::meta::validate(&schema) {
            return Err(format!("{}: {error}", error.instance_path()));
        }
        let options = jsonschema::options()
            .offline()
            .should_validate_formats(true);
        let validator = options.build(&schema).map_err(|error| error.to_string())?;
        Ok(Self {
            validator,
            sha256: sha256(text),
        })
    }

    /// The digest of its text: which schema a document was held to.
    pub fn sha256(&self) -> Sha256 {
        self.sha256
    }

    /// The places in the schema of the demands that `document` does not meet, `most` at most. They hold nothing of the
    /// document.
    pub fn unmet(&self, document: &Value, most: usize) -> Vec<String> {
        let errors = self.validator.iter_errors(document).take(most);
        errors
            .map(|error| error.schema_path().to_string())
            .collect()
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Schema({})", hex(&self.sha256))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn compiled(schema: Value) -> Result<Schema, String> {
        Schema::compile(schema.to_string().as_bytes())
    }

    #[test]
    fn a_document_is_held_to_every_demand_and_the_places_hold_nothing_of_it() {
        let schema = json!({
            "type": "object",
            "required": ["outcome"],
            "properties": { "pages": { "type": "integer", "maximum": 3 }, "day": { "format": "date" } },
        });
        let schema = compiled(schema).unwrap();
        assert!(
            schema
                .unmet(&json!({ "outcome": "processed", "pages": 3 }), 9)
                .is_empty()
        );
        let unmet = schema.unmet(&json!({ "pages": "Dupont", "day": "hier" }), 9);
        let unmet: std::collections::BTreeSet<_> = unmet.iter().map(String::as_str).collect();
        assert_eq!(
            unmet,
            [
                "/properties/day/format",
                "/properties/pages/type",
                "/required"
            ]
            .into()
        );
        assert_eq!(schema.unmet(&json!({ "pages": 4 }), 1).len(), 1);
    }

    #[test]
    fn what_is_no_schema_or_leads_out_of_itself_does_not_compile() {
        assert!(Schema::compile(b"{").is_err());
        assert!(compiled(json!({ "type": "nonsense" })).is_err());
        assert!(compiled(json!({ "type": "string", "pattern": "(" })).is_err());
        assert!(compiled(json!({ "$ref": "https://example.org/a.json" })).is_err());
        assert!(compiled(json!({ "$ref": "autre.json" })).is_err());
        assert!(compiled(json!([])).is_err());
    }
}
