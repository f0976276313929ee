//! `navette archive`: archives made, checked, sent, and followed on their way; one file per subcommand.
//!
//! To add a command: a file here, and an arm in [`Command`] and in [`run`].

mod check;
mod flow;
mod follow;
mod opening;
mod pack;
mod receipt;
mod report;
mod send;

use clap::{Args, Subcommand};

use super::{Answer, Settings};
use crate::kernel::fault::Result;

/// Makes, checks, sends and follows archives of pieces.
#[derive(Args)]
pub struct ArchiveArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Pack(pack::PackArgs),
    Check(check::CheckArgs),
    Send(send::SendArgs),
    List(follow::ListArgs),
    Show(follow::ShowArgs),
    Retry(follow::RetryArgs),
}

pub(super) async fn run(settings: &Settings, args: ArchiveArgs) -> Result<Answer> {
    match args.command {
        Command::Pack(args) => pack::run(args).await,
        Command::Check(args) => check::run(settings, args).await,
        Command::Send(args) => send::run(settings, args).await,
        Command::List(args) => follow::list(settings, args).await,
        Command::Show(args) => follow::show(settings, args).await,
        Command::Retry(args) => follow::retry(settings, args).await,
    }
}
