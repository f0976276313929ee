//! The client credentials grant of RFC 6749: pure functions between a parsed form and a decision.
//!
//! Descriptions are ASCII without quotes, which is all that RFC 6749 (5.2) lets them be.

use std::collections::HashSet;

use data_encoding::BASE64;

use super::{client::Client, scope::Scopes};
use crate::kernel::{digest::Sha256, secret::Secret};

/// The error codes of RFC 6749 (5.2) that this grant can meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantCode {
    /// A parameter is missing, repeated or contradictory.
    InvalidRequest,
    /// Unknown client, wrong secret, revoked, or another certificate than the pinned one: one answer for all of them.
    InvalidClient,
    /// A scope that does not exist or that the client does not have.
    InvalidScope,
    /// A grant other than `client_credentials`.
    UnsupportedGrantType,
}

impl GrantCode {
    /// Every code there is.
    pub const ALL: &[GrantCode] = &[
        Self::InvalidRequest,
        Self::InvalidClient,
        Self::InvalidScope,
        Self::UnsupportedGrantType,
    ];

    /// Its name on the wire. `invalid_client` is answered with 401, the others with 400.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidScope => "invalid_scope",
            Self::UnsupportedGrantType => "unsupported_grant_type",
        }
    }
}

/// A refusal, as the token endpoint answers it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {description}", code.as_str())]
pub struct GrantError {
    /// For a program.
    pub code: GrantCode,
    /// For a person, in ASCII.
    pub description: &'static str,
}

/// What a client presented, not yet believed.
#[derive(Clone, Debug)]
pub struct Presented {
    /// Who it says it is.
    pub client_id: String,
    /// Its proof.
    pub secret: Secret,
    /// The scopes it asks for; `None` asks for all of its own.
    pub scope: Option<String>,
}

/// What was decided: the token's subject, scopes and certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// The client.
    pub client_id: String,
    /// What its token allows.
    pub scopes: Scopes,
    /// The certificate to which its token is bound.
    pub certificate: Sha256,
}

/// Reads the request: `authorization` is that header's value, `form` the decoded parameters in their order.
pub fn present(
    authorization: Option<&str>,
    form: &[(String, String)],
) -> Result<Presented, GrantError> {
    check_repeated(form)?;
    check_grant_type(form)?;
    let (client_id, secret) = credentials(authorization, form)?;
    let scope = parameter(form, "scope").map(str::to_owned);
    Ok(Presented {
        client_id,
        secret,
        scope,
    })
}

/// The client, where it is the one that was named and the secret is its own: who is refused then is known.
pub fn proven<'a>(client: Option<&'a Client>, presented: &Presented) -> Option<&'a Client> {
    client
        .filter(|client| client.client_id == presented.client_id)
        .filter(|client| client.knows(&presented.secret))
}

/// Decides: `client` is what the store knows under the presented id, `certificate` that of the connection.
pub fn decide(
    client: Option<&Client>,
    presented: &Presented,
    certificate: &Sha256,
) -> Result<Granted, GrantError> {
    let client = proven(client, presented)
        .filter(|client| client.check_active().is_ok())
        .filter(|client| client.accepts_certificate(certificate))
        .ok_or_else(unknown_client)?;
    Ok(Granted {
        client_id: client.client_id.clone(),
        scopes: scopes(client, presented.scope.as_deref())?,
        certificate: *certificate,
    })
}

/// A field that stands twice is refused whatever its name (RFC 6749, 3.2): two readers may take two values.
fn check_repeated(form: &[(String, String)]) -> Result<(), GrantError> {
    let mut seen = HashSet::new();
    match form.iter().all(|(name, _)| seen.insert(name)) {
        true => Ok(()),
        false => Err(invalid("Un champ figure plus d'une fois.")),
    }
}

fn check_grant_type(form: &[(String, String)]) -> Result<(), GrantError> {
    match parameter(form, "grant_type") {
        Some("client_credentials") => Ok(()),
        Some(_) => Err(refusal(
            GrantCode::UnsupportedGrantType,
            "Seul grant_type=client_credentials est offert.",
        )),
        None => Err(invalid("Le champ grant_type manque.")),
    }
}

fn credentials(
    authorization: Option<&str>,
    form: &[(String, String)],
) -> Result<(String, Secret), GrantError> {
    let id = parameter(form, "client_id");
    let secret = parameter(form, "client_secret");
    match (authorization, id, secret) {
        (Some(_), _, Some(_)) => Err(invalid("Un seul mode d'authentification par appel.")),
        (Some(header), id, None) => {
            let (basic_id, secret) = basic(header).ok_or_else(unknown_client)?;
            match id {
                Some(id) if id != basic_id => Err(invalid("Deux client_id se contredisent.")),
                _ => Ok((basic_id, secret)),
            }
        }
        (None, Some(id), Some(secret)) => Ok((id.to_owned(), Secret::new(secret))),
        (None, ..) => Err(unknown_client()),
    }
}

/// Our ids and secrets hold only characters that form encoding leaves alone, so nothing is left to decode after base64.
fn basic(header: &str) -> Option<(String, Secret)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = BASE64.decode(encoded.trim().as_bytes()).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((id.to_owned(), Secret::new(secret)))
}

/// One parameter: an empty value counts as absent (RFC 6749, 3.2).
fn parameter<'a>(form: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let (_, value) = form.iter().find(|(key, _)| key == name)?;
    (!value.is_empty()).then_some(&**value)
}

fn scopes(client: &Client, asked: Option<&str>) -> Result<Scopes, GrantError> {
    let Some(asked) = asked else {
        return Ok(client.scopes.clone());
    };
    let scopes: Option<Scopes> = asked.parse().ok();
    scopes
        .filter(|scopes| !scopes.is_empty() && scopes.is_subset(&client.scopes))
        .ok_or_else(|| refusal(GrantCode::InvalidScope, "Ce client n'a pas ce scope."))
}

fn unknown_client() -> GrantError {
    refusal(
        GrantCode::InvalidClient,
        "Client inconnu, secret faux ou certificat d'un autre.",
    )
}

fn invalid(description: &'static str) -> GrantError {
    refusal(GrantCode::InvalidRequest, description)
}

fn refusal(code: GrantCode, description: &'static str) -> GrantError {
    GrantError { code, description }
}

#[cfg(test)]
mod tests;
