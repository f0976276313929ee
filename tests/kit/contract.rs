//! The contracts of `schemas/openapi` as judges of what travels: every answer of a journey goes through
//! [`Contract::check_response`], every callback through [`Contract::check_request`] (API-4, API-6, API-10).
//!
//! The way through: `texts` reads the files, `schema` turns OpenAPI 3.0 schemas into JSON Schema, `message` judges headers
//! and bodies; this page finds the operation. What the contract does not declare is a fault: a status, a media type, a
//! field, a null. An address that it does not know may only answer its 404, a method that it does not know only its 405.
//!
//! To add an operation: write it in the contract, `x-mutual-tls` included; nothing changes here. To add a contract: one
//! line in [`texts`] and one constructor.

mod message;
mod schema;
mod texts;

#[cfg(test)]
mod bodies;
#[cfg(test)]
mod consistency;
#[cfg(test)]
mod severity;

use std::{collections::BTreeMap, sync::LazyLock};

use http::HeaderMap;
use serde_json::{Value, json};

use self::schema::Judge;

/// All that is wrong, one line each.
pub type Faults = Vec<String>;

/// The methods that OpenAPI 3.0 knows, as its keys.
const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];

/// One operation of a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// In capitals, as in a request.
    pub method: String,
    /// As the contract writes it: `/v1/pieces/{reconciliationId}`.
    pub path_template: String,
    /// The contract's `operationId`.
    pub operation_id: String,
    /// The OAuth scopes a token must have; empty where no token is asked for.
    pub scopes: Vec<String>,
    /// Whether the connection must show a client certificate.
    pub needs_certificate: bool,
}

/// A contract, ready to judge.
pub struct Contract {
    document: Value,
    judge: Judge,
}

