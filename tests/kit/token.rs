//! Tokens that no gateway issued: forged with the right key and one wrong claim, or with no key at all.

use std::fs;

use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use navette::kernel::clock::Clock;
use serde_json::{Value, json};

use super::pki::pki;

/// The parts of a token, taken from one that the gateway issued.
#[derive(Clone, Debug)]
pub struct Token {
    /// The header.
    pub header: Value,
    /// The claims.
    pub claims: Value,
}

impl Token {
    /// Reads a token without checking it.
    pub fn read(token: &str) -> Self {
        let mut parts = token.split('.').map(|part| {
            let bytes = BASE64URL_NOPAD.decode(part.as_bytes()).expect("base64url");
            serde_json::from_slice(&bytes).unwrap_or_default()
        });
        Self {
            header: parts.next().expect("a header"),
            claims: parts.next().expect("claims"),
        }
    }

    /// The same with another claim.
    pub fn with(mut self, claim: &str, value: impl Into<Value>) -> Self {
        self.claims[claim] = value.into();
        self
    }

    /// Signed with the gateway's own key.
    pub fn signed(&self) -> String {
        let pem = fs::read(&pki().token_key).expect("we wrote it");
        self.signed_with(&EncodingKey::from_ec_pem(&pem).expect("a P-256 key"))
    }

    /// Signed with a key of the test's choice, under the same key id.
    pub fn signed_with(&self, key: &EncodingKey) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = self.header["kid"].as_str().map(str::to_owned);
        header.typ = self.header["typ"].as_str().map(str::to_owned);
        encode(&header, &self.claims, key).expect("claims can be signed")
    }

    /// Not signed at all: `alg` is `none`.
    pub fn unsigned(&self) -> String {
        let mut header = self.header.clone();
        header["alg"] = json!("none");
        let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        format!("{}.{}.", part(&header), part(&self.claims))
    }
}

/// Seconds since 1970.
pub fn now() -> i64 {
    Clock::system().now().as_second()
}
