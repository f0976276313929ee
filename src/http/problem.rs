//! The one visible table from a fault's code to its HTTP status, and the problem document that tells it (RFC 9457).
//!
//! A handler answers `Err(Fault)`; [`super::trace`] then writes the document again with the request's id and logs it once.
//! To add a code: one line in [`outcome`], with its status and its title in French.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::{
    HeaderValue, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
};
use serde::Serialize;

use super::body::Limits;
use crate::kernel::fault::{Code, Fault, FieldFault};

/// The media type of problem documents.
pub const PROBLEM_JSON: &str = "application/problem+json";
/// When to try again, in seconds, where the house is away.
const RETRY_SECONDS: &str = "5";
/// The same where somebody has to replace a certificate first.
const REPLACEMENT_SECONDS: &str = "300";
/// The same where a request under the same key is in flight: it ends soon, or its claim expires.
const IN_FLIGHT_SECONDS: &str = "1";

/// The status and the public title of each code.
pub fn outcome(code: Code) -> (StatusCode, &'static str) {
    let (status, title) = match code {
        Code::CertificateRequired => (401, "Certificat client exigé"),
        Code::TokenMissing => (401, "Jeton d'accès absent"),
        Code::TokenInvalid => (401, "Jeton d'accès invalide"),
        Code::TokenExpired => (401, "Jeton d'accès expiré"),
        Code::TokenCertificateMismatch => (401, "Jeton lié à un autre certificat"),
        Code::ClientRevoked => (401, "Client révoqué"),
        Code::ScopeInsufficient => (403, "Portée du jeton insuffisante"),
        Code::PerimeterForbidden => (403, "Hors du périmètre du client"),
        Code::NotFound => (404, "Ressource introuvable"),
        Code::Purged => (410, "Durée de conservation échue"),
        Code::MethodNotAllowed => (405, "Méthode non autorisée"),
        Code::BodyTooSlow => (408, "Corps de requête trop lent"),
        Code::PieceConflict => (409, "Pièce déjà reçue avec un autre contenu"),
        Code::RequestInFlight => (409, "Requête déjà en cours"),
        Code::IdempotencyKeyReused => (422, "Clé d'idempotence déjà employée"),
        Code::ReturnPending => (409, "Retour déjà en cours de livraison"),
        Code::TooLarge => (413, "Transaction trop volumineuse"),
        Code::RequestTypeUnsupported => (415, "Type de requête non pris en charge"),
        Code::MediaTypeNotAccepted => (415, "Type de fichier non accepté par le projet"),
        Code::TypeMismatch => (415, "Type réel différent du type déclaré"),
        Code::RequestMalformed => (400, "Requête mal formée"),
        Code::MetadataMissing => (400, "Métadonnées absentes"),
        Code::MetadataMisplaced => (400, "Métadonnées mal placées"),
        Code::MetadataRepeated => (400, "Métadonnées répétées"),
        Code::ContentMissing => (400, "Contenu absent"),
        Code::MetadataNotJson => (400, "Métadonnées illisibles"),
        Code::MetadataTooLarge => (400, "Métadonnées trop volumineuses"),
        Code::MetadataInvalid => (422, "Métadonnées invalides"),
        Code::Required => (422, "Champ obligatoire absent"),
        Code::Invalid => (422, "Valeur invalide"),
        Code::TooLong => (422, "Valeur trop longue"),
        Code::OutOfRange => (422, "Valeur hors limites"),
        Code::UnknownField => (422, "Champ inconnu"),
        Code::UnknownProject => (422, "Projet inconnu"),
        Code::HashRequired => (422, "Empreinte obligatoire"),
        Code::HashMalformed => (422, "Empreinte mal formée"),
        Code::HashMismatch => (422, "Empreinte différente du contenu reçu"),
        Code::ContentHeld => (409, "Contenu retenu par l'antivirus"),
        Code::ContentEmpty => (422, "Contenu vide"),
        Code::ContentInvalid => (422, "Contenu invalide"),
        Code::RangeNotSatisfiable => (416, "Plage non satisfaisable"),
        Code::Unavailable => (503, "Service momentanément indisponible"),
        Code::SignerExpired => (503, "Signature des reçus hors de sa validité"),
        Code::StorageFull => (507, "Espace de stockage épuisé"),
        Code::Corrupt => (500, "Contenu conservé altéré"),
        Code::ClockUntrusted
        | Code::Configuration
        | Code::Usage
        | Code::PartnerRefused
        | Code::DepotUnreachable
        | Code::HostKeyRefused
        | Code::DepotCertificateRefused
        | Code::DepotInsecure
        | Code::DepotLoginRefused
        | Code::DepotDenied
        | Code::DepotFull
        | Code::DepotFileExists
        | Code::DepotFileMissing
        | Code::DepotFileChanged
        | Code::DepotRefused
        | Code::TransferCut
        | Code::Internal => (500, "Erreur interne"),
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, title)
}

/// The code as callers are told it: what only commands and workers meet is none of their business, and no code of the
/// contract.
pub fn public(code: Code) -> Code {
    match code {
        Code::ClockUntrusted | Code::Configuration | Code::Usage | Code::PartnerRefused => {
            Code::Internal
        }
        depot if depot.is_of_depot() => Code::Internal,
        public => public,
    }
}

