//! Damage that somebody met while reading, looked at again: its incident belongs to no job whose success would end it, so it ends
//! here, once all that is kept of its exchange can be read (TRC-2).

use std::time::Duration;

use uuid::Uuid;

use super::{Report, blobs, exchanges, hubee};
use crate::{
    domain::{
        Context,
        exchanges::{PIECE, TELEDOSSIER},
        ged::documents::{self, Column},
        incidents::{Cause, Code, State, clear, trouble},
    },
    kernel::fault::{Code as FaultCode, Fault, Result},
    storage::{
        Tx,
        documents::with_blobs_after,
        exchanges::{self as rows, ExchangeRow},
        incidents::{self, Filter, IncidentRow},
        returns,
    },
};

/// How often it is looked at: its blobs are read to their last byte each time.
pub const PERIOD: Duration = Duration::from_secs(3600);
/// How many incidents, or documents, a page holds.
const PAGE: u32 = 100;

/// Looks again at every exchange that stands damaged since somebody read it; answers how many incidents have ended. Memory does not
/// grow with what is read. Fails with `unavailable`.
pub async fn look(ctx: &Context) -> Result<u64> {
    let (mut before, mut ended) = (None, 0);
    loop {
        let filter = Filter {
            states: Some([State::Open, State::Acknowledged].map(told).to_vec()),
            code: Some(Code::CorruptBlob.as_str().to_owned()),
            before,
            ..Filter::default()
        };
        let listed = move |tx: &mut Tx<'_>| incidents::list(tx, &filter, PAGE);
        let page = ctx.store.read(listed).await?;
        let Some(last) = page.last() else {
            return Ok(ended);
        };
        before = Some((last.opened_at, last.id));
        for row in page.iter().filter(|row| trouble::met_by(row).is_empty()) {
            ended += u64::from(end(ctx, row).await?);
        }
    }
}

fn told(state: State) -> String {
    state.as_str().to_owned()
}

/// Resolves the incident where its exchange is whole; answers whether it did.
async fn end(ctx: &Context, incident: &IncidentRow) -> Result<bool> {
    let Some(id) = incident.exchange_id else {
        return Ok(false);
    };
    let found = ctx.store.read(move |tx| rows::find(tx, id)).await?;
    let Some(exchange) = found else {
        return Ok(false);
    };
    if !is_whole(ctx, &exchange).await? {
        return Ok(false);
    }
    let clearing = clear(ctx, &Cause::of_exchange(Code::CorruptBlob, &exchange))?;
    ctx.store.write(move |tx| clearing.close(tx)).await
}

/// Whether all that is kept of an exchange can be read: its key and what is sealed under it, its return, its blobs.
async fn is_whole(ctx: &Context, exchange: &ExchangeRow) -> Result<bool> {
    let mut report = Report::default();
    match exchange.kind == TELEDOSSIER {
        true => hubee::look(ctx, exchange, &mut report).await,
        false => drop(exchanges::opened(ctx, exchange, &mut report).await),
    }
    if !report.is_sound() || !is_return_whole(ctx, exchange).await? {
        return Ok(false);
    }
    are_documents_whole(ctx, exchange).await
}

/// Whether every blob of an exchange can be read to its last byte, and the name of every file that was produced.
async fn are_documents_whole(ctx: &Context, exchange: &ExchangeRow) -> Result<bool> {
    let (id, mut after) = (exchange.id, Uuid::nil());
    loop {
        let read = move |tx: &mut Tx<'_>| with_blobs_after(tx, id, after, PAGE);
        let page = ctx.store.read(read).await?;
        let Some(last) = page.last() else {
            return Ok(true);
        };
        after = last.id;
        for row in page {
            let is_named = match row.file_name.clone() {
                Some(name) => opens(ctx, exchange, Column::FileName, &name).await?,
                None => true,
            };
            if !is_named || !blobs::is_sound(ctx, row).await? {
                return Ok(false);
            }
        }
    }
}

/// Whether the return of a piece, where there is one, opens.
async fn is_return_whole(ctx: &Context, exchange: &ExchangeRow) -> Result<bool> {
    let id = exchange.id;
    let found = ctx
        .store
        .read(move |tx| returns::of_exchange(tx, id))
        .await?;
    let Some(row) = found.filter(|_| exchange.kind == PIECE) else {
        return Ok(true);
    };
    opens(ctx, exchange, Column::Return, &row.body).await
}

/// Whether what is sealed under the key of an exchange opens.
async fn opens(
    ctx: &Context,
    exchange: &ExchangeRow,
    column: Column,
    sealed: &[u8],
) -> Result<bool> {
    let opened = async {
        let key = documents::exchange_key(ctx, exchange).await?;
        documents::open_bytes(&key, column, sealed)
    };
    match opened.await {
        Ok(_) => Ok(true),
        Err(fault) if is_lasting(&fault) => Ok(false),
        Err(fault) => Err(fault),
    }
}

/// Whether it says that the bytes are not there, rather than that they cannot be asked for now.
fn is_lasting(fault: &Fault) -> bool {
    [FaultCode::Corrupt, FaultCode::Purged].contains(&fault.code())
}
