//! What partners acknowledge of returns.

use jiff::Timestamp;
use serde_json::Value as Json;
use uuid::Uuid;

use super::{engine::Tx, exchanges::Owner};
use crate::{
    kernel::{clock::instant, digest::Sha256, fault::Result},
    params, statements,
};

/// A row of `acknowledgment`: the partner's proof that the return came in (TRC-1).
#[derive(Clone, Debug)]
pub struct AcknowledgmentRow {
    /// The return.
    pub return_id: Uuid,
    /// Partner and environment.
    pub owner: Owner,
    /// When it came.
    pub at: Timestamp,
    /// The answer's status; 0 where it came as a file.
    pub http_status: u16,
    /// The answer's headers, in the clear, of a row of before [`AcknowledgmentRow::told`]; else an empty list.
    pub headers: Json,
    /// The project key behind the exchange's own.
    pub key_id: Uuid,
    /// The answer's body, 64 KiB at most, sealed under the exchange's key.
    pub body: Vec<u8>,
    /// The SHA-256 of the certificate that the partner's server showed, or that signed a file.
    pub peer_sha256: Option<Sha256>,
    /// The partner's own id of it, in the clear, of a row of before [`AcknowledgmentRow::told`].
    pub partner_reference: Option<String>,
    /// The detached signature of one that came as a file, where it has one, sealed under the exchange's key.
    pub signature: Option<Vec<u8>>,
    /// The answer's headers and the partner's own id of it, as JSON sealed under the exchange's key.
    pub told: Option<Vec<u8>>,
}

statements! {
    INSERT = "INSERT INTO acknowledgment (return_id, partner, environment, at, http_status, headers, key_id, \
        body, peer_sha256, partner_reference, signature, told) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    FIND = "SELECT return_id, partner, environment, at, http_status, headers, key_id, body, peer_sha256, \
        partner_reference, signature, told FROM acknowledgment WHERE return_id = $1";
}

/// Keeps the partner's acknowledgment.
pub fn insert(tx: &mut Tx<'_>, row: &AcknowledgmentRow) -> Result<()> {
    let a = row.clone();
    let values = params![
        a.return_id,
        a.owner.partner,
        a.owner.environment,
        a.at,
        a.http_status,
        a.headers,
        a.key_id,
        a.body,
        a.peer_sha256,
        a.partner_reference,
        a.signature,
        a.told
    ];
    tx.execute(INSERT, &values).map(drop)
}

/// The acknowledgment of a return, where it came.
pub fn of_return(tx: &mut Tx<'_>, id: Uuid) -> Result<Option<AcknowledgmentRow>> {
    let Some(row) = tx.first(FIND, &params![id])? else {
        return Ok(None);
    };
    Ok(Some(AcknowledgmentRow {
        return_id: row.get(0)?,
        owner: Owner {
            partner: row.get(1)?,
            environment: row.get(2)?,
        },
        at: instant(row.get(3)?),
        http_status: row.get(4)?,
        headers: row.get(5)?,
        key_id: row.get(6)?,
        body: row.get(7)?,
        peer_sha256: row.get(8)?,
        partner_reference: row.get(9)?,
        signature: row.get(10)?,
        told: row.get(11)?,
    }))
}
