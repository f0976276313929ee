//! What a processor is, and what it reports.

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    control::{Control, Verdict},
    document::Document,
    sandbox::Sandbox,
};
use crate::kernel::fault::Result;

/// Something that looks at a document and reports: controls, data, files made from it.
pub trait Processor: Send + Sync {
    /// Its stable name, as in the return's `results`.
    fn name(&self) -> &'static str;

    /// The version of what it reports: raised whenever `data` or the controls change their meaning.
    fn version(&self) -> &'static str;

    /// Whether it has something to say on documents of this type.
    fn accepts(&self, media_type: &str) -> bool;

    /// Looks at one document. A fault is ours, never the document's, and the run is tried again later.
    fn run<'a>(
        &'a self,
        document: &'a Document,
        sandbox: &'a dyn Sandbox,
    ) -> BoxFuture<'a, Result<Report>>;
}

/// What one processor reports.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Its controls, in a stable order.
    pub controls: Vec<Control>,
    /// Its findings for programs; none where there is nothing to say.
    pub data: Map<String, Value>,
    /// Files made from the document.
    pub produced: Vec<ProducedFile>,
}

/// A file that a processor made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProducedFile {
    /// A name for it.
    pub file_name: String,
    /// Its media type.
    pub media_type: String,
    /// Its content.
    pub bytes: bytes::Bytes,
}

/// One entry of the return's `results`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Which processor.
    pub processor: String,
    /// Which version of it.
    pub version: String,
    /// What it found.
    pub data: Map<String, Value>,
}

/// What all processors found together.
#[derive(Clone, Debug, PartialEq)]
pub struct Results {
    /// What it comes to.
    pub verdict: Verdict,
    /// Every control, in the registry's order.
    pub controls: Vec<Control>,
    /// One entry per processor that ran.
    pub results: Vec<Finding>,
    /// Every file made.
    pub produced: Vec<ProducedFile>,
}

impl Results {
    /// The results of a document that no processor may open, for the reason that `control` tells.
    pub fn refused(control: Control) -> Self {
        Self::empty().after(Some(control))
    }

    /// The same behind a control that was made before.
    pub fn after(mut self, control: Option<Control>) -> Self {
        self.controls.splice(..0, control);
        self.verdict = Verdict::of(&self.controls);
        self
    }

    pub(super) fn empty() -> Self {
        Self {
            verdict: Verdict::Processed,
            controls: Vec::new(),
            results: Vec::new(),
            produced: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, processor: &dyn Processor, report: Report) {
        self.controls.extend(report.controls);
        self.produced.extend(report.produced);
        self.results.push(Finding {
            processor: processor.name().to_owned(),
            version: processor.version().to_owned(),
            data: report.data,
        });
    }
}
