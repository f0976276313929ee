//! Mails to subscribers (R15, R33, R52), by a real SMTP server: one each time, one a day, or none; nothing personal in them.

use std::time::Duration;

use navette::domain::hubee::batches::{self, Batch};
use serde_json::{Value, json};

use crate::{
    both_engines, inside,
    kit::{
        gateway::Kit,
        hubee::{
            FOLDERS, REFERENTIAL,
            build::{self, File},
            hub::Hub,
            referential::{OTHER_SI, PROCESS, SI},
            sent::Sent,
        },
        mail::{MailServer, Speech},
        wait,
    },
};

pub const SOON: Duration = Duration::from_secs(60);
pub const ADDRESS: &str = "demarches@mairie.example";
const CONTACT: &str = "exploitation@hub.example";

/// A hub whose subscriber is told that often.
pub async fn told(kit: Kit, server: &MailServer, frequency: &str) -> Hub {
    let hub = Hub::open(server.serving(kit, &[CONTACT])).await;
    wants(&hub, frequency).await;
    hub
}

/// The administration changes how often the subscriber is told, as clients do: the object that was read, with changes.
pub async fn wants(hub: &Hub, frequency: &str) {
    subscribes(hub, SI, frequency, ADDRESS).await;
}

async fn subscribes(hub: &Hub, subscriber: &str, frequency: &str, address: &str) {
    let change = |subscription: &mut Value| {
        subscription["notificationFrequency"] = frequency.into();
        subscription["email"] = address.into();
    };
    changes(hub, subscriber, change).await;
}

async fn changes(hub: &Hub, subscriber: &str, change: impl FnOnce(&mut Value)) {
    let siret = subscriber.split('-').nth(1).expect("TYPE-SIRET-BRANCH");
    let list = format!(
        "{REFERENTIAL}/subscriptions?processCode={PROCESS}&companyRegister={siret}&maxResult=100"
    );
    let all = hub.admin.get(&list).await.of(200).json();
    let all = all.as_array().expect("a list").iter();
    let branch = subscriber.rsplit('-').next().expect("TYPE-SIRET-BRANCH");
    let mut found = all.filter(|one| one["subscriber"]["branchCode"] == branch);
    let found = found.next().expect("the world's");
    let id = found["id"].as_str().expect("an id");
    let path = format!("{REFERENTIAL}/subscriptions/{id}");
    let mut subscription = hub.admin.get(&path).await.of(200).json();
    change(&mut subscription);
    hub.admin.put(&path, &subscription).await.of(200);
}

/// What of a télédossier is personal, or may be.
const PERSONAL: [&str; 4] = ["Dominique", "Essai", "d.essai", ".pdf"];

