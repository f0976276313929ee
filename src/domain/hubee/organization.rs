//! Organisations (R50): who takes part in the hub. Their id is made of three of their fields and never changes.
//!
//! The way of a change: [`create`] or [`replace`] reads the body with every fault at once, looks at what the database says
//! against it, and writes the row with its journal entry. A list is asked for its ids ([`ids`]), then read page by page
//! ([`page`]), so that its length does not matter.

use std::collections::HashMap;

use serde_json::{Value as Json, json};

use super::{
    Caller, Document, Fields, OrganizationId, Refusal, Result, contact,
    forms::date,
    referential::{self, Action, Object},
    refusal::{self, ORGANIZATION},
};
use crate::{
    domain::Context,
    kernel::fault::Result as Kept,
    storage::hubee::organizations::{self as rows, Filter, Order, OrganizationRow},
};

/// The type of organisations that own processes.
pub const OSL: &str = "OSL";

/// How a list may be ordered: the contract's words, and the columns behind them.
const ORDERS: [(&str, &str); 13] = [
    ("code", "code"),
    ("type", "type"),
    ("name", "name"),
    ("company_register", "company_register"),
    // The contract spells it so; what was meant is taken too.
    ("branche_code", "branch_code"),
    ("branch_code", "branch_code"),
    ("country", "country"),
    ("postal_code", "postal_code"),
    ("territory", "territory"),
    ("email", "email"),
    ("phone_number", "phone_number"),
    ("status", "status"),
    ("create_date_time", "created_at"),
];

/// A list that is asked for.
#[derive(Clone, Debug)]
pub struct Query {
    /// What it is narrowed to.
    pub filter: Filter,
    /// What it is ordered by.
    pub order: Order,
    /// How many it shows at most.
    pub limit: u64,
    /// How many are left out before them.
    pub offset: u64,
}

/// The order behind a word of the contract.
pub fn order(word: &str) -> Option<Order> {
    let found = ORDERS.iter().find(|(known, _)| *known == word);
    found.map(|(_, column)| Order::Column(column))
}

/// Creates an organisation; answers it. Refuses an id that is taken, and every fault of the body, at once.
pub async fn create(ctx: &Context, caller: &Caller, document: Document) -> Result<Json> {
    let row = read(ctx, &document.object(), None);
    let mut faults = document.faults();
    if let Some(row) = &row {
        let id = row.id.clone();
        if ctx.store.read(move |tx| rows::exists(tx, &id)).await? {
            faults.push(taken(&row.id));
        }
    }
    Refusal::unless_none(faults)?;
    let mut row = row.ok_or_else(|| Refusal::bad("#: expected an organization"))?;
    row.partner_info = caller.partner.to_json();
    let entry = referential::entry(ctx, caller, Object::Organization, &row.id, Action::Created)?;
    let written = row.clone();
    refusal::write(&ctx.store, move |tx| {
        match rows::insert(tx, &written)? {
            true => Ok(referential::append(tx, &entry)?),
            // Another was faster.
            false => Err(Refusal::bad(taken(&written.id))),
        }
    })
    .await?;
    Ok(view(&row))
}

/// Replaces all of an organisation but its id, whatever the body says of that; answers it. Without an id the document holds
/// that fault already.
pub async fn replace(
    ctx: &Context,
    caller: &Caller,
    id: Option<OrganizationId>,
    document: Document,
) -> Result<Json> {
    let row = read(ctx, &document.object(), id.as_ref());
    let Some(id) = id else {
        document.done()?;
        return Err(Refusal::NotFound(ORGANIZATION));
    };
    let before = found(ctx, &id).await?;
    document.done()?;
    let mut row = row.ok_or_else(|| Refusal::bad("#: expected an organization"))?;
    row.created_at = before.created_at;
    row.updated_at = Some(ctx.clock.now());
    let entry = referential::entry(ctx, caller, Object::Organization, &row.id, Action::Replaced)?;
    let written = row.clone();
    refusal::write(&ctx.store, move |tx| match rows::replace(tx, &written)? {
        true => Ok(referential::append(tx, &entry)?),
        false => Err(Refusal::NotFound(ORGANIZATION)),
    })
    .await?;
    Ok(view(&row))
}

