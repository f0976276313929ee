//! An ASP application: it signs in with certificate and secret, sends documents, and reads what became of them.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::{
    Body, Certificate, Client, Identity, RequestBuilder, header::ACCEPT, multipart::Form,
    multipart::Part,
};
use serde_json::{Value, json};
use tokio_util::io::ReaderStream;

use super::{
    document::Document,
    stage::{self, APPLICATION, CLIENT, PROJECT, Stage},
};
use crate::kernel::{
    digest::hex,
    fault::{Code, Fault, Result},
    secret::Secret,
};

/// How many documents are sent at once.
const AT_ONCE: usize = 4;
/// How long one call may take.
const CALL: Duration = Duration::from_secs(300);

/// A piece that the gateway has acknowledged.
pub struct Piece {
    /// Its reconciliation id.
    pub id: String,
    /// Its receipt, as the answer carried it.
    pub receipt: Value,
    /// How long its sender waited for it.
    pub took: Duration,
}

/// An application with its token.
pub struct Application {
    http: Client,
    base: String,
    token: Secret,
}

impl Application {
    /// Asks for a token with the client's certificate and secret.
    pub async fn sign_in(stage: &Stage) -> Result<Self> {
        let (http, base) = (client(stage)?, stage.url(""));
        let secret = stage::read(&stage.secret())?;
        let secret = String::from_utf8_lossy(&secret);
        let request = http
            .post(format!("{base}/oauth2/token"))
            .basic_auth(CLIENT, Some(secret))
            .header("content-type", "application/x-www-form-urlencoded")
            .body("grant_type=client_credentials");
        let said = json_of(request).await?;
        let token = Secret::new(said["access_token"].as_str().unwrap_or_default());
        Ok(Self { http, base, token })
    }

    /// Sends every document, some at once, with one progress bar on a terminal. Answers in the documents' order.
    pub async fn send_all(&self, documents: &[Document], dossier: &str) -> Vec<Result<Piece>> {
        let bar = bar(documents.iter().map(|document| document.size).sum());
        let sending = documents
            .iter()
            .map(|document| self.send(document, dossier, &bar));
        let sent = stream::iter(sending).buffered(AT_ONCE).collect().await;
        bar.finish_and_clear();
        sent
    }

    async fn send(&self, document: &Document, dossier: &str, bar: &ProgressBar) -> Result<Piece> {
        let started = Instant::now();
        let form = Form::new()
            .part("metadata", metadata(document, dossier)?)
            .part("content", content(document, bar).await?);
        let said = json_of(self.post("/v1/pieces").multipart(form)).await?;
        Ok(Piece {
            id: said["reconciliationId"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            receipt: said["receipt"].clone(),
            took: started.elapsed(),
        })
    }

    /// The JSON at a path.
    pub async fn json(&self, path: &str) -> Result<Value> {
        json_of(self.get(path)).await
    }

    /// The bytes at a path, in the form that `accept` names.
    pub async fn bytes(&self, path: &str, accept: &str) -> Result<Bytes> {
        answered(self.get(path).header(ACCEPT, accept)).await
    }

    fn get(&self, path: &str) -> RequestBuilder {
        let request = self.http.get(format!("{}{path}", self.base));
        request.bearer_auth(self.token.expose())
    }

    fn post(&self, path: &str) -> RequestBuilder {
        let request = self.http.post(format!("{}{path}", self.base));
        request.bearer_auth(self.token.expose())
    }
}

fn client(stage: &Stage) -> Result<Client> {
    let unfit = |error: reqwest::Error| Fault::new(Code::Configuration, error.to_string());
    let pem = |name| stage::read(&stage.pki(name));
    let identity = [pem("client.key")?, pem("client.pem")?].concat();
    let authorities = Certificate::from_pem_bundle(&pem("ca.pem")?).map_err(unfit)?;
    Client::builder()
        .identity(Identity::from_pem(&identity).map_err(unfit)?)
        .tls_certs_only(authorities)
        .https_only(true)
        .no_proxy()
        .timeout(CALL)
        .build()
        .map_err(unfit)
}

fn metadata(document: &Document, dossier: &str) -> Result<Part> {
    let metadata = json!({
        "project": PROJECT,
        "sourceApplication": APPLICATION,
        "dossierId": dossier,
        "pieceUid": document.uid,
        "iteration": 1,
        "hash": { "algorithm": "SHA-256", "value": hex(&document.sha256) },
        "fileName": document.name,
        "mediaType": document.media_type,
    });
    let part = Part::text(metadata.to_string());
    part.mime_str("application/json").map_err(Fault::internal)
}

/// The file as it is read, each chunk moving the bar.
async fn content(document: &Document, bar: &ProgressBar) -> Result<Part> {
    let unreadable = |error: std::io::Error| Fault::new(Code::Usage, error.to_string());
    let file = tokio::fs::File::open(&document.path)
        .await
        .map_err(unreadable)?;
    let bar = bar.clone();
    let chunks = ReaderStream::with_capacity(file, 64 * 1024);
    let body = Body::wrap_stream(chunks.inspect_ok(move |chunk| bar.inc(chunk.len() as u64)));
    let part = Part::stream_with_length(body, document.size).file_name(document.name.clone());
    part.mime_str(document.media_type).map_err(Fault::internal)
}

fn bar(total: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("sending [{bar:40}] {bytes}/{total_bytes} {eta}");
    // The template is a constant that parses; the default bar would do as well.
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(total).with_style(style.progress_chars("=> "))
}

async fn json_of(request: RequestBuilder) -> Result<Value> {
    let body = answered(request).await?;
    serde_json::from_slice(&body).map_err(Fault::internal)
}

/// The body of a good answer; what a problem says otherwise.
async fn answered(request: RequestBuilder) -> Result<Bytes> {
    let response = request.send().await.map_err(cut)?;
    let status = response.status();
    let body = response.bytes().await.map_err(cut)?;
    match status.is_success() {
        true => Ok(body),
        false => {
            let said = String::from_utf8_lossy(&body);
            Err(Fault::new(
                Code::PartnerRefused,
                format!("{status}: {said}"),
            ))
        }
    }
}

fn cut(error: reqwest::Error) -> Fault {
    Fault::new(Code::Unavailable, format!("no answer: {error:?}"))
}
