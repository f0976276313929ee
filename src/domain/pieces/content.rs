//! The bytes that a sender may fetch: of its piece, of what was produced from it, of its receipt and its return.

use uuid::Uuid;

use super::view::{exchange, not_found};
use crate::{
    domain::{
        Context,
        access::Client,
        exchanges::{PIECE, Status},
        ged::{
            contained::Reader,
            documents::{self, Column},
            verdict,
        },
    },
    kernel::fault::{Code, Fault, Result},
    storage::{
        documents as rows,
        exchanges::{self, DocumentRow, ExchangeRow, ReceiptRow},
        returns,
    },
};

/// The receipt of a piece.
pub async fn receipt(ctx: &Context, client: &Client, id: Uuid) -> Result<ReceiptRow> {
    let exchange = exchange(ctx, client, id).await?;
    let found = ctx.store.read(move |tx| exchanges::receipt(tx, id)).await?;
    let row = found.ok_or_else(|| Fault::internal(format!("exchange {id} has no receipt")))?;
    documents::receipt(ctx, &exchange, row).await
}

/// The bytes of a piece's return, as they were sent; `not-found` until there is one.
pub async fn return_bytes(ctx: &Context, client: &Client, id: Uuid) -> Result<Vec<u8>> {
    let exchange = exchange(ctx, client, id).await?;
    if exchange.kind != PIECE {
        let detail =
            "Le retour d'une archive part par son dépôt ou par rappel ; il ne se lit pas ici.";
        return Err(Fault::new(Code::NotFound, detail));
    }
    let found = ctx
        .store
        .read(move |tx| returns::of_exchange(tx, id))
        .await?;
    let row = found.ok_or_else(|| {
        Fault::new(
            Code::NotFound,
            "Le retour de cette pièce n'existe pas encore.",
        )
        .early()
    })?;
    if exchange.status == Status::Refused.as_str() {
        let detail = "Cette archive a été refusée : son reçu négatif est son seul retour.";
        return Err(Fault::new(Code::NotFound, detail));
    }
    let key = documents::exchange_key(ctx, &exchange).await?;
    let opened = documents::open_bytes(&key, Column::Return, &row.body);
    or_gone(ctx, id, opened).await
}

/// A document that can be read: its row, its name, its bytes.
pub struct Readable {
    /// Its row.
    pub row: DocumentRow,
    /// The name to give it.
    pub file_name: String,
    /// Its bytes.
    pub reader: Reader,
}

/// The content of a piece as received, or one that its processing produced (`document`).
pub async fn readable(
    ctx: &Context,
    client: &Client,
    id: Uuid,
    document: Option<Uuid>,
) -> Result<Readable> {
    let exchange = exchange(ctx, client, id).await?;
    let found = readable_of(ctx, &exchange, document).await;
    or_gone(ctx, id, found).await
}

/// What a purge does to a piece while it is read is no damage: it is gone (code `purged`).
pub async fn or_gone<T>(ctx: &Context, id: Uuid, found: Result<T>) -> Result<T> {
    let Err(fault) = found else { return found };
    let now = ctx.store.read(move |tx| exchanges::find(tx, id)).await?;
    match now.is_some_and(|exchange| exchange.status == Status::Purged.as_str()) {
        true => Err(documents::purged().because(fault)),
        false => Err(fault),
    }
}

/// The same of an exchange as it was when it was looked up.
pub async fn readable_of(
    ctx: &Context,
    exchange: &ExchangeRow,
    document: Option<Uuid>,
) -> Result<Readable> {
    let id = exchange.id;
    let wanted = move |row: &DocumentRow| match document {
        Some(document) => row.role == "produced" && row.id == document,
        None => row.role == "content",
    };
    // What the gateway has made itself is looked at by nobody.
    let demanded = document.is_none() && verdict::is_demanded(ctx, &exchange.project);
    let found = ctx.store.read(move |tx| {
        let row = match document {
            // One of an archive's pieces too.
            Some(document) => rows::find(tx, document)?.filter(|row| row.exchange_id == id),
            None => exchanges::documents(tx, id)?.into_iter().find(wanted),
        };
        let row = row.filter(wanted).ok_or_else(not_found)?;
        let standing = verdict::standing(tx, &row, demanded)?;
        Ok((row, standing))
    });
    let (row, standing) = found.await?;
    standing.permit()?;
    let key = documents::exchange_key(ctx, exchange).await?;
    let file_name = match &row.file_name {
        Some(sealed) => utf8(documents::open_bytes(&key, Column::FileName, sealed)?)?,
        None => documents::metadata(&key, exchange)?.file_name,
    };
    let reader = documents::reader(ctx, &exchange.project, &row).await?;
    Ok(Readable {
        row,
        file_name,
        reader,
    })
}

fn utf8(bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes).map_err(Fault::internal)
}
