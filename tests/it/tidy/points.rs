//! The failure points: each of the sources is listed, each listed one is in the sources, and a test dies at each.

use std::{collections::BTreeSet, fs};

use navette::kernel::failpoint;

use super::files;

/// The lists, by the names that tests walk them by.
const LISTS: [(&str, &[&str]); 6] = [
    ("failpoint::ALL", failpoint::ALL),
    ("failpoint::ARCHIVES", failpoint::ARCHIVES),
    ("failpoint::RETURNS", failpoint::RETURNS),
    ("failpoint::UPKEEP", failpoint::UPKEEP),
    ("failpoint::HUB", failpoint::HUB),
    ("failpoint::BATCHES", failpoint::BATCHES),
];

/// All Rust text below `start`.
fn text(start: &str) -> String {
    let sources = files(start).into_iter();
    let sources = sources.filter(|path| path.extension().is_some_and(|ending| ending == "rs"));
    let texts = sources.map(|path| fs::read_to_string(path).expect("a source is text"));
    texts.collect::<Vec<_>>().join("\n")
}

/// The names between `before` and the quote that ends them.
fn named(text: &str, before: &str) -> BTreeSet<String> {
    let found = text.split(before).skip(1);
    found
        .filter_map(|rest| rest.split_once('"').map(|(name, _)| name.to_owned()))
        .collect()
}

fn listed() -> BTreeSet<String> {
    let names = LISTS.iter().flat_map(|(_, list)| list.iter());
    names.map(|name| (*name).to_owned()).collect()
}

/// What the sources pass through, and what they list, are the same.
#[test]
fn every_failure_point_is_listed_once_and_passed_through() {
    let sources = text("src");
    let mut passed = named(&sources, "failpoint::hit(\"");
    // Those of a job that is settled stand in a table of kinds.
    let settled = named(&sources, "=> Some(\"");
    passed.extend(
        settled
            .into_iter()
            .filter(|name| name.ends_with(".after-settle")),
    );
    assert_eq!(passed, listed());
    let count: usize = LISTS.iter().map(|(_, list)| list.len()).sum();
    assert_eq!(count, passed.len(), "a point stands in two lists");
}

/// A list is walked by a test, or each of its points is named by one.
#[test]
fn every_failure_point_has_a_test_that_dies_there() {
    let tests: Vec<String> = files("tests/it")
        .into_iter()
        .filter(|path| !path.ends_with("tidy/points.rs"))
        .filter_map(|path| fs::read_to_string(path).ok())
        .collect();
    let is_named = |what: &str| tests.iter().any(|text| text.contains(what));
    let forgotten = LISTS.iter().filter(|(list, _)| !is_named(list));
    let forgotten: Vec<&str> = forgotten
        .flat_map(|(_, points)| points.iter().copied())
        .filter(|point| !is_named(&format!("\"{point}\"")) && !is_named(&format!("\"{point}:")))
        .collect();
    assert!(forgotten.is_empty(), "no test dies at {forgotten:?}");
}
