//! `navette push` and `navette status`: an application without a line of code.

use std::{fs, net::TcpListener, path::PathBuf, thread};

use serde_json::Value;

use super::wait_for_status;
use crate::{
    both_engines,
    kit::{
        document,
        gateway::{APPLICATION, Credentials, Gateway, PROJECT},
        process,
    },
};

/// The arguments of a push of files of dossier D-1, with more options.
fn push<'a>(files: &'a [String], options: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["push", "--project", PROJECT, "--application", APPLICATION];
    arguments.extend(["--dossier", "D-1", "--json"]);
    arguments.extend(options);
    arguments.extend(files.iter().map(String::as_str));
    arguments
}

/// An application, and a folder for its files.
fn sender(gateway: &Gateway) -> (Credentials, PathBuf) {
    let folder = gateway.dir().join("to send");
    fs::create_dir_all(&folder).expect("the scratch directory is writable");
    (
        gateway.register("poste", &["pieces:write", "pieces:read"]),
        folder,
    )
}

/// Writes files of these names and contents.
fn written(folder: &std::path::Path, files: &[(&str, Vec<u8>)]) -> Vec<String> {
    let write = |(name, bytes): &(&str, Vec<u8>)| {
        let path = folder.join(name);
        fs::write(&path, bytes).expect("the scratch directory is writable");
        path.display().to_string()
    };
    files.iter().map(write).collect()
}

/// The lines of JSON, by the file's name.
#[track_caller]
fn lines(said: &str) -> Vec<Value> {
    let mut lines: Vec<Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).expect(line))
        .collect();
    lines.sort_by_key(|line| line["file"].as_str().expect("a file").to_owned());
    lines
}

