//! What the keys of sendings stand for: in flight under a lease, or settled with a piece.
//!
//! A claim has a token and an expiry, which its holder renews. [`settle`] names the token in the transaction of the piece:
//! where no row answers, the claim was lost, and all rolls back.

use jiff::Timestamp;
use uuid::Uuid;

use super::{engine::Tx, exchanges::Owner, jobs::lease_clock};
use crate::{
    kernel::{digest::Sha256, fault::Result},
    params, statements,
};

/// A key that is to be claimed.
#[derive(Clone, Debug)]
pub struct NewClaim {
    /// The keyed hash of client, operation and key.
    pub digest: Sha256,
    /// The client whose key it is.
    pub client_id: String,
    /// Partner and environment.
    pub owner: Owner,
    /// The operation that it is for.
    pub operation: &'static str,
    /// The claim's token.
    pub token: Uuid,
}

/// What a key's sending came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The keyed hash of what was sent under it.
    pub fingerprint: Sha256,
    /// The outcome that was answered.
    pub outcome: String,
    /// The piece.
    pub exchange_id: Uuid,
}

/// Where a key stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It was free, and is claimed now.
    Claimed,
    /// A sending under it is in flight.
    InFlight,
    /// It has its answer.
    Settled(Settled),
}

statements! {
    CLAIM = "INSERT INTO idempotency_key (digest, client_id, partner, environment, operation, token, until, created_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (digest) DO UPDATE SET token = excluded.token, \
        until = excluded.until WHERE idempotency_key.until <= $9 OR idempotency_key.until > $10";
    FIND = "SELECT fingerprint, outcome, exchange_id FROM idempotency_key WHERE digest = $1";
    RENEW = "UPDATE idempotency_key SET until = $1 WHERE digest = $2 AND token = $3";
    SETTLE = "UPDATE idempotency_key SET token = NULL, until = NULL, fingerprint = $1, outcome = $2, exchange_id = $3 \
        WHERE digest = $4 AND token = $5";
    RELEASE = "DELETE FROM idempotency_key WHERE digest = $1 AND token = $2";
    SWEEP = "DELETE FROM idempotency_key WHERE until < $1";
}

/// Longer than any claim: one that ends later was made by a clock that has been set back since.
const LONGEST_MICROS: i64 = 3_600_000_000;

/// Claims a key for `micros` microseconds, where it is free or its last claim has expired; answers where it stands.
pub fn claim(tx: &mut Tx<'_>, claim: &NewClaim, now: Timestamp, micros: i64) -> Result<Standing> {
    let c = claim.clone();
    let clock = lease_clock(tx, now)?;
    let until = clock.saturating_add(micros);
    let values = params![
        c.digest,
        c.client_id,
        c.owner.partner,
        c.owner.environment,
        c.operation,
        c.token,
        until,
        now,
        clock,
        clock.saturating_add(LONGEST_MICROS)
    ];
    match tx.execute(CLAIM, &values)? {
        1 => Ok(Standing::Claimed),
        _ => standing(tx, &claim.digest),
    }
}

/// Where a key stands that could not be claimed: one that was released in between is as good as in flight.
fn standing(tx: &mut Tx<'_>, digest: &Sha256) -> Result<Standing> {
    let Some(row) = tx.first(FIND, &params![digest])? else {
        return Ok(Standing::InFlight);
    };
    let Some(exchange_id) = row.get(2)? else {
        return Ok(Standing::InFlight);
    };
    Ok(Standing::Settled(Settled {
        fingerprint: row.get(0)?,
        outcome: row.get(1)?,
        exchange_id,
    }))
}

/// Renews a claim for `micros` microseconds from now; one that was lost stays lost.
pub fn renew(
    tx: &mut Tx<'_>,
    digest: &Sha256,
    token: Uuid,
    now: Timestamp,
    micros: i64,
) -> Result<()> {
    let until = lease_clock(tx, now)?.saturating_add(micros);
    tx.execute(RENEW, &params![until, digest, token]).map(drop)
}

/// Gives a claimed key its answer; `false` where the claim was lost.
pub fn settle(tx: &mut Tx<'_>, digest: &Sha256, token: Uuid, settled: &Settled) -> Result<bool> {
    let s = settled.clone();
    let values = params![s.fingerprint, s.outcome, s.exchange_id, digest, token];
    Ok(tx.execute(SETTLE, &values)? == 1)
}

/// Frees a claim whose sending came to nothing. One that was lost or settled stays as it is.
pub fn release(tx: &mut Tx<'_>, digest: &Sha256, token: Uuid) -> Result<()> {
    tx.execute(RELEASE, &params![digest, token]).map(drop)
}

/// Forgets claims that expired before `before` and came to nothing; answers how many.
pub fn sweep(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64> {
    tx.execute(SWEEP, &params![before])
}
