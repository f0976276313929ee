//! OpenAPI 3.0 schemas as JSON Schema 2020-12. 3.0 has its own dialect: `nullable`, boolean `exclusiveMinimum`, a `$ref`
//! that silences its neighbours. A keyword that 3.0 does not have stops the test, so no 3.1 schema slips in (API-6).

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

use super::Faults;

/// Copied as they are.
const SAME: [&str; 17] = [
    "type",
    "enum",
    "format",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "multipleOf",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "required",
    "title",
    "description",
];
/// Said for readers, judged by nobody.
const SILENT: [&str; 9] = [
    "nullable",
    "default",
    "example",
    "deprecated",
    "readOnly",
    "writeOnly",
    "externalDocs",
    "xml",
    "discriminator",
];

/// Judges values by the schemas of one contract; each schema is compiled once.
pub struct Judge {
    document: Value,
    components: Value,
    compiled: Mutex<HashMap<String, Arc<Validator>>>,
}

impl Judge {
    /// A judge for the schemas of `document`, an OpenAPI 3.0 contract.
    pub fn of(document: &Value) -> Judge {
        let schemas = converted_members(&document["components"]["schemas"]);
        Judge {
            document: document.clone(),
            components: json!({ "schemas": schemas }),
            compiled: Mutex::default(),
        }
    }

    /// What a `$ref` to a component stands for; anything else stands for itself.
    pub fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        let Some(reference) = value["$ref"].as_str() else {
            return value;
        };
        let pointer = reference.trim_start_matches('#');
        let found = self.document.pointer(pointer);
        found.unwrap_or_else(|| panic!("{reference} leads nowhere"))
    }

    /// The faults of a value by an OpenAPI schema, each with its place.
    pub fn value_faults(&self, schema: &Value, value: &Value) -> Faults {
        let validator = self.validator(schema);
        let errors = validator.iter_errors(value);
        errors
            .map(|error| format!("at \"{}\": {error}", error.instance_path()))
            .collect()
    }

    fn validator(&self, schema: &Value) -> Arc<Validator> {
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = compiled.entry(schema.to_string());
        entry
            .or_insert_with(|| Arc::new(self.compile(schema)))
            .clone()
    }

    fn compile(&self, schema: &Value) -> Validator {
        let root = json!({ "allOf": [converted(schema)], "components": self.components });
        jsonschema::options()
            .with_draft(Draft::Draft202012)
            .should_validate_formats(true)
            .build(&root)
            .unwrap_or_else(|error| panic!("{schema} is no schema: {error}"))
    }
}

/// One OpenAPI 3.0 schema as JSON Schema.
pub fn converted(schema: &Value) -> Value {
    let Some(members) = schema.as_object() else {
        return schema.clone();
    };
    if let Some(reference) = members.get("$ref") {
        return json!({ "$ref": reference });
    }
    let mut made: Map<String, Value> = members
        .iter()
        .filter_map(|(keyword, value)| {
            Some((keyword.clone(), keyword_of(keyword, value, members)?))
        })
        .collect();
    make_exclusive(&mut made, members, "exclusiveMinimum", "minimum");
    make_exclusive(&mut made, members, "exclusiveMaximum", "maximum");
    if members.get("nullable") == Some(&Value::Bool(true)) {
        admit_null(&mut made);
    }
    Value::Object(made)
}

fn keyword_of(keyword: &str, value: &Value, schema: &Map<String, Value>) -> Option<Value> {
    match keyword {
        "properties" => Some(converted_members(value)),
        "items" | "not" | "additionalProperties" => Some(converted(value)),
        "allOf" | "anyOf" | "oneOf" => Some(value.as_array()?.iter().map(converted).collect()),
        "type" if !value.is_string() => panic!("OpenAPI 3.0 has one type per schema: {schema:?}"),
        "exclusiveMinimum" | "exclusiveMaximum" if value.is_boolean() => None,
        known if SAME.contains(&known) => Some(value.clone()),
        known if SILENT.contains(&known) || known.starts_with("x-") => None,
        unknown => panic!("OpenAPI 3.0 has no keyword {unknown}: {schema:?}"),
    }
}

fn converted_members(schemas: &Value) -> Value {
    let members = schemas.as_object().into_iter().flatten();
    let made: Map<String, Value> = members
        .map(|(name, schema)| (name.clone(), converted(schema)))
        .collect();
    Value::Object(made)
}

/// In 3.0 `exclusiveMinimum: true` sharpens `minimum`; in JSON Schema it replaces it.
fn make_exclusive(
    made: &mut Map<String, Value>,
    schema: &Map<String, Value>,
    keyword: &str,
    bound: &str,
) {
    if schema.get(keyword) == Some(&Value::Bool(true))
        && let Some(limit) = made.remove(bound)
    {
        made.insert(keyword.to_owned(), limit);
    }
}

/// `nullable` widens the type that stands beside it, and nothing else (clarification of OpenAPI 3.0.3).
fn admit_null(made: &mut Map<String, Value>) {
    let kind = made.get("type").expect("nullable stands beside a type");
    let widened = json!([kind, "null"]);
    made.insert("type".to_owned(), widened);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dialect_of_3_0_becomes_json_schema() {
        let cases = [
            (
                json!({"type": "string", "nullable": true, "example": "x"}),
                json!({"type": ["string", "null"]}),
            ),
            (
                json!({"type": "integer", "minimum": 0, "exclusiveMinimum": true}),
                json!({"type": "integer", "exclusiveMinimum": 0}),
            ),
            (
                json!({"$ref": "#/components/schemas/A", "nullable": true}),
                json!({"$ref": "#/components/schemas/A"}),
            ),
            (
                json!({"type": "object", "properties": {"nullable": {"type": "string", "nullable": true}}}),
                json!({"type": "object", "properties": {"nullable": {"type": ["string", "null"]}}}),
            ),
        ];
        for (openapi, wanted) in cases {
            assert_eq!(converted(&openapi), wanted);
        }
    }

    #[test]
    #[should_panic(expected = "no keyword const")]
    fn a_keyword_of_3_1_stops_the_test() {
        converted(&json!({"const": 1}));
    }

    #[test]
    #[should_panic(expected = "one type per schema")]
    fn a_list_of_types_stops_the_test() {
        converted(&json!({"type": ["string", "null"]}));
    }
}