both_engines! {
    /// Files are sent with their guessed type and computed hash, and their returns awaited.
    async fn pushed_files_are_received_and_their_returns_awaited(kit) {
        let gateway = kit.start();
        let (credentials, folder) = sender(&gateway);
        let files = written(&folder, &[("a.pdf", document::pdf("a", 300_000)), ("b.txt", b"bonjour\n".to_vec())]);
        let said = gateway.run_as(&credentials, &push(&files, &["--wait"])).succeeded();
        let lines = lines(&said);
        let types: Vec<_> = lines.iter().map(|line| &line["mediaType"]).collect();
        assert_eq!(types, ["application/pdf", "text/plain"]);
        for line in &lines {
            assert_eq!((&line["outcome"], &line["return"]["outcome"]), (&"accepted".into(), &"processed".into()), "{line}");
        }
    }

    /// The same command again resumes by its keys: what is in already has its first answer, and is no second piece.
    async fn a_push_that_is_run_again_goes_on_where_it_was(kit) {
        let gateway = kit.start();
        let (credentials, folder) = sender(&gateway);
        let mut files = written(&folder, &[("a.pdf", document::small("a"))]);
        let first = lines(&gateway.run_as(&credentials, &push(&files, &[])).succeeded()).remove(0);
        files.extend(written(&folder, &[("b.pdf", document::small("b"))]));
        let again = lines(&gateway.run_as(&credentials, &push(&files, &[])).succeeded());
        assert_eq!((&first["outcome"], &first["replayed"]), (&"accepted".into(), &false.into()));
        assert_eq!((&again[0]["outcome"], &again[0]["replayed"]), (&"accepted".into(), &true.into()));
        assert_eq!((&again[1]["outcome"], &again[1]["replayed"]), (&"accepted".into(), &false.into()));
        assert_eq!(first["receiptId"], again[0]["receiptId"]);
        assert_eq!(gateway.count("SELECT count(*) FROM exchange"), 2);
    }

    /// Under another name it is another sending, and still the same piece.
    async fn a_file_that_is_pushed_under_another_name_is_a_duplicate(kit) {
        let gateway = kit.start();
        let (credentials, folder) = sender(&gateway);
        let said = |name| {
            let files = written(&folder, &[(name, document::small("a"))]);
            lines(&gateway.run_as(&credentials, &push(&files, &[])).succeeded()).remove(0)
        };
        let (first, second) = (said("a.pdf"), said("b.pdf"));
        assert_eq!((&first["outcome"], &second["outcome"]), (&"accepted".into(), &"duplicate".into()));
        assert_eq!(first["receiptId"], second["receiptId"]);
    }

    /// The gateway dies before its commit; the same command, run again at once, waits for the key and brings the file in.
    async fn a_push_that_a_crash_interrupted_is_resumed(kit) {
        let kit = kit.set("limits.idempotency_lease_seconds", 3);
        let mut gateway = kit.env("NAVETTE_FAILPOINT", "intake.before-commit").start();
        let (credentials, folder) = sender(&gateway);
        let files = written(&folder, &[("a.pdf", document::small("a"))]);
        gateway.run_as(&credentials, &push(&files, &["--retries", "0"])).failed_with(4);
        gateway.ended();
        gateway.restart_with(&[]);
        let said = gateway.run_as(&credentials, &push(&files, &[])).succeeded();
        assert_eq!(lines(&said)[0]["outcome"], "accepted", "{said}");
        assert_eq!(gateway.count("SELECT count(*) FROM exchange"), 1);
        gateway.await_idle();
        gateway.doctor();
    }

    /// One refused file does not hold the others back, and its faults are listed.
    async fn a_refused_file_is_told_with_its_faults_and_the_others_go_in(kit) {
        let gateway = kit.start();
        let (credentials, folder) = sender(&gateway);
        let files = written(&folder, &[("a.pdf", document::small("a")), ("b.pdf", Vec::new())]);
        let said = gateway.run_as(&credentials, &push(&files, &[]));
        assert_eq!(said.status.code(), Some(1), "{said:?}");
        let lines = lines(&said.stdout);
        assert_eq!((&lines[0]["outcome"], &lines[1]["outcome"]), (&"accepted".into(), &"refused".into()));
        assert_eq!(lines[1]["problem"]["code"], "content-empty", "{lines:?}");
    }

    /// A gateway that is away for a while is waited for.
    async fn a_push_outlasts_a_restart_of_the_gateway(kit) {
        let mut gateway = kit.start();
        let (credentials, folder) = sender(&gateway);
        let files = written(&folder, &[("a.pdf", document::small("a"))]);
        gateway.stop();
        let door = TcpListener::bind(gateway.address()).unwrap();
        let command = gateway.command_as(&credentials, &push(&files, &[]));
        let pushing = thread::spawn(move || process::run(&command, 60));
        drop(door.accept().unwrap());
        drop(door);
        gateway.restart();
        let said = pushing.join().unwrap().succeeded();
        assert_eq!(lines(&said)[0]["outcome"], "accepted");
    }

    /// A gateway that stays away is told as such.
    async fn a_push_to_nobody_ends_with_its_own_code(kit) {
        let mut gateway = kit.start();
        let (credentials, folder) = sender(&gateway);
        let files = written(&folder, &[("a.pdf", document::small("a"))]);
        gateway.stop();
        let said = gateway.run_as(&credentials, &push(&files, &["--retries", "0"]));
        assert!(said.failed_with(4).contains("does not answer"));
    }

    /// A file that is not there is wrong use, and the others go in all the same.
    async fn a_file_that_is_not_there_is_told_and_the_others_go_in(kit) {
        let gateway = kit.start();
        let (credentials, folder) = sender(&gateway);
        let mut files = written(&folder, &[("a.pdf", document::small("a"))]);
        files.push(folder.join("none.pdf").display().to_string());
        let said = gateway.run_as(&credentials, &push(&files, &[]));
        assert_eq!(said.status.code(), Some(2), "{said:?}");
        let lines = lines(&said.stdout);
        assert_eq!((&lines[0]["outcome"], &lines[1]["outcome"]), (&"accepted".into(), &"failed".into()));
    }

    /// The sender sees the trace of its piece; the operator the partner's proof too.
    async fn status_tells_the_sender_its_trace_and_the_operator_the_proof(kit) {
        let gateway = kit.start();
        let (credentials, folder) = sender(&gateway);
        let files = written(&folder, &[("a.pdf", document::small("a"))]);
        let said = gateway.run_as(&credentials, &push(&files, &[])).succeeded();
        let id = lines(&said)[0]["reconciliationId"].as_str().unwrap().to_owned();
        wait_for_status(&gateway, "acknowledged", 1);
        let remote = gateway.run_as(&credentials, &["status", &id]).succeeded();
        assert!(remote.contains("return.acknowledged") && remote.contains("D-1"), "{remote}");
        let local = gateway.run(&["status", &id, "--local", "--json"]).succeeded();
        let local: Value = serde_json::from_str(&local).unwrap();
        assert_eq!(local["attempts"][0]["httpStatus"], 200, "{local}");
        assert!(local["acknowledgment"]["partnerReference"].as_str().unwrap().starts_with("AR-"), "{local}");
        gateway.run_as(&credentials, &["status", "019aa5d6-5b7a-7f3e-8e3c-2f1f7c9f3a10"]).failed_with(2);
    }
}
