//! One connection: handshake, HTTP/1.1, and a close that lets the peer read its answer.
//!
//! A client that is refused before its body was read often goes on sending. Closing at once would make its system throw our
//! answer away with a reset; so the answer is sent, our side is closed, and what still comes is read and forgotten for a
//! while ([`Linger`]). Only connections with an unread body pay for it.
//!
//! A connection also ends after a chunked request: hyper forgets a `Content-Length` that came beside the chunks, and RFC 9112
//! (6.1) wants the connection closed then, so that nothing behind such a request is taken for another one.

use std::{convert::Infallible, net::SocketAddr, pin::Pin, sync::Arc, time::Duration};

use axum::{Router, body::Body, response::IntoResponse};
use http::{
    HeaderValue, Request, Response,
    header::{CONNECTION, TRANSFER_ENCODING},
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::Service;

use super::{
    body::{Guard, Limits, Meter},
    peer::Peer,
    tls::Tls,
    wire::{Pace, Patience, SOCKET_BUFFER, Stream, Wire},
};
use crate::kernel::fault::Fault;

/// The buffer of a head, and the largest piece of a body that is handed on at once, in bytes.
const HTTP_BUFFER: usize = 64 * 1024;

/// How long and how much is read from a peer that was answered before it had sent its body.
#[derive(Clone, Copy, Debug)]
pub struct Linger {
    /// In all.
    pub total: Duration,
    /// Between two readings.
    pub idle: Duration,
    /// Bytes thrown away at most, as they come on the socket.
    pub bytes: u64,
}

/// What every connection of a listener shares.
pub struct Shared {
    /// TLS, or none on the loopback listener.
    pub tls: Option<Arc<Tls>>,
    /// The handlers.
    pub router: Router,
    /// For a handshake to be done.
    pub handshake: Duration,
    /// Between requests and within a head.
    pub patience: Patience,
    /// For request bodies.
    pub limits: Limits,
    /// For the close after an early refusal.
    pub linger: Linger,
    /// Set when the listener stops: requests in flight are finished, idle connections end.
    pub stopping: CancellationToken,
    /// The handlers at work, those of clients that hung up among them.
    pub handling: TaskTracker,
}

/// Serves one accepted socket to its end.
pub async fn serve(socket: TcpStream, address: SocketAddr, shared: Arc<Shared>) {
    // Answers are small and written whole: waiting to fill a packet only delays them.
    let _ = socket.set_nodelay(true);
    let Some((stream, peer)) = shake_hands(socket, address, &shared).await else {
        return;
    };
    let pace = Arc::new(Pace::default());
    let wire = Wire::new(stream, Arc::clone(&pace), shared.patience);
    if let Some(stream) = converse(wire, &peer, &pace, &shared).await {
        linger(stream, shared.linger).await;
    }
}

async fn shake_hands(
    socket: TcpStream,
    address: SocketAddr,
    shared: &Shared,
) -> Option<(Stream, Peer)> {
    let Some(tls) = &shared.tls else {
        return Some((Stream::Plain(socket), Peer::anonymous(address)));
    };
    let buffered = BufReader::with_capacity(SOCKET_BUFFER, socket);
    match timeout(shared.handshake, tls.acceptor().accept(buffered)).await {
        Ok(Ok(stream)) => {
            let peer = identify(address, stream.get_ref().1.peer_certificates());
            Some((Stream::Tls(Box::new(stream)), peer))
        }
        Ok(Err(error)) => refused(address, &error),
        Err(elapsed) => refused(address, &elapsed),
    }
}

fn identify(address: SocketAddr, chain: Option<&[rustls::pki_types::CertificateDer<'_>]>) -> Peer {
    match chain.and_then(<[_]>::first) {
        Some(certificate) => Peer::certified(address, certificate),
        None => Peer::anonymous(address),
    }
}

fn refused<T>(address: SocketAddr, error: &dyn std::fmt::Display) -> Option<T> {
    metrics::counter!("navette_tls_failures_total").increment(1);
    tracing::info!(%address, %error, "TLS handshake refused");
    None
}

/// Speaks HTTP until the connection ends. Gives the stream back where the peer may still be sending.
async fn converse(
    wire: Wire,
    peer: &Peer,
    pace: &Arc<Pace>,
    shared: &Arc<Shared>,
) -> Option<Stream> {
    let service = service_fn(|request| answer(request, peer, pace, shared));
    let mut connection = protocol().serve_connection(TokioIo::new(wire), service);
    let stopped = tokio::select! {
        outcome = &mut connection => Some(outcome),
        () = shared.stopping.cancelled() => None,
    };
    let outcome = match stopped {
        Some(outcome) => outcome,
        None => {
            Pin::new(&mut connection).graceful_shutdown();
            (&mut connection).await
        }
    };
    let malformed = outcome.as_ref().is_err_and(hyper::Error::is_parse);
    if let Err(error) = outcome {
        tracing::debug!(address = %peer.address, %error, "connection ended early");
    }
    let wire = connection.into_parts().io.into_inner();
    (malformed || pace.is_unread()).then(|| wire.into_stream())
}

fn protocol() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        // The wire has this deadline: hyper's would end idle connections too.
        .header_read_timeout(None)
        .max_header_size(HTTP_BUFFER)
        .max_buf_size(HTTP_BUFFER)
        .writev(true);
    builder
}

/// Begins to answer at once, in a task of its own: hyper drops what it awaits when the client hangs up, perhaps before it
/// has looked at it once, and a body that is whole must be taken in all the same. One that is not whole ends with an error,
/// and its handler with it.
fn answer(
    request: Request<Incoming>,
    peer: &Peer,
    pace: &Arc<Pace>,
    shared: &Shared,
) -> impl Future<Output = Result<Response<Body>, Infallible>> + use<> {
    let (turn, pace, meter) = (pace.begin(), Arc::clone(pace), Meter::default());
    let is_chunked = request.headers().contains_key(TRANSFER_ENCODING);
    let request = prepare(request, peer, &meter, shared.limits);
    let handling = shared.handling.spawn(shared.router.clone().call(request));
    async move {
        let _turn = turn;
        let mut response = match handling.await {
            Ok(answered) => answered?,
            Err(panic) => Fault::internal(panic).into_response(),
        };
        if is_chunked || !meter.is_ended() {
            pace.leave_unread();
            let headers = response.headers_mut();
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response)
    }
}

fn prepare(
    request: Request<Incoming>,
    peer: &Peer,
    meter: &Meter,
    limits: Limits,
) -> Request<Body> {
    let (mut parts, incoming) = request.into_parts();
    parts.extensions.insert(peer.clone());
    parts.extensions.insert(meter.clone());
    let guard = Guard::new(incoming, limits, meter.clone());
    Request::from_parts(parts, Body::new(guard))
}

/// Ends our side, then reads and forgets until the peer has finished too or its time is over.
async fn linger(mut stream: Stream, bounds: Linger) {
    let _ = timeout(bounds.idle, close_write(&mut stream)).await;
    let _ = timeout(bounds.total, discard(stream.into_socket(), bounds)).await;
}

async fn close_write(stream: &mut Stream) -> std::io::Result<()> {
    match stream {
        Stream::Plain(socket) => socket.shutdown().await,
        Stream::Tls(stream) => stream.shutdown().await,
    }
}

async fn discard(mut socket: TcpStream, bounds: Linger) {
    let mut buffer = vec![0; HTTP_BUFFER];
    let mut left = bounds.bytes;
    while left > 0 {
        match timeout(bounds.idle, socket.read(&mut buffer)).await {
            Ok(Ok(count)) if count > 0 => left = left.saturating_sub(count as u64),
            _ => return,
        }
    }
}
