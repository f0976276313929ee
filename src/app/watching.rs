//! Health and metrics: the listener that operators' tools ask, and what it asks of the house.

use std::net::SocketAddr;

use tokio_util::sync::CancellationToken;

use super::{House, keeping};
use crate::{
    http::{
        listener::{self, Listener},
        ops::{self, Probe},
    },
    kernel::fault::{Fault, Result},
    outbound::clamd::Clamd,
};

/// Serves health and metrics on the loopback `address` until `stop`.
pub async fn watch(house: &House, address: SocketAddr, stop: CancellationToken) -> Result<()> {
    let metrics = ops::install_metrics()?;
    tokio::spawn(ops::keep_up(metrics.clone(), stop.clone()));
    let (store, vault) = (house.ctx.store.clone(), house.ctx.vault.clone());
    let signer = house.ctx.signer.clone();
    let end = signer.expires_at().as_second() as f64;
    metrics::gauge!("navette_receipt_certificate_end_timestamp_seconds").set(end);
    tokio::spawn(keeping::warn_of_the_signer(signer.clone(), stop.clone()));
    tokio::spawn(keeping::warn_of_the_database(store.clone(), stop.clone()));
    let mut probes = vec![
        Probe::new("database", move || {
            let store = store.clone();
            async move { store.read(|tx| tx.query("SELECT 1", &[]).map(drop)).await }
        }),
        Probe::new("store", move || {
            let vault = vault.clone();
            async move {
                tokio::task::spawn_blocking(move || vault.probe())
                    .await
                    .map_err(Fault::internal)?
            }
        }),
        Probe::new("receipts", move || std::future::ready(signer.usable())),
    ];
    if let Some(settings) = house.ctx.config.gateway.antivirus.clone() {
        let antivirus = Clamd::new(settings);
        probes.push(Probe::new("antivirus", move || {
            let antivirus = antivirus.clone();
            async move { antivirus.greet().await }
        }));
    }
    let listener = Listener::bind(address, None, listener::Settings::default()).await?;
    tracing::info!(address = %listener.address(), "health and metrics");
    listener.serve(ops::routes(probes, metrics), stop).await;
    Ok(())
}
