//! The processes of the hub (the administrations' procedures). There are dozens of them: lists are read whole.

use jiff::Timestamp;
use serde_json::Value as Json;

use crate::{
    kernel::{clock::instant, fault::Result},
    params, statements,
    storage::{Engine, Row, Tx},
};

/// A row of `hub_process`.
#[derive(Clone, Debug, PartialEq)]
pub struct ProcessRow {
    /// Its code.
    pub code: String,
    /// The environment.
    pub environment: String,
    /// The organisation that owns it, `TYPE-SIRET-BRANCH`.
    pub osl: String,
    /// That organisation's SIRET.
    pub company_register: String,
    /// Whether folders and subscriptions may be made for it.
    pub activated: bool,
    /// Its other fields, as the contract names them.
    pub body: Json,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was replaced last.
    pub updated_at: Option<Timestamp>,
    /// The software that created it; `null` where none was named.
    pub partner_info: Json,
}

statements! {
    INSERT = "INSERT INTO hub_process (code, environment, osl, company_register, activated, body, created_at, updated_at, partner_info) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (code) DO NOTHING";
    REPLACE = "UPDATE hub_process SET osl = $1, company_register = $2, activated = $3, body = $4, updated_at = $5 WHERE code = $6";
    FIND = "SELECT code, environment, osl, company_register, activated, body, created_at, updated_at, partner_info FROM hub_process \
        WHERE code = $1";
    EVERY = "SELECT code, environment, osl, company_register, activated, body, created_at, updated_at, partner_info FROM hub_process ORDER BY code";
    OF_COMPANY = "SELECT code, environment, osl, company_register, activated, body, created_at, updated_at, partner_info FROM hub_process \
        WHERE company_register = $1 ORDER BY code";
    OF_OSL = "SELECT code FROM hub_process WHERE osl = $1 ORDER BY code";
    LOCK = "UPDATE hub_process SET activated = activated WHERE code = $1";
}

/// What asks whether a process is somebody's. On PostgreSQL it stays so until the transaction ends, and others may ask the same
/// meanwhile; SQLite has one writer.
const OWNED_SQLITE: &str = "SELECT 1 FROM hub_process WHERE code = $1 AND osl = $2";
const OWNED_POSTGRES: &str = "SELECT 1 FROM hub_process WHERE code = $1 AND osl = $2 FOR SHARE";

/// Adds a process; `false` where its code is taken.
pub fn insert(tx: &mut Tx<'_>, row: &ProcessRow) -> Result<bool> {
    let r = row.clone();
    let values = params![
        r.code,
        r.environment,
        r.osl,
        r.company_register,
        r.activated,
        r.body,
        r.created_at,
        r.updated_at,
        r.partner_info
    ];
    Ok(tx.execute(INSERT, &values)? == 1)
}

/// Replaces all of a process but its code, its creation and who made it; `false` where there is none of that code.
pub fn replace(tx: &mut Tx<'_>, row: &ProcessRow) -> Result<bool> {
    let r = row.clone();
    let values = params![
        r.osl,
        r.company_register,
        r.activated,
        r.body,
        r.updated_at,
        r.code
    ];
    Ok(tx.execute(REPLACE, &values)? == 1)
}

/// Keeps everybody else from making anything of this process until the transaction ends.
pub fn lock(tx: &mut Tx<'_>, code: &str) -> Result<()> {
    tx.execute(LOCK, &params![code]).map(drop)
}

/// Whether the process is `osl`'s, and stays so until the transaction ends.
pub fn stays_with(tx: &mut Tx<'_>, code: &str, osl: &str) -> Result<bool> {
    let sql = match tx.engine() {
        Engine::Sqlite => OWNED_SQLITE,
        Engine::Postgres => OWNED_POSTGRES,
    };
    Ok(tx.first(sql, &params![code, osl])?.is_some())
}

/// The statements that differ, for the preparation test.
pub(crate) fn of_engine(engine: Engine) -> Vec<(&'static str, &'static str)> {
    match engine {
        Engine::Sqlite => vec![("OWNED_SQLITE", OWNED_SQLITE)],
        Engine::Postgres => vec![("OWNED_POSTGRES", OWNED_POSTGRES)],
    }
}

/// The process of that code.
pub fn find(tx: &mut Tx<'_>, code: &str) -> Result<Option<ProcessRow>> {
    let row = tx.first(FIND, &params![code])?;
    row.as_ref().map(process).transpose()
}

/// Every process, or those whose owner has that SIRET, by code.
pub fn list(tx: &mut Tx<'_>, company_register: Option<&str>) -> Result<Vec<ProcessRow>> {
    let rows = match company_register {
        Some(register) => tx.query(OF_COMPANY, &params![register])?,
        None => tx.query(EVERY, &[])?,
    };
    rows.iter().map(process).collect()
}

/// The codes of the processes that `osl` owns.
pub fn of_osl(tx: &mut Tx<'_>, osl: &str) -> Result<Vec<String>> {
    let rows = tx.query(OF_OSL, &params![osl])?;
    rows.iter().map(|row| row.get(0)).collect()
}

fn process(row: &Row) -> Result<ProcessRow> {
    Ok(ProcessRow {
        code: row.get(0)?,
        environment: row.get(1)?,
        osl: row.get(2)?,
        company_register: row.get(3)?,
        activated: row.get(4)?,
        body: row.get(5)?,
        created_at: instant(row.get(6)?),
        updated_at: row.get::<Option<i64>>(7)?.map(instant),
        partner_info: row.get(8)?,
    })
}
