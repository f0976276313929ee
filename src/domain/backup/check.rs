//! Whether a backup is whole and may go back here: its hash list, every file of it, and what its own description counts. A list
//! that was emptied or cut short agrees with every file that it still names, so it is held against the description and the tables.

use std::{fs, path::Path};

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{
    AT_ONCE, BLOBS, KEYS, MANIFEST, Manifest, ROWS, SUMS, VERSION, engine_name,
    files::{self, Sums},
    rows,
};
use crate::{
    domain::Context,
    kernel::{
        digest::{Sha256, hex},
        fault::{Code, Fault, Result},
    },
    storage::{dump::Table, migrate},
};

/// Checks a backup's list, every file of it, and what it counts. Fails with `corrupt`, naming the first that differs.
pub async fn whole(from: &Path) -> Result<(Manifest, Sums)> {
    let sums = files::read_list(&from.join(SUMS))?;
    is_listed(&sums, MANIFEST)?;
    let rows = every_file(from, &sums).await?;
    let text = fs::read(from.join(MANIFEST)).map_err(files::refused(from))?;
    let manifest: Manifest = serde_json::from_slice(&text)
        .map_err(|error| damaged(MANIFEST, "it does not read").because(error))?;
    as_counted(&manifest, &sums, rows)?;
    Ok((manifest, sums))
}

/// Holds every file to its digest; answers how many rows the tables' files have together.
async fn every_file(from: &Path, sums: &Sums) -> Result<u64> {
    let checks = stream::iter(sums.clone()).map(|(name, sum)| {
        let path = from.join(&name);
        files::blocking(move || one_file(&path, &name, sum))
    });
    let checks = checks.buffer_unordered(AT_ONCE);
    let rows: Vec<u64> = checks.try_collect().await?;
    Ok(rows.iter().sum())
}

fn one_file(path: &Path, name: &str, sum: Sha256) -> Result<u64> {
    match files::sum_and_lines(path) {
        Ok((found, lines)) if found == sum => Ok(match is_below(name, ROWS) {
            true => lines.saturating_sub(rows::HEAD),
            false => 0,
        }),
        Ok(_) => Err(damaged(name, "other bytes than when it was made")),
        Err(fault) => Err(damaged(name, "it cannot be read").because(fault)),
    }
}

fn as_counted(manifest: &Manifest, sums: &Sums, rows: u64) -> Result<()> {
    let listed = |folder| sums.keys().filter(|name| is_below(name, folder)).count() as u64;
    let keys = match manifest.keys_inside {
        true => manifest.keys,
        false => 0,
    };
    let counts = [
        ("rows", manifest.rows, rows),
        ("blobs", manifest.blobs, listed(BLOBS)),
        ("daily keys", keys, listed(KEYS)),
    ];
    match counts.into_iter().find(|(_, said, found)| said != found) {
        None => Ok(()),
        Some((what, said, found)) => {
            let why = format!("{found} {what} where {MANIFEST} says {said}");
            Err(damaged(SUMS, &why))
        }
    }
}

fn is_below(name: &str, folder: &str) -> bool {
    name.strip_prefix(folder)
        .is_some_and(|rest| rest.starts_with('/'))
}

/// Fails with `corrupt` where a table has no file in the list: an empty one has one too.
pub fn has_every_table(sums: &Sums, tables: &[Table]) -> Result<()> {
    tables
        .iter()
        .try_for_each(|table| is_listed(sums, &rows::file(&table.name)))
}

fn is_listed(sums: &Sums, name: &str) -> Result<()> {
    match sums.contains_key(name) {
        true => Ok(()),
        false => Err(damaged(SUMS, &format!("it has no line for {name}"))),
    }
}

/// A fault of the backup itself.
pub fn damaged(name: &str, why: &str) -> Fault {
    Fault::new(
        Code::Corrupt,
        format!("the backup is damaged: {name}: {why}"),
    )
}

/// Fails with `usage` where the house is of another kind than the backup.
pub async fn fits(ctx: &Context, manifest: &Manifest) -> Result<()> {
    let gateway = &ctx.config.gateway;
    let schema = ctx.store.read(migrate::applied_to).await?;
    let schema: Vec<_> = schema
        .into_iter()
        .map(|(v, digest)| (v, hex(&digest)))
        .collect();
    let engine = engine_name(ctx.store.engine());
    let differs = [
        (manifest.version != VERSION, "it is of another layout"),
        (
            manifest.engine != engine,
            "it is of the other database engine",
        ),
        (
            manifest.environment != gateway.environment,
            "it is of another environment",
        ),
        (
            manifest.schema != schema,
            "it is of another release's schema: restore it with that release, then upgrade",
        ),
    ];
    match differs.into_iter().find(|(differs, _)| *differs) {
        Some((_, why)) => Err(Fault::new(
            Code::Usage,
            format!("this backup cannot go back here: {why}"),
        )),
        None => Ok(()),
    }
}
