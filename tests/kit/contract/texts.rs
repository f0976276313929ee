//! The files of `schemas/`, compiled in, so that a test judges by the text it was built with.

use serde_json::Value;

/// The contract of the piece API.
pub const PIECES: &str = include_str!("../../../schemas/openapi/pieces-v1.yaml");
/// The default contract of callbacks.
pub const CALLBACK: &str = include_str!("../../../schemas/openapi/callback-v1.yaml");
/// The contracts of the hub: folders, organisations, processes, subscriptions.
pub const HUBEE: [&str; 4] = [
    include_str!("../../../schemas/openapi/hubee-folder.yaml"),
    include_str!("../../../schemas/openapi/hubee-organization.yaml"),
    include_str!("../../../schemas/openapi/hubee-process.yaml"),
    include_str!("../../../schemas/openapi/hubee-subscription.yaml"),
];

/// The JSON Schemas that partners use without OpenAPI, each with the contract and its schema that it repeats.
#[cfg(test)]
pub const JSON_SCHEMAS: [(&str, &str, &str); 4] = [
    (
        PIECES,
        "Metadata",
        include_str!("../../../schemas/metadata-v1.schema.json"),
    ),
    (
        PIECES,
        "Receipt",
        include_str!("../../../schemas/receipt-v1.schema.json"),
    ),
    (
        PIECES,
        "Return",
        include_str!("../../../schemas/return-v1.schema.json"),
    ),
    (
        CALLBACK,
        "ArchiveReturn",
        include_str!("../../../schemas/archive-return-v1.schema.json"),
    ),
];

/// A YAML text as a JSON value.
pub fn parse(yaml: &str) -> Value {
    serde_norway::from_str(yaml).expect("the contract is YAML")
}
