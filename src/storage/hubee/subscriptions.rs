//! Subscriptions of organisations to processes. Mails and persons are sealed under the row's own key.
//!
//! How many there are of each process and status is kept beside them (`hub_subscription_count`), changed in the same
//! transaction, so that a list's total is not counted. Lists are in [`super::subscription_list`].

use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    kernel::{clock::instant, digest::Sha256, fault::Result},
    params, statements,
    storage::{Row, Tx, exchanges::Owner},
};

/// A row of `hub_subscription`.
#[derive(Clone, Debug)]
pub struct SubscriptionRow {
    /// Its id.
    pub id: Uuid,
    /// The subscriber as partner, and the environment.
    pub owner: Owner,
    /// The subscriber, `TYPE-SIRET-BRANCH`.
    pub subscriber: String,
    /// The process.
    pub process_code: String,
    /// Its number at DataPass.
    pub datapass_id: i64,
    /// The subscriber's type.
    pub si_type: String,
    /// The subscriber's SIRET.
    pub si_company_register: String,
    /// The subscriber's branch code.
    pub si_branch_code: String,
    /// `Actif`, `Inactif`, `Refusé` or `Suspendu`.
    pub status: String,
    /// How often it is mailed to, as it was written.
    pub frequency: String,
    /// `PORTAIL` or `API`.
    pub access_mode: Option<String>,
    /// From when on it is to be active.
    pub activate_at: Option<Timestamp>,
    /// When it was validated.
    pub validate_at: Option<Timestamp>,
    /// When it was refused.
    pub reject_at: Option<Timestamp>,
    /// When it ends.
    pub end_at: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Option<Timestamp>,
    /// When it becomes active by itself, where it will (R52).
    pub activation_due_at: Option<Timestamp>,
    /// The keyed hash of the delegated actor's address.
    pub delegation_actor_hash: Option<Sha256>,
    /// The row's own key, wrapped.
    pub wrapped_key: Vec<u8>,
    /// Mails, persons and the reason of a refusal, sealed under it.
    pub sealed: Vec<u8>,
}

/// A subscription that is to become active.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// Its id.
    pub id: Uuid,
    /// Partner and environment.
    pub owner: Owner,
    /// The process.
    pub process_code: String,
    /// Where it stands.
    pub status: String,
}

macro_rules! columns {
    () => {
        "id, partner, environment, subscriber, process_code, datapass_id, si_type, si_company_register, si_branch_code, \
         status, frequency, access_mode, activate_at, validate_at, reject_at, end_at, created_at, updated_at, \
         activation_due_at, delegation_actor_hash, wrapped_key, sealed"
    };
}
pub(super) use columns;

statements! {
    INSERT = concat!("INSERT INTO hub_subscription (", columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, \
        $13, $14, $15, $16, $17, $18, $19, $20, $21, $22) ON CONFLICT (subscriber, process_code) DO NOTHING");
    REPLACE = "UPDATE hub_subscription SET partner = $1, subscriber = $2, process_code = $3, datapass_id = $4, si_type = $5, \
        si_company_register = $6, si_branch_code = $7, status = $8, frequency = $9, access_mode = $10, activate_at = $11, \
        validate_at = $12, reject_at = $13, end_at = $14, updated_at = $15, activation_due_at = $16, \
        delegation_actor_hash = $17, wrapped_key = $18, sealed = $19 WHERE id = $20";
    FIND = concat!("SELECT ", columns!(), " FROM hub_subscription WHERE id = $1");
    LOCK = "UPDATE hub_subscription SET status = status WHERE id = $1";
    OF = concat!("SELECT ", columns!(), " FROM hub_subscription WHERE subscriber = $1 AND process_code = $2");
    DUE = "SELECT id, partner, environment, process_code, status FROM hub_subscription \
        WHERE activation_due_at IS NOT NULL AND activation_due_at <= $1 ORDER BY activation_due_at, id LIMIT $2";
    ACTIVATE = "UPDATE hub_subscription SET status = $1, updated_at = $2, activation_due_at = NULL \
        WHERE id = $3 AND activation_due_at IS NOT NULL AND activation_due_at <= $2 AND process_code = $4 AND status = $5";
    COUNT_ONE_MORE = "INSERT INTO hub_subscription_count (process_code, status, n) VALUES ($1, $2, 1) \
        ON CONFLICT (process_code, status) DO UPDATE SET n = hub_subscription_count.n + 1";
    COUNT_ONE_LESS = "UPDATE hub_subscription_count SET n = n - 1 WHERE process_code = $1 AND status = $2";
}

