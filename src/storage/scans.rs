//! What the antivirus said: one verdict a document, given once.

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    engine::{Prepared, Tx},
    exchanges::Owner,
};
use crate::{
    kernel::{clock::instant, fault::Result},
    params, statements,
};

/// A row of `scan`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanRow {
    /// The document.
    pub document_id: Uuid,
    /// Its exchange.
    pub exchange_id: Uuid,
    /// Partner and environment.
    pub owner: Owner,
    /// `clean` or `infected`.
    pub verdict: String,
    /// The signature found.
    pub signature: Option<String>,
    /// When.
    pub at: Timestamp,
}

statements! {
    INSERT = "INSERT INTO scan (document_id, exchange_id, partner, environment, verdict, signature, at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (document_id) DO NOTHING";
    UNSEEN = "SELECT d.id FROM document d WHERE d.exchange_id = $1 AND d.role = 'content' AND d.piece_id IS NOT NULL \
        AND d.purged_at IS NULL AND NOT EXISTS (SELECT 1 FROM scan s WHERE s.document_id = d.id) ORDER BY d.id LIMIT $2";
    FIND = "SELECT document_id, exchange_id, partner, environment, verdict, signature, at FROM scan WHERE document_id = $1";
}

/// The statement that keeps a verdict, for a batch; a first one stays.
pub fn insert(row: &ScanRow) -> Prepared {
    let r = row.clone();
    let values = params![
        r.document_id,
        r.exchange_id,
        r.owner.partner,
        r.owner.environment,
        r.verdict,
        r.signature,
        r.at
    ];
    (INSERT, values.into())
}

/// At most `limit` files of an archive's pieces without a verdict.
pub fn unseen(tx: &mut Tx<'_>, archive: Uuid, limit: u32) -> Result<Vec<Uuid>> {
    let rows = tx.query(UNSEEN, &params![archive, limit])?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// The verdict on a document, once there is one.
pub fn find(tx: &mut Tx<'_>, document: Uuid) -> Result<Option<ScanRow>> {
    let row = tx.first(FIND, &params![document])?;
    let read = row.map(|row| {
        Ok(ScanRow {
            document_id: row.get(0)?,
            exchange_id: row.get(1)?,
            owner: Owner {
                partner: row.get(2)?,
                environment: row.get(3)?,
            },
            verdict: row.get(4)?,
            signature: row.get(5)?,
            at: instant(row.get(6)?),
        })
    });
    read.transpose()
}
