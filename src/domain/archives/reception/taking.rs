//! A file of a depot that is being taken: where it lies, by whom, and the exchange that it becomes.

use std::sync::Arc;

use uuid::Uuid;

use super::{Desk, lease};
use crate::{
    codec::Limits,
    config::{
        Project,
        depots::{Flow, Incoming},
    },
    domain::{Context, ged::ProjectKeys, receipts::archive::Outcome},
    kernel::{
        digest::{Sha256, hex},
        fault::Result,
        secret::Key,
    },
    storage::{
        archives::{self, ArchiveRow},
        exchanges::{DocumentRow, Owner},
    },
    transport::{Listed, path},
    vault::Stored,
};

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is here, and its receipt is on its way.
    Archive(Outcome),
    /// It had come before: the first receipt is on its way again.
    Duplicate,
}

/// A file that is being taken.
pub struct Taking {
    /// Where and by whom.
    pub desk: Desk,
    /// The flow that it lies in.
    pub flow: Flow,
    /// The flow's rules.
    pub incoming: Incoming,
    /// What it was when it was seen.
    pub listed: Listed,
    /// The flow's project.
    pub project: Arc<Project>,
    /// The project's keys.
    pub keys: Arc<ProjectKeys>,
    /// The exchange that it becomes.
    pub exchange_id: Uuid,
    /// The exchange's own key.
    pub key: Key,
    /// The same, wrapped.
    pub wrapped_key: Vec<u8>,
    /// The keyed hash of its name.
    pub name_hash: Sha256,
    /// Partner and environment.
    pub owner: Owner,
}

impl Taking {
    /// A file that is not here yet.
    pub(super) async fn new(
        desk: &Desk,
        flow: &Flow,
        incoming: &Incoming,
        listed: Listed,
    ) -> Result<Self> {
        let project = desk.ctx.project(&flow.project)?;
        let keys = desk.ctx.keyring.project(&project.name).await?;
        let (key, wrapped_key) = keys.fresh(&desk.ctx.entropy)?;
        Ok(Self {
            name_hash: keys.hash(&listed.name),
            owner: desk.owner(),
            exchange_id: desk.ctx.entropy.uuid(&desk.ctx.clock)?,
            desk: desk.clone(),
            flow: flow.clone(),
            incoming: incoming.clone(),
            listed,
            project,
            keys,
            key,
            wrapped_key,
        })
    }

    /// The house.
    pub fn ctx(&self) -> &Context {
        &self.desk.ctx
    }

    /// What an archive may cost.
    pub fn limits(&self) -> Limits {
        Limits {
            bytes: self.ctx().config.gateway.limits.archive,
            ..Limits::default()
        }
    }

    /// Where the file lies.
    pub fn path(&self) -> Result<String> {
        path::join(&self.flow.path, &self.listed.name)
    }

    /// The row of one of the archive's blobs.
    pub fn document(&self, role: &str, stored: &Stored, wrapped_key: Vec<u8>) -> DocumentRow {
        DocumentRow {
            id: stored.id,
            exchange_id: self.exchange_id,
            owner: self.owner.clone(),
            role: role.to_owned(),
            file_name: None,
            media_type: "application/octet-stream".to_owned(),
            size: stored.size,
            sha256: stored.digests.sha256,
            key_id: self.keys.id,
            wrapped_key,
            created_at: self.ctx().clock.now(),
            piece_id: None,
            container: None,
        }
    }

    /// Writes its row, which says that it is being taken.
    pub(super) async fn begin(&self, blob: Uuid) -> Result<ArchiveRow> {
        let row = ArchiveRow {
            exchange_id: self.exchange_id,
            owner: self.owner.clone(),
            project: self.project.name.clone(),
            depot: self.desk.depot.name.clone(),
            flow: self.flow.name.clone(),
            name_hash: self.name_hash,
            name: None,
            state: "spooling".to_owned(),
            format: None,
            container_id: blob,
            unpacked_id: None,
            pieces: 0,
            accepted: 0,
            token: Some(self.desk.token),
            began_at: self.ctx().clock.now(),
            receipted_at: None,
            left_at: None,
        };
        let (written, token) = (row.clone(), self.desk.token);
        let begun = self.ctx().store.write(move |tx| {
            lease::demand(tx, &written.depot, token)?;
            archives::begin(tx, &written)
        });
        begun.await?;
        Ok(row)
    }

    /// What tells the file from others in incidents: never its name.
    pub fn subject(&self) -> String {
        subject_of(&self.desk.depot.name, &self.flow.name, &self.name_hash)
    }
}

/// The same for a file that is not being taken.
pub fn subject_of(depot: &str, flow: &str, name_hash: &Sha256) -> String {
    format!("{depot}/{flow}/{}", hex(name_hash))
}
