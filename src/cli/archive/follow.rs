//! `navette archive list|show|retry`: archives that came, what became of them, and what waits for them.

use clap::Args;
use serde_json::json;
use uuid::Uuid;

use super::super::{
    Answer, Settings,
    operator::{self, Reason},
    output,
};
use crate::{
    app::House,
    domain::archives::view::{self, Shown, Summary, Wanted},
    kernel::fault::Result,
};

/// Lists the archives that depots held, newest first.
///
/// Example: navette archive list --depot asp-depot --state rejected
#[derive(Args)]
pub(super) struct ListArgs {
    /// Archives of this depot only.
    #[arg(long)]
    depot: Option<String>,
    /// Archives of this project only.
    #[arg(long)]
    project: Option<String>,
    /// Archives of this state only: spooling, staging, accepted, partial, rejected.
    #[arg(long, value_parser = ["spooling", "staging", "accepted", "partial", "rejected"])]
    state: Option<String>,
    /// The most archives to show.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Answer with JSON.
    #[arg(long)]
    json: bool,
}

/// Shows one archive: what its receipt says, where its return stands, its trace.
///
/// Example: navette archive show 01a1ffe0-542b-7a41-9c3e-5b0f2a7d6e10
#[derive(Args)]
pub(super) struct ShowArgs {
    /// The archive's reconciliation id, as its receipt has it.
    id: Uuid,
    /// Answer with JSON.
    #[arg(long)]
    json: bool,
}

/// Has all that waits for an archive tried again now: its receipt, its processing, its return. Files that were accepted before
/// their project demanded the antivirus are looked at.
///
/// Example: navette archive retry 01a1ffe0-542b-7a41-9c3e-5b0f2a7d6e10 --reason "droits du dépôt corrigés"
#[derive(Args)]
pub(super) struct RetryArgs {
    /// The archive's reconciliation id.
    id: Uuid,
    /// Why, for the journal: 200 characters at most, nothing personal.
    #[arg(long)]
    reason: Reason,
    /// Answer with JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn list(settings: &Settings, args: ListArgs) -> Result<Answer> {
    let house = House::open_read_only(settings.load()?).await?;
    let wanted = Wanted {
        depot: args.depot.unwrap_or_default(),
        project: args.project.unwrap_or_default(),
        state: args.state.unwrap_or_default(),
    };
    let found = view::list(&house.ctx, wanted, args.limit).await?;
    output::either(args.json, &found, || match found.is_empty() {
        true => "no archive".to_owned(),
        false => found.iter().map(line).collect::<Vec<_>>().join("\n"),
    });
    Ok(Answer::Yes)
}

fn line(of: &Summary) -> String {
    format!(
        "{} {:<8} {:>6}/{:<6} pieces  {}  {}/{}  {}  {}",
        of.reconciliation_id,
        of.state,
        of.accepted,
        of.pieces,
        of.received_at.unwrap_or(of.began_at),
        of.depot,
        of.flow,
        of.status.as_deref().unwrap_or("-"),
        of.file_name.as_deref().unwrap_or("-"),
    )
}

pub(super) async fn show(settings: &Settings, args: ShowArgs) -> Result<Answer> {
    let house = House::open_read_only(settings.load()?).await?;
    let shown = view::show(&house.ctx, args.id).await?;
    output::either(args.json, &shown, || text(&shown));
    Ok(Answer::Yes)
}

fn text(shown: &Shown) -> String {
    let of = &shown.summary;
    let at = |at: Option<jiff::Timestamp>| at.map_or("-".to_owned(), |at| at.to_string());
    let mut lines = vec![
        line(of),
        format!(
            "  application  {}",
            shown.source_application.as_deref().unwrap_or("-")
        ),
        format!("  pli          {}", shown.pli_id.as_deref().unwrap_or("-")),
        format!("  sha-256      {}", of.sha256.as_deref().unwrap_or("-")),
        format!("  bytes        {}", of.size.unwrap_or_default()),
        format!("  repeated     {}", of.repetitions),
        format!("  receipt left {}", at(of.receipted_at)),
        format!("  source left  {}", at(of.left_at)),
    ];
    lines.extend(shown.findings.iter().map(|found| {
        let entry = found.entry.as_deref().unwrap_or("-");
        let piece = found.piece_uid.as_deref().unwrap_or("-");
        format!(
            "  {:<22} {entry}  piece {piece}  {}",
            found.code, found.detail
        )
    }));
    lines.join("\n")
}

pub(super) async fn retry(settings: &Settings, args: RetryArgs) -> Result<Answer> {
    let config = settings.load()?;
    let operator = operator::acting(&config.gateway, args.reason).await?;
    let projects = &config.projects;
    let demanding = |name: &str| projects.get(name).is_some_and(|of| of.antivirus);
    let jobs = view::retry(&operator, args.id, demanding).await?;
    let answer = json!({ "reconciliationId": args.id, "jobs": jobs });
    output::either(args.json, &answer, || match jobs {
        0 => "nothing waits for this archive".to_owned(),
        jobs => format!("{jobs} jobs are tried again now"),
    });
    Ok(Answer::Yes)
}
