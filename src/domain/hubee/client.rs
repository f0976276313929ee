//! A client of the hub: one organisation with one scope, and the processes that it was issued for (R3).

use jiff::Timestamp;

use super::{OrganizationId, Scope};
use crate::{
    domain::access::client::hash_of,
    kernel::{
        digest::Sha256,
        fault::{Fault, Result},
        secret::{Secret, same},
    },
    storage::hubee::clients::ClientRow,
};

/// An application that calls the hub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its OAuth client id.
    pub id: String,
    /// A name for people.
    pub name: String,
    /// The organisation that it is.
    pub organization: OrganizationId,
    /// What it is to the hub.
    pub scope: Scope,
    /// The only processes that it may touch; `None` where there is no such limit.
    pub processes: Option<Vec<String>>,
    /// SHA-256 of its secret, which itself is never stored.
    pub secret_sha256: Sha256,
    /// Since when it is refused.
    pub revoked_at: Option<Timestamp>,
}

impl Client {
    /// Reads a row. Fails (code `internal`) where it holds what no command of ours writes.
    pub fn of(row: ClientRow) -> Result<Self> {
        Ok(Self {
            organization: row.organization.parse().map_err(Fault::internal)?,
            scope: row.scope.parse().map_err(Fault::internal)?,
            id: row.id,
            name: row.name,
            processes: row.processes,
            secret_sha256: row.secret_sha256,
            revoked_at: row.revoked_at,
        })
    }

    /// Whether it may be let in at all.
    pub fn is_active(&self) -> bool {
        self.revoked_at.is_none()
    }

    /// Whether `secret` is its secret, in a time that tells nothing of it. A plain hash is enough, and cheap: the secret
    /// has 256 random bits.
    pub fn knows(&self, secret: &Secret) -> bool {
        same(&hash_of(secret), &self.secret_sha256)
    }
}
