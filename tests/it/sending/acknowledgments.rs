//! What a partner writes of a return: signed or not, in time or not, yes or no; and what is none of it.

use std::{fs, path::PathBuf, process::Command};

use serde_json::{Value, json};

use super::{SOON, acknowledge, dropped, lot, returned, through, through_with, with_status};
use crate::{
    both_engines,
    kit::{
        depot::{Depot, Make, folder::make_writable},
        document,
        gateway::{Engine, Gateway, Kit},
        lot::Lot,
        pki::{Identity, pki},
        process, scratch, wait,
    },
};

/// A gateway whose partner signs, by certificates of the kit's root.
fn signed(depot: &Depot) -> Gateway {
    signed_and(depot, "")
}

/// The same with one more line about his files.
pub(super) fn signed_and(depot: &Depot, line: &str) -> Gateway {
    let answers = "answers = \"retours\"";
    let more = format!(
        "{answers}\n{line}\nsignature = \".p7s\"\nsigner_ca = {:?}",
        pki().root
    );
    let settings = depot.settings().replace(answers, &more);
    through_with(Kit::new(Engine::Sqlite), depot, &settings).start()
}

/// The detached signature of a text, by the plain command.
pub(super) fn signature(text: &str, signer: &Identity) -> Vec<u8> {
    let folder: PathBuf = scratch::fresh("signed");
    fs::write(folder.join("text"), text).unwrap();
    let mut openssl = Command::new("openssl");
    openssl
        .args(["cms", "-sign", "-binary", "-outform", "DER", "-in"])
        .arg(folder.join("text"));
    openssl
        .arg("-signer")
        .arg(&signer.certificate)
        .arg("-inkey")
        .arg(&signer.key);
    openssl.arg("-out").arg(folder.join("p7s"));
    process::run(&openssl, 30).succeeded();
    fs::read(folder.join("p7s")).unwrap()
}

/// The particulars of the open incident of this code.
#[track_caller]
pub fn incident(gateway: &Gateway, code: &str) -> String {
    wait::until(code, SOON, || {
        let told = gateway.sql(&format!(
            "SELECT detail FROM incident WHERE code = '{code}' AND state = 'open'"
        ));
        (!told.is_empty()).then_some(told)
    })
}

/// Waits until the incidents are over.
#[track_caller]
fn all_resolved(gateway: &Gateway) {
    wait::until("end of the incidents", SOON, || {
        let open = gateway.count("SELECT count(*) FROM incident WHERE state = 'open'");
        (open == 0).then_some(())
    });
}

/// One that the partner signs is taken once its signature is there and holds; text, signature and signer are kept.
#[test]
fn a_signed_acknowledgment_waits_for_its_signature_and_both_are_kept() {
    let depot = Depot::start(Make::Folder);
    let gateway = signed(&depot);
    let id = dropped(&depot, "LOT.zip", &lot().zip());
    let name = returned(&depot);
    let text = json!({ "acknowledgmentId": "AR-7" }).to_string();
    depot.put(&format!("acks/{name}.ack.json"), text.as_bytes());
    with_status(&gateway, &id, "returned");
    depot.put(
        &format!("acks/{name}.ack.json.p7s"),
        &signature(&text, &pki().receipt_signer),
    );
    with_status(&gateway, &id, "acknowledged");
    let kept = "SELECT count(*) FROM acknowledgment WHERE length(peer_sha256) = 32 AND length(signature) > 500";
    assert_eq!(gateway.count(kept), 1);
    wait::until("empty folder", SOON, || {
        depot.names("acks").is_empty().then_some(())
    });
    gateway.doctor();
}

