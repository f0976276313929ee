//! `navette depot check|files`: one file per subcommand.

mod check;
mod files;

use clap::{Args, Subcommand};

use super::{Answer, Settings};
use crate::kernel::fault::Result;

/// Looks at the depots where archives are exchanged with partners.
#[derive(Args)]
pub struct DepotArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Check(check::CheckArgs),
    Files(files::FilesArgs),
}

pub(super) async fn run(settings: &Settings, args: DepotArgs) -> Result<Answer> {
    match args.command {
        Command::Check(args) => check::run(settings, args).await,
        Command::Files(args) => files::run(settings, args).await,
    }
}