/// Fails unless a mail to the subscriber says all that, and nothing personal.
#[track_caller]
pub fn says(mail: &Value, parts: &[&str]) {
    assert_eq!(mail["to"], json!([ADDRESS]), "{mail}");
    let text = format!(
        "{}\n{}",
        mail["subject"].as_str().unwrap(),
        mail["text"].as_str().unwrap()
    );
    for part in parts {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
    for word in PERSONAL {
        assert!(!text.contains(word), "{word} is in:\n{text}");
    }
}

both_engines! {
    /// R15, R52 `unitaire`: a mail for each case, in French, with process and external id and nothing personal.
    async fn a_subscriber_of_unit_frequency_has_a_mail_for_each_case(kit) {
        let server = MailServer::start(Speech::StartTls);
        let hub = told(kit, &server, "Unitaire").await;
        hub.send("DGS-MAIL-1").await;
        let mail = server.wait_for(1, SOON).remove(0);
        says(&mail, &["Nouveau télédossier", PROCESS, "DGS-MAIL-1-01", SI]);
        hub.send("DGS-MAIL-2").await;
        let mail = server.wait_for(2, SOON).remove(1);
        says(&mail, &["DGS-MAIL-2-01"]);
        hub.await_idle();
        let entry = hub.sql("SELECT detail FROM journal WHERE kind = 'folder.mailed'");
        assert!(!entry.contains(ADDRESS), "the journal says who was told, never at what address: {entry}");
        hub.doctor();
    }

    /// R33: an event of the OSL is told to the SI; one of the SI is told to nobody by mail.
    async fn an_event_of_the_osl_is_mailed_to_the_si_and_not_the_other_way(kit) {
        let server = MailServer::start(Speech::StartTls);
        let hub = told(kit, &server, "unitaire").await;
        let sent = hub.send("DGS-MAIL-3").await;
        server.wait_for(1, SOON);
        let events = format!("{}/events", sent.case_path(0));
        hub.si.post(&events, &build::update("IN_PROGRESS")).await.of(201);
        let mut message = build::event("SENDING_MESSAGE");
        message["message"] = "Dominique Essai a téléphoné".into();
        message["notification"] = true.into();
        hub.osl.post(&events, &message).await.of(201);
        let mail = server.wait_for(2, SOON).remove(1);
        says(&mail, &["mis à jour", PROCESS, "DGS-MAIL-3-01"]);
        hub.await_idle();
        assert_eq!(server.mails().len(), 2);
    }

    /// R33: an event that becomes SENT by PATCH is mailed only where it moves the case to HUBEE_NOTIFIED.
    async fn a_deposit_of_the_osl_is_mailed_only_where_it_opens_the_case_again(kit) {
        let server = MailServer::start(Speech::StartTls);
        let hub = told(kit, &server, "unitaire").await;
        let sent = hub.send("DGS-MAIL-4").await;
        server.wait_for(1, SOON);
        for (number, status) in [(1, None), (2, Some("HUBEE_NOTIFIED"))] {
            let file = File::pdf(&format!("complement-{number}"));
            let mut event = build::deposit(std::slice::from_ref(&file));
            event["caseNewStatus"] = status.into();
            let events = format!("{}/events", sent.case_path(0));
            let made = hub.osl.post(&events, &event).await.of(201).json();
            let path = format!("{events}/{}", made["id"].as_str().unwrap());
            let upload = format!("{path}/attachments/{}", made["attachments"][0]["id"].as_str().unwrap());
            hub.osl.upload(&upload, file.bytes.clone(), None).await.of(204);
            hub.osl.patch(&path, &json!({ "status": "SENT" })).await.of(204);
            hub.await_idle();
            assert_eq!(server.mails().len(), number, "{status:?}");
        }
    }

    /// R52 `quotidien`: nothing at once, one digest of the day; what it told is not told again.
    async fn a_subscriber_of_daily_frequency_has_one_digest_a_day(kit) {
        let server = MailServer::start(Speech::StartTls);
        let hub = told(kit, &server, "quotidien").await;
        for number in 1..=3 {
            hub.send(&format!("DGS-JOUR-{number}")).await;
        }
        hub.await_idle();
        assert_eq!(server.mails(), [json!(null); 0]);
        assert_eq!(hub.count("SELECT count(*) FROM hub_mail"), 3);
        let house = inside::house(&hub).await;
        batches::run(&house.ctx, Batch::Digest, "essai").await.unwrap();
        let mail = server.wait_for(1, SOON).remove(0);
        says(&mail, &["3 télédossiers", PROCESS, "- DGS-JOUR-1-01", "- DGS-JOUR-2-01", "- DGS-JOUR-3-01"]);
        hub.await_idle();
        assert_eq!(hub.count("SELECT count(*) FROM hub_mail"), 0);
        batches::run(&house.ctx, Batch::Digest, "essai").await.unwrap();
        hub.await_idle();
        assert_eq!(server.mails().len(), 1);
        hub.doctor();
    }

    /// R52 `aucune`: no mail; the notification is there all the same.
    async fn a_subscriber_of_no_frequency_has_no_mail(kit) {
        let server = MailServer::start(Speech::StartTls);
        let hub = told(kit, &server, "aucune").await;
        hub.send("DGS-MUET-1").await;
        hub.await_idle();
        assert_eq!(server.mails(), [json!(null); 0]);
        assert_eq!(hub.notifications(&hub.si).await.len(), 1);
    }

    /// HUB-5: a subscription without an address is mailed to nobody, whoever its persons are; that is no incident, and the
    /// notification is there.
    async fn a_subscriber_without_an_address_has_no_mail(kit) {
        let server = MailServer::start(Speech::StartTls);
        let hub = told(kit, &server, "unitaire").await;
        let change = |subscription: &mut Value| {
            subscription["email"] = Value::Null;
            subscription["delegationActor"] = json!({ "email": "sacha@mairie.fr", "firstName": "Sacha" });
            assert!(subscription["localAdministrator"]["email"].is_string(), "{subscription}");
        };
        changes(&hub, SI, change).await;
        hub.send("DGS-SANS-ADRESSE-1").await;
        hub.await_idle();
        assert_eq!(server.mails(), [json!(null); 0]);
        assert_eq!(hub.count("SELECT count(*) FROM incident"), 0);
        assert_eq!(hub.notifications(&hub.si).await.len(), 1);
    }

    /// A mail server that is away delays mails, and nothing else: the télédossier is notified at once.
    async fn a_mail_outlasts_the_absence_of_its_server(kit) {
        let mut server = MailServer::absent(Speech::StartTls);
        let hub = told(kit, &server, "unitaire").await;
        hub.send("DGS-ABSENT-1").await;
        assert_eq!(hub.notifications(&hub.si).await.len(), 1);
        let failed = "SELECT count(*) FROM incident WHERE code = 'mail-failed' AND state = 'open'";
        wait::until("incident of the mail server", SOON, || (hub.count(failed) > 0).then_some(()));
        server.appear();
        wait::until("mail to the subscriber", SOON, || {
            let mut mails = server.mails().into_iter();
            mails.find(|mail| mail["to"] == json!([ADDRESS]))
        });
    }

    /// R52: what waits is told as the subscriber wants it when it leaves: not once it wants none, with the others of its day once it
    /// wants one a day.
    async fn a_mail_that_waits_goes_as_the_subscriber_wants_it_by_then(kit) {
        let mut server = MailServer::absent(Speech::StartTls);
        let hub = told(kit, &server, "unitaire").await;
        hub.send("DGS-ATTENTE-1").await;
        let failed = "SELECT count(*) FROM incident WHERE code = 'mail-failed' AND state = 'open'";
        wait::until("incident of the mail server", SOON, || (hub.count(failed) > 0).then_some(()));
        let waiting = "SELECT count(*) FROM job WHERE kind = 'hub-mail'";
        assert_eq!(hub.count(waiting), 1);
        wants(&hub, "quotidien").await;
        wait::until("its digest", SOON, || (hub.count("SELECT count(*) FROM hub_mail") == 1).then_some(()));
        wants(&hub, "unitaire").await;
        hub.send("DGS-ATTENTE-2").await;
        wants(&hub, "aucune").await;
        server.appear();
        wait::until("end of the mails", SOON, || (hub.count(waiting) == 0).then_some(()));
        let house = inside::house(&hub).await;
        batches::run(&house.ctx, Batch::Digest, "essai").await.unwrap();
        hub.await_idle();
        let told = server.mails().into_iter().any(|mail| mail["to"] == json!([ADDRESS]));
        assert!(!told, "{:?}", server.mails());
        assert_eq!(hub.count("SELECT count(*) FROM hub_mail"), 0);
    }

    /// A folder that is gone before its digest is told to nobody.
    async fn a_folder_that_is_deleted_before_its_digest_is_not_told(kit) {
        let server = MailServer::start(Speech::StartTls);
        let hub = told(kit, &server, "quotidien").await;
        let sent = hub.send("DGS-PARTI-1").await;
        for (table, column) in [("hub_folder", "closed_at"), ("hub_folder", "archived_at")] {
            if column == "closed_at" {
                hub.osl.patch(&sent.path(), &json!({ "globalStatus": "CLOSED" })).await.of(204);
            }
            hub.sql(&format!("UPDATE {table} SET {column} = 0 WHERE {column} IS NOT NULL; SELECT 1"));
            hub.run(&["hubee", "archive"]).succeeded();
        }
        hub.run(&["hubee", "delete"]).succeeded();
        assert_eq!(hub.count("SELECT count(*) FROM hub_mail"), 0);
        let house = inside::house(&hub).await;
        batches::run(&house.ctx, Batch::Digest, "essai").await.unwrap();
        hub.await_idle();
        assert_eq!(server.mails(), [json!(null); 0]);
    }
}

/// A télédossier to these recipients.
async fn sent_to(hub: &Hub, external_id: &str, recipients: &[&str]) {
    let files = [File::pdf("deux")];
    let folder = build::folder_to(external_id, recipients, &files);
    let sent = Sent::create(&hub.osl, &folder, &files).await;
    sent.upload(&hub.osl).await;
    sent.complete(&hub.osl).await;
}

/// A subscriber whom the mail server does not know is an incident until he is mailed himself: another one's mail does not end it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscriber_who_is_refused_stays_an_incident_until_he_is_mailed() {
    let server = MailServer::start(Speech::StartTls);
    let hub = told(Kit::with_database(None), &server, "aucune").await;
    subscribes(&hub, SI, "unitaire", "absent@mairie.example").await;
    subscribes(&hub, OTHER_SI, "unitaire", "autre@mairie.example").await;
    let failed = |state: &str| {
        hub.count(&format!(
            "SELECT count(*) FROM incident WHERE code = 'mail-failed' AND state = '{state}'"
        ))
    };
    sent_to(&hub, "DGS-REFUS-1", &[SI]).await;
    wait::until("incident", SOON, || (failed("open") == 1).then_some(()));
    sent_to(&hub, "DGS-REFUS-2", &[OTHER_SI]).await;
    server.wait_for(1, SOON);
    let told = "SELECT count(*) FROM journal WHERE kind = 'folder.mailed'";
    wait::until("journalled mail", SOON, || {
        (hub.count(told) == 1).then_some(())
    });
    assert_eq!((failed("open"), failed("resolved")), (1, 0));
    wants(&hub, "unitaire").await;
    sent_to(&hub, "DGS-REFUS-3", &[SI]).await;
    wait::until("end of the incident", SOON, || {
        (failed("resolved") == 1).then_some(())
    });
}

/// Two recipients of one folder are each told as they wish.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_recipient_of_a_folder_is_told_as_it_wishes() {
    let server = MailServer::start(Speech::StartTls);
    let hub = told(Kit::with_database(None), &server, "unitaire").await;
    sent_to(&hub, "DGS-DEUX-1", &[SI, OTHER_SI]).await;
    hub.await_idle();
    assert_eq!(server.mails().len(), 1, "the other wants none");
    let path = format!("{FOLDERS}/notifications");
    let waiting = hub.other_si.get(&path).await.of(200).json();
    assert_eq!(waiting.as_array().map(Vec::len), Some(1));
}
