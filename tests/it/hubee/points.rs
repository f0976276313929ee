//! A death at each point of [`failpoint::HUB`]: before, within and after the transactions of an upload, of a completion, and of a
//! verdict that a completed folder waits for.

use std::os::unix::process::ExitStatusExt;

use navette::kernel::failpoint;
use reqwest::Method;
use serde_json::json;

use super::{delivery, mails};
use crate::{
    both_engines,
    kit::{
        clamd::Impostor,
        hubee::{
            build::{self, File},
            caller::try_finish,
            hub::Hub,
            referential::{OTHER_SI, SI},
            sent::Sent,
        },
        mail::{MailServer, Speech},
    },
};

/// Those that the job of a verdict meets; all others are met by who calls.
const VERDICT: [&str; 2] = ["attachment.before-verdict", "attachment.after-settle"];

/// Those of a completion, and whether it is done by then.
const COMPLETION: [(&str, bool); 3] = [
    ("hub.before-complete", false),
    ("hub.within-complete", false),
    ("hub.after-complete", true),
];

/// The environment in which a process dies at `point`.
fn armed(point: &str) -> [(String, String); 1] {
    [("NAVETTE_FAILPOINT".to_owned(), point.to_owned())]
}

/// A folder of two files for two recipients.
async fn created(hub: &Hub, external: &str) -> Sent {
    let files = [File::pdf(external), File::png("commun")];
    let folder = build::folder_to(external, &[SI, OTHER_SI], &files);
    Sent::create(&hub.osl, &folder, &files).await
}

/// How often a folder's completion, and its notification, stand in the journal, and how many mails there are of it.
fn told(hub: &Hub, server: &MailServer, sent: &Sent) -> [usize; 3] {
    let entries = ["folder.completed", "folder.notified"].map(|kind| {
        let id = hub.id(sent.id());
        let entries = "SELECT count(*) FROM journal WHERE exchange_id";
        hub.count(&format!("{entries} = {id} AND kind = '{kind}'")) as usize
    });
    let external = sent.folder["externalId"].as_str().expect("a text");
    let mails = server.mails().into_iter();
    let mails = mails.filter(|mail| mail["to"] == json!([mails::ADDRESS]));
    let mails = mails.filter(|mail| mail["text"].as_str().unwrap_or("").contains(external));
    [entries[0], entries[1], mails.count()]
}

/// Waits until the process has died at `point`, and starts it again.
fn dies(hub: &mut Hub, point: &str) {
    let end = tokio::task::block_in_place(|| hub.gateway.ended());
    assert_eq!(end.signal(), Some(9), "{point}: {end:?}");
    hub.gateway.restart_with(&[]);
}

both_engines! {
    /// R15, guaranteed delivery: killed at each named point, a folder is not completed, or notified whole; its sender goes on.
    async fn a_death_at_any_named_point_leaves_a_folder_whole(kit) {
        let mut hub = Hub::open(kit.set("worker.lease_seconds", 2)).await;
        let points: Vec<&str> = failpoint::HUB.iter().copied().filter(|point| !VERDICT.contains(point)).collect();
        assert_eq!(points.len() + VERDICT.len(), failpoint::HUB.len(), "{points:?}");
        let mut completed = Vec::new();
        for (number, point) in points.into_iter().enumerate() {
            let sent = created(&hub, &format!("DGS-POINT-{number:013}")).await;
            hub.await_idle();
            assert!(hub.gateway.stop().success(), "before {point}");
            hub.gateway.restart_with(&armed(point));
            let (osl, going) = (hub.osl.clone(), sent.clone());
            let sending = tokio::spawn(async move { delivery::finish(&osl, &going).await });
            dies(&mut hub, point);
            sending.await.unwrap();
            completed.push(sent);
        }
        delivery::is_whole(&hub, &completed).await;
    }

    /// R15: mails and journal are written with the notifications: a folder whose completion died has none of it, one that was
    /// completed has each once, though its sender asks again.
    async fn a_death_at_a_completion_tells_all_of_it_or_nothing(kit) {
        let server = MailServer::start(Speech::StartTls);
        let mut hub = mails::told(kit.set("worker.lease_seconds", 2), &server, "unitaire").await;
        for (number, (point, is_done)) in COMPLETION.into_iter().enumerate() {
            let sent = created(&hub, &format!("DGS-MORT-{number:014}")).await;
            sent.upload(&hub.osl).await;
            hub.await_idle();
            assert!(hub.gateway.stop().success(), "before {point}");
            hub.gateway.restart_with(&armed(point));
            let request = hub.osl.sending(Method::PATCH, &sent.path(), &json!({ "globalStatus": "HUBEE_COMPLETED" }));
            let completing = tokio::spawn(try_finish(request));
            dies(&mut hub, point);
            assert!(completing.await.unwrap().is_err(), "an answer from the dead");
            hub.await_idle();
            assert_eq!(told(&hub, &server, &sent), [usize::from(is_done); 3], "{point}");
            sent.complete(&hub.osl).await;
            hub.await_idle();
            assert_eq!(told(&hub, &server, &sent), [1; 3], "after {point}");
        }
        hub.doctor();
    }

    /// R15b, guaranteed delivery: a folder that waits for the antivirus is notified whole and once, though the process dies with
    /// the verdict in its hands, or right behind it.
    async fn a_death_at_a_verdict_leaves_a_folder_whole(kit) {
        let antivirus = Impostor::start(Some(b"stream: OK\0"));
        let kit = antivirus.looking(kit).set("antivirus.max_bytes", 1 << 30);
        let mut hub = Hub::open(kit.set("worker.lease_seconds", 2)).await;
        let mut completed = Vec::new();
        for (number, point) in VERDICT.into_iter().enumerate() {
            antivirus.answer(b"stream: busy ERROR\0");
            let sent = created(&hub, &format!("DGS-VERDICT-{number:011}")).await;
            sent.upload(&hub.osl).await;
            sent.complete(&hub.osl).await;
            let folder = hub.osl.get(&sent.path()).await.of(200).json();
            assert_eq!(folder["globalStatus"], json!("HUBEE_COMPLETED"), "{point}");
            assert!(hub.gateway.stop().success(), "before {point}");
            antivirus.answer(b"stream: OK\0");
            hub.gateway.launch(&armed(point));
            dies(&mut hub, point);
            hub.await_idle();
            completed.push(sent);
        }
        assert_eq!(hub.count("SELECT count(*) FROM scan"), 4, "each file has one verdict");
        delivery::is_whole(&hub, &completed).await;
    }
}
