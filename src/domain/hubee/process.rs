//! Processes (R51): the procedures that folders are made for, each owned by an OSL, with the rules of its files.
//!
//! [`load`] is the door of those who need a process's rules; [`create`], [`replace`], [`find`] and [`list`] are the
//! operations of the contract. The lengths of time are days.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{
    Caller, Document, Fields, OrganizationId, Refusal, Result,
    organization::OSL,
    perimeter,
    process_list::{self, By},
    referential::{self, Action, Object},
    refusal::{self, PROCESS},
};
use crate::{
    domain::Context,
    kernel::fault::{Fault, Result as Kept},
    storage::{
        Tx,
        hubee::{
            folders, organizations,
            processes::{self as rows, ProcessRow},
        },
    },
};

/// The most characters of a code.
pub const CODE: usize = 30;

/// The statuses that a case can have, any of which may begin the removal of its files (R23).
const STATUSES: [&str; 12] = [
    "HUBEE_RECEIVED",
    "HUBEE_COMPLETED",
    "HUBEE_NOTIFIED",
    "SENT",
    "SI_RECEIVED",
    "SI_INTG_ERROR",
    "IN_PROGRESS",
    "ADD_AWAITING",
    "REFUSED",
    "DONE",
    "CLOSED",
    "ARCHIVED",
];

/// Days that a process may ask for: a hundred years.
const DAYS: RangeInclusive<i64> = 0..=36_500;
/// Sizes of a file that a process may allow, in bytes: to what JSON can count. What is stored is limited elsewhere (R14).
const SIZES: RangeInclusive<i64> = 0..=9_007_199_254_740_991;
/// How subscriptions are validated.
const VALIDATIONS: [&str; 2] = ["Auto", "Manual"];

/// A process: what everybody needs to know of it, and its rules.
#[derive(Clone, Debug, PartialEq)]
pub struct Process {
    /// Its code.
    pub code: String,
    /// The organisation that owns it.
    pub osl: OrganizationId,
    /// Whether folders and subscriptions may be made for it.
    pub is_activated: bool,
    /// The rest.
    pub rules: Rules,
    /// When it was created, and when it was replaced last.
    pub dates: (jiff::Timestamp, Option<jiff::Timestamp>),
}

impl std::ops::Deref for Process {
    type Target = Rules;

    fn deref(&self) -> &Rules {
        &self.rules
    }
}

/// What a process says beside its code, its owner and whether it is active, under the contract's names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rules {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// The media types that a folder's files may have.
    #[serde(rename = "attachmentFormatsEnabled")]
    pub attachment_formats: Vec<String>,
    /// The media types that an SI may deposit; none where SIs may not deposit (R13).
    #[serde(rename = "siAttachmentFormatsEnabled")]
    pub si_attachment_formats: Vec<String>,
    /// The types that a folder's files may have.
    #[serde(rename = "attachmentTypesEnabled")]
    pub attachment_types: Vec<String>,
    /// The most bytes of a file.
    #[serde(rename = "attachmentMaxSizeEnabled")]
    pub attachment_max_size: u64,
    /// The status at which a case's files begin to be removed.
    pub status_before_file_deletion: String,
    /// Days from there on.
    pub time_before_file_deletion: u32,
    /// Days from CLOSED to ARCHIVED.
    pub time_before_archiving: u32,
    /// Days from ARCHIVED to nothing.
    pub time_before_folder_deletion: u32,
    /// Whether messages may be sent (R35).
    pub message_to_transmitter: bool,
    /// `Auto` or `Manual`.
    pub subscription_validation: String,
    /// The law behind it.
    pub legal_justification: Option<String>,
    /// Of later versions of the contract: kept and shown.
    pub message_with_status: Option<bool>,
    /// Of later versions of the contract: kept and shown.
    pub authorized_awaiting: Option<bool>,
}

impl Process {
    /// Reads a row. Fails with `internal` where it holds what nothing of ours writes.
    pub fn of(row: &ProcessRow) -> Kept<Self> {
        Ok(Self {
            code: row.code.clone(),
            osl: row.osl.parse().map_err(Fault::internal)?,
            is_activated: row.activated,
            rules: serde_json::from_value(row.body.clone()).map_err(Fault::internal)?,
            dates: (row.created_at, row.updated_at),
        })
    }

