//! Files of depots that were taken: each until its receipt stands on the depot and the file has left its path.
//!
//! While the row is there the file is not taken again. It holds the very bytes that are put on the depot, so that an upload
//! that is tried again meets its own; once they stand there it holds none of them.

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    engine::{Prepared, Row, Tx},
    exchanges::{Owner, owner},
};
use crate::{
    kernel::{clock::instant, digest::Sha256, fault::Result},
    params, statements,
};

/// A row of `depot_file`.
#[derive(Clone, Debug)]
pub struct DepotFileRow {
    /// Its id.
    pub id: Uuid,
    /// The archive that it is, or that it repeats.
    pub exchange_id: Uuid,
    /// Partner and environment.
    pub owner: Owner,
    /// The depot.
    pub depot: String,
    /// The flow.
    pub flow: String,
    /// The keyed hash of its name.
    pub name_hash: Sha256,
    /// Its name, sealed under the exchange's key.
    pub name: Vec<u8>,
    /// Its size when it was taken.
    pub size: u64,
    /// Its date when it was taken, as the depot tells it.
    pub modified: i64,
    /// `accepted`, `partial`, `rejected` or `duplicate`.
    pub verdict: String,
    /// The receipt that is put on the depot, sealed under the exchange's key; empty once it stands there.
    pub receipt: Vec<u8>,
    /// Its signature, sealed under the exchange's key; empty once it stands there.
    pub cms: Vec<u8>,
    /// When it was taken.
    pub taken_at: Timestamp,
}

impl DepotFileRow {
    /// Whether receipt and signature stand on the depot: only the file is to leave.
    pub fn is_receipted(&self) -> bool {
        self.receipt.is_empty()
    }
}

/// What tells one file of a depot from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its flow.
    pub flow: String,
    /// The keyed hash of its name.
    pub name_hash: Sha256,
    /// Its size when it was taken.
    pub size: u64,
    /// Its date when it was taken.
    pub modified: i64,
}

statements! {
    INSERT = "INSERT INTO depot_file (id, exchange_id, partner, environment, depot, flow, name_hash, name, size, modified, \
        verdict, receipt, cms, taken_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
    FIND = "SELECT id, exchange_id, partner, environment, depot, flow, name_hash, name, size, modified, verdict, receipt, cms, \
        taken_at FROM depot_file WHERE id = $1";
    OF_EXCHANGE = "SELECT id, exchange_id, partner, environment, depot, flow, name_hash, name, size, modified, verdict, receipt, \
        cms, taken_at FROM depot_file WHERE exchange_id = $1 ORDER BY id";
    SEEN = "SELECT flow, name_hash, size, modified FROM depot_file WHERE depot = $1";
    RECEIPTED = "UPDATE depot_file SET receipt = $1, cms = $1 WHERE id = $2";
    GONE = "DELETE FROM depot_file WHERE id = $1";
}

/// The statement that inserts a file, for a batch.
pub fn insert(file: &DepotFileRow) -> Prepared {
    let f = file.clone();
    let values = params![
        f.id,
        f.exchange_id,
        f.owner.partner,
        f.owner.environment,
        f.depot,
        f.flow,
        f.name_hash,
        f.name,
        f.size,
        f.modified,
        f.verdict,
        f.receipt,
        f.cms,
        f.taken_at
    ];
    (INSERT, values.into())
}

/// The file of that id.
pub fn find(tx: &mut Tx<'_>, id: Uuid) -> Result<Option<DepotFileRow>> {
    tx.first(FIND, &params![id])?.as_ref().map(file).transpose()
}

/// The files of an exchange that are still on their depot.
pub fn of_exchange(tx: &mut Tx<'_>, exchange: Uuid) -> Result<Vec<DepotFileRow>> {
    let rows = tx.query(OF_EXCHANGE, &params![exchange])?;
    rows.iter().map(file).collect()
}

/// The files of a depot that were taken and have not left yet.
pub fn seen(tx: &mut Tx<'_>, depot: &str) -> Result<Vec<Seen>> {
    let rows = tx.query(SEEN, &params![depot])?;
    let read = rows.iter().map(|row| {
        Ok(Seen {
            flow: row.get(0)?,
            name_hash: row.get(1)?,
            size: row.get(2)?,
            modified: row.get(3)?,
        })
    });
    read.collect()
}

/// Notes that a file's receipt stands on its depot: what it was is not needed any more.
pub fn receipted(tx: &mut Tx<'_>, id: Uuid) -> Result<()> {
    let nothing: Vec<u8> = Vec::new();
    tx.execute(RECEIPTED, &params![nothing, id]).map(drop)
}

/// Forgets a file that has left.
pub fn gone(tx: &mut Tx<'_>, id: Uuid) -> Result<()> {
    tx.execute(GONE, &params![id]).map(drop)
}

fn file(row: &Row) -> Result<DepotFileRow> {
    Ok(DepotFileRow {
        id: row.get(0)?,
        exchange_id: row.get(1)?,
        owner: owner(row, 2)?,
        depot: row.get(4)?,
        flow: row.get(5)?,
        name_hash: row.get(6)?,
        name: row.get(7)?,
        size: row.get(8)?,
        modified: row.get(9)?,
        verdict: row.get(10)?,
        receipt: row.get(11)?,
        cms: row.get(12)?,
        taken_at: instant(row.get(13)?),
    })
}
