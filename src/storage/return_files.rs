//! Returns that leave through depots: which file, where to, and since when its acknowledgment is awaited.

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    engine::{Prepared, Row, Tx},
    exchanges::{Owner, owner},
};
use crate::{
    kernel::{clock::instant, fault::Result},
    params, statements,
};

/// A row of `return_file`.
#[derive(Clone, Debug)]
pub struct ReturnFileRow {
    /// The return.
    pub return_id: Uuid,
    /// The exchange that it answers.
    pub exchange_id: Uuid,
    /// Partner and environment.
    pub owner: Owner,
    /// The depot that it leaves through.
    pub depot: String,
    /// The depot's outgoing flow.
    pub flow: String,
    /// The document that holds the archive.
    pub document_id: Uuid,
    /// Its file's name there, sealed under the exchange's key.
    pub name: Vec<u8>,
    /// When it was last left there.
    pub sent_at: Option<Timestamp>,
    /// Until when its acknowledgment is awaited.
    pub deadline_at: Option<Timestamp>,
    /// When it was found that none had come.
    pub overdue_at: Option<Timestamp>,
}

statements! {
    INSERT = "INSERT INTO return_file (return_id, exchange_id, partner, environment, depot, flow, document_id, name) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    FIND = "SELECT return_id, exchange_id, partner, environment, depot, flow, document_id, name, sent_at, deadline_at, overdue_at \
        FROM return_file WHERE return_id = $1";
    SENT = "UPDATE return_file SET sent_at = $1, deadline_at = $2, overdue_at = NULL WHERE return_id = $3";
    OVERDUE = "UPDATE return_file SET overdue_at = $1 WHERE return_id = $2";
    DROP_WAIT = "DELETE FROM job WHERE subject = $1 AND kind = 'await-acknowledgment'";
    DROP_RESEND = "DELETE FROM job WHERE subject = $1 AND kind = 'send-return'";
    TRIED_SINCE = "SELECT count(*) FROM delivery_attempt WHERE return_id = $1 AND at >= $2";
}

/// The statement that inserts a file, for a batch.
pub fn insert(file: &ReturnFileRow) -> Prepared {
    let f = file.clone();
    let values = params![
        f.return_id,
        f.exchange_id,
        f.owner.partner,
        f.owner.environment,
        f.depot,
        f.flow,
        f.document_id,
        f.name
    ];
    (INSERT, values.into())
}

/// The file of a return, where it leaves through a depot.
pub fn find(tx: &mut Tx<'_>, id: Uuid) -> Result<Option<ReturnFileRow>> {
    tx.first(FIND, &params![id])?.as_ref().map(read).transpose()
}

/// Notes that a return was left on its depot, and until when its acknowledgment is awaited. An earlier wait is over.
pub fn sent(tx: &mut Tx<'_>, id: Uuid, at: Timestamp, deadline: Option<Timestamp>) -> Result<()> {
    tx.execute(SENT, &params![at, deadline, id])?;
    tx.execute(DROP_WAIT, &params![id]).map(drop)
}

/// Notes that no acknowledgment came in time.
pub fn overdue(tx: &mut Tx<'_>, id: Uuid, at: Timestamp) -> Result<()> {
    tx.execute(OVERDUE, &params![at, id]).map(drop)
}

/// Nothing is awaited any more, and nothing need be sent again: the jobs of that go, whoever holds them.
pub fn settled(tx: &mut Tx<'_>, id: Uuid) -> Result<()> {
    tx.execute(DROP_WAIT, &params![id])?;
    tx.execute(DROP_RESEND, &params![id]).map(drop)
}

/// How often the delivery of a return was tried since `since`.
pub fn tried_since(tx: &mut Tx<'_>, id: Uuid, since: Timestamp) -> Result<u32> {
    let row = tx.first(TRIED_SINCE, &params![id, since])?;
    row.map_or(Ok(0), |row| row.get(0))
}

fn read(row: &Row) -> Result<ReturnFileRow> {
    Ok(ReturnFileRow {
        return_id: row.get(0)?,
        exchange_id: row.get(1)?,
        owner: owner(row, 2)?,
        depot: row.get(4)?,
        flow: row.get(5)?,
        document_id: row.get(6)?,
        name: row.get(7)?,
        sent_at: row.get::<Option<i64>>(8)?.map(instant),
        deadline_at: row.get::<Option<i64>>(9)?.map(instant),
        overdue_at: row.get::<Option<i64>>(10)?.map(instant),
    })
}
