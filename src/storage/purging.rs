//! What a purge leaves of exchanges, written for many of them at once.
//!
//! A purged exchange keeps its rows: ids, digests, sizes and dates; its sealed columns are emptied and its wrapped keys are
//! gone. Its natural key goes: the same piece sent again is a new one.

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    engine::{Tx, Value},
    hubee,
    journal::{self, EntryRow},
    sets,
};
use crate::{
    kernel::{digest::Sha256, fault::Result},
    params, statements,
};

/// One exchange of a purge.
#[derive(Clone, Debug)]
pub struct Purged {
    /// The exchange.
    pub exchange_id: Uuid,
    /// Its return, where it has one.
    pub return_id: Option<Uuid>,
    /// What it has beside, as an archive.
    pub beside: Beside,
    /// Whether it is a télédossier, with rows of the hub.
    pub folder: bool,
    /// How its natural key goes.
    pub natural_key: NaturalKey,
    /// Its entry in the journal.
    pub entry: EntryRow,
}

/// The dossiers and pieces of an exchange, and their documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside {
    /// It is a piece itself.
    Nothing,
    /// They go with it.
    Pieces,
    /// They are so many that they follow in slices ([`super::remains`]): the archive is marked.
    Many,
}

/// How a purged exchange's natural key goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NaturalKey {
    /// By its digest, which the metadata gave.
    Known(Sha256),
    /// By a search through all of them, for metadata that do not open.
    Searched,
    /// With those of all purged exchanges, by [`drop_natural_keys`].
    Later,
}

statements! {
    DROP_NATURAL_KEYS_OF_PURGED = "DELETE FROM natural_key WHERE exchange_id IN (SELECT id FROM exchange WHERE status = 'purged')";
}

const EMPTY_EXCHANGES: &str = "UPDATE exchange SET status = 'purged', purged_at = $1, wrapped_key = $2, metadata = $2 \
    WHERE id IN ({})";
const EMPTY_RETURNS: &str =
    "UPDATE exchange_return SET purged_at = $1, body = $2 WHERE exchange_id IN ({})";
const QUEUE_BLOBS: &str = "INSERT INTO blob_removal (document_id, purge_id, partner, environment, queued_at) \
    SELECT d.id, $1, d.partner, d.environment, $2 FROM document d \
    WHERE d.exchange_id IN ({}) AND d.container_id IS NULL AND d.purged_at IS NULL";
/// What has no blob of its own, such as a refused archive, is queued by its own id: the ledger learns of it as of all others.
const QUEUE_WITHOUT_BLOB: &str = "INSERT INTO blob_removal (document_id, purge_id, partner, environment, queued_at) \
    SELECT e.id, $1, e.partner, e.environment, $2 FROM exchange e WHERE e.id IN ({}) AND NOT EXISTS \
    (SELECT 1 FROM document d WHERE d.exchange_id = e.id AND d.container_id IS NULL AND d.purged_at IS NULL)";
const EMPTY_DOCUMENTS: &str = "UPDATE document SET purged_at = $1, wrapped_key = $2, file_name = NULL WHERE exchange_id IN ({})";
const QUEUE_OWN_BLOBS: &str = "INSERT INTO blob_removal (document_id, purge_id, partner, environment, queued_at) \
    SELECT d.id, $1, d.partner, d.environment, $2 FROM document d \
    WHERE d.exchange_id IN ({}) AND d.container_id IS NULL AND d.piece_id IS NULL";
const EMPTY_OWN_DOCUMENTS: &str = "UPDATE document SET purged_at = $1, wrapped_key = $2, file_name = NULL \
    WHERE exchange_id IN ({}) AND piece_id IS NULL";
const MARK: &str = "UPDATE archive SET token = $1 WHERE exchange_id IN ({})";
const EMPTY_ACKNOWLEDGMENTS: &str = "UPDATE acknowledgment SET headers = $1, body = $2, signature = NULL, \
    told = NULL, partner_reference = NULL WHERE return_id IN ({})";
const EMPTY_ATTEMPTS: &str =
    "UPDATE delivery_attempt SET answer = NULL WHERE return_id IN ({}) AND answer IS NOT NULL";
const EMPTY_REDELIVERIES: &str =
    "UPDATE redelivery SET reason = NULL WHERE return_id IN ({}) AND reason IS NOT NULL";
const EMPTY_RETURN_FILES: &str = "UPDATE return_file SET name = $1 WHERE return_id IN ({})";
const DROP_RESULTS: &str = "DELETE FROM result WHERE exchange_id IN ({})";
const DROP_SENDERS_KEYS: &str = "DELETE FROM idempotency_key WHERE exchange_id IN ({})";
const DROP_NATURAL_KEYS: &str =
    "DELETE FROM natural_key WHERE digest IN ({}) AND exchange_id IN ({})";
