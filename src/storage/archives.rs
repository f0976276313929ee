//! Archives that depots held; their dossiers and pieces are in [`super::archive_pieces`].
//!
//! A row of `archive` is written before the first byte is spooled; pieces and documents follow in batches, and nobody sees
//! them before the exchange itself is inserted. What a crash leaves of an archive that was never flipped is discarded, some
//! rows at a time ([`discard`]), by whoever holds the depot next.

use jiff::Timestamp;
use uuid::Uuid;

pub use super::archive_pieces::{
    DossierRow, PieceRow, claim_pieces, conflicts, dossiers, insert_dossier, insert_piece, pieces,
    refuse,
};
use super::{
    engine::{Row, Tx},
    exchanges::{Owner, owner},
};
use crate::{
    kernel::{clock::instant, digest::Sha256, fault::Result},
    params, statements,
};

/// A row of `archive`.
#[derive(Clone, Debug)]
pub struct ArchiveRow {
    /// Its exchange, which is there once the archive is visible.
    pub exchange_id: Uuid,
    /// Partner and environment.
    pub owner: Owner,
    /// The project of its flow.
    pub project: String,
    /// The depot that held it.
    pub depot: String,
    /// The flow that it came by.
    pub flow: String,
    /// The keyed hash of its file's name.
    pub name_hash: Sha256,
    /// Its file's name, sealed under the exchange's key; nothing before it is visible, and once it is purged.
    pub name: Option<Vec<u8>>,
    /// `spooling`, `staging`, then `accepted`, `partial` or `rejected`.
    pub state: String,
    /// What it is, told by its content.
    pub format: Option<String>,
    /// The blob that holds it as it came.
    pub container_id: Uuid,
    /// The blob that holds it unpacked, where its files cannot be read from it directly.
    pub unpacked_id: Option<Uuid>,
    /// How many pieces it has.
    pub pieces: u64,
    /// How many of them were accepted.
    pub accepted: u64,
    /// Who is taking it: the token of its depot's lease.
    pub token: Option<Uuid>,
    /// When it was begun.
    pub began_at: Timestamp,
    /// When its receipt stood on the depot.
    pub receipted_at: Option<Timestamp>,
    /// When its source had left the depot's path.
    pub left_at: Option<Timestamp>,
}

/// What is written of an archive when it becomes visible.
#[derive(Clone, Debug)]
pub struct Finish {
    /// The exchange.
    pub exchange_id: Uuid,
    /// `accepted`, `partial` or `rejected`.
    pub state: &'static str,
    /// The file's name, sealed.
    pub name: Vec<u8>,
    /// Its format, where it could be told.
    pub format: Option<String>,
    /// How many pieces it has.
    pub pieces: u64,
    /// How many were accepted.
    pub accepted: u64,
}

