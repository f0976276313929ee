//! A control: one question put to a document, and its answer (ARC-6 asks for every one of them in the return).

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// The longest `detail`, in characters.
pub const DETAIL_CHARS: usize = 500;

/// What a control found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// As it should be.
    Passed,
    /// Not as it should be.
    Failed,
    /// Not to be asked of this document, or not answerable.
    Skipped,
    /// The document wanted more time or memory than an inspection may use.
    LimitExceeded,
}

/// One control's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Control {
    /// Which control: a stable code such as `pdf-opens`.
    pub code: Cow<'static, str>,
    /// What it found.
    pub outcome: Outcome,
    /// The same for a person, in French, at most [`DETAIL_CHARS`] characters. Never a piece of the document.
    pub detail: String,
    /// Whether the document is unusable without it. Used to judge, not shown on the wire.
    #[serde(skip)]
    pub blocking: bool,
}

impl Control {
    /// A control that found all well.
    pub fn passed(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(code, Outcome::Passed, detail.into())
    }

    /// A control that found a fault.
    pub fn failed(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(code, Outcome::Failed, detail.into())
    }

    /// A control that has no answer here.
    pub fn skipped(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(code, Outcome::Skipped, detail.into())
    }

    /// A control that ran out of time or memory.
    pub fn limit_exceeded(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(code, Outcome::LimitExceeded, detail.into())
    }

    /// The same control, without which the document is unusable.
    pub fn blocking(mut self) -> Self {
        self.blocking = true;
        self
    }

    /// Whether the answer counts against the document.
    pub fn is_adverse(&self) -> bool {
        matches!(self.outcome, Outcome::Failed | Outcome::LimitExceeded)
    }

    fn new(code: &'static str, outcome: Outcome, detail: String) -> Self {
        Self {
            code: Cow::Borrowed(code),
            outcome,
            detail: clipped(detail),
            blocking: false,
        }
    }
}

/// What all controls of a document come to: the outcome that its return carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// No adverse control.
    Processed,
    /// Adverse controls, none of them blocking.
    Partial,
    /// At least one adverse control that blocks.
    Unprocessable,
}

impl Verdict {
    /// Judges a document by its controls.
    pub fn of(controls: &[Control]) -> Self {
        let mut adverse = controls.iter().filter(|control| control.is_adverse());
        match adverse.clone().any(|control| control.blocking) {
            true => Self::Unprocessable,
            false if adverse.next().is_some() => Self::Partial,
            false => Self::Processed,
        }
    }

    /// The verdict as it is written on the wire and in the journal.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Processed => "processed",
            Self::Partial => "partial",
            Self::Unprocessable => "unprocessable",
        }
    }
}

fn clipped(mut detail: String) -> String {
    if let Some((end, _)) = detail.char_indices().nth(DETAIL_CHARS) {
        detail.truncate(end);
    }
    detail
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_blocking_adverse_control_makes_a_document_unprocessable() {
        let well = Control::passed("a", "").blocking();
        let flaw = Control::failed("b", "");
        let stop = Control::limit_exceeded("c", "").blocking();
        assert_eq!(Verdict::of(&[]), Verdict::Processed);
        assert_eq!(Verdict::of(std::slice::from_ref(&well)), Verdict::Processed);
        assert_eq!(
            Verdict::of(&[Control::skipped("d", ""), well.clone()]),
            Verdict::Processed
        );
        assert_eq!(Verdict::of(&[well, flaw.clone()]), Verdict::Partial);
        assert_eq!(Verdict::of(&[flaw, stop]), Verdict::Unprocessable);
    }

    #[test]
    fn a_detail_is_clipped_by_characters_and_the_wire_does_not_show_what_blocks() {
        let control = Control::failed("a", "é".repeat(600)).blocking();
        assert_eq!(control.detail.chars().count(), DETAIL_CHARS);
        let wire = serde_json::to_value(Control::limit_exceeded("a", "b")).unwrap();
        let expected = serde_json::json!({"code": "a", "outcome": "limitExceeded", "detail": "b"});
        assert_eq!(wire, expected);
    }
}
