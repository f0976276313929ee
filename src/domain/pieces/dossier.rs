//! The deposits of a dossier as its sender sees them: one line per iteration, in their order.

use jiff::Timestamp;
use serde::Serialize;

use super::{
    acknowledged::Outcome,
    view::{dossier_hashes, perimeter},
};
use crate::{
    domain::{Context, access::Client},
    kernel::fault::{Code, Fault, Result},
    storage::{
        iterations::{self, Place, Wanted},
        listing::Filter,
    },
};

/// What the deposits are narrowed to.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// One project.
    pub project: Option<String>,
    /// One source application.
    pub source_application: Option<String>,
    /// Only those behind this one.
    pub after: Option<Place>,
    /// The most deposits of a page, 1 to 200.
    pub limit: u32,
}

/// One deposit: the pieces that came under one iteration.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Deposit {
    project: String,
    source_application: String,
    iteration: u32,
    outcome: &'static str,
    earlier_iteration_missing: bool,
    pieces: u64,
    acknowledged: u64,
    first_received_at: Timestamp,
    last_received_at: Timestamp,
    links: Links,
}

#[derive(Debug, Serialize)]
struct Links {
    pieces: String,
}

/// A page of deposits.
#[derive(Debug)]
pub struct Page {
    /// The deposits, by project, application and iteration.
    pub items: Vec<Deposit>,
    /// Where to go on, where there are more.
    pub next: Option<Place>,
}

/// A page of the deposits of `dossier` that `client` sent. Fails with `not-found` where there is none at all, with
/// `perimeter-forbidden` where project or application are outside of the client's perimeter.
pub async fn iterations(
    ctx: &Context,
    client: &Client,
    dossier: &str,
    query: Query,
) -> Result<Page> {
    let filter = Filter {
        project: query.project,
        source_application: query.source_application,
        ..Filter::default()
    };
    perimeter(client, &filter)?;
    let wanted = Wanted {
        client_id: client.client_id.clone(),
        dossier_hashes: dossier_hashes(ctx, client, &filter, dossier).await?,
        source_application: filter.source_application,
        after: query.after,
    };
    let limit = query.limit as usize;
    let (mut rows, first_page) = (
        found(ctx, &wanted, query.limit + 1).await?,
        wanted.after.is_none(),
    );
    if rows.is_empty() && first_page {
        return Err(nothing());
    }
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(place);
    let items = rows.into_iter().map(|row| shown(dossier, row)).collect();
    Ok(Page { items, next })
}

async fn found(ctx: &Context, wanted: &Wanted, limit: u32) -> Result<Vec<iterations::Deposit>> {
    if wanted.dossier_hashes.is_empty() {
        return Ok(Vec::new());
    }
    let wanted = wanted.clone();
    let found = ctx
        .store
        .read(move |tx| iterations::deposits(tx, &wanted, limit));
    found.await
}

fn nothing() -> Fault {
    let detail = "Ce client n'a déposé aucune pièce de ce dossier.";
    Fault::new(Code::NotFound, detail)
}

fn place(row: &iterations::Deposit) -> Place {
    (
        row.project.clone(),
        row.source_application.clone(),
        row.iteration,
    )
}

fn shown(dossier: &str, row: iterations::Deposit) -> Deposit {
    Deposit {
        links: Links {
            pieces: pieces(dossier, &row),
        },
        outcome: Outcome::of_new(row.iteration).as_str(),
        // Without a gap before it, the third deposit is iteration 3.
        earlier_iteration_missing: row.place < row.iteration,
        project: row.project,
        source_application: row.source_application,
        iteration: row.iteration,
        pieces: row.pieces,
        acknowledged: row.acknowledged,
        first_received_at: row.first_at,
        last_received_at: row.last_at,
    }
}

/// The list of the deposit's pieces.
fn pieces(dossier: &str, row: &iterations::Deposit) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("project", &row.project)
        .append_pair("sourceApplication", &row.source_application)
        .append_pair("dossierId", dossier)
        .append_pair("iteration", &row.iteration.to_string())
        .finish();
    format!("/v1/pieces?{query}")
}
