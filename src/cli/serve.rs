//! `navette serve` and `navette worker`: the two halves of the gateway, in one process or in several.

use std::future::Future;

use clap::Args;
use tokio::{
    runtime::{Builder, Runtime},
    signal::unix::{SignalKind, signal},
};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use super::{Answer, Settings};
use crate::{
    app::{self, House, soundness},
    config,
    kernel::fault::{Fault, Result},
};

/// Serves the API over HTTPS with mutual TLS.
///
/// Example: navette serve --with-worker
#[derive(Args)]
pub struct ServeArgs {
    /// Work jobs in this process too (the embedded default: one process does all).
    #[arg(long)]
    with_worker: bool,
}

/// Works jobs: processes documents, delivers returns, keeps the journal. Any number of processes may, on PostgreSQL.
///
/// Example: navette worker
#[derive(Args)]
pub struct WorkerArgs {}

/// How much the worker's threads yield to those that serve, where both are in one process: a sender waits for his
/// receipt, nobody waits for a return that is seconds away. Measured: at 10, worker and children took a third of two busy
/// processors from the intake of large pieces.
const YIELDING: i32 = 19;

pub(super) async fn serve(settings: &Settings, args: ServeArgs) -> Result<Answer> {
    run(settings, true, args.with_worker).await
}

pub(super) async fn worker(settings: &Settings, _: WorkerArgs) -> Result<Answer> {
    run(settings, false, true).await
}

/// Runs the wanted halves until a signal, or until one of them fails.
async fn run(settings: &Settings, serving: bool, working: bool) -> Result<Answer> {
    log_as_json();
    let stop = CancellationToken::new();
    stop_at_signals(&stop)?;
    // Before the database is touched: what cannot be served by changes nothing.
    let config = soundness::load(settings.file(), &config::environment())?;
    let house = House::open(config).await?;
    let workshop = workshop(serving)?;
    let gateway = &house.ctx.config.gateway;
    let health = match serving {
        true => gateway.health,
        false => gateway.worker_health,
    };
    let (watched, served, worked) = tokio::join!(
        half(true, app::watch(&house, health, stop.clone()), &stop),
        half(serving, app::serve(&house, stop.clone()), &stop),
        half(working, work(&workshop, &house, &stop), &stop),
    );
    workshop.shutdown_background();
    tracing::info!("stopped");
    watched.and(served).and(worked).map(|()| Answer::Yes)
}

/// The worker's threads. Beside those that serve, they yield.
fn workshop(yielding: bool) -> Result<Runtime> {
    Builder::new_multi_thread()
        .thread_name("worker")
        .on_thread_start(move || {
            if yielding {
                // On Linux a thread's own niceness; where it is refused, all are equal.
                let _ = rustix::process::nice(YIELDING);
            }
        })
        .enable_all()
        .build()
        .map_err(Fault::internal)
}

async fn work(workshop: &Runtime, house: &House, stop: &CancellationToken) -> Result<()> {
    let (house, stop) = (house.clone(), stop.clone());
    let work = workshop.spawn(async move { app::work(&house, stop).await });
    work.await.map_err(Fault::internal)?
}

/// Runs one half where it is wanted; its failure stops the others, for half a gateway is none.
async fn half(
    wanted: bool,
    body: impl Future<Output = Result<()>>,
    stop: &CancellationToken,
) -> Result<()> {
    if !wanted {
        return Ok(());
    }
    let ended = body.await;
    if let Err(fault) = &ended {
        tracing::error!(%fault, "stopping");
        stop.cancel();
    }
    ended
}

/// The first SIGTERM or SIGINT asks for a graceful end.
fn stop_at_signals(stop: &CancellationToken) -> Result<()> {
    for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
        let mut arrivals = signal(kind).map_err(Fault::internal)?;
        let stop = stop.clone();
        tokio::spawn(async move {
            arrivals.recv().await;
            tracing::info!("stopping: no new connection, what is in flight is finished");
            stop.cancel();
        });
    }
    Ok(())
}

/// JSON lines on stderr; `NAVETTE_LOG` filters them, such as `info,navette::worker=debug`.
fn log_as_json() {
    let filter = EnvFilter::try_from_env("NAVETTE_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // A log that takes no more (a full disk) would be told of on the very same stderr, and that panics.
        .log_internal_errors(false)
        .init();
}
