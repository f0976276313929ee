//! What follows from the processing of a piece: its return, held to what was agreed, then kept with its results and queued
//! to leave; or the exchange held.

use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::{
    conformity,
    document::{Kept, Parts},
    produced::Carrying,
};
use crate::{
    config::Project,
    domain::{
        Context,
        archives::sending::{
            outlet::{self, Way},
            packing::{self, Packer, RETURN},
        },
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
        Prepared, Tx,
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
    by_depot: bool,
}

impl Work {
    /// Makes the return and everything that the transaction will write; holds a return that does not conform.
    pub(super) async fn settlement(self, ctx: &Context) -> Result<Settlement> {
        let project = ctx.project(&self.exchange.project)?;
        let way = outlet::of_project(ctx, &project)?;
        let made = self.made(ctx, &project, way.as_ref())?;
        match conformity::of_return(&project, &made.body)? {
            None => {
                let leaving = self.leaving(ctx, &made, way.as_ref()).await?;
                self.kept(ctx, made, leaving)
            }
            Some(found) => {
                let blobs = self.produced.iter().map(|document| document.id).collect();
                conformity::discard(ctx, blobs).await;
                conformity::held(ctx, &self.exchange, &found)
            }
        }
    }

    fn kept(self, ctx: &Context, made: Made, leaving: Vec<Prepared>) -> Result<Settlement> {
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
        statements.extend(leaving);
        let released = conformity::released(ctx, &self.exchange)?;
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

    /// The return's bytes: by callback where it fits the API; else, and where the project has no API, for its depot.
    fn made(&self, ctx: &Context, project: &Project, way: Option<&Way>) -> Result<Made> {
        let (exchange, limits) = (&self.exchange, &ctx.config.gateway.limits);
        let parts = self.parts(ctx.entropy.uuid(&ctx.clock)?, ctx.clock.now());
        let budget = limits.transaction.saturating_sub(exchange.request_bytes);
        let (body, carrying) = parts.to_bytes(project.returns.inline_bytes, budget)?;
        let is_too_large = carrying == Carrying::Links && !self.produced.is_empty();
        let by_depot = way.is_some() && (is_too_large || project.callback.is_none());
        Ok(Made {
            id: parts.id,
            at: parts.created_at,
            body: match by_depot {
                true => parts.written(Carrying::Entries)?,
                false => body,
            },
            by_depot,
        })
    }

    fn parts(&self, id: Uuid, created_at: Timestamp) -> Parts<'_> {
        Parts {
            id,
            exchange: &self.exchange,
            metadata: &self.metadata,
            results: &self.results,
            produced: &self.produced,
            created_at,
        }
    }

    /// What has it leave: a delivery, or its archive and the job that leaves it on the depot.
    async fn leaving(
        &self,
        ctx: &Context,
        made: &Made,
        way: Option<&Way>,
    ) -> Result<Vec<Prepared>> {
        let exchange = &self.exchange;
        if let Some(way) = way.filter(|_| made.by_depot) {
            let name = outlet::file_name("", made.id, way);
            let document = self.packed(ctx, made, way, &name).await?;
            let package = (way, made.id, name.as_str(), &document);
            return outlet::queued(ctx, exchange, &self.key, package, made.at);
        }
        let lane = jobs::delivery_lane(&exchange.project);
        let job = jobs::new(
            ctx,
            jobs::Kind::Deliver,
            &lane,
            made.id,
            &exchange.owner,
            made.at,
        )?;
        Ok(vec![job_rows::queue(&job, made.at)])
    }

    async fn packed(
        &self,
        ctx: &Context,
        made: &Made,
        way: &Way,
        name: &str,
    ) -> Result<DocumentRow> {
        let form = packing::form(way.out.format);
        let mut packer = Packer::new(ctx, &self.exchange, form, made.at).await?;
        packer.add(RETURN, &made.body).await?;
        for (name, file) in self.parts(made.id, made.at).entries() {
            packer.add(&name, &file.bytes).await?;
        }
        packer
            .finish(ctx, &self.exchange, &self.key, name, form)
            .await
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
            body: documents::seal_bytes(ctx, &self.key, Column::Return, &made.body)?.into(),
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
        let channel = if made.by_depot { "depot" } else { "callback" };
        let returned = json!({ "returnId": row.id, "outcome": row.outcome, "sha256": digest, "channel": channel });
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
    statements: &[Prepared],
) -> Result<bool> {
    if !returns::once(tx, exchange.id, row.id)? {
        return Ok(false);
    }
    exchanges::insert_result(tx, exchange, results, row.created_at)?;
    returns::insert(tx, row)?;
    exchanges::set_status(tx, exchange.id, Status::Returned.as_str())?;
    tx.run_all(statements)?;
    Ok(true)
}
