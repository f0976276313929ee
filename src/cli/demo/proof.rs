//! What the receivers check: the return against the piece that was sent, the receipt by the plain `openssl` command.

use std::{path::Path, process::Stdio, time::Duration};

use serde_json::Value;
use tokio::{
    process::Command,
    time::{sleep, timeout},
};

use super::{
    application::{Application, Piece},
    document::Document,
    partner::Callback,
    stage::{self, Stage},
};
use crate::kernel::{
    digest::hex,
    fault::{Code, Fault, Result},
};

/// How long the acknowledgment may take to be in the piece's events, after the stand-in gave it.
const RECORDED: Duration = Duration::from_secs(10);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(20);
/// How long `openssl` may take.
const OPENSSL: Duration = Duration::from_secs(20);

/// What was found out about one piece.
pub struct Checks {
    /// Its events, oldest first.
    pub events: Vec<Value>,
    /// Each thing that was checked, and whether it holds.
    pub verdicts: Vec<(String, bool)>,
    /// The command that verified its receipt.
    pub command: String,
}

/// Checks everything that can be checked about `piece`.
pub async fn check(
    stage: &Stage,
    application: &Application,
    document: &Document,
    piece: &Piece,
    callback: Option<&Callback>,
) -> Result<Checks> {
    let events = events(application, &piece.id, callback.is_some()).await?;
    let mut verdicts = vec![(
        "acknowledgment recorded".to_owned(),
        is_acknowledged(&events),
    )];
    verdicts.extend(returned(stage, application, document, piece, callback).await?);
    let (command, proven) = receipt(stage, application, piece).await?;
    let said = "receipt verified by openssl; it proves this id, size and SHA-256".to_owned();
    let matches = proven.is_some_and(|proven| proves(&proven, document, piece));
    verdicts.push((said, matches));
    Ok(Checks {
        events,
        verdicts,
        command,
    })
}

/// The piece's events, waiting for the acknowledgment's where the return has arrived.
pub async fn events(application: &Application, id: &str, arrived: bool) -> Result<Vec<Value>> {
    let path = format!("/v1/pieces/{id}/events");
    let looks = RECORDED.as_millis() / LOOK.as_millis();
    for _ in 0..looks {
        let mut said = application.json(&path).await?;
        let events = match said["items"].take() {
            Value::Array(events) => events,
            _ => Vec::new(),
        };
        if !arrived || is_acknowledged(&events) {
            return Ok(events);
        }
        sleep(LOOK).await;
    }
    let detail = format!("piece {id} was not marked as acknowledged in time");
    Err(Fault::new(Code::Unavailable, detail))
}

fn is_acknowledged(events: &[Value]) -> bool {
    let mut kinds = events.iter().map(|event| &event["kind"]);
    kinds.any(|kind| kind == "return.acknowledged")
}

/// The callback's signature was checked when it arrived: one that does not hold is never passed on.
async fn returned(
    stage: &Stage,
    application: &Application,
    document: &Document,
    piece: &Piece,
    callback: Option<&Callback>,
) -> Result<Vec<(String, bool)>> {
    let Some(callback) = callback else {
        return Ok(vec![("return received by callback".to_owned(), false)]);
    };
    stage::put(
        &stage.path("returns").join(format!("{}.json", piece.id)),
        &callback.body,
    )?;
    let said: Value = serde_json::from_slice(&callback.body).map_err(Fault::internal)?;
    let path = format!("/v1/pieces/{}/return", piece.id);
    let polled = application.bytes(&path, "application/json").await?;
    Ok(vec![
        (
            "return received by callback, its ed25519 signature holds".to_owned(),
            true,
        ),
        (
            "it answers this piece: metadata, size and SHA-256".to_owned(),
            answers(&said, document),
        ),
        (
            "the return that can be polled is the same, byte for byte".to_owned(),
            polled == callback.body,
        ),
    ])
}

fn answers(said: &Value, document: &Document) -> bool {
    said["metadata"]["pieceUid"] == document.uid.as_str()
        && said["metadata"]["fileName"] == document.name.as_str()
        && said["content"]["sha256"] == hex(&document.sha256).as_str()
        && said["content"]["size"] == document.size
}

fn proves(receipt: &Value, document: &Document, piece: &Piece) -> bool {
    *receipt == piece.receipt
        && receipt["reconciliationId"] == piece.id.as_str()
        && receipt["sha256"] == hex(&document.sha256).as_str()
        && receipt["size"] == document.size
}

/// Fetches the signed receipt and lets `openssl` verify it; the second half is what it proves, if it does.
async fn receipt(
    stage: &Stage,
    application: &Application,
    piece: &Piece,
) -> Result<(String, Option<Value>)> {
    let path = format!("/v1/pieces/{}/receipt", piece.id);
    let signed = application.bytes(&path, "application/pkcs7-mime").await?;
    let file = stage.path("receipts").join(format!("{}.p7m", piece.id));
    stage::put(&file, &signed)?;
    message(stage, &file).await
}

/// Has `openssl` verify a signed receipt; answers the command, and what it proves, if it does.
pub async fn message(stage: &Stage, message: &Path) -> Result<(String, Option<Value>)> {
    let content = stage.path("receipts").join(
        message
            .with_extension("json")
            .file_name()
            .unwrap_or_default(),
    );
    let root = stage.pki("ca.pem");
    let arguments = [
        "cms".to_owned(),
        "-verify".to_owned(),
        "-inform".to_owned(),
        "DER".to_owned(),
        "-in".to_owned(),
        message.display().to_string(),
        "-CAfile".to_owned(),
        root.display().to_string(),
        "-out".to_owned(),
        content.display().to_string(),
    ];
    let command = shell_line("openssl", &arguments);
    let proven = match verifies(&arguments).await? {
        true => serde_json::from_slice(&stage::read(&content)?).ok(),
        false => None,
    };
    Ok((command, proven))
}

async fn verifies(arguments: &[String]) -> Result<bool> {
    let mut openssl = Command::new("openssl");
    openssl
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let status = timeout(OPENSSL, openssl.status()).await;
    let status = status
        .map_err(Fault::unavailable)?
        .map_err(|error| Fault::new(Code::Unavailable, format!("the openssl command: {error}")))?;
    Ok(status.success())
}

fn shell_line(program: &str, arguments: &[String]) -> String {
    let words = arguments.iter().map(|word| shell_word(word));
    let words: Vec<_> = std::iter::once(program.to_owned()).chain(words).collect();
    words.join(" ")
}

/// A path as it can be pasted into a shell.
pub fn shell_path(path: &Path) -> String {
    shell_word(&path.to_string_lossy())
}

fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}
