//! `depots/*.toml`: one file per depot, a place where archives are exchanged with a partner, and the flows of it.
//!
//! | file | gives |
//! |---|---|
//! | `flow` | what is taken, sent and awaited there: directions, paths, patterns, completeness |
//! | `overlap` | that no flow takes what is another's, or ours |
//! | `sftp`, `ftps`, `cft` | the settings of one transport each; `folder` has only a path |
//!
//! Paths of flows are those of the depot: they start at its root (the folder, or where the partner's server puts us after
//! the login), with `/` between their parts and no `..` among them. To add a transport: a file with its settings, a variant
//! of [`Transport`], and an example in `deploy/depots/`, which a test compares with what is read here.

pub mod cft;
mod flow;
mod ftps;
mod overlap;
mod section;
mod sftp;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

pub use cft::{Cft, CftLogin, CftSend};
pub use flow::{
    Acknowledgments, CodePage, Complete, Direction, Flow, Format, Incoming, MANIFESTS, Outgoing,
    RECEIPTS, Then,
};
pub use ftps::{Ftps, FtpsMode, TlsVersion};
pub use sftp::{HostKeys, Sftp, SftpLogin};

use super::{is_name, reader::Reader};
use crate::kernel::fault::{Code, Fault, FieldFault, Result};

/// The depots by name, shared by all who read them.
pub type Depots = Arc<BTreeMap<String, Arc<Depot>>>;

/// The longest silence that is borne: with the tries after a cut, a black hole is left within 60 s.
const LONGEST_SILENCE: u64 = 40;

/// One depot.
#[derive(Clone, Debug)]
pub struct Depot {
    /// The file of its settings.
    pub file: PathBuf,
    /// Its name, in journal, logs and commands: lower-case letters, digits and hyphens, 64 characters at most.
    pub name: String,
    /// The partner that it is shared with, as incidents name him; the depot's own name where the settings name none.
    pub partner: String,
    /// How it is reached.
    pub transport: Transport,
    /// How long between two looks at it. A folder is looked at when something changes in it, too.
    pub poll: Duration,
    /// How many connections are open to it at once, at most.
    pub connections: usize,
    /// After how many failures in a row an incident is reported and the looks become rarer.
    pub failures_before_incident: u32,
    /// The longest silence of its server before a connection is given up.
    pub timeout: Duration,
    /// What goes through it.
    pub flows: Vec<Flow>,
}

/// How a depot is reached.
#[derive(Clone, Debug)]
pub enum Transport {
    /// A local or mounted directory.
    Folder(Folder),
    /// An SSH server.
    Sftp(Box<Sftp>),
    /// An FTP server over TLS.
    Ftps(Box<Ftps>),
    /// Axway's monitor, on this machine.
    Cft(Box<Cft>),
}

/// A directory.
#[derive(Clone, Debug)]
pub struct Folder {
    /// Where it is, on this machine.
    pub path: PathBuf,
}

impl Transport {
    /// Its word in the settings.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Folder(_) => "folder",
            Self::Sftp(_) => "sftp",
            Self::Ftps(_) => "ftps",
            Self::Cft(_) => "cft",
        }
    }
}

impl Depot {
    /// The flow of that name.
    pub fn flow(&self, name: &str) -> Option<&Flow> {
        self.flows.iter().find(|flow| flow.name == name)
    }

    /// Whether a file of this name in this folder is for one of its flows.
    pub fn knows(&self, folder: &str, name: &str) -> bool {
        let mut there = self.flows.iter().filter(|flow| flow.path == folder);
        there.any(|flow| flow.knows(name))
    }

    pub(super) fn read(reader: &mut Reader) -> Self {
        let name = reader.text("depot");
        if !name.is_empty() && !is_name(&name) {
            reader.wrong("depot", "expected 1 to 64 of a-z, 0-9 and -");
        }
        let transport = Transport::read(reader);
        let cft = matches!(transport, Transport::Cft(_));
        Self {
            file: reader.source(),
            partner: reader
                .optional_text("partner")
                .unwrap_or_else(|| name.clone()),
            name,
            transport,
            poll: poll(reader),
            connections: reader.number("connections", 2, 1, 64) as usize,
            failures_before_incident: reader.number("failures_before_incident", 3, 1, 1000) as u32,
            timeout: reader.seconds("timeout_seconds", 30, LONGEST_SILENCE),
            flows: section::read_all(reader, cft),
        }
    }
}

