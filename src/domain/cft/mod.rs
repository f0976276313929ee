//! Transfers of Axway's Transfer CFT, from the first word about each to the last (TRC-1).
//!
//! A transfer is noted in the transaction that records what it carries ([`prepare`], [`Note::write`]): an archive that was
//! taken, a receipt or a return that was handed to the monitor. What became of one that leaves is told by the monitor's own
//! procedures ([`told`], behind `navette cft sent|failed|acknowledged`): sent, its file leaves the work folder; failed, an
//! incident is open until it is sent after all; acknowledged, the partner's application has taken it.
//!
//! The procedure may be faster than we: what nobody noted yet is known by its sidecar in the work folder, and noted then.

mod told;

use serde_json::json;
use uuid::Uuid;

pub use told::{Told, told};

use crate::{
    domain::{
        Context,
        exchanges::status::words,
        journal::{self, Kind, Subject},
    },
    kernel::fault::{Fault, Result},
    storage::{
        Tx,
        cft::{self, TransferRow},
        exchanges::Owner,
        journal::{EntryRow, append},
    },
};

words! {
    /// Where a transfer stands.
    State {
        /// What came was taken.
        Received = "received",
        /// The monitor has taken the request to send.
        Submitted = "submitted",
        /// It was sent: the partner's monitor has the file.
        Sent = "sent",
        /// The partner's application has acknowledged it.
        Acknowledged = "acknowledged",
        /// The monitor gave it up.
        Failed = "failed",
    }
}

/// Which way a transfer goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To us.
    In,
    /// To the partner.
    Out,
}

impl Way {
    fn as_str(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
        }
    }
}

/// A transfer that is to be noted.
#[derive(Clone)]
pub struct Note {
    row: TransferRow,
    entry: EntryRow,
}

/// Makes the note of a transfer that carries something of an exchange, from what the transport knows of it
/// ([`Session::about`](crate::transport::Session::about)); `None` where that is nothing: other transports know nothing.
pub fn prepare(
    ctx: &Context,
    depot: &str,
    way: Way,
    about: &[(String, String)],
    exchange: Option<Uuid>,
) -> Result<Option<Note>> {
    if about.is_empty() {
        return Ok(None);
    }
    let known = |name: &str| {
        let found = about.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone())
    };
    let state = match way {
        Way::In => State::Received,
        Way::Out => State::Submitted,
    };
    let now = ctx.clock.now();
    let row = TransferRow {
        id: ctx.entropy.uuid(&ctx.clock)?,
        environment: ctx.config.gateway.environment.clone(),
        depot: depot.to_owned(),
        direction: way.as_str().to_owned(),
        part: known("part").unwrap_or_default(),
        idf: known("idf").unwrap_or_default(),
        idtu: known("idtu"),
        ida: known("ida"),
        exchange_id: exchange,
        state: state.as_str().to_owned(),
        cause: None,
        created_at: now,
        updated_at: now,
    };
    let entry = entry(ctx, state, &row)?;
    Ok(Some(Note { row, entry }))
}

impl Note {
    /// Writes it, in the transaction of what the transfer carries. Where the monitor was faster, what it told stays; where it
    /// had given the file up under another id of its own, the file was handed over again.
    pub fn write(&self, tx: &mut Tx<'_>) -> Result<()> {
        let row = &self.row;
        let earlier = match &row.ida {
            Some(ida) => cft::of_ida(tx, &row.depot, ida)?,
            None => None,
        };
        match earlier {
            Some(earlier) => {
                cft::attach(tx, earlier.id, row.exchange_id, row.idtu.as_deref())?;
                match self.is_again(&earlier) {
                    true => self.again(tx, &earlier),
                    false => Ok(()),
                }
            }
            None => {
                cft::insert(tx, row)?;
                append(tx, &self.entry)
            }
        }
    }
}

impl Note {
    fn is_again(&self, earlier: &TransferRow) -> bool {
        let has_failed = earlier.state == State::Failed.as_str();
        has_failed && self.row.idtu.is_some() && self.row.idtu != earlier.idtu
    }

    fn again(&self, tx: &mut Tx<'_>, earlier: &TransferRow) -> Result<()> {
        let row = &self.row;
        let (idtu, at) = (row.idtu.as_deref(), row.updated_at);
        cft::change(tx, earlier.id, &row.state, None, idtu, at)?;
        // The transfer keeps the id that it has.
        let (made, kept) = (row.id.to_string(), earlier.id.to_string());
        let mut entry = self.entry.clone();
        entry.detail = entry.detail.replace(&made, &kept);
        append(tx, &entry)
    }
}

/// The project whose flow has this partner and model.
fn project(ctx: &Context, row: &TransferRow) -> Option<String> {
    let depot = ctx.config.depots.get(&row.depot)?;
    let of = |name: &Option<String>, word: &str| name.as_deref() == Some(word);
    let flow = depot
        .flows
        .iter()
        .find(|flow| of(&flow.part, &row.part) && of(&flow.idf, &row.idf))
        .or(depot.flows.iter().find(|flow| of(&flow.part, &row.part)));
    flow.map(|flow| flow.project.clone())
}

/// The depot's partner; the depot's own name where its settings are gone.
fn owner(ctx: &Context, row: &TransferRow) -> Owner {
    let depot = ctx.config.depots.get(&row.depot);
    ctx.owner(depot.map_or(&row.depot, |depot| &depot.partner))
}

fn entry(ctx: &Context, state: State, row: &TransferRow) -> Result<EntryRow> {
    let kind = match state {
        State::Received => Kind::TransferReceived,
        State::Submitted => Kind::TransferSubmitted,
        State::Sent => Kind::TransferSent,
        State::Acknowledged => Kind::TransferAcknowledged,
        State::Failed => Kind::TransferFailed,
    };
    let subject = Subject {
        exchange_id: row.exchange_id,
        project: project(ctx, row),
        owner: owner(ctx, row),
    };
    let detail = json!({
        "transferId": row.id, "depot": row.depot, "part": row.part, "idf": row.idf, "idtu": row.idtu, "ida": row.ida,
        "cause": row.cause,
    });
    journal::entry(&ctx.clock, &ctx.entropy, kind, subject, detail)
}
