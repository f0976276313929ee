//! What subscribers are told of by mail: who wants it, and what their next digest says.

use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    kernel::fault::Result,
    params, statements,
    storage::{engine::Tx, exchanges::Owner},
};

/// A row of `hub_mail`: a case that the next digest of a subscription tells of.
#[derive(Clone, Debug)]
pub struct MailRow {
    /// Its id.
    pub id: Uuid,
    /// The case.
    pub case_id: Uuid,
    /// The event, where it is about one.
    pub event_id: Option<Uuid>,
    /// Partner and environment.
    pub owner: Owner,
    /// When.
    pub created_at: Timestamp,
}

/// What a digest has to tell of the cases that are its subscriber's.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// How many things happened.
    pub count: u64,
    /// To which cases, in the order in which they first did.
    pub cases: Vec<Uuid>,
}

/// A subscription that cases leave, and the one that their new recipient has to the same process, if it is active.
#[derive(Clone, Debug)]
pub struct Heir {
    /// The one that they leave.
    pub from: Uuid,
    /// The other, and its frequency as written.
    pub to: Option<(Uuid, String)>,
}

statements! {
    WANTED = "SELECT id, frequency FROM hub_subscription WHERE subscriber = $1 AND process_code = $2 AND status = 'Actif'";
    INSERT = "INSERT INTO hub_mail (id, subscription_id, case_id, event_id, partner, environment, created_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    SUBSCRIPTIONS = "SELECT DISTINCT subscription_id FROM hub_mail WHERE subscription_id > $1 ORDER BY subscription_id LIMIT $2";
    WAITING = "SELECT count(*) FROM hub_mail m JOIN hub_case c ON c.id = m.case_id WHERE m.subscription_id = $1 AND m.id <= $2 \
        AND c.recipient = $3";
    LAST = "SELECT id FROM hub_mail WHERE subscription_id = $1 ORDER BY id DESC LIMIT 1";
    CASES = "SELECT m.case_id, min(m.created_at) FROM hub_mail m JOIN hub_case c ON c.id = m.case_id \
        WHERE m.subscription_id = $1 AND m.id <= $2 AND c.recipient = $3 GROUP BY m.case_id ORDER BY 2, 1 LIMIT $4";
    TOLD = "DELETE FROM hub_mail WHERE subscription_id = $1 AND id <= $2";
    HEIRS = "SELECT s.id, t.id, t.frequency FROM hub_subscription s LEFT JOIN hub_subscription t ON t.subscriber = $1 \
        AND t.process_code = s.process_code AND t.status = 'Actif' WHERE s.subscriber = $2";
    HAND_ON = "UPDATE hub_mail SET subscription_id = $1 WHERE subscription_id = $2 \
        AND EXISTS (SELECT 1 FROM hub_case c WHERE c.id = hub_mail.case_id AND c.recipient = $3)";
    DROP = "DELETE FROM hub_mail WHERE subscription_id = $1 \
        AND EXISTS (SELECT 1 FROM hub_case c WHERE c.id = hub_mail.case_id AND c.recipient = $2)";
}

/// The active subscription of `subscriber` to a process and its frequency, as written.
pub fn wanted(tx: &mut Tx<'_>, subscriber: &str, process: &str) -> Result<Option<(Uuid, String)>> {
    let row = tx.first(WANTED, &params![subscriber, process])?;
    row.map(|row| Ok((row.get(0)?, row.get(1)?))).transpose()
}

/// Keeps a case for the next digest of a subscription.
pub fn insert(tx: &mut Tx<'_>, subscription: Uuid, mail: &MailRow) -> Result<()> {
    let m = mail.clone();
    let values = params![
        m.id,
        subscription,
        m.case_id,
        m.event_id,
        m.owner.partner,
        m.owner.environment,
        m.created_at
    ];
    tx.execute(INSERT, &values).map(drop)
}

/// At most `limit` subscriptions with something to tell, from after `id`.
pub fn subscriptions(tx: &mut Tx<'_>, id: Uuid, limit: u32) -> Result<Vec<Uuid>> {
    let rows = tx.query(SUBSCRIPTIONS, &params![id, limit])?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// The last thing that waits for a subscription's digest, if anything does: what comes later is for the next.
pub fn last(tx: &mut Tx<'_>, subscription: Uuid) -> Result<Option<Uuid>> {
    let row = tx.first(LAST, &params![subscription])?;
    row.map(|row| row.get(0)).transpose()
}

/// What a subscription's digest has to tell up to `upto`, with at most `limit` cases; those that are not `subscriber`'s any more
/// do not count.
pub fn waiting(
    tx: &mut Tx<'_>,
    (subscription, subscriber): (Uuid, &str),
    upto: Uuid,
    limit: u32,
) -> Result<Waiting> {
    let count = tx.first(WAITING, &params![subscription, upto, subscriber])?;
    let cases = tx.query(CASES, &params![subscription, upto, subscriber, limit])?;
    Ok(Waiting {
        count: count.map_or(Ok(0), |row| row.get(0))?,
        cases: cases.iter().map(|row| row.get(0)).collect::<Result<_>>()?,
    })
}

/// The subscriptions of `source`, each with that of `target` to the same process.
pub fn heirs(tx: &mut Tx<'_>, source: &str, target: &str) -> Result<Vec<Heir>> {
    let rows = tx.query(HEIRS, &params![target, source])?;
    let heirs = rows.iter().map(|row| {
        let (to, frequency): (Option<Uuid>, Option<String>) = (row.get(1)?, row.get(2)?);
        Ok(Heir {
            from: row.get(0)?,
            to: to.zip(frequency),
        })
    });
    heirs.collect()
}

/// What waits for the digest of `from` about cases that are `recipient`'s is for that of `to`, or for none.
pub fn hand_on(tx: &mut Tx<'_>, from: Uuid, to: Option<Uuid>, recipient: &str) -> Result<()> {
    match to {
        Some(to) => tx.execute(HAND_ON, &params![to, from, recipient]),
        None => tx.execute(DROP, &params![from, recipient]),
    }
    .map(drop)
}

/// Forgets what a digest has told, up to `upto`.
pub fn told(tx: &mut Tx<'_>, subscription: Uuid, upto: Uuid) -> Result<()> {
    tx.execute(TOLD, &params![subscription, upto]).map(drop)
}
