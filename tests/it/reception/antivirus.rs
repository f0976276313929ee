//! Archives of a project that wants contents looked at: before anything of them is visible.

use super::{at, left, receipt};
use crate::{
    both_engines,
    kit::{
        clamd::{Clamd, SIGNATURE, eicar},
        depot::{Depot, Make},
        document,
        lot::Lot,
        wait,
    },
};

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
        clamd.appear();
        assert_eq!(receipt(&depot, "a.zip")["outcome"], "accepted");
        left(&gateway, &depot, "a.zip");
        let resolved = "SELECT count(*) FROM incident WHERE code = 'scan-unavailable' AND state = 'resolved'";
        assert_eq!(gateway.count(resolved), 1);
        gateway.doctor();
    }
}
