//! Files that are not what was written: each kind of damage is found before a byte leaves.

use super::*;

#[tokio::test]
async fn a_flipped_byte_anywhere_is_corrupt() {
    let kit = Kit::new();
    let stored = kit.store(&text(2 * TEXT + 100)).await;
    let path = kit.path(&stored);
    let good = fs::read(&path).unwrap();
    let last = good.len() - 1;
    let second = frame::HEADER + frame::SLOT;
    for at in [
        0,
        4,
        6,
        8,
        23,
        24,
        9_000,
        second - 1,
        second,
        last - 16,
        last,
    ] {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&path, bad).unwrap();
        assert_eq!(
            code(kit.read(&stored).await),
            Some(Code::Corrupt),
            "byte {at}"
        );
    }
    fs::write(&path, good).unwrap();
    assert!(kit.read(&stored).await.is_ok());
}

#[tokio::test]
async fn frames_that_were_swapped_cut_or_added_are_corrupt() {
    let kit = Kit::new();
    let stored = kit.store(&text(3 * TEXT)).await;
    let path = kit.path(&stored);
    let good = fs::read(&path).unwrap();
    let (first, second) = (frame::HEADER, frame::HEADER + frame::SLOT);
    let mut swapped = good.clone();
    let (left, right) = swapped[first..].split_at_mut(frame::SLOT);
    left.swap_with_slice(&mut right[..frame::SLOT]);
    let cut = good[..good.len() - frame::SLOT].to_vec();
    let added = [&good[..], &good[second..]].concat();
    for bad in [swapped, cut, added, good[..10].to_vec(), Vec::new()] {
        fs::write(&path, bad).unwrap();
        assert_eq!(code(kit.read(&stored).await), Some(Code::Corrupt));
    }
}

#[tokio::test]
async fn a_blob_cut_at_a_frame_is_corrupt_even_where_the_row_says_the_shorter_size() {
    let kit = Kit::new();
    let mut stored = kit.store(&text(3 * TEXT)).await;
    let path = kit.path(&stored);
    let good = fs::read(&path).unwrap();
    fs::write(&path, &good[..good.len() - frame::SLOT]).unwrap();
    stored.size = 2 * TEXT as u64;
    assert_eq!(code(kit.read(&stored).await), Some(Code::Corrupt));
}

#[tokio::test]
async fn a_frame_of_another_blob_is_corrupt_even_under_the_same_data_key() {
    let kit = Kit::new();
    let (one, two) = (kit.store(&text(100)).await, kit.store(&text(100)).await);
    let whole = fs::read(kit.path(&two)).unwrap();
    let mut body = fs::read(kit.path(&one)).unwrap();
    body[frame::HEADER..].copy_from_slice(&whole[frame::HEADER..]);
    for bad in [whole, body] {
        fs::write(kit.path(&one), bad).unwrap();
        assert_eq!(code(kit.read(&one).await), Some(Code::Corrupt));
    }
}

#[tokio::test]
async fn a_missing_blob_and_another_key_are_corrupt() {
    let kit = Kit::new();
    let stored = kit.store(b"abc").await;
    let other = kit.vault.reader(stored.id, &Key::new([6; 32]), 3).await;
    let read = other.unwrap().read_all(3).await;
    assert_eq!(code(read), Some(Code::Corrupt));
    assert!(kit.vault.remove(stored.id).await.unwrap());
    assert!(!kit.vault.remove(stored.id).await.unwrap());
    assert_eq!(code(kit.open(&stored).await), Some(Code::Corrupt));
}

#[tokio::test]
async fn a_range_reads_only_its_own_frames() {
    let kit = Kit::new();
    let all = text(3 * TEXT);
    let stored = kit.store(&all).await;
    let path = kit.path(&stored);
    let mut bad = fs::read(&path).unwrap();
    bad[frame::HEADER + 5] ^= 1;
    fs::write(&path, bad).unwrap();
    let reader = kit.open(&stored).await.unwrap();
    let from_second = TEXT as u64 + 7..3 * TEXT as u64;
    let sound = collect(&reader, from_second).await.unwrap();
    assert_eq!(sound, all[TEXT + 7..]);
    assert_eq!(code(collect(&reader, 0..1).await), Some(Code::Corrupt));
}
