//! `navette hubee import FILE`: a whole referential of the hub from one file.

use std::{
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use crate::{
    app::House,
    cli::{
        Answer, Settings,
        operator::{self, Reason},
        output,
    },
    domain::hubee::import::{self, Imported, Progress, Tally},
    kernel::fault::{Code, Fault, Result},
};

/// The largest file, in bytes.
const LARGEST: u64 = 256 * 1024 * 1024;

/// Imports organisations, processes and subscriptions from one file, in the contracts' own JSON.
///
/// What is there already is replaced, what is the same is left alone, nothing is removed. A file with a fault is refused
/// whole, every fault told. A large one is written some hundreds at a time: where it was interrupted, it is run again.
///
/// Example: navette hubee import fixtures/hubee/referential.json
#[derive(Args)]
pub struct ImportArgs {
    /// The file: {"organizations": […], "processes": […], "subscriptions": […]}.
    file: PathBuf,
    /// Why, for the journal: 200 characters at most, nothing personal.
    #[arg(long)]
    reason: Option<Reason>,
    /// Answer with JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(settings: &Settings, args: ImportArgs) -> Result<Answer> {
    let file = read(&args.file)?;
    let house = House::open(settings.load()?).await?;
    let who = operator::name();
    let by = match &args.reason {
        Some(reason) => format!("{who}: {}", reason.as_str()),
        None => who,
    };
    let bar = Bar::default();
    let imported = import::run(&house.ctx, file, &by, &bar).await;
    bar.clear();
    let imported = imported?;
    output::either(args.json, &imported, || text(&imported));
    Ok(Answer::Yes)
}

fn read(path: &std::path::Path) -> Result<serde_json::Value> {
    let refused = |why: String| Fault::new(Code::Usage, format!("{}: {why}", path.display()));
    let size = std::fs::metadata(path).map_err(|error| refused(error.to_string()))?;
    if size.len() > LARGEST {
        return Err(refused(format!("larger than {LARGEST} bytes")));
    }
    let bytes = std::fs::read(path).map_err(|error| refused(error.to_string()))?;
    serde_json::from_slice(&bytes).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        refused(format!("not a JSON document ({place})"))
    })
}

fn text(imported: &Imported) -> String {
    let line = |what: &str, tally: Tally| {
        format!(
            "{what:<14} {} created, {} replaced, {} unchanged",
            tally.created, tally.replaced, tally.unchanged
        )
    };
    [
        line("organizations", imported.organizations),
        line("processes", imported.processes),
        line("subscriptions", imported.subscriptions),
    ]
    .join("\n")
}

/// A progress bar on stderr; nothing where that is no terminal.
#[derive(Default)]
struct Bar(Mutex<Option<ProgressBar>>);

impl Bar {
    fn clear(&self) {
        // A bar is sound whatever happened to the thread that drew it.
        let bar = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(bar) = bar {
            bar.finish_and_clear();
        }
    }
}

impl Progress for Bar {
    fn begin(&self, what: &'static str, total: usize) {
        self.clear();
        let style = ProgressStyle::with_template("{msg:<14} {wide_bar} {pos}/{len} {eta}");
        let bar = ProgressBar::new(total as u64).with_message(what);
        let bar = style.map_or(bar.clone(), |style| bar.with_style(style));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar);
    }

    fn advance(&self, count: usize) {
        let bar = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bar) = bar.as_ref() {
            bar.inc(count as u64);
        }
    }
}
