//! Files of a backup: copied with their digests, listed, synced, checked.

use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, BufReader, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Component, Path, PathBuf},
};

use crate::kernel::{
    digest::{Hasher, Sha256, from_hex, hex},
    fault::{Code, Fault, Result},
};

/// How many bytes are read at once.
const CHUNK: usize = 256 * 1024;

/// Digests by relative path, in order.
pub type Sums = BTreeMap<String, Sha256>;

/// A fault of the disk at a path.
pub fn refused(path: &Path) -> impl Fn(io::Error) -> Fault {
    let path = path.display().to_string();
    move |error| match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Fault::new(Code::StorageFull, format!("{path}: no room left")).because(error)
        }
        _ => Fault::unavailable(format!("{path}: {error}")),
    }
}

/// A new file, private to its owner.
pub fn create(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    options.open(path).map_err(refused(path))
}

/// A folder, private to its owner, with those above it.
pub fn folder(path: &Path) -> Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder.create(path).map_err(refused(path))
}

/// Copies a file and answers the digest of its bytes; nothing where there is none to copy.
pub fn copy(from: &Path, to: &Path) -> Result<Option<Sha256>> {
    let mut input = match File::open(from) {
        Ok(input) => input,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(refused(from)(error)),
    };
    let mut output = create(to)?;
    digest(&mut input, from, |bytes| {
        output.write_all(bytes).map_err(refused(to))
    })
    .map(Some)
}

/// Copies a file durably, whole under its name or not at all, whatever lay there; the digest of its bytes, or nothing where
/// there is none to copy. A copy that died on the way is begun again.
pub fn replace(from: &Path, to: &Path) -> Result<Option<Sha256>> {
    let part = to.with_extension("part");
    match fs::remove_file(&part) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(refused(&part)(error)),
    }
    let Some(sum) = copy(from, &part)? else {
        return Ok(None);
    };
    File::open(&part)
        .and_then(|file| file.sync_all())
        .and_then(|()| fs::rename(&part, to))
        .map_err(refused(to))?;
    Ok(Some(sum))
}

/// The digest of a file.
pub fn sum(path: &Path) -> Result<Sha256> {
    sum_and_lines(path).map(|(sum, _)| sum)
}

/// The digest of a file, and how many lines it has.
pub fn sum_and_lines(path: &Path) -> Result<(Sha256, u64)> {
    let mut input = File::open(path).map_err(refused(path))?;
    let mut lines = 0;
    let sum = digest(&mut input, path, |bytes| {
        lines += bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        Ok(())
    })?;
    Ok((sum, lines))
}

fn digest(
    input: &mut File,
    path: &Path,
    mut each: impl FnMut(&[u8]) -> Result<()>,
) -> Result<Sha256> {
    let (mut hasher, mut chunk) = (Hasher::new(false), vec![0; CHUNK]);
    loop {
        let read = input.read(&mut chunk).map_err(refused(path))?;
        if read == 0 {
            return Ok(hasher.finish().sha256);
        }
        hasher.update(&chunk[..read]);
        each(&chunk[..read])?;
    }
}

/// Brings everything of the file system that `path` is on to its disk.
pub fn sync(path: &Path) -> Result<()> {
    let folder = File::open(path).map_err(refused(path))?;
    rustix::fs::syncfs(&folder).map_err(|error| refused(path)(error.into()))
}

/// Writes a small file durably: whole under its name, or not at all.
pub fn publish(path: &Path, text: &[u8]) -> Result<()> {
    let part = path.with_extension("part");
    let mut file = File::create(&part).map_err(refused(&part))?;
    file.write_all(text)
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&part, path))
        .and_then(|()| File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all())
        .map_err(refused(path))
}

/// The hash list as `sha256sum -c` reads it.
pub fn listed(sums: &Sums) -> String {
    let line = |(name, sum): (&String, &Sha256)| format!("{}  {name}\n", hex(sum));
    sums.iter().map(line).collect()
}

/// Reads a hash list. Fails with `corrupt` where a line does not read, or leaves the folder.
pub fn read_list(path: &Path) -> Result<Sums> {
    let text = fs::read_to_string(path).map_err(|error| {
        let detail = format!("{}: no backup there", path.display());
        Fault::new(Code::Usage, detail).because(error)
    })?;
    let lines = text.lines().map(|line| {
        let (sum, name) = line.split_once("  ")?;
        let sum = from_hex(sum)?.try_into().ok()?;
        is_inside(name).then(|| (name.to_owned(), sum))
    });
    let sums: Option<Sums> = lines.collect();
    sums.ok_or_else(|| Fault::new(Code::Corrupt, format!("{}: no hash list", path.display())))
}

fn is_inside(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    !name.is_empty() && parts.all(|part| matches!(part, Component::Normal(_)))
}

/// The files of a folder that have this ending, by name; none where the folder is not there.
pub fn of_kind(folder: &Path, ending: &str) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(refused(folder)(error)),
    };
    let paths: io::Result<Vec<_>> = entries.map(|entry| Ok(entry?.path())).collect();
    let mut paths = paths.map_err(refused(folder))?;
    paths.retain(|path| path.extension().is_some_and(|found| found == ending));
    paths.sort();
    Ok(paths)
}

/// Opens a file of a backup for reading.
pub fn open(path: &Path) -> Result<BufReader<File>> {
    File::open(path).map(BufReader::new).map_err(refused(path))
}

/// Whether a folder is not there, or has nothing in it.
pub fn is_vacant(path: &Path) -> Result<bool> {
    match fs::read_dir(path) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(refused(path)(error)),
    }
}

/// Runs `work` on a thread that may block.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(Fault::internal)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_list_reads_back_and_none_leads_out_of_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("SHA256SUMS");
        let sums = Sums::from([
            ("rows/a.jsonl".to_owned(), [1; 32]),
            ("b".to_owned(), [2; 32]),
        ]);
        publish(&path, listed(&sums).as_bytes()).unwrap();
        assert_eq!(read_list(&path).unwrap(), sums);
        for bad in ["../b", "/b", "a/../../b", ""] {
            publish(&path, format!("{}  {bad}\n", hex(&[3; 32])).as_bytes()).unwrap();
            assert_eq!(read_list(&path).unwrap_err().code(), Code::Corrupt, "{bad}");
        }
        assert_eq!(read_list(folder.path()).unwrap_err().code(), Code::Usage);
    }

    #[test]
    fn a_copy_has_the_digest_of_its_bytes_and_a_missing_file_none() {
        let folder = tempfile::tempdir().unwrap();
        let [from, to] = ["from", "to"].map(|name| folder.path().join(name));
        fs::write(&from, vec![7; CHUNK + 1]).unwrap();
        let copied = copy(&from, &to).unwrap().unwrap();
        assert_eq!(copied, sum(&to).unwrap());
        assert_eq!(fs::read(&to).unwrap(), vec![7; CHUNK + 1]);
        assert!(
            copy(&folder.path().join("nothing"), &folder.path().join("x"))
                .unwrap()
                .is_none()
        );
    }
}
