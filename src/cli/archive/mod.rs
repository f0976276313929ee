//! `navette archive`: archives made, checked, and followed on their way.
//!
//! To add a command: a file here, and an arm in [`Command`] and in [`run`].

mod check;
mod opening;
mod pack;

use clap::{Args, Subcommand};

use super::{Answer, Settings};
use crate::kernel::fault::Result;

/// Makes and checks archives of pieces.
#[derive(Args)]
pub struct ArchiveArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Pack(pack::PackArgs),
    Check(check::CheckArgs),
}

pub(super) async fn run(settings: &Settings, args: ArchiveArgs) -> Result<Answer> {
    match args.command {
        Command::Pack(args) => pack::run(args).await,
        Command::Check(args) => check::run(settings, args).await,
    }
}
