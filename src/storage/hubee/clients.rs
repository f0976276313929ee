//! The clients of the hub.

use jiff::Timestamp;
use serde_json::Value as Json;

use crate::{
    kernel::{
        clock::instant,
        digest::Sha256,
        fault::{Fault, Result},
    },
    params, statements,
    storage::{Row, Tx},
};

/// A row of `hub_client`.
#[derive(Clone, Debug)]
pub struct ClientRow {
    /// The OAuth client id.
    pub id: String,
    /// A name for people.
    pub name: String,
    /// The organisation that it is, as `TYPE-SIRET-BRANCH`.
    pub organization: String,
    /// The environment.
    pub environment: String,
    /// Its scope.
    pub scope: String,
    /// The processes that it is limited to.
    pub processes: Option<Vec<String>>,
    /// The secret's SHA-256.
    pub secret_sha256: Sha256,
    /// When it was added.
    pub created_at: Timestamp,
    /// Since when it is refused.
    pub revoked_at: Option<Timestamp>,
}

statements! {
    INSERT = "INSERT INTO hub_client (id, name, organization, environment, scope, processes, secret_sha256, created_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING";
    ALL_CLIENTS = "SELECT id, name, organization, environment, scope, processes, secret_sha256, created_at, revoked_at \
        FROM hub_client WHERE environment = $1 ORDER BY id";
    FIND = "SELECT id, name, organization, environment, scope, processes, secret_sha256, created_at, revoked_at \
        FROM hub_client WHERE environment = $1 AND id = $2";
    REVOKE = "UPDATE hub_client SET revoked_at = $1 WHERE environment = $2 AND id = $3 AND revoked_at IS NULL";
}

/// Adds a client; `false` where the id is taken.
pub fn insert(tx: &mut Tx<'_>, client: &ClientRow) -> Result<bool> {
    let c = client.clone();
    let values = params![
        c.id,
        c.name,
        c.organization,
        c.environment,
        c.scope,
        c.processes.map(Json::from),
        c.secret_sha256,
        c.created_at
    ];
    Ok(tx.execute(INSERT, &values)? == 1)
}

/// Every client of an environment, revoked ones too.
pub fn all(tx: &mut Tx<'_>, environment: &str) -> Result<Vec<ClientRow>> {
    let rows = tx.query(ALL_CLIENTS, &params![environment])?;
    rows.iter().map(client).collect()
}

/// The client of that id.
pub fn find(tx: &mut Tx<'_>, environment: &str, id: &str) -> Result<Option<ClientRow>> {
    let row = tx.first(FIND, &params![environment, id])?;
    row.as_ref().map(client).transpose()
}

/// Revokes a client for good; `false` where there is none, or it is revoked already.
pub fn revoke(tx: &mut Tx<'_>, environment: &str, id: &str, at: Timestamp) -> Result<bool> {
    Ok(tx.execute(REVOKE, &params![at, environment, id])? == 1)
}

fn client(row: &Row) -> Result<ClientRow> {
    let processes: Option<Json> = row.get(5)?;
    Ok(ClientRow {
        id: row.get(0)?,
        name: row.get(1)?,
        organization: row.get(2)?,
        environment: row.get(3)?,
        scope: row.get(4)?,
        processes: processes
            .map(serde_json::from_value)
            .transpose()
            .map_err(Fault::internal)?,
        secret_sha256: row.get(6)?,
        created_at: instant(row.get(7)?),
        revoked_at: row.get::<Option<i64>>(8)?.map(instant),
    })
}