statements! {
    BEGIN = "INSERT INTO archive (exchange_id, partner, environment, project, depot, flow, name_hash, name, state, format, \
        container_id, unpacked_id, pieces, accepted, token, began_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
    STAGING = "UPDATE archive SET state = 'staging', unpacked_id = $1 WHERE exchange_id = $2 AND token = $3";
    FINISH = "UPDATE archive SET state = $1, name = $2, format = $3, pieces = $4, accepted = $5, token = NULL \
        WHERE exchange_id = $6 AND state IN ('spooling', 'staging')";
    FIND = "SELECT exchange_id, partner, environment, project, depot, flow, name_hash, name, state, format, container_id, \
        unpacked_id, pieces, accepted, token, began_at, receipted_at, left_at FROM archive WHERE exchange_id = $1";
    UNFINISHED = "SELECT exchange_id, partner, environment, project, depot, flow, name_hash, name, state, format, container_id, \
        unpacked_id, pieces, accepted, token, began_at, receipted_at, left_at FROM archive \
        WHERE depot = $1 AND state IN ('spooling', 'staging') ORDER BY exchange_id LIMIT 1000";
    SPOOLED = "SELECT container_id, unpacked_id FROM archive WHERE state IN ('spooling', 'staging')";
    LIST = "SELECT exchange_id, partner, environment, project, depot, flow, name_hash, name, state, format, container_id, \
        unpacked_id, pieces, accepted, token, began_at, receipted_at, left_at FROM archive \
        WHERE ($1 = '' OR depot = $1) AND ($2 = '' OR project = $2) AND ($3 = '' OR state = $3) AND exchange_id < $4 \
        ORDER BY exchange_id DESC LIMIT $5";
    UNPACKED = "UPDATE archive SET unpacked_id = $1 WHERE exchange_id = $2 AND token = $3";
    RECEIPTED = "UPDATE archive SET receipted_at = $1 WHERE exchange_id = $2 AND receipted_at IS NULL";
    LEFT = "UPDATE archive SET left_at = $1 WHERE exchange_id = $2 AND left_at IS NULL";
    DISCARD_DOCUMENTS = "DELETE FROM document WHERE id IN (SELECT id FROM document WHERE exchange_id = $1 LIMIT $2)";
    DISCARD_PIECES = "DELETE FROM archive_piece WHERE id IN (SELECT id FROM archive_piece WHERE exchange_id = $1 LIMIT $2)";
    DISCARD_SCANS = "DELETE FROM scan WHERE document_id IN (SELECT document_id FROM scan WHERE exchange_id = $1 LIMIT $2)";
    DISCARD_DOSSIERS = "DELETE FROM exchange_dossier WHERE exchange_id = $1 AND ordinal IN \
        (SELECT ordinal FROM exchange_dossier WHERE exchange_id = $1 LIMIT $2)";
    HOLD = "UPDATE archive SET token = token WHERE exchange_id = $1 AND state IN ('spooling', 'staging')";
    DISCARD_ARCHIVE = "DELETE FROM archive WHERE exchange_id = $1 AND state IN ('spooling', 'staging')";
    SAME = "SELECT e.id FROM exchange e WHERE e.sha256 = $1 AND e.project = $2 AND e.kind <> 'piece' \
        AND e.status NOT IN ('refused', 'purged') ORDER BY e.id LIMIT 1";
    OF_KEY = "SELECT e.id FROM natural_key n JOIN exchange e ON e.id = n.exchange_id WHERE n.digest = $1 \
        AND e.status NOT IN ('refused', 'purged')";
    ANSWERED = "UPDATE exchange_return SET state = 'delivered', attempts = 1, acknowledged_at = $1 WHERE exchange_id = $2 \
        AND outcome = 'rejected' AND acknowledged_at IS NULL";
    VISIBLE = "SELECT 1 FROM exchange WHERE id = $1";
}

/// Notes that an archive is being taken.
pub fn begin(tx: &mut Tx<'_>, archive: &ArchiveRow) -> Result<()> {
    let a = archive.clone();
    let values = params![
        a.exchange_id,
        a.owner.partner,
        a.owner.environment,
        a.project,
        a.depot,
        a.flow,
        a.name_hash,
        a.name,
        a.state,
        a.format,
        a.container_id,
        a.unpacked_id,
        a.pieces,
        a.accepted,
        a.token,
        a.began_at
    ];
    tx.execute(BEGIN, &values).map(drop)
}

/// Notes that an archive's pieces are being staged; `false` where somebody else has discarded it.
pub fn staging(
    tx: &mut Tx<'_>,
    exchange: Uuid,
    unpacked: Option<Uuid>,
    token: Uuid,
) -> Result<bool> {
    Ok(tx.execute(STAGING, &params![unpacked, exchange, token])? == 1)
}

/// Notes the blob that an archive is unpacked into, before its first byte; `false` where somebody else has discarded it.
pub fn unpacking(tx: &mut Tx<'_>, exchange: Uuid, blob: Uuid, token: Uuid) -> Result<bool> {
    Ok(tx.execute(UNPACKED, &params![blob, exchange, token])? == 1)
}

/// Writes the end of an archive's taking; `false` where it is not being taken any more.
pub fn finish(tx: &mut Tx<'_>, end: &Finish) -> Result<bool> {
    let e = end.clone();
    let values = params![
        e.state,
        e.name,
        e.format,
        e.pieces,
        e.accepted,
        e.exchange_id
    ];
    Ok(tx.execute(FINISH, &values)? == 1)
}

/// Notes that an archive's receipt stands on its depot; a first one stays.
pub fn receipted(tx: &mut Tx<'_>, exchange: Uuid, at: Timestamp) -> Result<()> {
    tx.execute(RECEIPTED, &params![at, exchange]).map(drop)
}

/// Notes that an archive's source has left its depot's path.
pub fn left(tx: &mut Tx<'_>, exchange: Uuid, at: Timestamp) -> Result<()> {
    tx.execute(LEFT, &params![at, exchange]).map(drop)
}

