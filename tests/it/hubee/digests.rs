//! The mail of a day (R33, R52): by the clock, once; what it tells; and in whose name the hub writes.

use jiff::SignedDuration;
use navette::domain::hubee::batches::{self, Batch, daily};
use serde_json::json;

use super::mails::{SOON, says, told};
use crate::{
    both_engines, inside,
    kit::{
        gateway::{Gateway, Kit},
        hubee::{
            FOLDERS,
            build::{self, File},
            hub::Hub,
            referential::{OTHER_SI, SI, SI_BRANCH, identifier},
            sent::Sent,
        },
        mail::{MailServer, Speech},
        wait,
    },
};

/// The worker looks every minute whether an hour has come.
const LOOK: std::time::Duration = std::time::Duration::from_secs(240);
/// Who writes where the hub has no name of its own.
const HOUSE: &str = "navette@gateway.example";
/// The hub's own.
const HUB: &str = "hub@gateway.example";

/// A kit whose digests leave half a day from now, so that the hour does not come while the test runs.
fn half_a_day_away(kit: Kit) -> Kit {
    let then = inside::now() + SignedDuration::from_hours(11);
    let text = then.to_string();
    let hour = text.get(11..13).expect("an instant is written in RFC 3339");
    kit.set("hubee.digest_at", format!("\"{hour}:00\""))
}

/// Writes that the last digests were of two days ago: they are due.
fn last_digests_two_days_ago(gateway: &Gateway) {
    let id = gateway.id(&inside::id().to_string());
    let no = if gateway.database().is_some() {
        "false"
    } else {
        "0"
    };
    let then = (inside::now() - SignedDuration::from_hours(48)).as_microsecond();
    gateway.sql(&format!(
        "INSERT INTO hub_report (id, environment, batch, dry_run, run_by, started_at, ended_at, body) \
         VALUES ({id}, 'essai', 'digest', {no}, 'navette', {then}, {then}, '{{}}'); SELECT 1"
    ));
}

const RUNS: &str = "SELECT count(*) FROM hub_report WHERE batch = 'digest'";

/// An OSL deposits a file on a case, and the case does not move.
async fn deposited(hub: &Hub, sent: &Sent) {
    let file = File::pdf("complément");
    let events = format!("{}/events", sent.case_path(0));
    let event = build::deposit(std::slice::from_ref(&file));
    let made = hub.osl.post(&events, &event).await.of(201).json();
    let path = format!("{events}/{}", made["id"].as_str().unwrap());
    let id = made["attachments"][0]["id"].as_str().unwrap();
    let upload = format!("{path}/attachments/{id}");
    hub.osl
        .upload(&upload, file.bytes.clone(), None)
        .await
        .of(204);
    let sent = json!({ "status": "SENT" });
    hub.osl.patch(&path, &sent).await.of(204);
}

/// What waits for the next digests.
fn waiting(gateway: &Gateway) -> u64 {
    gateway.count("SELECT count(*) FROM hub_mail")
}

