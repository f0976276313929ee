//! The REST API of the stand-in: `POST /cft/api/v1/transfers/files/outgoings?part=…&idf=…` with a bearer token, over TLS.
//! It does what the command does, by the command itself.

use std::{convert::Infallible, path::Path, path::PathBuf, process::Command, sync::Arc};

use http_body_util::{BodyExt, Full};
use hyper::{
    Method, Request, Response, body::Bytes, body::Incoming, server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use tokio::{net::TcpListener, runtime::Runtime};
use tokio_rustls::TlsAcceptor;

use crate::kit::{pki::pki, ports, process, tls};

/// Who may ask.
pub(super) const TOKEN: &str = "eyJhbGnMQdLK6lwYPwy6";

/// The API, running; it stops when dropped.
#[derive(Debug)]
pub(super) struct Api {
    port: u16,
    runtime: Option<Runtime>,
}

impl Api {
    pub(super) fn start(home: &Path) -> Self {
        let port = ports::free();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a thread can be started");
        let listener = std::net::TcpListener::bind(("127.0.0.1", port)).expect("it was free");
        listener.set_nonblocking(true).expect("sockets can be");
        {
            let _inside = runtime.enter();
            let listener = TcpListener::from_std(listener).expect("inside of a runtime");
            tokio::spawn(accept(listener, home.to_owned()));
        }
        Self {
            port,
            runtime: Some(runtime),
        }
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn accept(listener: TcpListener, home: PathBuf) {
    let identity = &pki().partner;
    let config = ServerConfig::builder_with_provider(tls::provider())
        .with_safe_default_protocol_versions()
        .expect("the defaults fit")
        .with_no_client_auth()
        .with_single_cert(identity.chain(), identity.private_key())
        .expect("key and certificate belong together");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    while let Ok((socket, _)) = listener.accept().await {
        let Ok(stream) = acceptor.accept(socket).await else {
            continue;
        };
        let service = service_fn(|call| answer(call, &home));
        // Failures are the caller's to notice.
        let _ = http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service)
            .await;
    }
}

type Answer = Response<Full<Bytes>>;

async fn answer(call: Request<Incoming>, home: &Path) -> Result<Answer, Infallible> {
    let (head, body) = call.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes());
    let token = head
        .headers
        .get("authorization")
        .map(|value| value.as_bytes().to_vec());
    let right =
        head.method == Method::POST && head.uri.path() == "/cft/api/v1/transfers/files/outgoings";
    let query = head.uri.query().unwrap_or_default().to_owned();
    Ok(match (right, body) {
        _ if token.as_deref() != Some(format!("Bearer {TOKEN}").as_bytes()) => said(401, "{}"),
        (true, Ok(body)) => submit(home, &query, &body),
        _ => said(404, "{}"),
    })
}

fn submit(home: &Path, query: &str, body: &[u8]) -> Answer {
    let word = |name: &str| {
        let pairs = form_urlencoded::parse(query.as_bytes());
        let found = pairs.into_owned().find(|(key, _)| key == name);
        found.map(|(_, value)| value).unwrap_or_default()
    };
    let asked: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |name: &str| asked[name].as_str().unwrap_or_default().to_owned();
    let parameters = format!(
        "PART={},IDF={},FNAME={},PARM={},IDA={}",
        word("part"),
        word("idf"),
        text("fname"),
        text("parm"),
        text("ida")
    );
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/kit/cft/cftutil.sh");
    let mut command = Command::new(script);
    command
        .args(["SEND", &parameters])
        .env("CFTDIRRUNTIME", home);
    let done = process::run(&command, 30);
    let idtu = done.stdout.split_once("IDTU=").map(|(_, rest)| &rest[..8]);
    match (done.status.success(), idtu) {
        (true, Some(idtu)) => said(201, &format!("{{\"idtu\": {idtu:?}}}")),
        (true, None) => said(201, "{}"),
        _ => said(400, "{\"error\": \"refused\"}"),
    }
}

fn said(status: u16, body: &str) -> Answer {
    Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(body.to_owned())))
        .expect("a plain answer")
}
