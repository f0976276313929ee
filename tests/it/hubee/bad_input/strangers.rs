//! Tokens expired, foreign or forged; what belongs to others.

use serde_json::json;

use super::hub;
use crate::{
    both_engines,
    kit::{
        hubee::{
            FOLDERS, REFERENTIAL,
            caller::Caller,
            hub::Hub,
            referential::{OTHER_SI, PROCESS, SI, SI_BRANCH, SILENT, identifier},
        },
        token::{Token, now},
    },
};

/// R3: missing, malformed, expired, forged: 401, with the fault that client code tests for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_not_good_is_answered_as_clients_expect() {
    let hub = hub().await;
    let path = format!("{FOLDERS}/notifications");
    let good = hub.si.token.clone().unwrap();
    hub.si.without_token().get(&path).await.is_no_token();
    let expired = Token::read(&good)
        .with("exp", now() - 60)
        .with("iat", now() - 86_460);
    let other = Token::read(&good).with("sub", "personne");
    let cut = &good[..good.len() - 4];
    for token in [
        expired.signed(),
        other.signed(),
        Token::read(&good).unsigned(),
        cut.to_owned(),
        "n'importe".to_owned(),
        String::new(),
    ] {
        hub.si.bearing(&token).get(&path).await.is_no_token();
    }
    let piece = hub.gateway.client().await.token.unwrap();
    hub.si.bearing(&piece).get(&path).await.is_no_token();
    hub.si.get(&path).await.of(200);
}

/// R3: a revoked client is refused within a second, whatever its token says.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_client_is_refused() {
    let hub = hub().await;
    let credentials = hub.hub_register(SI, "SI", &[PROCESS]);
    let caller = Caller::with_token(&hub, &credentials, "SI").await;
    let path = format!("{FOLDERS}/notifications");
    caller.get(&path).await.of(200);
    hub.run(&[
        "hubee",
        "client",
        "revoke",
        &credentials.id,
        "--reason",
        "essai",
    ])
    .succeeded();
    crate::kit::wait::eventually("refusal", std::time::Duration::from_secs(5), async || {
        (caller.get(&path).await.status == 401).then_some(())
    })
    .await;
    assert_eq!(caller.ask_token(&credentials, "SI").await.status, 401);
}

