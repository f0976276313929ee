//! Daily keys that are not where a restoration looks for them.
//!
//! A purge destroys a day's key with the last exchange of its day, so what an older backup still has under it was purged since: the
//! ledgers name it, and where they are lost it was due. A file of the folder of keys that went astray looks the same, and must
//! not pass for a purge: what was not due and no ledger names is told, and nothing is purged before an operator vouches for it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    domain::Context,
    kernel::fault::{Code, Fault, Result},
    storage::keys::{self, DayKey, Under},
};

/// How many exchanges are read at once.
const PAGE: u32 = 1000;
/// How many missing keys are named.
const NAMED: usize = 5;

/// What the keys that are not there kept.
#[derive(Debug, Default)]
pub struct Missing {
    /// The exchanges under them; not those of which files alone are.
    pub exchanges: Vec<Uuid>,
    /// The keys that no purge seems to have destroyed, as they are told.
    astray: Vec<String>,
}

impl Missing {
    /// Fails with `usage` where a key has something that was not due, and that no ledger names.
    pub fn all_destroyed(&self) -> Result<()> {
        match self.astray.is_empty() {
            true => Ok(()),
            false => Err(refused(&self.astray)),
        }
    }
}

/// Looks for the key of every day that the backup does not call destroyed; `named` is what the ledgers name.
pub async fn look(ctx: &Context, named: &BTreeSet<Uuid>, now: Timestamp) -> Result<Missing> {
    let mut missing = Missing::default();
    for key in ctx.store.read(keys::of_days).await? {
        if ctx.keyring.epochs().holds(key.id) {
            continue;
        }
        let under = under(ctx, &key, now).await?;
        let was_purged = |one: &&Under| one.is_due || named.contains(&one.id);
        let others = under.iter().filter(|one| !was_purged(one)).count();
        if others > 0 {
            missing.astray.push(told(&key, others));
        }
        missing
            .exchanges
            .extend(under.iter().filter(|one| one.is_whole).map(|one| one.id));
    }
    Ok(missing)
}

async fn under(ctx: &Context, key: &DayKey, now: Timestamp) -> Result<Vec<Under>> {
    let project = ctx.config.projects.get(&key.project);
    // Of a project without settings, as of the hub, nobody knows here what is due.
    let cutoff = project.map_or(Timestamp::MIN, |project| project.retention.cutoff(now));
    let (id, mut after, mut all) = (key.id, Uuid::nil(), Vec::new());
    loop {
        let page = ctx
            .store
            .read(move |tx| keys::exchanges_under(tx, id, cutoff, after, PAGE));
        let page = page.await?;
        let Some(last) = page.last() else {
            return Ok(all);
        };
        after = last.id;
        all.extend(page);
    }
}

fn told(key: &DayKey, count: usize) -> String {
    let (file, project) = (key.id.simple(), &key.project);
    format!("{file}.key ({count} of {project})")
}

fn refused(astray: &[String]) -> Fault {
    let named = astray[..astray.len().min(NAMED)].join(", ");
    let detail = format!(
        "{} daily keys are missing although exchanges under them are kept, as far as backup and ledgers of purges tell: {named}; bring \
         their files back, name more ledgers with --purges, or take a newer backup, and restore again; with \
         --without-missing-keys these exchanges are purged for good, and files that others have under these keys stay unreadable",
        astray.len()
    );
    Fault::new(Code::Usage, detail)
}