/// A signature that does not hold opens an incident, and the file stays; a right one after it is taken.
#[test]
fn an_acknowledgment_whose_signature_does_not_hold_is_not_taken() {
    let depot = Depot::start(Make::Folder);
    let gateway = signed(&depot);
    let id = dropped(&depot, "LOT.zip", &lot().zip());
    let name = returned(&depot);
    let (file, text) = (format!("acks/{name}.ack.json"), "{}");
    depot.put(
        &format!("{file}.p7s"),
        &signature("{\"autre\":1}", &pki().receipt_signer),
    );
    depot.put(&file, text.as_bytes());
    assert!(incident(&gateway, "acknowledgment-invalid").contains("signature"));
    with_status(&gateway, &id, "returned");
    assert_eq!(depot.names("acks").len(), 2);
    // The partner corrects what was wrong, and nothing else.
    depot.put(
        &format!("{file}.p7s"),
        &signature(text, &pki().receipt_signer),
    );
    with_status(&gateway, &id, "acknowledged");
    all_resolved(&gateway);
}

/// Somebody whom the flow's authorities do not know signs nothing.
#[test]
fn a_signer_of_another_authority_acknowledges_nothing() {
    let depot = Depot::start(Make::Folder);
    let gateway = signed(&depot);
    let id = dropped(&depot, "LOT.zip", &lot().zip());
    let name = returned(&depot);
    depot.put(
        &format!("acks/{name}.ack.json.p7s"),
        &signature("{}", &pki().foreign_client),
    );
    depot.put(&format!("acks/{name}.ack.json"), b"{}");
    incident(&gateway, "acknowledgment-invalid");
    with_status(&gateway, &id, "returned");
}

/// A partner that says no: the return is given up, with an incident; left again, it may be acknowledged.
#[test]
fn a_negative_acknowledgment_opens_an_incident_and_ends_nothing() {
    let depot = Depot::start(Make::Folder);
    let gateway = through(Kit::new(Engine::Sqlite), &depot).start();
    let id = dropped(&depot, "LOT.zip", &lot().zip());
    let name = returned(&depot);
    let text = json!({ "outcome": "rejected", "detail": "empreinte fausse" }).to_string();
    depot.put(&format!("acks/{name}.ack.json"), text.as_bytes());
    with_status(&gateway, &id, "undelivered");
    incident(&gateway, "return-refused");
    wait::until("file leaving", SOON, || {
        depot.names("acks").is_empty().then_some(())
    });
    gateway.await_idle();
    gateway.doctor();
    gateway
        .run(&["return", "redeliver", &id, "--reason", "corrigé"])
        .succeeded();
    with_status(&gateway, &id, "returned");
    acknowledge(&depot, &name);
    with_status(&gateway, &id, "acknowledged");
    gateway.await_idle();
    assert_eq!(
        gateway.count("SELECT count(*) FROM incident WHERE state = 'open'"),
        0
    );
    gateway.doctor();
}

/// What names a return that never left here, or speaks of another one, is told once and stays.
#[test]
fn a_file_that_acknowledges_no_return_of_ours_stays_and_is_told() {
    let depot = Depot::start(Make::Folder);
    let mut gateway = through(Kit::new(Engine::Sqlite), &depot).start();
    let unknown = "acks/LOT-01a1ffe0-5902-7e5a-b1c6-3a9d4e8f7c43.zip.ack.json";
    depot.put(unknown, b"{}");
    let told: Value = serde_json::from_str(&incident(&gateway, "acknowledgment-invalid")).unwrap();
    assert_eq!(told["reason"], "unknown-return");
    assert_eq!(
        format!("acks/{}", depot.named(&gateway, &told["fileNameHash"])),
        unknown
    );
    let id = dropped(&depot, "LOT.zip", &lot().zip());
    let name = returned(&depot);
    let other = json!({ "returnId": "01a1ffe0-5902-7e5a-b1c6-3a9d4e8f7c43" }).to_string();
    depot.put(&format!("acks/{name}.ack.json"), other.as_bytes());
    wait::until("second incident", SOON, || {
        (gateway.count("SELECT count(*) FROM incident WHERE code = 'acknowledgment-invalid'") == 2)
            .then_some(())
    });
    with_status(&gateway, &id, "returned");
    assert_eq!(depot.names("acks").len(), 2);
    assert_eq!(
        gateway.count("SELECT sum(count) FROM incident"),
        2,
        "each is told once"
    );
    // One is taken away while we look, the other while nobody does.
    fs::remove_file(depot.inside(unknown)).unwrap();
    wait::until("end of the first", SOON, || {
        (gateway.count("SELECT count(*) FROM incident WHERE state = 'open'") == 1).then_some(())
    });
    gateway.stop();
    fs::remove_file(depot.inside(&format!("acks/{name}.ack.json"))).unwrap();
    gateway.restart();
    all_resolved(&gateway);
}

