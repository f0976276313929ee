//! Mails about incidents, by a real SMTP server: in French, with TLS or not at all, at most one an hour for each cause.

use serde_json::json;

use super::{SOON, impatient, sent, undelivered, wait_for_incident};
use crate::{
    both_engines,
    kit::{
        client::metadata,
        document,
        gateway::{CALLBACK, Gateway, PROJECT},
        mail::{MailServer, Speech},
        partner::Answer,
        token::now,
        wait,
    },
};

const CONTACT: &str = "exploitation@asp.example";

/// Seconds from now until the only mail that waits may leave.
fn pause(gateway: &Gateway) -> u64 {
    let run_at = gateway.count("SELECT max(run_at) FROM job WHERE kind = 'mail'");
    (run_at / 1_000_000).saturating_sub(now().unsigned_abs())
}

fn mails_that_wait(gateway: &Gateway) -> u64 {
    gateway.count("SELECT count(*) FROM job WHERE kind = 'mail' AND state = 'queued'")
}

async fn told_by(kit: crate::kit::gateway::Kit, speech: Speech) {
    let server = MailServer::start(speech);
    let kit = server.serving(kit, &[CONTACT]);
    let (gateway, _, id) =
        undelivered(kit.set("incidents.telephone", "\"+33 1 23 45 67 89\"")).await;
    let mail = server.wait_for(1, SOON).remove(0);
    assert_eq!(mail["to"], json!([CONTACT]));
    assert_eq!(mail["from"], "navette@gateway.example");
    assert_eq!(
        (&mail["login"], &mail["auto"]),
        (&json!(true), &json!("auto-generated"))
    );
    let text = mail["text"].as_str().unwrap();
    for part in [
        "n'a pas été acquitté",
        "Depuis : ",
        "Que faire : ",
        "+33 1 23 45 67 89",
        &*id,
    ] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
    let told = "SELECT count(*) FROM journal WHERE kind = 'incident.mailed'";
    wait::until("journalled mail", SOON, || {
        (gateway.count(told) == 1).then_some(())
    });
    wait::until("mailed incident", SOON, || {
        (gateway.count("SELECT count(*) FROM incident WHERE mailed_at IS NOT NULL") == 1)
            .then_some(())
    });
}

