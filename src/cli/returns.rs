//! `navette return redeliver`: returns that partners need again.

use clap::{Args, Subcommand, ValueEnum};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde_json::json;
use uuid::Uuid;

use super::{
    Answer, Settings,
    operator::{self, Reason},
    output,
};
use crate::{
    domain::returns::redelivery::{Requested, Selection},
    kernel::fault::{Code, Fault, Result},
};

/// Sends returns again that were made before.
#[derive(Args)]
pub struct ReturnArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Sends the same returns again under the same ids, marked as redeliveries; the journal keeps who and why.
    ///
    /// Of one piece, or all that a project has had since a date, whether they were acknowledged or given up. A return that is
    /// on its way already is left alone.
    ///
    /// Example: navette return redeliver --since 2026-11-20 --project asp-mae --reason "base du partenaire restaurée"
    Redeliver(RedeliverArgs),
}

/// The states of a return that can be sent again.
#[derive(Clone, Copy, ValueEnum)]
enum State {
    /// Left on its depot and not acknowledged yet.
    Sent,
    /// Acknowledged.
    Delivered,
    /// Given up.
    Undelivered,
}

#[derive(Args)]
struct RedeliverArgs {
    /// The piece's reconciliation id.
    #[arg(required_unless_present = "since", conflicts_with = "since")]
    id: Option<Uuid>,
    /// Every return that was made from then on: a date (UTC) or an instant such as 2026-11-20T08:00:00Z.
    #[arg(long, value_parser = instant, requires = "project")]
    since: Option<Timestamp>,
    /// With --since: only those made before.
    #[arg(long, value_parser = instant, requires = "since")]
    until: Option<Timestamp>,
    /// With --since: the project.
    #[arg(long, requires = "since")]
    project: Option<String>,
    /// With --since: returns of this state only.
    #[arg(long, requires = "since")]
    state: Option<State>,
    /// With --since: tell which would be sent, and change nothing.
    #[arg(long, requires = "since")]
    dry_run: bool,
    /// Why, for the journal: 200 characters at most, nothing personal.
    #[arg(long)]
    reason: Reason,
    /// Answer with JSON.
    #[arg(long)]
    json: bool,
}

fn instant(text: &str) -> Result<Timestamp, String> {
    let day = || text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok();
    let read = text.parse().ok();
    let read = read.or_else(|| day().map(|day| day.timestamp()));
    read.ok_or_else(|| {
        "expected a date or an instant, such as 2026-11-20 or 2026-11-20T08:00:00Z".to_owned()
    })
}

pub(super) async fn run(settings: &Settings, args: ReturnArgs) -> Result<Answer> {
    match args.command {
        Command::Redeliver(args) => redeliver(settings, args).await,
    }
}

async fn redeliver(settings: &Settings, args: RedeliverArgs) -> Result<Answer> {
    let config = settings.load()?;
    check(&args, config.projects.keys())?;
    let operator = operator::acting(&config.gateway, args.reason.clone()).await?;
    let requested = match (args.id, args.since) {
        (Some(id), _) => vec![operator.redeliver(id).await?],
        (None, since) => {
            let selection = selection(&args, since.unwrap_or(Timestamp::UNIX_EPOCH));
            operator.redeliver_all(&selection, args.dry_run).await?
        }
    };
    show(&args, &requested);
    Ok(Answer::Yes)
}

fn selection(args: &RedeliverArgs, since: Timestamp) -> Selection {
    let state = args.state.map(|state| match state {
        State::Sent => "sent",
        State::Delivered => "delivered",
        State::Undelivered => "undelivered",
    });
    Selection {
        project: args.project.clone().unwrap_or_default(),
        since,
        until: args.until,
        state: state.unwrap_or_default().to_owned(),
    }
}

fn check<'a>(args: &RedeliverArgs, mut projects: impl Iterator<Item = &'a String>) -> Result<()> {
    match &args.project {
        Some(project) if !projects.any(|known| known == project) => Err(Fault::new(
            Code::Usage,
            format!("no project {project} in the settings"),
        )),
        _ => Ok(()),
    }
}

fn show(args: &RedeliverArgs, requested: &[Requested]) {
    let answer = json!({ "dryRun": args.dry_run, "count": requested.len(), "items": requested });
    output::either(args.json, &answer, || text(args, requested));
}

fn text(args: &RedeliverArgs, requested: &[Requested]) -> String {
    let verb = if args.dry_run {
        "would be sent"
    } else {
        "are sent"
    };
    let mut lines = vec![format!("{} return(s) {verb} again", requested.len())];
    lines.extend(requested.iter().map(|one| {
        format!(
            "  return {}  piece {}",
            one.return_id, one.reconciliation_id
        )
    }));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_its_midnight_in_utc_and_an_instant_is_itself() {
        let read = |text| instant(text).ok().map(|at| at.to_string());
        assert_eq!(read("2026-11-20").as_deref(), Some("2026-11-20T00:00:00Z"));
        assert_eq!(
            read("2026-11-20T08:00:00+01:00").as_deref(),
            Some("2026-11-20T07:00:00Z")
        );
        assert_eq!(read("hier"), None);
    }
}
