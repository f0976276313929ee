//! Controls on received documents, and the outcome that every return carries (ARC-6; hashes: API-11).
//!
//! A [`processor::Processor`] looks at one document and reports [`control::Control`]s, data for programs, and files that
//! it made. [`run_all`] runs those of a [`Registry`] that concern the document, and judges: *processed*, *partial* (adverse
//! controls that do not block) or *unprocessable* (one that blocks).
//!
//! **The way through.** Intake tells the real type from the first bytes ([`sniff`]). The worker builds a
//! [`document::Document`] and calls [`run_all`]. Processors of plain facts ([`facts`]) answer at once. Those that must open
//! the document ([`pdf`], [`image`]) ask the [`sandbox`]: a child process under limits runs the inspector and sends its
//! findings back; the processor words them. No document is parsed in this process. A document that wants too much is a
//! control's outcome (*limitExceeded*), never a fault of ours.
//!
//! **To add a processor**:
//! 1. a file here with a type that implements `Processor`: name, version, accepted types, `run`;
//! 2. a line in [`Registry::builtin`];
//! 3. if it opens documents: a function `inspect(&[u8], Budget) -> Inspection` in the same file, a line in
//!    [`inspectors`], and `sandbox.inspect(INSPECTOR, document)` in `run`;
//! 4. its control codes in the contract, and a fixture that passes and one that fails in the inspection journeys.
//!
//! Details are in French (partners read them) and never quote the document.

pub mod control;
pub mod document;
pub mod facts;
pub mod image;
mod jpeg;
mod opening;
pub mod pdf;
mod pixels;
pub mod processor;
pub mod registry;
mod resolution;
pub mod sandbox;
pub mod sniff;
#[cfg(test)]
mod testing;

pub use control::{Control, Outcome, Verdict};
pub use document::{Announced, ByteStream, Content, Document, Opener};
pub use processor::{Finding, Processor, ProducedFile, Report, Results};
pub use registry::{Registry, run_all};
pub use sandbox::{Budget, Inspect, Inspection, Limit, Sandbox};
pub use sniff::TypeFinding;

/// What a child can run, by name.
pub const fn inspectors() -> &'static [(&'static str, Inspect)] {
    &[
        (pdf::INSPECTOR, pdf::inspect),
        (image::INSPECTOR, image::inspect),
    ]
}
