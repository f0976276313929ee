//! Reads the `use` declarations of a source, and what it names in full.

/// The source without comments: what follows `//` on a line, unless it is part of a URL.
fn code(text: &str) -> String {
    let lines = text.lines();
    lines
        .map(|line| match line.trim_start().starts_with("//") {
            true => "\n".to_owned(),
            false => line.split(" // ").next().unwrap_or_default().to_owned() + "\n",
        })
        .collect()
}

/// Every path that a `use` declaration names, its braces multiplied out.
fn used(text: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for declaration in code(text).split(';') {
        let start = declaration
            .rfind("\nuse ")
            .map(|at| at + 5)
            .or_else(|| declaration.rfind(" use ").map(|at| at + 5));
        if let Some(start) = start {
            let tree: String = declaration[start..]
                .chars()
                .filter(|c| !c.is_whitespace())
                .collect();
            multiply("", &tree, &mut paths);
        }
    }
    paths
}

/// `a::{b, c::{d, e}}` behind `prefix` as three paths.
fn multiply(prefix: &str, tree: &str, paths: &mut Vec<String>) {
    let Some(open) = tree.find('{') else {
        paths.push(format!("{prefix}{tree}"));
        return;
    };
    let prefix = format!("{prefix}{}", &tree[..open]);
    let inner = tree[open + 1..]
        .strip_suffix('}')
        .unwrap_or(&tree[open + 1..]);
    for branch in branches(inner) {
        multiply(&prefix, branch, paths);
    }
}

/// The parts between the commas that stand in no further braces.
fn branches(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0_usize, 0, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts.into_iter().filter(|part| !part.is_empty()).collect()
}

/// Whether the source names `path`: in a `use`, or in full where it is needed.
pub fn names(text: &str, path: &str) -> bool {
    let below = format!("{path}::");
    let in_full = |line: &str| {
        line.match_indices(&below).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
        })
    };
    used(text)
        .iter()
        .any(|used| used == path || used.starts_with(&below))
        || code(text).lines().any(in_full)
}

#[test]
fn a_use_declaration_is_read_with_its_braces_multiplied_out() {
    let text = "// use a::z;\nuse a::{\n    b::{c, d as e}, // a word\n    f,\n};\npub use g::h;\n";
    assert_eq!(used(text), ["a::b::c", "a::b::dase", "a::f", "g::h"]);
    assert!(names("let x = reqwest::get();", "reqwest"));
    assert!(!names("let x = my_reqwest::get();", "reqwest"));
}
