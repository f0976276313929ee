//! `GET /v1/incidents`.

use serde_json::json;

use super::{impatient, sent, undelivered};
use crate::{
    both_engines,
    kit::{
        client::Client,
        gateway::{APPLICATION, CALLBACK, Gateway, PROJECT},
        partner::Answer,
        pki::pki,
        wait,
    },
};

async fn administrator(gateway: &Gateway) -> Client {
    let credentials = gateway.register("exploitation", &["admin"]);
    Client::with_token(gateway, &pki().client, &credentials).await
}

both_engines! {
    /// An administrator sees what failed, in French, and for which piece.
    async fn an_administrator_reads_the_incidents_of_its_projects(kit) {
        let (gateway, _, id) = undelivered(kit).await;
        let answer = administrator(&gateway).await.get("/v1/incidents?state=open").await;
        let incident = &answer.json()["items"][0];
        assert_eq!(incident["code"], "undelivered", "{answer:?}");
        assert_eq!(incident["reconciliationId"], id);
        assert!(incident["whatFailed"].as_str().unwrap().contains("retour"), "{incident}");
        assert_eq!(answer.json()["nextCursor"], json!(null));
    }

    /// Pages follow each other without a gap and without a repetition.
    async fn pages_of_incidents_follow_each_other(kit) {
        kit.partner.script(CALLBACK, [Answer::failure()]);
        let gateway = impatient(kit).start();
        let client = gateway.client().await;
        let mut pieces = Vec::new();
        for n in 0..5 {
            pieces.push(sent(&client, &format!("D-{n}")).await);
        }
        wait::until("five incidents", super::SOON, || {
            (gateway.count("SELECT count(*) FROM incident") == 5).then_some(())
        });
        let administrator = administrator(&gateway).await;
        let mut path = "/v1/incidents?limit=2".to_owned();
        let mut seen = Vec::new();
        loop {
            let page = administrator.get(&path).await.json();
            let items = page["items"].as_array().unwrap().iter();
            seen.extend(items.map(|item| item["reconciliationId"].as_str().unwrap().to_owned()));
            let Some(cursor) = page["nextCursor"].as_str() else { break };
            path = format!("/v1/incidents?limit=2&cursor={cursor}");
        }
        seen.sort();
        pieces.sort();
        assert_eq!(seen, pieces);
    }

    /// Another project's incidents are not there, and asking for them by name is refused.
    async fn incidents_of_another_project_are_out_of_reach(kit) {
        let (gateway, _, _) = undelivered(kit.and_project("autre", "/autre")).await;
        let credentials = gateway.register_within("ailleurs", &["admin"], "autre", APPLICATION, &[]);
        let stranger = Client::with_token(&gateway, &pki().client, &credentials).await;
        assert_eq!(stranger.get("/v1/incidents").await.json()["items"], json!([]));
        let named = stranger.get(&format!("/v1/incidents?project={PROJECT}")).await;
        named.is_problem(403, "perimeter-forbidden");
    }

    /// What the contract does not know is refused, all of it told.
    async fn a_query_of_incidents_tells_every_fault(kit) {
        let gateway = kit.start();
        let answer = administrator(&gateway).await.get("/v1/incidents?state=gone&limit=201&colour=blue").await;
        answer.is_problem(400, "request-malformed");
        assert_eq!(answer.faults().len(), 3);
    }

    /// A name that a pointer cannot hold as it is, given twice: the answer keeps to the contract.
    async fn a_repeated_parameter_of_a_strange_name_is_told_in_a_pointer(kit) {
        let gateway = kit.start();
        let answer = administrator(&gateway).await.get("/v1/incidents?a~b=1&a~b=2").await;
        answer.is_problem(400, "request-malformed");
        let pointers: Vec<_> = answer.faults().into_iter().map(|(pointer, _)| pointer).collect();
        assert_eq!(pointers, ["/query/a~0b", "/query/a~0b"]);
    }
}
