//! Whether the settings can be served by: not only read, but everything that they name opened as [`super::serve`] and
//! [`super::work`] would open it. Nothing is made, migrated or changed for it.
//!
//! Every fault is told in one report, each with its file and key: those of the settings themselves, and those of certificates,
//! keys, authorities and secrets. To have another thing looked at: one line in [`look`], which keeps its fault at its key.

use std::path::Path;

use super::credentials;
use crate::{
    config::{self, Config, Database, Environment, Gateway, UNFIT},
    domain::{ged::Keyring, incidents::Herald, returns::Couriers},
    http::tls::Tls,
    kernel::{
        clock::Clock,
        fault::{Fault, Result},
        gathering::Gathering,
    },
    storage::Store,
    transport,
};

/// Settings without a fault.
pub struct Sound {
    /// The settings.
    pub config: Config,
    /// What their operator is to be warned of.
    pub warnings: Vec<String>,
}

/// Reads the settings and looks at all that they name on this machine. Fails with `configuration` and every fault.
pub fn load(file: &Path, environment: &Environment) -> Result<Config> {
    let (config, found) = config::read(file, environment);
    let mut faults = Gathering::after(found);
    look(&config, &mut faults);
    faults.finish(UNFIT, Some(config))
}

/// The same for whoever has just written them: hosts of callbacks are resolved, too, and depots looked at as far as that can be
/// told without connecting.
pub async fn examine(file: &Path, environment: &Environment) -> Result<Sound> {
    let (config, found) = config::read(file, environment);
    let mut faults = Gathering::after(found);
    let (couriers, warnings) = look(&config, &mut faults);
    names(&config, &couriers, &mut faults).await;
    depots(&config, &mut faults);
    faults.finish(UNFIT, Some(Sound { config, warnings }))
}

fn look(config: &Config, faults: &mut Gathering) -> (Couriers, Vec<String>) {
    let clock = Clock::system();
    let mut own = Gathering::default();
    let warning = own.keep("", credentials::valid_signer(&config.gateway, &clock));
    files(&config.gateway, &mut own);
    faults.keep(&at(&config.file), own.finish(UNFIT, Some(())));
    faults.keep("", Herald::new(config, &clock));
    let couriers = Couriers::gather(&config.projects, &clock, faults);
    (couriers, warning.flatten().into_iter().collect())
}

/// What `navette.toml` names, the signer of receipts apart.
fn files(gateway: &Gateway, own: &mut Gathering) {
    own.keep("listen.", Tls::load(credentials::of_listener(gateway)));
    if let Some(hub) = &gateway.hubee {
        own.keep("hubee.", Tls::load(credentials::of_hub(hub)));
    }
    own.keep(
        "keys.master_key_file",
        Keyring::check(&gateway.master_key_file),
    );
    own.keep("", credentials::token_keys(gateway));
    if let Database::Postgres { url, .. } = &gateway.database {
        own.keep("database.url", Store::check_postgres(url));
    }
}

async fn names(config: &Config, couriers: &Couriers, faults: &mut Gathering) {
    for (name, fault) in couriers.check_names().await {
        let project = config.projects.get(name);
        let file = project.map_or(&config.file, |project| &project.file);
        faults.keep::<()>(&(at(file) + "callback.url"), Err(fault));
    }
}

/// Every depot whose settings cannot work, whatever its server does.
fn depots(config: &Config, faults: &mut Gathering) {
    for depot in config.depots.values() {
        if let Err((key, fault)) = transport::check::settings(depot) {
            let told = Fault::new(
                fault.code(),
                format!("{}: {}", depot.name, fault.explained()),
            );
            faults.keep::<()>(&(at(&depot.file) + key), Err(told));
        }
    }
}

/// The place of a file's keys.
fn at(file: &Path) -> String {
    format!("{}:", file.display())
}
