//! Purges and backups that die at any moment, or meet a disk that fails or is full: whole exchanges are purged or not, a
//! backup is one or is none, and the next run does the rest.

use std::{
    fs,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use serde_json::Value;

use crate::{
    both_engines,
    kit::{
        chance::Chance,
        client::{Client, metadata},
        document,
        gateway::{Engine, Gateway, Kit, REASON},
        process,
        tmpfs::Tmpfs,
        wait,
    },
    retention::marks,
};

/// For a command on a busy machine, in seconds.
const PATIENCE: u32 = 60;
const KILLS: usize = 100;
/// Within how many microseconds the first run is killed, and the least of it later on: a process that has just begun.
const FIRST_SPAN: u64 = 300_000;
const LEAST_SPAN: u64 = 1_000;
/// How many pieces come and grow old between two runs.
const PIECES: usize = 3;
/// Long enough for pieces to go the whole way on a busy machine.
const SOON: Duration = Duration::from_secs(60);

/// Sends pieces that are over their term at once; how many there are by now.
async fn more(gateway: &Gateway, client: &Client, sent: &mut usize, pieces: usize) {
    for _ in 0..pieces {
        let dossier = format!("D-{sent}");
        let answer = client
            .push(&metadata(&dossier), document::small(&dossier))
            .await;
        assert_eq!(answer.status, 202, "{answer:?}");
        *sent += 1;
    }
    let waiting = "SELECT count(*) FROM exchange WHERE status NOT IN ('acknowledged', 'purged')";
    wait::until("acknowledgments", SOON, || {
        (gateway.count(waiting) == 0).then_some(())
    });
    gateway.await_idle();
    // A hundred days.
    gateway.sql("UPDATE exchange_return SET acknowledged_at = acknowledged_at - 8640000000000 WHERE purged_at IS NULL; SELECT 1");
}

/// What a dead process holds would come back by itself, in a minute.
fn take_lease_away(gateway: &Gateway) {
    gateway.sql("DELETE FROM lease WHERE name = 'purge'; SELECT 1");
}

/// Fails unless one more purge leaves every piece purged once, without a blob, and a house that agrees with itself.
fn is_purged_whole(gateway: &Gateway, sent: usize) {
    take_lease_away(gateway);
    gateway.run(&["purge", "--reason", REASON]).succeeded();
    gateway.await_idle();
    assert_eq!(
        gateway.count("SELECT count(*) FROM exchange WHERE status = 'purged'"),
        sent as u64
    );
    let entries = gateway.count("SELECT count(*) FROM journal WHERE kind = 'exchange.purged'");
    assert_eq!(entries, sent as u64, "each exactly once");
    assert_eq!(gateway.count("SELECT count(*) FROM blob_removal"), 0);
    // A process that dies as it tries its store out leaves an unfinished file to the sweep.
    let blobs = gateway.blobs().into_iter();
    let left: Vec<_> = blobs.filter(|file| file.extension().is_none()).collect();
    assert!(left.is_empty(), "{left:?}");
    gateway.doctor();
}

/// Within how many microseconds the next run is killed: what was done before it was killed takes less, what was not may take
/// more. So runs die at any moment of theirs, whatever else the machine does.
fn next_span(span: u64, moment: u64, died: bool) -> u64 {
    match died {
        true => span + span / 20,
        false => moment.max(LEAST_SPAN),
    }
}

/// A backup has its hash list and every byte that it lists, or is none: also where the command failed after the list.
fn is_whole_or_none(gateway: &Gateway, copy: &Path, succeeded: bool) {
    if copy.join("SHA256SUMS").exists() {
        let mut check = Command::new("sha256sum");
        check.args(["--check", "--strict", "--quiet", "SHA256SUMS"]);
        process::run(check.current_dir(copy), PATIENCE).succeeded();
        return;
    }
    assert!(!succeeded, "{}: done, and no hash list", copy.display());
    let restored = gateway.run(&["restore", &copy.display().to_string(), "--reason", REASON]);
    assert_eq!(restored.status.code(), Some(2), "{restored:?}");
}

/// A file of each kind of a backup, by the name under which it is written.
fn kinds(copy: &Path) -> Vec<String> {
    let some = |folder: &str| {
        let mut files = marks::files(&copy.join(folder));
        let name = files.pop().expect("a file of each kind");
        name.strip_prefix(copy).expect("it lies there").to_owned()
    };
    let written = [
        "rows/exchange.jsonl".into(),
        some("blobs"),
        some("keys").with_extension("part"),
        "manifest.part".into(),
        "SHA256SUMS.part".into(),
    ];
    written
        .map(|name: PathBuf| name.display().to_string())
        .into()
}

both_engines! {
    /// Beside a gateway that serves and works.
    async fn purges_and_backups_killed_at_any_moment_leave_nothing_half_done(kit) {
        let mut chance = Chance::new();
        let gateway = kit.start();
        let client = gateway.client().await;
        let (mut sent, mut deaths) = (0, 0);
        let mut spans = [FIRST_SPAN; 2];
        for number in 0..KILLS {
            if number % 10 == 0 {
                more(&gateway, &client, &mut sent, PIECES).await;
            }
            let copy = gateway.dir().join(format!("copie-{number}"));
            let copy_text = copy.display().to_string();
            let purge = ["purge", "--reason", REASON];
            let backup = ["backup", &copy_text];
            let is_backup = number % 2 == 1;
            let arguments: &[&str] = if is_backup { &backup } else { &purge };
            let mut child = gateway.start_command(arguments);
            let span = &mut spans[number % 2];
            let moment = chance.below(*span);
            tokio::time::sleep(Duration::from_micros(moment)).await;
            let _ = child.kill();
            let ended = child.wait().expect("it is our child");
            let died = ended.signal() == Some(9);
            deaths += usize::from(died);
            *span = next_span(*span, moment, died);
            if is_backup && number % 8 == 1 {
                is_whole_or_none(&gateway, &copy, ended.success());
            }
            let _ = fs::remove_dir_all(&copy);
            take_lease_away(&gateway);
        }
        println!("{deaths} of {KILLS} died, {sent} pieces");
        assert!(deaths > KILLS / 4, "{deaths} died: too few to prove anything");
        more(&gateway, &client, &mut sent, 1).await;
        is_purged_whole(&gateway, sent);
        let copy = gateway.dir().join("copie");
        gateway.run(&["backup", &copy.display().to_string()]).succeeded();
        assert!(copy.join("SHA256SUMS").exists());
    }

    /// Each call that makes something durable, or gone, fails in turn.
    async fn a_purge_whose_disk_fails_at_any_step_is_done_by_the_next(kit) {
        let mut gateway = kit.start();
        let client = gateway.client().await;
        let (mut sent, mut failed) = (0, 0);
        for (calls, error) in STEPS {
            for when in ["1", "3"] {
                more(&gateway, &client, &mut sent, 1).await;
                let run = gateway.run_behind(&failing(calls, error, when), &["purge", "--reason", REASON]);
                failed += usize::from(!run.status.success());
                take_lease_away(&gateway);
            }
        }
        assert!(failed >= STEPS.len() / 2, "{failed} runs failed: the disk was not that bad");
        // A purge that could not remove its blobs has the worker do it.
        assert!(gateway.stop().success());
        gateway.restart();
        is_purged_whole(&gateway, sent);
    }

    /// A backup that met a failing disk is none, and says so by its exit code.
    async fn a_backup_whose_disk_fails_at_any_step_is_none(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let mut sent = 0;
        more(&gateway, &client, &mut sent, PIECES).await;
        let mut failed = 0;
        for (calls, error) in STEPS {
            for when in ["1", "2"] {
                let copy = gateway.dir().join(format!("copie-{calls}-{when}"));
                let run = gateway.run_behind(&failing(calls, error, when), &["backup", &copy.display().to_string()]);
                take_lease_away(&gateway);
                failed += usize::from(!run.status.success());
                is_whole_or_none(&gateway, &copy, run.status.success());
            }
        }
        assert!(failed >= 4, "{failed} runs failed: the disk was not that bad");
        let copy = gateway.dir().join("copie");
        gateway.run(&["backup", &copy.display().to_string()]).succeeded();
        gateway.doctor();
    }

    /// One file of each kind in turn takes no byte.
    async fn a_backup_of_which_a_file_cannot_be_written_is_none(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let mut sent = 0;
        more(&gateway, &client, &mut sent, 1).await;
        let whole = gateway.dir().join("copie");
        gateway.run(&["backup", &whole.display().to_string()]).succeeded();
        for (number, name) in kinds(&whole).into_iter().enumerate() {
            let copy = gateway.dir().join(format!("copie-{number}"));
            let mut full = failing("write", "ENOSPC", "1");
            full.extend(["-P".to_owned(), copy.join(&name).display().to_string()]);
            let run = gateway.run_behind(&full, &["backup", &copy.display().to_string()]);
            assert_eq!(run.status.code(), Some(4), "{name}: {run:?}");
            is_whole_or_none(&gateway, &copy, false);
            assert!(!copy.join("SHA256SUMS").exists(), "{name}");
            take_lease_away(&gateway);
        }
        gateway.doctor();
    }

    /// The sync that makes a backup durable fails.
    async fn a_backup_that_is_not_brought_to_its_disk_is_none(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let mut sent = 0;
        more(&gateway, &client, &mut sent, 1).await;
        let copy = gateway.dir().join("copie");
        let run = gateway.run_behind(&failing("syncfs", "EIO", "1+"), &["backup", &copy.display().to_string()]);
        assert_eq!(run.status.code(), Some(4), "{run:?}");
        assert!(!copy.join("SHA256SUMS").exists());
        take_lease_away(&gateway);
        is_whole_or_none(&gateway, &copy, false);
    }

    /// A target that fills up at this or that step; with room it is a backup.
    async fn a_backup_that_does_not_fit_is_none(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let mut sent = 0;
        more(&gateway, &client, &mut sent, PIECES).await;
        let folder = gateway.dir().join("petit");
        let disk = Tmpfs::mount(&folder, 2);
        let copy = folder.join("copie");
        for kilobytes in [0, 4, 8, 16, 24, 32, 48] {
            disk.leave(kilobytes * 1024);
            let run = gateway.run(&["backup", &copy.display().to_string()]);
            is_whole_or_none(&gateway, &copy, run.status.success());
            assert!(kilobytes > 0 || !run.status.success(), "{run:?}");
            let _ = fs::remove_dir_all(&copy);
            disk.make_room();
        }
        gateway.run(&["backup", &copy.display().to_string()]).succeeded();
        assert!(copy.join("SHA256SUMS").exists());
    }
}

/// The data folder has no room: nothing is half purged, and room helps.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purge_without_room_leaves_whole_exchanges() {
    let kit = Kit::new(Engine::Sqlite);
    let disk = Tmpfs::mount(&kit.dir().join("data"), 6);
    let gateway = kit.start();
    let client = gateway.client().await;
    let mut sent = 0;
    for kilobytes in [0, 16, 64, 256] {
        more(&gateway, &client, &mut sent, PIECES).await;
        disk.leave(kilobytes * 1024);
        let run = gateway.run(&["purge", "--reason", REASON, "--json"]);
        assert!(kilobytes > 0 || !run.status.success(), "{run:?}");
        if let Ok(report) = serde_json::from_str::<Value>(&run.stdout) {
            assert!(report["exchanges"].is_u64(), "{report}");
        }
        disk.make_room();
        take_lease_away(&gateway);
    }
    is_purged_whole(&gateway, sent);
}

/// What fails, and how: what a dying disk says, and a full one.
const STEPS: [(&str, &str); 7] = [
    ("fsync", "EIO"),
    ("fdatasync", "EIO"),
    ("syncfs", "EIO"),
    ("unlink", "EIO"),
    ("rename", "EIO"),
    ("pwrite64", "ENOSPC"),
    ("mkdir", "ENOSPC"),
];

/// The words before a command some of whose calls fail, counted in each of its threads.
fn failing(calls: &str, error: &str, when: &str) -> Vec<String> {
    let trace = format!("trace={calls}");
    let inject = format!("inject={calls}:error={error}:when={when}");
    let words = [
        "strace",
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        &trace,
        "-e",
        &inject,
    ];
    words.map(str::to_owned).into()
}