/// The organisation of that id.
pub async fn find(ctx: &Context, id: &OrganizationId) -> Result<Json> {
    Ok(view(&found(ctx, id).await?))
}

async fn found(ctx: &Context, id: &OrganizationId) -> Result<OrganizationRow> {
    let id = id.to_string();
    let row = ctx.store.read(move |tx| rows::find(tx, &id)).await?;
    row.ok_or(Refusal::NotFound(ORGANIZATION))
}

/// The ids that a list shows, in its order.
pub async fn ids(ctx: &Context, query: Query) -> Kept<Vec<String>> {
    let Query {
        filter,
        order,
        limit,
        offset,
    } = query;
    let ids = ctx
        .store
        .read(move |tx| rows::ids(tx, &filter, order, limit, offset));
    ids.await
}

/// The organisations of some of a list's ids, in their order.
pub async fn page(ctx: &Context, ids: Vec<String>) -> Kept<Vec<Json>> {
    let (wanted, asked) = (ids.clone(), ids);
    let rows = ctx.store.read(move |tx| rows::of_ids(tx, &asked)).await?;
    let mut by_id: HashMap<String, OrganizationRow> =
        rows.into_iter().map(|row| (row.id.clone(), row)).collect();
    let ordered = wanted.iter().filter_map(|id| by_id.remove(id));
    Ok(ordered.map(|row| view(&row)).collect())
}

fn taken(id: &str) -> String {
    format!("Organization {id} already exists")
}

/// The row that a body makes, `kept` being the id where it is not the body's. Nothing where the body names no organisation;
/// the document holds the faults.
pub(super) fn read(
    ctx: &Context,
    fields: &Fields<'_>,
    kept: Option<&OrganizationId>,
) -> Option<OrganizationRow> {
    let said = fields.identifier();
    let row = OrganizationRow {
        id: String::new(),
        environment: ctx.config.gateway.environment.clone(),
        kind: String::new(),
        company_register: String::new(),
        branch_code: String::new(),
        name: fields.required_text("name", 100),
        code: fields.text("code", 10),
        country: fields.text("country", 100),
        postal_code: fields.present_text("postalCode", 100),
        territory: fields.present_text("territory", 255),
        email: fields.email("email"),
        phone_number: phone(fields),
        status: fields.required_text("status", 20),
        created_at: ctx.clock.now(),
        updated_at: None,
        partner_info: Json::Null,
    };
    let id = kept.or(said.as_ref())?;
    Some(OrganizationRow {
        id: id.to_string(),
        kind: id.kind().to_owned(),
        company_register: id.register().to_owned(),
        branch_code: id.branch().to_owned(),
        ..row
    })
}

/// A telephone number: ten digits in a row somewhere, as the contract has it.
fn phone(fields: &Fields<'_>) -> Option<String> {
    let text = fields.text("phoneNumber", contact::PHONE)?;
    if contact::holds_phone(&text) {
        return Some(text);
    }
    fields.wrong(
        "phoneNumber",
        "String is not a telephone number of 10 digits at least",
    );
    None
}

/// An organisation as the contract writes it.
pub fn view(row: &OrganizationRow) -> Json {
    json!({
        "type": row.kind,
        "companyRegister": row.company_register,
        "branchCode": row.branch_code,
        "name": row.name,
        "code": row.code,
        "country": row.country,
        "postalCode": row.postal_code,
        "territory": row.territory,
        "email": row.email,
        "phoneNumber": row.phone_number,
        "status": row.status,
        "createDateTime": date(row.created_at),
        "updateDateTime": row.updated_at.map(date),
    })
}
