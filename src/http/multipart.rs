//! The two parts of an intake: `metadata`, small and first, then `content`, streamed.
//!
//! The way through: [`Parts::open`], [`Parts::metadata`], [`Parts::content`] and its chunks, [`Parts::finish`]. Each step fails
//! with the code of what is wrong with the order or the form. Memory is bounded: the parser below gets one piece of the body
//! at a time, when it has nothing left to say without it, and a part's head has 16 KiB.
//!
//! The parser alone would read as long as the body is ready, hence the [`Valve`].

use std::{sync::Arc, task::Poll};

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, future::poll_fn};
use http::{HeaderMap, header::CONTENT_TYPE};
use multer::{Field, Multipart};

use super::{
    body::fault_of,
    valve::{Tap, Valve},
};
use crate::kernel::fault::{Code, Fault, Result};

/// The most bytes of metadata.
pub const MAX_METADATA: usize = 65_536;
/// What may pass before a part's content begins (preamble, boundary, part head), besides the piece that it begins in.
const MAX_HEAD: u64 = 16 * 1024;
/// RFC 2046's limit.
const MAX_BOUNDARY: usize = 70;

/// The parts of one request, read in order.
pub struct Parts {
    multipart: Multipart<'static>,
    valve: Arc<Valve>,
}

impl Parts {
    /// Opens a `multipart/form-data` body. Fails with `request-type-unsupported` for another type and with
    /// `request-malformed` without a usable boundary.
    pub fn open(headers: &HeaderMap, body: Body) -> Result<Self> {
        let boundary = boundary(headers)?;
        let valve = Arc::new(Valve::new(body));
        let multipart = Multipart::new(Tap::new(&valve), boundary);
        Ok(Self { multipart, valve })
    }

    /// The metadata, which must come first. Fails with `metadata-missing`, `metadata-misplaced` (after the content) or
    /// `metadata-too-large`.
    pub async fn metadata(&mut self) -> Result<Bytes> {
        let mut field = self.next().await?.ok_or_else(metadata_missing)?;
        match field.name() {
            Some("metadata") => {}
            Some("content") => return Err(self.without_metadata_first(field).await),
            _ => return Err(unexpected_part()),
        }
        check_metadata_type(&field)?;
        collect(&mut field, &self.valve).await
    }

    /// The content, which must follow. Fails with `content-missing`, or `metadata-repeated` if metadata come again.
    pub async fn content(&mut self) -> Result<Content<'_>> {
        let field = self.next().await?.ok_or_else(content_missing)?;
        match field.name() {
            Some("content") => {}
            Some("metadata") => return Err(metadata_repeated()),
            _ => return Err(unexpected_part()),
        }
        check_plain(&field)?;
        let valve = &self.valve;
        Ok(Content { field, valve })
    }

    /// Makes sure that nothing follows the content and that the body is whole.
    pub async fn finish(mut self) -> Result<()> {
        match self.next().await? {
            None => self.drain().await,
            Some(field) if field.name() == Some("metadata") => Err(metadata_repeated()),
            Some(_) => Err(unexpected_part()),
        }
    }

    /// The content came first: whether metadata follow at all decides what is told.
    async fn without_metadata_first(&mut self, mut content: Field<'static>) -> Fault {
        loop {
            match chunk(&mut content, &self.valve).await {
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(fault) => return fault,
            }
        }
        drop(content);
        match self.next().await {
            Ok(Some(_)) => metadata_misplaced(),
            Ok(None) => metadata_missing(),
            Err(fault) => fault,
        }
    }

    async fn next(&mut self) -> Result<Option<Field<'static>>> {
        let (multipart, valve) = (&mut self.multipart, &self.valve);
        let start = valve.passed();
        let next = poll_fn(|cx| {
            valve.drive(cx, |cx| match multipart.poll_next_field(cx) {
                Poll::Pending if valve.passed() - start > MAX_HEAD => Poll::Ready(Err(flood())),
                other => other,
            })
        });
        next.await.map_err(|error| malformed(&error))
    }

    /// Reads what may follow the last boundary (RFC 2046 says to ignore it), so that a body cut there is noticed.
    async fn drain(&self) -> Result<()> {
        while let Some(piece) = poll_fn(|cx| self.valve.poll_body(cx)).await {
            piece.map_err(|error| fault_of(&error))?;
        }
        Ok(())
    }
}

