//! Is a depot as its settings say? Connects, lists each folder of its flows, and leaves, renames and removes a file in it.

use std::collections::BTreeMap;

use super::{Session, connect, ftps, path, sftp};
use crate::{
    config::{
        Depot, Flow,
        depots::{Direction, Then, Transport},
    },
    kernel::{
        clock::Clock,
        digest::hex,
        entropy::Entropy,
        fault::{Fault, Result},
    },
};

/// What was found of one depot.
#[derive(Debug)]
pub struct Report {
    /// Why there is no connection, where there is none.
    pub unreachable: Option<Fault>,
    /// What the two ends agreed on.
    pub agreed: Vec<(String, String)>,
    /// Each folder of its flows, in their order.
    pub folders: Vec<Folder>,
}

/// What was found of one folder.
#[derive(Clone, Debug)]
pub struct Folder {
    /// The first flow that uses it.
    pub flow: String,
    /// The key of the flow that names it.
    pub key: &'static str,
    /// Where it is.
    pub path: String,
    /// How many files lie there, or why that cannot be told.
    pub files: Result<usize>,
    /// Whether a file could be left there, renamed and removed.
    pub written: Result<()>,
}

impl Report {
    /// Whether all of it works.
    pub fn is_sound(&self) -> bool {
        let works = |folder: &Folder| folder.files.is_ok() && folder.written.is_ok();
        self.unreachable.is_none() && self.folders.iter().all(works)
    }
}

/// What is wrong with a depot's settings and the files that they name, as far as that can be told without connecting.
///
/// Fails with the key of the settings, and with `configuration`, or with `host-key-refused` where no key of the server is known.
pub fn settings(depot: &Depot) -> Result<(), (&'static str, Fault)> {
    match &depot.transport {
        Transport::Sftp(settings) => {
            sftp::knows_its_server(settings).map_err(|fault| ("sftp.known_hosts", fault))
        }
        Transport::Ftps(settings) => ftps::trusts_its_server(settings),
        Transport::Folder(_) | Transport::Cft(_) => Ok(()),
    }
}

/// Looks at a depot. What it leaves there, should the connection be cut meanwhile, is a hidden file of a few bytes.
///
/// Fails only where the system has no randomness to give.
pub fn check(depot: &Depot, clock: &Clock, entropy: &Entropy) -> Result<Report> {
    let name = format!(".navette-{}", hex(&entropy.bytes::<8>()?));
    let mut report = Report {
        unreachable: None,
        agreed: Vec::new(),
        folders: Vec::new(),
    };
    match connect(depot, clock) {
        Ok(mut session) => {
            report.agreed = session.agreed();
            for (path, (flow, key)) in folders(&depot.flows) {
                let folder = look(session.as_mut(), flow, key, path, &name);
                report.folders.push(folder);
            }
        }
        Err(fault) => report.unreachable = Some(fault),
    }
    Ok(report)
}

/// Each folder once, with the flow and the key that name it first.
fn folders(flows: &[Flow]) -> BTreeMap<&str, (&str, &'static str)> {
    let mut found = BTreeMap::new();
    for flow in flows {
        for (key, path) in named(flow) {
            found.entry(path).or_insert((flow.name.as_str(), key));
        }
    }
    found
}

fn named(flow: &Flow) -> Vec<(&'static str, &str)> {
    let mut named = vec![("path", flow.path.as_str())];
    let then = match &flow.direction {
        Direction::In(incoming) => {
            named.push(("receipts", &incoming.receipts));
            named.extend(
                incoming
                    .rejected
                    .iter()
                    .map(|path| ("rejected", path.as_str())),
            );
            &incoming.then
        }
        Direction::Out(_) => return named,
        Direction::Acknowledgments(acknowledgments) => &acknowledgments.then,
    };
    if let Then::Move(path) = then {
        named.push(("moved", path));
    }
    named
}

fn look(
    session: &mut dyn Session,
    flow: &str,
    key: &'static str,
    path: &str,
    name: &str,
) -> Folder {
    Folder {
        flow: flow.to_owned(),
        key,
        path: path.to_owned(),
        files: session.list(path).map(|files| files.len()),
        written: session.probe(path, name),
    }
}

/// Leaves a file, renames and removes it: what a delivery needs.
pub(super) fn probe(session: &mut (impl Session + ?Sized), folder: &str, name: &str) -> Result<()> {
    let temporary = path::join(folder, &format!("{name}.part"))?;
    let target = path::join(folder, name)?;
    session.write(&temporary, 0, &mut &b"navette depot check\n"[..])?;
    let renamed = session.rename(&temporary, &target);
    let left = match renamed {
        Ok(()) => &target,
        Err(_) => &temporary,
    };
    let removed = session.remove(left);
    renamed.and(removed)
}
