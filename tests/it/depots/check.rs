//! `navette depot check`: what an operator sees before the first archive.

use std::fs;

use serde_json::Value;

use crate::{
    distant_depots, every_depot,
    kit::depot::{Depot, FOLDERS},
};

/// The answer in JSON, whatever the exit code.
fn checked(depot: &Depot) -> (i32, Value) {
    let said = depot.run(&["depot", "check", depot.name(), "--json"]);
    let answer: Value = serde_json::from_str(&said.stdout).unwrap_or_else(|_| panic!("{said:?}"));
    (said.status.code().unwrap(), answer[0].clone())
}

fn folder<'a>(answer: &'a Value, path: &str) -> &'a Value {
    let folders = answer["folders"].as_array().unwrap();
    folders
        .iter()
        .find(|folder| folder["path"] == path)
        .unwrap_or_else(|| panic!("{path}: {answer}"))
}

every_depot! {
    fn a_depot_in_order_is_told_with_its_folders_and_nothing_stays_in_them(depot) {
        depot.put("in/a.zip", b"x");
        let (code, answer) = checked(&depot);
        assert_eq!(code, 0, "{answer}");
        assert_eq!(answer["sound"], true);
        assert_eq!(folder(&answer, "in")["files"], 1);
        for path in ["in", "out", "acks", "receipts", "rejected"] {
            assert_eq!(folder(&answer, path)["writable"], true, "{answer}");
        }
        let left: Vec<_> = FOLDERS.iter().flat_map(|folder| depot.names(folder)).collect();
        assert_eq!(left, ["a.zip"]);
        let said = depot.run(&["depot", "check", depot.name()]).succeeded();
        assert!(said.contains("works") && said.contains("1 file, writable"), "{said}");
    }

    fn a_folder_that_is_missing_or_not_ours_to_write_is_named(depot) {
        fs::remove_dir(depot.inside("receipts")).unwrap();
        depot.server.forbid_writing("out");
        let (code, answer) = checked(&depot);
        assert_eq!((code, &answer["sound"]), (1, &false.into()));
        let receipts = folder(&answer, "receipts");
        assert_eq!(receipts["faults"][0]["code"], "depot-file-missing", "{answer}");
        let out = folder(&answer, "out");
        assert_eq!((&out["files"], &out["writable"]), (&0.into(), &false.into()));
        assert_eq!(out["faults"][0]["code"], "depot-denied", "{answer}");
        assert_eq!(folder(&answer, "in")["writable"], true);
    }
}

distant_depots! {
    fn a_depot_that_nobody_answers_at_is_told_as_unreachable(mut_depot) {
        let mut depot = mut_depot;
        depot.server.vanish();
        let (code, answer) = checked(&depot);
        assert_eq!(code, 1);
        assert_eq!(answer["fault"]["code"], "depot-unreachable", "{answer}");
        assert!(answer["folders"].as_array().unwrap().is_empty());
    }

    fn what_was_agreed_on_is_shown(depot) {
        let (_, answer) = checked(&depot);
        let agreed = answer["agreed"].as_object().unwrap();
        assert!(agreed.len() > 2, "{answer}");
        let strong = |text: &str| text.contains("AES") || text.contains("chacha20");
        assert!(agreed.values().any(|value| value.as_str().is_some_and(strong)), "{answer}");
    }
}
