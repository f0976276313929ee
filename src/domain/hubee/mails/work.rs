//! The work of the mails' jobs: reads what there is to tell, sends it, and notes that it was sent.

use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use super::letter::{self, About, Letter};
use crate::{
    domain::{
        Context,
        ged::documents,
        hubee::{
            folder::body::CaseBody,
            subscription::{self, Frequency},
            subscription_standing,
        },
        incidents::{Cause, Code, Herald, clear, unsent::Trouble},
        jobs::{self, End, Kind, MAIL_LANE, Settlement},
        journal::{self, Kind as EntryKind, Subject},
    },
    kernel::fault::Result,
    outbound::smtp::{Mail, Mailer, Refusal},
    storage::{
        Tx,
        exchanges::{self, ExchangeRow},
        hubee::{
            cases::{self, CaseRow},
            mails::{self, Waiting},
            subscriptions::{self, SubscriptionRow},
        },
        jobs::{self as job_rows, JobRow},
        journal::{EntryRow, append},
    },
};

/// How many cases a digest names; the others are counted.
const NAMED: u32 = 100;
/// How many cases of a digest are counted one by one.
const COUNTED: u32 = 10_000;
/// How many subscriptions one transaction looks at.
const PAGE: u32 = 500;

/// Sends the mail about the case that `job` is about. A case that is deleted meanwhile, or whose recipient wants no mails
/// any more, is told to nobody; one whose recipient wants a mail a day by now waits for that.
pub async fn unit(ctx: &Context, herald: &Herald, job: &JobRow) -> Result<Settlement> {
    let done = || Ok(Settlement::bare(End::Done));
    let Some((case, exchange)) = found(ctx, job.subject).await? else {
        return done();
    };
    let (recipient, process) = (case.recipient.clone(), case.process_code.clone());
    let row = ctx
        .store
        .read(move |tx| subscriptions::of(tx, &recipient, &process));
    let row = row.await?;
    let Some((row, frequency)) = row.and_then(|row| frequency(&row).map(|often| (row, often)))
    else {
        return done();
    };
    match frequency {
        Frequency::Unit => {}
        Frequency::Daily => return for_digest(ctx, &row, case.id),
        Frequency::Never => return done(),
    }
    let (Some(mailer), Some(to)) = (herald.hub_mailer(), subscription::address(ctx, &row).await?)
    else {
        return done();
    };
    let external_id = external_id(ctx, &exchange, &case).await?;
    let about = About {
        environment: &ctx.config.gateway.environment,
        process: &case.process_code,
        recipient: &case.recipient,
    };
    let letter = match Kind::parse(&job.kind)? {
        Kind::HubEventMail => letter::event(&about, &external_id),
        _ => letter::new_case(&about, &external_id),
    };
    let detail = json!({ "caseId": case.id, "subscriptionId": row.id });
    let told = told(ctx, &row, Some(&exchange), detail)?;
    let sent = send(ctx, &mailer, &to, &letter, job.id).await;
    settled(ctx, job, row.id, sent, told)
}

/// How often a subscriber is told: not at all where the subscription is not active.
fn frequency(row: &SubscriptionRow) -> Option<Frequency> {
    let often = Frequency::parse(&row.frequency);
    often.filter(|_| row.status == subscription_standing::ACTIVE)
}

/// Keeps for the next digest what was to be told at once.
fn for_digest(ctx: &Context, row: &SubscriptionRow, case: Uuid) -> Result<Settlement> {
    let (id, owner) = (row.id, ctx.owner("navette"));
    let mail = super::row(ctx, case, None, owner, ctx.clock.now())?;
    Ok(Settlement {
        end: End::Done,
        effects: Box::new(move |tx| mails::insert(tx, id, &mail)),
    })
}

/// A subscription that takes a digest, with what there is to tell.
type Due = (SubscriptionRow, Waiting);

/// What a digest has to tell as things are now, and the last of what waits.
fn due(tx: &mut Tx<'_>, id: Uuid) -> Result<Option<(Uuid, Option<Due>)>> {
    let Some(last) = mails::last(tx, id)? else {
        return Ok(None);
    };
    let takes =
        |row: &SubscriptionRow| frequency(row).is_some_and(|often| often != Frequency::Never);
    let Some(row) = subscriptions::find(tx, id)?.filter(takes) else {
        return Ok(Some((last, None)));
    };
    let waiting = mails::waiting(tx, (id, &row.subscriber), last, COUNTED)?;
    let due = (waiting.count > 0).then_some((row, waiting));
    Ok(Some((last, due)))
}

/// Sends the digest of the subscription that `job` is about. Where it takes none any more, what waited is forgotten.
pub async fn digest(ctx: &Context, herald: &Herald, job: &JobRow) -> Result<Settlement> {
    let id = job.subject;
    let Some((last, due)) = ctx.store.read(move |tx| due(tx, id)).await? else {
        return Ok(Settlement::bare(End::Done));
    };
    let to = match &due {
        Some((row, _)) => subscription::address(ctx, row).await?,
        None => None,
    };
    let (Some((row, waiting)), Some(to), Some(mailer)) = (due, to, herald.hub_mailer()) else {
        return Ok(forgotten(id, last));
    };
    let named = names(ctx, &waiting.cases).await?;
    let about = About {
        environment: &ctx.config.gateway.environment,
        process: &row.process_code,
        recipient: &row.subscriber,
    };
    let cases = waiting.cases.len();
    let letter = letter::day(&about, &named, cases, waiting.count);
    let detail = json!({ "subscriptionId": id, "cases": cases, "notifications": waiting.count });
    let entry = told(ctx, &row, None, detail)?;
    let sent = send(ctx, &mailer, &to, &letter, job.id).await;
    let settlement = settled(ctx, job, id, sent, entry)?;
    Ok(match settlement.end {
        End::Done => also_forget(settlement, id, last),
        _ => settlement,
    })
}

