//! What an operator sees of the archives that came, by the command alone.

use serde_json::Value;

use super::{at, exchange, left, receipt};
use crate::{
    both_engines,
    kit::{
        depot::{Depot, Make},
        document,
        gateway::Gateway,
        lot::Lot,
    },
};

/// States and names of the archives that `archive list` shows with these options.
fn listed(gateway: &Gateway, options: &[&str]) -> Vec<(String, String)> {
    let said = gateway.run(&[&["archive", "list", "--json"][..], options].concat());
    let said: Vec<Value> = serde_json::from_str(&said.succeeded()).expect("a list");
    let text = |of: &Value, key: &str| of[key].as_str().expect("a text").to_owned();
    said.iter()
        .map(|of| (text(of, "state"), text(of, "fileName")))
        .collect()
}

both_engines! {
    async fn archives_are_listed_newest_first_and_by_depot_project_and_state(kit) {
        let depot = Depot::start(Make::Folder);
        let gateway = at(kit, &depot).start();
        depot.put("in/a.zip", &Lot::new("D-1").piece("P", "a.pdf", &document::small("a")).zip());
        let accepted = receipt(&depot, "a.zip");
        depot.put("in/b.zip", b"this is no archive at all");
        let refused = receipt(&depot, "b.zip");
        left(&gateway, &depot, "a.zip");
        left(&gateway, &depot, "b.zip");
        let pair = |state: &str, name: &str| (state.to_owned(), name.to_owned());
        let (good, bad) = (pair("accepted", "a.zip"), pair("rejected", "b.zip"));
        assert_eq!(listed(&gateway, &[]), [bad.clone(), good.clone()]);
        assert_eq!(listed(&gateway, &["--limit", "1"]), std::slice::from_ref(&bad));
        assert_eq!(listed(&gateway, &["--state", "accepted", "--depot", depot.name()]), [good]);
        assert_eq!(listed(&gateway, &["--state", "rejected", "--project", "marche-1"]), [bad]);
        for nothing in [["--depot", "ailleurs"], ["--project", "autre"], ["--state", "partial"]] {
            assert!(listed(&gateway, &nothing).is_empty(), "{nothing:?}");
        }
        let shown = |of: &Value| gateway.run(&["archive", "show", exchange(of)]).succeeded();
        assert!(shown(&refused).contains("format-unknown"), "{}", shown(&refused));
        let digest = accepted["sha256"].as_str().expect("a digest");
        assert!(shown(&accepted).contains(digest), "{}", shown(&accepted));
        gateway.run(&["archive", "show", "019a0000-0000-7000-8000-000000000000"]).failed_with(2);
    }
}
