//! The work of a `process` job: runs the processors over an exchange's content and makes its one return.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::document::Parts;
use crate::{
    domain::{
        Context,
        exchanges::{Metadata, ReturnState, Status},
        ged::{
            documents::{self, Column},
            scan,
            verdict::{self, Standing},
        },
        jobs::{self, Effects, End, Settlement},
        journal::{self, Kind, Subject},
        processing::{
            Announced, Control, Document, Opener, Registry, Results, Sandbox, run_all,
            sniff::{self, PREFIX_BYTES},
        },
    },
    kernel::{
        digest::{Algorithm, Digests, hex, sha256},
        failpoint,
        fault::{Fault, Result},
        secret::Key,
    },
    storage::{
        Tx, Value,
        exchanges::{self, DocumentRow, ExchangeRow},
        jobs as job_rows, journal as journal_rows,
        returns::{self, ReturnRow},
    },
};

/// The control that says what the antivirus found.
const ANTIVIRUS: &str = "antivirus";

/// What works on documents: the processors and where they open them.
#[derive(Clone)]
pub struct Workshop {
    /// The processors.
    pub registry: Registry,
    /// Where documents are opened.
    pub sandbox: Arc<dyn Sandbox>,
}

/// The results that are kept for views: what the return says, without its files.
#[derive(Debug, Serialize, Deserialize)]
pub struct Kept {
    /// Every control.
    pub controls: Vec<Control>,
}

/// Runs the processors over exchange `id` and makes its return.
pub async fn run(ctx: &Context, workshop: &Workshop, id: Uuid) -> Result<Settlement> {
    let (exchange, content, standing) = found(ctx, id).await?;
    if standing == Standing::Awaited {
        return unscanned(ctx, &exchange);
    }
    let key = documents::exchange_key(ctx, &exchange).await?;
    let metadata = documents::metadata(&key, &exchange)?;
    let results = match antivirus(&standing) {
        // Nothing opens what is in quarantine.
        Some(control) if control.is_adverse() => Results::refused(control),
        control => {
            let document = opened(ctx, &exchange, &metadata, &content).await?;
            let results = run_all(&workshop.registry, &document, workshop.sandbox.as_ref()).await?;
            results.after(control)
        }
    };
    let produced = keep(ctx, &exchange, &key, &results).await?;
    let work = Work {
        exchange,
        metadata,
        key,
        results,
        produced,
    };
    let settlement = work.settlement(ctx)?;
    failpoint::hit("process.before-settle");
    Ok(settlement)
}

/// The exchange, its content, and how that stands with the antivirus.
async fn found(ctx: &Context, id: Uuid) -> Result<(ExchangeRow, DocumentRow, Standing)> {
    let missing = move || Fault::internal(format!("exchange {id} or its content has no row"));
    let ctx_of = ctx.clone();
    let found = ctx.store.read(move |tx| {
        let exchange = exchanges::find(tx, id)?.ok_or_else(missing)?;
        let mut all = exchanges::documents(tx, id)?.into_iter();
        let content = all.find(|row| row.role == "content").ok_or_else(missing)?;
        let demanded = verdict::is_demanded(&ctx_of, &exchange.project);
        let standing = verdict::standing(tx, &content, demanded)?;
        Ok((exchange, content, standing))
    });
    found.await
}

/// A content whose project demands a scan since: it is looked at first.
fn unscanned(ctx: &Context, exchange: &ExchangeRow) -> Result<Settlement> {
    let now = ctx.clock.now();
    let (sql, values) = job_rows::queue(&scan::job(ctx, exchange, now)?, now);
    Ok(Settlement {
        end: End::Done,
        effects: Box::new(move |tx| tx.execute(sql, &values).map(drop)),
    })
}

/// What the antivirus said, as a control of the return; nothing where it was not asked.
fn antivirus(standing: &Standing) -> Option<Control> {
    match standing {
        Standing::Clean => Some(Control::passed(ANTIVIRUS, "Aucune signature trouvée.")),
        Standing::Quarantined(name) => {
            let detail = format!("Signature trouvée : {name}. Le contenu est en quarantaine.");
            Some(Control::failed(ANTIVIRUS, detail).blocking())
        }
        Standing::Unasked | Standing::Awaited => None,
    }
}

async fn opened(
    ctx: &Context,
    exchange: &ExchangeRow,
    metadata: &Metadata,
    content: &DocumentRow,
) -> Result<Document> {
    let project = ctx.project(&exchange.project)?;
    let reader = documents::reader(ctx, &exchange.project, content).await?;
    let prefix = reader.prefix(PREFIX_BYTES).await?;
    Ok(Document {
        file_name: metadata.file_name.clone(),
        media_type: sniff::compare(&prefix, &metadata.media_type),
        accepted: project.media_types.clone().into(),
        size: content.size,
        size_limit: ctx.config.gateway.limits.request(),
        digests: known_digests(content, metadata),
        announced: metadata.hash.as_ref().map(|hash| Announced {
            algorithm: hash.algorithm(),
            value: hash.bytes(),
        }),
        content: Arc::new(Opener(move || Box::pin(reader.whole()) as _)),
    })
}

