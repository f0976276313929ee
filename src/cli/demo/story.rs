//! What the demonstration prints: a timeline per piece, what was checked, where to look next.

use std::{path::Path, time::Duration};

use jiff::Timestamp;
use serde_json::Value;

use super::{
    super::{Answer, output},
    application::Piece,
    depot::Depot,
    document::Document,
    lot::Told,
    partner::Callback,
    proof::{Checks, shell_path},
    stage::{APPLICATION, CLIENT, PROJECT, Stage},
};
use crate::kernel::{clock::Clock, fault::Fault};

/// What runs, before anything is sent.
pub fn opening(stage: &Stage, depot: &Depot) {
    output::line(format!(
        "gateway   {} (mutual TLS, SQLite, local disk)",
        stage.url("")
    ));
    output::line("partner   a stand-in for ASP's callback API (mutual TLS)");
    output::line(format!("depot     {}\n", depot.about));
}

/// One piece from its first byte to its acknowledged return. Answers whether all of it is as it must be.
pub fn piece(document: &Document, piece: &Piece, checks: &Checks) -> bool {
    head(document);
    output::line(format!("  reconciliation id {}", piece.id));
    output::line(format!(
        "  {:>9}  receipt in the sender's hands",
        format!("{} ms", piece.took.as_millis())
    ));
    timeline(&checks.events);
    verdicts(&checks.verdicts)
}

/// The archive from its drop to the acknowledgment of its return. Answers whether all of it is as it must be.
pub fn archive(told: &Told) -> bool {
    output::line(format!(
        "{}  {} bytes, through the depot",
        told.name, told.size
    ));
    output::line(format!("  reconciliation id {}", told.id));
    output::line(format!(
        "  {:>9}  dropped, and its receipt in the sender's hands",
        format!("{} ms", told.took.as_millis())
    ));
    timeline(&told.events);
    verdicts(&told.verdicts)
}

fn verdicts(verdicts: &[(String, bool)]) -> bool {
    for (what, holds) in verdicts {
        let word = if *holds { "ok" } else { "NOT OK" };
        output::line(format!("  {word:>9}  {what}"));
    }
    output::line("");
    verdicts.iter().all(|(_, holds)| *holds)
}

/// A document that the gateway did not take.
pub fn refused(document: &Document, fault: &Fault) {
    head(document);
    output::line(format!("  {:>9}  {}\n", "REFUSED", fault.detail()));
}

fn head(document: &Document) {
    let Document {
        name,
        size,
        media_type,
        ..
    } = document;
    output::line(format!("{name}  {size} bytes, {media_type}"));
}

/// Milliseconds since the piece was received, by the gateway's own journal.
fn timeline(events: &[Value]) {
    let first = events.first().and_then(at);
    for event in events {
        let since = at(event)
            .zip(first)
            .map(|(at, first)| at.duration_since(first));
        let since = since.map_or("?".to_owned(), |since| format!("+{} ms", since.as_millis()));
        output::line(format!("  {since:>9}  {}", in_words(event)));
    }
}

/// When an event happened.
pub fn at(event: &Value) -> Option<Timestamp> {
    event["at"].as_str()?.parse().ok()
}

fn in_words(event: &Value) -> String {
    let detail = &event["detail"];
    match event["kind"].as_str().unwrap_or_default() {
        "piece.received" => "received: stored, signed for, journalled".to_owned(),
        "piece.processed" => format!("processed: {}", plain(&detail["outcome"])),
        "return.created" => format!("return created: {}", plain(&detail["returnId"])),
        "return.acknowledged" => match detail["httpStatus"].as_u64() {
            Some(status) if status > 0 => format!("acknowledged by the partner: HTTP {status}"),
            _ => "acknowledged by the partner, by a file on the depot".to_owned(),
        },
        "archive.received" => {
            "taken from the depot: stored, checked, signed for, journalled".to_owned()
        }
        "archive.receipted" => "receipt left on the depot".to_owned(),
        "archive.processed" => format!("all pieces processed: {}", plain(&detail["outcome"])),
        "return.sent" => "return archive left on the depot".to_owned(),
        other => other.to_owned(),
    }
}

