//! The ledger: the ids of what was purged, in files beside the database, one for each run, so that a database that is
//! restored from an older backup can be purged of them again before anything is served.
//!
//! A file is lines of JSON: `{"reconciliationId":"…"}` for each exchange, `{"documentId":"…"}` for each content of a
//! télédossier that stays, twice where a run died in between, and the run's
//! report on the last line. It is synced before the exchange's blobs leave their queue.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::Report;
use crate::{
    domain::Context,
    kernel::fault::{Code, Fault, Result},
};

/// Where the ledger lies.
pub fn folder(ctx: &Context) -> PathBuf {
    ctx.config.gateway.data_dir.join("purges")
}

/// What a run destroyed, or what all runs did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// Exchanges, whole.
    pub exchanges: BTreeSet<Uuid>,
    /// Contents of attachments, of télédossiers that stay.
    pub documents: BTreeSet<Uuid>,
}

/// Notes what runs destroyed, durably.
pub async fn note(ctx: &Context, runs: &BTreeMap<Uuid, Named>) -> Result<()> {
    for (run, named) in runs {
        let exchange = |id: &Uuid| json!({ "reconciliationId": id }).to_string() + "\n";
        let document = |id: &Uuid| json!({ "documentId": id }).to_string() + "\n";
        let exchanges = named.exchanges.iter().map(exchange);
        let text: String = exchanges
            .chain(named.documents.iter().map(document))
            .collect();
        if !text.is_empty() {
            add(ctx, *run, text).await?;
        }
    }
    Ok(())
}

/// Writes a run's report as the last line of its file.
pub async fn close(ctx: &Context, run: Uuid, report: &Report) -> Result<()> {
    let text = json!({ "report": report }).to_string() + "\n";
    add(ctx, run, text).await
}

/// The report as a file, for whoever asks where it is.
pub fn file(ctx: &Context, run: Uuid) -> PathBuf {
    folder(ctx).join(format!("{run}.jsonl"))
}

async fn add(ctx: &Context, run: Uuid, text: String) -> Result<()> {
    let path = file(ctx, run);
    let written = tokio::task::spawn_blocking(move || append(&path, text.as_bytes()));
    written
        .await
        .map_err(Fault::internal)?
        .map_err(|error| Fault::unavailable(format!("the ledger of purges: {error}")))
}

fn append(path: &Path, text: &[u8]) -> io::Result<()> {
    let is_new = !path.exists();
    let folder = path.parent().unwrap_or(Path::new("."));
    if is_new {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    let mut file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text)?;
    file.sync_data()?;
    match is_new {
        true => {
            File::open(folder)?.sync_all()?;
            let above = folder.parent().unwrap_or(Path::new("."));
            File::open(above)?.sync_all()
        }
        false => Ok(()),
    }
}

/// Everything that the files of `folder` name; a folder that is not there names nothing. A last line that a power cut
/// left half is passed over. Fails with `corrupt` on any other line that does not read.
pub fn read(folder: &Path) -> Result<Named> {
    let mut all = Named::default();
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(all),
        Err(error) => return Err(refused(folder, &error)),
    };
    for entry in entries {
        let path = entry.map_err(|error| refused(folder, &error))?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "jsonl")
        {
            let text = fs::read_to_string(&path).map_err(|error| refused(&path, &error))?;
            lines(&path, &text, &mut all)?;
        }
    }
    Ok(all)
}

fn lines(path: &Path, text: &str, all: &mut Named) -> Result<()> {
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    for line in whole.lines() {
        let line: Json = serde_json::from_str(line).map_err(|error| unreadable(path, &error))?;
        let id = |name: &str| -> Result<Option<Uuid>> {
            let text = line[name].as_str();
            let id = text.map(str::parse::<Uuid>).transpose();
            id.map_err(|error| unreadable(path, &error))
        };
        all.exchanges.extend(id("reconciliationId")?);
        all.documents.extend(id("documentId")?);
    }
    Ok(())
}

fn refused(path: &Path, error: &io::Error) -> Fault {
    Fault::unavailable(format!("{}: {error}", path.display()))
}

fn unreadable(path: &Path, error: &dyn std::fmt::Display) -> Fault {
    let detail = format!("{}: not a ledger of purges", path.display());
    Fault::new(Code::Corrupt, detail).because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_reads_back_once_and_half_a_last_line_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let path = folder.path().join("purges").join("run.jsonl");
        for id in [one, two, one] {
            let line = json!({ "reconciliationId": id }).to_string() + "\n";
            append(&path, line.as_bytes()).unwrap();
        }
        let content = json!({ "documentId": two }).to_string() + "\n";
        append(&path, content.as_bytes()).unwrap();
        append(&path, b"{\"report\":{}}\n{\"reconcil").unwrap();
        let read_back = read(&folder.path().join("purges")).unwrap();
        assert_eq!(read_back.exchanges, BTreeSet::from([one, two]));
        assert_eq!(read_back.documents, BTreeSet::from([two]));
        let nowhere = read(&folder.path().join("nowhere")).unwrap();
        assert_eq!(nowhere, Named::default());
        append(&path, b"\n{}\n").unwrap();
        assert_eq!(
            read(&folder.path().join("purges")).unwrap_err().code(),
            Code::Corrupt
        );
    }
}
