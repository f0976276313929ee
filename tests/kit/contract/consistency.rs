//! The texts of `schemas/` against each other: what one says twice, it must say alike, and its examples must be true.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Contract, members, schema::converted, texts};

const CONTRACTS: [&str; 6] = [
    texts::PIECES,
    texts::CALLBACK,
    texts::HUBEE[0],
    texts::HUBEE[1],
    texts::HUBEE[2],
    texts::HUBEE[3],
];

/// Calls `visit` on every object of a document.
fn walk(value: &Value, visit: &mut dyn FnMut(&Value)) {
    if value.is_object() {
        visit(value);
    }
    let inner = members(value).map(|(_, inner)| inner);
    for inner in inner.chain(value.as_array().into_iter().flatten()) {
        walk(inner, visit);
    }
}

/// A schema's bare demands, without its words, so that a JSON Schema and a contract's schema can be compared.
fn bare(schema: &Value) -> Value {
    match schema {
        Value::Object(members) => members
            .iter()
            .filter(|(keyword, value)| !is_silent(keyword, value))
            .map(|(keyword, value)| (keyword.clone(), bare(value)))
            .collect(),
        Value::Array(items) => items.iter().map(bare).collect(),
        Value::String(text) => json!(text.replace("#/components/schemas/", "#/$defs/")),
        other => other.clone(),
    }
}

/// Whether a keyword demands nothing. A *property* may bear such a name: its value is then a schema, an object.
fn is_silent(keyword: &str, value: &Value) -> bool {
    match keyword {
        "$defs" | "default" => true,
        "$schema" | "$id" | "title" | "description" | "examples" => !value.is_object(),
        "format" => is_open_format(value),
        _ => false,
    }
}

/// Formats of OpenAPI that JSON Schema does not know.
fn is_open_format(format: &Value) -> bool {
    ["int32", "int64", "byte", "binary"]
        .iter()
        .any(|open| format == open)
}

fn schemas(yaml: &str) -> Value {
    texts::parse(yaml)["components"]["schemas"].clone()
}

#[test]
fn the_contracts_are_openapi_3_0_3() {
    for yaml in CONTRACTS {
        assert_eq!(texts::parse(yaml)["openapi"], "3.0.3");
    }
}

#[test]
fn every_reference_leads_somewhere() {
    for yaml in CONTRACTS {
        let document = texts::parse(yaml);
        walk(&document, &mut |object| {
            if let Some(reference) = object["$ref"].as_str() {
                let target = document.pointer(reference.trim_start_matches('#'));
                assert!(target.is_some(), "{reference}");
            }
        });
    }
}

#[test]
fn every_component_is_used() {
    for yaml in CONTRACTS {
        let document = texts::parse(yaml);
        let mut used = BTreeSet::new();
        walk(&document, &mut |object| {
            used.extend(object["$ref"].as_str().map(str::to_owned));
        });
        for kind in ["schemas", "responses", "parameters", "headers"] {
            for (name, _) in members(&document["components"][kind]) {
                // By these two the kit judges what a contract does not know.
                if matches!(name.as_str(), "NotFound" | "MethodNotAllowed") {
                    continue;
                }
                let reference = format!("#/components/{kind}/{name}");
                assert!(used.contains(&reference), "nothing uses {reference}");
            }
        }
    }
}

#[test]
fn every_example_obeys_its_schema() {
    let hub = Contract::hubee().into_iter().zip(texts::HUBEE);
    let others = [
        (Contract::load(), texts::PIECES),
        (Contract::callback(), texts::CALLBACK),
    ];
    for (contract, yaml) in others.into_iter().chain(hub) {
        let mut seen = 0;
        walk(&texts::parse(yaml), &mut |object| {
            if let Some(example) = object.get("example") {
                let schema = object.get("schema").unwrap_or(object);
                let faults = contract.judge.value_faults(schema, example);
                assert!(faults.is_empty(), "{example}: {faults:#?}");
                seen += 1;
            }
        });
        assert!(seen >= 2, "{seen} examples");
    }
}

