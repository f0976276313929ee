//! Flows of one depot that would take one another's files, or what we leave there ourselves: a return that acknowledges itself, a
//! receipt that is taken for an acknowledgment, an archive of two projects.
//!
//! Two paths are one where they lead to one folder. Flows may share it as long as no name can be of both: of a pattern, only `*`
//! and `?` stand for other characters.

use super::{
    super::reader::Reader,
    flow::{Acknowledgments, Direction, Flow, Incoming, MANIFESTS, RECEIPTS, Then},
};

/// An id as the name of a return's file holds it.
const ID: &str = "????????-????-????-????-????????????";
/// What tells a file from an earlier one of its name that was moved to the same folder.
const MARK: &str = ".????????????";

/// A folder where files are taken.
struct Watch<'a> {
    at: usize,
    flow: &'a Flow,
    pattern: String,
    /// What the names of files end with that are left alone there.
    spared: Vec<&'a str>,
}

/// Files that we leave in a folder.
struct Left<'a> {
    key: String,
    folder: &'a str,
    /// What their names may be.
    names: Vec<String>,
}

/// Tells of every folder in which a flow would take what is not for it.
pub(super) fn refuse(reader: &mut Reader, flows: &[Flow]) {
    let watches: Vec<_> = flows.iter().enumerate().filter_map(watch).collect();
    for (number, one) in watches.iter().enumerate() {
        for other in watches[..number].iter().filter(|other| both(one, other)) {
            tell(reader, &place(one.at, one.flow), other);
        }
    }
    for left in flows.iter().enumerate().flat_map(left) {
        let takes = |watch: &&Watch<'_>| {
            is_one_folder(&watch.flow.path, left.folder)
                && left.names.iter().any(|name| watch.takes(name))
        };
        for watch in watches.iter().filter(takes) {
            tell(reader, &left.key, watch);
        }
    }
}

fn tell(reader: &mut Reader, key: &str, watch: &Watch<'_>) {
    let detail = format!(
        "flow \"{}\" would take what lies in this folder: give it another folder, or a pattern that none of these names has",
        watch.flow.name
    );
    reader.wrong(key, &detail);
}

/// Whether one file can be taken by both. What two flows of acknowledgments see is told apart by the return that it is about, and
/// archives with markers by these.
fn both(one: &Watch<'_>, other: &Watch<'_>) -> bool {
    let archives = |watch: &Watch<'_>| matches!(watch.flow.direction, Direction::In(_));
    (archives(one) || archives(other))
        && !have_other_markers(one, other)
        && is_one_folder(&one.flow.path, &other.flow.path)
        && one.takes(&other.pattern)
        && other.takes(&one.pattern)
}

fn have_other_markers(one: &Watch<'_>, other: &Watch<'_>) -> bool {
    let of = |watch: &Watch<'_>| match &watch.flow.direction {
        Direction::In(incoming) => incoming.complete.marker().map(str::to_owned),
        _ => None,
    };
    of(one)
        .zip(of(other))
        .is_some_and(|(one, other)| one != other)
}

impl Watch<'_> {
    /// Whether it takes files of some name of this pattern.
    fn takes(&self, names: &str) -> bool {
        let is_spared = self.spared.iter().any(|ending| names.ends_with(ending));
        !is_spared && have_a_name_in_common(&self.pattern, names)
    }
}

fn watch((at, flow): (usize, &Flow)) -> Option<Watch<'_>> {
    let (pattern, spared) = match &flow.direction {
        Direction::In(incoming) => (incoming.pattern.clone(), incoming.beside()),
        Direction::Acknowledgments(acks) => (acks.any_name(), Vec::new()),
        Direction::Out(_) => return None,
    };
    Some(Watch {
        at,
        flow,
        pattern,
        spared,
    })
}

/// Everything that a flow leaves on the depot.
fn left((at, flow): (usize, &Flow)) -> Vec<Left<'_>> {
    match &flow.direction {
        Direction::In(incoming) => of_archives(at, incoming),
        Direction::Out(out) => {
            let name = format!("?*-{ID}.{}", out.format.as_str());
            let marker = out.marker.iter().map(|marker| format!("{name}{marker}"));
            vec![Left {
                key: place(at, flow),
                folder: &flow.path,
                names: marker.chain([name.clone()]).collect(),
            }]
        }
        Direction::Acknowledgments(acks) => of_acknowledgments(at, acks),
    }
}

