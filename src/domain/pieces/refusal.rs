//! Refusals: an authenticated sending that is refused leaves an entry in the journal, and nothing else.

use serde_json::json;

use crate::{
    domain::{
        Context,
        access::Client,
        journal::{self, Kind, Subject},
    },
    kernel::fault::{Code, Fault, Result},
    storage::journal::append,
};

/// Whether a fault is the sender's, and hence a refusal.
fn is_refusal(code: Code) -> bool {
    !matches!(
        code,
        Code::Internal
            | Code::Unavailable
            | Code::StorageFull
            | Code::Corrupt
            | Code::RequestInFlight
    )
}

/// Journals the refusal of what `client` sent; a hash that does not match is logged as an anomaly (TRC-2).
///
/// A journal that cannot be written does not change the answer: the fault is logged instead.
pub async fn journal(ctx: &Context, client: &Client, project: Option<String>, fault: &Fault) {
    if !is_refusal(fault.code()) {
        return;
    }
    let codes: Vec<_> = fault
        .errors()
        .iter()
        .map(|fault| fault.code.as_str())
        .collect();
    if fault.code() == Code::HashMismatch || codes.contains(&Code::HashMismatch.as_str()) {
        tracing::warn!(
            anomaly = "hash-mismatch",
            client = client.client_id,
            project,
            "a content does not match its announced hash"
        );
    }
    let detail =
        json!({ "clientId": client.client_id, "code": fault.code().as_str(), "codes": codes });
    if let Err(error) = append_entry(ctx, client, project, detail).await {
        tracing::error!(%error, code = %fault.code(), "a refusal could not be journalled");
    }
}

async fn append_entry(
    ctx: &Context,
    client: &Client,
    project: Option<String>,
    detail: serde_json::Value,
) -> Result<()> {
    let subject = Subject {
        exchange_id: None,
        project,
        owner: ctx.owner(&client.partner),
    };
    let entry = journal::entry(
        &ctx.clock,
        &ctx.entropy,
        Kind::PieceRefused,
        subject,
        detail,
    )?;
    ctx.store.write(move |tx| append(tx, &entry)).await
}
