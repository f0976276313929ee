//! The clients and their perimeters.

use jiff::Timestamp;
use serde_json::Value as Json;

use super::engine::{Row, Tx};
use crate::{
    kernel::{
        clock::instant,
        digest::Sha256,
        fault::{Fault, Result},
    },
    params, statements,
};

/// A row of `client`.
#[derive(Clone, Debug)]
pub struct ClientRow {
    /// The OAuth client id.
    pub id: String,
    /// A name for people.
    pub name: String,
    /// The partner.
    pub partner: String,
    /// The environment.
    pub environment: String,
    /// The scopes its tokens may have.
    pub scopes: Vec<String>,
    /// The projects it may name.
    pub projects: Vec<String>,
    /// The applications it may speak for.
    pub source_applications: Vec<String>,
    /// The pinned certificate.
    pub certificate_sha256: Option<Sha256>,
    /// The secret's SHA-256.
    pub secret_sha256: Sha256,
    /// When it was added.
    pub created_at: Timestamp,
    /// Since when it is refused.
    pub revoked_at: Option<Timestamp>,
}

statements! {
    INSERT = "INSERT INTO client (id, name, partner, environment, scopes, projects, source_applications, \
        certificate_sha256, secret_sha256, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (id) DO NOTHING";
    ALL_CLIENTS = "SELECT id, name, partner, environment, scopes, projects, source_applications, certificate_sha256, \
        secret_sha256, created_at, revoked_at FROM client ORDER BY id";
    ROTATE = "UPDATE client SET secret_sha256 = $1 WHERE id = $2 AND revoked_at IS NULL";
    REVOKE = "UPDATE client SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL";
    FIND = "SELECT id, name, partner, environment, scopes, projects, source_applications, certificate_sha256, \
        secret_sha256, created_at, revoked_at FROM client WHERE id = $1";
}

/// Adds a client; `false` where the id is taken.
pub fn insert(tx: &mut Tx<'_>, client: &ClientRow) -> Result<bool> {
    let c = client.clone();
    let values = params![
        c.id,
        c.name,
        c.partner,
        c.environment,
        Json::from(c.scopes),
        Json::from(c.projects),
        Json::from(c.source_applications),
        c.certificate_sha256,
        c.secret_sha256,
        c.created_at
    ];
    Ok(tx.execute(INSERT, &values)? == 1)
}

/// Every client, revoked ones too.
pub fn all(tx: &mut Tx<'_>) -> Result<Vec<ClientRow>> {
    tx.query(ALL_CLIENTS, &[])?.iter().map(client).collect()
}

/// The client of that id.
pub fn find(tx: &mut Tx<'_>, id: &str) -> Result<Option<ClientRow>> {
    tx.first(FIND, &params![id])?
        .as_ref()
        .map(client)
        .transpose()
}

/// Gives a client another secret; `false` where there is no such client, or it is revoked.
pub fn rotate(tx: &mut Tx<'_>, id: &str, secret: &Sha256) -> Result<bool> {
    Ok(tx.execute(ROTATE, &params![secret, id])? == 1)
}

/// Revokes a client for good; `false` where there is none, or it is revoked already.
pub fn revoke(tx: &mut Tx<'_>, id: &str, at: Timestamp) -> Result<bool> {
    Ok(tx.execute(REVOKE, &params![at, id])? == 1)
}

fn client(row: &Row) -> Result<ClientRow> {
    let certificate: Option<Vec<u8>> = row.get(7)?;
    Ok(ClientRow {
        id: row.get(0)?,
        name: row.get(1)?,
        partner: row.get(2)?,
        environment: row.get(3)?,
        scopes: texts(row, 4)?,
        projects: texts(row, 5)?,
        source_applications: texts(row, 6)?,
        certificate_sha256: certificate
            .map(|bytes| {
                bytes
                    .try_into()
                    .map_err(|_| Fault::internal("a certificate digest is not 32 bytes"))
            })
            .transpose()?,
        secret_sha256: row.get(8)?,
        created_at: instant(row.get(9)?),
        revoked_at: row.get::<Option<i64>>(10)?.map(instant),
    })
}

fn texts(row: &Row, index: usize) -> Result<Vec<String>> {
    serde_json::from_value(row.get(index)?).map_err(Fault::internal)
}
