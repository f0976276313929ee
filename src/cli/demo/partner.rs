//! The stand-in for the API that ASP exposes for returns: a real HTTPS server that demands our client certificate and does
//! what `callback-v1.yaml` asks of a partner, signature first.

use std::{path::Path, sync::Arc};

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use axum::{
    Extension, Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    response::{IntoResponse, Response},
    routing::post,
};
use data_encoding::BASE64;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tokio::{
    sync::mpsc::{self, UnboundedReceiver, UnboundedSender},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use super::stage::{self, Stage};
use crate::{
    http::{
        listener::{Listener, Settings},
        peer::Peer,
        tls::{Tls, TlsFiles},
    },
    kernel::{
        clock::Clock,
        fault::{Code, Fault, Result},
    },
};

/// The path that returns go to.
const PATH: &str = "/retours";
/// How far the date of a call may be from our clock, in seconds.
const TOLERANCE: i64 = 300;
/// The most bytes of a return: the limit of a whole transaction.
const LARGEST: usize = 20_000_000;

/// A return that was received, its signature checked.
pub struct Callback {
    /// The piece that it answers.
    pub reconciliation_id: String,
    /// Its outcome.
    pub outcome: String,
    /// Its bytes, as they came.
    pub body: Bytes,
}

/// The running stand-in.
pub struct Partner {
    port: u16,
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

/// What its handler needs.
struct Desk {
    key: Vec<u8>,
    clock: Clock,
    received: UnboundedSender<Callback>,
}

impl Partner {
    /// Opens it on a free port; what it receives comes out of the second half.
    pub async fn open(stage: &Stage) -> Result<(Self, UnboundedReceiver<Callback>)> {
        let tls = Tls::load(TlsFiles {
            certificate: stage.pki("partner.pem"),
            key: stage.pki("partner.key"),
            client_authorities: vec![stage.pki("ca.pem")],
            revocations: Vec::new(),
        })?;
        let address = ([127, 0, 0, 1], 0).into();
        let listener = Listener::bind(address, Some(Arc::new(tls)), Settings::default()).await?;
        let (sender, receiver) = mpsc::unbounded_channel();
        let desk = Desk {
            key: public_key(&stage.pki("webhook.pub"))?,
            clock: Clock::system(),
            received: sender,
        };
        let (port, stop) = (listener.address().port(), CancellationToken::new());
        let serving = tokio::spawn(listener.serve(routes(desk), stop.clone()));
        Ok((
            Self {
                port,
                stop,
                serving,
            },
            receiver,
        ))
    }

    /// Where returns are to be sent.
    pub fn url(&self) -> String {
        format!("https://localhost:{}{PATH}", self.port)
    }

    /// Lets it finish and go.
    pub async fn stop(self) {
        self.stop.cancel();
        // It ends by itself; a panic in it would have shown as missing returns.
        let _ = self.serving.await;
    }
}

fn routes(desk: Desk) -> Router {
    Router::new()
        .route(PATH, post(receive))
        .layer(DefaultBodyLimit::max(LARGEST))
        .with_state(Arc::new(desk))
}

/// One call: who, signature, date, and only then what.
async fn receive(
    State(desk): State<Arc<Desk>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if peer.certificate_sha256.is_none() {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    match desk.take(&headers, body) {
        Some(return_id) => acknowledged(&return_id),
        None => StatusCode::BAD_REQUEST.into_response(),
    }
}

fn acknowledged(return_id: &str) -> Response {
    let body = json!({ "acknowledgmentId": format!("ASP-{return_id}"), "returnId": return_id });
    Json(body).into_response()
}

impl Desk {
    /// The return's id, where the call is what it claims to be.
    fn take(&self, headers: &HeaderMap, body: Bytes) -> Option<String> {
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let (id, at) = (header("webhook-id")?, header("webhook-timestamp")?);
        let age = self.clock.now().as_second() - at.parse::<i64>().ok()?;
        let signed = self.signed(header("webhook-signature")?, id, at, &body);
        if !signed || age.abs() > TOLERANCE {
            return None;
        }
        let said: Value = serde_json::from_slice(&body).ok()?;
        let text = |name: &str| said[name].as_str().map(str::to_owned);
        let callback = Callback {
            reconciliation_id: text("reconciliationId")?,
            outcome: text("outcome")?,
            body,
        };
        // Nobody listens any more: the demonstration is ending.
        let _ = self.received.send(callback);
        Some(id.to_owned())
    }

    /// Whether one of the signatures is an ed25519 one over these very bytes.
    fn signed(&self, signatures: &str, id: &str, at: &str, body: &[u8]) -> bool {
        let message = [id.as_bytes(), b".", at.as_bytes(), b".", body].concat();
        let key = UnparsedPublicKey::new(&ED25519, &self.key);
        signatures
            .split(' ')
            .filter_map(|signature| signature.strip_prefix("v1a,"))
            .filter_map(|text| BASE64.decode(text.as_bytes()).ok())
            .any(|signature| key.verify(&message, &signature).is_ok())
    }
}

/// The public half that ASP is given: `whpk_` and base64.
fn public_key(path: &Path) -> Result<Vec<u8>> {
    let text = stage::read(path)?;
    let text = text.trim_ascii().strip_prefix(b"whpk_");
    let key = text.and_then(|text| BASE64.decode(text).ok());
    key.ok_or_else(|| {
        let detail = format!("{}: expected whpk_ and base64", path.display());
        Fault::new(Code::Configuration, detail)
    })
}
