//! Who calls: a certificate, a token bound to it, an active client, a scope (API-9). A handler that takes a [`Caller`] has
//! all four; which scope stands in its signature.
//!
//! The head of a request is judged as one stage: certificate, token, and what the operation demands beyond them (declared
//! length, type) are told together, the first by precedence giving the status.

use std::{marker::PhantomData, sync::Arc};

use axum::extract::FromRequestParts;
use http::{HeaderMap, header::AUTHORIZATION, request::Parts};

use super::{Api, known::Known};
use crate::{
    domain::access::{Client, Scope, Scopes},
    http::peer::Peer,
    kernel::{
        digest::Sha256,
        fault::{Code, Fault, FieldFault, Result},
    },
};

/// What an operation demands of its caller.
pub trait Demand: Send {
    /// The scope.
    const SCOPE: Scope;

    /// What else the head must show, by the operation's own rules: a pointer and a fault each.
    fn further(_: &HeaderMap, _: &Api) -> Vec<(&'static str, Fault)> {
        Vec::new()
    }
}

/// Reading one's pieces.
pub struct Reading;

impl Demand for Reading {
    const SCOPE: Scope = Scope::PiecesRead;
}

/// Running the gateway.
pub struct Administering;

impl Demand for Administering {
    const SCOPE: Scope = Scope::Admin;
}

/// Asking for something about one's pieces, beside sending them.
pub struct Writing;

impl Demand for Writing {
    const SCOPE: Scope = Scope::PiecesWrite;
}

/// A caller that shows everything that `D` demands.
pub struct Caller<D> {
    /// The client, active.
    pub client: Arc<Client>,
    demand: PhantomData<D>,
}

impl<D: Demand> FromRequestParts<Arc<Api>> for Caller<D> {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self> {
        let mut head = Head::default();
        let client = head.client(parts, api).await;
        if client.is_some() {
            let permitted = head.scopes.require(D::SCOPE);
            head.note("/headers/authorization", permitted);
        }
        head.faults.extend(D::further(&parts.headers, api));
        match (client, head.told()) {
            (Some(client), None) => Ok(Self {
                client,
                demand: PhantomData,
            }),
            (_, fault) => {
                Err(fault
                    .unwrap_or_else(|| Fault::internal("a caller was refused without a fault")))
            }
        }
    }
}

/// What was found out about the head of a request.
#[derive(Default)]
struct Head {
    faults: Vec<(&'static str, Fault)>,
    scopes: Scopes,
}

impl Head {
    fn note<T>(&mut self, pointer: &'static str, outcome: Result<T>) -> Option<T> {
        match outcome {
            Ok(value) => Some(value),
            Err(fault) => {
                self.faults.push((pointer, fault));
                None
            }
        }
    }

    /// The active client that the token names, where certificate and token are in order.
    async fn client(&mut self, parts: &Parts, api: &Api) -> Option<Arc<Client>> {
        let certificate = self.note("/certificate", certificate(parts));
        let token = self.note("/headers/authorization", bearer(&parts.headers));
        // A token can only be judged beside the certificate that it is bound to.
        let checked = api.tokens.check(token?, &certificate?, &api.ctx.clock);
        let bearer = self.note("/headers/authorization", checked)?;
        self.scopes = bearer.scopes;
        let client = api.clients.named(&bearer.client_id).await;
        let client = self.note("/headers/authorization", client)?;
        if let Some(known) = parts.extensions.get::<Known>() {
            known.is(&client);
        }
        self.note("/headers/authorization", client.check_active())?;
        Some(client)
    }

    /// All faults in one: the first gives code and text.
    fn told(self) -> Option<Fault> {
        let (_, first) = self.faults.first()?;
        let errors = self.faults.iter();
        let errors =
            errors.map(|(pointer, fault)| FieldFault::new(*pointer, fault.code(), fault.detail()));
        Some(first.clone().with_errors(errors.collect()))
    }
}

/// The fingerprint of the connection's client certificate; fails with `certificate-required`.
pub fn certificate(parts: &Parts) -> Result<Sha256> {
    let peer = parts.extensions.get::<Peer>();
    let certificate = peer.and_then(|peer| peer.certificate_sha256);
    certificate.ok_or_else(|| {
        let detail = "Présentez un certificat client d'une autorité reconnue (TLS mutuel).";
        Fault::new(Code::CertificateRequired, detail)
    })
}

fn bearer(headers: &HeaderMap) -> Result<&str> {
    let value = headers
        .get(AUTHORIZATION)
        .map(|value| value.to_str().unwrap_or_default());
    let value = value.ok_or_else(|| {
        Fault::new(
            Code::TokenMissing,
            "Présentez un jeton : Authorization: Bearer … (voir /oauth2/token).",
        )
    })?;
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    match scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() {
        true => Ok(token.trim()),
        false => Err(Fault::new(
            Code::TokenInvalid,
            "L'en-tête Authorization attendu est « Bearer <jeton> ».",
        )),
    }
}
