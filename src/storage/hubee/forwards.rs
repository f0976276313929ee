//! What was sent on as télédossiers: each exchange once, as one folder or as several parts in their order.

use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    kernel::fault::Result,
    params, statements,
    storage::{engine::Tx, exchanges::ExchangeRow},
};

/// All of the exchange went on.
const WHOLE: &str = "forwarded";
/// Some of its parts did.
const BEGUN: &str = "forwarding";

statements! {
    NOTE = "INSERT INTO hub_forward (exchange_id, partner, environment, project, process_code, recipient, state, folder_id, \
        created_at, forwarded_at, parts) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10) ON CONFLICT (exchange_id) \
        DO UPDATE SET state = excluded.state, forwarded_at = excluded.forwarded_at, parts = excluded.parts \
        WHERE hub_forward.parts < excluded.parts";
    FIND = "SELECT state, parts FROM hub_forward WHERE exchange_id = $1 AND folder_id IS NOT NULL";
}

/// How far an exchange went on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// How many of its parts did.
    pub parts: u32,
    /// Whether that is all of it.
    pub whole: bool,
}

/// Notes that a part of an exchange went on as `folder`, and how far it went with that; answers `false` where that was noted
/// before.
pub fn note(
    tx: &mut Tx<'_>,
    exchange: &ExchangeRow,
    (process, recipient): (&str, &str),
    (folder, progress): (Uuid, Progress),
    at: Timestamp,
) -> Result<bool> {
    let e = exchange;
    let state = if progress.whole { WHOLE } else { BEGUN };
    let values = params![
        e.id,
        &e.owner.partner,
        &e.owner.environment,
        &e.project,
        process,
        recipient,
        state,
        folder,
        at,
        progress.parts
    ];
    Ok(tx.execute(NOTE, &values)? == 1)
}

/// How far an exchange went on: not at all, where nothing is noted.
pub fn find(tx: &mut Tx<'_>, exchange: Uuid) -> Result<Progress> {
    let Some(row) = tx.first(FIND, &params![exchange])? else {
        return Ok(Progress::default());
    };
    let state: String = row.get(0)?;
    Ok(Progress {
        parts: row.get(1)?,
        whole: state == WHOLE,
    })
}
