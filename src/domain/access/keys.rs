//! The keys of tokens: the first signs, all of them check, each known by the thumbprint of its public half (RFC 7638).

use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, PublicKeyUse, ThumbprintHash},
};

use crate::kernel::fault::{Code, Fault, Result};

/// The ring of keys. Immutable: a rotation loads a new ring.
pub struct Keys {
    signing: EncodingKey,
    kid: String,
    checking: Vec<(String, DecodingKey)>,
    published: JwkSet,
}

impl Keys {
    /// Loads EC P-256 keys in PEM. The first must be private (PKCS#8) and signs; of the others the public half is enough.
    ///
    /// Fails with code `configuration` where a key does not read or is on another curve.
    pub fn load(pems: &[&[u8]]) -> Result<Self> {
        let first = pems.first().ok_or_else(|| unfit("aucune clé"))?;
        let signing = EncodingKey::from_ec_pem(first).map_err(unreadable)?;
        let keys = pems.iter().map(|pem| public_half(pem));
        let keys = keys.collect::<Result<Vec<Jwk>>>()?;
        let checking = keys.iter().map(checking_key);
        Ok(Self {
            signing,
            kid: kid_of(&keys[0]),
            checking: checking.collect::<Result<_>>()?,
            published: JwkSet { keys },
        })
    }

    /// Whether a key of earlier times reads: its public half is enough. Fails with code `configuration`.
    pub fn check(pem: &[u8]) -> Result<()> {
        public_half(pem).map(drop)
    }

    /// The public halves, as `/oauth2/jwks` answers them.
    pub fn jwks(&self) -> &JwkSet {
        &self.published
    }

    /// The key that signs, and its id.
    pub(in crate::domain) fn signing(&self) -> (&EncodingKey, &str) {
        (&self.signing, &self.kid)
    }

    /// The key of this id, if it is one of ours.
    pub(in crate::domain) fn checking(&self, kid: &str) -> Option<&DecodingKey> {
        let mut keys = self.checking.iter();
        keys.find(|(known, _)| known == kid).map(|(_, key)| key)
    }
}

fn public_half(pem: &[u8]) -> Result<Jwk> {
    let private = EncodingKey::from_ec_pem(pem);
    let jwk = match private {
        Ok(key) => Jwk::from_encoding_key(&key, Algorithm::ES256),
        Err(_) => DecodingKey::from_ec_pem(pem)
            .and_then(|key| Jwk::from_decoding_key(&key, Some(Algorithm::ES256))),
    };
    let mut jwk = jwk.map_err(unreadable)?;
    check_curve(&jwk)?;
    jwk.common.public_key_use = Some(PublicKeyUse::Signature);
    jwk.common.key_id = Some(jwk.thumbprint(ThumbprintHash::SHA256).map_err(unreadable)?);
    Ok(jwk)
}

fn check_curve(jwk: &Jwk) -> Result<()> {
    match &jwk.algorithm {
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => Ok(()),
        _ => Err(unfit("la clé doit être une clé EC P-256")),
    }
}

fn checking_key(jwk: &Jwk) -> Result<(String, DecodingKey)> {
    let key = DecodingKey::from_jwk(jwk).map_err(unreadable)?;
    Ok((kid_of(jwk), key))
}

fn kid_of(jwk: &Jwk) -> String {
    jwk.common.key_id.clone().unwrap_or_default()
}

fn unreadable(cause: jsonwebtoken::errors::Error) -> Fault {
    unfit("clé illisible (EC P-256 en PEM attendue, PKCS#8 pour une clé privée)").because(cause)
}

fn unfit(why: &str) -> Fault {
    Fault::new(Code::Configuration, format!("Clés des jetons : {why}."))
}

#[cfg(test)]
pub(in crate::domain) mod tests {
    use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384};

    use super::*;

    pub fn pair() -> KeyPair {
        KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap()
    }

    #[test]
    fn the_published_keys_hold_no_private_half() {
        let (one, two) = (pair().serialize_pem(), pair().public_key_pem());
        let keys = Keys::load(&[one.as_bytes(), two.as_bytes()]).unwrap();
        let json = serde_json::to_value(keys.jwks()).unwrap();
        let published = json["keys"].as_array().unwrap();
        assert_eq!(published.len(), 2);
        for key in published {
            assert_eq!(key["alg"], "ES256");
            assert_eq!(key["crv"], "P-256");
            assert_eq!(key["use"], "sig");
            assert_eq!(key["kid"].as_str().unwrap().len(), 43);
            assert!(key.get("d").is_none());
        }
    }

    #[test]
    fn a_key_that_is_absent_public_unreadable_or_on_another_curve_cannot_sign() {
        let p384 = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
        let (public, p384) = (pair().public_key_pem(), p384.serialize_pem());
        let cases: [&[&[u8]]; 4] = [&[], &[public.as_bytes()], &[b"x"], &[p384.as_bytes()]];
        for pems in cases {
            let fault = Keys::load(pems).err().unwrap();
            assert_eq!(fault.code(), Code::Configuration);
        }
    }
}
