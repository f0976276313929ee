//! A partner's word on a return that was left on a depot: read, verified where he signs, kept, and the exchange acknowledged;
//! or, where he says that he does not take it, the return given up and an incident opened.
//!
//! A word is JSON where its file's name or its first character says so, and then has to be read: an `outcome` that is none of
//! those known here is neither yes nor no. A file of another kind counts by its name, which the flow's pattern gives it.
//!
//! The first word stays. Another one after it changes nothing.

use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::{
    domain::{
        Context,
        exchanges::{ReturnState, Status},
        ged::documents::{self, Column},
        incidents::{self, Cause, Clearing, Code as Anomaly, Ticket, trouble},
        journal::{self, Kind},
        returns::{ending::subject, told::Told},
    },
    kernel::{
        digest::{Sha256, hex, sha256},
        failpoint,
        fault::Result,
        secret::Key,
    },
    storage::{
        Tx,
        acknowledgments::{self, AcknowledgmentRow},
        exchanges::{self, ExchangeRow},
        journal::{self as journal_rows, EntryRow},
        redeliveries, return_files,
        returns::{self, ReturnRow},
    },
};

/// The longest word that is kept, in bytes.
pub const LONGEST: u64 = 64 * 1024;
/// The words by which a partner says that he has a return, beside saying nothing of it. Whatever their case, as the others.
const ACCEPTANCES: [&str; 6] = [
    "accepted",
    "acknowledged",
    "received",
    "delivered",
    "ok",
    // As our own receipts say it of an archive that was taken with pieces refused.
    "partial",
];
/// The words by which a partner says that he does not take a return.
const REFUSALS: [&str; 3] = ["rejected", "refused", "failed"];
/// The most characters of the partner's own id of it.
const REFERENCE: usize = 128;

/// What proves that a partner has a return.
#[derive(Clone, Debug, Default)]
pub struct Proof {
    /// What he wrote.
    pub body: Vec<u8>,
    /// His detached signature.
    pub signature: Option<Vec<u8>>,
    /// The digest of the certificate that signed.
    pub signer: Option<Sha256>,
    /// What else is known of it, for the journal: ids and codes only.
    pub detail: Json,
}

impl Proof {
    /// One without a word of the partner's own.
    pub fn bare(detail: Json) -> Self {
        Self {
            detail,
            ..Self::default()
        }
    }

    /// The word, without the mark that some editors begin a text with.
    fn text(&self) -> &[u8] {
        let text = self.body.strip_prefix(b"\xEF\xBB\xBF");
        text.unwrap_or(&self.body).trim_ascii()
    }

    /// The word as JSON, where it is.
    fn said(&self) -> Json {
        serde_json::from_slice(self.text()).unwrap_or(Json::Null)
    }

    /// Why it cannot be a word on the return `id`, where it cannot; `name` is its file's.
    pub fn unfit(&self, id: Uuid, name: &str) -> Option<&'static str> {
        let is_json = name.to_ascii_lowercase().ends_with(".json") || self.text().starts_with(b"{");
        if !is_json {
            return None;
        }
        let said = self.said();
        let is_ours = match &said["returnId"] {
            Json::Null => true,
            Json::String(named) => named.parse() == Ok(id),
            _ => false,
        };
        match Outcome::of(&said) {
            _ if !said.is_object() => Some("not-json"),
            _ if !is_ours => Some("other-return"),
            Outcome::Unknown => Some("unknown-outcome"),
            Outcome::Yes | Outcome::No => None,
        }
    }

    fn is_refusal(&self) -> bool {
        Outcome::of(&self.said()) == Outcome::No
    }

    fn reference(&self) -> Option<String> {
        let said = self.said();
        let reference = said["acknowledgmentId"].as_str()?;
        let fits = (1..=REFERENCE).contains(&reference.chars().count())
            && !reference.chars().any(char::is_control);
        fits.then(|| reference.to_owned())
    }
}

/// What a word says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Yes,
    No,
    Unknown,
}