/// The digests that intake computed. An announced SHA-512 is not kept: intake found it equal, else there is no exchange.
fn known_digests(content: &DocumentRow, metadata: &Metadata) -> Digests {
    let announced = metadata.hash.as_ref();
    let sha512 = announced.filter(|hash| hash.algorithm() == Algorithm::Sha512);
    Digests {
        sha256: content.sha256,
        sha512: sha512.and_then(|hash| hash.bytes().try_into().ok()),
    }
}

/// Writes what the processors produced to the store; their rows are committed with the return.
async fn keep(
    ctx: &Context,
    exchange: &ExchangeRow,
    key: &Key,
    results: &Results,
) -> Result<Vec<DocumentRow>> {
    let mut rows = Vec::new();
    for file in &results.produced {
        let row = documents::produce(
            ctx,
            exchange,
            key,
            &file.file_name,
            &file.media_type,
            &file.bytes,
        );
        rows.push(row.await?);
    }
    Ok(rows)
}

struct Work {
    exchange: ExchangeRow,
    metadata: Metadata,
    key: Key,
    results: Results,
    produced: Vec<DocumentRow>,
}

impl Work {
    /// Everything that the transaction will write, made before it.
    fn settlement(self, ctx: &Context) -> Result<Settlement> {
        let (row, body_sha256) = self.made(ctx)?;
        let kept = Kept {
            controls: self.results.controls.clone(),
        };
        let results = documents::seal_json(ctx, &self.key, Column::Result, &kept)?;
        let mut statements: Vec<_> = self
            .produced
            .iter()
            .map(exchanges::insert_document)
            .collect();
        for (kind, detail) in self.trace(&row, &body_sha256) {
            let entry = journal::entry(&ctx.clock, &ctx.entropy, kind, self.subject(), detail)?;
            statements.extend(journal_rows::appending(&entry));
        }
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
        let effects: Effects =
            Box::new(move |tx| write(tx, &exchange, &row, &results, &statements));
        Ok(Settlement {
            end: End::Done,
            effects,
        })
    }

    fn made(&self, ctx: &Context) -> Result<(ReturnRow, String)> {
        let (exchange, now) = (&self.exchange, ctx.clock.now());
        let project = ctx.project(&exchange.project)?;
        let parts = Parts {
            id: ctx.entropy.uuid(&ctx.clock)?,
            exchange,
            metadata: &self.metadata,
            results: &self.results,
            produced: &self.produced,
            created_at: now,
        };
        let budget = ctx
            .config
            .gateway
            .limits
            .transaction
            .saturating_sub(exchange.request_bytes);
        let body = parts.to_bytes(project.inline_bytes, budget)?;
        let row = ReturnRow {
            id: parts.id,
            exchange_id: exchange.id,
            owner: exchange.owner.clone(),
            project: exchange.project.clone(),
            outcome: self.results.verdict.as_str().to_owned(),
            state: ReturnState::Pending.as_str().to_owned(),
            attempts: 0,
            next_attempt_at: Some(now),
            acknowledged_at: None,
            key_id: exchange.key_id,
            body: documents::seal_bytes(ctx, &self.key, Column::Return, &body)?,
            created_at: now,
            redelivery_id: None,
        };
        Ok((row, hex(&sha256(&body))))
    }

    fn subject(&self) -> Subject {
        Subject {
            exchange_id: Some(self.exchange.id),
            project: Some(self.exchange.project.clone()),
            owner: self.exchange.owner.clone(),
        }
    }

    fn trace(&self, row: &ReturnRow, body_sha256: &str) -> [(Kind, serde_json::Value); 2] {
        let controls: serde_json::Map<_, _> = self
            .results
            .controls
            .iter()
            .map(|control| (control.code.to_string(), json!(control.outcome)))
            .collect();
        let returned = json!({ "returnId": row.id, "outcome": row.outcome, "sha256": body_sha256 });
        [
            (
                Kind::PieceProcessed,
                json!({ "outcome": row.outcome, "controls": controls }),
            ),
            (Kind::ReturnCreated, returned),
        ]
    }
}

/// Writes the return and all that comes with it. An exchange that has its return already keeps it: nothing is written.
fn write(
    tx: &mut Tx<'_>,
    exchange: &ExchangeRow,
    row: &ReturnRow,
    results: &[u8],
    statements: &[(&'static str, Vec<Value>)],
) -> Result<()> {
    if !returns::once(tx, exchange.id, row.id)? {
        return Ok(());
    }
    exchanges::insert_result(tx, exchange, results, row.created_at)?;
    returns::insert(tx, row)?;
    exchanges::set_status(tx, exchange.id, Status::Returned.as_str())?;
    let statements: Vec<_> = statements
        .iter()
        .map(|(sql, values)| (*sql, &values[..]))
        .collect();
    tx.batch(&statements)
}
