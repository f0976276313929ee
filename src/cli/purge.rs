//! `navette purge`: what has outlived its term is destroyed, or told.

use clap::Args;
use serde_json::{Value as Json, json};

use super::{
    Answer, Settings,
    operator::{self, Reason},
    output,
};
use crate::{
    app::House,
    domain::ged::purge::{self, Order, Report, ledger, survey},
    kernel::fault::{Code, Fault, Result},
};

/// Destroys contents, metadata and results whose term is over; their ids, digests, sizes and dates stay.
///
/// A worker does it each night by itself. Never destroyed: what nobody acknowledged, what is on legal hold, what an open
/// incident is about; the list of what is overdue for such a reason is shown. The journal keeps who and why.
///
/// Example: navette purge --dry-run
#[derive(Args)]
pub struct PurgeArgs {
    /// Tell what would be destroyed and what is kept, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Why, for the journal: 200 characters at most, nothing personal. Mandatory but for --dry-run.
    #[arg(long, required_unless_present = "dry_run")]
    reason: Option<Reason>,
    /// Vouch for the machine's clock, which has gone back by more than an hour, or on by more than a day, since the gateway
    /// last saw it.
    #[arg(long)]
    confirm_clock: bool,
    /// Write the database's files anew afterwards, so that no dead byte of what was destroyed is left inside of them. No
    /// piece is taken in meanwhile.
    #[arg(long)]
    rewrite: bool,
    /// Answer with JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(settings: &Settings, args: PurgeArgs) -> Result<Answer> {
    let config = settings.load()?;
    match args.reason {
        Some(reason) if !args.dry_run => {
            let house = House::open(config).await?;
            let order = Order {
                by: operator::name(),
                reason: Some(reason.into()),
                confirm_clock: args.confirm_clock,
                rewrite: args.rewrite,
            };
            let report = purge::run(&house.ctx, &order).await?;
            let file = report.run_id.map(|run| ledger::file(&house.ctx, run));
            let file = file.filter(|file| file.exists());
            show(
                args.json,
                &report,
                file.map(|file| file.display().to_string()),
            )
        }
        _ => {
            let house = House::open_read_only(config).await?;
            show(args.json, &survey::dry_run(&house.ctx).await?, None)
        }
    }
}

fn show(as_json: bool, report: &Report, file: Option<String>) -> Result<Answer> {
    let mut told = serde_json::to_value(report).map_err(Fault::internal)?;
    told["ledger"] = json!(file);
    output::either(as_json, &told, || text(report, &told));
    match report.blobs_left {
        0 => Ok(Answer::Yes),
        left => Err(Fault::new(
            Code::Unavailable,
            format!("{left} files of purged documents could not be removed; a worker tries again"),
        )),
    }
}

fn text(report: &Report, told: &Json) -> String {
    let mut lines: Vec<String> = report.kept_back.iter().map(kept).collect();
    let hidden = report.kept_back_count - report.kept_back.len() as u64;
    if hidden > 0 {
        lines.push(format!("… and {hidden} more are kept"));
    }
    lines.extend(
        report
            .projects
            .iter()
            .map(|(project, count)| format!("{project}: {count} exchanges")),
    );
    let verb = match report.run_id {
        Some(_) => "destroyed",
        None => "would be destroyed",
    };
    lines.push(format!(
        "{} exchanges {verb} ({} documents, {} bytes); {} kept although their term is over",
        report.exchanges, report.documents, report.bytes, report.kept_back_count
    ));
    if let Some(file) = told["ledger"].as_str() {
        lines.push(format!("report: {file}"));
    }
    lines.join("\n")
}

fn kept(kept: &survey::KeptBack) -> String {
    let id = kept
        .reconciliation_id
        .map_or("-".to_owned(), |id| id.to_string());
    let since = kept.since.map_or("-".to_owned(), |since| since.to_string());
    let reasons = kept.reasons.join(", ");
    format!("kept {id}  {}  since {since}  {reasons}", kept.project)
}
