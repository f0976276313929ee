//! What processors that open documents share: from an inspection to findings, or to the controls of a closed document.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{control::Control, processor::Report, sandbox::Inspection};

/// An inspection as a processor wants it.
pub(super) enum Opened<T> {
    /// Findings, typed and as they came.
    Read(T, Map<String, Value>),
    /// None, and the control that says so.
    Closed(Control),
}

/// Types an inspection's findings. Findings of another form come from a child that the document overpowered.
pub(super) fn opened<T: DeserializeOwned>(inspection: Inspection, code: &'static str) -> Opened<T> {
    let unreadable = || Control::failed(code, "Le document ne s'ouvre pas.").blocking();
    match inspection {
        Inspection::Found(data) => match (T::deserialize(&data), data) {
            (Ok(found), Value::Object(data)) => Opened::Read(found, data),
            _ => Opened::Closed(unreadable()),
        },
        Inspection::Unreadable => Opened::Closed(unreadable()),
        Inspection::Exceeded(limit) => {
            Opened::Closed(Control::limit_exceeded(code, limit.detail()).blocking())
        }
    }
}

/// The report on a document that did not open: `control`, and the `others` unanswered.
pub(super) fn closed(control: Control, others: &[&'static str]) -> Report {
    let others = others.iter().map(|code| unanswered(code));
    Report {
        controls: std::iter::once(control).chain(others).collect(),
        ..Report::default()
    }
}

/// A control that a closed document leaves without answer.
pub(super) fn unanswered(code: &'static str) -> Control {
    Control::skipped(code, "Sans réponse : le document ne s'ouvre pas.")
}
