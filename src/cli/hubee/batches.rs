//! `navette hubee purge|archive|delete|activate`: a batch, now (R52, R60, R61).

use clap::Args;

use super::super::{Answer, Settings, operator, output};
use crate::{
    app::House,
    domain::hubee::batches::{self, Batch, Item, Report},
    kernel::fault::{Code, Fault, Result},
};

/// How many lines of items are shown; `--json` has them all.
const SHOWN: usize = 50;

/// What the commands of the batches take.
#[derive(Args)]
pub struct BatchArgs {
    /// Tell what would be done and what is kept, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Answer with JSON, every id in it.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(settings: &Settings, batch: Batch, args: BatchArgs) -> Result<Answer> {
    let config = settings.load()?;
    let report = match args.dry_run {
        true => {
            let house = House::open_read_only(config).await?;
            batches::dry_run(&house.ctx, batch).await?
        }
        false => {
            let house = House::open(config).await?;
            batches::run(&house.ctx, batch, &operator::name()).await?
        }
    };
    output::either(args.json, &report, || text(&report));
    match report.blobs_left {
        0 => Ok(Answer::Yes),
        left => Err(Fault::new(
            Code::Unavailable,
            format!("{left} files could not be removed; a worker tries again"),
        )),
    }
}

fn text(report: &Report) -> String {
    let mut lines: Vec<String> = report.items.iter().take(SHOWN).map(line).collect();
    let hidden = report.items.len().saturating_sub(SHOWN);
    if hidden > 0 {
        lines.push(format!("… and {hidden} more"));
    }
    for kept in &report.kept_back {
        lines.push(format!(
            "kept {}  {}",
            kept.folder_id,
            kept.reasons.join(", ")
        ));
    }
    let would = match report.run_id {
        Some(_) => "",
        None => " would be",
    };
    lines.push(format!(
        "{}: {} folders, {} files ({} bytes), {} subscriptions{would} done; {} kept although their time has come",
        report.batch,
        report.folders,
        report.attachments,
        report.bytes,
        report.subscriptions,
        report.kept_back_count
    ));
    if let Some(run) = report.run_id {
        lines.push(format!("report: navette hubee report show {run}"));
    }
    lines.join("\n")
}

fn line(item: &Item) -> String {
    let files = item.attachment_ids.len();
    match (item.folder_id, item.subscription_id) {
        (Some(folder), _) if files > 0 => format!("folder {folder}  {files} files"),
        (Some(folder), _) => format!("folder {folder}"),
        (None, Some(subscription)) => format!("subscription {subscription}"),
        (None, None) => "-".to_owned(),
    }
}
