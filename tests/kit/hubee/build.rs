//! Télédossiers and events as their senders write them.

use bytes::Bytes;
use serde_json::{Value, json};

use super::referential::{PROCESS, SI, TYPE, identifier};
use crate::kit::document;

/// A file to send: what is said of it, and its bytes.
#[derive(Clone, Debug)]
pub struct File {
    /// Its metadata, without recipients.
    pub said: Value,
    /// Its bytes.
    pub bytes: Bytes,
}

impl File {
    /// A PDF of a kilobyte, unlike those of other labels.
    pub fn pdf(label: &str) -> Self {
        Self::of(
            &format!("{label}.pdf"),
            "application/pdf",
            document::small(label),
        )
    }

    /// A scanned page.
    pub fn png(label: &str) -> Self {
        let bytes = std::fs::read("fixtures/scan-recto.png").expect("a fixture");
        Self::of(&format!("{label}.png"), "image/png", bytes)
    }

    /// A file of that name, declared as that type.
    pub fn of(name: &str, mime_type: &str, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let said = json!({
            "fileName": name,
            "type": TYPE,
            "size": bytes.len(),
            "mimeType": mime_type,
        });
        Self { said, bytes }
    }

    /// Its metadata for cases of these external ids.
    pub fn to(&self, recipients: &[&str]) -> Value {
        let mut said = self.said.clone();
        said["recipients"] = json!(recipients);
        said
    }
}

/// The external id of a folder's case.
pub fn case_of(folder: &str, number: usize) -> String {
    format!("{folder}-{number:02}")
}

/// A folder of [`PROCESS`] with one case for [`SI`] that every file is for.
pub fn folder(external: &str, files: &[File]) -> Value {
    folder_to(external, &[SI], files)
}

/// The same with a case for each recipient; every file is for all of them.
pub fn folder_to(external: &str, recipients: &[&str], files: &[File]) -> Value {
    let externals: Vec<String> = (1..=recipients.len())
        .map(|number| case_of(external, number))
        .collect();
    let names: Vec<&str> = externals.iter().map(String::as_str).collect();
    let cases: Vec<Value> = externals
        .iter()
        .zip(recipients)
        .map(|(external, recipient)| case(external, recipient))
        .collect();
    json!({
        "externalId": external,
        "processCode": PROCESS,
        "applicant": { "firstName": "Dominique", "lastName": "Essai", "email": "d.essai@exemple.fr" },
        "cases": cases,
        "attachments": files.iter().map(|file| file.to(&names)).collect::<Vec<_>>(),
    })
}

/// A case for a recipient.
pub fn case(external: &str, recipient: &str) -> Value {
    json!({
        "externalId": external,
        "recipient": identifier(recipient),
        "partnerAttributes": "origine=essai",
    })
}

/// An event of that action without anything else: nothing is notified.
pub fn event(action: &str) -> Value {
    json!({
        "actionType": action,
        "author": "Dominique Essai",
        "message": null,
        "comment": null,
        "notification": false,
        "caseCurrentStatus": null,
        "caseNewStatus": null,
        "partnerAttributes": null,
        "attachments": [],
    })
}

/// An event that moves the case, and tells the other side.
pub fn update(status: &str) -> Value {
    let mut event = event("STATUS_UPDATE");
    event["caseNewStatus"] = status.into();
    event["notification"] = true.into();
    event
}

/// An event that deposits files, and tells the other side.
pub fn deposit(files: &[File]) -> Value {
    let mut event = event("ATTACH_DEPOSIT");
    event["notification"] = true.into();
    event["attachments"] = files.iter().map(|file| file.said.clone()).collect();
    event
}