both_engines! {
    /// R3, R8: what exists and belongs to others is 403, what does not exist 404.
    async fn what_belongs_to_others_is_not_theirs(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send("DGS-CERTD-0000000000700").await;
        let nobody = "01999999-9999-7999-8999-999999999999";
        for caller in [&hub.other_osl, &hub.si, &hub.datapass] {
            caller.get(&sent.path()).await.is_refused(403, "Unauthorized user");
            caller.patch(&sent.path(), &json!({ "globalStatus": "CLOSED" })).await.is_refused(403, "Unauthorized user");
            caller.delete(&sent.path()).await.is_refused(403, "Unauthorized user");
        }
        for caller in [&hub.other_osl, &hub.other_si] {
            caller.get(&sent.case_path(0)).await.is_refused(403, "Unauthorized user");
            caller.get(&sent.case_file_path(0, 0)).await.is_refused(403, "Unauthorized user");
            caller.patch(&sent.case_path(0), &json!({ "status": "IN_PROGRESS" })).await.is_refused(403, "Unauthorized user");
        }
        hub.osl.get(&format!("{FOLDERS}/folders/{nobody}")).await.is_refused(404, "Folder is not found");
        hub.other_osl.get(&format!("{FOLDERS}/folders/{nobody}")).await.is_refused(404, "Folder is not found");
        hub.si.get(&format!("{FOLDERS}/cases/{nobody}")).await.is_refused(404, "Case is not found");
        hub.si.delete(&format!("{FOLDERS}/notifications/{nobody}")).await.is_refused(404, "Notification is not found");
        for collection in ["organizations", "processes"] {
            hub.osl.get(&format!("{REFERENTIAL}/{collection}")).await.is_refused(403, "Unauthorized user");
            hub.si.get(&format!("{REFERENTIAL}/{collection}")).await.is_refused(403, "Unauthorized user");
        }
        hub.si.get(&format!("{REFERENTIAL}/subscriptions")).await.is_refused(403, "Unauthorized user");
    }

    /// R3, R40: a client of the same organisation for another process sees nothing of this one's.
    async fn a_client_sees_the_processes_that_it_was_issued_for(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send("DGS-CERTD-0000000000701").await;
        let narrow = Caller::register(&hub, SI, "SI", &[SILENT]).await;
        assert_eq!(hub.notifications(&narrow).await.len(), 0);
        let query = format!("{FOLDERS}/notifications?processCode={PROCESS}");
        assert_eq!(narrow.get(&query).await.of(200).json(), json!([]));
        narrow.get(&sent.case_path(0)).await.is_refused(403, "Unauthorized user");
        narrow.get(&sent.case_file_path(0, 0)).await.is_refused(403, "Unauthorized user");
        let told = hub.notifications(&hub.si).await;
        let path = format!("{FOLDERS}/notifications/{}", told[0]["id"].as_str().unwrap());
        narrow.delete(&path).await.is_refused(403, "Unauthorized user");
    }

    /// R24: cases move between branches of one SIRET; another SIRET's are taken by nobody but the operator.
    async fn cases_are_moved_within_a_siret_only(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send("DGS-CERTD-0000000000702").await;
        let path = format!("{FOLDERS}/cases/migrate");
        let moving = |from: &str, to: &str| json!({ "organizationSource": identifier(from), "organizationTarget": identifier(to) });
        hub.other_si.put(&path, &moving(SI, OTHER_SI)).await.is_refused(403, "Unauthorized user");
        hub.si.put(&path, &moving(SI, OTHER_SI)).await.is_refused(403, "Unauthorized user");
        hub.si.put(&path, &moving(OTHER_SI, SI)).await.is_refused(403, "Unauthorized user");
        hub.osl.put(&path, &moving(SI, SI_BRANCH)).await.is_refused(403, "Unauthorized user");
        hub.si.put(&path, &json!({})).await.is_bad(&["organizationSource", "organizationTarget"]);
        let moved = hub.si.put(&path, &moving(SI, SI_BRANCH)).await.of(200);
        assert_eq!(moved.json(), json!({ "caseUpdated": 1 }));
        let branch = Caller::register(&hub, SI_BRANCH, "SI", &[PROCESS]).await;
        assert_eq!(hub.notifications(&branch).await.len(), 1);
        assert_eq!(hub.notifications(&hub.si).await.len(), 0);
        branch.get(&sent.case_path(0)).await.of(200);
        branch.get(&sent.case_file_path(0, 0)).await.of(200);
        hub.si.get(&sent.case_path(0)).await.is_refused(403, "Unauthorized user");
        let back = hub.admin.put(&path, &moving(SI_BRANCH, OTHER_SI)).await.of(200);
        assert_eq!(back.json(), json!({ "caseUpdated": 1 }));
        assert_eq!(hub.notifications(&hub.other_si).await.len(), 1);
    }

    /// R25, R23: the portal reads what it may purge, marks it, and reads it no more.
    async fn the_portal_purges_what_reached_its_status(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send("DGS-CERTD-0000000000703").await;
        let (ids, purged) = (format!("{FOLDERS}/attachmentsIdsForPurge"), format!("{FOLDERS}/idsPurged"));
        assert_eq!(hub.si.get(&ids).await.of(200).json(), json!([]));
        hub.si.patch(&sent.case_path(0), &json!({ "status": "DONE" })).await.of(204);
        let found = hub.si.get(&ids).await.of(200).json();
        assert_eq!(found, json!([{ "folder_attachment_id": sent.attachment(0), "case_id": sent.case(0) }]));
        assert_eq!(hub.other_si.get(&ids).await.of(200).json(), json!([]));
        hub.si.put(&purged, &json!([{ "case_id": "rien" }])).await.is_bad(&["case_id", "folder_attachment_id"]);
        hub.si.put(&purged, &found).await.of(204);
        assert_eq!(hub.si.get(&ids).await.of(200).json(), json!([]));
        hub.si.get(&sent.case_file_path(0, 0)).await.of(200);
    }
}
