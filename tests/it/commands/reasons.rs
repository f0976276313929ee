//! Why a command was run, which the journal keeps: one rule for all of them.

use crate::kit::gateway::{Engine, Kit};

const ID: &str = "019aa5d6-5b7a-7f3e-8e3c-2f1f7c9f3a10";

/// Every command that asks why, with what else it needs.
const COMMANDS: [&[&str]; 16] = [
    &["archive", "retry", ID],
    &["backup", "copie"],
    &[
        "client",
        "add",
        "isis",
        "--projects",
        "p",
        "--applications",
        "a",
    ],
    &["client", "revoke", "isis"],
    &["client", "rotate", "isis"],
    &["hold", "add", "D-1", "--project", "p"],
    &["hold", "remove", "D-1", "--project", "p"],
    &["hubee", "client", "revoke", "si"],
    &["hubee", "import", "referentiel"],
    &["incident", "ack", ID],
    &["incident", "called", ID],
    &["incident", "resolve", ID],
    &["job", "retry", ID],
    &["purge"],
    &["restore", "copie"],
    &["return", "redeliver", ID],
];

/// Empty, too long, or with what would break the line of a list.
#[tokio::test]
async fn a_reason_that_says_nothing_or_does_not_fit_a_line_is_refused_by_every_command() {
    let kit = Kit::new(Engine::Sqlite);
    kit.write();
    for command in COMMANDS {
        for reason in [" ", "a\nb", &"x".repeat(201)] {
            let said = kit
                .run(&[command, &["--reason", reason]].concat())
                .failed_with(2);
            assert!(said.contains("1 to 200 characters"), "{command:?}: {said}");
        }
    }
    assert!(!kit.dir().join("data").exists());
}
