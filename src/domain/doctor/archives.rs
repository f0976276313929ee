//! The receipts of archives: whether they hold, and are those of their exchanges.

use std::collections::HashSet;

use uuid::Uuid;

use super::{Difference, Report};
use crate::{
    domain::{
        Context,
        exchanges::Status,
        ged::documents,
        receipts::{self, ArchiveReceipt, Proven, archive::Outcome},
    },
    kernel::{
        digest::Sha256,
        fault::{Code, Fault},
    },
    storage::exchanges::{ExchangeRow, ReceiptRow},
};

/// The name's hash that an archive's receipt proves, where its signature holds; what differs is reported. `received` holds
/// the receptions that the journal knows.
pub async fn proof(
    ctx: &Context,
    trusted: &[u8],
    (exchange, row): (&ExchangeRow, &ReceiptRow),
    received: &HashSet<(Uuid, Uuid)>,
    report: &mut Report,
) -> Option<Sha256> {
    if row.sealed && exchange.status == Status::Purged.as_str() {
        // It named entries, and went with them.
        return None;
    }
    let opened = documents::receipt(ctx, exchange, row.clone()).await;
    let known = opened.and_then(|row| {
        let at = Some(row.created_at);
        match receipts::verify_any(&row.cms, trusted, true, at)?.0 {
            Proven::Archive(receipt) => Ok((receipt, row.body)),
            Proven::Piece(_) => Err(Fault::new(Code::Corrupt, "the receipt is a piece's")),
        }
    });
    let (receipt, body) = match known {
        Ok(known) => known,
        Err(fault) => {
            report.add(Difference::ReceiptInvalid, exchange.id, fault);
            return None;
        }
    };
    let mut wrong = differing(&receipt, row, exchange);
    if !ArchiveReceipt::from_bytes(&body).is_ok_and(|stored| stored == *receipt) {
        wrong.push("the stored text");
    }
    if !received.contains(&(exchange.id, receipt.journal_entry_id)) {
        wrong.push("journalEntryId");
    }
    if !wrong.is_empty() {
        let detail = format!("what differs: {}", wrong.join(", "));
        report.add(Difference::ReceiptMismatch, exchange.id, detail);
    }
    Some(receipt.file_name_hash)
}

/// What the receipt says otherwise than the rows.
fn differing(
    receipt: &ArchiveReceipt,
    row: &ReceiptRow,
    exchange: &ExchangeRow,
) -> Vec<&'static str> {
    let refused = exchange.status == Status::Refused.as_str();
    let purged = exchange.status == Status::Purged.as_str();
    let checks = [
        ("receiptId", receipt.receipt_id == row.id),
        ("reconciliationId", receipt.reconciliation_id == exchange.id),
        (
            "environment",
            receipt.environment == exchange.owner.environment,
        ),
        ("project", receipt.project == exchange.project),
        ("receivedAt", receipt.received_at == exchange.received_at),
        (
            "outcome",
            purged || refused == (receipt.outcome == Outcome::Rejected),
        ),
        ("size", receipt.size == exchange.size),
        ("sha256", receipt.sha256 == exchange.sha256),
    ];
    let differ = checks.into_iter().filter(|(_, same)| !same);
    differ.map(|(name, _)| name).collect()
}
