//! What a sender may see of its pieces afterwards. A piece of another client is not there (code `not-found`). The bytes are in
//! [`super::content`], the trace in [`super::trace`].

use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use super::acknowledged::Outcome;
use crate::{
    domain::{
        Context,
        access::Client,
        exchanges::{Metadata, Status, TELEDOSSIER},
        ged::documents::{self, Column},
        processing::Control,
        returns::document::Kept,
    },
    kernel::{
        digest::hex,
        fault::{Code, Fault, Result},
    },
    storage::{
        exchanges::{self, ExchangeRow},
        listing::{self, Filter},
        returns::{self, StateRow},
    },
};

/// A piece as its sender sees it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Piece {
    /// The reconciliation id.
    pub reconciliation_id: Uuid,
    status: String,
    outcome: &'static str,
    earlier_iteration_missing: bool,
    repetitions: u32,
    received_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata>,
    size: u64,
    sha256: String,
    request_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    controls: Option<Vec<Control>>,
    r#return: Option<ReturnState>,
    links: Links,
}

/// Where its return stands.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ReturnState {
    return_id: Uuid,
    outcome: String,
    state: String,
    created_at: Timestamp,
    attempts: u32,
    next_attempt_at: Option<Timestamp>,
    acknowledged_at: Option<Timestamp>,
}

/// The addresses of a piece, relative to the service.
#[derive(Debug, Serialize)]
pub struct Links {
    /// The piece itself.
    #[serde(rename = "self")]
    pub itself: String,
    content: String,
    receipt: String,
    r#return: String,
    events: String,
}

impl Links {
    /// The addresses of piece `id`.
    pub fn of(id: Uuid) -> Self {
        let itself = format!("/v1/pieces/{id}");
        Self {
            content: format!("{itself}/content"),
            receipt: format!("{itself}/receipt"),
            r#return: format!("{itself}/return"),
            events: format!("{itself}/events"),
            itself,
        }
    }
}

/// A page of pieces, newest first.
#[derive(Debug)]
pub struct Page {
    /// The pieces.
    pub items: Vec<Piece>,
    /// The id to go on from, where there are more.
    pub next: Option<Uuid>,
}

/// Exchange `id`, where `client` sent it.
pub async fn exchange(ctx: &Context, client: &Client, id: Uuid) -> Result<ExchangeRow> {
    let found = ctx.store.read(move |tx| exchanges::find(tx, id)).await?;
    found
        // A télédossier is the hub's to show, even where a client of the hub has the same name.
        .filter(|exchange| exchange.client_id == client.client_id && exchange.kind != TELEDOSSIER)
        .ok_or_else(not_found)
}

pub(super) fn not_found() -> Fault {
    Fault::new(
        Code::NotFound,
        "Aucune pièce de ce client ne porte cet identifiant.",
    )
}

/// One piece, with its controls once it was processed.
pub async fn piece(ctx: &Context, client: &Client, id: Uuid) -> Result<Piece> {
    piece_of(ctx, exchange(ctx, client, id).await?).await
}

/// The same for an exchange that is already at hand.
pub(super) async fn piece_of(ctx: &Context, exchange: ExchangeRow) -> Result<Piece> {
    let id = exchange.id;
    let found = ctx
        .store
        .read(move |tx| Ok((returns::state_of(tx, id)?, exchanges::result(tx, id)?)));
    let (row, result) = found.await?;
    if is_purged(&exchange) {
        return Ok(shown(exchange, None, row, Some(Vec::new())));
    }
    let key = documents::exchange_key(ctx, &exchange).await?;
    let kept: Option<Kept> = result
        .map(|sealed| documents::open_json(&key, Column::Result, &sealed))
        .transpose()?;
    let controls = kept.map(|kept| kept.controls).unwrap_or_default();
    let metadata = documents::metadata(&key, &exchange)?;
    Ok(shown(exchange, Some(metadata), row, Some(controls)))
}

fn is_purged(exchange: &ExchangeRow) -> bool {
    exchange.status == Status::Purged.as_str()
}

fn shown(
    exchange: ExchangeRow,
    metadata: Option<Metadata>,
    row: Option<StateRow>,
    controls: Option<Vec<Control>>,
) -> Piece {
    Piece {
        reconciliation_id: exchange.id,
        status: exchange.status,
        outcome: Outcome::of_new(exchange.iteration).as_str(),
        earlier_iteration_missing: exchange.earlier_missing,
        repetitions: exchange.repetitions,
        received_at: exchange.received_at,
        // A batch has no dossier of its own.
        metadata: metadata.filter(|metadata| !metadata.dossier_id.is_empty()),
        size: exchange.size,
        sha256: hex(&exchange.sha256),
        request_bytes: exchange.request_bytes,
        controls,
        r#return: row.map(|row| ReturnState {
            return_id: row.id,
            outcome: row.outcome,
            state: row.state,
            created_at: row.created_at,
            attempts: row.attempts,
            next_attempt_at: row.next_attempt_at,
            acknowledged_at: row.acknowledged_at,
        }),
        links: Links::of(exchange.id),
    }
}

/// What a list is narrowed to, in the sender's words.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// The narrowing that needs no key.
    pub filter: Filter,
    /// One dossier, by its id.
    pub dossier_id: Option<String>,
    /// The most pieces of a page, 1 to 200.
    pub limit: u32,
}

/// A page of the client's pieces. A project or application outside of its perimeter is refused.
pub async fn list(ctx: &Context, client: &Client, query: Query) -> Result<Page> {
    let mut filter = query.filter;
    perimeter(client, &filter)?;
    filter.client_id = Some(client.client_id.clone());
    if let Some(dossier) = &query.dossier_id {
        filter.dossier_hashes = Some(dossier_hashes(ctx, client, &filter, dossier).await?);
    }
    let limit = query.limit;
    let found = ctx
        .store
        .read(move |tx| listing::list(tx, &filter, limit + 1));
    let mut rows = found.await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next = rows.last().map(|(row, _)| row.id).filter(|_| more);
    let mut items = Vec::with_capacity(rows.len());
    for (row, state) in rows {
        let metadata = match is_purged(&row) {
            true => None,
            false => {
                let key = documents::exchange_key(ctx, &row).await?;
                Some(documents::metadata(&key, &row)?)
            }
        };
        items.push(shown(row, metadata, state, None));
    }
    Ok(Page { items, next })
}

pub(super) fn perimeter(client: &Client, filter: &Filter) -> Result<()> {
    let outside = |named: &Option<String>, own: &std::collections::BTreeSet<String>| {
        named.as_ref().is_some_and(|name| !own.contains(name))
    };
    if outside(&filter.project, &client.projects)
        || outside(&filter.source_application, &client.source_applications)
    {
        let detail = "Le projet ou l'application source est hors du périmètre de ce client.";
        return Err(Fault::new(Code::PerimeterForbidden, detail));
    }
    Ok(())
}

/// A dossier id is stored as a hash under each project's key: those of the client's projects are looked for.
pub(super) async fn dossier_hashes(
    ctx: &Context,
    client: &Client,
    filter: &Filter,
    dossier: &str,
) -> Result<Vec<[u8; 32]>> {
    let mut hashes = Vec::new();
    for project in &client.projects {
        if filter.project.as_ref().is_none_or(|only| only == project) {
            hashes.push(ctx.keyring.project(project).await?.hash(dossier));
        }
    }
    Ok(hashes)
}
