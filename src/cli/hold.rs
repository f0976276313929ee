//! `navette hold add|remove|list`: dossiers that are not purged.

use clap::{Args, Subcommand};

use super::{
    Answer, Settings,
    operator::{self, Reason},
    output,
};
use crate::{
    app::House,
    domain::ged::holds::{self, Hold, Signed},
    kernel::fault::Result,
};

/// Puts dossiers on legal hold, lifts holds, lists them: what is on hold is not purged, whatever its term.
#[derive(Args)]
pub struct HoldArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Puts a dossier on hold, with all that it has and will receive; the journal keeps who and why.
    ///
    /// Example: navette hold add D-2026-000042 --project asp-mae --reason "contentieux 2026-118"
    Add(OneArgs),
    /// Lifts the hold of a dossier: what is over its term goes with the next purge; the journal keeps who and why.
    ///
    /// Example: navette hold remove D-2026-000042 --project asp-mae --reason "contentieux clos"
    Remove(OneArgs),
    /// Lists the holds, oldest first.
    ///
    /// Example: navette hold list --all
    List(ListArgs),
}

#[derive(Args)]
struct OneArgs {
    /// The dossier's id, as its sender gives it.
    dossier: String,
    /// Its project.
    #[arg(long)]
    project: String,
    /// Why, for the journal: 200 characters at most, nothing personal.
    #[arg(long)]
    reason: Reason,
    /// Answer with JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct ListArgs {
    /// Holds of this project only.
    #[arg(long)]
    project: Option<String>,
    /// The lifted ones too.
    #[arg(long)]
    all: bool,
    /// Answer with JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(settings: &Settings, args: HoldArgs) -> Result<Answer> {
    let config = settings.load()?;
    let (as_json, holds) = match args.command {
        Command::Add(args) => {
            let house = House::open(config).await?;
            let signed = signed(args.reason);
            let hold = holds::add(&house.ctx, &args.project, &args.dossier, signed).await?;
            (args.json, vec![hold])
        }
        Command::Remove(args) => {
            let house = House::open(config).await?;
            let signed = signed(args.reason);
            let hold = holds::lift(&house.ctx, &args.project, &args.dossier, signed).await?;
            (args.json, vec![hold])
        }
        Command::List(args) => {
            let house = House::open_read_only(config).await?;
            let project = args.project.unwrap_or_default();
            (
                args.json,
                holds::list(&house.ctx, &project, args.all).await?,
            )
        }
    };
    output::either(as_json, &holds, || match holds.is_empty() {
        true => "no hold".to_owned(),
        false => holds.iter().map(text).collect::<Vec<_>>().join("\n"),
    });
    Ok(Answer::Yes)
}

fn signed(reason: Reason) -> Signed {
    Signed {
        by: operator::name(),
        reason: reason.into(),
    }
}

fn text(hold: &Hold) -> String {
    let dossier = hold.dossier_id.as_deref().unwrap_or(&hold.dossier_id_hash);
    let state = match (&hold.lifted_at, &hold.lifted_by, &hold.lifted_reason) {
        (Some(at), Some(by), Some(reason)) => format!("lifted {at} by {by}: {reason}"),
        _ => "in force".to_owned(),
    };
    format!(
        "{dossier}  {}  {} exchanges  since {} by {}: {}  {state}",
        hold.project, hold.exchanges, hold.added_at, hold.added_by, hold.reason
    )
}
