//! The work of a `process` job: runs the processors over an exchange's content and makes its one return.

use std::sync::Arc;

use uuid::Uuid;

use super::settling::Work;
use crate::{
    config::Project,
    domain::{
        Context,
        exchanges::Metadata,
        ged::{
            documents, scan,
            verdict::{self, Standing},
        },
        jobs::{End, Settlement},
        processing::{
            Announced, Control, Document, Opener, Registry, Results, Sandbox, run_all,
            sniff::{self, PREFIX_BYTES},
        },
    },
    kernel::{
        digest::{Algorithm, Digests},
        failpoint,
        fault::{Fault, Result},
        secret::Key,
    },
    storage::{
        exchanges::{self, DocumentRow, ExchangeRow},
        jobs as job_rows,
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
            let project = ctx.project(&exchange.project)?;
            fetchable(ctx, &project, results).after(control)
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
    let settlement = work.settlement(ctx).await?;
    failpoint::hit("process.before-settle");
    Ok(settlement)
}

/// What was found, as far as it can be handed over: without a depot, a file that was made is fetched in a transaction of its own,
/// which has the limit of every other (API-3).
pub(in crate::domain) fn fetchable(ctx: &Context, project: &Project, results: Results) -> Results {
    match project.returns.outlet {
        Some(_) => results,
        None => results.within(ctx.config.gateway.limits.transaction),
    }
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
pub(in crate::domain) fn antivirus(standing: &Standing) -> Option<Control> {
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