impl Contract {
    /// The contract of the piece API.
    pub fn load() -> &'static Contract {
        static PIECES: LazyLock<Contract> = LazyLock::new(|| Contract::read(texts::PIECES));
        &PIECES
    }

    /// The default contract of the API that receives returns.
    pub fn callback() -> &'static Contract {
        static CALLBACK: LazyLock<Contract> = LazyLock::new(|| Contract::read(texts::CALLBACK));
        &CALLBACK
    }

    /// The contracts of the hub.
    pub fn hubee() -> [&'static Contract; 4] {
        static HUBEE: LazyLock<[Contract; 4]> = LazyLock::new(|| texts::HUBEE.map(Contract::read));
        HUBEE.each_ref()
    }

    /// The contract of the hub that knows a path; that of folders for those that none knows. A slash at the end of a
    /// collection changes nothing (R1).
    pub fn of_hub(path: &str) -> &'static Contract {
        let mut contracts = Self::hubee().into_iter();
        let found = contracts.find(|contract| contract.path_item(path).is_some());
        found.unwrap_or(Self::hubee()[0])
    }

    fn read(yaml: &str) -> Contract {
        let document = texts::parse(yaml);
        let judge = Judge::of(&document);
        Contract { document, judge }
    }

    /// The contract itself.
    pub fn document(&self) -> &Value {
        &self.document
    }

    /// Every operation, in the order of paths.
    pub fn operations(&self) -> Vec<Operation> {
        let paths = members(&self.document["paths"]);
        paths
            .flat_map(|(template, item)| {
                members(item)
                    .filter(|(key, _)| METHODS.contains(&key.as_str()))
                    .map(|(method, operation)| self.operation(method, template, operation))
            })
            .collect()
    }

    fn operation(&self, method: &str, template: &str, operation: &Value) -> Operation {
        let needs_certificate = match operation["x-mutual-tls"].as_str() {
            Some("required") => true,
            Some("none") => false,
            other => panic!("x-mutual-tls of {method} {template} is {other:?}"),
        };
        Operation {
            method: method.to_uppercase(),
            path_template: template.to_owned(),
            operation_id: operation["operationId"]
                .as_str()
                .expect("an operationId")
                .to_owned(),
            scopes: scopes(operation),
            needs_certificate,
        }
    }

    /// The status of every problem code, read from the declared error responses.
    pub fn problem_codes(&self) -> BTreeMap<String, u16> {
        members(&self.document["components"]["responses"])
            .flat_map(|(_, response)| codes(response))
            .collect()
    }

    /// The faults of a value by one of the contract's schemas, by its name.
    pub fn value_faults(&self, schema: &str, value: &Value) -> Faults {
        let schema = json!({ "$ref": format!("#/components/schemas/{schema}") });
        self.judge.value_faults(&schema, value)
    }

    /// The examples of the declared error responses.
    pub fn problem_examples(&self) -> Vec<&Value> {
        members(&self.document["components"]["responses"])
            .map(|(_, response)| &response["content"]["application/problem+json"]["example"])
            .filter(|example| example.is_object())
            .collect()
    }

    /// Judges an answer: `path` is the request's, with or without its query. Answers every fault found.
    pub fn check_response(
        &self,
        method: &str,
        path: &str,
        status: u16,
        content_type: Option<&str>,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<(), Faults> {
        let response = self
            .declared_response(method, path, status)
            .map_err(|fault| vec![fault])?;
        let mut faults = self.judge.header_faults(&response["headers"], headers);
        if method != "HEAD" {
            let content = &response["content"];
            faults.extend(self.judge.body_faults(content, content_type, body));
        }
        outcome(faults, &format!("{method} {path} -> {status}"))
    }

    /// Judges a request with a JSON body against the operation named `operation_id`.
    pub fn check_request(
        &self,
        operation_id: &str,
        content_type: Option<&str>,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<(), Faults> {
        let operation = self
            .named(operation_id)
            .unwrap_or_else(|| panic!("the contract has no operation {operation_id}"));
        let parameters = &operation["parameters"];
        let mut faults = self.judge.parameter_faults(parameters, headers);
        let content = &operation["requestBody"]["content"];
        faults.extend(self.judge.body_faults(content, content_type, body));
        outcome(faults, operation_id)
    }

    /// Judges a value against a schema of the contract by its name, such as `Receipt`.
    pub fn check_schema(&self, name: &str, value: &Value) -> Result<(), Faults> {
        let reference = serde_json::json!({ "$ref": format!("#/components/schemas/{name}") });
        outcome(self.judge.value_faults(&reference, value), name)
    }

    fn declared_response(&self, method: &str, path: &str, status: u16) -> Result<&Value, String> {
        let declared = self.responses(method, path);
        let range = format!("{}XX", status / 100);
        let found = [status.to_string(), range]
            .iter()
            .find_map(|key| declared.get(key).copied());
        found
            .map(|response| self.judge.resolve(response))
            .ok_or_else(|| {
                let known: Vec<_> = declared.keys().collect();
                format!("{method} {path} answered {status}, the contract declares {known:?}")
            })
    }

    /// The declared responses by status; those that any server gives where the contract knows no address or no method.
    fn responses(&self, method: &str, path: &str) -> BTreeMap<String, &Value> {
        let common = &self.document["components"]["responses"];
        let Some(item) = self.path_item(path) else {
            return BTreeMap::from([("404".to_owned(), &common["NotFound"])]);
        };
        let key = method.to_lowercase();
        let operation = match item.get(&key) {
            None if key == "head" => item.get("get"),
            found => found,
        };
        match operation {
            Some(operation) => members(&operation["responses"])
                .map(|(status, response)| (status.clone(), response))
                .collect(),
            None => BTreeMap::from([("405".to_owned(), &common["MethodNotAllowed"])]),
        }
    }

    /// The path item of a concrete path; a template without parameters goes first.
    fn path_item(&self, path: &str) -> Option<&Value> {
        let path = path.split('?').next().unwrap_or(path);
        let paths = &self.document["paths"];
        paths.get(path).or_else(|| {
            members(paths)
                .find(|(template, _)| covers(template, path))
                .map(|(_, item)| item)
        })
    }

    fn named(&self, operation_id: &str) -> Option<&Value> {
        members(&self.document["paths"])
            .flat_map(|(_, item)| members(item))
            .map(|(_, operation)| operation)
            .find(|operation| operation["operationId"] == operation_id)
    }
}

/// Whether a template stands for a path: the same segments, `{…}` for one that is not empty.
fn covers(template: &str, path: &str) -> bool {
    let (wanted, given): (Vec<_>, Vec<_>) =
        (template.split('/').collect(), path.split('/').collect());
    wanted.len() == given.len()
        && wanted.iter().zip(&given).all(|(wanted, given)| {
            wanted == given || (wanted.starts_with('{') && !given.is_empty())
        })
}

fn scopes(operation: &Value) -> Vec<String> {
    let alternatives = operation["security"].as_array().into_iter().flatten();
    alternatives
        .filter_map(|alternative| alternative["oauth2"].as_array())
        .flatten()
        .filter_map(|scope| scope.as_str().map(str::to_owned))
        .collect()
}

/// The codes that a declared error response admits, each with its status.
fn codes(response: &Value) -> Vec<(String, u16)> {
    let narrowed =
        &response["content"]["application/problem+json"]["schema"]["allOf"][1]["properties"];
    let status = narrowed["status"]["enum"][0].as_u64();
    let status = status.and_then(|status| u16::try_from(status).ok());
    let codes = narrowed["code"]["enum"].as_array().into_iter().flatten();
    codes
        .filter_map(|code| Some((code.as_str()?.to_owned(), status?)))
        .collect()
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn outcome(faults: Faults, subject: &str) -> Result<(), Faults> {
    if faults.is_empty() {
        return Ok(());
    }
    let told = faults.iter().map(|fault| format!("{subject}: {fault}"));
    Err(told.collect())
}
