//! `navette doctor`: does the house agree with itself? It changes nothing, whether the gateway runs or not.

use std::{path::PathBuf, sync::Mutex};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::{Answer, Settings, output, signers};
use crate::{
    app::House,
    domain::doctor::{self, Options, Progress, Report, Stage},
    kernel::fault::Result,
};

/// Compares store, database, receipts and journal, and changes nothing. Ends with 1 where they differ.
///
/// Every blob is decrypted and hashed, every receipt's signature verified. Works while the gateway runs and when it is
/// stopped.
///
/// Example: navette doctor --json
#[derive(Args)]
pub struct DoctorArgs {
    /// Look at the blobs' presence, length and header only, instead of reading every byte.
    #[arg(long)]
    quick: bool,
    /// Certificates (PEM) to trust receipts from, beside the signers of the settings: for older ones.
    #[arg(long, value_name = "FILE")]
    trust: Vec<PathBuf>,
    /// Answer with JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(settings: &Settings, args: DoctorArgs) -> Result<Answer> {
    let config = settings.load()?;
    let options = Options {
        quick: args.quick,
        trusted: signers::known(&config.gateway, &args.trust)?,
    };
    let house = House::open_read_only(config).await?;
    let bar = Bar::default();
    let report = doctor::examine(&house.ctx, &options, &bar).await;
    bar.clear();
    let report = report?;
    output::either(args.json, &report, || text(&report, args.quick));
    match report.is_sound() {
        true => Ok(Answer::Yes),
        false => Ok(Answer::No),
    }
}

fn text(report: &Report, quick: bool) -> String {
    let mut lines: Vec<String> = Vec::new();
    for finding in &report.findings {
        lines.push(format!("{} {}", finding.code, finding.id));
        lines.push(format!("    {}", finding.detail));
        lines.push(format!("    what to do: {}", finding.advice));
    }
    let hidden = report.total() - report.findings.len() as u64;
    if hidden > 0 {
        lines.push(format!("… and {hidden} more of the same codes"));
    }
    let verdict = match report.total() {
        0 => "no difference".to_owned(),
        1 => "1 difference".to_owned(),
        many => format!("{many} differences"),
    };
    let read = match quick {
        true => "not read (--quick)".to_owned(),
        false => format!("{} bytes verified", report.bytes),
    };
    lines.push(format!(
        "{verdict}: {} exchanges, {} documents ({read}), {} journal entries chained, {} blobs without a document yet",
        report.exchanges, report.documents, report.entries, report.orphans_to_be_swept
    ));
    lines.join("\n")
}

/// A progress bar on stderr; nothing where that is no terminal.
#[derive(Default)]
struct Bar(Mutex<Option<ProgressBar>>);

impl Bar {
    fn with(&self, act: impl FnOnce(&mut Option<ProgressBar>)) {
        // A bar is sound whatever happened to the thread that drew it.
        act(&mut self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner));
    }

    fn clear(&self) {
        self.with(|bar| {
            if let Some(bar) = bar.take() {
                bar.finish_and_clear();
            }
        });
    }
}

impl Progress for Bar {
    fn begin(&self, stage: Stage, total: u64) {
        self.clear();
        let style = ProgressStyle::with_template("{msg:<12} {wide_bar} {pos}/{len} {eta}");
        let bar = ProgressBar::new(total).with_message(name(stage));
        self.with(|slot| *slot = Some(style.map_or(bar.clone(), |style| bar.with_style(style))));
    }

    fn advance(&self, steps: u64) {
        self.with(|bar| {
            if let Some(bar) = bar {
                bar.inc(steps);
            }
        });
    }
}

fn name(stage: Stage) -> &'static str {
    match stage {
        Stage::Exchanges => "exchanges",
        Stage::Documents => "documents",
        Stage::Blobs => "blobs",
        Stage::Journal => "journal",
    }
}
