//! The description of the authorization server that clients discover (RFC 8414).

use serde::Serialize;

use super::scope::Scope;

/// The document at `/.well-known/oauth-authorization-server`. Field names are those of RFC 8414 and RFC 8705.
#[derive(Clone, Debug, Serialize)]
pub struct Metadata {
    issuer: String,
    token_endpoint: String,
    jwks_uri: String,
    grant_types_supported: [&'static str; 1],
    response_types_supported: [&'static str; 0],
    token_endpoint_auth_methods_supported: [&'static str; 2],
    scopes_supported: Vec<&'static str>,
    tls_client_certificate_bound_access_tokens: bool,
}

/// Describes the server whose public URL is `issuer`, without a slash at its end.
pub fn metadata(issuer: &str) -> Metadata {
    Metadata {
        issuer: issuer.to_owned(),
        token_endpoint: format!("{issuer}/oauth2/token"),
        jwks_uri: format!("{issuer}/oauth2/jwks"),
        grant_types_supported: ["client_credentials"],
        // RFC 8414 demands the field; without an authorization endpoint there is nothing to list.
        response_types_supported: [],
        token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post"],
        scopes_supported: Scope::ALL.iter().map(|scope| scope.as_str()).collect(),
        tls_client_certificate_bound_access_tokens: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_description_names_its_endpoints_and_the_binding() {
        let json = serde_json::to_value(metadata("https://gw.example")).unwrap();
        assert_eq!(json["token_endpoint"], "https://gw.example/oauth2/token");
        assert_eq!(json["jwks_uri"], "https://gw.example/oauth2/jwks");
        assert_eq!(json["tls_client_certificate_bound_access_tokens"], true);
        assert_eq!(json["scopes_supported"][0], "pieces:write");
    }
}
