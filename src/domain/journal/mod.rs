//! The journal: what happened, appended in the transaction of what it records (TRC-4).
//!
//! An [`entry`] is made before the transaction and appended in it. The [`sequencer`], one at a time among all processes,
//! numbers and chains the committed entries within a second: each carries the digest of its predecessor's digest and of its
//! own canonical text, from the first entry on, so that no entry can be changed, taken out or put in afterwards without
//! the chain telling. [`sequencer::check`] walks it.
//!
//! Entries hold ids, digests, dates and codes, never personal data. To add a kind: one variant of [`Kind`].

pub mod sequencer;

use jiff::Timestamp;
use serde_json::Value as Json;
use uuid::Uuid;

use crate::{
    kernel::{
        clock::Clock,
        digest::{Hasher, Sha256},
        entropy::Entropy,
        fault::Result,
    },
    storage::{exchanges::Owner, journal::EntryRow},
};

/// What an entry records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A piece became durable and its receipt was signed.
    PieceReceived,
    /// A request of a caller who is known was refused, a sending or another.
    PieceRefused,
    /// A known piece came again; its first receipt was given again.
    PieceRepeated,
    /// An archive became durable, with its pieces, and its receipt was signed.
    ArchiveReceived,
    /// An archive was refused whole, and its negative receipt was signed.
    ArchiveRefused,
    /// A known archive came again; its first receipt was given again.
    ArchiveRepeated,
    /// The receipt of an archive stands on its depot, and its source has left.
    ArchiveReceipted,
    /// The antivirus gave no verdict; the piece waits for one.
    PieceAwaitsScan,
    /// The antivirus looked at a content and found nothing.
    PieceScanned,
    /// The antivirus found a signature in a content.
    PieceQuarantined,
    /// The file of a hub's attachment became durable.
    AttachmentReceived,
    /// What was sent for a hub's attachment is not the announced file.
    AttachmentRejected,
    /// The antivirus found a signature in the file of a hub's attachment.
    AttachmentQuarantined,
    /// The antivirus gave no verdict; the file of a hub's attachment waits for one.
    AttachmentAwaitsScan,
    /// The antivirus looked at a file that waited for it, and found nothing.
    AttachmentScanned,
    /// Somebody acted on a hub's case.
    EventCreated,
    /// The files of an event are all there, and the other side is told of it.
    EventSent,
    /// The other side has taken note of an event.
    EventAcknowledged,
    /// An event was withdrawn before it was sent.
    EventDeleted,
    /// Every processor has run.
    PieceProcessed,
    /// Every piece of an archive was processed.
    ArchiveProcessed,
    /// What the processing found does not conform: no return was made.
    ReturnHeld,
    /// The one return of the exchange was made.
    ReturnCreated,
    /// A return was left on a depot.
    ReturnSent,
    /// The acknowledgment of a return that was left on a depot did not come in time.
    ReturnOverdue,
    /// A delivery attempt failed.
    ReturnAttempted,
    /// The partner acknowledged the return.
    ReturnAcknowledged,
    /// The last attempt failed.
    ReturnUndelivered,
    /// A client or an operator asked for a return again.
    RedeliveryRequested,
    /// An operator had a given-up job tried again.
    JobRetried,
    /// What an exchange held was destroyed, its term being over.
    ExchangePurged,
    /// A purge ran that destroyed something, or that an operator ordered.
    PurgeRun,
    /// A dossier was put on legal hold.
    HoldAdded,
    /// A legal hold was lifted.
    HoldLifted,
    /// A backup was made.
    BackupMade,
    /// The house was restored from a backup.
    BackupRestored,
    /// A client was added, rotated or revoked.
    ClientChanged,
    /// An organisation, a process or a subscription of the hub was created, replaced or activated.
    ReferentialChanged,
    /// A file that came by CFT was taken.
    TransferReceived,
    /// CFT has taken the request to send a file.
    TransferSubmitted,
    /// CFT has sent a file: the partner's monitor has it.
    TransferSent,
    /// The partner's application has acknowledged a file that CFT sent.
    TransferAcknowledged,
    /// CFT has given up sending a file.
    TransferFailed,
    /// A télédossier was created.
    FolderCreated,
    /// All that belongs to a télédossier is there, or waits for the antivirus only.
    FolderCompleted,
    /// The recipients of a télédossier were notified.
    FolderNotified,
    /// A télédossier was closed.
    FolderClosed,
    /// A closed télédossier was opened again.
    FolderReopened,
    /// A télédossier that nobody was told of was deleted by its sender.
    FolderWithdrawn,
    /// The recipient of a case has read it for the first time.
    CaseTransmitted,
    /// A case has another status.
    CaseMoved,
    /// The cases of an organisation were given to another.
    CasesMigrated,
    /// The portal has purged its copies of attachments.
    PortalPurged,
    /// A notification was deleted by its recipient.
    NotificationDeleted,
    /// An anomaly opened an incident, or opened it again.
    IncidentOpened,
    /// An operator has taken note of an incident.
    IncidentAcknowledged,
    /// A call about an incident was recorded.
    IncidentCalled,
    /// A mail about an incident left to its contacts.
    IncidentMailed,
    /// The cause of an incident is gone, or an operator says so.
    IncidentResolved,
    /// A télédossier's contents that every recipient may do without were destroyed.
    FolderFilesPurged,
    /// A closed télédossier was archived, its contents destroyed.
    FolderArchived,
    /// An archived télédossier was deleted: its ids stay here.
    FolderDeleted,
    /// A batch of the hub ran that did something, or that an operator ordered.
    HubBatch,
    /// A subscriber was told of a télédossier by mail.
    FolderMailed,
    /// A piece or an archive, or a part of one, went on as a télédossier.
    Forwarded,
    /// A piece or an archive does not go on as a télédossier: it is in quarantine.
    Withheld,
}

