//! PNG, JPEG and TIFF images: do all their pixels decode, how large are they, at which resolution were they scanned?
//!
//! [`ImageProcessor`] runs in the gateway and words the controls; [`inspect`] runs in a child and reads the bytes.

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::{
    control::Control,
    document::Document,
    opening::{self, Opened},
    pixels::{self, Unusable},
    processor::{Processor, Report},
    resolution::{self, Dpi},
    sandbox::{Budget, Inspection, Limit, Sandbox},
};
use crate::kernel::fault::Result;

/// The inspector's name.
pub const INSPECTOR: &str = "image";

/// Controls `image-decodes`, `image-size` and `image-resolution`.
pub struct ImageProcessor;

/// What the child found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Findings {
    state: State,
    width: Option<u32>,
    height: Option<u32>,
    pages: Option<u32>,
    dpi: Option<Dpi>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum State {
    Sound,
    Unsupported,
    Broken,
}

impl Processor for ImageProcessor {
    fn name(&self) -> &'static str {
        "image"
    }

    fn version(&self) -> &'static str {
        "1"
    }

    fn accepts(&self, media_type: &str) -> bool {
        matches!(media_type, "image/png" | "image/jpeg" | "image/tiff")
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
    match opening::opened::<Findings>(inspection, "image-decodes") {
        Opened::Closed(control) => opening::closed(control, &["image-size", "image-resolution"]),
        Opened::Read(found, data) => Report {
            controls: vec![decodes(&found), size(&found), dots(&found)],
            data,
            produced: Vec::new(),
        },
    }
}

fn decodes(found: &Findings) -> Control {
    let code = "image-decodes";
    match found.state {
        State::Sound => Control::passed(code, "L'image se décode entièrement."),
        State::Unsupported => Control::failed(
            code,
            "L'image emploie une variante de son format qui n'est pas prise en charge.",
        ),
        State::Broken => Control::failed(code, "L'image est endommagée ou tronquée.").blocking(),
    }
}

fn size(found: &Findings) -> Control {
    let code = "image-size";
    let (Some(width), Some(height)) = (found.width, found.height) else {
        return opening::unanswered(code);
    };
    let size = format!("{width} × {height} pixels");
    match found.pages {
        Some(pages) if pages > 1 => Control::passed(code, format!("{size}, {pages} pages.")),
        _ => Control::passed(code, format!("{size}.")),
    }
}

fn dots(found: &Findings) -> Control {
    let code = "image-resolution";
    match found.dpi {
        Some(Dpi { x, y }) if x == y => Control::passed(code, format!("{x} points par pouce.")),
        Some(Dpi { x, y }) => Control::passed(code, format!("{x} × {y} points par pouce.")),
        None => Control::skipped(code, "Résolution inconnue : l'image ne l'indique pas."),
    }
}

/// Reads an image. Runs in a child.
pub fn inspect(bytes: &[u8], budget: Budget) -> Inspection {
    let decoded = pixels::decode(bytes, budget);
    let (state, seen) = match decoded {
        Ok(seen) => (State::Sound, Some(seen)),
        Err(Unusable::Unsupported) => (State::Unsupported, None),
        Err(Unusable::Broken) => (State::Broken, None),
        Err(Unusable::TooLarge) => return Inspection::Exceeded(Limit::Memory),
    };
    Inspection::found(Findings {
        state,
        width: seen.map(|seen| seen.width),
        height: seen.map(|seen| seen.height),
        pages: seen.map(|seen| seen.pages),
        dpi: resolution::of(bytes),
    })
}
