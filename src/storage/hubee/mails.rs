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

/// What a digest has to tell.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// How many things happened.
    pub count: u64,
    /// The last of them: what came later is for the next digest.
    pub last: Uuid,
}

statements! {
    WANTED = "SELECT id, frequency FROM hub_subscription WHERE subscriber = $1 AND process_code = $2 AND status = 'Actif'";
    INSERT = "INSERT INTO hub_mail (id, subscription_id, case_id, event_id, partner, environment, created_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    SUBSCRIPTIONS = "SELECT DISTINCT subscription_id FROM hub_mail WHERE subscription_id > $1 ORDER BY subscription_id LIMIT $2";
    WAITING = "SELECT count(*) FROM hub_mail WHERE subscription_id = $1";
    LAST = "SELECT id FROM hub_mail WHERE subscription_id = $1 ORDER BY id DESC LIMIT 1";
    CASES = "SELECT m.case_id, min(m.created_at) FROM hub_mail m WHERE m.subscription_id = $1 AND m.id <= $2 GROUP BY m.case_id \
        ORDER BY 2, 1 LIMIT $3";
    TOLD = "DELETE FROM hub_mail WHERE subscription_id = $1 AND id <= $2";
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

/// What a subscription's digest has to tell; nothing where nothing happened.
pub fn waiting(tx: &mut Tx<'_>, subscription: Uuid) -> Result<Option<Waiting>> {
    let Some(row) = tx.first(LAST, &params![subscription])? else {
        return Ok(None);
    };
    let count = tx.first(WAITING, &params![subscription])?;
    Ok(Some(Waiting {
        count: count.map_or(Ok(0), |row| row.get(0))?,
        last: row.get(0)?,
    }))
}

/// At most `limit` cases of which a digest tells, in the order in which they first happened.
pub fn cases(tx: &mut Tx<'_>, subscription: Uuid, upto: Uuid, limit: u32) -> Result<Vec<Uuid>> {
    let rows = tx.query(CASES, &params![subscription, upto, limit])?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// Forgets what a digest has told, up to `upto`.
pub fn told(tx: &mut Tx<'_>, subscription: Uuid, upto: Uuid) -> Result<()> {
    tx.execute(TOLD, &params![subscription, upto]).map(drop)
}
