//! A small world: made-up administrations with SIRETs whose key is right, two processes, their subscriptions.

use serde_json::{Value, json};

/// The organisation that owns [`PROCESS`] and [`SILENT`].
pub const OSL: &str = "OSL-99810001000011-DGS";
/// Another, which owns [`FOREIGN`].
pub const OTHER_OSL: &str = "OSL-99810002800013-CNAF";
/// The administration that receives.
pub const SI: &str = "SI-99820001800013-77001";
/// A branch of the same SIRET, whose code holds a hyphen.
pub const SI_BRANCH: &str = "SI-99820001800013-77-B";
/// Another administration that subscribes to the same process.
pub const OTHER_SI: &str = "SI-99820002600016-75056";
/// One that exists and subscribes to nothing.
pub const IDLE_SI: &str = "SI-99820003400010-13055";
/// The hub's operator.
pub const ADMIN: &str = "ADMIN-99830001600016-HUB";
/// Who brings subscriptions.
pub const DATAPASS: &str = "DATAPASS-99840001400010-DTP";

/// A process of [`OSL`] in which everything is allowed.
pub const PROCESS: &str = "CERTDC";
/// A process of [`OSL`] without messages, and in which an SI may not deposit.
pub const SILENT: &str = "MUET";
/// A process of [`OSL`] that is not activated.
pub const INACTIVE: &str = "ENDORMI";
/// A process of [`OTHER_OSL`].
pub const FOREIGN: &str = "AUTRE";

/// The type of attachment that every process takes.
pub const TYPE: &str = "VA_Acte";
/// The largest attachment of [`PROCESS`]: 1 GB.
pub const LARGEST: u64 = 1 << 30;

/// Type, SIRET and branch of an id; the branch may hold hyphens.
pub fn identifier(id: &str) -> Value {
    let mut parts = id.splitn(3, '-');
    let mut next = || parts.next().expect("TYPE-SIRET-BRANCH");
    json!({ "type": next(), "companyRegister": next(), "branchCode": next() })
}

/// An organisation as it is created.
pub fn organization(id: &str) -> Value {
    let mut organization = identifier(id);
    for (name, value) in [
        ("name", json!(format!("Administration {id}"))),
        ("code", Value::Null),
        ("country", json!("France")),
        ("postalCode", json!("75015")),
        ("territory", json!("PARIS")),
        ("email", Value::Null),
        ("phoneNumber", json!("0100000000")),
        ("status", json!("Actif")),
    ] {
        organization[name] = value;
    }
    organization
}

/// A process of an OSL as it is created: every format that journeys send, both ways.
pub fn process(code: &str, osl: &str) -> Value {
    let formats = ["application/pdf", "image/png", "text/plain"];
    json!({
        "code": code,
        "name": format!("Démarche {code}"),
        "description": null,
        "isActivated": true,
        "osl": identifier(osl),
        "attachmentFormatsEnabled": formats,
        "siAttachmentFormatsEnabled": formats,
        "attachmentTypesEnabled": [TYPE, "DD_Acte"],
        "attachmentMaxSizeEnabled": LARGEST,
        "statusBeforeFileDeletion": "DONE",
        "timeBeforeFileDeletion": 1,
        "timeBeforeArchiving": 1,
        "timeBeforeFolderDeletion": 30,
        "messageToTransmitter": true,
        "subscriptionValidation": "Auto",
        "legalJustification": null,
    })
}

/// An active subscription without mails, as DataPass creates it.
pub fn subscription(subscriber: &str, process: &str) -> Value {
    json!({
        "datapassId": 14_000,
        "processCode": process,
        "subscriber": identifier(subscriber),
        "accessMode": "API",
        "notificationFrequency": "aucune",
        "status": "Actif",
        "email": null,
        "activateDateTime": null,
        "validateDateTime": null,
        "rejectDateTime": null,
        "endDateTime": null,
        "rejectionReason": null,
        "delegationActor": null,
        "localAdministrator": {
            "firstName": "Camille",
            "lastName": "Essai",
            "email": "camille.essai@exemple.fr",
            "function": null,
            "phoneNumber": null,
            "mobileNumber": null,
        },
    })
}

/// The whole world, for `navette hubee import`.
pub fn world() -> Value {
    let organizations = [
        OSL, OTHER_OSL, SI, SI_BRANCH, OTHER_SI, IDLE_SI, ADMIN, DATAPASS,
    ];
    let mut silent = process(SILENT, OSL);
    silent["messageToTransmitter"] = false.into();
    silent["siAttachmentFormatsEnabled"] = json!([]);
    let mut inactive = process(INACTIVE, OSL);
    inactive["isActivated"] = false.into();
    let subscriptions = [
        (SI, PROCESS),
        (SI_BRANCH, PROCESS),
        (OTHER_SI, PROCESS),
        (SI, SILENT),
        (SI, FOREIGN),
    ];
    json!({
        "organizations": organizations.map(organization),
        "processes": [process(PROCESS, OSL), silent, inactive, process(FOREIGN, OTHER_OSL)],
        "subscriptions": subscriptions.map(|(si, code)| subscription(si, code)),
    })
}
