//! The list of processors, and the run over all.

use std::sync::Arc;

use super::{
    control::Verdict,
    document::Document,
    facts::{HashProcessor, SizeProcessor, TypeProcessor},
    image::ImageProcessor,
    pdf::PdfProcessor,
    processor::{Processor, Results},
    sandbox::Sandbox,
};
use crate::kernel::fault::Result;

/// The processors that run, in order. Cheap to clone.
#[derive(Clone)]
pub struct Registry {
    processors: Vec<Arc<dyn Processor>>,
}

impl Registry {
    /// The processors of the house.
    pub fn builtin() -> Self {
        let processors: Vec<Arc<dyn Processor>> = vec![
            Arc::new(TypeProcessor),
            Arc::new(SizeProcessor),
            Arc::new(HashProcessor),
            Arc::new(PdfProcessor),
            Arc::new(ImageProcessor),
        ];
        Self { processors }
    }

    /// The same and one more, which runs last.
    pub fn with(mut self, processor: impl Processor + 'static) -> Self {
        self.processors.push(Arc::new(processor));
        self
    }

    fn concerning<'a>(&'a self, media_type: &'a str) -> impl Iterator<Item = &'a dyn Processor> {
        let all = self.processors.iter().map(AsRef::as_ref);
        all.filter(move |processor| processor.accepts(media_type))
    }
}

/// Runs every processor that concerns the document, one after the other. Fails only for faults of ours.
pub async fn run_all(
    registry: &Registry,
    document: &Document,
    sandbox: &dyn Sandbox,
) -> Result<Results> {
    let mut all = Results::empty();
    for processor in registry.concerning(document.media_type.known()) {
        all.add(processor, processor.run(document, sandbox).await?);
    }
    all.verdict = Verdict::of(&all.controls);
    Ok(all)
}
