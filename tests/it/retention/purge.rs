//! What goes, what stays and why, through the command and the API.

use serde_json::{Value, json};

use super::{AGED_DAYS, acknowledged, age, await_status, dry_run, kept, multiply, purge, status};
use crate::{
    both_engines,
    kit::{
        client::{finish, metadata},
        document,
        gateway::{CALLBACK, PROJECT, REASON},
        partner::Answer,
    },
};

both_engines! {
    /// Content, metadata, return and results are gone; ids, digests, sizes, dates, receipt and trace remain.
    async fn what_has_outlived_its_term_is_destroyed_and_its_traces_stay(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let ids = acknowledged(&gateway, &client, 2).await;
        let path = format!("/v1/pieces/{}", ids[0]);
        let before = client.get(&path).await.json();
        let receipt = client.get(&format!("{path}/receipt")).await.json();
        age(&gateway, AGED_DAYS, &[&ids[0]]);
        let report = purge(&gateway);
        assert_eq!((&report["exchanges"], &report["documents"], &report["blobsLeft"]), (&json!(1), &json!(1), &json!(0)), "{report}");
        assert_eq!(report["scrubbed"], true, "{report}");
        let after = client.get(&path).await.json();
        assert_eq!(after["status"], "purged");
        for field in ["reconciliationId", "receivedAt", "size", "sha256", "requestBytes"] {
            assert_eq!(after[field], before[field], "{field}");
        }
        for field in ["returnId", "outcome", "state", "createdAt"] {
            assert_eq!(after["return"][field], before["return"][field], "{field}");
        }
        assert!(after.get("metadata").is_none(), "{after}");
        assert_eq!(after["controls"], json!([]));
        for part in ["content", "return"] {
            client.get(&format!("{path}/{part}")).await.is_problem(410, "purged");
        }
        assert_eq!(client.get(&format!("{path}/receipt")).await.json(), receipt);
        let events = client.get(&format!("{path}/events")).await.json();
        let last = events["items"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(last["kind"], "exchange.purged");
        assert_eq!((&last["detail"]["runId"], &last["detail"]["term"]), (&report["runId"], &json!("P3M")));
        assert_eq!(status(&client, &ids[1]).await, "acknowledged");
        assert_eq!(gateway.blobs().len(), 1);
        gateway.doctor();
    }

    /// Its idempotency key and what its deliveries kept of answers go too; the dates and codes of its deliveries stay.
    async fn the_key_of_a_sending_and_the_answers_to_its_return_go_with_the_piece(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let first = client.push_under("a-key", &metadata("D-0"), document::small("D-0")).await;
        let id = first.reconciliation_id();
        await_status(&gateway, "acknowledged", 1);
        gateway.await_idle();
        let path = format!("/v1/pieces/{id}/return");
        let told = client.get(&format!("{path}/deliveries")).await.json();
        assert!(told["items"][0]["answer"].is_string(), "{told}");
        age(&gateway, AGED_DAYS, &[]);
        purge(&gateway);
        assert_eq!(gateway.count("SELECT count(*) FROM idempotency_key"), 0);
        assert_eq!(gateway.count("SELECT count(*) FROM delivery_attempt WHERE answer IS NOT NULL"), 0);
        let left = client.get(&format!("{path}/deliveries")).await.json();
        assert_eq!((&left["items"][0]["httpStatus"], &left["items"][0]["answer"]), (&json!(200), &Value::Null));
        let again = client.request(reqwest::Method::POST, &format!("{path}/redeliveries"));
        finish(again).await.is_problem(410, "purged");
        let ever = ["return", "redeliver", "--since", "2020-01-01", "--project", PROJECT, "--reason", REASON];
        assert!(gateway.run(&ever).succeeded().starts_with("0 return(s)"));
        let fresh = client.push_under("a-key", &metadata("D-0"), document::small("D-0")).await;
        assert_eq!((fresh.status, fresh.header("idempotent-replayed")), (202, ""));
        gateway.await_idle();
        gateway.doctor();
    }

    /// An earlier release kept headers and the partner's own id in the clear: they are shown, and gone with the piece.
    async fn what_was_kept_of_an_acknowledgment_in_the_clear_goes_with_the_piece(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let ids = acknowledged(&gateway, &client, 1).await;
        gateway.sql(r#"UPDATE acknowledgment SET told = NULL, headers = '[["server","ancien"]]', partner_reference = 'AR-ANCIEN'; SELECT 1"#);
        let shown = gateway.run(&["status", &ids[0], "--local"]).succeeded();
        assert!(shown.contains("AR-ANCIEN") && shown.contains("ancien"), "{shown}");
        age(&gateway, AGED_DAYS, &[]);
        purge(&gateway);
        assert_eq!(gateway.count("SELECT count(*) FROM acknowledgment WHERE partner_reference IS NULL AND told IS NULL"), 1);
        assert_eq!(gateway.sql("SELECT headers FROM acknowledgment"), "[]");
        let shown = gateway.run(&["status", &ids[0], "--local"]).succeeded();
        assert!(!shown.contains("ANCIEN"), "{shown}");
    }

    /// The list shows purged pieces by their status, without metadata, beside the others.
    async fn purged_pieces_stay_in_the_list(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let ids = acknowledged(&gateway, &client, 2).await;
        age(&gateway, AGED_DAYS, &[&ids[0]]);
        purge(&gateway);
        let all = client.get("/v1/pieces").await.json();
        assert_eq!(all["items"].as_array().unwrap().len(), 2);
        let purged = client.get("/v1/pieces?status=purged").await.json();
        assert_eq!(purged["items"][0]["reconciliationId"], ids[0].as_str());
        assert!(purged["items"][0].get("metadata").is_none());
        let by_dossier = client.get("/v1/pieces?dossierId=D-0").await.json();
        assert_eq!(by_dossier["items"].as_array().unwrap().len(), 1, "its keyed hash is kept");
        gateway.run(&["status", &ids[0], "--local"]).succeeded();
    }

    /// The same piece sent again after its purge is a new one, with a receipt and a return of its own.
    async fn a_piece_that_was_purged_may_come_again(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let ids = acknowledged(&gateway, &client, 1).await;
        let again = client.push(&metadata("D-0"), document::small("D-0")).await;
        assert_eq!((again.status, again.reconciliation_id()), (200, ids[0].clone()));
        age(&gateway, AGED_DAYS, &[]);
        purge(&gateway);
        let anew = client.push(&metadata("D-0"), document::small("D-0")).await;
        assert_eq!(anew.status, 202, "{anew:?}");
        assert_ne!(anew.reconciliation_id(), ids[0]);
        await_status(&gateway, "acknowledged", 1);
        gateway.await_idle();
        gateway.doctor();
    }

    /// A term counts from ASP's acknowledgment: what nobody acknowledged stays, and is told.
    async fn what_nobody_acknowledged_is_kept_and_told(kit) {
        let kit = kit.set_project("callback.attempts", 1).set_project("callback.over_seconds", 1);
        kit.partner.script(CALLBACK, [Answer::failure()]);
        let gateway = kit.set_project("retention", "\"1 day\"").start();
        let client = gateway.client().await;
        let id = client.push(&metadata("D-0"), document::small("D-0")).await.reconciliation_id();
        await_status(&gateway, "undelivered", 1);
        assert_eq!(dry_run(&gateway)["keptBackCount"], 0, "its term is not over yet");
        let old = "018bcfe5-6800-7000-8000-000000000001";
        rename_exchange(&gateway, &id, old);
        let report = purge(&gateway);
        assert_eq!((&report["exchanges"], kept(&report, old)), (&json!(0), Some(&json!(["undelivered"]))), "{report}");
        assert_eq!(gateway.blobs().len(), 1);
    }

    /// An open incident keeps its exchange; once it is resolved, the next purge takes it.
    async fn what_an_open_incident_is_about_is_kept_until_it_is_resolved(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let ids = acknowledged(&gateway, &client, 1).await;
        age(&gateway, AGED_DAYS, &[]);
        let id = gateway.id(&ids[0]);
        gateway.sql(&format!(
            "INSERT INTO incident (id, code, project, partner, environment, exchange_id, state, count, first_at, opened_at, \
             last_at, mail_after, detail) SELECT id, 'corrupt-blob', project, partner, environment, id, 'open', 1, 0, 0, 0, 0, \
             '{{}}' FROM exchange WHERE id = {id}; SELECT 1"
        ));
        let report = purge(&gateway);
        assert_eq!((&report["exchanges"], kept(&report, &ids[0])), (&json!(0), Some(&json!(["incident"]))), "{report}");
        gateway.sql("UPDATE incident SET state = 'resolved'; SELECT 1");
        assert_eq!(purge(&gateway)["exchanges"], 1);
    }

    /// Each project has its own term, in calendar units.
    async fn each_project_keeps_by_its_own_term(kit) {
        let kit = kit.and_project("longue", "/longs-retours").set_in("longue", "retention", "\"1 year\"");
        let gateway = kit.set_project("retention", "\"2 weeks\"").start();
        let client = gateway.client().await;
        let short = client.push(&metadata("D-1"), document::small("D-1")).await.reconciliation_id();
        let mut other = metadata("D-2");
        other["project"] = "longue".into();
        let long = client.push(&other, document::small("D-2")).await.reconciliation_id();
        await_status(&gateway, "acknowledged", 2);
        gateway.await_idle();
        age(&gateway, 14, &[]);
        assert_eq!(dry_run(&gateway)["exchanges"], 0, "the last day counts whole");
        age(&gateway, 2, &[]);
        assert_eq!(purge(&gateway)["exchanges"], 1);
        assert_eq!((status(&client, &short).await, status(&client, &long).await), ("purged".to_owned(), "acknowledged".to_owned()));
        age(&gateway, 360, &[&long]);
        assert_eq!(purge(&gateway)["exchanges"], 1);
    }

    /// A dry run tells the same numbers and changes nothing.
    async fn a_dry_run_tells_what_would_go_and_changes_nothing(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let ids = acknowledged(&gateway, &client, 3).await;
        age(&gateway, AGED_DAYS, &[&ids[0], &ids[2]]);
        let before = gateway.kept();
        let told = dry_run(&gateway);
        assert_eq!((&told["exchanges"], &told["runId"]), (&json!(2), &Value::Null), "{told}");
        assert_eq!(gateway.kept(), before);
        let text = gateway.run(&["purge", "--dry-run"]).succeeded();
        assert!(text.contains("2 exchanges would be destroyed"), "{text}");
        let done = purge(&gateway);
        for field in ["exchanges", "documents", "bytes", "projects"] {
            assert_eq!(done[field], told[field], "{field}");
        }
        assert_eq!(dry_run(&gateway)["exchanges"], 0);
    }

    /// The journal keeps who ran the purge and why; the ledger names each exchange, and nothing personal.
    async fn a_purge_leaves_who_and_why_and_a_report(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let ids = acknowledged(&gateway, &client, 2).await;
        age(&gateway, AGED_DAYS, &[]);
        gateway.run(&["purge"]).failed_with(2);
        let report = purge(&gateway);
        let entry = gateway.sql("SELECT detail FROM journal WHERE kind = 'purge.run'");
        let entry: Value = serde_json::from_str(&entry).unwrap();
        assert_eq!((&entry["reason"], &entry["exchanges"]), (&json!(REASON), &json!(2)));
        assert!(entry["operator"].is_string(), "{entry}");
        assert_eq!(gateway.count("SELECT count(*) FROM journal WHERE kind = 'exchange.purged'"), 2);
        let ledger = std::fs::read_to_string(report["ledger"].as_str().unwrap()).unwrap();
        let lines: Vec<Value> = ledger.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        for id in &ids {
            assert!(lines.contains(&json!({ "reconciliationId": id })), "{ledger}");
        }
        assert_eq!(lines.last().unwrap()["report"]["exchanges"], 2);
    }

    /// What is due and still has work to do, such as a return that goes out again, is kept until that is done.
    async fn what_work_waits_for_is_kept(kit) {
        let mut gateway = kit.start();
        let client = gateway.client().await;
        let ids = acknowledged(&gateway, &client, 1).await;
        assert!(gateway.stop().success());
        age(&gateway, AGED_DAYS, &[]);
        let id = gateway.id(&ids[0]);
        gateway.sql(&format!(
            "INSERT INTO job (id, kind, lane, subject, partner, environment, state, attempts, run_at, created_at) \
             SELECT id, 'deliver', 'deliver:x', id, partner, environment, 'queued', 0, 0, 0 FROM exchange_return \
             WHERE exchange_id = {id}; SELECT 1"
        ));
        let report = purge(&gateway);
        assert_eq!((&report["exchanges"], kept(&report, &ids[0])), (&json!(0), Some(&json!(["work"]))), "{report}");
    }

    /// More than one batch, with candidates that are kept in between: each goes once.
    async fn a_purge_of_many_batches_takes_each_once(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let ids = acknowledged(&gateway, &client, 4).await;
        multiply(&gateway, &ids[0], 600);
        age(&gateway, AGED_DAYS, &[]);
        gateway.run(&["hold", "add", "D-1", "--project", crate::kit::gateway::PROJECT, "--reason", REASON]).succeeded();
        let report = purge(&gateway);
        assert_eq!((&report["exchanges"], &report["keptBackCount"]), (&json!(603), &json!(1)), "{report}");
        await_status(&gateway, "purged", 603);
        assert_eq!(gateway.count("SELECT count(*) FROM journal WHERE kind = 'exchange.purged'"), 603);
        assert_eq!(gateway.count("SELECT count(*) FROM blob_removal"), 0);
        assert_eq!(gateway.blobs().len(), 1);
    }
}

/// Gives an exchange an id of another date, with all that names it.
fn rename_exchange(gateway: &crate::kit::gateway::Gateway, id: &str, other: &str) {
    let (id, other) = (gateway.id(id), gateway.id(other));
    let tables = [
        "document",
        "receipt",
        "natural_key",
        "result",
        "return_once",
        "exchange_return",
    ];
    let mut all = format!("UPDATE exchange SET id = {other} WHERE id = {id};");
    for table in tables {
        all += &format!("UPDATE {table} SET exchange_id = {other} WHERE exchange_id = {id};");
    }
    gateway.sql(&(all + "SELECT 1"));
}
