//! A table as lines of JSON: its columns first, then each row as a list. A text begins with a letter that says what it
//! is: `s` a text, `b` bytes in base64, `u` an id, `j` a JSON document.

use std::io::{BufRead, Write};

use data_encoding::BASE64;
use serde_json::{Value as Json, json};

use super::ROWS;
use crate::{
    kernel::fault::{Code, Fault, Result},
    storage::{Row, Value, dump::Table},
};

/// How many rows one transaction puts back.
const PAGE: usize = 500;
/// How many lines of a table's file are no rows.
pub const HEAD: u64 = 1;

/// The path of a table's file in a backup.
pub fn file(table: &str) -> String {
    format!("{ROWS}/{table}.jsonl")
}

/// Writes the first line.
pub fn write_head(out: &mut impl Write, table: &Table) -> Result<()> {
    writeln!(out, "{}", json!(table.columns)).map_err(Fault::unavailable)
}

/// Writes one row.
pub fn write_row(out: &mut impl Write, row: Row) -> Result<()> {
    let values: Vec<Json> = row.into_values().into_iter().map(encoded).collect();
    writeln!(out, "{}", Json::Array(values)).map_err(Fault::unavailable)
}

/// Reads the columns, then hands the rows on, some at a time.
pub fn columns(input: &mut impl BufRead) -> Result<Vec<String>> {
    let mut line = String::new();
    input.read_line(&mut line).map_err(Fault::unavailable)?;
    serde_json::from_str(&line).map_err(unreadable)
}

/// The next rows of a table, at most a page; none at its end.
pub fn page(input: &mut impl BufRead) -> Result<Vec<Vec<Value>>> {
    let mut rows = Vec::new();
    let mut line = String::new();
    while rows.len() < PAGE {
        line.clear();
        if input.read_line(&mut line).map_err(Fault::unavailable)? == 0 {
            break;
        }
        let values: Vec<Json> = serde_json::from_str(&line).map_err(unreadable)?;
        rows.push(values.into_iter().map(decoded).collect::<Result<_>>()?);
    }
    Ok(rows)
}

fn encoded(value: Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Int(number) => number.into(),
        Value::Bool(truth) => truth.into(),
        Value::Text(text) => format!("s{text}").into(),
        Value::Bytes(bytes) => format!("b{}", BASE64.encode(&bytes)).into(),
        Value::Uuid(id) => format!("u{id}").into(),
        Value::Json(document) => format!("j{document}").into(),
    }
}

fn decoded(value: Json) -> Result<Value> {
    match value {
        Json::Null => Ok(Value::Null),
        Json::Bool(truth) => Ok(Value::Bool(truth)),
        Json::Number(number) => number
            .as_i64()
            .map(Value::Int)
            .ok_or_else(|| unreadable("a number that is no integer")),
        Json::String(text) => of_text(&text),
        _ => Err(unreadable("a value of no known form")),
    }
}

fn of_text(text: &str) -> Result<Value> {
    let rest = text.get(1..).unwrap_or_default();
    match text.as_bytes().first() {
        Some(b's') => Ok(Value::Text(rest.to_owned())),
        Some(b'b') => BASE64
            .decode(rest.as_bytes())
            .map(Value::from)
            .map_err(unreadable),
        Some(b'u') => rest.parse().map(Value::Uuid).map_err(unreadable),
        Some(b'j') => serde_json::from_str(rest)
            .map(Value::Json)
            .map_err(unreadable),
        _ => Err(unreadable("a text of no known form")),
    }
}

fn unreadable(why: impl std::fmt::Display) -> Fault {
    Fault::new(Code::Corrupt, "the backup's rows do not read").because(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_value_comes_back_the_same() {
        let values = [
            Value::Null,
            Value::Int(i64::MIN),
            Value::Int(i64::MAX),
            Value::Bool(true),
            Value::Text(String::new()),
            Value::Text("été \"\n".to_owned()),
            Value::from(vec![0, 255, 7]),
            Value::from(Vec::new()),
            Value::Uuid(uuid::Uuid::max()),
            Value::Json(json!({ "a": [1, null] })),
        ];
        for value in values {
            assert_eq!(decoded(encoded(value.clone())).unwrap(), value);
        }
    }

    #[test]
    fn what_is_no_value_is_refused() {
        for bad in [
            json!(1.5),
            json!({}),
            json!(""),
            json!("x"),
            json!("b!"),
            json!("u7"),
            json!("j{"),
        ] {
            assert_eq!(decoded(bad).unwrap_err().code(), Code::Corrupt);
        }
    }
}
