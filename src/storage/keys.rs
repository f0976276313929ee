//! The projects' keys, each wrapped by the master key.

use jiff::Timestamp;
use uuid::Uuid;

use super::engine::Tx;
use crate::{kernel::fault::Result, params, statements};

statements! {
    INSERT = "INSERT INTO project_key (id, project, purpose, wrapped, created_at) VALUES ($1, $2, $3, $4, $5) \
        ON CONFLICT (project, purpose) DO NOTHING";
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

/// The project's key for a purpose: its id and itself, wrapped.
pub fn find(tx: &mut Tx<'_>, project: &str, purpose: &str) -> Result<Option<(Uuid, Vec<u8>)>> {
    let Some(row) = tx.first(FIND, &params![project, purpose])? else {
        return Ok(None);
    };
    Ok(Some((row.get(0)?, row.get(1)?)))
}
