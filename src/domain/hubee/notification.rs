//! Notifications: what tells an organisation of a new case, or of an event on one (R33, R40, R41). What is shown stays until
//! its recipient deletes it; whether it was read changes nothing.

use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{Caller, Refusal, Result, forms::date, perimeter, refusal, sight::named};
use crate::{
    domain::{
        Context,
        exchanges::HUB,
        journal::{self, Kind, Subject},
    },
    kernel::fault::Result as Kept,
    storage::{
        Tx,
        exchanges::Owner,
        hubee::notifications::{self, NotificationRow, Shown, Which},
        journal as journal_rows,
    },
};

/// How many notifications a page of the database holds.
const PAGE: u32 = 500;
/// How many are given to who does not say.
pub const DEFAULT: u64 = 25;

/// What a notification tells.
#[derive(Clone, Debug)]
pub struct Notice {
    /// The organisation that it is for.
    pub recipient: String,
    /// The organisation that acted.
    pub transmitter: String,
    /// The code of the process.
    pub process_code: String,
    /// The folder.
    pub folder_id: Uuid,
    /// The case.
    pub case_id: Uuid,
    /// The event, where it is not of a new case.
    pub event_id: Option<Uuid>,
    /// Partner and environment of the folder.
    pub owner: Owner,
}

/// Makes a notification, within the transaction of what it tells.
pub fn notify(tx: &mut Tx<'_>, ctx: &Context, notice: &Notice) -> Kept<NotificationRow> {
    let n = notice.clone();
    let row = NotificationRow {
        id: ctx.entropy.uuid(&ctx.clock)?,
        owner: n.owner,
        recipient: n.recipient,
        transmitter: n.transmitter,
        process_code: n.process_code,
        folder_id: n.folder_id,
        case_id: Some(n.case_id),
        event_id: n.event_id,
        created_at: ctx.clock.now(),
    };
    let (sql, values) = notifications::insert(&row);
    tx.batch(&[(sql, &values)])?;
    Ok(row)
}

/// What a list of notifications is asked for.
#[derive(Clone, Debug)]
pub struct Query {
    /// The most of them.
    pub most: u64,
    /// These processes only; none stands for all.
    pub processes: Vec<String>,
    /// Those of these processes first.
    pub first: Vec<String>,
    /// Whether each tells of its event.
    pub event_details: bool,
}

/// A list that is read page by page, so that its length costs no memory (R40).
pub struct Listing {
    ctx: Context,
    recipient: String,
    parts: Vec<Which>,
    after: Uuid,
    left: u64,
    event_details: bool,
}

impl Listing {
    /// The notifications of the caller's organisation, within its client's processes.
    pub fn open(ctx: &Context, caller: &Caller, query: &Query) -> Self {
        let mut parts = parts(caller.processes(), &query.processes, &query.first);
        // The last is taken first.
        parts.reverse();
        Self {
            ctx: ctx.clone(),
            recipient: caller.organization().to_string(),
            parts,
            after: Uuid::nil(),
            left: query.most,
            event_details: query.event_details,
        }
    }

    /// The next of them, none where there are no more.
    pub async fn next(&mut self) -> Kept<Vec<Json>> {
        while self.left > 0
            && let Some(which) = self.parts.last().cloned()
        {
            // A page is no longer than what is left, so the cast loses nothing.
            let limit = u64::from(PAGE).min(self.left) as u32;
            let (recipient, after) = (self.recipient.clone(), self.after);
            let read = self
                .ctx
                .store
                .read(move |tx| notifications::page(tx, &recipient, &which, after, limit));
            let page = read.await?;
            let count = page.len() as u64;
            self.left -= count.min(self.left);
            match page.last() {
                Some(last) if count == u64::from(limit) => self.after = last.row.id,
                _ => {
                    self.parts.pop();
                    self.after = Uuid::nil();
                }
            }
            if count > 0 {
                return page.iter().map(|shown| self.json(shown)).collect();
            }
        }
        Ok(Vec::new())
    }

