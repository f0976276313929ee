//! `navette check-config` and `navette migrate`.

use clap::Args;
use serde_json::json;

use super::{Answer, Settings, output};
use crate::{
    app,
    domain::returns::Couriers,
    kernel::{clock::Clock, fault::Result},
    storage::{Access, migrate},
};

/// Loads the settings and tells every fault in them, with file and key. Hosts of callbacks are resolved too: one that leads
/// inside the network, and that its project does not allow, is a fault.
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
    let couriers = Couriers::new(&config.projects, &Clock::system())?;
    couriers.check_names().await?;
    let projects: Vec<_> = config.projects.keys().collect();
    output::either(args.json, &json!({ "projects": projects }), || {
        format!("settings in order; {} project(s)", projects.len())
    });
    Ok(Answer::Yes)
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