/// Queues the digest of every subscription with something to tell; answers how many.
pub async fn queue_digests(ctx: &Context) -> Result<u64> {
    let (mut after, mut queued) = (Uuid::nil(), 0);
    loop {
        let page = ctx
            .store
            .read(move |tx| mails::subscriptions(tx, after, PAGE))
            .await?;
        let Some(last) = page.last() else {
            return Ok(queued);
        };
        after = *last;
        let (now, owner) = (ctx.clock.now(), ctx.owner("navette"));
        let each = page.iter();
        let jobs = each.map(|id| jobs::new(ctx, Kind::HubDigest, MAIL_LANE, *id, &owner, now));
        let jobs = jobs.collect::<Result<Vec<_>>>()?;
        let written = ctx.store.write(move |tx| {
            let mut queued = 0;
            for job in &jobs {
                if !job_rows::waits(tx, job.subject, &job.kind)? {
                    let (sql, values) = job_rows::queue(job, now);
                    queued += tx.execute(sql, &values)?;
                }
            }
            Ok(queued)
        });
        queued += written.await?;
    }
}

/// The external ids of the first of `ids`, as far as their folders are still there.
async fn names(ctx: &Context, ids: &[Uuid]) -> Result<Vec<String>> {
    let mut named = Vec::new();
    for id in ids.iter().take(NAMED as usize) {
        if let Some((case, exchange)) = found(ctx, *id).await? {
            named.push(external_id(ctx, &exchange, &case).await?);
        }
    }
    Ok(named)
}

async fn found(ctx: &Context, id: Uuid) -> Result<Option<(CaseRow, ExchangeRow)>> {
    let found = ctx.store.read(move |tx| {
        let Some(case) = cases::find(tx, id)? else {
            return Ok(None);
        };
        let exchange = exchanges::find(tx, case.folder_id)?;
        Ok(exchange.map(|exchange| (case, exchange)))
    });
    found.await
}

async fn external_id(ctx: &Context, exchange: &ExchangeRow, case: &CaseRow) -> Result<String> {
    let key = documents::exchange_key(ctx, exchange).await?;
    Ok(CaseBody::open(&key, case)?.external_id)
}

async fn send(
    ctx: &Context,
    mailer: &Mailer,
    to: &str,
    letter: &Letter,
    id: Uuid,
) -> Result<(), Refusal> {
    let mail = Mail {
        id,
        at: ctx.clock.now(),
        to,
        subject: &letter.subject,
        text: &letter.text,
    };
    mailer.send(&mail).await
}

/// A mail that left is told by the journal; one that did not is tried again. What one subscriber is refused for good is an incident
/// of his subscription: a mail to another says nothing of it.
fn settled(
    ctx: &Context,
    job: &JobRow,
    subscription: Uuid,
    sent: Result<(), Refusal>,
    told: EntryRow,
) -> Result<Settlement> {
    let cause = |subject: &str| Cause::of_house(ctx, Code::MailFailed, subject);
    let (by_server, by_subscriber) = (cause("hubee"), cause(&format!("hubee:{subscription}")));
    match sent {
        Ok(()) => {
            let gone = [clear(ctx, &by_server)?, clear(ctx, &by_subscriber)?];
            Ok(Settlement {
                end: End::Done,
                effects: Box::new(move |tx| {
                    append(tx, &told)?;
                    gone.iter().try_for_each(|gone| gone.close(tx).map(drop))
                }),
            })
        }
        Err(refusal) => {
            tracing::warn!(job = %job.id, reason = refusal.reason, "a mail to a subscriber was not taken");
            let trouble = Trouble {
                cause: match refusal.permanent {
                    true => by_subscriber,
                    false => by_server,
                },
                why: refusal.reason,
                permanent: refusal.permanent,
                at_least: Duration::ZERO,
            };
            trouble.settlement(ctx, job, Box::new(|_| Ok(())))
        }
    }
}

/// The proof that a subscriber was told: which, never at what address.
fn told(
    ctx: &Context,
    row: &SubscriptionRow,
    exchange: Option<&ExchangeRow>,
    detail: serde_json::Value,
) -> Result<EntryRow> {
    let subject = Subject {
        exchange_id: exchange.map(|exchange| exchange.id),
        project: Some(crate::domain::exchanges::HUB.to_owned()),
        owner: exchange.map_or_else(|| ctx.owner(&row.subscriber), |known| known.owner.clone()),
    };
    journal::entry(
        &ctx.clock,
        &ctx.entropy,
        EntryKind::FolderMailed,
        subject,
        detail,
    )
}

/// Nobody is there to be told: what waited is forgotten.
fn forgotten(id: Uuid, upto: Uuid) -> Settlement {
    also_forget(Settlement::bare(End::Done), id, upto)
}

fn also_forget(settlement: Settlement, id: Uuid, upto: Uuid) -> Settlement {
    let Settlement { end, mut effects } = settlement;
    Settlement {
        end,
        effects: Box::new(move |tx| {
            effects(tx)?;
            mails::told(tx, id, upto)
        }),
    }
}
