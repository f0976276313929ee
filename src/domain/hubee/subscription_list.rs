//! Lists of subscriptions (R53), and how one is shown.
//!
//! [`list`] answers the ids that a list shows and its total; [`page`] the subscriptions of some of these ids. Orders by what is
//! sealed have no index: all that the list is narrowed to is opened, some hundreds at a time, and only the words to compare
//! are kept until it is cut. An OSL sees the subscriptions to its own processes.

use std::collections::HashMap;

use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{
    Caller, OrganizationId, Scope,
    contact::Person,
    forms::date,
    subscription::{Sealed, actor_hash, open_with},
};
use crate::{
    domain::{Context, exchanges::HUB},
    kernel::fault::Result,
    storage::hubee::{
        processes,
        subscription_list::{self as rows, Filter, Order, Window},
        subscriptions::SubscriptionRow,
    },
};

/// How many sealed parts are read at once.
const READ: u32 = 500;

/// A list that is asked for.
#[derive(Clone, Debug)]
pub struct Query {
    /// What it is narrowed to, but the delegated actor.
    pub filter: Filter,
    /// The delegated actor's address that it is narrowed to.
    pub delegation_actor: Option<String>,
    /// What it is ordered by.
    pub by: By,
    /// Which part is shown.
    pub window: Window,
}

/// An order, in the contract's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct By {
    key: Key,
    descending: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    /// By the id, or by a column that has an index.
    Column(Option<&'static str>),
    /// By something sealed.
    Sealed(Word),
}

/// What of a sealed part a list may be ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Email,
    LocalAdministrator,
    DelegationActor,
    RejectionReason,
}

impl Word {
    fn of(self, sealed: &Sealed) -> Option<&str> {
        match self {
            Self::Email => sealed.email.as_deref(),
            Self::LocalAdministrator => sealed.local_administrator.email.as_deref(),
            Self::DelegationActor => sealed.delegation_actor.as_ref()?.email.as_deref(),
            Self::RejectionReason => sealed.rejection_reason.as_deref(),
        }
    }
}

impl Default for By {
    fn default() -> Self {
        Self {
            key: Key::Column(None),
            descending: false,
        }
    }
}

impl By {
    /// Reads `asc(FIELD)` or `desc(FIELD)`, with a field of the contract's list.
    pub fn parse(text: &str) -> Option<Self> {
        let (way, rest) = text.split_once('(')?;
        let descending = match way.trim().to_ascii_lowercase().as_str() {
            "asc" => false,
            "desc" => true,
            _ => return None,
        };
        let key = key(rest.strip_suffix(')')?.trim())?;
        Some(Self { key, descending })
    }
}

fn key(field: &str) -> Option<Key> {
    let column = match field {
        "id" => return Some(Key::Column(None)),
        "email" => return Some(Key::Sealed(Word::Email)),
        "local_admin" => return Some(Key::Sealed(Word::LocalAdministrator)),
        "delegation_actor" => return Some(Key::Sealed(Word::DelegationActor)),
        "rejection_reason" => return Some(Key::Sealed(Word::RejectionReason)),
        "notification_frequency" => "frequency",
        "activate_date_time" => "activate_at",
        "validate_date_time" => "validate_at",
        "reject_date_time" => "reject_at",
        "end_date_time" => "end_at",
        "update_date_time" => "updated_at",
        "frequency" => return None,
        other if other.ends_with("_at") => return None,
        other => other,
    };
    let known = rows::COLUMNS.iter().find(|known| **known == column)?;
    Some(Key::Column(Some(known)))
}

/// What a list shows: ids in order, and how many the whole list has.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The ids of the window.
    pub ids: Vec<Uuid>,
    /// The total.
    pub total: u64,
}

/// The ids that a list shows to `caller`.
pub async fn list(ctx: &Context, caller: &Caller, query: Query) -> Result<Listed> {
    let Query {
        mut filter,
        delegation_actor,
        by,
        window,
    } = query;
    if let Some(email) = delegation_actor {
        let keys = ctx.keyring.project(HUB).await?;
        filter.delegation_actor = Some(actor_hash(&keys, &email));
    }
    if caller.scope() == Scope::Osl {
        narrow(ctx, caller.organization(), &mut filter).await?;
    }
    let narrowed = filter.clone();
    let total = ctx.store.read(move |tx| rows::count(tx, &narrowed)).await?;
    let ids = match by.key {
        Key::Column(column) => {
            let order = Order {
                column,
                descending: by.descending,
            };
            let found = ctx
                .store
                .read(move |tx| rows::ids(tx, &filter, order, window));
            found.await?
        }
        Key::Sealed(word) => cut(
            sealed_order(ctx, filter, word).await?,
            by.descending,
            window,
        ),
    };
    Ok(Listed { ids, total })
}

