//! What the antivirus finds, or cannot say.

use std::time::Duration;

use crate::{
    both_engines,
    kit::{
        clamd::{Clamd, eicar},
        gateway::Kit,
        hubee::{
            build::{self, File},
            hub::Hub,
            referential::LARGEST,
            sent::Sent,
        },
        wait,
    },
};

const SOON: Duration = Duration::from_secs(30);

async fn two(hub: &Hub, external: &str) -> Sent {
    let files = [
        File::of("virus.txt", "text/plain", eicar()),
        File::pdf("sain"),
    ];
    let sent = Sent::create(&hub.osl, &build::folder(external, &files), &files).await;
    sent.upload(&hub.osl).await;
    sent
}

/// A hub must be set up for its largest files.
fn looking(clamd: &Clamd, kit: Kit) -> Kit {
    clamd.looking(kit).set("antivirus.max_bytes", LARGEST)
}

both_engines! {
    /// R14: an infected file answers 204 and stops nothing; its status is told, its bytes are handed to nobody.
    async fn an_infected_file_stops_no_teledossier_and_leaves_to_nobody(kit) {
        let clamd = Clamd::start();
        let hub = Hub::open(looking(&clamd, kit)).await;
        let sent = two(&hub, "DGS-CERTD-0000000000400").await;
        let status = async |number: usize| {
            let read = hub.osl.get(&sent.path()).await.of(200).json();
            read["attachments"][number]["status"].as_str().unwrap().to_owned()
        };
        wait::eventually("verdicts", SOON, async || {
            let found = [status(0).await, status(1).await];
            (found == ["CORRUPTED", "RECEIVED"]).then_some(())
        }).await;
        sent.complete(&hub.osl).await;
        wait::eventually("notification", SOON, async || {
            (hub.notifications(&hub.si).await.len() == 1).then_some(())
        }).await;
        let case = hub.si.get(&sent.case_path(0)).await.of(200).json();
        assert_eq!(case["attachments"][0]["status"], "CORRUPTED");
        for caller in [&hub.si, &hub.osl, &hub.admin] {
            caller.get(&sent.case_file_path(0, 0)).await.is_refused(404, "File is not found");
            caller.get(&sent.case_file_path(0, 1)).await.of(200);
        }
        hub.await_idle();
        hub.doctor();
    }

    /// R15b: while the scanner is down nothing is told; the folder stays completed, and all goes on once it is back.
    async fn a_folder_waits_for_its_scans_and_then_goes(kit) {
        let mut clamd = Clamd::start();
        let hub = Hub::open(looking(&clamd, kit)).await;
        clamd.vanish();
        let sent = two(&hub, "DGS-CERTD-0000000000401").await;
        sent.complete(&hub.osl).await;
        let read = hub.osl.get(&sent.path()).await.of(200).json();
        assert_eq!(read["globalStatus"], "HUBEE_COMPLETED");
        assert!(hub.notifications(&hub.si).await.is_empty());
        hub.si.get(&sent.case_file_path(0, 1)).await.is_refused(404, "File is not found");
        clamd.appear();
        wait::eventually("notification", Duration::from_secs(90), async || {
            (hub.notifications(&hub.si).await.len() == 1).then_some(())
        }).await;
        let read = hub.osl.get(&sent.path()).await.of(200).json();
        assert_eq!(read["globalStatus"], "HUBEE_NOTIFIED");
        hub.si.get(&sent.case_file_path(0, 1)).await.of(200);
        hub.si.get(&sent.case_file_path(0, 0)).await.is_refused(404, "File is not found");
        hub.await_idle();
        hub.doctor();
    }
}
