//! The daily keys of a backup: in it, or in a folder apart that every backup brings to today's state.
//!
//! **What goes there.** A key in the folder apart is all that opens the backups of its day, and the folder may be shared, or
//! be met by a house that is not the one it was filled by: a new machine before its restoration, a wrong data folder. So a
//! key goes there only where this house's database says that this house has destroyed it.

use std::{collections::BTreeSet, path::Path};

use uuid::Uuid;

use super::{
    KEYS, PURGES,
    files::{self, Sums},
};
use crate::{
    domain::{
        Context,
        ged::{epochs, purge::ledger},
    },
    kernel::fault::Result,
    storage::keys,
};

/// What the files of daily keys end with.
const KEY: &str = "key";
/// What the files of the ledger of purges end with.
const LEDGER: &str = "jsonl";

/// What became of the keys.
#[derive(Debug, Default)]
pub struct Mirrored {
    /// How many this house has.
    pub count: u64,
    /// Those that went into the backup itself, by their path in it.
    pub inside: Sums,
    /// Names in the folder apart of keys that this house neither has nor destroyed.
    pub unknown: Vec<String>,
}

/// Copies the daily keys into the backup at `to`, or brings the folder where they are kept `apart` to today's state, with the ledger
/// of purges.
pub async fn copy(ctx: &Context, to: &Path, apart: Option<&Path>) -> Result<Mirrored> {
    let from = ctx.config.gateway.data_dir.join(epochs::FOLDER);
    let Some(apart) = apart.map(Path::to_owned) else {
        let to = to.join(KEYS);
        return files::blocking(move || inside(&from, &to)).await;
    };
    let purges = ledger::folder(ctx);
    let to = apart.join(KEYS);
    let folder = to.clone();
    let copied = files::blocking(move || {
        copy_all(&purges, &apart.join(PURGES), LEDGER)?;
        copy_all(&from, &folder, KEY)
    });
    let ours = copied.await?;
    let destroyed = ctx.store.read(keys::all_destroyed).await?;
    let count = ours.len() as u64;
    let unknown = files::blocking(move || drop_destroyed(&to, &ours, &destroyed)).await?;
    Ok(Mirrored {
        count,
        unknown,
        ..Mirrored::default()
    })
}

fn inside(from: &Path, to: &Path) -> Result<Mirrored> {
    let copied = copy_all(from, to, KEY)?;
    let named = |(name, sum)| (format!("{KEYS}/{name}"), sum);
    Ok(Mirrored {
        count: copied.len() as u64,
        inside: copied.into_iter().map(named).collect(),
        unknown: Vec::new(),
    })
}

/// Copies the files of this ending, each over what lay there under its name.
fn copy_all(from: &Path, to: &Path, ending: &str) -> Result<Sums> {
    files::folder(to)?;
    let mut sums = Sums::new();
    for path in files::of_kind(from, ending)? {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        if let Some(sum) = files::replace(&path, &to.join(name))? {
            sums.insert(name.to_owned(), sum);
        }
    }
    files::sync(to)?;
    Ok(sums)
}

/// Shreds the copies of what this house destroyed; answers the names of those that it does not know.
fn drop_destroyed(to: &Path, ours: &Sums, destroyed: &BTreeSet<Uuid>) -> Result<Vec<String>> {
    let mut unknown = Vec::new();
    for path in files::of_kind(to, KEY)? {
        let name = path.file_name().map(|name| name.to_string_lossy());
        let name = name.unwrap_or_default().into_owned();
        if ours.contains_key(&name) {
            continue;
        }
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        let id = stem.and_then(|stem| Uuid::try_parse(stem).ok());
        match id.is_some_and(|id| destroyed.contains(&id)) {
            true => epochs::shred(&path).map_err(files::refused(&path))?,
            false => unknown.push(name),
        }
    }
    files::sync(to)?;
    Ok(unknown)
}
