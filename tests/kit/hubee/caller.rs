//! A client of the hub: HTTPS without a certificate, a bearer token, JSON.
//!
//! Every answer is read to its end. [`Caller::request`] starts any other call, for `client::finish`'s sibling [`finish`].

use std::{io::Read, time::Duration};

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use reqwest::{
    Method, RequestBuilder,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use serde_json::{Value, json};

use crate::kit::{
    client::{Answer, answered},
    contract::Contract,
    gateway::{Credentials, Gateway},
    tls, wait,
};

/// How long a new client may be unknown, with room for a busy machine.
const KNOWN: Duration = Duration::from_secs(10);

/// A form that clients send.
pub const FORM: &str = "application/x-www-form-urlencoded";

impl Answer {
    /// Fails unless the hub's contracts declare this answer to that call.
    #[track_caller]
    pub fn keeps_the_hubs_contract(&self, method: &str, path: &str) {
        let kind = self.headers.get(CONTENT_TYPE);
        let kind = kind.and_then(|value| value.to_str().ok());
        let path = path.split('?').next().unwrap_or(path).trim_end_matches('/');
        let contract = Contract::of_hub(path);
        let (headers, body) = (&self.headers, self.plain());
        let judged = contract.check_response(method, path, self.status, kind, headers, &body);
        if let Err(faults) = judged {
            panic!("{faults:#?}\n{self:?}");
        }
    }

    /// The body as it was before it was packed; fails where it is not packed as its head says.
    #[track_caller]
    pub fn plain(&self) -> Bytes {
        match self.header("content-encoding") {
            "" => self.body.clone(),
            "gzip" => {
                let mut plain = Vec::new();
                let read = MultiGzDecoder::new(&self.body[..]).read_to_end(&mut plain);
                read.unwrap_or_else(|error| panic!("{error}: {self:?}"));
                plain.into()
            }
            other => panic!("packed by {other}: {self:?}"),
        }
    }

    /// Code and message of each fault of a refusal (R7).
    #[track_caller]
    pub fn refusals(&self) -> Vec<(u64, String)> {
        let body = self.json();
        let errors = body["errors"].as_array();
        let errors = errors.unwrap_or_else(|| panic!("no refusal: {self:?}"));
        let told = errors.iter().map(|error| {
            let code = error["code"].as_u64().expect("a code is a number");
            let message = error["message"].as_str().expect("a message is a text");
            (code, message.to_owned())
        });
        told.collect()
    }

    /// The messages of a refusal, each of which carries the status as its code.
    #[track_caller]
    pub fn messages(&self) -> Vec<String> {
        let told = self.refusals().into_iter().map(|(code, message)| {
            assert_eq!(code, u64::from(self.status), "{self:?}");
            message
        });
        told.collect()
    }

    /// Fails unless this is a refusal of that status whose one message is that.
    #[track_caller]
    pub fn is_refused(&self, status: u16, message: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.messages(), [message]);
    }

    /// Fails unless this is a 400 that names each of these words in some message.
    #[track_caller]
    pub fn is_bad(&self, words: &[&str]) {
        assert_eq!(self.status, 400, "{self:?}");
        let messages = self.messages();
        assert!(!messages.is_empty(), "{self:?}");
        for word in words {
            let told = messages.iter().any(|message| message.contains(word));
            assert!(told, "nothing of {word}: {messages:?}");
        }
    }

    /// Fails unless this is how the hub answers a token that it does not take (R3).
    #[track_caller]
    pub fn is_no_token(&self) {
        assert_eq!(self.status, 401, "{self:?}");
        let fault = &self.json()["fault"];
        assert_eq!(fault["code"], json!(900_901), "{self:?}");
        assert_eq!(fault["message"], "Invalid Credentials");
        assert!(fault["description"].is_string(), "{self:?}");
    }

    /// Fails unless it has that status; gives it back.
    #[track_caller]
    pub fn of(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }
}

/// A client of the hub, with its token if it has one.
#[derive(Clone, Debug)]
pub struct Caller {
    http: reqwest::Client,
    base: String,
    /// The bearer token that every call carries.
    pub token: Option<String>,
}

