//! Certificates that the handshake itself refuses: no answer of HTTP comes at all.

use crate::{
    both_engines,
    kit::{
        client::{Client, try_finish},
        gateway::Gateway,
        pki::{Identity, pki},
    },
};

/// Whether a caller with that certificate gets an answer to what anybody may read.
async fn is_let_in(gateway: &Gateway, identity: &Identity) -> bool {
    let request =
        Client::new(gateway, Some(identity)).request(reqwest::Method::GET, "/oauth2/jwks");
    match try_finish(request).await {
        Ok(answer) => answer.status == 200,
        Err(_) => false,
    }
}

both_engines! {
    async fn a_certificate_of_our_authority_is_let_in(kit) {
        let gateway = kit.start();
        assert!(is_let_in(&gateway, &pki().client).await);
        assert!(is_let_in(&gateway, &pki().other_client).await);
    }

    async fn a_certificate_of_another_authority_fails_the_handshake(kit) {
        let gateway = kit.start();
        assert!(!is_let_in(&gateway, &pki().foreign_client).await);
    }

    async fn an_expired_certificate_fails_the_handshake(kit) {
        let gateway = kit.start();
        assert!(!is_let_in(&gateway, &pki().expired_client).await);
    }

    async fn a_certificate_that_may_only_serve_fails_the_handshake(kit) {
        let gateway = kit.start();
        assert!(!is_let_in(&gateway, &pki().server_only).await);
    }
}
