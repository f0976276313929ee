//! Puts a backup back into an empty house. Nothing can be served meanwhile, nor after a restoration that died: a mark in the
//! data folder stands from before the first row until after the last replayed purge, and a second try begins again.

use std::{
    fs,
    path::{Path, PathBuf},
};

use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::{
    AT_ONCE, BLOBS, KEYS, Manifest, SUMS, check,
    files::{self, Sums},
    replay, rows,
};
use crate::{
    domain::{
        Context,
        ged::epochs,
        journal::{self, Kind, Subject},
    },
    kernel::{
        digest::{hex, sha256},
        failpoint,
        fault::{Code, Fault, Result},
    },
    storage::{
        dump::{self, Table},
        journal::append,
        retention,
    },
};

/// The mark of a restoration that has begun and not ended.
const MARK: &str = "restoring";

/// Where a backup is, and who restores it.
#[derive(Clone, Debug)]
pub struct Order {
    /// The backup.
    pub from: PathBuf,
    /// The folder of the daily keys, where they are kept apart.
    pub keys: Option<PathBuf>,
    /// More ledgers of purges, such as one saved from the lost machine.
    pub purges: Vec<PathBuf>,
    /// Whether what a missing key leaves unreadable is purged although nothing says that it was.
    pub without_missing_keys: bool,
    /// The operator.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// What was put back.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Restored {
    /// The backup's own description.
    #[serde(flatten)]
    pub manifest: Manifest,
    /// Exchanges purged again.
    pub purged_again: u64,
}

/// Whether a restoration of the house in `data` has begun and not ended.
pub fn is_unfinished(data: &Path) -> bool {
    data.join(MARK).exists()
}

/// Puts a checked backup back. Fails with `usage` where the house is not empty, or is of another kind than the backup, or keys are
/// missing.
pub async fn restore(
    ctx: &Context,
    order: &Order,
    manifest: Manifest,
    sums: &Sums,
) -> Result<Restored> {
    check::fits(ctx, &manifest).await?;
    let data = ctx.config.gateway.data_dir.clone();
    let tables = ctx.store.read(dump::tables).await?;
    check::has_every_table(sums, &tables)?;
    let tables = dump::restored(tables);
    make_room(ctx, &data, &tables).await?;
    files::publish(&data.join(MARK), b"")?;
    for table in tables {
        put_back(ctx, order, table).await?;
    }
    failpoint::hit("restore.after-rows");
    import_keys(ctx, order, &manifest, &data).await?;
    let again = replay::wanted(ctx, order).await?;
    import_blobs(ctx, order, sums).await?;
    failpoint::hit("restore.before-replay");
    let purged_again = replay::replay(ctx, again).await?;
    record(ctx, order, &manifest, purged_again).await?;
    ctx.store.scrub(&retention::TABLES, false).await?;
    fs::remove_file(data.join(MARK)).map_err(files::refused(&data))?;
    files::sync(&data)?;
    Ok(Restored {
        manifest,
        purged_again,
    })
}

/// The house must be empty, but for what a restoration that died has left: that is taken out.
async fn make_room(ctx: &Context, data: &Path, tables: &[Table]) -> Result<()> {
    let (again, tables) = (is_unfinished(data), tables.to_vec());
    let filled = ctx.store.write(move |tx| {
        for table in &tables {
            match again {
                true => dump::empty(tx, table)?,
                false if dump::is_empty(tx, table)? => {}
                false => return Ok(Some(table.name.clone())),
            }
        }
        Ok(None)
    });
    match filled.await? {
        None => Ok(()),
        Some(table) => {
            let detail = format!(
                "the house is not empty (table {table}): restore into a new data folder and database"
            );
            Err(Fault::new(Code::Usage, detail))
        }
    }
}

async fn put_back(ctx: &Context, order: &Order, table: Table) -> Result<()> {
    let path = order.from.join(rows::file(&table.name));
    let mut input = files::open(&path)?;
    if rows::columns(&mut input)? != table.columns {
        return Err(check::damaged(
            &table.name,
            "other columns than the table's",
        ));
    }
    loop {
        let (read, reader) = files::blocking(move || {
            let page = rows::page(&mut input)?;
            Ok((page, input))
        })
        .await?;
        input = reader;
        if read.is_empty() {
            return Ok(());
        }
        let table = table.clone();
        ctx.store
            .write(move |tx| dump::insert(tx, &table, &read))
            .await?;
    }
}

async fn import_blobs(ctx: &Context, order: &Order, sums: &Sums) -> Result<()> {
    let names = sums
        .keys()
        .filter_map(|name| name.strip_prefix(BLOBS)?.strip_prefix('/'));
    let ids =
        names.map(|name| Uuid::try_parse(name).map_err(|_| check::damaged(name, "no blob's name")));
    let ids: Vec<Uuid> = ids.collect::<Result<_>>()?;
    let imports = stream::iter(ids).map(|id| {
        let from = order.from.join(BLOBS).join(id.simple().to_string());
        ctx.vault.import(id, from)
    });
    imports.buffer_unordered(AT_ONCE).try_collect::<()>().await
}

async fn import_keys(ctx: &Context, order: &Order, manifest: &Manifest, data: &Path) -> Result<()> {
    let from = match (&order.keys, manifest.keys_inside) {
        (Some(folder), _) => folder.join(KEYS),
        (None, true) => order.from.join(KEYS),
        (None, false) => {
            let detail = "the daily keys are not in this backup: name their folder with --keys";
            return Err(Fault::new(Code::Usage, detail));
        }
    };
    let to = data.join(epochs::FOLDER);
    let copied = files::blocking(move || {
        files::folder(&to)?;
        let mut copied = 0;
        for path in files::of_kind(&from, "key")? {
            let Some(name) = path.file_name() else {
                continue;
            };
            // A restoration that died may have left half of this one.
            files::replace(&path, &to.join(name))?;
            copied += 1;
        }
        files::sync(&to)?;
        Ok(copied)
    });
    match copied.await? {
        0 if manifest.keys > 0 => {
            let detail = "no daily key there: without them nothing of the backup opens";
            Err(Fault::new(Code::Usage, detail))
        }
        _ => {
            ctx.keyring.epochs().forget();
            Ok(())
        }
    }
}

async fn record(ctx: &Context, order: &Order, manifest: &Manifest, purged: u64) -> Result<()> {
    let list = fs::read(order.from.join(SUMS)).map_err(files::refused(&order.from))?;
    let subject = Subject {
        exchange_id: None,
        project: None,
        owner: ctx.owner("navette"),
    };
    let detail = json!({
        "operator": order.by,
        "reason": order.reason,
        "madeAt": manifest.made_at,
        "sumsSha256": hex(&sha256(&list)),
        "withoutMissingKeys": order.without_missing_keys,
        "purgedAgain": purged,
    });
    let entry = journal::entry(
        &ctx.clock,
        &ctx.entropy,
        Kind::BackupRestored,
        subject,
        detail,
    )?;
    ctx.store.write(move |tx| append(tx, &entry)).await
}
