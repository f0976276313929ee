//! A return that is sent again because a client or an operator asks for it: the same bytes under the same id, marked with the
//! redelivery's own.
//!
//! **The way through.** `Prepared` holds what a transaction writes, drawn before it: the redelivery's row, the journal's
//! entry, the job. A return that is on its way already is left alone. One that was given up is pending again; one that was
//! acknowledged stays so, whatever becomes of its redelivery.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::{
    domain::{
        Context, Operator,
        access::Client,
        ged::documents::{self, Column},
        jobs::{self, Kind},
        journal::{self, Kind as EntryKind, Subject},
        pieces::{content, view},
    },
    kernel::{
        clock::Clock,
        entropy::Entropy,
        fault::{Code, Fault, Result},
    },
    storage::{
        Tx,
        jobs::{self as job_rows, NewJob},
        journal::{EntryRow, append},
        redeliveries::{self, Candidate, RedeliveryRow, Wanted},
        retention, targets,
    },
};

/// How many returns are looked up at once.
const PAGE: u32 = 200;

/// A redelivery that was asked for.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Requested {
    /// Its id: each attempt carries it.
    pub redelivery_id: Uuid,
    /// The return.
    pub return_id: Uuid,
    /// The piece that the return answers.
    pub reconciliation_id: Uuid,
    /// When it was asked for.
    pub requested_at: Timestamp,
}

/// Sends the return of piece `id` again because `client`, who sent the piece, asks for it, and
/// perhaps says why. Fails with `not-found` where there
/// is no such piece or it has no return, with `purged` where the return was destroyed, with `return-pending` where it is on
/// its way already.
pub async fn request(
    ctx: &Context,
    client: &Client,
    id: Uuid,
    reason: Option<String>,
) -> Result<Requested> {
    let exchange = view::exchange(ctx, client, id).await?;
    // What cannot be opened cannot be sent.
    let key = documents::exchange_key(ctx, &exchange).await?;
    let found = ctx
        .store
        .read(move |tx| redeliveries::of_exchange(tx, id))
        .await?;
    let candidate = content::or_gone(ctx, id, found.ok_or_else(no_return)).await?;
    // The client's free text, and none of the journal's business.
    let seal =
        |text: String| documents::seal_bytes(ctx, &key, Column::RedeliveryReason, text.as_bytes());
    let sealed = reason.map(seal).transpose()?;
    let who = Who {
        detail: json!({ "requestedBy": client.client_id, "reasonGiven": sealed.is_some() }),
        name: client.client_id.clone(),
    };
    let mut prepared = Prepared::new(&ctx.clock, &ctx.entropy, candidate, who)?;
    prepared.row.reason = sealed.map(|sealed| (exchange.key_id, sealed));
    let requested = prepared.requested();
    match ctx.store.write(move |tx| prepared.write(tx)).await? {
        true => {
            ctx.bell.notify_one();
            Ok(requested)
        }
        // Or it was purged meanwhile.
        false => content::or_gone(ctx, id, Err(on_its_way())).await,
    }
}

fn no_return() -> Fault {
    let detail = "Le retour de cette pièce n'existe pas encore.";
    Fault::new(Code::NotFound, detail)
}

fn on_its_way() -> Fault {
    let detail = "Le retour est déjà en cours de livraison : il n'y a rien à demander.";
    Fault::new(Code::ReturnPending, detail)
}

/// Which returns an operator has sent again.
#[derive(Clone, Debug)]
pub struct Selection {
    /// The project.
    pub project: String,
    /// Made at or after.
    pub since: Timestamp,
    /// Made before.
    pub until: Option<Timestamp>,
    /// `delivered` or `undelivered`; either where it is empty.
    pub state: String,
}

impl Operator {
    /// Sends the return of one piece again. Fails with `not-found` where it has none, with `usage` where the return is on its
    /// way already.
    pub async fn redeliver(&self, exchange: Uuid) -> Result<Requested> {
        let found = self
            .store
            .read(move |tx| redeliveries::of_exchange(tx, exchange))
            .await?;
        let found = found.ok_or_else(|| {
            let detail = format!("piece {exchange} has no return that is kept");
            Fault::new(Code::NotFound, detail)
        })?;
        let requested = self.ask_again(found).await?;
        requested.ok_or_else(|| {
            let detail = format!("the return of piece {exchange} is on its way already");
            Fault::new(Code::Usage, detail)
        })
    }

