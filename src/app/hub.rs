//! The hub's half of serving: its listener, its clients, its tokens. It shares everything else with the piece API.

use std::{sync::Arc, time::Duration};

use axum::Router;
use tokio_util::sync::CancellationToken;

use super::{House, credentials, front, keeping};
use crate::{
    config::{Gateway, Hubee, LARGEST_ATTACHMENT},
    domain::{
        access::snapshot,
        hubee::{Registry, Tokens, attachments::Scanner},
    },
    http::{
        body::Limits,
        connection::Linger,
        hubee::{self, Hub, errors},
        listener::{self, Listener},
        tls::Tls,
        trace,
    },
    kernel::fault::Result,
};

/// What a body may have beyond the largest attachment: one that is too large is told so by its handler, not cut.
const SLACK: u64 = 64 * 1024;

/// Binds the hub's listener, where the settings have one. Fails with `configuration` where the system refuses.
pub async fn open(house: &House, stop: CancellationToken) -> Result<Option<(Listener, Router)>> {
    let gateway = &house.ctx.config.gateway;
    let Some(settings) = &gateway.hubee else {
        return Ok(None);
    };
    let tls = Arc::new(Tls::load(credentials::of_hub(settings))?);
    tokio::spawn(keeping::keep_certificates(tls.clone(), stop.clone()));
    let limits = limits(gateway, settings);
    let listener = Listener::bind(settings.address, Some(tls), granted(settings, limits)).await?;
    let hub = Arc::new(Hub {
        ctx: house.ctx.clone(),
        clients: clients(house, stop).await?,
        tokens: tokens(gateway, settings)?,
        scanner: Scanner::of(&house.ctx.config),
    });
    tracing::info!(address = %listener.address(), url = settings.public_url, "serving the hub");
    let front = front(house, limits, errors::render);
    Ok(Some((listener, trace::dress(hubee::routes(hub), front))))
}

fn limits(gateway: &Gateway, settings: &Hubee) -> Limits {
    Limits {
        transaction: LARGEST_ATTACHMENT + SLACK,
        return_reserve: 0,
        total: settings.body_deadline,
        ..super::limits(gateway)
    }
}

/// Who is refused early may be sending an attachment: all of it is let come, so that he reads why.
fn granted(settings: &Hubee, limits: Limits) -> listener::Settings {
    listener::Settings {
        connections: settings.connections,
        limits,
        linger: Linger {
            total: Duration::from_secs(120),
            idle: Duration::from_secs(5),
            bytes: 2 * LARGEST_ATTACHMENT,
        },
        ..listener::Settings::default()
    }
}

async fn clients(house: &House, stop: CancellationToken) -> Result<Registry> {
    let ctx = &house.ctx;
    let clients = Registry::new(ctx.store.clone(), &ctx.config.gateway.environment);
    clients.refresh().await?;
    tokio::spawn(keep_fresh(clients.clone(), stop));
    Ok(clients)
}

async fn keep_fresh(clients: Registry, stop: CancellationToken) {
    let pause = || tokio::time::sleep(snapshot::PERIOD);
    while stop.run_until_cancelled(pause()).await.is_some() {
        if let Err(fault) = clients.refresh().await {
            tracing::warn!(%fault, "the clients of the hub could not be read");
        }
    }
}

fn tokens(gateway: &Gateway, settings: &Hubee) -> Result<Tokens> {
    // The settings allow 30 days at most.
    let life = u32::try_from(settings.token_lifetime.as_secs()).unwrap_or(86_400);
    Ok(Tokens::new(
        &settings.public_url,
        life,
        credentials::token_keys(gateway)?,
    ))
}