fn of_archives(at: usize, incoming: &Incoming) -> Vec<Left<'_>> {
    let receipts = RECEIPTS.map(|ending| format!("*{ending}"));
    let pattern = &incoming.pattern;
    let endings = ["", MARK].into_iter().chain(MANIFESTS);
    let names: Vec<_> = endings.map(|ending| format!("{pattern}{ending}")).collect();
    let rejected = incoming.rejected.as_deref().map(|to| ("rejected", to));
    let gone = moved(&incoming.then).into_iter().chain(rejected);
    let gone = gone.map(|(key, folder)| Left {
        key: key_of(at, key),
        folder,
        names: names.clone(),
    });
    let receipts = Left {
        key: key_of(at, "receipts"),
        folder: &incoming.receipts,
        names: receipts.into(),
    };
    gone.chain([receipts]).collect()
}

fn of_acknowledgments(at: usize, acks: &Acknowledgments) -> Vec<Left<'_>> {
    let endings = std::iter::once("").chain(acks.beside());
    let names: Vec<_> = endings
        .map(|ending| format!("{}{ending}", acks.any_name()))
        .collect();
    let gone = moved(&acks.then).map(|(key, folder)| Left {
        key: key_of(at, key),
        folder,
        names,
    });
    gone.into_iter().collect()
}

fn moved(then: &Then) -> Option<(&'static str, &str)> {
    match then {
        Then::Move(folder) => Some(("moved", folder)),
        Then::Delete => None,
    }
}

fn key_of(at: usize, name: &str) -> String {
    format!("flow[{at}].{name}")
}

/// The key that says where a flow's files lie; for a CFT, the last of those that do.
fn place(at: usize, flow: &Flow) -> String {
    let name = flow.idf.as_ref().map_or("path", |_| "idf");
    key_of(at, name)
}

/// Whether two paths lead to one folder. One that was not given leads nowhere, and is told as missing.
fn is_one_folder(one: &str, other: &str) -> bool {
    let parts = |path| str::split(path, '/').filter(|part| !matches!(*part, "" | "."));
    !one.is_empty() && !other.is_empty() && parts(one).eq(parts(other))
}

/// Whether some name is of both patterns.
fn have_a_name_in_common(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    // Whether what is left of `one` and each rest of `other` have one; from the ends to the beginnings.
    let mut after: Vec<bool> = Vec::new();
    for at in (0..=one.len()).rev() {
        let mut now = vec![false; other.len() + 1];
        for to in (0..=other.len()).rev() {
            now[to] = match (one.get(at), other.get(to)) {
                (None, None) => true,
                (Some('*'), None) => after[to],
                (Some('*'), Some(_)) => after[to] || now[to + 1],
                (None, Some('*')) => now[to + 1],
                (Some(_), Some('*')) => now[to + 1] || after[to],
                (Some(a), Some(b)) => (a == b || *a == '?' || *b == '?') && after[to + 1],
                (None, Some(_)) | (Some(_), None) => false,
            };
        }
        after = now;
    }
    after[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_patterns_are_apart_where_no_name_is_of_both() {
        let name = format!("?*-{ID}.zip");
        for (one, other) in [
            ("*.zip", "*.ack.json"),
            ("a*", "b*"),
            ("?.zip", "??.zip"),
            ("*.ack.json", &name),
            ("", "?*"),
            ("é?.zip", "e*.zip"),
        ] {
            assert!(!have_a_name_in_common(one, other), "{one} {other}");
            assert!(!have_a_name_in_common(other, one), "{other} {one}");
        }
        for (one, other) in [
            ("*", "*.zip"),
            ("a*.zip", "*b.zip"),
            ("a*b*c", "*bb*"),
            ("*.*", &name),
            ("LOT-*", &name),
            ("", "*"),
            ("a?c", "?b*"),
        ] {
            assert!(have_a_name_in_common(one, other), "{one} {other}");
            assert!(have_a_name_in_common(other, one), "{other} {one}");
        }
    }

    #[test]
    fn paths_are_one_however_they_are_written() {
        for (one, other) in [("in", "/in/"), ("./a//b", "a/b"), (".", "/")] {
            assert!(is_one_folder(one, other), "{one} {other}");
        }
        for (one, other) in [("in", "in/a"), ("", ""), ("in", "")] {
            assert!(!is_one_folder(one, other), "{one} {other}");
        }
    }
}
