//! What was sent on as télédossiers: each exchange once.

use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    kernel::fault::Result,
    params, statements,
    storage::{engine::Tx, exchanges::ExchangeRow},
};

statements! {
    INSERT = "INSERT INTO hub_forward (exchange_id, partner, environment, project, process_code, recipient, state, folder_id, \
        created_at, forwarded_at) VALUES ($1, $2, $3, $4, $5, $6, 'forwarded', $7, $8, $8) ON CONFLICT (exchange_id) DO NOTHING";
    FIND = "SELECT folder_id FROM hub_forward WHERE exchange_id = $1 AND folder_id IS NOT NULL";
}

/// Notes that an exchange went on as `folder`; answers `false` where that was noted before.
pub fn insert(
    tx: &mut Tx<'_>,
    exchange: &ExchangeRow,
    (process, recipient): (&str, &str),
    folder: Uuid,
    at: Timestamp,
) -> Result<bool> {
    let e = exchange;
    let values = params![
        e.id,
        &e.owner.partner,
        &e.owner.environment,
        &e.project,
        process,
        recipient,
        folder,
        at
    ];
    Ok(tx.execute(INSERT, &values)? == 1)
}

/// The folder that an exchange went on as, where it did.
pub fn find(tx: &mut Tx<'_>, exchange: Uuid) -> Result<Option<Uuid>> {
    let row = tx.first(FIND, &params![exchange])?;
    row.map(|row| row.get(0)).transpose()
}
