//! The organisations of the hub: public administrations, nothing personal.
//!
//! A list is read in two steps: the ids in their order, by an index for each order, then the rows of some ids at a time; so
//! that a list without an upper bound never stands in memory whole.

use jiff::Timestamp;
use serde_json::Value as Json;

use crate::{
    kernel::{clock::instant, fault::Result},
    params, statements,
    storage::{Row, Tx, Value, listing::Conditions, sets},
};

/// A row of `hub_organization`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrganizationRow {
    /// `TYPE-SIRET-BRANCH`.
    pub id: String,
    /// The environment.
    pub environment: String,
    /// Its type, such as `SI`.
    pub kind: String,
    /// Its SIRET.
    pub company_register: String,
    /// Its branch code.
    pub branch_code: String,
    /// Its name.
    pub name: String,
    /// Its acronym.
    pub code: Option<String>,
    /// Its country.
    pub country: Option<String>,
    /// Its postal code.
    pub postal_code: String,
    /// Its department.
    pub territory: String,
    /// Its functional address.
    pub email: Option<String>,
    /// Its switchboard.
    pub phone_number: Option<String>,
    /// Its status, as its administration writes it.
    pub status: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was replaced last.
    pub updated_at: Option<Timestamp>,
    /// The software that created it; `null` where none was named.
    pub partner_info: Json,
}

/// What organisations are ordered by; ties by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// By id, where nothing is asked for.
    Id,
    /// By a column of its own index.
    Column(&'static str),
}

impl Order {
    /// The columns that have an index.
    pub const COLUMNS: [&'static str; 12] = [
        "type",
        "company_register",
        "branch_code",
        "name",
        "code",
        "country",
        "postal_code",
        "territory",
        "email",
        "phone_number",
        "status",
        "created_at",
    ];
}

/// What a list is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// One type.
    pub kind: Option<String>,
    /// One SIRET.
    pub company_register: Option<String>,
}

const OF_IDS: &str = "SELECT id, environment, type, company_register, branch_code, name, code, country, postal_code, territory, \
    email, phone_number, status, created_at, updated_at, partner_info FROM hub_organization WHERE id IN ({})";

statements! {
    INSERT = "INSERT INTO hub_organization (id, environment, type, company_register, branch_code, name, code, country, \
        postal_code, territory, email, phone_number, status, created_at, updated_at, partner_info) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) ON CONFLICT (id) DO NOTHING";
    REPLACE = "UPDATE hub_organization SET name = $1, code = $2, country = $3, postal_code = $4, territory = $5, email = $6, \
        phone_number = $7, status = $8, updated_at = $9 WHERE id = $10";
    FIND = "SELECT id, environment, type, company_register, branch_code, name, code, country, postal_code, territory, email, \
        phone_number, status, created_at, updated_at, partner_info FROM hub_organization WHERE id = $1";
    EXISTS = "SELECT 1 FROM hub_organization WHERE id = $1";
}

/// The list's statements and the one over a set, for the preparation test and the test of plans.
pub(super) fn of_lists() -> Vec<(&'static str, String)> {
    let every = Filter {
        kind: Some(String::new()),
        company_register: Some(String::new()),
    };
    let mut all = vec![
        ("OF_IDS", sets::filled(OF_IDS, &[], &[&[Value::Null]]).0),
        (
            "LIST_ORGANIZATIONS",
            statement(&Filter::default(), Order::Id, 1, 0).0,
        ),
        (
            "LIST_ORGANIZATIONS_NARROWED",
            statement(&every, Order::Id, 1, 0).0,
        ),
    ];
    all.extend(Order::COLUMNS.map(|column| {
        let order = Order::Column(column);
        (
            "LIST_ORGANIZATIONS_BY",
            statement(&Filter::default(), order, 1, 0).0,
        )
    }));
    all
}

