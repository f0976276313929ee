//! A télédossier on its way: the ids that the hub gave it, by the order in which its sender wrote them (R6).

use serde_json::{Value, json};

use super::{FOLDERS, build::File, caller::Caller};

/// A folder that was created, with its files.
#[derive(Clone, Debug)]
pub struct Sent {
    /// The answer to its creation.
    pub folder: Value,
    /// Its files, in the order of `attachments`.
    pub files: Vec<File>,
}

impl Sent {
    /// Creates a folder of which `files` are the attachments.
    pub async fn create(osl: &Caller, folder: &Value, files: &[File]) -> Self {
        let answer = osl.post(&format!("{FOLDERS}/folders"), folder).await;
        Self {
            folder: answer.of(201).json(),
            files: files.to_vec(),
        }
    }

    /// Uploads every file.
    pub async fn upload(&self, osl: &Caller) {
        for (number, file) in self.files.iter().enumerate() {
            let path = self.file_path(number);
            let answer = osl.upload(&path, file.bytes.clone(), None).await;
            answer.of(204);
        }
    }

    /// Says that all is there.
    pub async fn complete(&self, osl: &Caller) {
        let body = json!({ "globalStatus": "HUBEE_COMPLETED" });
        osl.patch(&self.path(), &body).await.of(204);
    }

    /// The folder's id.
    pub fn id(&self) -> &str {
        text(&self.folder["id"])
    }

    /// The id of a case.
    pub fn case(&self, number: usize) -> &str {
        text(&self.folder["cases"][number]["id"])
    }

    /// The id of an attachment.
    pub fn attachment(&self, number: usize) -> &str {
        text(&self.folder["attachments"][number]["id"])
    }

    /// Where the folder is.
    pub fn path(&self) -> String {
        format!("{FOLDERS}/folders/{}", self.id())
    }

    /// Where a case is.
    pub fn case_path(&self, number: usize) -> String {
        format!("{FOLDERS}/cases/{}", self.case(number))
    }

    /// Where the OSL uploads an attachment.
    pub fn file_path(&self, number: usize) -> String {
        format!("{}/attachments/{}", self.path(), self.attachment(number))
    }

    /// Where the recipient of a case downloads an attachment.
    pub fn case_file_path(&self, case: usize, number: usize) -> String {
        format!(
            "{}/attachments/{}",
            self.case_path(case),
            self.attachment(number)
        )
    }
}

#[track_caller]
fn text(value: &Value) -> &str {
    value
        .as_str()
        .unwrap_or_else(|| panic!("an id is a text: {value}"))
}
