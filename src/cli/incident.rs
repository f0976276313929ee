//! `navette incident list|show|ack|resolve|called`: the anomalies that people have to know of, and what they did about them.

use std::sync::Arc;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::Value;
use uuid::Uuid;

use super::{
    Answer, Settings,
    operator::{self, Reason},
    output,
};
use crate::{
    app,
    config::Config,
    domain::incidents::{State as IncidentState, operator as desk, view::Incident},
    kernel::fault::{Code, Fault, Result},
    storage::{
        Access, Store,
        incidents::{Filter, IncidentRow},
        migrate,
    },
};

/// Lists incidents, and records what an operator does about them.
#[derive(Args)]
pub struct IncidentArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Lists incidents that are not resolved, the one opened last first.
    ///
    /// Example: navette incident list --project asp-mae
    List(ListArgs),
    /// Shows one incident: what failed, since when, what to do, whom to call.
    ///
    /// Example: navette incident show 3f0c5b5e-7b0c-8c44-9d4e-0a1b2c3d4e5f
    Show(OneArgs),
    /// Takes note of an incident: no mail is sent about it any more until it comes back.
    ///
    /// Example: navette incident ack ID --reason "vu, partenaire prévenu"
    Ack(StepArgs),
    /// Resolves an incident by hand. Most resolve by themselves once their cause is gone.
    ///
    /// Example: navette incident resolve ID --reason "pièce renvoyée par l'émetteur"
    Resolve(StepArgs),
    /// Records that somebody was called about an incident; the reason says what came of it.
    ///
    /// Example: navette incident called ID --reason "astreinte jointe, rétablissement prévu à 18 h"
    Called(StepArgs),
}

/// The states of an incident.
#[derive(Clone, Copy, ValueEnum)]
enum State {
    /// Nobody has taken note of it.
    Open,
    /// An operator has taken note; its cause lasts.
    Acknowledged,
    /// Its cause is gone, or an operator says so.
    Resolved,
    /// Every one.
    All,
}

#[derive(Args)]
struct ListArgs {
    /// Incidents of this state only; those not resolved where left out.
    #[arg(long)]
    state: Option<State>,
    /// Incidents of this project only.
    #[arg(long)]
    project: Option<String>,
    /// Incidents of this code only.
    #[arg(long)]
    code: Option<String>,
    /// Incidents of this piece only.
    #[arg(long)]
    piece: Option<Uuid>,
    /// The most incidents to show.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Answer with JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct OneArgs {
    /// The incident's id, as `navette incident list` shows it.
    id: Uuid,
    /// Answer with JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct StepArgs {
    /// The incident's id, as `navette incident list` shows it.
    id: Uuid,
    /// Why, for the journal: 200 characters at most, nothing personal.
    #[arg(long)]
    reason: Reason,
    /// Answer with JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(settings: &Settings, args: IncidentArgs) -> Result<Answer> {
    let config = Arc::new(settings.load()?);
    let acting = |reason| operator::acting(&config.gateway, reason);
    match args.command {
        Command::List(args) => list(&config, args).await,
        Command::Show(args) => show(&config, args).await,
        Command::Ack(args) => {
            let (operator, id) = (acting(args.reason).await?, args.id);
            let row = desk::acknowledge(&operator, &config, id).await?;
            told(&config, row, args.json)
        }
        Command::Resolve(args) => {
            let (operator, id) = (acting(args.reason).await?, args.id);
            let row = desk::resolve(&operator, &config, id).await?;
            told(&config, row, args.json)
        }
        Command::Called(args) => {
            let (operator, id) = (acting(args.reason).await?, args.id);
            let row = desk::called(&operator, &config, id).await?;
            told(&config, row, args.json)
        }
    }
}

async fn list(config: &Config, args: ListArgs) -> Result<Answer> {
    let store = reading(config).await?;
    let filter = Filter {
        states: states(args.state),
        code: args.code,
        project: args.project,
        exchange_id: args.piece,
        ..Filter::default()
    };
    let found = store.read(move |tx| crate::storage::incidents::list(tx, &filter, args.limit));
    let rows = found.await?.into_iter();
    let shown: Vec<_> = rows.map(|row| Incident::of(config, row)).collect();
    output::either(args.json, &shown, || match shown.is_empty() {
        true => "no incident".to_owned(),
        false => shown.iter().map(line).collect::<Vec<_>>().join("\n"),
    });
    Ok(Answer::Yes)
}

async fn show(config: &Config, args: OneArgs) -> Result<Answer> {
    let (store, id) = (reading(config).await?, args.id);
    let found = store
        .read(move |tx| crate::storage::incidents::find(tx, id))
        .await?;
    let row = found.ok_or_else(|| {
        let detail = format!("no incident {id}; see `navette incident list`");
        Fault::new(Code::NotFound, detail)
    })?;
    told(config, row, args.json)
}

async fn reading(config: &Config) -> Result<Store> {
    let store = app::open_store(&config.gateway, Access::ReadOnly)?;
    migrate::check_current(&store).await?;
    Ok(store)
}

fn states(state: Option<State>) -> Option<Vec<String>> {
    let states: &[IncidentState] = match state {
        None => &[IncidentState::Open, IncidentState::Acknowledged],
        Some(State::Open) => &[IncidentState::Open],
        Some(State::Acknowledged) => &[IncidentState::Acknowledged],
        Some(State::Resolved) => &[IncidentState::Resolved],
        Some(State::All) => return None,
    };
    let words = states.iter().map(|state| state.as_str().to_owned());
    Some(words.collect())
}

fn told(config: &Config, row: IncidentRow, as_json: bool) -> Result<Answer> {
    let shown = Incident::of(config, row);
    let value = serde_json::to_value(&shown).map_err(Fault::internal)?;
    output::either(as_json, &value, || text(&value));
    Ok(Answer::Yes)
}

fn line(incident: &Incident) -> String {
    let dash = || "-".to_owned();
    let piece = incident.reconciliation_id.map(|id| id.to_string());
    format!(
        "{} {:<12} {:<18} {:>4} times  since {}  last {}  {}  piece {}",
        incident.incident_id,
        incident.state,
        incident.code,
        incident.count,
        incident.opened_at,
        incident.last_at,
        incident.project.clone().unwrap_or_else(dash),
        piece.unwrap_or_else(dash),
    )
}

/// Every field that has a value, one a line.
fn text(incident: &Value) -> String {
    let fields = incident.as_object().into_iter().flatten();
    let told = fields.filter(|(_, value)| !value.is_null());
    let lines = told.map(|(name, value)| match value {
        Value::String(text) => format!("{name:<17} {text}"),
        other => format!("{name:<17} {other}"),
    });
    lines.collect::<Vec<_>>().join("\n")
}
