//! Flows that would take one another's files, or ours: settings that do not load.

use crate::kit::{
    gateway::{Engine, Kit, PROJECT},
    scratch,
};

/// Flows of a depot: name, direction, path, and what else they say.
type Flows<'a> = &'a [(&'a str, &'a str, &'a str, &'a str)];

const IN: (&str, &str, &str, &str) = ("lots", "in", "in", "receipts = \"receipts\"");
const OUT: (&str, &str, &str, &str) = ("retours", "out", "out", "");
const ACKS: (&str, &str, &str, &str) = (
    "acquittements",
    "acknowledgments",
    "acks",
    "answers = \"retours\"",
);

/// A gateway with a depot of these flows, its settings written.
fn written(flows: Flows<'_>) -> Kit {
    let root = scratch::fresh("depot");
    let mut text =
        format!("depot = \"partenaire\"\ntransport = \"folder\"\n[folder]\npath = {root:?}\n");
    for (name, direction, path, more) in flows {
        text += &format!(
            "[[flow]]\nname = \"{name}\"\nproject = \"{PROJECT}\"\ndirection = \"{direction}\"\npath = \"{path}\"\n{more}\n"
        );
    }
    let kit = Kit::new(Engine::Sqlite).with_depot("partenaire", text);
    kit.write();
    kit
}

/// Fails unless the settings are refused at these keys, all in one report.
#[track_caller]
fn refused(flows: Flows<'_>, keys: &[&str]) {
    let said = written(flows).run(&["check-config"]).failed_with(3);
    for key in keys {
        assert!(
            said.contains(&format!("partenaire.toml:{key}")),
            "{key}: {said}"
        );
    }
    assert_eq!(
        said.matches("[configuration] flow").count(),
        keys.len(),
        "{said}"
    );
}

#[test]
fn receipts_are_left_where_no_acknowledgments_are_taken() {
    let receipts = ("lots", "in", "in", "receipts = \"/acks/\"");
    refused(&[receipts, OUT, ACKS], &["flow[0].receipts"]);
}

#[test]
fn returns_and_their_markers_are_left_where_nobody_takes_them() {
    let acks = |pattern: &str| format!("answers = \"retours\"\npattern = \"{pattern}\"");
    for (pattern, marker) in [
        ("{name}.*", "marker = \".ok\""),
        ("{name}*", ""),
        ("{name}.ok", "marker = \".ok\""),
        ("AR_{id}*", ""),
    ] {
        let acks = acks(pattern);
        let acks = ("acquittements", "acknowledgments", "./out", &*acks);
        refused(
            &[("retours", "out", "out", marker), acks],
            &["flow[0].path"],
        );
    }
    refused(&[("lots", "in", "out/", IN.3), OUT], &["flow[1].path"]);
    let itself = acks("{name}");
    let itself = ("acquittements", "acknowledgments", "acks", &*itself);
    let said = written(&[OUT, itself])
        .run(&["check-config"])
        .failed_with(3);
    assert!(said.contains("flow[1].pattern"), "{said}");
}

#[test]
fn one_file_is_not_of_two_flows() {
    let other = "pattern = \"L*\"\nreceipts = \"receipts\"";
    refused(&[IN, ("autres", "in", "in", other)], &["flow[1].path"]);
    let any = "pattern = \"*\"\nreceipts = \"receipts\"";
    let acks = "answers = \"retours\"\npattern = \"{name}.ok\"";
    let acks = ("acquittements", "acknowledgments", "in", acks);
    refused(&[("lots", "in", "in", any), OUT, acks], &["flow[2].path"]);
}

#[test]
fn what_was_taken_is_moved_where_nobody_takes_it_again() {
    let moved = format!(
        "{}\nthen = \"move\"\nmoved = \"in\"\nrejected = \"in\"",
        IN.3
    );
    let acks = format!("{}\nthen = \"move\"\nmoved = \"acks\"", ACKS.3);
    let flows = [
        ("lots", "in", "in", &*moved),
        OUT,
        ("acquittements", "acknowledgments", "acks", &*acks),
    ];
    refused(
        &flows,
        &["flow[0].moved", "flow[0].rejected", "flow[2].moved"],
    );
}

/// Folders are shared where the names tell whose a file is.
#[test]
fn flows_that_no_name_has_in_common_share_a_folder() {
    let all = [
        ("lots", "in", ".", "receipts = \"/\""),
        ("lots-2", "in", ".", "pattern = \"*.tar\"\nreceipts = \".\""),
        ("retours", "out", ".", "format = \"tar.gz\""),
        (
            "acquittements",
            "acknowledgments",
            ".",
            "answers = \"retours\"\npattern = \"{name}.ar.xml\"",
        ),
    ];
    written(&all).run(&["check-config"]).succeeded();
    let marked = |name, marker| {
        (
            name,
            "in",
            "in",
            format!("complete = \"marker\"\nmarker = \"{marker}\"\nreceipts = \"receipts\""),
        )
    };
    let two = [marked("lots", ".okA"), marked("autres", ".okB")];
    let two = two
        .each_ref()
        .map(|(name, way, at, more)| (*name, *way, *at, &**more));
    written(&two).run(&["check-config"]).succeeded();
    written(&[IN, OUT, ACKS]).run(&["check-config"]).succeeded();
    let acks = (ACKS.0, ACKS.1, "out", ACKS.3);
    written(&[OUT, acks]).run(&["check-config"]).succeeded();
}
