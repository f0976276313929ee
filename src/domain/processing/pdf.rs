//! PDF documents: do they open, are they readable by all, how many pages do they have?
//!
//! [`PdfProcessor`] runs in the gateway and words the controls; [`inspect`] runs in a child and reads the bytes.

use futures_util::future::BoxFuture;
use lopdf::{DecompressError, Document as Pdf, Error, LoadOptions, xref::XrefRecovery};
use serde::{Deserialize, Serialize};

use super::{
    control::Control,
    document::Document,
    opening::{self, Opened},
    processor::{Processor, Report},
    sandbox::{Budget, Inspection, Limit, Sandbox},
};
use crate::kernel::fault::Result;

/// The inspector's name.
pub const INSPECTOR: &str = "pdf";

/// How far from its end a PDF may carry its end mark (readers look no further).
const TAIL_BYTES: usize = 1024;

/// Controls `pdf-opens`, `pdf-encrypted` and `pdf-pages`.
pub struct PdfProcessor;

/// What the child found.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Findings {
    state: State,
    encrypted: bool,
    pages: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum State {
    /// Opens as written.
    Sound,
    /// Opens after its table of objects was rebuilt; some of them may be missing.
    Repaired,
    /// Its end is missing.
    Cut,
    /// Does not open.
    Broken,
}

impl Processor for PdfProcessor {
    fn name(&self) -> &'static str {
        "pdf"
    }

    fn version(&self) -> &'static str {
        "1"
    }

    fn accepts(&self, media_type: &str) -> bool {
        media_type == "application/pdf"
    }

    fn run<'a>(
        &'a self,
        document: &'a Document,
        sandbox: &'a dyn Sandbox,
    ) -> BoxFuture<'a, Result<Report>> {
        Box::pin(async move {
            let inspection = sandbox.inspect(INSPECTOR, document).await?;
            Ok(report(inspection))
        })
    }
}

fn report(inspection: Inspection) -> Report {
    match opening::opened::<Findings>(inspection, "pdf-opens") {
        Opened::Closed(control) => opening::closed(control, &["pdf-encrypted", "pdf-pages"]),
        Opened::Read(found, data) => Report {
            controls: vec![opens(&found), encrypted(&found), pages(&found)],
            data,
            produced: Vec::new(),
        },
    }
}

fn opens(found: &Findings) -> Control {
    let code = "pdf-opens";
    match found.state {
        State::Sound => Control::passed(code, "Le PDF s'ouvre."),
        State::Repaired => Control::failed(
            code,
            "Le PDF s'ouvre après réparation de sa table d'objets ; des éléments peuvent manquer.",
        ),
        State::Cut => Control::failed(code, "Le PDF est tronqué : sa fin manque.").blocking(),
        State::Broken => Control::failed(code, "Le PDF ne s'ouvre pas.").blocking(),
    }
}

fn encrypted(found: &Findings) -> Control {
    let code = "pdf-encrypted";
    match (found.encrypted, found.state) {
        (true, _) => Control::failed(code, "Le PDF est chiffré.").blocking(),
        (false, State::Broken) => opening::unanswered(code),
        (false, _) => Control::passed(code, "Le PDF n'est pas chiffré."),
    }
}

fn pages(found: &Findings) -> Control {
    let code = "pdf-pages";
    match found.pages {
        None => opening::unanswered(code),
        Some(0) => Control::failed(code, "Le PDF n'a aucune page."),
        Some(1) => Control::passed(code, "1 page."),
        Some(count) => Control::passed(code, format!("{count} pages.")),
    }
}

/// Reads a PDF. Runs in a child.
pub fn inspect(bytes: &[u8], budget: Budget) -> Inspection {
    let options = LoadOptions {
        max_decompressed_size: usize::try_from(budget.decoded_bytes).ok(),
        ..LoadOptions::default()
    };
    match Pdf::load_mem_with_options(bytes, options) {
        Ok(pdf) => Inspection::found(findings(bytes, &pdf)),
        Err(Error::Decompress(DecompressError::MemoryLimitExceeded { .. })) => {
            Inspection::Exceeded(Limit::Memory)
        }
        Err(error) => Inspection::found(Findings {
            state: if has_end(bytes) {
                State::Broken
            } else {
                State::Cut
            },
            encrypted: speaks_of_encryption(&error),
            pages: None,
        }),
    }
}

fn findings(bytes: &[u8], pdf: &Pdf) -> Findings {
    let locked = pdf.is_encrypted();
    Findings {
        state: state(bytes, pdf),
        encrypted: locked || pdf.was_encrypted(),
        pages: (!locked).then(|| pdf.page_iter().count()),
    }
}

fn state(bytes: &[u8], pdf: &Pdf) -> State {
    match pdf.xref_recovery {
        Some(XrefRecovery::Reconstructed) if has_end(bytes) => State::Repaired,
        Some(XrefRecovery::Reconstructed) => State::Cut,
        _ => State::Sound,
    }
}

fn has_end(bytes: &[u8]) -> bool {
    let tail = &bytes[bytes.len().saturating_sub(TAIL_BYTES)..];
    tail.windows(5).any(|window| window == b"%%EOF")
}

fn speaks_of_encryption(error: &Error) -> bool {
    matches!(
        error,
        Error::Decryption(_) | Error::InvalidPassword | Error::UnsupportedSecurityHandler(_)
    )
}
