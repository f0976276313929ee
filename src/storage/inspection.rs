//! What an inspection asks of the rows, a range of exchanges at a time, so that neither memory nor a statement's duration
//! grows with the database.
//!
//! Every statement of [`GAPS`] takes a range of exchange ids (after `$1`, up to `$2`) and answers the ids for which something
//! that must be there is not. Each is one statement, hence one snapshot: it holds while the gateway runs.
//!
//! To add a check on rows: a statement and its line in [`GAPS`].

use uuid::Uuid;

use super::{
    engine::Tx,
    exchanges::{ExchangeRow, ReceiptRow, exchange, receipt_row},
    hubee,
};
use crate::{
    kernel::{digest::Sha256, fault::Result},
    params, statements,
};

/// What is missing, or stands for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gap {
    /// An exchange without its receipt.
    Receipt,
    /// An exchange without its content's row.
    Content,
    /// An exchange that waits, and no job that would bring it on.
    Job,
    /// An exchange whose reception the journal does not know.
    JournalEntry,
    /// An exchange whose status is not what its return says.
    Status,
    /// An exchange with a return and without results.
    Result,
    /// A return that waits, and no job that would deliver it.
    DeliveryJob,
    /// A delivered return without the partner's proof.
    Acknowledgment,
    /// A return that is not the one that its exchange has claimed.
    SecondReturn,
    /// A purged exchange that still holds something.
    Remains,
    /// A content in quarantine whose return says something else.
    Quarantine,
    /// An archive that has not the pieces, or pieces that have not the files, which were accepted.
    Pieces,
    /// A row that names an exchange which is not there.
    Exchange,
    /// A télédossier whose rows do not agree: without cases, or a notification that nothing makes.
    Folder,
    /// An attachment that should have its content and has none, or still has one that was deleted.
    Attachment,
    /// A row of the hub that names a folder or a case which is not there.
    FolderRow,
}