const DROP_NATURAL_KEYS_OF: &str = "DELETE FROM natural_key WHERE exchange_id IN ({})";
const DROP_JOBS: &str = "DELETE FROM job WHERE subject IN ({})";
const DROP_PIECE_KEYS: &str = "DELETE FROM natural_key WHERE digest IN \
    (SELECT natural_key FROM archive_piece WHERE exchange_id IN ({})) AND exchange_id IN ({})";
const EMPTY_ARCHIVES: &str = "UPDATE archive SET name = NULL WHERE exchange_id IN ({})";
const EMPTY_DOSSIERS: &str = "UPDATE exchange_dossier SET metadata = $1 WHERE exchange_id IN ({})";
const EMPTY_PIECES: &str =
    "UPDATE archive_piece SET metadata = $1, result = NULL WHERE exchange_id IN ({})";
const EMPTY_RECEIPTS: &str =
    "UPDATE receipt SET body = $1, cms = $1 WHERE exchange_id IN ({}) AND sealed";
const DROP_FILES: &str = "DELETE FROM depot_file WHERE exchange_id IN ({})";

/// The statements over sets, each of one member, for the preparation test.
pub(super) fn of_sets() -> Vec<(&'static str, String)> {
    let one: &[Value] = &[Value::Null];
    let filled = |(name, template): (&'static str, &str)| {
        (
            name,
            sets::filled(template, &[Value::Null, Value::Null], &[one, one]).0,
        )
    };
    let fixed = [
        ("EMPTY_EXCHANGES", EMPTY_EXCHANGES),
        ("EMPTY_RETURNS", EMPTY_RETURNS),
        ("QUEUE_BLOBS", QUEUE_BLOBS),
        ("QUEUE_WITHOUT_BLOB", QUEUE_WITHOUT_BLOB),
        ("EMPTY_DOCUMENTS", EMPTY_DOCUMENTS),
        ("QUEUE_OWN_BLOBS", QUEUE_OWN_BLOBS),
        ("EMPTY_OWN_DOCUMENTS", EMPTY_OWN_DOCUMENTS),
        ("EMPTY_ACKNOWLEDGMENTS", EMPTY_ACKNOWLEDGMENTS),
    ];
    let bare = [
        ("EMPTY_ATTEMPTS", EMPTY_ATTEMPTS),
        ("EMPTY_REDELIVERIES", EMPTY_REDELIVERIES),
        ("DROP_RESULTS", DROP_RESULTS),
        ("DROP_SENDERS_KEYS", DROP_SENDERS_KEYS),
        ("DROP_NATURAL_KEYS", DROP_NATURAL_KEYS),
        ("DROP_NATURAL_KEYS_OF", DROP_NATURAL_KEYS_OF),
        ("DROP_JOBS", DROP_JOBS),
        ("DROP_PIECE_KEYS", DROP_PIECE_KEYS),
        ("EMPTY_ARCHIVES", EMPTY_ARCHIVES),
        ("DROP_FILES", DROP_FILES),
    ];
    let emptied = [
        ("EMPTY_DOSSIERS", EMPTY_DOSSIERS),
        ("EMPTY_PIECES", EMPTY_PIECES),
        ("EMPTY_RECEIPTS", EMPTY_RECEIPTS),
        ("EMPTY_RETURN_FILES", EMPTY_RETURN_FILES),
        ("MARK", MARK),
    ];
    let bare = bare.map(|(name, template)| (name, sets::filled(template, &[], &[one, one]).0));
    let emptied =
        emptied.map(|(name, template)| (name, sets::filled(template, &[Value::Null], &[one]).0));
    let all = fixed.map(filled).into_iter();
    all.chain(bare).chain(emptied).collect()
}

/// Destroys what the exchanges hold, for the run `run`, and writes their entries in the journal. Their blobs are queued before
/// their rows die.
pub fn destroy(tx: &mut Tx<'_>, run: Uuid, at: Timestamp, all: &[Purged]) -> Result<()> {
    let (ids, returns) = (exchanges(all), returns(all));
    let emptied = params![at, Vec::new()];
    sets::run(tx, EMPTY_EXCHANGES, &emptied, &ids)?;
    sets::run(tx, EMPTY_RETURNS, &emptied, &ids)?;
    empty_documents(tx, (run, at), all)?;
    sets::run(tx, DROP_RESULTS, &[], &ids)?;
    sets::run(tx, DROP_SENDERS_KEYS, &[], &ids)?;
    let no_headers = serde_json::Value::Array(Vec::new());
    let unanswered = params![no_headers, Vec::new()];
    sets::run(tx, EMPTY_ACKNOWLEDGMENTS, &unanswered, &returns)?;
    sets::run(tx, EMPTY_RETURN_FILES, &params![Vec::new()], &returns)?;
    sets::run(tx, EMPTY_ATTEMPTS, &[], &returns)?;
    sets::run(tx, EMPTY_REDELIVERIES, &[], &returns)?;
    empty_archives(tx, run, all)?;
    let folders = all.iter().filter(|purged| purged.folder);
    let folders: Vec<Uuid> = folders.map(|purged| purged.exchange_id).collect();
    hubee::forgetting::forget(tx, &folders)?;
    forget(tx, all)?;
    let entries: Vec<_> = all.iter().map(|purged| &purged.entry).collect();
    journal::append_all(tx, &entries)
}