/// `poll_millis` where it is there, else `poll_seconds`.
fn poll(reader: &mut Reader) -> Duration {
    let seconds = reader.seconds("poll_seconds", 10, 86_400);
    match reader.number("poll_millis", 0, 10, 86_400_000) {
        0 => seconds,
        millis => Duration::from_millis(millis),
    }
}

impl Transport {
    fn read(reader: &mut Reader) -> Self {
        let word = reader.text("transport");
        match word.as_str() {
            "sftp" => Self::Sftp(Box::new(Sftp::read(reader))),
            "ftps" => Self::Ftps(Box::new(Ftps::read(reader))),
            "cft" => Self::Cft(Box::new(Cft::read(reader))),
            "folder" => Self::Folder(Folder {
                path: reader.place("folder.path"),
            }),
            other => {
                if !other.is_empty() {
                    let detail = "expected \"folder\", \"sftp\", \"ftps\" or \"cft\"";
                    reader.wrong("transport", detail);
                }
                Self::Folder(Folder {
                    path: PathBuf::new(),
                })
            }
        }
    }
}

/// The depots of a folder and every fault found in their files; a folder that is not there has none.
pub(super) fn read_all(
    folder: &Path,
    projects: &BTreeMap<String, Arc<super::Project>>,
) -> (BTreeMap<String, Arc<Depot>>, Vec<FieldFault>) {
    let (mut depots, mut faults) = (BTreeMap::<String, Arc<Depot>>::new(), Vec::new());
    for path in super::settings_files(folder) {
        let mut reader = Reader::open(&path);
        let depot = Depot::read(&mut reader);
        for (at, flow) in depot.flows.iter().enumerate() {
            if !flow.project.is_empty() && !projects.contains_key(&flow.project) {
                reader.wrong(&format!("flow[{at}].project"), "no such project");
            }
        }
        if let Some(other) = depots.get(&depot.name) {
            reader.is_taken("depot", &depot.name, &other.file);
        }
        faults.extend(reader.finish());
        depots.insert(depot.name.clone(), Arc::new(depot));
    }
    (depots, faults)
}

/// The depots of one transport, of the folder `depots` beside the settings file `file`, by name; those of other transports are
/// not looked at, and neither are the projects.
///
/// Fails with `configuration` and every fault of their files.
pub fn of_transport(file: &Path, transport: &str) -> Result<Vec<Arc<Depot>>> {
    let (mut depots, mut faults) = (Vec::new(), Vec::new());
    for path in super::settings_files(&super::folder_of(file).join("depots")) {
        let mut reader = Reader::open(&path);
        let depot = Depot::read(&mut reader);
        if depot.transport.name() == transport {
            faults.extend(reader.finish());
            depots.push(Arc::new(depot));
        }
    }
    let summary = "the depots' settings do not load";
    Fault::gathered(Code::Configuration, summary, faults).map_or(Ok(depots), Err)
}

/// One depot of the folder `depots` beside the settings file `file`, which itself need not be there: who only sends
/// archives has no gateway. The projects of its flows are not looked at.
///
/// Fails with `not-found`, or with `configuration` and every fault of the depot's file.
pub fn depot(file: &Path, name: &str) -> Result<Arc<Depot>> {
    let folder = super::folder_of(file).join("depots");
    let mut names = BTreeSet::new();
    for path in super::settings_files(&folder) {
        let mut reader = Reader::open(&path);
        let depot = Depot::read(&mut reader);
        if depot.name == name {
            let summary = "the depot's settings do not load";
            let fault = Fault::gathered(Code::Configuration, summary, reader.finish());
            return fault.map_or_else(|| Ok(Arc::new(depot)), Err);
        }
        names.insert(depot.name);
    }
    let known: Vec<_> = names.into_iter().collect();
    let detail = format!(
        "no depot {name} in {}; there: {}",
        folder.display(),
        known.join(", ")
    );
    Err(Fault::new(Code::NotFound, detail))
}