statements! {
    PAGE = "SELECT id, kind, client_id, partner, environment, project, source_application, iteration, status, \
        received_at, request_bytes, dossier_hash, size, sha256, key_id, wrapped_key, metadata, earlier_missing, repetitions \
        FROM exchange WHERE id > $1 ORDER BY id LIMIT $2";
    RECEIPTS = "SELECT exchange_id, id, partner, environment, body, cms, created_at, sealed FROM receipt \
        WHERE exchange_id > $1 AND exchange_id <= $2 ORDER BY exchange_id";
    RECEIVED = "SELECT exchange_id, id FROM journal WHERE exchange_id > $1 AND exchange_id <= $2 AND kind IN ('piece.received', 'archive.received', 'archive.refused')";
    NATURAL_KEY = "SELECT exchange_id FROM natural_key WHERE digest = $1";
    NATURAL_KEYS = "SELECT n.digest, n.exchange_id, e.id FROM natural_key n LEFT JOIN exchange e ON e.id = n.exchange_id \
        WHERE n.digest > $1 ORDER BY n.digest LIMIT $2";
    DOCUMENT_COUNT = "SELECT count(*) FROM document";
    EXCHANGE_COUNT = "SELECT count(*) FROM exchange";
    NO_RECEIPT = "SELECT e.id FROM exchange e WHERE e.id > $1 AND e.id <= $2 AND e.kind <> 'teledossier' \
        AND NOT EXISTS (SELECT 1 FROM receipt r WHERE r.exchange_id = e.id)";
    NO_CONTENT = "SELECT e.id FROM exchange e WHERE e.id > $1 AND e.id <= $2 AND e.kind <> 'teledossier' \
        AND NOT EXISTS (SELECT 1 FROM document d WHERE d.exchange_id = e.id AND d.role = 'content' AND d.piece_id IS NULL) \
        AND NOT EXISTS (SELECT 1 FROM archive a WHERE a.exchange_id = e.id AND (a.state = 'rejected' \
        OR EXISTS (SELECT 1 FROM document d WHERE d.id = a.container_id)))";
    NO_JOB = "SELECT e.id FROM exchange e WHERE e.id > $1 AND e.id <= $2 AND e.status IN ('received', 'awaiting-scan', 'nonconforming') \
        AND NOT EXISTS (SELECT 1 FROM job j WHERE j.subject = e.id)";
    NO_ENTRY = "SELECT e.id FROM exchange e WHERE e.id > $1 AND e.id <= $2 AND e.kind <> 'teledossier' \
        AND NOT EXISTS (SELECT 1 FROM journal j WHERE j.exchange_id = e.id AND j.kind IN ('piece.received', 'archive.received', 'archive.refused'))";
    OTHER_STATUS = "SELECT e.id FROM exchange e LEFT JOIN exchange_return r ON r.exchange_id = e.id \
        WHERE e.id > $1 AND e.id <= $2 AND e.status <> 'purged' AND e.kind <> 'teledossier' AND NOT (e.status = 'refused' AND r.outcome = 'rejected') \
        AND e.status <> CASE r.state WHEN 'pending' THEN 'returned' WHEN 'sent' THEN 'returned' \
        WHEN 'delivered' THEN 'acknowledged' WHEN 'undelivered' THEN 'undelivered' \
        ELSE CASE WHEN e.status IN ('awaiting-scan', 'nonconforming') THEN e.status ELSE 'received' END END";
    NO_RESULT = "SELECT r.exchange_id FROM exchange_return r WHERE r.exchange_id > $1 AND r.exchange_id <= $2 \
        AND r.purged_at IS NULL AND r.outcome <> 'rejected' AND NOT EXISTS (SELECT 1 FROM result s WHERE s.exchange_id = r.exchange_id)";
    NO_DELIVERY_JOB = "SELECT r.exchange_id FROM exchange_return r WHERE r.exchange_id > $1 AND r.exchange_id <= $2 \
        AND (r.state = 'pending' OR r.redelivery_id IS NOT NULL OR (r.state = 'sent' AND EXISTS (SELECT 1 FROM return_file f \
        WHERE f.return_id = r.id AND f.overdue_at IS NULL))) AND NOT EXISTS (SELECT 1 FROM job j WHERE j.subject = r.id) \
        AND NOT EXISTS (SELECT 1 FROM depot_file f JOIN job j ON j.subject = f.id WHERE f.exchange_id = r.exchange_id)";
    NO_ACKNOWLEDGMENT = "SELECT r.exchange_id FROM exchange_return r WHERE r.exchange_id > $1 AND r.exchange_id <= $2 \
        AND r.state = 'delivered' AND r.outcome <> 'rejected' AND NOT EXISTS (SELECT 1 FROM acknowledgment a WHERE a.return_id = r.id)";
    NO_RETURN_FILE = "SELECT r.exchange_id FROM exchange_return r WHERE r.exchange_id > $1 AND r.exchange_id <= $2 \
        AND r.state = 'sent' AND NOT EXISTS (SELECT 1 FROM return_file f WHERE f.return_id = r.id)";
    NO_RETURN_ARCHIVE = "SELECT f.exchange_id FROM return_file f WHERE f.exchange_id > $1 AND f.exchange_id <= $2 \
        AND NOT EXISTS (SELECT 1 FROM document d WHERE d.id = f.document_id)";
    NO_PIECE_RESULT = "SELECT r.exchange_id FROM exchange_return r JOIN archive_piece p ON p.exchange_id = r.exchange_id \
        WHERE r.exchange_id > $1 AND r.exchange_id <= $2 AND r.outcome <> 'rejected' AND r.purged_at IS NULL \
        AND p.state = 'accepted' AND (p.outcome IS NULL OR p.result IS NULL)";
    SECOND_RETURN = "SELECT r.exchange_id FROM exchange_return r WHERE r.exchange_id > $1 AND r.exchange_id <= $2 \
        AND NOT EXISTS (SELECT 1 FROM return_once o WHERE o.exchange_id = r.exchange_id AND o.return_id = r.id)";
    REMAINS = "SELECT e.id FROM exchange e WHERE e.id > $1 AND e.id <= $2 AND (e.status = 'purged' OR e.purged_at IS NOT NULL) \
        AND (e.status <> 'purged' OR e.purged_at IS NULL OR length(e.wrapped_key) > 0 OR length(e.metadata) > 0 \
        OR EXISTS (SELECT 1 FROM result s WHERE s.exchange_id = e.id) \
        OR EXISTS (SELECT 1 FROM document d WHERE d.exchange_id = e.id AND (d.purged_at IS NULL OR length(d.wrapped_key) > 0) \
        AND NOT EXISTS (SELECT 1 FROM archive a WHERE a.exchange_id = e.id AND a.token IS NOT NULL)) \
        OR EXISTS (SELECT 1 FROM exchange_return r WHERE r.exchange_id = e.id AND (r.purged_at IS NULL OR length(r.body) > 0)))";
    NO_QUARANTINE = "SELECT s.exchange_id FROM scan s JOIN exchange_return r ON r.exchange_id = s.exchange_id \
        WHERE s.exchange_id > $1 AND s.exchange_id <= $2 AND s.verdict = 'infected' AND s.at <= r.created_at AND r.outcome <> 'unprocessable' \
        AND NOT EXISTS (SELECT 1 FROM archive a WHERE a.exchange_id = s.exchange_id)";
    NO_QUARANTINED_FILE = "SELECT s.exchange_id FROM scan s JOIN document d ON d.id = s.document_id JOIN archive_piece p ON p.id = d.piece_id \
        JOIN exchange_return r ON r.exchange_id = s.exchange_id \
        WHERE s.exchange_id > $1 AND s.exchange_id <= $2 AND s.verdict = 'infected' AND s.at <= r.created_at AND p.outcome = 'processed'";
    SCAN_OF_NOTHING = "SELECT x.exchange_id FROM scan x WHERE x.exchange_id > $1 AND x.exchange_id <= $2 \
        AND NOT EXISTS (SELECT 1 FROM exchange e WHERE e.id = x.exchange_id) \
        AND NOT EXISTS (SELECT 1 FROM archive a WHERE a.exchange_id = x.exchange_id AND a.state = 'staging')";
    RECEIPT_OF_NOTHING = "SELECT x.exchange_id FROM receipt x WHERE x.exchange_id > $1 AND x.exchange_id <= $2 \
        AND NOT EXISTS (SELECT 1 FROM exchange e WHERE e.id = x.exchange_id)";
    DOCUMENT_OF_NOTHING = "SELECT x.exchange_id FROM document x WHERE x.exchange_id > $1 AND x.exchange_id <= $2 \
        AND NOT EXISTS (SELECT 1 FROM exchange e WHERE e.id = x.exchange_id) \
        AND NOT EXISTS (SELECT 1 FROM archive a WHERE a.exchange_id = x.exchange_id AND a.state = 'staging')";
    ARCHIVE_OF_NOTHING = "SELECT x.exchange_id FROM archive x WHERE x.exchange_id > $1 AND x.exchange_id <= $2 \
        AND x.state NOT IN ('spooling', 'staging') AND NOT EXISTS (SELECT 1 FROM exchange e WHERE e.id = x.exchange_id)";
    PIECE_OF_NOTHING = "SELECT x.exchange_id FROM archive_piece x WHERE x.exchange_id > $1 AND x.exchange_id <= $2 \
        AND NOT EXISTS (SELECT 1 FROM archive a WHERE a.exchange_id = x.exchange_id)";
    DOSSIER_OF_NOTHING = "SELECT x.exchange_id FROM exchange_dossier x WHERE x.exchange_id > $1 AND x.exchange_id <= $2 \
        AND NOT EXISTS (SELECT 1 FROM archive a WHERE a.exchange_id = x.exchange_id)";
    PIECES_MISSING = "SELECT a.exchange_id FROM archive a WHERE a.exchange_id > $1 AND a.exchange_id <= $2 \
        AND a.state IN ('accepted', 'partial') AND a.accepted <> \
        (SELECT count(*) FROM archive_piece p WHERE p.exchange_id = a.exchange_id AND p.state = 'accepted')";
    FILES_MISSING = "SELECT p.exchange_id FROM archive_piece p WHERE p.exchange_id > $1 AND p.exchange_id <= $2 \
        AND p.state = 'accepted' AND NOT EXISTS (SELECT 1 FROM document d WHERE d.piece_id = p.id)";
    RETURN_OF_NOTHING = "SELECT x.exchange_id FROM exchange_return x WHERE x.exchange_id > $1 AND x.exchange_id <= $2 \
        AND NOT EXISTS (SELECT 1 FROM exchange e WHERE e.id = x.exchange_id)";
    KEY_OF_NOTHING = "SELECT x.exchange_id FROM idempotency_key x WHERE x.exchange_id > $1 AND x.exchange_id <= $2 \
        AND NOT EXISTS (SELECT 1 FROM exchange e WHERE e.id = x.exchange_id)";
    ENTRY_OF_NOTHING = "SELECT x.exchange_id FROM journal x WHERE x.exchange_id > $1 AND x.exchange_id <= $2 \
        AND x.kind IN ('piece.received', 'archive.received', 'archive.refused') AND NOT EXISTS (SELECT 1 FROM exchange e WHERE e.id = x.exchange_id)";
}

