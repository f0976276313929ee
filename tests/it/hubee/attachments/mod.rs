//! Attachments (R13 to R15b): files on their way in and out, and the antivirus between.
//!
//! | file | what is shown |
//! |---|---|
//! | `uploads` | what is taken, what is refused, what replaces what |
//! | `replaced` | what becomes of a file that another takes the place of |
//! | `cuts` | bodies that do not come to their end, or go on beyond it |
//! | `slow` | uploads that take their time, and no sweep takes for dead |
//! | `downloads` | digest, ranges, and what is no file |
//! | `antivirus` | infected files, and an antivirus that is away |
//! | `unjudged` | the incidents about files without a verdict |
//! | `memory` | files of a gigabyte, both ways |

mod antivirus;
mod cuts;
mod downloads;
mod memory;
mod replaced;
mod slow;
mod unjudged;
mod uploads;

use serde_json::Value;

use crate::kit::hubee::{
    build::{self, File},
    caller::Caller,
    hub::Hub,
    sent::Sent,
};

/// A folder of one case whose attachments are `files`; nothing is uploaded.
async fn created(hub: &Hub, external: &str, files: &[File]) -> Sent {
    let folder = build::folder(external, files);
    Sent::create(&hub.osl, &folder, files).await
}

/// Where a folder's attachment stands, as a caller who may read the folder sees it.
async fn status(caller: &Caller, sent: &Sent, number: usize) -> String {
    let folder = caller.get(&sent.path()).await.of(200).json();
    word(&folder["attachments"][number]["status"])
}

fn word(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("a status is a text: {value}"))
        .to_owned()
}

/// SHA-256 in base64, as the `digest` header has it.
fn digest(bytes: &[u8]) -> String {
    data_encoding::BASE64.encode(&navette::kernel::digest::sha256(bytes))
}
