//! What became of a file, as a line of JSON or as text.

use std::path::Path;

use serde_json::{Value as Json, json};

use super::{file::Document, send::Fate};
use crate::cli::output;

/// Tells one file's fate.
pub(super) fn fate(as_json: bool, path: &Path, document: Option<&Document>, fate: &Fate) {
    let file = path.display().to_string();
    output::either(as_json, &line(&file, document, fate), || text(&file, fate));
}

fn line(file: &str, document: Option<&Document>, fate: &Fate) -> Json {
    let mut line = match fate {
        Fate::In {
            answer,
            replayed,
            piece,
        } => json!({
            "outcome": answer["outcome"],
            "replayed": replayed,
            "earlierIterationMissing": answer["earlierIterationMissing"],
            "reconciliationId": answer["reconciliationId"],
            "receiptId": answer["receipt"]["receiptId"],
            "return": piece.as_ref().map(|piece| &piece["return"]),
            "controls": piece.as_ref().map(|piece| &piece["controls"]),
        }),
        Fate::Refused(problem) => json!({ "outcome": "refused", "problem": problem }),
        Fate::Failed(fault) => {
            json!({ "outcome": "failed", "code": fault.code().as_str(), "detail": fault.detail() })
        }
    };
    line["file"] = json!(file);
    if let Some(document) = document {
        line["size"] = json!(document.size);
        line["sha256"] = json!(document.sha256);
        line["mediaType"] = json!(document.media_type);
    }
    line
}

fn text(file: &str, fate: &Fate) -> String {
    match fate {
        Fate::In {
            answer,
            replayed,
            piece,
        } => {
            let word = |value: &Json| value.as_str().unwrap_or("-").to_owned();
            let mut text = format!(
                "{file}: {}{} {} receipt {}",
                if *replayed { "was in already: " } else { "" },
                word(&answer["outcome"]),
                word(&answer["reconciliationId"]),
                word(&answer["receipt"]["receiptId"])
            );
            if answer["earlierIterationMissing"] == true {
                text += "\n    an earlier iteration of this dossier has not come yet";
            }
            if let Some(piece) = piece {
                text += &format!(
                    "\n    return {} ({})",
                    word(&piece["return"]["outcome"]),
                    word(&piece["return"]["state"])
                );
            }
            text
        }
        Fate::Refused(problem) => refusal(file, problem),
        Fate::Failed(fault) => format!("{file}: not done: {fault}"),
    }
}

/// The problem's own text, then every fault behind it.
fn refusal(file: &str, problem: &Json) -> String {
    let word = |value: &Json| value.as_str().unwrap_or("-").to_owned();
    let mut lines = vec![format!(
        "{file}: refused: {} {}",
        word(&problem["code"]),
        word(&problem["detail"])
    )];
    for error in problem["errors"].as_array().into_iter().flatten() {
        lines.push(format!(
            "    {} [{}] {}",
            word(&error["pointer"]),
            word(&error["code"]),
            word(&error["detail"])
        ));
    }
    lines.join("\n")
}
