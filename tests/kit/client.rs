//! An ASP application as its developers write it: mutual TLS, a token, `multipart/form-data`.
//!
//! Every answer is judged by the contract as it is read. [`Client::push`] and [`Client::get`] are the two calls of every journey; [`Client::request`] starts any other, and
//! [`super::raw`] sends what no library would.

use std::time::Duration;

use bytes::Bytes;
use reqwest::{
    Method, RequestBuilder,
    header::{CONTENT_TYPE, HeaderMap},
    multipart,
};
use serde_json::{Value, json};

use super::{
    contract::Contract,
    gateway::{APPLICATION, Credentials, Gateway, PROJECT},
    pki::Identity,
    tls, wait,
};

/// The media type of the documents that journeys send unless they say otherwise.
pub const PDF: &str = "application/pdf";

/// How long a new client may be unknown, with room for a busy machine.
const KNOWN: Duration = Duration::from_secs(10);

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its whole body.
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// A header's text, empty when absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// Fails unless this is a problem of that status and code.
    #[track_caller]
    pub fn is_problem(&self, status: u16, code: &str) {
        let found = self.json();
        assert_eq!(
            (self.status, found["code"].as_str()),
            (status, Some(code)),
            "{found}"
        );
        assert_eq!(self.header("content-type"), "application/problem+json");
    }

    /// Fails unless the contract declares this answer to that call.
    #[track_caller]
    pub fn keeps_the_contract(&self, method: &str, path: &str) {
        let kind = self.headers.get(CONTENT_TYPE);
        let kind = kind.and_then(|value| value.to_str().ok());
        let judged = Contract::load().check_response(
            method,
            path,
            self.status,
            kind,
            &self.headers,
            &self.body,
        );
        if let Err(faults) = judged {
            panic!("{faults:#?}\n{self:?}");
        }
    }

    /// Pointer and code of each fault that this problem tells.
    #[track_caller]
    pub fn faults(&self) -> Vec<(String, String)> {
        let document = self.json();
        let errors = document["errors"].as_array().expect("errors are a list");
        let text = |error: &Value, name: &str| error[name].as_str().expect("a text").to_owned();
        errors
            .iter()
            .map(|error| (text(error, "pointer"), text(error, "code")))
            .collect()
    }

    /// The piece's id in an answer that received it (202 or 200).
    #[track_caller]
    pub fn reconciliation_id(&self) -> String {
        assert!(matches!(self.status, 200 | 202), "{self:?}");
        let id = self.json()["reconciliationId"].clone();
        id.as_str().expect("an id is a text").to_owned()
    }
}

/// An application with its certificate, and its token if it has one.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    /// The bearer token that every call carries.
    pub token: Option<String>,
}

