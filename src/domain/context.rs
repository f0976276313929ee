//! What every room of the domain shares: the settings, the stores, the keys, the time.

use std::sync::Arc;

use tokio::sync::Notify;

use super::{ged::Keyring, receipts::Signer};
use crate::{
    config::{Config, Project},
    kernel::{
        clock::Clock,
        crowd::Crowd,
        entropy::Entropy,
        fault::{Code, Fault, Result},
    },
    storage::{Store, exchanges::Owner},
    vault::Vault,
};

/// A cheap handle on the house.
#[derive(Clone)]
pub struct Context {
    /// The settings.
    pub config: Arc<Config>,
    /// The database.
    pub store: Store,
    /// The blobs.
    pub vault: Vault,
    /// The projects' keys.
    pub keyring: Keyring,
    /// The receipts' signer.
    pub signer: Arc<Signer>,
    /// The time.
    pub clock: Clock,
    /// Randomness.
    pub entropy: Entropy,
    /// Rung when a job was queued, so that this process's worker need not wait for its next look.
    pub bell: Arc<Notify>,
    /// The pieces that this process is making durable at this moment.
    pub intakes: Crowd,
}

impl Context {
    /// The owner of what `partner` sends here.
    pub fn owner(&self, partner: &str) -> Owner {
        Owner {
            partner: partner.to_owned(),
            environment: self.config.gateway.environment.clone(),
        }
    }

    /// The settings of a project that an exchange names. Fails with `unavailable` where they were taken away since: its
    /// jobs wait until they are back.
    pub fn project(&self, name: &str) -> Result<Arc<Project>> {
        let project = self.config.projects.get(name).cloned();
        project.ok_or_else(|| {
            Fault::new(Code::Unavailable, "Le projet n'est plus configuré.").because(name)
        })
    }
}