/// Adds an organisation; `false` where its id is taken.
pub fn insert(tx: &mut Tx<'_>, row: &OrganizationRow) -> Result<bool> {
    let r = row.clone();
    let values = params![
        r.id,
        r.environment,
        r.kind,
        r.company_register,
        r.branch_code,
        r.name,
        r.code,
        r.country,
        r.postal_code,
        r.territory,
        r.email,
        r.phone_number,
        r.status,
        r.created_at,
        r.updated_at,
        r.partner_info
    ];
    Ok(tx.execute(INSERT, &values)? == 1)
}

/// Replaces all of an organisation but its id, its creation and who made it; `false` where there is none of that id.
pub fn replace(tx: &mut Tx<'_>, row: &OrganizationRow) -> Result<bool> {
    let r = row.clone();
    let values = params![
        r.name,
        r.code,
        r.country,
        r.postal_code,
        r.territory,
        r.email,
        r.phone_number,
        r.status,
        r.updated_at,
        r.id
    ];
    Ok(tx.execute(REPLACE, &values)? == 1)
}

/// The organisation of that id.
pub fn find(tx: &mut Tx<'_>, id: &str) -> Result<Option<OrganizationRow>> {
    let row = tx.first(FIND, &params![id])?;
    row.as_ref().map(organization).transpose()
}

/// Whether there is an organisation of that id.
pub fn exists(tx: &mut Tx<'_>, id: &str) -> Result<bool> {
    Ok(tx.first(EXISTS, &params![id])?.is_some())
}

/// The ids of at most `limit` organisations, in order, after the first `offset` of them.
pub fn ids(
    tx: &mut Tx<'_>,
    filter: &Filter,
    order: Order,
    limit: u64,
    offset: u64,
) -> Result<Vec<String>> {
    let (sql, values) = statement(filter, order, limit, offset);
    let rows = tx.query(&sql, &values)?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// The organisations of these ids, in no order; at most [`sets::SET`] of them.
pub fn of_ids(tx: &mut Tx<'_>, ids: &[String]) -> Result<Vec<OrganizationRow>> {
    let ids: Vec<Value> = ids.iter().map(Value::from).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let (sql, values) = sets::filled(OF_IDS, &[], &[&ids]);
    tx.query(&sql, &values)?.iter().map(organization).collect()
}

/// The list's statement: only the conditions that are asked for. Nulls come first, as the indexes have them.
fn statement(filter: &Filter, order: Order, limit: u64, offset: u64) -> (String, Vec<Value>) {
    let mut conditions = Conditions::default();
    conditions.add("type =", filter.kind.clone());
    conditions.add("company_register =", filter.company_register.clone());
    let Conditions { text, mut values } = conditions;
    let narrowed = match text.is_empty() {
        true => String::new(),
        false => format!(" WHERE {}", text.join(" AND ")),
    };
    let order = match order {
        Order::Id => "id".to_owned(),
        Order::Column(column) => format!("{column} NULLS FIRST, id"),
    };
    values.extend(params![limit, offset]);
    let places = values.len();
    let sql = format!(
        "SELECT id FROM hub_organization{narrowed} ORDER BY {order} LIMIT ${} OFFSET ${places}",
        places - 1
    );
    (sql, values)
}

fn organization(row: &Row) -> Result<OrganizationRow> {
    Ok(OrganizationRow {
        id: row.get(0)?,
        environment: row.get(1)?,
        kind: row.get(2)?,
        company_register: row.get(3)?,
        branch_code: row.get(4)?,
        name: row.get(5)?,
        code: row.get(6)?,
        country: row.get(7)?,
        postal_code: row.get(8)?,
        territory: row.get(9)?,
        email: row.get(10)?,
        phone_number: row.get(11)?,
        status: row.get(12)?,
        created_at: instant(row.get(13)?),
        updated_at: row.get::<Option<i64>>(14)?.map(instant),
        partner_info: row.get(15)?,
    })
}