fn plain(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// How anyone verifies a receipt, without us.
pub fn command(command: &str) {
    if command.is_empty() {
        return;
    }
    output::line("This verified the last receipt, and will for as long as the root is trusted:");
    output::line(format!("  {command}\n"));
}

/// The sum of it, and where to look next.
pub fn closing(stage: &Stage, pieces: usize, answer: Answer, took: Duration) {
    let verdict = match answer {
        Answer::Yes => "all received, proven, returned and acknowledged",
        Answer::No => "NOT all as it must be: see above",
    };
    let seconds = took.as_secs_f64();
    output::line(format!("{pieces} piece(s) in {seconds:.1} s, {verdict}\n"));
    output::line("Where to look next");
    look_at(
        "receipts, signed and plain",
        &short(&stage.path("receipts")),
    );
    look_at(
        "returns as the partner got them",
        &short(&stage.path("returns")),
    );
    look_at(
        "blobs (encrypted) and database",
        &short(&stage.path("data")),
    );
    look_at("settings", &short(&stage.settings()));
    look_at(
        "the gateway's log, JSON lines",
        &short(&stage.path("gateway.log")),
    );
    look_at(
        "contract, and a gateway that stays",
        "make run, then /v1/docs",
    );
}

/// A path as short as it can be told from here.
pub fn short(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    shell_path(path.strip_prefix(here).unwrap_or(path))
}

/// One line of where to look next.
pub fn look_at(what: &str, place: &str) {
    output::line(format!("  {what:<36} {place}"));
}

/// How to call a gateway that stays.
pub fn first_call(stage: &Stage) {
    output::line("The gateway stays until Ctrl-C.");
    look_at("contract", &stage.url("/v1/docs"));
    look_at(
        "health, metrics",
        &format!("http://{}/health/ready, /metrics", stage.health),
    );
    look_at(
        "the gateway's log, JSON lines",
        &short(&stage.path("gateway.log")),
    );
    output::line("\nA first call, for another terminal:\n");
    output::line(curl(stage));
    output::line("");
}

/// One line that asks for a token and sends a piece with it.
fn curl(stage: &Stage) -> String {
    let tls = format!(
        "--silent --show-error --cacert {} --cert {} --key {}",
        shell_path(&stage.pki("ca.pem")),
        shell_path(&stage.pki("client.pem")),
        shell_path(&stage.pki("client.key")),
    );
    let token = format!(
        r#"curl {tls} --user "{CLIENT}:$(cat {})" --data grant_type=client_credentials {} | sed -E 's/.*"access_token":"([^"]+)".*/\1/'"#,
        shell_path(&stage.secret()),
        stage.url("/oauth2/token"),
    );
    let dossier = format!("PREMIER-APPEL-{}", Clock::system().now().as_second());
    let metadata = format!(
        r#"metadata={{"project":"{PROJECT}","sourceApplication":"{APPLICATION}","dossierId":"{dossier}","iteration":1,"fileName":"facture.pdf","mediaType":"application/pdf"}};type=application/json"#
    );
    let file = std::path::absolute("fixtures/facture.pdf").unwrap_or_default();
    let content = format!("content=@{};type=application/pdf", file.display());
    format!(
        "curl {tls} --header \"Authorization: Bearer $({token})\" --form '{metadata}' --form '{content}' {}",
        stage.url("/v1/pieces")
    )
}

/// A return that came while the gateway stays.
pub fn callback(callback: &Callback) {
    output::line(format!(
        "return received and acknowledged: piece {}, {}, {} bytes",
        callback.reconciliation_id,
        callback.outcome,
        callback.body.len()
    ));
}
