//! A whole referential from one file: `organizations`, `processes` and `subscriptions`, each an array in the contracts' own
//! JSON. What is there already is replaced, what is the same is left alone, nothing is removed; so a file may be imported
//! again, and again after a stop half-way. So a subscription that a file calls inactive until a day, and that has become active on it
//! since, stays active: to make it inactive by a file, its date is changed too.
//!
//! [`run`] reads all of the file and asks the database before it writes anything ([`check`]): every fault is told at once, with
//! its place, and then nothing is imported. Then organisations, processes and subscriptions are written in this order
//! ([`write`]), some hundreds in a transaction with their journal entries, so that others write in between. A file may hold
//! subscriptions to a process that is not activated: it says how things are, and asks for nothing new. What the database has against
//! a process is asked again as it is written, and stops the import there.

mod check;
mod write;

use serde::Serialize;
use serde_json::Value as Json;

use super::{
    Document, Faults, organization,
    process::{self, Process},
    subscription_body::{self, Body},
};
use crate::{
    domain::Context,
    kernel::fault::{Code, Fault, Result},
    storage::hubee::organizations::OrganizationRow,
};

/// How many faults are told.
const TOLD: usize = 100;

/// What became of the objects of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tally {
    /// They are new.
    pub created: usize,
    /// They were there and differed.
    pub replaced: usize,
    /// They were there, the same.
    pub unchanged: usize,
}

/// What an import did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Imported {
    /// Organisations.
    pub organizations: Tally,
    /// Processes.
    pub processes: Tally,
    /// Subscriptions.
    pub subscriptions: Tally,
}

/// What a file says.
struct Referential {
    organizations: Vec<OrganizationRow>,
    processes: Vec<Process>,
    subscriptions: Vec<Body>,
}

/// Told how far an import is.
pub trait Progress: Sync {
    /// What comes now, and how many.
    fn begin(&self, what: &'static str, total: usize);
    /// So many more are written, or found to be the same.
    fn advance(&self, count: usize);
}

/// Imports a file; `by` is who does, for the journal. Fails with `usage` where the file has a fault: nothing is imported then.
pub async fn run(ctx: &Context, file: Json, by: &str, progress: &dyn Progress) -> Result<Imported> {
    let document = Document::new(file, Vec::new());
    let (referential, faults) = read(ctx, document);
    refuse(faults)?;
    refuse(check::against_database(ctx, &referential).await?)?;
    let Referential {
        organizations,
        processes,
        subscriptions,
    } = referential;
    let importer = write::Importer { ctx, by, progress };
    Ok(Imported {
        organizations: importer.organizations(organizations).await?,
        processes: importer.processes(processes).await?,
        subscriptions: importer.subscriptions(subscriptions).await?,
    })
}

fn read(ctx: &Context, document: Document) -> (Referential, Faults) {
    let referential = {
        let fields = document.object();
        // An operator's file holds tens of thousands; its own length is the limit.
        let objects = |name| fields.objects(name, usize::MAX).unwrap_or_default();
        let organizations = objects("organizations");
        let processes = objects("processes");
        let subscriptions = objects("subscriptions");
        Referential {
            organizations: organizations
                .iter()
                .filter_map(|fields| organization::read(ctx, fields, None))
                .collect(),
            processes: processes
                .iter()
                .filter_map(|fields| process::read(ctx, fields, None))
                .collect(),
            subscriptions: subscriptions.iter().map(subscription_body::read).collect(),
        }
    };
    let mut faults = document.faults();
    faults.extend(check::twice(&referential));
    (referential, faults)
}

fn refuse(faults: impl Into<Faults>) -> Result<()> {
    let faults = faults.into();
    if faults.is_empty() {
        return Ok(());
    }
    let told = faults.told(TOLD).join("\n  ");
    let detail = format!("nothing was imported:\n  {told}");
    Err(Fault::new(Code::Usage, detail))
}
