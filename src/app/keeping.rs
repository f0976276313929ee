//! What goes on beside serving and working: clients and certificates are read again where they change, and what operators should
//! know at once is told.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use crate::{
    domain::{
        access::{Registry, snapshot},
        ged::Keyring,
        receipts::Signer,
        returns::Couriers,
    },
    http::tls::Tls,
    storage::{Store, durability},
};

/// How often the files of certificates and revocation lists are looked at: they are read again where one has changed.
const LOOK: Duration = Duration::from_secs(2);
/// How often a signing certificate that ends soon is warned of, and a database that may lose something.
const DAILY: Duration = Duration::from_secs(86_400);

/// Reads the clients again, and forgets what a new day ends, until `stop`.
pub(super) async fn keep_fresh(clients: Registry, keyring: Keyring, stop: CancellationToken) {
    while stop
        .run_until_cancelled(tokio::time::sleep(snapshot::PERIOD))
        .await
        .is_some()
    {
        // A process that nobody asks anything forgets yesterday's keys, too.
        keyring.turn();
        if let Err(fault) = clients.refresh().await {
            tracing::warn!(%fault, "the clients could not be read");
        }
    }
}

/// Reads certificates and revocation lists again where they have changed, until `stop`.
pub(super) async fn keep_certificates(tls: Arc<Tls>, stop: CancellationToken) {
    while stop
        .run_until_cancelled(tokio::time::sleep(LOOK))
        .await
        .is_some()
    {
        match tls.refresh() {
            Ok(false) => {}
            Ok(true) => tracing::info!("certificates and revocation lists read again"),
            Err(fault) => {
                tracing::warn!(%fault, "the certificates could not be read again; the old ones stay");
            }
        }
    }
}

/// Warns of a signing certificate that ends soon: at once, and every day.
pub(super) async fn warn_of_the_signer(signer: Arc<Signer>, stop: CancellationToken) {
    let mut tick = tokio::time::interval(DAILY);
    while stop.run_until_cancelled(tick.tick()).await.is_some() {
        if let Some(warning) = signer.warning() {
            tracing::warn!(expires_at = %signer.expires_at(), "{warning}");
        }
    }
}

/// Warns of a database server that may lose what it has confirmed: at once, and every day.
pub(super) async fn warn_of_the_database(store: Store, stop: CancellationToken) {
    let mut tick = tokio::time::interval(DAILY);
    while stop.run_until_cancelled(tick.tick()).await.is_some() {
        match durability::missing(&store).await {
            Ok(missing) => missing.iter().for_each(|setting| {
                tracing::error!(
                    setting,
                    "the database's server has this off: with its power it loses what was acknowledged"
                );
            }),
            Err(fault) => tracing::warn!(%fault, "the database's server could not be asked what it keeps"),
        }
    }
}

/// Tells at the start what deliveries would meet; a name that leads inside may lead elsewhere later.
pub(super) async fn look_at_targets(couriers: Couriers) {
    for (project, fault) in couriers.check_names().await {
        tracing::error!(project, %fault, "a callback leads inside the network; nothing is sent there");
    }
}