    /// Its row, which names no software.
    pub(super) fn row(&self, ctx: &Context) -> Kept<ProcessRow> {
        Ok(ProcessRow {
            code: self.code.clone(),
            environment: ctx.config.gateway.environment.clone(),
            osl: self.osl.to_string(),
            company_register: self.osl.register().to_owned(),
            activated: self.is_activated,
            body: serde_json::to_value(&self.rules).map_err(Fault::internal)?,
            created_at: self.dates.0,
            updated_at: self.dates.1,
            partner_info: Json::Null,
        })
    }
}

/// The process of that code, as a unit of work reads it.
pub fn find_in(tx: &mut Tx<'_>, code: &str) -> Kept<Option<Process>> {
    rows::find(tx, code)?.as_ref().map(Process::of).transpose()
}

/// The process of that code.
pub async fn load(ctx: &Context, code: &str) -> Kept<Option<Process>> {
    let code = code.to_owned();
    ctx.store.read(move |tx| find_in(tx, &code)).await
}

/// Creates a process; answers it. Refuses a code that is taken, an owner that is no OSL, and every fault of the body, at once.
pub async fn create(ctx: &Context, caller: &Caller, document: Document) -> Result<Json> {
    let process = read(ctx, &document.object(), None);
    let mut faults = document.faults();
    if let Some(process) = &process {
        faults.extend(against_database(ctx, process, true).await?);
    }
    Refusal::unless_none(faults)?;
    let process = process.ok_or_else(|| Refusal::bad("#: expected a process"))?;
    let row = ProcessRow {
        partner_info: caller.partner.to_json(),
        ..process.row(ctx)?
    };
    let entry = referential::entry(ctx, caller, Object::Process, &row.code, Action::Created)?;
    refusal::write(&ctx.store, move |tx| match rows::insert(tx, &row)? {
        true => Ok(referential::append(tx, &entry)?),
        // Another was faster.
        false => Err(Refusal::bad(taken(&row.code))),
    })
    .await?;
    Ok(process_list::view(&process))
}

/// Replaces all of a process but its code, whatever the body says of that; answers it. Refuses another owner as long as there are
/// folders of it.
pub async fn replace(
    ctx: &Context,
    caller: &Caller,
    code: &str,
    document: Document,
) -> Result<Json> {
    let process = read(ctx, &document.object(), Some(code));
    let before = load(ctx, code).await?;
    let before = before.ok_or(Refusal::NotFound(PROCESS))?;
    let mut faults = document.faults();
    if let Some(process) = &process {
        faults.extend(against_database(ctx, process, false).await?);
    }
    Refusal::unless_none(faults)?;
    let mut process = process.ok_or_else(|| Refusal::bad("#: expected a process"))?;
    process.dates = (before.dates.0, Some(ctx.clock.now()));
    let row = process.row(ctx)?;
    let entry = referential::entry(ctx, caller, Object::Process, &row.code, Action::Replaced)?;
    refusal::write(&ctx.store, move |tx| {
        // A folder may have come meanwhile, and none comes from here on.
        rows::lock(tx, &row.code)?;
        if let Some(fault) = bound(tx, &row.code, &row.osl)? {
            return Err(Refusal::bad(fault));
        }
        match rows::replace(tx, &row)? {
            true => Ok(referential::append(tx, &entry)?),
            false => Err(Refusal::NotFound(PROCESS)),
        }
    })
    .await?;
    Ok(process_list::view(&process))
}

/// The process of that code, for ADMIN and the OSL that owns it.
pub async fn find(ctx: &Context, caller: &Caller, code: &str) -> Result<Json> {
    let found = load(ctx, code).await?;
    let process = found.ok_or(Refusal::NotFound(PROCESS))?;
    perimeter::process(caller, &process.osl)?;
    Ok(process_list::view(&process))
}

/// Every process, or those whose owner has that SIRET, in that order.
pub async fn list(ctx: &Context, company_register: Option<String>, by: By) -> Kept<Vec<Json>> {
    let found = ctx
        .store
        .read(move |tx| rows::list(tx, company_register.as_deref()));
    let processes: Vec<Process> = found.await?.iter().map(Process::of).collect::<Kept<_>>()?;
    Ok(process_list::shown(processes, by))
}

