//! `navette cft received|sent|failed|acknowledged|list`: what the procedures of Axway's Transfer CFT tell, and what is known of
//! its transfers.
//!
//! `received` needs nothing but the depot's settings and the spool: it works while database and gateway are down.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{Answer, Settings, output};
use crate::{
    app,
    app::House,
    config::{
        Depot,
        depots::{
            self, Transport,
            cft::{incoming, is_identifier},
        },
    },
    domain::cft::{self, State, Told},
    kernel::fault::{Code, Fault, Result},
    storage::{
        Access,
        cft::{TransferRow, list as transfers},
        migrate,
    },
    transport::cft::spool::{Received, receive},
};

/// Takes what the procedures of Axway's Transfer CFT tell of its transfers.
#[derive(Args)]
pub struct CftArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Takes a received file over into the depot's spool; from the end-of-transfer procedure (EXEC) of a reception.
    ///
    /// Example: navette cft received --file /cft/rcv/A0000004.zip --name LOT42.zip --part ASP --idf NAVLOT --idtu A0000004
    Received(ReceivedArgs),
    /// Says that a file was sent; from the end-of-transfer procedure (EXEC) of a sending.
    ///
    /// Example: navette cft sent --idtu A0000005 --ida 0f6c…
    Sent(ToldArgs),
    /// Says that a sending was given up; from the error procedure (EXECE) of a sending.
    ///
    /// Example: navette cft failed --idtu A0000005 --cause L18
    Failed(FailedArgs),
    /// Says that the partner's application has acknowledged a file; from the acknowledgment procedure (ACKEXEC).
    ///
    /// Example: navette cft acknowledged --idtu A0000005
    Acknowledged(ToldArgs),
    /// Lists transfers, the newest first.
    ///
    /// Example: navette cft list --state failed
    List(ListArgs),
}

#[derive(Args)]
struct ReceivedArgs {
    /// The file, where the monitor left it (&FNAME).
    #[arg(long)]
    file: PathBuf,
    /// The name that it is to have, where not its own (&PARM or &NFNAME, as agreed with the partner).
    #[arg(long)]
    name: Option<String>,
    /// The partner (&PART).
    #[arg(long, value_parser = identifier)]
    part: String,
    /// The model (&IDF).
    #[arg(long, value_parser = identifier)]
    idf: String,
    /// The transfer (&IDTU).
    #[arg(long, value_parser = identifier)]
    idtu: String,
    /// The depot, where several are CFTs.
    #[arg(long)]
    depot: Option<String>,
}

#[derive(Args)]
struct ToldArgs {
    /// The transfer (&IDTU).
    #[arg(long, value_parser = identifier)]
    idtu: String,
    /// Our own id of it (&IDA).
    #[arg(long, value_parser = identifier)]
    ida: Option<String>,
    /// The depot, where several are CFTs.
    #[arg(long)]
    depot: Option<String>,
    /// Answer with JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct FailedArgs {
    #[command(flatten)]
    told: ToldArgs,
    /// The monitor's diagnostic (&DIAGI or &DIAGP).
    #[arg(long, value_parser = identifier)]
    cause: Option<String>,
}

#[derive(Args)]
struct ListArgs {
    /// Transfers of this depot only.
    #[arg(long)]
    depot: Option<String>,
    /// Transfers of this state only: received, submitted, sent, acknowledged, failed.
    #[arg(long)]
    state: Option<String>,
    /// The most transfers to show.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Answer with JSON.
    #[arg(long)]
    json: bool,
}

fn identifier(word: &str) -> Result<String, &'static str> {
    match is_identifier(word) {
        true => Ok(word.to_owned()),
        false => Err("expected 1 to 32 letters, digits, _ and -"),
    }
}

pub(super) async fn run(settings: &Settings, args: CftArgs) -> Result<Answer> {
    match args.command {
        Command::Received(args) => received(settings, args),
        Command::Sent(args) => told(settings, State::Sent, args, None).await,
        Command::Failed(args) => told(settings, State::Failed, args.told, args.cause).await,
        Command::Acknowledged(args) => told(settings, State::Acknowledged, args, None).await,
        Command::List(args) => list(settings, args).await,
    }
}

