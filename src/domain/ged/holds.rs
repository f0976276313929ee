//! Legal holds: a dossier that must not be purged, whatever its term, until somebody lifts the hold.
//!
//! A hold names a project and a dossier, which is kept as its keyed hash: what is said of it in the clear is read from the
//! metadata of an exchange that it keeps. A dossier that has no exchange yet may be put on hold. Adding one waits for the
//! purge's transaction in progress: when the command answers, nothing of the dossier is purged any more.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::documents::{self, Column};
use crate::{
    domain::{
        Context,
        archives::kept::KeptDossier,
        exchanges::{HUB, TELEDOSSIER},
        journal::{self, Kind, Subject},
    },
    kernel::{
        digest::hex,
        fault::{Code, Fault, Result},
    },
    storage::{
        exchanges::{self, ExchangeRow},
        holds::{self, HoldRow},
        journal::{EntryRow, append},
    },
};

/// How many holds a list shows.
const LISTED: u32 = 10_000;

/// A hold as an operator sees it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Hold {
    /// Its id.
    pub hold_id: Uuid,
    /// The project.
    pub project: String,
    /// The dossier, where an exchange of it is kept and opens.
    pub dossier_id: Option<String>,
    /// Its keyed hash, as receipts show it.
    pub dossier_id_hash: String,
    /// How many exchanges it keeps.
    pub exchanges: u64,
    /// Why.
    pub reason: String,
    /// Who added it.
    pub added_by: String,
    /// When.
    pub added_at: Timestamp,
    /// When it was lifted.
    pub lifted_at: Option<Timestamp>,
    /// Who lifted it.
    pub lifted_by: Option<String>,
    /// Why.
    pub lifted_reason: Option<String>,
}

/// Who changes a hold, and why.
#[derive(Clone, Debug)]
pub struct Signed {
    /// The operator.
    pub by: String,
    /// The reason, nothing personal.
    pub reason: String,
}

/// Puts a dossier on hold. Fails with `usage` where it is on hold already, or the project is not configured.
pub async fn add(ctx: &Context, project: &str, dossier: &str, signed: Signed) -> Result<Hold> {
    if project != HUB {
        ctx.project(project)
            .map_err(|_| usage(format!("project {project} is not configured in projects/")))?;
    }
    let keys = ctx.keyring.project(project).await?;
    let row = HoldRow {
        id: ctx.entropy.uuid(&ctx.clock)?,
        environment: ctx.config.gateway.environment.clone(),
        project: project.to_owned(),
        dossier_hash: keys.hash(dossier),
        reason: signed.reason.clone(),
        added_by: signed.by.clone(),
        added_at: ctx.clock.now(),
        lifted: None,
    };
    let entry = entry(ctx, Kind::HoldAdded, &row, &signed)?;
    let written = row.clone();
    let added = ctx.store.write(move |tx| {
        holds::between_purges(tx)?;
        let added = holds::insert(tx, &written)?;
        if added {
            append(tx, &entry)?;
        }
        Ok(added)
    });
    match added.await? {
        true => shown(ctx, row).await,
        false => Err(usage(
            "this dossier is on hold already; see `navette hold list`".to_owned(),
        )),
    }
}

/// Lifts the hold of a dossier. Fails with `not-found` where it is under none.
pub async fn lift(ctx: &Context, project: &str, dossier: &str, signed: Signed) -> Result<Hold> {
    let none = || {
        let detail = "this dossier is not on hold; see `navette hold list`";
        Fault::new(Code::NotFound, detail)
    };
    let keys = ctx.keyring.held(project).await?.ok_or_else(none)?;
    let (name, hash) = (project.to_owned(), keys.hash(dossier));
    let found = ctx
        .store
        .read(move |tx| holds::in_force(tx, &name, &hash))
        .await?;
    let mut row = found.ok_or_else(none)?;
    let now = ctx.clock.now();
    let entry = entry(ctx, Kind::HoldLifted, &row, &signed)?;
    row.lifted = Some((now, signed.by.clone(), signed.reason.clone()));
    let id = row.id;
    let lifted = ctx.store.write(move |tx| {
        let lifted = holds::lift(tx, id, now, &signed.by, &signed.reason)?;
        if lifted {
            append(tx, &entry)?;
        }
        Ok(lifted)
    });
    match lifted.await? {
        true => shown(ctx, row).await,
        false => Err(none()),
    }
}

