//! The key that a sender gives a sending (`Idempotency-Key`), so that one that comes again is answered as the first time.
//!
//! A key belongs to a client and an operation. **The way of a key.** [`claim`] takes it before the content is read: a key in
//! flight is refused (`request-in-flight`), one that is settled gives a [`Replay`] → the claim is a short lease, renewed
//! while its request lives ([`Claim`]) → the transaction of the piece settles it with the outcome and a fingerprint of
//! metadata and content (`Settling`), or the refused request frees it ([`Claim::release`]). A crash frees it too, by the
//! lease's end. A settled key lives as long as its piece.
//!
//! The fingerprint leaves out how the request was written: boundaries, the order of JSON keys, the case of a hash. A sending
//! without a key costs nothing of this.

use std::time::Duration;

use jiff::SignedDuration;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::{
    acknowledged::{Acknowledged, Outcome},
    admission::Admission,
    key::Key,
};
use crate::{
    domain::{Context, exchanges::Metadata, ged::ProjectKeys},
    kernel::{
        digest::{Hasher, Sha256},
        fault::{Code, Fault, FieldFault, Result},
    },
    storage::{
        Tx, exchanges,
        idempotency::{self, NewClaim, Settled},
    },
};

/// The operation that keys are for.
const OPERATION: &str = "createPiece";
/// Where the key stands in a request.
const POINTER: &str = "/headers/idempotency-key";
/// How many times a claim is renewed within its life.
const BEATS: u32 = 4;
/// How long a claim that expired is kept.
const DEAD: SignedDuration = SignedDuration::from_hours(24);

/// What was found under a key.
pub enum Standing {
    /// It was free: the sending is to be taken in under this claim.
    New(Claim),
    /// It has its answer: the sending is only to be compared.
    Known(Replay),
}

/// Claims `key` for the sending that was admitted. Fails with `request-in-flight` where another holds it.
pub async fn claim(ctx: &Context, admission: &Admission, key: &Key) -> Result<Standing> {
    let client = &admission.client;
    let fields = [client.client_id.as_str(), OPERATION, key.text()].map(str::as_bytes);
    let claim = NewClaim {
        digest: ctx.keyring.hash_fields("idempotency key", &fields),
        client_id: client.client_id.clone(),
        owner: ctx.owner(&client.partner),
        operation: OPERATION,
        token: ctx.entropy.uuid(&ctx.clock)?,
    };
    let (digest, token) = (claim.digest, claim.token);
    let (now, micros) = (ctx.clock.now(), lease_micros(ctx));
    let found = ctx
        .store
        .write(move |tx| idempotency::claim(tx, &claim, now, micros));
    match found.await? {
        idempotency::Standing::Claimed => Ok(Standing::New(Claim::held(ctx, digest, token))),
        idempotency::Standing::Settled(settled) => Ok(Standing::Known(Replay::of(settled))),
        idempotency::Standing::InFlight => Err(in_flight()),
    }
}

fn lease(ctx: &Context) -> Duration {
    ctx.config.gateway.limits.idempotency_lease
}

fn lease_micros(ctx: &Context) -> i64 {
    i64::try_from(lease(ctx).as_micros()).unwrap_or(i64::MAX)
}

fn in_flight() -> Fault {
    let detail =
        "Une requête sous la même clé est en cours : renvoyez la même requête un peu plus tard.";
    at_key(Code::RequestInFlight, detail)
}

fn reused() -> Fault {
    let detail = "Cette clé a déjà servi pour un autre envoi : une clé vaut pour un seul envoi.";
    at_key(Code::IdempotencyKeyReused, detail)
}

fn at_key(code: Code, detail: &str) -> Fault {
    Fault::new(code, detail).with_errors(vec![FieldFault::new(POINTER, code, detail)])
}

/// A claimed key, renewed until this is dropped.
pub struct Claim {
    digest: Sha256,
    token: Uuid,
    beating: JoinHandle<()>,
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.beating.abort();
    }
}

impl Claim {
    fn held(ctx: &Context, digest: Sha256, token: Uuid) -> Self {
        Self {
            digest,
            token,
            beating: tokio::spawn(beat(ctx.clone(), digest, token)),
        }
    }

    /// What settles it with the sending of these metadata and this content.
    pub(super) fn settling(&self, admission: &Admission, sha256: &Sha256) -> Result<Settling> {
        Ok(Settling {
            digest: self.digest,
            token: self.token,
            fingerprint: fingerprint(&admission.keys, &admission.metadata, sha256)?,
        })
    }

    /// Frees the key of a sending that came to nothing; one that was settled stays. Where the database is away, the lease's
    /// end does it.
    pub async fn release(self, ctx: &Context) {
        let (digest, token) = (self.digest, self.token);
        let released = ctx
            .store
            .write(move |tx| idempotency::release(tx, &digest, token));
        if let Err(fault) = released.await {
            tracing::warn!(%fault, "an idempotency key will be free when its lease ends");
        }
    }
}

