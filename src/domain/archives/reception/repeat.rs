//! The same archive dropped again: its first receipt again, with `duplicateOf`, and nothing runs twice.

use serde_json::json;
use uuid::Uuid;

use super::{
    lease, leftovers, on_depot,
    record::unstuck,
    spool::Spooled,
    taking::{Taken, Taking},
};
use crate::{
    codec::Format,
    domain::{
        archives::{Manifest, kept::archive_key},
        cft,
        ged::documents,
        journal::{self, Kind},
        receipts::ArchiveReceipt,
    },
    kernel::{
        failpoint,
        fault::{Fault, Result},
    },
    storage::{
        Prepared,
        archives::{self, Discarded},
        exchanges::{self, ExchangeRow, ReceiptRow},
        journal as journal_rows,
    },
};

/// How many staged rows of each kind one transaction takes out.
const BATCH: u32 = 500;

/// The accepted archive of the same bytes and manifest, hence of the same application, in the same project.
pub async fn known(taking: &Taking, spooled: &Spooled) -> Result<Option<Uuid>> {
    if spooled.format == Some(Format::Gz) {
        return known_by_manifest(taking, spooled).await;
    }
    let (sha256, project) = (spooled.sha256(), taking.project.name.clone());
    let found = taking
        .ctx()
        .store
        .read(move |tx| archives::same(tx, &sha256, &project));
    found.await
}

/// A gz is what the manifest beside it says: the same bytes with another one are another archive. One without a manifest that
/// can be read is none that was accepted.
async fn known_by_manifest(taking: &Taking, spooled: &Spooled) -> Result<Option<Uuid>> {
    let Some(beside) = spooled.beside.clone() else {
        return Ok(None);
    };
    let read = tokio::task::spawn_blocking(move || Manifest::parse(&beside[..]));
    let Ok(manifest) = read.await.map_err(Fault::internal)? else {
        return Ok(None);
    };
    let key = |digest: Option<&str>| {
        let of = (&*taking.project.name, &*manifest.source_application);
        archive_key(&taking.keys, of, &spooled.sha256(), digest)
    };
    // One that was accepted before the manifest counted has the key without it, and no other.
    let keys = [key(spooled.manifest_sha256().as_deref()), key(None)];
    let found = taking.ctx().store.read(move |tx| {
        let found = archives::of_key(tx, &keys[0])?;
        found.map_or_else(|| archives::of_key(tx, &keys[1]), |id| Ok(Some(id)))
    });
    found.await
}

/// Has the first receipt left on the depot again.
pub async fn acknowledge(taking: &Taking, spooled: &Spooled, first: Uuid) -> Result<Taken> {
    let ctx = taking.ctx();
    let found = ctx
        .store
        .read(move |tx| Ok((exchanges::find(tx, first)?, exchanges::receipt(tx, first)?)));
    let (Some(exchange), Some(receipt)) = found.await? else {
        return Err(Fault::internal(format!(
            "archive {first} has no row or no receipt"
        )));
    };
    let statements = statements(taking, &exchange, receipt).await?;
    let over = unstuck(taking)?;
    let (about, of) = (&spooled.about, Some(first));
    let transfer = cft::prepare(ctx, &taking.desk.depot.name, cft::Way::In, about, of)?;
    let (mine, depot, token) = (
        taking.exchange_id,
        taking.desk.depot.name.clone(),
        taking.desk.token,
    );
    let written = ctx.store.write(move |tx| {
        lease::demand(tx, &depot, token)?;
        exchanges::repeated(tx, first)?;
        tx.run_all(&statements)?;
        over.close(tx)?;
        if let Some(transfer) = &transfer {
            transfer.write(tx)?;
        }
        match archives::discard(tx, mine, BATCH)? {
            // Whoever took it has its receipt left: what was written here is undone.
            Discarded::Kept => Err(Fault::unavailable("the archive is being taken by another")),
            discarded => Ok(discarded),
        }
    });
    if written.await? == Discarded::NotYet {
        leftovers::rows(ctx, &taking.desk.depot.name, mine, taking.desk.token).await?;
    }
    failpoint::hit("archive.after-flip");
    ctx.bell.notify_one();
    leftovers::remove_blobs(taking, spooled, None).await;
    Ok(Taken::Duplicate)
}

async fn statements(
    taking: &Taking,
    exchange: &ExchangeRow,
    receipt: ReceiptRow,
) -> Result<Vec<Prepared>> {
    let ctx = taking.ctx();
    let first = documents::receipt(ctx, exchange, receipt).await?;
    let mut document = ArchiveReceipt::from_bytes(&first.body)?;
    document.duplicate_of = Some(exchange.id);
    let body = document.to_bytes()?;
    let cms = ctx.signer.sign(&body)?;
    let key = documents::exchange_key(ctx, exchange).await?;
    let file = on_depot::file(taking, &key, exchange.id, "duplicate", (&body, &cms))?;
    let detail = json!({ "depot": file.depot, "flow": file.flow });
    let subject = on_depot::subject(exchange);
    let entry = journal::entry(
        &ctx.clock,
        &ctx.entropy,
        Kind::ArchiveRepeated,
        subject,
        detail,
    )?;
    let mut all: Vec<Prepared> = journal_rows::appending(&entry).into();
    all.extend(on_depot::left_on_depot(taking, &file, file.taken_at)?);
    Ok(all)
}
