//! The queue of an organisation: how much, of what, in which order (R40, R41).

use serde_json::Value;

use crate::{
    both_engines,
    kit::hubee::{
        FOLDERS,
        hub::Hub,
        referential::{OSL, OTHER_SI, PROCESS, SI, SILENT},
        sent::Sent,
    },
};

/// Adds so many notifications of a process for an organisation, all of one case.
fn fill(hub: &Hub, sent: &Sent, count: usize, recipient: &str, process: &str) {
    let (folder, case) = (hub.id(sent.id()), hub.id(sent.case(0)));
    let columns = "id, partner, environment, recipient, transmitter, process_code, folder_id, case_id, created_at";
    let (id, numbers) = match hub.database() {
        Some(_) => (
            "gen_random_uuid()",
            format!("generate_series(1, {count}) AS n(i)"),
        ),
        None => (
            "randomblob(16)",
            format!(
                "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) SELECT i FROM n) AS n"
            ),
        ),
    };
    hub.sql(&format!(
        "INSERT INTO hub_notification ({columns}) SELECT {id}, '{OSL}', 'test', '{recipient}', '{OSL}', '{process}', {folder}, {case}, \
         1700000000000000 + n.i FROM {numbers}"
    ));
}

async fn list(hub: &Hub, query: &str) -> Vec<Value> {
    let answer = hub
        .si
        .get(&format!("{FOLDERS}/notifications{query}"))
        .await
        .of(200)
        .json();
    answer.as_array().expect("a list").clone()
}

fn processes(list: &[Value]) -> Vec<&str> {
    list.iter()
        .map(|one| one["processCode"].as_str().unwrap())
        .collect()
}

both_engines! {
    /// R40: 25 where nobody says, as many as are asked for without bound, each once, through as many pages as it takes.
    async fn a_queue_is_given_as_long_as_it_is_asked_for(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.create("DGS-CERTD-0000000003001").await;
        fill(&hub, &sent, 1300, SI, PROCESS);
        fill(&hub, &sent, 700, OTHER_SI, PROCESS);
        assert_eq!(list(&hub, "").await.len(), 25);
        assert_eq!(list(&hub, "?maxResult=3").await.len(), 3);
        assert_eq!(list(&hub, "?maxResult=0").await.len(), 0);
        assert_eq!(list(&hub, "?maxResult=500").await.len(), 500);
        assert_eq!(list(&hub, "?maxResult=501").await.len(), 501);
        for query in ["?maxResult=100000", "?maxResult=99999999999999999999", "?maxResult=1300&processCode=CERTDC"] {
            let all = list(&hub, query).await;
            let mut ids: Vec<&str> = all.iter().map(|one| one["id"].as_str().unwrap()).collect();
            assert!(ids.is_sorted(), "by id, page after page");
            ids.dedup();
            assert_eq!(ids.len(), 1300, "{query}");
        }
        assert_eq!(list(&hub, "?maxResult=100000").await.len(), 1300, "what is shown stays");
    }

    /// R40: processes are chosen, more than one of them too, and those of priority come first; within, oldest first.
    async fn processes_are_chosen_and_those_of_priority_come_first(kit) {
        let hub = Hub::open(kit).await;
        hub.send_of(PROCESS, "DGS-1").await;
        hub.send_of(SILENT, "DGS-2").await;
        hub.send_of(PROCESS, "DGS-3").await;
        assert_eq!(processes(&list(&hub, "").await), [PROCESS, SILENT, PROCESS]);
        assert_eq!(processes(&list(&hub, "?processCode=MUET").await), [SILENT]);
        let both = list(&hub, "?processCode=MUET&processCode=CERTDC").await;
        assert_eq!(processes(&both), [PROCESS, SILENT, PROCESS]);
        assert_eq!(processes(&list(&hub, "?processPriority=MUET").await), [SILENT, PROCESS, PROCESS]);
        assert_eq!(processes(&list(&hub, "?processPriority=MUET&maxResult=2").await), [SILENT, PROCESS]);
        assert_eq!(processes(&list(&hub, "?processCode=AUTRE").await), [""; 0]);
        // More processes than one statement walks.
        let many: String = (0..100).map(|number| format!("&processCode=P{number}")).collect();
        assert_eq!(processes(&list(&hub, &format!("?processCode=MUET{many}")).await), [SILENT]);
        let told = list(&hub, "").await;
        let dates: Vec<jiff::Timestamp> = told.iter().map(|one| one["dateTime"].as_str().unwrap().parse().unwrap()).collect();
        assert!(dates.is_sorted(), "{dates:?}");
    }

    /// R40: the administration's list holds what is for itself, and no other's.
    async fn nobody_sees_the_queue_of_another(kit) {
        let hub = Hub::open(kit).await;
        hub.send("DGS-CERTD-0000000003002").await;
        for caller in [&hub.osl, &hub.admin, &hub.other_si, &hub.other_osl] {
            assert_eq!(hub.notifications(caller).await.len(), 0);
        }
        assert_eq!(hub.notifications(&hub.si).await.len(), 1);
    }
}
