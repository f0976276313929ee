//! What lies where a depot's flows take files, as its operator sees it: each file under its name, with the keyed hash that receipts
//! and incidents have in its stead.

use jiff::Timestamp;
use serde::Serialize;

use super::Lines;
use crate::{
    config::{
        Depot,
        depots::{Direction, Flow},
    },
    domain::{Context, ged::ProjectKeys},
    kernel::{
        clock::instant,
        digest::hex,
        fault::{Code, Fault, Result},
    },
    transport::Listed,
};

/// A file of a depot.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Lying {
    /// The flow in whose folder it lies.
    pub flow: String,
    /// Its name.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// When it was last written.
    pub modified: Timestamp,
    /// The keyed hash of its name; none where the project has no keys yet, and nothing was told of it.
    pub file_name_hash: Option<String>,
    /// Whether a flow takes files of its name, or of that beside which it lies.
    pub known: bool,
}

/// The files of a depot's incoming flows and acknowledgments. Fails with `not-found`, or as the transport does.
pub async fn list(ctx: &Context, depot: &str) -> Result<Vec<Lying>> {
    let missing = || Fault::new(Code::NotFound, format!("no depot {depot} in the settings"));
    let depot = ctx.config.depots.get(depot).ok_or_else(missing)?;
    let lines = Lines::new(&ctx.config.depots, &ctx.clock);
    let mut found = Vec::new();
    for flow in depot
        .flows
        .iter()
        .filter(|flow| !matches!(flow.direction, Direction::Out(_)))
    {
        let folder = flow.path.clone();
        let listed = lines.with(&depot.name, move |line| {
            line.with(|session| session.list(&folder))
        });
        let keys = ctx.keyring.held(&flow.project).await?;
        let listed = listed.await?.into_iter();
        found.extend(listed.map(|file| lying(depot, flow, keys.as_deref(), file)));
    }
    Ok(found)
}

fn lying(depot: &Depot, flow: &Flow, keys: Option<&ProjectKeys>, file: Listed) -> Lying {
    Lying {
        flow: flow.name.clone(),
        file_name_hash: keys.map(|keys| hex(&keys.hash(&file.name))),
        known: depot.knows(&flow.path, &file.name),
        name: file.name,
        size: file.size,
        modified: instant(file.modified),
    }
}
