//! What speaks against a file: something that stands in it twice, that names what is neither in it nor in the database, or that
//! gives a process with folders to another owner.

use std::collections::{BTreeSet, HashSet};

use super::Referential;
use crate::{
    domain::{Context, hubee::process},
    kernel::fault::Result,
    storage::hubee::{organizations, processes},
};

/// What stands in a file more than once.
pub(super) fn twice(referential: &Referential) -> Vec<String> {
    let mut seen = HashSet::new();
    let organizations = referential.organizations.iter().map(|row| &row.id);
    let processes = referential.processes.iter().map(|process| &process.code);
    let subscriptions = referential.subscriptions.iter().filter_map(|body| {
        let subscriber = body.subscriber.as_ref()?;
        Some(format!("{subscriber} to {}", body.process_code))
    });
    let organizations = organizations.map(|id| format!("Organization {id}"));
    let processes = processes.map(|code| format!("Process {code}"));
    let subscriptions = subscriptions.map(|what| format!("Subscription of {what}"));
    organizations
        .chain(processes)
        .chain(subscriptions)
        .filter(|what| !seen.insert(what.clone()))
        .map(|what| format!("{what} stands in the file more than once"))
        .collect()
}

/// What a file names that is nowhere, and owners that cannot change.
pub(super) async fn against_database(
    ctx: &Context,
    referential: &Referential,
) -> Result<Vec<String>> {
    let organizations: BTreeSet<String> = named(referential);
    let owners: Vec<(String, String)> = owners(referential);
    let codes: HashSet<&str> = codes(referential);
    let unknown: BTreeSet<String> = referential
        .subscriptions
        .iter()
        .map(|body| &body.process_code)
        .filter(|code| !codes.contains(code.as_str()))
        .cloned()
        .collect();
    let found = ctx.store.read(move |tx| {
        let mut faults = Vec::new();
        for id in &organizations {
            if !organizations::exists(tx, id)? {
                faults.push(format!("Organization {id} does not exist"));
            }
        }
        for (code, osl) in &owners {
            faults.extend(process::bound(tx, code, osl)?);
        }
        for code in &unknown {
            if processes::find(tx, code)?.is_none() {
                faults.push(format!("Process {code} does not exist"));
            }
        }
        Ok(faults)
    });
    found.await
}

/// The organisations that a file names without holding them.
fn named(referential: &Referential) -> BTreeSet<String> {
    let held: HashSet<&str> = referential
        .organizations
        .iter()
        .map(|row| row.id.as_str())
        .collect();
    let owners = referential.processes.iter().map(|process| &process.osl);
    let subscribers = referential
        .subscriptions
        .iter()
        .filter_map(|body| body.subscriber.as_ref());
    owners
        .chain(subscribers)
        .map(ToString::to_string)
        .filter(|id| !held.contains(id.as_str()))
        .collect()
}

/// The processes that a file holds, each with its owner.
fn owners(referential: &Referential) -> Vec<(String, String)> {
    let processes = referential.processes.iter();
    let owners = processes.map(|process| (process.code.clone(), process.osl.to_string()));
    owners.collect()
}

fn codes(referential: &Referential) -> HashSet<&str> {
    let codes = referential.processes.iter();
    codes.map(|process| process.code.as_str()).collect()
}
