//! The signature: CMS with the content inside, ECDSA P-256 over SHA-256, and the attributes of the CAdES baseline.

use jiff::Timestamp;
use openssl::{
    asn1::{Asn1Time, Asn1TimeRef},
    cms::{CMSOptions, CmsContentInfo},
    error::ErrorStack,
    hash::MessageDigest,
    nid::Nid,
    pkey::{PKey, Private},
    stack::Stack,
    x509::{X509, X509Ref},
};

use crate::kernel::{
    digest::Sha256,
    fault::{Code, Fault, Result},
};

/// `CMS_CADES` of OpenSSL, which the binding does not name: adds (or demands) the signing-certificate-v2 attribute.
pub(super) const CADES: CMSOptions = CMSOptions::from_bits_retain(0x0010_0000);

/// The gateway's receipt signature. Cheap to share between threads; one signature takes well under 100 µs.
pub struct Signer {
    certificate: X509,
    key: PKey<Private>,
    issuers: Stack<X509>,
}

impl Signer {
    /// Takes the signing certificate followed by its issuers, and its private key, both in PEM.
    ///
    /// Fails with code `configuration` if either does not read, if the key is not the certificate's, is not on P-256, or
    /// if the certificate is not meant for signing documents (plain `openssl cms -verify` would refuse its receipts).
    pub fn load(chain_pem: &[u8], key_pem: &[u8]) -> Result<Self> {
        let mut chain = X509::stack_from_pem(chain_pem).map_err(unreadable)?;
        let key = PKey::private_key_from_pem(key_pem).map_err(unreadable)?;
        if chain.is_empty() {
            return Err(unfit("aucun certificat dans la chaîne"));
        }
        let certificate = chain.remove(0);
        check(&certificate, &key)?;
        Ok(Self {
            certificate,
            key,
            issuers: stacked(chain).map_err(Fault::internal)?,
        })
    }

    /// Signs `content`, byte for byte, and answers the DER of the message with content and whole chain inside.
    ///
    /// The signing time among its attributes is the system's; the date that counts is in the content.
    pub fn sign(&self, content: &[u8]) -> Result<Vec<u8>> {
        // Without BINARY every LF would be signed as CRLF; the list of ciphers that NOSMIMECAP leaves out is for mail.
        let options = CMSOptions::BINARY | CMSOptions::NOSMIMECAP | CADES;
        CmsContentInfo::sign(
            Some(&self.certificate),
            Some(&self.key),
            Some(&self.issuers),
            Some(content),
            options,
        )
        .and_then(|message| message.to_der())
        .map_err(Fault::internal)
    }

    /// The signing certificate's fingerprint, which a verification shows too.
    pub fn certificate_sha256(&self) -> Result<Sha256> {
        fingerprint(&self.certificate).map_err(Fault::internal)
    }

    /// The first instant at which a new receipt would no longer verify without `-attime`.
    pub fn expires_at(&self) -> Result<Timestamp> {
        instant(self.certificate.not_after()).map_err(Fault::internal)
    }
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

pub(super) fn stacked(certificates: Vec<X509>) -> Result<Stack<X509>, ErrorStack> {
    let mut stack = Stack::new()?;
    for certificate in certificates {
        stack.push(certificate)?;
    }
    Ok(stack)
}

pub(super) fn fingerprint(certificate: &X509Ref) -> Result<Sha256, ErrorStack> {
    let digest = certificate.digest(MessageDigest::sha256())?;
    let mut out = Sha256::default();
    out.copy_from_slice(&digest);
    Ok(out)
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
        let mut chain = X509::stack_from_pem(chain_pem).unwrap();
        Signer {
            certificate: chain.remove(0),
            key: PKey::private_key_from_pem(key_pem).unwrap(),
            issuers: stacked(chain).unwrap(),
        }
    }
}
