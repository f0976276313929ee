//! What an inspection found: every difference has a name, an id and a piece of advice.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::storage::inspection::Gap;

/// How many findings of one kind a report lists; the others are counted.
const LISTED: u64 = 1000;

macro_rules! differences {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $advice:literal;)+) => {
        /// A way in which the house does not agree with itself.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Difference { $($(#[$doc])* $name,)+ }

        impl Difference {
            /// The stable code, for programs.
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// What an operator does about it.
            pub fn advice(self) -> &'static str {
                match self { $(Self::$name => $advice,)+ }
            }
        }
    };
}

differences! {
    /// A document whose blob is not there.
    BlobMissing = "blob-missing",
        "restore this blob's file from a backup of the store";
    /// A blob of another length, or that does not decrypt, or to other bytes than were received.
    BlobDamaged = "blob-damaged",
        "restore this blob's file from a backup of the store, and have the disk checked";
    /// A blob that no document names, older than what the hourly sweep leaves.
    BlobOrphan = "blob-orphan",
        "an intake that died left it: the hourly sweep of a worker removes it; if it stays, see whether one runs and may write to the store";
    /// The store's folders cannot be read.
    StoreUnreadable = "store-unreadable",
        "check data_dir in the settings, the mount and its rights";
    /// A key that the master key or the project's key does not open.
    KeyLost = "key-lost",
        "check keys.master_key_file, which must be the key of the day this row was written, and data_dir/keys, which must be whole";
    /// Sealed metadata that do not open.
    MetadataDamaged = "metadata-damaged",
        "restore this exchange's row from a backup of the database";
    /// An exchange without receipt.
    ReceiptMissing = "receipt-missing",
        "restore the receipt's row from a backup of the database; the sender holds a copy";
    /// A receipt whose signature does not verify.
    ReceiptInvalid = "receipt-invalid",
        "compare with the sender's copy; if the signer's certificate was replaced, give the older one with --trust";
    /// A receipt that proves something else than its exchange.
    ReceiptMismatch = "receipt-mismatch",
        "the row was changed after its receipt was signed: restore it from a backup of the database";
    /// An exchange without its content's row.
    ContentMissing = "content-missing",
        "restore the document's row from a backup of the database";
    /// An exchange that nothing brings on.
    JobMissing = "job-missing",
        "restore the job's row from a backup of the database, or tell the maintainers";
    /// An exchange whose reception the journal does not know.
    JournalEntryMissing = "journal-entry-missing",
        "restore the journal from a backup: entries were taken out";
    /// A status that is not what the return says.
    StatusMismatch = "status-mismatch",
        "the row was changed by hand: restore it from a backup of the database";
    /// A return without the exchange's results.
    ResultMissing = "result-missing",
        "restore the result's row from a backup of the database";
    /// A pending return that nothing delivers.
    DeliveryJobMissing = "delivery-job-missing",
        "restore the job's row from a backup of the database, or tell the maintainers";
    /// A delivered return without the partner's proof.
    AcknowledgmentMissing = "acknowledgment-missing",
        "restore the acknowledgment's row from a backup of the database";
    /// A return that its exchange has not claimed.
    ReturnTwice = "return-twice",
        "an exchange has one return only: see which of them was delivered, and tell the maintainers";
    /// A purged exchange that still holds something of what was to be destroyed.
    PurgeIncomplete = "purge-incomplete",
        "the row was changed by hand, or restored from a backup older than the purge: run `navette restore` again, whole";
    /// A content in quarantine whose return says something else.
    QuarantineBroken = "quarantine-broken",
        "the verdict was changed by hand, or the return: see what the journal says of this exchange";
    /// An archive without the pieces that its receipt proves, or pieces without their files.
    PiecesMissing = "pieces-missing",
        "restore the rows of this archive's pieces and documents from a backup of the database";
    /// A row that names an exchange which is not there.
    ExchangeMissing = "exchange-missing",
        "restore the exchange's row from a backup of the database: its other rows are still there";
    /// A télédossier whose rows do not agree with each other.
    FolderBroken = "folder-broken",
        "see what the journal says of this télédossier, and restore its rows from a backup of the database";
    /// An attachment without the content that it should have, or with one that was deleted.
    AttachmentBroken = "attachment-broken",
        "restore the rows of this télédossier's attachments and documents from a backup of the database";
    /// A row of the hub that names a télédossier or a case which is not there.
    FolderMissing = "folder-missing",
        "restore the télédossier's rows from a backup of the database: others of its rows are still there";
    /// A natural key that is not there, or stands for another exchange.
    NaturalKeyMissing = "natural-key-missing",
        "the piece would be accepted a second time: restore the row from a backup of the database";
    /// A natural key that stands for nothing.
    NaturalKeyDangling = "natural-key-dangling",
        "the piece would be refused though it is not here: restore the exchange's row from a backup of the database";
    /// The journal's chain does not hold.
    JournalBroken = "journal-broken",
        "an entry was changed, taken out or put in: compare with the last backup and keep both as evidence";
}

impl From<Gap> for Difference {
    fn from(gap: Gap) -> Self {
        match gap {
            Gap::Receipt => Self::ReceiptMissing,
            Gap::Content => Self::ContentMissing,
            Gap::Job => Self::JobMissing,
            Gap::JournalEntry => Self::JournalEntryMissing,
            Gap::Status => Self::StatusMismatch,
            Gap::Result => Self::ResultMissing,
            Gap::DeliveryJob => Self::DeliveryJobMissing,
            Gap::Acknowledgment => Self::AcknowledgmentMissing,
            Gap::SecondReturn => Self::ReturnTwice,
            Gap::Remains => Self::PurgeIncomplete,
            Gap::Quarantine => Self::QuarantineBroken,
            Gap::Pieces => Self::PiecesMissing,
            Gap::Exchange => Self::ExchangeMissing,
            Gap::Folder => Self::FolderBroken,
            Gap::Attachment => Self::AttachmentBroken,
            Gap::FolderRow => Self::FolderMissing,
        }
    }
}

/// One difference at one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The difference's code.
    pub code: &'static str,
    /// The exchange, document or blob that it is about.
    pub id: String,
    /// What was found there.
    pub detail: String,
    /// What to do.
    pub advice: &'static str,
}

/// What an inspection saw and found.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Exchanges looked at.
    pub exchanges: u64,
    /// Documents whose blobs were looked at.
    pub documents: u64,
    /// Bytes of content that were decrypted and hashed.
    pub bytes: u64,
    /// Blobs without a document that are too young to be called orphans: on their way, or to be swept.
    pub orphans_to_be_swept: u64,
    /// Journal entries that are chained.
    pub entries: u64,
    /// How many differences of each code.
    pub counts: BTreeMap<&'static str, u64>,
    /// The differences, the first thousand of each code.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Adds a difference.
    pub fn add(&mut self, difference: Difference, id: impl ToString, detail: impl ToString) {
        let count = self.counts.entry(difference.code()).or_default();
        *count += 1;
        if *count <= LISTED {
            self.findings.push(Finding {
                code: difference.code(),
                id: id.to_string(),
                detail: detail.to_string(),
                advice: difference.advice(),
            });
        }
    }

    /// Whether nothing was found.
    pub fn is_sound(&self) -> bool {
        self.counts.is_empty()
    }

    /// How many differences there are, those that are not listed included.
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }
}