impl Kind {
    /// The kind as written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PieceReceived => "piece.received",
            Self::PieceRefused => "piece.refused",
            Self::PieceRepeated => "piece.repeated",
            Self::ArchiveReceived => "archive.received",
            Self::ArchiveRefused => "archive.refused",
            Self::ArchiveRepeated => "archive.repeated",
            Self::ArchiveReceipted => "archive.receipted",
            Self::PieceAwaitsScan => "piece.awaits-scan",
            Self::PieceScanned => "piece.scanned",
            Self::PieceQuarantined => "piece.quarantined",
            Self::AttachmentReceived => "attachment.received",
            Self::AttachmentRejected => "attachment.rejected",
            Self::AttachmentQuarantined => "attachment.quarantined",
            Self::AttachmentAwaitsScan => "attachment.awaits-scan",
            Self::AttachmentScanned => "attachment.scanned",
            Self::EventCreated => "event.created",
            Self::EventSent => "event.sent",
            Self::EventAcknowledged => "event.acknowledged",
            Self::EventDeleted => "event.deleted",
            Self::PieceProcessed => "piece.processed",
            Self::ArchiveProcessed => "archive.processed",
            Self::ReturnHeld => "return.held",
            Self::ReturnCreated => "return.created",
            Self::ReturnSent => "return.sent",
            Self::ReturnOverdue => "return.overdue",
            Self::ReturnAttempted => "return.attempted",
            Self::ReturnAcknowledged => "return.acknowledged",
            Self::ReturnUndelivered => "return.undelivered",
            Self::RedeliveryRequested => "return.redelivery-requested",
            Self::JobRetried => "job.retried",
            Self::ExchangePurged => "exchange.purged",
            Self::PurgeRun => "purge.run",
            Self::HoldAdded => "hold.added",
            Self::HoldLifted => "hold.lifted",
            Self::BackupMade => "backup.made",
            Self::BackupRestored => "backup.restored",
            Self::ClientChanged => "client.changed",
            Self::ReferentialChanged => "referential.changed",
            Self::TransferReceived => "transfer.received",
            Self::TransferSubmitted => "transfer.submitted",
            Self::TransferSent => "transfer.sent",
            Self::TransferAcknowledged => "transfer.acknowledged",
            Self::TransferFailed => "transfer.failed",
            Self::FolderCreated => "folder.created",
            Self::FolderCompleted => "folder.completed",
            Self::FolderNotified => "folder.notified",
            Self::FolderClosed => "folder.closed",
            Self::FolderReopened => "folder.reopened",
            Self::FolderWithdrawn => "folder.withdrawn",
            Self::CaseTransmitted => "case.transmitted",
            Self::CaseMoved => "case.moved",
            Self::CasesMigrated => "cases.migrated",
            Self::PortalPurged => "portal.purged",
            Self::NotificationDeleted => "notification.deleted",
            Self::IncidentOpened => "incident.opened",
            Self::IncidentAcknowledged => "incident.acknowledged",
            Self::IncidentCalled => "incident.called",
            Self::IncidentMailed => "incident.mailed",
            Self::IncidentResolved => "incident.resolved",
            Self::FolderFilesPurged => "folder.files-purged",
            Self::FolderArchived => "folder.archived",
            Self::FolderDeleted => "folder.deleted",
            Self::HubBatch => "hub.batch",
            Self::FolderMailed => "folder.mailed",
            Self::Forwarded => "exchange.forwarded",
            Self::Withheld => "exchange.withheld",
        }
    }
}

/// Where an entry belongs.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The exchange, where it is about one.
    pub exchange_id: Option<Uuid>,
    /// The project, where it is about one.
    pub project: Option<String>,
    /// Partner and environment.
    pub owner: Owner,
}

/// Makes an entry of `kind` that happens now; it counts once its row is committed.
pub fn entry(
    clock: &Clock,
    entropy: &Entropy,
    kind: Kind,
    subject: Subject,
    detail: Json,
) -> Result<EntryRow> {
    Ok(EntryRow {
        id: entropy.uuid(clock)?,
        at: clock.now(),
        kind: kind.as_str().to_owned(),
        exchange_id: subject.exchange_id,
        project: subject.project,
        owner: subject.owner,
        detail: detail.to_string(),
    })
}

/// The digest that chains `entry` as number `seq` behind `previous` (zeros before the first): SHA-256 over the previous
/// digest, then each field preceded by its length.
pub fn link(previous: &Sha256, seq: u64, entry: &EntryRow) -> Sha256 {
    let mut hasher = Hasher::new(false);
    hasher.update(previous);
    let exchange = entry
        .exchange_id
        .map(|id| id.to_string())
        .unwrap_or_default();
    let at: Timestamp = entry.at;
    for field in [
        &seq.to_string(),
        &entry.id.to_string(),
        &at.as_microsecond().to_string(),
        &entry.kind,
        &exchange,
        entry.project.as_deref().unwrap_or_default(),
        &entry.owner.partner,
        &entry.owner.environment,
        &entry.detail,
    ] as [&str; 9]
    {
        hasher.update(&(field.len() as u64).to_be_bytes());
        hasher.update(field.as_bytes());
    }
    hasher.finish().sha256
}
