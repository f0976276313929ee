//! Access tokens of the hub (R2, R3): ES256 JWTs under the house's token keys, never stored, so that a client that asks for
//! one at every call costs a hash and a signature. They are bound to no certificate, for SIs have none; type and audience
//! keep them from being taken for tokens of the piece API, and the other way round.

use std::sync::Arc;

use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};

use super::{Client, Registry, Scope};
use crate::{
    domain::access::{
        Keys,
        grant::{GrantCode, GrantError, Presented},
        token::LARGEST,
    },
    kernel::{
        clock::Clock,
        fault::{Fault, Result},
        secret::Secret,
    },
};

/// How far, in seconds, the clock of the process that issued a token may run ahead of ours.
const SKEW: i64 = 30;
/// The type in the header.
const TYPE: &str = "hub+jwt";

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    scope: String,
    iat: i64,
    exp: i64,
}

/// A fresh token, as the token endpoint answers it.
#[derive(Clone, Debug)]
pub struct Issued {
    /// The token itself.
    pub access_token: Secret,
    /// Its life, in seconds.
    pub expires_in: u32,
    /// The scope, as it was asked for.
    pub scope: String,
}

/// Makes tokens and judges them.
pub struct Tokens {
    url: String,
    life: u32,
    keys: Keys,
    validation: Validation,
}

impl Tokens {
    /// `url` is the hub's public one, `life` in seconds.
    pub fn new(url: &str, life: u32, keys: Keys) -> Self {
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_issuer(&[url]);
        validation.set_audience(&[url]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        // The library would read the ambient time.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        Self {
            url: url.to_owned(),
            life,
            keys,
            validation,
        }
    }

    /// Grants what was asked for, or says why not. Fails where the clients cannot be read.
    pub async fn grant(
        &self,
        clients: &Registry,
        presented: &Presented,
        clock: &Clock,
    ) -> Result<Result<Issued, GrantError>> {
        let client = clients.active(&presented.client_id).await?;
        let Some(client) = client.filter(|client| client.knows(&presented.secret)) else {
            return Ok(Err(unknown_client()));
        };
        let own = client.scope.as_str();
        let asked = presented.scope.as_deref().unwrap_or(own);
        match asked.parse() {
            Ok(scope) if client.scope == scope => self.issue(&client, asked, clock).map(Ok),
            _ => Ok(Err(invalid_scope())),
        }
    }

    /// Signs a token of `client`; `scope` is the word that it asked for.
    fn issue(&self, client: &Client, scope: &str, clock: &Clock) -> Result<Issued> {
        let now = clock.now().as_second();
        let claims = Claims {
            iss: self.url.clone(),
            aud: self.url.clone(),
            sub: client.id.clone(),
            scope: scope.to_owned(),
            iat: now,
            exp: now + i64::from(self.life),
        };
        let (key, kid) = self.keys.signing();
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(kid.to_owned());
        header.typ = Some(TYPE.to_owned());
        let token = encode(&header, &claims, key).map_err(Fault::internal)?;
        Ok(Issued {
            access_token: Secret::new(token),
            expires_in: self.life,
            scope: scope.to_owned(),
        })
    }

    /// The active client of a token that is ours and alive; nothing where it is not, whatever is wrong with it (R3). Fails
    /// where the clients cannot be read.
    pub async fn check(
        &self,
        clients: &Registry,
        token: &str,
        clock: &Clock,
    ) -> Result<Option<Arc<Client>>> {
        let Some(claims) = self.claims(token, clock) else {
            return Ok(None);
        };
        let client = clients.active(&claims.sub).await?;
        // A client's scope may have been another when the token was made.
        Ok(client.filter(|client| claims.scope.parse::<Scope>() == Ok(client.scope)))
    }

    fn claims(&self, token: &str, clock: &Clock) -> Option<Claims> {
        if token.len() > LARGEST {
            return None;
        }
        let header = decode_header(token).ok()?;
        if header.typ.as_deref() != Some(TYPE) || header.crit.is_some() {
            return None;
        }
        let key = self.keys.checking(&header.kid?)?;
        let claims = decode::<Claims>(token, key, &self.validation).ok()?.claims;
        let now = clock.now().as_second();
        (now < claims.exp && claims.iat <= now + SKEW).then_some(claims)
    }
}

fn unknown_client() -> GrantError {
    GrantError {
        code: GrantCode::InvalidClient,
        description: "Client inconnu ou secret faux.",
    }
}

fn invalid_scope() -> GrantError {
    GrantError {
        code: GrantCode::InvalidScope,
        description: "Ce client n'a pas ce scope.",
    }
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;
