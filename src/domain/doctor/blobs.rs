//! Documents and blobs: each must have the other.

use futures_util::{StreamExt, stream};
use uuid::Uuid;

use super::{Difference, Progress, Report};
use crate::{
    domain::{
        Context,
        ged::{documents, sweep},
    },
    kernel::fault::{Code, Fault, Result},
    storage::{
        documents as documents_rows,
        exchanges::{self, DocumentRow},
        purges,
    },
    vault::Entry,
};

/// How many documents a page holds.
const PAGE: u32 = 200;
/// How many blobs are read at once, 256 KiB of each in memory.
const AT_ONCE: usize = 4;

/// Looks at the blob of every document.
pub async fn of_documents(
    ctx: &Context,
    quick: bool,
    progress: &dyn Progress,
    report: &mut Report,
) -> Result<()> {
    let mut after = Uuid::nil();
    loop {
        let page = ctx
            .store
            .read(move |tx| exchanges::documents_after(tx, after, PAGE))
            .await?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        after = last.id;
        let mut looks = stream::iter(page.into_iter().map(|row| look(ctx, row, quick)))
            .buffer_unordered(AT_ONCE);
        while let Some(seen) = looks.next().await {
            report.documents += 1;
            match seen? {
                Seen::Sound(bytes) => report.bytes += bytes,
                // A purge may have come between the row and its blob.
                Seen::Wrong(_, id, _) if !still_there(ctx, id).await? => {}
                Seen::Wrong(difference, id, detail) => report.add(difference, id, detail),
            }
            progress.advance(1);
        }
    }
}

async fn still_there(ctx: &Context, id: Uuid) -> Result<bool> {
    let found = ctx.store.read(move |tx| documents_rows::is_kept(tx, id));
    found.await
}

enum Seen {
    Sound(u64),
    Wrong(Difference, Uuid, String),
}

/// Whether one document's blob is there and what was written, to its last byte. Fails only where the database is away.
pub(super) async fn is_sound(ctx: &Context, row: DocumentRow) -> Result<bool> {
    look(ctx, row, false)
        .await
        .map(|seen| matches!(seen, Seen::Sound(_)))
}

/// Looks at one blob. Fails only where the database is away.
async fn look(ctx: &Context, row: DocumentRow, quick: bool) -> Result<Seen> {
    let id = row.exchange_id;
    let exchange = ctx.store.read(move |tx| exchanges::find(tx, id)).await?;
    let Some(exchange) = exchange else {
        // Told by the walk over the exchanges.
        return Ok(Seen::Sound(0));
    };
    let Some(keys) = ctx.keyring.held(&exchange.project).await.ok().flatten() else {
        let detail = format!("no usable key of project {}", exchange.project);
        return Ok(Seen::Wrong(Difference::KeyLost, row.id, detail));
    };
    if row.container.is_none() && keys.unwrap(&row.wrapped_key).is_err() {
        let detail = "the blob's own key does not open".to_owned();
        return Ok(Seen::Wrong(Difference::KeyLost, row.id, detail));
    }
    Ok(match read(ctx, &exchange.project, &row, quick).await {
        Ok(bytes) => Seen::Sound(bytes),
        Err((difference, detail)) => Seen::Wrong(difference, row.id, detail),
    })
}

/// Reads the blob as far as asked for; answers how many bytes were decrypted.
async fn read(
    ctx: &Context,
    project: &str,
    row: &DocumentRow,
    quick: bool,
) -> Result<u64, (Difference, String)> {
    let reader = match documents::reader(ctx, project, row).await {
        Ok(reader) => reader,
        Err(fault) if ctx.vault.holds(blob_of(row)).await.unwrap_or(false) => {
            return Err((Difference::BlobDamaged, told(&fault)));
        }
        Err(fault) => return Err((Difference::BlobMissing, told(&fault))),
    };
    if quick {
        return Ok(0);
    }
    let digests = reader.verify(false).await;
    let digests = digests.map_err(|fault| (Difference::BlobDamaged, told(&fault)))?;
    if digests.sha256 != row.sha256 {
        let detail = "its SHA-256 is not the document's".to_owned();
        return Err((Difference::BlobDamaged, detail));
    }
    Ok(row.size)
}

/// The blob that a document's bytes lie in.
fn blob_of(row: &DocumentRow) -> Uuid {
    row.container.map_or(row.id, |place| place.id)
}

fn told(fault: &Fault) -> String {
    fault.cause().unwrap_or(fault.detail()).to_owned()
}

/// Looks for blobs that no document names.
pub async fn without_document(
    ctx: &Context,
    progress: &dyn Progress,
    report: &mut Report,
) -> Result<()> {
    let mut page = Vec::new();
    for entry in ctx.vault.list() {
        match entry {
            Ok(entry) => page.push(entry),
            Err(fault) if fault.code() == Code::Unavailable => {
                report.add(Difference::StoreUnreadable, "store", told(&fault));
            }
            Err(fault) => return Err(fault),
        }
        if page.len() == PAGE as usize {
            compare(ctx, std::mem::take(&mut page), report).await?;
            progress.advance(PAGE.into());
        }
    }
    compare(ctx, page, report).await
}

async fn compare(ctx: &Context, page: Vec<Entry>, report: &mut Report) -> Result<()> {
    let unnamed = ctx.store.read(move |tx| {
        let mut unnamed = Vec::new();
        for entry in &page {
            if !exchanges::has_document(tx, entry.id)? {
                let leaving = purges::awaits_removal(tx, entry.id)?;
                unnamed.push((entry.clone(), leaving));
            }
        }
        Ok(unnamed)
    });
    let before = sweep::swept_before(ctx)?;
    for (entry, leaving) in unnamed.await? {
        match entry.created < before && !leaving {
            true => report.add(Difference::BlobOrphan, entry.id, orphan(&entry)),
            false => report.orphans_to_be_swept += 1,
        }
    }
    Ok(())
}

fn orphan(entry: &Entry) -> String {
    format!("no document names it; it was begun at {}", entry.created)
}
