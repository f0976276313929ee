//! Conformity (TRC-3): before a return leaves, by whatever channel, it is held to the schema that was agreed with its project.
//! What does not conform does not leave: its exchange is `nonconforming`, an incident opens, and the job that made it waits
//! for an operator, who has it tried again once schema or processing are mended.
//!
//! The schema is put to the whole return of a piece, and to each piece of an archive's return. What is told of a return that
//! does not conform are places in the schema, never in the document: they hold nothing personal.

use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::ending::subject;
use crate::{
    config::Project,
    domain::{
        Context,
        exchanges::Status,
        incidents::{self, Cause, Clearing, Code as Anomaly},
        jobs::{End, Settlement},
        journal::{self, Kind},
    },
    kernel::{
        digest::{Sha256, hex},
        fault::{Fault, Result},
        schema::Schema,
    },
    storage::{
        exchanges::{self, ExchangeRow},
        journal as journal_rows,
    },
};

/// Why a job that made a return which does not conform is given up.
pub const HELD: &str = "return-nonconforming";
/// Why one that made a return which no channel takes is given up.
pub const TOO_LARGE: &str = "return-too-large";
/// How many unmet demands are told.
const TOLD: usize = 20;

/// What is wrong with a return.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nonconformity {
    /// The digest of the schema.
    pub schema: Sha256,
    /// The places in the schema whose demands are not met, each once, 20 at most.
    pub places: Vec<String>,
    /// How many pieces do not conform, and the first of them by their place in the archive, from 1.
    pub pieces: Option<(u64, u64)>,
}

impl Nonconformity {
    /// Its particulars, for the journal and the incident.
    pub fn detail(&self) -> Json {
        let mut detail = json!({ "schemaSha256": hex(&self.schema), "unmet": self.places });
        if let Some((count, first)) = self.pieces {
            detail["pieces"] = json!({ "count": count, "first": first });
        }
        detail
    }

    /// Adds places that are not told yet, as long as there is room.
    pub fn tell(&mut self, places: Vec<String>) {
        for place in places {
            if self.places.len() < TOLD && !self.places.contains(&place) {
                self.places.push(place);
            }
        }
    }
}

/// What keeps the return whose bytes are `body` from leaving, where anything does.
pub fn of_return(project: &Project, body: &[u8]) -> Result<Option<Nonconformity>> {
    let Some(schema) = &project.result_schema else {
        return Ok(None);
    };
    let document: Json = serde_json::from_slice(body).map_err(Fault::internal)?;
    Ok(of_document(schema, &document))
}

/// The same for a document that is at hand.
pub fn of_document(schema: &Schema, document: &Json) -> Option<Nonconformity> {
    let places = schema.unmet(document, TOLD);
    let mut found = Nonconformity {
        schema: schema.sha256(),
        ..Nonconformity::default()
    };
    let any = !places.is_empty();
    found.tell(places);
    any.then_some(found)
}

/// Holds an exchange whose return does not conform: nothing of the return is kept, the job stays for an operator.
pub fn held(ctx: &Context, exchange: &ExchangeRow, found: &Nonconformity) -> Result<Settlement> {
    hold(
        ctx,
        exchange,
        Anomaly::ReturnNonconforming,
        HELD,
        found.detail(),
    )
}

/// Holds an exchange whose return has more than the `limit` of bytes of the only channel that its project has.
pub fn too_large(ctx: &Context, exchange: &ExchangeRow, limit: u64) -> Result<Settlement> {
    let detail = json!({ "limitBytes": limit });
    hold(ctx, exchange, Anomaly::ReturnTooLarge, TOO_LARGE, detail)
}

fn hold(
    ctx: &Context,
    exchange: &ExchangeRow,
    anomaly: Anomaly,
    why: &'static str,
    detail: Json,
) -> Result<Settlement> {
    let id = exchange.id;
    tracing::warn!(reconciliation_id = %id, why, %detail, "a return is held");
    let subject = subject(exchange);
    let entry = journal::entry(
        &ctx.clock,
        &ctx.entropy,
        Kind::ReturnHeld,
        subject,
        detail.clone(),
    )?;
    let cause = Cause::of_exchange(anomaly, exchange);
    let ticket = incidents::prepare(ctx, cause, detail)?;
    Ok(Settlement {
        end: End::Fail {
            why: why.to_owned(),
        },
        effects: Box::new(move |tx| {
            exchanges::set_status(tx, id, Status::Nonconforming.as_str())?;
            journal_rows::append(tx, &entry)?;
            ticket.open(tx).map(drop)
        }),
    })
}

/// The end of the incidents of an exchange that was held and is not any more.
pub fn released(ctx: &Context, exchange: &ExchangeRow) -> Result<Vec<Clearing>> {
    if exchange.status != Status::Nonconforming.as_str() {
        return Ok(Vec::new());
    }
    let held = [Anomaly::ReturnNonconforming, Anomaly::ReturnTooLarge].into_iter();
    held.map(|anomaly| incidents::clear(ctx, &Cause::of_exchange(anomaly, exchange)))
        .collect()
}

/// Removes the blobs of produced files that no row will name, since their return was not kept. One that the disk does not give
/// up is swept later.
pub async fn discard(ctx: &Context, blobs: Vec<Uuid>) {
    if blobs.is_empty() {
        return;
    }
    if let Err(fault) = ctx.vault.remove_all(blobs).await {
        tracing::warn!(%fault, "files of a return that is held stay until they are swept");
    }
}
