//! What the processing of an archive's pieces came to, written some pieces at a time, so that a restart goes on where it was.

use uuid::Uuid;

use super::{
    archive_pieces::{PieceRow, piece},
    engine::{Prepared, Tx},
};
use crate::{kernel::fault::Result, params, statements};

/// How many pieces came to each outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// No adverse control.
    pub processed: u64,
    /// Adverse controls, none of them blocking.
    pub partial: u64,
    /// At least one adverse control that blocks.
    pub unprocessable: u64,
}

impl Tally {
    /// Every piece that was processed.
    pub fn all(self) -> u64 {
        self.processed + self.partial + self.unprocessable
    }
}

statements! {
    PENDING = "SELECT id, exchange_id, partner, environment, ordinal, dossier, natural_key, sha256, state, metadata, outcome, \
        result FROM archive_piece WHERE exchange_id = $1 AND state = 'accepted' AND outcome IS NULL ORDER BY ordinal LIMIT $2";
    ACCEPTED = "SELECT id, exchange_id, partner, environment, ordinal, dossier, natural_key, sha256, state, metadata, outcome, \
        result FROM archive_piece WHERE exchange_id = $1 AND state = 'accepted' AND ordinal > $2 ORDER BY ordinal LIMIT $3";
    SETTLE = "UPDATE archive_piece SET outcome = $1, result = $2 WHERE id = $3";
    FORGET = "UPDATE archive_piece SET outcome = NULL, result = NULL WHERE exchange_id = $1";
    FORGET_PRODUCED = "DELETE FROM document WHERE exchange_id = $1 AND role = 'produced'";
    TALLY = "SELECT outcome, count(*) FROM archive_piece WHERE exchange_id = $1 AND state = 'accepted' GROUP BY outcome";
    PRODUCED = "SELECT CAST(COALESCE(sum(size), 0) AS bigint) FROM document WHERE exchange_id = $1 AND role = 'produced'";
}

/// At most `limit` accepted pieces that were not processed yet, in their order.
pub fn pending(tx: &mut Tx<'_>, exchange: Uuid, limit: u32) -> Result<Vec<PieceRow>> {
    let rows = tx.query(PENDING, &params![exchange, limit])?;
    rows.iter().map(piece).collect()
}

/// At most `limit` accepted pieces from after place `after` (-1: from the first), in their order.
pub fn accepted(tx: &mut Tx<'_>, exchange: Uuid, after: i64, limit: u32) -> Result<Vec<PieceRow>> {
    let rows = tx.query(ACCEPTED, &params![exchange, after, limit])?;
    rows.iter().map(piece).collect()
}

/// The statement that keeps what a piece came to, for a batch.
pub fn settle(piece: Uuid, outcome: &str, result: Vec<u8>) -> Prepared {
    (SETTLE, params![outcome, result, piece].into())
}

/// Forgets what the processing of an archive's pieces came to, so that all are processed again. The blobs of what was produced
/// are swept.
pub fn forget(tx: &mut Tx<'_>, exchange: Uuid) -> Result<()> {
    tx.execute(FORGET, &params![exchange])?;
    tx.execute(FORGET_PRODUCED, &params![exchange]).map(drop)
}

/// What the accepted pieces came to, and the bytes of what was produced from them.
pub fn tally(tx: &mut Tx<'_>, exchange: Uuid) -> Result<(Tally, u64)> {
    let mut tally = Tally::default();
    for row in tx.query(TALLY, &params![exchange])? {
        let count: u64 = row.get(1)?;
        match row.get::<Option<String>>(0)?.as_deref() {
            Some("processed") => tally.processed = count,
            Some("partial") => tally.partial = count,
            Some("unprocessable") => tally.unprocessable = count,
            _ => {}
        }
    }
    let bytes = tx.first(PRODUCED, &params![exchange])?;
    Ok((tally, bytes.map_or(Ok(0), |row| row.get(0))?))
}
