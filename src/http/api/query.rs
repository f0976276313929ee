//! The parameters of a list, read with every fault at once, and its cursor.
//!
//! A cursor is the last id shown, in base64url: opaque to clients, stable while pieces come in.

use std::collections::HashSet;

use data_encoding::BASE64URL_NOPAD;
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    domain::{
        exchanges::{Status, metadata::ITERATIONS},
        pieces::view::Query,
    },
    kernel::{
        digest::from_hex,
        fault::{Code, Fault, FieldFault, Result},
    },
    storage::listing::Filter,
};

/// The most pieces of a page.
pub(super) const MOST: u32 = 200;
/// The pieces of a page where nothing is said.
pub(super) const USUAL: u32 = 50;

/// Reads the query string of `GET /v1/pieces`. Fails with `request-malformed`, every fault told: an unknown or repeated
/// parameter is one.
pub fn read(query: Option<&str>) -> Result<Query> {
    let mut reader = Reader::default();
    for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        reader.take(&name, &value);
    }
    let summary = "Plusieurs paramètres sont fautifs : voir errors.";
    match Fault::gathered(Code::RequestMalformed, summary, reader.faults) {
        Some(fault) => Err(fault),
        None => Ok(Query {
            filter: reader.filter,
            dossier_id: reader.dossier_id,
            limit: reader.limit.unwrap_or(USUAL),
        }),
    }
}

/// The cursor behind `id`.
pub fn cursor(id: Uuid) -> String {
    BASE64URL_NOPAD.encode(id.as_bytes())
}

fn id_of(cursor: &str) -> Option<Uuid> {
    let bytes = BASE64URL_NOPAD.decode(cursor.as_bytes()).ok()?;
    Uuid::from_slice(&bytes).ok()
}

#[derive(Default)]
struct Reader {
    seen: HashSet<String>,
    faults: Vec<FieldFault>,
    filter: Filter,
    dossier_id: Option<String>,
    limit: Option<u32>,
}

impl Reader {
    fn take(&mut self, name: &str, value: &str) {
        if !self.seen.insert(name.to_owned()) {
            return self.wrong(name, "Paramètre répété.");
        }
        let filter = &mut self.filter;
        let known = match name {
            "project" => put(&mut filter.project, text(value, 64)),
            "sourceApplication" => put(&mut filter.source_application, text(value, 64)),
            "dossierId" => put(&mut self.dossier_id, text(value, 128)),
            "iteration" => put(&mut filter.iteration, number(value, ITERATIONS)),
            "status" => put(&mut filter.status, status(value)),
            "sha256" => put(&mut filter.sha256, digest(value)),
            "receivedAfter" => put(&mut filter.received_after, value.parse().ok()),
            "receivedBefore" => put(&mut filter.received_before, value.parse::<Timestamp>().ok()),
            "cursor" => put(&mut filter.before_id, id_of(value)),
            "limit" => put(&mut self.limit, number(value, MOST)),
            _ => return self.wrong(&shown(name), "Paramètre inconnu du contrat."),
        };
        if !known {
            self.wrong(name, "Valeur hors de ce que le contrat permet.");
        }
    }

    fn wrong(&mut self, name: &str, detail: &str) {
        self.faults.push(FieldFault::new(
            format!("/query/{name}"),
            Code::RequestMalformed,
            detail,
        ));
    }
}

/// A name as a pointer may show it.
pub(super) fn shown(name: &str) -> String {
    let plain: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
    plain.replace('~', "~0").replace('/', "~1")
}

/// Fills `slot`; answers whether there was a value.
pub(super) fn put<T>(slot: &mut Option<T>, value: Option<T>) -> bool {
    *slot = value;
    slot.is_some()
}

/// A text of at most `most` characters.
pub(super) fn text(value: &str, most: usize) -> Option<String> {
    let length = value.chars().count();
    ((1..=most).contains(&length) && !value.contains('\0')).then(|| value.to_owned())
}

/// A number from 1 to `most`.
pub(super) fn number(value: &str, most: u32) -> Option<u32> {
    let number = value.parse().ok()?;
    (1..=most).contains(&number).then_some(number)
}

fn status(value: &str) -> Option<String> {
    Status::parse(value)
        .ok()
        .map(|status| status.as_str().to_owned())
}

fn digest(value: &str) -> Option<[u8; 32]> {
    from_hex(value)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_faulty_parameter_is_told_at_once() {
        let fault = read(Some(
            "limit=0&status=lost&colour=blue&iteration=1&iteration=2&cursor=x",
        ))
        .err();
        let fault = fault.unwrap();
        let pointers: Vec<_> = fault.errors().iter().map(|e| e.pointer.clone()).collect();
        assert_eq!(
            pointers,
            [
                "/query/limit",
                "/query/status",
                "/query/colour",
                "/query/iteration",
                "/query/cursor"
            ]
        );
    }

    #[test]
    fn a_cursor_comes_back_as_its_id() {
        let id = Uuid::from_u128(42);
        let query = read(Some(&format!("cursor={}&limit=200", cursor(id)))).unwrap();
        assert_eq!(query.filter.before_id, Some(id));
        assert_eq!(query.limit, 200);
    }
}
