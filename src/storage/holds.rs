//! Legal holds: dossiers that are not purged, whatever their term.

use jiff::Timestamp;
use uuid::Uuid;

use super::engine::{Row, Tx};
use crate::{
    kernel::{clock::instant, digest::Sha256, fault::Result},
    params, statements,
};

/// A row of `legal_hold`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldRow {
    /// Its id.
    pub id: Uuid,
    /// The environment.
    pub environment: String,
    /// The project.
    pub project: String,
    /// The keyed hash of the dossier's id.
    pub dossier_hash: Sha256,
    /// Why, as the operator said.
    pub reason: String,
    /// Who added it.
    pub added_by: String,
    /// When.
    pub added_at: Timestamp,
    /// Why, by whom and when it was lifted.
    pub lifted: Option<(Timestamp, String, String)>,
}

statements! {
    INSERT = "INSERT INTO legal_hold (id, environment, project, dossier_hash, reason, added_by, added_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
    IN_FORCE = "SELECT id, environment, project, dossier_hash, reason, added_by, added_at, lifted_at, lifted_by, lifted_reason \
        FROM legal_hold WHERE project = $1 AND dossier_hash = $2 AND lifted_at IS NULL";
    LIFT = "UPDATE legal_hold SET lifted_at = $1, lifted_by = $2, lifted_reason = $3 WHERE id = $4 AND lifted_at IS NULL";
    LIST = "SELECT id, environment, project, dossier_hash, reason, added_by, added_at, lifted_at, lifted_by, lifted_reason \
        FROM legal_hold WHERE ($1 = '' OR project = $1) AND ($2 OR lifted_at IS NULL) ORDER BY added_at, id LIMIT $3";
    SOME_EXCHANGE = "SELECT id FROM exchange WHERE project = $1 AND status <> 'purged' AND (dossier_hash = $2 \
        OR id IN (SELECT exchange_id FROM exchange_dossier WHERE dossier_hash = $2)) ORDER BY id DESC LIMIT 1";
    COUNT_EXCHANGES = "SELECT count(*) FROM exchange WHERE project = $1 AND status <> 'purged' AND (dossier_hash = $2 \
        OR id IN (SELECT exchange_id FROM exchange_dossier WHERE dossier_hash = $2))";
    ITS_DOSSIER = "SELECT metadata FROM exchange_dossier WHERE exchange_id = $1 AND dossier_hash = $2 LIMIT 1";
    KEEPS = "SELECT 1 FROM exchange e JOIN legal_hold h ON h.project = e.project AND h.dossier_hash = e.dossier_hash \
        WHERE e.id = $1 AND h.lifted_at IS NULL";
    STAND_STILL = "INSERT INTO lease (name, token, until) VALUES ('purge', $1, 0) ON CONFLICT (name) DO UPDATE \
        SET until = lease.until";
}

/// Waits for the end of a purge's transaction, and keeps the next from beginning until this one ends: what is put on hold
/// in it is either purged before, or not at all.
pub fn between_purges(tx: &mut Tx<'_>) -> Result<()> {
    tx.execute(STAND_STILL, &params![Uuid::nil()]).map(drop)
}

/// Adds a hold; `false` where the dossier is on hold already.
pub fn insert(tx: &mut Tx<'_>, hold: &HoldRow) -> Result<bool> {
    let h = hold.clone();
    let values = params![
        h.id,
        h.environment,
        h.project,
        h.dossier_hash,
        h.reason,
        h.added_by,
        h.added_at
    ];
    Ok(tx.execute(INSERT, &values)? == 1)
}

/// The hold that a dossier is under.
pub fn in_force(tx: &mut Tx<'_>, project: &str, dossier: &Sha256) -> Result<Option<HoldRow>> {
    let row = tx.first(IN_FORCE, &params![project, dossier])?;
    row.as_ref().map(hold).transpose()
}

/// Whether a folder's dossier is on hold.
pub fn keeps_folder(tx: &mut Tx<'_>, id: Uuid) -> Result<bool> {
    Ok(tx.first(KEEPS, &params![id])?.is_some())
}

/// Lifts a hold; `false` where it was lifted before.
pub fn lift(tx: &mut Tx<'_>, id: Uuid, at: Timestamp, by: &str, reason: &str) -> Result<bool> {
    Ok(tx.execute(LIFT, &params![at, by, reason, id])? == 1)
}

/// At most `limit` holds, oldest first, of one project or (an empty text) of all; the lifted ones too where asked for.
pub fn list(tx: &mut Tx<'_>, project: &str, lifted: bool, limit: u32) -> Result<Vec<HoldRow>> {
    let rows = tx.query(LIST, &params![project, lifted, limit])?;
    rows.iter().map(hold).collect()
}

/// How many exchanges of a dossier are kept, and the newest of them.
pub fn exchanges(tx: &mut Tx<'_>, project: &str, dossier: &Sha256) -> Result<(u64, Option<Uuid>)> {
    let count = tx
        .first(COUNT_EXCHANGES, &params![project, dossier])?
        .map_or(Ok(0), |row| row.get(0))?;
    let newest = tx.first(SOME_EXCHANGE, &params![project, dossier])?;
    Ok((count, newest.map(|row| row.get(0)).transpose()?))
}

/// What an archive says of one of its dossiers, sealed.
pub fn dossier(tx: &mut Tx<'_>, exchange: Uuid, dossier: &Sha256) -> Result<Option<Vec<u8>>> {
    tx.first(ITS_DOSSIER, &params![exchange, dossier])?
        .map(|row| row.get(0))
        .transpose()
}

fn hold(row: &Row) -> Result<HoldRow> {
    let (at, by): (Option<i64>, Option<String>) = (row.get(7)?, row.get(8)?);
    let reason: Option<String> = row.get(9)?;
    let lifted = at.map(|at| {
        (
            instant(at),
            by.unwrap_or_default(),
            reason.unwrap_or_default(),
        )
    });
    Ok(HoldRow {
        id: row.get(0)?,
        environment: row.get(1)?,
        project: row.get(2)?,
        dossier_hash: row.get(3)?,
        reason: row.get(4)?,
        added_by: row.get(5)?,
        added_at: instant(row.get(6)?),
        lifted,
    })
}
