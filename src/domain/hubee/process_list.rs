//! Processes as they are shown: the contract's JSON, and the order of a list.

use std::cmp::Ordering;

use serde_json::{Value as Json, json};

use super::{forms::date, process::Process};

/// What a list of processes is ordered by; ties by code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct By(&'static str);

impl Default for By {
    fn default() -> Self {
        Self("code")
    }
}

/// The contract's words for an order.
const ORDERS: [&str; 14] = [
    "code",
    "name",
    "description",
    "is_activated",
    "subscription_validation",
    "osl_type",
    "osl_company_register",
    "osl_branch_code",
    "attachments_max_size",
    "time_before_archiving",
    "time_before_deletion",
    "message_transmitter",
    "attachments_types",
    "attachments_formats",
];

impl By {
    /// The order behind a word of the contract.
    pub fn parse(word: &str) -> Option<Self> {
        ORDERS
            .iter()
            .find(|known| **known == word)
            .copied()
            .map(Self)
    }

    fn compare(self, a: &Process, b: &Process) -> Ordering {
        match self.0 {
            "name" => a.name.cmp(&b.name),
            "description" => a.description.cmp(&b.description),
            "is_activated" => a.is_activated.cmp(&b.is_activated),
            "subscription_validation" => a.subscription_validation.cmp(&b.subscription_validation),
            "osl_type" => a.osl.kind().cmp(b.osl.kind()),
            "osl_company_register" => a.osl.register().cmp(b.osl.register()),
            "osl_branch_code" => a.osl.branch().cmp(b.osl.branch()),
            "attachments_max_size" => a.attachment_max_size.cmp(&b.attachment_max_size),
            "time_before_archiving" => a.time_before_archiving.cmp(&b.time_before_archiving),
            "time_before_deletion" => a
                .time_before_file_deletion
                .cmp(&b.time_before_file_deletion),
            "message_transmitter" => a.message_to_transmitter.cmp(&b.message_to_transmitter),
            "attachments_types" => a.attachment_types.cmp(&b.attachment_types),
            "attachments_formats" => a.attachment_formats.cmp(&b.attachment_formats),
            _ => Ordering::Equal,
        }
    }
}

/// Processes as the contract writes them, in order.
pub(super) fn shown(mut processes: Vec<Process>, by: By) -> Vec<Json> {
    processes.sort_by(|a, b| by.compare(a, b).then_with(|| a.code.cmp(&b.code)));
    processes.iter().map(view).collect()
}

/// A process as the contract writes it.
pub fn view(process: &Process) -> Json {
    json!({
        "code": process.code,
        "name": process.name,
        "description": process.description,
        "isActivated": process.is_activated,
        "osl": process.osl.to_json(),
        "attachmentFormatsEnabled": process.attachment_formats,
        "siAttachmentFormatsEnabled": process.si_attachment_formats,
        "attachmentTypesEnabled": process.attachment_types,
        "attachmentMaxSizeEnabled": process.attachment_max_size,
        "statusBeforeFileDeletion": process.status_before_file_deletion,
        "timeBeforeFileDeletion": process.time_before_file_deletion,
        "timeBeforeArchiving": process.time_before_archiving,
        "timeBeforeFolderDeletion": process.time_before_folder_deletion,
        "messageToTransmitter": process.message_to_transmitter,
        "subscriptionValidation": process.subscription_validation,
        "legalJustification": process.legal_justification,
        "messageWithStatus": process.message_with_status,
        "authorizedAwaiting": process.authorized_awaiting,
        "creationDateTime": date(process.dates.0),
        "updateDateTime": process.dates.1.map(date),
    })
}