/// What bears a return's own name is the return, and acknowledges nothing; the incident names the partner of the settings.
#[test]
fn a_return_acknowledges_itself_never() {
    let depot = Depot::start(Make::Folder).with("partner = \"ASP\"");
    let answers = "answers = \"retours\"";
    let any = format!("{answers}\npattern = \"{{name}}*\"");
    let settings = depot.settings().replace(answers, &any);
    let gateway = through_with(Kit::new(Engine::Sqlite), &depot, &settings).start();
    let id = dropped(&depot, "LOT.zip", &lot().zip());
    let name = returned(&depot);
    with_status(&gateway, &id, "returned");
    let bytes = fs::read(depot.inside(&format!("out/{name}"))).unwrap();
    depot.put(&format!("acks/{name}"), &bytes);
    assert!(incident(&gateway, "acknowledgment-invalid").contains("own-return"));
    assert_eq!(gateway.sql("SELECT partner FROM incident"), "ASP");
    with_status(&gateway, &id, "returned");
    fs::remove_file(depot.inside(&format!("acks/{name}"))).unwrap();
    depot.put(&format!("acks/{name}.ok"), b"");
    with_status(&gateway, &id, "acknowledged");
    all_resolved(&gateway);
}

/// What cannot be read is neither yes nor no: it is told, and a word that can be is taken after it.
#[test]
fn an_acknowledgment_that_cannot_be_read_is_no_yes() {
    let depot = Depot::start(Make::Folder);
    let gateway = through(Kit::new(Engine::Sqlite), &depot).start();
    let id = dropped(&depot, "LOT.zip", &lot().zip());
    let file = format!("acks/{}.ack.json", returned(&depot));
    let unreadable = [
        ("", "not-json"),
        ("{\"outcome\": \"reje", "not-json"),
        ("<ar issue=\"refus\"/>", "not-json"),
        ("{\"outcome\": \"peut-\u{ea}tre\"}", "unknown-outcome"),
    ];
    for (times, (text, why)) in (1..).zip(unreadable) {
        depot.put(&file, text.as_bytes());
        wait::until(text, SOON, || {
            (gateway.sql("SELECT count FROM incident") == times.to_string()).then_some(())
        });
        assert!(
            incident(&gateway, "acknowledgment-invalid").contains(why),
            "{text}"
        );
    }
    with_status(&gateway, &id, "returned");
    depot.put(&file, "\u{feff}{\"outcome\": \"REJECTED\"}".as_bytes());
    with_status(&gateway, &id, "undelivered");
    incident(&gateway, "return-refused");
    wait::until("end of the other incident", SOON, || {
        let states = "SELECT state FROM incident WHERE code = 'acknowledgment-invalid'";
        (gateway.sql(states) == "resolved").then_some(())
    });
}

/// Files that may not be taken away keep no other from being taken; that is an incident of the depot until they may be.
#[test]
fn acknowledgments_that_cannot_leave_keep_no_other_from_being_taken() {
    let depot = Depot::start(Make::Folder);
    let mut gateway = through(Kit::new(Engine::Sqlite), &depot).start();
    let ids = ["D-1", "D-2"].map(|dossier| {
        let lot = Lot::new(dossier).piece("P", "a.pdf", &document::small(dossier));
        dropped(&depot, &format!("{dossier}.zip"), &lot.zip())
    });
    let returns = wait::until("both returns", SOON, || {
        let names = depot.names("out");
        let whole = names.len() == 2 && names.iter().all(|name| !name.starts_with('.'));
        whole.then_some(names)
    });
    wait::until("both are awaited", SOON, || {
        let awaited = "SELECT count(*) FROM exchange_return WHERE state = 'sent'";
        (gateway.count(awaited) == 2).then_some(())
    });
    gateway.stop();
    for name in &returns {
        acknowledge(&depot, name);
    }
    depot.server.forbid_writing("acks");
    gateway.restart();
    for id in &ids {
        with_status(&gateway, id, "acknowledged");
    }
    assert!(incident(&gateway, "depot-unreachable").contains("depot-denied"));
    make_writable(&depot.inside("acks"));
    wait::until("files leaving", SOON, || {
        depot.names("acks").is_empty().then_some(())
    });
    all_resolved(&gateway);
    gateway.doctor();
}

