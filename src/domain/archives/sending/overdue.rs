//! The work of an `await-acknowledgment` job, which runs at the deadline: a return that stands on its depot unacknowledged by
//! then opens an incident. It stays as it is, and an operator may have it left there again under the same id.

use serde_json::json;
use uuid::Uuid;

use crate::{
    domain::{
        Context,
        exchanges::ReturnState,
        incidents::{self, Cause, Code as Anomaly},
        jobs::{Effects, End, Settlement},
        journal::{self, Kind},
        returns::ending::subject,
    },
    kernel::fault::{Fault, Result},
    storage::{
        exchanges::{self, ExchangeRow},
        jobs::JobRow,
        journal as journal_rows,
        return_files::{self, ReturnFileRow},
        returns::{self, ReturnRow},
    },
};

/// Looks whether the return that `job` is about was acknowledged.
pub async fn run(ctx: &Context, job: &JobRow) -> Result<Settlement> {
    let (row, exchange, file) = found(ctx, job.subject).await?;
    if row.state != ReturnState::Sent.as_str() {
        return Ok(Settlement::bare(End::Done));
    }
    let now = ctx.clock.now();
    match file.deadline_at {
        // It was left there again since.
        Some(at) if at > now => Ok(Settlement::bare(End::Retry {
            at,
            why: "its deadline has moved".to_owned(),
        })),
        _ => overdue(ctx, &row, &exchange, &file),
    }
}

async fn found(ctx: &Context, id: Uuid) -> Result<(ReturnRow, ExchangeRow, ReturnFileRow)> {
    let missing = move || Fault::internal(format!("return {id} has no row or no file"));
    let read = ctx.store.read(move |tx| {
        let row = returns::find(tx, id)?.ok_or_else(missing)?;
        let exchange = exchanges::find(tx, row.exchange_id)?.ok_or_else(missing)?;
        let file = return_files::find(tx, id)?.ok_or_else(missing)?;
        Ok((row, exchange, file))
    });
    read.await
}

fn overdue(
    ctx: &Context,
    row: &ReturnRow,
    exchange: &ExchangeRow,
    file: &ReturnFileRow,
) -> Result<Settlement> {
    tracing::error!(reconciliation_id = %exchange.id, depot = file.depot, "a return was not acknowledged in time; leave it again with `navette return redeliver`");
    let detail = json!({
        "returnId": row.id, "depot": file.depot, "flow": file.flow, "sentAt": file.sent_at,
    });
    let (now, id, about) = (ctx.clock.now(), row.id, subject(exchange));
    let kind = Kind::ReturnOverdue;
    let entry = journal::entry(&ctx.clock, &ctx.entropy, kind, about, detail.clone())?;
    let cause = Cause::of_exchange(Anomaly::ReturnUnacknowledged, exchange);
    let ticket = incidents::prepare(ctx, cause, detail)?;
    let effects: Effects = Box::new(move |tx| {
        return_files::overdue(tx, id, now)?;
        journal_rows::append(tx, &entry)?;
        ticket.open(tx).map(drop)
    });
    Ok(Settlement {
        end: End::Done,
        effects,
    })
}
