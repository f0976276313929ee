//! `navette hubee …`: the hub's operator. Each command has its file; what they share is [`Desk`].

mod batches;
mod client;
mod import;
mod report;
mod trace;

use clap::{Args, Subcommand};

use super::{Answer, Settings};
use crate::{
    app,
    domain::hubee::batches::Batch,
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
    /// Destroys the contents that no recipient needs any more; what is known of them stays (R60).
    ///
    /// A worker does it each day by itself. What is on legal hold, or what an open incident is about, is kept and told.
    ///
    /// Example: navette hubee purge --dry-run
    Purge(batches::BatchArgs),
    /// Archives the folders that are closed for as long as their process says, and destroys their contents (R61).
    ///
    /// Example: navette hubee archive --dry-run
    Archive(batches::BatchArgs),
    /// Deletes the folders that are archived for as long as their process says: only counts stay (R61).
    ///
    /// Example: navette hubee delete --json
    Delete(batches::BatchArgs),
    /// Activates the subscriptions whose day has come (R52).
    ///
    /// Example: navette hubee activate
    Activate(batches::BatchArgs),
    Report(report::ReportArgs),
    Import(import::ImportArgs),
    Trace(trace::TraceArgs),
}

pub(super) async fn run(settings: &Settings, args: HubeeArgs) -> Result<Answer> {
    match args.command {
        Command::Client(args) => client::run(settings, args).await,
        Command::Purge(args) => batches::run(settings, Batch::Purge, args).await,
        Command::Archive(args) => batches::run(settings, Batch::Archive, args).await,
        Command::Delete(args) => batches::run(settings, Batch::Delete, args).await,
        Command::Activate(args) => batches::run(settings, Batch::Activate, args).await,
        Command::Report(args) => report::run(settings, args).await,
        Command::Import(args) => import::run(settings, args).await,
        Command::Trace(args) => trace::run(settings, args).await,
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
