//! Gzips that lie, each in one way; what comes out of one that does not is what went in.

use std::{fmt::Debug, io::Write};

use flate2::{Compression, GzBuilder, write::GzEncoder};
use navette::codec::{Format, Limits, Refusal, unpack};

use crate::kit::archive::{manifest_text, tar};

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// What came out, or the code of what is wrong.
fn unpacked(bytes: &[u8], limits: &Limits) -> Result<Vec<u8>, &'static str> {
    let mut text = Vec::new();
    let done = unpack(
        bytes,
        |part| {
            text.extend_from_slice(part);
            Ok(())
        },
        limits,
    );
    match done {
        Ok(done) => {
            assert_eq!(
                (done.size, done.read),
                (text.len() as u64, bytes.len() as u64)
            );
            Ok(text)
        }
        Err(Refusal::Unsafe(findings)) => Err(findings[0].code.as_str()),
        Err(other) => panic!("{other:?}"),
    }
}

#[track_caller]
fn refused(bytes: &[u8], code: &str, what: impl Debug) {
    let found = unpacked(bytes, &Limits::default()).map(|text| text.len());
    assert_eq!(found, Err(code), "{what:?}");
}

#[test]
fn a_gzip_comes_out_as_it_went_in_whatever_its_header_holds() {
    let text: Vec<u8> = (0..1_000_000_u32)
        .map(|at| (at.wrapping_mul(at) >> 7) as u8)
        .collect();
    assert!(unpacked(&gzip(&text), &Limits::default()).unwrap() == text);
    let mut full = GzBuilder::new()
        .filename("\u{e9}t\u{e9}.pdf")
        .comment("words")
        .extra(vec![7; 300])
        .mtime(1)
        .write(Vec::new(), Compression::fast());
    full.write_all(&text).unwrap();
    assert!(unpacked(&full.finish().unwrap(), &Limits::default()).unwrap() == text);
    assert_eq!(unpacked(&gzip(b""), &Limits::default()).unwrap(), b"");
}

#[test]
fn several_members_and_bytes_after_the_end_are_refused() {
    let one = gzip(b"words");
    refused(&[&one[..], &one].concat(), "gzip-members", "two members");
    refused(
        &[&one[..], &gzip(b"")].concat(),
        "gzip-members",
        "an empty one after it",
    );
    refused(&[&one[..], b"x"].concat(), "trailing-bytes", "a letter");
    refused(&[&one[..], &[0; 512]].concat(), "trailing-bytes", "zeros");
    // Zeros that fill up a record, as a packer does that writes to a pipe.
    let mut filled = one.clone();
    filled.resize(10_240, 0);
    assert!(unpack(&filled[..], |_| Ok(()), &Limits::default()).is_ok());
    filled.resize(20_480, 0);
    refused(&filled, "trailing-bytes", "another record of zeros");
}

#[test]
fn false_checksums_and_lengths_and_cuts_are_refused() {
    let one = gzip(b"some words that are long enough");
    let changed = |at: usize| {
        let mut bytes = one.clone();
        let at = bytes.len() - at;
        bytes[at] ^= 1;
        bytes
    };
    refused(&changed(8), "false-crc", "checksum");
    refused(&changed(1), "false-size", "length");
    for length in 3..one.len() {
        refused(&one[..length], "truncated", length);
    }
    let mut reserved = one.clone();
    reserved[3] = 0x80;
    refused(&reserved, "malformed", "reserved flags");
    let mut broken = one.clone();
    broken[10] = 0xFF;
    refused(&broken, "damaged-content", "no deflate");
    let endless = [
        &[0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 0][..],
        &vec![b'n'; 200_000],
    ]
    .concat();
    refused(&endless, "malformed", "an endless name");
}

#[test]
fn a_bomb_is_refused_long_before_it_is_unpacked() {
    let bomb = gzip(&vec![0; 50_000_000]);
    let mut made = 0;
    let done = unpack(
        &bomb[..],
        |part| {
            made += part.len();
            Ok(())
        },
        &Limits::default(),
    );
    assert!(
        matches!(done, Err(Refusal::Unsafe(findings)) if findings[0].code.as_str() == "ratio-exceeded")
    );
    assert!(made < 30_000_000, "{made}");
    refused(&gzip(&vec![0; 1_000_000]), "ratio-exceeded", "a small bomb");
    let few = Limits {
        bytes: 1000,
        ..Limits::default()
    };
    assert_eq!(
        unpacked(
            &gzip(&(0..2000).map(|at| (at % 251) as u8).collect::<Vec<_>>()),
            &few
        ),
        Err("too-large")
    );
}

#[test]
fn a_sink_that_fails_is_no_fault_of_the_archive() {
    let done = unpack(
        &gzip(b"words")[..],
        |_| Err(std::io::Error::other("no room")),
        &Limits::default(),
    );
    assert!(matches!(done, Err(Refusal::Unreadable(_))), "{done:?}");
}

#[test]
fn the_format_is_told_by_content() {
    let tar = tar::tar(&[
        tar::file("manifest.json", &manifest_text(&["a"])),
        tar::file("a", b"x"),
    ]);
    assert_eq!(Format::detect(&tar), Some(Format::Tar));
    assert_eq!(Format::detect(&gzip(&tar)), Some(Format::TarGz));
    assert_eq!(Format::detect(&gzip(b"%PDF-1.7 words")), Some(Format::Gz));
    assert_eq!(Format::detect(&gzip(b"")), Some(Format::Gz));
    assert_eq!(Format::detect(b"PK\x03\x04..."), Some(Format::Zip));
    for none in [
        &b""[..],
        b"%PDF-1.7",
        b"MZ\x90\0",
        b"BZh9",
        b"7z\xBC\xAF\x27\x1C",
        &[0; 1024],
        b"\x1f\x8b",
    ] {
        assert_eq!(Format::detect(none), None, "{none:?}");
    }
}
