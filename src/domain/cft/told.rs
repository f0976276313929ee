//! What the monitor's procedures tell of a transfer that leaves.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::{State, entry, owner, project};
use crate::{
    config::{
        Flow,
        depots::{Cft, Direction, Transport},
    },
    domain::{
        Context,
        archives::sending::acknowledgment::{self, Proof},
        incidents::{self, Cause, Clearing, Code, Ticket},
    },
    kernel::fault::{self, Fault, Result},
    storage::{
        Tx,
        cft::{self, TransferRow},
        journal::{EntryRow, append},
        returns,
    },
    transport::cft::work::{self, Waiting},
};

/// What is told.
#[derive(Clone, Debug)]
pub struct Told {
    /// Of which depot; the only one of its kind where it is not named.
    pub depot: Option<String>,
    /// The monitor's id of the transfer.
    pub idtu: String,
    /// Our id of it, where the procedure knows it.
    pub ida: Option<String>,
    /// What became of it: sent, failed or acknowledged.
    pub state: State,
    /// The monitor's code of a failure: letters, digits, `-` and `_`, 32 characters at most.
    pub cause: Option<String>,
}

/// Notes what is told and answers the transfer as it stands. Told twice, it is noted once.
///
/// Fails with `not-found` where no transfer of ours has these ids, with `usage` where no depot, or none of this name, is a CFT.
pub async fn told(ctx: &Context, told: Told) -> Result<TransferRow> {
    let (depot, settings) = monitor(ctx, told.depot.as_deref())?;
    let waiting = waiting(&settings, &told).await?;
    let noted = noted(ctx, &depot, &told, waiting.as_ref()).await?;
    if let Noted::Known(row) = &noted
        && told.state == State::Acknowledged
    {
        acknowledge(ctx, row).await?;
    }
    let row = match noted {
        Noted::Known(row) if is_over(&row, told.state) => row,
        Noted::Known(row) => changed(ctx, row, &told, false).await?,
        Noted::New(row) => changed(ctx, row, &told, true).await?,
    };
    if let Some(waiting) = waiting {
        let (failed, idtu) = (told.state == State::Failed, told.idtu);
        let noted = tokio::task::spawn_blocking(move || match failed {
            // It stays for the monitor to try again, or for us to hand it over again.
            true => work::given_up(&waiting, &idtu),
            // The monitor needs it no more; the next word about it finds the row.
            false => work::remove(&waiting),
        });
        noted.await.map_err(Fault::internal)??;
    }
    Ok(row)
}

/// Where the transfer carried a return, the partner's application has it.
async fn acknowledge(ctx: &Context, row: &TransferRow) -> Result<()> {
    let is_out = |flow: &Flow| matches!(flow.direction, Direction::Out(_));
    let of = |name: &Option<String>, word: &str| name.as_deref() == Some(word);
    let by = |flow: &&Flow| of(&flow.part, &row.part) && of(&flow.idf, &row.idf) && is_out(flow);
    let depot = ctx.config.depots.get(&row.depot);
    let carries_returns = depot.is_some_and(|depot| depot.flows.iter().any(|flow| by(&flow)));
    let Some(exchange) = row.exchange_id.filter(|_| carries_returns) else {
        return Ok(());
    };
    let found = ctx.store.read(move |tx| returns::of_exchange(tx, exchange));
    if let Some(answer) = found.await? {
        let detail = json!({
            "depot": row.depot, "transferId": row.id, "part": row.part, "idf": row.idf, "idtu": row.idtu,
        });
        acknowledgment::take(ctx, answer.id, Proof::bare(detail)).await?;
    }
    Ok(())
}

enum Noted {
    Known(TransferRow),
    New(TransferRow),
}

/// Whether nothing is to be changed: it is said already, or something later is.
fn is_over(row: &TransferRow, state: State) -> bool {
    row.state == state.as_str() || row.state == State::Acknowledged.as_str()
}

fn monitor(ctx: &Context, name: Option<&str>) -> Result<(String, Cft)> {
    let mut found = ctx.config.depots.values().filter_map(|depot| {
        let Transport::Cft(settings) = &depot.transport else {
            return None;
        };
        let wanted = name.is_none_or(|name| name == depot.name);
        wanted.then(|| (depot.name.clone(), (**settings).clone()))
    });
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (Some(_), Some(_)) => Err(usage("several depots are CFTs: name one with --depot")),
        (None, _) => Err(usage("no such depot with transport = \"cft\" in depots/")),
    }
}