impl Client {
    /// An application without a token, with this certificate or none.
    pub fn new(gateway: &Gateway, identity: Option<&Identity>) -> Self {
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::client(identity))
            .build()
            .expect("the settings are sound");
        Self {
            http,
            base: gateway.url(""),
            token: None,
        }
    }

    /// An application that has asked for its token, again until the gateway knows it: within a second, it promises.
    pub async fn with_token(
        gateway: &Gateway,
        identity: &Identity,
        credentials: &Credentials,
    ) -> Self {
        let mut client = Self::new(gateway, Some(identity));
        let token = wait::eventually("token", KNOWN, async || {
            let answer = client.ask_token(credentials).await;
            (answer.status == 200).then(|| answer.json()["access_token"].clone())
        });
        let token = token.await;
        client.token = Some(token.as_str().expect("a token is a text").to_owned());
        client
    }

    /// Asks for a token with `client_secret_basic`.
    pub async fn ask_token(&self, credentials: &Credentials) -> Answer {
        let basic = Some((&*credentials.id, &*credentials.secret));
        self.ask_token_with(basic, "grant_type=client_credentials")
            .await
    }

    /// Asks for a token with a form of the test's choice, and perhaps an `Authorization` of id and secret.
    pub async fn ask_token_with(&self, basic: Option<(&str, &str)>, form: &str) -> Answer {
        let request = self
            .http
            .post(format!("{}/oauth2/token", self.base))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form.to_owned());
        finish(match basic {
            Some((id, secret)) => request.basic_auth(id, Some(secret)),
            None => request,
        })
        .await
    }

    /// The same application with another token.
    pub fn bearing(&self, token: &str) -> Self {
        Self {
            token: Some(token.to_owned()),
            ..self.clone()
        }
    }

    /// The same application, token and all, at another address.
    pub fn at(&self, base: &str) -> Self {
        Self {
            base: base.to_owned(),
            ..self.clone()
        }
    }

    /// Sends a piece.
    pub async fn push(&self, metadata: &Value, content: impl Into<Bytes>) -> Answer {
        self.push_text(metadata.to_string(), content).await
    }

    /// Sends a piece with metadata that need not be JSON.
    pub async fn push_text(&self, metadata: String, content: impl Into<Bytes>) -> Answer {
        let form = multipart::Form::new();
        let form = form.part("metadata", json_part(metadata));
        self.push_form(form.part("content", file_part(content)))
            .await
    }

    /// Sends the parts of the test's choice as a piece.
    pub async fn push_form(&self, form: multipart::Form) -> Answer {
        finish(self.request(Method::POST, "/v1/pieces").multipart(form)).await
    }

    /// Sends a piece under an idempotency key, written as the header's value.
    pub async fn push_under(
        &self,
        key: &str,
        metadata: &Value,
        content: impl Into<Bytes>,
    ) -> Answer {
        let answer = self.try_push_under(key, metadata, content).await;
        answer.expect("the gateway answers")
    }

    /// The same to a gateway that may die meanwhile.
    pub async fn try_push_under(
        &self,
        key: &str,
        metadata: &Value,
        content: impl Into<Bytes>,
    ) -> reqwest::Result<Answer> {
        let form = multipart::Form::new().part("metadata", json_part(metadata.to_string()));
        let form = form.part("content", file_part(content));
        let request = self.request(Method::POST, "/v1/pieces");
        try_finish(request.header("idempotency-key", key).multipart(form)).await
    }

    /// Sends a piece to a gateway that may die meanwhile.
    pub async fn try_push(
        &self,
        metadata: &Value,
        content: impl Into<Bytes>,
    ) -> reqwest::Result<Answer> {
        let form = multipart::Form::new().part("metadata", json_part(metadata.to_string()));
        let form = form.part("content", file_part(content));
        try_finish(self.request(Method::POST, "/v1/pieces").multipart(form)).await
    }

    /// Reads a path.
    pub async fn get(&self, path: &str) -> Answer {
        finish(self.request(Method::GET, path)).await
    }

    /// A call with the token, to be completed and given to [`finish`].
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }
}

/// Sends a call and reads its answer. Panics when there is none.
pub async fn finish(request: RequestBuilder) -> Answer {
    try_finish(request).await.expect("the gateway answers")
}

/// Sends a call and reads its answer, if one comes. An answer that the contract does not declare fails the test.
pub async fn try_finish(request: RequestBuilder) -> reqwest::Result<Answer> {
    let (method, path, answer) = answered(request).await?;
    answer.keeps_the_contract(method.as_str(), &path);
    Ok(answer)
}

/// Sends a call and reads its answer, whatever it is, beside what was called.
pub async fn answered(request: RequestBuilder) -> reqwest::Result<(Method, String, Answer)> {
    let (http, request) = request.build_split();
    let request = request?;
    let (method, path) = (request.method().clone(), request.url().path().to_owned());
    let response = http.execute(request).await?;
    let answer = Answer {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        body: response.bytes().await?,
    };
    Ok((method, path, answer))
}

/// Metadata that the gateway accepts, for one dossier.
pub fn metadata(dossier: &str) -> Value {
    json!({
        "project": PROJECT,
        "sourceApplication": APPLICATION,
        "dossierId": dossier,
        "iteration": 1,
        "fileName": "facture.pdf",
        "mediaType": PDF,
    })
}

/// A part that says it is JSON.
pub fn json_part(text: String) -> multipart::Part {
    typed(multipart::Part::text(text), "application/json")
}

/// A part that says it is a PDF of known length.
pub fn file_part(content: impl Into<Bytes>) -> multipart::Part {
    let content = content.into();
    let length = content.len() as u64;
    let part = multipart::Part::stream_with_length(reqwest::Body::from(content), length);
    typed(part, PDF)
}

fn typed(part: multipart::Part, media_type: &str) -> multipart::Part {
    part.mime_str(media_type).expect("a valid media type")
}
