//! Pieces that cannot be taken in for a reason of ours: one incident of the gateway for each reason, until a piece gets in.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use super::{Cause, Code, clear, prepare};
use crate::{
    domain::Context,
    kernel::fault::{Code as FaultCode, Fault, Result},
};

/// The reasons of ours. A database that is away could not keep an incident: readiness tells of it.
const REASONS: [FaultCode; 4] = [
    FaultCode::StorageFull,
    FaultCode::SignerExpired,
    FaultCode::Corrupt,
    FaultCode::Internal,
];

/// What this process knows of its intake.
#[derive(Debug)]
pub struct Intake {
    /// Whether an incident may stand open: so after a failure, and at a start, for the process before may have left one.
    failed: AtomicBool,
}

impl Default for Intake {
    fn default() -> Self {
        Self {
            failed: AtomicBool::new(true),
        }
    }
}

impl Intake {
    /// Opens the incident of a piece that was not taken in, where that was for a reason of ours.
    pub async fn failed(&self, ctx: &Context, fault: &Fault) {
        if !REASONS.contains(&fault.code()) {
            return;
        }
        self.failed.store(true, Ordering::Relaxed);
        if let Err(error) = opened(ctx, fault.code()).await {
            tracing::error!(%error, code = %fault.code(), "the incident of a failed intake could not be written");
        }
    }

    /// Resolves what failures have opened, once a piece was taken in.
    pub async fn succeeded(&self, ctx: &Context) {
        if !self.failed.swap(false, Ordering::Relaxed) {
            return;
        }
        if let Err(error) = resolved(ctx).await {
            self.failed.store(true, Ordering::Relaxed);
            tracing::warn!(%error, "the incidents of failed intakes could not be resolved; the next piece tries again");
        }
    }
}

fn cause(ctx: &Context, reason: FaultCode) -> Cause {
    Cause::of_house(ctx, Code::IntakeFailed, reason.as_str())
}

async fn opened(ctx: &Context, reason: FaultCode) -> Result<()> {
    let ticket = prepare(ctx, cause(ctx, reason), json!({ "fault": reason.as_str() }))?;
    ctx.store.write(move |tx| ticket.open(tx).map(drop)).await
}

async fn resolved(ctx: &Context) -> Result<()> {
    let over = REASONS.map(|reason| clear(ctx, &cause(ctx, reason)));
    let over: Vec<_> = over.into_iter().collect::<Result<_>>()?;
    let written = ctx
        .store
        .write(move |tx| over.iter().try_for_each(|over| over.close(tx).map(drop)));
    written.await
}
