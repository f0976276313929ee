//! Refusals: an authenticated request that is refused leaves an entry in the journal; a sending whose content is not what was
//! announced opens an incident too (TRC-2). A token refused to who has its secret is one, too.

use serde_json::json;

use super::announced::{self, Announced};
use crate::{
    domain::{
        Context,
        access::{Client, grant::GrantCode},
        journal::{self, Kind, Subject},
    },
    kernel::fault::{Code, Fault, Result},
    storage::journal::append,
};

/// Whether a fault is the caller's, and hence a refusal. Whoever asks for what is not there yet is not refused it.
fn is_refusal(fault: &Fault) -> bool {
    let is_ours = matches!(
        fault.code(),
        Code::Internal
            | Code::Unavailable
            | Code::StorageFull
            | Code::SignerExpired
            | Code::Corrupt
            | Code::RequestInFlight
    );
    !is_ours && !fault.is_early()
}

/// Journals the refusal of what `client` asked for; a hash that does not match is logged as an anomaly, and opens an incident
/// (TRC-2).
///
/// A journal that cannot be written does not change the answer: the fault is logged instead.
pub async fn journal(
    ctx: &Context,
    announced: &Announced,
    client: &Client,
    project: Option<String>,
    fault: &Fault,
) {
    if !is_refusal(fault) {
        return;
    }
    let codes: Vec<_> = fault
        .errors()
        .iter()
        .map(|fault| fault.code.as_str())
        .collect();
    let mismatch = Code::HashMismatch;
    let altered = fault.code() == mismatch || codes.contains(&mismatch.as_str());
    if altered {
        tracing::warn!(
            anomaly = "hash-mismatch",
            client = client.client_id,
            project,
            "a content does not match its announced hash"
        );
    }
    let code = fault.code().as_str();
    noted(ctx, client, project.clone(), (code, &codes), altered).await;
    if let Some(project) = project.filter(|_| altered) {
        announced.broken(client, &project);
    }
}

/// Journals the refusal of a token to `client`, whose secret was right.
pub async fn of_token(ctx: &Context, client: &Client, code: GrantCode) {
    noted(ctx, client, None, (code.as_str(), &[]), false).await;
}

async fn noted(
    ctx: &Context,
    client: &Client,
    project: Option<String>,
    (code, codes): (&str, &[&str]),
    altered: bool,
) {
    let detail = json!({ "clientId": client.client_id, "code": code, "codes": codes });
    if let Err(error) = append_entry(ctx, client, project, detail, altered).await {
        tracing::error!(%error, code, "a refusal could not be journalled");
    }
}

async fn append_entry(
    ctx: &Context,
    client: &Client,
    project: Option<String>,
    detail: serde_json::Value,
    altered: bool,
) -> Result<()> {
    let ticket = match altered {
        true => announced::mismatch(ctx, client, project.as_deref())?,
        false => None,
    };
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
    let written = ctx.store.write(move |tx| {
        append(tx, &entry)?;
        match &ticket {
            Some(ticket) => ticket.open(tx).map(drop),
            None => Ok(()),
        }
    });
    written.await
}
