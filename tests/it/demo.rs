//! The two commands of a newcomer: `navette demo`, as `make demo` runs it, and `navette demo --keep`, as `make run` does.

use std::{
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::kit::{
    process::{self, Fate, Finished},
    scratch, wait,
};

/// Seconds, on a machine that is busy with other tests.
const PATIENCE: u32 = 60;
const SOON: Duration = Duration::from_secs(60);

fn folder() -> PathBuf {
    let dir = scratch::fresh("demo");
    let mut script = Command::new("certs/make-pki.sh");
    script.arg(dir.join("pki"));
    process::run(&script, PATIENCE).succeeded();
    dir
}

fn command(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_navette"));
    command.args(["demo", "--dir"]).arg(dir).args(arguments);
    command
}

fn demo(dir: &Path, arguments: &[&str]) -> Finished {
    process::run(&command(dir, arguments), PATIENCE)
}

/// A demonstration that stays; the second half is its output so far.
fn staying(dir: &Path) -> (Child, String) {
    let log = dir.join("stdout");
    let child = process::start(&command(dir, &["--keep"]), Fate::Terminate, &log);
    let said = wait::until("line of a first call", SOON, || {
        let said = fs::read_to_string(&log).unwrap_or_default();
        said.lines()
            .any(|line| line.starts_with("curl ") && line.ends_with("/v1/pieces"))
            .then_some(said)
    });
    (child.expect("the binary is built"), said)
}

fn told_to_stop(child: &mut Child) -> Option<i32> {
    kill_process(Pid::from_child(child), Signal::TERM).expect("it is our child");
    let ended = wait::until("end of the demonstration", SOON, || {
        child.try_wait().expect("it is our child")
    });
    ended.code()
}

fn port(said: &str) -> u16 {
    let url = said.split("https://localhost:").nth(1).expect("a URL");
    let digits: String = url.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().expect("a port")
}

#[test]
fn a_demonstration_sends_the_fixtures_and_ends_well_by_itself() {
    let said = demo(&folder(), &[]).succeeded();
    assert!(said.contains("5 piece(s)"), "{said}");
    assert_eq!(
        said.matches("acknowledged by the partner: HTTP 200")
            .count(),
        5
    );
    assert_eq!(said.matches("receipt verified by openssl").count(), 6);
    assert!(!said.contains("NOT OK"), "{said}");
    assert!(said.contains("journal agree"), "{said}");
}

#[test]
fn a_demonstration_drops_an_archive_and_shows_its_receipt_its_return_and_the_acknowledgment() {
    for depot in ["folder", "sftp"] {
        let said = demo(&folder(), &["--depot", depot]).succeeded();
        let (_, archive) = said.split_once("through the depot").expect("an archive");
        for told in [
            "taken from the depot",
            "receipt left on the depot",
            "all pieces processed: processed",
            "return archive left on the depot",
            "acknowledged by the partner, by a file on the depot",
            "ok  one return archive, for all of its 5 pieces",
            "ok  receipt verified by openssl",
        ] {
            assert!(archive.contains(told), "{depot}, {told}: {said}");
        }
        assert!(!said.contains("NOT OK"), "{said}");
    }
}

#[test]
fn the_openssl_line_of_a_demonstration_works_when_it_is_pasted() {
    let dir = folder();
    let said = demo(&dir, &["fixtures/facture.pdf"]).succeeded();
    let line = said
        .lines()
        .find(|line| line.contains("openssl cms -verify"));
    let mut shell = Command::new("sh");
    shell.args(["-c", line.expect("the line is printed")]);
    let verified = process::run(&shell, PATIENCE);
    assert!(verified.stderr.contains("successful"), "{verified:?}");
}

#[test]
fn a_demonstration_works_again_in_the_same_folder() {
    let dir = folder();
    demo(&dir, &["fixtures/facture.pdf"]).succeeded();
    let said = demo(&dir, &["fixtures/facture.pdf"]).succeeded();
    assert!(said.contains("1 piece(s)"), "{said}");
}

#[test]
fn a_file_that_is_not_there_is_told_before_anything_starts() {
    let dir = folder();
    let said = demo(&dir, &["fixtures/nowhere.pdf"]).failed_with(2);
    assert!(said.contains("nowhere.pdf"), "{said}");
    assert!(!dir.join("navette.toml").exists());
}

#[test]
fn a_document_that_is_refused_makes_the_demonstration_fail_and_say_why() {
    let finished = demo(
        &folder(),
        &["fixtures/bad/program.exe", "fixtures/facture.pdf"],
    );
    assert_eq!(finished.status.code(), Some(1), "{finished:?}");
    assert!(
        finished.stdout.contains("media-type-not-accepted"),
        "{finished:?}"
    );
}

#[test]
fn a_folder_without_certificates_says_how_to_make_them() {
    let said = demo(&scratch::fresh("demo"), &["fixtures/facture.pdf"]).failed_with(3);
    assert!(said.contains("certs/make-pki.sh"), "{said}");
}

#[test]
fn the_curl_line_of_a_gateway_that_stays_sends_a_first_piece_and_its_return_arrives() {
    let dir = folder();
    let (mut child, said) = staying(&dir);
    let line = said.lines().find(|line| line.starts_with("curl "));
    let mut shell = Command::new("sh");
    shell.args(["-c", line.expect("it was waited for")]);
    let answer = process::run(&shell, PATIENCE).succeeded();
    let answer: serde_json::Value = serde_json::from_str(&answer).expect("JSON");
    assert_eq!(answer["outcome"], "accepted", "{answer}");
    let id = answer["reconciliationId"].as_str().expect("an id");
    wait::until("return of the first call", SOON, || {
        let said = fs::read_to_string(dir.join("stdout")).unwrap_or_default();
        said.lines()
            .any(|line| line.starts_with("return received") && line.contains(id))
            .then_some(())
    });
    told_to_stop(&mut child);
}

#[test]
fn the_first_call_of_the_readme_works_as_it_is_written() {
    let dir = folder();
    let (mut child, said) = staying(&dir);
    let readme = fs::read_to_string("README.md").expect("the front page");
    let call = readme
        .split("```sh\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next());
    let call = call.expect("a call to paste");
    let call = call.replace("target/demo", dir.to_str().expect("a text"));
    let call = call.replace("localhost:8443", &format!("localhost:{}", port(&said)));
    let mut shell = Command::new("sh");
    shell.args(["-c", &call]);
    let answer = process::run(&shell, PATIENCE).succeeded();
    assert!(answer.contains(r#""outcome":"accepted""#), "{answer}");
    told_to_stop(&mut child);
}

#[test]
fn a_gateway_that_stays_is_stopped_with_its_demonstration() {
    let (mut child, said) = staying(&folder());
    let address = ("127.0.0.1", port(&said));
    assert!(TcpStream::connect(address).is_ok());
    assert_eq!(told_to_stop(&mut child), Some(0));
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn a_gateway_goes_down_even_when_its_demonstration_is_killed() {
    let (mut child, said) = staying(&folder());
    kill_process(Pid::from_child(&child), Signal::KILL).expect("it is our child");
    child.wait().expect("it was killed");
    let address = ("127.0.0.1", port(&said));
    wait::until("end of the gateway", SOON, || {
        TcpStream::connect(address).is_err().then_some(())
    });
}

#[test]
fn a_folder_serves_one_demonstration_at_a_time() {
    let dir = folder();
    let (mut child, _) = staying(&dir);
    let said = demo(&dir, &["fixtures/facture.pdf"]).failed_with(2);
    assert!(said.contains("in use"), "{said}");
    told_to_stop(&mut child);
}

/// The hub's demonstration: a whole télédossier, its timeline, and a piece that goes on as one.
#[test]
fn a_demonstration_of_the_hub_plays_a_télédossier_and_prints_its_timeline() {
    let dir = folder();
    for round in 1..=2 {
        let said = demo(&dir, &["--hub"]).succeeded();
        for told in [
            "OSL  completes it",
            "SI  is notified",
            "ok  facture.pdf arrived byte for byte",
            "recipients notified, in the same transaction",
            "folder closed",
            "went on as folder",
            "ok  the subscriber's case names the piece",
            "journal agree",
        ] {
            assert!(said.contains(told), "round {round}, {told}: {said}");
        }
        assert!(!said.contains("NOT OK"), "{said}");
    }
}
