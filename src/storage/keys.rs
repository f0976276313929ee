//! The projects' keys, each wrapped by the master key.

use std::collections::BTreeSet;

use jiff::Timestamp;
use uuid::Uuid;

use super::engine::Tx;
use crate::{kernel::fault::Result, params, statements};

statements! {
    INSERT = "INSERT INTO project_key (id, project, purpose, wrapped, created_at) VALUES ($1, $2, $3, $4, $5) \
        ON CONFLICT (project, purpose) DO NOTHING";
    OF_DAYS = "SELECT id, project, purpose FROM project_key WHERE purpose LIKE 'day/%' AND destroyed_at IS NULL ORDER BY id";
    ALL_DESTROYED = "SELECT id FROM project_key WHERE destroyed_at IS NOT NULL";
    DESTROYED = "UPDATE project_key SET destroyed_at = $1 WHERE id = $2";
    EXCHANGES_UNDER = "SELECT e.id, e.key_id = $1, EXISTS (SELECT 1 FROM exchange_return r WHERE r.exchange_id = e.id AND r.acknowledged_at < $2 \
        AND r.state = 'delivered' AND NOT EXISTS (SELECT 1 FROM job j WHERE j.subject IN (r.id, e.id))) \
        AND NOT EXISTS (SELECT 1 FROM incident i WHERE i.exchange_id = e.id AND i.state <> 'resolved') \
        AND NOT EXISTS (SELECT 1 FROM depot_file f WHERE f.exchange_id = e.id) \
        AND NOT EXISTS (SELECT 1 FROM legal_hold h WHERE h.project = e.project AND h.lifted_at IS NULL AND (h.dossier_hash = e.dossier_hash \
        OR h.dossier_hash IN (SELECT x.dossier_hash FROM exchange_dossier x WHERE x.exchange_id = e.id))) \
        FROM exchange e WHERE e.id > $3 AND e.purged_at IS NULL AND e.id IN (SELECT x.id FROM exchange x WHERE x.key_id = $1 \
        AND x.purged_at IS NULL UNION SELECT d.exchange_id FROM document d WHERE d.key_id = $1 AND d.purged_at IS NULL \
        AND d.container_id IS NULL) ORDER BY e.id LIMIT $4";
    EXCHANGES_WRAPPED = "SELECT id, wrapped_key FROM exchange WHERE id > $1 AND key_id = $2 AND purged_at IS NULL ORDER BY id LIMIT $3";
    DOCUMENTS_WRAPPED = "SELECT id, wrapped_key FROM document WHERE id > $1 AND key_id = $2 AND purged_at IS NULL \
        AND container_id IS NULL ORDER BY id LIMIT $3";
    EXCHANGE_ANEW = "UPDATE exchange SET wrapped_key = $1, key_id = $2 WHERE id = $3 AND key_id = $4 AND purged_at IS NULL";
    DOCUMENT_ANEW = "UPDATE document SET wrapped_key = $1, key_id = $2 WHERE id = $3 AND key_id = $4 AND purged_at IS NULL";
    ANY_EXCHANGE_USES = "SELECT 1 FROM exchange WHERE key_id = $1 AND purged_at IS NULL LIMIT 1";
    ANY_DOCUMENT_USES = "SELECT 1 FROM document WHERE key_id = $1 AND purged_at IS NULL AND container_id IS NULL LIMIT 1";
    FIND = "SELECT id, wrapped FROM project_key WHERE project = $1 AND purpose = $2";
}

/// Keeps a key, unless the project has one for that purpose.
pub fn insert(
    tx: &mut Tx<'_>,
    id: Uuid,
    project: &str,
    purpose: &str,
    wrapped: &[u8],
    at: Timestamp,
) -> Result<()> {
    tx.execute(INSERT, &params![id, project, purpose, wrapped, at])
        .map(drop)
}

/// A project's key of one day.
#[derive(Clone, Debug)]
pub struct DayKey {
    /// Its id.
    pub id: Uuid,
    /// The project.
    pub project: String,
    /// `day/` and the day's number.
    pub purpose: String,
}