    fn json(&self, shown: &Shown) -> Kept<Json> {
        let row = &shown.row;
        let mut json = json!({
            "id": row.id,
            "recipient": named(&row.recipient)?.to_json(),
            "transmitter": named(&row.transmitter)?.to_json(),
            "processCode": row.process_code,
            "caseId": row.case_id,
            "eventId": row.event_id,
            "dateTime": date(row.created_at),
        });
        if self.event_details {
            let event = shown.event.as_ref();
            json["eventActionType"] = event.map(|(action, _)| action.as_str()).into();
            json["eventStatus"] = event.map(|(_, status)| status.as_str()).into();
        }
        Ok(json)
    }
}

/// The lists that are read one after the other: those of priority, then the others.
fn parts(own: Option<&[String]>, asked: &[String], first: &[String]) -> Vec<Which> {
    let allowed = match (own, asked) {
        (None, []) => None,
        (None, asked) => Some(distinct(asked)),
        (Some(own), []) => Some(distinct(own)),
        (Some(own), asked) => Some(distinct(&common(asked, own))),
    };
    let first = distinct(first);
    match (allowed, first.is_empty()) {
        (None, true) => vec![Which::All],
        (None, false) => vec![Which::Of(first.clone()), Which::Except(first)],
        (Some(allowed), true) => vec![Which::Of(allowed)],
        (Some(allowed), false) => {
            let (before, after) = allowed.into_iter().partition(|code| first.contains(code));
            vec![Which::Of(before), Which::Of(after)]
        }
    }
}

fn common(left: &[String], right: &[String]) -> Vec<String> {
    left.iter()
        .filter(|code| right.contains(code))
        .cloned()
        .collect()
}

fn distinct(codes: &[String]) -> Vec<String> {
    let mut codes = codes.to_vec();
    codes.sort_unstable();
    codes.dedup();
    codes
}

/// Deletes a notification for good (R41). Fails with `Notification is not found`, or where it is another's.
pub async fn delete(ctx: &Context, caller: &Caller, id: Uuid) -> Result<()> {
    let (ctx, caller) = (ctx.clone(), caller.clone());
    let store = ctx.store.clone();
    refusal::write(&store, move |tx| {
        let missing = || Refusal::NotFound(refusal::NOTIFICATION);
        let found = notifications::find(tx, id)?.ok_or_else(missing)?;
        perimeter::notification(&caller, &named(&found.recipient)?, &found.process_code)?;
        if !notifications::delete(tx, id)? {
            return Err(missing());
        }
        let detail = json!({ "notificationId": id, "caseId": found.case_id, "eventId": found.event_id,
            "organization": found.recipient });
        let subject = Subject {
            exchange_id: Some(found.folder_id),
            project: Some(HUB.to_owned()),
            owner: found.owner,
        };
        let entry = journal::entry(&ctx.clock, &ctx.entropy, Kind::NotificationDeleted, subject, detail)?;
        Ok(journal_rows::append(tx, &entry)?)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(list: &[&str]) -> Vec<String> {
        list.iter().map(|code| (*code).to_owned()).collect()
    }

    fn told(own: Option<&[&str]>, asked: &[&str], first: &[&str]) -> String {
        let own = own.map(codes);
        format!("{:?}", parts(own.as_deref(), &codes(asked), &codes(first)))
    }

    /// R40: a client sees its own processes only, whatever it asks for, and those of priority first.
    #[test]
    fn a_list_is_narrowed_to_the_clients_processes_and_split_by_priority() {
        assert_eq!(told(None, &[], &[]), "[All]");
        assert_eq!(told(None, &["B", "A", "B"], &[]), r#"[Of(["A", "B"])]"#);
        assert_eq!(told(Some(&["A"]), &["A", "B"], &[]), r#"[Of(["A"])]"#);
        assert_eq!(told(Some(&["A"]), &["B"], &[]), "[Of([])]");
        assert_eq!(told(None, &[], &["A"]), r#"[Of(["A"]), Except(["A"])]"#);
        assert_eq!(
            told(Some(&["A", "B"]), &[], &["B", "C"]),
            r#"[Of(["B"]), Of(["A"])]"#
        );
    }
}