impl Outcome {
    fn of(said: &Json) -> Self {
        let word = match &said["outcome"] {
            Json::Null => return Self::Yes,
            Json::String(word) => word.trim().to_ascii_lowercase(),
            _ => return Self::Unknown,
        };
        match word.as_str() {
            word if ACCEPTANCES.contains(&word) => Self::Yes,
            word if REFUSALS.contains(&word) => Self::No,
            _ => Self::Unknown,
        }
    }
}

/// An acknowledgment, or a refusal, ready to be written.
pub struct Acknowledging {
    exchange: Uuid,
    row: AcknowledgmentRow,
    entry: EntryRow,
    over: Vec<Clearing>,
    /// The incident of a refusal.
    refused: Option<Ticket>,
}

impl Acknowledging {
    /// Makes ready what `proof` says of the return `row` of `exchange`, sealed under the exchange's key.
    pub fn new(
        ctx: &Context,
        key: &Key,
        exchange: &ExchangeRow,
        row: &ReturnRow,
        proof: Proof,
    ) -> Result<Self> {
        let refusal = proof.is_refusal();
        let detail = json!({
            "returnId": row.id, "channel": "depot", "bodySha256": hex(&sha256(&proof.body)),
            "signerSha256": proof.signer.map(|digest| hex(&digest)), "by": proof.detail,
        });
        let kind = match refusal {
            true => Kind::ReturnUndelivered,
            false => Kind::ReturnAcknowledged,
        };
        let entry = journal::entry(
            &ctx.clock,
            &ctx.entropy,
            kind,
            subject(exchange),
            detail.clone(),
        )?;
        let cause = Cause::of_exchange(Anomaly::ReturnRefused, exchange);
        let refused = refusal.then(|| incidents::prepare(ctx, cause, detail));
        Ok(Self {
            exchange: exchange.id,
            entry,
            over: over(ctx, exchange, refusal)?,
            refused: refused.transpose()?,
            row: kept(ctx, key, row, &proof)?,
        })
    }

    /// Writes it; `false`, and nothing, where the return was acknowledged or refused before.
    pub fn write(&self, tx: &mut Tx<'_>) -> Result<bool> {
        let (id, now) = (self.row.return_id, self.row.at);
        let (state, status) = match self.refused {
            Some(_) => (ReturnState::Undelivered, Status::Undelivered),
            None => (ReturnState::Delivered, Status::Acknowledged),
        };
        let Some(before) = returns::find(tx, id)? else {
            return Ok(false);
        };
        let at = self.refused.is_none().then_some(now);
        if !returns::answered(tx, id, state.as_str(), at)? {
            return Ok(false);
        }
        if self.refused.is_none() {
            acknowledgments::insert(tx, &self.row)?;
        }
        exchanges::set_status(tx, self.exchange, status.as_str())?;
        return_files::settled(tx, id)?;
        if let Some(redelivery) = before.redelivery_id {
            redeliveries::settle(tx, redelivery, state.as_str(), now)?;
        }
        journal_rows::append(tx, &self.entry)?;
        self.over
            .iter()
            .try_for_each(|over| over.close(tx).map(drop))?;
        if let Some(ticket) = &self.refused {
            ticket.open(tx)?;
        }
        Ok(true)
    }
}

fn kept(ctx: &Context, key: &Key, row: &ReturnRow, proof: &Proof) -> Result<AcknowledgmentRow> {
    let seal = |column, bytes: &[u8]| documents::seal_bytes(ctx, key, column, bytes);
    let signature = proof.signature.as_deref();
    let signature = signature.map(|bytes| seal(Column::AcknowledgmentSignature, bytes));
    let told = Told {
        headers: Vec::new(),
        reference: proof.reference(),
    };
    Ok(AcknowledgmentRow {
        return_id: row.id,
        owner: row.owner.clone(),
        at: ctx.clock.now(),
        http_status: 0,
        headers: Json::Array(Vec::new()),
        key_id: row.key_id,
        body: seal(Column::Acknowledgment, &proof.body)?,
        peer_sha256: proof.signer,
        partner_reference: None,
        signature: signature.transpose()?,
        told: Some(told.sealed(ctx, key)?),
    })
}

