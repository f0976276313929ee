//! Lists of subscriptions: narrowed and ordered as asked for, by an index for each order.
//!
//! A list is read in two steps, the ids in their order, then the rows of some ids at a time. The total comes from the counts
//! that are kept, where the list is narrowed by process and status only; else from the index that narrows it.

use uuid::Uuid;

use super::subscriptions::{SubscriptionRow, columns, subscription};
use crate::{
    kernel::{digest::Sha256, fault::Result},
    params,
    storage::{Tx, Value, listing::Conditions, sets},
};

/// What a list is narrowed to; all given filters hold together.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Some processes.
    pub processes: Option<Vec<String>>,
    /// One status.
    pub status: Option<String>,
    /// One SIRET of subscribers.
    pub company_register: Option<String>,
    /// One delegated actor, by the keyed hash of the address.
    pub delegation_actor: Option<Sha256>,
    /// One number at DataPass.
    pub datapass_id: Option<i64>,
}

/// The columns that have an index to be ordered by, beside the id.
pub const COLUMNS: [&str; 13] = [
    "datapass_id",
    "si_type",
    "si_company_register",
    "si_branch_code",
    "frequency",
    "access_mode",
    "status",
    "activate_at",
    "validate_at",
    "reject_at",
    "end_at",
    "updated_at",
    "process_code",
];

/// What subscriptions are ordered by; ties by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// One of [`COLUMNS`]; the id where there is none.
    pub column: Option<&'static str>,
    /// From the last to the first.
    pub descending: bool,
}

/// Which part of a list is shown.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// How many are left out before it.
    pub offset: u64,
    /// How many it shows at most.
    pub limit: u64,
}

const OF_IDS: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM hub_subscription WHERE id IN ({})"
);

/// The list's statements, for the preparation test and the test of plans.
pub(super) fn of_lists() -> Vec<(&'static str, String)> {
    let window = Window {
        offset: 0,
        limit: 1,
    };
    let (none, every) = (Filter::default(), every());
    let by = |column, descending| Order { column, descending };
    let mut all = vec![
        (
            "SUBSCRIPTIONS_OF_IDS",
            sets::filled(OF_IDS, &[], &[&[Value::Null]]).0,
        ),
        (
            "LIST_SUBSCRIPTIONS",
            listing(&none, by(None, false), window).0,
        ),
        (
            "LIST_SUBSCRIPTIONS_NARROWED",
            listing(&every, by(None, true), window).0,
        ),
        ("COUNT_SUBSCRIPTIONS", counting(&every).0),
        ("COUNT_SUBSCRIPTIONS_BY_COUNTS", counting(&none).0),
        (
            "SUBSCRIPTIONS_SEALED",
            sealed_statement(&every, Uuid::nil(), 1).0,
        ),
    ];
    for column in COLUMNS {
        for descending in [false, true] {
            let order = by(Some(column), descending);
            all.push(("LIST_SUBSCRIPTIONS_BY", listing(&none, order, window).0));
        }
    }
    all
}

fn every() -> Filter {
    Filter {
        processes: Some(vec![String::new(); 2]),
        status: Some(String::new()),
        company_register: Some(String::new()),
        delegation_actor: Some([0; 32]),
        datapass_id: Some(1),
    }
}

/// The ids of the window's subscriptions, in order.
pub fn ids(tx: &mut Tx<'_>, filter: &Filter, order: Order, window: Window) -> Result<Vec<Uuid>> {
    let (sql, values) = listing(filter, order, window);
    let rows = tx.query(&sql, &values)?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// How many subscriptions the whole list has.
pub fn count(tx: &mut Tx<'_>, filter: &Filter) -> Result<u64> {
    let (sql, values) = counting(filter);
    let row = tx.first(&sql, &values)?;
    row.map_or(Ok(0), |row| row.get(0))
}

/// The subscriptions of these ids, in no order; at most [`sets::SET`] of them.
pub fn of_ids(tx: &mut Tx<'_>, ids: &[Uuid]) -> Result<Vec<SubscriptionRow>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Value> = ids.iter().copied().map(Value::from).collect();
    let (sql, values) = sets::filled(OF_IDS, &[], &[&ids]);
    tx.query(&sql, &values)?.iter().map(subscription).collect()
}

/// What of a subscription is sealed.
#[derive(Clone, Debug)]
pub struct SealedRow {
    /// Its id.
    pub id: Uuid,
    /// Its key, wrapped.
    pub wrapped_key: Vec<u8>,
    /// Its sealed part.
    pub sealed: Vec<u8>,
}

/// At most `limit` of the list's sealed parts, by id, from after `after`: for orders that no index can give.
pub fn sealed(tx: &mut Tx<'_>, filter: &Filter, after: Uuid, limit: u32) -> Result<Vec<SealedRow>> {
    let (sql, values) = sealed_statement(filter, after, limit);
    let rows = tx.query(&sql, &values)?;
    let read = rows.iter().map(|row| {
        Ok(SealedRow {
            id: row.get(0)?,
            wrapped_key: row.get(1)?,
            sealed: row.get(2)?,
        })
    });
    read.collect()
}

fn conditions(filter: &Filter) -> Conditions {
    let f = filter.clone();
    let mut conditions = Conditions::default();
    conditions.any("process_code", f.processes);
    conditions.add("status =", f.status);
    conditions.add("si_company_register =", f.company_register);
    conditions.add("delegation_actor_hash =", f.delegation_actor);
    conditions.add("datapass_id =", f.datapass_id);
    conditions
}

fn narrowed(text: &[String]) -> String {
    match text.is_empty() {
        true => String::new(),
        false => format!(" WHERE {}", text.join(" AND ")),
    }
}

fn listing(filter: &Filter, order: Order, window: Window) -> (String, Vec<Value>) {
    let Conditions { text, mut values } = conditions(filter);
    let (way, nulls) = match order.descending {
        true => ("DESC", "LAST"),
        false => ("ASC", "FIRST"),
    };
    let first = match order.column {
        Some(column) => format!("{column} {way} NULLS {nulls}, "),
        None => String::new(),
    };
    values.extend(params![window.limit, window.offset]);
    let places = values.len();
    let sql = format!(
        "SELECT id FROM hub_subscription{} ORDER BY {first}id {way} LIMIT ${} OFFSET ${places}",
        narrowed(&text),
        places - 1
    );
    (sql, values)
}

fn counting(filter: &Filter) -> (String, Vec<Value>) {
    let Conditions { text, values } = conditions(filter);
    let by_counts = filter.company_register.is_none()
        && filter.delegation_actor.is_none()
        && filter.datapass_id.is_none();
    let what = match by_counts {
        true => "CAST(COALESCE(sum(n), 0) AS bigint) FROM hub_subscription_count",
        false => "count(*) FROM hub_subscription",
    };
    (format!("SELECT {what}{}", narrowed(&text)), values)
}

fn sealed_statement(filter: &Filter, after: Uuid, limit: u32) -> (String, Vec<Value>) {
    let Conditions {
        mut text,
        mut values,
    } = conditions(filter);
    values.extend(params![after, limit]);
    let places = values.len();
    text.push(format!("id > ${}", places - 1));
    let sql = format!(
        "SELECT id, wrapped_key, sealed FROM hub_subscription{} ORDER BY id LIMIT ${places}",
        narrowed(&text)
    );
    (sql, values)
}
