//! The vault as its callers see it: round trips, ranges, a full disk; [`writing`] has the writers that fail, [`tampering`] the
//! damage.

mod tampering;
mod writing;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use futures_util::TryStreamExt;
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::kernel::{
    clock::instant,
    digest::{Algorithm, sha256},
    fault::Code,
};

const TEXT: usize = frame::TEXT;
const GROUP: usize = frame::GROUP * frame::TEXT;

struct Kit {
    root: TempDir,
    vault: Vault,
    clock: Clock,
    key: Key,
}

impl Kit {
    fn new() -> Self {
        let root = TempDir::new().unwrap();
        let clock = Clock::frozen(instant(1_700_000_000_000_000));
        let vault = Vault::open(root.path(), clock.clone(), Entropy::system()).unwrap();
        let key = Key::new([5; 32]);
        Self {
            root,
            vault,
            clock,
            key,
        }
    }

    async fn store(&self, text: &[u8]) -> Stored {
        self.store_as(text, true).await
    }

    async fn store_as(&self, text: &[u8], with_sha512: bool) -> Stored {
        let mut writer = self.vault.create(&self.key, with_sha512).unwrap();
        for chunk in text.chunks(10_007) {
            writer.write(chunk).await.unwrap();
        }
        writer.finish().await.unwrap()
    }

    async fn open(&self, stored: &Stored) -> Result<BlobReader> {
        self.vault.reader(stored.id, &self.key, stored.size).await
    }

    async fn read(&self, stored: &Stored) -> Result<Vec<u8>> {
        self.open(stored).await?.read_all(u64::MAX).await
    }

    fn path(&self, stored: &Stored) -> PathBuf {
        self.vault.layout.blob(stored.id)
    }

    fn files(&self) -> usize {
        files_under(self.root.path())
    }
}

fn files_under(root: &Path) -> usize {
    let count = |entry: fs::DirEntry| match entry.file_type().unwrap().is_dir() {
        true => files_under(&entry.path()),
        false => 1,
    };
    fs::read_dir(root).unwrap().map(|e| count(e.unwrap())).sum()
}

fn text(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at * 31 + at / 251) as u8).collect()
}

fn code<T>(result: Result<T>) -> Option<Code> {
    result.err().map(|fault| fault.code())
}

#[tokio::test]
async fn every_size_around_a_border_comes_back_as_it_was() {
    let kit = Kit::new();
    let borders = [0, TEXT, 2 * TEXT, GROUP, GROUP + TEXT, 2 * GROUP];
    for size in borders.iter().flat_map(|b| b.saturating_sub(1)..=b + 1) {
        let text = text(size);
        let stored = kit.store(&text).await;
        assert_eq!(stored.size, size as u64);
        assert_eq!(stored.prefix, text[..size.min(PREFIX_BYTES)]);
        assert_eq!(stored.digests.sha256, sha256(&text));
        assert_eq!(kit.read(&stored).await.unwrap(), text, "size {size}");
        let verified = kit.open(&stored).await.unwrap().verify(true).await;
        assert_eq!(verified.unwrap(), stored.digests);
    }
}

#[tokio::test]
async fn the_file_holds_no_text_and_is_its_owners_alone() {
    let kit = Kit::new();
    let stored = kit.store(&[b'A'; 200_000]).await;
    let file = fs::read(kit.path(&stored)).unwrap();
    assert_eq!(file.len() as u64, frame::file_length(200_000));
    assert!(!file.windows(8).any(|window| window == b"AAAAAAAA"));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&kit.path(&stored)), 0o600);
    assert_eq!(mode(kit.path(&stored).parent().unwrap()), 0o700);
}

#[tokio::test]
async fn sha_512_is_computed_only_on_demand() {
    let kit = Kit::new();
    let writer = kit.vault.create(&kit.key, false).unwrap();
    let digests = writer.finish().await.unwrap().digests;
    assert!(digests.of(Algorithm::Sha512).is_none());
    assert!(kit.store(b"").await.digests.of(Algorithm::Sha512).is_some());
}

#[tokio::test]
async fn a_range_beyond_the_end_and_a_blob_beyond_the_limit_are_refused() {
    let kit = Kit::new();
    let stored = kit.store(&text(10)).await;
    let reader = kit.open(&stored).await.unwrap();
    let beyond = collect(&reader, 0..11).await;
    assert_eq!(code(beyond), Some(Code::RangeNotSatisfiable));
    assert_eq!(collect(&reader, 10..10).await.unwrap(), b"");
    assert_eq!(code(reader.read_all(9).await), Some(Code::TooLarge));
}

async fn collect(reader: &BlobReader, range: std::ops::Range<u64>) -> Result<Vec<u8>> {
    let parts: Vec<_> = reader.stream(range)?.try_collect().await?;
    Ok(parts.concat())
}

