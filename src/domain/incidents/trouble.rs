//! Faults of the house that an exchange meets again and again, or once where its bytes are damaged: each becomes an incident
//! of that exchange, and ends when its job succeeds, or goes on.

use serde_json::json;
use uuid::Uuid;

use super::{Cause, Clearing, Code, Ticket, clear, prepare, standing};
use crate::{
    domain::{
        Context,
        jobs::{End, Kind, Settlement},
    },
    kernel::fault::{Code as FaultCode, Fault, Result},
    storage::{
        depot_files,
        exchanges::{self, ExchangeRow},
        hubee::attachments,
        incidents::IncidentRow,
        jobs::JobRow,
        returns,
    },
};

/// From which failed attempt on a fault of the house is an incident: about half a minute after the first.
const NOTABLE: u32 = 5;
/// What a job's troubles are told as.
const TROUBLES: [Code; 2] = [Code::ProcessingFailed, Code::CorruptBlob];

/// The end of a job that met a fault of the house: tried again later, and an incident where it is worth one.
pub async fn settlement(ctx: &Context, job: &JobRow, fault: &Fault) -> Settlement {
    let settlement = Settlement::after_fault(ctx, job, fault);
    match ticket(ctx, job, fault).await {
        Ok(Some(ticket)) => also(settlement, move |tx| ticket.open(tx).map(drop)),
        Ok(None) => settlement,
        Err(also_met) => {
            tracing::warn!(job = %job.id, fault = %also_met, "the incident of a job that fails could not be made");
            settlement
        }
    }
}

/// The settlement of a job that succeeded, or goes on, after it had failed: the incidents of its troubles end with it. Where
/// they cannot be looked up, what was done counts all the same, and they stay for an operator.
pub async fn over(ctx: &Context, job: &JobRow, settlement: Settlement) -> Settlement {
    // The many that succeed at once have nothing behind them, and are not asked about.
    if !job.has_failed() || !matches!(settlement.end, End::Done | End::Again { .. }) {
        return settlement;
    }
    match ended(ctx, job).await {
        Ok(ended) => also(settlement, move |tx| {
            ended.iter().try_for_each(|end| end.close(tx).map(drop))
        }),
        Err(fault) => {
            tracing::warn!(job = %job.id, %fault, "the incidents of a job that succeeded at last could not be resolved");
            settlement
        }
    }
}

async fn ended(ctx: &Context, job: &JobRow) -> Result<Vec<Clearing>> {
    // What leaves a receipt goes its way beside what works on the exchange: neither ends what the other has met.
    let is_receipt = |kind: &str| kind == Kind::Depot.as_str();
    let own = |row: &IncidentRow| is_receipt(met_by(row)) == is_receipt(&job.kind);
    match exchange(ctx, job).await? {
        Some(exchange) => ends(ctx, &exchange, &TROUBLES, own).await,
        None => Ok(Vec::new()),
    }
}

/// The ends of the troubles that a delivery of the return of `exchange` has met and that still stand: for its redelivery, whose
/// job is a new one. What else has met them keeps them.
pub async fn of_delivery(ctx: &Context, exchange: &ExchangeRow) -> Result<Vec<Clearing>> {
    let kinds = [Kind::Deliver, Kind::SendReturn].map(Kind::as_str);
    let met = |row: &IncidentRow| kinds.contains(&met_by(row));
    ends(ctx, exchange, &TROUBLES, met).await
}

/// The same of the jobs that go because the partner has spoken of the return: nothing else would end what they have met. Bytes that
/// were found damaged stay so.
pub async fn of_dropped_delivery(ctx: &Context, exchange: &ExchangeRow) -> Result<Vec<Clearing>> {
    let kinds = [Kind::SendReturn, Kind::AwaitAcknowledgment].map(Kind::as_str);
    let met = |row: &IncidentRow| kinds.contains(&met_by(row));
    ends(ctx, exchange, &[Code::ProcessingFailed], met).await
}

/// The kind of the job that has met a trouble last; nothing where it was met outside of any.
pub fn met_by(row: &IncidentRow) -> &str {
    row.detail["job"].as_str().unwrap_or_default()
}

