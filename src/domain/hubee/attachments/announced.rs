//! What a folder or an event announces of a file, held to its process (R13), and what is shown of it.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{LARGEST, Status};
use crate::{
    domain::{
        Context,
        ged::documents::{self, Column},
        hubee::Fields,
        processing::sniff,
    },
    kernel::{fault::Result, secret::Key},
    storage::{exchanges::Owner, hubee::attachments::AttachmentRow},
};

/// The most characters of a file name.
const FILE_NAME: usize = 255;
/// The most characters of a type.
const KIND: usize = 100;
/// The most characters of a format.
const MIME_TYPE: usize = 255;

/// A file that is announced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announced {
    /// Its name, as its sender calls it.
    pub file_name: String,
    /// The contract's `type`: what it is to the process.
    pub kind: String,
    /// Its length, in bytes.
    pub size: u64,
    /// Its format.
    pub mime_type: String,
}

/// What a process allows of the files that somebody deposits (R13).
#[derive(Clone, Copy, Debug)]
pub struct Allowed<'a> {
    /// The process's code.
    pub process: &'a str,
    /// Formats; none at all where the list is empty.
    pub formats: &'a [String],
    /// Types, where they are looked at: an event's are not.
    pub kinds: Option<&'a [String]>,
    /// The largest file, in bytes.
    pub largest: u64,
}

/// Where an announced file belongs.
#[derive(Clone, Debug)]
pub struct Place {
    /// The folder.
    pub folder_id: Uuid,
    /// The event, where it comes with one.
    pub event_id: Option<Uuid>,
    /// Partner and environment.
    pub owner: Owner,
    /// Its place in the request, from 0.
    pub ordinal: u32,
}

impl Announced {
    /// Reads one object of a body; its faults are kept there.
    pub fn read(fields: &Fields<'_>) -> Self {
        let most = i64::try_from(LARGEST).unwrap_or(i64::MAX);
        let size = fields.required_integer("size", 1..=most);
        Self {
            file_name: fields.required_text("fileName", FILE_NAME),
            // Held to the process where it counts: in an event it may be empty.
            kind: fields.present_text("type", KIND),
            size: u64::try_from(size).unwrap_or_default(),
            mime_type: fields.required_text("mimeType", MIME_TYPE),
        }
    }

    /// Holds it to what its process allows; the faults are told at `fields`, where it was read.
    pub fn check(&self, fields: &Fields<'_>, allowed: &Allowed<'_>) {
        let process = allowed.process;
        if !takes(allowed.formats, &self.mime_type) {
            let what = format!("format {} is not enabled for {process}", self.mime_type);
            fields.wrong("mimeType", &what);
        }
        if allowed
            .kinds
            .is_some_and(|kinds| !kinds.contains(&self.kind))
        {
            fields.wrong(
                "type",
                &format!("type {} is not enabled for {process}", self.kind),
            );
        }
        if self.size > allowed.largest {
            let (size, largest) = (self.size, allowed.largest);
            let what = format!("size {size} is over the maximum of {process}, {largest} bytes");
            fields.wrong("size", &what);
        }
    }

    /// Its row, its file awaited; the name is sealed under `key`, the folder's own.
    pub fn row(&self, ctx: &Context, key: &Key, place: Place) -> Result<AttachmentRow> {
        let name = self.file_name.as_bytes();
        Ok(AttachmentRow {
            id: ctx.entropy.uuid(&ctx.clock)?,
            folder_id: place.folder_id,
            event_id: place.event_id,
            owner: place.owner,
            ordinal: place.ordinal,
            status: Status::Pending.as_str().to_owned(),
            kind: self.kind.clone(),
            size: self.size,
            mime_type: self.mime_type.clone(),
            document_id: None,
            created_at: ctx.clock.now(),
            updated_at: None,
            body: documents::seal_bytes(ctx, key, Column::HubAttachment, name)?,
        })
    }
}

/// The name of an attachment's file.
pub fn file_name(key: &Key, row: &AttachmentRow) -> Result<String> {
    let name = documents::open_bytes(key, Column::HubAttachment, &row.body)?;
    Ok(String::from_utf8_lossy(&name).into_owned())
}

/// An attachment as the contract shows it.
pub fn view(key: &Key, row: &AttachmentRow) -> Result<Value> {
    Ok(json!({
        "id": row.id,
        "status": Status::parse(&row.status)?.on_the_wire(),
        "fileName": file_name(key, row)?,
        "type": row.kind,
        "size": row.size,
        "mimeType": row.mime_type,
    }))
}

/// Whether a list names a format; other spellings of the same one count.
fn takes(formats: &[String], mime_type: &str) -> bool {
    let wanted = sniff::canonical(mime_type);
    formats
        .iter()
        .any(|format| sniff::canonical(format) == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::hubee::{Document, Refusal};

    fn told(body: Value, formats: &[&str], kinds: Option<&[&str]>, largest: u64) -> Vec<String> {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let (formats, kinds): (Vec<String>, Option<Vec<String>>) =
            (owned(formats), kinds.map(owned));
        let document = Document::new(body, Vec::new());
        let fields = document.object();
        let allowed = Allowed {
            process: "CERTDC",
            formats: &formats,
            kinds: kinds.as_deref(),
            largest,
        };
        Announced::read(&fields).check(&fields, &allowed);
        match document.done() {
            Ok(()) => Vec::new(),
            Err(Refusal::Bad(faults)) => faults,
            Err(other) => panic!("{other:?}"),
        }
    }

    fn file(mime_type: &str, size: u64) -> Value {
        json!({ "fileName": "acte.pdf", "type": "acte", "size": size, "mimeType": mime_type })
    }

    /// R13: format, type and size are those of the process, and all that is wrong is told at once.
    #[test]
    fn format_type_and_size_are_those_of_the_process() {
        let pdf = &["application/pdf", "image/jpeg"];
        assert!(told(file("application/pdf", 10), pdf, Some(&["acte"]), 10).is_empty());
        assert!(told(file("image/JPG", 10), pdf, Some(&["acte"]), 10).is_empty());
        let wrong = told(file("image/png", 11), pdf, Some(&["livret"]), 10);
        assert_eq!(wrong.len(), 3, "{wrong:?}");
    }

    /// R13: in an event the type is not looked at, and an empty list of formats forbids all.
    #[test]
    fn an_events_type_is_free_and_an_empty_list_forbids() {
        let pdf = &["application/pdf"];
        assert!(told(file("application/pdf", 1), pdf, None, 1).is_empty());
        let mut untyped = file("application/pdf", 1);
        untyped["type"] = "".into();
        assert!(told(untyped.clone(), pdf, None, 1).is_empty());
        assert_eq!(told(untyped, pdf, Some(&["acte"]), 1).len(), 1);
        assert_eq!(told(file("application/pdf", 1), &[], None, 1).len(), 1);
    }

    /// R14: no file is announced that could not be sent, above 1 GiB or empty.
    #[test]
    fn no_file_is_announced_that_could_not_be_sent() {
        let largest = u64::MAX;
        let takes = |size| {
            told(
                file("application/pdf", size),
                &["application/pdf"],
                None,
                largest,
            )
        };
        assert!(takes(LARGEST).is_empty());
        assert!(!takes(LARGEST + 1).is_empty());
        assert!(!takes(0).is_empty());
    }
}
