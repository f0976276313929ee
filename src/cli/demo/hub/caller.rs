//! A client of the hub as deployed ones are: HTTPS without a certificate, a bearer token, JSON.

use std::time::Duration;

use bytes::Bytes;
use reqwest::{Certificate, Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};

use super::super::stage::{self, Stage};
use crate::kernel::{
    fault::{Code, Fault, Result},
    secret::Secret,
};

/// How long one call may take.
const CALL: Duration = Duration::from_secs(60);

/// An organisation's client with its token.
pub struct Caller {
    http: Client,
    base: String,
    token: Secret,
}

/// What the command line says of a new client.
pub struct Credentials {
    /// Its id.
    pub id: String,
    /// Its secret.
    pub secret: Secret,
}

impl Caller {
    /// Asks for a token of `scope` by HTTP Basic.
    pub async fn sign_in(stage: &Stage, credentials: &Credentials, scope: &str) -> Result<Self> {
        let (http, base) = (client(stage)?, stage.hub_url(""));
        let request = http
            .post(format!("{base}/oauth2/token"))
            .basic_auth(&credentials.id, Some(credentials.secret.expose()))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(format!("grant_type=client_credentials&scope={scope}"));
        let said: Value = read(request).await?;
        let token = Secret::new(said["access_token"].as_str().unwrap_or_default());
        Ok(Self { http, base, token })
    }

    /// Reads the JSON at a path.
    pub async fn get(&self, path: &str) -> Result<Value> {
        read(self.request(Method::GET, path)).await
    }

    /// Sends JSON and reads the JSON that answers.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        read(self.sending(Method::POST, path, body)).await
    }

    /// Patches with JSON.
    pub async fn patch(&self, path: &str, body: &Value) -> Result<()> {
        answered(self.sending(Method::PATCH, path, body))
            .await
            .map(drop)
    }

    /// Deletes.
    pub async fn delete(&self, path: &str) -> Result<()> {
        answered(self.request(Method::DELETE, path)).await.map(drop)
    }

    /// Uploads a file with its digest (base64 of SHA-256).
    pub async fn upload(&self, path: &str, content: Bytes, digest: &str) -> Result<()> {
        let request = self.request(Method::PUT, path);
        let request = request.header("content-type", "application/octet-stream");
        let request = request.header("digest", digest).body(content);
        answered(request).await.map(drop)
    }

    /// Downloads a file, with the digest that the hub says.
    pub async fn download(&self, path: &str) -> Result<(Bytes, String)> {
        let response = answered(self.request(Method::GET, path)).await?;
        let digest = response.headers().get("digest");
        let digest = digest.and_then(|value| value.to_str().ok());
        let digest = digest.unwrap_or_default().to_owned();
        let body = response.bytes().await;
        body.map(|body| (body, digest)).map_err(cut)
    }

    fn sending(&self, method: Method, path: &str, body: &Value) -> RequestBuilder {
        let request = self.request(method, path);
        let request = request.header("content-type", "application/json");
        request.body(body.to_string())
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        request
            .bearer_auth(self.token.expose())
            .header("applicationName", "navette demo")
    }
}

fn client(stage: &Stage) -> Result<Client> {
    let unfit = |error: reqwest::Error| Fault::new(Code::Configuration, error.to_string());
    let authorities = stage::read(&stage.pki("ca.pem"))?;
    let authorities = Certificate::from_pem_bundle(&authorities).map_err(unfit)?;
    Client::builder()
        .tls_certs_only(authorities)
        .https_only(true)
        .no_proxy()
        .timeout(CALL)
        .build()
        .map_err(unfit)
}

async fn read(request: RequestBuilder) -> Result<Value> {
    let body = answered(request).await?.bytes().await.map_err(cut)?;
    match body.is_empty() {
        true => Ok(json!(null)),
        false => serde_json::from_slice(&body).map_err(Fault::internal),
    }
}

/// A good answer; what a refusal says otherwise.
async fn answered(request: RequestBuilder) -> Result<Response> {
    let response = request.send().await.map_err(cut)?;
    let status = response.status();
    match status.is_success() {
        true => Ok(response),
        false => {
            let said = response.text().await.unwrap_or_default();
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
