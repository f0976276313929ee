//! A listening socket: it accepts, limits how many connections live at once, and stops gracefully.
//!
//! Above the limit nothing is refused: a new connection waits in the system's queue until one ends. On stop, requests in
//! flight get [`Settings::grace`] to finish, those whose client has hung up too; what is left then is cut.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    body::Limits,
    connection::{self, Linger, Shared},
    tls::Tls,
    wire::Patience,
};
use crate::kernel::fault::{Code, Fault, Result};

/// How long the accept loop rests when the system has no descriptor or memory left for a socket.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(50);

/// How long an address in use is waited for: a gateway that was killed while it started a child leaves its sockets to that
/// child for a moment, and whoever starts it again at once would find them held.
const HELD: Duration = Duration::from_secs(3);

/// How long until an address in use is asked for again.
const HELD_PAUSE: Duration = Duration::from_millis(50);

/// What a listener grants. The defaults are those of the gateway.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Connections at once.
    pub connections: usize,
    /// For a TLS handshake to be done.
    pub handshake: Duration,
    /// For a head, and between requests.
    pub patience: Patience,
    /// For request bodies.
    pub limits: Limits,
    /// For the close after an early refusal.
    pub linger: Linger,
    /// For requests in flight when the listener stops.
    pub grace: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connections: 8192,
            handshake: Duration::from_secs(3),
            patience: Patience {
                head: Duration::from_secs(5),
                idle: Duration::from_secs(75),
            },
            limits: Limits::default(),
            linger: Linger {
                total: Duration::from_secs(30),
                idle: Duration::from_secs(5),
                bytes: 256 * 1024 * 1024,
            },
            grace: Duration::from_secs(30),
        }
    }
}

/// A bound socket, not yet served.
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    tls: Option<Arc<Tls>>,
    settings: Settings,
}

impl Listener {
    /// Binds `address` (port 0 takes a free one), which may be in use for some seconds more. Fails with code `configuration`
    /// where the system refuses.
    pub async fn bind(
        address: SocketAddr,
        tls: Option<Arc<Tls>>,
        settings: Settings,
    ) -> Result<Self> {
        let refused = |error| cannot_listen(address, &error);
        let socket = bound(address).await.map_err(refused)?;
        let address = socket.local_addr().map_err(refused)?;
        Ok(Self {
            socket,
            address,
            tls,
            settings,
        })
    }

    /// The address that was bound.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves `router` until `stop` is set, then finishes what is in flight.
    pub async fn serve(self, router: Router, stop: CancellationToken) {
        let shared = Arc::new(self.shared(router, &stop));
        let (alive, cut) = (TaskTracker::new(), CancellationToken::new());
        let _ = stop
            .run_until_cancelled(self.accept_all(&shared, &alive, &cut))
            .await;
        drop(self.socket);
        alive.close();
        shared.handling.close();
        // Connections first: one that lives may still begin a request.
        let finished = async {
            alive.wait().await;
            shared.handling.wait().await;
        };
        if timeout(self.settings.grace, finished).await.is_err() {
            tracing::warn!(
                connections = alive.len(),
                requests = shared.handling.len(),
                "cutting what did not finish in time"
            );
            cut.cancel();
            alive.wait().await;
        }
    }

    fn shared(&self, router: Router, stop: &CancellationToken) -> Shared {
        Shared {
            tls: self.tls.clone(),
            router,
            handshake: self.settings.handshake,
            patience: self.settings.patience,
            limits: self.settings.limits,
            linger: self.settings.linger,
            stopping: stop.clone(),
            handling: TaskTracker::new(),
        }
    }

    async fn accept_all(&self, shared: &Arc<Shared>, alive: &TaskTracker, cut: &CancellationToken) {
        let places = Arc::new(Semaphore::new(self.settings.connections));
        // The semaphore is never closed: the loop ends with the future that holds it.
        while let Ok(place) = Arc::clone(&places).acquire_owned().await {
            let (socket, address) = self.accept().await;
            let serving = connection::serve(socket, address, Arc::clone(shared));
            alive.spawn(
                cut.clone()
                    .run_until_cancelled_owned(occupy(place, serving)),
            );
        }
    }

    async fn accept(&self) -> (TcpStream, SocketAddr) {
        loop {
            match self.socket.accept().await {
                Ok(accepted) => return accepted,
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    tracing::error!(%error, "cannot accept connections for now");
                    sleep(EXHAUSTED_PAUSE).await;
                }
            }
        }
    }
}

async fn occupy(place: OwnedSemaphorePermit, serving: impl Future<Output = ()>) {
    let gauge = metrics::gauge!("navette_connections");
    gauge.increment(1.0);
    serving.await;
    gauge.decrement(1.0);
    drop(place);
}

/// A socket at `address`, as soon as nobody else has it.
async fn bound(address: SocketAddr) -> io::Result<TcpListener> {
    let end = Instant::now() + HELD;
    loop {
        match TcpListener::bind(address).await {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && Instant::now() < end => {
                sleep(HELD_PAUSE).await;
            }
            done => return done,
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

fn cannot_listen(address: SocketAddr, error: &io::Error) -> Fault {
    Fault::new(
        Code::Configuration,
        format!("Impossible d'écouter sur {address} : {error}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anywhere() -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 0))
    }

    async fn bind(address: SocketAddr) -> Result<Listener> {
        Listener::bind(address, None, Settings::default()).await
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_a_predecessor_still_holds_is_waited_for() {
        let predecessor = TcpListener::bind(anywhere()).await.unwrap();
        let address = predecessor.local_addr().unwrap();
        let leaves = async {
            sleep(HELD / 2).await;
            drop(predecessor);
        };
        let (successor, ()) = tokio::join!(bind(address), leaves);
        assert_eq!(successor.unwrap().address(), address);
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_stays_in_use_is_told_as_a_fault_of_the_settings() {
        let other = TcpListener::bind(anywhere()).await.unwrap();
        let address = other.local_addr().unwrap();
        let refused = bind(address).await.err().unwrap();
        assert_eq!(refused.code(), Code::Configuration);
    }
}
