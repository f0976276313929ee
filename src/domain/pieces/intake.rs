//! Intake: from checked metadata to a durable, acknowledged piece.

use std::{future::Future, sync::Arc, time::Instant};

use super::{
    acknowledged::{Acknowledged, Outcome},
    admission::{Admission, refuse},
    idempotency::{Claim, Settling},
    record::{Intake, Record},
};
use crate::{
    domain::{
        Context,
        exchanges::{Metadata, PIECE},
        processing::sniff::{self, TypeFinding},
    },
    kernel::{
        digest::Algorithm,
        failpoint,
        fault::{Code, Fault, FieldFault, Result},
    },
    storage::{
        Tx,
        exchanges::{self, Known},
        iterations, journal,
    },
    vault::{BlobWriter, Stored},
};

/// What a return needs beside the metadata that it repeats, in bytes: its frame, controls and findings.
const RETURN_FRAME: u64 = 16_000;

/// A content that is coming in. Dropped before [`Reception::finish`], it leaves nothing.
pub struct Reception {
    admission: Admission,
    writer: BlobWriter,
    wrapped_key: Vec<u8>,
}

impl Reception {
    /// Opens the blob that the content will stream into. Fails with `signer-expired` where no receipt could be signed.
    pub fn open(ctx: &Context, admission: Admission) -> Result<Self> {
        ctx.signer.usable()?;
        let (key, wrapped_key) = admission.keys.fresh(&ctx.entropy)?;
        let announced = admission
            .metadata
            .hash
            .as_ref()
            .map(|hash| hash.algorithm());
        let writer = ctx
            .vault
            .create(&key, announced == Some(Algorithm::Sha512))?;
        Ok(Self {
            admission,
            writer,
            wrapped_key,
        })
    }

    /// Adds bytes of the content.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.writer.write(bytes).await
    }

    /// Makes the piece durable and acknowledges it. `request_bytes` is the request's body as received, `claim` the key that
    /// its sender gave it.
    ///
    /// To be run in a task of its own: a client that hangs up must change nothing from here on. Fails with the faults of
    /// the content stage (nothing is kept), `piece-conflict`, or `unavailable` where the outcome is unknown (the blob stays
    /// for the sweep, the same sending may come again).
    pub async fn finish(
        self,
        ctx: &Context,
        request_bytes: u64,
        claim: Option<&Claim>,
    ) -> Result<Acknowledged> {
        let _present = ctx.intakes.enter();
        room_for_return(ctx, &self.admission.metadata, request_bytes)?;
        let earlier_missing = is_earlier_missing(ctx, &self.admission).await?;
        let stored = timed("store", self.writer.finish()).await?;
        let found = sniff::compare(&stored.prefix, &self.admission.metadata.media_type);
        if let Err(fault) = content_faults(&self.admission, &stored, &found) {
            ctx.vault.remove(stored.id).await?;
            return Err(fault);
        }
        let settling = claim.map(|claim| claim.settling(&self.admission, &stored.digests.sha256));
        let intake = Intake {
            blob_key: self.wrapped_key,
            request_bytes,
            earlier_missing,
            settling: settling.transpose()?,
        };
        let record = Record::new(ctx, &self.admission, &stored, intake)?;
        timed("commit", acknowledge(ctx, record)).await
    }
}

/// How long a stage of the intake takes, for the metrics.
async fn timed<T>(stage: &'static str, work: impl Future<Output = Result<T>>) -> Result<T> {
    let started = Instant::now();
    let outcome = work.await;
    let seconds = started.elapsed().as_secs_f64();
    metrics::histogram!("navette_intake_stage_seconds", "stage" => stage).record(seconds);
    outcome
}

/// Metadata come back in the return, so the reserve that the settings keep does not suffice for the longest of them: what
/// is accepted can be answered within the transaction's limit (API-3).
fn room_for_return(ctx: &Context, metadata: &Metadata, request_bytes: u64) -> Result<()> {
    let repeated = serde_json::to_vec(metadata).map_err(Fault::internal)?.len() as u64;
    let limit = ctx.config.gateway.limits.transaction;
    if request_bytes + repeated + RETURN_FRAME <= limit {
        return Ok(());
    }
    let detail = format!(
        "La transaction complète (requête et retour) est limitée à {limit} octets et le retour répète les métadonnées \
         ({repeated} octets) ; au-delà, passez par le canal des archives."
    );
    Err(Fault::new(Code::TooLarge, detail))
}

/// Whether a deposit before this one has not come (yet): accepted all the same, and flagged. An initial deposit asks nothing.
async fn is_earlier_missing(ctx: &Context, admission: &Admission) -> Result<bool> {
    let metadata = &admission.metadata;
    if metadata.iteration == 1 {
        return Ok(false);
    }
    let dossier = admission.keys.hash(&metadata.dossier_id);
    let (application, iteration) = (metadata.source_application.clone(), metadata.iteration);
    let missing = ctx
        .store
        .read(move |tx| iterations::is_earlier_missing(tx, &dossier, &application, iteration));
    missing.await
}

