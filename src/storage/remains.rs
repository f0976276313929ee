//! What a purge leaves to do of a large archive, emptied slice by slice: its pieces with their documents, and its dossiers.
//!
//! The exchange is purged before ([`super::purging`]), in one transaction that marks the archive by the run's id in `token`,
//! where nothing else stands once an archive was taken. The last slice takes the mark away.

use jiff::Timestamp;
use uuid::Uuid;

use super::engine::Tx;
use crate::{kernel::fault::Result, params, statements};

statements! {
    MARKED = "SELECT exchange_id FROM archive WHERE token IS NOT NULL AND state NOT IN ('spooling', 'staging') \
        ORDER BY exchange_id LIMIT $1";
    LAST_PIECE = "SELECT max(ordinal) FROM archive_piece WHERE exchange_id = $1";
    LAST_DOSSIER = "SELECT max(ordinal) FROM exchange_dossier WHERE exchange_id = $1";
    DROP_KEYS = "DELETE FROM natural_key WHERE exchange_id = $1 AND digest IN (SELECT natural_key FROM archive_piece \
        WHERE exchange_id = $1 AND ordinal >= $2 AND ordinal < $3)";
    QUEUE_BLOBS = "INSERT INTO blob_removal (document_id, purge_id, partner, environment, queued_at) \
        SELECT d.id, $1, d.partner, d.environment, $2 FROM archive_piece p JOIN document d ON d.piece_id = p.id \
        WHERE p.exchange_id = $3 AND p.ordinal >= $4 AND p.ordinal < $5 AND d.container_id IS NULL AND d.purged_at IS NULL";
    EMPTY_DOCUMENTS = "UPDATE document SET purged_at = $1, wrapped_key = $2, file_name = NULL WHERE purged_at IS NULL AND piece_id IN \
        (SELECT id FROM archive_piece WHERE exchange_id = $3 AND ordinal >= $4 AND ordinal < $5)";
    EMPTY_PIECES = "UPDATE archive_piece SET metadata = $1, result = NULL WHERE exchange_id = $2 AND ordinal >= $3 AND ordinal < $4";
    EMPTY_DOSSIERS = "UPDATE exchange_dossier SET metadata = $1 WHERE exchange_id = $2 AND ordinal >= $3 AND ordinal < $4";
    DONE = "UPDATE archive SET token = NULL WHERE exchange_id = $1 AND state NOT IN ('spooling', 'staging')";
}

/// At most `limit` archives that were purged and are not emptied yet.
pub fn marked(tx: &mut Tx<'_>, limit: u32) -> Result<Vec<Uuid>> {
    let rows = tx.query(MARKED, &params![limit])?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// How many places an archive's pieces and dossiers take.
pub fn extent(tx: &mut Tx<'_>, archive: Uuid) -> Result<i64> {
    let mut extent = 0;
    for last in [LAST_PIECE, LAST_DOSSIER] {
        let row = tx.first(last, &params![archive])?;
        let last: Option<i64> = row.map_or(Ok(None), |row| row.get(0))?;
        extent = extent.max(last.map_or(0, |last| last + 1));
    }
    Ok(extent)
}

/// Empties the pieces and dossiers at the places from `from` up to before `to`, for the run `run`. Their blobs are queued
/// before their rows die.
pub fn empty(
    tx: &mut Tx<'_>,
    (run, at): (Uuid, Timestamp),
    archive: Uuid,
    (from, to): (i64, i64),
) -> Result<()> {
    tx.execute(DROP_KEYS, &params![archive, from, to])?;
    tx.execute(QUEUE_BLOBS, &params![run, at, archive, from, to])?;
    tx.execute(EMPTY_DOCUMENTS, &params![at, Vec::new(), archive, from, to])?;
    tx.execute(EMPTY_PIECES, &params![Vec::new(), archive, from, to])?;
    tx.execute(EMPTY_DOSSIERS, &params![Vec::new(), archive, from, to])
        .map(drop)
}

/// Notes that nothing is left of an archive.
pub fn done(tx: &mut Tx<'_>, archive: Uuid) -> Result<()> {
    tx.execute(DONE, &params![archive]).map(drop)
}
