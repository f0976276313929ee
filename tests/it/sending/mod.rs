//! Archives on their way out (ARC-6, TRC-1, TRC-3, PAP-1): the pieces processed, the one return made and left on the depot, its
//! acknowledgment taken.

mod acknowledgments;
mod callback;
mod completeness;
mod conformity;
mod damage;
mod deadline;
mod deaths;
mod formats;
mod journey;
mod pieces;
mod plis;
mod signing;
mod trouble;

use std::{fs, io::Read, time::Duration};

use serde_json::{Value, json};

use crate::{
    kit::{
        depot::Depot,
        document,
        gateway::{Gateway, Kit},
        lot::Lot,
        wait,
    },
    reception::{self, exchange, receipt, with_poll},
};

/// Enough for whatever happens at once, on a busy machine.
pub const SOON: Duration = Duration::from_secs(180);

/// A gateway with this depot, through which the project's returns leave.
pub fn through(kit: Kit, depot: &Depot) -> Kit {
    outlet(reception::at(kit, depot), depot)
}

/// The same with other settings of the depot.
pub fn through_with(kit: Kit, depot: &Depot, settings: &str) -> Kit {
    outlet(kit.with_depot(depot.name(), with_poll(settings)), depot)
}

fn outlet(kit: Kit, depot: &Depot) -> Kit {
    kit.set_project("return.depot", format!("{:?}", depot.name()))
        .set_project("return.flow", "\"retours\"")
}

/// An archive of two pieces, the second of two files.
pub fn lot() -> Lot {
    Lot::new("D-1")
        .piece("P-1", "courrier/lettre.pdf", &document::small("lettre"))
        .piece_of(
            0,
            "P-2",
            &[("a.pdf", &document::small("a")), ("b.txt", b"Bonjour")],
        )
}

/// Drops an archive; its exchange once its receipt stands on the depot.
pub fn dropped(depot: &Depot, name: &str, bytes: &[u8]) -> String {
    depot.put(&format!("in/{name}"), bytes);
    exchange(&receipt(depot, name)).to_owned()
}

/// The name of the one file in the outgoing folder, once it is there.
#[track_caller]
pub fn returned(depot: &Depot) -> String {
    let found = wait::until("return on the depot", SOON, || {
        let names = depot.names("out");
        let plain: Vec<_> = names
            .into_iter()
            .filter(|name| !name.starts_with('.'))
            .collect();
        (!plain.is_empty()).then_some(plain)
    });
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].clone()
}

/// The entries of a zip in the outgoing folder, by name.
pub fn entries(depot: &Depot, name: &str) -> Vec<(String, Vec<u8>)> {
    let file = fs::File::open(depot.inside(&format!("out/{name}"))).expect("it is there");
    let mut zip = zip::ZipArchive::new(file).expect("a zip");
    let count = zip.len();
    let read = |index| {
        let mut entry = zip.by_index(index).expect("an entry");
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).expect("a sound entry");
        (entry.name().expect("a name").into_owned(), bytes)
    };
    (0..count).map(read).collect()
}

/// The return in a return archive, held to its schema.
#[track_caller]
pub fn return_json(depot: &Depot, name: &str) -> Value {
    let entries = entries(depot, name);
    assert_eq!(entries[0].0, "return.json");
    let document = serde_json::from_slice(&entries[0].1).expect("JSON");
    conforms(&document);
    document
}

/// Fails unless a document is a return by its own schema.
#[track_caller]
pub fn conforms(document: &Value) {
    let schema = match document["type"].as_str() {
        Some("navette.archive-return/1") => {
            include_str!("../../../schemas/archive-return-v1.schema.json")
        }
        _ => include_str!("../../../schemas/return-v1.schema.json"),
    };
    let schema: Value = serde_json::from_str(schema).expect("JSON");
    let validator = jsonschema::draft202012::new(&schema).expect("a schema");
    let faults: Vec<_> = validator
        .iter_errors(document)
        .map(|fault| fault.to_string())
        .collect();
    assert!(faults.is_empty(), "{faults:#?}\n{document:#}");
}

/// Leaves the acknowledgment of a return, as a partner does.
pub fn acknowledge(depot: &Depot, name: &str) {
    let text = json!({ "acknowledgmentId": "AR-1", "outcome": "accepted" }).to_string();
    depot.put(&format!("acks/{name}.ack.json"), text.as_bytes());
}

/// Waits until an exchange has that status.
#[track_caller]
pub fn with_status(gateway: &Gateway, id: &str, status: &str) {
    let id = gateway.id(id);
    wait::until(&format!("exchange {status}"), SOON, || {
        let now = gateway.sql(&format!("SELECT status FROM exchange WHERE id = {id}"));
        (now == status).then_some(())
    });
}

/// The kinds of the journal's entries about an exchange, in order, from its processing on.
pub fn kinds(gateway: &Gateway, id: &str) -> Vec<String> {
    let id = gateway.id(id);
    let found = gateway.sql(&format!(
        "SELECT kind FROM journal WHERE exchange_id = {id} ORDER BY at, id"
    ));
    let kinds = found.lines().map(str::to_owned);
    kinds
        .filter(|kind| kind != "archive.received" && kind != "archive.receipted")
        .collect()
}
