//! `navette hubee import FILE`: a whole referential of the hub from one file.

use std::path::PathBuf;

use clap::Args;

use crate::{
    app::House,
    cli::{
        Answer, Settings,
        operator::{self, Reason},
        output,
    },
    domain::hubee::import::{self, Imported, Tally},
    kernel::fault::{Code, Fault, Result},
};

/// The largest file, in bytes.
const LARGEST: u64 = 256 * 1024 * 1024;

/// Imports organisations, processes and subscriptions from one file, in the contracts' own JSON.
///
/// What is there already is replaced, what is the same is left alone, nothing is removed. A file with a fault is refused
/// whole, every fault told.
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
    let imported = import::run(&house.ctx, file, &by).await?;
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