/// Leaves of what is asked for the processes that `osl` owns (R53).
async fn narrow(ctx: &Context, osl: &OrganizationId, filter: &mut Filter) -> Result<()> {
    let osl = osl.to_string();
    let mut own = ctx
        .store
        .read(move |tx| processes::of_osl(tx, &osl))
        .await?;
    if let Some(asked) = &filter.processes {
        own.retain(|code| asked.contains(code));
    }
    filter.processes = Some(own);
    Ok(())
}

/// Everything that the list is narrowed to, with the words to order it by: the database cannot order what is sealed. Each is
/// opened, a few microseconds and some hundred bytes apiece while the list is made; the contract sets no bound to it, and there
/// are as many as administrations times the processes that they subscribe to.
async fn sealed_order(
    ctx: &Context,
    filter: Filter,
    word: Word,
) -> Result<Vec<(Option<String>, Uuid)>> {
    let keys = ctx.keyring.project(HUB).await?;
    let (mut all, mut after) = (Vec::new(), Uuid::nil());
    loop {
        let narrowed = filter.clone();
        let read = ctx
            .store
            .read(move |tx| rows::sealed(tx, &narrowed, after, READ));
        let read = read.await?;
        for row in &read {
            let sealed = open_with(&keys, row.id, &row.wrapped_key, &row.sealed)?;
            all.push((word.of(&sealed).map(str::to_owned), row.id));
        }
        match read.last() {
            Some(last) if read.len() == READ as usize => after = last.id,
            _ => return Ok(all),
        }
    }
}

fn cut(mut all: Vec<(Option<String>, Uuid)>, descending: bool, window: Window) -> Vec<Uuid> {
    all.sort_unstable();
    if descending {
        all.reverse();
    }
    let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let shown = all
        .into_iter()
        .skip(count(window.offset))
        .take(count(window.limit));
    shown.map(|(_, id)| id).collect()
}

/// The subscriptions of some of a list's ids, in their order.
pub async fn page(ctx: &Context, ids: Vec<Uuid>) -> Result<Vec<Json>> {
    let keys = ctx.keyring.project(HUB).await?;
    let asked = ids.clone();
    let rows = ctx.store.read(move |tx| rows::of_ids(tx, &asked)).await?;
    let mut by_id: HashMap<Uuid, SubscriptionRow> =
        rows.into_iter().map(|row| (row.id, row)).collect();
    let ordered = ids.iter().filter_map(|id| by_id.remove(id));
    let shown = ordered.map(|row| {
        let sealed = open_with(&keys, row.id, &row.wrapped_key, &row.sealed)?;
        Ok(view(&row, &sealed, Person::brief))
    });
    shown.collect()
}

/// A subscription as the contract writes it, its persons as `person` shows them.
pub(super) fn view(row: &SubscriptionRow, sealed: &Sealed, person: fn(&Person) -> Json) -> Json {
    json!({
        "id": row.id,
        "datapassId": row.datapass_id,
        "processCode": row.process_code,
        "subscriber": {
            "type": row.si_type,
            "companyRegister": row.si_company_register,
            "branchCode": row.si_branch_code,
        },
        "accessMode": row.access_mode,
        "notificationFrequency": row.frequency,
        "activateDateTime": row.activate_at.map(date),
        "validateDateTime": row.validate_at.map(date),
        "rejectDateTime": row.reject_at.map(date),
        "endDateTime": row.end_at.map(date),
        "updateDateTime": row.updated_at.map(date),
        "delegationActor": sealed.delegation_actor.as_ref().map(person),
        "rejectionReason": sealed.rejection_reason,
        "status": row.status,
        "email": sealed.email,
        "localAdministrator": person(&sealed.local_administrator),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R53: the orders of the contract, and no other.
    #[test]
    fn an_order_is_asc_or_desc_of_a_field_of_the_contract() {
        for field in [
            "id",
            "datapass_id",
            "si_type",
            "si_company_register",
            "si_branch_code",
            "notification_frequency",
            "access_mode",
            "delegation_actor",
            "email",
            "local_admin",
            "rejection_reason",
            "status",
            "activate_date_time",
            "validate_date_time",
            "reject_date_time",
            "end_date_time",
            "update_date_time",
            "process_code",
        ] {
            assert!(By::parse(&format!("asc({field})")).is_some(), "{field}");
            assert!(By::parse(&format!("desc({field})")).is_some_and(|by| by.descending));
        }
        for text in [
            "",
            "status",
            "asc",
            "asc()",
            "asc(frequency)",
            "asc(end_at)",
            "up(status)",
            "asc(status",
            "asc(sealed)",
            "asc(status);--",
        ] {
            assert_eq!(By::parse(text), None, "{text}");
        }
    }

    #[test]
    fn nothing_comes_before_something_and_last_where_the_order_is_turned() {
        let (a, b, c) = (Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3));
        let all = vec![
            (Some("y".to_owned()), a),
            (None, b),
            (Some("x".to_owned()), c),
        ];
        let window = |offset, limit| Window { offset, limit };
        assert_eq!(cut(all.clone(), false, window(0, 9)), [b, c, a]);
        assert_eq!(cut(all, true, window(1, 1)), [c]);
    }
}
