//! `navette hubee report list|show`: what the batches did (R62).

use clap::{Args, Subcommand};
use uuid::Uuid;

use super::super::{Answer, Settings, output};
use crate::{
    app::House,
    domain::hubee::batches::{
        Batch,
        report::{self, KeptReport},
    },
    kernel::fault::{Code, Fault, Result},
};

/// Shows the reports of the hub's batches.
#[derive(Args)]
pub struct ReportArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Lists the reports, the newest first.
    ///
    /// Example: navette hubee report list --batch archive
    List(ListArgs),
    /// Shows a report with every id.
    ///
    /// Example: navette hubee report show 019abcde-0000-7000-8000-000000000000 --json
    Show(ShowArgs),
}

#[derive(Args)]
struct ListArgs {
    /// Reports of this batch only: purge, archive, delete, activate or digest.
    #[arg(long)]
    batch: Option<String>,
    /// At most so many.
    #[arg(long, default_value_t = 100)]
    limit: u32,
    /// Answer with JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct ShowArgs {
    /// The run, as the list shows it.
    run: Uuid,
    /// Answer with JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(settings: &Settings, args: ReportArgs) -> Result<Answer> {
    let house = House::open_read_only(settings.load()?).await?;
    match args.command {
        Command::List(args) => {
            let batch = args.batch.as_deref().map(named).transpose()?;
            let reports = report::list(&house.ctx, batch, args.limit).await?;
            output::either(args.json, &reports, || match reports.is_empty() {
                true => "no report".to_owned(),
                false => reports.iter().map(line).collect::<Vec<_>>().join("\n"),
            });
        }
        Command::Show(args) => {
            let report = report::show(&house.ctx, args.run).await?;
            output::either(args.json, &report, || text(&report));
        }
    }
    Ok(Answer::Yes)
}

fn named(text: &str) -> Result<Batch> {
    Batch::parse(text).map_err(|_| {
        let detail = "expected purge, archive, delete, activate or digest";
        Fault::new(Code::Usage, detail)
    })
}

fn line(report: &KeptReport) -> String {
    let sum = |name: &str| report.sums[name].as_u64().unwrap_or_default();
    let state = match (&report.ended_at, &report.fault) {
        (_, Some(fault)) => format!("stopped: {fault}"),
        (Some(_), None) => "ended".to_owned(),
        (None, None) => "not ended".to_owned(),
    };
    format!(
        "{}  {}  {:<8}  by {}  {} folders, {} files, {} subscriptions, {} kept  {state}",
        report.run_id,
        report.started_at,
        report.batch,
        report.run_by,
        sum("folders"),
        sum("attachments"),
        sum("subscriptions"),
        sum("keptBackCount"),
    )
}

fn text(report: &KeptReport) -> String {
    let items = report.items.iter().flatten().map(ToString::to_string);
    std::iter::once(line(report))
        .chain(items)
        .collect::<Vec<_>>()
        .join("\n")
}
