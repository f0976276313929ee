//! The attempt itself: one POST, under one deadline, to one URL.

use std::{error::Error as StdError, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use reqwest::{
    Certificate, Client, Identity, Response, Url, redirect,
    tls::{TlsInfo, Version},
};
use uuid::Uuid;

use super::{
    address::{AddressRefused, Policy},
    answer::{Answer, Reason, Sent},
    signature::Signer,
};
use crate::kernel::{
    clock::Clock,
    digest::{Sha256, sha256},
    fault::{Code, Fault, Result},
    gathering::Gathering,
};

/// How much of an answer's body is read, in bytes.
const BODY: usize = 64 * 1024;

/// How much of an answer's header is kept, in bytes.
const HEADER: usize = 16 * 1024;

/// How long an unused connection is kept for the next return.
const IDLE: Duration = Duration::from_secs(30);

/// Says that a return is sent again because it was asked for, and by which request.
const REDELIVERY: HeaderName = HeaderName::from_static("navette-redelivery");

/// Where and how a project's returns are sent.
pub struct Settings {
    /// The partner's API: https, without user or password.
    pub url: String,
    /// Our client certificate and its issuers, PEM; empty where the other end asks for none.
    pub certificate_pem: Vec<u8>,
    /// Its private key, PEM.
    pub key_pem: Vec<u8>,
    /// The only authorities that the partner's certificate may come from, PEM.
    pub ca_pem: Vec<u8>,
    /// Hosts that may have an internal address, and ranges of internal addresses.
    pub allow: Vec<String>,
    /// How long the connection may take to stand.
    pub connect_timeout: Duration,
    /// How long the whole attempt may take, answer included.
    pub timeout: Duration,
}

/// A project's way out. Shared between jobs.
pub struct Sender {
    client: Client,
    url: Url,
    policy: Policy,
    signer: Signer,
    clock: Clock,
}

/// A signed request that is ready to leave. Its signature holds the time: prepare again for another attempt.
#[derive(Debug)]
pub struct Prepared {
    return_id: Uuid,
    headers: HeaderMap,
    body: Bytes,
}

impl Sender {
    /// Builds the client. Fails with code `configuration` where URL, address, certificates or keys do not fit, each at its key:
    /// `url`, `ca`, `certificate`.
    pub fn new(settings: &Settings, signer: Signer, clock: Clock) -> Result<Self> {
        let policy = Policy::new(&settings.allow);
        Self::under(policy, settings, signer, clock)
    }

    /// Whether [`Sender::new`] would take these settings, whoever signs.
    pub fn check(settings: &Settings) -> Result<()> {
        way(settings, &Policy::new(&settings.allow)).map(drop)
    }

    /// The same as [`Sender::new`] under a policy of the caller's.
    pub(super) fn under(
        policy: Policy,
        settings: &Settings,
        signer: Signer,
        clock: Clock,
    ) -> Result<Self> {
        let (url, client) = way(settings, &policy)?;
        Ok(Self {
            client,
            url,
            policy,
            signer,
            clock,
        })
    }

    /// Resolves the host now and checks its addresses. Fails with code `configuration` where none of them is allowed.
    pub async fn check_name(&self) -> Result<()> {
        let host = self.url.host_str().unwrap_or_default();
        self.policy.check_name(host).await.map_err(|_| inside())
    }

    /// Signs `body` for an attempt that starts now. `traceparent` ties it to the exchange's trace (W3C).
    pub fn prepare(&self, return_id: Uuid, body: Bytes, traceparent: Option<&str>) -> Prepared {
        let (id, now) = (return_id.to_string(), self.clock.now());
        let signature = self.signer.sign(&id, now, &body);
        let fields = [
            ("content-type", Some("application/json")),
            ("webhook-id", Some(&*id)),
            ("webhook-timestamp", Some(&*now.as_second().to_string())),
            ("webhook-signature", Some(&*signature)),
            ("traceparent", traceparent),
        ];
        Prepared {
            return_id,
            headers: fields.into_iter().filter_map(field).collect(),
            body,
        }
    }

    /// Sends it and reads the answer. Never fails: what goes wrong is the partner's side of the story, told by [`Sent`].
    pub async fn send(&self, prepared: Prepared) -> Sent {
        let request = self
            .client
            .post(self.url.clone())
            .headers(prepared.headers)
            .body(prepared.body);
        let result = match request.send().await {
            Ok(response) => read(response).await,
            Err(error) => Err(reason(&error)),
        };
        Sent {
            return_id: prepared.return_id,
            result,
        }
    }
}

impl Prepared {
    /// Marks it as a redelivery that was asked for: the return is the same, and so is its id.
    pub fn as_redelivery(mut self, redelivery: Uuid) -> Self {
        if let Ok(value) = HeaderValue::from_str(&redelivery.to_string()) {
            self.headers.insert(REDELIVERY, value);
        }
        self
    }

    /// The header fields that will leave, for tests and for the log of a dry run.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }
}

/// A field whose value cannot be written in a header (a hostile `traceparent`) is left out.
fn field((name, value): (&'static str, Option<&str>)) -> Option<(HeaderName, HeaderValue)> {
    let value = HeaderValue::from_str(value?).ok()?;
    Some((HeaderName::from_static(name), value))
}

/// Where it goes, and the client that goes there.
fn way(settings: &Settings, policy: &Policy) -> Result<(Url, Client)> {
    let mut faults = Gathering::default();
    let url = faults.keep("url", checked(&settings.url, policy));
    let ca = faults.keep("ca", authorities(&settings.ca_pem));
    let identity = faults.keep("certificate", identity(settings));
    let client = ca.zip(identity).and_then(|(ca, identity)| {
        let client = client(settings, policy.clone(), ca, identity);
        faults.keep("certificate", client)
    });
    faults.finish(
        "Rappel du partenaire : réglages inutilisables.",
        url.zip(client),
    )
}

fn checked(text: &str, policy: &Policy) -> Result<Url> {
    let url = Url::parse(text).map_err(|cause| unfit("URL illisible").because(cause))?;
    if url.scheme() != "https" {
        return Err(unfit("l'URL doit être en https"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(unfit("l'URL ne porte ni utilisateur ni mot de passe"));
    }
    policy
        .check_host(url.host_str().unwrap_or_default())
        .map_err(|_| inside())?;
    Ok(url)
}

fn unfit_pem(cause: reqwest::Error) -> Fault {
    unfit("certificat, clé ou autorité illisible").because(cause)
}

fn authorities(pem: &[u8]) -> Result<Vec<Certificate>> {
    let authorities = Certificate::from_pem_bundle(pem).map_err(unfit_pem)?;
    match authorities.is_empty() {
        true => Err(unfit("aucune autorité pour le partenaire")),
        false => Ok(authorities),
    }
}

/// Who we are, where the other end asks for it.
fn identity(settings: &Settings) -> Result<Option<Identity>> {
    if settings.certificate_pem.is_empty() {
        return Ok(None);
    }
    let pem = [&settings.key_pem[..], b"\n", &settings.certificate_pem].concat();
    Identity::from_pem(&pem).map(Some).map_err(unfit_pem)
}

fn client(
    settings: &Settings,
    policy: Policy,
    authorities: Vec<Certificate>,
    identity: Option<Identity>,
) -> Result<Client> {
    let agent = concat!("navette/", env!("CARGO_PKG_VERSION"));
    let mut builder = Client::builder();
    if let Some(identity) = identity {
        builder = builder.identity(identity);
    }
    builder
        .tls_certs_only(authorities)
        .tls_version_min(Version::TLS_1_2)
        .tls_info(true)
        .https_only(true)
        .http1_only()
        .redirect(redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .user_agent(agent)
        .dns_resolver(policy)
        .connect_timeout(settings.connect_timeout)
        .timeout(settings.timeout)
        .pool_idle_timeout(IDLE)
        .build()
        .map_err(unfit_pem)
}

async fn read(mut response: Response) -> Result<Answer, Reason> {
    let (body, truncated) = body(&mut response).await?;
    Ok(Answer {
        status: response.status().as_u16(),
        headers: kept(response.headers()),
        body,
        truncated,
        peer_certificate_sha256: peer(&response),
    })
}

/// What is over the limit stays unread: dropping the answer closes its connection.
async fn body(response: &mut Response) -> Result<(Vec<u8>, bool), Reason> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| reason(&error))? {
        let room = BODY - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() > room {
            return Ok((body, true));
        }
    }
    Ok((body, false))
}

fn kept(headers: &HeaderMap) -> Vec<(String, String)> {
    let mut room = HEADER;
    let fits = |(name, value): &(&HeaderName, &HeaderValue)| {
        let size = name.as_str().len() + value.len();
        room.checked_sub(size).map(|left| room = left).is_some()
    };
    let text = |(name, value): (&HeaderName, &HeaderValue)| {
        Some((name.to_string(), value.to_str().ok()?.to_owned()))
    };
    // Session cookies of the partner are his: they belong in no record of ours.
    let fields = headers
        .iter()
        .filter(|(name, _)| **name != header::SET_COOKIE);
    fields.take_while(fits).filter_map(text).collect()
}

fn peer(response: &Response) -> Option<Sha256> {
    let info = response.extensions().get::<TlsInfo>()?;
    info.peer_certificate().map(sha256)
}

fn reason(error: &reqwest::Error) -> Reason {
    let causes = || std::iter::successors(error.source(), |cause| (**cause).source());
    if causes().any(|cause| cause.is::<AddressRefused>()) {
        return Reason::AddressRefused;
    }
    let text = causes().last().map(<dyn StdError>::to_string);
    let text = text.unwrap_or_default();
    match error {
        _ if error.is_timeout() => Reason::Timeout,
        _ if error.is_connect() => Reason::Connection(text),
        _ => Reason::Cut(text),
    }
}

fn inside() -> Fault {
    unfit("adresse interne non permise par callback.allow")
}

fn unfit(why: &str) -> Fault {
    Fault::new(
        Code::Configuration,
        format!("Rappel du partenaire : {why}."),
    )
}
