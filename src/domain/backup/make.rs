//! Makes a backup while the house runs: rows of one instant, the blobs that they name, the daily keys, the hash list.

use std::{
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::{StreamExt, stream};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::{
    AT_ONCE, BLOBS, MANIFEST, Manifest, ROWS, SUMS, VERSION, engine_name,
    files::{self, Sums},
    keys::{self, Mirrored},
    rows,
};
use crate::{
    domain::{
        Context,
        ged::purge::lease,
        journal::{self, Kind, Subject},
    },
    kernel::{
        digest::{Sha256, hex, sha256},
        failpoint,
        fault::{Code, Fault, Result},
    },
    storage::{
        Tx,
        dump::{self, Table},
        exchanges,
        journal::append,
        migrate,
    },
};

/// Where a backup goes, and who makes it.
#[derive(Clone, Debug)]
pub struct Order {
    /// The folder: not there, or empty.
    pub to: PathBuf,
    /// The folder of the daily keys, where they are kept apart: brought to the newest state.
    pub keys: Option<PathBuf>,
    /// The operator.
    pub by: String,
    /// Why, where it is not the one of every night.
    pub reason: Option<String>,
}

/// What a backup holds.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Made {
    /// Its own description.
    #[serde(flatten)]
    pub manifest: Manifest,
    /// The digest of its hash list, which the journal keeps.
    pub sums_sha256: String,
    /// Blobs that the store does not hold although their rows say so: see `navette doctor`.
    pub missing: Vec<Uuid>,
    /// Keys in the folder apart that this house neither has nor destroyed: left alone, for they may be another house's.
    pub unknown_keys: Vec<String>,
}

/// Makes a backup. Fails with `usage` where the folder is not empty, with `unavailable` while a purge runs.
pub async fn make(ctx: &Context, order: &Order) -> Result<Made> {
    vacant(&order.to)?;
    let token = ctx.entropy.uuid(&ctx.clock)?;
    lease::held(ctx, token, whole(ctx, order)).await
}

fn vacant(folder: &Path) -> Result<()> {
    match files::is_vacant(folder)? {
        true => Ok(()),
        false => {
            let detail = format!(
                "{}: not empty; a backup takes a folder of its own",
                folder.display()
            );
            Err(Fault::new(Code::Usage, detail))
        }
    }
}

async fn whole(ctx: &Context, order: &Order) -> Result<Made> {
    for part in [ROWS, BLOBS] {
        files::folder(&order.to.join(part))?;
    }
    let made_at = ctx.clock.now();
    let Dumped {
        mut sums,
        schema,
        rows,
        documents,
    } = dumped(ctx, order.to.clone()).await?;
    failpoint::hit("backup.after-rows");
    let (blobs, missing) = copy_blobs(ctx, &order.to, documents).await?;
    let Mirrored {
        count,
        inside,
        unknown,
    } = keys::copy(ctx, &order.to, order.keys.as_deref()).await?;
    sums.extend(inside);
    let manifest = Manifest {
        version: VERSION,
        engine: engine_name(ctx.store.engine()).to_owned(),
        environment: ctx.config.gateway.environment.clone(),
        made_at,
        schema: schema
            .into_iter()
            .map(|(v, digest)| (v, hex(&digest)))
            .collect(),
        rows,
        blobs: blobs.len() as u64,
        keys: count,
        keys_inside: order.keys.is_none(),
    };
    sums.extend(blobs);
    let sums_sha256 = seal(order.to.clone(), &manifest, sums).await?;
    record(ctx, order, &manifest, &sums_sha256).await?;
    Ok(Made {
        manifest,
        sums_sha256,
        missing,
        unknown_keys: unknown,
    })
}

/// The rows of one instant, on disk, and the blobs that they name.
struct Dumped {
    sums: Sums,
    schema: Vec<(i64, Sha256)>,
    rows: u64,
    documents: Vec<Uuid>,
}