fn usage(detail: &str) -> Fault {
    Fault::new(fault::Code::Usage, detail)
}

async fn waiting(settings: &Cft, told: &Told) -> Result<Option<Waiting>> {
    let root: PathBuf = settings.work.clone();
    let (idtu, ida) = (told.idtu.clone(), told.ida.clone());
    let find = move || work::find(Path::new(&root), &idtu, ida.as_deref());
    tokio::task::spawn_blocking(find)
        .await
        .map_err(Fault::internal)?
}

/// The transfer's row, or the one that it is to get.
async fn noted(
    ctx: &Context,
    depot: &str,
    told: &Told,
    waiting: Option<&Waiting>,
) -> Result<Noted> {
    let known = waiting.and_then(|waiting| waiting.known.ida.clone());
    let (name, idtu, ida) = (
        depot.to_owned(),
        told.idtu.clone(),
        told.ida.clone().or(known),
    );
    let found = ctx.store.read(move |tx| {
        let by_ours = match &ida {
            Some(ida) => cft::of_ida(tx, &name, ida)?,
            None => None,
        };
        match by_ours {
            Some(row) => Ok(Some(row)),
            None => cft::of_idtu(tx, &name, &idtu),
        }
    });
    match (found.await?, waiting) {
        (Some(row), _) => Ok(Noted::Known(row)),
        (None, Some(waiting)) => Ok(Noted::New(of_sidecar(ctx, depot, told, waiting)?)),
        (None, None) => {
            let detail = format!("no transfer {} of ours leaves by {depot}", told.idtu);
            Err(Fault::new(fault::Code::NotFound, detail))
        }
    }
}

fn of_sidecar(ctx: &Context, depot: &str, told: &Told, waiting: &Waiting) -> Result<TransferRow> {
    let now = ctx.clock.now();
    Ok(TransferRow {
        id: ctx.entropy.uuid(&ctx.clock)?,
        environment: ctx.config.gateway.environment.clone(),
        depot: depot.to_owned(),
        direction: "out".to_owned(),
        part: waiting.known.part.clone(),
        idf: waiting.known.idf.clone(),
        idtu: Some(told.idtu.clone()),
        ida: waiting.known.ida.clone().or_else(|| told.ida.clone()),
        exchange_id: None,
        state: State::Submitted.as_str().to_owned(),
        cause: None,
        created_at: now,
        updated_at: now,
    })
}

async fn changed(ctx: &Context, row: TransferRow, told: &Told, new: bool) -> Result<TransferRow> {
    let row = TransferRow {
        idtu: Some(told.idtu.clone()),
        state: told.state.as_str().to_owned(),
        cause: told.cause.clone(),
        updated_at: ctx.clock.now(),
        ..row
    };
    let step = Step {
        entry: entry(ctx, told.state, &row)?,
        news: news(ctx, &row, told)?,
        row: row.clone(),
        new,
    };
    ctx.store.write(move |tx| step.write(tx)).await?;
    Ok(row)
}

struct Step {
    row: TransferRow,
    entry: EntryRow,
    news: News,
    new: bool,
}

enum News {
    Bad(Box<Ticket>),
    Good(Box<Clearing>),
}

/// A failure is an incident until the transfer goes through after all.
fn news(ctx: &Context, row: &TransferRow, told: &Told) -> Result<News> {
    let cause = Cause {
        code: Code::TransferFailed,
        project: project(ctx, row),
        owner: owner(ctx, row),
        exchange_id: row.exchange_id,
        subject: row.id.to_string(),
    };
    match told.state {
        State::Failed => {
            let detail = json!({
                "depot": row.depot, "part": row.part, "idf": row.idf, "idtu": row.idtu, "cause": told.cause,
            });
            let ticket = incidents::prepare(ctx, cause, detail)?;
            Ok(News::Bad(Box::new(ticket)))
        }
        _ => Ok(News::Good(Box::new(incidents::clear(ctx, &cause)?))),
    }
}

impl Step {
    fn write(&self, tx: &mut Tx<'_>) -> Result<()> {
        let row = &self.row;
        if self.new {
            cft::insert(tx, row)?;
        } else {
            let (cause, idtu) = (row.cause.as_deref(), row.idtu.as_deref());
            cft::change(tx, row.id, &row.state, cause, idtu, row.updated_at)?;
        }
        append(tx, &self.entry)?;
        match &self.news {
            News::Bad(ticket) => ticket.open(tx).map(drop),
            News::Good(end) => end.close(tx).map(drop),
        }
    }
}
