use std::{io::Read, process::Command};

use proptest::prelude::*;

use super::*;
use crate::{
    codec::{CodePage, Directory, Format, Limits, Window},
    kernel::clock::instant,
};

/// An archive of these entries, each written by pieces of `step` bytes.
fn archive(form: Form, entries: &[(String, Vec<u8>)], step: usize) -> Vec<u8> {
    let mut writer = Writer::new(form, instant(1_795_300_000_000_000));
    let mut made = Vec::new();
    for (name, bytes) in entries {
        writer
            .begin(name, bytes.len() as u64, Effort::Well)
            .unwrap();
        for piece in bytes.chunks(step) {
            writer.write(piece).unwrap();
            made.extend(writer.take().unwrap());
        }
        writer.end().unwrap();
    }
    made.extend(writer.finish().unwrap());
    made
}

fn some() -> Vec<(String, Vec<u8>)> {
    vec![
        ("return.json".to_owned(), b"{}".to_vec()),
        (
            "pieces/000001/1-pièce d'été.txt".to_owned(),
            vec![7; 300_000],
        ),
        (
            format!("pieces/000002/1-{}.png", "long".repeat(50)),
            (0..70_000).map(|i| (i * 7) as u8).collect(),
        ),
        ("vide".to_owned(), Vec::new()),
    ]
}

fn read_zip(bytes: Vec<u8>) -> Vec<(String, Vec<u8>)> {
    let mut zip = ::zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    (0..zip.len())
        .map(|index| {
            let mut entry = zip.by_index(index).unwrap();
            let mut text = Vec::new();
            entry.read_to_end(&mut text).unwrap();
            (entry.name().unwrap().into_owned(), text)
        })
        .collect()
}

fn read_tar(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut tar = ::tar::Archive::new(bytes);
    let entries = tar.entries().unwrap();
    entries
        .map(|entry| {
            let mut entry = entry.unwrap();
            let name = entry.path().unwrap().display().to_string();
            let mut text = Vec::new();
            entry.read_to_end(&mut text).unwrap();
            (name, text)
        })
        .collect()
}

#[test]
fn what_was_written_is_read_again_in_every_form() {
    assert_eq!(read_zip(archive(Form::Zip, &some(), 4096)), some());
    assert_eq!(read_tar(&archive(Form::Tar, &some(), 4096)), some());
    let mut text = Vec::new();
    let squeezed = archive(Form::TarGz, &some(), 4096);
    flate2::read::GzDecoder::new(&squeezed[..])
        .read_to_end(&mut text)
        .unwrap();
    assert_eq!(read_tar(&text), some());
}

#[test]
fn the_tools_of_the_system_read_it_too() {
    let folder = tempfile::tempdir().unwrap();
    let commands = [
        (
            Form::Zip,
            "a.zip",
            "python3 -m zipfile -t a.zip && python3 -m zipfile -e a.zip a.zip.d",
        ),
        (
            Form::Tar,
            "a.tar",
            "mkdir a.tar.d && tar -C a.tar.d -xf a.tar",
        ),
        (
            Form::TarGz,
            "a.tar.gz",
            "mkdir a.tar.gz.d && tar -C a.tar.gz.d -xzf a.tar.gz",
        ),
    ];
    for (form, name, command) in commands {
        std::fs::write(folder.path().join(name), archive(form, &some(), 999)).unwrap();
        let mut shell = Command::new("timeout");
        shell.args(["60", "sh", "-c", command]).current_dir(&folder);
        assert!(shell.status().unwrap().success(), "{name}");
        for (entry, bytes) in some() {
            let read = std::fs::read(folder.path().join(format!("{name}.d")).join(&entry)).unwrap();
            assert!(read == bytes, "{name}: {entry}");
        }
    }
}

/// More entries than the field of a plain zip counts.
#[test]
fn a_zip_of_seventy_thousand_entries_is_read_again() {
    let entries: Vec<_> = (0..70_000)
        .map(|index| (format!("{index}"), Vec::new()))
        .collect();
    let read = read_zip(archive(Form::Zip, &entries, 1));
    assert_eq!((read.len(), &read[69_999].0), (70_000, &"69999".to_owned()));
}

#[test]
fn an_entry_that_is_not_what_was_said_is_no_entry() {
    for form in [Form::Zip, Form::Tar, Form::TarGz] {
        let mut writer = Writer::new(form, Timestamp::UNIX_EPOCH);
        assert!(writer.write(b"x").is_err());
        writer.begin("a", 2, Effort::Well).unwrap();
        assert!(writer.begin("b", 1, Effort::Well).is_err());
        writer.write(b"x").unwrap();
        assert!(writer.end().is_err());
        let mut writer = Writer::new(form, Timestamp::UNIX_EPOCH);
        writer.begin("a", 1, Effort::Well).unwrap();
        assert!(writer.write(b"xx").is_err());
        assert!(writer.finish().is_err());
    }
}

/// Sizes of 64 bits: told to another program, and read by our own reader to the last byte, as is what lies behind.
#[test]
fn an_entry_of_more_than_four_gigabytes_has_sizes_of_64_bits() {
    let (size, zeros) = ((4 << 30) + 1_000_000, vec![0; 4 << 20]);
    let mut writer = Writer::new(Form::Zip, Timestamp::UNIX_EPOCH);
    writer.begin("zeros", size, Effort::Fast).unwrap();
    let (mut made, mut left) = (Vec::new(), size);
    while left > 0 {
        let step = left.min(zeros.len() as u64);
        writer.write(&zeros[..step as usize]).unwrap();
        made.extend(writer.take().unwrap());
        left -= step;
    }
    writer.end().unwrap();
    writer.begin("after", 8, Effort::Fast).unwrap();
    writer.write(b"after it").unwrap();
    writer.end().unwrap();
    made.extend(writer.finish().unwrap());
    let expected = [("zeros".to_owned(), size), ("after".to_owned(), 8)];
    assert_eq!(read_to_the_end(&made), expected);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.zip"), made).unwrap();
    let script = format!(
        "import zipfile\nassert [i.file_size for i in zipfile.ZipFile('a.zip').infolist()] == [{size}, 8]"
    );
    let mut python = Command::new("timeout");
    python.args(["60", "python3", "-c", &script]);
    assert!(python.current_dir(&folder).status().unwrap().success());
}

/// Names and sizes of a zip's entries, each read to its end, where its checksum is compared.
fn read_to_the_end(bytes: &[u8]) -> Vec<(String, u64)> {
    let mut source = Window::new(std::io::Cursor::new(bytes)).unwrap();
    // Nothing but zeros is a bomb by its ratio.
    let limits = Limits {
        ratio: 10_000,
        ..Limits::default()
    };
    let found = Directory::read(&mut source, Format::Zip, &limits, CodePage::Utf8).unwrap();
    let entries = found.entries.iter();
    let read = entries.map(|entry| {
        let mut reader = entry.open(&mut source);
        let size = std::io::copy(&mut reader, &mut std::io::sink()).unwrap();
        (entry.name.to_string(), size)
    });
    read.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_the_names_and_sizes_the_entries_come_back(
        entries in prop::collection::btree_map("[a-zé]{1,130}", prop::collection::vec(any::<u8>(), 0..2000), 0..8),
        step in 1usize..700,
    ) {
        let entries: Vec<_> = entries.into_iter().collect();
        prop_assert_eq!(&read_zip(archive(Form::Zip, &entries, step)), &entries);
        prop_assert_eq!(&read_tar(&archive(Form::Tar, &entries, step)), &entries);
    }
}