/// Every daily key that is not destroyed, oldest first.
pub fn of_days(tx: &mut Tx<'_>) -> Result<Vec<DayKey>> {
    tx.query(OF_DAYS, &[])?
        .iter()
        .map(|row| {
            Ok(DayKey {
                id: row.get(0)?,
                project: row.get(1)?,
                purpose: row.get(2)?,
            })
        })
        .collect()
}

/// Notes that a daily key is destroyed.
pub fn destroyed(tx: &mut Tx<'_>, id: Uuid, at: Timestamp) -> Result<()> {
    tx.execute(DESTROYED, &params![at, id]).map(drop)
}

/// The ids of all daily keys that were destroyed.
pub fn all_destroyed(tx: &mut Tx<'_>) -> Result<BTreeSet<Uuid>> {
    let rows = tx.query(ALL_DESTROYED, &[])?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// An exchange that needs a key, or of which a file does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Under {
    /// Its id.
    pub id: Uuid,
    /// Whether all of it does, and not files alone, which have the key of the day that they came on.
    pub is_whole: bool,
    /// Whether it was acknowledged before its term's cutoff, and no hold, incident or work keeps it: a purge would have taken it.
    pub is_due: bool,
}

/// At most `limit` exchanges that need the key, from after `after`; `cutoff` is that of their project's term.
pub fn exchanges_under(
    tx: &mut Tx<'_>,
    id: Uuid,
    cutoff: Timestamp,
    after: Uuid,
    limit: u32,
) -> Result<Vec<Under>> {
    let rows = tx.query(EXCHANGES_UNDER, &params![id, cutoff, after, limit])?;
    let read = rows.iter().map(|row| {
        Ok(Under {
            id: row.get(0)?,
            is_whole: row.get(1)?,
            is_due: row.get(2)?,
        })
    });
    read.collect()
}

/// A row's own key, as it is wrapped.
#[derive(Clone, Debug)]
pub struct Wrapped {
    /// The row.
    pub id: Uuid,
    /// Its key.
    pub wrapped_key: Vec<u8>,
}

/// The tables whose rows have a wrapped key of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrappedIn {
    /// `exchange`.
    Exchange,
    /// `document`.
    Document,
}

/// At most `limit` rows that need the key, from after `after`.
pub fn wrapped_under(
    tx: &mut Tx<'_>,
    table: WrappedIn,
    key: Uuid,
    after: Uuid,
    limit: u32,
) -> Result<Vec<Wrapped>> {
    let sql = match table {
        WrappedIn::Exchange => EXCHANGES_WRAPPED,
        WrappedIn::Document => DOCUMENTS_WRAPPED,
    };
    let rows = tx.query(sql, &params![after, key, limit])?;
    let read = rows.iter().map(|row| {
        Ok(Wrapped {
            id: row.get(0)?,
            wrapped_key: row.get(1)?,
        })
    });
    read.collect()
}

/// Keeps rows' keys as they are wrapped under the second key of `keys`; a row that left the first, or was purged, is left alone.
pub fn wrap_anew(
    tx: &mut Tx<'_>,
    table: WrappedIn,
    keys: (Uuid, Uuid),
    rows: &[Wrapped],
) -> Result<()> {
    let sql = match table {
        WrappedIn::Exchange => EXCHANGE_ANEW,
        WrappedIn::Document => DOCUMENT_ANEW,
    };
    let values: Vec<_> = rows
        .iter()
        .map(|row| params![&row.wrapped_key, keys.1, row.id, keys.0])
        .collect();
    let statements: Vec<_> = values.iter().map(|values| (sql, &values[..])).collect();
    tx.batch(&statements)
}

/// Whether an exchange or a document still needs the key.
pub fn in_use(tx: &mut Tx<'_>, id: Uuid) -> Result<bool> {
    let exchange = tx.first(ANY_EXCHANGE_USES, &params![id])?.is_some();
    Ok(exchange || tx.first(ANY_DOCUMENT_USES, &params![id])?.is_some())
}

/// The project's key for a purpose: its id and itself, wrapped.
pub fn find(tx: &mut Tx<'_>, project: &str, purpose: &str) -> Result<Option<(Uuid, Vec<u8>)>> {
    let Some(row) = tx.first(FIND, &params![project, purpose])? else {
        return Ok(None);
    };
    Ok(Some((row.get(0)?, row.get(1)?)))
}
