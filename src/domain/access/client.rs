//! A client: one application of a partner, with its secret, its certificate and its perimeter.

use std::collections::BTreeSet;

use data_encoding::BASE64URL_NOPAD;
use jiff::Timestamp;

use super::scope::Scopes;
use crate::kernel::{
    digest::{Sha256, sha256},
    entropy::Entropy,
    fault::{Code, Fault, Result},
    secret::{Secret, same},
};

/// An application that calls the gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its OAuth client id.
    pub client_id: String,
    /// A name for people.
    pub name: String,
    /// The partner whose application it is.
    pub partner: String,
    /// The environment it belongs to.
    pub environment: String,
    /// What its tokens may allow.
    pub scopes: Scopes,
    /// The projects it may name. Nothing stands for "all".
    pub projects: BTreeSet<String>,
    /// The source applications it may speak for.
    pub source_applications: BTreeSet<String>,
    /// The only certificate that may get a token for it, where one is pinned; else any of the configured CA.
    pub certificate_sha256: Option<Sha256>,
    /// SHA-256 of its secret, which itself is never stored.
    pub secret_sha256: Sha256,
    /// When it was added.
    pub created_at: Timestamp,
    /// Since when it is refused, whatever its tokens say.
    pub revoked_at: Option<Timestamp>,
}

impl Client {
    /// Whether it may touch the pieces that `application` sends to `project`.
    pub fn may(&self, project: &str, application: &str) -> bool {
        self.projects.contains(project) && self.source_applications.contains(application)
    }

    /// Fails with code `perimeter-forbidden` where [`Client::may`] says no.
    pub fn permit(&self, project: &str, application: &str) -> Result<()> {
        if self.may(project, application) {
            return Ok(());
        }
        Err(Fault::new(
            Code::PerimeterForbidden,
            "Le projet ou l'application source est hors du périmètre de ce client.",
        ))
    }

    /// Fails with code `client-revoked` once it is revoked.
    pub fn check_active(&self) -> Result<()> {
        match self.revoked_at {
            None => Ok(()),
            Some(_) => Err(Fault::new(Code::ClientRevoked, "Ce client est révoqué.")),
        }
    }

    /// Whether `secret` is its secret, in a time that tells nothing of it.
    pub fn knows(&self, secret: &Secret) -> bool {
        same(&hash_of(secret), &self.secret_sha256)
    }

    /// Whether a token may be issued over a connection with this certificate.
    pub fn accepts_certificate(&self, certificate: &Sha256) -> bool {
        self.certificate_sha256
            .is_none_or(|pinned| same(&pinned, certificate))
    }
}

/// A fresh secret of 256 bits, 43 characters of base64url that no encoding of forms or headers changes.
pub fn generate_secret(entropy: &Entropy) -> Result<Secret> {
    let bits = entropy.bytes::<32>()?;
    Ok(Secret::new(BASE64URL_NOPAD.encode(&bits)))
}

/// What is stored of a secret. A plain hash is enough for 256 random bits: there is nothing to guess.
pub fn hash_of(secret: &Secret) -> Sha256 {
    sha256(secret.expose().as_bytes())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A client of partner ASP with both piece scopes, and its secret.
    pub fn client() -> (Client, Secret) {
        let secret = generate_secret(&Entropy::system()).unwrap();
        let client = Client {
            client_id: "asp-etat-civil".into(),
            name: "État civil".into(),
            partner: "asp".into(),
            environment: "test".into(),
            scopes: "pieces:read pieces:write".parse().unwrap(),
            projects: ["naissance".to_owned()].into(),
            source_applications: ["etat-civil".to_owned()].into(),
            certificate_sha256: None,
            secret_sha256: hash_of(&secret),
            created_at: Timestamp::UNIX_EPOCH,
            revoked_at: None,
        };
        (client, secret)
    }

    #[test]
    fn a_secret_has_256_bits_and_opens_its_client_only() {
        let (mine, secret) = client();
        let (other, _) = client();
        assert_eq!(secret.expose().len(), 43);
        assert!(mine.knows(&secret) && !other.knows(&secret));
    }

    #[test]
    fn a_client_is_kept_to_its_projects_and_applications() {
        let (client, _) = client();
        assert!(client.permit("naissance", "etat-civil").is_ok());
        for (project, application) in [("deces", "etat-civil"), ("naissance", "*"), ("", "")] {
            let fault = client.permit(project, application).unwrap_err();
            assert_eq!(fault.code(), Code::PerimeterForbidden);
        }
    }

    #[test]
    fn a_revoked_client_is_told_so() {
        let (mut client, _) = client();
        assert!(client.check_active().is_ok());
        client.revoked_at = Some(Timestamp::UNIX_EPOCH);
        assert_eq!(
            client.check_active().unwrap_err().code(),
            Code::ClientRevoked
        );
    }
}
