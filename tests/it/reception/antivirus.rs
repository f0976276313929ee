//! Archives of a project that wants contents looked at: before anything of them is visible.

use super::{SOON, at, exchange, left, receipt, undemanding};
use crate::{
    both_engines,
    kit::{
        clamd::{Clamd, Impostor, SIGNATURE, eicar},
        depot::{Depot, Make},
        document,
        gateway::{Gateway, REASON},
        lot::Lot,
        wait,
    },
    sending,
};

/// Waits until the first try of so many archives came to nothing.
fn vainly_asked(gateway: &Gateway, archives: usize) {
    wait::until("tries in vain", SOON, || {
        let log = gateway.log();
        let tries = log
            .lines()
            .filter(|line| line.contains("an archive could not be taken"));
        let first = tries.filter(|line| line.contains(r#""failures":1,"#));
        (first.count() == archives).then_some(())
    });
}

fn lot(dossier: &str) -> Lot {
    Lot::new(dossier).piece("P-1", "sain.pdf", &document::small(dossier))
}

both_engines! {
    /// An infected file refuses its archive, the receipt names it with its signature, and a clean archive passes.
    async fn an_infected_archive_is_refused_and_a_clean_one_passes(kit) {
        let clamd = Clamd::start();
        let depot = Depot::start(Make::Folder);
        let gateway = at(clamd.looking(kit), &depot).start();
        let infected = lot("D-1").piece("P-2", "virus.txt", eicar().as_bytes());
        depot.put("in/a.zip", &infected.zip());
        let refused = receipt(&depot, "a.zip");
        assert_eq!(refused["outcome"], "rejected");
        let found = &refused["findings"][0];
        assert_eq!((&found["code"], &found["entry"]), (&"virus-found".into(), &"virus.txt".into()), "{refused:#}");
        assert!(found["detail"].as_str().unwrap().contains(SIGNATURE));
        depot.put("in/b.zip", &lot("D-2").zip());
        assert_eq!(receipt(&depot, "b.zip")["outcome"], "accepted");
        left(&gateway, &depot, "b.zip");
        let clean = "SELECT count(*) FROM scan s JOIN document d ON d.id = s.document_id WHERE s.verdict = 'clean'";
        assert_eq!(gateway.count(clean), 1);
        gateway.doctor();
    }

    /// While the antivirus is away the archive waits on its depot, unseen; it is taken when the antivirus is back.
    async fn an_archive_waits_on_its_depot_for_an_antivirus_that_answers(kit) {
        let mut clamd = Clamd::start();
        let depot = Depot::start(Make::Folder);
        let gateway = at(clamd.looking(kit), &depot).start();
        clamd.vanish();
        depot.put("in/a.zip", &lot("D-1").zip());
        wait::until("incident", super::SOON, || {
            let open = "SELECT count(*) FROM incident WHERE code = 'scan-unavailable' AND state = 'open'";
            (gateway.count(open) == 1).then_some(())
        });
        assert_eq!(gateway.count("SELECT count(*) FROM exchange"), 0);
        assert_eq!(depot.names("in"), ["a.zip"]);
        // What is refused unseen says nothing of the antivirus.
        depot.put("in/b.zip", b"no archive");
        assert_eq!(receipt(&depot, "b.zip")["outcome"], "rejected");
        assert_eq!(gateway.count("SELECT count(*) FROM incident WHERE code = 'scan-unavailable' AND state = 'open'"), 1);
        clamd.appear();
        assert_eq!(receipt(&depot, "a.zip")["outcome"], "accepted");
        left(&gateway, &depot, "a.zip");
        let resolved = "SELECT count(*) FROM incident WHERE code = 'scan-unavailable' AND state = 'resolved'";
        assert_eq!(gateway.count(resolved), 1);
        gateway.doctor();
    }

    /// A file over what the antivirus looks at is refused by name: its archive does not wait for a verdict that never comes, and
    /// nothing of the file goes on. What else is sound is accepted, where the project takes valid pieces.
    async fn a_file_that_the_antivirus_will_never_judge_is_refused_and_its_archive_gets_its_receipt(kit) {
        let mut clamd = Clamd::absent();
        clamd.appear_with("StreamMaxLength 1M\nMaxFileSize 25M\nMaxScanSize 100M\n");
        let depot = Depot::start(Make::Folder);
        let kit = clamd.looking(kit).set_project("acceptance", "\"valid-pieces\"");
        let gateway = at(kit, &depot).start();
        let large = Lot::new("D-1").piece("P-1", "grand.pdf", &document::pdf("grand", 3_000_000));
        depot.put("in/a.zip", &large.zip_stored());
        let refused = receipt(&depot, "a.zip");
        assert_eq!(refused["outcome"], "rejected");
        let found = &refused["findings"][0];
        assert_eq!((&found["code"], &found["entry"]), (&"not-scanned".into(), &"grand.pdf".into()), "{refused:#}");
        left(&gateway, &depot, "a.zip");
        depot.put("in/b.zip", &large.piece("P-2", "sain.pdf", &document::small("sain")).zip_stored());
        let partial = receipt(&depot, "b.zip");
        assert_eq!((&partial["outcome"], &partial["pieces"]["accepted"]), (&"partial".into(), &1.into()), "{partial:#}");
        assert_eq!(partial["findings"][0]["code"], "not-scanned");
        left(&gateway, &depot, "b.zip");
        assert_eq!(gateway.count("SELECT count(*) FROM scan WHERE verdict = 'clean'"), 1);
        assert_eq!(gateway.count("SELECT count(*) FROM document WHERE role = 'content'"), 1);
        assert_eq!(gateway.count("SELECT count(*) FROM incident WHERE code = 'scan-unavailable' AND state = 'open'"), 0);
        gateway.doctor();
    }

    /// The antivirus's own troubles pass, and are waited for: silence, no memory, no room for its files, no time.
    async fn an_antivirus_in_trouble_refuses_no_archive(kit) {
        let clamd = Impostor::start(None);
        let depot = Depot::start(Make::Folder);
        let gateway = at(clamd.looking(kit), &depot).start();
        depot.put("in/a.zip", &lot("D-1").zip());
        vainly_asked(&gateway, 1);
        let errors: [(&str, &[u8]); 3] = [
            ("b.zip", b"stream: Can't allocate memory ERROR\0"),
            ("c.zip", b"stream: Can't open file or directory ERROR\0"),
            ("d.zip", b"stream: Heuristics.Limits.Exceeded.MaxScanTime FOUND\0"),
        ];
        for ((name, error), archives) in errors.into_iter().zip(2..) {
            clamd.answer(error);
            depot.put(&format!("in/{name}"), &lot(name).zip());
            vainly_asked(&gateway, archives);
        }
        assert_eq!(gateway.count("SELECT count(*) FROM exchange"), 0);
        assert_eq!(gateway.count("SELECT count(*) FROM incident WHERE code = 'scan-unavailable' AND state = 'open'"), 1);
        clamd.answer(b"stream: OK\0");
        for name in ["a.zip", "b.zip", "c.zip", "d.zip"] {
            assert_eq!(receipt(&depot, name)["outcome"], "accepted");
            left(&gateway, &depot, name);
        }
        assert_eq!(gateway.count("SELECT count(*) FROM incident WHERE code = 'scan-unavailable' AND state = 'open'"), 0);
        gateway.doctor();
    }

    /// A limit that a content meets each time is the content's: its archive gets its receipt.
    async fn a_content_over_the_limits_of_the_antivirus_refuses_its_archive(kit) {
        let clamd = Impostor::start(Some(b"stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND\0"));
        let depot = Depot::start(Make::Folder);
        let gateway = at(clamd.looking(kit), &depot).start();
        depot.put("in/a.zip", &lot("D-1").zip());
        let refused = receipt(&depot, "a.zip");
        assert_eq!(refused["findings"][0]["code"], "not-scanned", "{refused:#}");
        left(&gateway, &depot, "a.zip");
        gateway.doctor();
    }

    /// An archive was accepted before its project demanded a scan: its files are looked at before they are opened, at the
    /// latest when an operator has it tried again.
    async fn an_archive_whose_project_demands_a_scan_since_is_looked_at_before_it_is_opened(kit) {
        let mut clamd = Clamd::start();
        let depot = Depot::start(Make::Folder);
        let kit = sending::through(clamd.looking(kit), &depot).set("worker.lease_seconds", 1);
        let mut gateway = kit.stopped();
        let demanding = undemanding(&gateway);
        let infected = lot("D-1").piece("P-2", "virus.txt", eicar().as_bytes());
        depot.put("in/a.zip", &infected.zip());
        gateway.launch(&[("NAVETTE_FAILPOINT".to_owned(), "slice.before-settle".to_owned())]);
        gateway.ended();
        clamd.vanish();
        demanding();
        // It is not ready without its antivirus, and works.
        gateway.launch(&[]);
        let id = exchange(&receipt(&depot, "a.zip")).to_owned();
        wait::until("try in vain", SOON, || {
            let tried = "SELECT count(*) FROM job WHERE kind = 'process-archive' AND attempts > 0 AND lease_token IS NULL";
            (gateway.count(tried) == 1).then_some(())
        });
        assert_eq!(gateway.count("SELECT count(*) FROM scan"), 0);
        clamd.appear();
        gateway.run(&["archive", "retry", &id, "--reason", REASON]).succeeded();
        let answer = sending::return_json(&depot, &sending::returned(&depot));
        let outcomes = [&answer["pieces"][0]["outcome"], &answer["pieces"][1]["outcome"]];
        assert_eq!(outcomes, ["processed", "unprocessable"], "{answer:#}");
        let verdicts = gateway.sql("SELECT verdict FROM scan ORDER BY verdict");
        assert_eq!(verdicts.lines().collect::<Vec<_>>(), ["clean", "infected"]);
        assert_eq!(gateway.count("SELECT count(*) FROM incident WHERE code = 'infected' AND state = 'open'"), 1);
        gateway.doctor();
    }

    /// The same where its return was made before: what is found since is in quarantine, and told.
    async fn an_archive_that_was_answered_without_a_scan_is_looked_at_when_it_is_tried_again(kit) {
        let clamd = Clamd::start();
        let depot = Depot::start(Make::Folder);
        let mut gateway = sending::through(clamd.looking(kit), &depot).stopped();
        let demanding = undemanding(&gateway);
        gateway.restart();
        let infected = lot("D-1").piece("P-2", "virus.txt", eicar().as_bytes());
        let id = sending::dropped(&depot, "a.zip", &infected.zip());
        sending::returned(&depot);
        left(&gateway, &depot, "a.zip");
        assert!(gateway.stop().success());
        demanding();
        gateway.restart();
        let retry = ["archive", "retry", &id, "--reason", REASON, "--json"];
        // Beside them, the look whether its return was acknowledged.
        assert_eq!(tried_again(&gateway, &retry), 2);
        wait::until("verdicts", SOON, || (gateway.count("SELECT count(*) FROM scan") == 2).then_some(()));
        assert_eq!(gateway.count("SELECT count(*) FROM scan WHERE verdict = 'infected'"), 1);
        assert_eq!(gateway.count("SELECT count(*) FROM incident WHERE code = 'infected' AND state = 'open'"), 1);
        wait::until("end of the looks", SOON, || {
            (gateway.count("SELECT count(*) FROM job WHERE kind = 'process-archive'") == 0).then_some(())
        });
        assert_eq!(tried_again(&gateway, &retry), 1);
        gateway.doctor();
    }
}

/// How many jobs a command has tried again.
fn tried_again(gateway: &Gateway, retry: &[&str]) -> u64 {
    let said = gateway.run(retry).succeeded();
    let said: serde_json::Value = serde_json::from_str(&said).expect("JSON was asked for");
    said["jobs"].as_u64().expect("a number")
}
