//! `navette backup` and `navette restore`.

use std::path::PathBuf;

use clap::Args;

use super::{
    Answer, Settings,
    operator::{self, Reason},
    output,
};
use crate::{
    app::House,
    domain::backup::{check, make, restore},
    kernel::fault::Result,
};

/// Copies database and store as they are at one instant, while the gateway runs, with a list of hashes.
///
/// Settings and the master key are not in it. The daily keys, which open what the backup holds and are destroyed by the
/// purge, go into it, or, with --keys, into a folder of their own that every backup brings to the newest state: then a
/// purge reaches the older backups too. A key there that this house neither has nor destroyed is left alone, and told.
///
/// Example: navette backup /mnt/backup/2026-11-22 --keys /mnt/keys
#[derive(Args)]
pub struct BackupArgs {
    /// Where to: a folder that is empty, or not there yet.
    dir: PathBuf,
    /// Keep the daily keys, and the ledger of purges, apart in this folder.
    #[arg(long, value_name = "DIR")]
    keys: Option<PathBuf>,
    /// Why, for the journal: 200 characters at most, nothing personal.
    #[arg(long)]
    reason: Option<Reason>,
    /// Answer with JSON.
    #[arg(long)]
    json: bool,
}

/// Puts a backup back into an empty data folder and database, once every hash of its list holds.
///
/// What was purged since the backup was made is purged again before anything can be served: what the ledgers of purges name
/// (`purges/` of the data folder, of --keys, of --purges), and what the keys destroyed since kept. A key that is missing although
/// something under it is within its term, held or not acknowledged, and in no ledger, is told, and nothing is purged.
///
/// Example: navette restore /mnt/backup/2026-11-22 --keys /mnt/keys --reason "panne disque"
#[derive(Args)]
pub struct RestoreArgs {
    /// The backup.
    dir: PathBuf,
    /// The folder of the daily keys, where they are kept apart.
    #[arg(long, value_name = "DIR")]
    keys: Option<PathBuf>,
    /// A folder of ledgers of purges saved from elsewhere; may be given more than once.
    #[arg(long, value_name = "DIR")]
    purges: Vec<PathBuf>,
    /// Go on although keys are missing that no purge seems to have destroyed: what they opened is purged for good.
    #[arg(long)]
    without_missing_keys: bool,
    /// Why, for the journal: 200 characters at most, nothing personal.
    #[arg(long)]
    reason: Reason,
    /// Answer with JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn backup(settings: &Settings, args: BackupArgs) -> Result<Answer> {
    let house = House::open(settings.load()?).await?;
    let order = make::Order {
        to: args.dir,
        keys: args.keys,
        by: operator::name(),
        reason: args.reason.map(String::from),
    };
    let made = make::make(&house.ctx, &order).await?;
    output::either(args.json, &made, || {
        let mut lines: Vec<String> = made
            .missing
            .iter()
            .map(|id| format!("missing in the store: blob {id} (see `navette doctor`)"))
            .collect();
        lines.extend(made.unknown_keys.iter().map(|name| {
            format!("left alone: {name} is no key of this house (another's, or not restored yet?)")
        }));
        let manifest = &made.manifest;
        lines.push(format!(
            "{} rows, {} blobs, {} daily keys as of {}; hash list {}",
            manifest.rows, manifest.blobs, manifest.keys, manifest.made_at, made.sums_sha256
        ));
        lines.join("\n")
    });
    match made.missing.is_empty() {
        true => Ok(Answer::Yes),
        false => Ok(Answer::No),
    }
}

pub(super) async fn restore(settings: &Settings, args: RestoreArgs) -> Result<Answer> {
    let config = settings.load()?;
    let order = restore::Order {
        from: args.dir,
        keys: args.keys,
        purges: args.purges,
        without_missing_keys: args.without_missing_keys,
        by: operator::name(),
        reason: args.reason.into(),
    };
    let (manifest, sums) = check::whole(&order.from).await?;
    let house = House::open_to_restore(config).await?;
    let restored = restore::restore(&house.ctx, &order, manifest, &sums).await?;
    output::either(args.json, &restored, || {
        format!(
            "restored as of {}: {} rows, {} blobs; {} exchanges purged again",
            restored.manifest.made_at,
            restored.manifest.rows,
            restored.manifest.blobs,
            restored.purged_again
        )
    });
    Ok(Answer::Yes)
}
