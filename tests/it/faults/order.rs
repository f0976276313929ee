//! What stands behind an acknowledgment, seen from the kernel: the blob synced, named, its folder synced, the database
//! synced, and only then a first byte of the answer.

use crate::{
    both_engines,
    kit::{
        client::metadata,
        document,
        gateway::Gateway,
        strace::{self, Call},
    },
};

const CALLS: &str =
    "openat,rename,fsync,fdatasync,write,writev,sendto,sendmsg,read,readv,recvfrom,recvmsg";
const OUT: [&str; 4] = ["write", "writev", "sendto", "sendmsg"];
const IN: [&str; 4] = ["read", "readv", "recvfrom", "recvmsg"];
const SYNC: [&str; 2] = ["fsync", "fdatasync"];

both_engines! {
    /// Each step has ended before the next begins.
    async fn an_acknowledgment_leaves_after_blob_folder_and_database_are_synced(kit) {
        let log = kit.dir().join("calls.log");
        let prefix = strace::watching(CALLS, &log);
        let prefix: Vec<&str> = prefix.iter().map(String::as_str).collect();
        let mut gateway = kit.without_worker().behind(&prefix).start();
        let client = gateway.client().await;
        for (dossier, size) in [("D-1", 2_000), ("D-2", 2_000), ("D-3", 300_000)] {
            let answer = client.push(&metadata(dossier), document::pdf(dossier, size)).await;
            assert_eq!(answer.status, 202, "{answer:?}");
        }
        assert!(gateway.stop().success());
        let calls = strace::read(&log);
        for is_long in [false, true] {
            let begun = calls.iter().rfind(|call| is_begun(call, is_long));
            in_order(&gateway, &calls, begun.expect("such a blob was begun"));
        }
        gateway.doctor();
    }
}

/// Whether it makes the file of a blob that is written over its sender's time, or of one that is written at once.
fn is_begun(call: &Call, is_long: bool) -> bool {
    let makes = call.is(&["openat"], "/store/blobs/") && call.text.contains("O_CREAT");
    makes && call.text.contains(".part\"") == is_long
}

/// Looks at the blob that was begun there: one that is written over its sender's time has another name until it is whole.
fn in_order(gateway: &Gateway, calls: &[Call], begun: &Call) {
    let (folder, file) = place(&begun.text);
    let part = format!("{folder}/{file}>");
    let synced = next(calls, begun.end, &["fsync"], &part);
    let (made, named) = match file.strip_suffix(".part") {
        Some(name) => {
            let name = format!("{folder}/{name}\")");
            let renamed = next(calls, synced.end, &["rename"], &name);
            (renamed, renamed)
        }
        None => (begun, synced),
    };
    let folder_synced = next(calls, named.end, &["fsync"], &format!("{folder}>)"));
    // What fails between the name and a later handle may be told to another one alone.
    let opening = format!("{folder}\", O_RDONLY");
    let handle = calls
        .iter()
        .rfind(|call| call.is(&["openat"], &opening) && call.end < folder_synced.start);
    assert!(handle.expect("the folder is opened").end < made.start);
    let committed = committed(gateway, calls, folder_synced.end);
    let ours = format!("127.0.0.1:{}->", gateway.address().port());
    let answered = next(calls, begun.end, &OUT, &ours);
    assert!(committed.end < answered.start, "{committed:?} {answered:?}");
    let last_of_part = calls.iter().rfind(|call| call.is(&OUT, &part));
    assert!(last_of_part.expect("it was written").end < synced.start);
}

/// The end of the transaction: SQLite syncs its log, PostgreSQL says `COMMIT`.
fn committed<'c>(gateway: &Gateway, calls: &'c [Call], after: usize) -> &'c Call {
    let Some(url) = gateway.database() else {
        return next(calls, after, &SYNC, "navette.db-wal>");
    };
    let (_, rest) = url.rsplit_once(':').expect("a port");
    let (port, _) = rest.split_once('/').expect("a database");
    let server = format!("->127.0.0.1:{port}]");
    let asked = calls
        .iter()
        .find(|call| call.start > after && call.is(&OUT, &server) && call.text.contains("COMMIT"));
    let asked = asked.expect("a COMMIT after the folder's sync");
    let answered = calls.iter().find(|call| {
        call.end > asked.start && call.is(&IN, &server) && call.text.contains("COMMIT")
    });
    answered.expect("the server's COMMIT")
}

/// The first such call that began after line `after`, and that succeeded.
#[track_caller]
fn next<'c>(calls: &'c [Call], after: usize, names: &[&str], part: &str) -> &'c Call {
    let found = calls
        .iter()
        .filter(|call| call.start > after && call.is(names, part) && !call.text.contains("= -1"))
        .min_by_key(|call| call.start);
    found.unwrap_or_else(|| panic!("no {names:?} with {part} after line {after}"))
}

/// The last folder and the file in the path of an `openat` of `…/FOLDER/FILE`.
fn place(text: &str) -> (String, String) {
    let path = text.split('"').nth(1).expect("a path");
    let mut parts = path.rsplit('/');
    let file = parts.next().expect("a file").to_owned();
    let folder = parts.next().expect("a folder");
    (format!("/{folder}"), file)
}