/// The documents, and the blobs of those that have one; of an archive of many, its own alone.
fn empty_documents(tx: &mut Tx<'_>, (run, at): (Uuid, Timestamp), all: &[Purged]) -> Result<()> {
    let queued = params![run, at];
    let emptied = params![at, Vec::new()];
    // A folder's burial writes the ledger by itself.
    let lasting = all.iter().filter(|purged| !purged.folder);
    let lasting: Vec<Value> = lasting.map(|purged| purged.exchange_id.into()).collect();
    sets::run(tx, QUEUE_WITHOUT_BLOB, &queued, &lasting)?;
    let whole = that(all, |beside| beside != Beside::Many);
    sets::run(tx, QUEUE_BLOBS, &queued, &whole)?;
    sets::run(tx, EMPTY_DOCUMENTS, &emptied, &whole)?;
    let many = that(all, |beside| beside == Beside::Many);
    sets::run(tx, QUEUE_OWN_BLOBS, &queued, &many)?;
    sets::run(tx, EMPTY_OWN_DOCUMENTS, &emptied, &many)
}

/// What archives have beside: their pieces' keys go, ids, digests and places stay. Of many pieces and dossiers, all of that is
/// left to do, and the archive is marked.
fn empty_archives(tx: &mut Tx<'_>, run: Uuid, all: &[Purged]) -> Result<()> {
    let emptied = params![Vec::new()];
    let whole = that(all, |beside| beside == Beside::Pieces);
    for part in whole.chunks(sets::SET) {
        let (sql, values) = sets::filled(DROP_PIECE_KEYS, &[], &[part, part]);
        tx.batch(&[(&sql, &values)])?;
    }
    sets::run(tx, EMPTY_DOSSIERS, &emptied, &whole)?;
    sets::run(tx, EMPTY_PIECES, &emptied, &whole)?;
    let many = that(all, |beside| beside == Beside::Many);
    sets::run(tx, MARK, &params![run], &many)?;
    let ids = that(all, |beside| beside != Beside::Nothing);
    sets::run(tx, EMPTY_ARCHIVES, &[], &ids)?;
    sets::run(tx, EMPTY_RECEIPTS, &emptied, &ids)?;
    sets::run(tx, DROP_FILES, &[], &ids)
}

/// The exchanges that have such things beside.
fn that(all: &[Purged], such: impl Fn(Beside) -> bool) -> Vec<Value> {
    let all = all.iter().filter(|purged| such(purged.beside));
    all.map(|purged| purged.exchange_id.into()).collect()
}

/// The natural keys of the exchanges.
fn forget(tx: &mut Tx<'_>, all: &[Purged]) -> Result<()> {
    for part in all.chunks(sets::SET) {
        let digests = part.iter().filter_map(|purged| match purged.natural_key {
            NaturalKey::Known(digest) => Some((Value::from(digest), purged.exchange_id.into())),
            NaturalKey::Searched | NaturalKey::Later => None,
        });
        let (digests, ids): (Vec<_>, Vec<Value>) = digests.unzip();
        if !ids.is_empty() {
            // A digest may by now be another exchange's: the ids keep it.
            let (sql, values) = sets::filled(DROP_NATURAL_KEYS, &[], &[&digests, &ids]);
            tx.batch(&[(&sql, &values)])?;
        }
    }
    let searched = all
        .iter()
        .filter(|purged| purged.natural_key == NaturalKey::Searched);
    let searched: Vec<Value> = searched.map(|purged| purged.exchange_id.into()).collect();
    sets::run(tx, DROP_NATURAL_KEYS_OF, &[], &searched)
}

/// Takes away the work of exchanges that were purged before a backup's restoration.
pub fn drop_work(tx: &mut Tx<'_>, all: &[Purged]) -> Result<()> {
    let subjects = [exchanges(all), returns(all)].concat();
    sets::run(tx, DROP_JOBS, &[], &subjects)
}

/// Drops the natural keys of all purged exchanges. Looks at every key: for a restoration.
pub fn drop_natural_keys(tx: &mut Tx<'_>) -> Result<()> {
    tx.execute(DROP_NATURAL_KEYS_OF_PURGED, &[]).map(drop)
}

fn exchanges(all: &[Purged]) -> Vec<Value> {
    all.iter().map(|purged| purged.exchange_id.into()).collect()
}

fn returns(all: &[Purged]) -> Vec<Value> {
    let all = all.iter().filter_map(|purged| purged.return_id);
    all.map(Value::from).collect()
}
