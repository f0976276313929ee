//! The report of a run: sums in its line, ids in parts that are written with what they tell (R62).

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{Batch, Work};
use crate::{
    domain::{
        Context,
        exchanges::HUB,
        journal::{self, Kind, Subject},
    },
    kernel::fault::{Code, Fault, Result},
    storage::{
        Tx,
        hubee::{
            batches::Kept,
            reports::{self, ReportRow},
        },
        journal::{EntryRow, append},
    },
};

/// How many kept folders a report lists; the others are counted.
const LISTED: usize = 1000;
/// How many parts are read at once.
const PARTS: u32 = 100;

/// One thing that a run did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    /// The folder, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder_id: Option<Uuid>,
    /// The attachments whose contents were destroyed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attachment_ids: Vec<Uuid>,
    /// The subscription, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscription_id: Option<Uuid>,
}

impl Item {
    /// A folder.
    pub fn folder(id: Uuid) -> Self {
        Self::files(id, Vec::new())
    }

    /// Contents of a folder.
    pub fn files(folder: Uuid, attachments: Vec<Uuid>) -> Self {
        Self {
            folder_id: Some(folder),
            attachment_ids: attachments,
            subscription_id: None,
        }
    }

    /// A subscription.
    pub fn subscription(id: Uuid) -> Self {
        Self {
            folder_id: None,
            attachment_ids: Vec::new(),
            subscription_id: Some(id),
        }
    }
}

/// A folder that is kept although its time has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeptBack {
    /// The folder.
    pub folder_id: Uuid,
    /// Why: `hold`, `incident`.
    pub reasons: Vec<&'static str>,
}

/// What a run did, or what one would do.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The run; nothing where none was made.
    pub run_id: Option<Uuid>,
    /// Which batch.
    pub batch: &'static str,
    /// When it began.
    pub at: Timestamp,
    /// Folders of which something was done.
    pub folders: u64,
    /// Contents destroyed.
    pub attachments: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Subscriptions that became active, or whose digest was queued.
    pub subscriptions: u64,
    /// Blobs whose files could not be removed yet; they are tried again.
    pub blobs_left: u64,
    /// Daily keys destroyed.
    pub keys_destroyed: u64,
    /// How many folders are kept although their time has come.
    pub kept_back_count: u64,
    /// The first thousand of them.
    pub kept_back: Vec<KeptBack>,
    /// What was done, or would be.
    pub items: Vec<Item>,
    #[serde(skip)]
    parts: u32,
    #[serde(skip)]
    kept: BTreeSet<Uuid>,
}

impl Report {
    /// A report of nothing, yet.
    pub fn new(batch: Batch, run_id: Option<Uuid>, at: Timestamp) -> Self {
        Self {
            run_id,
            batch: batch.as_str(),
            at,
            folders: 0,
            attachments: 0,
            bytes: 0,
            subscriptions: 0,
            blobs_left: 0,
            keys_destroyed: 0,
            kept_back_count: 0,
            kept_back: Vec::new(),
            items: Vec::new(),
            parts: 0,
            kept: BTreeSet::new(),
        }
    }

    /// Whether nothing was done.
    pub fn is_empty(&self) -> bool {
        self.folders == 0 && self.attachments == 0 && self.subscriptions == 0
    }

    /// Counts a folder that is kept, once, and lists it where there is room.
    pub fn keep_back(&mut self, folder: Uuid, kept: Kept) {
        if !self.kept.insert(folder) {
            return;
        }
        self.kept_back_count += 1;
        if self.kept_back.len() < LISTED {
            let reasons = [(kept.hold, "hold"), (kept.incident, "incident")];
            let reasons = reasons.into_iter().filter(|(holds, _)| *holds);
            self.kept_back.push(KeptBack {
                folder_id: folder,
                reasons: reasons.map(|(_, reason)| reason).collect(),
            });
        }
    }

    /// The number of the next part.
    pub fn next_part(&self) -> u32 {
        self.parts + 1
    }

    /// Adds what a part tells; in the database it is already.
    pub fn took(&mut self, items: Vec<Item>) {
        self.parts += 1;
        self.items.extend(items);
    }

    /// The sums, as the report's line keeps them.
    fn sums(&self) -> Json {
        json!({
            "folders": self.folders,
            "attachments": self.attachments,
            "bytes": self.bytes,
            "subscriptions": self.subscriptions,
            "blobsLeft": self.blobs_left,
            "keysDestroyed": self.keys_destroyed,
            "keptBackCount": self.kept_back_count,
            "keptBack": self.kept_back,
        })
    }
}