/// The archive of that exchange.
pub fn find(tx: &mut Tx<'_>, exchange: Uuid) -> Result<Option<ArchiveRow>> {
    let row = tx.first(FIND, &params![exchange])?;
    row.as_ref().map(archive).transpose()
}

/// Archives of a depot whose taking was begun and has not ended.
pub fn unfinished(tx: &mut Tx<'_>, depot: &str) -> Result<Vec<ArchiveRow>> {
    let rows = tx.query(UNFINISHED, &params![depot])?;
    rows.iter().map(archive).collect()
}

/// The blobs of all archives that are being taken.
pub fn spooled(tx: &mut Tx<'_>) -> Result<Vec<Uuid>> {
    let mut blobs = Vec::new();
    for row in tx.query(SPOOLED, &[])? {
        blobs.push(row.get(0)?);
        blobs.extend(row.get::<Option<Uuid>>(1)?);
    }
    Ok(blobs)
}

/// At most `limit` archives, newest first, older than `before`; of one depot, project or state, or (empty texts) of all.
pub fn list(
    tx: &mut Tx<'_>,
    (depot, project, state): (&str, &str, &str),
    before: Uuid,
    limit: u32,
) -> Result<Vec<ArchiveRow>> {
    let rows = tx.query(LIST, &params![depot, project, state, before, limit])?;
    rows.iter().map(archive).collect()
}

/// What became of an archive that was to be discarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discarded {
    /// It has more rows.
    NotYet,
    /// Nothing is left of it, and its blobs are nobody's.
    Gone,
    /// It is visible or refused, or another has discarded it: it was left alone.
    Kept,
}

/// Takes out at most `limit` rows of each kind of an archive that is being taken, then the archive itself. A transaction
/// that makes it visible meanwhile is waited for.
pub fn discard(tx: &mut Tx<'_>, exchange: Uuid, limit: u32) -> Result<Discarded> {
    if tx.execute(HOLD, &params![exchange])? == 0 {
        return Ok(Discarded::Kept);
    }
    if unstage(tx, exchange, limit)? > 0 {
        return Ok(Discarded::NotYet);
    }
    tx.execute(DISCARD_ARCHIVE, &params![exchange])?;
    Ok(Discarded::Gone)
}

/// Takes out at most `limit` staged rows of each kind of an archive that is not visible; answers how many they were.
pub fn unstage(tx: &mut Tx<'_>, exchange: Uuid, limit: u32) -> Result<u64> {
    if tx.first(VISIBLE, &params![exchange])?.is_some() {
        return Ok(0);
    }
    let mut gone = 0;
    for sql in [
        DISCARD_SCANS,
        DISCARD_DOCUMENTS,
        DISCARD_PIECES,
        DISCARD_DOSSIERS,
    ] {
        gone += tx.execute(sql, &params![exchange, limit])?;
    }
    Ok(gone)
}

/// The archive of these bytes that a project has accepted.
pub fn same(tx: &mut Tx<'_>, sha256: &Sha256, project: &str) -> Result<Option<Uuid>> {
    let row = tx.first(SAME, &params![sha256, project])?;
    row.map(|row| row.get(0)).transpose()
}

/// The accepted archive that has claimed a natural key.
pub fn of_key(tx: &mut Tx<'_>, digest: &Sha256) -> Result<Option<Uuid>> {
    let row = tx.first(OF_KEY, &params![digest])?;
    row.map(|row| row.get(0)).transpose()
}

/// Notes that a refused archive's negative receipt, its one return, stands on its depot.
pub fn answered(tx: &mut Tx<'_>, exchange: Uuid, at: Timestamp) -> Result<()> {
    tx.execute(ANSWERED, &params![at, exchange]).map(drop)
}

fn archive(row: &Row) -> Result<ArchiveRow> {
    Ok(ArchiveRow {
        exchange_id: row.get(0)?,
        owner: owner(row, 1)?,
        project: row.get(3)?,
        depot: row.get(4)?,
        flow: row.get(5)?,
        name_hash: row.get(6)?,
        name: row.get(7)?,
        state: row.get(8)?,
        format: row.get(9)?,
        container_id: row.get(10)?,
        unpacked_id: row.get(11)?,
        pieces: row.get(12)?,
        accepted: row.get(13)?,
        token: row.get(14)?,
        began_at: instant(row.get(15)?),
        receipted_at: row.get::<Option<i64>>(16)?.map(instant),
        left_at: row.get::<Option<i64>>(17)?.map(instant),
    })
}
