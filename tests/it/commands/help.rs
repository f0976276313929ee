//! What each command says of itself.

use std::process::Command;

use crate::kit::process;

/// What is run from a service or from a monitor's procedure, or shows what people look at: nobody reads it by a program.
const WITHOUT_JSON: [&str; 4] = ["serve", "worker", "demo", "cft received"];

/// The help of the command at `path`.
fn help(path: &[String]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_navette"));
    command.args(path).arg("--help");
    process::run(&command, 20).succeeded()
}

/// The commands below a group, as its help lists them; none where it is no group.
fn below(help: &str) -> Vec<String> {
    let listed = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty());
    let names = listed.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let names = names.filter(|name| !name.is_empty() && *name != "help");
    names.map(str::to_owned).collect()
}

/// Every command that does something, with its help.
fn commands(path: &[String], found: &mut Vec<(String, String)>) {
    let said = help(path);
    let names = below(&said);
    if names.is_empty() {
        found.push((path.join(" "), said));
        return;
    }
    for name in names {
        commands(&[path, &[name][..]].concat(), found);
    }
}

#[test]
fn every_command_shows_an_example_and_answers_with_json() {
    let mut found = Vec::new();
    commands(&[], &mut found);
    assert!(found.len() > 40, "{found:?}");
    for (path, said) in found {
        let example = said.split_once("Example").map(|(_, rest)| rest);
        let example = example.and_then(|rest| rest.split("\nUsage:").next());
        let shown = example.is_some_and(|example| example.contains(&path));
        assert!(shown, "{path}: {said}");
        let json = said.contains("--json");
        assert_eq!(json, !WITHOUT_JSON.contains(&&*path), "{path}: {said}");
    }
}

/// The front page names each command, by its group and its own word.
#[test]
fn the_front_page_names_every_command() {
    let page = std::fs::read_to_string("README.md").expect("the front page");
    let table: Vec<&str> = page
        .lines()
        .filter(|line| line.starts_with("| `navette "))
        .collect();
    let mut found = Vec::new();
    commands(&[], &mut found);
    for (path, _) in found {
        let words: Vec<&str> = path.split(' ').collect();
        let named = |line: &&str| {
            let cell = line.split(" | ").next().unwrap_or_default();
            let known: Vec<&str> = cell
                .split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
                .collect();
            words.iter().all(|word| known.contains(word))
        };
        assert!(table.iter().any(named), "{path}");
    }
}
