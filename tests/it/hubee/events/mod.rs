//! Events (R30 to R36): what is posted on a case, what follows from it, who is told.
//!
//! | file | what is shown |
//! |---|---|
//! | `deposits` | files that come with an event, until it is sent or withdrawn |
//! | `follow` | the case that moves, the other side that is told |
//! | `posting` | what is taken, what is shown to whom, and every refusal |

mod deposits;
mod follow;
mod posting;

use serde_json::Value;

use crate::kit::hubee::{caller::Caller, sent::Sent};

/// An id that nothing has.
const NOBODY: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

/// Where the events of a folder's first case are.
fn events(sent: &Sent) -> String {
    format!("{}/events", sent.case_path(0))
}

/// Posts an event; the answer, and where it is.
async fn posted(caller: &Caller, sent: &Sent, event: &Value) -> (Value, String) {
    let answer = caller.post(&events(sent), event).await.of(201).json();
    let path = format!("{}/{}", events(sent), text(&answer["id"]));
    (answer, path)
}

/// Where the file of an event's attachment is.
fn file_path(event: &Value, path: &str, number: usize) -> String {
    format!(
        "{path}/attachments/{}",
        text(&event["attachments"][number]["id"])
    )
}

/// The status of a folder's first case.
async fn case_status(caller: &Caller, sent: &Sent) -> String {
    let case = caller.get(&sent.case_path(0)).await.of(200).json();
    text(&case["status"]).to_owned()
}

#[track_caller]
fn text(value: &Value) -> &str {
    value
        .as_str()
        .unwrap_or_else(|| panic!("not a text: {value}"))
}
