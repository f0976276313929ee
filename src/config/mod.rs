//! The settings: `navette.toml`, `projects/*.toml` and `depots/*.toml` beside it, and `NAVETTE_…` in the environment, read
//! once at the start.
//!
//! Every error of a load is reported together, each with its file and key ([`load`]); a key that nobody reads is an error
//! too, for a typing mistake must not silently become a default. Secrets are named by `*_file` keys and never stand in a
//! settings file. `NAVETTE_DATABASE__URL` overrides `database.url`: dots become two underscores.
//!
//! To add a setting: one line where its section is read (`gateway.rs`, `hubee.rs`, `project.rs`, `depots/`), one in the example in `deploy/`.

mod alerts;
mod antivirus;
pub mod depots;
mod forward;
mod gateway;
mod hubee;
mod project;
mod reader;
mod returns;
mod tls;

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
    sync::Arc,
};

pub use alerts::{Alerts, CONTACTS, Smtp, Tool};
pub use antivirus::{Antivirus, ClamdAddress};
pub use depots::{Depot, Depots, Flow};
pub use forward::Forward;
pub use gateway::{Database, Gateway, Limits, Listen, Purge, Receipts, Sandbox, Tokens, Worker};
pub use hubee::{Hubee, LARGEST_ATTACHMENT};
pub use project::{Acceptance, Callback, Project, Projects, is_name};
use reader::Reader;
pub use returns::{Channel, Outlet, Returns, Tries};
pub use tls::TlsFiles;

use crate::kernel::fault::{Code, Fault, FieldFault, Result};

/// Everything that a process of the gateway is told before it starts.
#[derive(Clone, Debug)]
pub struct Config {
    /// The settings file.
    pub file: PathBuf,
    /// The gateway's own settings.
    pub gateway: Gateway,
    /// The projects (market lots), by name.
    pub projects: Projects,
    /// The depots where archives are exchanged, by name.
    pub depots: Depots,
}

impl Config {
    /// Who is told of the incidents of `project`, or of those of the gateway itself.
    pub fn alerts(&self, project: Option<&str>) -> Alerts {
        let own = project.and_then(|name| self.projects.get(name));
        let general = &self.gateway.alerts;
        own.map_or_else(|| general.clone(), |own| own.alerts.or(general))
    }
}

/// What is said of settings with several faults.
pub const UNFIT: &str = "the settings do not load";

/// Environment variables as pairs, so that a test need not change the process's own. Their values are the system's bytes:
/// one that is no text is a fault of its setting, told with the others.
pub type Environment = BTreeMap<String, OsString>;

/// The variables of this process that start with `NAVETTE_`; what the others hold is none of ours.
pub fn environment() -> Environment {
    std::env::vars_os()
        .map(|(name, value)| (name.to_string_lossy().into_owned(), value))
        .filter(|(name, _)| name.starts_with("NAVETTE_"))
        .collect()
}

/// Reads `file`, the folders `projects` and `depots` beside it, and `environment`.
///
/// Fails with code `configuration`; `errors` holds every fault found, pointer `file:key`.
pub fn load(file: &Path, environment: &Environment) -> Result<Config> {
    let (config, faults) = read(file, environment);
    Fault::gathered(Code::Configuration, UNFIT, faults).map_or(Ok(config), Err)
}

/// The same with stand-ins for what is missing or wrong, and every fault found: for who looks further, at what the settings name.
pub fn read(file: &Path, environment: &Environment) -> (Config, Vec<FieldFault>) {
    let mut reader = Reader::open(file);
    reader.override_by(environment);
    let gateway = Gateway::read(&mut reader);
    let mut faults = reader.finish();
    let projects = projects(&folder_of(file).join("projects"), &gateway, &mut faults);
    let (depots, more) = depots::read_all(&folder_of(file).join("depots"), &projects);
    faults.extend(more);
    for project in projects.values() {
        if let Some((key, detail)) = project.returns.wrong(&project.name, &depots) {
            faults.push(reader::fault(&project.file, key, detail));
        }
    }
    let config = Config {
        file: file.to_owned(),
        gateway,
        projects: Arc::new(projects),
        depots: Arc::new(depots),
    };
    (config, faults)
}

fn projects(
    folder: &Path,
    gateway: &Gateway,
    faults: &mut Vec<FieldFault>,
) -> BTreeMap<String, Arc<Project>> {
    let mut projects: BTreeMap<String, Arc<Project>> = BTreeMap::new();
    for path in settings_files(folder) {
        let mut reader = Reader::open(&path);
        let project = Project::read(&mut reader);
        if !project.alerts.contacts.is_empty() && gateway.smtp.is_none() {
            reader.wrong("incidents.contacts", "no [smtp] in the gateway's settings");
        }
        if project.forward.is_some() && gateway.hubee.is_none() {
            reader.wrong("forward.hubee", "no [hubee] in the gateway's settings");
        }
        if project.antivirus && gateway.antivirus.is_none() {
            reader.wrong("antivirus", "no [antivirus] in the gateway's settings");
        }
        if let Some(other) = projects.get(&project.name) {
            reader.is_taken("project", &project.name, &other.file);
        }
        faults.extend(reader.finish());
        projects.insert(project.name.clone(), Arc::new(project));
    }
    if projects.is_empty() {
        faults.push(reader::fault(folder, "*.toml", "no project file found"));
    }
    projects
}

fn folder_of(file: &Path) -> PathBuf {
    file.parent().map_or_else(PathBuf::new, Path::to_path_buf)
}

/// The `*.toml` of a folder in the order of their names; a folder that cannot be read has none.
fn settings_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .collect();
    files.sort();
    files
}

#[cfg(test)]
mod tests;
