//! Writers: hashed in company, dropped, or refused by the disk half-way.

use futures_util::future::join_all;

use super::{crew::Crew, *};

#[tokio::test(flavor = "multi_thread")]
async fn blobs_that_a_crew_hashes_together_come_back_as_they_were() {
    let mut kit = Kit::new();
    kit.vault.crew = Arc::new(Crew::new(Lanes::widest()).unwrap());
    let sizes = [0, 1, GROUP - 1, GROUP, GROUP + 1, 3 * GROUP, 5 * GROUP + 77];
    let texts: Vec<_> = sizes.into_iter().map(text).collect();
    let stored = join_all(texts.iter().map(|text| kit.store_as(text, false))).await;
    for (stored, text) in stored.iter().zip(&texts) {
        assert_eq!(stored.digests.sha256, sha256(text));
        let read = kit.read(stored).await.unwrap();
        assert!(read == *text, "{} bytes", stored.size);
    }
}

#[test]
fn a_dropped_writer_leaves_nothing() {
    let kit = Kit::new();
    for size in [0, 10, GROUP + 1, 3 * GROUP + 1] {
        // A runtime of its own: its shutdown waits for the tasks that remove files.
        let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
        runtime.block_on(async {
            let mut writer = kit.vault.create(&kit.key, false).unwrap();
            writer.write(&text(size)).await.unwrap();
        });
        drop(runtime);
        assert_eq!(kit.files(), 0, "size {size}");
    }
    assert_eq!(kit.vault.list().count(), 0);
}

#[tokio::test]
async fn a_blob_that_cannot_get_its_name_is_refused_once_and_leaves_nothing() {
    let kit = Kit::new();
    let mut writer = kit.vault.create(&kit.key, false).unwrap();
    writer.write(&text(GROUP + 1)).await.unwrap();
    fs::create_dir(kit.vault.layout.blob(writer.id())).unwrap();
    assert_eq!(code(writer.finish().await), Some(Code::Unavailable));
    assert_eq!(kit.files(), 0);
}

#[tokio::test]
async fn a_blob_whose_file_cannot_be_made_is_lost_whoever_asks_first() {
    // A later group waits for the first, and learns what became of it: the second where each hashes alone, the third in company.
    for lanes in [Lanes::One, Lanes::widest()] {
        let learning = if lanes.most() == 1 { 2 } else { 3 };
        lost(lanes, learning - 1, None).await;
        lost(lanes, learning, Some(Code::Unavailable)).await;
    }
}

/// Writes so many groups and a byte where no file can be made: what is told at once, and that it is told in the end.
async fn lost(lanes: Lanes, groups: usize, told: Option<Code>) {
    let mut kit = Kit::new();
    kit.vault.crew = Arc::new(Crew::new(lanes).unwrap());
    let mut writer = kit.vault.create(&kit.key, false).unwrap();
    let part = kit.vault.layout.blob(writer.id()).with_extension("part");
    fs::create_dir(part).unwrap();
    let written = writer.write(&text(groups * GROUP + 1)).await;
    assert_eq!(code(written), told, "{groups} groups, {lanes:?}");
    assert_eq!(code(writer.finish().await), Some(Code::Unavailable));
    assert_eq!(kit.files(), 0);
}
