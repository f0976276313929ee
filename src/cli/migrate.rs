//! `navette check-config` and `navette migrate`.

use clap::Args;
use serde_json::json;

use super::{Answer, Settings, output};
use crate::{
    app::{self, soundness},
    config,
    kernel::{clock::Clock, fault::Result},
    storage::{Access, migrate},
};

/// Loads the settings and tells every fault in them at once, with file and key, and changes nothing.
///
/// What they name is looked at as `serve` and `worker` look at it before they start: certificates, keys, authorities, secrets.
/// Hosts of callbacks are resolved too: one that leads inside the network, and that its project does not allow, is a fault; so
/// is an SSH server whose key its `known_hosts` cannot tell, and an FTPS server whose authorities do not read.
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
    let sound = soundness::examine(settings.file(), &config::environment()).await?;
    let projects: Vec<_> = sound.config.projects.keys().collect();
    let told = json!({ "projects": projects, "warnings": sound.warnings });
    output::either(args.json, &told, || {
        let warnings = sound.warnings.iter();
        let warnings: String = warnings.map(|it| format!("warning: {it}\n")).collect();
        format!("{warnings}settings in order; {} project(s)", projects.len())
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