/// Every check on rows.
const GAPS: &[(Gap, &str)] = &[
    (Gap::Receipt, NO_RECEIPT),
    (Gap::Content, NO_CONTENT),
    (Gap::Job, NO_JOB),
    (Gap::JournalEntry, NO_ENTRY),
    (Gap::Status, OTHER_STATUS),
    (Gap::Result, NO_RESULT),
    (Gap::DeliveryJob, NO_DELIVERY_JOB),
    (Gap::Acknowledgment, NO_ACKNOWLEDGMENT),
    (Gap::DeliveryJob, NO_RETURN_FILE),
    (Gap::Content, NO_RETURN_ARCHIVE),
    (Gap::Result, NO_PIECE_RESULT),
    (Gap::SecondReturn, SECOND_RETURN),
    (Gap::Remains, REMAINS),
    (Gap::Quarantine, NO_QUARANTINE),
    (Gap::Quarantine, NO_QUARANTINED_FILE),
    (Gap::Exchange, SCAN_OF_NOTHING),
    (Gap::Exchange, RECEIPT_OF_NOTHING),
    (Gap::Exchange, DOCUMENT_OF_NOTHING),
    (Gap::Exchange, ARCHIVE_OF_NOTHING),
    (Gap::Exchange, PIECE_OF_NOTHING),
    (Gap::Exchange, DOSSIER_OF_NOTHING),
    (Gap::Pieces, PIECES_MISSING),
    (Gap::Pieces, FILES_MISSING),
    (Gap::Exchange, RETURN_OF_NOTHING),
    (Gap::Exchange, KEY_OF_NOTHING),
    (Gap::Exchange, ENTRY_OF_NOTHING),
];

