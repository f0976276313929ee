//! The second half of the main job: the same documents in one archive, from the depot to the acknowledgment of its return.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::time::sleep;

use super::{
    application::Application,
    depot::Depot,
    document::Document,
    gateway, proof,
    stage::{self, APPLICATION, DEPOT, PROJECT, Stage},
};
use crate::kernel::{
    digest::{Hasher, hex},
    fault::{Code, Fault, Result},
};

/// How many seconds the receipt may take.
const RECEIPT: &str = "25";
/// How long the return may take.
const RETURN: Duration = Duration::from_secs(60);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(20);

/// What became of the archive.
pub struct Told {
    /// Its name on the depot.
    pub name: String,
    /// In bytes.
    pub size: u64,
    /// Its reconciliation id.
    pub id: String,
    /// From the drop to the receipt in the sender's hands.
    pub took: Duration,
    /// Its events, oldest first.
    pub events: Vec<Value>,
    /// Each thing that was checked, and whether it holds.
    pub verdicts: Vec<(String, bool)>,
}

/// Packs the documents, drops the archive, waits for receipt and return, and acknowledges that.
pub async fn perform(
    stage: &Stage,
    depot: &Depot,
    application: &Application,
    documents: &[&Document],
    dossier: &str,
) -> Result<Told> {
    let archive = packed(stage, documents, dossier).await?;
    let started = Instant::now();
    let path = archive.display().to_string();
    let send = [
        "archive", "send", &path, "--depot", DEPOT, "--wait", RECEIPT, "--json",
    ];
    let sent = gateway::run(stage, &send).await?;
    let took = started.elapsed();
    let receipt = &sent["receipt"]["document"];
    let id = receipt["reconciliationId"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let returned = returned(depot).await?;
    let said = return_json(&returned)?;
    acknowledge(depot, &returned)?;
    let events = proof::events(application, &id, true).await?;
    let (size, sha256) = digest(&archive)?;
    let proven = proof::message(stage, &archive.with_extension("zip.ack.p7s"))
        .await?
        .1;
    let pieces = said["pieces"].as_array().map_or(0, Vec::len);
    let verdicts = vec![
        (
            "receipt verified by openssl; it proves this id, size and SHA-256".to_owned(),
            proven.is_some_and(|proven| {
                proven == *receipt
                    && proven["sha256"] == hex(&sha256).as_str()
                    && proven["size"] == size
            }),
        ),
        (
            format!(
                "one return archive, for all of its {} pieces",
                documents.len()
            ),
            pieces == documents.len() && said["reconciliationId"] == id.as_str(),
        ),
        (
            "the source has left the depot".to_owned(),
            fs::read_dir(depot.path("in")).is_ok_and(|mut left| left.next().is_none()),
        ),
    ];
    Ok(Told {
        name: name_of(&archive),
        size,
        id,
        took,
        events,
        verdicts,
    })
}

/// A folder with a copy of each document, made an archive as its builder would.
async fn packed(stage: &Stage, documents: &[&Document], dossier: &str) -> Result<PathBuf> {
    let (lots, folder) = (stage.path("lots"), stage.path("lots").join(dossier));
    fs::create_dir_all(&folder).map_err(Fault::unavailable)?;
    for document in documents {
        fs::copy(&document.path, folder.join(&document.uid)).map_err(Fault::unavailable)?;
    }
    let metadata = lots.join(format!("{dossier}.json"));
    let said = json!({
        "project": PROJECT, "sourceApplication": APPLICATION, "dossierId": dossier, "iteration": 1,
    });
    stage::put(&metadata, said.to_string())?;
    let archive = lots.join(format!("{dossier}.zip"));
    let [folder, metadata, output] =
        [&folder, &metadata, &archive].map(|path| path.display().to_string());
    let pack = [
        "archive",
        "pack",
        &folder,
        "--metadata",
        &metadata,
        "-o",
        &output,
        "--json",
    ];
    gateway::run(stage, &pack).await?;
    Ok(archive)
}

/// The return archive, once it lies on the depot.
async fn returned(depot: &Depot) -> Result<PathBuf> {
    let looking = async {
        loop {
            let files = fs::read_dir(depot.path("out"))
                .into_iter()
                .flatten()
                .flatten();
            let visible = |path: &PathBuf| !name_of(path).starts_with('.');
            if let Some(found) = files.map(|file| file.path()).find(visible) {
                return found;
            }
            sleep(LOOK).await;
        }
    };
    let late = |_| Fault::new(Code::Unavailable, "no return archive came to the depot");
    tokio::time::timeout(RETURN, looking).await.map_err(late)
}

/// What the return archive says.
fn return_json(archive: &Path) -> Result<Value> {
    let file = fs::File::open(archive).map_err(Fault::unavailable)?;
    let mut archive = zip::ZipArchive::new(file).map_err(Fault::internal)?;
    let entry = archive.by_name("return.json").map_err(Fault::internal)?;
    serde_json::from_reader(entry).map_err(Fault::internal)
}

/// The partner's word that he has it: written under another name, then renamed.
fn acknowledge(depot: &Depot, returned: &Path) -> Result<()> {
    let name = format!("{}.ack.json", name_of(returned));
    let (part, whole) = (
        depot.path("acks").join(format!(".{name}")),
        depot.path("acks").join(&name),
    );
    let word = json!({ "acknowledgmentId": "AR-DEMO", "outcome": "accepted" });
    stage::put(&part, word.to_string())?;
    fs::rename(part, whole).map_err(Fault::unavailable)
}

fn digest(path: &Path) -> Result<(u64, [u8; 32])> {
    let bytes = stage::read(path)?;
    let mut hasher = Hasher::new(false);
    hasher.update(&bytes);
    Ok((bytes.len() as u64, hasher.finish().sha256))
}

fn name_of(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}