/// A folder of acknowledgments that is not there is told, whatever the other folders of its depot do.
#[test]
fn a_folder_of_acknowledgments_that_cannot_be_listed_is_an_incident_until_it_can() {
    let depot = Depot::start(Make::Folder);
    let settings = depot
        .settings()
        .replace("path = \"acks\"", "path = \"plus-tard\"");
    let gateway = through_with(Kit::new(Engine::Sqlite), &depot, &settings).start();
    assert!(incident(&gateway, "depot-unreachable").contains("depot-file-missing"));
    fs::create_dir(depot.inside("plus-tard")).unwrap();
    all_resolved(&gateway);
}

/// Where no flow takes acknowledgments, none is awaited: that the depot has it ends the exchange.
#[test]
fn a_return_that_nobody_will_acknowledge_is_done_once_the_depot_has_it() {
    let depot = Depot::start(Make::Folder);
    let settings = depot.settings();
    let cut = settings.rfind("[[flow]]").unwrap();
    let gateway = through_with(Kit::new(Engine::Sqlite), &depot, &settings[..cut]).start();
    let id = dropped(&depot, "LOT.zip", &lot().zip());
    returned(&depot);
    with_status(&gateway, &id, "acknowledged");
    gateway.await_idle();
    gateway.run(&["status", &id, "--local"]).succeeded();
    gateway.doctor();
}

/// What was acknowledged goes with its term, the return archive too; ids, sizes and digests stay.
#[test]
fn an_acknowledged_archive_is_purged_with_its_return_when_its_term_is_over() {
    let depot = Depot::start(Make::Folder);
    let kit = through(Kit::new(Engine::Sqlite), &depot).set_project("retention", "\"1 day\"");
    let gateway = kit.start();
    let id = dropped(&depot, "LOT.zip", &lot().zip());
    acknowledge(&depot, &returned(&depot));
    with_status(&gateway, &id, "acknowledged");
    gateway.await_idle();
    let long_ago = "UPDATE exchange_return SET acknowledged_at = acknowledged_at - 10 * 86400000000 RETURNING 1";
    gateway.sql(long_ago);
    gateway.run(&["purge", "--reason", "essai"]).succeeded();
    with_status(&gateway, &id, "purged");
    assert_eq!(
        gateway.count("SELECT count(*) FROM document WHERE purged_at IS NULL"),
        0
    );
    assert_eq!(gateway.sql("SELECT length(name) FROM return_file"), "0");
    assert_eq!(
        gateway.sql("SELECT length(body), signature IS NULL FROM acknowledgment"),
        "0|1"
    );
    let blobs = fs::read_dir(gateway.dir().join("data/store/blobs"))
        .unwrap()
        .flatten();
    let left: usize = blobs
        .map(|folder| fs::read_dir(folder.path()).unwrap().count())
        .sum();
    assert_eq!(left, 0);
    gateway.doctor();
}

both_engines! {
    /// An id that no database keeps is left out; the acknowledgment counts.
    async fn an_acknowledgment_on_a_depot_whose_id_holds_a_nul_counts_without_it(kit) {
        let depot = Depot::start(Make::Folder);
        let gateway = through(kit, &depot).start();
        let id = dropped(&depot, "LOT.zip", &lot().zip());
        let name = returned(&depot);
        let text = json!({ "acknowledgmentId": "AR\u{0}7" }).to_string();
        depot.put(&format!("acks/{name}.ack.json"), text.as_bytes());
        with_status(&gateway, &id, "acknowledged");
        assert_eq!(gateway.count("SELECT count(*) FROM acknowledgment WHERE partner_reference IS NULL"), 1);
    }
}
