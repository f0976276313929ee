//! The dossiers and pieces of archives, staged in batches before anybody sees them.

use uuid::Uuid;

use super::{
    engine::{Prepared, Row, Tx},
    exchanges::{Owner, owner},
};
use crate::{
    kernel::{digest::Sha256, fault::Result},
    params, statements,
};

/// A row of `exchange_dossier`.
#[derive(Clone, Debug)]
pub struct DossierRow {
    /// The exchange.
    pub exchange_id: Uuid,
    /// Its place in the manifest, from 0.
    pub ordinal: u32,
    /// Partner and environment.
    pub owner: Owner,
    /// The keyed hash of the dossier id.
    pub dossier_hash: Sha256,
    /// The iteration, from 1.
    pub iteration: u32,
    /// Id, iteration and business data, sealed under the exchange's key.
    pub metadata: Vec<u8>,
}

/// A row of `archive_piece`.
#[derive(Clone, Debug)]
pub struct PieceRow {
    /// The piece's id.
    pub id: Uuid,
    /// The archive's exchange.
    pub exchange_id: Uuid,
    /// Partner and environment.
    pub owner: Owner,
    /// Its place in the manifest, from 0.
    pub ordinal: u32,
    /// The place of its dossier.
    pub dossier: u32,
    /// What makes it the same piece wherever it comes from.
    pub natural_key: Sha256,
    /// Its content: its file's digest, or one over those of its files.
    pub sha256: Sha256,
    /// `accepted` or `refused`.
    pub state: String,
    /// Its part of the manifest, sealed under the exchange's key.
    pub metadata: Vec<u8>,
    /// What its processing came to, once it was processed.
    pub outcome: Option<String>,
    /// Its results, sealed under the exchange's key.
    pub result: Option<Vec<u8>>,
}

statements! {
    INSERT_DOSSIER = "INSERT INTO exchange_dossier (exchange_id, ordinal, partner, environment, dossier_hash, iteration, metadata) \
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    INSERT_PIECE = "INSERT INTO archive_piece (id, exchange_id, partner, environment, ordinal, dossier, natural_key, sha256, \
        state, metadata) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    DOSSIERS = "SELECT exchange_id, ordinal, partner, environment, dossier_hash, iteration, metadata FROM exchange_dossier \
        WHERE exchange_id = $1 AND ordinal > $2 ORDER BY ordinal LIMIT $3";
    PIECES = "SELECT id, exchange_id, partner, environment, ordinal, dossier, natural_key, sha256, state, metadata, outcome, \
        result FROM archive_piece WHERE exchange_id = $1 AND ordinal > $2 ORDER BY ordinal LIMIT $3";
    CLAIM_PIECES = "INSERT INTO natural_key (digest, exchange_id, sha256) SELECT natural_key, exchange_id, sha256 \
        FROM archive_piece WHERE exchange_id = $1 AND state = 'accepted' ON CONFLICT (digest) DO NOTHING";
    CONFLICTS = "SELECT p.id, p.ordinal FROM archive_piece p JOIN natural_key n ON n.digest = p.natural_key \
        WHERE p.exchange_id = $1 AND p.state = 'accepted' AND n.sha256 <> p.sha256 ORDER BY p.ordinal LIMIT $2";
    ANY_CONFLICT = "SELECT 1 FROM archive_piece p JOIN natural_key n ON n.digest = p.natural_key \
        WHERE p.exchange_id = $1 AND p.state = 'accepted' AND n.sha256 <> p.sha256 LIMIT 1";
    REFUSE = "UPDATE archive_piece SET state = 'refused' WHERE id = $1";
}

/// The statement that inserts a dossier, for a batch.
pub fn insert_dossier(dossier: &DossierRow) -> Prepared {
    let d = dossier.clone();
    let values = params![
        d.exchange_id,
        d.ordinal,
        d.owner.partner,
        d.owner.environment,
        d.dossier_hash,
        d.iteration,
        d.metadata
    ];
    (INSERT_DOSSIER, values.into())
}

/// The statement that inserts a piece, for a batch.
pub fn insert_piece(piece: &PieceRow) -> Prepared {
    let p = piece.clone();
    let values = params![
        p.id,
        p.exchange_id,
        p.owner.partner,
        p.owner.environment,
        p.ordinal,
        p.dossier,
        p.natural_key,
        p.sha256,
        p.state,
        p.metadata
    ];
    (INSERT_PIECE, values.into())
}

/// Has the accepted pieces' natural keys stand for this exchange, where they stand for none; `false` where one of them
/// stands for another content.
pub fn claim_pieces(tx: &mut Tx<'_>, exchange: Uuid, accepted: u64) -> Result<bool> {
    if tx.execute(CLAIM_PIECES, &params![exchange])? == accepted {
        return Ok(true);
    }
    Ok(tx.first(ANY_CONFLICT, &params![exchange])?.is_none())
}

/// At most `limit` accepted pieces whose natural key stands for another content: ids and places.
pub fn conflicts(tx: &mut Tx<'_>, exchange: Uuid, limit: u32) -> Result<Vec<(Uuid, u32)>> {
    let rows = tx.query(CONFLICTS, &params![exchange, limit])?;
    let read = rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?)));
    read.collect()
}

/// Refuses pieces that were staged as accepted.
pub fn refuse(tx: &mut Tx<'_>, pieces: &[Uuid]) -> Result<()> {
    let values: Vec<_> = pieces.iter().map(|id| params![*id]).collect();
    let statements: Vec<_> = values.iter().map(|id| (REFUSE, &id[..])).collect();
    tx.batch(&statements)
}

/// At most `limit` dossiers of an archive, from after that place (-1 for the first).
pub fn dossiers(
    tx: &mut Tx<'_>,
    exchange: Uuid,
    after: i64,
    limit: u32,
) -> Result<Vec<DossierRow>> {
    let rows = tx.query(DOSSIERS, &params![exchange, after, limit])?;
    let read = rows.iter().map(|row| {
        Ok(DossierRow {
            exchange_id: row.get(0)?,
            ordinal: row.get(1)?,
            owner: owner(row, 2)?,
            dossier_hash: row.get(4)?,
            iteration: row.get(5)?,
            metadata: row.get(6)?,
        })
    });
    read.collect()
}

/// At most `limit` pieces of an archive, from after that place (-1 for the first).
pub fn pieces(tx: &mut Tx<'_>, exchange: Uuid, after: i64, limit: u32) -> Result<Vec<PieceRow>> {
    let rows = tx.query(PIECES, &params![exchange, after, limit])?;
    rows.iter().map(piece).collect()
}

pub(super) fn piece(row: &Row) -> Result<PieceRow> {
    Ok(PieceRow {
        id: row.get(0)?,
        exchange_id: row.get(1)?,
        owner: owner(row, 2)?,
        ordinal: row.get(4)?,
        dossier: row.get(5)?,
        natural_key: row.get(6)?,
        sha256: row.get(7)?,
        state: row.get(8)?,
        metadata: row.get(9)?,
        outcome: row.get(10)?,
        result: row.get(11)?,
    })
}
