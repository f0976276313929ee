//! Transfers of Axway's Transfer CFT: what the monitor calls them, what became of them, and which exchange they are of.

use jiff::Timestamp;
use uuid::Uuid;

use super::engine::{Row, Tx};
use crate::{
    kernel::{clock::instant, fault::Result},
    params, statements,
};

/// A row of `cft_transfer`: ids, dates and codes, never personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferRow {
    /// Its id.
    pub id: Uuid,
    /// The environment.
    pub environment: String,
    /// The depot.
    pub depot: String,
    /// `in` or `out`.
    pub direction: String,
    /// The partner.
    pub part: String,
    /// The model.
    pub idf: String,
    /// The monitor's id of it, where it is known.
    pub idtu: Option<String>,
    /// Our id of it, where it is one that leaves.
    pub ida: Option<String>,
    /// The exchange whose archive, receipt or return it carries, where it is known.
    pub exchange_id: Option<Uuid>,
    /// Where it stands, by the list of states of the domain.
    pub state: String,
    /// The monitor's code of its failure.
    pub cause: Option<String>,
    /// When it was noted.
    pub created_at: Timestamp,
    /// When its state last changed.
    pub updated_at: Timestamp,
}

/// Its columns, in the order of [`transfer`].
macro_rules! columns {
    () => {
        "id, environment, depot, direction, part, idf, idtu, ida, exchange_id, state, cause, created_at, updated_at"
    };
}

statements! {
    INSERT = concat!("INSERT INTO cft_transfer (", columns!(), ") \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)");
    OF_IDA = concat!("SELECT ", columns!(), " FROM cft_transfer WHERE depot = $1 AND ida = $2");
    OF_IDTU = concat!("SELECT ", columns!(), " FROM cft_transfer \
        WHERE depot = $1 AND idtu = $2 AND direction = 'out' ORDER BY created_at DESC, id DESC LIMIT 1");
    ATTACH = "UPDATE cft_transfer SET exchange_id = $1, idtu = COALESCE(idtu, $2) WHERE id = $3";
    CHANGE = "UPDATE cft_transfer SET state = $1, cause = $2, idtu = COALESCE($3, idtu), updated_at = $4 WHERE id = $5";
    OF_EXCHANGE = concat!("SELECT ", columns!(), " FROM cft_transfer WHERE exchange_id = $1 ORDER BY created_at, id");
    LIST = concat!("SELECT ", columns!(), " FROM cft_transfer \
        WHERE ($1 = '' OR depot = $1) AND ($2 = '' OR state = $2) ORDER BY created_at DESC, id DESC LIMIT $3");
}

/// Adds a transfer.
pub fn insert(tx: &mut Tx<'_>, row: &TransferRow) -> Result<()> {
    let r = row.clone();
    let values = params![
        r.id,
        r.environment,
        r.depot,
        r.direction,
        r.part,
        r.idf,
        r.idtu,
        r.ida,
        r.exchange_id,
        r.state,
        r.cause,
        r.created_at,
        r.updated_at
    ];
    tx.execute(INSERT, &values).map(drop)
}

/// The transfer that we gave this id.
pub fn of_ida(tx: &mut Tx<'_>, depot: &str, ida: &str) -> Result<Option<TransferRow>> {
    let row = tx.first(OF_IDA, &params![depot, ida])?;
    row.as_ref().map(transfer).transpose()
}

/// The newest transfer out of here that the monitor gave this id: a new catalogue begins its ids again.
pub fn of_idtu(tx: &mut Tx<'_>, depot: &str, idtu: &str) -> Result<Option<TransferRow>> {
    let row = tx.first(OF_IDTU, &params![depot, idtu])?;
    row.as_ref().map(transfer).transpose()
}

/// Says which exchange a transfer is of.
pub fn attach(tx: &mut Tx<'_>, id: Uuid, exchange: Option<Uuid>, idtu: Option<&str>) -> Result<()> {
    tx.execute(ATTACH, &params![exchange, idtu, id]).map(drop)
}

/// Changes where a transfer stands.
pub fn change(
    tx: &mut Tx<'_>,
    id: Uuid,
    state: &str,
    cause: Option<&str>,
    idtu: Option<&str>,
    at: Timestamp,
) -> Result<()> {
    let values = params![state, cause, idtu, at, id];
    tx.execute(CHANGE, &values).map(drop)
}

/// The transfers of an exchange, oldest first.
pub fn of_exchange(tx: &mut Tx<'_>, exchange: Uuid) -> Result<Vec<TransferRow>> {
    let rows = tx.query(OF_EXCHANGE, &params![exchange])?;
    rows.iter().map(transfer).collect()
}

/// At most `limit` transfers, newest first, of one depot and state or (an empty text) of all.
pub fn list(tx: &mut Tx<'_>, depot: &str, state: &str, limit: u32) -> Result<Vec<TransferRow>> {
    let rows = tx.query(LIST, &params![depot, state, limit])?;
    rows.iter().map(transfer).collect()
}

fn transfer(row: &Row) -> Result<TransferRow> {
    Ok(TransferRow {
        id: row.get(0)?,
        environment: row.get(1)?,
        depot: row.get(2)?,
        direction: row.get(3)?,
        part: row.get(4)?,
        idf: row.get(5)?,
        idtu: row.get(6)?,
        ida: row.get(7)?,
        exchange_id: row.get(8)?,
        state: row.get(9)?,
        cause: row.get(10)?,
        created_at: instant(row.get(11)?),
        updated_at: instant(row.get(12)?),
    })
}
