//! Verification of a signed receipt, as strict as the plain `openssl cms -verify`, plus the CAdES attribute.

use jiff::Timestamp;
use openssl::{
    cms::{CMSOptions, CmsContentInfo},
    error::ErrorStack,
    pkcs7::{Pkcs7, Pkcs7Flags},
    stack::Stack,
    x509::{
        X509, X509NameRef,
        store::{X509Store, X509StoreBuilder},
        verify::{X509VerifyFlags, X509VerifyParam},
    },
};

use serde::Serialize;

use super::{archive::ArchiveReceipt, der, document::Receipt};
use crate::kernel::{
    digest::{Sha256, sha256},
    fault::{Code, Fault, Result},
};

/// Over this, in bytes, a message is not read at all: ours take about 3 KB.
const LARGEST: usize = 1 << 20;

/// `CMS_CADES` of OpenSSL, which the binding does not name: demands the signing-certificate-v2 attribute.
const CADES: CMSOptions = CMSOptions::from_bits_retain(0x0010_0000);

/// Who signed, and when he says he did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignerInfo {
    /// The certificate's subject, such as `CN=…, O=…`.
    pub subject: String,
    /// The certificate's fingerprint.
    pub certificate_sha256: Sha256,
    /// The signing time among the signed attributes, to the second; `None` where the signer wrote none.
    pub signed_at: Option<Timestamp>,
}

/// Verifies the message and reads its receipt. Trust starts from the certificates of `ca_pem` and from nothing else.
///
/// `at` is the instant at which the chain must have been valid (an old receipt outlives its certificate, TRC-1); without it,
/// the machine's present, as for the plain command. Fails with code `corrupt`, or `usage` where `ca_pem` does not read.
pub fn verify(der: &[u8], ca_pem: &[u8], at: Option<Timestamp>) -> Result<(Receipt, SignerInfo)> {
    verified(der, trust(ca_pem, at, X509VerifyFlags::empty()))
}

/// The same for whoever knows the signer: any certificate of `pem`, the signer's own included, is trusted, not roots alone.
pub fn verify_known(
    der: &[u8],
    pem: &[u8],
    at: Option<Timestamp>,
) -> Result<(Receipt, SignerInfo)> {
    verified(der, trust(pem, at, X509VerifyFlags::PARTIAL_CHAIN))
}

/// Verifies the receipt of a piece or of an archive; as [`verify`], or with `known` as [`verify_known`].
pub fn verify_any(
    der: &[u8],
    pem: &[u8],
    known: bool,
    at: Option<Timestamp>,
) -> Result<(Proven, SignerInfo)> {
    let flags = match known {
        true => X509VerifyFlags::PARTIAL_CHAIN,
        false => X509VerifyFlags::empty(),
    };
    let store = trust(pem, at, flags).map_err(unreadable_ca)?;
    let content = verified_content(der, &store)?;
    let proven = match ArchiveReceipt::from_bytes(&content) {
        Ok(archive) => Proven::Archive(Box::new(archive)),
        Err(_) => Proven::Piece(Box::new(Receipt::from_bytes(&content)?)),
    };
    Ok((proven, signer_of(der)?))
}

/// What a signed receipt proves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Proven {
    /// The reception of a piece.
    Piece(Box<Receipt>),
    /// What became of an archive.
    Archive(Box<ArchiveReceipt>),
}

fn verified(der: &[u8], store: Result<X509Store, ErrorStack>) -> Result<(Receipt, SignerInfo)> {
    let store = store.map_err(unreadable_ca)?;
    let content = verified_content(der, &store)?;
    Ok((Receipt::from_bytes(&content)?, signer_of(der)?))
}

/// Verifies a partner's detached signature (CMS, DER or PEM) over `content`; trust starts from `ca_pem`. His software need not
/// write what CAdES adds. Fails like [`verify`].
pub fn verify_detached(
    signature: &[u8],
    content: &[u8],
    ca_pem: &[u8],
    at: Option<Timestamp>,
) -> Result<SignerInfo> {
    if signature.len() > LARGEST {
        return Err(refused("le fichier est trop grand pour une signature"));
    }
    let store = trust(ca_pem, at, X509VerifyFlags::empty()).map_err(unreadable_ca)?;
    let read = match signature.starts_with(b"-----BEGIN") {
        true => CmsContentInfo::from_pem(signature),
        false => CmsContentInfo::from_der(signature),
    };
    let verified = read.and_then(|mut message| {
        message.verify(None, Some(&store), Some(content), None, CMSOptions::BINARY)?;
        message.to_der()
    });
    let der = verified.map_err(|cause| refused("la signature ne se vérifie pas").because(cause))?;
    signer_of(&der)
}

fn trust(
    ca_pem: &[u8],
    at: Option<Timestamp>,
    flags: X509VerifyFlags,
) -> Result<X509Store, ErrorStack> {
    let mut builder = X509StoreBuilder::new()?;
    builder.set_flags(flags)?;
    for authority in X509::stack_from_pem(ca_pem)? {
        builder.add_cert(authority)?;
    }
    if let Some(at) = at {
        let mut parameters = X509VerifyParam::new()?;
        parameters.set_time(at.as_second());
        builder.set_param(&parameters)?;
    }
    Ok(builder.build())
}

fn verified_content(der: &[u8], store: &X509Store) -> Result<Vec<u8>> {
    if der.len() > LARGEST {
        return Err(refused("le fichier est trop grand pour un reçu"));
    }
    let mut content = Vec::new();
    let options = CMSOptions::BINARY | CADES;
    CmsContentInfo::from_der(der)
        .and_then(|mut message| {
            message.verify(None, Some(store), None, Some(&mut content), options)
        })
        .map_err(|cause| refused("la signature ne se vérifie pas").because(cause))?;
    Ok(content)
}

/// CMS with one signer known by issuer and serial number is also PKCS#7, whose binding does tell the signer.
fn signer_of(der: &[u8]) -> Result<SignerInfo> {
    let signers = Pkcs7::from_der(der)
        .and_then(|message| message.signers(&*Stack::new()?, Pkcs7Flags::empty()))
        .map_err(|cause| refused("le signataire est introuvable").because(cause))?;
    let mut signers = signers.iter();
    match (signers.next(), signers.next()) {
        (Some(signer), None) => Ok(SignerInfo {
            subject: readable(signer.subject_name()),
            certificate_sha256: sha256(&signer.to_der().map_err(Fault::internal)?),
            signed_at: der::signing_time(der),
        }),
        _ => Err(refused("un seul signataire est attendu")),
    }
}

fn readable(name: &X509NameRef) -> String {
    let entries = name.entries().map(|entry| {
        let key = entry.object().nid().short_name().unwrap_or("?");
        let value = entry.data().to_string();
        format!("{key}={}", value.unwrap_or_default())
    });
    entries.collect::<Vec<_>>().join(", ")
}

fn unreadable_ca(cause: ErrorStack) -> Fault {
    Fault::new(
        Code::Usage,
        "Les certificats d'autorité ne se lisent pas (PEM attendu).",
    )
    .because(cause)
}

fn refused(why: &str) -> Fault {
    Fault::new(Code::Corrupt, format!("Reçu refusé : {why}."))
}
