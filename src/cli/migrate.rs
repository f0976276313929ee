//! `navette check-config` and `navette migrate`.

use clap::Args;
use serde_json::json;

use super::{Answer, Settings, output};
use crate::{
    app,
    config::Depots,
    domain::returns::Couriers,
    kernel::{
        clock::Clock,
        fault::{Code, Fault, Result},
    },
    storage::{Access, migrate},
    transport,
};

/// Loads the settings and tells every fault in them, with file and key. Hosts of callbacks are resolved too: one that leads
/// inside the network, and that its project does not allow, is a fault; so is an SSH server whose key its `known_hosts` cannot
/// tell.
///
/// Example: navette --config /etc/navette/navette.toml check-config
#[derive(Args)]
pub struct CheckArgs {
    /// Answer with JSON.
    #[arg(long)]
    json: bool,
}

/// Brings the database to this program's schema, under a lock. `serve` and `worker` do it too when they start.
///
/// Example: navette migrate
#[derive(Args)]
pub struct MigrateArgs {
    /// Answer with JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn check(settings: &Settings, args: &CheckArgs) -> Result<Answer> {
    let config = settings.load()?;
    app::tokens(&config.gateway)?;
    let warning = app::valid_signer(&config.gateway, &Clock::system())?;
    let couriers = Couriers::new(&config.projects, &Clock::system())?;
    couriers.check_names().await?;
    check_depots(&config.depots)?;
    let projects: Vec<_> = config.projects.keys().collect();
    let told = json!({ "projects": projects, "warnings": Vec::from_iter(&warning) });
    output::either(args.json, &told, || {
        let warning = warning
            .iter()
            .map(|warning| format!("warning: {warning}\n"));
        let warning: String = warning.collect();
        format!("{warning}settings in order; {} project(s)", projects.len())
    });
    Ok(Answer::Yes)
}

/// Every depot whose settings cannot work, whatever its server does.
fn check_depots(depots: &Depots) -> Result<()> {
    let faults = depots.values().filter_map(|depot| {
        let fault = transport::check::settings(depot).err()?;
        Some(format!("{}: {fault}", depot.name))
    });
    let faults: Vec<_> = faults.collect();
    match faults.is_empty() {
        true => Ok(()),
        false => Err(Fault::new(Code::Configuration, faults.join("\n"))),
    }
}

pub(super) async fn migrate(settings: &Settings, args: &MigrateArgs) -> Result<Answer> {
    let config = settings.load()?;
    let store = app::open_store(&config.gateway, Access::Full)?;
    let applied = migrate::migrate(&store, &Clock::system()).await?;
    output::either(
        args.json,
        &json!({ "applied": applied }),
        || match applied.is_empty() {
            true => "the database is up to date".to_owned(),
            false => format!("applied: {}", applied.join(", ")),
        },
    );
    Ok(Answer::Yes)
}
