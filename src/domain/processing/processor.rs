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

/// The control of a file that was made and cannot be handed over.
const PRODUCED_SIZE: &str = "produced-size";

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

    /// The same without the files of more than `limit` bytes that were made: nobody could fetch them. A control tells each of
    /// them, and none of them is told as if it were there.
    pub fn within(mut self, limit: u64) -> Self {
        let fits = |file: &ProducedFile| file.bytes.len() as u64 <= limit;
        let left_out = self.produced.iter().filter(|file| !fits(file));
        let told: Vec<_> = left_out.map(|file| too_large(file, limit)).collect();
        self.produced.retain(fits);
        self.controls.extend(told);
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

fn too_large(file: &ProducedFile, limit: u64) -> Control {
    let detail = format!(
        "Fichier produit de {} octets laissé de côté, au-delà de la limite d'une transaction ({limit} octets) : {}",
        file.bytes.len(),
        file.file_name
    );
    Control::failed(PRODUCED_SIZE, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(file_name: &str, size: usize) -> ProducedFile {
        ProducedFile {
            file_name: file_name.to_owned(),
            media_type: "image/png".to_owned(),
            bytes: vec![0; size].into(),
        }
    }

    #[test]
    fn a_file_over_the_limit_is_left_out_and_told_with_its_size_and_the_others_stay() {
        let mut results = Results::empty();
        results.produced = vec![made("a.png", 10), made("b.png", 11), made("c.png", 1)];
        let within = results.clone().within(10);
        let names: Vec<_> = within
            .produced
            .iter()
            .map(|file| &*file.file_name)
            .collect();
        assert_eq!(names, ["a.png", "c.png"]);
        assert_eq!(within.verdict, Verdict::Partial);
        let [told] = &within.controls[..] else {
            panic!("{:?}", within.controls);
        };
        assert!(told.detail.contains("11 octets") && told.detail.ends_with("b.png"));
        assert_eq!(results.clone().within(11), results);
    }
}