#[test]
fn what_both_contracts_define_is_the_same_text() {
    let (pieces, callback) = (schemas(texts::PIECES), schemas(texts::CALLBACK));
    let shared: Vec<_> = members(&callback)
        .filter(|(name, _)| pieces.get(name).is_some())
        .collect();
    assert!(shared.iter().any(|(name, _)| *name == "Return"));
    for (name, schema) in shared {
        assert_eq!(schema, &pieces[name], "{name}");
    }
}

#[test]
fn the_json_schemas_demand_what_the_contract_demands() {
    for (contract, name, text) in texts::JSON_SCHEMAS {
        let components = schemas(contract);
        let alone: Value = serde_json::from_str(text).expect(name);
        assert_eq!(bare(&alone), bare(&converted(&components[name])), "{name}");
        for (inner, schema) in members(&alone["$defs"]) {
            assert_eq!(
                bare(schema),
                bare(&converted(&components[inner])),
                "{name}: {inner}"
            );
        }
    }
}

#[test]
fn the_json_schemas_compile_and_their_examples_are_true() {
    for (_, name, text) in texts::JSON_SCHEMAS {
        let schema: Value = serde_json::from_str(text).expect(name);
        let validator = jsonschema::draft202012::new(&schema).expect(name);
        for example in schema["examples"].as_array().expect("examples") {
            validator.validate(example).expect(name);
        }
        assert!(!validator.is_valid(&json!({})), "{name}");
    }
}

#[test]
fn operations_have_unique_names_and_every_piece_operation_needs_both_proofs() {
    let operations = Contract::load().operations();
    let names: BTreeSet<_> = operations
        .iter()
        .map(|operation| &operation.operation_id)
        .collect();
    assert_eq!(names.len(), operations.len());
    let pieces = operations
        .iter()
        .filter(|operation| operation.path_template.starts_with("/v1/pieces"));
    for operation in pieces {
        let wanted = if operation.method == "GET" {
            "pieces:read"
        } else {
            "pieces:write"
        };
        assert_eq!(operation.scopes, [wanted], "{operation:?}");
        assert!(operation.needs_certificate, "{operation:?}");
    }
    let token = operations
        .iter()
        .find(|operation| operation.operation_id == "createToken");
    assert!(token.is_some_and(|token| token.needs_certificate && token.scopes.is_empty()));
}

#[test]
fn the_hubs_operations_have_unique_names_and_each_says_who_may_call_it() {
    let contracts = Contract::hubee().into_iter();
    let operations: Vec<_> = contracts.flat_map(Contract::operations).collect();
    let names: BTreeSet<_> = operations
        .iter()
        .map(|operation| &operation.operation_id)
        .collect();
    assert_eq!(names.len(), operations.len());
    for operation in &operations {
        assert!(!operation.scopes.is_empty(), "{operation:?}");
        assert!(!operation.needs_certificate, "{operation:?}");
    }
}

#[test]
fn every_problem_code_belongs_to_one_status() {
    let document = texts::parse(texts::PIECES);
    let mut statuses: BTreeMap<String, BTreeSet<u16>> = BTreeMap::new();
    for (_, response) in members(&document["components"]["responses"]) {
        for (code, status) in super::codes(response) {
            statuses.entry(code).or_default().insert(status);
        }
    }
    assert!(
        statuses.values().all(|found| found.len() == 1),
        "{statuses:?}"
    );
    let listed = document["components"]["schemas"]["ProblemCode"]["enum"]
        .as_array()
        .expect("an enum");
    let listed: BTreeSet<_> = listed
        .iter()
        .filter_map(|code| code.as_str().map(str::to_owned))
        .collect();
    assert_eq!(listed, statuses.into_keys().collect());
    assert_eq!(
        listed,
        Contract::load().problem_codes().into_keys().collect()
    );
}
