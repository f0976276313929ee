//! `navette depot check`: does each depot work as its settings say?

use std::{collections::BTreeMap, sync::Arc};

use clap::Args;
use serde_json::{Value, json};

use crate::{
    cli::{Answer, Settings, output},
    config::{Depot, depots},
    kernel::{
        clock::Clock,
        entropy::Entropy,
        fault::{Fault, Result},
    },
    transport::check::{self, Folder, Report},
};

/// Connects to depots, compares their keys or certificates, and tries every folder of their flows. Ends with 1 where one fails.
///
/// In each folder it counts the files, and leaves, renames and removes a hidden one. It tells the algorithms agreed on. Works
/// while the gateway runs and when it is stopped.
///
/// Example: navette depot check asp-depot
#[derive(Args)]
pub struct CheckArgs {
    /// Which depots; all of them where none is named.
    #[arg(value_name = "DEPOT")]
    names: Vec<String>,
    /// Answer with JSON.
    #[arg(long)]
    json: bool,
}

/// A depot and what was found of it.
type Checked = (Arc<Depot>, Report);

pub(super) async fn run(settings: &Settings, args: CheckArgs) -> Result<Answer> {
    let mut running = Vec::new();
    for depot in chosen(settings, &args.names)? {
        // Side by side, so that a dead one is waited for once.
        running.push(tokio::task::spawn_blocking(move || look(depot)));
    }
    let mut checked = Vec::new();
    for task in running {
        checked.push(task.await.map_err(Fault::internal)??);
    }
    let shown: Vec<_> = checked.iter().map(shown).collect();
    output::either(args.json, &shown, || text(&checked));
    match checked.iter().all(|(_, report)| report.is_sound()) {
        true => Ok(Answer::Yes),
        false => Ok(Answer::No),
    }
}

fn chosen(settings: &Settings, names: &[String]) -> Result<Vec<Arc<Depot>>> {
    if names.is_empty() {
        return Ok(settings.load()?.depots.values().cloned().collect());
    }
    let named = names
        .iter()
        .map(|name| depots::depot(settings.file(), name));
    named.collect()
}

fn look(depot: Arc<Depot>) -> Result<Checked> {
    let report = check::check(&depot, &Clock::system(), &Entropy::system())?;
    Ok((depot, report))
}

fn shown((depot, report): &Checked) -> Value {
    let agreed: BTreeMap<_, _> = report.agreed.iter().cloned().collect();
    let folders: Vec<_> = report.folders.iter().map(folder_shown).collect();
    json!({
        "depot": depot.name, "partner": depot.partner, "transport": depot.transport.name(),
        "sound": report.is_sound(), "fault": report.unreachable.as_ref().map(fault_shown),
        "agreed": agreed, "folders": folders,
    })
}

fn folder_shown(folder: &Folder) -> Value {
    let faults = [folder.files.as_ref().err(), folder.written.as_ref().err()];
    let faults: Vec<_> = faults.into_iter().flatten().map(fault_shown).collect();
    json!({
        "flow": folder.flow, "key": folder.key, "path": folder.path,
        "files": folder.files.as_ref().ok(), "writable": folder.written.is_ok(), "faults": faults,
    })
}

fn fault_shown(fault: &Fault) -> Value {
    json!({ "code": fault.code().as_str(), "detail": fault.detail(), "cause": fault.cause() })
}

fn text(checked: &[Checked]) -> String {
    let depots: Vec<_> = checked.iter().map(depot_text).collect();
    match depots.is_empty() {
        true => "no depot in the settings".to_owned(),
        false => depots.join("\n\n"),
    }
}

fn depot_text((depot, report): &Checked) -> String {
    let verdict = match report.is_sound() {
        true => "works",
        false => "DOES NOT WORK",
    };
    let mut lines = vec![format!(
        "{} ({}) {verdict}",
        depot.name,
        depot.transport.name()
    )];
    lines.extend(report.unreachable.iter().map(|fault| format!("  {fault}")));
    let agreed = report.agreed.iter().filter(|(_, value)| !value.is_empty());
    lines.extend(agreed.map(|(name, value)| format!("  {name:<20} {value}")));
    lines.extend(report.folders.iter().flat_map(folder_text));
    lines.join("\n")
}

fn folder_text(folder: &Folder) -> Vec<String> {
    let place = format!(
        "  {:<14} {:<9} {:<20}",
        folder.flow, folder.key, folder.path
    );
    let mut lines = match (&folder.files, &folder.written) {
        (Ok(1), Ok(())) => vec![format!("{place} 1 file, writable")],
        (Ok(files), Ok(())) => vec![format!("{place} {files} files, writable")],
        (Ok(files), Err(_)) => vec![format!("{place} {files} files, NOT WRITABLE")],
        (Err(_), _) => vec![format!("{place} NOT READABLE")],
    };
    let faults = [folder.files.as_ref().err(), folder.written.as_ref().err()];
    lines.extend(
        faults
            .into_iter()
            .flatten()
            .map(|fault| format!("      {fault}")),
    );
    lines
}
