//! What the demonstration prints: a timeline per piece, what was checked, where to look next.

use std::{path::Path, time::Duration};

use jiff::Timestamp;
use serde_json::Value;

use super::{
    super::{Answer, output},
    application::Piece,
    document::Document,
    partner::Callback,
    proof::{Checks, shell_path},
    stage::{APPLICATION, CLIENT, PROJECT, Stage},
};
use crate::kernel::{clock::Clock, fault::Fault};

/// What runs, before anything is sent.
pub fn opening(stage: &Stage) {
    output::line(format!(
        "gateway   {} (mutual TLS, SQLite, local disk)",
        stage.url("")
    ));
    output::line("partner   a stand-in for ASP's callback API (mutual TLS)\n");
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
    for (what, holds) in &checks.verdicts {
        output::line(format!(
            "  {:>9}  {what}",
            if *holds { "ok" } else { "NOT OK" }
        ));
    }
    output::line("");
    checks.verdicts.iter().all(|(_, holds)| *holds)
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

fn at(event: &Value) -> Option<Timestamp> {
    event["at"].as_str()?.parse().ok()
}

fn in_words(event: &Value) -> String {
    let detail = &event["detail"];
    match event["kind"].as_str().unwrap_or_default() {
        "piece.received" => "received: stored, signed for, journalled".to_owned(),
        "piece.processed" => format!("processed: {}", plain(&detail["outcome"])),
        "return.created" => format!("return created: {}", plain(&detail["returnId"])),
        "return.acknowledged" => {
            format!("acknowledged by the partner: HTTP {}", detail["httpStatus"])
        }
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
fn short(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    shell_path(path.strip_prefix(here).unwrap_or(path))
}

fn look_at(what: &str, place: &str) {
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