fn content_faults(admission: &Admission, stored: &Stored, found: &TypeFinding) -> Result<()> {
    let mut faults = Vec::new();
    let mut fault = |code, detail: String| faults.push(FieldFault::new("/content", code, detail));
    if stored.size == 0 {
        fault(Code::ContentEmpty, "Le contenu est vide.".to_owned());
    } else if !found.agrees || !sniff::accepted(&admission.project.media_types, found) {
        let real = found.actual.as_deref().unwrap_or("inconnu");
        let detail = format!("Le contenu est de type {real} et non {}.", found.declared);
        fault(Code::TypeMismatch, detail);
    }
    if let Some(hash) = &admission.metadata.hash
        && stored.digests.of(hash.algorithm()) != Some(&hash.bytes()[..])
    {
        let detail = "L'empreinte du contenu reçu n'est pas celle annoncée.";
        fault(Code::HashMismatch, detail.to_owned());
    }
    refuse(
        Code::ContentInvalid,
        "Le contenu a plusieurs défauts : voir errors.",
        faults,
    )
}

/// What one transaction found.
enum Committed {
    Accepted,
    Known(Known),
}

async fn acknowledge(ctx: &Context, record: Record) -> Result<Acknowledged> {
    let record = Arc::new(record);
    let (written, blob) = (record.clone(), record.blob());
    failpoint::hit("intake.before-commit");
    let committed = match ctx
        .store
        .write_together(move |tx| commit(tx, &written))
        .await
    {
        Ok(committed) => committed,
        Err(fault) => return Err(refused(ctx, blob, fault).await),
    };
    failpoint::hit("intake.after-commit");
    match committed {
        Committed::Accepted => {
            ctx.bell.notify_one();
            Ok(record.acknowledged())
        }
        Committed::Known(known) => {
            ctx.vault.remove(blob).await?;
            repeated(ctx, &record, known).await
        }
    }
}

/// Removes the blob of a piece that was certainly not recorded: a full disk must not fill further. Where the outcome is
/// unknown (`unavailable`), a row may name it, and only the sweep can tell.
async fn refused(ctx: &Context, blob: uuid::Uuid, fault: Fault) -> Fault {
    if fault.code() != Code::Unavailable
        && let Err(error) = ctx.vault.remove(blob).await
    {
        tracing::warn!(%blob, %error, "the blob of a refused piece is left to the sweep");
    }
    fault
}

fn commit(tx: &mut Tx<'_>, record: &Record) -> Result<Committed> {
    let (key, id, sha256) = (&record.natural_key, record.id(), record.sha256());
    if tx.is_together() {
        // Asked for nothing: where the key is taken, this fails, and each of those that ran together runs alone.
        exchanges::claim_unasked(tx, key, id, sha256)?;
    } else if let Some(known) = exchanges::claim(tx, key, id, sha256)? {
        return Ok(Committed::Known(known));
    }
    tx.run_all(&record.statements)?;
    if let Some(settling) = &record.settling {
        settling.settle(tx, record.outcome(), record.id())?;
    }
    Ok(Committed::Accepted)
}

/// The first receipt again for the same piece; a conflict where the content is another.
async fn repeated(ctx: &Context, record: &Record, known: Known) -> Result<Acknowledged> {
    if known.sha256 != *record.sha256() {
        let detail = "Cette pièce (pieceUid et itération) a déjà été reçue avec un autre contenu.";
        return Err(Fault::new(Code::PieceConflict, detail));
    }
    let id = known.exchange_id;
    in_an_archive(ctx, id).await?;
    let (entry, settling) = (record.repetition(ctx, id)?, record.settling);
    let found = ctx.store.write(move |tx| {
        journal::append(tx, &entry)?;
        exchanges::repeated(tx, id)?;
        settled(tx, settling.as_ref(), id)?;
        Ok((exchanges::find(tx, id)?, exchanges::receipt(tx, id)?))
    });
    let (Some(exchange), Some(receipt)) = found.await? else {
        return Err(Fault::internal(format!(
            "exchange {id} has a natural key but no row"
        )));
    };
    Ok(Acknowledged::of(Outcome::Duplicate, &exchange, receipt))
}

/// Fails where the piece is one of an archive's: it has no receipt of its own that could be given again.
async fn in_an_archive(ctx: &Context, id: uuid::Uuid) -> Result<()> {
    let found = ctx.store.read(move |tx| exchanges::find(tx, id)).await?;
    match found.is_some_and(|exchange| exchange.kind != PIECE) {
        true => Err(Fault::new(
            Code::PieceConflict,
            "Cette pièce (pieceUid et itération) a déjà été reçue dans une archive.",
        )),
        false => Ok(()),
    }
}

/// A key that its sender gave to a piece which is known already stands for that piece too.
fn settled(tx: &mut Tx<'_>, settling: Option<&Settling>, known: uuid::Uuid) -> Result<()> {
    settling.map_or(Ok(()), |settling| {
        settling.settle(tx, Outcome::Duplicate, known)
    })
}