/// The holds in force, oldest first, of one project or (an empty text) of all; the lifted ones too where asked for.
pub async fn list(ctx: &Context, project: &str, lifted: bool) -> Result<Vec<Hold>> {
    let project = project.to_owned();
    let rows = ctx
        .store
        .read(move |tx| holds::list(tx, &project, lifted, LISTED))
        .await?;
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        all.push(shown(ctx, row).await?);
    }
    Ok(all)
}

async fn shown(ctx: &Context, row: HoldRow) -> Result<Hold> {
    let (project, hash) = (row.project.clone(), row.dossier_hash);
    let found = ctx.store.read(move |tx| {
        let (count, newest) = holds::exchanges(tx, &project, &hash)?;
        let Some(id) = newest else {
            return Ok((count, None));
        };
        let dossier = holds::dossier(tx, id, &hash)?;
        Ok((count, exchanges::find(tx, id)?.map(|row| (row, dossier))))
    });
    let (exchanges, newest) = found.await?;
    let dossier_id = match &newest {
        Some((exchange, dossier)) => readable(ctx, exchange, dossier.as_deref()).await,
        None => None,
    };
    let (at, by, reason) = match row.lifted {
        Some((at, by, reason)) => (Some(at), Some(by), Some(reason)),
        None => (None, None, None),
    };
    Ok(Hold {
        hold_id: row.id,
        project: row.project,
        dossier_id,
        dossier_id_hash: hex(&row.dossier_hash),
        exchanges,
        reason: row.reason,
        added_by: row.added_by,
        added_at: row.added_at,
        lifted_at: at,
        lifted_by: by,
        lifted_reason: reason,
    })
}

/// The dossier's id; nothing where the exchange does not open, which must hide neither this hold nor the others.
async fn readable(ctx: &Context, exchange: &ExchangeRow, dossier: Option<&[u8]>) -> Option<String> {
    let id = dossier_id(ctx, exchange, dossier).await;
    id.inspect_err(|fault| {
        tracing::warn!(reconciliation_id = %exchange.id, %fault, "a held exchange does not open; see `navette doctor`");
    })
    .ok()
}

/// The dossier's id: a piece's own, or that of an archive's dossier.
async fn dossier_id(
    ctx: &Context,
    exchange: &ExchangeRow,
    dossier: Option<&[u8]>,
) -> Result<String> {
    let key = documents::exchange_key(ctx, exchange).await?;
    match dossier {
        Some(sealed) => {
            let kept: KeptDossier = documents::open_json(&key, Column::Dossier, sealed)?;
            Ok(kept.dossier_id)
        }
        None if exchange.kind == TELEDOSSIER => {
            let kept: Json = documents::open_json(&key, Column::Metadata, &exchange.metadata)?;
            Ok(kept["externalId"].as_str().unwrap_or_default().to_owned())
        }
        None => Ok(documents::metadata(&key, exchange)?.dossier_id),
    }
}

fn entry(ctx: &Context, kind: Kind, row: &HoldRow, signed: &Signed) -> Result<EntryRow> {
    let subject = Subject {
        exchange_id: None,
        project: Some(row.project.clone()),
        owner: ctx.owner("navette"),
    };
    let detail = json!({
        "holdId": row.id,
        "dossierIdHash": hex(&row.dossier_hash),
        "operator": signed.by,
        "reason": signed.reason,
    });
    journal::entry(&ctx.clock, &ctx.entropy, kind, subject, detail)
}

fn usage(detail: String) -> Fault {
    Fault::new(Code::Usage, detail)
}
