//! Which files are ready, look after look.

use super::{super::troubles, *};
use crate::{
    config::depots::{CodePage, Then},
    kernel::clock::instant,
};

const POLL: Duration = Duration::from_secs(10);

fn flow(complete: Complete) -> Incoming {
    Incoming {
        pattern: "*.zip".to_owned(),
        complete,
        then: Then::Delete,
        receipts: "receipts".to_owned(),
        rejected: None,
        client: None,
        formats: Vec::new(),
        applications: Vec::new(),
        code_page: CodePage::Auto,
    }
}

fn file(name: &str, size: u64, modified: i64) -> Listed {
    Listed {
        name: name.to_owned(),
        size,
        modified,
    }
}

fn ready(memory: &mut Memory, flow: &Incoming, files: &[Listed], second: i64) -> Vec<String> {
    let now = instant(second * 1_000_000);
    let ready = memory.ready(flow, files.to_vec(), now, POLL);
    ready.into_iter().map(|ready| ready.file.name).collect()
}

#[test]
fn what_was_renamed_is_complete_and_other_names_are_left_alone() {
    let flow = flow(Complete::Rename);
    let files = [
        file("b.zip", 1, 5),
        file("a.zip", 1, 9),
        file("a.zip.tmp", 1, 1),
        file("a.zip.ack.json", 1, 1),
    ];
    let found = ready(&mut Memory::default(), &flow, &files, 100);
    assert_eq!(found, ["b.zip", "a.zip"]);
}

#[test]
fn a_file_waits_for_its_marker() {
    let flow = flow(Complete::Marker(".ok".to_owned()));
    let mut memory = Memory::default();
    let files = [
        file("a.zip", 1, 5),
        file("b.zip", 1, 5),
        file("b.zip.ok", 0, 6),
    ];
    assert_eq!(ready(&mut memory, &flow, &files, 100), ["b.zip"]);
}

#[test]
fn a_file_is_stable_after_two_looks_a_poll_apart_with_the_same_size_and_date() {
    let flow = flow(Complete::Stable);
    let mut memory = Memory::default();
    let none: [&str; 0] = [];
    assert_eq!(ready(&mut memory, &flow, &[file("a.zip", 1, 5)], 100), none);
    // Rung early: nothing is told by that.
    assert_eq!(ready(&mut memory, &flow, &[file("a.zip", 1, 5)], 101), none);
    assert_eq!(ready(&mut memory, &flow, &[file("a.zip", 2, 5)], 111), none);
    assert_eq!(
        ready(&mut memory, &flow, &[file("a.zip", 2, 5)], 121),
        ["a.zip"]
    );
}

#[test]
fn what_failed_is_tried_again_later_and_a_new_file_of_that_name_at_once() {
    let flow = flow(Complete::Rename);
    let (mut memory, old) = (Memory::default(), file("a.zip", 1, 5));
    assert_eq!(memory.troubles.failed(&old, instant(100_000_000), POLL), 1);
    let none: [&str; 0] = [];
    assert_eq!(
        ready(&mut memory, &flow, std::slice::from_ref(&old), 105),
        none
    );
    assert_eq!(
        ready(&mut memory, &flow, &[file("a.zip", 2, 5)], 105),
        ["a.zip"]
    );
    assert_eq!(
        ready(&mut memory, &flow, std::slice::from_ref(&old), 121),
        ["a.zip"]
    );
    assert_eq!(memory.troubles.failed(&old, instant(121_000_000), POLL), 2);
    memory.taken(&old);
    assert_eq!(memory.troubles.next_try(Timestamp::MIN), None);
}

#[test]
fn what_a_clock_set_back_has_put_off_is_tried_at_once() {
    let flow = flow(Complete::Rename);
    let (mut memory, file) = (Memory::default(), file("a.zip", 1, 5));
    memory.troubles.failed(&file, instant(1_000_000_000), POLL);
    let found = ready(&mut memory, &flow, std::slice::from_ref(&file), 100);
    assert_eq!(found, ["a.zip"]);
    assert_eq!(memory.troubles.next_try(instant(100_000_000)), None);
}

#[test]
fn a_file_whose_turn_has_come_hastens_no_look() {
    let mut memory = Memory::default();
    memory
        .troubles
        .failed(&file("a.zip", 1, 5), instant(100_000_000), POLL);
    memory
        .troubles
        .failed(&file("b.zip", 1, 5), instant(105_000_000), POLL);
    let next = |second: i64| memory.troubles.next_try(instant(second * 1_000_000));
    assert_eq!(next(119), Some(instant(120_000_000)));
    // The first is being tried, as long as that takes.
    assert_eq!(next(120), Some(instant(125_000_000)));
    assert_eq!(next(125), None);
    assert_eq!(next(1000), None);
}

#[test]
fn a_file_is_not_at_rest_while_what_may_be_its_manifest_grows() {
    let flow = Incoming {
        pattern: "*.gz".to_owned(),
        ..flow(Complete::Stable)
    };
    let mut memory = Memory::default();
    let both = |size| {
        [
            file("a.gz", 9, 5),
            file("a.gz.manifest.json", size, size as i64),
        ]
    };
    let none: [&str; 0] = [];
    for (size, second) in [(10, 100), (20, 111), (30, 122)] {
        assert_eq!(ready(&mut memory, &flow, &both(size), second), none);
    }
    assert_eq!(ready(&mut memory, &flow, &both(30), 133), ["a.gz"]);
}

#[test]
fn a_listing_that_is_never_true_is_told_from_the_second_time_on() {
    let mut memory = Memory::default();
    let old = file("a.zip", 1, 5);
    let told =
        [&old, &old, &file("a.zip", 2, 5), &old].map(|of| memory.troubles.is_another_again(of));
    assert_eq!(told, [false, true, false, false]);
    assert!(memory.troubles.is_another_again(&old));
    assert_eq!(memory.troubles.failed(&old, instant(100_000_000), POLL), 1);
    assert!(memory.troubles.is_another_again(&old));
    assert_eq!(memory.troubles.failed(&old, instant(121_000_000), POLL), 2);
}

#[test]
fn a_manifest_is_awaited_a_few_polls_long() {
    let flow = flow(Complete::Rename);
    let (mut memory, lone) = (Memory::default(), file("a.zip", 1, 5));
    for poll in 0..i64::from(troubles::WAITS) {
        let now = instant(poll * 10_000_000);
        let ready = memory.ready(&flow, vec![lone.clone()], now, POLL);
        assert!(ready[0].is_patient, "{poll}");
        memory.troubles.awaits_manifest(&lone, now, POLL);
        assert_eq!(memory.ready(&flow, vec![lone.clone()], now, POLL), []);
    }
    let late = instant(1_000_000_000);
    assert!(!memory.ready(&flow, vec![lone.clone()], late, POLL)[0].is_patient);
    let other = file("a.zip", 2, 6);
    assert!(memory.ready(&flow, vec![other], late, POLL)[0].is_patient);
}
