//! The work of a `process-archive` job: some pieces at a time, several at once, and each slice settled before the next one.
//! Once no piece is left, the return is made.

use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt};
use uuid::Uuid;

use super::{
    bench::{Bench, Done},
    making,
};
use crate::{
    domain::{
        Context,
        exchanges::Status,
        ged::documents,
        jobs::{Effects, End, Settlement},
        returns::make::Workshop,
    },
    kernel::{
        failpoint,
        fault::{Fault, Result},
    },
    storage::{
        Value,
        archive_pieces::PieceRow,
        exchanges::{self, ExchangeRow},
        jobs::JobRow,
        piece_results, returns,
    },
};

/// The most pieces of a slice.
const SLICE: u32 = 200;
/// How long a slice begins new pieces.
const SLICE_TIME: Duration = Duration::from_secs(15);

/// Processes some pieces of the archive that `job` is about, or makes its return where all of them are.
pub async fn run(ctx: &Context, workshop: &Workshop, job: &JobRow) -> Result<Settlement> {
    let (exchange, pieces) = found(ctx, job.subject).await?;
    let Some(exchange) = exchange else {
        return Ok(Settlement::bare(End::Done));
    };
    let bench = Bench {
        project: ctx.project(&exchange.project)?,
        key: documents::exchange_key(ctx, &exchange).await?,
        ctx: ctx.clone(),
        workshop: workshop.clone(),
        exchange,
    };
    match pieces.is_empty() {
        true => making::run(&bench).await,
        false => slice(&bench, pieces).await,
    }
}

/// The exchange, where anything is to be done for it, and the first of its pieces that wait.
async fn found(ctx: &Context, id: Uuid) -> Result<(Option<ExchangeRow>, Vec<PieceRow>)> {
    let read = ctx.store.read(move |tx| {
        let exchange = exchanges::find(tx, id)?;
        let exchange =
            exchange.ok_or_else(|| Fault::internal(format!("archive {id} has no exchange")))?;
        let over =
            exchange.status == Status::Purged.as_str() || returns::state_of(tx, id)?.is_some();
        if over {
            return Ok((None, Vec::new()));
        }
        Ok((Some(exchange), piece_results::pending(tx, id, SLICE)?))
    });
    read.await
}

/// Processes pieces side by side. One that meets a fault of ours is left for later; what the others came to counts.
async fn slice(bench: &Bench, pieces: Vec<PieceRow>) -> Result<Settlement> {
    let (began, at_once) = (Instant::now(), bench.ctx.config.gateway.worker.processing);
    let in_time = |_: &PieceRow| std::future::ready(began.elapsed() < SLICE_TIME);
    let worked = stream::iter(pieces).take_while(in_time);
    let mut worked = worked
        .map(|piece| bench.piece(piece))
        .buffer_unordered(at_once);
    let (mut done, mut fault) = (Vec::new(), None);
    while let Some(one) = worked.next().await {
        match one {
            Ok(one) => done.push(one),
            Err(met) => fault = Some(met),
        }
    }
    drop(worked);
    failpoint::hit("slice.before-settle");
    match fault {
        // What was done must not be lost to the fault's own settlement, which has no effects.
        Some(fault) if done.is_empty() => Err(fault),
        _ => Ok(settled(done)),
    }
}

fn settled(done: Vec<Done>) -> Settlement {
    let statements: Vec<(&'static str, Vec<Value>)> =
        done.into_iter().flat_map(|one| one.statements).collect();
    let effects: Effects = Box::new(move |tx| {
        let statements: Vec<_> = statements
            .iter()
            .map(|(sql, values)| (*sql, &values[..]))
            .collect();
        tx.batch(&statements)
    });
    Settlement {
        end: End::Again,
        effects,
    }
}
