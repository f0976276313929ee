//! Certificates that the handshake itself refuses: no answer of HTTP comes at all.

use std::time::Duration;

use crate::{
    both_engines,
    kit::{
        client::{Client, try_finish},
        gateway::Gateway,
        pki::{Identity, pki},
        wait,
    },
};

/// Long enough for a file to be looked at on a busy machine.
const SOON: Duration = Duration::from_secs(30);

/// Whether a caller with that certificate gets an answer to what anybody may read.
async fn is_let_in(gateway: &Gateway, identity: &Identity) -> bool {
    opens(&Client::new(gateway, Some(identity))).await
}

async fn opens(door: &Client) -> bool {
    let request = door.request(reqwest::Method::GET, "/oauth2/jwks");
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

    /// The list is replaced while two processes serve: both see it, without a restart, and let the other client in.
    async fn a_certificate_that_is_revoked_meanwhile_fails_the_handshake_at_every_process(kit) {
        let list = kit.dir().join("clients.crl");
        std::fs::copy(&pki().nobody_revoked, &list).unwrap();
        let gateway = kit.set("listen.client_crl", format!("{list:?}")).start();
        let twin = gateway.start_twin();
        let doors = |identity| {
            let here = Client::new(&gateway, Some(identity));
            [twin.client(&here), here]
        };
        for door in doors(&pki().client) {
            assert!(opens(&door).await);
        }
        let fresh = list.with_extension("fresh");
        std::fs::copy(&pki().client_revoked, &fresh).unwrap();
        std::fs::rename(&fresh, &list).unwrap();
        for number in 0..2 {
            wait::eventually("refused handshake", SOON, async || {
                // A connection of its own each time: one that is open stays.
                let door = &doors(&pki().client)[number];
                (!opens(door).await).then_some(())
            })
            .await;
        }
        for door in doors(&pki().other_client) {
            assert!(opens(&door).await);
        }
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
