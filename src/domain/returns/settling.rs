//! What follows from the processing of a piece: its return, held to what was agreed, then kept with its results and queued
//! to leave; or the exchange held.

use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::{conformity, document::Parts, make::Kept};
use crate::{
    config::Project,
    domain::{
        Context,
        exchanges::{Metadata, ReturnState, Status},
        ged::documents::{self, Column},
        jobs::{self, Effects, End, Settlement},
        journal::{self, Kind, Subject},
        processing::Results,
    },
    kernel::{
        digest::{hex, sha256},
        fault::Result,
        secret::Key,
    },
    storage::{
        Tx, Value,
        exchanges::{self, DocumentRow, ExchangeRow},
        jobs as job_rows, journal as journal_rows,
        returns::{self, ReturnRow},
    },
};

/// What was found of an exchange, and the rows of what was made from it.
pub(super) struct Work {
    pub(super) exchange: ExchangeRow,
    pub(super) metadata: Metadata,
    pub(super) key: Key,
    pub(super) results: Results,
    pub(super) produced: Vec<DocumentRow>,
}

/// A return that was made and not yet kept.
struct Made {
    id: Uuid,
    at: Timestamp,
    body: Vec<u8>,
}

impl Work {
    /// Makes the return and everything that the transaction will write; holds a return that does not conform.
    pub(super) async fn settlement(self, ctx: &Context) -> Result<Settlement> {
        let project = ctx.project(&self.exchange.project)?;
        let made = self.made(ctx, &project)?;
        match conformity::of_return(&project, &made.body)? {
            None => self.kept(ctx, made),
            Some(found) => {
                let blobs = self.produced.iter().map(|document| document.id).collect();
                conformity::discard(ctx, blobs).await;
                conformity::held(ctx, &self.exchange, &found)
            }
        }
    }

    fn kept(self, ctx: &Context, made: Made) -> Result<Settlement> {
        let row = self.row(ctx, &made)?;
        let kept = Kept {
            controls: self.results.controls.clone(),
        };
        let results = documents::seal_json(ctx, &self.key, Column::Result, &kept)?;
        let mut statements: Vec<_> = self
            .produced
            .iter()
            .map(exchanges::insert_document)
            .collect();
        for (kind, detail) in self.trace(&row, &made) {
            let entry = journal::entry(&ctx.clock, &ctx.entropy, kind, self.subject(), detail)?;
            statements.extend(journal_rows::appending(&entry));
        }
        let released = conformity::released(ctx, &self.exchange)?;
        let lane = jobs::delivery_lane(&row.project);
        let job = jobs::new(
            ctx,
            jobs::Kind::Deliver,
            &lane,
            row.id,
            &row.owner,
            row.created_at,
        )?;
        statements.push(job_rows::queue(&job, row.created_at));
        let exchange = self.exchange;
        let effects: Effects = Box::new(move |tx| {
            if !write(tx, &exchange, &row, &results, &statements)? {
                return Ok(());
            }
            released
                .iter()
                .try_for_each(|over| over.close(tx).map(drop))
        });
        Ok(Settlement {
            end: End::Done,
            effects,
        })
    }

    fn made(&self, ctx: &Context, project: &Project) -> Result<Made> {
        let (exchange, limits) = (&self.exchange, &ctx.config.gateway.limits);
        let parts = Parts {
            id: ctx.entropy.uuid(&ctx.clock)?,
            exchange,
            metadata: &self.metadata,
            results: &self.results,
            produced: &self.produced,
            created_at: ctx.clock.now(),
        };
        let budget = limits.transaction.saturating_sub(exchange.request_bytes);
        Ok(Made {
            id: parts.id,
            at: parts.created_at,
            body: parts.to_bytes(project.returns.inline_bytes, budget)?,
        })
    }

    fn row(&self, ctx: &Context, made: &Made) -> Result<ReturnRow> {
        let exchange = &self.exchange;
        Ok(ReturnRow {
            id: made.id,
            exchange_id: exchange.id,
            owner: exchange.owner.clone(),
            project: exchange.project.clone(),
            outcome: self.results.verdict.as_str().to_owned(),
            state: ReturnState::Pending.as_str().to_owned(),
            attempts: 0,
            next_attempt_at: Some(made.at),
            acknowledged_at: None,
            key_id: exchange.key_id,
            body: documents::seal_bytes(ctx, &self.key, Column::Return, &made.body)?,
            created_at: made.at,
            redelivery_id: None,
        })
    }

    fn subject(&self) -> Subject {
        Subject {
            exchange_id: Some(self.exchange.id),
            project: Some(self.exchange.project.clone()),
            owner: self.exchange.owner.clone(),
        }
    }

    fn trace(&self, row: &ReturnRow, made: &Made) -> [(Kind, serde_json::Value); 2] {
        let controls: serde_json::Map<_, _> = self
            .results
            .controls
            .iter()
            .map(|control| (control.code.to_string(), json!(control.outcome)))
            .collect();
        let digest = hex(&sha256(&made.body));
        let returned = json!({ "returnId": row.id, "outcome": row.outcome, "sha256": digest });
        [
            (
                Kind::PieceProcessed,
                json!({ "outcome": row.outcome, "controls": controls }),
            ),
            (Kind::ReturnCreated, returned),
        ]
    }
}

/// Writes the return and all that comes with it. An exchange that has its return already keeps it: nothing is written, and
/// the answer is `false`.
fn write(
    tx: &mut Tx<'_>,
    exchange: &ExchangeRow,
    row: &ReturnRow,
    results: &[u8],
    statements: &[(&'static str, Vec<Value>)],
) -> Result<bool> {
    if !returns::once(tx, exchange.id, row.id)? {
        return Ok(false);
    }
    exchanges::insert_result(tx, exchange, results, row.created_at)?;
    returns::insert(tx, row)?;
    exchanges::set_status(tx, exchange.id, Status::Returned.as_str())?;
    let statements: Vec<_> = statements
        .iter()
        .map(|(sql, values)| (*sql, &values[..]))
        .collect();
    tx.batch(&statements)?;
    Ok(true)
}
