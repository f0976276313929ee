//! Access tokens: ES256 JWTs in the profile of RFC 9068, each bound to a certificate by RFC 8705. They are never stored.

use std::sync::Arc;

use data_encoding::BASE64URL_NOPAD;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};

use super::{grant::Granted, keys::Keys, scope::Scopes, seen::Seen};
use crate::kernel::{
    clock::Clock,
    digest::{Sha256, sha256},
    entropy::Entropy,
    fault::{Code, Fault, Result},
    secret::{Secret, same},
};

/// Over this, in bytes, a token is refused unread; ours take about 700.
pub const LARGEST: usize = 8 * 1024;

/// How far, in seconds, the clock of the process that issued a token may run ahead of ours.
const SKEW: i64 = 30;

/// The type in the header: a JWT that was signed for another purpose is no access token (RFC 9068).
const TYPE: &str = "at+jwt";

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    client_id: String,
    scope: String,
    iat: i64,
    nbf: i64,
    exp: i64,
    jti: String,
    cnf: Confirmation,
}

#[derive(Serialize, Deserialize)]
struct Confirmation {
    #[serde(rename = "x5t#S256")]
    thumbprint: String,
}

/// A fresh token, as the token endpoint answers it.
#[derive(Clone, Debug)]
pub struct Issued {
    /// The token itself.
    pub access_token: Secret,
    /// Its life, in seconds.
    pub expires_in: u32,
    /// What it allows.
    pub scopes: Scopes,
}

/// What a checked token says. Its client may have been revoked since: look it up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bearer {
    /// The client.
    pub client_id: String,
    /// What the token allows.
    pub scopes: Scopes,
    /// The token's id, for the log.
    pub token_id: String,
    /// The end of its life.
    pub expires_at: Timestamp,
}

/// The authorization server and its only relying party.
pub struct Tokens {
    issuer: String,
    audience: String,
    life: u32,
    keys: Keys,
    validation: Validation,
    seen: Seen<Claims>,
}

impl Tokens {
    /// `issuer` is our public URL, `audience` the listener's, `life` in seconds.
    pub fn new(issuer: &str, audience: &str, life: u32, keys: Keys) -> Self {
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp", "nbf"]);
        // The library would read the ambient time: `check_times` does it with the clock that is passed in.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        Self {
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            life,
            keys,
            validation,
            seen: Seen::default(),
        }
    }

    /// The keys, for publication.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Who issues the tokens.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Signs a token for what was granted.
    pub fn issue(&self, granted: &Granted, clock: &Clock, entropy: &Entropy) -> Result<Issued> {
        let claims = self.claims(granted, clock, entropy)?;
        let (key, kid) = self.keys.signing();
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(kid.to_owned());
        header.typ = Some(TYPE.to_owned());
        let token = encode(&header, &claims, key).map_err(Fault::internal)?;
        Ok(Issued {
            access_token: Secret::new(token),
            expires_in: self.life,
            scopes: granted.scopes.clone(),
        })
    }

    /// Checks a token that came over a connection with `certificate`.
    ///
    /// Fails with code `token-invalid`, `token-expired` or `token-certificate-mismatch`, in this order.
    pub fn check(&self, token: &str, certificate: &Sha256, clock: &Clock) -> Result<Bearer> {
        let claims = self.genuine_claims(token)?;
        check_times(&claims, clock)?;
        check_binding(&claims, certificate)?;
        Ok(Bearer {
            scopes: claims.scope.parse().map_err(invalid)?,
            expires_at: Timestamp::from_second(claims.exp).map_err(invalid)?,
            client_id: claims.client_id.clone(),
            token_id: claims.jti.clone(),
        })
    }

    fn claims(&self, granted: &Granted, clock: &Clock, entropy: &Entropy) -> Result<Claims> {
        let now = clock.now().as_second();
        Ok(Claims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: granted.client_id.clone(),
            client_id: granted.client_id.clone(),
            scope: granted.scopes.to_string(),
            iat: now,
            nbf: now,
            exp: now + i64::from(self.life),
            jti: entropy.uuid(clock)?.to_string(),
            cnf: Confirmation {
                thumbprint: BASE64URL_NOPAD.encode(&granted.certificate),
            },
        })
    }

    /// The claims of a token that we signed. What time and connection say of it is judged at each call.
    fn genuine_claims(&self, token: &str) -> Result<Arc<Claims>> {
        if token.len() > LARGEST {
            return Err(invalid("too long"));
        }
        let name = sha256(token.as_bytes());
        if let Some(claims) = self.seen.get(&name) {
            return Ok(claims);
        }
        let claims = Arc::new(self.signed_claims(token)?);
        self.seen.keep(name, claims.clone());
        Ok(claims)
    }

    fn signed_claims(&self, token: &str) -> Result<Claims> {
        let header = decode_header(token).map_err(invalid)?;
        if header.typ.as_deref() != Some(TYPE) || header.crit.is_some() {
            return Err(invalid("not an access token"));
        }
        let kid = header.kid.unwrap_or_default();
        let key = self
            .keys
            .checking(&kid)
            .ok_or_else(|| invalid("unknown key"))?;
        let data = decode::<Claims>(token, key, &self.validation).map_err(invalid)?;
        Ok(data.claims)
    }
}

fn check_times(claims: &Claims, clock: &Clock) -> Result<()> {
    let now = clock.now().as_second();
    if now >= claims.exp {
        return Err(Fault::new(Code::TokenExpired, "Le jeton a expiré."));
    }
    if claims.nbf > now + SKEW {
        return Err(invalid("not yet valid"));
    }
    Ok(())
}

fn check_binding(claims: &Claims, certificate: &Sha256) -> Result<()> {
    let expected = BASE64URL_NOPAD.encode(certificate);
    if same(claims.cnf.thumbprint.as_bytes(), expected.as_bytes()) {
        return Ok(());
    }
    Err(Fault::new(
        Code::TokenCertificateMismatch,
        "Le jeton est lié à un autre certificat que celui de la connexion.",
    ))
}

fn invalid(cause: impl std::fmt::Display) -> Fault {
    Fault::new(Code::TokenInvalid, "Le jeton n'est pas valable ici.").because(cause)
}

#[cfg(test)]
mod tests;