impl Work<'_> {
    /// Keeps a part by itself, for what was done without one.
    pub async fn tell(&mut self, items: Vec<Item>) -> Result<()> {
        if items.is_empty() {
            return Ok(());
        }
        if !self.dry {
            let (run, number, body) = (self.run.id, self.report.next_part(), json!(items));
            let written = move |tx: &mut Tx<'_>| reports::add(tx, run, number, &body);
            self.ctx.store.write(written).await?;
        }
        self.report.took(items);
        Ok(())
    }
}

/// Notes that a run begins.
pub async fn begin(ctx: &Context, report: &Report, by: &str) -> Result<()> {
    let row = ReportRow {
        id: report.run_id.unwrap_or(Uuid::nil()),
        environment: ctx.config.gateway.environment.clone(),
        batch: report.batch.to_owned(),
        run_by: by.to_owned(),
        started_at: report.at,
        ended_at: None,
        fault: None,
        body: json!({}),
    };
    ctx.store.write(move |tx| reports::begin(tx, &row)).await
}

/// Notes that a run has ended, with the journal's entry where it did something or an operator ordered it.
pub async fn end(ctx: &Context, report: &Report, by: &str, fault: Option<&Fault>) -> Result<()> {
    let id = report.run_id.unwrap_or(Uuid::nil());
    let (sums, code) = (report.sums(), fault.map(|fault| fault.code().to_string()));
    let worth_an_entry = !report.is_empty() || by != super::daily::BY_THE_CLOCK;
    let entry = worth_an_entry.then(|| entry(ctx, report, by, code.as_deref()));
    let (entry, now) = (entry.transpose()?, ctx.clock.now());
    let written = ctx.store.write(move |tx| {
        reports::end(tx, id, now, code.as_deref(), &sums)?;
        entry.iter().try_for_each(|entry| append(tx, entry))
    });
    written.await?;
    tracing::info!(run = %id, batch = report.batch, folders = report.folders, attachments = report.attachments,
        subscriptions = report.subscriptions, kept_back = report.kept_back_count, "batch of the hub ended");
    Ok(())
}

fn entry(ctx: &Context, report: &Report, by: &str, fault: Option<&str>) -> Result<EntryRow> {
    let subject = Subject {
        exchange_id: None,
        project: Some(HUB.to_owned()),
        owner: ctx.owner("navette"),
    };
    let detail = json!({
        "runId": report.run_id,
        "batch": report.batch,
        "operator": by,
        "folders": report.folders,
        "attachments": report.attachments,
        "bytes": report.bytes,
        "subscriptions": report.subscriptions,
        "keptBack": report.kept_back_count,
        "fault": fault,
    });
    journal::entry(&ctx.clock, &ctx.entropy, Kind::HubBatch, subject, detail)
}

/// A report as it is shown.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeptReport {
    /// The run.
    pub run_id: Uuid,
    /// Which batch.
    pub batch: String,
    /// Who ran it.
    pub run_by: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; nothing while it runs, or where it died.
    pub ended_at: Option<Timestamp>,
    /// The code of the fault that stopped it.
    pub fault: Option<String>,
    /// Its sums.
    #[serde(flatten)]
    pub sums: Json,
    /// What it did; nothing in a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub items: Option<Vec<Json>>,
}

/// At most `limit` reports, the newest first, of one batch or of all.
pub async fn list(ctx: &Context, batch: Option<Batch>, limit: u32) -> Result<Vec<KeptReport>> {
    let name = batch.map(Batch::as_str);
    let rows = ctx.store.read(move |tx| reports::list(tx, name, limit));
    Ok(rows.await?.into_iter().map(shown).collect())
}

/// The report of a run, with everything that it did. Fails with `not-found` where there is none.
pub async fn show(ctx: &Context, id: Uuid) -> Result<KeptReport> {
    let row = ctx.store.read(move |tx| reports::find(tx, id)).await?;
    let row = row.ok_or_else(|| {
        let detail = format!("no report {id}; see `navette hubee report list`");
        Fault::new(Code::NotFound, detail)
    })?;
    let (mut items, mut after) = (Vec::new(), 0);
    loop {
        let page = ctx
            .store
            .read(move |tx| reports::parts(tx, id, after, PARTS))
            .await?;
        let Some((last, _)) = page.last() else { break };
        after = *last;
        for (_, part) in page {
            items.extend(part.as_array().into_iter().flatten().cloned());
        }
    }
    Ok(KeptReport {
        items: Some(items),
        ..shown(row)
    })
}

fn shown(row: ReportRow) -> KeptReport {
    KeptReport {
        run_id: row.id,
        batch: row.batch,
        run_by: row.run_by,
        started_at: row.started_at,
        ended_at: row.ended_at,
        fault: row.fault,
        sums: row.body,
        items: None,
    }
}
