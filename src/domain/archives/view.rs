//! Archives as the operator sees them: what came, what became of it, and its trace.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{kept::Header, sending::process};
use crate::{
    domain::{
        Context, Operator,
        exchanges::Status,
        ged::documents::{self, Column},
        jobs,
        journal::{self, Kind, Subject},
        pieces::trace::{self, Event},
        receipts::{ArchiveReceipt, archive::ArchiveFinding},
    },
    kernel::{
        digest::hex,
        fault::{Code, Fault, Result},
    },
    storage::{
        archives::{self, ArchiveRow},
        depot_files,
        exchanges::{self, ExchangeRow},
        jobs::NewJob,
        journal::append,
        replay,
        returns::{self, StateRow},
    },
};

/// What a list is narrowed to; empty texts narrow nothing.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// One depot.
    pub depot: String,
    /// One project.
    pub project: String,
    /// One state: `spooling`, `staging`, `accepted`, `partial`, `rejected`.
    pub state: String,
}

/// An archive in a list.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// The archive's id.
    pub reconciliation_id: Uuid,
    /// `archive` or `pli`; nothing before it is here.
    pub kind: Option<String>,
    /// The depot that held it.
    pub depot: String,
    /// The flow that it came by.
    pub flow: String,
    /// The project.
    pub project: String,
    /// Its file's name, until it is purged.
    pub file_name: Option<String>,
    /// `spooling`, `staging`, then `accepted`, `partial` or `rejected`.
    pub state: String,
    /// Where its exchange stands.
    pub status: Option<String>,
    /// Its format.
    pub format: Option<String>,
    /// How many pieces it has.
    pub pieces: u64,
    /// How many were accepted.
    pub accepted: u64,
    /// Its bytes.
    pub size: Option<u64>,
    /// Its SHA-256.
    pub sha256: Option<String>,
    /// How often it came again.
    pub repetitions: u32,
    /// When its taking was begun.
    pub began_at: Timestamp,
    /// When its last byte was read.
    pub received_at: Option<Timestamp>,
    /// When its receipt stood on the depot.
    pub receipted_at: Option<Timestamp>,
    /// When its source had left.
    pub left_at: Option<Timestamp>,
}

/// An archive with its whole story.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shown {
    /// As in a list.
    #[serde(flatten)]
    pub summary: Summary,
    /// The application that sent it.
    pub source_application: Option<String>,
    /// Of a pli: the id under which it is answered.
    pub pli_id: Option<String>,
    /// Of a pli: when it came by mail.
    pub received_on: Option<String>,
    /// Of a pli: when it was digitised.
    pub digitised_on: Option<String>,
    /// What its receipt says is wrong with it.
    pub findings: Vec<ArchiveFinding>,
    /// Where its return stands.
    pub r#return: Option<Json>,
    /// Its trace, oldest event first.
    pub events: Vec<Event>,
}

/// At most `limit` archives, newest first.
pub async fn list(ctx: &Context, wanted: Wanted, limit: u32) -> Result<Vec<Summary>> {
    let found = ctx.store.read(move |tx| {
        let narrowed = (&*wanted.depot, &*wanted.project, &*wanted.state);
        let rows = archives::list(tx, narrowed, Uuid::max(), limit)?;
        rows.into_iter()
            .map(|row| Ok((exchanges::find(tx, row.exchange_id)?, row)))
            .collect::<Result<Vec<_>>>()
    });
    let found = found.await?;
    let mut all = Vec::with_capacity(found.len());
    for (exchange, row) in found {
        all.push(summary(ctx, row, exchange.as_ref()).await?);
    }
    Ok(all)
}

async fn summary(
    ctx: &Context,
    row: ArchiveRow,
    exchange: Option<&ExchangeRow>,
) -> Result<Summary> {
    let file_name = match (&row.name, exchange) {
        (Some(sealed), Some(exchange)) => Some(name(ctx, exchange, sealed).await?),
        _ => None,
    };
    Ok(Summary {
        reconciliation_id: row.exchange_id,
        kind: exchange.map(|exchange| exchange.kind.clone()),
        depot: row.depot,
        flow: row.flow,
        project: row.project,
        file_name,
        state: row.state,
        status: exchange.map(|exchange| exchange.status.clone()),
        format: row.format,
        pieces: row.pieces,
        accepted: row.accepted,
        size: exchange.map(|exchange| exchange.size),
        sha256: exchange.map(|exchange| hex(&exchange.sha256)),
        repetitions: exchange.map_or(0, |exchange| exchange.repetitions),
        began_at: row.began_at,
        received_at: exchange.map(|exchange| exchange.received_at),
        receipted_at: row.receipted_at,
        left_at: row.left_at,
    })
}

