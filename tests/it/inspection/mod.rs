//! Inspection with the real binary's children: what each fixture gives, and what no document can do.

mod documents;
mod hostile;
mod pool;

use std::{fs, sync::Arc, time::Duration};

use bytes::Bytes;
use navette::{
    domain::processing::{Control, Document, Outcome, Registry, Results, run_all, sniff},
    kernel::digest::Hasher,
    sandbox::{Pool, Settings},
};

/// Settings for the built binary.
fn settings() -> Settings {
    Settings::new(env!("CARGO_BIN_EXE_navette").into())
}

/// Two children with a deadline that only a hang meets, on a busy machine too.
async fn pool() -> Pool {
    Pool::start(Settings {
        deadline: Duration::from_secs(60),
        ..settings()
    })
    .await
    .unwrap()
}

/// A document as intake would describe it.
fn document(bytes: impl Into<Bytes>, declared: &str) -> Document {
    let bytes = bytes.into();
    let prefix = &bytes[..bytes.len().min(sniff::PREFIX_BYTES)];
    let mut hasher = Hasher::new(false);
    hasher.update(&bytes);
    Document {
        file_name: "document".to_owned(),
        media_type: sniff::compare(prefix, declared),
        accepted: [].into(),
        size: bytes.len() as u64,
        size_limit: 20_000_000,
        digests: hasher.finish(),
        announced: None,
        content: Arc::new(bytes),
    }
}

fn fixture(name: &str) -> Bytes {
    fs::read(super::fixtures::folder().join(name))
        .unwrap()
        .into()
}

async fn run(pool: &Pool, document: &Document) -> Results {
    run_all(&Registry::builtin(), document, pool).await.unwrap()
}

fn control<'a>(results: &'a Results, code: &str) -> &'a Control {
    let found = results.controls.iter().find(|control| control.code == code);
    found.unwrap_or_else(|| panic!("no control {code}"))
}

fn outcomes(results: &Results) -> Vec<(&str, Outcome)> {
    let all = results.controls.iter();
    all.map(|control| (control.code.as_ref(), control.outcome))
        .collect()
}
