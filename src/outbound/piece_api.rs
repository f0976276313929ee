//! The piece API seen from outside: what `navette push` and `navette status` speak, as any application would.
//!
//! [`PieceApi::connect`] takes a client's certificate and secret and gets a token; [`PieceApi::get`] reads a path;
//! [`PieceApi::send`] sends a piece, its content streamed. A token that ends meanwhile is asked for again, once per call.
//! An answer of any status is an [`Answer`]; only a gateway that cannot be reached, or that refuses the client itself, is
//! a fault.

use std::{error::Error, time::Duration};

use bytes::Bytes;
use reqwest::{
    Body, Certificate, Client, Identity, RequestBuilder, Response, header,
    multipart::{Form, Part},
    redirect,
    tls::Version,
};
use serde_json::Value as Json;
use tokio::sync::RwLock;

use crate::kernel::{
    fault::{Code, Fault, Result},
    secret::Secret,
};

/// How long a connection may take to stand.
const CONNECT: Duration = Duration::from_secs(10);
/// How long nothing may come from the gateway.
const SILENCE: Duration = Duration::from_secs(120);
/// The most bytes of an answer: lists and returns are smaller.
const LARGEST: usize = 32 << 20;

/// Where the gateway is and who calls.
pub struct Access {
    /// Its URL, without a path.
    pub url: String,
    /// The client's id.
    pub client_id: String,
    /// Its secret.
    pub secret: Secret,
    /// Its certificate chain, PEM.
    pub certificate_pem: Vec<u8>,
    /// Its key, PEM.
    pub key_pem: Vec<u8>,
    /// The authorities of the gateway's server certificate, PEM; the system's where there are none.
    pub ca_pem: Option<Vec<u8>>,
}

/// A client of one gateway, with its token.
pub struct PieceApi {
    http: Client,
    url: String,
    client_id: String,
    secret: Secret,
    token: RwLock<Secret>,
}

/// A complete answer.
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// `Retry-After` in seconds, where it has one.
    pub retry_after: Option<u64>,
    /// Whether it is the answer of an earlier call under the same idempotency key.
    pub replayed: bool,
    /// Its body.
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON, null where it is none.
    pub fn json(&self) -> Json {
        serde_json::from_slice(&self.body).unwrap_or(Json::Null)
    }

    /// Whether the status says done.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether the same call may succeed later.
    pub fn is_worth_again(&self) -> bool {
        matches!(self.status, 429 | 502 | 503 | 504)
            || (self.status == 409 && self.json()["code"] == Code::RequestInFlight.as_str())
    }
}

impl PieceApi {
    /// Asks for a first token. Fails with `usage` where certificate, key or client are refused, with `unavailable` where
    /// the gateway does not answer.
    pub async fn connect(access: Access) -> Result<Self> {
        let api = Self {
            http: client(&access)?,
            url: access.url.trim_end_matches('/').to_owned(),
            client_id: access.client_id,
            secret: access.secret,
            token: RwLock::new(Secret::new("")),
        };
        api.renew().await?;
        Ok(api)
    }

    /// Reads a path of the API.
    pub async fn get(&self, path: &str, accept: &str) -> Result<Answer> {
        let request = || {
            let request = self.http.get(format!("{}{path}", self.url));
            Ok(request.header(header::ACCEPT, accept))
        };
        self.call(request).await
    }

    /// Sends one piece under an idempotency key; `content` makes its stream, again for each attempt, and `size` is its
    /// length in bytes.
    pub async fn send<F>(&self, key: &str, metadata: &str, size: u64, content: F) -> Result<Answer>
    where
        F: Fn() -> Result<Body>,
    {
        let typed = |part: Part, media_type| part.mime_str(media_type).map_err(Fault::internal);
        self.call(|| {
            let metadata = typed(Part::text(metadata.to_owned()), "application/json")?;
            let content = Part::stream_with_length(content()?, size);
            let content = typed(content, "application/octet-stream")?;
            let form = Form::new()
                .part("metadata", metadata)
                .part("content", content);
            Ok(self
                .http
                .post(format!("{}/v1/pieces", self.url))
                .header("idempotency-key", format!("\"{key}\""))
                .multipart(form))
        })
        .await
    }

    /// Makes a call, and once more with a fresh token where the token has ended.
    async fn call<F>(&self, request: F) -> Result<Answer>
    where
        F: Fn() -> Result<RequestBuilder>,
    {
        let answer = self.once(request()?).await?;
        if answer.status != 401 || answer.json()["code"] != "token-expired" {
            return Ok(answer);
        }
        self.renew().await?;
        self.once(request()?).await
    }

    async fn once(&self, request: RequestBuilder) -> Result<Answer> {
        let token = self.token.read().await.clone();
        let response = request.bearer_auth(token.expose()).send().await;
        read(response.map_err(away)?).await
    }

    async fn renew(&self) -> Result<()> {
        let request = self
            .http
            .post(format!("{}/oauth2/token", self.url))
            .basic_auth(&self.client_id, Some(self.secret.expose()))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body("grant_type=client_credentials");
        let answer = read(request.send().await.map_err(away)?).await?;
        let said = answer.json();
        match said["access_token"].as_str() {
            Some(token) => *self.token.write().await = Secret::new(token),
            None if answer.is_worth_again() => {
                return Err(Fault::unavailable(format!("status {}", answer.status)));
            }
            None => return Err(refused(&answer, &said)),
        }
        Ok(())
    }
}

fn client(access: &Access) -> Result<Client> {
    let unfit = |cause| {
        let detail = "the certificate, its key or the authority does not read (PEM expected)";
        Fault::new(Code::Usage, detail).because(cause)
    };
    let identity = [&access.key_pem[..], b"\n", &access.certificate_pem].concat();
    let mut builder = Client::builder()
        .identity(Identity::from_pem(&identity).map_err(unfit)?)
        .tls_version_min(Version::TLS_1_2)
        .https_only(true)
        .http1_only()
        .redirect(redirect::Policy::none())
        .user_agent(concat!("navette/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .read_timeout(SILENCE);
    if let Some(ca) = &access.ca_pem {
        builder = builder.tls_certs_only(Certificate::from_pem_bundle(ca).map_err(unfit)?);
    }
    builder.build().map_err(unfit)
}

async fn read(mut response: Response) -> Result<Answer> {
    let status = response.status().as_u16();
    let headers = response.headers();
    let retry_after = headers.get(header::RETRY_AFTER);
    let retry_after = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
    let replayed = headers.contains_key("idempotent-replayed");
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(away)? {
        body.extend_from_slice(&chunk);
        if body.len() > LARGEST {
            return Err(Fault::internal("the gateway's answer is too long"));
        }
    }
    Ok(Answer {
        status,
        retry_after,
        replayed,
        body: body.into(),
    })
}

/// The gateway cannot be reached; the deepest cause says why.
fn away(error: reqwest::Error) -> Fault {
    let causes = std::iter::successors(error.source(), |cause| (**cause).source());
    let why = causes.last().map(ToString::to_string);
    let detail = format!(
        "the gateway does not answer: {}",
        why.unwrap_or_else(|| error.to_string())
    );
    Fault::new(Code::Unavailable, detail)
}

fn refused(answer: &Answer, said: &Json) -> Fault {
    let word = |name: &str| said[name].as_str().unwrap_or_default().to_owned();
    let detail = format!(
        "the gateway gave no token (status {}): {} {}; check client id, secret and certificate",
        answer.status,
        word("error"),
        word("error_description")
    );
    Fault::new(Code::Usage, detail)
}
