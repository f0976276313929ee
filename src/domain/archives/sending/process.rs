//! The work of a `process-archive` job: some pieces at a time, several at once, and each slice settled before the next one.
//! Once no piece is left, the return is made. Where the project demands the antivirus only since, what waits for
//! the verdict ([`ask_looks`]) has the files looked at that have none.

use std::time::{Duration, Instant};

use futures_util::stream::{self, Stream, StreamExt};
use jiff::Timestamp;
use uuid::Uuid;

use super::{
    bench::{Bench, Done},
    looked, making,
};
use crate::{
    domain::{
        Context,
        exchanges::Status,
        ged::{documents, verdict},
        jobs::{Effects, End, Settlement},
        returns::make::Workshop,
    },
    kernel::{
        failpoint,
        fault::{Fault, Result},
    },
    outbound::clamd::Clamd,
    storage::{
        Tx,
        archive_pieces::PieceRow,
        documents as rows,
        exchanges::{self, DocumentRow, ExchangeRow},
        jobs::{self as job_rows, JobRow, NewJob},
        piece_results, returns, scans,
    },
};

/// The most pieces of a slice.
const SLICE: u32 = 200;
/// How long a slice begins new pieces.
const SLICE_TIME: Duration = Duration::from_secs(15);

/// Processes some pieces of the archive that `job` is about, or makes its return where all of them are.
pub async fn run(
    ctx: &Context,
    (workshop, antivirus): (&Workshop, Option<&Clamd>),
    job: &JobRow,
) -> Result<Settlement> {
    let Some((exchange, left)) = found(ctx, job.subject).await? else {
        return Ok(Settlement::bare(End::Done));
    };
    let bench = Bench {
        project: ctx.project(&exchange.project)?,
        key: documents::exchange_key(ctx, &exchange).await?,
        ctx: ctx.clone(),
        workshop: workshop.clone(),
        antivirus: antivirus.cloned(),
        exchange,
    };
    match left {
        Left::Pieces(pieces) if pieces.is_empty() => making::run(&bench).await,
        Left::Pieces(pieces) => slice(&bench, pieces).await,
        Left::Unseen(files) => looks(&bench, files).await,
    }
}

/// What is to be done for an archive.
enum Left {
    /// The first of the pieces that wait; none: its return waits to be made.
    Pieces(Vec<PieceRow>),
    /// Its return is made. The first files that have no verdict, where their project demands one by now.
    Unseen(Vec<DocumentRow>),
}

/// The exchange, where anything is to be done for it, and what.
async fn found(ctx: &Context, id: Uuid) -> Result<Option<(ExchangeRow, Left)>> {
    let of = ctx.clone();
    let read = ctx.store.read(move |tx| {
        let exchange = exchanges::find(tx, id)?;
        let exchange =
            exchange.ok_or_else(|| Fault::internal(format!("archive {id} has no exchange")))?;
        if exchange.status == Status::Purged.as_str() {
            return Ok(None);
        }
        if returns::state_of(tx, id)?.is_none() {
            let pieces = piece_results::pending(tx, id, SLICE)?;
            return Ok(Some((exchange, Left::Pieces(pieces))));
        }
        let files = match verdict::is_demanded(&of, &exchange.project) {
            true => scans::unseen(tx, id, SLICE)?,
            false => Vec::new(),
        };
        let files = files.into_iter().map(|file| rows::find(tx, file));
        let files: Vec<_> = files.collect::<Result<_>>()?;
        let files: Vec<_> = files.into_iter().flatten().collect();
        Ok((!files.is_empty()).then_some((exchange, Left::Unseen(files))))
    });
    read.await
}

/// Processes pieces side by side. One that meets a fault of ours is left for later; what the others came to counts.
async fn slice(bench: &Bench, pieces: Vec<PieceRow>) -> Result<Settlement> {
    let (began, at_once) = (Instant::now(), bench.ctx.config.gateway.worker.processing);
    let in_time = |_: &PieceRow| std::future::ready(began.elapsed() < SLICE_TIME);
    let worked = stream::iter(pieces).take_while(in_time);
    let worked = worked.map(|piece| bench.piece(piece));
    gathered(worked.buffer_unordered(at_once)).await
}

/// Queues `looks`, a job of this kind, where files of its archive have no verdict and no such job is there; answers how many
/// that are. Whatever else waits for the archive, such as its way to the hub, may wait for these looks.
pub fn ask_looks(tx: &mut Tx<'_>, looks: &NewJob, now: Timestamp) -> Result<u64> {
    let archive = looks.subject;
    if job_rows::stands(tx, archive, &looks.kind)? || scans::unseen(tx, archive, 1)?.is_empty() {
        return Ok(0);
    }
    let (sql, values) = job_rows::queue(looks, now);
    tx.execute(sql, &values)
}

/// Has files looked at side by side, whose return is made already.
async fn looks(bench: &Bench, files: Vec<DocumentRow>) -> Result<Settlement> {
    let antivirus = bench.ctx.config.gateway.antivirus.as_ref();
    let at_once = antivirus.map_or(1, |antivirus| antivirus.at_once);
    let looks = stream::iter(files).map(|file| async move {
        let look = looked::at(bench, &file).await?;
        Ok(Done {
            statements: look.statements,
            tickets: look.ticket.into_iter().collect(),
        })
    });
    gathered(looks.buffer_unordered(at_once)).await
}

/// The settlement of what was done, once all of it is.
async fn gathered(worked: impl Stream<Item = Result<Done>>) -> Result<Settlement> {
    let mut worked = std::pin::pin!(worked);
    let (mut done, mut fault) = (Vec::new(), None);
    while let Some(one) = worked.next().await {
        match one {
            Ok(one) => done.push(one),
            Err(met) => fault = Some(met),
        }
    }
    failpoint::hit("slice.before-settle");
    match fault {
        // What was done must not be lost to the fault's own settlement, which has no effects.
        Some(fault) if done.is_empty() => Err(fault),
        _ => Ok(settled(done)),
    }
}

fn settled(done: Vec<Done>) -> Settlement {
    let (mut prepared, mut tickets) = (Vec::new(), Vec::new());
    for one in done {
        prepared.extend(one.statements);
        tickets.extend(one.tickets);
    }
    let effects: Effects = Box::new(move |tx| {
        tx.run_all(&prepared)?;
        let mut tickets = tickets.iter();
        tickets.try_for_each(|ticket| ticket.open(tx).map(drop))
    });
    Settlement {
        end: End::Again { since: None },
        effects,
    }
}
