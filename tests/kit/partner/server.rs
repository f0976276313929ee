//! The stand-in's listener: TLS with a mandatory client certificate, HTTP/1.1, one task per connection.

use std::{convert::Infallible, sync::Arc, time::Instant};

use aws_lc_rs::digest;
use http_body_util::BodyExt;
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use rustls::{ServerConfig, server::WebPkiClientVerifier};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::{Answer, Received, Shared, answer};
use crate::kit::{pki::Identity, tls};

/// Takes the port before it returns; the accepting goes on in the background.
pub fn listen(port: u16, identity: &Identity, shared: Arc<Shared>) {
    let listener = std::net::TcpListener::bind(("127.0.0.1", port)).expect("the port was free");
    listener.set_nonblocking(true).expect("sockets can be");
    let listener = TcpListener::from_std(listener).expect("inside of a runtime");
    let acceptor = TlsAcceptor::from(Arc::new(config(identity)));
    tokio::spawn(accept(listener, acceptor, shared));
}

fn config(identity: &Identity) -> ServerConfig {
    let provider = tls::provider();
    let verifier = WebPkiClientVerifier::builder_with_provider(tls::roots(), provider.clone())
        .build()
        .expect("there is a root");
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the defaults fit")
        .with_client_cert_verifier(verifier)
        .with_single_cert(identity.chain(), identity.private_key())
        .expect("key and certificate belong together")
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, shared: Arc<Shared>) {
    while let Ok((socket, _)) = listener.accept().await {
        tokio::spawn(serve(socket, acceptor.clone(), Arc::clone(&shared)));
    }
}

/// Failures are the caller's to notice.
async fn serve(socket: TcpStream, acceptor: TlsAcceptor, shared: Arc<Shared>) {
    let _ = socket.set_nodelay(true);
    let Ok(stream) = acceptor.accept(socket).await else {
        return;
    };
    let certificate = fingerprint(&stream);
    let service = service_fn(|call| take(call, certificate, &shared));
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn take(
    call: Request<Incoming>,
    certificate: [u8; 32],
    shared: &Shared,
) -> Result<Response<answer::Body>, Infallible> {
    let (head, body) = call.into_parts();
    let _open = shared.open.open(head.uri.path());
    let Ok(body) = body.collect().await else {
        std::future::pending().await
    };
    let path = head.uri.path();
    let answer = shared.next(path);
    let is_held = matches!(answer, Answer::Held);
    let response = answer::render(answer, &head.headers);
    shared.record(Received {
        path: path.to_owned(),
        body: body.to_bytes(),
        at: Instant::now(),
        certificate,
        headers: head.headers,
    });
    if is_held {
        shared.open.released().await;
    }
    match response {
        Some(response) => Ok(response),
        None => std::future::pending().await,
    }
}

fn fingerprint(stream: &TlsStream<TcpStream>) -> [u8; 32] {
    let (_, session) = stream.get_ref();
    let certificate = session
        .peer_certificates()
        .and_then(|chain| chain.first())
        .expect("the verifier demands one");
    digest::digest(&digest::SHA256, certificate)
        .as_ref()
        .try_into()
        .expect("SHA-256 is 32 bytes")
}
