//! `navette hubee …`: the hub's operator. Each command has its file; what they share is [`Desk`].

mod client;
mod import;

use clap::{Args, Subcommand};

use super::{Answer, Settings};
use crate::{
    app,
    kernel::{clock::Clock, entropy::Entropy, fault::Result},
    storage::{Access, Store, migrate},
};

/// Runs the HubEE hub: its clients, its referential, its daily batches.
#[derive(Args)]
pub struct HubeeArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Client(client::ClientArgs),
    Import(import::ImportArgs),
}

pub(super) async fn run(settings: &Settings, args: HubeeArgs) -> Result<Answer> {
    match args.command {
        Command::Client(args) => client::run(settings, args).await,
        Command::Import(args) => import::run(settings, args).await,
    }
}

/// What commands work with that need the database and nothing else.
struct Desk {
    store: Store,
    environment: String,
    clock: Clock,
    entropy: Entropy,
}

impl Desk {
    /// Opens the database, at today's schema.
    async fn open(settings: &Settings) -> Result<Self> {
        let config = settings.load()?;
        let desk = Self {
            store: app::open_store(&config.gateway, Access::Full)?,
            environment: config.gateway.environment,
            clock: Clock::system(),
            entropy: Entropy::system(),
        };
        migrate::migrate(&desk.store, &desk.clock).await?;
        Ok(desk)
    }
}