async fn dumped(ctx: &Context, to: PathBuf) -> Result<Dumped> {
    let snapshot = ctx.store.snapshot(move |tx| {
        let mut dumped = Dumped {
            sums: Sums::new(),
            schema: migrate::applied_to(tx)?,
            rows: 0,
            documents: Vec::new(),
        };
        for table in dump::tables(tx)? {
            one_table(tx, &table, &to, &mut dumped)?;
        }
        Ok(dumped)
    });
    snapshot.await
}

fn one_table(tx: &mut Tx<'_>, table: &Table, to: &Path, dumped: &mut Dumped) -> Result<()> {
    let name = rows::file(&table.name);
    let path = to.join(&name);
    let mut out = BufWriter::new(files::create(&path)?);
    rows::write_head(&mut out, table)?;
    let column = |wanted: &str| table.columns.iter().position(|name| name == wanted);
    let living = match table.name.as_str() {
        "document" => column("id").zip(column("purged_at").zip(column("container_id"))),
        _ => None,
    };
    let (mut count, mut documents) = (0, Vec::<Uuid>::new());
    dump::rows(tx, table, &mut |row| {
        // What lies in another's blob has none to copy.
        if let Some((id, (purged_at, container))) = living
            && row.get::<Option<i64>>(purged_at)?.is_none()
            && row.get::<Option<Uuid>>(container)?.is_none()
        {
            documents.push(row.get(id)?);
        }
        count += 1;
        rows::write_row(&mut out, row)
    })?;
    out.flush().map_err(files::refused(&path))?;
    drop(out);
    dumped.rows += count;
    dumped.documents.extend(documents);
    dumped.sums.insert(name, files::sum(&path)?);
    Ok(())
}

/// Copies the blobs; answers their digests, and those that are not there.
async fn copy_blobs(ctx: &Context, to: &Path, documents: Vec<Uuid>) -> Result<(Sums, Vec<Uuid>)> {
    let missing = Arc::new(Mutex::new(Vec::new()));
    let copies = stream::iter(documents).map(|id| {
        let (missing, to) = (
            missing.clone(),
            to.join(BLOBS).join(id.simple().to_string()),
        );
        async move {
            let copied = ctx.vault.export(id, to).await?;
            if copied.is_none() && still_there(ctx, id).await? {
                // A list of finished ids is sound whatever happened to the thread that held it.
                missing
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(id);
            }
            Ok(copied.map(|sum| (format!("{BLOBS}/{}", id.simple()), sum)))
        }
    });
    let mut copies = copies.buffer_unordered(AT_ONCE);
    let mut sums = Sums::new();
    while let Some(copied) = copies.next().await {
        let copied: Result<_> = copied;
        sums.extend(copied?);
    }
    drop(copies);
    let missing = missing
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    Ok((sums, missing))
}

async fn still_there(ctx: &Context, id: Uuid) -> Result<bool> {
    let found = ctx.store.read(move |tx| exchanges::has_document(tx, id));
    found.await
}

/// Makes all of it durable, then writes the list that makes it a backup; the list's own digest.
async fn seal(to: PathBuf, manifest: &Manifest, mut sums: Sums) -> Result<String> {
    let manifest = serde_json::to_vec_pretty(manifest).map_err(Fault::internal)?;
    files::blocking(move || {
        files::publish(&to.join(MANIFEST), &manifest)?;
        sums.insert(MANIFEST.to_owned(), sha256(&manifest));
        files::sync(&to)?;
        failpoint::hit("backup.before-seal");
        let list = files::listed(&sums);
        files::publish(&to.join(SUMS), list.as_bytes())?;
        Ok(hex(&sha256(list.as_bytes())))
    })
    .await
}

async fn record(ctx: &Context, order: &Order, manifest: &Manifest, sums: &str) -> Result<()> {
    let subject = Subject {
        exchange_id: None,
        project: None,
        owner: ctx.owner("navette"),
    };
    let detail = json!({
        "operator": order.by,
        "reason": order.reason,
        "madeAt": manifest.made_at,
        "rows": manifest.rows,
        "blobs": manifest.blobs,
        "keysInside": manifest.keys_inside,
        "sumsSha256": sums,
    });
    let entry = journal::entry(&ctx.clock, &ctx.entropy, Kind::BackupMade, subject, detail)?;
    ctx.store.write(move |tx| append(tx, &entry)).await
}