/// A problem document.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Problem<'a> {
    #[serde(rename = "type")]
    kind: String,
    code: &'static str,
    title: &'static str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
    errors: Vec<PlacedProblem<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    return_reserve_bytes: Option<u64>,
}

/// One fault at its place.
#[derive(Serialize)]
struct PlacedProblem<'a> {
    pointer: &'a str,
    code: &'static str,
    detail: &'a str,
}

/// What the document says beyond the fault.
#[derive(Clone, Copy, Default)]
pub struct Context {
    /// The request's id, told as `instance`.
    pub request: Option<uuid::Uuid>,
    /// The limits that `too-large` tells.
    pub limits: Option<Limits>,
}

/// The whole answer to a fault. The fault rides along as an extension (`Arc<Fault>`), for the log.
pub fn render(fault: Arc<Fault>, context: Context) -> Response {
    let (status, title) = outcome(fault.code());
    let document = serde_json::to_vec(&document(&fault, status, title, context));
    let mut response = (status, document.unwrap_or_default()).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    if let Some(pause) = pause(fault.code()) {
        headers.insert(RETRY_AFTER, HeaderValue::from_static(pause));
    }
    if let Some(challenge) = challenge(fault.code()) {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    response.extensions_mut().insert(fault);
    response
}

/// When the same request may succeed, where it may.
fn pause(code: Code) -> Option<&'static str> {
    match code {
        Code::Unavailable => Some(RETRY_SECONDS),
        Code::SignerExpired => Some(REPLACEMENT_SECONDS),
        Code::RequestInFlight => Some(IN_FLIGHT_SECONDS),
        _ => None,
    }
}

/// RFC 6750: what to come back with.
fn challenge(code: Code) -> Option<&'static str> {
    match code {
        Code::CertificateRequired | Code::TokenMissing => Some(r#"Bearer realm="navette""#),
        Code::TokenInvalid
        | Code::TokenExpired
        | Code::TokenCertificateMismatch
        | Code::ClientRevoked => Some(r#"Bearer realm="navette", error="invalid_token""#),
        Code::ScopeInsufficient => Some(r#"Bearer realm="navette", error="insufficient_scope""#),
        _ => None,
    }
}

fn document<'a>(
    fault: &'a Fault,
    status: StatusCode,
    title: &'static str,
    context: Context,
) -> Problem<'a> {
    let limits = context.limits.filter(|_| fault.code() == Code::TooLarge);
    Problem {
        kind: format!("urn:navette:problem:{}", public(fault.code())),
        code: public(fault.code()).as_str(),
        title,
        status: status.as_u16(),
        detail: fault.detail(),
        instance: context.request.map(|id| format!("urn:uuid:{id}")),
        errors: fault.errors().iter().map(placed).collect(),
        limit_bytes: limits.map(|limits| limits.transaction),
        return_reserve_bytes: limits.map(|limits| limits.return_reserve),
    }
}

fn placed(fault: &FieldFault) -> PlacedProblem<'_> {
    PlacedProblem {
        pointer: &fault.pointer,
        code: public(fault.code).as_str(),
        detail: &fault.detail,
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        render(Arc::new(self), Context::default())
    }
}

/// Nothing at this address.
pub fn missing() -> Fault {
    Fault::new(Code::NotFound, "Aucune ressource à cette adresse.")
}

/// The answer to a path that nobody serves.
pub async fn not_found() -> Fault {
    missing()
}

/// The answer to a verb that the path does not have; axum adds `Allow`.
pub async fn method_not_allowed() -> Fault {
    Fault::new(
        Code::MethodNotAllowed,
        "Cette ressource n'accepte pas cette méthode (voir l'en-tête Allow).",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_an_error_status_and_a_title() {
        for code in Code::ALL {
            let (status, title) = outcome(*code);
            assert!(
                status.is_client_error() || status.is_server_error(),
                "{code}"
            );
            assert!(!title.is_empty(), "{code}");
        }
    }

    #[test]
    fn an_unavailable_house_says_when_to_come_back_and_never_why() {
        let response = Fault::unavailable("database at 10.0.0.7 is down").into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[RETRY_AFTER], RETRY_SECONDS);
        let fault = response.extensions().get::<Arc<Fault>>().unwrap();
        let document = document(fault, response.status(), "", Context::default());
        let text = serde_json::to_string(&document).unwrap();
        assert!(!text.contains("10.0.0.7"), "{text}");
    }

    #[test]
    fn a_body_too_large_is_told_both_limits() {
        let limits = Limits::default();
        let context = Context {
            limits: Some(limits),
            ..Context::default()
        };
        let fault = Fault::new(Code::TooLarge, "…");
        let document = document(&fault, StatusCode::PAYLOAD_TOO_LARGE, "", context);
        let value = serde_json::to_value(&document).unwrap();
        assert_eq!(value["limitBytes"], 20_000_000);
        assert_eq!(value["returnReserveBytes"], 64_000);
        assert_eq!(value["type"], "urn:navette:problem:too-large");
    }

    #[test]
    fn a_bad_token_is_challenged_as_rfc_6750_says() {
        let response = Fault::new(Code::TokenExpired, "…").into_response();
        let challenge = response.headers()[WWW_AUTHENTICATE].to_str().unwrap();
        assert!(challenge.contains("invalid_token"));
    }
}
