//! The command line: one file per command, and what they share here.
//!
//! Every command reads the settings named by `--config` (or `NAVETTE_CONFIG`), answers with text or with `--json`, and ends
//! with one of these codes: 0 done, 1 the answer is "no" (a check found faults), 2 wrong use, 3 the settings do not load,
//! 4 something that is needed is away, 5 a fault of ours.
//!
//! To add a command: a file with its `Args` and a `run`, and an arm in [`Command`] and in [`dispatch`].

mod archive;
mod backup;
mod cft;
mod client;
mod connection;
mod demo;
mod depot;
mod doctor;
mod hold;
mod hubee;
mod incident;
mod job;
mod migrate;
mod operator;
mod output;
mod purge;
mod push;
mod receipt;
mod returns;
mod serve;
mod signers;
mod status;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::{
    config::{self, Config},
    kernel::{
        fault::{Code, Fault, Result},
        memory::{self, Habit},
    },
};

/// A document-exchange gateway: every file arrives whole, is acknowledged with a signed receipt, and is answered exactly once.
#[derive(Parser)]
#[command(name = "navette", version, arg_required_else_help = true)]
pub struct Cli {
    /// The settings file; its folder holds `projects/`.
    #[arg(
        long,
        global = true,
        env = "NAVETTE_CONFIG",
        default_value = "navette.toml"
    )]
    config: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Serve(serve::ServeArgs),
    Worker(serve::WorkerArgs),
    CheckConfig(migrate::CheckArgs),
    Migrate(migrate::MigrateArgs),
    Client(client::ClientArgs),
    Archive(archive::ArchiveArgs),
    Cft(cft::CftArgs),
    Demo(demo::DemoArgs),
    Depot(depot::DepotArgs),
    Backup(backup::BackupArgs),
    Restore(backup::RestoreArgs),
    Doctor(doctor::DoctorArgs),
    Hold(hold::HoldArgs),
    Hubee(Box<hubee::HubeeArgs>),
    Purge(purge::PurgeArgs),
    Incident(incident::IncidentArgs),
    Job(job::JobArgs),
    Push(Box<push::PushArgs>),
    Status(status::StatusArgs),
    Receipt(receipt::ReceiptArgs),
    Return(returns::ReturnArgs),
}

impl Command {
    fn habit(&self) -> Habit {
        match self {
            Self::Serve(_) | Self::Demo(_) => Habit::Serving,
            _ => Habit::Working,
        }
    }
}

/// How a command that ran to its end answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Done, or found in order.
    Yes,
    /// Found not in order.
    No,
}

/// Parses the command line, runs the command, and answers its exit code.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    memory::keep(cli.command.habit());
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return failed(&Fault::internal(error)),
    };
    let outcome = runtime.block_on(dispatch(cli));
    runtime.shutdown_background();
    match outcome {
        Ok(Answer::Yes) => ExitCode::SUCCESS,
        Ok(Answer::No) => ExitCode::from(1),
        Err(fault) => failed(&fault),
    }
}

async fn dispatch(cli: Cli) -> Result<Answer> {
    let settings = Settings(cli.config);
    match cli.command {
        Command::Serve(args) => serve::serve(&settings, args).await,
        Command::Worker(args) => serve::worker(&settings, args).await,
        Command::CheckConfig(args) => migrate::check(&settings, &args).await,
        Command::Migrate(args) => migrate::migrate(&settings, &args).await,
        Command::Archive(args) => archive::run(&settings, args).await,
        Command::Cft(args) => cft::run(&settings, args).await,
        Command::Client(args) => client::run(&settings, args).await,
        Command::Demo(args) => demo::run(args).await,
        Command::Depot(args) => depot::run(&settings, args).await,
        Command::Doctor(args) => doctor::run(&settings, args).await,
        Command::Backup(args) => backup::backup(&settings, args).await,
        Command::Restore(args) => backup::restore(&settings, args).await,
        Command::Hold(args) => hold::run(&settings, args).await,
        Command::Hubee(args) => hubee::run(&settings, *args).await,
        Command::Purge(args) => purge::run(&settings, args).await,
        Command::Incident(args) => incident::run(&settings, args).await,
        Command::Job(args) => job::run(&settings, args).await,
        Command::Push(args) => push::run(*args).await,
        Command::Status(args) => status::run(&settings, args).await,
        Command::Receipt(args) => receipt::run(&settings, args).await,
        Command::Return(args) => returns::run(&settings, args).await,
    }
}

/// Where the settings are.
pub(crate) struct Settings(PathBuf);

impl Settings {
    /// The file itself, for what lies beside it.
    pub(crate) fn file(&self) -> &std::path::Path {
        &self.0
    }

    /// Loads them; every fault of a load is told together.
    pub(crate) fn load(&self) -> Result<Config> {
        config::load(&self.0, &config::environment())
    }
}

fn failed(fault: &Fault) -> ExitCode {
    eprintln!("navette: {fault}");
    ExitCode::from(match fault.code() {
        Code::ClockUntrusted => 1,
        Code::Usage | Code::NotFound => 2,
        Code::Configuration => 3,
        Code::Unavailable | Code::StorageFull | Code::SignerExpired | Code::PartnerRefused => 4,
        Code::DepotFileExists => 1,
        code if code.is_of_depot() => 4,
        _ => 5,
    })
}