async fn beat(ctx: Context, digest: Sha256, token: Uuid) {
    loop {
        tokio::time::sleep(lease(&ctx) / BEATS).await;
        let (now, micros) = (ctx.clock.now(), lease_micros(&ctx));
        let renewed = ctx
            .store
            .write(move |tx| idempotency::renew(tx, &digest, token, now, micros));
        if let Err(fault) = renewed.await {
            tracing::warn!(%fault, "the lease of an idempotency key could not be renewed");
        }
    }
}

/// What a transaction writes to settle a key.
#[derive(Clone, Copy)]
pub(super) struct Settling {
    digest: Sha256,
    token: Uuid,
    fingerprint: Sha256,
}

impl Settling {
    /// Settles the key; fails with `request-in-flight`, so that all rolls back, where another has claimed it since.
    pub(super) fn settle(&self, tx: &mut Tx<'_>, outcome: Outcome, exchange: Uuid) -> Result<()> {
        let settled = Settled {
            fingerprint: self.fingerprint,
            outcome: outcome.as_str().to_owned(),
            exchange_id: exchange,
        };
        match idempotency::settle(tx, &self.digest, self.token, &settled)? {
            true => Ok(()),
            false => Err(in_flight()),
        }
    }
}

/// A sending under a settled key: its content is hashed and not kept.
pub struct Replay {
    settled: Settled,
    hasher: Hasher,
}

impl Replay {
    fn of(settled: Settled) -> Self {
        Self {
            settled,
            hasher: Hasher::new(false),
        }
    }

    /// Adds bytes of the content.
    pub fn write(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
    }

    /// The first answer again. Fails with `idempotency-key-reused` where this sending is another.
    pub async fn finish(self, ctx: &Context, admission: &Admission) -> Result<Acknowledged> {
        let sha256 = self.hasher.finish().sha256;
        let found = fingerprint(&admission.keys, &admission.metadata, &sha256)?;
        if found != self.settled.fingerprint {
            return Err(reused());
        }
        let id = self.settled.exchange_id;
        let rows = ctx
            .store
            .read(move |tx| Ok((exchanges::find(tx, id)?, exchanges::receipt(tx, id)?)));
        let (Some(exchange), Some(receipt)) = rows.await? else {
            return Err(Fault::internal(format!("no exchange {id} behind a key")));
        };
        let outcome = Outcome::parse(&self.settled.outcome)?;
        Ok(Acknowledged {
            replayed: true,
            ..Acknowledged::of(outcome, &exchange, receipt)
        })
    }
}

/// Forgets claims of requests that died more than a day ago and whose senders never came back; answers how many.
pub async fn sweep(ctx: &Context) -> Result<u64> {
    let before = ctx.clock.now().checked_sub(DEAD);
    let before = before.map_err(Fault::internal)?;
    ctx.store
        .write(move |tx| idempotency::sweep(tx, before))
        .await
}

/// The keyed hash of what was sent: its metadata in one way of writing, and its content.
fn fingerprint(keys: &ProjectKeys, metadata: &Metadata, sha256: &Sha256) -> Result<Sha256> {
    let canonical = canonical(metadata)?;
    Ok(keys.hash_fields(&[b"piece fingerprint", &canonical, sha256]))
}

/// The metadata in one way of writing: fields in the order of their declaration, JSON keys sorted, the hash in small letters.
fn canonical(metadata: &Metadata) -> Result<Vec<u8>> {
    let mut metadata = metadata.clone();
    if let Some(hash) = &mut metadata.hash {
        hash.value.make_ascii_lowercase();
    }
    serde_json::to_vec(&metadata).map_err(Fault::internal)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_way_of_writing_metadata_does_not_change_them() {
        let read = |text: &str| {
            let value: Value = serde_json::from_str(text).unwrap();
            let (metadata, faults) = Metadata::read(value);
            assert!(faults.is_empty(), "{faults:?}");
            canonical(&metadata).unwrap()
        };
        let digest = "ab".repeat(32);
        let one = format!(
            r#"{{"project":"p","sourceApplication":"a","dossierId":"D","iteration":1,"fileName":"f","mediaType":"a/b",
            "businessData":{{"x":{{"b":1,"a":[2]}},"é":"\u00e9"}},"hash":{{"algorithm":"SHA-256","value":"{digest}"}}}}"#
        );
        let other = format!(
            r#"{{ "hash": {{"value":"{}","algorithm":"SHA-256"}}, "businessData": {{"\u00e9":"é","x":{{"a":[2],"b":1}}}},
            "mediaType":"a/b","fileName":"f","iteration":1,"dossierId":"D","sourceApplication":"a","project":"p" }}"#,
            digest.to_uppercase()
        );
        assert_eq!(read(&one), read(&other));
        assert_ne!(read(&one), read(&other.replace("[2]", "[3]")));
    }
}
