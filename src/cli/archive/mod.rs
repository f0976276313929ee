//! `navette archive …`: archives as their makers and senders handle them; one file per subcommand.

mod receipt;
mod send;

use clap::{Args, Subcommand};

use super::{Answer, Settings};
use crate::kernel::fault::Result;

/// Sends archives to depots.
#[derive(Args)]
pub struct ArchiveArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Send(send::SendArgs),
}

pub(super) async fn run(settings: &Settings, args: ArchiveArgs) -> Result<Answer> {
    match args.command {
        Command::Send(args) => send::run(settings, args).await,
    }
}