fn received(settings: &Settings, args: ReceivedArgs) -> Result<Answer> {
    let depots = depots::of_transport(settings.file(), "cft")?;
    let wanted = |depot: &&Depot| args.depot.as_ref().is_none_or(|name| *name == depot.name);
    let mut found = depots.iter().map(AsRef::as_ref).filter(wanted);
    let (Some(depot), None) = (found.next(), found.next()) else {
        let detail = "name the one depot with transport = \"cft\" that is meant: --depot";
        return Err(Fault::new(Code::Usage, detail));
    };
    let Transport::Cft(cft) = &depot.transport else {
        return Err(Fault::internal("a depot of another transport"));
    };
    let received = Received {
        file: &args.file,
        name: args.name.as_deref(),
        part: &args.part,
        idf: &args.idf,
        idtu: &args.idtu,
    };
    awaited(depot, &received)?;
    let folder = incoming(&args.part, &args.idf);
    let takes = |name: &str| depot.knows(&folder, name);
    output::line(receive(&cft.spool, &received, takes)?.display());
    Ok(Answer::Yes)
}

/// Fails with `usage` where no flow of the depot would ever take the file: it is left where it is, and the monitor's catalogue shows
/// that its procedure has failed.
fn awaited(depot: &Depot, received: &Received<'_>) -> Result<()> {
    let (part, idf) = (received.part, received.idf);
    if depot.knows(&incoming(part, idf), received.called()) {
        return Ok(());
    }
    let detail = format!(
        "no flow of depot {} takes a file of this name from part {part} by idf {idf}: it would lie in the spool for ever",
        depot.name
    );
    Err(Fault::new(Code::Usage, detail))
}

async fn told(
    settings: &Settings,
    state: State,
    args: ToldArgs,
    cause: Option<String>,
) -> Result<Answer> {
    let house = House::open(settings.load()?).await?;
    let told = Told {
        depot: args.depot,
        idtu: args.idtu,
        ida: args.ida,
        state,
        cause,
    };
    let row = cft::told(&house.ctx, told).await?;
    output::either(args.json, &shown(&row), || text(&row));
    Ok(Answer::Yes)
}

async fn list(settings: &Settings, args: ListArgs) -> Result<Answer> {
    let store = app::open_store(&settings.load()?.gateway, Access::ReadOnly)?;
    migrate::check_current(&store).await?;
    let state = args.state.unwrap_or_default();
    if !state.is_empty() && State::parse(&state).is_err() {
        return Err(Fault::new(
            Code::Usage,
            format!("{state} is no state of a transfer"),
        ));
    }
    let (depot, limit) = (args.depot.unwrap_or_default(), args.limit);
    let rows = store
        .read(move |tx| transfers(tx, &depot, &state, limit))
        .await?;
    let all: Vec<_> = rows.iter().map(shown).collect();
    output::either(args.json, &all, || match rows.is_empty() {
        true => "no transfer".to_owned(),
        false => rows.iter().map(text).collect::<Vec<_>>().join("\n"),
    });
    Ok(Answer::Yes)
}

fn shown(row: &TransferRow) -> Value {
    json!({
        "transferId": row.id, "depot": row.depot, "direction": row.direction, "part": row.part, "idf": row.idf,
        "idtu": row.idtu, "ida": row.ida, "reconciliationId": row.exchange_id, "state": row.state, "cause": row.cause,
        "createdAt": row.created_at, "updatedAt": row.updated_at,
    })
}

fn text(row: &TransferRow) -> String {
    let exchange = row.exchange_id.map(|id| id.to_string());
    format!(
        "{} {:<3} {:<12} {}  {}/{}  idtu {}  exchange {}  since {}",
        row.id,
        row.direction,
        row.state,
        row.depot,
        row.part,
        row.idf,
        row.idtu.as_deref().unwrap_or("-"),
        exchange.as_deref().unwrap_or("-"),
        row.updated_at,
    )
}