    /// Sends every return of the selection again; those on their way already are left alone. `only_look` changes nothing.
    pub async fn redeliver_all(
        &self,
        selection: &Selection,
        only_look: bool,
    ) -> Result<Vec<Requested>> {
        let until = selection.until.unwrap_or_else(|| self.clock.now());
        let mut wanted = Wanted {
            project: selection.project.clone(),
            state: selection.state.clone(),
            after: retention::first_id(selection.since)?,
            before: retention::first_id(until)?,
        };
        let mut requested = Vec::new();
        loop {
            let asked = wanted.clone();
            let page = self
                .store
                .read(move |tx| redeliveries::candidates(tx, &asked, PAGE))
                .await?;
            let Some(last) = page.last() else {
                return Ok(requested);
            };
            wanted.after = last.return_id;
            for candidate in page {
                match only_look {
                    true => requested.push(self.prepared(candidate)?.requested()),
                    false => requested.extend(self.ask_again(candidate).await?),
                }
            }
        }
    }

    async fn ask_again(&self, candidate: Candidate) -> Result<Option<Requested>> {
        let prepared = self.prepared(candidate)?;
        let requested = prepared.requested();
        let written = self.store.write(move |tx| prepared.write(tx)).await?;
        Ok(written.then_some(requested))
    }

    fn prepared(&self, candidate: Candidate) -> Result<Prepared> {
        let who = Who {
            detail: json!({ "requestedBy": self.name, "reason": self.reason }),
            name: self.name.clone(),
        };
        Prepared::new(&self.clock, &self.entropy, candidate, who)
    }
}

/// Who asks, and what the journal keeps of it.
struct Who {
    name: String,
    detail: Json,
}

/// A redelivery, ready to be written.
struct Prepared {
    row: RedeliveryRow,
    entry: EntryRow,
    job: NewJob,
}

impl Prepared {
    fn new(clock: &Clock, entropy: &Entropy, of: Candidate, who: Who) -> Result<Self> {
        let (id, now) = (entropy.uuid(clock)?, clock.now());
        let mut detail = who.detail;
        detail["returnId"] = json!(of.return_id);
        detail["redeliveryId"] = json!(id);
        detail["state"] = json!(of.state);
        let subject = Subject {
            exchange_id: Some(of.exchange_id),
            project: Some(of.project.clone()),
            owner: of.owner.clone(),
        };
        // By the way that it left before.
        let (kind, lane) = match &of.depot {
            Some(depot) => (Kind::SendReturn, jobs::depot_lane(depot)),
            None => (Kind::Deliver, jobs::delivery_lane(&of.project)),
        };
        Ok(Self {
            entry: journal::entry(
                clock,
                entropy,
                EntryKind::RedeliveryRequested,
                subject,
                detail,
            )?,
            job: NewJob {
                id: entropy.uuid(clock)?,
                kind: kind.as_str().to_owned(),
                lane,
                subject: of.return_id,
                owner: of.owner.clone(),
                run_at: now,
            },
            row: RedeliveryRow {
                id,
                return_id: of.return_id,
                exchange_id: of.exchange_id,
                owner: of.owner,
                project: of.project,
                requested_at: now,
                requested_by: who.name,
                reason: None,
            },
        })
    }

    fn requested(&self) -> Requested {
        Requested {
            redelivery_id: self.row.id,
            return_id: self.row.return_id,
            reconciliation_id: self.row.exchange_id,
            requested_at: self.row.requested_at,
        }
    }

    /// Writes it; `false`, and nothing, where the return is on its way already.
    fn write(&self, tx: &mut Tx<'_>) -> Result<bool> {
        if !redeliveries::begin(tx, &self.row)? {
            return Ok(false);
        }
        let (sql, values) = job_rows::queue(&self.job, self.row.requested_at);
        tx.execute(sql, &values)?;
        targets::probe_now(tx, &self.row.project, self.row.requested_at)?;
        append(tx, &self.entry)?;
        Ok(true)
    }
}