/// Adds a subscription; `false` where its subscriber has one to that process.
pub fn insert(tx: &mut Tx<'_>, row: &SubscriptionRow) -> Result<bool> {
    let r = row.clone();
    let values = params![
        r.id,
        r.owner.partner,
        r.owner.environment,
        r.subscriber,
        r.process_code,
        r.datapass_id,
        r.si_type,
        r.si_company_register,
        r.si_branch_code,
        r.status,
        r.frequency,
        r.access_mode,
        r.activate_at,
        r.validate_at,
        r.reject_at,
        r.end_at,
        r.created_at,
        r.updated_at,
        r.activation_due_at,
        r.delegation_actor_hash,
        r.wrapped_key,
        r.sealed
    ];
    let added = tx.execute(INSERT, &values)? == 1;
    if added {
        tx.execute(COUNT_ONE_MORE, &params![&row.process_code, &row.status])?;
    }
    Ok(added)
}

/// Replaces all of a subscription but its id and its creation. `before` is the row that the same transaction holds ([`lock`]):
/// the counts go from what it was.
pub fn replace(tx: &mut Tx<'_>, before: &SubscriptionRow, row: &SubscriptionRow) -> Result<()> {
    let r = row.clone();
    let values = params![
        r.owner.partner,
        r.subscriber,
        r.process_code,
        r.datapass_id,
        r.si_type,
        r.si_company_register,
        r.si_branch_code,
        r.status,
        r.frequency,
        r.access_mode,
        r.activate_at,
        r.validate_at,
        r.reject_at,
        r.end_at,
        r.updated_at,
        r.activation_due_at,
        r.delegation_actor_hash,
        r.wrapped_key,
        r.sealed,
        before.id
    ];
    tx.execute(REPLACE, &values)?;
    let from = (&*before.process_code, &*before.status);
    moved(tx, from, (&row.process_code, &row.status))
}

/// The subscription of that id.
pub fn find(tx: &mut Tx<'_>, id: Uuid) -> Result<Option<SubscriptionRow>> {
    let row = tx.first(FIND, &params![id])?;
    row.as_ref().map(subscription).transpose()
}

/// The subscription of that id, which nobody else changes until this transaction ends.
pub fn lock(tx: &mut Tx<'_>, id: Uuid) -> Result<Option<SubscriptionRow>> {
    tx.execute(LOCK, &params![id])?;
    find(tx, id)
}

/// The subscription of an organisation to a process.
pub fn of(
    tx: &mut Tx<'_>,
    subscriber: &str,
    process_code: &str,
) -> Result<Option<SubscriptionRow>> {
    let row = tx.first(OF, &params![subscriber, process_code])?;
    row.as_ref().map(subscription).transpose()
}

/// At most `limit` subscriptions that are to be active by `now`, the longest due first.
pub fn due(tx: &mut Tx<'_>, now: Timestamp, limit: u32) -> Result<Vec<Due>> {
    let rows = tx.query(DUE, &params![now, limit])?;
    let read = rows.iter().map(|row| {
        Ok(Due {
            id: row.get(0)?,
            owner: Owner {
                partner: row.get(1)?,
                environment: row.get(2)?,
            },
            process_code: row.get(3)?,
            status: row.get(4)?,
        })
    });
    read.collect()
}

/// Gives a subscription that is due the status `active`; `false` where it is due no more, or was replaced since it was found.
pub fn activate(tx: &mut Tx<'_>, due: &Due, active: &str, now: Timestamp) -> Result<bool> {
    let values = params![active, now, due.id, &due.process_code, &due.status];
    let done = tx.execute(ACTIVATE, &values)? == 1;
    if done {
        let from = (&*due.process_code, &*due.status);
        moved(tx, from, (&due.process_code, active))?;
    }
    Ok(done)
}

/// Keeps the counts where a subscription went from one process and status to another.
fn moved(tx: &mut Tx<'_>, from: (&str, &str), to: (&str, &str)) -> Result<()> {
    if from == to {
        return Ok(());
    }
    let (less, more) = (params![from.0, from.1], params![to.0, to.1]);
    tx.batch(&[(COUNT_ONE_LESS, &less), (COUNT_ONE_MORE, &more)])
}

pub(super) fn subscription(row: &Row) -> Result<SubscriptionRow> {
    let moment = |index| Ok(row.get::<Option<i64>>(index)?.map(instant));
    Ok(SubscriptionRow {
        id: row.get(0)?,
        owner: Owner {
            partner: row.get(1)?,
            environment: row.get(2)?,
        },
        subscriber: row.get(3)?,
        process_code: row.get(4)?,
        datapass_id: row.get(5)?,
        si_type: row.get(6)?,
        si_company_register: row.get(7)?,
        si_branch_code: row.get(8)?,
        status: row.get(9)?,
        frequency: row.get(10)?,
        access_mode: row.get(11)?,
        activate_at: moment(12)?,
        validate_at: moment(13)?,
        reject_at: moment(14)?,
        end_at: moment(15)?,
        created_at: instant(row.get(16)?),
        updated_at: moment(17)?,
        activation_due_at: moment(18)?,
        delegation_actor_hash: row.get(19)?,
        wrapped_key: row.get(20)?,
        sealed: row.get(21)?,
    })
}
