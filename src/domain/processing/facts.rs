//! Controls on what intake already knows: real type, size, hash. They read no byte of the document.

use std::future::ready;

use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::{
    control::Control,
    document::Document,
    processor::{Processor, Report},
    sandbox::Sandbox,
    sniff,
};
use crate::kernel::{digest::hex, fault::Result};

/// The real type against the declared one and the project's list.
pub struct TypeProcessor;

/// The size against the limit, and against nothing at all.
pub struct SizeProcessor;

/// The hash against the announced one (API-11).
pub struct HashProcessor;

impl Processor for TypeProcessor {
    fn name(&self) -> &'static str {
        "type"
    }

    fn version(&self) -> &'static str {
        "1"
    }

    fn accepts(&self, _media_type: &str) -> bool {
        true
    }

    fn run<'a>(
        &'a self,
        document: &'a Document,
        _sandbox: &'a dyn Sandbox,
    ) -> BoxFuture<'a, Result<Report>> {
        let found = &document.media_type;
        let data = [
            ("declared", json!(found.declared)),
            ("actual", json!(found.actual)),
        ];
        at_once(type_control(document), data)
    }
}

impl Processor for SizeProcessor {
    fn name(&self) -> &'static str {
        "size"
    }

    fn version(&self) -> &'static str {
        "1"
    }

    fn accepts(&self, _media_type: &str) -> bool {
        true
    }

    fn run<'a>(
        &'a self,
        document: &'a Document,
        _sandbox: &'a dyn Sandbox,
    ) -> BoxFuture<'a, Result<Report>> {
        at_once(size_control(document), [("bytes", json!(document.size))])
    }
}

impl Processor for HashProcessor {
    fn name(&self) -> &'static str {
        "hash"
    }

    fn version(&self) -> &'static str {
        "1"
    }

    fn accepts(&self, _media_type: &str) -> bool {
        true
    }

    fn run<'a>(
        &'a self,
        document: &'a Document,
        _sandbox: &'a dyn Sandbox,
    ) -> BoxFuture<'a, Result<Report>> {
        let announced = document.announced.as_ref();
        let announced = announced.map(|hash| hash.algorithm.name());
        let data = [
            ("sha256", json!(hex(&document.digests.sha256))),
            ("announced", json!(announced)),
        ];
        at_once(hash_control(document), data)
    }
}

fn at_once<const N: usize>(
    control: Control,
    data: [(&str, Value); N],
) -> BoxFuture<'static, Result<Report>> {
    let data = data.map(|(name, value)| (name.to_owned(), value));
    Box::pin(ready(Ok(Report {
        controls: vec![control.blocking()],
        data: data.into_iter().collect(),
        produced: Vec::new(),
    })))
}

fn type_control(document: &Document) -> Control {
    let found = &document.media_type;
    let declared = &found.declared;
    if !found.agrees {
        let actual = found.actual.as_deref().unwrap_or("inconnu");
        let detail = format!("Type déclaré {declared}, type réel {actual}.");
        return Control::failed("type", detail);
    }
    match sniff::accepted(&document.accepted, found) {
        true => Control::passed("type", format!("Type déclaré et type réel : {declared}.")),
        false => Control::failed(
            "type",
            format!("Le projet n'accepte pas le type {declared}."),
        ),
    }
}

fn size_control(document: &Document) -> Control {
    let (size, limit) = (document.size, document.size_limit);
    match size {
        0 => Control::failed("size", "Le document est vide."),
        _ if size > limit => Control::failed(
            "size",
            format!("{size} octets, au-delà de la limite de {limit} octets."),
        ),
        _ => Control::passed("size", format!("{size} octets.")),
    }
}

fn hash_control(document: &Document) -> Control {
    let Some(announced) = &document.announced else {
        return Control::skipped("hash", "Aucune empreinte annoncée.");
    };
    let name = announced.algorithm.name();
    match document.digests.of(announced.algorithm) {
        Some(value) if value == announced.value => Control::passed(
            "hash",
            format!("Empreinte {name} conforme à celle annoncée."),
        ),
        Some(_) => Control::failed(
            "hash",
            format!("Empreinte {name} différente de celle annoncée."),
        ),
        None => Control::failed(
            "hash",
            format!("Empreinte {name} annoncée mais non calculée."),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::processing::{document::Announced, testing::document},
        kernel::digest::{Algorithm, sha256},
    };

    #[test]
    fn a_type_fails_when_it_is_not_the_declared_one_or_not_on_the_list() {
        let mut pdf = document(b"%PDF-1.7\n", "application/pdf");
        assert!(!type_control(&pdf).is_adverse());
        pdf.accepted = ["image/png".to_owned()].into();
        assert!(type_control(&pdf).is_adverse());
        let exe = document(b"MZ\x90\0\x03\0\0\0", "application/pdf");
        assert!(type_control(&exe).detail.contains("portable-executable"));
    }

    #[test]
    fn an_empty_document_and_one_over_the_limit_fail_by_size() {
        assert!(size_control(&document(b"", "text/plain")).is_adverse());
        let mut large = document(b"abc", "text/plain");
        assert!(!size_control(&large).is_adverse());
        large.size_limit = 2;
        assert!(size_control(&large).is_adverse());
    }

    #[test]
    fn a_hash_is_compared_only_when_announced() {
        let mut text = document(b"abc", "text/plain");
        assert_eq!(hash_control(&text).detail, "Aucune empreinte annoncée.");
        let announce = |value: &[u8]| {
            Some(Announced {
                algorithm: Algorithm::Sha256,
                value: value.to_vec(),
            })
        };
        text.announced = announce(&sha256(b"abc"));
        assert!(!hash_control(&text).is_adverse());
        text.announced = announce(&sha256(b"abd"));
        assert!(hash_control(&text).is_adverse());
    }
}
