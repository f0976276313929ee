//! `navette job list|retry`: what waits, what was given up, and its revival.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Answer, Settings,
    operator::{self, Reason},
    output,
};
use crate::{
    app,
    kernel::fault::Result,
    storage::{
        Access, migrate,
        replay::{self, ListedJob, Wanted},
    },
};

/// Lists the durable jobs, and has those tried again that were given up.
#[derive(Args)]
pub struct JobArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Lists jobs, oldest first.
    ///
    /// Example: navette job list --state failed
    List(ListArgs),
    /// Has a given-up job tried again at once, with all its attempts; the journal keeps who and why.
    ///
    /// Example: navette job retry --all-failed --project asp-mae --reason "panne du partenaire close"
    Retry(RetryArgs),
}

/// The states of a job.
#[derive(Clone, Copy, ValueEnum)]
enum State {
    /// Waits for its turn, or is being worked.
    Queued,
    /// Was given up, and waits for an operator.
    Failed,
}

#[derive(Args)]
struct ListArgs {
    /// Jobs of this state only.
    #[arg(long)]
    state: Option<State>,
    /// Jobs of this project only.
    #[arg(long)]
    project: Option<String>,
    /// The most jobs to show.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Answer with JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct RetryArgs {
    /// The job's id, as `navette job list` shows it.
    #[arg(required_unless_present = "all_failed", conflicts_with = "all_failed")]
    id: Option<Uuid>,
    /// Every job that was given up.
    #[arg(long)]
    all_failed: bool,
    /// With --all-failed: of this project only.
    #[arg(long, requires = "all_failed")]
    project: Option<String>,
    /// Why, for the journal: 200 characters at most, nothing personal.
    #[arg(long)]
    reason: Reason,
    /// Answer with JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(settings: &Settings, args: JobArgs) -> Result<Answer> {
    match args.command {
        Command::List(args) => list(settings, args).await,
        Command::Retry(args) => retry(settings, args).await,
    }
}

async fn list(settings: &Settings, args: ListArgs) -> Result<Answer> {
    let store = app::open_store(&settings.load()?.gateway, Access::ReadOnly)?;
    migrate::check_current(&store).await?;
    let state = args.state.map(|state| match state {
        State::Queued => "queued",
        State::Failed => "failed",
    });
    let wanted = Wanted {
        state: state.unwrap_or_default().to_owned(),
        project: args.project.unwrap_or_default(),
        before: None,
    };
    let jobs = store
        .read(move |tx| replay::list(tx, &wanted, args.limit))
        .await?;
    show(args.json, &jobs, "no job");
    Ok(Answer::Yes)
}

async fn retry(settings: &Settings, args: RetryArgs) -> Result<Answer> {
    let operator = operator::acting(&settings.load()?.gateway, args.reason).await?;
    let revived = match args.id {
        Some(id) => vec![operator.retry(id).await?],
        None => {
            operator
                .retry_all(&args.project.unwrap_or_default())
                .await?
        }
    };
    show(args.json, &revived, "no job was given up");
    Ok(Answer::Yes)
}

fn show(as_json: bool, jobs: &[ListedJob], none: &str) {
    let shown: Vec<Value> = jobs.iter().map(shown).collect();
    output::either(as_json, &shown, || match jobs.is_empty() {
        true => none.to_owned(),
        false => jobs.iter().map(text).collect::<Vec<_>>().join("\n"),
    });
}

fn shown(listed: &ListedJob) -> Value {
    let job = &listed.job;
    json!({
        "jobId": job.id, "kind": job.kind, "lane": job.lane, "state": job.state, "attempts": job.attempts,
        "runAt": job.run_at, "queuedAt": job.created_at, "lastFault": job.last_fault,
        "reconciliationId": listed.exchange_id, "project": listed.project,
    })
}

fn text(listed: &ListedJob) -> String {
    let job = &listed.job;
    let fault = job.last_fault.as_deref().unwrap_or("-");
    let piece = listed.exchange_id.map(|id| id.to_string());
    format!(
        "{} {:<8} {:<7} {:>3} attempts  queued {}  piece {}  {}  {fault}",
        job.id,
        job.kind,
        job.state,
        job.attempts,
        job.created_at,
        piece.unwrap_or_else(|| "-".to_owned()),
        listed.project
    )
}
