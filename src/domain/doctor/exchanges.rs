//! The walk over the exchanges: rows that must be beside each other, keys that must open, receipts that must hold.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use uuid::Uuid;

use super::{Difference, Progress, Report, archives, hubee, keys::key_of};
use crate::{
    domain::{
        Context,
        archives::kept::Header,
        exchanges::{PIECE, Status, TELEDOSSIER},
        ged::{
            ProjectKeys,
            documents::{self, Column},
        },
        pieces::record::natural_key,
        receipts::{self, Receipt},
    },
    kernel::{digest::Sha256, fault::Result},
    storage::{
        exchanges::{ExchangeRow, ReceiptRow},
        inspection,
    },
};

/// How many exchanges a page holds.
const PAGE: u32 = 200;
/// How many natural keys a page holds.
const KEYS: u32 = 1000;

/// Walks over all exchanges, then over all natural keys.
pub async fn examine(
    ctx: &Context,
    trusted: &[u8],
    progress: &dyn Progress,
    report: &mut Report,
) -> Result<()> {
    let mut after = Uuid::nil();
    loop {
        let page = Page::read(ctx, after).await?;
        let looked = page.exchanges.len() as u64;
        for (gap, id) in &page.gaps {
            let difference = Difference::from(*gap);
            report.add(difference, id, format!("reconciliation id {id}"));
        }
        for exchange in &page.exchanges {
            page.look(ctx, trusted, exchange, report).await?;
        }
        report.exchanges += looked;
        progress.advance(looked);
        if page.upto.is_max() {
            return natural_keys(ctx, report).await;
        }
        after = page.upto;
    }
}

/// Some exchanges and what is beside them, of ids after the last page's and up to `upto`.
struct Page {
    upto: Uuid,
    exchanges: Vec<ExchangeRow>,
    receipts: HashMap<Uuid, ReceiptRow>,
    received: HashSet<(Uuid, Uuid)>,
    gaps: Vec<(inspection::Gap, Uuid)>,
}

impl Page {
    /// Reads a page. Exchanges come first: what is written beside them meanwhile can only be more.
    async fn read(ctx: &Context, after: Uuid) -> Result<Self> {
        let read = ctx.store.read(move |tx| {
            let exchanges = inspection::page(tx, after, PAGE)?;
            // The last page goes on to the end of all ids, for rows of exchanges that are not there.
            let last = exchanges
                .last()
                .filter(|_| exchanges.len() == PAGE as usize);
            let upto = last.map_or(Uuid::max(), |exchange| exchange.id);
            let receipts = inspection::receipts(tx, after, upto)?;
            Ok(Self {
                upto,
                exchanges,
                receipts: receipts
                    .into_iter()
                    .map(|receipt| (receipt.exchange_id, receipt))
                    .collect(),
                received: inspection::received(tx, after, upto)?.into_iter().collect(),
                gaps: inspection::gaps(tx, after, upto)?,
            })
        });
        read.await
    }

    async fn look(
        &self,
        ctx: &Context,
        trusted: &[u8],
        exchange: &ExchangeRow,
        report: &mut Report,
    ) -> Result<()> {
        if exchange.kind == TELEDOSSIER {
            hubee::look(ctx, exchange, report).await;
            return Ok(());
        }
        let proven = self.proven(ctx, trusted, exchange, report).await;
        if exchange.status == Status::Purged.as_str() {
            // Only what a receipt proves is left of it.
            return Ok(());
        }
        let Some((keys, header)) = opened(ctx, exchange, report).await else {
            return Ok(());
        };
        let metadata = &header.metadata;
        if let Some(name) = proven
            && name != keys.hash(&metadata.file_name)
        {
            let detail = "the receipt names another file";
            report.add(Difference::ReceiptMismatch, exchange.id, detail);
        }
        if exchange.status == Status::Refused.as_str() {
            // It may be dropped again: it stands for nothing.
            return Ok(());
        }
        let digest = match exchange.kind == PIECE {
            true => natural_key(&keys, metadata, &exchange.sha256),
            false => header.key(&keys, &exchange.sha256),
        };
        claimed(ctx, exchange.id, digest, report).await
    }

