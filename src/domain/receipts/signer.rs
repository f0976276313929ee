//! The signature: CMS with the content inside, ECDSA P-256 over SHA-256, and the attributes of the CAdES baseline.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair},
};
use jiff::{SignedDuration, Timestamp};
use openssl::{
    asn1::{Asn1Time, Asn1TimeRef},
    error::ErrorStack,
    nid::Nid,
    pkey::{PKey, Private},
    x509::{X509, X509Ref},
};
use zeroize::Zeroizing;

use super::cms::{Frame, to_sign};
use crate::kernel::{
    clock::Clock,
    digest::{Sha256, sha256},
    fault::{Code, Fault, Result},
};

/// How long before its end a signing certificate is warned of.
const WARNING: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The gateway's receipt signature. Shared between threads; one signature takes a few dozen microseconds.
pub struct Signer {
    key: EcdsaKeyPair,
    // The library demands a source of nonces in every call; the system's is the only one to be trusted with them.
    random: SystemRandom,
    frame: Frame,
    fingerprint: Sha256,
    begins_at: Timestamp,
    expires_at: Timestamp,
    clock: Clock,
}

impl Signer {
    /// Takes the signing certificate followed by its issuers, and its private key, both in PEM.
    ///
    /// Fails with code `configuration` if either does not read, if the key is not the certificate's, is not on P-256, or
    /// if the certificate is not meant for signing documents (plain `openssl cms -verify` would refuse its receipts). Its
    /// dates are [`Signer::usable`]'s to ask: a house whose certificate is over is still read, backed up and purged.
    pub fn load(chain_pem: &[u8], key_pem: &[u8]) -> Result<Self> {
        let chain = X509::stack_from_pem(chain_pem).map_err(unreadable)?;
        let key = PKey::private_key_from_pem(key_pem).map_err(unreadable)?;
        let certificate = chain
            .first()
            .ok_or_else(|| unfit("aucun certificat dans la chaîne"))?;
        check(certificate, &key)?;
        Self::unchecked(&chain, certificate, &key)
    }

    /// The same, with the signing time read from `clock` instead of the system's.
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Whether a receipt that is signed now proves anything (TRC-1). Fails with `signer-expired` outside the certificate's
    /// dates.
    pub fn usable(&self) -> Result<()> {
        let now = self.clock.now();
        match now >= self.begins_at && now < self.expires_at {
            true => Ok(()),
            false => Err(self.outside()),
        }
    }

    /// What is said to the operator of a certificate that ends within 30 days.
    pub fn warning(&self) -> Option<String> {
        let left = self.expires_at.duration_since(self.clock.now());
        (left < WARNING).then(|| {
            format!(
                "the receipts' signing certificate ends at {}: no piece is taken from then on; replace it",
                self.expires_at
            )
        })
    }

    fn outside(&self) -> Fault {
        let detail = "Le certificat qui signe les reçus n'est pas en cours de validité : rien n'est reçu jusqu'à son \
            remplacement.";
        let why = format!("valid from {} to {}", self.begins_at, self.expires_at);
        Fault::new(Code::SignerExpired, detail).because(why)
    }

    /// Signs `content`, byte for byte, and answers the DER of the message with content and whole chain inside. Fails with
    /// `signer-expired` outside the certificate's dates.
    pub fn sign(&self, content: &[u8]) -> Result<Vec<u8>> {
        self.usable()?;
        let attributes = self.frame.attributes(content, self.clock.now());
        let signature = self
            .key
            .sign(&self.random, &to_sign(&attributes))
            .map_err(|_| Fault::internal("ECDSA refused to sign a receipt"))?;
        Ok(self.frame.message(content, &attributes, signature.as_ref()))
    }

    /// The signing certificate's fingerprint, which a verification shows too.
    pub fn certificate_sha256(&self) -> Sha256 {
        self.fingerprint
    }

    /// The first instant at which a new receipt would no longer verify without `-attime`.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    fn unchecked(chain: &[X509], certificate: &X509Ref, key: &PKey<Private>) -> Result<Self> {
        let ders = chain.iter().map(|certificate| certificate.to_der());
        let ders = ders.collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
        Ok(Self {
            key: pair(key)?,
            random: SystemRandom::new(),
            fingerprint: sha256(&ders[0]),
            frame: Frame::new(&ders).ok_or_else(|| unfit("certificat illisible"))?,
            begins_at: instant(certificate.not_before()).map_err(unreadable)?,
            expires_at: instant(certificate.not_after()).map_err(unreadable)?,
            clock: Clock::system(),
        })
    }
}

fn pair(key: &PKey<Private>) -> Result<EcdsaKeyPair> {
    let pkcs8 = Zeroizing::new(key.private_key_to_pkcs8().map_err(unreadable)?);
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &pkcs8)
        .map_err(|cause| unfit("clé illisible").because(cause))
}

fn check(certificate: &X509Ref, key: &PKey<Private>) -> Result<()> {
    let public = certificate.public_key().map_err(unreadable)?;
    if !public.public_eq(key) {
        return Err(unfit("la clé privée n'est pas celle du certificat"));
    }
    if !on_p256(key) {
        return Err(unfit("la clé doit être une clé EC P-256"));
    }
    check_usage(certificate)
}

fn on_p256(key: &PKey<Private>) -> bool {
    key.ec_key()
        .is_ok_and(|key| key.group().curve_name() == Some(Nid::X9_62_PRIME256V1))
}

fn check_usage(certificate: &X509Ref) -> Result<()> {
    use openssl::x509::{X509ExtendedKeyUsage as Extended, X509KeyUsage as Usage};
    // Demanded even where X.509 would let an absent extension mean "anything": this key signs receipts and nothing else.
    let mail = certificate
        .extended_key_usage()
        .is_some_and(|usage| usage.contains(Extended::SMIME));
    if !mail {
        return Err(unfit("extendedKeyUsage doit contenir emailProtection"));
    }
    let signing = Usage::DIGITAL_SIGNATURE | Usage::NON_REPUDIATION;
    match certificate.key_usage() {
        Some(usage) if !usage.intersects(signing) => {
            Err(unfit("keyUsage doit contenir digitalSignature"))
        }
        _ => Ok(()),
    }
}

fn instant(time: &Asn1TimeRef) -> Result<Timestamp, ErrorStack> {
    let since = Asn1Time::from_unix(0)?.diff(time)?;
    let seconds = i64::from(since.days) * 86_400 + i64::from(since.secs);
    Ok(Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX))
}

fn unreadable(cause: ErrorStack) -> Fault {
    unfit("certificat ou clé illisible (PEM attendu)").because(cause)
}

fn unfit(why: &str) -> Fault {
    Fault::new(
        Code::Configuration,
        format!("Certificat de signature des reçus : {why}."),
    )
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A signer past the checks of [`Signer::load`], to see what verification says of it.
    pub fn unchecked(chain_pem: &[u8], key_pem: &[u8]) -> Signer {
        let chain = X509::stack_from_pem(chain_pem).unwrap();
        let key = PKey::private_key_from_pem(key_pem).unwrap();
        Signer::unchecked(&chain, &chain[0], &key).unwrap()
    }
}