/// What keeps a process with its owner, where `osl` is another: folders and cases are the owner's for as long as they are there
/// (R20), under external ids that are unique with it (R12).
pub(super) fn bound(tx: &mut Tx<'_>, code: &str, osl: &str) -> Kept<Option<String>> {
    let before = rows::find(tx, code)?.filter(|before| before.osl != osl);
    let Some(before) = before else {
        return Ok(None);
    };
    let bound = folders::is_of_process(tx, code)?;
    Ok(bound.then(|| format!("Process {code} has folders and stays with {}", before.osl)))
}

fn taken(code: &str) -> String {
    format!("Process {code} already exists")
}

/// What the database has against a process that is to be written.
async fn against_database(ctx: &Context, process: &Process, is_new: bool) -> Kept<Vec<String>> {
    let (code, osl) = (process.code.clone(), process.osl.to_string());
    let found = ctx.store.read(move |tx| {
        let is_taken = is_new && rows::find(tx, &code)?.is_some();
        let bound = bound(tx, &code, &osl)?.filter(|_| !is_new);
        Ok((is_taken, bound, organizations::exists(tx, &osl)?))
    });
    let (is_taken, bound, has_owner) = found.await?;
    let mut faults = Vec::from_iter(bound);
    if is_taken {
        faults.push(taken(&process.code));
    }
    if !has_owner {
        faults.push(format!("Organization {} does not exist", process.osl));
    }
    Ok(faults)
}

/// The process that a body makes, `kept` being the code where it is not the body's. Nothing where it names no owner; the
/// document holds the faults.
pub(super) fn read(ctx: &Context, fields: &Fields<'_>, kept: Option<&str>) -> Option<Process> {
    let code = code(fields);
    let is_activated = fields.required_flag("isActivated");
    let osl = fields.required_organization("osl");
    if let Some(osl) = osl.as_ref().filter(|osl| osl.kind() != OSL) {
        fields.wrong("osl", &format!("Organization {osl} is not of type {OSL}"));
    }
    let rules = rules(fields);
    Some(Process {
        code: kept.map_or(code, str::to_owned),
        osl: osl?,
        is_activated,
        rules,
        dates: (ctx.clock.now(), None),
    })
}

fn code(fields: &Fields<'_>) -> String {
    let code = fields.required_text("code", CODE);
    if !code.is_empty() && !is_code(&code) {
        fields.wrong(
            "code",
            "expected letters, digits, '_', and behind the first '.' or '-'",
        );
    }
    code
}

/// Whether a text is the code of a process: it stands in paths, in lists between commas, and on the command line.
pub fn is_code(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let first = text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    first && text.len() <= CODE && text.chars().all(fits)
}

fn rules(fields: &Fields<'_>) -> Rules {
    let days = |name| u32::try_from(fields.required_integer(name, DAYS)).unwrap_or_default();
    let size = fields.required_integer("attachmentMaxSizeEnabled", SIZES);
    for list in ["attachmentFormatsEnabled", "attachmentTypesEnabled"] {
        fields.not_empty(list);
    }
    Rules {
        name: fields.required_text("name", 100),
        description: fields.text("description", 1000),
        attachment_formats: fields.required_texts("attachmentFormatsEnabled", 255),
        si_attachment_formats: fields
            .texts("siAttachmentFormatsEnabled", 255)
            .unwrap_or_default(),
        attachment_types: fields.required_texts("attachmentTypesEnabled", 100),
        attachment_max_size: u64::try_from(size).unwrap_or_default(),
        status_before_file_deletion: fields
            .required_choice("statusBeforeFileDeletion", &STATUSES)
            .to_owned(),
        time_before_file_deletion: days("timeBeforeFileDeletion"),
        time_before_archiving: days("timeBeforeArchiving"),
        time_before_folder_deletion: days("timeBeforeFolderDeletion"),
        message_to_transmitter: fields.required_flag("messageToTransmitter"),
        subscription_validation: fields
            .required_choice("subscriptionValidation", &VALIDATIONS)
            .to_owned(),
        legal_justification: fields.text("legalJustification", 1000),
        message_with_status: fields.flag("messageWithStatus"),
        authorized_awaiting: fields.flag("authorizedAwaiting"),
    }
}
