//! What commands print: JSON for programs, plain text for people. A reader that closes its end is no fault.

use std::io::Write;

use serde::Serialize;

/// Prints one line of text.
pub(crate) fn line(text: impl std::fmt::Display) {
    // A closed pipe (`navette … | head`) ends the wish to read, nothing else.
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Tells something that keeps a command from nothing, beside its answer.
pub(crate) fn warning(text: &str) {
    eprintln!("navette: warning: {text}");
}

/// Prints a value as JSON, on one line.
pub(crate) fn json(value: &impl Serialize) {
    match serde_json::to_string(value) {
        Ok(text) => line(text),
        Err(error) => eprintln!("navette: the answer is no JSON: {error}"),
    }
}

/// Prints `value` as JSON where asked for, else the text that `text` makes.
pub(crate) fn either(as_json: bool, value: &impl Serialize, text: impl FnOnce() -> String) {
    match as_json {
        true => json(value),
        false => line(text()),
    }
}