/// The ends of the troubles of `exchange` that still stand, are told as one of these codes, and are among the `wanted`.
async fn ends(
    ctx: &Context,
    exchange: &ExchangeRow,
    codes: &[Code],
    wanted: impl Fn(&IncidentRow) -> bool,
) -> Result<Vec<Clearing>> {
    let mut ends = Vec::new();
    for code in codes {
        let cause = Cause::of_exchange(*code, exchange);
        if standing(ctx, &cause).await?.is_some_and(|row| wanted(&row)) {
            ends.push(clear(ctx, &cause)?);
        }
    }
    Ok(ends)
}

/// Opens the incident of stored bytes that were found damaged, outside of any job. A fault of another kind opens none; an
/// incident that cannot be written is logged instead.
pub async fn damaged(ctx: &Context, exchange: Uuid, fault: &Fault) {
    if fault.code() != FaultCode::Corrupt {
        return;
    }
    if let Err(fault) = noted(ctx, exchange).await {
        tracing::error!(reconciliation_id = %exchange, %fault, "the incident of damaged bytes could not be written");
    }
}

async fn noted(ctx: &Context, id: Uuid) -> Result<()> {
    let Some(exchange) = ctx.store.read(move |tx| exchanges::find(tx, id)).await? else {
        return Ok(());
    };
    let cause = Cause::of_exchange(Code::CorruptBlob, &exchange);
    let ticket = prepare(ctx, cause, json!({ "fault": FaultCode::Corrupt.as_str() }))?;
    ctx.store.write(move |tx| ticket.open(tx).map(drop)).await
}

async fn ticket(ctx: &Context, job: &JobRow, fault: &Fault) -> Result<Option<Ticket>> {
    let code = match fault.code() {
        FaultCode::Corrupt => Code::CorruptBlob,
        _ if job.attempts + 1 >= NOTABLE => Code::ProcessingFailed,
        _ => return Ok(None),
    };
    let Some(exchange) = exchange(ctx, job).await? else {
        return Ok(None);
    };
    let detail =
        json!({ "job": job.kind, "fault": fault.code().as_str(), "attempts": job.attempts + 1 });
    prepare(ctx, Cause::of_exchange(code, &exchange), detail).map(Some)
}

/// The exchange that a job is about, where it is about one.
async fn exchange(ctx: &Context, job: &JobRow) -> Result<Option<ExchangeRow>> {
    let (kind, subject) = (Kind::parse(&job.kind)?, job.subject);
    let found = ctx.store.read(move |tx| match kind {
        Kind::Scan | Kind::Process | Kind::ProcessArchive | Kind::Forward => {
            exchanges::find(tx, subject)
        }
        Kind::Deliver | Kind::SendReturn | Kind::AwaitAcknowledgment => {
            match returns::find(tx, subject)? {
                Some(row) => exchanges::find(tx, row.exchange_id),
                None => Ok(None),
            }
        }
        Kind::ScanAttachment => match attachments::find(tx, subject)? {
            Some(row) => exchanges::find(tx, row.folder_id),
            None => Ok(None),
        },
        // What a depot does with a receipt has an incident of its own; that it cannot be read here has not.
        Kind::Depot => match depot_files::find(tx, subject)? {
            Some(row) => exchanges::find(tx, row.exchange_id),
            None => Ok(None),
        },
        // What fails by mail has incidents of its own.
        Kind::Mail | Kind::MailAgain | Kind::Ticket => Ok(None),
        Kind::HubMail | Kind::HubEventMail | Kind::HubDigest => Ok(None),
    });
    found.await
}

/// The same settlement with one more effect.
fn also(
    settlement: Settlement,
    mut more: impl FnMut(&mut crate::storage::Tx<'_>) -> Result<()> + Send + 'static,
) -> Settlement {
    let Settlement { end, mut effects } = settlement;
    Settlement {
        end,
        effects: Box::new(move |tx| {
            effects(tx)?;
            more(tx)
        }),
    }
}