/// At most `limit` exchanges, from after `id`, in the order of their ids.
pub fn page(tx: &mut Tx<'_>, id: Uuid, limit: u32) -> Result<Vec<ExchangeRow>> {
    tx.query(PAGE, &params![id, limit])?
        .iter()
        .map(exchange)
        .collect()
}

/// The receipts of the exchanges after `after`, up to `upto`.
pub fn receipts(tx: &mut Tx<'_>, after: Uuid, upto: Uuid) -> Result<Vec<ReceiptRow>> {
    tx.query(RECEIPTS, &params![after, upto])?
        .iter()
        .map(receipt_row)
        .collect()
}

/// Exchange and entry of every reception in the range.
pub fn received(tx: &mut Tx<'_>, after: Uuid, upto: Uuid) -> Result<Vec<(Uuid, Uuid)>> {
    tx.query(RECEIVED, &params![after, upto])?
        .iter()
        .map(|row| Ok((row.get(0)?, row.get(1)?)))
        .collect()
}

/// What is missing in the range, and for which exchange.
pub fn gaps(tx: &mut Tx<'_>, after: Uuid, upto: Uuid) -> Result<Vec<(Gap, Uuid)>> {
    let mut found = Vec::new();
    for (gap, sql) in GAPS.iter().chain(hubee::inspection::GAPS) {
        for row in tx.query(sql, &params![after, upto])? {
            // Several rows may miss the same exchange.
            let pair = (*gap, row.get(0)?);
            if !found.contains(&pair) {
                found.push(pair);
            }
        }
    }
    Ok(found)
}

/// The exchange that a natural key stands for.
pub fn natural_key(tx: &mut Tx<'_>, digest: &Sha256) -> Result<Option<Uuid>> {
    tx.first(NATURAL_KEY, &params![digest])?
        .map(|row| row.get(0))
        .transpose()
}

/// A natural key, the exchange it names, and whether that is there.
pub type NaturalKey = (Sha256, Uuid, bool);

/// At most `limit` natural keys, from after `digest`.
pub fn natural_keys(tx: &mut Tx<'_>, digest: &Sha256, limit: u32) -> Result<Vec<NaturalKey>> {
    tx.query(NATURAL_KEYS, &params![digest, limit])?
        .iter()
        .map(|row| {
            Ok((
                row.get(0)?,
                row.get(1)?,
                row.get::<Option<Uuid>>(2)?.is_some(),
            ))
        })
        .collect()
}

/// How many exchanges and documents there are, for a progress bar.
pub fn counts(tx: &mut Tx<'_>) -> Result<(u64, u64)> {
    let mut count = |sql| tx.first(sql, &[])?.map_or(Ok(0), |row| row.get(0));
    Ok((count(EXCHANGE_COUNT)?, count(DOCUMENT_COUNT)?))
}