/// The content part, as a stream of pieces.
pub struct Content<'a> {
    field: Field<'static>,
    valve: &'a Valve,
}

impl Content<'_> {
    /// The next piece; `None` after the last one. Fails with the body's own faults, or `request-malformed`.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        chunk(&mut self.field, self.valve).await
    }
}

async fn chunk(field: &mut Field<'static>, valve: &Valve) -> Result<Option<Bytes>> {
    let piece = poll_fn(|cx| {
        valve.drive(cx, |cx| {
            field.poll_next_unpin(cx).map(|piece| piece.transpose())
        })
    });
    piece.await.map_err(|error| malformed(&error))
}

async fn collect(field: &mut Field<'static>, valve: &Valve) -> Result<Bytes> {
    let mut whole = BytesMut::new();
    while let Some(piece) = chunk(field, valve).await? {
        if whole.len() + piece.len() > MAX_METADATA {
            return Err(metadata_too_large());
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole.freeze())
}

fn boundary(headers: &HeaderMap) -> Result<String> {
    let declared = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok());
    match multer::parse_boundary(declared.unwrap_or_default()) {
        Ok(boundary) if (1..=MAX_BOUNDARY).contains(&boundary.len()) => Ok(boundary),
        Ok(_) | Err(multer::Error::NoBoundary) => Err(bad_form(
            "Le délimiteur (boundary) manque ou dépasse 70 caractères.",
        )),
        Err(_) => Err(Fault::new(
            Code::RequestTypeUnsupported,
            "Cette opération attend une requête multipart/form-data.",
        )),
    }
}

fn check_metadata_type(field: &Field<'_>) -> Result<()> {
    let is_json = field
        .content_type()
        .is_none_or(|mime| mime.essence_str() == "application/json");
    match is_json {
        true => check_plain(field),
        false => Err(bad_form(
            "La partie metadata doit être de type application/json.",
        )),
    }
}

/// RFC 7578 deprecates transfer encodings: stored bytes are the bytes received.
fn check_plain(field: &Field<'_>) -> Result<()> {
    let encoding = field.headers().get("content-transfer-encoding");
    let is_plain = encoding.is_none_or(|value| {
        ["binary", "8bit", "7bit"]
            .iter()
            .any(|plain| value.as_bytes().eq_ignore_ascii_case(plain.as_bytes()))
    });
    match is_plain {
        true => Ok(()),
        false => Err(bad_form(
            "Content-Transfer-Encoding n'est pas pris en charge : envoyez les octets tels quels.",
        )),
    }
}

fn flood() -> multer::Error {
    multer::Error::IncompleteHeaders
}

fn malformed(error: &multer::Error) -> Fault {
    match error {
        multer::Error::StreamReadFailed(cause) => fault_of(&**cause),
        other => bad_form("Le corps multipart est mal formé ou incomplet.").because(other),
    }
}

fn bad_form(detail: &str) -> Fault {
    Fault::new(Code::RequestMalformed, detail)
}

fn unexpected_part() -> Fault {
    bad_form("Les parties attendues sont metadata puis content, une fois chacune.")
}

fn metadata_missing() -> Fault {
    Fault::new(Code::MetadataMissing, "La partie metadata est absente.")
}

fn metadata_misplaced() -> Fault {
    let detail = "La partie metadata doit précéder la partie content.";
    Fault::new(Code::MetadataMisplaced, detail)
}

fn metadata_repeated() -> Fault {
    let detail = "La partie metadata ne peut figurer qu'une fois.";
    Fault::new(Code::MetadataRepeated, detail)
}

fn metadata_too_large() -> Fault {
    let detail = format!("La partie metadata est limitée à {MAX_METADATA} octets.");
    Fault::new(Code::MetadataTooLarge, detail)
}

fn content_missing() -> Fault {
    Fault::new(Code::ContentMissing, "La partie content est absente.")
}

#[cfg(test)]
#[path = "multipart_tests.rs"]
mod tests;