impl Caller {
    /// One without a token.
    pub fn new(gateway: &Gateway) -> Self {
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::client(None))
            .build()
            .expect("the settings are sound");
        let base = gateway.hub_url("");
        Self {
            http,
            base,
            token: None,
        }
    }

    /// One that has asked for its token, again until the hub knows it.
    pub async fn with_token(gateway: &Gateway, credentials: &Credentials, scope: &str) -> Self {
        let mut caller = Self::new(gateway);
        let token = wait::eventually("token", KNOWN, async || {
            let answer = caller.ask_token(credentials, scope).await;
            (answer.status == 200).then(|| answer.json()["access_token"].clone())
        });
        let token = token.await;
        caller.token = Some(token.as_str().expect("a token is a text").to_owned());
        caller
    }

    /// Registers a client and gets its token.
    pub async fn register(
        gateway: &Gateway,
        organization: &str,
        scope: &str,
        processes: &[&str],
    ) -> Self {
        let credentials = gateway.hub_register(organization, scope, processes);
        Self::with_token(gateway, &credentials, scope).await
    }

    /// Asks for a token by HTTP Basic (R2).
    pub async fn ask_token(&self, credentials: &Credentials, scope: &str) -> Answer {
        let form = format!("grant_type=client_credentials&scope={scope}");
        let basic = Some((&*credentials.id, &*credentials.secret));
        self.ask_token_with("/oauth2/token", basic, &form).await
    }

    /// Asks at `/oauth2/token` or `/token` with a form of the test's choice.
    pub async fn ask_token_with(
        &self,
        path: &str,
        basic: Option<(&str, &str)>,
        form: &str,
    ) -> Answer {
        let request = self.http.post(format!("{}{path}", self.base));
        let request = request.header(CONTENT_TYPE, FORM).body(form.to_owned());
        finish(match basic {
            Some((id, secret)) => request.basic_auth(id, Some(secret)),
            None => request,
        })
        .await
    }

    /// The same client with another token.
    pub fn bearing(&self, token: &str) -> Self {
        Self {
            token: Some(token.to_owned()),
            ..self.clone()
        }
    }

    /// The same client without a token.
    pub fn without_token(&self) -> Self {
        Self {
            token: None,
            ..self.clone()
        }
    }

    /// Reads a path.
    pub async fn get(&self, path: &str) -> Answer {
        finish(self.request(Method::GET, path)).await
    }

    /// Sends JSON.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        finish(self.sending(Method::POST, path, body)).await
    }

    /// Puts JSON.
    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        finish(self.sending(Method::PUT, path, body)).await
    }

    /// Patches with JSON.
    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        finish(self.sending(Method::PATCH, path, body)).await
    }

    /// The same by a POST that says what it means (R5).
    pub async fn patch_by_post(&self, path: &str, body: &Value) -> Answer {
        let request = self.sending(Method::POST, path, body);
        finish(request.header("x-http-method-override", "PATCH")).await
    }

    /// Deletes.
    pub async fn delete(&self, path: &str) -> Answer {
        finish(self.request(Method::DELETE, path)).await
    }

    /// Uploads a file, and says its digest if one is given.
    pub async fn upload(
        &self,
        path: &str,
        content: impl Into<Bytes>,
        digest: Option<&str>,
    ) -> Answer {
        finish(self.uploading(path, content, digest)).await
    }

    /// An upload, to be completed.
    pub fn uploading(
        &self,
        path: &str,
        content: impl Into<Bytes>,
        digest: Option<&str>,
    ) -> RequestBuilder {
        let request = self.request(Method::PUT, path);
        let request = request.header(CONTENT_TYPE, "application/octet-stream");
        let request = match digest {
            Some(digest) => request.header("digest", digest),
            None => request,
        };
        request.body(reqwest::Body::from(content.into()))
    }

    /// A call with JSON, to be completed.
    pub fn sending(&self, method: Method, path: &str, body: &Value) -> RequestBuilder {
        let request = self.request(method, path);
        let request = request.header(CONTENT_TYPE, "application/json");
        request.body(body.to_string())
    }

    /// A call with the token, to be completed and given to [`finish`].
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.header(AUTHORIZATION, format!("Bearer {token}")),
            None => request,
        }
    }
}

/// Sends a call and reads its answer. Panics when there is none.
pub async fn finish(request: RequestBuilder) -> Answer {
    try_finish(request).await.expect("the hub answers")
}

/// Sends a call and reads its answer, if one comes. An answer that the contracts do not declare fails the test.
pub async fn try_finish(request: RequestBuilder) -> reqwest::Result<Answer> {
    let (method, path, answer) = answered(request).await?;
    // The token's endpoints are of no contract of HubEE's.
    if !path.contains("/token") {
        answer.keeps_the_hubs_contract(method.as_str(), &path);
    }
    Ok(answer)
}