async fn name(ctx: &Context, exchange: &ExchangeRow, sealed: &[u8]) -> Result<String> {
    let key = documents::exchange_key(ctx, exchange).await?;
    let name = documents::open_bytes(&key, Column::ArchiveName, sealed)?;
    String::from_utf8(name).map_err(Fault::internal)
}

/// The story of archive `id`. Fails with `not-found` where there is none.
pub async fn show(ctx: &Context, id: Uuid) -> Result<Shown> {
    let found = ctx.store.read(move |tx| {
        let row = archives::find(tx, id)?;
        Ok((row, exchanges::find(tx, id)?, returns::state_of(tx, id)?))
    });
    let (row, exchange, answer) = found.await?;
    let row = row.ok_or_else(|| missing(id))?;
    let purged = exchange
        .as_ref()
        .is_none_or(|of| of.status == Status::Purged.as_str());
    let header = match &exchange {
        Some(exchange) if !purged => Some(header(ctx, exchange).await?),
        _ => None,
    };
    let findings = match &exchange {
        Some(exchange) if !purged => findings(ctx, exchange).await?,
        _ => Vec::new(),
    };
    Ok(Shown {
        source_application: exchange.as_ref().map(|of| of.source_application.clone()),
        summary: summary(ctx, row, exchange.as_ref()).await?,
        pli_id: header.as_ref().and_then(|header| header.pli_id.clone()),
        received_on: header
            .as_ref()
            .and_then(|header| header.received_on.clone()),
        digitised_on: header.and_then(|header| header.digitised_on),
        findings,
        r#return: answer.map(returned),
        events: trace::events_of(ctx, id).await?,
    })
}

fn missing(id: Uuid) -> Fault {
    Fault::new(
        Code::NotFound,
        format!("no archive {id}; see `navette archive list`"),
    )
}

fn returned(row: StateRow) -> Json {
    json!({
        "returnId": row.id, "outcome": row.outcome, "state": row.state, "attempts": row.attempts,
        "createdAt": row.created_at, "acknowledgedAt": row.acknowledged_at,
    })
}

/// What is kept of the manifest as a whole.
pub async fn header(ctx: &Context, exchange: &ExchangeRow) -> Result<Header> {
    let key = documents::exchange_key(ctx, exchange).await?;
    documents::open_json(&key, Column::Metadata, &exchange.metadata)
}

async fn findings(ctx: &Context, exchange: &ExchangeRow) -> Result<Vec<ArchiveFinding>> {
    let id = exchange.id;
    let Some(row) = ctx.store.read(move |tx| exchanges::receipt(tx, id)).await? else {
        return Ok(Vec::new());
    };
    let row = documents::receipt(ctx, exchange, row).await?;
    Ok(ArchiveReceipt::from_bytes(&row.body)?.findings)
}

/// Has all that waits for an archive tried again now: its receipt, its processing, its return; and its files looked at that
/// have no verdict of the antivirus, where their project is `demanding` one by now. Answers how many jobs
/// that are; the journal keeps who and why. Fails with `not-found` where there is no such archive.
pub async fn retry(operator: &Operator, id: Uuid, demanding: impl Fn(&str) -> bool) -> Result<u64> {
    let found = operator
        .store
        .read(move |tx| archives::find(tx, id))
        .await?;
    let row = found.ok_or_else(|| missing(id))?;
    let demanded = demanding(&row.project);
    let looks = NewJob {
        id: operator.entropy.uuid(&operator.clock)?,
        kind: jobs::Kind::ProcessArchive.as_str().to_owned(),
        lane: jobs::ARCHIVE_LANE.to_owned(),
        subject: id,
        owner: row.owner.clone(),
        run_at: operator.clock.now(),
    };
    let subject = Subject {
        exchange_id: Some(id),
        project: Some(row.project),
        owner: row.owner,
    };
    let detail = json!({ "kind": "archive", "operator": operator.name, "reason": operator.reason });
    let (clock, entropy) = (&operator.clock, &operator.entropy);
    let entry = journal::entry(clock, entropy, Kind::JobRetried, subject, detail)?;
    let now = operator.clock.now();
    let hastened = operator.store.write(move |tx| {
        let mut subjects = vec![id];
        subjects.extend(depot_files::of_exchange(tx, id)?.iter().map(|file| file.id));
        subjects.extend(returns::state_of(tx, id)?.map(|row| row.id));
        let mut jobs = 0;
        for subject in subjects {
            jobs += replay::hasten_of(tx, subject, now)?;
        }
        if demanded {
            jobs += process::ask_looks(tx, &looks, now)?;
        }
        if jobs > 0 {
            append(tx, &entry)?;
        }
        Ok(jobs)
    });
    hastened.await
}