/// The incidents that end with an acknowledgment.
fn over(ctx: &Context, exchange: &ExchangeRow, refusal: bool) -> Result<Vec<Clearing>> {
    let mut codes = vec![Anomaly::ReturnUnacknowledged];
    if !refusal {
        codes.extend([Anomaly::Undelivered, Anomaly::ReturnRefused]);
    }
    let causes = codes
        .into_iter()
        .map(|code| Cause::of_exchange(code, exchange));
    causes.map(|cause| incidents::clear(ctx, &cause)).collect()
}

/// What was said of a return, written at once: for whoever is told of it by other means than a file, such as a transfer
/// monitor. `false` where it was acknowledged or refused before, or there is no such return.
pub async fn take(ctx: &Context, return_id: Uuid, proof: Proof) -> Result<bool> {
    let found = ctx.store.read(move |tx| {
        let Some(row) = returns::find(tx, return_id)? else {
            return Ok(None);
        };
        let exchange = exchanges::find(tx, row.exchange_id)?;
        Ok(exchange.map(|exchange| (row, exchange)))
    });
    let Some((row, exchange)) = found.await? else {
        return Ok(false);
    };
    if row.acknowledged_at.is_some() || exchange.status == Status::Purged.as_str() {
        return Ok(false);
    }
    let key = documents::exchange_key(ctx, &exchange).await?;
    let mut made = Acknowledging::new(ctx, &key, &exchange, &row, proof)?;
    made.over
        .extend(trouble::of_dropped_delivery(ctx, &exchange).await?);
    failpoint::hit("acknowledgment.before-commit");
    let kept = ctx.store.write(move |tx| made.write(tx)).await?;
    failpoint::hit("acknowledgment.after-commit");
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01a1ffe0-5902-7e5a-b1c6-3a9d4e8f7c43";

    fn proof(body: &[u8]) -> Proof {
        Proof {
            body: body.to_vec(),
            ..Proof::default()
        }
    }

    #[track_caller]
    fn unfit(body: &str, name: &str) -> Option<&'static str> {
        proof(body.as_bytes()).unfit(ID.parse().unwrap(), name)
    }

    #[test]
    fn a_word_in_json_is_read_or_it_is_none() {
        let ours = format!("{{\"returnId\": \"{ID}\", \"outcome\": \"Accepted\"}}");
        for body in [
            "{}",
            "\u{feff} {\"outcome\": null}\r\n",
            "{\"outcome\": \"REJECTED\"}",
            &ours,
        ] {
            assert_eq!(unfit(body, "LOT.ack.JSON"), None, "{body}");
        }
        for body in [
            "",
            "\u{feff}",
            "<ar>non</ar>",
            "[]",
            "null",
            "{\"outcome\": \"rej",
        ] {
            assert_eq!(unfit(body, "LOT.ack.json"), Some("not-json"), "{body}");
        }
        for body in ["{\"outcome\": \"peut-\u{ea}tre\"}", "{\"outcome\": false}"] {
            assert_eq!(
                unfit(body, "LOT.ack.json"),
                Some("unknown-outcome"),
                "{body}"
            );
        }
        for named in ["\"01a1ffe0-5902-7e5a-b1c6-3a9d4e8f7c44\"", "7"] {
            let body = format!("{{\"returnId\": {named}}}");
            assert_eq!(unfit(&body, "LOT.ack.json"), Some("other-return"), "{body}");
        }
    }

    #[test]
    fn a_file_of_another_kind_counts_by_its_name_unless_it_begins_json() {
        for body in ["", "<ar/>", "bien re\u{e7}u"] {
            assert_eq!(unfit(body, "LOT.zip.ok"), None, "{body}");
        }
        assert_eq!(unfit(" {\"outcome\"", "LOT.zip.ok"), Some("not-json"));
    }

    #[test]
    fn a_refusal_is_one_whatever_its_case_and_what_comes_before_it() {
        for body in [
            "{\"outcome\": \"Rejected\"}",
            "\u{feff}{\"outcome\": \" REFUSED \"}",
        ] {
            assert!(proof(body.as_bytes()).is_refusal(), "{body}");
        }
        for body in ["", "{}", "{\"outcome\": \"OK\"}"] {
            assert!(!proof(body.as_bytes()).is_refusal(), "{body}");
        }
    }
}