both_engines! {
    async fn a_mail_by_starttls_says_what_failed_since_when_and_what_to_do(kit) {
        told_by(kit, Speech::StartTls).await;
    }

    async fn a_mail_by_tls_from_the_first_byte_arrives_too(kit) {
        told_by(kit, Speech::Tls).await;
    }

    /// However often a cause occurs, its contacts have one mail an hour.
    async fn a_second_mail_about_a_cause_waits_for_an_hour(kit) {
        let server = MailServer::start(Speech::StartTls);
        let gateway = server.serving(kit, &[CONTACT]).start();
        let client = gateway.client().await;
        let mut altered = metadata("D-1");
        altered["hash"] = json!({ "algorithm": "SHA-256", "value": "00".repeat(32) });
        client.push(&altered, document::small("x")).await.is_problem(422, "hash-mismatch");
        server.wait_for(1, SOON);
        gateway.await_idle();
        for _ in 0..5 {
            client.push(&altered, document::small("x")).await.is_problem(422, "hash-mismatch");
        }
        assert_eq!(mails_that_wait(&gateway), 1);
        assert!((3500..=3600).contains(&pause(&gateway)), "{}", pause(&gateway));
        assert_eq!(server.mails().len(), 1);
    }

    /// Once somebody has taken note, the waiting mail does not leave.
    async fn an_incident_that_somebody_has_taken_note_of_is_told_no_more(kit) {
        let mut server = MailServer::absent(Speech::StartTls);
        let (gateway, _, _) = undelivered(server.serving(kit, &[CONTACT])).await;
        let incident = wait_for_incident(&gateway, "undelivered", "open");
        let id = incident["incidentId"].as_str().unwrap();
        gateway.run(&["incident", "ack", id, "--reason", "vu"]).succeeded();
        server.appear();
        wait::until("end of the mail's job", SOON, || (mails_that_wait(&gateway) == 0).then_some(()));
        assert_eq!(server.mails(), [json!(null); 0]);
    }

    /// A server that is away is asked again until it is there; its absence is an incident meanwhile.
    async fn a_mail_outlasts_the_absence_of_its_server(kit) {
        let mut server = MailServer::absent(Speech::StartTls);
        let (gateway, _, _) = undelivered(server.serving(kit, &[CONTACT])).await;
        wait_for_incident(&gateway, "mail-failed", "open");
        server.appear();
        server.wait_for(1, SOON);
        wait_for_incident(&gateway, "mail-failed", "resolved");
        assert_eq!(server.mails().len(), 1);
    }

    /// A server killed under load: in the end each incident is told.
    async fn a_mail_server_killed_under_load_leaves_no_incident_untold(kit) {
        let mut server = MailServer::start(Speech::StartTls);
        let kit = impatient(server.serving(kit, &[CONTACT]));
        kit.partner.script(CALLBACK, [Answer::failure()]);
        let gateway = kit.start();
        let client = gateway.client().await;
        for n in 0..8 {
            sent(&client, &format!("D-{n}")).await;
            if n == 3 {
                server.wait_for(1, SOON);
                server.vanish();
            }
        }
        let open = "SELECT count(*) FROM incident WHERE code = 'undelivered'";
        wait::until("eight incidents", SOON, || (gateway.count(open) == 8).then_some(()));
        server.appear();
        let untold = "SELECT count(*) FROM incident WHERE code = 'undelivered' AND mailed_at IS NULL";
        wait::until("last mail", SOON, || (gateway.count(untold) == 0).then_some(()));
        let subjects = server.mails().into_iter().filter_map(|mail| {
            let text = mail["text"].as_str()?.to_owned();
            text.lines().find(|line| line.starts_with("Incident : ")).map(str::to_owned)
        });
        let told: std::collections::BTreeSet<_> = subjects.collect();
        assert_eq!(told.len(), 8);
    }

    /// A server that speaks no TLS gets neither the login nor the mail.
    async fn nothing_is_said_without_tls(kit) {
        let server = MailServer::start(Speech::Plain);
        let (gateway, _, _) = undelivered(server.serving(kit, &[CONTACT])).await;
        wait_for_incident(&gateway, "mail-failed", "open");
        assert_eq!(server.mails(), [json!(null); 0]);
    }

    /// A contact whom the server does not know is an incident; the others have their mail.
    async fn a_contact_that_is_refused_holds_up_no_other(kit) {
        let server = MailServer::start(Speech::StartTls);
        let (gateway, _, _) = undelivered(server.serving(kit, &["absent@asp.example", CONTACT])).await;
        assert_eq!(server.wait_for(1, SOON)[0]["to"], json!([CONTACT]));
        let failed = wait_for_incident(&gateway, "mail-failed", "open");
        assert_eq!(failed["detail"]["reason"], "smtp-550");
    }

    /// A contact whom the server refuses for a moment has the mail later; nobody has it twice.
    async fn a_contact_that_is_refused_for_a_moment_is_told_later(kit) {
        let server = MailServer::start(Speech::StartTls);
        let (gateway, _, _) = undelivered(server.serving(kit, &["grey@asp.example", CONTACT])).await;
        let mails = server.wait_for(2, SOON);
        assert_eq!((&mails[0]["to"], &mails[1]["to"]), (&json!([CONTACT]), &json!(["grey@asp.example"])));
        assert_ne!(mails[0]["id"], mails[1]["id"]);
        let left = "SELECT count(*) FROM job WHERE lane = 'mail'";
        wait::until("end of the mails", SOON, || (gateway.count(left) == 0).then_some(()));
        assert_eq!(server.mails().len(), 2);
        assert_eq!(gateway.count("SELECT count(*) FROM incident WHERE code = 'mail-failed'"), 0);
    }

    /// One that is refused again and again is an incident, and holds up neither the others nor their later news.
    async fn a_contact_that_stays_busy_is_an_incident_and_the_others_have_their_mail(kit) {
        let server = MailServer::start(Speech::StartTls);
        let (gateway, _, _) = undelivered(server.serving(kit, &["busy@asp.example", CONTACT])).await;
        assert_eq!(server.wait_for(1, SOON)[0]["to"], json!([CONTACT]));
        let failed = wait_for_incident(&gateway, "mail-failed", "open");
        assert_eq!(failed["detail"]["reason"], "smtp-451");
        assert_eq!(gateway.sql("SELECT kind FROM job WHERE lane = 'mail'"), "mail-again");
        assert_eq!(server.mails().len(), 1);
    }

    /// A mail that nobody can get is given up, and an operator sees its job.
    async fn a_mail_that_is_refused_for_good_is_given_up(kit) {
        let server = MailServer::start(Speech::StartTls);
        let (gateway, _, _) = undelivered(server.serving(kit, &["absent@asp.example"])).await;
        wait_for_incident(&gateway, "mail-failed", "open");
        let said = gateway.run(&["job", "list", "--state", "failed", "--json"]).succeeded();
        let jobs: serde_json::Value = serde_json::from_str(&said).unwrap();
        let mail = jobs.as_array().unwrap().iter().find(|job| job["kind"] == "mail");
        assert_eq!(mail.expect("the mail's job")["lastFault"], "smtp-550");
    }

    /// Contacts whom the server does not know are an incident of their project: another one's mails say nothing of them.
    async fn contacts_that_are_refused_stay_an_incident_until_their_own_mails_leave(kit) {
        let server = MailServer::start(Speech::StartTls);
        let kit = server.serving(kit, &[CONTACT]).and_project("autre", "/autre");
        let mut gateway = kit.set_project("incidents.contacts", "[\"absent@asp.example\"]").start();
        let client = gateway.client().await;
        let mut altered = metadata("D-1");
        altered["hash"] = json!({ "algorithm": "SHA-256", "value": "00".repeat(32) });
        client.push(&altered, document::small("x")).await.is_problem(422, "hash-mismatch");
        assert_eq!(wait_for_incident(&gateway, "mail-failed", "open")["project"], PROJECT);
        altered["project"] = "autre".into();
        client.push(&altered, document::small("x")).await.is_problem(422, "hash-mismatch");
        assert_eq!(server.wait_for(1, SOON)[0]["to"], json!([CONTACT]));
        let mailed = "SELECT count(*) FROM incident WHERE mailed_at IS NOT NULL";
        wait::until("mailed incident", SOON, || (gateway.count(mailed) == 1).then_some(()));
        wait_for_incident(&gateway, "mail-failed", "open");
        assert!(gateway.stop().success());
        let file = gateway.dir().join(format!("projects/{PROJECT}.toml"));
        let settings = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, settings.replace("absent@", "present@")).unwrap();
        gateway.restart();
        gateway.run(&["job", "retry", "--all-failed", "--reason", "essai"]).succeeded();
        wait_for_incident(&gateway, "mail-failed", "resolved");
        assert_eq!(server.mails()[1]["to"], json!(["present@asp.example"]));
    }

    /// A project's own contacts take the place of the gateway's.
    async fn a_projects_own_contacts_are_told_of_its_incidents(kit) {
        let server = MailServer::start(Speech::StartTls);
        let kit = server.serving(kit, &["general@asp.example"]);
        let kit = kit.set_project("incidents.contacts", format!("{:?}", [CONTACT]));
        let (_gateway, _, _) = undelivered(kit).await;
        assert_eq!(server.wait_for(1, SOON)[0]["to"], json!([CONTACT]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pieces_go_their_way_while_the_mail_server_hangs() {
    let kit = crate::kit::gateway::Kit::new(crate::kit::gateway::Engine::Sqlite);
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let server = MailServer::absent(Speech::StartTls);
    let kit = server.serving(kit, &[CONTACT]);
    let port = silent.local_addr().unwrap().port();
    let gateway = impatient(kit.set("smtp.port", port)).start();
    gateway
        .partner()
        .script(CALLBACK, [Answer::failure(), Answer::Acknowledge]);
    let client = gateway.client().await;
    sent(&client, "D-1").await;
    wait_for_incident(&gateway, "undelivered", "open");
    let id = sent(&client, "D-2").await;
    crate::returns::with_status(&client, &id, "acknowledged").await;
}