#[test]
fn any_range_is_that_part_of_the_text() {
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    let kit = Kit::new();
    let all = text(2 * GROUP + 12_345);
    let stored = runtime.block_on(kit.store(&all));
    let reader = runtime.block_on(kit.open(&stored)).unwrap();
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |(one in 0..=all.len(), two in 0..=all.len())| {
        let range = one.min(two)..one.max(two);
        let read = runtime.block_on(collect(&reader, range.start as u64..range.end as u64));
        prop_assert!(read.unwrap() == all[range]);
    });
}

#[tokio::test]
async fn a_listing_tells_ids_sizes_and_dates_and_leaves_foreign_files_out() {
    let kit = Kit::new();
    let stored = kit.store(&text(TEXT + 1)).await;
    fs::write(kit.path(&stored).with_file_name("notes.txt"), "x").unwrap();
    let listed: Vec<_> = kit.vault.list().map(Result::unwrap).collect();
    let entry = Entry {
        id: stored.id,
        size: Some(TEXT as u64 + 1),
        created: kit.clock.now(),
    };
    assert_eq!(listed, [entry]);
}

#[tokio::test]
async fn a_sweep_removes_old_parts_and_neither_young_ones_nor_blobs() {
    let kit = Kit::new();
    let stored = kit.store(b"kept").await;
    let leave_part = || {
        let id = Entropy::system().uuid(&kit.clock).unwrap();
        fs::write(kit.vault.layout.blob(id).with_extension("part"), "half").unwrap();
    };
    leave_part();
    kit.clock.set(instant(1_700_000_500_000_000));
    leave_part();
    let old = kit.vault.parts(kit.clock.now()).await.unwrap();
    let swept = kit.vault.remove_parts(old).await.unwrap();
    assert_eq!((swept, kit.files()), (1, 2));
    assert_eq!(kit.read(&stored).await.unwrap(), b"kept");
}

#[test]
fn a_root_that_cannot_be_written_is_refused_at_the_start() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let opened = Vault::open(file.path(), Clock::system(), Entropy::system());
    assert_eq!(code(opened), Some(Code::Unavailable));
}

/// Runs [`on_a_disk_of_4_mb`] in a mount namespace of its own, over a small tmpfs: root or user namespaces are needed.
#[test]
fn a_full_disk_refuses_the_blob_and_leaves_nothing_of_it() {
    let root = TempDir::new().unwrap();
    let script = "mount -t tmpfs -o size=4m none \"$NAVETTE_SMALL_DISK\" && exec \"$0\" --exact --ignored vault::tests::on_a_disk_of_4_mb";
    let status = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", script])
        .arg(std::env::current_exe().unwrap())
        .env("NAVETTE_SMALL_DISK", root.path())
        .status()
        .unwrap();
    assert!(
        status.success(),
        "neither root nor user namespaces, or the test failed: {status}"
    );
}

#[tokio::test]
#[ignore = "run by a_full_disk_refuses_the_blob_and_leaves_nothing_of_it, which gives it a small disk"]
async fn on_a_disk_of_4_mb() {
    let root = PathBuf::from(std::env::var_os("NAVETTE_SMALL_DISK").unwrap());
    let vault = Vault::open(&root, Clock::system(), Entropy::system()).unwrap();
    let key = Key::new([5; 32]);
    let mut writer = vault.create(&key, false).unwrap();
    let piece = text(GROUP);
    let mut refusal = None;
    while refusal.is_none() {
        refusal = code(writer.write(&piece).await);
        assert!(writer.size() < 8_000_000, "the disk took more than it has");
    }
    assert_eq!(refusal, Some(Code::StorageFull));
    assert_eq!(code(writer.write(b"more").await), Some(Code::Unavailable));
    drop(writer);
    assert_eq!(files_under(&root), 0);
    let small = vault.create(&key, false).unwrap();
    assert!(small.finish().await.is_ok(), "the room is free again");
}

#[tokio::test]
async fn a_blob_reads_as_a_file_from_wherever_one_seeks() {
    use std::io::{Read, Seek, SeekFrom};

    let kit = Kit::new();
    let text = text(3 * GROUP + 77);
    let stored = kit.store(&text).await;
    let reader = kit.open(&stored).await.unwrap();
    let work = move || {
        let mut file = reader.seekable();
        assert_eq!(file.size(), text.len() as u64);
        for (at, size) in [
            (0, 10),
            (GROUP - 5, 10),
            (2 * GROUP, GROUP + 77),
            (7, 2 * GROUP),
        ] {
            file.seek(SeekFrom::Start(at as u64)).unwrap();
            let mut bytes = vec![0; size];
            file.read_exact(&mut bytes).unwrap();
            assert!(bytes == text[at..at + size], "{size} bytes at {at}");
        }
        let mut end = Vec::new();
        file.clone().seek(SeekFrom::End(-3)).unwrap();
        file.seek(SeekFrom::End(-3)).unwrap();
        file.read_to_end(&mut end).unwrap();
        assert_eq!(end, text[text.len() - 3..]);
        assert_eq!(file.read(&mut [0]).unwrap(), 0);
        assert!(file.seek(SeekFrom::Current(-1 << 40)).is_err());
    };
    tokio::task::spawn_blocking(work).await.unwrap();
}