both_engines! {
    /// R52: nobody orders it; the worker sees that the hour has come since the last digests, and sends what there is to tell.
    /// A gateway that starts again, and looks again, sends nothing more until the next day's hour.
    async fn a_digest_leaves_by_the_clock_and_once_whatever_starts_again(kit) {
        let server = MailServer::start(Speech::StartTls);
        let hub = told(half_a_day_away(kit), &server, "quotidien").await;
        hub.send("DGS-HEURE-1").await;
        last_digests_two_days_ago(&hub);
        let mail = server.wait_for(1, LOOK).remove(0);
        says(&mail, &["1 télédossier", "- DGS-HEURE-1-01"]);
        wait::until("end of the digests", SOON, || (hub.count(RUNS) == 2 && waiting(&hub) == 0).then_some(()));
        hub.send("DGS-HEURE-2").await;
        let Hub { mut gateway, .. } = hub;
        assert!(gateway.stop().success());
        gateway.restart();
        let house = inside::house(&gateway).await;
        for _ in 0..2 {
            daily::look(&house.ctx).await.unwrap();
        }
        gateway.await_idle();
        assert_eq!((gateway.count(RUNS), waiting(&gateway)), (2, 1), "the second waits for its day");
        assert_eq!(server.mails().len(), 1);
        gateway.doctor();
    }

    /// R33 keeps the event that becomes SENT by PATCH from the mails of unit frequency alone: who is told once a day (R52) is told
    /// of all that was notified.
    async fn a_digest_tells_of_a_deposit_that_has_no_mail_of_its_own(kit) {
        let server = MailServer::start(Speech::StartTls);
        let hub = told(kit, &server, "quotidien").await;
        let sent = hub.send("DGS-DEPOT-1").await;
        let house = inside::house(&hub).await;
        batches::run(&house.ctx, Batch::Digest, "essai").await.unwrap();
        server.wait_for(1, SOON);
        hub.await_idle();
        deposited(&hub, &sent).await;
        assert_eq!(hub.notifications(&hub.si).await.len(), 2);
        assert_eq!(waiting(&hub), 1);
        batches::run(&house.ctx, Batch::Digest, "essai").await.unwrap();
        let mail = server.wait_for(2, SOON).remove(1);
        says(&mail, &["1 télédossier", "(1 notification)", "- DGS-DEPOT-1-01"]);
        hub.await_idle();
        assert_eq!(waiting(&hub), 0);
    }

    /// R52: a digest leaves only to an active subscription that still wants one; what waited for another is forgotten.
    async fn a_subscriber_that_wants_none_by_then_has_no_digest(kit) {
        let server = MailServer::start(Speech::StartTls);
        let hub = told(kit, &server, "quotidien").await;
        let house = inside::house(&hub).await;
        for (name, change) in [
            ("DGS-FINI-1", "frequency = 'aucune'"),
            ("DGS-FINI-2", "frequency = 'quotidien', status = 'Suspendu'"),
        ] {
            hub.sql("UPDATE hub_subscription SET frequency = 'quotidien'; SELECT 1");
            hub.send(name).await;
            assert_eq!(waiting(&hub), 1, "{name}");
            hub.sql(&format!("UPDATE hub_subscription SET {change}; SELECT 1"));
            batches::run(&house.ctx, Batch::Digest, "essai").await.unwrap();
            hub.await_idle();
            assert_eq!((waiting(&hub), server.mails().len()), (0, 0), "{name}");
        }
    }

    /// R24, R52: what waits for a digest goes with its case, to who has a digest too, and nobody else tells it.
    async fn what_waits_for_a_digest_follows_its_case(kit) {
        let server = MailServer::start(Speech::StartTls);
        let hub = told(kit, &server, "quotidien").await;
        hub.send("DGS-SUIVI-1").await;
        let path = format!("{FOLDERS}/cases/migrate");
        let to = |source: &str, target: &str| json!({ "organizationSource": identifier(source), "organizationTarget": identifier(target) });
        hub.sql(&format!("UPDATE hub_subscription SET frequency = 'Quotidien' WHERE subscriber = '{SI_BRANCH}'; SELECT 1"));
        hub.admin.put(&path, &to(SI, SI_BRANCH)).await.of(200);
        let whose = format!(
            "SELECT count(*) FROM hub_mail m JOIN hub_subscription s ON s.id = m.subscription_id WHERE s.subscriber = '{SI_BRANCH}'"
        );
        assert_eq!((waiting(&hub), hub.count(&whose)), (1, 1));
        hub.admin.put(&path, &to(SI_BRANCH, OTHER_SI)).await.of(200);
        assert_eq!(waiting(&hub), 0, "the other wants no mails");
        // Beside what a move does: a case that is another's is not told, whatever waits.
        hub.send("DGS-SUIVI-2").await;
        let sent = hub.send("DGS-SUIVI-3").await;
        let case = hub.id(sent.case(0));
        hub.sql(&format!("UPDATE hub_case SET recipient = '{OTHER_SI}' WHERE id = {case}; SELECT 1"));
        let house = inside::house(&hub).await;
        batches::run(&house.ctx, Batch::Digest, "essai").await.unwrap();
        let mail = server.wait_for(1, SOON).remove(0);
        says(&mail, &["1 télédossier", "(1 notification)", "- DGS-SUIVI-2-01"]);
        assert!(!mail["text"].as_str().unwrap().contains("DGS-SUIVI-3"), "{mail}");
        hub.await_idle();
        assert_eq!(waiting(&hub), 0);
    }

    /// `hubee.mail_from` writes the mails to subscribers, at once and once a day.
    async fn mails_to_subscribers_carry_the_hubs_own_sender(kit) {
        let server = MailServer::start(Speech::StartTls);
        let kit = kit.set("hubee.mail_from", format!("{HUB:?}"));
        let hub = told(kit, &server, "unitaire").await;
        hub.send("DGS-NOM-1").await;
        let mail = server.wait_for(1, SOON).remove(0);
        assert_eq!((&mail["from"], &mail["author"]), (&json!(HUB), &json!(HUB)), "{mail}");
        super::mails::wants(&hub, "quotidien").await;
        hub.send("DGS-NOM-2").await;
        let house = inside::house(&hub).await;
        batches::run(&house.ctx, Batch::Digest, "essai").await.unwrap();
        let mail = server.wait_for(2, SOON).remove(1);
        assert_eq!((&mail["from"], &mail["author"]), (&json!(HUB), &json!(HUB)), "{mail}");
        hub.await_idle();
    }

    /// Without it, the house's.
    async fn mails_to_subscribers_carry_the_houses_sender_where_the_hub_has_none(kit) {
        let server = MailServer::start(Speech::StartTls);
        let hub = told(kit, &server, "unitaire").await;
        hub.send("DGS-NOM-3").await;
        let mail = server.wait_for(1, SOON).remove(0);
        assert_eq!((&mail["from"], &mail["author"]), (&json!(HOUSE), &json!(HOUSE)), "{mail}");
        hub.await_idle();
    }
}
