//! Signatures of Standard Webhooks: `v1a` (ed25519) always, and `v1` (HMAC-SHA-256) beside it where a secret is shared.
//!
//! The partner needs nothing secret of ours to check `v1a`. The published libraries check `v1` only, so a partner who
//! relies on one of them gets a secret too, and both signatures stand in the header, separated by a space.

use aws_lc_rs::{
    hmac,
    signature::{Ed25519KeyPair, KeyPair},
};
use data_encoding::BASE64;
use jiff::Timestamp;

use crate::kernel::{
    fault::{Code, Fault, Result},
    secret::Secret,
};

const PRIVATE: &str = "whsk_";
const PUBLIC: &str = "whpk_";
const SHARED: &str = "whsec_";

/// The keys of one project.
pub struct Signer {
    pair: Ed25519KeyPair,
    shared: Option<hmac::Key>,
}

impl Signer {
    /// Takes `whsk_` and base64 of the ed25519 key: its seed (32 bytes), with or without the public half after it.
    ///
    /// Fails with code `configuration` on any other form, or where the halves do not belong together.
    pub fn load(private: &Secret) -> Result<Self> {
        let key = decoded(private, PRIVATE)?;
        let pair = match key.split_at_checked(32) {
            Some((seed, [])) => Ed25519KeyPair::from_seed_unchecked(seed),
            Some((seed, public)) => Ed25519KeyPair::from_seed_and_public_key(seed, public),
            None => return Err(unfit(PRIVATE)),
        };
        Ok(Self {
            pair: pair.map_err(|_| unfit(PRIVATE))?,
            shared: None,
        })
    }

    /// Adds the secret shared with the partner: `whsec_` and base64 of 24 to 64 bytes.
    pub fn with_shared(mut self, secret: &Secret) -> Result<Self> {
        let key = decoded(secret, SHARED)?;
        if !(24..=64).contains(&key.len()) {
            return Err(unfit(SHARED));
        }
        self.shared = Some(hmac::Key::new(hmac::HMAC_SHA256, &key));
        Ok(self)
    }

    /// The public key to give to the partner.
    pub fn public_key(&self) -> String {
        PUBLIC.to_owned() + &BASE64.encode(self.pair.public_key().as_ref())
    }

    /// The value of `webhook-signature` for this message at this attempt.
    pub fn sign(&self, id: &str, at: Timestamp, body: &[u8]) -> String {
        let head = format!("{id}.{}.", at.as_second());
        let message = [head.as_bytes(), body].concat();
        let mut value = "v1a,".to_owned() + &BASE64.encode(self.pair.sign(&message).as_ref());
        if let Some(key) = &self.shared {
            value += " v1,";
            value += &BASE64.encode(hmac::sign(key, &message).as_ref());
        }
        value
    }
}

fn decoded(secret: &Secret, prefix: &str) -> Result<zeroize::Zeroizing<Vec<u8>>> {
    let text = secret.expose().trim().strip_prefix(prefix);
    let text = text.ok_or_else(|| unfit(prefix))?;
    let bytes = BASE64.decode(text.as_bytes()).map_err(|_| unfit(prefix))?;
    Ok(bytes.into())
}

fn unfit(prefix: &str) -> Fault {
    Fault::new(
        Code::Configuration,
        format!("Clé de signature des retours : « {prefix} » suivi de base64 est attendu."),
    )
}

#[cfg(test)]
pub(super) mod tests {
    use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};

    use super::*;

    pub const SEED: [u8; 32] = [5; 32];

    pub fn signer() -> Signer {
        Signer::load(&Secret::new(PRIVATE.to_owned() + &BASE64.encode(&SEED))).unwrap()
    }

    pub fn shared() -> Secret {
        Secret::new(SHARED.to_owned() + &BASE64.encode(&[9; 32]))
    }

    #[test]
    fn both_forms_of_the_private_key_sign_alike_and_the_public_key_checks_them() {
        let seed_only = signer();
        let public = seed_only.public_key();
        let public = BASE64.decode(public.strip_prefix(PUBLIC).unwrap().as_bytes());
        let whole = [&SEED[..], &public.clone().unwrap()].concat();
        let whole = Signer::load(&Secret::new(PRIVATE.to_owned() + &BASE64.encode(&whole)));
        let at = Timestamp::from_second(1_700_000_000).unwrap();
        let value = whole.unwrap().sign("msg", at, b"{}");
        assert_eq!(value, seed_only.sign("msg", at, b"{}"));
        let signature = BASE64.decode(value.strip_prefix("v1a,").unwrap().as_bytes());
        UnparsedPublicKey::new(&ED25519, public.unwrap())
            .verify(b"msg.1700000000.{}", &signature.unwrap())
            .unwrap();
    }

    #[test]
    fn halves_that_do_not_belong_together_and_other_forms_are_refused() {
        let halves = PRIVATE.to_owned() + &BASE64.encode(&[5; 64]);
        for text in [&halves, "whsk_", "whsk_AAAA", "whpk_AAAA", "", "whsk_!"] {
            let fault = Signer::load(&Secret::new(text)).err().unwrap();
            assert_eq!(fault.code(), Code::Configuration);
        }
        assert!(signer().with_shared(&Secret::new("whsec_AAAA")).is_err());
    }
}