    /// The hash of the file's name that the receipt proves.
    async fn proven(
        &self,
        ctx: &Context,
        trusted: &[u8],
        exchange: &ExchangeRow,
        report: &mut Report,
    ) -> Option<Sha256> {
        let row = self.receipts.get(&exchange.id)?;
        if exchange.kind == PIECE {
            return Some(self.proof(trusted, exchange, row, report)?.file_name_hash);
        }
        archives::proof(ctx, trusted, (exchange, row), &self.received, report).await
    }

    /// The receipt's own words, where its signature holds and they are those of the exchange.
    fn proof(
        &self,
        trusted: &[u8],
        exchange: &ExchangeRow,
        row: &ReceiptRow,
        report: &mut Report,
    ) -> Option<Receipt> {
        let receipt = match receipts::verify_known(&row.cms, trusted, Some(row.created_at)) {
            Ok((receipt, _)) => receipt,
            Err(fault) => {
                report.add(Difference::ReceiptInvalid, exchange.id, fault);
                return None;
            }
        };
        let mut wrong = differing(&receipt, row, exchange);
        if !self
            .received
            .contains(&(exchange.id, receipt.journal_entry_id))
        {
            wrong.push("journalEntryId");
        }
        if !wrong.is_empty() {
            let detail = format!("what differs: {}", wrong.join(", "));
            report.add(Difference::ReceiptMismatch, exchange.id, detail);
        }
        Some(receipt)
    }
}

/// What the receipt says otherwise than the rows.
fn differing(receipt: &Receipt, row: &ReceiptRow, exchange: &ExchangeRow) -> Vec<&'static str> {
    let same_body = Receipt::from_bytes(&row.body).is_ok_and(|stored| stored == *receipt);
    let checks = [
        ("the stored text", same_body),
        ("receiptId", receipt.receipt_id == row.id),
        ("reconciliationId", receipt.reconciliation_id == exchange.id),
        (
            "environment",
            receipt.environment == exchange.owner.environment,
        ),
        ("project", receipt.project == exchange.project),
        ("receivedAt", receipt.received_at == exchange.received_at),
        (
            "dossierIdHash",
            receipt.dossier_id_hash == exchange.dossier_hash,
        ),
        ("iteration", receipt.iteration == exchange.iteration),
        ("size", receipt.size == exchange.size),
        ("sha256", receipt.sha256 == exchange.sha256),
    ];
    let differ = checks.into_iter().filter(|(_, same)| !same);
    differ.map(|(name, _)| name).collect()
}

/// The keys and metadata of an exchange, where they open.
pub(super) async fn opened(
    ctx: &Context,
    exchange: &ExchangeRow,
    report: &mut Report,
) -> Option<(Arc<ProjectKeys>, Header)> {
    let (keys, key) = key_of(ctx, exchange, report).await?;
    // A piece's are those of an archive, with less in them.
    match documents::open_json(&key, Column::Metadata, &exchange.metadata) {
        Ok(header) => Some((keys, header)),
        Err(fault) => {
            report.add(Difference::MetadataDamaged, exchange.id, fault);
            None
        }
    }
}

async fn claimed(ctx: &Context, id: Uuid, digest: Sha256, report: &mut Report) -> Result<()> {
    let held = ctx
        .store
        .read(move |tx| inspection::natural_key(tx, &digest))
        .await?;
    match held {
        Some(other) if other != id => {
            let detail = format!("its natural key stands for {other}");
            report.add(Difference::NaturalKeyMissing, id, detail);
        }
        Some(_) => {}
        None => report.add(Difference::NaturalKeyMissing, id, "it has no natural key"),
    }
    Ok(())
}

async fn natural_keys(ctx: &Context, report: &mut Report) -> Result<()> {
    let mut after: Sha256 = [0; 32];
    loop {
        let page = ctx
            .store
            .read(move |tx| inspection::natural_keys(tx, &after, KEYS))
            .await?;
        let Some((last, ..)) = page.last() else {
            return Ok(());
        };
        after = *last;
        for (_, id, _) in page.iter().filter(|(.., there)| !there) {
            let detail = "no exchange of this id";
            report.add(Difference::NaturalKeyDangling, id, detail);
        }
    }
}
