//! The portal keeps copies of attachments of its own, and purges them when their cases have reached the status for that (R25):
//! it asks which, and says which are gone.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use crate::{
    domain::{
        Context,
        exchanges::HUB,
        hubee::{Caller, Document, Result, Scope, refusal, sight},
        journal::{self, Kind, Subject},
    },
    kernel::fault::Result as Kept,
    storage::{
        Tx,
        hubee::{
            cases,
            links::{self, Pair, Whose},
        },
        journal as journal_rows,
    },
};

/// How many pairs a page holds, and how many one transaction marks.
const PAGE: u32 = 1000;
/// The most pairs that are marked at once: more than a body may hold, so that none that is sound is refused.
const PAIRS: usize = 40_000;

/// The pairs that the portal has yet to purge, read page by page.
pub struct Listing {
    ctx: Context,
    whose: Whose,
    after: Option<Pair>,
}

impl Listing {
    /// Those of the cases that the caller may see.
    pub fn open(ctx: &Context, caller: &Caller) -> Self {
        let organization = caller.organization().to_string();
        let whose = match caller.scope() {
            Scope::Admin => Whose::Everybody,
            Scope::Osl => Whose::Osl(organization),
            _ => Whose::Recipient(organization, caller.processes().map(<[_]>::to_vec)),
        };
        Self {
            ctx: ctx.clone(),
            whose,
            after: Some(Pair::FIRST),
        }
    }

    /// The next of them, none where there are no more.
    pub async fn next(&mut self) -> Kept<Vec<Json>> {
        let Some(after) = self.after.take() else {
            return Ok(Vec::new());
        };
        let whose = self.whose.clone();
        let read = self
            .ctx
            .store
            .read(move |tx| links::for_portal(tx, &whose, after, PAGE));
        let page = read.await?;
        if page.len() == PAGE as usize {
            self.after = page.last().copied();
        }
        let pairs = page.iter();
        let json = pairs.map(
            |pair| json!({ "folder_attachment_id": pair.attachment_id, "case_id": pair.case_id }),
        );
        Ok(json.collect())
    }
}

/// Marks the pairs of `document` as purged by the portal. A pair that there is not, or that is not to go, is passed over: what
/// the portal has purged may be deleted here. Fails where a case is others', and marks none then, however many parts they make.
///
/// There are as many as the body may hold, some tens of thousands; where this ends early, the portal's list still has the rest.
pub async fn purged(ctx: &Context, caller: &Caller, document: Document) -> Result<()> {
    let pairs = read(&document);
    document.done()?;
    for part in pairs.chunks(PAGE as usize) {
        let (who, part) = (caller.clone(), part.to_vec());
        refusal::read(&ctx.store, move |tx| permit(tx, &who, &part)).await?;
    }
    for part in pairs.chunks(PAGE as usize) {
        let (unit, who, part) = (ctx.clone(), caller.clone(), part.to_vec());
        refusal::write(&ctx.store, move |tx| mark(tx, &unit, &who, &part)).await?;
    }
    Ok(())
}

/// In the order of their cases, so that two who mark at once wait for each other, and never both.
fn read(document: &Document) -> Vec<Pair> {
    let objects = document.objects(PAIRS);
    let pairs = objects.iter().map(|object| Pair {
        attachment_id: object.required_uuid("folder_attachment_id"),
        case_id: object.required_uuid("case_id"),
    });
    let pairs: BTreeSet<Pair> = pairs.collect();
    pairs.into_iter().collect()
}

/// Refuses where one of the cases is others'.
fn permit(tx: &mut Tx<'_>, caller: &Caller, pairs: &[Pair]) -> Result<()> {
    let ids: BTreeSet<_> = pairs.iter().map(|pair| pair.case_id).collect();
    for id in ids {
        if let Some(case) = cases::find(tx, id)? {
            sight::permit(caller, &case)?;
        }
    }
    Ok(())
}

fn mark(tx: &mut Tx<'_>, ctx: &Context, caller: &Caller, pairs: &[Pair]) -> Result<()> {
    let ids: BTreeSet<_> = pairs.iter().map(|pair| pair.case_id).collect();
    let mut known = BTreeSet::new();
    for id in ids {
        if let Some(case) = cases::lock(tx, id)? {
            sight::permit(caller, &case)?;
            known.insert(id);
        }
    }
    let mut marked = 0_u64;
    for pair in pairs.iter().filter(|pair| known.contains(&pair.case_id)) {
        marked += links::purged(tx, *pair)?;
    }
    for id in known {
        cases::set_portal(tx, id, true)?;
    }
    match marked {
        0 => Ok(()),
        _ => Ok(note(tx, ctx, caller, marked)?),
    }
}

fn note(tx: &mut Tx<'_>, ctx: &Context, caller: &Caller, marked: u64) -> Kept<()> {
    let organization = caller.organization().to_string();
    let subject = Subject {
        exchange_id: None,
        project: Some(HUB.to_owned()),
        owner: ctx.owner(&organization),
    };
    let detail = json!({ "organization": organization, "pairs": marked });
    let entry = journal::entry(
        &ctx.clock,
        &ctx.entropy,
        Kind::PortalPurged,
        subject,
        detail,
    )?;
    journal_rows::append(tx, &entry)
}
