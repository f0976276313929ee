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
        pieces::{acknowledged::Outcome, view::Query},
    },
    kernel::{
        digest::from_hex,
        fault::{Code, Fault, FieldFault, Result, step},
    },
    storage::{
        is_text,
        listing::{Filter, Reception},
    },
};

/// The most pieces of a page.
const MOST: u32 = 200;
/// The pieces of a page where nothing is said.
pub(super) const USUAL: u32 = 50;

/// Reads the query string of `GET /v1/pieces`. Fails with `request-malformed`, every fault told: an unknown or repeated
/// parameter is one.
pub fn read(query: Option<&str>) -> Result<Query> {
    let mut reader = Reader::default();
    each(query, |name, value| reader.take(name, value))?;
    Ok(Query {
        filter: reader.filter,
        dossier_id: reader.dossier_id,
        limit: reader.limit.unwrap_or(USUAL),
    })
}

/// Hands each parameter of a query string to `take`, which answers whether its value fits, or nothing where it does not
/// know the name. Fails with `request-malformed`, every fault told.
pub(super) fn each(
    query: Option<&str>,
    mut take: impl FnMut(&str, &str) -> Option<bool>,
) -> Result<()> {
    let (mut seen, mut faults) = (HashSet::new(), Vec::new());
    for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        let detail = match seen.insert(name.to_string()).then(|| take(&name, &value)) {
            Some(Some(true)) => continue,
            Some(Some(false)) => "Valeur hors de ce que le contrat permet.",
            Some(None) => "Paramètre inconnu du contrat.",
            None => "Paramètre répété.",
        };
        let pointer = format!("/query/{}", step(&name));
        faults.push(FieldFault::new(pointer, Code::RequestMalformed, detail));
    }
    let summary = "Plusieurs paramètres sont fautifs : voir errors.";
    Fault::gathered(Code::RequestMalformed, summary, faults).map_or(Ok(()), Err)
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
    filter: Filter,
    dossier_id: Option<String>,
    limit: Option<u32>,
}

impl Reader {
    fn take(&mut self, name: &str, value: &str) -> Option<bool> {
        let filter = &mut self.filter;
        Some(match name {
            "project" => put(&mut filter.project, text(value, 64)),
            "sourceApplication" => put(&mut filter.source_application, text(value, 64)),
            "dossierId" => put(&mut self.dossier_id, text(value, 128)),
            "iteration" => put(&mut filter.iteration, number(value, ITERATIONS)),
            "status" => put(&mut filter.status, status(value)),
            "outcome" => put(&mut filter.reception, reception(value)),
            "sha256" => put(&mut filter.sha256, digest(value)),
            "receivedAfter" => put(&mut filter.received_after, value.parse().ok()),
            "receivedBefore" => put(&mut filter.received_before, value.parse::<Timestamp>().ok()),
            "cursor" => put(&mut filter.before_id, id_of(value)),
            "limit" => put(&mut self.limit, limit(value)),
            _ => return None,
        })
    }
}

/// Fills `slot`; answers whether there was a value.
pub(super) fn put<T>(slot: &mut Option<T>, value: Option<T>) -> bool {
    *slot = value;
    slot.is_some()
}

/// A text of at most `most` characters.
pub(super) fn text(value: &str, most: usize) -> Option<String> {
    let length = value.chars().count();
    ((1..=most).contains(&length) && is_text(value)).then(|| value.to_owned())
}

/// A number from 1 to `most`.
fn number(value: &str, most: u32) -> Option<u32> {
    let number = value.parse().ok()?;
    (1..=most).contains(&number).then_some(number)
}

/// How many items a page has.
pub(super) fn limit(value: &str) -> Option<u32> {
    number(value, MOST)
}

/// How the pieces came in, by the outcome that their senders were told.
fn reception(value: &str) -> Option<Reception> {
    match Outcome::parse(value).ok()? {
        Outcome::Accepted => Some(Reception::First),
        Outcome::NewIteration => Some(Reception::Later),
        Outcome::Duplicate => Some(Reception::Repeated),
    }
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
            "limit=0&status=lost&colour=blue&iteration=1&iteration=2&cursor=x&outcome=lost",
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
                "/query/cursor",
                "/query/outcome"
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
